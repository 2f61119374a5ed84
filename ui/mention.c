/* Words that begin with @. */
#include "ui/mention.h"

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\t';
}

static struct sv unquoted(struct sv rest)
{
    size_t n = 0;
    while (n < rest.n && !is_blank(rest.p[n])) {
        n++;
    }
    return sv_take(rest, n);
}

/* Up to the closing quote on the same line; empty: there is none. */
static struct sv quoted(struct sv rest)
{
    struct sv line = sv_take(rest, sv_find(rest, '\n'));
    struct sv inside = sv_skip(line, 1);
    size_t end = sv_find(inside, '"');
    return end < inside.n ? sv_take(inside, end) : SV("");
}

bool mention_next(struct sv text, size_t *at, struct mention *ret_mention)
{
    for (size_t i = *at; i < text.n; i++) {
        if (text.p[i] != '@' || (i > 0 && !is_blank(text.p[i - 1]))) {
            continue;
        }
        struct sv rest = sv_skip(text, i + 1);
        bool has_quote = rest.n && rest.p[0] == '"';
        struct sv path = has_quote ? quoted(rest) : unquoted(rest);
        if (path.n) {
            *at = i + 1 + path.n + (has_quote ? 2 : 0);
            *ret_mention = (struct mention){path, has_quote};
            return true;
        }
    }
    *at = text.n;
    return false;
}
