/*
 * Markdown: a growing text as rows of cells.
 *
 * ui/blocks.h cuts it into blocks; each is turned into styled text (ui/markdown_kinds.c, one
 * function for each kind) and cut into rows only when somebody asks for them. What was made is
 * kept in a cache that all texts of a view share, so that the rows in view are made once. Nothing
 * here knows how many rows a text has in all: whoever shows it walks from block to block.
 *
 * However the text grew, its rows are those of the whole once it is finished. Before, the last line
 * may be held back (ui/blocks.h), and a table keeps the widths that its columns had first; when it
 * has ended they are as wide as its first MARKDOWN_TABLE_ROWS rows want them.
 *
 * Threads: values of their owner. Ownership: the text given last is borrowed until the next update
 * or the end. Units: rows and columns from 0.
 */
#ifndef WEIR_UI_MARKDOWN_H
#define WEIR_UI_MARKDOWN_H

#include "base/attr.h"
#include "base/sv.h"
#include "ui/grid.h"

#define MARKDOWN_TABLE_ROWS 64u

struct markdown_cache;
struct markdown;
struct layout;

/* Shared by the texts made with it, and freed after them. Holds some hundred blocks. */
struct markdown_cache *markdown_cache_new(void) NODISCARD;
void markdown_cache_free(struct markdown_cache *cache); /* NULL is fine */

struct markdown *markdown_new(struct markdown_cache *cache) NODISCARD;
void markdown_free(struct markdown *markdown); /* NULL is fine */
/* `text` is what it was at the last call, and perhaps more at its end. */
void markdown_update(struct markdown *markdown, struct sv text, bool finished);
/* Rows are made for this many columns, 1 at least. */
void markdown_set_width(struct markdown *markdown, int width);

size_t markdown_blocks(const struct markdown *markdown);
/* Rows of a block, 1 at least. */
size_t markdown_rows(struct markdown *markdown, size_t block);
/* Paints one of them from column 0 of the grid's row on. */
void markdown_paint(struct markdown *markdown, size_t block, size_t row, struct grid *grid,
                    int grid_row);

/* What a block says, the rows that it is cut into, and where they stand. Valid until another block
 * is looked at. */
struct markdown_text {
    struct sv text;
    const struct layout *layout;
    size_t gap; /* empty rows above it, which are the first of markdown_rows */
    int column;
};
struct markdown_text markdown_text(struct markdown *markdown, size_t block);

/* A place in a block that keeps its meaning when the width changes, and the row it is on. */
size_t markdown_place(struct markdown *markdown, size_t block, size_t row);
size_t markdown_row_of(struct markdown *markdown, size_t block, size_t place);

#endif
