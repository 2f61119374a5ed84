/*
 * The list of sessions, and what is done to one: another title, labels, the archive, the trash.
 * Nothing of it asks whether the user is sure: all of it can be undone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/history.h"
#include "store/label.h"
#include "store/session.h"
#include "store/trash.h"
#include "store/vocabulary.h"
#include "ui/ui_internal.h"

#define SESSIONS_MAX 10000u
#define SESSIONS_PAGE 500u
#define LABELS_MAX 16u

void sessions__append_age(int64_t when_us, struct buf *out)
{
    int64_t s = (clock_wall_us() - when_us) / 1000000;
    if (s < 60) {
        buf_append_str(out, "just now");
    } else if (s < 3600) {
        buf_appendf(out, "%lld min ago", (long long)(s / 60));
    } else if (s < 86400) {
        buf_appendf(out, "%lld h ago", (long long)(s / 3600));
    } else {
        char text[CLOCK_ISO_SIZE];
        clock_format_utc(when_us, text);
        buf_append(out, text, 10);
    }
}

static void add_session(const struct session *session, struct choices *choices)
{
    struct buf note = BUF_INIT(BUF_MAX_INTERNAL);
    sessions__append_age(session->last_active_us, &note);
    if (sv_equal_str(sv_from(session->state), run_state_text(RUN_RUNNING))) {
        buf_append_str(&note, ", running");
    }
    buf_appendf(&note, ", %lld messages, %s", (long long)session->message_count, session->handle);
    if (session->name) {
        buf_appendf(&note, ", '%s'", session->name);
    }
    if (session->model) {
        buf_appendf(&note, ", %s", session->model);
    }
    choices_add(choices, sv_from(session_title_said(session->title)), buf_cstr(&note),
                session->id.text);
    buf_release(&note);
}

static void read_sessions(struct ui *ui, struct choices *choices)
{
    struct session_window window = {.limit = SESSIONS_PAGE};
    bool more = true;
    while (more && choices->count < SESSIONS_MAX) {
        struct session_list list = {NULL, 0, false};
        struct err err;
        if (session_list(ui->options->store, NULL, &window, &list, &err)) {
            view__line(ui, LINE_PROBLEM, err.text);
            return;
        }
        for (size_t i = 0; i < list.count; i++) {
            add_session(&list.sessions[i], choices);
        }
        more = list.more && list.count;
        if (more) {
            window.cursor = session_cursor_of(&list.sessions[list.count - 1], SESSIONS_SHOWN);
        }
        session_list_release(&list);
    }
}

void sessions__forget(struct ui *ui)
{
    if (ui->sessions) {
        choices_release(ui->sessions);
        free(ui->sessions);
        ui->sessions = NULL;
    }
}

static bool is_there(const struct choices *choices, const struct ulid *session)
{
    for (size_t i = 0; i < choices->count; i++) {
        if (sv_starts_with(sv_from(choices->items[i].value), sv_from(session->text))) {
            return true;
        }
    }
    return false;
}

/* Below those whose title fits: others, with the best of what was said there. */
static void add_contents(struct ui *ui, struct sv filter, struct choices *choices)
{
    const struct search_result *result = find__in(ui, &(struct ulid){""}, filter);
    for (size_t i = 0; i < result->count; i++) {
        const struct search_hit *hit = &result->hits[i];
        struct buf note = BUF_INIT(BUF_MAX_INTERNAL);
        struct buf value = BUF_INIT(BUF_MAX_INTERNAL);
        buf_appendf(&note, "%s: ", search_place_text(hit->place));
        find__append_snippet(hit, &note);
        find__append_value(ui, hit, &value);
        if (hit->place != SEARCH_TITLE && !is_there(choices, &hit->session)) {
            choices_add(choices, sv_from(session_title_said(hit->title)), buf_cstr(&note),
                        buf_cstr(&value));
        }
        buf_release(&note);
        buf_release(&value);
    }
}

static void load_sessions(void *ctx, struct sv filter, struct choices *choices)
{
    struct ui *ui = ctx;
    ui->others_ended = 0;
    ui->others_failed = 0;
    if (!ui->sessions) {
        ui->sessions = xcalloc(1, sizeof(*ui->sessions));
        read_sessions(ui, ui->sessions);
    }
    for (size_t i = 0; i < ui->sessions->count; i++) {
        const struct choice *choice = &ui->sessions->items[i];
        if (choice_matches(choice, filter)) {
            choices_add(choices, sv_from(choice->text), choice->note, choice->value);
        }
    }
    add_contents(ui, filter, choices);
}

/* Its value begins with the session's id. False: nothing is selected. */
static bool session_of(const struct choice *choice, struct ulid *ret_session)
{
    struct sv value = sv_from(choice->value);
    return ulid_parse(sv_take(value, sv_find(value, ' ')), ret_session);
}

static void append_labels(const struct ui *ui, const struct ulid *session, struct buf *out)
{
    struct label_list list = {NULL, 0};
    if (label_list(ui->options->store, session, &list, NULL)) {
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        buf_appendf(out, "%s%s", i ? ", " : "[", list.labels[i].name);
    }
    buf_append_str(out, list.count ? "] " : "");
    label_list_release(&list);
}

/* Its labels, and how the session ends. */
static void preview_session(void *ctx, const struct choice *choice, struct buf *out)
{
    struct ui *ui = ctx;
    struct history_page page = {0};
    struct ulid session;
    if (strchr(choice->value, ' ')) {
        buf_append_str(out, choice->note);
        return;
    }
    if (!session_of(choice, &session) ||
        history_before(ui->options->store, &session, INT64_MAX, 1, &page, NULL)) {
        return;
    }
    append_labels(ui, &session, out);
    if (page.count) {
        char *text = message_text(page.messages[0], PART_TEXT);
        struct sv line = sv_trim(sv_from(text));
        buf_append_str(out, page.messages[0]->role == ROLE_USER ? "You: " : "Answer: ");
        buf_append_sv(out, sv_take(line, sv_find(line, '\n')));
        free(text);
    }
    history_page_release(&page);
}

void sessions__note_model(struct ui *ui)
{
    struct session session;
    bool asks = ui->model && !replay__is_on(ui) && !ui->options->review;
    if (!asks || !ulid_is_set(&ui->session) ||
        session_get(ui->options->store, &ui->session, &session, NULL)) {
        return;
    }
    if (session.model && session.model[0] && strcmp(session.model, ui->model) != 0) {
        char *text = xasprintf("so far this session was with %s; prompts go to %s now",
                               session.model, ui->model);
        view__add_line(ui, text);
        free(text);
    }
    session_release(&session);
}

bool sessions__open(struct ui *ui, const struct ulid *session)
{
    if (ui->sending) {
        view__line(ui, LINE_INFO, "a prompt is being stored; try again in a moment");
        return false;
    }
    if (!ulid_equal(session, &ui->session)) {
        saved__draft(ui, true);
        events__show_session(ui, session);
        saved__load(ui);
        sessions__note_model(ui);
    }
    return true;
}

static void open_session(void *ctx, const struct choice *choice)
{
    find__choose(ctx, choice);
}

/* ---- changes ---- */

static void done(struct ui *ui, struct task *task)
{
    (void)task;
    pickers__reload(ui);
}

static enum err_code run_title(struct task *task, struct store *store)
{
    const struct session_change change = {
        .fields = SESSION_SET_TITLE, .title = sv_from(task->text), .title_by = TITLE_BY_USER};
    return session_update(store, &task->session, &change, &task->err);
}

static enum err_code run_archive(struct task *task, struct store *store)
{
    const struct session_change change = {.fields = SESSION_SET_ARCHIVED, .archived = true};
    return session_update(store, &task->session, &change, &task->err);
}

static enum err_code run_delete(struct task *task, struct store *store)
{
    return session_delete(store, &task->session, &task->err);
}

/* "word" adds, "-word" takes away. */
static enum err_code run_label(struct task *task, struct store *store)
{
    struct sv add[LABELS_MAX];
    struct sv remove[LABELS_MAX];
    struct label_change change = {.add = add, .remove = remove};
    struct sv rest = sv_trim(sv_from(task->text));
    while (rest.n) {
        struct sv word = sv_take(rest, sv_find(rest, ' '));
        rest = sv_trim(sv_skip(rest, word.n));
        if (change.add_count == LABELS_MAX || change.remove_count == LABELS_MAX) {
            return err_set(&task->err, ERR_TOO_BIG, "more than %u labels at once", LABELS_MAX);
        }
        if (word.p[0] == '-' && word.n > 1) {
            remove[change.remove_count++] = sv_skip(word, 1);
        } else {
            add[change.add_count++] = word;
        }
    }
    return label_update(store, &task->session, &change, &task->err);
}

static void done_title(struct ui *ui, struct task *task)
{
    view__line(ui, LINE_INFO, "the title is changed; /undo takes that back");
    done(ui, task);
}

static void done_archive(struct ui *ui, struct task *task)
{
    view__line(ui, LINE_INFO, "archived; /undo takes that back");
    done(ui, task);
}

static void done_delete(struct ui *ui, struct task *task)
{
    view__line(ui, LINE_INFO,
               "the session is in the trash; /undo (M-u in the list) brings it back");
    done(ui, task);
}

static void done_label(struct ui *ui, struct task *task)
{
    view__line(ui, LINE_INFO, "the labels are changed; /undo takes that back");
    done(ui, task);
}

static const struct task_kind title_task = {run_title, done_title, NULL};
static const struct task_kind archive_task = {run_archive, done_archive, NULL};
static const struct task_kind delete_task = {run_delete, done_delete, NULL};
static const struct task_kind label_task = {run_label, done_label, NULL};

static void ask(struct ui *ui, const struct task_kind *kind, const struct ulid *session,
                struct sv text)
{
    if (!ulid_is_set(session)) {
        view__line(ui, LINE_INFO, "there is no session yet");
        return;
    }
    struct task *task = work__task(kind, text);
    task->session = *session;
    work__ask(ui, task);
}

void sessions__set_title(struct ui *ui, const struct ulid *session, struct sv title)
{
    ask(ui, &title_task, session, title);
}

void sessions__label(struct ui *ui, const struct ulid *session, struct sv labels)
{
    ask(ui, &label_task, session, labels);
}

void sessions__archive(struct ui *ui, const struct ulid *session)
{
    ask(ui, &archive_task, session, SV(""));
}

void sessions__delete(struct ui *ui, const struct ulid *session)
{
    ask(ui, &delete_task, session, SV(""));
}

/* ---- a line that is typed for one of them ---- */

static void load_typed(void *ctx, struct sv filter, struct choices *choices)
{
    struct sv text = sv_trim(filter);
    char *value = xstrndup(text.p ? text.p : "", text.n);
    (void)ctx;
    if (text.n) {
        choices_add(choices, text, NULL, value);
    }
    free(value);
}

static void choose_title(void *ctx, const struct choice *choice)
{
    struct ui *ui = ctx;
    pickers__open(ui, &picker_of_sessions);
    sessions__set_title(ui, &ui->about, sv_from(choice->value));
}

static void choose_labels(void *ctx, const struct choice *choice)
{
    struct ui *ui = ctx;
    pickers__open(ui, &picker_of_sessions);
    sessions__label(ui, &ui->about, sv_from(choice->value));
}

static const struct picker_kind picker_of_title = {
    .title = "Another title",
    .empty = "type one",
    .asks = true,
    .verb = "sets it",
    .by_search = true,
    .load = load_typed,
    .choose = choose_title,
    .back = &picker_of_sessions,
};

static const struct picker_kind picker_of_labels = {
    .title = "Labels",
    .empty = "words that are added; -word takes one away",
    .asks = true,
    .verb = "changes them",
    .by_search = true,
    .load = load_typed,
    .choose = choose_labels,
    .back = &picker_of_sessions,
};

/* ---- keys of the list ---- */

static bool key_title(void *ctx, const struct choice *choice)
{
    struct ui *ui = ctx;
    if (session_of(choice, &ui->about)) {
        pickers__open_next(ui, &picker_of_title, sv_from(choice->text));
    }
    return false;
}

static bool key_label(void *ctx, const struct choice *choice)
{
    struct ui *ui = ctx;
    if (session_of(choice, &ui->about)) {
        pickers__open_next(ui, &picker_of_labels, SV(""));
    }
    return false;
}

static bool key_archive(void *ctx, const struct choice *choice)
{
    struct ulid session;
    if (session_of(choice, &session)) {
        sessions__archive(ctx, &session);
    }
    return false;
}

static bool key_delete(void *ctx, const struct choice *choice)
{
    struct ulid session;
    if (session_of(choice, &session)) {
        sessions__delete(ctx, &session);
    }
    return false;
}

static bool key_undo(void *ctx, const struct choice *choice)
{
    (void)choice;
    select__undo(ctx, &(struct ulid){""});
    return false;
}

static const struct picker_key session_keys[] = {
    {"M-r", "title", key_title},   {"M-l", "label", key_label}, {"M-a", "archive", key_archive},
    {"M-d", "delete", key_delete}, {"M-u", "undo", key_undo},   {.key = NULL},
};

const struct picker_kind picker_of_sessions = {
    .title = "Sessions",
    .empty = "no session fits",
    .verb = "opens",
    .by_search = true,
    .load = load_sessions,
    .choose = open_session,
    .marker = find__marker,
    .preview = preview_session,
    .keys = session_keys,
};
