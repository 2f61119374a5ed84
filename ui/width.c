/* Clusters: utf8proc says where they end, libc how wide they are, base/safe.h what may be sent. */
#include "ui/width.h"

#include <string.h>
#include <utf8proc.h>
#include <wchar.h>

#include "base/safe.h"
#include "base/utf8.h"

#define SENT_MAX 5u /* wide characters of one cell */
#define JOINER 0x200Du
#define TEXT_SELECTOR 0xFE0Eu
#define EMOJI_SELECTOR 0xFE0Fu
#define DOTTED_CIRCLE 0x25CCu
#define ELLIPSIS 0x2026u
#define FLAG_BASE 0x1F3F4u
#define TAG_FIRST 0xE0020u
#define TAG_LAST 0xE007Fu

/* What is collected of one cluster while its code points are read. */
struct making {
    struct cluster *out;
    unsigned sent;
    bool joiner; /* one waits: it is sent only before a character without width */
    bool cut;
};

static int columns_of(uint32_t cp)
{
    return wcwidth((wchar_t)cp);
}

/* The character itself where the locale can show it, else a plain one. */
static uint32_t showable(uint32_t cp, uint32_t plain)
{
    return columns_of(cp) > 0 ? cp : plain;
}

static void put(struct making *making, uint32_t cp)
{
    struct cluster *out = making->out;
    int width = columns_of(cp);
    out->n = (uint8_t)(out->n + utf8_encode(cp, out->text + out->n));
    out->width = (uint8_t)(out->width + (width > 0 ? width : 0));
    making->sent++;
}

static void finish_cut(struct making *making)
{
    if (making->cut) {
        put(making, showable(ELLIPSIS, '~'));
    }
}

/* Adds one code point that has no visible form of its own. */
static void add(struct making *making, uint32_t cp)
{
    bool selector = cp == TEXT_SELECTOR || cp == EMOJI_SELECTOR;
    if (making->cut || selector || safe_is_invisible(cp)) {
        return;
    }
    if (cp == JOINER && columns_of(cp) == 0) {
        making->joiner = making->sent > 0;
        return;
    }
    int width = columns_of(cp);
    if (width < 0) {
        cp = showable(UTF8_REPLACEMENT, '?');
        width = 1;
    }
    if (width == 0 && making->sent == 0) {
        put(making, showable(DOTTED_CIRCLE, '?'));
    }
    bool send_joiner = making->joiner && width == 0;
    making->joiner = false;
    if (making->sent + 1 + send_joiner > SENT_MAX) {
        making->cut = true;
        return;
    }
    if (send_joiner) {
        put(making, JOINER);
    }
    put(making, cp);
}

static bool is_tag(uint32_t cp)
{
    return cp >= TAG_FIRST && cp <= TAG_LAST;
}

/* Whether `rest` begins with the tags of a flag; gives their length, the closing one included. */
static size_t flag_tags(struct sv rest)
{
    size_t at = 0;
    for (unsigned count = 0; at < rest.n && count <= 6; count++) {
        uint32_t cp;
        at += utf8_decode(rest.p + at, rest.n - at, &cp);
        if (cp == TAG_LAST) {
            return count > 0 ? at : 0;
        }
        bool letter = cp >= 0xE0061 && cp <= 0xE007A;
        bool digit = cp >= 0xE0030 && cp <= 0xE0039;
        if (!letter && !digit) {
            return 0;
        }
    }
    return 0;
}

/* A code point that base/safe.h shows by a form: a cluster of its own. False: it has none. */
static bool take_marked(uint32_t cp, unsigned flags, struct cluster *out)
{
    char form[12];
    size_t length = safe_mark(cp, form);
    if (length == 0 || (safe_is_invisible(cp) && !(flags & SAFE_MARK_INVISIBLE))) {
        return false;
    }
    for (size_t at = 0; at < length;) {
        uint32_t shown;
        at += utf8_decode(form + at, length - at, &shown);
        struct making making = {.out = out};
        add(&making, shown);
    }
    return true;
}

static void read_cluster(struct sv text, unsigned flags, struct cluster *out)
{
    struct making making = {.out = out};
    uint32_t cp;
    uint32_t next;
    utf8proc_int32_t state = 0;
    char form[12];
    size_t at = utf8_decode(text.p, text.n, &cp);
    if (take_marked(cp, flags, out)) {
        out->used = at;
        return;
    }
    add(&making, cp);
    if (cp == FLAG_BASE) {
        size_t tags = flag_tags(sv_skip(text, at));
        making.cut = tags > 0;
        at += tags;
    }
    while (at < text.n) {
        size_t used = utf8_decode(text.p + at, text.n - at, &next);
        bool breaks =
            utf8proc_grapheme_break_stateful((utf8proc_int32_t)cp, (utf8proc_int32_t)next, &state);
        bool marked = is_tag(next) || (safe_mark(next, form) > 0 &&
                                       (!safe_is_invisible(next) || (flags & SAFE_MARK_INVISIBLE)));
        if (breaks || marked) {
            break;
        }
        add(&making, next);
        cp = next;
        at += used;
    }
    finish_cut(&making);
    out->used = at;
}

static bool take_simple(struct sv text, struct cluster *out)
{
    unsigned char first = (unsigned char)text.p[0];
    bool crlf = first == '\r' && text.n > 1 && text.p[1] == '\n';
    if (first == '\n' || crlf) {
        *out = (struct cluster){.kind = CLUSTER_NEWLINE, .used = crlf ? 2 : 1};
        return true;
    }
    if (first == '\t') {
        *out = (struct cluster){.kind = CLUSTER_TAB, .used = 1};
        return true;
    }
    bool alone = text.n == 1 || (unsigned char)text.p[1] < 0x80;
    if (first < 0x20 || first >= 0x7F || !alone) {
        return false;
    }
    out->kind = first == ' ' ? CLUSTER_SPACE : CLUSTER_GLYPH;
    out->used = 1;
    out->n = 1;
    out->width = 1;
    out->text[0] = (char)first;
    return true;
}

void width_next(struct sv text, unsigned flags, struct cluster *ret_cluster)
{
    if (take_simple(text, ret_cluster)) {
        return;
    }
    *ret_cluster = (struct cluster){.kind = CLUSTER_GLYPH};
    read_cluster(text, flags, ret_cluster);
    if (ret_cluster->n == 1 && ret_cluster->text[0] == ' ') {
        ret_cluster->kind = CLUSTER_SPACE;
    }
}

size_t width_before(struct sv text, size_t from, size_t at, unsigned flags)
{
    size_t before = from;
    while (from < at) {
        struct cluster cluster;
        width_next(sv_skip(text, from), flags, &cluster);
        before = from;
        from += cluster.used;
    }
    return before;
}

size_t width_of(struct sv text, unsigned flags)
{
    size_t columns = 0;
    for (size_t at = 0; at < text.n;) {
        struct cluster cluster;
        width_next(sv_skip(text, at), flags, &cluster);
        columns += cluster.width;
        at += cluster.used;
    }
    return columns;
}

struct sv width_glyph(struct sv glyph, struct sv plain)
{
    struct cluster cluster;
    width_next(glyph, SAFE_DEFAULT, &cluster);
    return cluster.n && cluster.text[0] == '?' ? plain : glyph;
}
