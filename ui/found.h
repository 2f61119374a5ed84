/*
 * Found: what a search found, marked in a line of the grid.
 *
 * Threads: values of their owner. Ownership: all is borrowed for the call.
 */
#ifndef WEIR_UI_FOUND_H
#define WEIR_UI_FOUND_H

#include "store/search.h"
#include "ui/grid.h"

/* `text` was painted by grid_text from `at` on: what the marker finds in it gets the style. NULL
 * finds nothing.
 * wide: grid and at are one place. */
void found_mark(const struct search_marker *marker, struct sv text, struct grid *grid,
                const struct grid_place *at, enum style style);

#endif
