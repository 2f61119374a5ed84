/* Labels and what they stand for. */
#include "ui/chips.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static void chip_free(struct chip *chip)
{
    buf_release(&chip->content);
    free(chip);
}

void chips_release(struct chips *chips)
{
    while (chips->count) {
        chip_free(chips->items[--chips->count]);
    }
}

/* Lines of a text, the last one with or without its newline. */
static size_t lines_of(struct sv text)
{
    size_t lines = text.n > 0 && text.p[text.n - 1] != '\n';
    for (size_t i = 0; i < text.n; i++) {
        lines += text.p[i] == '\n';
    }
    return lines;
}

bool chip_is_worth_it(struct sv paste)
{
    return paste.n > CHIP_FROM_BYTES || lines_of(paste) > CHIP_FROM_LINES;
}

static void write_label(struct chip *chip, size_t lines, unsigned number)
{
    char which[16] = "";
    int n;
    if (number > 1) {
        snprintf(which, sizeof(which), " #%u", number);
    }
    if (lines > 1) {
        n = snprintf(chip->label, sizeof(chip->label), "[pasted %zu lines%s]", lines, which);
    } else {
        n = snprintf(chip->label, sizeof(chip->label), "[pasted %zu bytes%s]", chip->content.n,
                     which);
    }
    chip->label_n = (size_t)n;
}

static const struct chip *with_label(const struct chips *chips, const char *label)
{
    for (size_t i = 0; i < chips->count; i++) {
        if (strcmp(chips->items[i]->label, label) == 0) {
            return chips->items[i];
        }
    }
    return NULL;
}

static const struct chip *with_content(const struct chips *chips, struct sv paste)
{
    for (size_t i = 0; i < chips->count; i++) {
        if (sv_equal(buf_sv(&chips->items[i]->content), paste)) {
            return chips->items[i];
        }
    }
    return NULL;
}

const char *chips_add(struct chips *chips, struct sv paste)
{
    const struct chip *known = with_content(chips, paste);
    if (known || chips->count == CHIPS_MAX) {
        return known ? known->label : NULL;
    }
    struct chip *chip = xcalloc(1, sizeof(*chip));
    buf_init(&chip->content, paste.n);
    buf_append_sv(&chip->content, paste);
    unsigned number = 1;
    do {
        write_label(chip, lines_of(paste), number++);
    } while (with_label(chips, chip->label));
    chips->items[chips->count++] = chip;
    return chip->label;
}

void chips_keep(struct chips *chips, struct sv text)
{
    size_t kept = 0;
    for (size_t i = 0; i < chips->count; i++) {
        struct chip *chip = chips->items[i];
        if (sv_find_sv(text, sv_of(chip->label, chip->label_n)) < text.n) {
            chips->items[kept++] = chip;
        } else {
            chip_free(chip);
        }
    }
    chips->count = kept;
}

/* The chip whose label stands at the start of the text, or NULL. */
static const struct chip *at_start(const struct chips *chips, struct sv text)
{
    for (size_t i = 0; i < chips->count; i++) {
        const struct chip *chip = chips->items[i];
        if (sv_starts_with(text, sv_of(chip->label, chip->label_n))) {
            return chip;
        }
    }
    return NULL;
}

size_t chips_find(const struct chips *chips, struct sv text, size_t from,
                  const struct chip **ret_chip)
{
    size_t at = from > CHIP_LABEL_MAX ? from - CHIP_LABEL_MAX : 0;
    while (chips->count && (at += sv_find(sv_skip(text, at), '[')) < text.n) {
        const struct chip *chip = at_start(chips, sv_skip(text, at));
        if (chip && at + chip->label_n > from) {
            *ret_chip = chip;
            return at;
        }
        at += chip ? chip->label_n : 1;
    }
    return text.n;
}

bool chips_expand(const struct chips *chips, struct sv text, struct buf *out)
{
    const struct chip *chip;
    size_t done = 0;
    size_t at;
    while ((at = chips_find(chips, text, done, &chip)) < text.n) {
        buf_append(out, text.p + done, at - done);
        buf_append_sv(out, buf_sv(&chip->content));
        done = at + chip->label_n;
    }
    buf_append_sv(out, sv_skip(text, done));
    return buf_ok(out);
}
