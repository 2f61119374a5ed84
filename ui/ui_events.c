/* What comes from the broker, and what is read from the store because of it. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/history.h"
#include "store/message_service.h"
#include "store/update.h"
#include "ui/notice.h"
#include "ui/ui_internal.h"

#define FIRST_PAGE 8u
#define NEXT_PAGE 24u
/* A message further away than that is not scrolled to; so many behind it come with it. */
#define JUMP_FROM 100
#define JUMP_BEHIND 12

/* Reads the messages before `seq` into `ret_page`; false when that fails, which is shown. */
static bool read_page(struct ui *ui, int64_t seq, size_t limit, struct history_page *ret_page)
{
    struct err err;
    if (!ulid_is_set(&ui->session)) {
        return false;
    }
    if (history_before(ui->options->store, &ui->session, seq, limit, ret_page, &err)) {
        view__line(ui, LINE_PROBLEM, err.text);
        return false;
    }
    return true;
}

static void show_page(struct ui *ui, const struct history_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        transcript_load(ui->transcript, page->messages[i]);
    }
    ui->dirty = true;
}

/* Loads the messages before the oldest one that is shown. False: there were none, or they cannot
 * be read. */
static bool load_older(struct ui *ui, size_t limit)
{
    struct history_page page = {0};
    if (!read_page(ui, transcript_oldest(ui->transcript), limit, &page)) {
        transcript_set_more(ui->transcript, false);
        return false;
    }
    size_t count = page.count;
    show_page(ui, &page);
    branches__mark(ui);
    transcript_set_more(ui->transcript, page.more && count);
    history_page_release(&page);
    return count > 0;
}

/* Loads messages behind `seq`, which were let go. False: nothing is missing any more. */
static bool load_newer(struct ui *ui, int64_t seq)
{
    struct err err;
    struct history_page page = {0};
    if (history_after(ui->options->store, &ui->session, seq, NEXT_PAGE, &page, &err)) {
        view__line(ui, LINE_PROBLEM, err.text);
        return false;
    }
    bool missing = true;
    for (size_t i = 0; i < page.count && missing; i++) {
        missing = transcript_load_newer(ui->transcript, page.messages[i]);
    }
    missing = missing && page.more;
    if (!missing) {
        transcript_close_hole(ui->transcript);
    }
    history_page_release(&page);
    return missing;
}

static bool page_is_new(const struct ui *ui, const struct history_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        if (transcript_knows(ui->transcript, &page->messages[i]->id)) {
            return false;
        }
    }
    return page->count > 0;
}

/* Loads the latest messages, back to the first that is known already. */
static void load_latest(struct ui *ui)
{
    struct history_page page = {0};
    int64_t seq = INT64_MAX;
    bool goes_on = transcript_count(ui->transcript) > 0;
    if (!goes_on) {
        load_older(ui, FIRST_PAGE);
    }
    while (goes_on && read_page(ui, seq, FIRST_PAGE, &page)) {
        goes_on = page_is_new(ui, &page) && page.more;
        seq = page.count ? page.messages[0]->seq : 0;
        show_page(ui, &page);
        history_page_release(&page);
    }
}

void events__fill_view(struct ui *ui)
{
    view__arrange(ui);
    while (transcript_wants_older(ui->transcript) && load_older(ui, NEXT_PAGE)) {
    }
    int64_t seq;
    while (transcript_wants_newer(ui->transcript, &seq) && load_newer(ui, seq)) {
    }
}

static void remember(void *ctx, struct sv prompt)
{
    editor_remember(ctx, prompt);
}

/* The messages around it, without all those between them and the latest ones. */
static void jump(struct ui *ui, int64_t seq)
{
    struct history_page page = {0};
    if (!read_page(ui, seq + JUMP_BEHIND, NEXT_PAGE, &page)) {
        return;
    }
    if (page.count) {
        transcript_open_hole(ui->transcript, page.messages[page.count - 1]->seq);
        show_page(ui, &page);
        branches__mark(ui);
        transcript_set_more(ui->transcript, page.more);
    }
    history_page_release(&page);
}

static void go_to(struct ui *ui)
{
    if (transcript_oldest(ui->transcript) - ui->go_to_seq > JUMP_FROM) {
        jump(ui, ui->go_to_seq);
    }
    while (transcript_oldest(ui->transcript) > ui->go_to_seq && load_older(ui, NEXT_PAGE)) {
    }
    ui->selecting = transcript_select(ui->transcript, &ui->go_to);
    view__arrange(ui);
    if (ui->selecting && transcript_lead_to(ui->transcript, &ui->go_to)) {
        events__fill_view(ui);
    }
    ui->go_to = (struct ulid){""};
}

/* What is loaded goes, and the latest messages come from the store. */
static void load_again(struct ui *ui)
{
    ui->selecting = false;
    memset(ui->elsewhere, 0, sizeof(ui->elsewhere));
    transcript_reset(ui->transcript, &ui->session);
    branches__load(ui);
    view__note_session(ui);
    load_older(ui, FIRST_PAGE);
    events__fill_view(ui);
    branches__mark(ui);
    if (ulid_is_set(&ui->go_to)) {
        go_to(ui);
    }
    ui->dirty = true;
    if (ui->plain) {
        plain__show_session(ui);
    }
}

void events__reload(struct ui *ui, const struct ulid *session)
{
    if (ulid_is_set(session) && ulid_equal(session, &ui->session)) {
        load_again(ui);
    }
}

void events__refresh(struct ui *ui, const struct ulid *session)
{
    if (ulid_equal(session, &ui->session) && branches__changed(ui)) {
        load_again(ui);
    }
}

/* Who writes an answer is found out once, when it is first seen: its end is heard of a bit after
 * the run has gone. A prompt that is on its way is our own. */
static void note_owner(struct ui *ui)
{
    const struct ui_host *host = &ui->options->host;
    struct ulid here[RUNNING_MAX];
    struct transcript_message at;
    if (ui->sending || !host->running || !transcript_status(ui->transcript).running ||
        !transcript_last(ui->transcript, ROLE_ASSISTANT, &at) ||
        ulid_equal(&at.id, &ui->owner_of)) {
        return;
    }
    size_t count = host->running(host->ctx, here, RUNNING_MAX);
    ui->owner_of = at.id;
    ui->elsewhere_now = true;
    for (size_t i = 0; i < count; i++) {
        ui->elsewhere_now = ui->elsewhere_now && !ulid_equal(&here[i], &ui->session);
    }
}

bool events__load_older(struct ui *ui)
{
    return load_older(ui, NEXT_PAGE);
}

void events__show_session(struct ui *ui, const struct ulid *session)
{
    ui->session = *session;
    transcript_mark(ui->transcript, NULL);
    ui->edit_at = (struct ulid){""};
    ui->cancelling = false;
    ui->waiting_since_us = 0;
    ui->held = false;
    load_again(ui);
    transcript_each_prompt(ui->transcript, remember, ui->editor);
    note_owner(ui);
    ui->dirty = true;
}

/* An answer on the screen has ended. */
static void after_answer(struct ui *ui, enum finish_reason reason)
{
    view__note_session(ui);
    ui->cancelling = false;
    prompt__on_end(ui, reason);
}

/* The end of another process's answer is heard of in no other way. */
void events__gap(void *ctx, const struct ulid *message)
{
    struct ui *ui = ctx;
    struct message *snapshot;
    bool ran = transcript_is_running(ui->transcript, message);
    if (message_snapshot(ui->options->store, message, &snapshot, NULL) == ERR_OK) {
        transcript_load(ui->transcript, snapshot);
        if (ran && snapshot->ended && snapshot->role == ROLE_ASSISTANT) {
            after_answer(ui, snapshot->reason);
        }
        message_free(snapshot);
        ui->dirty = true;
    }
}

/* What may have changed unseen: the latest messages, and all that were running. */
static void catch_up(struct ui *ui)
{
    transcript_each_running(ui->transcript, events__gap, ui);
    load_latest(ui);
}

void events__give_back(struct ui *ui, const char *prompt, const char *why)
{
    struct sv text = prompt ? sv_from(prompt) : buf_sv(&ui->sent);
    if (ui->sending && text.n) {
        editor_put_back(ui->editor, text);
    }
    if (ulid_is_set(&ui->sent_id)) {
        saved__remove(ui, &ui->sent_id);
        ui->sent_id = (struct ulid){""};
    }
    buf_clear(&ui->sent);
    ui->sending = false;
    ui->cancelling = false;
    ui->cancel_on_begun = false;
    ui->held = true;
    view__line(ui, LINE_PROBLEM, why);
}

static bool is_ours(const struct ui *ui, const struct notice *notice)
{
    return !ulid_is_set(&notice->session) || !ulid_is_set(&ui->session) ||
           ulid_equal(&notice->session, &ui->session);
}

static void begun(struct ui *ui, const struct notice *notice)
{
    prompt__on_begun_elsewhere(ui, &notice->session);
    if (!is_ours(ui, notice) || !ui->sending) {
        return;
    }
    ui->sending = false;
    buf_clear(&ui->sent);
    prompt__on_begun(ui, &notice->session);
    if (!ulid_is_set(&ui->session)) {
        events__show_session(ui, &notice->session);
        saved__moved(ui);
    } else {
        events__refresh(ui, &ui->session);
        load_latest(ui);
    }
    if (ui->cancel_on_begun) {
        ui->cancel_on_begun = false;
        ui->options->host.cancel(ui->options->host.ctx, &ui->session);
    }
}

static void set_text(struct ui *ui, char **text, const char *with)
{
    char *copy = xstrdup(with);
    free(*text);
    *text = copy;
    ui->dirty = true;
}

static void on_model(struct ui *ui, const struct notice *notice)
{
    set_text(ui, &ui->model, notice->text);
    view__note_model(ui);
    /* It speaks of the model that was there before. */
    ui->welcome = NULL;
    if (notice->detail && notice->detail[0]) {
        view__line(ui, LINE_INFO, notice->detail);
    }
}

static void on_offer(struct ui *ui, const struct notice *notice)
{
    char *question = xasprintf("%s [y/n] and Enter", notice->text);
    set_text(ui, &ui->offer, question);
    free(question);
}

static void on_notice(struct ui *ui, const struct notice *notice)
{
    switch (notice->kind) {
    case NOTICE_INFO:
        view__line(ui, LINE_INFO, notice->text);
        break;
    case NOTICE_PROBLEM:
        view__line(ui, LINE_PROBLEM, notice->text);
        break;
    case NOTICE_MODEL:
        on_model(ui, notice);
        break;
    case NOTICE_WINDOW:
        view__note_model(ui);
        ui->dirty = true;
        break;
    case NOTICE_OFFER:
        on_offer(ui, notice);
        break;
    case NOTICE_BEGUN:
        begun(ui, notice);
        break;
    case NOTICE_SEND_FAILED:
        prompt__on_refused_elsewhere(ui, &notice->session);
        if (is_ours(ui, notice)) {
            events__give_back(ui, notice->detail, notice->text);
        }
        break;
    case NOTICE_REPLAY:
        break;
    case NOTICE_QUIT:
        ui__leave(ui, ERR_INTERRUPTED);
        break;
    }
    ui->dirty = true;
}

static void on_ready(struct ui *ui, const struct store_update *update)
{
    if (update->recovered_answers) {
        char *text = xasprintf("%u %s recovered, %llu bytes", update->recovered_answers,
                               update->recovered_answers == 1 ? "answer" : "answers",
                               (unsigned long long)update->recovered_bytes);
        view__add_line(ui, text);
        free(text);
    }
    catch_up(ui);
}

static void on_store(struct ui *ui, const struct store_update *update)
{
    switch (update->kind) {
    case STORE_READY:
        on_ready(ui, update);
        break;
    case STORE_FAILED:
    case STORE_NOT_SAVED:
        set_text(ui, &ui->store_trouble, update->text);
        break;
    case STORE_SAVED:
        set_text(ui, &ui->store_trouble, NULL);
        break;
    }
}

static bool is_elsewhere(const struct ui *ui, const struct ulid *message)
{
    for (size_t i = 0; i < ELSEWHERE_MAX; i++) {
        if (ulid_equal(&ui->elsewhere[i], message)) {
            return true;
        }
    }
    return false;
}

/* Updates do not say on which branch a message stands. One that is not known yet is looked for on
 * the branch that is shown; what is not there is remembered, since more of it will come. */
static bool is_on_another_branch(struct ui *ui, const struct message_update *update)
{
    struct history_page page = {0};
    if (!ulid_equal(&update->session, &ui->session) ||
        transcript_knows(ui->transcript, &update->message)) {
        return false;
    }
    if (is_elsewhere(ui, &update->message)) {
        return true;
    }
    if (ui->branch_count < 2 ||
        history_before(ui->options->store, &ui->session, update->seq + 1, 1, &page, NULL)) {
        return false;
    }
    bool here = page.count == 0 || page.messages[0]->seq != update->seq ||
                ulid_equal(&page.messages[0]->id, &update->message);
    history_page_release(&page);
    if (!here) {
        ui->elsewhere[ui->elsewhere_at] = update->message;
        ui->elsewhere_at = (ui->elsewhere_at + 1) % ELSEWHERE_MAX;
    }
    return !here;
}

static void on_message(struct ui *ui, const struct message_update *update)
{
    bool answered = update->kind == UPDATE_ENDED && update->role == ROLE_ASSISTANT;
    bool failed = update->reason == FINISH_ERROR || update->reason == FINISH_INTERRUPTED;
    if (answered && update->reason != FINISH_CANCELED) {
        terminal__notify(ui, failed ? "an answer failed" : "an answer is there");
    }
    if (answered && !ulid_equal(&update->session, &ui->session)) {
        ui->others_failed += failed;
        ui->others_ended += !failed;
        prompt__on_end_elsewhere(ui, &update->session, update->reason);
        ui->dirty = true;
    }
    if (is_on_another_branch(ui, update)) {
        return;
    }
    if (!transcript_apply(ui->transcript, update, clock_wall_us())) {
        return;
    }
    if (answered) {
        after_answer(ui, update->reason);
    }
    ui->dirty = true;
}

static void on_session(struct ui *ui, const struct session_update *update)
{
    if (update->deleted && ulid_equal(&update->session, &ui->session)) {
        events__show_session(ui, &(struct ulid){""});
        /* Who deleted it here was told how it comes back. */
        if (!ui->line) {
            view__line(ui, LINE_INFO, "this session was deleted; the next prompt begins a new one");
        }
    } else if (ulid_equal(&update->session, &ui->session)) {
        view__note_session(ui);
        events__refresh(ui, &ui->session);
        saved__refresh(ui);
    }
}

static void on_event(void *ctx, const struct event *event)
{
    struct ui *ui = ctx;
    switch (event->topic) {
    case TOPIC_MESSAGE:
        on_message(ui, (const struct message_update *)event->payload);
        break;
    case TOPIC_SESSION:
        on_session(ui, (const struct session_update *)event->payload);
        break;
    case TOPIC_STORE:
        on_store(ui, (const struct store_update *)event->payload);
        break;
    case TOPIC_UI:
        on_notice(ui, (const struct notice *)event->payload);
        break;
    default:
        break;
    }
}

/* A lost notice may have been what became of the prompt. It is safe where Up finds it. */
static void on_lost_notice(struct ui *ui, const struct ulid *session)
{
    if (!ui->sending) {
        return;
    }
    ui->sending = false;
    ui->cancelling = false;
    ui->cancel_on_begun = false;
    buf_clear(&ui->sent);
    if (!ulid_is_set(&ui->session) && ulid_is_set(session)) {
        events__show_session(ui, session);
    }
}

/* Something was lost. A message by its name can be asked for; for the rest all is looked at. */
static void on_resync(void *ctx, uint32_t topic, const struct ulid *key)
{
    struct ui *ui = ctx;
    if (topic == TOPIC_MESSAGE && ulid_is_set(key)) {
        events__gap(ui, key);
        return;
    }
    if (topic & TOPIC_UI) {
        on_lost_notice(ui, key);
    }
    catch_up(ui);
}

enum err_code events__subscribe(struct ui *ui, struct err *err)
{
    const struct subscription_options options = {
        .topics = TOPIC_MESSAGE | TOPIC_SESSION | TOPIC_STORE | TOPIC_UI,
    };
    return broker_subscribe(store_broker(ui->options->store), &options, &ui->subscription, err);
}

void events__drain(struct ui *ui)
{
    subscription_drain(ui->subscription, 0, on_event, ui);
    subscription_take_resync(ui->subscription, on_resync, ui);
    note_owner(ui);
    if (subscription_ended(ui->subscription)) {
        ui__leave(ui, ERR_INTERRUPTED);
    }
}
