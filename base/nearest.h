/*
 * The nearest known word, for "did you mean": unknown keys, options, commands, types.
 *
 * Threads: pure.
 */
#ifndef WEIR_BASE_NEAREST_H
#define WEIR_BASE_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/sv.h"

/* Insertions, deletions, replacements and swaps of neighbours that turn one into the other; at most
 * 64 bytes of each are looked at. */
size_t nearest_distance(struct sv a, struct sv b);

/* The search for one word: offer all candidates, then look at `best` (NULL: none is near enough).
 */
struct nearest {
    struct sv word;
    const char *best;
    size_t distance;
};
struct nearest nearest_start(struct sv word);
void nearest_offer(struct nearest *nearest, const char *candidate); /* borrows it */

#endif
