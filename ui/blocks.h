/*
 * Blocks: Markdown cut into pieces that can be laid out one by one, while it grows.
 *
 * A block is a paragraph, a heading, some lines of code, a row of a table: the smallest thing that
 * is drawn on its own. Lists and quotations are no blocks; a block says by its *chain* which of
 * them it stands in, outermost first. What is inside a block's lines is not looked at here.
 *
 * Text is read line by line, and only once: what a line that has ended means does not depend on
 * what follows, but that the paragraph before it may become a heading or a table's head by it. Of
 * the line that has not ended a guess is made, which the next update takes back. So one more piece
 * costs its own length and that of the last line, and however the text grew, its blocks are those
 * of the whole. No block is longer than two BLOCK_MAX: a paragraph, or a line, that goes on is cut
 * there, and its pieces are blocks of their own.
 *
 * It follows CommonMark 0.31 and the tables and tasks of GitHub's dialect, and departs from them
 * where that serves a reader of a chat: a fence inside an item goes on when its lines are not
 * indented; definitions of links, which mean nothing to a piece, are shown as they are; so is HTML.
 * Display math between $$ or \[ \] is a block.
 *
 * Threads: a value of its owner. Ownership: the text is borrowed for each call. Units: bytes.
 * Memory: 24 bytes for each block, of which there are at most BLOCKS_MAX; what comes behind them is
 * shown as it is written, in pieces of BLOCK_MAX.
 */
#ifndef WEIR_UI_BLOCKS_H
#define WEIR_UI_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sv.h"
#include "ui/syntax.h"

#define BLOCK_MAX 4096u
#define BLOCKS_MAX ((size_t)1 << 19)
#define BLOCK_COLUMNS_MAX 32u

enum block_kind {
    BLOCK_PARAGRAPH,
    BLOCK_HEADING,
    BLOCK_LABEL, /* the info text of a fence, above its code */
    BLOCK_CODE,  /* some lines of it */
    BLOCK_MATH,
    BLOCK_TABLE_HEAD,
    BLOCK_TABLE_ROW,
    BLOCK_RULE,
    BLOCK_LITERAL, /* shown as it is written */
    BLOCK_KIND_COUNT,
};

enum block_flag {
    BLOCK_GAP = 1,    /* an empty row above it */
    BLOCK_INSIDE = 2, /* begins inside a line */
    BLOCK_TASK = 4,   /* first of a task's item */
    BLOCK_DONE = 8,   /* and that one is done */
};

struct block {
    uint32_t start, end; /* of its bytes: from behind the marks of its first line to the end of its
                            last one, without the newline */
    uint32_t group;      /* code: its fence; tables: their table */
    uint32_t number;     /* of the item that begins with it */
    uint16_t chain;      /* what it stands in */
    uint16_t state;      /* code: of the highlighter, before it */
    uint8_t kind;
    uint8_t level; /* of a heading */
    uint8_t first; /* containers of its chain, innermost first, that begin with it */
    uint8_t flags;
};

enum block_container { BLOCK_ROOT, BLOCK_QUOTE, BLOCK_BULLET, BLOCK_ORDERED };

/* One container, and through `parent` those it is in. Chain 0 is the text itself. */
struct block_chain {
    uint16_t parent;
    uint8_t container;
    uint8_t indent; /* columns of the source that its lines are indented by */
    uint8_t digits; /* of an ordered item's number */
    uint8_t depth;  /* containers it is made of */
};

enum block_align { BLOCK_LEFT, BLOCK_RIGHT, BLOCK_CENTER };

struct block_table {
    uint32_t head;   /* index of its BLOCK_TABLE_HEAD; its rows follow */
    uint32_t serial; /* another one for each table that was ever found */
    uint8_t columns;
    uint8_t align[BLOCK_COLUMNS_MAX];
};

struct block_fence {
    const struct syntax_language *language; /* or NULL */
    uint8_t indent;                         /* columns that its lines may be indented by */
};

struct blocks;

struct blocks *blocks_new(void) NODISCARD;
void blocks_free(struct blocks *blocks); /* NULL is fine */

/*
 * `text` is what it was at the last call, and perhaps more at its end; a shorter one begins anew.
 * At most 4 GiB of it are read. `finished`: nothing comes any more. Until then a last line that
 * only begins something (a lone "-", "**", "```") is held back, as it could be anything.
 */
void blocks_update(struct blocks *blocks, struct sv text, bool finished);

size_t blocks_count(const struct blocks *blocks);
const struct block *blocks_at(const struct blocks *blocks,
                              size_t index); /* until the next update */
const struct block_chain *blocks_chain(const struct blocks *blocks, unsigned chain);
const struct block_table *blocks_table(const struct blocks *blocks, unsigned table);
const struct block_fence *blocks_fence(const struct blocks *blocks, unsigned fence);
size_t blocks_table_count(const struct blocks *blocks);
/* More rows may come to the table. */
bool blocks_table_is_open(const struct blocks *blocks, unsigned table);

/*
 * Calls for each line of a block as it is without the marks of its containers. `pad`: blanks to
 * put before it, what remains of a tab.
 */
typedef void blocks_line(void *ctx, struct sv line, unsigned pad);
void blocks_each_line(const struct blocks *blocks, const struct block *block, struct sv text,
                      blocks_line *call, void *ctx);

/* Cells that a row of a table has, by its bars. */
unsigned blocks_cells(struct sv row);

#endif
