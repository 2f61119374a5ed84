/* md4c's callbacks: what each of them appends, and in which style. */
#include "ui/inline.h"

#include <md4c.h>
#include <string.h>

#include "base/attr.h"
#include "base/utf8.h"
#include "ui/blocks.h"
#include "ui/hyperlink.h"
#include "ui/inline_internal.h"

#define SOURCE_MAX ((size_t)1 << 20)
#define SHOWN_TARGET 60u
#define LINKS 4u /* that can be inside each other: images in links */

#define PARSE_FLAGS                                                                                \
    (MD_FLAG_PERMISSIVEURLAUTOLINKS | MD_FLAG_PERMISSIVEWWWAUTOLINKS | MD_FLAG_STRIKETHROUGH |     \
     MD_FLAG_NOHTML | MD_FLAG_NOINDENTEDCODEBLOCKS | MD_FLAG_LATEXMATHSPANS)

struct target {
    char text[SHOWN_TARGET + 4]; /* host, or the beginning of what is no address of the net */
    size_t text_n;
    size_t from; /* where the link's text begins */
    char address[256];
    size_t address_n;
    uint32_t link, outer; /* of the styled text; those around it */
};

struct inlines {
    struct styled *out;
    struct styled *cells; /* of a row; NULL: no table */
    size_t cell_count;
    size_t cell; /* the next one */
    bool ignore; /* the head of a table, which is only there so that there is one */
    enum style base;
    bool heading;
    size_t began; /* of `out`, when nothing was appended */
    unsigned strong, emphasis, strike, code, math, image;
    struct target links[LINKS];
    unsigned link_count;
};

static enum style style_of(const struct inlines *in)
{
    if (in->code) {
        return STYLE_CODE;
    }
    if (in->math) {
        return STYLE_MATH;
    }
    if (in->image) {
        return STYLE_IMAGE;
    }
    if (in->link_count) {
        return STYLE_LINK;
    }
    if (in->heading) {
        return in->base;
    }
    if (in->strong) {
        return in->emphasis ? STYLE_STRONG_EMPHASIS : STYLE_STRONG;
    }
    return in->emphasis ? STYLE_EMPHASIS : in->strike ? STYLE_STRIKE : in->base;
}

static void put(struct inlines *in, struct sv text)
{
    if (!in->ignore) {
        styled_append(in->out, text, style_of(in));
    }
}

/* Length of a line break in HTML at the beginning; 0: there is none. */
static size_t break_tag(struct sv text)
{
    static const char *const tags[] = {"<br>", "<br/>", "<br />"};
    for (size_t i = 0; i < COUNT_OF(tags); i++) {
        if (sv_starts_with(text, sv_from(tags[i]))) {
            return strlen(tags[i]);
        }
    }
    return 0;
}

/* In a row tabs would stand elsewhere than in a line of their own, and <br> is the only break. */
static void put_cell_text(struct inlines *in, struct sv text)
{
    size_t plain = 0;
    for (size_t at = 0; at < text.n;) {
        size_t tag = break_tag(sv_skip(text, at));
        bool tab = text.p[at] == '\t';
        if (!tag && !tab) {
            at++;
            continue;
        }
        put(in, sv_of(text.p + plain, at - plain));
        put(in, tab ? SV(" ") : SV("\n"));
        at += tab ? 1 : tag;
        plain = at;
    }
    put(in, sv_skip(text, plain));
}

/* A bar inside code has a backslash before it, which is the table's. */
static void put_cell_code(struct inlines *in, struct sv text)
{
    for (size_t bar; (bar = sv_find_sv(text, SV("\\|"))) < text.n;) {
        put(in, sv_take(text, bar));
        put(in, SV("|"));
        text = sv_skip(text, bar + 2);
    }
    put(in, text);
}

static const struct {
    const char *name;
    uint32_t cp;
} entities[] = {
    {"&amp;", '&'},      {"&lt;", '<'},       {"&gt;", '>'},       {"&quot;", '"'},
    {"&apos;", '\''},    {"&nbsp;", 0xA0},    {"&copy;", 0xA9},    {"&reg;", 0xAE},
    {"&deg;", 0xB0},     {"&plusmn;", 0xB1},  {"&times;", 0xD7},   {"&divide;", 0xF7},
    {"&ndash;", 0x2013}, {"&mdash;", 0x2014}, {"&lsquo;", 0x2018}, {"&rsquo;", 0x2019},
    {"&ldquo;", 0x201C}, {"&rdquo;", 0x201D}, {"&bull;", 0x2022},  {"&hellip;", 0x2026},
    {"&larr;", 0x2190},  {"&uarr;", 0x2191},  {"&rarr;", 0x2192},  {"&darr;", 0x2193},
    {"&ne;", 0x2260},    {"&le;", 0x2264},    {"&ge;", 0x2265},    {"&infin;", 0x221E},
    {"&euro;", 0x20AC},  {"&trade;", 0x2122}, {"&middot;", 0xB7},  {"&sect;", 0xA7},
};

/* "&#65;" or "&#x41;"; 0: it is neither. */
static uint32_t numeric_entity(struct sv text)
{
    bool hex = text.n > 3 && (text.p[2] | 0x20) == 'x';
    uint32_t cp = 0;
    if (text.n < 4 || text.p[1] != '#') {
        return 0;
    }
    for (size_t i = hex ? 3 : 2; i + 1 < text.n && cp <= 0x10FFFF; i++) {
        char low = (char)(text.p[i] | 0x20);
        uint32_t digit = low >= 'a' ? (uint32_t)(low - 'a') + 10 : (uint32_t)(text.p[i] - '0');
        cp = cp * (hex ? 16 : 10) + digit;
    }
    return cp ? cp : UTF8_REPLACEMENT;
}

/* 0: a name that few know. */
static uint32_t entity(struct sv text)
{
    uint32_t cp = numeric_entity(text);
    for (size_t i = 0; !cp && i < COUNT_OF(entities); i++) {
        cp = sv_equal_str(text, entities[i].name) ? entities[i].cp : 0;
    }
    return cp;
}

static void put_entity(struct inlines *in, struct sv text)
{
    uint32_t cp = entity(text);
    if (!cp) {
        put(in, text); /* as it is written */
        return;
    }
    char bytes[4];
    bool wrong = cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF);
    put(in, sv_of(bytes, utf8_encode(wrong ? UTF8_REPLACEMENT : cp, bytes)));
}

static int on_text(MD_TEXTTYPE type, const MD_CHAR *bytes, MD_SIZE size, void *ctx)
{
    struct inlines *in = ctx;
    struct sv text = sv_of(bytes, size);
    switch (type) {
    case MD_TEXT_NULLCHAR:
        put(in, SV("\0"));
        break;
    case MD_TEXT_BR:
    case MD_TEXT_SOFTBR:
        put(in, in->heading ? SV(" ") : SV("\n"));
        break;
    case MD_TEXT_ENTITY:
        put_entity(in, text);
        break;
    default:
        if (in->cells && in->code) {
            put_cell_code(in, text);
        } else if (in->cells) {
            put_cell_text(in, text);
        } else {
            put(in, text);
        }
        break;
    }
    return 0;
}

/* Between two blocks that md4c finds where one was handed over. */
static void separate(struct inlines *in)
{
    if (!in->ignore && in->out->text.n > in->began &&
        in->out->text.p[in->out->text.n - 1] != '\n') {
        styled_append(in->out, SV("\n"), in->base);
    }
}

static void enter_cell(struct inlines *in)
{
    size_t last = in->cell_count - 1;
    bool surplus = in->cell > last;
    in->out = &in->cells[surplus ? last : in->cell];
    in->cell++;
    if (surplus && in->out->text.n) {
        styled_append(in->out, SV(" | "), in->base);
    }
}

static int on_enter_block(MD_BLOCKTYPE type, void *detail, void *ctx)
{
    struct inlines *in = ctx;
    (void)detail;
    switch (type) {
    case MD_BLOCK_P:
    case MD_BLOCK_H:
    case MD_BLOCK_CODE:
        separate(in);
        break;
    case MD_BLOCK_LI:
        separate(in);
        put(in, SV("- "));
        in->began = in->out->text.n;
        break;
    case MD_BLOCK_HR:
        separate(in);
        put(in, SV("---"));
        break;
    case MD_BLOCK_THEAD:
        in->ignore = true;
        break;
    case MD_BLOCK_TBODY:
        in->ignore = false;
        break;
    case MD_BLOCK_TD:
        if (in->cells) {
            enter_cell(in);
        }
        break;
    default:
        break;
    }
    return 0;
}

static int on_leave_block(MD_BLOCKTYPE type, void *detail, void *ctx)
{
    (void)type;
    (void)detail;
    (void)ctx;
    return 0;
}

/* The host of an address of the net; of anything else its beginning. */
static struct sv host_of(struct sv address)
{
    size_t scheme = sv_find_sv(address, SV("://"));
    if (scheme == address.n || sv_find(address, ':') < scheme) {
        return address;
    }
    struct sv rest = sv_skip(address, scheme + 3);
    size_t end = 0;
    size_t from = 0;
    while (end < rest.n && !strchr("/?#\\", rest.p[end] ? rest.p[end] : '/')) {
        end++;
        from = rest.p[end - 1] == '@' ? end : from;
    }
    return sv_of(rest.p + from, end - from);
}

/* With its entities replaced, as whoever opens it will read it. */
static void append_address(struct buf *out, const MD_ATTRIBUTE *address)
{
    for (size_t i = 0; address->size && address->substr_offsets[i] < address->size; i++) {
        MD_OFFSET from = address->substr_offsets[i];
        struct sv part = sv_of(address->text + from, address->substr_offsets[i + 1] - from);
        uint32_t cp = address->substr_types[i] == MD_TEXT_ENTITY ? entity(part) : 0;
        if (cp) {
            buf_append_cp(out, cp);
        } else {
            buf_append_sv(out, part);
        }
    }
}

static uint32_t begin_link(struct styled *out, struct sv address)
{
    struct buf uri = BUF_INIT(BUF_MAX_INTERNAL);
    hyperlink_append_uri(&uri, address);
    uint32_t link = styled_begin_link(out, buf_sv(&uri));
    buf_release(&uri);
    return link;
}

static void enter_link(struct inlines *in, const MD_ATTRIBUTE *address)
{
    if (in->link_count == LINKS) {
        return;
    }
    struct target *target = &in->links[in->link_count++];
    struct buf meant = BUF_INIT(BUF_MAX_INTERNAL);
    append_address(&meant, address);
    struct sv whole = buf_sv(&meant);
    struct sv host = host_of(whole);
    size_t n = utf8_cut(host.p, host.n, SHOWN_TARGET);
    memcpy(target->text, host.p, n);
    target->text_n = n;
    if (n < host.n) {
        memcpy(target->text + n, "…", strlen("…"));
        target->text_n += strlen("…");
    }
    target->address_n = whole.n < sizeof(target->address) ? whole.n : 0;
    memcpy(target->address, whole.p, target->address_n);
    target->from = in->out->text.n;
    target->outer = in->out->link;
    target->link = in->ignore ? 0 : begin_link(in->out, whole);
    buf_release(&meant);
}

/* Whether a link's text is its address, with or without what it begins with. */
static bool says_address(const struct target *target, struct sv text)
{
    struct sv address = sv_of(target->address, target->address_n);
    size_t scheme = sv_find_sv(address, SV("://"));
    struct sv bare = scheme < address.n ? sv_skip(address, scheme + 3) : address;
    struct sv mail = sv_starts_with(address, SV("mailto:")) ? sv_skip(address, 7) : address;
    return text.n && (sv_equal(text, address) || sv_equal(text, bare) || sv_equal(text, mail));
}

static void leave_link(struct inlines *in)
{
    if (in->link_count == 0) {
        return;
    }
    struct target *target = &in->links[--in->link_count];
    styled_set_link(in->out, target->outer);
    if (in->ignore || target->from > in->out->text.n) {
        return;
    }
    struct sv text = sv_skip(buf_sv(&in->out->text), target->from);
    if (target->text_n == 0 || says_address(target, text)) {
        return;
    }
    styled_append(in->out, text.n ? SV(" (") : SV("("), STYLE_LINK_HOST);
    styled_set_link(in->out, target->link);
    styled_append(in->out, sv_of(target->text, target->text_n), STYLE_LINK_HOST);
    styled_set_link(in->out, target->outer);
    styled_append(in->out, SV(")"), STYLE_LINK_HOST);
}

static unsigned *counter_of(struct inlines *in, MD_SPANTYPE type)
{
    switch (type) {
    case MD_SPAN_EM:
        return &in->emphasis;
    case MD_SPAN_STRONG:
        return &in->strong;
    case MD_SPAN_DEL:
        return &in->strike;
    case MD_SPAN_CODE:
        return &in->code;
    case MD_SPAN_IMG:
        return &in->image;
    case MD_SPAN_LATEXMATH:
    case MD_SPAN_LATEXMATH_DISPLAY:
        return &in->math;
    default:
        return NULL;
    }
}

static void put_math_mark(struct inlines *in, MD_SPANTYPE type)
{
    if (type == MD_SPAN_LATEXMATH) {
        put(in, SV("$"));
    } else if (type == MD_SPAN_LATEXMATH_DISPLAY) {
        put(in, SV("$$"));
    }
}

static int on_enter_span(MD_SPANTYPE type, void *detail, void *ctx)
{
    struct inlines *in = ctx;
    unsigned *counter = counter_of(in, type);
    if (type == MD_SPAN_A) {
        enter_link(in, &((MD_SPAN_A_DETAIL *)detail)->href);
    } else if (type == MD_SPAN_IMG) {
        enter_link(in, &((MD_SPAN_IMG_DETAIL *)detail)->src);
    }
    if (counter) {
        (*counter)++;
    }
    if (type == MD_SPAN_IMG) {
        put(in, SV("[image: "));
    }
    put_math_mark(in, type);
    return 0;
}

static int on_leave_span(MD_SPANTYPE type, void *detail, void *ctx)
{
    struct inlines *in = ctx;
    unsigned *counter = counter_of(in, type);
    (void)detail;
    put_math_mark(in, type);
    if (type == MD_SPAN_IMG) {
        put(in, SV("]"));
    }
    if (counter) {
        (*counter)--;
    }
    if (type == MD_SPAN_A || type == MD_SPAN_IMG) {
        leave_link(in);
    }
    return 0;
}

/* False: md4c gave up. */
static bool parse(struct inlines *in, struct sv source, unsigned flags)
{
    const MD_PARSER parser = {
        .flags = flags,
        .enter_block = on_enter_block,
        .leave_block = on_leave_block,
        .enter_span = on_enter_span,
        .leave_span = on_leave_span,
        .text = on_text,
    };
    return md_parse(source.p, (MD_SIZE)source.n, &parser, in) == 0;
}

static void append_prepared(struct styled *out, struct sv source, enum style base, bool open)
{
    struct buf prepared = BUF_INIT(SOURCE_MAX);
    struct inlines in = {.out = out, .base = base, .began = out->text.n};
    inline__prepare(&prepared, source, false);
    if (open) {
        inline__close_marks(&prepared);
    }
    if (!buf_ok(&prepared) || !parse(&in, buf_sv(&prepared), PARSE_FLAGS)) {
        styled_append(out, source, base);
    }
    buf_release(&prepared);
}

void inline_append(struct styled *out, struct sv source, enum style base)
{
    append_prepared(out, source, base, false);
}

void inline_append_open(struct styled *out, struct sv source, enum style base)
{
    append_prepared(out, source, base, true);
}

void inline_heading(struct styled *out, struct sv source, enum style base)
{
    struct buf prepared = BUF_INIT(SOURCE_MAX);
    struct inlines in = {.out = out, .base = base, .heading = true, .began = out->text.n};
    buf_append_str(&prepared, "# ");
    inline__prepare(&prepared, source, false);
    for (size_t i = 0; i < prepared.n; i++) {
        prepared.p[i] = prepared.p[i] == '\n' ? ' ' : prepared.p[i];
    }
    if (!buf_ok(&prepared) || !parse(&in, buf_sv(&prepared), PARSE_FLAGS)) {
        styled_append(out, source, base);
    }
    buf_release(&prepared);
}

void inline_row(struct styled *cells, size_t count, struct sv row, enum style base)
{
    struct buf prepared = BUF_INIT(SOURCE_MAX);
    struct inlines in = {
        .out = &cells[0], .cells = cells, .cell_count = count, .base = base, .ignore = true};
    size_t columns = blocks_cells(row);
    inline__append_head(&prepared, columns < count ? count : columns);
    inline__prepare(&prepared, row, true);
    if (!buf_ok(&prepared) || !parse(&in, buf_sv(&prepared), PARSE_FLAGS | MD_FLAG_TABLES) ||
        in.cell == 0) {
        styled_append(&cells[0], row, base);
    }
    buf_release(&prepared);
}
