/* What a line means: which containers go on, which begin, and what kind of block it is. */
#include <string.h>

#include "ui/blocks_internal.h"

/* Lines of code are gathered: a block each would take more room than they do. */
#define CODE_LINES 8u
#define CODE_BYTES 512u
#define CODE_INDENT 4

/* One line on its way through the rules. */
struct scan {
    struct blocks *blocks;
    struct scan_state *now;
    struct cursor cursor;
    bool goes_on;
    bool opened;      /* a container begins in it */
    unsigned matched; /* containers that go on */
};

static void end_leaf(struct scan_state *now)
{
    now->apart = now->apart || now->leaf > LEAF_PARAGRAPH;
    now->leaf = LEAF_NONE;
    now->blanks = 0;
}

/* Ends the leaf, and the containers within the first `depth`. */
static void close_to(struct scan_state *now, unsigned depth)
{
    end_leaf(now);
    now->depth = depth;
}

static struct block *add(struct scan *scan, enum block_kind kind, size_t start, size_t end)
{
    struct scan_state *now = scan->now;
    bool gap = now->count > 0 && (now->blank || now->apart);
    struct block *block = blocks__last(scan->blocks);
    bool placeholder = block && block->kind == BLOCK_PARAGRAPH && block->first && !now->first &&
                       block->start == block->end && block->chain == now->stack[now->depth];
    struct block fresh = {
        .first = (uint8_t)now->first,
        .number = now->number,
        .flags = gap ? BLOCK_GAP : 0,
    };
    if (placeholder) {
        fresh =
            (struct block){.first = block->first, .number = block->number, .flags = block->flags};
    } else {
        block = blocks__push(scan->blocks);
    }
    fresh.kind = (uint8_t)kind;
    fresh.start = (uint32_t)start;
    fresh.end = (uint32_t)end;
    fresh.chain = now->stack[now->depth];
    *block = fresh;
    now->blank = false;
    now->apart = false;
    now->first = 0;
    now->number = 0;
    return block;
}

/* Headings, code and the like keep their distance from what is above them. */
static void keep_apart(struct scan *scan)
{
    scan->now->apart = scan->now->apart || scan->now->first == 0;
}

static size_t offset_of(const struct scan *scan, struct sv rest)
{
    return (size_t)(rest.p - scan->cursor.p);
}

/* How many containers the line is still in. */
static unsigned match(struct scan *scan)
{
    unsigned matched = 0;
    while (matched < scan->now->depth &&
           mark__enter(&scan->blocks->chains[scan->now->stack[matched + 1]], &scan->cursor)) {
        matched++;
    }
    return matched;
}

static bool push_container(struct scan *scan, struct block_chain chain)
{
    struct scan_state *now = scan->now;
    uint16_t id;
    chain.parent = now->stack[scan->matched];
    chain.depth = (uint8_t)(scan->matched + 1);
    if (scan->matched == BLOCKS_DEPTH || !blocks__chain(scan->blocks, &chain, &id)) {
        return false;
    }
    close_to(now, scan->matched);
    now->stack[++now->depth] = id;
    scan->matched = now->depth;
    scan->opened = true;
    return true;
}

static bool open_quote(struct scan *scan)
{
    struct cursor cursor = scan->cursor;
    struct block_chain quote = {.container = BLOCK_QUOTE};
    if (!mark__enter(&quote, &cursor) || !push_container(scan, quote)) {
        return false;
    }
    scan->cursor = cursor;
    scan->now->first += scan->now->first > 0;
    return true;
}

/* In the middle of a paragraph only a mark with text behind it, and 1 as number, begins a list. */
static bool open_item(struct scan *scan)
{
    struct list_mark mark;
    struct scan_state *now = scan->now;
    int indent = cursor__indent(&scan->cursor);
    bool interrupts = now->leaf == LEAF_PARAGRAPH && !scan->opened && scan->matched == now->depth;
    if (!mark__list(&scan->cursor, &mark) ||
        (interrupts && (mark.empty || (mark.ordered && mark.number != 1)))) {
        return false;
    }
    unsigned first = scan->opened ? now->first : 0;
    struct block_chain item = {
        .container = mark.ordered ? BLOCK_ORDERED : BLOCK_BULLET,
        .indent = (uint8_t)(indent + mark.columns),
        .digits = (uint8_t)mark.digits,
    };
    if (!push_container(scan, item)) {
        return false;
    }
    cursor__skip(&scan->cursor, indent);
    int bytes = mark.ordered ? (int)mark.digits + 1 : 1;
    scan->cursor.at += (size_t)bytes;
    scan->cursor.column += bytes;
    cursor__skip(&scan->cursor, mark.columns - bytes);
    now->first = first + 1;
    now->number = mark.ordered ? mark.number : now->number;
    return true;
}

static void open_containers(struct scan *scan)
{
    bool more = true;
    while (more && cursor__indent(&scan->cursor) < CODE_INDENT) {
        struct sv rest = cursor__rest(&scan->cursor);
        more = rest.n && (open_quote(scan) || (!mark__rule(rest) && open_item(scan)));
    }
}

/* One line of code, which begins at the cursor. */
static void code_line(struct scan *scan)
{
    struct scan_state *now = scan->now;
    struct block *last = blocks__last(scan->blocks);
    size_t start = scan->cursor.at;
    size_t end = scan->cursor.end;
    uint32_t group = (uint32_t)(now->fences - 1);
    bool ours = last && last->kind == BLOCK_CODE && last->group == group && !now->inside;
    bool small = ours && now->lines < CODE_LINES && end - last->start < CODE_BYTES;
    bool fits = small || (ours && now->blanks && end - last->start < BLOCK_MAX);
    if (fits) {
        last->end = (uint32_t)end;
        now->lines += 1 + now->blanks;
    } else {
        last = add(scan, BLOCK_CODE, start, end);
        last->group = group;
        last->state = (uint16_t)now->syntax;
        last->flags |= now->inside ? BLOCK_INSIDE : 0;
        now->lines = 1;
    }
    const struct block_fence *fence = &scan->blocks->fences[group];
    struct cursor cursor = scan->cursor;
    int indent = cursor__indent(&cursor);
    cursor__skip(&cursor, now->inside || indent < fence->indent ? 0 : fence->indent);
    now->syntax = syntax_line(fence->language, now->syntax,
                              sv_of(cursor.p + cursor.at, cursor.end - cursor.at), NULL);
}

/* False: the line is none of the fence any more. */
static bool in_fence(struct scan *scan)
{
    struct scan_state *now = scan->now;
    if (scan->matched < now->depth &&
        scan->blocks->chains[now->stack[scan->matched + 1]].container == BLOCK_QUOTE) {
        return false;
    }
    struct sv rest = cursor__rest(&scan->cursor);
    if (!scan->goes_on && cursor__indent(&scan->cursor) < CODE_INDENT &&
        mark__fence_end(rest, now->fence_byte, now->fence_length)) {
        end_leaf(now);
        return true;
    }
    code_line(scan);
    return true;
}

static bool open_fence(struct scan *scan)
{
    struct scan_state *now = scan->now;
    struct sv rest = cursor__rest(&scan->cursor);
    unsigned length = mark__fence(rest);
    if (length == 0) {
        return false;
    }
    struct sv info = sv_trim(sv_skip(rest, length));
    close_to(now, scan->matched);
    keep_apart(scan);
    *blocks__push_fence(scan->blocks) = (struct block_fence){
        .language = syntax_find(info),
        .indent = (uint8_t)cursor__indent(&scan->cursor),
    };
    if (info.n) {
        size_t start = offset_of(scan, info);
        add(scan, BLOCK_LABEL, start, start + info.n);
    }
    now->leaf = LEAF_FENCE;
    now->fence_byte = rest.p[0];
    now->fence_length = length;
    now->syntax = SYNTAX_START;
    return true;
}

static void indented_code(struct scan *scan)
{
    struct scan_state *now = scan->now;
    if (now->leaf != LEAF_INDENTED || scan->opened || scan->matched < now->depth) {
        close_to(now, scan->matched);
        keep_apart(scan);
        *blocks__push_fence(scan->blocks) = (struct block_fence){.indent = CODE_INDENT};
        now->leaf = LEAF_INDENTED;
        now->syntax = SYNTAX_START;
    }
    now->blank = false;
    code_line(scan);
    now->blanks = 0;
}

/* The paragraph above becomes a heading. */
static bool underline(struct scan *scan)
{
    struct block *last = blocks__last(scan->blocks);
    unsigned level = mark__underline(cursor__rest(&scan->cursor));
    if (level == 0) {
        return false;
    }
    last->kind = BLOCK_HEADING;
    last->level = (uint8_t)level;
    end_leaf(scan->now);
    return true;
}

/* The last line of the paragraph above becomes the head of a table. */
static bool open_table(struct scan *scan)
{
    struct scan_state *now = scan->now;
    struct block_table found;
    struct block *last = blocks__last(scan->blocks);
    struct sv head = sv_of(scan->cursor.p + now->line, last->end - now->line);
    if ((last->flags & (BLOCK_INSIDE | BLOCK_TASK)) ||
        !mark__delimiters(cursor__rest(&scan->cursor), &found) ||
        blocks_cells(head) != found.columns) {
        return false;
    }
    size_t end = last->end;
    struct block_table *table = blocks__push_table(scan->blocks);
    found.serial = table->serial;
    if (now->line > last->start) {
        size_t cut = now->line;
        while (cut > last->start && scan->cursor.p[cut - 1] != '\n') {
            cut--;
        }
        last->end = (uint32_t)(cut > last->start ? cut - 1 : cut);
        now->apart = true;
        last = add(scan, BLOCK_TABLE_HEAD, now->line, end);
    } else {
        last->kind = BLOCK_TABLE_HEAD;
        last->flags |= now->count > 1 && !last->first ? BLOCK_GAP : 0;
    }
    last->group = (uint32_t)(now->tables - 1);
    found.head = (uint32_t)(now->count - 1);
    *table = found;
    now->leaf = LEAF_TABLE;
    return true;
}

static void table_row(struct scan *scan)
{
    struct sv rest = cursor__rest(&scan->cursor);
    struct block *row = add(scan, BLOCK_TABLE_ROW, offset_of(scan, rest), scan->cursor.end);
    row->group = (uint32_t)(scan->now->tables - 1);
}

static bool heading(struct scan *scan)
{
    size_t skip;
    struct sv rest = cursor__rest(&scan->cursor);
    unsigned level = mark__heading(rest, &skip);
    if (level == 0) {
        return false;
    }
    close_to(scan->now, scan->matched);
    keep_apart(scan);
    struct block *block = add(scan, BLOCK_HEADING, offset_of(scan, rest) + skip, scan->cursor.end);
    block->level = (uint8_t)level;
    return true;
}

static bool rule(struct scan *scan)
{
    struct sv rest = cursor__rest(&scan->cursor);
    if (!mark__rule(rest)) {
        return false;
    }
    close_to(scan->now, scan->matched);
    keep_apart(scan);
    add(scan, BLOCK_RULE, offset_of(scan, rest), scan->cursor.end);
    scan->now->apart = true;
    return true;
}

static void math_line(struct scan *scan)
{
    struct block *last = blocks__last(scan->blocks);
    struct sv rest = cursor__rest(&scan->cursor);
    bool fits = last && last->kind == BLOCK_MATH && scan->now->leaf == LEAF_MATH &&
                scan->cursor.end - last->start < CODE_BYTES;
    if (fits) {
        last->end = (uint32_t)scan->cursor.end;
    } else {
        add(scan, BLOCK_MATH, offset_of(scan, rest), scan->cursor.end);
    }
}

static bool open_math(struct scan *scan)
{
    bool closed;
    const char *end = mark__math(cursor__rest(&scan->cursor), &closed);
    if (!end) {
        return false;
    }
    close_to(scan->now, scan->matched);
    math_line(scan);
    scan->now->leaf = closed ? LEAF_NONE : LEAF_MATH;
    scan->now->math_end = end;
    return true;
}

static bool definition(struct scan *scan)
{
    struct sv rest = cursor__rest(&scan->cursor);
    if (!mark__definition(rest)) {
        return false;
    }
    close_to(scan->now, scan->matched);
    add(scan, BLOCK_LITERAL, offset_of(scan, rest), scan->cursor.end);
    return true;
}

/* [ ] or [x] at the beginning of an item. */
static unsigned task_of(const struct scan *scan, struct sv rest)
{
    bool item = scan->now->first > 0;
    bool mark = rest.n >= 3 && rest.p[0] == '[' && rest.p[2] == ']';
    bool ends = rest.n == 3 || (rest.n > 3 && rest.p[3] == ' ');
    if (!item || !mark || !ends || !rest.p[1] || !strchr(" xX", rest.p[1])) {
        return 0;
    }
    return rest.p[1] == ' ' ? BLOCK_TASK : BLOCK_TASK | BLOCK_DONE;
}

static void new_paragraph(struct scan *scan)
{
    struct scan_state *now = scan->now;
    struct sv rest = cursor__rest(&scan->cursor);
    unsigned task = task_of(scan, rest);
    rest = task ? sv_skip(rest, 4) : rest;
    struct block *block = add(scan, BLOCK_PARAGRAPH, offset_of(scan, rest), scan->cursor.end);
    block->flags |= (uint8_t)task;
    now->leaf = LEAF_PARAGRAPH;
    now->line = block->start;
}

static void more_of_paragraph(struct scan *scan)
{
    struct scan_state *now = scan->now;
    struct block *last = blocks__last(scan->blocks);
    struct sv rest = cursor__rest(&scan->cursor);
    now->line = offset_of(scan, rest);
    if (scan->cursor.end - last->start > BLOCK_MAX) {
        add(scan, BLOCK_PARAGRAPH, now->line, scan->cursor.end);
    } else {
        last->end = (uint32_t)scan->cursor.end;
    }
}

static bool in_leaf(const struct scan *scan, enum leaf leaf)
{
    return scan->now->leaf == leaf && !scan->opened && scan->matched == scan->now->depth;
}

/* What a line is that is known to be whole. */
static bool whole_line(struct scan *scan)
{
    if (in_leaf(scan, LEAF_MATH)) {
        struct sv rest = sv_trim(cursor__rest(&scan->cursor));
        math_line(scan);
        if (sv_ends_with(rest, sv_from(scan->now->math_end))) {
            end_leaf(scan->now);
        }
        return true;
    }
    if (in_leaf(scan, LEAF_PARAGRAPH) && (open_table(scan) || underline(scan))) {
        return true;
    }
    if (open_fence(scan) || rule(scan) || open_math(scan)) {
        return true;
    }
    if (in_leaf(scan, LEAF_TABLE)) {
        size_t skip;
        if (!mark__heading(cursor__rest(&scan->cursor), &skip)) {
            table_row(scan);
            return true;
        }
    }
    return false;
}

static void leaf_line(struct scan *scan)
{
    bool paragraph = scan->now->leaf == LEAF_PARAGRAPH && !scan->opened;
    bool indented = cursor__indent(&scan->cursor) >= CODE_INDENT;
    if (indented && paragraph) {
        more_of_paragraph(scan);
    } else if (indented && !in_leaf(scan, LEAF_TABLE) && !in_leaf(scan, LEAF_MATH)) {
        indented_code(scan);
    } else if ((!scan->goes_on && whole_line(scan)) || heading(scan)) {
        return;
    } else if (paragraph) {
        more_of_paragraph(scan);
    } else if (!definition(scan)) {
        close_to(scan->now, scan->matched);
        new_paragraph(scan);
    }
}

static void blank_line(struct scan *scan)
{
    struct scan_state *now = scan->now;
    bool item = scan->opened && now->first;
    if (item) {
        close_to(now, scan->matched);
        add(scan, BLOCK_PARAGRAPH, scan->cursor.end, scan->cursor.end);
        return;
    }
    if (now->leaf == LEAF_INDENTED && scan->matched == now->depth) {
        now->blanks++;
    } else {
        close_to(now, scan->matched);
    }
    now->blank = true;
}

/* The piece of a line behind a cut. */
static void rest_of_line(struct scan *scan)
{
    struct scan_state *now = scan->now;
    if (now->leaf == LEAF_FENCE || now->leaf == LEAF_INDENTED) {
        code_line(scan);
        return;
    }
    struct block *block = add(scan, BLOCK_PARAGRAPH, scan->cursor.at, scan->cursor.end);
    block->flags = BLOCK_INSIDE;
    now->leaf = LEAF_PARAGRAPH;
    now->line = block->start;
}

/* Behind the most blocks there may be: pieces of text as they are. */
static void surplus_line(struct scan *scan)
{
    struct block *last = blocks__last(scan->blocks);
    close_to(scan->now, 0);
    if (last->kind == BLOCK_LITERAL && scan->cursor.end - last->start < BLOCK_MAX) {
        last->end = (uint32_t)scan->cursor.end;
    } else {
        add(scan, BLOCK_LITERAL, scan->cursor.at, scan->cursor.end);
    }
}

void scan__line(struct blocks *blocks, struct sv text, size_t start, size_t end, bool goes_on)
{
    struct scan scan = {
        .blocks = blocks,
        .now = &blocks->now,
        .cursor = {.p = text.p, .at = start, .end = end},
        .goes_on = goes_on,
    };
    if (blocks->now.count >= BLOCKS_MAX) {
        surplus_line(&scan);
        return;
    }
    if (blocks->now.inside) {
        rest_of_line(&scan);
        return;
    }
    scan.matched = match(&scan);
    if (blocks->now.leaf == LEAF_FENCE && in_fence(&scan)) {
        return;
    }
    if (cursor__blank(&scan.cursor)) {
        blank_line(&scan);
        return;
    }
    open_containers(&scan);
    if (cursor__blank(&scan.cursor)) {
        blank_line(&scan);
    } else {
        leaf_line(&scan);
    }
}
