/* Markers: a query's terms, looked for in a text that lies in no index. */
#include <stdlib.h>

#include "base/alloc.h"
#include "store/search_internal.h"

struct search_marker {
    struct terms terms;
};

struct search_marker *search_marker_new(struct sv query)
{
    struct terms terms;
    if (search__parse(query, &terms, NULL)) {
        return NULL;
    }
    if (terms.positive == 0) {
        search__terms_release(&terms);
        return NULL;
    }
    struct search_marker *marker = xcalloc(1, sizeof(*marker));
    marker->terms = terms;
    return marker;
}

void search_marker_free(struct search_marker *marker)
{
    if (marker) {
        search__terms_release(&marker->terms);
        free(marker);
    }
}

size_t search_mark(const struct search_marker *marker, struct sv text, struct search_span *spans,
                   size_t max)
{
    struct matches matches;
    size_t count = 0;
    search__matches(&marker->terms, text, &matches);
    for (size_t i = 0; i < matches.count; i++) {
        const struct match *match = &matches.items[i];
        struct search_span *before = count ? &spans[count - 1] : NULL;
        if (before && match->first <= before->last) {
            before->last = match->last > before->last ? match->last : before->last;
        } else if (count < max) {
            spans[count++] = (struct search_span){match->first, match->last};
        } else {
            break;
        }
    }
    free(matches.items);
    return count;
}

unsigned search_mark_best(const struct search_marker *marker, struct sv text,
                          struct search_span *ret_span)
{
    struct matches matches;
    size_t first = 0;
    search__matches(&marker->terms, text, &matches);
    unsigned words = search__best(&matches, &first);
    if (words) {
        *ret_span = (struct search_span){matches.items[first].first, matches.items[first].last};
    }
    free(matches.items);
    return words;
}

unsigned search_marker_words(const struct search_marker *marker)
{
    return (unsigned)marker->terms.positive;
}
