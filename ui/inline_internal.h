/*
 * Inline: the source as md4c may have it. Internal to inline*.c.
 *
 * Threads: values. Ownership: all is borrowed for the call.
 */
#ifndef WEIR_UI_INLINE_INTERNAL_H
#define WEIR_UI_INLINE_INTERNAL_H

#include <stdbool.h>

#include "base/buf.h"

/* Appends the source: math in \( \) and \[ \] escaped, definitions of links no definitions,
 * carriage returns visible. `row`: of a table, where two bars have an empty cell between them. */
void inline__prepare(struct buf *out, struct sv source, bool row);
/* Ends emphasis and code that are open in a prepared text, in front of the white space at its end;
 * a mark at the very end waits. */
void inline__close_marks(struct buf *text);
/* md4c splits a row of a table only below a head: appends one of as many columns. */
void inline__append_head(struct buf *out, size_t columns);

#endif
