/* Edit distance with swaps (optimal string alignment), over three rows. */
#include "base/nearest.h"

#include <string.h>

#define LENGTH_MAX 64

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t nearest_distance(struct sv a, struct sv b)
{
    size_t rows[3][LENGTH_MAX + 1];
    a = sv_take(a, LENGTH_MAX);
    b = sv_take(b, LENGTH_MAX);
    for (size_t j = 0; j <= b.n; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a.n; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t replaced = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1]) {
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
            }
        }
    }
    return rows[a.n % 3][b.n];
}

struct nearest nearest_start(struct sv word)
{
    /* A word of up to four letters may be off by one, a longer one by about a third of it. */
    size_t most = word.n < 3 ? 1 : (word.n + 1) / 3;
    return (struct nearest){.word = word, .best = NULL, .distance = most};
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
    struct sv other = sv_from(candidate);
    size_t distance = nearest_distance(nearest->word, other);
    size_t limit = nearest->best ? nearest->distance : nearest->distance + 1;
    /* A word that shares nothing with the other one is no near miss. */
    if (distance < limit && distance < (other.n > nearest->word.n ? other.n : nearest->word.n)) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}
