/*
 * Choosing a message, and what can be done with it: write it anew, ask again, go on, fork, copy,
 * delete. Nothing is overwritten: what takes a message's place stands on a branch of its own.
 *
 * While a message is chosen plain characters are commands (the table below); the status line says
 * which. What was typed before stays in the editor. Whoever was led to a message by a search has
 * not chosen it yet, and whoever reads what became of a command is done: what is typed there is the
 * next prompt, and deletes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "store/history.h"
#include "store/journal.h"
#include "store/message_service.h"
#include "ui/ui_internal.h"

#define DELETE_US CLOCK_S(5)

static void leave(struct ui *ui)
{
    ui->selecting = false;
    ui->landed = false;
    transcript_unselect(ui->transcript);
    if (!ui->stays) {
        transcript_follow(ui->transcript);
    }
    ui->stays = false;
    ui->dirty = true;
}

static void hint(struct ui *ui, const char *text)
{
    view__line(ui, LINE_INFO, text);
}

char *select__text_of(struct ui *ui, const struct ulid *message)
{
    struct message *whole;
    struct err err;
    if (message_snapshot(ui->options->store, message, &whole, &err)) {
        view__line(ui, LINE_PROBLEM, err.text);
        return NULL;
    }
    char *text = message_text(whole, PART_TEXT);
    message_free(whole);
    return text;
}

/* ---- other ways on ---- */

void select__edit(struct ui *ui, const struct transcript_message *at)
{
    char *text = at->role == ROLE_USER ? select__text_of(ui, &at->id) : NULL;
    if (!text) {
        hint(ui, "only what you wrote can be written anew");
        return;
    }
    editor_clear(ui->editor, true);
    (void)editor_replace(ui->editor, sv_from(text));
    ui->edit_at = at->id;
    leave(ui);
    free(text);
}

static void ask(struct ui *ui, enum turn_kind kind, const struct transcript_message *at)
{
    if (view__is_busy(ui)) {
        hint(ui, view__answers_elsewhere(ui) ? "another process answers here; wait for its end"
                 : ui->selecting ? "an answer is running; Esc goes back, Esc again stops it"
                                 : "an answer is running; Esc stops it");
        return;
    }
    prompt__ask(ui, &(struct ui_way){.kind = kind, .session = ui->session, .at = at->id});
    leave(ui);
}

void select__again(struct ui *ui, const struct transcript_message *at)
{
    ask(ui, TURN_AGAIN, at);
}

void select__continue(struct ui *ui, const struct transcript_message *at)
{
    if (at->role != ROLE_ASSISTANT) {
        hint(ui, "only an answer can go on");
        return;
    }
    ask(ui, TURN_CONTINUE, at);
}

static void fork_here(struct ui *ui, const struct transcript_message *at)
{
    branches__fork(ui, &at->id, SV(""));
    leave(ui);
}

static void copy(struct ui *ui, const struct transcript_message *at)
{
    char *text = select__text_of(ui, &at->id);
    if (text) {
        take__to_clipboard(ui, sv_from(text), "the message");
    }
    free(text);
}

static void to_mark(struct ui *ui, int by)
{
    events__fill_view(ui);
    if (!transcript_marks(ui->transcript)) {
        hint(ui, "nothing was searched for; /find does");
    } else if (!transcript_step_mark(ui->transcript, by)) {
        hint(ui, by > 0 ? "no more of it below" : "no more of it above");
    }
    events__fill_view(ui);
}

static void next_mark(struct ui *ui, const struct transcript_message *at UNUSED)
{
    to_mark(ui, 1);
}

static void mark_before(struct ui *ui, const struct transcript_message *at UNUSED)
{
    to_mark(ui, -1);
}

static void switch_left(struct ui *ui, const struct transcript_message *at)
{
    branches__switch(ui, at, -1);
}

static void switch_right(struct ui *ui, const struct transcript_message *at)
{
    branches__switch(ui, at, 1);
}

/* ---- deleting, and taking it back ---- */

static enum err_code run_delete(struct task *task, struct store *store)
{
    return message_delete(store, &task->at, clock_mono_us() + DELETE_US, &task->err);
}

static void after_delete(struct ui *ui, struct task *task)
{
    (void)task;
    hint(ui, "deleted; /undo brings it back");
}

static const struct task_kind deleting = {run_delete, after_delete, NULL};

static void delete_message(struct ui *ui, const struct transcript_message *at)
{
    if (!at->ended) {
        hint(ui, "it is being written; Esc goes back, Esc again stops it");
        return;
    }
    struct task *task = work__task(&deleting, SV(""));
    task->session = ui->session;
    task->at = at->id;
    work__ask(ui, task);
    leave(ui);
}

static enum err_code run_undo(struct task *task, struct store *store)
{
    struct journal_entry entry = {0};
    const struct ulid *session = ulid_is_set(&task->session) ? &task->session : NULL;
    enum err_code code = undo_last(store, session, &entry, &task->err);
    if (code == ERR_OK) {
        free(task->text);
        task->text = xstrdup(journal_action_said(entry.action));
        task->session = entry.session;
        journal_entry_release(&entry);
    }
    return code;
}

static void after_undo(struct ui *ui, struct task *task)
{
    const char *deleted = journal_action_said(JOURNAL_DELETE_SESSION);
    char *text = xasprintf("undone: %s", task->text);
    /* Who deleted the session on the screen goes on where he was. */
    if (!ulid_is_set(&ui->session) && !ui->picker && strcmp(task->text, deleted) == 0) {
        (void)sessions__open(ui, &task->session);
    }
    hint(ui, text);
    free(text);
    events__reload(ui, &task->session);
    pickers__reload(ui);
}

static const struct task_kind undoing = {run_undo, after_undo, NULL};

void select__undo(struct ui *ui, const struct ulid *session)
{
    struct task *task = work__task(&undoing, SV(""));
    task->session = *session;
    work__ask(ui, task);
}

/* ---- the mode ---- */

static void open_menu(struct ui *ui, const struct transcript_message *at);

static const struct message_act {
    const char *key;
    const char *help;
    bool prompts, answers; /* of which it can be done */
    void (*run)(struct ui *ui, const struct transcript_message *at);
} acts[] = {
    {"e", "write it anew, on a branch of its own", true, false, select__edit},
    {"r", "ask again: another answer beside this one", true, true, select__again},
    {"c", "go on with this answer", false, true, select__continue},
    {"f", "fork: what you write next goes on from here", true, true, fork_here},
    {"y", "copy it", true, true, copy},
    {"v", "copy some lines of it", true, true, pieces__lines},
    {"b", "copy or save a block of code in it", true, true, pieces__blocks},
    {"o", "open a link in it", true, true, pieces__links},
    {"d", "delete it; /undo brings it back", true, true, delete_message},
    {"Left", "the one before in its place", true, true, switch_left},
    {"Right", "the next one in its place", true, true, switch_right},
    {"n", NULL, true, true, next_mark},
    {"p", NULL, true, true, mark_before},
    {"h", NULL, true, true, switch_left},
    {"l", NULL, true, true, switch_right},
    {"Enter", NULL, true, true, open_menu},
    {.key = NULL},
};

static bool fits(const struct message_act *act, enum role role)
{
    return role == ROLE_USER ? act->prompts : role == ROLE_ASSISTANT && act->answers;
}

static void load_acts(void *ctx, struct sv filter, struct choices *choices)
{
    const struct ui *ui = ctx;
    struct transcript_message at;
    (void)filter;
    if (!transcript_selected(ui->transcript, &at)) {
        return;
    }
    for (const struct message_act *act = acts; act->key; act++) {
        if (act->help && fits(act, at.role)) {
            choices_add(choices, sv_from(act->help), act->key, act->key);
        }
    }
}

static void choose_act(void *ctx, const struct choice *choice)
{
    struct ui *ui = ctx;
    struct transcript_message at;
    for (const struct message_act *act = acts; act->key; act++) {
        if (sv_equal_str(sv_from(choice->value), act->key) &&
            transcript_selected(ui->transcript, &at)) {
            act->run(ui, &at);
            return;
        }
    }
}

static const struct picker_kind picker_of_acts = {
    .title = "With this message",
    .empty = "nothing can be done with it",
    .verb = "does it",
    .load = load_acts,
    .choose = choose_act,
};

void select__menu(struct ui *ui)
{
    pickers__open(ui, &picker_of_acts);
}

static void open_menu(struct ui *ui, const struct transcript_message *at)
{
    (void)at;
    select__menu(ui);
}

static void step(struct ui *ui, int by)
{
    ui->landed = false;
    ui->line_behind = true;
    events__fill_view(ui);
    if (!transcript_select_step(ui->transcript, by) && by < 0 && events__load_older(ui)) {
        transcript_select_step(ui->transcript, by);
    }
    events__fill_view(ui);
    ui->dirty = true;
}

void select__enter(struct ui *ui)
{
    struct transcript_message at;
    if (ui->plain) {
        pickers__open(ui, &picker_of_messages);
        return;
    }
    complete_close(ui->complete);
    step(ui, -1);
    ui->selecting = transcript_selected(ui->transcript, &at);
    if (!ui->selecting) {
        hint(ui, "there is no message yet");
    }
}

/* Steps of a press; 0: none. */
static int step_of(enum action action, const struct chord *chord)
{
    bool plain = chord->key == INPUT_CHAR && chord->modifiers == 0;
    if (action == ACTION_UP || action == ACTION_SELECT || (plain && chord->cp == 'k')) {
        return -1;
    }
    return action == ACTION_DOWN || (plain && chord->cp == 'j') ? 1 : 0;
}

static void act_on(struct ui *ui, const struct chord *chord)
{
    struct transcript_message at;
    struct chord own;
    if (!transcript_selected(ui->transcript, &at)) {
        leave(ui);
        return;
    }
    for (const struct message_act *act = acts; act->key; act++) {
        if (chord_parse(sv_from(act->key), &own) && chord_equal(&own, chord)) {
            if (fits(act, at.role)) {
                act->run(ui, &at);
            } else {
                hint(ui, act->answers ? "only an answer goes on" : "only prompts are edited");
            }
            return;
        }
    }
}

static bool is_of_prompt(const struct ui *ui, const struct chord *chord)
{
    bool plain = chord->key == INPUT_CHAR && chord->modifiers == 0;
    bool goes_on = ui->landed && (chord->cp == 'n' || chord->cp == 'p');
    return plain && (ui->landed || ui->unseen) && !goes_on;
}

bool select__key(struct ui *ui, enum action action, const struct chord *chord)
{
    if (is_of_prompt(ui, chord)) {
        leave(ui);
        return false;
    }
    int by = step_of(action, chord);
    bool quits = chord->key == INPUT_CHAR && chord->modifiers == 0 && chord->cp == 'q';
    if (quits || action == ACTION_CANCEL || action == ACTION_INTERRUPT) {
        leave(ui);
        return true;
    }
    if (by) {
        step(ui, by);
        return true;
    }
    switch (action) {
    case ACTION_NONE:
    case ACTION_SEND:
    case ACTION_LEFT:
    case ACTION_RIGHT:
        act_on(ui, chord);
        return true;
    case ACTION_PAGE_UP:
    case ACTION_PAGE_DOWN:
    case ACTION_SCROLL_UP:
    case ACTION_SCROLL_DOWN:
    case ACTION_FOLD:
    case ACTION_REPAINT:
    case ACTION_SUSPEND:
        return false;
    default:
        leave(ui);
        return false;
    }
}
