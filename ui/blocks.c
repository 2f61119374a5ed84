/* The driver: lines one after the other, what is sure and what is guessed, and the arrays. */
#include "ui/blocks.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "ui/blocks_internal.h"

#define TEXT_MAX ((size_t)UINT32_MAX)

/* Makes room for one more at the end of an array. */
#define GROW(array, count, cap)                                                                    \
    do {                                                                                           \
        if ((count) == (cap)) {                                                                    \
            (cap) = (cap) ? (cap)*2 : 8;                                                           \
            (array) = xrealloc((array), (cap) * sizeof(*(array)));                                 \
        }                                                                                          \
    } while (0)

static void begin(struct blocks *blocks)
{
    blocks->sure = (struct scan_state){.chains = 1};
    blocks->now = blocks->sure;
    blocks->text_n = 0;
}

struct blocks *blocks_new(void)
{
    struct blocks *blocks = xcalloc(1, sizeof(*blocks));
    GROW(blocks->chains, (size_t)0, blocks->chain_cap);
    blocks->chains[0] = (struct block_chain){.container = BLOCK_ROOT};
    begin(blocks);
    return blocks;
}

void blocks_free(struct blocks *blocks)
{
    if (blocks) {
        free(blocks->blocks);
        free(blocks->chains);
        free(blocks->tables);
        free(blocks->fences);
        free(blocks);
    }
}

struct block *blocks__last(struct blocks *blocks)
{
    return blocks->now.count ? &blocks->blocks[blocks->now.count - 1] : NULL;
}

struct block *blocks__push(struct blocks *blocks)
{
    GROW(blocks->blocks, blocks->now.count, blocks->cap);
    return &blocks->blocks[blocks->now.count++];
}

struct block_table *blocks__push_table(struct blocks *blocks)
{
    GROW(blocks->tables, blocks->now.tables, blocks->table_cap);
    struct block_table *table = &blocks->tables[blocks->now.tables++];
    *table = (struct block_table){.serial = ++blocks->serial};
    return table;
}

struct block_fence *blocks__push_fence(struct blocks *blocks)
{
    GROW(blocks->fences, blocks->now.fences, blocks->fence_cap);
    return &blocks->fences[blocks->now.fences++];
}

bool blocks__chain(struct blocks *blocks, const struct block_chain *wanted, uint16_t *ret_chain)
{
    for (size_t i = blocks->now.chains; i-- > 1;) {
        const struct block_chain *chain = &blocks->chains[i];
        if (chain->parent == wanted->parent && chain->container == wanted->container &&
            chain->indent == wanted->indent && chain->digits == wanted->digits) {
            *ret_chain = (uint16_t)i;
            return true;
        }
    }
    if (blocks->now.chains == BLOCKS_CHAINS) {
        return false;
    }
    GROW(blocks->chains, blocks->now.chains, blocks->chain_cap);
    blocks->chains[blocks->now.chains] = *wanted;
    *ret_chain = (uint16_t)blocks->now.chains++;
    return true;
}

static bool is_white(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* Where a line that is too long is cut: behind the last blank of the second half, else anywhere. */
static size_t cut_of(struct sv piece)
{
    for (size_t at = piece.n; at > piece.n / 2; at--) {
        if (is_white(piece.p[at - 1])) {
            return at;
        }
    }
    return utf8_cut(piece.p, piece.n, piece.n - 3);
}

static size_t without_cr(struct sv text, size_t start, size_t end)
{
    return end > start && text.p[end - 1] == '\r' ? end - 1 : end;
}

/* Scans what can be said of for sure: lines that have ended, and pieces of those too long. */
static void scan_sure(struct blocks *blocks, struct sv text)
{
    struct scan_state *now = &blocks->now;
    while (now->at < text.n) {
        size_t start = now->at;
        struct sv piece = sv_take(sv_skip(text, start), BLOCK_MAX);
        const char *newline = memchr(piece.p, '\n', piece.n);
        if (newline) {
            size_t end = (size_t)(newline - text.p);
            scan__line(blocks, text, start, without_cr(text, start, end), false);
            now->inside = false;
            now->at = end + 1;
        } else if (piece.n == BLOCK_MAX) {
            size_t end = start + cut_of(piece);
            scan__line(blocks, text, start, end, true);
            now->inside = true;
            now->at = end;
        } else {
            return;
        }
    }
}

/* The marks of containers say nothing about what a line will be. */
static bool is_undecided(const struct blocks *blocks, struct sv line)
{
    const struct scan_state *now = &blocks->now;
    if (now->inside) {
        return false;
    }
    struct sv rest = sv_trim(line);
    if (now->leaf == LEAF_FENCE) {
        return rest.n && rest.n <= now->fence_length && mark__fence_end(rest, now->fence_byte, 1);
    }
    return mark__undecided(rest);
}

void blocks_update(struct blocks *blocks, struct sv text, bool finished)
{
    text = sv_take(text, TEXT_MAX);
    if (text.n == blocks->text_n && finished == blocks->finished) {
        return;
    }
    if (text.n < blocks->text_n) {
        begin(blocks);
    }
    blocks->now = blocks->sure;
    if (blocks->sure.count) {
        blocks->blocks[blocks->sure.count - 1] = blocks->sure.last;
    }
    scan_sure(blocks, text);
    blocks->sure = blocks->now;
    if (blocks->sure.count) {
        blocks->sure.last = blocks->blocks[blocks->sure.count - 1];
    }
    struct sv line = sv_skip(text, blocks->now.at);
    if (line.n && (finished || !is_undecided(blocks, line))) {
        size_t start = blocks->now.at;
        scan__line(blocks, text, start, without_cr(text, start, text.n), false);
    }
    blocks->text_n = text.n;
    blocks->finished = finished;
}

size_t blocks_count(const struct blocks *blocks)
{
    return blocks->now.count;
}

const struct block *blocks_at(const struct blocks *blocks, size_t index)
{
    return &blocks->blocks[index];
}

const struct block_chain *blocks_chain(const struct blocks *blocks, unsigned chain)
{
    return &blocks->chains[chain];
}

const struct block_table *blocks_table(const struct blocks *blocks, unsigned table)
{
    return &blocks->tables[table];
}

const struct block_fence *blocks_fence(const struct blocks *blocks, unsigned fence)
{
    return &blocks->fences[fence];
}

size_t blocks_table_count(const struct blocks *blocks)
{
    return blocks->now.tables;
}

bool blocks_table_is_open(const struct blocks *blocks, unsigned table)
{
    return !blocks->finished && blocks->now.leaf == LEAF_TABLE && table + 1 == blocks->now.tables;
}

/* Steps over the marks of the chain, from the outermost one on, as far as the line has them. */
static bool enter_all(const struct blocks *blocks, unsigned chain, struct cursor *cursor)
{
    const struct block_chain *node = &blocks->chains[chain];
    return chain == 0 || (enter_all(blocks, node->parent, cursor) && mark__enter(node, cursor));
}

void blocks_each_line(const struct blocks *blocks, const struct block *block, struct sv text,
                      blocks_line *call, void *ctx)
{
    bool code = block->kind == BLOCK_CODE;
    bool begun = true; /* the first line has no marks any more */
    for (size_t at = block->start; at <= block->end;) {
        struct sv line = sv_of(text.p + at, block->end - at);
        line = sv_take(line, sv_find(line, '\n'));
        struct cursor cursor = {.p = text.p, .at = at, .end = at + line.n};
        cursor.end = without_cr(text, at, cursor.end);
        if (!begun) {
            enter_all(blocks, block->chain, &cursor);
        }
        bool inside = begun && (block->flags & BLOCK_INSIDE);
        if (code && !inside) {
            int most = blocks->fences[block->group].indent;
            int indent = cursor__indent(&cursor);
            cursor__skip(&cursor, indent < most ? indent : most);
        }
        begun = false;
        call(ctx, sv_of(text.p + cursor.at, cursor.end - cursor.at), (unsigned)cursor.pad);
        at += line.n + 1;
    }
}
