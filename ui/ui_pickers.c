/*
 * The screen's pickers: commands, keys, models, sessions. Each is one const entry with its
 * functions.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/history.h"
#include "store/session.h"
#include "ui/ui_internal.h"

#define SESSIONS_MAX 10000u
#define SESSIONS_PAGE 500u

void pickers__open(struct ui *ui, const struct picker_kind *kind)
{
    complete_close(ui->complete);
    picker_free(ui->picker);
    ui->picker = picker_new(kind, ui, SV(""));
    ui->dirty = true;
}

void pickers__reload(struct ui *ui)
{
    if (ui->picker) {
        picker_reload(ui->picker);
    }
}

static void close_picker(struct ui *ui)
{
    picker_free(ui->picker);
    ui->picker = NULL;
}

/* What is chosen may open another picker: this one is gone by then. */
static void choose(struct ui *ui)
{
    const struct picker_kind *kind = picker_kind(ui->picker);
    struct choice choice = choice_copy(picker_chosen(ui->picker));
    close_picker(ui);
    kind->choose(ui, &choice);
    choice_release(&choice);
}

void pickers__key(struct ui *ui, const struct input_event *event, enum action action,
                  const struct chord *chord)
{
    bool text = event->key == INPUT_TEXT || event->key == INPUT_PASTE;
    enum picker_result result = text && action == ACTION_NONE
                                    ? picker_insert(ui->picker, event->text)
                                    : picker_act(ui->picker, action, chord);
    if (result == PICKER_CHOSEN) {
        choose(ui);
    } else if (result == PICKER_CLOSED) {
        close_picker(ui);
    }
    if (action == ACTION_REPAINT) {
        ui__repaint(ui);
    } else if (action == ACTION_SUSPEND) {
        ui__suspend(ui);
    }
}

/* Commands. */

static void load_commands(void *ctx, struct sv filter, struct choices *choices)
{
    const struct ui *ui = ctx;
    (void)filter;
    for (const struct ui_command *command = commands__all(); command->name; command++) {
        if (command->works && !command->works(ui)) {
            continue;
        }
        struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
        struct buf note = BUF_INIT(BUF_MAX_INTERNAL);
        buf_appendf(&text, "/%s", command->name);
        buf_append_str(&note, command->help);
        if (command->action != ACTION_NONE) {
            buf_append_str(&note, "  ");
            keymap_keys_text(ui->keymap, command->action, &note);
        }
        choices_add(choices, buf_sv(&text), buf_cstr(&note), buf_cstr(&text));
        buf_release(&text);
        buf_release(&note);
    }
}

static void choose_command(void *ctx, const struct choice *choice)
{
    struct ui *ui = ctx;
    for (const struct ui_command *command = commands__all(); command->name; command++) {
        if (strcmp(command->name, choice->value + 1) == 0) {
            command->run(ui, SV(""));
            return;
        }
    }
}

const struct picker_kind picker_of_commands = {
    .title = "Commands",
    .empty = "no command fits",
    .verb = "runs",
    .load = load_commands,
    .choose = choose_command,
};

/* Keys: the help page. */

static void load_keys(void *ctx, struct sv filter, struct choices *choices)
{
    const struct ui *ui = ctx;
    (void)filter;
    for (const struct key_action *action = key_actions(); action->name; action++) {
        struct buf keys = BUF_INIT(BUF_MAX_INTERNAL);
        keymap_keys_text(ui->keymap, action->action, &keys);
        if (keys.n) {
            choices_add(choices, buf_sv(&keys), action->help, action->name);
        }
        buf_release(&keys);
    }
    for (const struct ui_command *command = commands__all(); command->name; command++) {
        if (!command->works || command->works(ui)) {
            char *text = xasprintf("/%s%s%s", command->name, command->operand ? " " : "",
                                   command->operand ? command->operand : "");
            choices_add(choices, sv_from(text), command->help, NULL);
            free(text);
        }
    }
    choices_add(choices, SV("//..."), "sends a prompt that begins with /", NULL);
}

static void preview_key(void *ctx, const struct choice *choice, struct buf *out)
{
    (void)ctx;
    if (choice->value) {
        buf_appendf(out, "C- is Ctrl, M- is Alt, S- is Shift. In the config: [keys] %s = …",
                    choice->value);
    }
}

const struct picker_kind picker_of_keys = {
    .title = "Keys and commands",
    .empty = "no key does that",
    .load = load_keys,
    .preview = preview_key,
};

/* Models. */

static void add_model(void *ctx, const char *model, const char *note)
{
    choices_add(ctx, sv_from(model), note, model);
}

void pickers__models(const struct ui *ui, struct choices *choices)
{
    const struct ui_host *host = &ui->options->host;
    if (host->list_models) {
        host->list_models(host->ctx, add_model, choices);
    }
}

static void load_models(void *ctx, struct sv filter, struct choices *choices)
{
    (void)filter;
    pickers__models(ctx, choices);
}

static void choose_model(void *ctx, const struct choice *choice)
{
    struct ui *ui = ctx;
    const struct ui_host *host = &ui->options->host;
    struct err err = {0};
    if (host->choose_model && host->choose_model(host->ctx, choice->value, &err)) {
        view__line(ui, LINE_PROBLEM, err.text);
    }
}

const struct picker_kind picker_of_models = {
    .title = "Models",
    .empty = "no model is known; '/model PROVIDER/MODEL' takes any",
    .verb = "asks it from now on",
    .load = load_models,
    .choose = choose_model,
};

/* Sessions. */

/* "3 h ago", or the date. */
static void append_age(int64_t when_us, struct buf *out)
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
    append_age(session->last_active_us, &note);
    buf_appendf(&note, ", %lld messages, %s", (long long)session->message_count, session->handle);
    if (session->name) {
        buf_appendf(&note, ", '%s'", session->name);
    }
    if (session->model) {
        buf_appendf(&note, ", %s", session->model);
    }
    const char *title = session->title[0] ? session->title : "(no title)";
    choices_add(choices, sv_from(title), buf_cstr(&note), session->id.text);
    buf_release(&note);
}

static void load_sessions(void *ctx, struct sv filter, struct choices *choices)
{
    struct ui *ui = ctx;
    struct session_window window = {.limit = SESSIONS_PAGE};
    bool more = true;
    (void)filter;
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
        session_list_free(&list);
    }
}

/* How the session ends. */
static void preview_session(void *ctx, const struct choice *choice, struct buf *out)
{
    struct ui *ui = ctx;
    struct history_page page = {0};
    struct ulid session;
    if (!ulid_parse(sv_from(choice->value), &session) ||
        history_before(ui->options->store, &session, INT64_MAX, 1, &page, NULL)) {
        return;
    }
    if (page.count) {
        char *text = message_text(page.messages[0], PART_TEXT);
        struct sv line = sv_trim(sv_from(text));
        buf_append_str(out, page.messages[0]->role == ROLE_USER ? "You: " : "Answer: ");
        buf_append_sv(out, sv_take(line, sv_find(line, '\n')));
        free(text);
    }
    history_page_free(&page);
}

static void open_session(void *ctx, const struct choice *choice)
{
    struct ui *ui = ctx;
    struct ulid session;
    if (ui->sending) {
        view__line(ui, LINE_INFO, "a prompt is being stored; try again in a moment");
    } else if (ulid_parse(sv_from(choice->value), &session)) {
        saved__draft(ui, true);
        events__show_session(ui, &session);
        saved__load(ui);
    }
}

const struct picker_kind picker_of_sessions = {
    .title = "Sessions",
    .empty = "no session fits",
    .verb = "opens",
    .load = load_sessions,
    .choose = open_session,
    .preview = preview_session,
};
