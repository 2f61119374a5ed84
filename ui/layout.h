/*
 * Layout: text cut into rows for a width.
 *
 * Words stay whole where they can: a row ends after a blank, or beside a wide character; a word
 * longer than a row is cut. Blanks that come just behind a full row belong to it and are not shown.
 * Tabs go to the next multiple of 8 from the row's start. A wide character is never split; one that
 * is wider than the whole row gets a row of its own and is shown as a mark. A newline ends its row
 * and belongs to it; text that ends with one has an empty row behind it. Empty text is one row.
 *
 * Only the rows' starts are kept. Text that grew at its end costs what was added and ten rows,
 * whatever its length; and however it grew, the rows are those of the whole text.
 *
 * Threads: values of their owner. Ownership: the text is borrowed for each call.
 */
#ifndef WEIR_UI_LAYOUT_H
#define WEIR_UI_LAYOUT_H

#include "base/sv.h"
#include "ui/grid.h"
#include "ui/styled.h"

struct layout {
    size_t *starts; /* of the rows, ascending; the first is 0 */
    size_t count, cap;
    size_t text_n; /* length of the text that was laid out */
    int width;     /* 0: nothing was laid out yet */
    unsigned flags;
};

/* A zeroed struct is an empty layout; `flags` may be set to those of base/safe.h before use. */
void layout_release(struct layout *layout);
/* `text` is what it was at the last call, and perhaps more at its end; another width, or a shorter
 * text, begins anew. Widths below 1 count as 1. */
void layout_update(struct layout *layout, struct sv text, int width);
/* The text has changed from `offset` on, or the end moved: the next update goes on from before it.
 */
void layout_changed(struct layout *layout, size_t offset);

/* `row` < count. */
struct sv layout_row(const struct layout *layout, struct sv text, size_t row);
/* The row that holds the byte at `offset`; the last one for the text's end. */
size_t layout_row_at(const struct layout *layout, size_t offset);

/* Writes a row into columns [column, column + width) of the grid.
 * wide: grid, row and column are one place. */
void layout_paint(const struct layout *layout, struct sv row, struct grid *grid, int grid_row,
                  int column, enum style style);
/* The same for a row of styled text, which is what was laid out. */
void layout_paint_styled(const struct layout *layout, const struct styled *text, size_t row,
                         struct grid *grid, const struct grid_place *place);
/* Column of the byte at `offset` of the row, and the offset of the cluster at or before `column`.
 */
int layout_column_of(const struct layout *layout, struct sv row, size_t offset);
size_t layout_offset_at(const struct layout *layout, struct sv row, int column);

#endif
