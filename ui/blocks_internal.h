/*
 * What the scanner's files share. Internal to the scanner.
 *
 * blocks.c drives: it cuts text into lines, takes guesses back, and keeps the arrays.
 * blocks_scan.c says what a line means; blocks_mark.c knows the marks that lines begin with.
 */
#ifndef WEIR_UI_BLOCKS_INTERNAL_H
#define WEIR_UI_BLOCKS_INTERNAL_H

#include "ui/blocks.h"

#define BLOCKS_DEPTH 12u
#define BLOCKS_CHAINS 1024u
#define TAB_COLUMNS 4

/* A place in a line, in bytes and columns. */
struct cursor {
    const char *p; /* the text */
    size_t at, end;
    int column;
    int pad; /* columns left of a tab that was taken in part */
};

int cursor__indent(const struct cursor *cursor);
void cursor__skip(struct cursor *cursor, int columns);
/* Behind the white space, without moving. */
struct sv cursor__rest(const struct cursor *cursor);
bool cursor__blank(const struct cursor *cursor);

/* Steps over what the container's lines begin with. False: the line is none of them. */
bool mark__enter(const struct block_chain *chain, struct cursor *cursor);

struct list_mark {
    bool ordered;
    bool empty; /* nothing follows it */
    uint32_t number;
    unsigned digits;
    int columns; /* of the mark and the blanks behind it */
};
/* These look at the cursor's rest. */
bool mark__list(const struct cursor *cursor, struct list_mark *ret_mark);
bool mark__rule(struct sv rest);
/* Level of a heading, 0: none. `*ret_skip`: bytes before its text. */
unsigned mark__heading(struct sv rest, size_t *ret_skip);
unsigned mark__underline(struct sv rest);
/* Length of the fence, 0: none. */
unsigned mark__fence(struct sv rest);
bool mark__fence_end(struct sv rest, char byte, unsigned length);
bool mark__definition(struct sv rest);
/* The row of dashes under a table's head. */
bool mark__delimiters(struct sv rest, struct block_table *ret_table);
/* What closes display math that begins with this line; NULL: none does. `*ret_closed`: the same
 * line. */
const char *mark__math(struct sv rest, bool *ret_closed);
/* The line could still become anything. */
bool mark__undecided(struct sv rest);

enum leaf { LEAF_NONE, LEAF_PARAGRAPH, LEAF_FENCE, LEAF_INDENTED, LEAF_TABLE, LEAF_MATH };

/* All that is known between two lines, so that a guess can be taken back by copying it. */
struct scan_state {
    size_t at;         /* scanned up to here */
    size_t count;      /* of blocks */
    struct block last; /* the last one: lines change no other */
    size_t chains, tables, fences;
    uint16_t stack[BLOCKS_DEPTH + 1];
    unsigned depth; /* stack[depth] is the innermost container */
    enum leaf leaf;
    size_t line;     /* where the last line of the paragraph begins */
    unsigned lines;  /* of the block of code */
    unsigned blanks; /* lines in indented code that count only if it goes on */
    bool inside;     /* a line was cut and goes on */
    bool blank;      /* an empty line came behind the last block */
    bool apart;      /* what comes next stands apart from the last block */
    unsigned first;  /* containers that begin with the next block; 0 unless an item does */
    uint32_t number;
    char fence_byte;
    unsigned fence_length;
    const char *math_end;
    unsigned syntax;
};

struct blocks {
    struct scan_state now, sure; /* with and without the guess */
    struct block *blocks;
    size_t cap;
    struct block_chain *chains;
    size_t chain_cap;
    struct block_table *tables;
    size_t table_cap;
    struct block_fence *fences;
    size_t fence_cap;
    uint32_t serial;
    size_t text_n;
    bool finished;
};

/* `[start, end)`: a line, or a piece of one that is cut: `goes_on`. */
void scan__line(struct blocks *blocks, struct sv text, size_t start, size_t end, bool goes_on);

/* The arrays. */
struct block *blocks__last(struct blocks *blocks);
struct block *blocks__push(struct blocks *blocks);
struct block_table *blocks__push_table(struct blocks *blocks);
struct block_fence *blocks__push_fence(struct blocks *blocks);
/* The chain made of `parent` and this container. False: there are too many. */
bool blocks__chain(struct blocks *blocks, const struct block_chain *wanted, uint16_t *ret_chain);

#endif
