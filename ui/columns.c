/* Columns: two texts side by side. */
#include "ui/columns.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "ui/layout.h"

#define GAP 3

/* ---- rows ---- */

static struct columns_row *add_row(struct columns *columns)
{
    columns->rows = xgrow(columns->rows, columns->count, sizeof(*columns->rows));
    columns->rows[columns->count] = (struct columns_row){{NULL, 0}, {NULL, 0}};
    return &columns->rows[columns->count++];
}

static struct sv without_newline(struct sv row)
{
    if (row.n == 0) {
        return SV("");
    }
    return row.p[row.n - 1] == '\n' ? sv_take(row, row.n - 1) : row;
}

/* A stretch of both sides that begins and ends in step. */
static void add_stretch(struct columns *columns, struct sv left, struct sv right)
{
    struct layout layouts[2] = {{0}, {0}};
    const struct sv texts[2] = {without_newline(left), without_newline(right)};
    for (size_t side = 0; side < 2; side++) {
        layout_update(&layouts[side], texts[side], columns->width);
    }
    for (size_t i = 0; i < layouts[0].count || i < layouts[1].count; i++) {
        struct columns_row *row = add_row(columns);
        if (i < layouts[0].count) {
            row->left = without_newline(layout_row(&layouts[0], texts[0], i));
        }
        if (i < layouts[1].count) {
            row->right = without_newline(layout_row(&layouts[1], texts[1], i));
        }
    }
    layout_release(&layouts[0]);
    layout_release(&layouts[1]);
}

static struct sv join(struct sv text, struct sv more)
{
    return text.n > 0 ? sv_of(text.p, text.n + more.n) : more;
}

/* What stands between two points at which both are in step. */
struct pair {
    struct sv left, right;
};

static bool ends_line(struct sv piece)
{
    return piece.n > 0 && sv_find(piece, '\n') < piece.n;
}

/* Word by word: behind one that ends its line on both sides they are in step. */
static void add_same(struct columns *columns, const struct word_run *run, struct pair *pair)
{
    struct sv left = run->left;
    struct sv right = run->right;
    while (left.n > 0 && right.n > 0) {
        struct sv word;
        struct sv a = sv_take(left, word_diff_next(left, &word));
        struct sv b = sv_take(right, word_diff_next(right, &word));
        left = sv_skip(left, a.n);
        right = sv_skip(right, b.n);
        *pair = (struct pair){join(pair->left, a), join(pair->right, b)};
        if (ends_line(a) && ends_line(b)) {
            add_stretch(columns, pair->left, pair->right);
            *pair = (struct pair){{NULL, 0}, {NULL, 0}};
        }
    }
    *pair = (struct pair){join(pair->left, left), join(pair->right, right)};
}

struct columns columns_make(const struct word_diff *diff, int width)
{
    struct columns columns = {.diff = diff, .width = width > 1 ? width : 1};
    struct pair pair = {{NULL, 0}, {NULL, 0}};
    for (size_t i = 0; i < diff->count; i++) {
        const struct word_run *run = &diff->runs[i];
        if (run->change == WORDS_SAME) {
            add_same(&columns, run, &pair);
        } else {
            pair = (struct pair){join(pair.left, run->left), join(pair.right, run->right)};
        }
    }
    if (pair.left.n > 0 || pair.right.n > 0) {
        add_stretch(&columns, pair.left, pair.right);
    }
    return columns;
}

void columns_release(struct columns *columns)
{
    free(columns->rows);
    *columns = (struct columns){.count = 0};
}

/* ---- painting ---- */

/* Runs of one side lie in the order of their text, those of the other side alone are empty there.
 */
static bool is_changed(const struct word_diff *diff, bool right, const char *at)
{
    for (size_t i = 0; i < diff->count; i++) {
        struct sv run = right ? diff->runs[i].right : diff->runs[i].left;
        if (run.n > 0 && at < run.p + run.n) {
            return diff->runs[i].change != WORDS_SAME;
        }
    }
    return false;
}

/* A word is changed as a whole, so it is asked for once. */
static void paint_side(const struct columns *columns, bool right, struct sv text, struct grid *grid,
                       const struct grid_place *place)
{
    int column = place->column;
    int end = place->column + columns->width;
    enum style changed = right ? STYLE_BLOCK_ADDED : STYLE_BLOCK_REMOVED;
    struct sv word = {NULL, 0};
    bool is_new = false;
    while (text.n > 0 && column < end) {
        struct cluster cluster;
        width_next(text, 0, &cluster);
        if (word.n == 0) {
            word = sv_take(text, word_diff_next(text, &(struct sv){NULL, 0}));
            is_new = is_changed(columns->diff, right, text.p);
        }
        if (cluster.width > 0 && column + cluster.width <= end) {
            column = grid_put(grid, place->row, column, &cluster, is_new ? changed : STYLE_PLAIN);
        } else if (cluster.kind == CLUSTER_TAB) {
            column++;
        }
        text = sv_skip(text, cluster.used);
        word = sv_skip(word, cluster.used);
    }
}

void columns_paint(const struct columns *columns, size_t row, struct grid *grid, int grid_row)
{
    const struct columns_row *texts = &columns->rows[row];
    int right = columns->width + GAP;
    paint_side(columns, false, texts->left, grid, &(struct grid_place){grid_row, 0});
    grid_text(grid, grid_row, columns->width + 1, SV("|"), STYLE_DIM);
    paint_side(columns, true, texts->right, grid, &(struct grid_place){grid_row, right});
}
