/* What each kind of block looks like. A new kind is a function and its line in the table. */
#include "base/attr.h"
#include "ui/inline.h"
#include "ui/markdown_internal.h"

#define CODE_INDENT 2

static void append_line(void *ctx, struct sv line, unsigned pad)
{
    struct buf *out = ctx;
    if (out->n) {
        buf_append_byte(out, '\n');
    }
    while (pad--) {
        buf_append_byte(out, ' ');
    }
    buf_append_sv(out, line);
}

void source__text(const struct source *source, struct buf *out)
{
    blocks_each_line(source->blocks, source->block, source->text, append_line, out);
}

static void paragraph(const struct source *source, struct styled *out)
{
    struct buf text = BUF_INIT(RENDERED_MAX);
    source__text(source, &text);
    if (source->open) {
        inline_append_open(out, buf_sv(&text), STYLE_PLAIN);
    } else {
        inline_append(out, buf_sv(&text), STYLE_PLAIN);
    }
    buf_release(&text);
}

static void heading(const struct source *source, struct styled *out)
{
    static const enum style styles[] = {STYLE_HEADING_1, STYLE_HEADING_2, STYLE_HEADING};
    size_t level = source->block->level;
    struct buf text = BUF_INIT(RENDERED_MAX);
    source__text(source, &text);
    inline_heading(out, buf_sv(&text),
                   styles[level > COUNT_OF(styles) ? COUNT_OF(styles) - 1 : level - 1]);
    buf_release(&text);
}

static void verbatim(const struct source *source, struct styled *out, enum style style)
{
    struct buf text = BUF_INIT(RENDERED_MAX);
    source__text(source, &text);
    styled_append(out, buf_sv(&text), style);
    buf_release(&text);
}

static void label(const struct source *source, struct styled *out)
{
    styled_append(out, width_glyph(SV("── "), SV("-- ")), STYLE_BLOCK_LABEL);
    verbatim(source, out, STYLE_BLOCK_LABEL);
}

static void math(const struct source *source, struct styled *out)
{
    verbatim(source, out, STYLE_MATH);
}

static void literal(const struct source *source, struct styled *out)
{
    verbatim(source, out, STYLE_PLAIN);
}

struct code {
    const struct syntax_language *language;
    unsigned state;
    bool begun;
    struct styled *out;
};

static void code_line(void *ctx, struct sv line, unsigned pad)
{
    struct code *code = ctx;
    if (code->begun) {
        styled_append(code->out, SV("\n"), STYLE_BLOCK);
    }
    code->begun = true;
    styled_pad(code->out, pad, STYLE_BLOCK);
    code->state = syntax_line(code->language, code->state, line, code->out);
}

static void code(const struct source *source, struct styled *out)
{
    struct code state = {
        .language = blocks_fence(source->blocks, source->block->group)->language,
        .state = source->block->state,
        .out = out,
    };
    blocks_each_line(source->blocks, source->block, source->text, code_line, &state);
}

static void rule(const struct source *source, struct styled *out)
{
    struct sv dash = width_glyph(SV("─"), SV("-"));
    for (int i = 0; i < source->width; i++) {
        styled_append(out, dash, STYLE_RULE);
    }
}

static const struct kind kinds[BLOCK_KIND_COUNT] = {
    [BLOCK_PARAGRAPH] = {paragraph, 0, false},
    [BLOCK_HEADING] = {heading, 0, false},
    [BLOCK_LABEL] = {label, CODE_INDENT, false},
    [BLOCK_CODE] = {code, CODE_INDENT, true},
    [BLOCK_MATH] = {math, CODE_INDENT, false},
    [BLOCK_TABLE_HEAD] = {table__render_head, 0, false},
    [BLOCK_TABLE_ROW] = {table__render_row, 0, false},
    [BLOCK_RULE] = {rule, 0, false},
    [BLOCK_LITERAL] = {literal, 0, false},
};

const struct kind *kind__of(enum block_kind kind)
{
    return &kinds[kind];
}
