/*
 * Mention: a file that a prompt names, "@src/main.c" or @"a name with blanks".
 *
 * The @ stands at the beginning of the text or behind a blank. What is named need not be there, and
 * what follows may be no file at all ("@everybody"): that is for those to find out who read files.
 * Completion offers such words (ui/complete.h).
 *
 * Threads: pure. Ownership: what is found are views on the text.
 */
#ifndef WEIR_UI_MENTION_H
#define WEIR_UI_MENTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/sv.h"

struct mention {
    struct sv path; /* as it was written, never empty */
    bool quoted;    /* it is meant as a file, whatever else it may look like */
};

/* The next one from byte `*at` on, which moves behind it. False: there is none. */
bool mention_next(struct sv text, size_t *at, struct mention *ret_mention);

#endif
