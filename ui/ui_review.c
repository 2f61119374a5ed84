/*
 * Review on the screen: what waits for a verdict; one session with its notes, where each message
 * and the session as a whole can be judged; two answers side by side.
 *
 * The view takes the whole screen and all keys. What is shown is read when it is opened and after
 * each change, which is made on the thread of changes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "base/word_diff.h"
#include "store/branch.h"
#include "store/history.h"
#include "store/journal.h"
#include "store/label.h"
#include "store/message_service.h"
#include "store/note.h"
#include "store/review.h"
#include "store/verdict.h"
#include "ui/columns.h"
#include "ui/ui_internal.h"

#define QUEUE_MAX 500
#define PAGE 100
#define MESSAGES_MAX 2000
#define TYPED_MAX 4096

enum mode { MODE_QUEUE, MODE_SESSION, MODE_COMPARE };
enum typing { TYPE_NOTHING, TYPE_NOTE, TYPE_RATING, TYPE_VERDICT, TYPE_LABEL };

/* Some rows of the text. Item 0 is the session as a whole, the others are its messages. */
struct block {
    size_t item;
    enum style style;
    char *text;
    int indent, rows; /* for the width of the view */
};

struct review {
    enum mode mode;
    bool alone; /* what weir was started for: leaving it leaves weir */
    struct session_list queue;
    enum session_origin origin; /* only those; SESSION_ORIGIN_COUNT: all */
    size_t chosen;

    struct session session;
    struct ulid *items; /* messages; the first is unset */
    size_t item_count, item;
    size_t newest; /* item of the newest answer; 0: there is none */
    struct block *blocks;
    size_t block_count;
    int width; /* that the blocks were laid out for */
    int top, rows;

    char *texts[2]; /* that are compared */
    struct word_diff diff;
    struct columns columns;

    enum typing typing;
    struct buf typed;
};

/* ---- what is shown ---- */

static void drop_compared(struct review *review)
{
    columns_release(&review->columns);
    word_diff_release(&review->diff);
    free(review->texts[0]);
    free(review->texts[1]);
    review->texts[0] = review->texts[1] = NULL;
}

static void drop_session(struct review *review)
{
    drop_compared(review);
    for (size_t i = 0; i < review->block_count; i++) {
        free(review->blocks[i].text);
    }
    free(review->blocks);
    free(review->items);
    session_release(&review->session);
    review->blocks = NULL;
    review->items = NULL;
    review->block_count = review->item_count = review->newest = 0;
    review->width = 0;
}

void review__close(struct ui *ui)
{
    struct review *review = ui->review;
    if (review) {
        drop_session(review);
        session_list_free(&review->queue);
        buf_release(&review->typed);
        free(review);
        ui->review = NULL;
        ui->dirty = true;
    }
}

static void load_queue(struct ui *ui)
{
    struct review *review = ui->review;
    struct err err;
    const struct review_query query = {.of_one_origin = review->origin != SESSION_ORIGIN_COUNT,
                                       .origin = review->origin,
                                       .limit = QUEUE_MAX};
    session_list_free(&review->queue);
    if (review_queue(ui->options->store, &query, &review->queue, &err)) {
        view__line(ui, LINE_PROBLEM, err.text);
    }
    size_t last = review->queue.count ? review->queue.count - 1 : 0;
    review->chosen = review->chosen < last ? review->chosen : last;
    review->mode = MODE_QUEUE;
}

/* Takes the text. */
static void add_block(struct review *review, enum style style, int indent, char *text)
{
    if ((review->block_count & (review->block_count - 1)) == 0) {
        size_t cap = review->block_count == 0 ? 1 : review->block_count * 2;
        review->blocks = xrealloc(review->blocks, cap * sizeof(*review->blocks));
    }
    review->blocks[review->block_count++] = (struct block){
        .item = review->item_count - 1, .style = style, .indent = indent, .text = text};
}

static void add_item(struct review *review, const struct ulid *message)
{
    review->items = xrealloc(review->items, (review->item_count + 1) * sizeof(*review->items));
    review->items[review->item_count++] = *message;
}

static void append_verdict(struct buf *out, const struct verdict *verdict)
{
    if (verdict) {
        buf_append_str(out, "  [");
        if (verdict->rating) {
            buf_appendf(out, "%d/%d%s", verdict->rating, VERDICT_RATING_MAX,
                        verdict->word ? " " : "");
        }
        buf_append_str(out, verdict->word);
        buf_append_byte(out, ']');
    }
}

static void append_figures(struct buf *out, const struct message *message)
{
    struct buf figures = BUF_INIT(BUF_MAX_INTERNAL);
    if (message->role != ROLE_ASSISTANT) {
        return;
    }
    if (message->ended_us > message->created_us) {
        buf_appendf(&figures, ", %.1f s", (double)(message->ended_us - message->created_us) / 1e6);
    }
    if (message->usage.output_tokens >= 0) {
        buf_appendf(&figures, ", %lld tokens", (long long)message->usage.output_tokens);
    }
    if (message->usage.cost_micros > 0) {
        buf_appendf(&figures, ", %s$%.4f", message->usage.cost_estimated ? "~" : "",
                    (double)message->usage.cost_micros / 1e6);
    }
    if (message->reason != FINISH_END_TURN) {
        buf_appendf(&figures, ", %s",
                    message->ended ? finish_reason_said(message->reason) : "still running");
    }
    if (figures.n > 0) {
        buf_append_str(out, "  ");
        buf_append_sv(out, sv_skip(buf_sv(&figures), strlen(", ")));
    }
    buf_release(&figures);
}

static char *note_text(const struct message *message, const struct note *note)
{
    const struct note_place *place = &note->place;
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    if (place->part >= 0 && (size_t)place->part < message->part_count &&
        place->last <= message->parts[place->part].text_n && place->first < place->last) {
        buf_append_byte(&out, '"');
        buf_append(&out, message->parts[place->part].text + place->first,
                   place->last - place->first);
        buf_append_str(&out, "\": ");
    }
    buf_append_str(&out, note->text);
    return buf_detach(&out);
}

static void add_message(struct review *review, const struct message *message,
                        const struct verdict_list *verdicts, const struct note_list *notes)
{
    struct buf head = BUF_INIT(BUF_MAX_INTERNAL);
    add_item(review, &message->id);
    review->newest = message->role == ROLE_ASSISTANT ? review->item_count - 1 : review->newest;
    buf_appendf(&head, "#%lld %s%s%s", (long long)message->seq, role_text(message->role),
                message->model ? " " : "", message->model ? message->model : "");
    append_figures(&head, message);
    append_verdict(&head, verdict_of(verdicts, &message->id));
    add_block(review, message->role == ROLE_USER ? STYLE_USER : STYLE_MODEL, 0, buf_detach(&head));
    add_block(review, STYLE_PLAIN, 2, message_text(message, PART_TEXT));
    for (size_t i = 0; i < notes->count; i++) {
        if (ulid_equal(&notes->notes[i].place.message, &message->id)) {
            add_block(review, STYLE_NOTICE, 4, note_text(message, &notes->notes[i]));
        }
    }
    add_block(review, STYLE_PLAIN, 0, xstrdup(""));
}

static void add_whole(struct review *review, const struct verdict_list *verdicts,
                      const struct label_list *labels)
{
    struct buf head = BUF_INIT(BUF_MAX_INTERNAL);
    const struct ulid none = {""};
    add_item(review, &none);
    buf_appendf(&head, "%s  %s", review->session.handle, session_title_said(review->session.title));
    append_verdict(&head, verdict_of(verdicts, &none));
    for (size_t i = 0; i < labels->count; i++) {
        buf_appendf(&head, "%s%s", i ? ", " : "  labels: ", labels->labels[i].name);
    }
    add_block(review, STYLE_STRONG, 0, buf_detach(&head));
    add_block(review, STYLE_PLAIN, 0, xstrdup(""));
}

static enum err_code add_messages(struct ui *ui, const struct verdict_list *verdicts,
                                  const struct note_list *notes, struct err *err)
{
    struct review *review = ui->review;
    int64_t after = -1;
    bool more = true;
    while (more && review->item_count < MESSAGES_MAX) {
        struct history_page page = {.messages = NULL};
        enum err_code code =
            history_after(ui->options->store, &review->session.id, after, PAGE, &page, err);
        if (code) {
            return code;
        }
        for (size_t i = 0; i < page.count; i++) {
            add_message(review, page.messages[i], verdicts, notes);
            after = page.messages[i]->seq;
        }
        more = page.more && page.count > 0;
        history_page_free(&page);
    }
    if (more) {
        add_block(review, STYLE_STATE, 0, xstrdup("there are more messages"));
    }
    return ERR_OK;
}

static enum err_code read_session(struct ui *ui, const struct ulid *id, struct err *err)
{
    struct review *review = ui->review;
    struct store *store = ui->options->store;
    struct verdict_list verdicts = {NULL, 0};
    struct note_list notes = {NULL, 0};
    struct label_list labels = {NULL, 0};
    enum err_code code = session_get(store, id, &review->session, err);
    code = code ? code : verdict_list(store, id, &verdicts, err);
    code = code ? code : note_list_of_session(store, id, &notes, err);
    code = code ? code : label_list(store, id, &labels, err);
    if (code == ERR_OK) {
        add_whole(review, &verdicts, &labels);
        code = add_messages(ui, &verdicts, &notes, err);
    }
    verdict_list_free(&verdicts);
    note_list_free(&notes);
    label_list_free(&labels);
    return code;
}

static void load_session(struct ui *ui, struct ulid id)
{
    struct review *review = ui->review;
    struct err err;
    drop_session(review);
    if (read_session(ui, &id, &err)) {
        view__line(ui, LINE_PROBLEM, err.text);
        drop_session(review);
        load_queue(ui);
        return;
    }
    review->mode = MODE_SESSION;
    review->item = review->item < review->item_count ? review->item : review->item_count - 1;
}

void review__open(struct ui *ui, bool alone, struct sv origin)
{
    if (!ui->review) {
        ui->review = xcalloc(1, sizeof(*ui->review));
        buf_init(&ui->review->typed, TYPED_MAX);
    }
    ui->review->alone = alone;
    ui->review->origin = session_origin_parse(origin);
    load_queue(ui);
    ui->dirty = true;
}

/* ---- what is chosen ---- */

static void lay_out(struct review *review, int columns)
{
    if (review->width == columns) {
        return;
    }
    review->width = columns;
    for (size_t i = 0; i < review->block_count; i++) {
        struct block *block = &review->blocks[i];
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

/* The row at which an item begins. */
static int row_of(const struct review *review, size_t item)
{
    int row = 0;
    for (size_t i = 0; i < review->block_count && review->blocks[i].item < item; i++) {
        row += review->blocks[i].rows;
    }
    return row;
}

static void choose(struct ui *ui, size_t item)
{
    struct review *review = ui->review;
    review->item = item;
    lay_out(review, ui->grid.columns);
    review->top = row_of(review, item);
}

/* ---- changes ---- */

static void done_change(struct ui *ui, struct task *task)
{
    if (ui->review && ui->review->mode == MODE_SESSION &&
        ulid_equal(&ui->review->session.id, &task->session)) {
        load_session(ui, task->session);
    }
}

static enum err_code run_note(struct task *task, struct store *store)
{
    const struct note_place place = {.message = task->at, .part = NOTE_WHOLE};
    struct ulid id;
    return note_add(store, &place, sv_from(task->text), &id, &task->err);
}

static enum err_code run_rating(struct task *task, struct store *store)
{
    uint64_t rating = 0;
    if (!sv_to_u64(sv_from(task->text), &rating) || rating > VERDICT_RATING_MAX) {
        return err_set(&task->err, ERR_INVALID, "a rating is a number from 1 to %d, 0 for none",
                       VERDICT_RATING_MAX);
    }
    const struct verdict_change change = {
        .session = task->session, .message = task->at, .sets_rating = true, .rating = (int)rating};
    return verdict_set(store, &change, &task->err);
}

static enum err_code run_verdict(struct task *task, struct store *store)
{
    const struct verdict_change change = {.session = task->session,
                                          .message = task->at,
                                          .sets_word = true,
                                          .word = sv_trim(sv_from(task->text))};
    return verdict_set(store, &change, &task->err);
}

static enum err_code run_label(struct task *task, struct store *store)
{
    struct sv label = sv_trim(sv_from(task->text));
    bool removes = sv_starts_with(label, SV("-")) && label.n > 1;
    label = sv_skip(label, removes ? 1 : 0);
    const struct label_change change = {.add = &label,
                                        .add_count = removes ? 0 : 1,
                                        .remove = &label,
                                        .remove_count = removes ? 1 : 0};
    return label_update(store, &task->session, &change, &task->err);
}

static enum err_code run_undo(struct task *task, struct store *store)
{
    return undo_last(store, &task->session, NULL, &task->err);
}

static const struct task_kind undo_kind = {.run = run_undo, .done = done_change};
static const struct {
    const char *asks;
    struct task_kind kind;
} typings[] = {
    [TYPE_NOTE] = {"note: ", {.run = run_note, .done = done_change}},
    [TYPE_RATING] = {"rating, 1 to 5: ", {.run = run_rating, .done = done_change}},
    [TYPE_VERDICT] = {"verdict: ", {.run = run_verdict, .done = done_change}},
    [TYPE_LABEL] = {"label, or -label: ", {.run = run_label, .done = done_change}},
};

static void ask(struct ui *ui, const struct task_kind *kind, struct sv text)
{
    struct review *review = ui->review;
    struct task *task = work__task(kind, text);
    task->session = review->session.id;
    task->at = review->items[review->item];
    work__ask(ui, task);
}

/* A note stands on a message: where the session as a whole is chosen, on its newest answer. */
static void begin_typing(struct ui *ui, enum typing typing)
{
    struct review *review = ui->review;
    if (typing == TYPE_NOTE && review->item == 0) {
        choose(ui, review->newest ? review->newest : review->item_count - 1);
    }
    if (typing == TYPE_NOTE && review->item == 0) {
        view__line(ui, LINE_INFO, "there is no message to note on");
        return;
    }
    review->typing = typing;
    buf_clear(&review->typed);
}

static void type(struct ui *ui, const struct input_event *event)
{
    struct review *review = ui->review;
    struct buf *typed = &review->typed;
    switch (event->key) {
    case INPUT_TEXT:
    case INPUT_PASTE:
        (void)buf_append_sv(typed, event->text);
        break;
    case INPUT_BACKSPACE:
        buf_truncate(typed, utf8_prev(buf_cstr(typed), typed->n));
        break;
    case INPUT_ENTER:
        ask(ui, &typings[review->typing].kind, buf_sv(typed));
        review->typing = TYPE_NOTHING;
        break;
    case INPUT_ESCAPE:
    case INPUT_CHAR:
        review->typing = TYPE_NOTHING;
        break;
    default:
        break;
    }
}

/* ---- two answers ---- */

static enum err_code read_text(struct ui *ui, const struct ulid *id, char **ret_text,
                               struct err *err)
{
    struct message *message = NULL;
    enum err_code code = message_snapshot(ui->options->store, id, &message, err);
    if (code == ERR_OK) {
        *ret_text = message_text(message, PART_TEXT);
        message_free(message);
    }
    return code;
}

/* The message, and what stands beside it next. */
static void compare(struct ui *ui)
{
    struct review *review = ui->review;
    struct sibling_list siblings = {NULL, 0, 0};
    struct err err;
    enum err_code code = ERR_NOT_FOUND;
    (void)err_set(&err, code, "choose a message that has others in its place");
    if (review->item > 0) {
        code = branch_siblings(ui->options->store, &review->items[review->item], &siblings, &err);
    }
    if (code == ERR_OK && siblings.count < 2) {
        code = err_set(&err, ERR_NOT_FOUND, "nothing else stands in the place of this message");
    }
    if (code == ERR_OK) {
        drop_compared(review);
        size_t other = (siblings.at + 1) % siblings.count;
        code = read_text(ui, &review->items[review->item], &review->texts[0], &err);
        code =
            code ? code : read_text(ui, &siblings.siblings[other].message, &review->texts[1], &err);
    }
    sibling_list_free(&siblings);
    if (code) {
        view__line(ui, LINE_INFO, err.text);
        return;
    }
    review->diff = word_diff_make(sv_from(review->texts[0]), sv_from(review->texts[1]));
    review->mode = MODE_COMPARE;
    review->width = 0;
    review->top = 0;
}

/* ---- keys ---- */

static size_t moved(size_t at, size_t count, int step)
{
    if (step < 0) {
        return at > (size_t)-step ? at - (size_t)-step : 0;
    }
    return at + (size_t)step < count ? at + (size_t)step : count ? count - 1 : 0;
}

static void move(struct ui *ui, int step)
{
    struct review *review = ui->review;
    if (review->mode == MODE_QUEUE) {
        review->chosen = moved(review->chosen, review->queue.count, step);
    } else if (review->mode == MODE_SESSION) {
        choose(ui, moved(review->item, review->item_count, step));
    } else {
        review->top += step;
    }
}

static void leave(struct ui *ui)
{
    bool alone = ui->review->alone;
    review__close(ui);
    if (alone) {
        ui__leave(ui, ERR_OK);
    }
}

static void back(struct ui *ui)
{
    struct review *review = ui->review;
    if (review->mode == MODE_QUEUE) {
        leave(ui);
    } else if (review->mode == MODE_COMPARE) {
        review->mode = MODE_SESSION;
        review->width = 0;
        choose(ui, review->item);
    } else {
        drop_session(review);
        load_queue(ui);
    }
}

/* All, then those of one origin after the other. */
static void filter_queue(struct ui *ui)
{
    struct review *review = ui->review;
    review->origin = (review->origin + 1) % (SESSION_ORIGIN_COUNT + 1);
    review->chosen = 0;
    load_queue(ui);
}

/* The session goes on, on the screen. */
static void go_on(struct ui *ui)
{
    struct ulid id = ui->review->session.id;
    if (sessions__open(ui, &id)) {
        review__close(ui);
    }
}

static void on_letter(struct ui *ui, char letter)
{
    struct review *review = ui->review;
    static const struct {
        char letter;
        enum typing typing;
    } letters[] = {{'n', TYPE_NOTE}, {'r', TYPE_RATING}, {'v', TYPE_VERDICT}, {'l', TYPE_LABEL}};
    if (letter == 'q') {
        back(ui);
    } else if (review->mode == MODE_QUEUE && letter == 'f') {
        filter_queue(ui);
    } else if (review->mode == MODE_SESSION && letter == 'c') {
        compare(ui);
    } else if (review->mode == MODE_SESSION && letter == 'u') {
        ask(ui, &undo_kind, SV(""));
    } else if (review->mode == MODE_SESSION && letter == 'o') {
        go_on(ui);
    } else if (review->mode == MODE_SESSION) {
        for (size_t i = 0; i < COUNT_OF(letters); i++) {
            if (letters[i].letter == letter) {
                begin_typing(ui, letters[i].typing);
            }
        }
    }
}

static void enter(struct ui *ui)
{
    struct review *review = ui->review;
    if (review->mode != MODE_QUEUE || review->chosen >= review->queue.count) {
        return;
    }
    load_session(ui, review->queue.sessions[review->chosen].id);
    if (review->mode == MODE_SESSION) {
        choose(ui, review->newest);
    }
}

void review__key(struct ui *ui, const struct input_event *event, enum action action)
{
    struct review *review = ui->review;
    int page = review->rows > 2 ? review->rows - 1 : 1;
    view__line(ui, LINE_NONE, NULL);
    if (review->typing != TYPE_NOTHING) {
        type(ui, event);
        return;
    }
    switch (event->key) {
    case INPUT_UP:
    case INPUT_DOWN:
        move(ui, event->key == INPUT_UP ? -1 : 1);
        break;
    case INPUT_PAGE_UP:
    case INPUT_PAGE_DOWN:
        if (review->mode == MODE_QUEUE) {
            move(ui, event->key == INPUT_PAGE_UP ? -page : page);
        } else {
            review->top += event->key == INPUT_PAGE_UP ? -page : page;
        }
        break;
    case INPUT_ENTER:
        enter(ui);
        break;
    case INPUT_ESCAPE:
        back(ui);
        break;
    case INPUT_TEXT:
        on_letter(ui, event->text.n == 1 ? event->text.p[0] : ' ');
        break;
    default:
        if (action == ACTION_INTERRUPT || action == ACTION_LEAVE) {
            leave(ui);
        } else if (action == ACTION_REPAINT) {
            ui__repaint(ui);
        } else if (action == ACTION_SUSPEND) {
            ui__suspend(ui);
        }
        break;
    }
}

/* ---- painting ---- */

static int clip_top(int top, int total, int rows)
{
    int last = total > rows ? total - rows : 0;
    top = top < last ? top : last;
    return top > 0 ? top : 0;
}

static void paint_block(const struct ui *ui, const struct block *block, int first_row)
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
        const struct block *block = &review->blocks[i];
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
        buf_append_str(&line, typings[review->typing].asks);
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
    lay_out(review, ui->grid.columns);
    painters[review->mode](ui);
    if (ui->grid.rows > 0) {
        paint_foot(ui);
    }
}
