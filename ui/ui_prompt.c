/*
 * From the editor to the host: sending a prompt, and those that wait until an answer has ended.
 *
 * What waits is sent by itself only after an answer that ended well: after one that was stopped or
 * failed, the user says what goes on (Enter in an empty prompt sends it, Up takes it back). It is
 * sent in its own session, on the screen or not.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ui/mention.h"
#include "ui/ui_internal.h"

static const char one_waits[] = "a prompt waits: Enter sends it, Up takes it back";

static bool is_here(const struct ui *ui, const struct waiting *waiting)
{
    return ulid_equal(&waiting->session, &ui->session) && !waiting->sent;
}

size_t prompt__waiting(const struct ui *ui, const struct waiting **ret_waiting, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < ui->waiting_count; i++) {
        if (is_here(ui, &ui->waiting[i])) {
            if (count < max) {
                ret_waiting[count] = &ui->waiting[i];
            }
            count++;
        }
    }
    return count;
}

static struct waiting remove_at(struct ui *ui, size_t at)
{
    const struct waiting *ignored[1];
    struct waiting waiting = ui->waiting[at];
    ui->waiting_count--;
    memmove(ui->waiting + at, ui->waiting + at + 1,
            (ui->waiting_count - at) * sizeof(ui->waiting[0]));
    if (ui->line && strcmp(ui->line, one_waits) == 0 && prompt__waiting(ui, ignored, 0) == 0) {
        view__line(ui, LINE_NONE, NULL);
    }
    ui->dirty = true;
    return waiting;
}

void prompt__release(struct ui *ui)
{
    while (ui->waiting_count) {
        free(ui->waiting[--ui->waiting_count].text);
    }
}

void prompt__on_begun(struct ui *ui, const struct ulid *session)
{
    if (ulid_is_set(&ui->sent_id)) {
        saved__remove(ui, &ui->sent_id);
        ui->sent_id = (struct ulid){""};
    }
    for (size_t i = 0; i < ui->waiting_count; i++) {
        if (!ulid_is_set(&ui->waiting[i].session)) {
            ui->waiting[i].session = *session;
            saved__add(ui, &ui->waiting[i]);
        }
    }
}

bool prompt__add(struct ui *ui, struct waiting waiting)
{
    if (ui->waiting_count == WAITING_MAX) {
        free(waiting.text);
        return false;
    }
    ui->waiting[ui->waiting_count++] = waiting;
    ui->dirty = true;
    return true;
}

void prompt__drop_gone(struct ui *ui, bool (*is_there)(void *ctx, const struct ulid *id), void *ctx)
{
    for (size_t i = ui->waiting_count; i > 0; i--) {
        struct waiting *waiting = &ui->waiting[i - 1];
        bool there = is_there(ctx, &waiting->id);
        if (is_here(ui, waiting) && waiting->stored && !there) {
            struct waiting gone = remove_at(ui, i - 1);
            free(gone.text);
        } else {
            waiting->stored = waiting->stored || there;
        }
    }
}

/* Whether an answer may be followed by what the user wrote before it had ended. */
static bool may_follow(enum finish_reason reason)
{
    switch (reason) {
    case FINISH_CANCELED:
    case FINISH_ERROR:
    case FINISH_INTERRUPTED:
        return false;
    default:
        return true;
    }
}

void prompt__on_end(struct ui *ui, enum finish_reason reason)
{
    const struct waiting *first;
    if (may_follow(reason) || prompt__waiting(ui, &first, 1) == 0) {
        return;
    }
    ui->held = true;
    if (!ui->line) {
        view__line(ui, LINE_INFO, one_waits);
    }
}

/* What the host said to it. */
static bool handed_over(struct ui *ui, enum err_code code, const struct err *err)
{
    if (code) {
        view__line(ui, LINE_PROBLEM, err->text[0] ? err->text : err_text(code));
        return false;
    }
    view__line(ui, LINE_NONE, NULL);
    ui->sending = true;
    ui->cancelling = false;
    ui->held = false;
    ui->waiting_since_us = clock_mono_us();
    transcript_mark(ui->transcript, NULL);
    transcript_follow(ui->transcript);
    return true;
}

/* ---- a prompt that names files: they are read, and stored, before it is sent ---- */

static enum err_code run_send(struct task *task, struct store *store)
{
    const struct ui_host *host = task->host;
    struct sv prompt = sv_from(task->text);
    (void)store;
    if (task->way == TURN_NEW) {
        return host->send(host->ctx, &task->session, &task->at, prompt, &task->err);
    }
    const struct ui_way way = {
        .kind = task->way, .session = task->session, .at = task->at, .prompt = prompt};
    return host->send_way(host->ctx, &way, &task->err);
}

static void after_send(struct ui *ui, struct task *task)
{
    (void)ui;
    (void)task;
}

static void give_back(struct ui *ui, struct task *task)
{
    events__give_back(ui, NULL, task->err.text);
}

static const struct task_kind sending = {run_send, after_send, give_back};

static bool names_files(struct sv prompt)
{
    struct mention ignored;
    size_t at = 0;
    return mention_next(prompt, &at, &ignored);
}

static bool send_later(struct ui *ui, const struct ui_way *way)
{
    struct task *task = work__task(&sending, way->prompt);
    task->host = &ui->options->host;
    task->way = way->kind;
    task->session = way->session;
    task->at = way->at;
    handed_over(ui, ERR_OK, NULL);
    work__ask(ui, task);
    return true;
}

/* `turn`: its id; unset: a new one. */
static bool hand_over(struct ui *ui, const struct ulid *turn, struct sv prompt)
{
    const struct ui_host *host = &ui->options->host;
    struct err err = {0};
    buf_clear(&ui->sent);
    buf_append_sv(&ui->sent, prompt);
    if (names_files(prompt)) {
        return send_later(ui, &(struct ui_way){.kind = TURN_NEW,
                                               .session = ui->session,
                                               .at = *turn,
                                               .prompt = buf_sv(&ui->sent)});
    }
    enum err_code code = host->send(host->ctx, &ui->session, turn, buf_sv(&ui->sent), &err);
    return handed_over(ui, code, &err);
}

bool prompt__ask(struct ui *ui, const struct ui_way *way)
{
    const struct ui_host *host = &ui->options->host;
    struct err err = {0};
    buf_clear(&ui->sent);
    buf_append_sv(&ui->sent, way->prompt);
    if (!host->send_way) {
        err_set(&err, ERR_UNSUPPORTED, "this is not possible here");
        return handed_over(ui, ERR_UNSUPPORTED, &err);
    }
    if (names_files(way->prompt)) {
        return send_later(ui, way);
    }
    return handed_over(ui, host->send_way(host->ctx, way, &err), &err);
}

/* In the place of an earlier prompt: not while an answer runs, and never by itself. */
static void send_edited(struct ui *ui, struct sv prompt)
{
    const struct ui_way way = {
        .kind = TURN_EDIT, .session = ui->session, .at = ui->edit_at, .prompt = prompt};
    if (view__is_busy(ui)) {
        view__line(ui, LINE_INFO, "an answer is running; Esc stops it");
    } else if (prompt__ask(ui, &way)) {
        ui->edit_at = (struct ulid){""};
        editor_clear(ui->editor, true);
    }
}

/* The first that waits here; waiting_count: none does. `ours`: only of those of this screen. */
static size_t first_here(const struct ui *ui, bool ours)
{
    size_t at = 0;
    while (at < ui->waiting_count &&
           !(is_here(ui, &ui->waiting[at]) && (ui->waiting[at].ours || !ours))) {
        at++;
    }
    return at;
}

/* What cannot be handed over stays, and is not tried again by itself. */
static void send_waiting(struct ui *ui, size_t at)
{
    const struct waiting *next = &ui->waiting[at];
    bool sent = saved__was_sent(ui, &next->id);
    if (!sent && !hand_over(ui, &next->id, sv_of(next->text, next->n))) {
        ui->held = true;
        return;
    }
    struct waiting gone = remove_at(ui, at);
    if (sent) {
        saved__remove(ui, &gone.id);
    } else {
        ui->sent_id = gone.id;
    }
    free(gone.text);
}

void prompt__pump(struct ui *ui)
{
    if (ui->waiting_count == 0 || ui->held || ui->leave) {
        return;
    }
    size_t at = first_here(ui, true);
    if (at < ui->waiting_count && !view__is_busy(ui)) {
        send_waiting(ui, at);
    }
}

/* ---- the same in a session that is not on the screen ---- */

/* Waits no more, here and in the store. */
static void forget_at(struct ui *ui, size_t at)
{
    struct waiting gone = remove_at(ui, at);
    saved__remove(ui, &gone.id);
    free(gone.text);
}

void prompt__on_begun_elsewhere(struct ui *ui, const struct ulid *session)
{
    for (size_t i = ui->waiting_count; i > 0; i--) {
        if (ui->waiting[i - 1].sent && ulid_equal(&ui->waiting[i - 1].session, session)) {
            forget_at(ui, i - 1);
        }
    }
}

void prompt__on_refused_elsewhere(struct ui *ui, const struct ulid *session)
{
    for (size_t i = 0; i < ui->waiting_count; i++) {
        struct waiting *waiting = &ui->waiting[i];
        if (waiting->sent && ulid_equal(&waiting->session, session)) {
            waiting->sent = false;
            waiting->ours = false;
            ui->others_failed += !ulid_equal(session, &ui->session);
            ui->dirty = true;
        }
    }
}

static void refuse_there(struct ui *ui, struct task *task)
{
    prompt__on_refused_elsewhere(ui, &task->session);
}

static const struct task_kind sending_there = {run_send, after_send, refuse_there};

static void send_there(struct ui *ui, struct waiting *next)
{
    const struct ui_host *host = &ui->options->host;
    struct sv prompt = sv_of(next->text, next->n);
    struct err err;
    next->sent = true;
    if (names_files(prompt)) {
        struct task *task = work__task(&sending_there, prompt);
        task->host = host;
        task->way = TURN_NEW;
        task->session = next->session;
        task->at = next->id;
        work__ask(ui, task);
    } else if (host->send(host->ctx, &next->session, &next->id, prompt, &err)) {
        prompt__on_refused_elsewhere(ui, &next->session);
    }
}

void prompt__on_end_elsewhere(struct ui *ui, const struct ulid *session, enum finish_reason reason)
{
    size_t at = 0;
    while (at < ui->waiting_count && !(ulid_equal(&ui->waiting[at].session, session) &&
                                       ui->waiting[at].ours && !ui->waiting[at].sent)) {
        at++;
    }
    if (at == ui->waiting_count || !may_follow(reason) || ui->leave) {
        return;
    }
    if (saved__was_sent(ui, &ui->waiting[at].id) || saved__is_gone(ui, &ui->waiting[at])) {
        forget_at(ui, at);
    } else {
        send_there(ui, &ui->waiting[at]);
    }
}

bool prompt__take_back(struct ui *ui)
{
    size_t at = ui->waiting_count;
    while (at > 0 && !is_here(ui, &ui->waiting[at - 1])) {
        at--;
    }
    if (at == 0) {
        return false;
    }
    struct waiting taken = remove_at(ui, at - 1);
    editor_put_back(ui->editor, sv_of(taken.text, taken.n));
    saved__draft(ui, true);
    saved__remove(ui, &taken.id);
    free(taken.text);
    return true;
}

static void let_wait(struct ui *ui, struct sv prompt)
{
    struct waiting waiting = {
        .id = ulid_new(),
        .session = ui->session,
        .ours = true,
        .text = xstrndup(prompt.p, prompt.n),
        .n = prompt.n,
    };
    if (!prompt__add(ui, waiting)) {
        view__line(ui, LINE_INFO, "too many prompts wait already; this one stays here");
        return;
    }
    if (ulid_is_set(&waiting.session)) {
        saved__add(ui, &waiting);
    }
    editor_clear(ui->editor, true);
    saved__draft(ui, true);
}

/* The question is answered by a prompt that says nothing else: a single key would be pressed by
 * everybody whose prompt happens to begin with it. */
static bool answers_offer(struct ui *ui, struct sv text)
{
    bool yes = sv_equal_nocase(text, SV("y")) || sv_equal_nocase(text, SV("yes"));
    bool no = sv_equal_nocase(text, SV("n")) || sv_equal_nocase(text, SV("no"));
    if (!ui->offer || ui->line || !(yes || no)) {
        return false;
    }
    free(ui->offer);
    ui->offer = NULL;
    editor_clear(ui->editor, false);
    ui->options->host.answer_offer(ui->options->host.ctx, yes);
    return true;
}

static void send(struct ui *ui, bool escaped)
{
    struct buf whole = BUF_INIT(EDITOR_TEXT_MAX);
    editor_expand(ui->editor, &whole);
    struct sv prompt = sv_skip(buf_sv(&whole), escaped ? 1 : 0);
    if (!buf_ok(&whole)) {
        view__line(ui, LINE_INFO, "too long to be sent");
    } else if (ulid_is_set(&ui->edit_at)) {
        send_edited(ui, prompt);
    } else if (view__is_busy(ui)) {
        let_wait(ui, prompt);
    } else if (hand_over(ui, &(struct ulid){""}, prompt)) {
        editor_clear(ui->editor, true);
    }
    buf_release(&whole);
}

void prompt__submit(struct ui *ui)
{
    struct sv text = editor_text(ui->editor);
    struct sv trimmed = sv_trim(text);
    size_t first = first_here(ui, false);
    if (trimmed.n == 0 && first < ui->waiting_count && !view__is_busy(ui)) {
        send_waiting(ui, first);
    }
    if (trimmed.n == 0 || answers_offer(ui, trimmed)) {
        return;
    }
    complete_reset(ui->complete);
    bool escaped = sv_starts_with(text, SV("//"));
    if (!escaped && text.p[0] == '/') {
        commands__run(ui, trimmed);
    } else {
        send(ui, escaped);
    }
}
