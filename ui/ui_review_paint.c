/* Review on the screen: rows for a width, and their cells. */
#include "base/attr.h"
#include "ui/ui_review_internal.h"

void review__lay_out(struct review *review, int columns)
{
    if (review->width == columns) {
        return;
    }
    review->width = columns;
    for (size_t i = 0; i < review->block_count; i++) {
        struct review_block *block = &review->blocks[i];
        struct layout layout = {0};
        layout_update(&layout, sv_from(block->text), columns - block->indent);
        block->rows = layout.count < INT16_MAX ? (int)layout.count : INT16_MAX;
        layout_release(&layout);
    }
    if (review->mode == MODE_COMPARE) {
        columns_release(&review->columns);
        review->columns = columns_make(&review->diff, (columns - 3) / 2);
    }
}

static int clip_top(int top, int total, int rows)
{
    int last = total > rows ? total - rows : 0;
    top = top < last ? top : last;
    return top > 0 ? top : 0;
}

static void paint_block(const struct ui *ui, const struct review_block *block, int first_row)
{
    struct review *review = ui->review;
    struct layout layout = {0};
    struct sv text = sv_from(block->text);
    layout_update(&layout, text, review->width - block->indent);
    for (int i = 0; i < block->rows; i++) {
        int row = first_row + i;
        if (row >= 0 && row < review->rows) {
            layout_paint(&layout, layout_row(&layout, text, (size_t)i), (struct grid *)&ui->grid,
                         row, block->indent, block->style);
        }
    }
    layout_release(&layout);
}

static void paint_session(struct ui *ui)
{
    struct review *review = ui->review;
    int total = 0;
    for (size_t i = 0; i < review->block_count; i++) {
        total += review->blocks[i].rows;
    }
    review->top = clip_top(review->top, total, review->rows);
    int row = -review->top;
    for (size_t i = 0; i < review->block_count && row < review->rows; i++) {
        const struct review_block *block = &review->blocks[i];
        if (row + block->rows > 0) {
            paint_block(ui, block, row);
        }
        bool is_head = i == 0 || review->blocks[i - 1].item != block->item;
        if (is_head && block->item == review->item && row >= 0) {
            grid_style_row(&ui->grid, row, STYLE_STATUS);
            grid_cursor(&ui->grid, row, 0);
        }
        row += block->rows;
    }
}

static void paint_compared(struct ui *ui)
{
    struct review *review = ui->review;
    int total = review->columns.count < INT16_MAX ? (int)review->columns.count : INT16_MAX;
    review->top = clip_top(review->top, total, review->rows);
    for (int row = 0; row < review->rows && review->top + row < total; row++) {
        columns_paint(&review->columns, (size_t)(review->top + row), &ui->grid, row);
    }
}

static void paint_queue(struct ui *ui)
{
    struct review *review = ui->review;
    int chosen = (int)review->chosen;
    int first = chosen >= review->rows ? chosen - review->rows + 1 : 0;
    bool is_narrowed = review->origin != SESSION_ORIGIN_COUNT;
    if (review->queue.count == 0) {
        grid_text(&ui->grid, 0, 0,
                  is_narrowed ? SV("Nothing of these waits for a verdict.")
                              : SV("Everything has a verdict."),
                  STYLE_DIM);
    }
    for (int row = 0; row < review->rows && (size_t)(first + row) < review->queue.count; row++) {
        const struct session *session = &review->queue.sessions[first + row];
        struct buf line = BUF_INIT(BUF_MAX_INTERNAL);
        buf_appendf(&line, "%-8s %-6s %-11s ", session->handle,
                    session_origin_text(session->origin), session->state);
        sessions__append_age(session->last_active_us, &line);
        buf_appendf(&line, "  %s", session_title_said(session->title));
        grid_text(&ui->grid, row, 0, buf_sv(&line), STYLE_PLAIN);
        if (first + row == chosen) {
            grid_style_row(&ui->grid, row, STYLE_STATUS);
            grid_cursor(&ui->grid, row, 0);
        }
        buf_release(&line);
    }
}

static void paint_foot(struct ui *ui)
{
    static const char *const helps[] = {
        [MODE_QUEUE] = " review: Enter opens, Esc leaves, f filters: ",
        [MODE_SESSION] = " n note, r rate, v verdict, Esc back, o open, l label, u undo, c compare",
        [MODE_COMPARE] = " left: this one; right: the next in its place; Esc back",
    };
    struct review *review = ui->review;
    int row = ui->grid.rows - 1;
    struct buf line = BUF_INIT(BUF_MAX_INTERNAL);
    if (review->typing != TYPE_NOTHING) {
        buf_append_str(&line, review__asks(review->typing));
        buf_append_sv(&line, buf_sv(&review->typed));
        int end = grid_text(&ui->grid, row, 0, buf_sv(&line), STYLE_PROMPT);
        grid_cursor(&ui->grid, row, end);
    } else {
        bool bad = ui->line && ui->line_kind == LINE_PROBLEM;
        buf_append_str(&line, ui->line ? ui->line : helps[review->mode]);
        if (!ui->line && review->mode == MODE_QUEUE) {
            buf_append_str(&line, review->origin == SESSION_ORIGIN_COUNT
                                      ? "all"
                                      : session_origin_text(review->origin));
        }
        grid_text(&ui->grid, row, 0, buf_sv(&line), bad ? STYLE_ERROR : STYLE_STATUS);
        grid_style_row(&ui->grid, row, bad ? STYLE_ERROR : STYLE_STATUS);
    }
    buf_release(&line);
}

void review__paint(struct ui *ui)
{
    static void (*const painters[])(struct ui * ui) = {[MODE_QUEUE] = paint_queue,
                                                       [MODE_SESSION] = paint_session,
                                                       [MODE_COMPARE] = paint_compared};
    struct review *review = ui->review;
    review->rows = ui->grid.rows > 1 ? ui->grid.rows - 1 : 0;
    review__lay_out(review, ui->grid.columns);
    painters[review->mode](ui);
    if (ui->grid.rows > 0) {
        paint_foot(ui);
    }
}
