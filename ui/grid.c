/* Cells in one array; blanks are a space of width 1, so that two equal screens are equal bytes. */
#include "ui/grid.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/safe.h"

static const struct cell blank = {.text = " ", .n = 1, .width = 1, .style = STYLE_PLAIN};

void grid_clear(struct grid *grid)
{
    for (int i = 0; i < grid->rows * grid->columns; i++) {
        grid->cells[i] = blank;
    }
    grid->cursor_row = 0;
    grid->cursor_column = 0;
    buf_clear(&grid->links);
    grid->link_count = 0;
    grid->link = 0;
}

void grid_resize(struct grid *grid, int rows, int columns)
{
    rows = rows < 0 ? 0 : rows;
    columns = columns < 0 ? 0 : columns;
    if (rows * columns != grid->rows * grid->columns) {
        free(grid->cells);
        grid->cells = NULL;
        if (rows * columns > 0) {
            grid->cells = xcalloc((size_t)rows * (size_t)columns, sizeof(*grid->cells));
        }
    }
    grid->rows = rows;
    grid->columns = columns;
    grid_clear(grid);
}

void grid_release(struct grid *grid)
{
    free(grid->cells);
    buf_release(&grid->links);
    *grid = (struct grid){0};
}

bool grid_equal_cell(const struct cell *a, const struct cell *b)
{
    return a->n == b->n && a->width == b->width && a->style == b->style &&
           memcmp(a->text, b->text, a->n) == 0;
}

struct cell *grid_at(const struct grid *grid, int row, int column)
{
    return &grid->cells[row * grid->columns + column];
}

/* Blanks the whole cluster that this cell is a part of. */
static void blank_cluster(struct grid *grid, int row, int column)
{
    while (column > 0 && grid_at(grid, row, column)->width == 0) {
        column--;
    }
    int width = grid_at(grid, row, column)->width;
    for (int i = 0; i < width && column + i < grid->columns; i++) {
        *grid_at(grid, row, column + i) = blank;
    }
}

int grid_put(struct grid *grid, int row, int column, const struct cluster *cluster,
             enum style style)
{
    int width = cluster->width;
    if (width == 0 || cluster->n == 0) {
        return column;
    }
    if (row < 0 || row >= grid->rows || column < 0 || column + width > grid->columns) {
        return grid->columns;
    }
    for (int i = 0; i < width; i++) {
        if (grid_at(grid, row, column + i)->width != 1) {
            blank_cluster(grid, row, column + i);
        }
    }
    struct cell *cell = grid_at(grid, row, column);
    *cell = (struct cell){
        .n = cluster->n, .width = cluster->width, .style = (uint8_t)style, .link = grid->link};
    memcpy(cell->text, cluster->text, cluster->n);
    for (int i = 1; i < width; i++) {
        *grid_at(grid, row, column + i) =
            (struct cell){.style = (uint8_t)style, .link = grid->link};
    }
    return column + width;
}

static void read_one_line(struct sv text, struct cluster *ret_cluster)
{
    width_next(text, SAFE_DEFAULT, ret_cluster);
    if (ret_cluster->kind == CLUSTER_TAB || ret_cluster->kind == CLUSTER_NEWLINE) {
        ret_cluster->n = 1;
        ret_cluster->width = 1;
        ret_cluster->text[0] = ' ';
    }
}

/* Columns that `text` needs on one line, counted no further than `limit` + 1. */
static int columns_needed(struct sv text, int limit)
{
    int columns = 0;
    while (text.n && columns <= limit) {
        struct cluster cluster;
        read_one_line(text, &cluster);
        columns += cluster.width;
        text = sv_skip(text, cluster.used);
    }
    return columns;
}

int grid_text(struct grid *grid, int row, int column, struct sv text, enum style style)
{
    if (row < 0 || row >= grid->rows || column < 0 || column >= grid->columns) {
        return column;
    }
    int room = grid->columns - column;
    bool cut = columns_needed(text, room) > room;
    int end = cut ? grid->columns - 1 : grid->columns;
    while (text.n) {
        struct cluster cluster;
        read_one_line(text, &cluster);
        if (column + cluster.width > end) {
            break;
        }
        column = grid_put(grid, row, column, &cluster, style);
        text = sv_skip(text, cluster.used);
    }
    if (cut) {
        struct cluster mark;
        width_next(SV("…"), SAFE_DEFAULT, &mark);
        column = grid_put(grid, row, column, &mark, style);
    }
    return column;
}

struct sv grid_link_uri(const struct grid *grid, uint8_t link)
{
    struct sv rest = buf_sv(&grid->links);
    for (uint8_t i = 1; i < link && rest.n; i++) {
        rest = sv_skip(rest, sv_find(rest, '\0') + 1);
    }
    return link ? sv_take(rest, sv_find(rest, '\0')) : SV("");
}

void grid_set_link(struct grid *grid, struct sv uri)
{
    grid->link = 0;
    if (uri.n == 0) {
        return;
    }
    for (unsigned i = grid->link_count; i > 0; i--) {
        if (sv_equal(grid_link_uri(grid, (uint8_t)i), uri)) {
            grid->link = (uint8_t)i;
            return;
        }
    }
    if (grid->link_count < UINT8_MAX) {
        grid->links.max = BUF_MAX_INTERNAL;
        buf_append_sv(&grid->links, uri);
        buf_append_byte(&grid->links, '\0');
        grid->link = ++grid->link_count;
    }
}

void grid_copy_links(struct grid *grid, const struct grid *from)
{
    grid->links.max = BUF_MAX_INTERNAL;
    buf_clear(&grid->links);
    buf_append_sv(&grid->links, buf_sv(&from->links));
    grid->link_count = from->link_count;
}

void grid_style_row(struct grid *grid, int row, enum style style)
{
    if (row < 0 || row >= grid->rows) {
        return;
    }
    for (int column = 0; column < grid->columns; column++) {
        grid_at(grid, row, column)->style = (uint8_t)style;
    }
}

void grid_style_cells(struct grid *grid, const struct grid_place *from, int to, enum style style)
{
    if (from->row < 0 || from->row >= grid->rows) {
        return;
    }
    to = to < grid->columns ? to : grid->columns;
    for (int column = from->column < 0 ? 0 : from->column; column < to; column++) {
        grid_at(grid, from->row, column)->style = (uint8_t)style;
    }
}

static int clip(int value, int end)
{
    value = value >= end ? end - 1 : value;
    return value < 0 ? 0 : value;
}

void grid_cursor(struct grid *grid, int row, int column)
{
    grid->cursor_row = clip(row, grid->rows);
    grid->cursor_column = clip(column, grid->columns);
}
