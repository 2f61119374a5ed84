/*
 * Rows of a grid as text, for tests that compare screens with golden rows.
 */
#ifndef WEIR_TESTS_UI_ROWS_H
#define WEIR_TESTS_UI_ROWS_H

#include "base/buf.h"
#include "ui/grid.h"

/* A row without the blanks at its end. Appends. */
static inline void row_text(const struct grid *grid, int row, struct buf *out)
{
    size_t start = out->n;
    for (int column = 0; column < grid->columns; column++) {
        const struct cell *cell = grid_at(grid, row, column);
        buf_append(out, cell->text, cell->n);
    }
    while (out->n > start && out->p[out->n - 1] == ' ') {
        buf_truncate(out, out->n - 1);
    }
}

/* All rows, each ended by a newline, without the empty ones at the end. Give it to free(). */
static inline char *grid_dump(const struct grid *grid)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    size_t end = 0;
    for (int row = 0; row < grid->rows; row++) {
        size_t start = out.n;
        row_text(grid, row, &out);
        end = out.n > start ? out.n + 1 : end;
        buf_append_byte(&out, '\n');
    }
    buf_truncate(&out, end);
    return buf_detach(&out);
}

/* Text of its own, and nothing in it that would act on a terminal. */
static inline bool cell_is_sound(const struct cell *cell)
{
    for (int i = 0; i < cell->n; i++) {
        unsigned char byte = (unsigned char)cell->text[i];
        bool c1 = byte == 0xC2 && (unsigned char)cell->text[i + 1] < 0xA0;
        if (byte < 0x20 || byte == 0x7F || c1) {
            return false;
        }
    }
    return cell->width > 0 && cell->n > 0;
}

/* What must hold for every grid: cells cover each row without gap, and no byte in them could act on
 * a terminal. */
static inline bool grid_is_sound(const struct grid *grid)
{
    for (int row = 0; row < grid->rows; row++) {
        int covered = 0; /* columns before it belong to a cell */
        for (int column = 0; column < grid->columns; column++) {
            const struct cell *cell = grid_at(grid, row, column);
            if (column < covered ? cell->width != 0 : !cell_is_sound(cell)) {
                return false;
            }
            covered = column < covered ? covered : column + cell->width;
        }
        if (covered > grid->columns) {
            return false;
        }
    }
    return true;
}

#endif
