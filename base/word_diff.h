/*
 * Word diff: what two texts have in common, word by word.
 *
 * A word is a run of letters and digits, one character of a script that has no spaces between
 * words, or one other character; the white space behind it goes with it, and does not count. The
 * runs that are given cover both texts, in order. As few words as possible are changed, as long as
 * fewer than some thousands are: of texts that differ more, a stretch may be told as changed as a
 * whole. Of a text, what is beyond WORD_DIFF_MOST words is one word.
 *
 * Threads: pure. Ownership: word_diff_release. Units: bytes; texts are valid UTF-8. Source: E.
 * Myers, An O(ND) difference algorithm and its variations (1986), in linear space.
 */
#ifndef WEIR_BASE_WORD_DIFF_H
#define WEIR_BASE_WORD_DIFF_H

#include <stddef.h>

#include "base/attr.h"
#include "base/sv.h"

#define WORD_DIFF_MOST ((size_t)1 << 20)

enum word_change { WORDS_SAME, WORDS_REMOVED, WORDS_ADDED };

/* WORDS_REMOVED is of the left text alone, WORDS_ADDED of the right one: the other view is empty.
 * Of WORDS_SAME the white space may differ. */
struct word_run {
    enum word_change change;
    struct sv left, right; /* views into the texts */
};

struct word_diff {
    struct word_run *runs; /* what is removed stands before what is added in its place */
    size_t count;
    size_t same, removed, added; /* words */
};

/* Borrows the texts as long as the diff lives. */
struct word_diff word_diff_make(struct sv left, struct sv right) NODISCARD;
void word_diff_release(struct word_diff *diff); /* zeroed afterwards */

/* The first word of `text`, which is not empty, with the white space behind it (and, at the
 * beginning of a text, what is before it): its length. `*ret_word` is the word alone, empty for
 * white space only. */
size_t word_diff_next(struct sv text, struct sv *ret_word);

#endif
