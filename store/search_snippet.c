/*
 * Snippets: the text is read again, as the index reads it, so that what is marked is what was
 * found.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "store/search_internal.h"

#define SNIPPET_BYTES 200
/* What stands before the first match. */
#define LEAD_BYTES 48
/* How far an end is moved to the next blank. */
#define BLANK_BYTES 24

struct word_list {
    struct word *items;
    size_t count;
};

struct window {
    const struct index_piece *piece;
    size_t first;   /* match */
    unsigned terms; /* different ones from there on */
};

static struct word_list read_words(struct sv text)
{
    struct word_list list = {NULL, 0};
    struct words words;
    struct word word;
    words_init(&words, text);
    while (words_next(&words, &word)) {
        list.items = xgrow(list.items, list.count, sizeof(*list.items));
        list.items[list.count++] = word;
    }
    return list;
}

static bool fits(const struct word *wanted, const struct word *word, bool prefix)
{
    return (prefix ? word->n >= wanted->n : word->n == wanted->n) &&
           memcmp(word->text, wanted->text, wanted->n) == 0;
}

static bool term_fits(const struct term *term, const struct word_list *list, size_t at)
{
    if (term->negated || list->count - at < term->count) {
        return false;
    }
    for (size_t i = 0; i < term->count; i++) {
        bool is_last = i + 1 == term->count;
        if (!fits(&term->words[i], &list->items[at + i], term->prefix && is_last)) {
            return false;
        }
    }
    return true;
}

/* One character of a run that was looked for is not the pair that it begins. */
static size_t end_of(const struct term *term, struct sv text, const struct word *last)
{
    bool is_single = term->words[term->count - 1].kind == WORD_ALONE && last->kind == WORD_PAIR;
    return is_single ? utf8_next(text.p, text.n, last->first) : last->last;
}

void search__matches(const struct terms *terms, struct sv text, struct matches *ret_matches)
{
    struct matches *matches = ret_matches;
    *matches = (struct matches){NULL, 0};
    struct word_list list = read_words(text);
    for (size_t at = 0; at < list.count; at++) {
        for (size_t i = 0; i < terms->count; i++) {
            const struct term *term = &terms->items[i];
            if (!term_fits(term, &list, at)) {
                continue;
            }
            matches->items = xgrow(matches->items, matches->count, sizeof(*matches->items));
            matches->items[matches->count++] = (struct match){
                i, list.items[at].first, end_of(term, text, &list.items[at + term->count - 1])};
        }
    }
    free(list.items);
}

/* How many different terms there are among the matches that fit into a snippet from `first` on. */
static unsigned terms_from(const struct matches *matches, size_t first, size_t *ret_last)
{
    uint64_t seen = 0;
    size_t room = SNIPPET_BYTES - LEAD_BYTES;
    size_t at = first;
    for (; at < matches->count && matches->items[at].last <= matches->items[first].first + room;
         at++) {
        seen |= (uint64_t)1 << matches->items[at].term;
    }
    *ret_last = at > first ? at : first + 1;
    seen |= (uint64_t)1 << matches->items[first].term;
    return (unsigned)__builtin_popcountll(seen);
}

unsigned search__best(const struct matches *matches, size_t *ret_first)
{
    unsigned best = 0;
    for (size_t i = 0; i < matches->count; i++) {
        size_t last = 0;
        unsigned count = terms_from(matches, i, &last);
        if (count > best) {
            best = count;
            *ret_first = i;
        }
    }
    return best;
}

static struct window best_window(const struct index_piece *piece, const struct matches *matches)
{
    struct window best = {.piece = piece};
    best.terms = search__best(matches, &best.first);
    return best;
}

/* A little forward to the beginning of a word, so that none is cut; never into what was found. */
static size_t begin_at(struct sv text, size_t match)
{
    if (match <= LEAD_BYTES) {
        return 0;
    }
    size_t from = utf8_cut(text.p, text.n, match - LEAD_BYTES);
    for (size_t i = from; i < match && i < from + BLANK_BYTES; i++) {
        if (text.p[i] == ' ' || text.p[i] == '\n') {
            return i + 1;
        }
    }
    return from;
}

static size_t end_at(struct sv text, size_t from, size_t match_end)
{
    size_t room = match_end - from > SNIPPET_BYTES ? match_end - from : SNIPPET_BYTES;
    if (text.n - from <= room) {
        return text.n;
    }
    /* A match of thousands of bytes is cut like any text. */
    room = room > 2 * (size_t)SNIPPET_BYTES ? 2 * (size_t)SNIPPET_BYTES : room;
    size_t to = utf8_cut(text.p, text.n, from + room);
    for (size_t i = to; i > match_end && i + BLANK_BYTES > to; i--) {
        if (text.p[i - 1] == ' ' || text.p[i - 1] == '\n') {
            return i - 1;
        }
    }
    return to;
}

/* Matches come by where they begin; those that overlap are one. */
static void add_span(struct search_hit *hit, size_t first, size_t last)
{
    struct search_span *before = hit->span_count ? &hit->spans[hit->span_count - 1] : NULL;
    if (before && first <= before->last) {
        before->last = last > before->last ? last : before->last;
    } else if (hit->span_count < SEARCH_SPANS_MAX) {
        hit->spans[hit->span_count++] = (struct search_span){first, last};
    }
}

static void fill(struct search_hit *hit, const struct window *window, const struct matches *matches)
{
    struct sv text = window->piece->text;
    const struct match *match = window->terms ? &matches->items[window->first] : NULL;
    size_t from = match ? begin_at(text, match->first) : 0;
    size_t to = end_at(text, from, match ? match->last : 0);
    hit->place = (enum search_place)window->piece->column;
    hit->cut_before = from > 0;
    hit->cut_after = to < text.n;
    hit->snippet = xstrndup(text.p + from, to - from);
    for (size_t i = 0; i < matches->count; i++) {
        size_t first = matches->items[i].first;
        size_t last = matches->items[i].last < to ? matches->items[i].last : to;
        if (first >= from && first < to) {
            add_span(hit, first - from, last - from);
        }
    }
}

void search__snippet(const struct terms *terms, const struct index_slice *slice,
                     struct search_hit *hit)
{
    struct window best = {.piece = slice->count ? &slice->pieces[0] : NULL};
    struct matches best_matches = {NULL, 0};
    for (size_t i = 0; i < slice->count; i++) {
        struct matches matches;
        search__matches(terms, slice->pieces[i].text, &matches);
        struct window window = best_window(&slice->pieces[i], &matches);
        if (window.terms > best.terms) {
            free(best_matches.items);
            best = window;
            best_matches = matches;
        } else {
            free(matches.items);
        }
    }
    if (best.piece) {
        fill(hit, &best, &best_matches);
    } else {
        hit->snippet = xstrdup("");
    }
    free(best_matches.items);
}
