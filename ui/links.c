/* Where an address begins and where it ends. */
#include "ui/links.h"

#include <string.h>

static size_t scheme_at(struct sv rest)
{
    return sv_starts_with(rest, SV("https://")) ? 8 : sv_starts_with(rest, SV("http://")) ? 7 : 0;
}

static bool belongs(char byte)
{
    return (unsigned char)byte > ' ' && byte != 0x7F && !strchr("<>\"`{}|\\^", byte);
}

static size_t count_of(struct sv text, char byte)
{
    size_t count = 0;
    for (size_t i = 0; i < text.n; i++) {
        count += text.p[i] == byte;
    }
    return count;
}

/* It belongs to the text around the address. */
static bool is_around(struct sv link)
{
    char last = link.p[link.n - 1];
    if (last == ')') {
        return count_of(link, ')') > count_of(link, '(');
    }
    if (last == ']') {
        return count_of(link, ']') > count_of(link, '[');
    }
    return strchr(".,;:!?'*_", last) != NULL;
}

bool links_next(struct sv text, size_t *at, struct sv *ret_link)
{
    for (size_t i = *at; i < text.n; i++) {
        struct sv rest = sv_skip(text, i);
        size_t scheme = text.p[i] == 'h' ? scheme_at(rest) : 0;
        size_t n = scheme;
        while (scheme && n < rest.n && belongs(rest.p[n])) {
            n++;
        }
        while (n > scheme && is_around(sv_take(rest, n))) {
            n--;
        }
        if (scheme && n > scheme) {
            *at = i + n;
            *ret_link = sv_take(rest, n);
            return true;
        }
    }
    *at = text.n;
    return false;
}
