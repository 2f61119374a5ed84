/* Lists to choose from. */
#include "ui/choices.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

bool choices_add(struct choices *choices, struct sv text, const char *note, const char *value)
{
    if (choices->count == CHOICES_MAX) {
        return false;
    }
    if (choices->count == choices->cap) {
        choices->cap = choices->cap ? choices->cap * 2 : 16;
        choices->items = xrealloc(choices->items, choices->cap * sizeof(choices->items[0]));
    }
    choices->items[choices->count++] = (struct choice){
        .text = xstrndup(text.p ? text.p : "", text.n),
        .note = xstrdup(note),
        .value = xstrdup(value),
    };
    return true;
}

void choices_release(struct choices *choices)
{
    while (choices->count) {
        choice_release(&choices->items[--choices->count]);
    }
    free(choices->items);
    *choices = (struct choices){.items = NULL};
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct choice *)a)->text, ((const struct choice *)b)->text);
}

void choices_sort(struct choices *choices)
{
    if (choices->count) {
        qsort(choices->items, choices->count, sizeof(choices->items[0]), compare);
    }
}

struct choice choice_copy(const struct choice *choice)
{
    return (struct choice){xstrdup(choice->text), xstrdup(choice->note), xstrdup(choice->value)};
}

void choice_release(struct choice *choice)
{
    free(choice->text);
    free(choice->note);
    free(choice->value);
    *choice = (struct choice){NULL, NULL, NULL};
}

static bool holds(const char *text, const char *word)
{
    return text && strcasestr(text, word);
}

bool choice_matches(const struct choice *choice, struct sv filter)
{
    bool all = true;
    for (filter = sv_trim(filter); all && filter.n; filter = sv_trim(filter)) {
        size_t end = sv_find(filter, ' ');
        char *word = xstrndup(filter.p, end);
        all = holds(choice->text, word) || holds(choice->note, word);
        free(word);
        filter = sv_skip(filter, end);
    }
    return all;
}
