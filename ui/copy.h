/*
 * Copy: what is put on the clipboard, as its source.
 *
 * Code blocks are found as CommonMark says (4.5, fenced code blocks), outside lists and quotes as
 * well as in them, also right behind the mark of an item; the block is what is between the fences,
 * byte for byte, without the fence's own indentation. As on the screen (ui/blocks.h) lines in an
 * item need not be indented.
 *
 * Threads: pure. Source of the sequence: OSC 52, ctlseqs.txt of xterm.
 */
#ifndef WEIR_UI_COPY_H
#define WEIR_UI_COPY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/sv.h"

/* More than that is refused: terminals drop what is too long without a word. */
#define COPY_MAX ((size_t)1 << 20)

/* Appends the first block of what is left (`out` NULL: passes over it), which moves behind it.
 * False: there is none. */
bool copy_code_next(struct sv *rest, struct buf *out);
/* How many fenced blocks the text has. One that is still open counts. */
size_t copy_code_count(struct sv text);
/* Appends the `number`-th block, from 1. False: there is none. */
bool copy_code(struct sv text, size_t number, struct buf *out);
/* The sequence that hands text to the terminal's clipboard. */
void copy_sequence(struct sv text, struct buf *out);

#endif
