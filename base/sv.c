/* String views: comparing, searching and cutting borrowed bytes. */
#include "base/sv.h"

#include <string.h>

#include "base/alloc.h"

struct sv sv_from(const char *text)
{
    return text ? (struct sv){text, strlen(text)} : (struct sv){NULL, 0};
}

struct sv sv_of(const char *bytes, size_t length)
{
    return (struct sv){bytes, length};
}

bool sv_equal(struct sv a, struct sv b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool sv_equal_str(struct sv a, const char *b)
{
    return sv_equal(a, sv_from(b));
}

static unsigned char lower(char byte)
{
    unsigned char c = (unsigned char)byte;
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

bool sv_equal_nocase(struct sv a, struct sv b)
{
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        if (lower(a.p[i]) != lower(b.p[i])) {
            return false;
        }
    }
    return true;
}

bool sv_starts_with(struct sv text, struct sv prefix)
{
    return text.n >= prefix.n && sv_equal(sv_take(text, prefix.n), prefix);
}

bool sv_ends_with(struct sv text, struct sv suffix)
{
    return text.n >= suffix.n && sv_equal(sv_skip(text, text.n - suffix.n), suffix);
}

size_t sv_find(struct sv text, char byte)
{
    const char *found = text.n ? memchr(text.p, byte, text.n) : NULL;
    return found ? (size_t)(found - text.p) : text.n;
}

size_t sv_find_sv(struct sv text, struct sv part)
{
    if (part.n == 0) {
        return 0;
    }
    if (text.n < part.n) {
        return text.n;
    }
    const char *found = memmem(text.p, text.n, part.p, part.n);
    return found ? (size_t)(found - text.p) : text.n;
}

size_t sv_run(struct sv text)
{
    size_t n = 0;
    while (n < text.n && text.p[n] == text.p[0]) {
        n++;
    }
    return n;
}

struct sv sv_skip(struct sv text, size_t start)
{
    size_t cut = start < text.n ? start : text.n;
    return cut ? (struct sv){text.p + cut, text.n - cut} : text;
}

struct sv sv_take(struct sv text, size_t length)
{
    return (struct sv){text.p, length < text.n ? length : text.n};
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct sv sv_trim(struct sv text)
{
    while (text.n && is_space(text.p[0])) {
        text.p++;
        text.n--;
    }
    while (text.n && is_space(text.p[text.n - 1])) {
        text.n--;
    }
    return text;
}

struct sv sv_or_null(struct sv text)
{
    return text.n > 0 ? text : (struct sv){NULL, 0};
}

char *sv_dup_or_null(struct sv text)
{
    return text.n > 0 ? xstrndup(text.p, text.n) : NULL;
}

bool sv_next_line(struct sv *rest, struct sv *ret_line)
{
    if (rest->n == 0) {
        return false;
    }
    size_t end = sv_find(*rest, '\n');
    struct sv line = sv_take(*rest, end);
    if (end < rest->n && line.n && line.p[line.n - 1] == '\r') {
        line.n--;
    }
    *rest = end < rest->n ? sv_skip(*rest, end + 1) : sv_skip(*rest, end);
    *ret_line = line;
    return true;
}

bool sv_to_u64(struct sv text, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (text.n == 0) {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(text.p[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret_value = value;
    return true;
}
