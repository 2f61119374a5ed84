/*
 * Links: the web addresses in a text, for opening them.
 *
 * An address begins with http:// or https:// and goes on up to what cannot stand in one (RFC 3986,
 * appendix C); punctuation at its end belongs to the sentence, and so does a closing bracket that
 * was opened before it.
 *
 * Threads: pure. Ownership: what is found are views on the text.
 */
#ifndef WEIR_UI_LINKS_H
#define WEIR_UI_LINKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/sv.h"

/* The next one from byte `*at` on, which moves behind it. False: there is none. */
bool links_next(struct sv text, size_t *at, struct sv *ret_link);

#endif
