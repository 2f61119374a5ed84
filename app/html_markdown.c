/*
 * Markdown as HTML: md4c reads it, and calls back for each block, span and text.
 *
 * md4c's own renderer is not used: it would follow any address and load any picture. A picture is
 * shown as a link to it. What is inside a block of code is kept until its end, since colours need
 * whole lines.
 */
#include <md4c.h>
#include <stdint.h>
#include <stdlib.h>

#include "app/html.h"
#include "base/utf8.h"

#define FLAGS                                                                                      \
    (MD_FLAG_PERMISSIVEURLAUTOLINKS | MD_FLAG_PERMISSIVEWWWAUTOLINKS | MD_FLAG_STRIKETHROUGH |     \
     MD_FLAG_NOHTML | MD_FLAG_LATEXMATHSPANS | MD_FLAG_TABLES | MD_FLAG_TASKLISTS)
#define LINKS_MAX 64
/* Source: CommonMark 0.31, 2.2. */
#define TAB_COLUMNS 4

struct writing {
    struct buf *out;
    struct sv source;
    struct buf code, info;
    bool in_code;
    size_t indent; /* spaces at the end of `code` that md4c made of what the source has there */
    bool linked[LINKS_MAX]; /* which of the links around are links */
    size_t links;
};

/* ---- addresses ---- */

/* False: it has an entity that hides what it is. */
static bool append_attribute(struct buf *out, const MD_ATTRIBUTE *attribute)
{
    if (!attribute->text) {
        return true;
    }
    for (unsigned i = 0; attribute->substr_offsets[i] < attribute->size; i++) {
        const char *from = attribute->text + attribute->substr_offsets[i];
        size_t n = attribute->substr_offsets[i + 1] - attribute->substr_offsets[i];
        MD_TEXTTYPE type = attribute->substr_types[i];
        if (type == MD_TEXT_ENTITY && sv_equal_str(sv_of(from, n), "&amp;")) {
            buf_append_byte(out, '&');
        } else if (type != MD_TEXT_NORMAL) {
            return false;
        } else {
            buf_append(out, from, n);
        }
    }
    return true;
}

static void begin_link(struct writing *self, const MD_ATTRIBUTE *href)
{
    struct buf address = BUF_INIT(BUF_MAX_INTERNAL);
    bool is = append_attribute(&address, href) && html_is_link(buf_sv(&address)) &&
              self->links < LINKS_MAX;
    if (is) {
        buf_append_str(self->out, "<a rel=\"noreferrer noopener\" href=\"");
        html_line(self->out, buf_sv(&address));
        buf_append_str(self->out, "\">");
    }
    if (self->links < LINKS_MAX) {
        self->linked[self->links] = is;
    }
    self->links++;
    buf_release(&address);
}

static void end_link(struct writing *self)
{
    self->links--;
    if (self->links < LINKS_MAX && self->linked[self->links]) {
        buf_append_str(self->out, "</a>");
    }
}

/* ---- blocks ---- */

static const char *const block_tags[] = {
    [MD_BLOCK_QUOTE] = "blockquote",
    [MD_BLOCK_UL] = "ul",
    [MD_BLOCK_OL] = "ol",
    [MD_BLOCK_LI] = "li",
    [MD_BLOCK_P] = "p",
    [MD_BLOCK_TABLE] = "table",
    [MD_BLOCK_THEAD] = "thead",
    [MD_BLOCK_TBODY] = "tbody",
    [MD_BLOCK_TR] = "tr",
    [MD_BLOCK_TH] = "th",
    [MD_BLOCK_TD] = "td",
};

static const char *tag_of(MD_BLOCKTYPE type)
{
    return (unsigned)type < COUNT_OF(block_tags) ? block_tags[type] : NULL;
}

static unsigned level_of(const MD_BLOCK_H_DETAIL *heading)
{
    return heading->level + 2 < 6 ? heading->level + 2 : 6;
}

static void open_tag(struct writing *self, MD_BLOCKTYPE type, const void *detail)
{
    static const char *const aligned[] = {"", " class=\"left\"", " class=\"center\"",
                                          " class=\"right\""};
    const char *tag = tag_of(type);
    if (type == MD_BLOCK_TH || type == MD_BLOCK_TD) {
        unsigned align = ((const MD_BLOCK_TD_DETAIL *)detail)->align;
        buf_appendf(self->out, "<%s%s>", tag, align < COUNT_OF(aligned) ? aligned[align] : "");
    } else if (type == MD_BLOCK_OL) {
        buf_appendf(self->out, "<ol start=\"%u\">", ((const MD_BLOCK_OL_DETAIL *)detail)->start);
    } else if (tag) {
        buf_appendf(self->out, "<%s>", tag);
    }
    if (type == MD_BLOCK_LI && ((const MD_BLOCK_LI_DETAIL *)detail)->is_task) {
        char mark = ((const MD_BLOCK_LI_DETAIL *)detail)->task_mark;
        buf_append_str(self->out, mark == ' ' ? "☐ " : "☑ ");
    }
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *ctx)
{
    struct writing *self = ctx;
    if (type == MD_BLOCK_CODE) {
        self->in_code = true;
        self->indent = 0;
        buf_clear(&self->code);
        buf_clear(&self->info);
        (void)append_attribute(&self->info, &((MD_BLOCK_CODE_DETAIL *)detail)->info);
    } else if (type == MD_BLOCK_HR) {
        buf_append_str(self->out, "<hr>\n");
    } else if (type == MD_BLOCK_H) {
        buf_appendf(self->out, "<h%u>", level_of(detail));
    } else {
        open_tag(self, type, detail);
    }
    return 0;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *ctx)
{
    struct writing *self = ctx;
    if (type == MD_BLOCK_CODE) {
        self->in_code = false;
        html_code(self->out, buf_sv(&self->info), buf_sv(&self->code));
    } else if (type == MD_BLOCK_H) {
        buf_appendf(self->out, "</h%u>\n", level_of(detail));
    } else if (tag_of(type)) {
        buf_appendf(self->out, "</%s>\n", tag_of(type));
    }
    return 0;
}

/* ---- spans ---- */

static const char *const span_tags[] = {
    [MD_SPAN_EM] = "em",   [MD_SPAN_STRONG] = "strong",  [MD_SPAN_CODE] = "code",
    [MD_SPAN_DEL] = "del", [MD_SPAN_LATEXMATH] = "code", [MD_SPAN_LATEXMATH_DISPLAY] = "code",
};

static const char *span_tag_of(MD_SPANTYPE type)
{
    return (unsigned)type < COUNT_OF(span_tags) ? span_tags[type] : NULL;
}

static int enter_span(MD_SPANTYPE type, void *detail, void *ctx)
{
    struct writing *self = ctx;
    if (type == MD_SPAN_A) {
        begin_link(self, &((MD_SPAN_A_DETAIL *)detail)->href);
    } else if (type == MD_SPAN_IMG) {
        begin_link(self, &((MD_SPAN_IMG_DETAIL *)detail)->src);
        buf_append_str(self->out, "[image] ");
    } else if (span_tag_of(type)) {
        buf_appendf(self->out, "<%s>", span_tag_of(type));
    }
    return 0;
}

static int leave_span(MD_SPANTYPE type, void *detail, void *ctx)
{
    struct writing *self = ctx;
    (void)detail;
    if (type == MD_SPAN_A || type == MD_SPAN_IMG) {
        end_link(self);
    } else if (span_tag_of(type)) {
        buf_appendf(self->out, "</%s>", span_tag_of(type));
    }
    return 0;
}

/* ---- texts ---- */

static const struct entity {
    const char *name, *text;
} entities[] = {
    {"&amp;", "&"},       {"&lt;", "<"},   {"&gt;", ">"},   {"&quot;", "\""},  {"&apos;", "'"},
    {"&nbsp;", "\u00a0"}, {"&copy;", "©"}, {"&reg;", "®"},  {"&hellip;", "…"}, {"&mdash;", "—"},
    {"&ndash;", "–"},     {"&larr;", "←"}, {"&rarr;", "→"}, {"&times;", "×"},  {"&middot;", "·"},
    {"&bull;", "•"},      {"&deg;", "°"},  {"&euro;", "€"}, {"&trade;", "™"},  {"&laquo;", "«"},
    {"&raquo;", "»"},
};

/* The character of "&#65;" or "&#x41;"; 0: it is none. */
static uint32_t number_of(struct sv entity)
{
    char digits[16] = "";
    if (entity.n < 4 || entity.n > sizeof(digits) || entity.p[1] != '#') {
        return 0;
    }
    bool is_hex = entity.p[2] == 'x' || entity.p[2] == 'X';
    for (size_t i = 2 + is_hex; i + 1 < entity.n; i++) {
        digits[i - 2 - is_hex] = entity.p[i];
    }
    unsigned long value = strtoul(digits, NULL, is_hex ? 16 : 10);
    bool is_scalar = value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
    return is_scalar ? (uint32_t)value : 0;
}

/* What is not known stays as it is written. */
static void append_entity(struct buf *out, struct sv entity)
{
    uint32_t number = number_of(entity);
    char bytes[4];
    if (number > 0) {
        html_text(out, sv_of(bytes, utf8_encode(number, bytes)));
        return;
    }
    for (size_t i = 0; i < COUNT_OF(entities); i++) {
        if (sv_equal_str(entity, entities[i].name)) {
            html_text(out, sv_from(entities[i].text));
            return;
        }
    }
    html_text(out, entity);
}

/* Where the indent begins that ends at `end` and is `columns` wide; `end`: in the midst of a tab.
 */
static size_t indent_start(struct sv source, size_t end, size_t columns)
{
    size_t from = end, column = 0;
    while (from > 0 && source.p[from - 1] != '\n' && source.p[from - 1] != '\r') {
        from--;
    }
    size_t line = from;
    for (; from < end; from++) {
        column += source.p[from] == '\t' ? TAB_COLUMNS - column % TAB_COLUMNS : 1;
    }
    size_t wanted = column > columns ? column - columns : 0;
    for (column = 0, from = line; from < end && column < wanted; from++) {
        column += source.p[from] == '\t' ? TAB_COLUMNS - column % TAB_COLUMNS : 1;
    }
    for (size_t i = from; i < end; i++) {
        if (source.p[i] != ' ' && source.p[i] != '\t') {
            return end;
        }
    }
    return column == wanted ? from : end;
}

/* md4c tells the indent of a line of code as spaces of its own, and then the rest of the line out
 * of the source: the tabs that were there come back. */
static void append_code(struct writing *self, struct sv piece)
{
    uintptr_t at = (uintptr_t)piece.p - (uintptr_t)self->source.p;
    bool is_of_source = (uintptr_t)piece.p >= (uintptr_t)self->source.p && at < self->source.n;
    if (is_of_source && self->indent > 0) {
        size_t from = indent_start(self->source, at, self->indent);
        if (from < at) {
            buf_truncate(&self->code, self->code.n - self->indent);
            buf_append(&self->code, self->source.p + from, at - from);
        }
    }
    buf_append_sv(&self->code, piece);
    bool is_indent = !is_of_source && piece.n > 0 && piece.p[0] == ' ';
    self->indent = is_indent ? self->indent + piece.n : 0;
}

static int text(MD_TEXTTYPE type, const MD_CHAR *bytes, MD_SIZE size, void *ctx)
{
    struct writing *self = ctx;
    struct sv piece = sv_of(bytes, size);
    if (self->in_code) {
        append_code(self, piece);
    } else if (type == MD_TEXT_BR || type == MD_TEXT_SOFTBR) {
        buf_append_str(self->out, "<br>\n");
    } else if (type == MD_TEXT_ENTITY) {
        append_entity(self->out, piece);
    } else {
        html_text(self->out, type == MD_TEXT_NULLCHAR ? SV("\uFFFD") : piece);
    }
    return 0;
}

void html_markdown(struct buf *out, struct sv source)
{
    struct writing self = {.out = out,
                           .source = source,
                           .code = BUF_INIT(BUF_MAX_INTERNAL),
                           .info = BUF_INIT(BUF_MAX_INTERNAL)};
    const MD_PARSER parser = {.flags = FLAGS,
                              .enter_block = enter_block,
                              .leave_block = leave_block,
                              .enter_span = enter_span,
                              .leave_span = leave_span,
                              .text = text};
    size_t before = out->n;
    if (md_parse(source.p, (MD_SIZE)source.n, &parser, &self) != 0) {
        buf_truncate(out, before);
        buf_append_str(out, "<pre>");
        html_text(out, source);
        buf_append_str(out, "</pre>\n");
    }
    buf_release(&self.code);
    buf_release(&self.info);
}
