/*
 * JSON: repairs before cJSON reads, escapes when we write.
 *
 * cJSON fails on a lone surrogate escape, ends a string at \u0000, and takes any byte for UTF-8.
 * Text that has none of this, nearly all of it, is parsed where it lies; else a repaired copy is.
 */
#include "app/json.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

#define ESCAPE_SIZE 6 /* \uXXXX */
#define REPLACEMENT_ESCAPE "\\ufffd"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The value of the \uXXXX that `text` begins with, or -1. */
static int unit_of(struct sv text)
{
    if (text.n < ESCAPE_SIZE || text.p[0] != '\\' || text.p[1] != 'u') {
        return -1;
    }
    int value = 0;
    for (size_t i = 2; i < ESCAPE_SIZE; i++) {
        int digit = hex_digit(text.p[i]);
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

static bool is_high(int unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low(int unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* A \u without its four digits, which cJSON would take for \u0000. */
static bool is_broken(struct sv text, size_t at, int unit)
{
    return unit < 0 && at + 1 < text.n && text.p[at + 1] == 'u';
}

/* Offset, from `at` on, of an escape that stands for no character; text.n when there is none.
 * Outside of strings JSON has no backslash, so escapes can be walked without finding the strings.
 */
static size_t find_bad_escape(struct sv text, size_t at)
{
    for (;;) {
        at += sv_find(sv_skip(text, at), '\\');
        if (at >= text.n) {
            return text.n;
        }
        int unit = unit_of(sv_skip(text, at));
        if (is_high(unit) && is_low(unit_of(sv_skip(text, at + ESCAPE_SIZE)))) {
            at += (size_t)2 * ESCAPE_SIZE;
        } else if (unit == 0 || is_high(unit) || is_low(unit) || is_broken(text, at, unit)) {
            return at;
        } else {
            at += 2;
        }
    }
}

bool json_is_clean(struct sv text)
{
    return utf8_valid_prefix(text.p, text.n) == text.n && !memchr(text.p, '\0', text.n) &&
           find_bad_escape(text, 0) == text.n;
}

static cJSON *parse_clean(struct sv text)
{
    const char *end = NULL;
    cJSON *tree = cJSON_ParseWithLengthOpts(text.p, text.n, &end, false);
    /* cJSON stops after the first value; what follows has been trimmed of white space. */
    if (tree && end != text.p + text.n) {
        cJSON_Delete(tree);
        return NULL;
    }
    return tree;
}

/* Both repairs keep the length: a broken escape becomes the backslash that it shows. */
static void repair_escape(char *at, int unit)
{
    if (unit < 0) {
        at[1] = '\\';
    } else {
        memcpy(at, REPLACEMENT_ESCAPE, ESCAPE_SIZE);
    }
}

static cJSON *parse_repaired(struct sv text)
{
    struct buf copy = BUF_INIT(text.n * 3);
    cJSON *tree = json_append_repaired(&copy, text) ? parse_clean(buf_sv(&copy)) : NULL;
    buf_release(&copy);
    return tree;
}

bool json_append_repaired(struct buf *out, struct sv text)
{
    size_t start = out->n;
    if (!utf8_append_valid(out, text)) {
        return false;
    }
    struct sv all = sv_skip(buf_sv(out), start);
    size_t at = 0;
    while ((at = find_bad_escape(all, at)) < all.n) {
        repair_escape(out->p + start + at, unit_of(sv_skip(all, at)));
    }
    return true;
}

/* NUL counts as white space at the ends: it is what a C server's slip looks like. */
static struct sv trim(struct sv text)
{
    while (text.n && (unsigned char)text.p[text.n - 1] <= ' ') {
        text.n--;
    }
    while (text.n && (unsigned char)text.p[0] <= ' ') {
        text = sv_skip(text, 1);
    }
    return text;
}

/* cJSON says the same NULL for what is no JSON and for no memory, and what is no JSON is passed
 * over: a piece of an answer would be lost without a word. */
static void end_without_memory(void)
{
    cJSON_Hooks hooks = {.malloc_fn = xmalloc, .free_fn = free};
    cJSON_InitHooks(&hooks);
}

cJSON *json_parse(struct sv text)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, end_without_memory);
    struct sv bare = trim(text);
    if (bare.n == 0 || bare.n > SIZE_MAX / 3) {
        return NULL;
    }
    return json_is_clean(bare) ? parse_clean(bare) : parse_repaired(bare);
}

const cJSON *json_get(const cJSON *object, const char *name)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

struct sv json_get_text(const cJSON *object, const char *name)
{
    const cJSON *member = json_get(object, name);
    return cJSON_IsString(member) ? sv_from(member->valuestring) : (struct sv){NULL, 0};
}

bool json_get_int(const cJSON *object, const char *name, int64_t *ret_value)
{
    const cJSON *member = json_get(object, name);
    if (!cJSON_IsNumber(member) || isnan(member->valuedouble)) {
        return false;
    }
    double value = member->valuedouble;
    /* 2^63 is the first double above the range, and -2^63 its lowest value. */
    if (value >= 0x1p63) {
        *ret_value = INT64_MAX;
    } else if (value <= -0x1p63) {
        *ret_value = INT64_MIN;
    } else {
        *ret_value = (int64_t)value;
    }
    return true;
}

int64_t json_get_count(const cJSON *object, const char *name)
{
    int64_t value = 0;
    return json_get_int(object, name, &value) && value >= 0 ? value : -1;
}

/* Bytes that begin something to be escaped; 0xC2 and 0xE2 only before certain others. */
static bool is_suspect(unsigned char byte)
{
    return byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7F || byte == 0xC2 ||
           byte == 0xE2;
}

/* Length of the character at `p` when it has to be escaped, else 0. */
static size_t escaped_length(const unsigned char *p, size_t left)
{
    if (p[0] == 0xC2) {
        return left >= 2 && p[1] >= 0x80 && p[1] <= 0x9F ? 2 : 0;
    }
    if (p[0] == 0xE2) {
        return left >= 3 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9) ? 3 : 0;
    }
    return 1;
}

static void append_escape(struct buf *out, const char *p, size_t length)
{
    static const char named[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *hit = *p ? strchr(named, *p) : NULL;
    if (hit && length == 1) {
        char pair[2] = {'\\', letters[hit - named]};
        (void)buf_append(out, pair, sizeof(pair));
        return;
    }
    uint32_t cp;
    (void)utf8_decode(p, length, &cp);
    (void)buf_appendf(out, "\\u%04x", (unsigned)cp);
}

bool json_append_string(struct buf *out, struct sv text)
{
    size_t start = 0;
    size_t at = 0;
    (void)buf_append_byte(out, '"');
    while (at < text.n && buf_ok(out)) {
        const unsigned char *p = (const unsigned char *)text.p + at;
        size_t length = is_suspect(*p) ? escaped_length(p, text.n - at) : 0;
        if (length == 0) {
            at++;
            continue;
        }
        (void)buf_append(out, text.p + start, at - start);
        append_escape(out, text.p + at, length);
        at += length;
        start = at;
    }
    (void)buf_append(out, text.p + start, at - start);
    (void)buf_append_byte(out, '"');
    return buf_ok(out);
}
