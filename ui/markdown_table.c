/*
 * Tables: how wide the columns are, and a row of cells as lines of text.
 *
 * Columns are as wide as they want to be where that fits; where it does not, the narrow ones are,
 * and the others share what is left. Cells are cut into rows of their own.
 */
#include "ui/inline.h"
#include "ui/layout.h"
#include "ui/markdown_internal.h"

#define BAR_COLUMNS 3 /* with the blanks around it */
#define COLUMN_LEAST 4
/* What a column gets while nobody knows how wide its cells will be. */
#define COLUMN_GUESS 24

struct cells {
    struct styled cell[BLOCK_COLUMNS_MAX];
    struct layout layout[BLOCK_COLUMNS_MAX];
    size_t count;
};

static const struct block_table *table_of(const struct source *source)
{
    return blocks_table(source->blocks, source->block->group);
}

static void open_cells(struct cells *cells, size_t count)
{
    *cells = (struct cells){.count = count};
    for (size_t i = 0; i < count; i++) {
        styled_init(&cells->cell[i], RENDERED_MAX);
    }
}

static void release_cells(struct cells *cells)
{
    for (size_t i = 0; i < cells->count; i++) {
        styled_release(&cells->cell[i]);
        layout_release(&cells->layout[i]);
    }
}

static void read_cells(const struct source *source, const struct block *row, enum style style,
                       struct cells *ret_cells)
{
    struct source of_row = *source;
    struct buf text = BUF_INIT(RENDERED_MAX);
    of_row.block = row;
    open_cells(ret_cells, table_of(source)->columns);
    source__text(&of_row, &text);
    inline_row(ret_cells->cell, ret_cells->count, buf_sv(&text), style);
    buf_release(&text);
}

/* Columns of the longest line. */
static size_t width_of_cell(const struct styled *cell)
{
    struct sv rest = buf_sv(&cell->text);
    size_t most = 0;
    while (rest.n) {
        size_t line = sv_find(rest, '\n');
        size_t width = width_of(sv_take(rest, line), 0);
        most = width > most ? width : most;
        rest = sv_skip(rest, line + 1);
    }
    return most;
}

static void want(const struct source *source, const struct block *row, size_t *wanted)
{
    struct cells cells;
    read_cells(source, row, STYLE_PLAIN, &cells);
    for (size_t i = 0; i < cells.count; i++) {
        size_t width = width_of_cell(&cells.cell[i]);
        wanted[i] = width > wanted[i] ? width : wanted[i];
    }
    release_cells(&cells);
}

/* Shares `room` among the columns: who wants no more than an equal share gets it. */
static void share(const size_t *wanted, size_t count, size_t room, uint16_t *ret_columns)
{
    size_t left = count;
    for (size_t i = 0; i < count; i++) {
        ret_columns[i] = 0;
    }
    for (bool changed = true; changed && left;) {
        size_t each = room / left;
        changed = false;
        for (size_t i = 0; i < count; i++) {
            size_t most = wanted[i] ? wanted[i] : 1;
            if (!ret_columns[i] && most <= each) {
                ret_columns[i] = (uint16_t)most;
                room -= most;
                left--;
                changed = true;
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!ret_columns[i]) {
            size_t each = room / left;
            ret_columns[i] = (uint16_t)each;
            room -= each;
            left--;
        }
    }
}

/* The table's row below `rows` others, or NULL where there is none. */
static const struct block *row_below(const struct source *source, size_t rows)
{
    size_t index = table_of(source)->head + 1 + rows;
    if (index >= blocks_count(source->blocks)) {
        return NULL;
    }
    const struct block *row = blocks_at(source->blocks, index);
    bool ours = row->kind == BLOCK_TABLE_ROW && row->group == source->block->group;
    return ours ? row : NULL;
}

bool table__is_current(const struct source *source, const struct table_plan *plan)
{
    bool all = plan->rows == MARKDOWN_TABLE_ROWS || !row_below(source, plan->rows);
    return plan->open || (all && (plan->rows == 0 || row_below(source, plan->rows - 1u)));
}

void table__plan(const struct source *source, bool open, struct table_plan *ret_plan)
{
    const struct block_table *table = table_of(source);
    const struct block *row = blocks_at(source->blocks, table->head);
    size_t wanted[BLOCK_COLUMNS_MAX] = {0};
    uint16_t rows = 0;
    want(source, row, wanted);
    while (!open && rows < MARKDOWN_TABLE_ROWS && (row = row_below(source, rows)) != NULL) {
        want(source, row, wanted);
        rows++;
    }
    size_t sum = 0;
    for (size_t i = 0; i < table->columns; i++) {
        wanted[i] = open && wanted[i] < COLUMN_GUESS ? COLUMN_GUESS : wanted[i];
        sum += wanted[i] ? wanted[i] : 1;
    }
    int bars = BAR_COLUMNS * (table->columns - 1);
    int room = source->width - bars;
    *ret_plan = (struct table_plan){
        .serial = table->serial, .width = source->width, .open = open, .rows = rows};
    ret_plan->stacked = room < COLUMN_LEAST * table->columns && (room < 0 || sum > (size_t)room);
    if (!ret_plan->stacked) {
        share(wanted, table->columns, (size_t)room, ret_plan->columns);
    }
}

static void append_line_between(const struct table_plan *plan, size_t count, struct styled *out)
{
    struct sv dash = width_glyph(SV("─"), SV("-"));
    struct sv cross = width_glyph(SV("─┼─"), SV("-+-"));
    styled_append(out, SV("\n"), STYLE_TABLE_LINE);
    for (size_t i = 0; i < count; i++) {
        if (i) {
            styled_append(out, cross, STYLE_TABLE_LINE);
        }
        for (unsigned n = 0; n < plan->columns[i]; n++) {
            styled_append(out, dash, STYLE_TABLE_LINE);
        }
    }
}

/* One row of one cell, padded to its column's width.
 * wide: cell, row and column are one place. */
static void append_cell(struct cells *cells, size_t cell, size_t row, unsigned columns,
                        struct styled *out, enum block_align align)
{
    const struct layout *layout = &cells->layout[cell];
    struct sv whole = buf_sv(&cells->cell[cell].text);
    struct sv text = row < layout->count ? layout_row(layout, whole, row) : sv_of(whole.p, 0);
    size_t from = text.n ? (size_t)(text.p - whole.p) : 0;
    while (text.n && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\n')) {
        text.n--;
    }
    size_t width = width_of(text, 0);
    size_t blanks = width < columns ? columns - width : 0;
    size_t before = align == BLOCK_RIGHT ? blanks : align == BLOCK_CENTER ? blanks / 2 : 0;
    styled_pad(out, before, STYLE_PLAIN);
    styled_append_part(out, &cells->cell[cell], from, from + text.n);
    styled_pad(out, blanks - before, STYLE_PLAIN);
}

static void append_columns(const struct source *source, struct cells *cells, struct styled *out)
{
    const struct block_table *table = table_of(source);
    const struct table_plan *plan = source->plan;
    struct sv bar = width_glyph(SV("│"), SV("|"));
    size_t rows = 1;
    for (size_t i = 0; i < cells->count; i++) {
        layout_update(&cells->layout[i], buf_sv(&cells->cell[i].text), plan->columns[i]);
        rows = cells->layout[i].count > rows ? cells->layout[i].count : rows;
    }
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < cells->count; i++) {
            if (i) {
                styled_append(out, SV(" "), STYLE_TABLE_LINE);
                styled_append(out, bar, STYLE_TABLE_LINE);
                styled_append(out, SV(" "), STYLE_TABLE_LINE);
            }
            append_cell(cells, i, row, plan->columns[i], out, (enum block_align)table->align[i]);
        }
        if (row + 1 < rows) {
            styled_append(out, SV("\n"), STYLE_PLAIN);
        }
    }
}

/* Where there is no room: each cell on a line of its own, behind its column's name. */
static void append_stacked(const struct source *source, const struct cells *cells,
                           struct styled *out)
{
    const struct block_table *table = table_of(source);
    struct cells names;
    read_cells(source, blocks_at(source->blocks, table->head), STYLE_TABLE_HEAD, &names);
    for (size_t i = 0; i < cells->count; i++) {
        if (i) {
            styled_append(out, SV("\n"), STYLE_PLAIN);
        }
        styled_append_part(out, &names.cell[i], 0, names.cell[i].text.n);
        styled_append(out, names.cell[i].text.n ? SV(": ") : SV(""), STYLE_TABLE_HEAD);
        styled_append_part(out, &cells->cell[i], 0, cells->cell[i].text.n);
    }
    release_cells(&names);
}

static void append_names(const struct cells *cells, struct styled *out)
{
    for (size_t i = 0; i < cells->count; i++) {
        styled_append(out, i ? SV(", ") : SV(""), STYLE_TABLE_HEAD);
        styled_append_part(out, &cells->cell[i], 0, cells->cell[i].text.n);
    }
}

void table__render_head(const struct source *source, struct styled *out)
{
    struct cells cells;
    read_cells(source, source->block, STYLE_TABLE_HEAD, &cells);
    if (source->plan->stacked) {
        append_names(&cells, out);
    } else {
        append_columns(source, &cells, out);
        append_line_between(source->plan, cells.count, out);
    }
    release_cells(&cells);
}

void table__render_row(const struct source *source, struct styled *out)
{
    struct cells cells;
    read_cells(source, source->block, STYLE_PLAIN, &cells);
    if (source->plan->stacked) {
        append_stacked(source, &cells, out);
    } else {
        append_columns(source, &cells, out);
    }
    release_cells(&cells);
}
