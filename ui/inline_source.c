/*
 * What has to be done to a block's source before md4c may read it: marks that it does not know are
 * taken out of its sight, marks that it would wait for are closed.
 */
#include <stdbool.h>
#include <string.h>

#include "ui/inline_internal.h"

#define OPEN_MARKS 4u

static bool is_punctuation(char byte)
{
    return (byte >= '!' && byte <= '/') || (byte >= ':' && byte <= '@') ||
           (byte >= '[' && byte <= '`') || (byte >= '{' && byte <= '~');
}

/* Every mark loses its meaning. */
static void append_escaped(struct buf *out, struct sv text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (is_punctuation(text.p[i])) {
            buf_append_byte(out, '\\');
        }
        buf_append_byte(out, text.p[i]);
    }
}

/* Length of the code span that begins with these backticks; of them alone where none does. */
static size_t code_span(struct sv text)
{
    size_t ticks = 0;
    while (ticks < text.n && text.p[ticks] == '`') {
        ticks++;
    }
    for (size_t at = ticks, run = 0; at <= text.n; at++) {
        if (at < text.n && text.p[at] == '`') {
            run++;
        } else if (run == ticks) {
            return at;
        } else {
            run = 0;
        }
    }
    return ticks;
}

/* Length of \( ... \) or \[ ... \]; 0: it does not end. */
static size_t math_span(struct sv text)
{
    const char *end = text.n > 1 && text.p[1] == '(' ? "\\)" : "\\]";
    size_t found = sv_find_sv(sv_skip(text, 2), sv_from(end));
    return 2 + found < text.n ? found + 4 : 0;
}

static bool begins_math(struct sv text)
{
    return text.n > 1 && text.p[0] == '\\' && (text.p[1] == '(' || text.p[1] == '[');
}

/* How much of math that begins here is taken out of sight: all of it, or its mark where nothing
 * closes it. `unclosed` remembers that of \( and \[, since nothing closes a later one then, either:
 * so that hostile text is not looked through for each. */
static size_t math_length(struct sv text, bool unclosed[2])
{
    bool *is_unclosed = &unclosed[text.p[1] == '['];
    size_t length = *is_unclosed ? 0 : math_span(text);
    *is_unclosed = length == 0;
    return length ? length : 2;
}

/* What looks like the definition of a link would be taken out of the text. */
static bool is_definition(struct sv text)
{
    size_t close = sv_find(text, ']');
    return text.n && text.p[0] == '[' && close + 1 < text.n && text.p[close + 1] == ':';
}

void inline__prepare(struct buf *out, struct sv source, bool row)
{
    bool line_begins = true;
    bool unclosed[2] = {false, false};
    for (size_t at = 0; at < source.n;) {
        struct sv rest = sv_skip(source, at);
        size_t n = 1;
        if (begins_math(rest)) {
            n = math_length(rest, unclosed);
            append_escaped(out, sv_take(rest, n));
        } else if (rest.p[0] == '\\' && rest.n > 1) {
            n = 2;
            buf_append_sv(out, sv_take(rest, 2));
        } else if (rest.p[0] == '\r') {
            buf_append_str(out, "␍"); /* md4c would take it for the end of a line */
        } else if (row && sv_starts_with(rest, SV("||"))) {
            buf_append_str(out, "| "); /* it would take no cell at all for an empty one */
        } else if (rest.p[0] == '`') {
            n = code_span(rest);
            buf_append_sv(out, sv_take(rest, n));
        } else {
            if (line_begins && is_definition(rest)) {
                buf_append_byte(out, '\\');
            }
            buf_append_byte(out, rest.p[0]);
        }
        char last = source.p[at + n - 1];
        line_begins = last == '\n' || (line_begins && strchr(" \t>", last ? last : 'x'));
        at += n;
    }
}

/* Emphasis that is open, outermost first: its marks' lengths. */
struct open_marks {
    unsigned char length[OPEN_MARKS];
    size_t count;
    size_t ticks; /* of code that is open: nothing else counts behind it */
    size_t end;   /* of the text without a mark that waits for what follows */
};

static bool is_white(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n';
}

/* A run of asterisks closes what is open or opens something. False: it does neither. */
static bool take_asterisks(struct open_marks *open, struct sv text, size_t at, size_t n)
{
    bool closes = at > 0 && !is_white(text.p[at - 1]);
    if (closes && open->count && open->length[open->count - 1] == n) {
        open->count--;
        return true;
    }
    bool opens = at + n < text.n && !is_white(text.p[at + n]) &&
                 (at == 0 || is_white(text.p[at - 1]) || is_punctuation(text.p[at - 1]));
    if (opens && n <= 3 && open->count < OPEN_MARKS) {
        open->length[open->count++] = (unsigned char)n;
    }
    return opens;
}

static void find_open_marks(struct sv text, struct open_marks *open)
{
    open->end = text.n;
    for (size_t at = 0; at < text.n && !open->ticks;) {
        struct sv rest = sv_skip(text, at);
        size_t n = rest.p[0] == '\\' ? 2 : 1;
        if (rest.p[0] == '`') {
            size_t run = sv_run(rest);
            n = code_span(rest);
            open->ticks = n == run && run < rest.n ? run : 0;
            open->end = run == rest.n ? at : open->end;
        } else if (rest.p[0] == '*') {
            n = sv_run(rest);
            bool taken = take_asterisks(open, text, at, n);
            open->end = !taken && n == rest.n ? at : open->end;
        }
        at += n;
    }
}

void inline__close_marks(struct buf *text)
{
    struct open_marks open = {0};
    find_open_marks(buf_sv(text), &open);
    size_t end = open.end;
    while (end > 0 && is_white(text->p[end - 1])) {
        end--;
    }
    buf_truncate(text, end);
    for (size_t i = 0; i < open.ticks; i++) {
        buf_append_byte(text, '`');
    }
    while (open.count--) {
        buf_append(text, "***", open.length[open.count]);
    }
}

void inline__append_head(struct buf *out, size_t columns)
{
    for (size_t i = 0; i < columns; i++) {
        buf_append_str(out, "|x");
    }
    buf_append_str(out, "|\n");
    for (size_t i = 0; i < columns; i++) {
        buf_append_str(out, "|---");
    }
    buf_append_str(out, "|\n");
}
