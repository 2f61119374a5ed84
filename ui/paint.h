/*
 * Paint: a grid onto the terminal. The only file that knows curses, and for output only.
 *
 * Only cells that differ from what was painted last are handed to curses, which sends what differs
 * on the terminal. The cursor ends at the grid's.
 *
 * Threads: the one that owns the terminal. One at a time.
 */
#ifndef WEIR_UI_PAINT_H
#define WEIR_UI_PAINT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "ui/grid.h"

struct paint;

/*
 * Begins to use stdout, with the process's locale. `color`: "auto" (NULL; colours unless NO_COLOR
 * says no), "always", "never". ERR_UNSUPPORTED: TERM is unknown, or cannot place the cursor. The
 * signal handlers of the process stay as they are.
 */
enum err_code paint_open(const char *color, struct paint **ret_paint, struct err *err) NODISCARD;
/* Writes nothing: the terminal is put back by its owner. NULL is fine. */
void paint_close(struct paint *paint);
/* What the terminal needs for entering and leaving the full screen. */
void paint_sequences(struct buf *enter, struct buf *leave);
void paint_resize(struct paint *paint, int rows, int columns);
void paint_frame(struct paint *paint, const struct grid *grid);
/* The terminal shows something else by now: the next frame is painted whole. */
void paint_forget(struct paint *paint);

#endif
