/* Fenced blocks, and the sequence for the clipboard. */
#include "ui/copy.h"

#include <stdint.h>
#include <string.h>

#define INDENT_MOST 3

struct fence {
    char mark;     /* ` or ~ */
    size_t length; /* of the run */
    size_t indent; /* bytes before it: blanks, marks of quotes, the item's that it begins */
    size_t quotes; /* that it stands in */
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* Blanks, and the marks of at most `quotes` quotes, before the first other character. */
static size_t prefix_of(struct sv line, size_t quotes)
{
    size_t n = 0;
    while (n < line.n && (is_blank(line.p[n]) || (line.p[n] == '>' && quotes > 0))) {
        quotes -= line.p[n++] == '>';
    }
    return n;
}

/* In the first `n` bytes. */
static size_t quotes_in(struct sv line, size_t n)
{
    size_t quotes = 0;
    for (size_t i = 0; i < n; i++) {
        quotes += line.p[i] == '>';
    }
    return quotes;
}

/* The mark of an item, "-" or "12.", before the blank behind it. 0: none is there. */
static size_t marker_of(struct sv line)
{
    size_t n = 0;
    while (n < line.n && n < 9 && line.p[n] >= '0' && line.p[n] <= '9') {
        n++;
    }
    const char *ends = n ? ".)" : "-+*";
    bool there = n + 1 < line.n && strchr(ends, line.p[n]) && is_blank(line.p[n + 1]);
    return there ? n + 1 : 0;
}

/* A fence may be the first thing in an item, and in one of that. */
static size_t lead_of(struct sv line)
{
    size_t lead = prefix_of(line, SIZE_MAX);
    size_t marker;
    while ((marker = marker_of(sv_skip(line, lead))) > 0) {
        lead += marker;
        lead += prefix_of(sv_skip(line, lead), SIZE_MAX);
    }
    return lead;
}

static size_t run_of(struct sv line, char mark)
{
    size_t run = 0;
    while (run < line.n && line.p[run] == mark) {
        run++;
    }
    return run;
}

static bool opens(struct sv line, struct fence *ret_fence)
{
    size_t indent = lead_of(line);
    struct sv rest = sv_skip(line, indent);
    char mark = rest.n ? rest.p[0] : '\0';
    size_t run = run_of(rest, mark);
    struct sv info = sv_skip(rest, run);
    if ((mark != '`' && mark != '~') || run < 3 || (mark == '`' && sv_find(info, '`') < info.n)) {
        return false;
    }
    *ret_fence = (struct fence){mark, run, indent, quotes_in(line, indent)};
    return true;
}

static bool closes(struct sv line, const struct fence *fence)
{
    size_t indent = prefix_of(line, fence->quotes);
    struct sv rest = sv_skip(line, indent);
    size_t run = run_of(rest, fence->mark);
    return indent <= fence->indent + INDENT_MOST && run >= fence->length &&
           sv_trim(sv_skip(rest, run)).n == 0;
}

/* The quote that it stood in has ended without it. */
static bool is_left(struct sv line, const struct fence *fence)
{
    return quotes_in(line, prefix_of(line, fence->quotes)) < fence->quotes;
}

/* A line of the block without as much of its beginning as the fence was indented by. */
static struct sv unindented(struct sv line, const struct fence *fence)
{
    size_t prefix = prefix_of(line, fence->quotes);
    return sv_skip(line, prefix < fence->indent ? prefix : fence->indent);
}

bool copy_code_next(struct sv *rest, struct buf *out)
{
    struct fence fence = {0};
    bool inside = false;
    while (rest->n) {
        struct sv line =
            sv_take(*rest, sv_find(*rest, '\n') + 1); /* with its end, whatever it is */
        if (inside && is_left(line, &fence)) {
            return true;
        }
        *rest = sv_skip(*rest, line.n);
        if (!inside) {
            inside = opens(line, &fence);
        } else if (closes(line, &fence)) {
            return true;
        } else if (out) {
            buf_append_sv(out, unindented(line, &fence));
        }
    }
    return inside;
}

size_t copy_code_count(struct sv text)
{
    size_t count = 0;
    while (copy_code_next(&text, NULL)) {
        count++;
    }
    return count;
}

bool copy_code(struct sv text, size_t number, struct buf *out)
{
    bool there = number > 0;
    for (size_t i = 1; i < number && there; i++) {
        there = copy_code_next(&text, NULL);
    }
    return there && copy_code_next(&text, out);
}

static void append_base64(struct sv text, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < text.n; i += 3) {
        size_t n = text.n - i < 3 ? text.n - i : 3;
        unsigned char bytes[3] = {0};
        memcpy(bytes, text.p + i, n);
        unsigned bits = (unsigned)bytes[0] << 16 | (unsigned)bytes[1] << 8 | bytes[2];
        char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63], digits[bits >> 6 & 63],
                        digits[bits & 63]};
        memset(four + n + 1, '=', 3 - n);
        buf_append(out, four, 4);
    }
}

void copy_sequence(struct sv text, struct buf *out)
{
    buf_append_str(out, "\033]52;c;");
    append_base64(text, out);
    buf_append_str(out, "\a");
}
