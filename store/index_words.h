/*
 * Words: text cut into what the search looks for, the same way for what is stored, for a query and
 * for a snippet.
 *
 * A word is a run of letters, digits and marks (Unicode categories L, N, M, Co), in its folded
 * form: small letters, without the accents of Latin, Greek and Cyrillic letters, at most WORD_MAX
 * bytes. Characters that are ignored in display do not end a word. A symbol from U+2000 on (an
 * emoji, an arrow) is a word by itself. Scripts that are written without spaces, and Hangul, give
 * overlapping pairs of characters and then their last one: of ABC come AB, BC, C. So a part of such
 * a sentence is found as the pairs in it, and one character as the beginning of a pair.
 *
 * A folded word has no ASCII but letters and digits, so that words with a blank between are safe in
 * a query of FTS5 and are taken as they are by its tokenizer `ascii`.
 *
 * Unicode changes neither the folding nor the kind of a character that it knows, so that what one
 * version of the tables put into the index is what a later one takes out.
 *
 * Threads: values. Units: bytes. Internal to this floor.
 */
#ifndef WEIR_STORE_INDEX_WORDS_H
#define WEIR_STORE_INDEX_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sv.h"

#define WORD_MAX 64

enum word_kind {
    WORD_PLAIN,
    WORD_PAIR,
    WORD_LAST,  /* the last character of a run that gave pairs */
    WORD_ALONE, /* a run of one character */
};

struct word {
    enum word_kind kind;
    size_t first, last; /* in the text, [first, last) */
    size_t n;           /* of `text` */
    char text[WORD_MAX + 1];
};

struct words__character {
    uint32_t cp;
    size_t first, last;
};

struct words {
    struct sv text;
    size_t at;
    struct words__character run; /* the character before, of a run */
    bool in_run, has_pair;
};

/* Borrows the text, which is valid UTF-8 or is read as U+FFFD where it is not. */
void words_init(struct words *words, struct sv text);
/* False: no more. */
bool words_next(struct words *words, struct word *ret_word);

#endif
