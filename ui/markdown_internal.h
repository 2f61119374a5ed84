/*
 * What makes a block into styled text. Internal to Markdown.
 *
 * markdown.c keeps what was made and paints it; markdown_kinds.c has a function for each kind of
 * block; markdown_table.c knows tables.
 */
#ifndef WEIR_UI_MARKDOWN_INTERNAL_H
#define WEIR_UI_MARKDOWN_INTERNAL_H

#include "ui/blocks.h"
#include "ui/markdown.h"
#include "ui/styled.h"

/* What one block becomes is bounded, whatever it is made of. */
#define RENDERED_MAX ((size_t)1 << 20)

/* How wide a table's columns are. */
struct table_plan {
    uint32_t serial; /* of the table; 0: not made yet */
    int width;       /* for so many columns of the screen */
    bool open;       /* made before the table had ended */
    uint16_t rows;   /* made from the head and so many rows below it */
    bool stacked;    /* no room for columns: the cells stand below each other */
    uint16_t columns[BLOCK_COLUMNS_MAX];
};

struct source {
    const struct blocks *blocks;
    struct sv text;
    const struct block *block;
    int width;                     /* columns that there are for it */
    bool open;                     /* it goes on */
    const struct table_plan *plan; /* of its table, or NULL */
};

struct kind {
    void (*render)(const struct source *source, struct styled *out);
    uint8_t indent; /* columns that it stands further right */
    bool marks;     /* invisible characters are shown */
};
const struct kind *kind__of(enum block_kind kind);

/* The block's lines without the marks of its containers, with newlines between them. */
void source__text(const struct source *source, struct buf *out);

/* Whether the plan is of as many rows as there are by now, or as count. */
bool table__is_current(const struct source *source, const struct table_plan *plan);
void table__plan(const struct source *source, bool open, struct table_plan *ret_plan);
void table__render_head(const struct source *source, struct styled *out);
void table__render_row(const struct source *source, struct styled *out);

#endif
