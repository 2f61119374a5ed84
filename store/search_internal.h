/*
 * Search, inside: what a query means, and snippets. Internal to this floor.
 *
 * Threads: values of their owner.
 */
#ifndef WEIR_STORE_SEARCH_INTERNAL_H
#define WEIR_STORE_SEARCH_INTERNAL_H

#include "base/buf.h"
#include "store/index_internal.h"
#include "store/index_words.h"
#include "store/search.h"

/* Words that have to follow each other. */
struct term {
    struct word *words;
    size_t count;
    bool prefix;  /* the last word is only the beginning of one */
    bool negated; /* must not be there */
};

struct terms {
    struct term items[SEARCH_TERMS_MAX];
    size_t count;
    size_t positive;
};

/* ERR_TOO_BIG. What holds no word is left out. */
enum err_code search__parse(struct sv text, struct terms *ret_terms, struct err *err) NODISCARD;
void search__terms_release(struct terms *terms);
/* Appends the expression for FTS5; there has to be a positive term. */
void search__expression(const struct terms *terms, struct buf *out);

/* What of the terms is in a text, by where it begins. */
struct match {
    size_t term;
    size_t first, last; /* bytes, [first, last) */
};

struct matches {
    struct match *items; /* free() */
    size_t count;
};
void search__matches(const struct terms *terms, struct sv text, struct matches *ret_matches);
/* How many different terms the best stretch of a snippet's length holds, and with which match it
 * begins. 0, and `*ret_first` untouched, where there is no match. */
unsigned search__best(const struct matches *matches, size_t *ret_first);

/* Finds the best stretch of what is there for the hit, and what of the terms is in it. */
void search__snippet(const struct terms *terms, const struct index_slice *slice,
                     struct search_hit *hit);

#endif
