/*
 * Pager: long results are read on a terminal through the user's $PAGER, else less.
 *
 * Only what does not fit on the terminal goes there, and only where stdout is one; PAGER empty or
 * "cat" means none. A LESS that is not set becomes FRX: quit when it fits, pass colours, leave the
 * text on the screen. The pager is run by the shell, as other programs do, and has the terminal to
 * itself: Ctrl-C is its own.
 *
 * Threads: main; the caller holds nothing open that others may wait for, since people read for
 * long.
 */
#ifndef WEIR_APP_PAGER_H
#define WEIR_APP_PAGER_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/sv.h"

/* `text` is safe for a terminal. False: it was not shown, print it. Returns when the reader has
 * left. */
bool pager_show(struct sv text) NODISCARD;

#endif
