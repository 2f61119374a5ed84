/*
 * The end of a Markdown text that others follow: a fence that was left open, as in an answer that
 * was cut, or an HTML comment, would make all that comes behind it a part of itself.
 *
 * Threads: pure. Source: CommonMark 0.31, 4.5 and 4.6, as md4c reads them.
 */
#ifndef WEIR_APP_EXPORT_MD_END_H
#define WEIR_APP_EXPORT_MD_END_H

#include "base/buf.h"
#include "base/sv.h"

/* Appends the line that closes what `text` leaves open; most often there is none. */
void export_append_md_end(struct buf *out, struct sv text);

#endif
