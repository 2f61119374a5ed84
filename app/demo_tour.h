/*
 * What the demo says: its answers as constant scripts.
 *
 * Threads: constant tables. Ownership: nothing is given, but for demo_long_append.
 */
#ifndef WEIR_APP_DEMO_TOUR_H
#define WEIR_APP_DEMO_TOUR_H

#include <stddef.h>

#include "base/buf.h"
#include "store/vocabulary.h"

enum demo_kind {
    DEMO_END, /* ends the list */
    DEMO_TEXT,
    DEMO_REASONING,
    DEMO_TOOL,  /* text: the arguments */
    DEMO_LONG,  /* the text of demo_long_append */
    DEMO_ERROR, /* text: what failed; ends the answer */
};

/* One part of an answer. */
struct demo_segment {
    enum demo_kind kind;
    const char *text;
};

struct demo_script {
    const char *word; /* the key word; NULL for a step of the tour */
    const struct demo_segment *segments;
    enum finish_reason reason;
    unsigned haste; /* so many times the pace of the others */
};

/* Ended by an entry without segments. */
const struct demo_script *demo_key_word_scripts(void);
/* The step with that number, from 0; past the end it is the last one. */
const struct demo_script *demo_tour_step(size_t number);
/* A text of more than 40 KB with headings, lists and code; always the same. */
void demo_long_append(struct buf *out);

#endif
