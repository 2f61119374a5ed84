/*
 * What was typed and not sent, kept in the store: the draft of each session, and the prompts that
 * wait.
 *
 * A draft is saved a quarter of a second after the first change since it was saved last; so a crash
 * costs no more than that, and quick typing few writes. A long one is saved less often. What waits
 * is in the store's queue as soon as it has a session. Nothing here waits for the disk.
 *
 * Only what was written on this screen is sent by itself. What another screen or an earlier run
 * left in the queue is shown, and the user says when.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/draft.h"
#include "store/queue.h"
#include "store/turn.h"
#include "ui/ui_internal.h"

#define DRAFT_US CLOCK_MS(250)
#define LONG_DRAFT_US CLOCK_S(2)
#define LONG_DRAFT_BYTES ((size_t)64 << 10)
#define NEW_PLACE "new:"

/* Of the session on the screen. */
static struct sv place_of(const struct ui *ui)
{
    return sv_from(ulid_is_set(&ui->session) ? ui->session.text : NEW_PLACE);
}

int64_t saved__due(int64_t due_us, int64_t now_us, size_t bytes)
{
    int64_t own_us = now_us + (bytes > LONG_DRAFT_BYTES ? LONG_DRAFT_US : DRAFT_US);
    return due_us && due_us < own_us ? due_us : own_us;
}

static void note_change(struct ui *ui)
{
    if (ui->draft_revision != editor_revision(ui->editor)) {
        ui->draft_due_us = saved__due(ui->draft_due_us, clock_mono_us(), editor_text(ui->editor).n);
    }
}

/* A draft that the store does not take is no news: it says itself when nothing can be saved. */
void saved__draft(struct ui *ui, bool now)
{
    struct buf text = BUF_INIT(DRAFT_MAX_BYTES);
    size_t cursor;
    note_change(ui);
    if (!ui->draft_due_us || (!now && clock_mono_us() < ui->draft_due_us)) {
        return;
    }
    ui->draft_due_us = 0;
    ui->draft_revision = editor_revision(ui->editor);
    editor_draft(ui->editor, &text, &cursor);
    if (buf_ok(&text)) {
        enum err_code ignored =
            draft_put(ui->options->store, place_of(ui), buf_sv(&text), cursor, NULL);
        (void)ignored;
    }
    buf_release(&text);
}

void saved__moved(struct ui *ui)
{
    enum err_code ignored = draft_remove(ui->options->store, SV(NEW_PLACE), NULL);
    (void)ignored;
    ui->draft_revision = editor_revision(ui->editor) - 1;
    saved__draft(ui, true);
}

static void load_draft(struct ui *ui)
{
    struct draft draft = {.text = NULL};
    if (draft_get(ui->options->store, place_of(ui), &draft, NULL) == ERR_OK) {
        editor_restore(ui->editor, sv_of(draft.text, draft.length), draft.cursor);
    } else {
        editor_restore(ui->editor, SV(""), 0);
    }
    draft_release(&draft);
    ui->draft_due_us = 0;
    ui->draft_revision = editor_revision(ui->editor);
}

void saved__load(struct ui *ui)
{
    const struct waiting *ignored[1];
    load_draft(ui);
    saved__refresh(ui);
    if (prompt__waiting(ui, ignored, 0) && !ui->line) {
        view__line(ui, LINE_INFO,
                   editor_text(ui->editor).n
                       ? "a prompt was not sent: Enter without a draft sends it, Up takes it back"
                       : "a prompt was not sent: Enter sends it, Up takes it back");
    }
}

static bool is_known(const struct ui *ui, const struct ulid *id)
{
    for (size_t i = 0; i < ui->waiting_count; i++) {
        if (ulid_equal(&ui->waiting[i].id, id)) {
            return true;
        }
    }
    for (size_t i = 0; i < REMOVED_MAX; i++) {
        if (ulid_equal(&ui->removed[i], id)) {
            return true;
        }
    }
    return ulid_equal(&ui->sent_id, id);
}

static bool is_listed(void *ctx, const struct ulid *id)
{
    const struct queue_list *list = ctx;
    for (size_t i = 0; i < list->count; i++) {
        if (ulid_equal(&list->items[i].id, id)) {
            return true;
        }
    }
    return false;
}

static void show_stored(struct ui *ui, const struct queued *queued)
{
    if (is_known(ui, &queued->id) || saved__was_sent(ui, &queued->id)) {
        return;
    }
    prompt__add(ui, (struct waiting){
                        .id = queued->id,
                        .session = ui->session,
                        .stored = true,
                        .text = xstrdup(queued->text),
                        .n = strlen(queued->text),
                    });
}

void saved__refresh(struct ui *ui)
{
    struct queue_list list = {NULL, 0};
    if (!ulid_is_set(&ui->session) ||
        queue_list(ui->options->store, &ui->session, &list, NULL) != ERR_OK) {
        return;
    }
    prompt__drop_gone(ui, is_listed, &list);
    for (size_t i = 0; i < list.count; i++) {
        show_stored(ui, &list.items[i]);
    }
    queue_list_release(&list);
}

bool saved__is_gone(struct ui *ui, const struct waiting *waiting)
{
    struct queue_list list = {NULL, 0};
    bool gone = waiting->stored &&
                queue_list(ui->options->store, &waiting->session, &list, NULL) == ERR_OK &&
                !is_listed(&list, &waiting->id);
    queue_list_release(&list);
    return gone;
}

static void change(struct ui *ui, const struct queue_change *change)
{
    struct err err;
    if (queue_change_then(ui->options->store, change, NULL, NULL, &err)) {
        view__line(ui, LINE_PROBLEM, err.text);
    }
}

void saved__add(struct ui *ui, const struct waiting *waiting)
{
    change(ui, &(struct queue_change){
                   .act = QUEUE_ADD,
                   .session = waiting->session,
                   .id = waiting->id,
                   .text = sv_of(waiting->text, waiting->n),
               });
}

void saved__remove(struct ui *ui, const struct ulid *id)
{
    ui->removed[ui->removed_at] = *id;
    ui->removed_at = (ui->removed_at + 1) % REMOVED_MAX;
    change(ui, &(struct queue_change){.act = QUEUE_REMOVE, .id = *id});
}

bool saved__was_sent(struct ui *ui, const struct ulid *id)
{
    struct turn turn;
    return turn_find(ui->options->store, id, &turn, NULL) == ERR_OK;
}
