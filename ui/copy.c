/* Fenced blocks, and the sequence for the clipboard. */
#include "ui/copy.h"

#include <string.h>

struct fence {
    char mark;     /* ` or ~ */
    size_t length; /* of the run */
    size_t indent; /* blanks before it */
};

/* Blanks, and the marks of quotes, before the first other character. */
static size_t prefix_of(struct sv line)
{
    size_t n = 0;
    while (n < line.n && (line.p[n] == ' ' || line.p[n] == '>' || line.p[n] == '\t')) {
        n++;
    }
    return n;
}

static bool opens(struct sv line, struct fence *ret_fence)
{
    size_t indent = prefix_of(line);
    struct sv rest = sv_skip(line, indent);
    char mark = rest.n ? rest.p[0] : '\0';
    size_t run = 0;
    while (run < rest.n && rest.p[run] == mark) {
        run++;
    }
    struct sv info = sv_skip(rest, run);
    if ((mark != '`' && mark != '~') || run < 3 || (mark == '`' && sv_find(info, '`') < info.n)) {
        return false;
    }
    *ret_fence = (struct fence){mark, run, indent};
    return true;
}

static bool closes(struct sv line, const struct fence *fence)
{
    struct fence other;
    if (!opens(line, &other) || other.mark != fence->mark || other.length < fence->length) {
        return false;
    }
    return sv_trim(sv_skip(line, other.indent + other.length)).n == 0;
}

/* A line of the block without as much of its beginning as the fence was indented by. */
static struct sv unindented(struct sv line, const struct fence *fence)
{
    size_t prefix = prefix_of(line);
    return sv_skip(line, prefix < fence->indent ? prefix : fence->indent);
}

/* Walks the blocks; `out` gets the `wanted`-th one. Gives how many were seen. */
static size_t walk(struct sv text, size_t wanted, struct buf *out)
{
    struct fence fence;
    size_t seen = 0;
    bool inside = false;
    while (text.n) {
        struct sv line = sv_take(text, sv_find(text, '\n') + 1); /* with its end, whatever it is */
        text = sv_skip(text, line.n);
        if (!inside && opens(line, &fence)) {
            inside = true;
            seen++;
        } else if (inside && closes(line, &fence)) {
            inside = false;
        } else if (inside && seen == wanted && out) {
            buf_append_sv(out, unindented(line, &fence));
        }
    }
    return seen;
}

size_t copy_code_count(struct sv text)
{
    return walk(text, 0, NULL);
}

bool copy_code(struct sv text, size_t number, struct buf *out)
{
    return number > 0 && walk(text, number, out) >= number;
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
