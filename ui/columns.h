/*
 * Columns: two texts side by side, as rows of a given width, with what differs told apart.
 *
 * Both go on at the same row behind every line that ends in the same word of both; in between each
 * is laid out for itself (ui/layout.h) and the shorter one has empty rows.
 *
 * Threads: values of their owner. Ownership: the diff and its texts are borrowed as long as the
 * columns live.
 */
#ifndef WEIR_UI_COLUMNS_H
#define WEIR_UI_COLUMNS_H

#include "base/attr.h"
#include "base/word_diff.h"
#include "ui/grid.h"

struct columns_row {
    struct sv left, right; /* without newlines; empty where there is no more */
};

struct columns {
    const struct word_diff *diff;
    struct columns_row *rows;
    size_t count;
    int width; /* of each side */
};

/* `width` below 1 counts as 1. */
struct columns columns_make(const struct word_diff *diff, int width) NODISCARD;
void columns_release(struct columns *columns); /* zeroed afterwards */
/* Paints `row` into a row of the grid, the right side at `width` + 3. */
void columns_paint(const struct columns *columns, size_t row, struct grid *grid, int grid_row);

#endif
