/* The highlighter: from each place of a line, the first rule that fits takes some bytes. */
#include <string.h>

#include "base/attr.h"
#include "base/utf8.h"
#include "ui/syntax_internal.h"

/* No word of a language is longer. */
#define WORD_MAX 24u

/* States between lines. Inside a long string: its number is added. */
enum { IN_CODE, IN_COMMENT, IN_TAG, IN_LONG_STRING };

struct reader {
    const struct syntax_language *language;
    struct sv line;
    size_t at;
    unsigned state;
    struct styled *out; /* NULL: only the state is asked for */
};

static bool is_letter(char byte)
{
    char low = (char)(byte | 0x20);
    return (low >= 'a' && low <= 'z') || byte == '_' || (unsigned char)byte >= 0x80;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static bool has(const struct reader *r, enum syntax_habit habit)
{
    return r->language->habits & habit;
}

static struct sv rest_of(const struct reader *r)
{
    return sv_skip(r->line, r->at);
}

static char byte_at(const struct reader *r, size_t at)
{
    return at < r->line.n ? r->line.p[at] : '\0';
}

static void take(struct reader *r, size_t length, enum style style)
{
    if (r->out) {
        styled_append(r->out, sv_take(rest_of(r), length), style);
    }
    r->at += length;
}

/* Whether the blank-separated list holds the word; `any_case`: the list has small letters only.
 * Asked for every word of every line: strstr is the fastest there is. */
static bool list_holds(const char *list, struct sv word, bool any_case)
{
    char wanted[WORD_MAX + 1];
    if (!list || word.n > WORD_MAX) {
        return false;
    }
    for (size_t i = 0; i < word.n; i++) {
        bool capital = any_case && word.p[i] >= 'A' && word.p[i] <= 'Z';
        wanted[i] = (char)(capital ? word.p[i] | 0x20 : word.p[i]);
    }
    wanted[word.n] = '\0';
    for (const char *at = list; (at = strstr(at, wanted)) != NULL; at++) {
        char end = at[word.n];
        if ((at == list || at[-1] == ' ') && (end == ' ' || end == '\0')) {
            return true;
        }
    }
    return false;
}

static bool begins(const struct reader *r, const char *mark)
{
    return mark && sv_starts_with(rest_of(r), sv_from(mark));
}

/* Takes up to the mark's end; to the line's end where it does not come. True: it came. */
static bool take_through(struct reader *r, size_t from, const char *mark, enum style style)
{
    struct sv rest = rest_of(r);
    size_t found = sv_find_sv(sv_skip(rest, from), sv_from(mark));
    size_t end = from + found + strlen(mark);
    bool came = end <= rest.n;
    take(r, came ? end : rest.n, style);
    return came;
}

/* As take_through, but what a backslash stands before does not end it. */
static bool take_string(struct reader *r, size_t from, const char *mark, enum style style)
{
    struct sv rest = rest_of(r);
    struct sv end = sv_from(mark);
    for (size_t at = from; at < rest.n; at++) {
        if (rest.p[at] == '\\' && !has(r, SYNTAX_NO_ESCAPES)) {
            at++;
        } else if (sv_starts_with(sv_skip(rest, at), end)) {
            take(r, at + end.n, style);
            return true;
        }
    }
    take(r, rest.n, style);
    return false;
}

/* What a state from the line before demands; false: nothing more on this line. */
static bool go_on(struct reader *r)
{
    if (r->state == IN_COMMENT) {
        if (take_through(r, 0, r->language->comment_close, STYLE_BLOCK_COMMENT)) {
            r->state = IN_CODE;
        }
    } else if (r->state >= IN_LONG_STRING) {
        const char *close = r->language->long_strings[r->state - IN_LONG_STRING].close;
        if (take_string(r, 0, close, STYLE_BLOCK_STRING)) {
            r->state = IN_CODE;
        }
    }
    return r->at < r->line.n;
}

static bool take_comment(struct reader *r)
{
    const struct syntax_language *language = r->language;
    if (begins(r, language->comment_open)) {
        bool closed = take_through(r, strlen(language->comment_open), language->comment_close,
                                   STYLE_BLOCK_COMMENT);
        r->state = closed ? r->state : IN_COMMENT;
        return true;
    }
    struct sv marks = sv_from(language->line_comments);
    while (marks.n) {
        size_t length = sv_find(marks, ' ');
        bool word = r->at > 0 && !is_blank(r->line.p[r->at - 1]);
        bool hash = length == 1 && marks.p[0] == '#';
        if (sv_starts_with(rest_of(r), sv_take(marks, length)) && !(hash && word)) {
            take(r, r->line.n - r->at, STYLE_BLOCK_COMMENT);
            return true;
        }
        marks = sv_skip(marks, length + 1);
    }
    return false;
}

static bool take_long_string(struct reader *r)
{
    for (unsigned i = 0; i < SYNTAX_LONG_MAX; i++) {
        const char *open = r->language->long_strings[i].open;
        if (begins(r, open)) {
            const char *close = r->language->long_strings[i].close;
            bool closed = take_string(r, strlen(open), close, STYLE_BLOCK_STRING);
            r->state = closed ? r->state : IN_LONG_STRING + i;
            return true;
        }
    }
    return false;
}

/* Whether the next byte that is not blank, from `at` on, is one of these. */
static bool followed_by(const struct reader *r, size_t at, const char *bytes)
{
    while (is_blank(byte_at(r, at))) {
        at++;
    }
    char byte = byte_at(r, at);
    return byte && strchr(bytes, byte);
}

/* Where a string that begins here ends: behind its quote, or 0 where the line has none. */
static size_t string_end(const struct reader *r, char quote)
{
    for (size_t at = r->at + 1; at < r->line.n; at++) {
        if (r->line.p[at] == '\\' && !has(r, SYNTAX_NO_ESCAPES)) {
            at++;
        } else if (r->line.p[at] == quote) {
            return at + 1;
        }
    }
    return 0;
}

/* Whether there is one character between the quote here and its end. */
static bool is_character(const struct reader *r, size_t end)
{
    bool escaped = byte_at(r, r->at + 1) == '\\';
    return end && (escaped || end == utf8_next(r->line.p, r->line.n, r->at + 1) + 1);
}

static bool take_quoted(struct reader *r)
{
    char quote = r->line.p[r->at];
    if (!quote || !r->language->quotes || !strchr(r->language->quotes, quote)) {
        return false;
    }
    size_t end = string_end(r, quote);
    if (quote == '\'' && has(r, SYNTAX_LIFETIMES) && !is_character(r, end)) {
        size_t n = 1;
        while (is_letter(byte_at(r, r->at + n))) {
            n++;
        }
        take(r, n, STYLE_BLOCK_TYPE);
        return true;
    }
    bool key = end && has(r, SYNTAX_QUOTED_KEYS) && followed_by(r, end, ":");
    take(r, (end ? end : r->line.n) - r->at, key ? STYLE_BLOCK_NAME : STYLE_BLOCK_STRING);
    return true;
}

static bool take_number(struct reader *r)
{
    if (!is_digit(r->line.p[r->at])) {
        return false;
    }
    size_t n = 1;
    for (; r->at + n < r->line.n; n++) {
        char byte = r->line.p[r->at + n];
        bool sign = (byte == '+' || byte == '-') && (r->line.p[r->at + n - 1] | 0x20) == 'e' &&
                    byte_at(r, r->at + 1) != 'x';
        if (!is_digit(byte) && !is_letter(byte) && byte != '.' && !sign) {
            break;
        }
    }
    take(r, n, STYLE_BLOCK_NUMBER);
    return true;
}

static enum style style_of_word(const struct reader *r, struct sv word)
{
    const struct syntax_language *language = r->language;
    bool any_case = has(r, SYNTAX_NO_CASE);
    if (list_holds(language->keywords, word, any_case)) {
        return STYLE_BLOCK_KEYWORD;
    }
    if (list_holds(language->types, word, any_case)) {
        return STYLE_BLOCK_TYPE;
    }
    bool first = sv_trim(sv_take(r->line, r->at)).n == 0;
    if (first && has(r, SYNTAX_KEYS) && followed_by(r, r->at + word.n, ":=")) {
        return STYLE_BLOCK_NAME;
    }
    return byte_at(r, r->at + word.n) == '(' ? STYLE_BLOCK_NAME : STYLE_BLOCK;
}

static size_t word_length(const struct reader *r, size_t from)
{
    size_t n = 0;
    for (char byte; (byte = byte_at(r, from + n)) != '\0'; n++) {
        bool dash = byte == '-' && has(r, SYNTAX_DASHES) && n > 0;
        if (!is_letter(byte) && !dash && !(is_digit(byte) && n > 0)) {
            break;
        }
    }
    return n;
}

static bool take_word(struct reader *r)
{
    size_t n = word_length(r, r->at);
    if (n == 0) {
        return false;
    }
    take(r, n, r->out ? style_of_word(r, sv_take(rest_of(r), n)) : STYLE_BLOCK);
    return true;
}

/* $name, ${name}, @name. */
static bool take_variable(struct reader *r)
{
    char byte = r->line.p[r->at];
    bool dollar = byte == '$' && has(r, SYNTAX_VARIABLES);
    bool sign = byte == '@' && (has(r, SYNTAX_DECORATORS) || has(r, SYNTAX_VARIABLES));
    if (!dollar && !sign) {
        return false;
    }
    bool braced = dollar && byte_at(r, r->at + 1) == '{';
    size_t n = 1u + braced;
    n += word_length(r, r->at + n);
    n += braced && byte_at(r, r->at + n) == '}';
    take(r, n, STYLE_BLOCK_NAME);
    return true;
}

static bool take_directive(struct reader *r)
{
    bool first = sv_trim(sv_take(r->line, r->at)).n == 0;
    if (!has(r, SYNTAX_DIRECTIVES) || r->line.p[r->at] != '#' || !first) {
        return false;
    }
    size_t n = 1;
    while (is_blank(byte_at(r, r->at + n))) {
        n++;
    }
    n += word_length(r, r->at + n);
    take(r, n, STYLE_BLOCK_KEYWORD);
    return true;
}

/* Between < and >: the name, attributes, strings. */
static void take_of_tag(struct reader *r)
{
    char byte = r->line.p[r->at];
    if (byte == '>') {
        take(r, 1, STYLE_BLOCK_KEYWORD);
        r->state = IN_CODE;
        return;
    }
    if (byte == '"' || byte == '\'') {
        size_t end = string_end(r, byte);
        take(r, (end ? end : r->line.n) - r->at, STYLE_BLOCK_STRING);
        return;
    }
    size_t n = word_length(r, r->at);
    take(r, n ? n : 1, n ? STYLE_BLOCK_NAME : STYLE_BLOCK);
}

static bool take_tag(struct reader *r)
{
    char next = byte_at(r, r->at + 1);
    if (!has(r, SYNTAX_TAGS) || r->line.p[r->at] != '<' ||
        !(is_letter(next) || next == '/' || next == '!' || next == '?')) {
        return false;
    }
    size_t n = is_letter(next) ? 1 : 2;
    n += word_length(r, r->at + n);
    take(r, n, STYLE_BLOCK_KEYWORD);
    r->state = IN_TAG;
    return true;
}

static void take_plain(struct reader *r)
{
    size_t n = 1;
    while (is_blank(r->line.p[r->at]) && is_blank(byte_at(r, r->at + n))) {
        n++;
    }
    take(r, n, STYLE_BLOCK);
}

static void take_next(struct reader *r)
{
    static bool (*const rules[])(struct reader * r) = {
        take_comment,  take_tag,    take_long_string, take_directive,
        take_variable, take_quoted, take_number,      take_word,
    };
    if (r->state == IN_TAG) {
        take_of_tag(r);
        return;
    }
    /* In mark-up only tags and comments mean something, the rest is words. */
    size_t count = has(r, SYNTAX_TAGS) ? 2 : COUNT_OF(rules);
    for (size_t i = 0; i < count; i++) {
        if (rules[i](r)) {
            return;
        }
    }
    take_plain(r);
}

static void take_change(struct reader *r)
{
    static const struct {
        char byte;
        enum style style;
    } changes[] = {
        {'+', STYLE_BLOCK_ADDED},
        {'-', STYLE_BLOCK_REMOVED},
        {'@', STYLE_BLOCK_KEYWORD},
    };
    enum style style = STYLE_BLOCK;
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        style = r->line.p[0] == changes[i].byte ? changes[i].style : style;
    }
    take(r, r->line.n, style);
}

unsigned syntax_line(const struct syntax_language *language, unsigned state, struct sv line,
                     struct styled *out)
{
    struct reader r = {.language = language, .line = line, .state = state, .out = out};
    if (line.n == 0) {
        return state;
    }
    if (!language) {
        take(&r, line.n, STYLE_BLOCK);
        return SYNTAX_START;
    }
    if (has(&r, SYNTAX_CHANGES)) {
        take_change(&r);
        return SYNTAX_START;
    }
    bool more = go_on(&r);
    while (more && r.at < r.line.n) {
        take_next(&r);
    }
    return r.state;
}

const struct syntax_language *syntax_find(struct sv info)
{
    struct sv word = sv_trim(info);
    size_t n = 0;
    while (n < word.n && word.p[n] && !strchr(" \t,{:", word.p[n])) {
        n++;
    }
    for (size_t i = 0; n && i < syntax__language_count; i++) {
        if (list_holds(syntax__languages[i].names, sv_take(word, n), true)) {
            return &syntax__languages[i];
        }
    }
    return NULL;
}

size_t syntax_count(void)
{
    return syntax__language_count;
}

const char *syntax_name(size_t index)
{
    return syntax__languages[index].names;
}
