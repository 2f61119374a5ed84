/* The first fenced code block. */
#include "app/code_block.h"

#define FENCE_LEAST 3
#define INDENT_MOST 3

struct fence {
    char byte;
    size_t length, indent;
};

static size_t count_of(struct sv line, char byte)
{
    size_t count = 0;
    while (count < line.n && line.p[count] == byte) {
        count++;
    }
    return count;
}

/* In lists blocks are indented further, so any indentation that is before a fence will do. */
static bool opens(struct sv line, struct fence *ret_fence)
{
    size_t indent = count_of(line, ' ');
    struct sv rest = sv_skip(line, indent);
    char byte = rest.n > 0 ? rest.p[0] : ' ';
    size_t length = count_of(rest, byte);
    if ((byte != '`' && byte != '~') || length < FENCE_LEAST) {
        return false;
    }
    struct sv info = sv_skip(rest, length);
    if (byte == '`' && sv_find(info, '`') < info.n) {
        return false;
    }
    *ret_fence = (struct fence){byte, length, indent};
    return true;
}

static bool closes(struct sv line, const struct fence *fence)
{
    size_t indent = count_of(line, ' ');
    struct sv rest = sv_skip(line, indent);
    size_t length = count_of(rest, fence->byte);
    return indent <= fence->indent + INDENT_MOST && length >= fence->length &&
           sv_trim(sv_skip(rest, length)).n == 0;
}

bool code_block_first(struct sv markdown, struct buf *out)
{
    struct fence fence = {' ', 0, 0};
    struct sv line;
    bool inside = false;
    while (sv_next_line(&markdown, &line)) {
        if (!inside) {
            inside = opens(line, &fence);
            continue;
        }
        if (closes(line, &fence)) {
            return true;
        }
        size_t indent = count_of(line, ' ');
        buf_append_sv(out, sv_skip(line, indent < fence.indent ? indent : fence.indent));
        buf_append_byte(out, '\n');
    }
    return inside;
}
