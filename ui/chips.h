/*
 * Chips: big pastes folded to a label in the prompt, "[pasted 120 lines]".
 *
 * The label is plain text, so that everything an editor does with text (undo, cut and put in, the
 * prompts sent before) works with it; a label that is known here stands for its content, and is
 * moved over and deleted whole. Two pastes never have the same label, but the same paste twice has.
 *
 * Threads: values of their owner. Ownership: contents are copied. Units: bytes.
 */
#ifndef WEIR_UI_CHIPS_H
#define WEIR_UI_CHIPS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/sv.h"

#define CHIPS_MAX 32u
/* A paste of more lines or bytes is folded. */
#define CHIP_FROM_LINES 10u
#define CHIP_FROM_BYTES 2048u
#define CHIP_LABEL_MAX 64u

struct chip {
    char label[CHIP_LABEL_MAX];
    size_t label_n;
    struct buf content;
};

struct chips {
    struct chip *items[CHIPS_MAX];
    size_t count;
};

/* A zeroed struct is empty. */
void chips_release(struct chips *chips);
bool chip_is_worth_it(struct sv paste);
/* The label of a paste; NULL: there is no room. Valid until it is dropped. */
const char *chips_add(struct chips *chips, struct sv paste);
/* Drops those whose labels do not stand in the text. */
void chips_keep(struct chips *chips, struct sv text);
/* The first label in the text that ends behind `from`: its start, or text.n when there is none. */
size_t chips_find(const struct chips *chips, struct sv text, size_t from,
                  const struct chip **ret_chip);
/* Appends the text with contents for labels. False: the buffer is full. */
bool chips_expand(const struct chips *chips, struct sv text, struct buf *out);

#endif
