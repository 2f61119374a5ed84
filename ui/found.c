/* Spans of bytes become columns by the width of what stands before them. */
#include "ui/found.h"

#include "ui/width.h"

#define LINE_SPANS 16u

void found_mark(const struct search_marker *marker, struct sv text, struct grid *grid,
                const struct grid_place *at, enum style style)
{
    struct search_span spans[LINE_SPANS];
    size_t count = marker ? search_mark(marker, text, spans, LINE_SPANS) : 0;
    for (size_t i = 0; i < count; i++) {
        struct sv found = sv_take(sv_skip(text, spans[i].first), spans[i].last - spans[i].first);
        struct grid_place from = {at->row,
                                  at->column + (int)width_of(sv_take(text, spans[i].first), 0)};
        grid_style_cells(grid, &from, from.column + (int)width_of(found, 0), style);
    }
}
