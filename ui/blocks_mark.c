/* The marks that lines begin with: what CommonMark says of each, and nothing of what they do. */
#include <string.h>

#include "ui/blocks_internal.h"

#define NUMBER_DIGITS 9u
#define UNDECIDED_BYTES 12u

static bool is_white(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

int cursor__indent(const struct cursor *cursor)
{
    int columns = cursor->pad;
    for (size_t at = cursor->at; at < cursor->end && is_white(cursor->p[at]); at++) {
        int column = cursor->column + columns;
        columns += cursor->p[at] == '\t' ? TAB_COLUMNS - column % TAB_COLUMNS : 1;
    }
    return columns;
}

void cursor__skip(struct cursor *cursor, int columns)
{
    while (columns > 0) {
        if (cursor->pad > 0) {
            cursor->pad--;
            cursor->column++;
            columns--;
        } else if (cursor->at < cursor->end && is_white(cursor->p[cursor->at])) {
            bool tab = cursor->p[cursor->at++] == '\t';
            cursor->pad = tab ? TAB_COLUMNS - cursor->column % TAB_COLUMNS : 1;
        } else {
            return;
        }
    }
}

struct sv cursor__rest(const struct cursor *cursor)
{
    size_t at = cursor->at;
    while (at < cursor->end && is_white(cursor->p[at])) {
        at++;
    }
    return sv_of(cursor->p + at, cursor->end - at);
}

bool cursor__blank(const struct cursor *cursor)
{
    return cursor__rest(cursor).n == 0;
}

bool mark__enter(const struct block_chain *chain, struct cursor *cursor)
{
    int indent = cursor__indent(cursor);
    if (chain->container == BLOCK_QUOTE) {
        struct sv rest = cursor__rest(cursor);
        if (indent > 3 || rest.n == 0 || rest.p[0] != '>') {
            return false;
        }
        cursor__skip(cursor, indent);
        cursor->at++;
        cursor->column++;
        if (cursor__indent(cursor) > 0) {
            cursor__skip(cursor, 1);
        }
        return true;
    }
    if (indent >= chain->indent) {
        cursor__skip(cursor, chain->indent);
        return true;
    }
    return cursor__blank(cursor);
}

/* What follows the bytes of the mark itself. */
static bool finish_list(const struct cursor *cursor, struct sv rest, size_t mark,
                        struct list_mark *out)
{
    if (rest.n > mark && !is_white(rest.p[mark])) {
        return false;
    }
    struct cursor behind = *cursor;
    cursor__skip(&behind, cursor__indent(cursor));
    behind.at += mark;
    behind.column += (int)mark;
    int blanks = cursor__indent(&behind);
    out->empty = cursor__blank(&behind);
    blanks = out->empty || blanks > 4 ? 1 : blanks;
    out->columns = (int)mark + blanks;
    return true;
}

bool mark__list(const struct cursor *cursor, struct list_mark *ret_mark)
{
    struct sv rest = cursor__rest(cursor);
    *ret_mark = (struct list_mark){0};
    if (rest.n && (rest.p[0] == '-' || rest.p[0] == '+' || rest.p[0] == '*')) {
        return finish_list(cursor, rest, 1, ret_mark);
    }
    unsigned n = 0;
    while (n < rest.n && n < NUMBER_DIGITS && is_digit(rest.p[n])) {
        ret_mark->number = ret_mark->number * 10 + (uint32_t)(rest.p[n] - '0');
        n++;
    }
    if (n == 0 || n >= rest.n || (rest.p[n] != '.' && rest.p[n] != ')')) {
        return false;
    }
    ret_mark->ordered = true;
    ret_mark->digits = n;
    return finish_list(cursor, rest, n + 1, ret_mark);
}

bool mark__rule(struct sv rest)
{
    unsigned count = 0;
    if (rest.n == 0 || !rest.p[0] || !strchr("-*_", rest.p[0])) {
        return false;
    }
    for (size_t i = 0; i < rest.n; i++) {
        if (rest.p[i] == rest.p[0]) {
            count++;
        } else if (!is_white(rest.p[i])) {
            return false;
        }
    }
    return count >= 3;
}

unsigned mark__heading(struct sv rest, size_t *ret_skip)
{
    size_t level = rest.n && rest.p[0] == '#' ? sv_run(rest) : 0;
    if (level > 6 || level == 0 || (level < rest.n && !is_white(rest.p[level]))) {
        return 0;
    }
    size_t skip = level;
    while (skip < rest.n && is_white(rest.p[skip])) {
        skip++;
    }
    *ret_skip = skip;
    return (unsigned)level;
}

unsigned mark__underline(struct sv rest)
{
    rest = sv_trim(rest);
    if (rest.n == 0 || (rest.p[0] != '=' && rest.p[0] != '-') || sv_run(rest) != rest.n) {
        return 0;
    }
    return rest.p[0] == '=' ? 1 : 2;
}

unsigned mark__fence(struct sv rest)
{
    if (rest.n == 0 || (rest.p[0] != '`' && rest.p[0] != '~')) {
        return 0;
    }
    size_t n = sv_run(rest);
    struct sv info = sv_skip(rest, n);
    bool inside = rest.p[0] == '`' && sv_find(info, '`') < info.n;
    return n < 3 || inside ? 0 : (unsigned)n;
}

bool mark__fence_end(struct sv rest, char byte, unsigned length)
{
    rest = sv_trim(rest);
    return rest.n >= length && rest.p[0] == byte && sv_run(rest) == rest.n;
}

bool mark__definition(struct sv rest)
{
    size_t close = sv_find(rest, ']');
    return rest.n && rest.p[0] == '[' && close > 1 && close + 1 < rest.n &&
           rest.p[close + 1] == ':';
}

static enum block_align align_of(struct sv cell)
{
    bool left = cell.p[0] == ':';
    bool right = cell.p[cell.n - 1] == ':';
    return left && right ? BLOCK_CENTER : right ? BLOCK_RIGHT : BLOCK_LEFT;
}

static bool is_dashes(struct sv cell)
{
    size_t from = cell.n && cell.p[0] == ':';
    size_t to = cell.n > from && cell.p[cell.n - 1] == ':' ? cell.n - 1 : cell.n;
    for (size_t i = from; i < to; i++) {
        if (cell.p[i] != '-') {
            return false;
        }
    }
    return to > from;
}

static struct sv without_outer_bars(struct sv row)
{
    row = sv_trim(row);
    row = row.n && row.p[0] == '|' ? sv_skip(row, 1) : row;
    bool escaped = row.n > 1 && row.p[row.n - 2] == '\\';
    return row.n && row.p[row.n - 1] == '|' && !escaped ? sv_take(row, row.n - 1) : row;
}

bool mark__delimiters(struct sv rest, struct block_table *ret_table)
{
    if (sv_find(rest, '|') == rest.n) {
        return false;
    }
    struct sv row = without_outer_bars(rest);
    unsigned columns = 0;
    for (bool more = true; more;) {
        size_t bar = sv_find(row, '|');
        struct sv cell = sv_trim(sv_take(row, bar));
        if (columns == BLOCK_COLUMNS_MAX || !is_dashes(cell)) {
            return false;
        }
        ret_table->align[columns++] = (uint8_t)align_of(cell);
        more = bar < row.n;
        row = sv_skip(row, bar + 1);
    }
    ret_table->columns = (uint8_t)columns;
    return true;
}

unsigned blocks_cells(struct sv row)
{
    unsigned cells = 1;
    row = without_outer_bars(row);
    for (size_t i = 0; i < row.n; i++) {
        if (row.p[i] == '\\') {
            i++;
        } else if (row.p[i] == '|') {
            cells++;
        }
    }
    return cells;
}

const char *mark__math(struct sv rest, bool *ret_closed)
{
    bool dollars = sv_starts_with(rest, SV("$$"));
    if (!dollars && !sv_starts_with(rest, SV("\\["))) {
        return NULL;
    }
    const char *end = dollars ? "$$" : "\\]";
    struct sv body = sv_skip(sv_trim(rest), 2);
    size_t found = sv_find_sv(body, sv_from(end));
    *ret_closed = found + 2 == body.n;
    return found == body.n || *ret_closed ? end : NULL;
}

static bool only(struct sv text, const char *bytes)
{
    for (size_t i = 0; i < text.n; i++) {
        if (!text.p[i] || !strchr(bytes, text.p[i])) {
            return false;
        }
    }
    return true;
}

bool mark__undecided(struct sv rest)
{
    rest = sv_trim(rest);
    if (rest.n && only(rest, "|-: ")) {
        return true; /* a row of dashes under a table's head, of any length */
    }
    size_t at = 0;
    if (rest.n == 0 || rest.n > UNDECIDED_BYTES) {
        return false;
    }
    while (at < rest.n && is_digit(rest.p[at])) {
        at++;
    }
    if (at > 0) {
        return at + 1 == rest.n && (rest.p[at] == '.' || rest.p[at] == ')');
    }
    return only(rest, "-+*#>=_`~|:$\\[ \t");
}
