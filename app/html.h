/*
 * HTML: text, Markdown and code as HTML that does nothing.
 *
 * Whatever comes in is data: marks are escaped, what could hide or reorder text is made visible
 * (base/safe.h), HTML inside Markdown is shown as it is written, nothing is loaded, and a link
 * leads to http, https or mailto or is no link.
 *
 * Threads: pure. Ownership: views are borrowed for the call. All text in is valid UTF-8. Errors:
 * what does not fit into the buffer is found by buf_ok.
 */
#ifndef WEIR_APP_HTML_H
#define WEIR_APP_HTML_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/sv.h"

/* Fit for an attribute's value as well. */
void html_text(struct buf *out, struct sv text);
/* On one line: titles, names. */
void html_line(struct buf *out, struct sv text);
/* Blocks of HTML. Headings are those of the third level and below. Source: CommonMark, with tables,
 * struck text, task lists, and math left as it is. */
void html_markdown(struct buf *out, struct sv text);
/* A block of code, with its words in spans of the classes that ui/style.h names ("block-keyword").
 * `info`: what stands behind the fence, which names the language. */
void html_code(struct buf *out, struct sv info, struct sv code);
/* It may be followed: its scheme is a known one. */
bool html_is_link(struct sv address);

#endif
