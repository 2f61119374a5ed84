/* Rows are found greedily from any row's start on, so laying out can begin at every one of them. */
#include "ui/layout.h"

#include <stdlib.h>

#include "base/alloc.h"

#define TAB_STOP 8
/* Rows that are laid out again when text is added: the last one, whose word may go on, two more for
 * a last cluster that grows while it waits behind a break, and those that an unfinished flag may
 * have filled: each of its seven code points stands for itself until the last one has come. */
#define REDONE_ROWS 10u

void layout_release(struct layout *layout)
{
    free(layout->starts);
    *layout = (struct layout){.flags = layout->flags};
}

static int columns_at(const struct cluster *cluster, int column)
{
    return cluster->kind == CLUSTER_TAB ? TAB_STOP - column % TAB_STOP : cluster->width;
}

static bool is_blank(const struct cluster *cluster)
{
    return cluster->kind == CLUSTER_SPACE || cluster->kind == CLUSTER_TAB;
}

/* Behind a row that is full: takes blanks, at most a row of them, and the newline after them. */
static size_t skip_blanks(const struct layout *layout, struct sv text, size_t at)
{
    for (int i = 0; i < layout->width && at < text.n; i++) {
        struct cluster cluster;
        width_next(sv_skip(text, at), layout->flags, &cluster);
        if (cluster.kind == CLUSTER_NEWLINE) {
            return at + cluster.used;
        }
        if (!is_blank(&cluster)) {
            return at;
        }
        at += cluster.used;
    }
    return at;
}

/* Where the row that starts at `start` ends. `*ret_newline`: by a newline. */
static size_t row_end(const struct layout *layout, struct sv text, size_t start, bool *ret_newline)
{
    size_t at = start;
    size_t chance = start; /* the last place where the row may be broken */
    int column = 0;
    bool seen = false; /* something other than blanks: an indent is kept with its word */
    *ret_newline = false;
    while (at < text.n) {
        struct cluster cluster;
        width_next(sv_skip(text, at), layout->flags, &cluster);
        if (cluster.kind == CLUSTER_NEWLINE) {
            *ret_newline = true;
            return at + cluster.used;
        }
        int width = columns_at(&cluster, column);
        bool wide = cluster.width > 1;
        chance = wide ? at : chance;
        if (column + width > layout->width) {
            if (is_blank(&cluster)) {
                size_t end = skip_blanks(layout, text, at);
                *ret_newline = end > at && text.p[end - 1] == '\n';
                return end;
            }
            if (at == start) {
                return at + cluster.used;
            }
            return chance > start ? chance : at;
        }
        column += width;
        at += cluster.used;
        chance = (is_blank(&cluster) && seen) || wide ? at : chance;
        seen = seen || !is_blank(&cluster);
    }
    return at;
}

static void push(struct layout *layout, size_t start)
{
    if (layout->count == layout->cap) {
        layout->cap = layout->cap ? layout->cap * 2 : 4;
        layout->starts = xrealloc(layout->starts, layout->cap * sizeof(*layout->starts));
    }
    layout->starts[layout->count++] = start;
}

void layout_changed(struct layout *layout, size_t offset)
{
    if (layout->count == 0) {
        return;
    }
    size_t row = layout_row_at(layout, offset);
    layout->count = row < REDONE_ROWS ? 1 : row - REDONE_ROWS + 2;
    layout->text_n = SIZE_MAX;
}

void layout_update(struct layout *layout, struct sv text, int width)
{
    width = width < 1 ? 1 : width;
    if (layout->count && width == layout->width && text.n == layout->text_n) {
        return;
    }
    if (width != layout->width || (text.n < layout->text_n && layout->text_n != SIZE_MAX)) {
        layout->count = 0;
    }
    if (layout->text_n != SIZE_MAX && layout->count) {
        layout_changed(layout, layout->text_n);
    }
    layout->width = width;
    if (layout->count == 0) {
        push(layout, 0);
    }
    bool newline = false;
    size_t at = layout->starts[layout->count - 1];
    while ((at = row_end(layout, text, at, &newline)) < text.n) {
        push(layout, at);
    }
    if (newline && text.n) {
        push(layout, text.n);
    }
    layout->text_n = text.n;
}

struct sv layout_row(const struct layout *layout, struct sv text, size_t row)
{
    size_t start = layout->starts[row];
    size_t end = row + 1 < layout->count ? layout->starts[row + 1] : text.n;
    return sv_of(text.p + start, end - start);
}

size_t layout_row_at(const struct layout *layout, size_t offset)
{
    size_t low = 0;
    size_t high = layout->count;
    while (low + 1 < high) {
        size_t middle = low + (high - low) / 2;
        if (layout->starts[middle] <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Puts the row's first cluster at column `*x` behind `place`, and steps over it. False: the row has
 * no more room.
 * wide: grid, place and column are one place. */
static bool paint_cluster(const struct layout *layout, struct sv *row, struct grid *grid,
                          const struct grid_place *place, int *x, enum style style)
{
    struct cluster cluster;
    width_next(*row, layout->flags, &cluster);
    *row = sv_skip(*row, cluster.used);
    if (cluster.width > layout->width) {
        width_next(SV("…"), layout->flags, &cluster);
    }
    int width = columns_at(&cluster, *x);
    if (*x + width > layout->width) {
        return false;
    }
    grid_put(grid, place->row, place->column + *x, &cluster, style);
    *x += width;
    return true;
}

/* wide: grid, row and column are one place. */
void layout_paint(const struct layout *layout, struct sv row, struct grid *grid, int grid_row,
                  int column, enum style style)
{
    const struct grid_place place = {grid_row, column};
    int x = 0;
    while (row.n && paint_cluster(layout, &row, grid, &place, &x, style)) {
    }
}

void layout_paint_styled(const struct layout *layout, const struct styled *text, size_t row,
                         struct grid *grid, const struct grid_place *place)
{
    struct sv rest = layout_row(layout, buf_sv(&text->text), row);
    size_t offset = layout->starts[row];
    size_t end = offset + rest.n;
    size_t run = styled_run_at(text, offset);
    uint32_t link = 0;
    int x = 0;
    bool room = true;
    while (rest.n && room) {
        while (run < text->run_count && text->runs[run].end <= end - rest.n) {
            run++;
        }
        enum style style = run < text->run_count ? (enum style)text->runs[run].style : STYLE_PLAIN;
        uint32_t of_run = run < text->run_count ? text->runs[run].link : 0;
        if (of_run != link) {
            grid_set_link(grid, styled_link_uri(text, of_run));
            link = of_run;
        }
        room = paint_cluster(layout, &rest, grid, place, &x, style);
    }
    grid_set_link(grid, SV(""));
}

int layout_column_of(const struct layout *layout, struct sv row, size_t offset)
{
    int column = 0;
    for (size_t at = 0; at < row.n && at < offset;) {
        struct cluster cluster;
        width_next(sv_skip(row, at), layout->flags, &cluster);
        column += columns_at(&cluster, column) * (cluster.kind != CLUSTER_NEWLINE);
        at += cluster.used;
    }
    return column;
}

size_t layout_offset_at(const struct layout *layout, struct sv row, int column)
{
    int x = 0;
    size_t at = 0;
    while (at < row.n) {
        struct cluster cluster;
        width_next(sv_skip(row, at), layout->flags, &cluster);
        x += columns_at(&cluster, x);
        if (x > column || cluster.kind == CLUSTER_NEWLINE) {
            return at;
        }
        at += cluster.used;
    }
    return at;
}
