/*
 * Choices: a list of things to choose from, as pickers and completion show it.
 *
 * Threads: values of their owner. Ownership: texts are copied. All text may come from anywhere:
 * whoever paints makes it safe.
 */
#ifndef WEIR_UI_CHOICES_H
#define WEIR_UI_CHOICES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/sv.h"

#define CHOICES_MAX 10000u

struct choice {
    char *text;  /* what it is called */
    char *note;  /* beside it, or NULL */
    char *value; /* what it means to whoever made the list, or NULL */
};

struct choices {
    struct choice *items;
    size_t count, cap;
    size_t start; /* which one is the first to be selected */
};

/* A zeroed struct is empty. Copies; NULL notes and values are fine. False: there are CHOICES_MAX.
 */
bool choices_add(struct choices *choices, struct sv text, const char *note, const char *value);
void choices_release(struct choices *choices);
/* By text, in the order of bytes. */
void choices_sort(struct choices *choices);

struct choice choice_copy(const struct choice *choice);
void choice_release(struct choice *choice);
/* Every word of the filter is somewhere in text or note; case does not count in ASCII. */
bool choice_matches(const struct choice *choice, struct sv filter);

#endif
