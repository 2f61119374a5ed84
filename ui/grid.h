/*
 * Grid: the screen as cells, before anything is painted.
 *
 * A cell holds one cluster (ui/width.h) and its style. A cluster of width w fills one cell and w-1
 * *covered* cells to its right, whose width is 0. Writing over a part of a cluster blanks the rest
 * of it, so a wide character is never left half. Writes outside the grid are clipped.
 *
 * A cell may be a part of a link, which is a number here and a URI in a table of the grid.
 *
 * Threads: values of their owner. Units: rows and columns from 0; any size from 0 on.
 */
#ifndef WEIR_UI_GRID_H
#define WEIR_UI_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sv.h"
#include "ui/style.h"
#include "ui/width.h"

struct cell {
    char text[CLUSTER_BYTES]; /* zero behind `n` */
    uint8_t n;
    uint8_t width; /* 0: covered by the cluster to its left */
    uint8_t style;
    uint8_t link; /* 0: none; see grid_set_link */
};

struct grid_place {
    int row, column;
};

struct grid {
    struct cell *cells; /* rows * columns, by rows */
    int rows, columns;
    int cursor_row, cursor_column; /* inside the grid, unless it is empty */
    struct buf links;              /* URIs, a NUL behind each */
    uint8_t link_count;
    uint8_t link; /* of the cells that are put */
};

/* A zeroed struct is an empty grid. Sizes below 0 count as 0. All cells become blank. */
void grid_resize(struct grid *grid, int rows, int columns);
void grid_release(struct grid *grid);
void grid_clear(struct grid *grid);
/* Whether they look the same, whatever link they are a part of. */
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
/* What is put from now on is a part of this link; an empty view ends that. `uri` has no NUL. A grid
 * has room for 255 of them; what is too much is no link. */
void grid_set_link(struct grid *grid, struct sv uri);
/* Empty for 0 and for numbers that no cell has. Valid until the grid's next change. */
struct sv grid_link_uri(const struct grid *grid, uint8_t link);
/* The same table of links, for cells that were copied. */
void grid_copy_links(struct grid *grid, const struct grid *from);
/* Gives the rest of a row a style, without changing what it says. */
void grid_style_row(struct grid *grid, int row, enum style style);
/* Gives cells [from, to) of a row a style; what lies outside the grid is clipped. */
void grid_style_cells(struct grid *grid, const struct grid_place *from, int to, enum style style);
/* Places the cursor, clipped into the grid. */
void grid_cursor(struct grid *grid, int row, int column);

#endif
