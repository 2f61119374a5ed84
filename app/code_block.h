/*
 * The first code block of a Markdown text, as ui/copy.h finds them.
 *
 * Threads: pure.
 */
#ifndef WEIR_APP_CODE_BLOCK_H
#define WEIR_APP_CODE_BLOCK_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/sv.h"

/* Appends its lines, without the blanks that the fence is indented by, each with its newline. A
 * block without an end goes to the end of the text. False: there is none. */
bool code_block_first(struct sv markdown, struct buf *out);

#endif
