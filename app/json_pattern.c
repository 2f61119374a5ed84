/* Patterns of JavaScript, written as extended regular expressions of POSIX. */
#include "app/json_pattern.h"

#include <ctype.h>
#include <regex.h>

#include "base/attr.h"
#include "base/buf.h"

/* What patterns of JavaScript write shorter: alone, and within brackets (NULL: cannot be). */
static const struct {
    char letter;
    const char *alone, *inside;
} shorthands[] = {
    {'d', "[0-9]", "0-9"},
    {'D', "[^0-9]", NULL},
    {'w', "[[:alnum:]_]", "[:alnum:]_"},
    {'W', "[^[:alnum:]_]", NULL},
    {'s', "[[:space:]]", "[:space:]"},
    {'S', "[^[:space:]]", NULL},
    {'n', "\n", "\n"},
    {'t', "\t", "\t"},
    {'r', "\r", "\r"},
    {'b', "\\b", NULL},
    {'B', "\\B", NULL},
};

/* A backslash and `letter`. False: there is no such thing. */
static bool translate_escape(char letter, bool in_brackets, struct buf *out)
{
    for (size_t i = 0; i < COUNT_OF(shorthands); i++) {
        if (shorthands[i].letter == letter) {
            const char *posix = in_brackets ? shorthands[i].inside : shorthands[i].alone;
            buf_append_str(out, posix);
            return posix != NULL;
        }
    }
    buf_appendf(out, in_brackets ? "[.%c.]" : "\\%c", letter);
    return ispunct((unsigned char)letter);
}

/* Writes the pattern as POSIX does. False: it has what POSIX has not. */
static bool translate(const char *pattern, struct buf *out)
{
    bool in_brackets = false;
    for (const char *at = pattern; *at; at++) {
        if (at[0] == '\\') {
            if (!translate_escape(*++at, in_brackets, out)) {
                return false;
            }
            continue;
        }
        bool is_group = !in_brackets && at[0] == '(' && at[1] == '?';
        if (is_group && at[2] != ':') {
            return false;
        }
        in_brackets = *at == '[' || (in_brackets && *at != ']');
        buf_append_byte(out, *at);
        at += is_group ? 2 : 0;
    }
    return true;
}

bool json_pattern_matches(const char *pattern, const char *text)
{
    regex_t compiled;
    struct buf posix = BUF_INIT(BUF_MAX_INTERNAL);
    bool good = true;
    if (translate(pattern, &posix) &&
        regcomp(&compiled, buf_cstr(&posix), REG_EXTENDED | REG_NOSUB) == 0) {
        good = regexec(&compiled, text, 0, NULL, 0) == 0;
        regfree(&compiled);
    }
    buf_release(&posix);
    return good;
}
