/*
 * The rows of blocks: making them, keeping them, painting them.
 *
 * A row is what stands to its left (bars of quotations, marks of items, indents) and a part of the
 * block's styled text. The cache has a place for each of some hundred blocks; neighbours never
 * share one, so what is in view stays.
 */
#include "ui/markdown.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/safe.h"
#include "ui/layout.h"
#include "ui/markdown_internal.h"

#define CACHE_PLACES 512u
#define MARK_COLUMNS 2
/* The text gets this much of the width, however deep it stands. */
#define LEAST_PART 2

/* A block that was made, and what of. */
struct made {
    uint64_t owner; /* 0: nothing was */
    size_t index;
    int width;
    bool open; /* it went on when it was made */
    struct block block;
    struct table_plan plan;
    struct styled text;
    struct layout layout;
    int indent; /* columns to its left */
};

struct markdown_cache {
    uint64_t owners;
    struct made places[CACHE_PLACES];
};

struct markdown {
    struct markdown_cache *cache;
    uint64_t owner;
    struct blocks *blocks;
    struct sv text;
    bool finished;
    int width;
    struct table_plan *plans; /* of its tables */
    size_t plan_count;
};

struct markdown_cache *markdown_cache_new(void)
{
    struct markdown_cache *cache = xcalloc(1, sizeof(*cache));
    for (size_t i = 0; i < CACHE_PLACES; i++) {
        styled_init(&cache->places[i].text, RENDERED_MAX);
    }
    return cache;
}

void markdown_cache_free(struct markdown_cache *cache)
{
    if (cache) {
        for (size_t i = 0; i < CACHE_PLACES; i++) {
            styled_release(&cache->places[i].text);
            layout_release(&cache->places[i].layout);
        }
        free(cache);
    }
}

struct markdown *markdown_new(struct markdown_cache *cache)
{
    struct markdown *markdown = xcalloc(1, sizeof(*markdown));
    markdown->cache = cache;
    markdown->owner = ++cache->owners;
    markdown->blocks = blocks_new();
    markdown->width = 1;
    return markdown;
}

void markdown_free(struct markdown *markdown)
{
    if (markdown) {
        blocks_free(markdown->blocks);
        free(markdown->plans);
        free(markdown);
    }
}

void markdown_update(struct markdown *markdown, struct sv text, bool finished)
{
    markdown->text = text;
    markdown->finished = finished;
    blocks_update(markdown->blocks, text, finished);
}

void markdown_set_width(struct markdown *markdown, int width)
{
    markdown->width = width < 1 ? 1 : width;
}

size_t markdown_blocks(const struct markdown *markdown)
{
    return blocks_count(markdown->blocks);
}

static int columns_of(const struct block_chain *chain)
{
    return chain->container == BLOCK_ORDERED ? chain->digits + MARK_COLUMNS : MARK_COLUMNS;
}

/* Columns of everything that stands to the left of a chain's blocks. */
static int chain_columns(const struct markdown *markdown, unsigned chain)
{
    int columns = 0;
    while (chain) {
        const struct block_chain *node = blocks_chain(markdown->blocks, chain);
        columns += columns_of(node);
        chain = node->parent;
    }
    return columns;
}

static struct source source_of(const struct markdown *markdown, const struct block *block)
{
    int indent = chain_columns(markdown, block->chain) + kind__of(block->kind)->indent;
    int task = block->flags & BLOCK_TASK ? MARK_COLUMNS * 2 : 0;
    int least = markdown->width / LEAST_PART;
    int width = markdown->width - indent - task;
    return (struct source){
        .blocks = markdown->blocks,
        .text = markdown->text,
        .block = block,
        .width = width > least ? width
                 : least > 0   ? least
                               : 1,
    };
}

/* The widths of the block's table, made again when the table has ended or the screen has changed.
 */
static const struct table_plan *plan_of(struct markdown *markdown, const struct source *source)
{
    size_t index = source->block->group;
    const struct block_table *table = blocks_table(markdown->blocks, source->block->group);
    bool open = blocks_table_is_open(markdown->blocks, source->block->group);
    if (index >= markdown->plan_count) {
        size_t count = blocks_table_count(markdown->blocks);
        markdown->plans = xrealloc(markdown->plans, count * sizeof(*markdown->plans));
        memset(markdown->plans + markdown->plan_count, 0,
               (count - markdown->plan_count) * sizeof(*markdown->plans));
        markdown->plan_count = count;
    }
    struct table_plan *plan = &markdown->plans[index];
    if (plan->serial != table->serial || plan->width != source->width || plan->open != open ||
        !table__is_current(source, plan)) {
        table__plan(source, open, plan);
    }
    return plan;
}

static bool is_table(const struct block *block)
{
    return block->kind == BLOCK_TABLE_HEAD || block->kind == BLOCK_TABLE_ROW;
}

static void make(struct markdown *markdown, const struct source *source, struct made *made)
{
    const struct kind *kind = kind__of(source->block->kind);
    styled_clear(&made->text);
    layout_release(&made->layout);
    made->layout.flags = kind->marks ? SAFE_MARK_INVISIBLE : SAFE_DEFAULT;
    kind->render(source, &made->text);
    layout_update(&made->layout, buf_sv(&made->text.text), source->width);
    made->indent = markdown->width - source->width;
}

/* The rest of a plan follows from these. */
static bool same_plan(const struct table_plan *a, const struct table_plan *b)
{
    return a->serial == b->serial && a->width == b->width && a->open == b->open &&
           a->rows == b->rows;
}

static const struct made *made_of(struct markdown *markdown, size_t index)
{
    const struct block *block = blocks_at(markdown->blocks, index);
    struct source source = source_of(markdown, block);
    struct made *made = &markdown->cache->places[(markdown->owner * 193 + index) % CACHE_PLACES];
    struct table_plan none = {0};
    source.open = !markdown->finished && index + 1 == blocks_count(markdown->blocks);
    source.plan = is_table(block) ? plan_of(markdown, &source) : &none;
    bool same = made->owner == markdown->owner && made->index == index &&
                made->width == markdown->width && made->open == source.open &&
                memcmp(&made->block, block, sizeof(*block)) == 0 &&
                same_plan(&made->plan, source.plan);
    if (!same) {
        make(markdown, &source, made);
        made->owner = markdown->owner;
        made->index = index;
        made->width = markdown->width;
        made->open = source.open;
        made->block = *block;
        made->plan = *source.plan;
    }
    return made;
}

static size_t gap_of(const struct markdown *markdown, size_t index)
{
    return index > 0 && (blocks_at(markdown->blocks, index)->flags & BLOCK_GAP);
}

size_t markdown_rows(struct markdown *markdown, size_t block)
{
    return gap_of(markdown, block) + made_of(markdown, block)->layout.count;
}

struct markdown_text markdown_text(struct markdown *markdown, size_t block)
{
    const struct made *made = made_of(markdown, block);
    return (struct markdown_text){.text = buf_sv(&made->text.text),
                                  .layout = &made->layout,
                                  .gap = gap_of(markdown, block),
                                  .column = made->indent};
}

size_t markdown_place(struct markdown *markdown, size_t block, size_t row)
{
    const struct layout *layout = &made_of(markdown, block)->layout;
    size_t gap = gap_of(markdown, block);
    if (row < gap) {
        return 0;
    }
    row -= gap;
    return 1 + layout->starts[row < layout->count ? row : layout->count - 1];
}

size_t markdown_row_of(struct markdown *markdown, size_t block, size_t place)
{
    return place ? gap_of(markdown, block) +
                       layout_row_at(&made_of(markdown, block)->layout, place - 1)
                 : 0;
}

/* What stands to the left of a row is painted from the outermost container on. */
struct edge {
    const struct markdown *markdown;
    struct grid *grid;
    int row;
    int end;                   /* no further than this column */
    const struct block *block; /* whose marks are shown; NULL: none's */
};

static void put_text(const struct edge *edge, int column, struct sv text, enum style style)
{
    while (text.n && column < edge->end) {
        struct cluster cluster;
        width_next(text, SAFE_DEFAULT, &cluster);
        text = sv_skip(text, cluster.used);
        if (column + cluster.width > edge->end) {
            return;
        }
        column = grid_put(edge->grid, edge->row, column, &cluster, style);
    }
}

/* Items that an item stands in. */
static size_t items_around(const struct markdown *markdown, const struct block_chain *chain)
{
    size_t items = 0;
    for (unsigned id = chain->parent; id; id = blocks_chain(markdown->blocks, id)->parent) {
        items += blocks_chain(markdown->blocks, id)->container != BLOCK_QUOTE;
    }
    return items;
}

static void put_mark(const struct edge *edge, int column, const struct block_chain *chain)
{
    static const struct sv bullets[] = {
        {"•", sizeof("•") - 1}, {"◦", sizeof("◦") - 1}, {"▪", sizeof("▪") - 1}};
    static const struct sv plain[] = {{"*", 1}, {"-", 1}, {"+", 1}};
    if (chain->container == BLOCK_BULLET) {
        size_t depth = items_around(edge->markdown, chain) % COUNT_OF(bullets);
        put_text(edge, column, width_glyph(bullets[depth], plain[depth]), STYLE_MARKER);
        return;
    }
    struct buf number = BUF_INIT(BUF_MAX_INTERNAL);
    buf_appendf(&number, "%lu.", (unsigned long)edge->block->number);
    put_text(edge, column, buf_sv(&number), STYLE_MARKER);
    buf_release(&number);
}

/* Gives the column behind the chain. */
static int paint_chain(const struct edge *edge, unsigned chain, unsigned first)
{
    if (chain == 0) {
        return 0;
    }
    const struct block_chain *node = blocks_chain(edge->markdown->blocks, chain);
    int column = paint_chain(edge, node->parent, first ? first - 1 : 0);
    if (node->container == BLOCK_QUOTE) {
        put_text(edge, column, width_glyph(SV("│"), SV("|")), STYLE_QUOTE);
    } else if (first && edge->block) {
        put_mark(edge, column, node);
    }
    return column + columns_of(node);
}

static void paint_task(const struct edge *edge, int column)
{
    bool done = edge->block->flags & BLOCK_DONE;
    put_text(edge, column, done ? SV("[x]") : SV("[ ]"), done ? STYLE_DONE : STYLE_MARKER);
}

/* The chain that two blocks have in common: what goes on in the gap between them. */
static unsigned common_chain(const struct markdown *markdown, unsigned a, unsigned b)
{
    while (a != b) {
        const struct block_chain *of_a = blocks_chain(markdown->blocks, a);
        const struct block_chain *of_b = blocks_chain(markdown->blocks, b);
        bool deeper = of_a->depth > of_b->depth;
        unsigned up_a = of_a->depth >= of_b->depth ? of_a->parent : a;
        b = deeper ? b : of_b->parent;
        a = up_a;
    }
    return a;
}

void markdown_paint(struct markdown *markdown, size_t index, size_t row, struct grid *grid,
                    int grid_row)
{
    const struct made *made = made_of(markdown, index);
    const struct block *block = &made->block;
    struct edge edge = {.markdown = markdown, .grid = grid, .row = grid_row, .end = made->indent};
    size_t gap = gap_of(markdown, index);
    if (row < gap) {
        unsigned above = blocks_at(markdown->blocks, index - 1)->chain;
        paint_chain(&edge, common_chain(markdown, above, block->chain), 0);
        return;
    }
    edge.block = row == gap ? block : NULL;
    int column = paint_chain(&edge, block->chain, row == gap ? block->first : 0);
    if (edge.block && (block->flags & BLOCK_TASK)) {
        paint_task(&edge, column);
    }
    layout_paint_styled(&made->layout, &made->text, row - gap, grid,
                        &(struct grid_place){grid_row, made->indent});
}
