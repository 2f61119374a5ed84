/* Whether something is open, md4c is asked: what a heading behind the text would be. */
#include "app/export_md_end.h"

#include <md4c.h>

#define FENCE_MIN 3
#define HEADING_DEPTH 2 /* in the document, and in nothing else */

struct reading_end {
    unsigned depth;
    MD_BLOCKTYPE last; /* that was begun */
    unsigned last_depth;
};

static int enter_block(MD_BLOCKTYPE type, void *detail, void *ctx)
{
    struct reading_end *self = ctx;
    (void)detail;
    self->last = type;
    self->last_depth = ++self->depth;
    return 0;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *ctx)
{
    struct reading_end *self = ctx;
    (void)type;
    (void)detail;
    self->depth--;
    return 0;
}

static int pass_span(MD_SPANTYPE type, void *detail, void *ctx)
{
    (void)type;
    (void)detail;
    (void)ctx;
    return 0;
}

static int pass_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *ctx)
{
    (void)type;
    (void)text;
    (void)size;
    (void)ctx;
    return 0;
}

static bool is_closed(struct sv text, struct sv end)
{
    const MD_PARSER parser = {.flags = MD_DIALECT_GITHUB,
                              .enter_block = enter_block,
                              .leave_block = leave_block,
                              .enter_span = pass_span,
                              .leave_span = pass_span,
                              .text = pass_text};
    struct reading_end self = {.last = MD_BLOCK_DOC};
    struct buf whole = BUF_INIT(BUF_MAX_INTERNAL);
    buf_append_sv(&whole, text);
    buf_append_byte(&whole, '\n');
    buf_append_sv(&whole, end);
    buf_append_str(&whole, "\n# x\n");
    int failure = md_parse(whole.p, (MD_SIZE)whole.n, &parser, &self);
    buf_release(&whole);
    return failure || (self.last == MD_BLOCK_H && self.last_depth == HEADING_DEPTH);
}

/* As long as the longest run of it in the text. */
static void append_fence(struct buf *out, struct sv text, char byte)
{
    size_t longest = FENCE_MIN, run = 0;
    for (size_t i = 0; i < text.n; i++) {
        run = text.p[i] == byte ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    for (size_t i = 0; i < longest; i++) {
        buf_append_byte(out, byte);
    }
}

static bool may_be_open(struct sv text)
{
    return sv_find_sv(text, SV("```")) < text.n || sv_find_sv(text, SV("~~~")) < text.n ||
           sv_find(text, '<') < text.n;
}

void export_append_md_end(struct buf *out, struct sv text)
{
    static const char *const ends[] = {"`", "~", "-->", "</script>", "?>", "]]>", ">"};
    if (!may_be_open(text) || is_closed(text, SV(""))) {
        return;
    }
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct buf end = BUF_INIT(BUF_MAX_INTERNAL);
        if (ends[i][0] == '`' || ends[i][0] == '~') {
            append_fence(&end, text, ends[i][0]);
        } else {
            buf_append_str(&end, ends[i]);
        }
        bool closes = is_closed(text, buf_sv(&end));
        if (closes) {
            buf_append_sv(out, buf_sv(&end));
            buf_append_byte(out, '\n');
        }
        buf_release(&end);
        if (closes) {
            return;
        }
    }
}
