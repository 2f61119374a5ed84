/*
 * Review on the screen: what waits for a verdict; one session with its notes, where each message
 * and the session as a whole can be judged; two answers side by side.
 *
 * The view takes the whole screen and all keys.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "store/branch.h"
#include "store/message_service.h"
#include "ui/ui_review_internal.h"

#define TYPED_MAX 4096

void review__close(struct ui *ui)
{
    struct review *review = ui->review;
    if (review) {
        review__drop_session(review);
        session_list_release(&review->queue);
        buf_release(&review->typed);
        free(review);
        ui->review = NULL;
        ui->dirty = true;
    }
}

void review__open(struct ui *ui, bool alone, struct sv origin)
{
    if (!ui->review) {
        ui->review = xcalloc(1, sizeof(*ui->review));
        buf_init(&ui->review->typed, TYPED_MAX);
    }
    ui->review->alone = alone;
    ui->review->origin = session_origin_parse(origin);
    review__load_queue(ui);
    ui->dirty = true;
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

void review__choose(struct ui *ui, size_t item)
{
    struct review *review = ui->review;
    review->item = item;
    review__lay_out(review, ui->grid.columns);
    review->top = row_of(review, item);
}

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
        code =
            branch_siblings(ui->options->store, &review->items[review->item].id, &siblings, &err);
    }
    if (code == ERR_OK && siblings.count < 2) {
        code = err_set(&err, ERR_NOT_FOUND, "nothing else stands in the place of this message");
    }
    if (code == ERR_OK) {
        review__drop_compared(review);
        size_t other = (siblings.at + 1) % siblings.count;
        code = read_text(ui, &review->items[review->item].id, &review->texts[0], &err);
        code =
            code ? code : read_text(ui, &siblings.siblings[other].message, &review->texts[1], &err);
    }
    sibling_list_release(&siblings);
    if (code) {
        view__line(ui, LINE_INFO, err.text);
        return;
    }
    review->diff = word_diff_make(sv_from(review->texts[0]), sv_from(review->texts[1]));
    review->mode = MODE_COMPARE;
    review->width = 0;
    review->top = 0;
}

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
        review__choose(ui, moved(review->item, review->item_count, step));
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
        review__choose(ui, review->item);
    } else {
        review__drop_session(review);
        review__load_queue(ui);
    }
}

/* All, then those of one origin after the other. */
static void filter_queue(struct ui *ui)
{
    struct review *review = ui->review;
    review->origin = (review->origin + 1) % (SESSION_ORIGIN_COUNT + 1);
    review->chosen = 0;
    review__load_queue(ui);
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
        enum review_typing typing;
    } letters[] = {{'n', TYPE_NOTE}, {'r', TYPE_RATING}, {'v', TYPE_VERDICT}, {'l', TYPE_LABEL}};
    if (letter == 'q') {
        back(ui);
    } else if (review->mode == MODE_QUEUE && letter == 'f') {
        filter_queue(ui);
    } else if (review->mode == MODE_SESSION && letter == 'c') {
        compare(ui);
    } else if (review->mode == MODE_SESSION && letter == 'u') {
        review__undo(ui);
    } else if (review->mode == MODE_SESSION && letter == 'o') {
        go_on(ui);
    } else if (review->mode == MODE_SESSION) {
        for (size_t i = 0; i < COUNT_OF(letters); i++) {
            if (letters[i].letter == letter) {
                review__begin_typing(ui, letters[i].typing);
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
    review__load_session(ui, review->queue.sessions[review->chosen].id);
    if (review->mode == MODE_SESSION) {
        review__choose(ui, review->newest);
    }
}

static void turn_page(struct ui *ui, int step)
{
    if (ui->review->mode == MODE_QUEUE) {
        move(ui, step);
    } else {
        ui->review->top += step;
    }
}

void review__key(struct ui *ui, const struct input_event *event, enum action action)
{
    struct review *review = ui->review;
    int page = review->rows > 2 ? review->rows - 1 : 1;
    view__line(ui, LINE_NONE, NULL);
    if (review->typing != TYPE_NOTHING) {
        review__type(ui, event);
        return;
    }
    switch (event->key) {
    case INPUT_UP:
    case INPUT_DOWN:
        move(ui, event->key == INPUT_UP ? -1 : 1);
        break;
    case INPUT_PAGE_UP:
    case INPUT_PAGE_DOWN:
        turn_page(ui, event->key == INPUT_PAGE_UP ? -page : page);
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
