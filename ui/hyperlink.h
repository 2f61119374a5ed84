/*
 * Hyperlinks: cells that a terminal opens when they are clicked (OSC 8).
 *
 * Curses has no place for a link in a cell. So it paints the text first, and the cells of a row
 * that has links and has changed are then written once more, with the links around them.
 *
 * What an address may bring along cannot end the sequence it is in: a URI is printable ASCII.
 *
 * Threads: pure. Source: "Hyperlinks in terminal emulators" by E. Koblinger, the description of
 * OSC 8 that terminals follow.
 */
#ifndef WEIR_UI_HYPERLINK_H
#define WEIR_UI_HYPERLINK_H

#include <stdbool.h>

#include "base/buf.h"
#include "ui/grid.h"
#include "ui/style.h"

/* Ends a link. What a link was open in when a program was killed is followed by it. */
#define HYPERLINK_END "\033]8;;\033\\"
/* Longer ones are no links: terminals differ in what they do with them. */
#define HYPERLINK_URI_MAX 2083u

/*
 * "always", "never"; else (NULL too): where the terminal is known to have them, by what `env`,
 * which is asked like getenv, says of it: its name, tmux from 3.4 on, VTE from 0.50 on, and some
 * others. A terminal that tells nothing, as most do through ssh, has none.
 */
bool hyperlink_wanted(const char *wish, const char *(*env)(const char *name));

/* Appends an address as a URI, what is no printable ASCII as %XX. False, and nothing appended: it
 * is none of http, https and mailto, holds control characters, or is too long. */
bool hyperlink_append_uri(struct buf *out, struct sv address);

/* How the styles look on this terminal. */
struct hyperlink_looks {
    const struct style_shown *shown; /* STYLE_COUNT */
    enum style_depth depth;
};
/*
 * Appends what makes the links of `after` those of a terminal that shows its text already and had
 * the links of `before`, a grid of the same size. Nothing when no link has changed, nor a row that
 * has one. Cursor and attributes end as they were.
 */
void hyperlink_append_changes(const struct grid *before, const struct grid *after,
                              const struct hyperlink_looks *looks, struct buf *out);

#endif
