/*
 * Review on the screen: notes, ratings, verdicts, labels, and taking the last of them back. What is
 * typed goes with the change to the thread that makes it; what is shown is read anew then.
 */
#include "base/utf8.h"
#include "store/journal.h"
#include "store/label.h"
#include "store/note.h"
#include "store/verdict.h"
#include "ui/ui_review_internal.h"

static void done_change(struct ui *ui, struct task *task)
{
    if (ui->review && ui->review->mode == MODE_SESSION &&
        ulid_equal(&ui->review->session.id, &task->session)) {
        review__load_session(ui, task->session);
        if (ui->plain) {
            plain__judged(ui, &task->at);
        }
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

static void ask(struct ui *ui, const struct task_kind *kind, size_t item, struct sv text)
{
    struct review *review = ui->review;
    struct task *task = work__task(kind, text);
    task->session = review->session.id;
    task->at = review->items[item].id;
    work__ask(ui, task);
}

void review__change(struct ui *ui, enum review_typing typing, size_t item, struct sv text)
{
    ask(ui, &typings[typing].kind, item, text);
}

void review__begin_typing(struct ui *ui, enum review_typing typing)
{
    struct review *review = ui->review;
    if (typing == TYPE_NOTE && review->item == 0) {
        review__choose(ui, review->newest ? review->newest : review->item_count - 1);
    }
    if (typing == TYPE_NOTE && review->item == 0) {
        view__line(ui, LINE_INFO, "there is no message to note on");
        return;
    }
    review->typing = typing;
    buf_clear(&review->typed);
}

void review__type(struct ui *ui, const struct input_event *event)
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
        review__change(ui, review->typing, review->item, buf_sv(typed));
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

const char *review__asks(enum review_typing typing)
{
    return typings[typing].asks;
}

void review__undo(struct ui *ui)
{
    ask(ui, &undo_kind, ui->review->item, SV(""));
}
