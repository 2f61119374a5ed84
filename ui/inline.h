/*
 * Inline: the text of one block of Markdown, with styles instead of marks.
 *
 * md4c reads it: emphasis, code, links, images, math, entities. A block is read by itself, so links
 * whose address stands elsewhere stay as they are written. A line break stays one. Nothing that a
 * reader could see is left out: HTML is shown as it is written, a link's text is followed by the
 * host it leads to, unless it says so itself, and math stays between its marks. \( \) and \[ \] are
 * math too, as models write them.
 *
 * Threads: values. Ownership: all is borrowed for the call.
 */
#ifndef WEIR_UI_INLINE_H
#define WEIR_UI_INLINE_H

#include "ui/styled.h"

/* Appends a paragraph's text. */
void inline_append(struct styled *out, struct sv source, enum style base);
/* The same for a paragraph that goes on: emphasis and code that have not ended do so for now, and a
 * mark at the very end waits. So marks do not stand there until their other half comes. */
void inline_append_open(struct styled *out, struct sv source, enum style base);
/* The same for a heading's, in which everything but code and links has the style of a heading. */
void inline_heading(struct styled *out, struct sv source, enum style base);
/* Splits a table's row into `count` cells, 1 or more: appends to each of them. What is too much
 * goes to the last one; <br> is a line break. */
void inline_row(struct styled *cells, size_t count, struct sv row, enum style base);

#endif
