/*
 * weir chat: the screen.
 *
 * Before the first frame only what it needs is done: the config is read, the database opened for
 * reading. The threads start once it is out.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/chat_attach.h"
#include "app/chat_host.h"
#include "app/command.h"
#include "app/demo.h"
#include "app/engine.h"
#include "app/opening.h"
#include "app/output.h"
#include "app/provider.h"
#include "app/signals.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "store/session.h"
#include "store/vocabulary.h"
#include "ui/notice.h"
#include "ui/ui.h"

#define STOP_US CLOCK_S(2)
/* An answer whose end only the closing of the store decided lets its thread end a moment later. */
#define LATE_END_US CLOCK_MS(500)
#define CLOSE_US CLOCK_S(5)

static const struct option_spec options[] = {
    {"model", 'm', OPTION_TEXT, "MODEL", "PROVIDER/MODEL, an alias, or 'demo'"},
    {"continue", 'c', OPTION_FLAG, NULL, "go on in the last session, as without options"},
    {"new", 0, OPTION_FLAG, NULL, "begin with an empty session"},
    {"no-save", 'n', OPTION_FLAG, NULL, "keep nothing of this conversation"},
    {"review", 0, OPTION_FLAG, NULL, "begin with what waits for a verdict"},
    {"plain", 0, OPTION_FLAG, NULL, "lines alone, no full screen: for screen readers"},
    {.name = NULL},
};

struct chat {
    const struct global_options *global;
    const struct arguments *arguments;
    struct config *config;
    struct model_choice choice;
    bool nothing_configured;
    struct broker *broker;
    struct store *store;
    struct engine *engine;
    struct ulid session;
    char *scope;  /* of what is begun, or NULL */
    char *notice; /* to begin with, or NULL */
    char *log;    /* where it is, or NULL */

    /* Sessions with answers that still ran when the user left, and what is said of them or NULL. */
    struct ulid running[ENGINE_RUNNING_MAX];
    size_t running_count;
    char *interrupted;
};

static enum err_code choose_model(struct chat *chat, struct err *err)
{
    enum err_code code =
        model_choose(chat->config, argument_text(chat->arguments, "model"), &chat->choice, err);
    bool is_missing = code == ERR_NOT_CONFIGURED || code == ERR_AUTH;
    if (is_missing && !argument_text(chat->arguments, "model")) {
        chat->nothing_configured = true;
        model_choose_demo(&chat->choice);
        return ERR_OK;
    }
    return code;
}

static enum err_code open_at(struct chat *chat, const char *path, struct err *err)
{
    struct store_options store_options = {
        .path = path,
        .debounce_us = chat->config->debounce_us,
        .follow = true,
        .broker = chat->broker,
    };
    return store_open(&store_options, &chat->store, err);
}

/* A data folder that is missing or cannot be written to costs the memory of the program, not its
 * use. A database that is damaged or newer is left alone. */
static enum err_code open_database(struct chat *chat, struct err *err)
{
    chat->broker = broker_new(NULL);
    if (argument_flag(chat->arguments, "no-save")) {
        return open_at(chat, NULL, err);
    }
    char *path = NULL;
    struct err why = {0};
    enum err_code code = database_path(chat->global, chat->config, &path, &why);
    code = code ? code : open_at(chat, path, &why);
    free(path);
    if (code == ERR_CANNOT_CREATE || code == ERR_READ_ONLY || code == ERR_NOT_FOUND) {
        chat->notice = xasprintf("nothing will be kept: %s", why.text);
        return open_at(chat, NULL, err);
    }
    return code ? err_set(err, code, "%s", why.text) : ERR_OK;
}

/* The one that was named, else the last one, else an empty one. A review opens what is chosen. */
static enum err_code find_session(struct chat *chat, struct err *err)
{
    enum err_code code = session_scope(chat->config, &chat->scope, err);
    if (code) {
        return code;
    }
    if (chat->arguments->rest_count == 1) {
        return named_session_id(chat->store, chat->arguments->rest[0], &chat->session, err);
    }
    if (!argument_flag(chat->arguments, "new") && !argument_flag(chat->arguments, "review")) {
        struct err none = {0};
        code = session_last(chat->store, chat->scope, &chat->session, &none);
        if (code && code != ERR_NOT_FOUND) {
            return err_set(err, code, "%s", none.text);
        }
    }
    return ERR_OK;
}

/* With the files that it names. */
static enum err_code send_order(struct chat *chat, struct engine_order *order, struct err *err)
{
    struct headless_attachments attachments = {.count = 0};
    char *remark = NULL;
    enum err_code code = chat_attach(chat->store, order->prompt, &attachments, &remark, err);
    const struct chat_extras extras = {.attachments = attachments.items,
                                       .attachment_count = attachments.count};
    if (!code) {
        order->extras = &extras;
        code = engine_send(chat->engine, order, err);
    }
    if (!code && remark) {
        notice_publish(chat->broker, NOTICE_INFO, NULL, remark, NULL);
    }
    headless_attachments_release(&attachments);
    free(remark);
    return code;
}

static enum err_code host_send(void *ctx, const struct ulid *session, const struct ulid *turn,
                               struct sv prompt, struct err *err)
{
    const struct chat *chat = ctx;
    struct engine_order order = {
        .session = *session, .turn = *turn, .scope = sv_from(chat->scope), .prompt = prompt};
    return send_order(ctx, &order, err);
}

static enum err_code host_send_way(void *ctx, const struct ui_way *way, struct err *err)
{
    struct engine_order order = {
        .kind = way->kind, .session = way->session, .at = way->at, .prompt = way->prompt};
    return send_order(ctx, &order, err);
}

static void host_cancel(void *ctx, const struct ulid *session)
{
    struct chat *chat = ctx;
    engine_cancel(chat->engine, session, NULL);
}

static void host_answer_offer(void *ctx, bool yes)
{
    struct chat *chat = ctx;
    engine_accept_offer(chat->engine, yes);
}

static void host_list_models(void *ctx, add_model_fn *add, void *add_ctx)
{
    const struct chat *chat = ctx;
    chat_list_models(chat->config, add, add_ctx);
}

static enum err_code host_choose_model(void *ctx, const char *model, struct err *err)
{
    const struct chat *chat = ctx;
    struct model_choice choice;
    enum err_code code = model_choose(chat->config, model, &choice, err);
    if (!code) {
        engine_use(chat->engine, &choice);
        model_choice_release(&choice);
    }
    return code;
}

static int64_t host_context_of(void *ctx, const char *model)
{
    const struct chat *chat = ctx;
    int64_t told = chat->engine ? engine_window_of(chat->engine, model) : -1;
    return told > 0 ? told : chat_context_of(chat->config, model);
}

static size_t host_running(void *ctx, struct ulid *sessions, size_t max)
{
    const struct chat *chat = ctx;
    return chat->engine ? engine_running(chat->engine, sessions, max) : 0;
}

static enum err_code host_export(void *ctx, const struct ulid *session, const char *format,
                                 char **ret_path, struct err *err)
{
    const struct chat *chat = ctx;
    return chat_export(chat->store, session, format, ret_path, err);
}

static void host_first_frame_done(void *ctx)
{
    struct chat *chat = ctx;
    struct err err = {0};
    enum err_code code = store_start(chat->store, &err);
    code = code ? code : engine_start(chat->engine, &err);
    if (code) {
        notice_publish(chat->broker, NOTICE_PROBLEM, NULL, err.text, NULL);
    } else if (chat->nothing_configured) {
        engine_look_for_local(chat->engine);
    }
}

/* The screen cannot share its terminal with a log. */
static enum err_code open_log(struct chat *chat, struct err *err)
{
    if (!chat->global->verbose) {
        return ERR_OK;
    }
    log_close();
    enum err_code code = file_xdg_path(XDG_STATE, "weir.log", &chat->log, err);
    code = code ? code : file_make_parent(chat->log, err);
    return code ? code : log_open(chat->log, LOG_DEBUG, err);
}

static enum err_code open_all(struct chat *chat, struct err *err)
{
    enum err_code code = signals_start(err);
    code = code ? code : open_log(chat, err);
    code = code ? code : open_config(chat->global, &chat->config, err);
    code = code ? code : config_check_screen(chat->config, err);
    code = code ? code : choose_model(chat, err);
    code = code ? code : open_database(chat, err);
    code = code ? code : find_session(chat, err);
    code = code ? code : engine_new(chat->store, chat->config, &chat->choice, &chat->engine, err);
    if (!code) {
        engine_make_titles(chat->engine);
        engine_show_windows(chat->engine);
    }
    return code;
}

/* A terminal that can place no cursor has lines alone. */
static bool wants_lines(const struct arguments *arguments)
{
    return argument_flag(arguments, "plain") || output_terminal_is_dumb();
}

static enum err_code show(struct chat *chat, struct err *err)
{
    struct ui_settings settings = config_ui_settings(&chat->config->ui);
    settings.silence_us = chat->config->note_us;
    const struct ui_options ui_options = {
        .store = chat->store,
        .host = {.ctx = chat,
                 .send = host_send,
                 .send_way = host_send_way,
                 .context_of = host_context_of,
                 .cancel = host_cancel,
                 .first_frame_done = host_first_frame_done,
                 .answer_offer = host_answer_offer,
                 .list_models = host_list_models,
                 .choose_model = host_choose_model,
                 .export_session = host_export,
                 .running = host_running},
        .review = argument_text(chat->arguments, "review"),
        .session = chat->session,
        .model = chat->choice.label,
        .welcome = chat->choice.demo ? demo_welcome() : NULL,
        .notice = chat->notice,
        .color = chat->global->color,
        .keymap = chat->config->keymap,
        .settings = settings,
    };
    alloc_set_last_words(ui_restore_terminal);
    signals_guard_terminal();
    signals_watch(chat->engine, chat->store);
    return wants_lines(chat->arguments) ? ui_run_plain(&ui_options, &chat->session, err)
                                        : ui_run(&ui_options, &chat->session, err);
}

/* How to come back to the session that was on the screen. */
static char *farewell(const struct chat *chat)
{
    struct session_list list = {NULL, 0, false};
    char *text = NULL;
    if (chat->store && store_path(chat->store) && ulid_is_set(&chat->session) &&
        session_find(chat->store, sv_from(chat->session.text), &list, NULL) == ERR_OK) {
        text = xasprintf("session %s: 'weir chat %s' goes on with it", list.sessions[0].handle,
                         list.sessions[0].handle);
    }
    session_list_release(&list);
    return text;
}

/* Appends its handle, where leaving cut its answer off: it may have ended by itself just then. */
static void append_interrupted(const struct chat *chat, const struct ulid *id, struct buf *out)
{
    struct session session;
    if (ulid_equal(id, &chat->session) || session_get(chat->store, id, &session, NULL) != ERR_OK) {
        return;
    }
    if (sv_equal_str(sv_from(session.state), run_state_text(RUN_INTERRUPTED))) {
        buf_appendf(out, "%s%s", out->n ? ", " : "", session.handle);
    }
    session_release(&session);
}

/* Those that were not on the screen, once their answers have ended. */
static void name_interrupted(struct chat *chat)
{
    struct buf handles = BUF_INIT(BUF_MAX_INTERNAL);
    for (size_t i = 0; store_path(chat->store) && i < chat->running_count; i++) {
        append_interrupted(chat, &chat->running[i], &handles);
    }
    if (handles.n) {
        chat->interrupted =
            xasprintf("answers in other sessions were interrupted: %s", buf_cstr(&handles));
    }
    buf_release(&handles);
}

/* Gives the exit code that a failed save asks for, or 0. */
static int close_all(struct chat *chat)
{
    struct err err = {0};
    if (chat->engine &&
        engine_stop(chat->engine, FINISH_INTERRUPTED, clock_mono_us() + STOP_US) != ERR_OK) {
        output_remark("the connection did not end in time");
    }
    if (chat->running_count) {
        name_interrupted(chat);
    }
    if (chat->store && store_close(chat->store, clock_mono_us() + CLOSE_US, &err) != ERR_OK) {
        return command_fail(&err);
    }
    return 0;
}

static void release(struct chat *chat)
{
    if (chat->engine &&
        engine_stop(chat->engine, FINISH_INTERRUPTED, clock_mono_us() + LATE_END_US) != ERR_OK) {
        /* Its thread still uses all of this; the process is about to end. */
        return;
    }
    engine_free(chat->engine);
    store_free(chat->store);
    broker_free(chat->broker);
    model_choice_release(&chat->choice);
    config_free(chat->config);
    free(chat->notice);
    free(chat->log);
    free(chat->scope);
    free(chat->interrupted);
    free(chat);
}

static int exit_code_of_screen(enum err_code code, int number, const struct err *err)
{
    if (number) {
        return 128 + number;
    }
    if (code == ERR_CLOSED) {
        return EXIT_TERMINAL_GONE;
    }
    return code ? command_fail(err) : 0;
}

static enum err_code check(const struct arguments *arguments, struct err *err)
{
    if (arguments->rest_count > 1) {
        return err_set(err, ERR_USAGE, "expected at most one session: weir chat [SESSION]");
    }
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (!terminal && !argument_flag(arguments, "plain")) {
        return err_set(err, ERR_USAGE,
                       "the screen needs a terminal: without one, 'weir run PROMPT' gives an "
                       "answer");
    }
    bool is_new = argument_flag(arguments, "new");
    if (argument_flag(arguments, "continue") && (is_new || arguments->rest_count == 1)) {
        return err_set(err, ERR_USAGE, "--continue is neither --new nor a session that is named");
    }
    return ERR_OK;
}

static int run(const struct global_options *global, const struct arguments *arguments)
{
    struct err err = {0};
    if (check(arguments, &err)) {
        return command_fail(&err);
    }
    struct chat *chat = xcalloc(1, sizeof *chat);
    chat->global = global;
    chat->arguments = arguments;
    enum err_code code = open_all(chat, &err);
    code = code ? code : show(chat, &err);
    int number = signals_release();
    if (!code && !number) {
        chat->running_count = engine_running(chat->engine, chat->running, ENGINE_RUNNING_MAX);
    }
    char *text = farewell(chat);
    int save_failed = close_all(chat);
    signals_closed();
    int exit_code = exit_code_of_screen(code, number, &err);
    if (text && !global->quiet) {
        output_remark("%s", text);
    }
    if (chat->interrupted && !global->quiet) {
        output_remark("%s", chat->interrupted);
    }
    if (chat->log) {
        output_remark("the log is in '%s'", chat->log);
    }
    free(text);
    alloc_set_last_words(NULL);
    release(chat);
    return exit_code ? exit_code : save_failed;
}

const struct command command_chat = {
    .name = "chat",
    .operands = "[SESSION]",
    .summary = "the screen, with one session or the last one",
    .details =
        "Enter sends, Alt-Enter or Ctrl-J begins a new line, Esc stops an answer, F1 lists all\n"
        "keys, Ctrl-P all commands. Without a configured model the offline demo answers, and\n"
        "shows how to connect one.\n",
    .options = options,
    .run = run,
};
