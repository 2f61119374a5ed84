/* What a query means: terms, and their form for FTS5, in which every word is quoted. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/search_internal.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

static void add_word(struct term *term, const struct word *word)
{
    term->words = xgrow(term->words, term->count, sizeof(*term->words));
    term->words[term->count++] = *word;
}

/* The last character of a run is in the index too, but the text may go on where the query ends. */
static void read_words(struct term *term, struct sv text)
{
    struct words words;
    struct word word;
    words_init(&words, text);
    while (words_next(&words, &word)) {
        add_word(term, &word);
    }
    if (term->count > 0) {
        enum word_kind last = term->words[term->count - 1].kind;
        term->count -= last == WORD_LAST;
        term->prefix = term->prefix || last == WORD_ALONE;
    }
}

/* What stands in quotes, or up to the next blank; the rest of the text is what is left. */
static struct sv next_text(struct sv *rest, bool *ret_quoted)
{
    size_t from = rest->n > 0 && rest->p[0] == '"';
    size_t end = from;
    *ret_quoted = from == 1;
    while (end < rest->n && (*ret_quoted ? rest->p[end] != '"' : !is_blank(rest->p[end]))) {
        end++;
    }
    struct sv text = sv_take(sv_skip(*rest, from), end - from);
    *rest = sv_skip(*rest, end + (*ret_quoted && end < rest->n));
    return text;
}

static struct term next_term(struct sv *rest)
{
    struct term term = {.negated = false};
    bool quoted = false;
    if (rest->n > 1 && rest->p[0] == '-' && !is_blank(rest->p[1])) {
        term.negated = true;
        *rest = sv_skip(*rest, 1);
    }
    struct sv text = next_text(rest, &quoted);
    bool starred = quoted ? rest->n > 0 && rest->p[0] == '*' : sv_ends_with(text, SV("*"));
    if (quoted && starred) {
        *rest = sv_skip(*rest, 1);
    }
    term.prefix = starred;
    read_words(&term, text);
    return term;
}

enum err_code search__parse(struct sv text, struct terms *ret_terms, struct err *err)
{
    *ret_terms = (struct terms){.count = 0};
    if (text.n > SEARCH_QUERY_MAX) {
        return err_set(err, ERR_TOO_BIG, "the query is longer than %d bytes", SEARCH_QUERY_MAX);
    }
    while (text.n > 0) {
        if (is_blank(text.p[0])) {
            text = sv_skip(text, 1);
            continue;
        }
        struct term term = next_term(&text);
        if (term.count == 0) {
            free(term.words);
        } else if (ret_terms->count == SEARCH_TERMS_MAX) {
            free(term.words);
            search__terms_release(ret_terms);
            return err_set(err, ERR_TOO_BIG, "the query has more than %d words", SEARCH_TERMS_MAX);
        } else {
            ret_terms->items[ret_terms->count++] = term;
            ret_terms->positive += !term.negated;
        }
    }
    return ERR_OK;
}

void search__terms_release(struct terms *terms)
{
    for (size_t i = 0; i < terms->count; i++) {
        free(terms->items[i].words);
    }
    *terms = (struct terms){.count = 0};
}

static void append_term(struct buf *out, const struct term *term)
{
    buf_append_byte(out, '"');
    for (size_t i = 0; i < term->count; i++) {
        buf_append_str(out, i ? " " : "");
        buf_append(out, term->words[i].text, term->words[i].n);
    }
    buf_append_str(out, term->prefix ? "\" *" : "\"");
}

static void append_terms(struct buf *out, const struct terms *terms, bool negated,
                         const char *between)
{
    bool is_first = true;
    buf_append_byte(out, '(');
    for (size_t i = 0; i < terms->count; i++) {
        if (terms->items[i].negated == negated) {
            buf_append_str(out, is_first ? "" : between);
            append_term(out, &terms->items[i]);
            is_first = false;
        }
    }
    buf_append_byte(out, ')');
}

void search__expression(const struct terms *terms, struct buf *out)
{
    append_terms(out, terms, false, " AND ");
    if (terms->positive < terms->count) {
        buf_append_str(out, " NOT ");
        append_terms(out, terms, true, " OR ");
    }
}
