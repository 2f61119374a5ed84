/*
 * Search: ranked full text over titles, prompts, answers, reasoning and tools.
 *
 * A query is words; "words in quotes" have to stand beside each other; word* is the beginning of a
 * word; -word or -"words" must not be there. All positive ones have to be found in the same message
 * (in the same 32 KiB of one that is longer), or in the same title. Everything else in a query is
 * taken as text: there is no query that is no query. Large and small letters are the same, and so
 * are letters with and without accents; Chinese, Japanese, Thai and the like is found by any part
 * of a sentence.
 *
 * The best come first: a title counts for more than a prompt, that for more than an answer, that
 * for more than reasoning and tools; among equals the newest. Where more than SEARCH_RANKED are
 * found, the newest so many of them are ranked, and the result says so. What lies in the trash is
 * not found.
 *
 * A message is found a moment after it has ended: `pending` says how many are not known yet.
 *
 * Threads: search_run on any but the screen's, once; search_cancel from any, also before the run.
 * Ownership: the query is borrowed until search_new returns; a result is the caller's. Errors:
 * ERR_TOO_BIG (a query of more than SEARCH_QUERY_MAX bytes or SEARCH_TERMS_MAX words),
 * ERR_CANCELLED, and those of the store.
 */
#ifndef WEIR_STORE_SEARCH_H
#define WEIR_STORE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/store.h"
#include "store/vocabulary.h"

#define SEARCH_RANKED 20000
#define SEARCH_QUERY_MAX 4096
#define SEARCH_TERMS_MAX 64
#define SEARCH_LIMIT_MAX 1000
#define SEARCH_SPANS_MAX 16

/* Zeroed but for text and limit: anything. */
struct search_query {
    struct sv text;
    const char *label;          /* of the session; NULL: any */
    const char *model;          /* that wrote it, or (for what no model wrote) that is asked */
    int64_t since_us, until_us; /* [since, until), of the message; of a title: when the session was
                                   active last; 0: open */
    const enum role *role;      /* NULL: any, and titles */
    struct ulid session;        /* unset: any */
    size_t limit, offset;       /* at most SEARCH_LIMIT_MAX are given */
};

enum search_place {
    SEARCH_TITLE,
    SEARCH_PROMPT,
    SEARCH_ANSWER,
    SEARCH_REASONING,
    SEARCH_TOOL,
    SEARCH_PLACE_COUNT,
};
/* "title", "prompt", "answer", "reasoning", "tool"; "" for values out of range. */
const char *search_place_text(enum search_place place);

struct search_span {
    size_t first, last; /* bytes of the snippet, [first, last) */
};

struct search_hit {
    struct ulid session;
    struct ulid message; /* unset: the title was found */
    char handle[16];
    char *title; /* of the session; never NULL */
    enum search_place place;
    enum role role; /* of the message */
    char *model;    /* that wrote the message, or NULL */
    int64_t at_us;  /* of the message; of a title: when the session was active last */
    double rank;    /* smaller is better */
    /* Some words of what is stored there, valid UTF-8, with what was found in it; never NULL. */
    char *snippet;
    bool cut_before, cut_after; /* there is more of the text */
    struct search_span spans[SEARCH_SPANS_MAX];
    size_t span_count;
};

struct search_result {
    struct search_hit *hits;
    size_t count;
    bool more;        /* there are hits behind these */
    bool only_newest; /* more than SEARCH_RANKED were found */
    bool wordless;    /* the query names no word to look for, so nothing was */
    int64_t pending;  /* messages that are not known to the search yet */
};
void search_result_release(struct search_result *result); /* zeroed afterwards; twice is fine */

struct search;
enum err_code search_new(struct store *store, const struct search_query *query,
                         struct search **ret_search, struct err *err) NODISCARD;
enum err_code search_run(struct search *search, struct search_result *ret_result,
                         struct err *err) NODISCARD;
/* The run ends with ERR_CANCELLED, soon. Harmless after it. */
void search_cancel(struct search *search);
void search_free(struct search *search); /* not while it runs; NULL is fine */

/*
 * Marker: what of a text a query finds, for whoever shows the text where it stands. It finds each
 * word of the query, also where others of it are missing.
 *
 * Threads: any, one at a time. Costs what cutting the text into words costs, and some 20 times its
 * length in memory meanwhile: of a long text, give stretches.
 */
struct search_marker;
/* NULL: the query names no word to look for, or too many. */
struct search_marker *search_marker_new(struct sv query) NODISCARD;
void search_marker_free(struct search_marker *marker); /* NULL is fine */
/* The first `max` spans of the text that are found, by where they begin; those that touch each
 * other are one. Gives how many there are of them. */
size_t search_mark(const struct search_marker *marker, struct sv text, struct search_span *spans,
                   size_t max) NODISCARD;
/* Where a reader should be led: the first span of the stretch that holds most different words of
 * the query. Gives how many these are; 0: none, `*ret_span` is untouched. */
unsigned search_mark_best(const struct search_marker *marker, struct sv text,
                          struct search_span *ret_span) NODISCARD;
/* The most that search_mark_best can give. */
unsigned search_marker_words(const struct search_marker *marker);

#endif
