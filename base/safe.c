/*
 * The filter for terminals. It copies runs that may pass as they are, and decides about each other
 * code point by ranges and a small state. All state lives in the stream, none depends on where the
 * input was cut: an unfinished code point waits in `partial`, a CR in `carriage`.
 *
 * Marks are counted per base, joiners and variation selectors among them, and what is dropped does
 * not begin a new base: otherwise an invisible character between two piles would make a higher one.
 */
#include "base/safe.h"

#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"

#define MAX_MARKS 8u
#define MAX_FLAG_TAGS 6u /* "gbeng" and its kind: regions of three to six letters and digits */
#define BLACK_FLAG 0x1F3F4u
#define CANCEL_TAG 0xE007Fu

struct range {
    uint32_t first;
    uint32_t last;
};

/* Sorted. Shown as <hexadecimal>. */
static const struct range shown[] = {
    {0x80, 0x9F},       /* C1 */
    {0x61C, 0x61C},     /* Arabic letter mark */
    {0x200E, 0x200F},   /* LRM, RLM */
    {0x2028, 0x202E},   /* line and paragraph separators, bidi embeddings and overrides */
    {0x2066, 0x206F},   /* bidi isolates, deprecated format characters */
    {0xFDD0, 0xFDEF},   /* noncharacters */
    {0xFFF0, 0xFFFB},   /* reserved and ignorable, interlinear annotation */
    {0xE0000, 0xE0FFF}, /* tags, variation selectors supplement, reserved and ignorable */
};

/* Sorted. No glyph, no effect on the terminal, but a place to hide things in. */
static const struct range invisible[] = {
    {0xAD, 0xAD},       /* soft hyphen */
    {0x115F, 0x1160},   /* Hangul fillers */
    {0x180E, 0x180E},   /* Mongolian vowel separator */
    {0x200B, 0x200B},   /* zero-width space */
    {0x2060, 0x2065},   /* word joiner, invisible operators */
    {0x3164, 0x3164},   /* Hangul filler */
    {0xFEFF, 0xFEFF},   /* byte order mark */
    {0xFFA0, 0xFFA0},   /* half-width Hangul filler */
    {0x1BCA0, 0x1BCA3}, /* shorthand format controls */
    {0x1D173, 0x1D17A}, /* musical format controls */
};

/* Sorted. Whole stretches without marks, controls or anything above: the short way for most text.
 */
static const struct range plain[] = {
    {0xA0, 0xAC},     {0xAE, 0x2FF},    {0x370, 0x482},     {0x2010, 0x2027}, {0x20A0, 0x20CF},
    {0x2100, 0x2BFF}, {0x3000, 0x3029}, {0x3041, 0x3098},   {0x3400, 0x9FFF}, {0xAC00, 0xD7A3},
    {0xFF01, 0xFF9F}, {0xFFFC, 0xFFFD}, {0x1F400, 0x1FAFF},
};

static bool is_in(const struct range *ranges, size_t count, uint32_t cp)
{
    for (size_t i = 0; i < count && cp >= ranges[i].first; i++) {
        if (cp <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

bool safe_is_invisible(uint32_t cp)
{
    return is_in(invisible, COUNT_OF(invisible), cp);
}

static bool is_noncharacter(uint32_t cp)
{
    return (cp & 0xFFFE) == 0xFFFE;
}

size_t safe_mark(uint32_t cp, char out[12])
{
    if (cp < 0x20 || cp == 0x7F) {
        bool passes = cp == '\n' || cp == '\t';
        return passes ? 0 : utf8_encode(cp == 0x7F ? 0x2421 : 0x2400 + cp, out);
    }
    if (cp < 0x7F) {
        return 0;
    }
    if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF)) {
        return utf8_encode(UTF8_REPLACEMENT, out);
    }
    if (is_in(shown, COUNT_OF(shown), cp) || safe_is_invisible(cp) || is_noncharacter(cp)) {
        return (size_t)snprintf(out, 12, "<%X>", (unsigned)cp);
    }
    return 0;
}

/* What stays on the base before it: combining marks, variation selectors and the two joiners. */
static bool is_mark(uint32_t cp)
{
    if (cp == 0x200C || cp == 0x200D) {
        return true;
    }
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)cp);
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME ||
           category == UTF8PROC_CATEGORY_MC;
}

static bool passes_in_flag(struct safe_stream *stream, uint32_t cp)
{
    bool is_tag = (cp >= 0xE0030 && cp <= 0xE0039) || (cp >= 0xE0061 && cp <= 0xE007A);
    if (is_tag && stream->marks < MAX_FLAG_TAGS) {
        stream->marks++;
        return true;
    }
    stream->in_flag = false;
    return cp == CANCEL_TAG;
}

/* Keeps the state and decides about `cp`: true when it passes as it is, else `form` stands for it
 * (of length 0 when it is dropped). */
static bool judge(struct safe_stream *stream, uint32_t cp, char form[12], size_t *ret_length)
{
    *ret_length = 0;
    if (stream->in_flag && passes_in_flag(stream, cp)) {
        return true;
    }
    if (is_in(plain, COUNT_OF(plain), cp)) {
        stream->marks = 0;
        return true;
    }
    if (!(stream->flags & SAFE_MARK_INVISIBLE) && safe_is_invisible(cp)) {
        return false;
    }
    *ret_length = safe_mark(cp, form);
    if (*ret_length == 0 && cp > 0x7F && is_mark(cp)) {
        return stream->marks++ < MAX_MARKS;
    }
    stream->marks = 0;
    if (*ret_length == 0 && (cp == '\n' || cp == '\t') && (stream->flags & SAFE_ONE_LINE)) {
        form[0] = ' ';
        *ret_length = 1;
    }
    stream->in_flag = cp == BLACK_FLAG;
    return *ret_length == 0;
}

static bool is_plain_byte(unsigned char byte, bool one_line)
{
    return (byte >= 0x20 && byte < 0x7F) || (!one_line && (byte == '\n' || byte == '\t'));
}

/* Length of the run of printable ASCII at `p`: eight bytes at a time where none is below 0x20, is
 * DEL or has its high bit set (a borrow from a bad byte only ever makes its neighbour look bad). */
static size_t plain_run(const char *p, size_t length, bool one_line)
{
    size_t i = 0;
    while (i < length) {
        uint64_t word;
        if (length - i >= sizeof(word)) {
            memcpy(&word, p + i, sizeof(word));
            uint64_t bad = word | (word - 0x2020202020202020u) | (word + 0x0101010101010101u);
            if (!(bad & 0x8080808080808080u)) {
                i += sizeof(word);
                continue;
            }
        }
        if (!is_plain_byte((unsigned char)p[i], one_line)) {
            break;
        }
        i++;
    }
    return i;
}

/* Ends the wait of a CR: before LF it is part of the line end, else it is shown. */
static bool settle_carriage(struct safe_stream *stream, bool before_newline, struct buf *out)
{
    char picture[12];
    if (!stream->carriage) {
        return true;
    }
    stream->carriage = false;
    return before_newline || buf_append(out, picture, safe_mark('\r', picture));
}

/* Handles one code point at `p` that is not plain ASCII. Gives the bytes used, and in `*ret_pass`
 * whether they may be copied; if not, what stands for them is in `form`. */
static size_t judge_next(struct safe_stream *stream, struct sv rest, char form[12],
                         size_t *ret_length, bool *ret_pass)
{
    uint32_t cp;
    size_t used = utf8_decode(rest.p, rest.n, &cp);
    if (cp == '\r') {
        stream->carriage = true;
        stream->marks = 0;
        stream->in_flag = false;
        *ret_length = 0;
        *ret_pass = false;
        return used;
    }
    *ret_pass = judge(stream, cp, form, ret_length);
    if (cp == UTF8_REPLACEMENT) {
        *ret_length = utf8_encode(cp, form);
        *ret_pass = false;
    }
    return used;
}

/* Input without an unfinished code point at its end, or one that is known to stay unfinished. */
static bool feed_whole(struct safe_stream *stream, struct sv text, struct buf *out)
{
    bool one_line = stream->flags & SAFE_ONE_LINE;
    size_t copied = 0;
    size_t i = 0;
    while (i < text.n) {
        /* A CR is never inside a run, so nothing before it is still to be copied. */
        if (!settle_carriage(stream, text.p[i] == '\n', out)) {
            return false;
        }
        size_t run = plain_run(text.p + i, text.n - i, one_line);
        if (run) {
            stream->marks = 0;
            stream->in_flag = false;
            i += run;
            continue;
        }
        char form[12];
        size_t length;
        bool pass;
        size_t used = judge_next(stream, sv_skip(text, i), form, &length, &pass);
        if (!pass) {
            if (!buf_append(out, text.p + copied, i - copied) || !buf_append(out, form, length)) {
                return false;
            }
            copied = i + used;
        }
        i += used;
    }
    return buf_append(out, text.p + copied, i - copied);
}

/* Goes on with the code point that the last piece left unfinished; cuts what it used off `*text`.
 */
static bool feed_partial(struct safe_stream *stream, struct sv *text, struct buf *out)
{
    while (stream->partial_n && text->n) {
        stream->partial[stream->partial_n] = text->p[0];
        size_t n = stream->partial_n + 1;
        if (utf8_partial_tail(stream->partial, n) == n) {
            stream->partial_n++;
            *text = sv_skip(*text, 1);
            continue;
        }
        uint32_t cp;
        size_t used = utf8_decode(stream->partial, n, &cp);
        *text = sv_skip(*text, used == n ? 1 : 0);
        stream->partial_n = 0;
        return feed_whole(stream, sv_of(stream->partial, used), out);
    }
    return true;
}

void safe_init(struct safe_stream *stream, unsigned flags)
{
    *stream = (struct safe_stream){.flags = flags};
}

bool safe_feed(struct safe_stream *stream, struct sv text, struct buf *out)
{
    if (!feed_partial(stream, &text, out)) {
        return false;
    }
    if (text.n == 0) {
        return buf_ok(out);
    }
    size_t tail = utf8_partial_tail(text.p, text.n);
    size_t whole = text.n - tail;
    if (!feed_whole(stream, sv_take(text, whole), out)) {
        return false;
    }
    if (tail) {
        memcpy(stream->partial, text.p + whole, tail);
    }
    stream->partial_n = (unsigned)tail;
    return true;
}

bool safe_end(struct safe_stream *stream, struct buf *out)
{
    bool ok = feed_whole(stream, sv_of(stream->partial, stream->partial_n), out) &&
              settle_carriage(stream, false, out);
    safe_init(stream, stream->flags);
    return ok;
}

bool safe_append(struct buf *out, struct sv text, unsigned flags)
{
    struct safe_stream stream;
    safe_init(&stream, flags);
    return safe_feed(&stream, text, out) && safe_end(&stream, out);
}
