/*
 * The frame: transcript, then a line of news, a rule, the editor, the status line. Where rows are
 * scarce the editor's first row is the last to go.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/session.h"
#include "store/usage.h"
#include "ui/ui_internal.h"

#define RULE_FROM_ROWS 8
#define MARK_FROM_COLUMNS 8
#define HELP_FROM_COLUMNS 72
#define NEWS_MAX_ROWS 6
#define WAITING_ROWS 3
/* A hint that would leave less than this part of the status line to what is said is left out. */
#define HINT_PART 3
#define STATUS_MAX ((size_t)4 << 10)

struct areas {
    int transcript, list, waiting, news, rule, editor, status; /* rows of each, top to bottom */
    int mark;                                                  /* columns of the prompt's mark */
    int row_list, row_waiting, row_news, row_editor;
};

void view__line(struct ui *ui, enum line_kind kind, const char *text)
{
    char *copy = xstrdup(text);
    free(ui->line);
    ui->line = copy;
    ui->line_kind = text ? kind : LINE_NONE;
    ui->line_behind = false;
    ui->dirty = true;
    if (ui->plain && text) {
        plain__line(ui, text);
    }
}

bool view__shows_line(const struct ui *ui)
{
    return ui->line && !(ui->selecting && ui->line_behind && !ui->picker);
}

void view__add_line(struct ui *ui, const char *text)
{
    bool stands = ui->line && !ui->plain;
    char *both = stands ? xasprintf("%s\n%s", ui->line, text) : xstrdup(text);
    view__line(ui, stands ? ui->line_kind : LINE_INFO, both);
    free(both);
}

void view__note_model(struct ui *ui)
{
    const struct ui_host *host = &ui->options->host;
    bool asks = host->context_of && ui->model;
    ui->context = asks ? host->context_of(host->ctx, ui->model) : -1;
}

/* An estimate stays one; only where more was spent there may be a first one. */
static void note_cost(struct ui *ui, int64_t micros)
{
    bool known =
        ulid_equal(&ui->cost_of, &ui->session) && (ui->cost_estimated || micros == ui->cost_micros);
    if (!known) {
        ui->cost_estimated = micros > 0 && usage_is_estimated(ui->options->store, &ui->session);
    }
    ui->cost_of = ui->session;
    ui->cost_micros = micros;
}

void view__note_session(struct ui *ui)
{
    struct session session = {.cost_micros = 0};
    if (ulid_is_set(&ui->session) &&
        session_get(ui->options->store, &ui->session, &session, NULL) == ERR_OK) {
        note_cost(ui, session.cost_micros);
        terminal__set_title(ui, session.title);
        session_release(&session);
    } else {
        note_cost(ui, 0);
        terminal__set_title(ui, NULL);
    }
}

struct status_facts view__facts(const struct ui *ui)
{
    return (struct status_facts){
        .model = ui->model,
        .answer = transcript_status(ui->transcript),
        .store_trouble = ui->store_trouble,
        .sending = ui->sending,
        .cancelling = ui->cancelling,
        .elsewhere = view__answers_elsewhere(ui),
        .follows = transcript_follows(ui->transcript),
        .context = ui->context,
        .cost_micros = ui->cost_micros,
        .cost_estimated = ui->cost_estimated,
        .others_ended = ui->others_ended,
        .others_failed = ui->others_failed,
        .waiting_since_us = ui->waiting_since_us,
        .silence_us = ui->options->settings.silence_us,
        .now_us = clock_mono_us(),
    };
}

bool view__is_busy(const struct ui *ui)
{
    struct status_facts facts = view__facts(ui);
    return status_is_busy(&facts);
}

bool view__answers_elsewhere(const struct ui *ui)
{
    return ui->elsewhere_now && !ui->sending && transcript_status(ui->transcript).running;
}

/* What keys do while a message is chosen; where there is little room, the most needed. */
static const char *selection_help(const struct ui *ui)
{
    bool narrow = ui->grid.columns < HELP_FROM_COLUMNS;
    if (ui->landed) {
        return narrow ? "n: next, p: before, Enter: menu, Esc"
                      : "n: next place found, p: the one before, Up and Down, Enter: menu, Esc";
    }
    return narrow ? "Up and Down choose, Enter: menu, Esc"
                  : "Up and Down choose, Enter: menu, e edit, r again, c go on, f fork, y copy, "
                    "v lines, b code, o links, d delete, Left and Right: others in its place, Esc";
}

static const char *news(const struct ui *ui)
{
    if (ui->selecting && !ui->picker && !view__shows_line(ui)) {
        return selection_help(ui);
    }
    if (!ui->line && ulid_is_set(&ui->edit_at)) {
        return "in the place of an earlier prompt: Enter sends it on a branch of its own, Esc "
               "makes "
               "it a new prompt";
    }
    return ui->line ? ui->line : ui->offer;
}

/* What is typed into; NULL: nothing is. */
static struct editor *typed_into(const struct ui *ui)
{
    return ui->picker ? picker_editor(ui->picker) : replay__is_on(ui) ? NULL : ui->editor;
}

/* Paints lines of text into rows [row, row + rows); gives the rows the text has. */
static int paint_text(struct ui *ui, struct sv text, int row, int rows, enum style style)
{
    struct layout layout = {0};
    layout_update(&layout, text, ui->grid.columns);
    int count = layout.count > INT16_MAX ? INT16_MAX : (int)layout.count;
    for (int i = 0; i < rows && i < count; i++) {
        struct sv line = layout_row(&layout, text, (size_t)i);
        layout_paint(&layout, line, &ui->grid, row + i, 0, style);
    }
    layout_release(&layout);
    return count;
}

static int at_most(int value, int limit)
{
    return value < limit ? value : limit;
}

static struct areas areas_of(struct ui *ui)
{
    int rows = ui->grid.rows;
    struct editor *typed = typed_into(ui);
    struct areas areas = {.status = rows >= 2};
    int third = rows / 3 > 1 ? rows / 3 : 1;
    areas.mark = typed && ui->grid.columns >= MARK_FROM_COLUMNS ? 2 : 0;
    areas.editor = typed ? at_most(editor_rows(typed, ui->grid.columns - areas.mark), third) : 0;
    areas.editor = at_most(areas.editor, rows);
    int left = rows - areas.editor - areas.status;
    areas.rule = typed && rows >= RULE_FROM_ROWS && left > 1;
    left -= areas.rule;
    if (news(ui) && left > 0) {
        int wanted = paint_text(ui, sv_from(news(ui)), 0, 0, STYLE_NOTICE);
        areas.news = at_most(at_most(wanted, NEWS_MAX_ROWS), left);
    }
    left -= areas.news;
    const struct waiting *ignored[1];
    areas.waiting = at_most(at_most((int)prompt__waiting(ui, ignored, 0), WAITING_ROWS), left / 2);
    left -= areas.waiting;
    areas.list = ui->picker ? 0 : at_most(complete_rows(ui->complete), left);
    areas.transcript = left - areas.list;
    areas.row_list = areas.transcript;
    areas.row_waiting = areas.row_list + areas.list;
    areas.row_news = areas.row_waiting + areas.waiting;
    areas.row_editor = areas.row_news + areas.news + areas.rule;
    return areas;
}

void view__arrange(struct ui *ui)
{
    struct areas areas = areas_of(ui);
    transcript_set_size(ui->transcript, areas.transcript, ui->grid.columns);
}

int view__page(const struct ui *ui)
{
    int rows = ui->grid.rows * 2 / 3 - 2;
    return rows > 1 ? rows : 1;
}

static void paint_rule(struct ui *ui, int row)
{
    struct cluster dash;
    width_next(SV("─"), 0, &dash);
    if (dash.text[0] == '?') {
        width_next(SV("-"), 0, &dash);
    }
    for (int column = 0; column < ui->grid.columns; column++) {
        grid_put(&ui->grid, row, column, &dash, STYLE_DIM);
    }
}

/* Where not all has room what is cut is the middle: a hint is for those who need it now. */
static void paint_hint(struct ui *ui, const char *hint)
{
    struct buf text = BUF_INIT(STATUS_MAX);
    buf_appendf(&text, "%.*s · %s", SV_ARG(width_glyph(SV("…"), SV("..."))), hint);
    int column = ui->grid.columns - (int)width_of(buf_sv(&text), 0);
    if (column > ui->grid.columns / HINT_PART) {
        grid_text(&ui->grid, ui->grid.rows - 1, column, buf_sv(&text), STYLE_STATUS);
    }
    buf_release(&text);
}

static void paint_status(struct ui *ui)
{
    struct buf text = BUF_INIT(STATUS_MAX);
    struct status_facts facts = view__facts(ui);
    buf_append_byte(&text, ' ');
    if (replay__is_on(ui)) {
        replay__status(ui, &text);
    } else {
        status_text(&facts, &text);
    }
    grid_text(&ui->grid, ui->grid.rows - 1, 0, buf_sv(&text), STYLE_STATUS);
    if (width_of(buf_sv(&text), 0) > (size_t)ui->grid.columns) {
        paint_hint(ui, status_hint(&facts));
    }
    grid_style_row(&ui->grid, ui->grid.rows - 1, STYLE_STATUS);
    buf_release(&text);
}

static void paint_top(struct ui *ui, const struct areas *areas)
{
    if (ui->picker) {
        picker_paint(ui->picker, &ui->grid, 0, areas->transcript);
    } else if (transcript_count(ui->transcript) == 0 && ui->welcome) {
        paint_text(ui, sv_from(ui->welcome), 0, areas->transcript, STYLE_PLAIN);
    } else {
        transcript_paint(ui->transcript, &ui->grid, 0);
    }
}

/* The prompts that wait, the next one first; where there are more than rows, how many more. */
static void paint_waiting(struct ui *ui, const struct areas *areas)
{
    const struct waiting *waiting[WAITING_ROWS];
    size_t count = prompt__waiting(ui, waiting, WAITING_ROWS);
    for (int i = 0; i < areas->waiting; i++) {
        int row = areas->row_waiting + i;
        size_t more = count - (size_t)i - 1;
        bool last = i == areas->waiting - 1 && more > 0;
        const char *what = ui->held || !waiting[i]->ours ? "not sent" : "waits";
        char *head = last ? xasprintf("%s (and %zu more): ", what, more) : xasprintf("%s: ", what);
        int column = grid_text(&ui->grid, row, 0, sv_from(head), STYLE_NOTICE);
        grid_text(&ui->grid, row, column, sv_of(waiting[i]->text, waiting[i]->n), STYLE_DIM);
        free(head);
    }
}

/* The status line says what is searched for. */
static void paint_search(struct ui *ui, const struct areas *areas)
{
    struct buf text = BUF_INIT(STATUS_MAX);
    bool failed = editor_search_failed(ui->editor);
    buf_append_str(&text, failed ? " no prompt holds: " : " search in your prompts: ");
    buf_append_sv(&text, editor_search_needle(ui->editor));
    int row = ui->grid.rows - 1;
    if (areas->status) {
        grid_text(&ui->grid, row, 0, buf_sv(&text), STYLE_STATUS);
        grid_style_row(&ui->grid, row, STYLE_STATUS);
    }
    buf_release(&text);
}

void view__frame(struct ui *ui)
{
    struct areas areas = areas_of(ui);
    grid_clear(&ui->grid);
    if (ui->review) {
        review__paint(ui);
        return;
    }
    transcript_set_size(ui->transcript, areas.transcript, ui->grid.columns);
    paint_top(ui, &areas);
    if (areas.news) {
        bool bad = view__shows_line(ui) && ui->line_kind == LINE_PROBLEM;
        paint_text(ui, sv_from(news(ui)), areas.row_news, areas.news,
                   bad ? STYLE_ERROR : STYLE_NOTICE);
    }
    if (areas.rule) {
        paint_rule(ui, areas.row_editor - 1);
    }
    if (editor_is_searching(ui->editor) && !ui->picker) {
        paint_search(ui, &areas);
    } else if (areas.status) {
        paint_status(ui);
    }
    paint_waiting(ui, &areas);
    complete_paint(ui->complete, &ui->grid, areas.row_list, areas.list, areas.mark);
    if (areas.mark) {
        grid_text(&ui->grid, areas.row_editor, 0, SV(">"), STYLE_PROMPT);
    }
    if (typed_into(ui)) {
        editor_paint(typed_into(ui), &ui->grid, areas.row_editor, areas.editor, areas.mark);
    } else {
        grid_cursor(&ui->grid, ui->grid.rows - 1, 0);
    }
}
