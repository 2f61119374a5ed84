/*
 * Grid: the screen as cells, before anything is painted.
 *
 * A cell holds one cluster (ui/width.h) and its style. A cluster of width w fills one cell and w-1
 * *covered* cells to its right, whose width is 0. Writing over a part of a cluster blanks the rest
 * of it, so a wide character is never left half. Writes outside the grid are clipped.
 *
 * Threads: values of their owner. Units: rows and columns from 0; any size from 0 on.
 */
#ifndef WEIR_UI_GRID_H
#define WEIR_UI_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sv.h"
#include "ui/style.h"
#include "ui/width.h"

struct cell {
    char text[CLUSTER_BYTES]; /* zero behind `n` */
    uint8_t n;
    uint8_t width; /* 0: covered by the cluster to its left */
    uint8_t style;
};

struct grid_place {
    int row, column;
};

struct grid {
    struct cell *cells; /* rows * columns, by rows */
    int rows, columns;
    int cursor_row, cursor_column; /* inside the grid, unless it is empty */
};

/* A zeroed struct is an empty grid. Sizes below 0 count as 0. All cells become blank. */
void grid_resize(struct grid *grid, int rows, int columns);
void grid_release(struct grid *grid);
void grid_clear(struct grid *grid);
bool grid_equal_cell(const struct cell *a, const struct cell *b);
/* The cell must be inside. */
struct cell *grid_at(const struct grid *grid, int row, int column);

/* A cluster that does not fit in front of `end` (clipped to the grid) is not written. Gives the
 * column behind it, or `end`. */
int grid_put(struct grid *grid, int row, int column, const struct cluster *cluster,
             enum style style);
/*
 * Writes one line of any text from `column` on, never past `end`: made safe, newlines and tabs as
 * blanks, cut with "…" when it is longer. Gives the column behind it.
 */
int grid_text(struct grid *grid, int row, int column, struct sv text, enum style style);
/* Gives the rest of a row a style, without changing what it says. */
void grid_style_row(struct grid *grid, int row, enum style style);
/* Places the cursor, clipped into the grid. */
void grid_cursor(struct grid *grid, int row, int column);

#endif
