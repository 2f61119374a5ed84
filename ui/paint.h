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
#include "ui/style.h"

struct paint;

struct paint_options {
    const char *color; /* "auto" (NULL; colours unless NO_COLOR says no), "always", "never" */
    /* At most that many colours (style_parse_depth); NULL: all that there are. Exact colours are
     * used where the terminal has a description for them ("xterm-direct"), and COLORTERM or "true"
     * asks for it. */
    const char *depth;
    const struct style_look *looks; /* a theme; outlives the paint */
    bool links;                     /* of the grid are the terminal's (ui/hyperlink.h) */
};
/*
 * Begins to use stdout, with the process's locale. ERR_UNSUPPORTED: TERM is unknown and its name
 * does not tell what it is like either, or it cannot place the cursor. The signal handlers of the
 * process stay as they are.
 */
enum err_code paint_open(const struct paint_options *options, struct paint **ret_paint,
                         struct err *err) NODISCARD;
/* The description that is used because there is none of TERM, a constant; NULL: its own. */
const char *paint_stand_in(const struct paint *paint);
/* Another theme, from the next frame on. */
void paint_set_looks(struct paint *paint, const struct style_look *looks);
/* Big frames are shown at once, by a terminal that knows how (DEC mode 2026). */
void paint_set_synchronized(struct paint *paint, bool synchronized);
/* Writes nothing: the terminal is put back by its owner. NULL is fine. */
void paint_close(struct paint *paint);
/* What the terminal needs for entering and leaving the full screen. */
void paint_sequences(const struct paint *paint, struct buf *enter, struct buf *leave);
void paint_resize(struct paint *paint, int rows, int columns);
void paint_frame(struct paint *paint, const struct grid *grid);
/* Appends the grid as lines for a terminal that is no full screen any more, in its colours. */
void paint_as_lines(const struct paint *paint, const struct grid *grid, struct buf *out);
/* The terminal shows something else by now: the next frame is painted whole. */
void paint_forget(struct paint *paint);

#endif
