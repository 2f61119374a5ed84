/*
 * weir watch: follows answers of other processes, on stdout, as they come.
 *
 * Main waits in one poll for updates, a signal and the end of its reader; nothing is looked at in
 * between.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/command.h"
#include "app/cursor.h"
#include "app/opening.h"
#include "app/output.h"
#include "app/signals.h"
#include "app/watching.h"
#include "base/clock.h"

#define OPEN_US CLOCK_S(30)
#define CLOSE_US CLOCK_S(5)
/* Until what could not be read is tried again. */
#define AGAIN_US CLOCK_MS(100)

static const struct option_spec options[] = {
    {"after", 0, OPTION_TEXT, "CURSOR", "go on behind CURSOR, in the session that it names"},
    {"json", 0, OPTION_FLAG, NULL, "the lines of stream-json, of all answers"},
    {"until-idle", 0, OPTION_FLAG, NULL, "end as soon as nothing runs"},
    {"show-reasoning", 0, OPTION_FLAG, NULL, "reasoning to stderr"},
    {"raw", 0, OPTION_FLAG, NULL, "text as it comes, also to a terminal"},
    {.name = NULL},
};

struct watch {
    struct config *config;
    struct broker *broker;
    struct store *store;
    struct subscription *subscription;
    struct printer printer;
    struct watching *watching;
    bool until_idle;
};

static enum err_code open_database(struct watch *watch, const struct global_options *global,
                                   struct err *err)
{
    char *path = NULL;
    enum err_code code = open_config_tolerantly(global, &watch->config, err);
    code = code ? code : database_path(global, watch->config, &path, err);
    if (!code) {
        watch->broker = broker_new(NULL);
        const struct store_options options_of_store = {
            .path = path, .debounce_us = -1, .follow = true, .broker = watch->broker};
        code = store_open(&options_of_store, &watch->store, err);
    }
    free(path);
    const struct subscription_options topics = {.topics = TOPIC_MESSAGE};
    code = code ? code : broker_subscribe(watch->broker, &topics, &watch->subscription, err);
    if (!code) {
        signals_watch(NULL, watch->store);
        code = store_start(watch->store, err);
    }
    return code ? code : store_wait_ready(watch->store, clock_mono_us() + OPEN_US, err);
}

/* The session that was named, or that of the cursor; unset: all. */
static enum err_code choose_session(struct watch *watch, const struct arguments *arguments,
                                    const struct cursor *cursor, struct ulid *ret_session,
                                    struct err *err)
{
    if (arguments->rest_count == 0) {
        struct session session = {.name = NULL};
        bool named = ulid_is_set(&cursor->session);
        enum err_code code =
            named ? session_get(watch->store, &cursor->session, &session, err) : ERR_OK;
        session_release(&session);
        *ret_session = cursor->session;
        return code;
    }
    enum err_code code = named_session_id(watch->store, arguments->rest[0], ret_session, err);
    if (!code && ulid_is_set(&cursor->session) && !ulid_equal(ret_session, &cursor->session)) {
        code = err_set(err, ERR_USAGE, "the cursor is of another session than '%.60s'",
                       arguments->rest[0]);
    }
    return code;
}

static enum err_code begin(struct watch *watch, const struct arguments *arguments, struct err *err)
{
    struct cursor cursor = {.part = 0};
    const char *after = argument_text(arguments, "after");
    enum err_code code = after ? cursor_parse(sv_from(after), &cursor, err) : ERR_OK;
    struct ulid session = cursor.session;
    code = code ? code : choose_session(watch, arguments, &cursor, &session, err);
    if (!code) {
        watch->watching = watching_new(watch->store, &watch->printer, &session);
        code =
            ulid_is_set(&cursor.session) ? watching_resume(watch->watching, &cursor, err) : ERR_OK;
    }
    return code ? code : watching_take_running(watch->watching, err);
}

static void on_event(void *ctx, const struct event *event)
{
    const struct watch *watch = ctx;
    watching_apply(watch->watching, (const struct message_update *)event->payload);
}

static void on_resync(void *ctx, uint32_t topic, const struct ulid *key)
{
    const struct watch *watch = ctx;
    (void)topic;
    watching_lost(watch->watching, key);
}

/* Until a signal, the reader's end, or (where that was asked for) until nothing runs. */
static void follow(struct watch *watch)
{
    for (;;) {
        (void)subscription_drain(watch->subscription, 0, on_event, watch);
        (void)subscription_take_resync(watch->subscription, on_resync, watch);
        watching_print(watch->watching);
        if (watch->printer.failure || (watch->until_idle && watching_is_idle(watch->watching))) {
            return;
        }
        int64_t again = watching_is_due(watch->watching) ? clock_mono_us() + AGAIN_US : CLOCK_NEVER;
        struct pollfd fds[] = {
            {.fd = subscription_fd(watch->subscription), .events = POLLIN},
            {.fd = signals_fd(), .events = POLLIN},
            {.fd = STDOUT_FILENO, .events = 0},
        };
        if (poll(fds, COUNT_OF(fds), clock_poll_ms(again)) <= 0) {
            continue;
        }
        if (fds[2].revents & POLLERR) {
            watch->printer.failure = EPIPE;
        }
        if (fds[1].revents || watch->printer.failure) {
            return;
        }
    }
}

static int end_of(const struct watch *watch, int signal_number, enum err_code code,
                  const struct err *err)
{
    if (signal_number) {
        return 128 + signal_number;
    }
    if (watch->printer.failure) {
        return output_exit_code(watch->printer.failure);
    }
    return code ? command_fail(err) : 0;
}

static int watch_until_end(const struct global_options *global, const struct arguments *arguments)
{
    struct watch watch = {.until_idle = argument_flag(arguments, "until-idle")};
    struct err err = {0};
    printer_init(&watch.printer,
                 argument_flag(arguments, "json") ? HEADLESS_STREAM_JSON : HEADLESS_TEXT);
    watch.printer.show_reasoning = argument_flag(arguments, "show-reasoning");
    watch.printer.raw = argument_flag(arguments, "raw");
    watch.printer.quiet = global->quiet;
    enum err_code code = signals_start(&err);
    code = code ? code : open_database(&watch, global, &err);
    code = code ? code : begin(&watch, arguments, &err);
    if (!code) {
        follow(&watch);
    }
    int number = signals_release();
    if (watch.store) {
        (void)store_close(watch.store, clock_mono_us() + CLOSE_US, NULL);
    }
    signals_closed();
    int exit_code = end_of(&watch, number, code, &err);
    watching_free(watch.watching);
    broker_unsubscribe(watch.subscription);
    store_free(watch.store);
    broker_free(watch.broker);
    config_free(watch.config);
    return exit_code;
}

static int run(const struct global_options *global, const struct arguments *arguments)
{
    if (arguments->rest_count > 1) {
        struct err err = {0};
        err_set(&err, ERR_USAGE, "expected 'weir watch' with one session at most");
        return command_fail(&err);
    }
    return watch_until_end(global, arguments);
}

const struct command command_watch = {
    .name = "watch",
    .operands = "[SESSION]",
    .summary = "follow a session, or all, from any process while answers come",
    .details =
        "Prints the answers that run, from their beginning, then those that begin, until SIGINT.\n"
        "Text is that of 'weir run', one answer after the other; --json prints the lines of\n"
        "stream-json up to 'finish' for each answer, those of several alternate. --after goes on\n"
        "behind the cursor of a line; a line 'resync' says that what was seen of an answer is not\n"
        "stored that way, and the answer is printed from its beginning. Example:\n"
        "\n"
        "  weir watch --json --until-idle | jq -r 'select(.type == \"text\").text'\n",
    .options = options,
    .run = run,
};
