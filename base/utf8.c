/*
 * UTF-8 by the table of well-formed byte sequences (Unicode 15, table 3-7): the lead byte gives the
 * length and the range of the second byte, every further byte is 80..BF. That range is what keeps
 * overlong forms, surrogates and values above U+10FFFF out.
 */
#include "base/utf8.h"

#include <string.h>

#define REPLACEMENT_BYTES "\xEF\xBF\xBD"

struct lead {
    unsigned char length; /* 0: no lead byte */
    unsigned char low;    /* bounds of the second byte */
    unsigned char high;
};

static inline struct lead lead_of(unsigned char byte)
{
    if (byte < 0xC2 || byte > 0xF4) {
        return (struct lead){byte < 0x80 ? 1 : 0, 0, 0};
    }
    if (byte < 0xE0) {
        return (struct lead){2, 0x80, 0xBF};
    }
    if (byte < 0xF0) {
        return (struct lead){3, byte == 0xE0 ? 0xA0 : 0x80, byte == 0xED ? 0x9F : 0xBF};
    }
    return (struct lead){4, byte == 0xF0 ? 0x90 : 0x80, byte == 0xF4 ? 0x8F : 0xBF};
}

static inline bool is_tail(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* Bytes from `b` that are the beginning of one well-formed code point; 0 when the first is not. */
static inline size_t matched(const unsigned char *b, size_t length, struct lead lead)
{
    if (lead.length < 2 || length < 2) {
        return lead.length ? 1 : 0;
    }
    if (b[1] < lead.low || b[1] > lead.high) {
        return 1;
    }
    size_t n = 2;
    while (n < lead.length && n < length && is_tail(b[n])) {
        n++;
    }
    return n;
}

size_t utf8_decode(const char *bytes, size_t length, uint32_t *ret_cp)
{
    const unsigned char *b = (const unsigned char *)bytes;
    if (b[0] < 0x80) {
        *ret_cp = b[0];
        return 1;
    }
    struct lead lead = lead_of(b[0]);
    size_t n = matched(b, length, lead);
    if (n == 0 || n < lead.length) {
        *ret_cp = UTF8_REPLACEMENT;
        return n ? n : 1;
    }
    uint32_t cp = b[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        cp = cp << 6 | (b[i] & 0x3Fu);
    }
    *ret_cp = cp;
    return n;
}

size_t utf8_encode(uint32_t cp, char out[4])
{
    if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF)) {
        cp = UTF8_REPLACEMENT;
    }
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

/* Length of the run of ASCII, whole words of eight bytes only: most text is little else. */
static inline size_t ascii_words(const unsigned char *b, size_t length)
{
    size_t i = 0;
    while (length - i >= 8) {
        uint64_t word;
        memcpy(&word, b + i, 8);
        if (word & 0x8080808080808080u) {
            break;
        }
        i += 8;
    }
    return i;
}

size_t utf8_valid_prefix(const char *bytes, size_t length)
{
    const unsigned char *b = (const unsigned char *)bytes;
    size_t i = 0;
    while (i < length) {
        if (b[i] < 0x80) {
            size_t run = ascii_words(b + i, length - i);
            i += run ? run : 1;
            continue;
        }
        struct lead lead = lead_of(b[i]);
        size_t n = matched(b + i, length - i, lead);
        if (n == 0 || n < lead.length) {
            break;
        }
        i += n;
    }
    return i;
}

size_t utf8_partial_tail(const char *bytes, size_t length)
{
    const unsigned char *b = (const unsigned char *)bytes;
    for (size_t n = 1; n <= 3 && n <= length; n++) {
        const unsigned char *start = b + length - n;
        if (is_tail(*start)) {
            continue;
        }
        struct lead lead = lead_of(*start);
        return lead.length > n && matched(start, n, lead) == n ? n : 0;
    }
    return 0;
}

size_t utf8_cut(const char *bytes, size_t length, size_t limit)
{
    if (limit >= length) {
        return length;
    }
    size_t cut = limit;
    for (int back = 0; back < 3 && cut > 0 && is_tail((unsigned char)bytes[cut]); back++) {
        cut--;
    }
    return is_tail((unsigned char)bytes[cut]) ? limit : cut;
}

size_t utf8_prev(const char *bytes, size_t at)
{
    if (at == 0) {
        return 0;
    }
    size_t start = at - 1;
    while (start > 0 && at - start < 4 && is_tail((unsigned char)bytes[start])) {
        start--;
    }
    return is_tail((unsigned char)bytes[start]) ? at - 1 : start;
}

size_t utf8_next(const char *bytes, size_t length, size_t at)
{
    if (at >= length) {
        return length;
    }
    size_t end = at + 1;
    while (end < length && end - at < 4 && is_tail((unsigned char)bytes[end])) {
        end++;
    }
    return end;
}

static bool append_without_nul(struct buf *out, struct sv run)
{
    bool ok = true;
    while (ok && run.n) {
        size_t nul = sv_find(run, '\0');
        ok = buf_append(out, run.p, nul);
        if (ok && nul < run.n) {
            ok = buf_append_str(out, REPLACEMENT_BYTES);
            nul++;
        }
        run = sv_skip(run, nul);
    }
    return ok;
}

bool utf8_append_valid(struct buf *out, struct sv text)
{
    while (text.n) {
        size_t run = utf8_valid_prefix(text.p, text.n);
        if (!append_without_nul(out, sv_take(text, run))) {
            return false;
        }
        text = sv_skip(text, run);
        if (text.n) {
            uint32_t cp;
            size_t used = utf8_decode(text.p, text.n, &cp);
            if (!buf_append_cp(out, cp)) {
                return false;
            }
            text = sv_skip(text, used);
        }
    }
    return buf_ok(out);
}
