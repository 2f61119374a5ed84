/*
 * weir run: one turn without the screen.
 *
 * Main waits for the answer's updates, the turn's beginning, a signal, the reader of stdout and the
 * time limit, all in one poll, and prints what comes. Whatever happens, one result ends the output,
 * and its exit code is the process's.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/curl_api.h"
#include "app/headless_internal.h"
#include "app/opening.h"
#include "app/output.h"
#include "app/provider.h"
#include "app/recorder.h"
#include "app/signals.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/wake.h"
#include "store/branch.h"
#include "store/message_service.h"
#include "store/trash.h"
#include "ui/notice.h"

#define OPEN_US CLOCK_S(30)
#define CLOSE_US CLOCK_S(5)
#define STOP_US CLOCK_S(2)
/* An answer whose end only the closing of the store decided lets its thread end a moment later. */
#define LATE_END_US CLOCK_MS(500)
/* An answer that another process writes may have ended before its updates were listened to. */
#define LOOK_AGAIN_US CLOCK_S(1)

/* What the printer has to know, whatever the options came to. */
static void set_up_printer(struct headless *headless)
{
    const struct headless_options *options = &headless->options;
    printer_init(&headless->printer, options->format);
    headless->printer.output_path = options->output_path;
    headless->printer.raw = options->raw;
    headless->printer.quiet = headless->global->quiet;
    headless->printer.tells_progress =
        !headless->global->quiet &&
        (headless->global->verbose || headless->printer.stderr_is_terminal);
    headless->printer.show_reasoning = options->show_reasoning;
    headless->printer.show_usage = options->show_usage;
    headless->printer.only_code = options->only_code;
    headless->printer.at_end = options->only_code || options->no_stream;
}

/* Prompt and attachments. */
static enum err_code read_input(struct headless *headless, struct err *err)
{
    struct headless_input input = {.words = headless->arguments->rest,
                                   .word_count = headless->arguments->rest_count,
                                   .no_stdin = headless->options.no_stdin,
                                   .quiet = headless->global->quiet,
                                   .stop_fd = signals_fd(),
                                   .deadline_us = headless->options.deadline_us};
    struct headless_attachments *attachments = &headless->attachments;
    enum err_code code = ERR_OK;
    size_t at = 0;
    const char *path = NULL;
    while (!code && (path = argument_next(headless->arguments, "attach", &at))) {
        code = headless_attach(attachments, path, &input, err);
    }
    input.no_stdin = input.no_stdin || attachments->takes_stdin;
    code = code ? code : headless_read(&input, &headless->prompt, err);
    headless_fingerprint(&headless->options, buf_sv(&headless->prompt), attachments->items,
                         attachments->count, &headless->fingerprint);
    return code;
}

static void *fetch_main(void *arg)
{
    curl_api_fetch(CURL_API_LIBRARY);
    return arg;
}

/* libcurl takes longer to load than the store to open, so both are done at once. Nothing depends on
 * this thread. */
static void fetch_ahead(struct headless *headless)
{
    headless->fetches =
        headless->choice.provider.type->codec &&
        thread_start(&headless->fetcher, "weir-load", fetch_main, NULL, NULL) == ERR_OK;
}

/* What can fail before anything is opened: config, model, prompt. */
static enum err_code prepare(struct headless *headless, struct err *err)
{
    signals_flush_before_stops();
    enum err_code code = signals_start(err);
    code = code ? code : wake_open(&headless->wake, err);
    code = code ? code : open_config(headless->global, &headless->config, err);
    code = code ? code : headless_options_complete(&headless->options, headless->config, err);
    code = code ? code
                : model_choose(headless->config, headless->options.model, &headless->choice, err);
    if (!code) {
        fetch_ahead(headless);
    }
    const char *record = argument_text(headless->arguments, "record");
    code = code || !record ? code : recorder_check(record, err);
    return code ? code : read_input(headless, err);
}

static enum err_code open_database(struct headless *headless, struct err *err)
{
    char *path = NULL;
    bool is_private = headless->options.saves_nothing;
    enum err_code code =
        is_private ? ERR_OK : database_path(headless->global, headless->config, &path, err);
    if (!code) {
        headless->broker = broker_new(NULL);
        struct store_options store_options = {.path = path,
                                              .debounce_us = headless->config->debounce_us,
                                              .follow = headless->options.waits,
                                              .broker = headless->broker};
        code = store_open(&store_options, &headless->store, err);
    }
    free(path);
    const struct subscription_options topics = {.topics = TOPIC_MESSAGE | TOPIC_STORE | TOPIC_UI};
    code = code ? code : broker_subscribe(headless->broker, &topics, &headless->subscription, err);
    if (!code) {
        signals_watch(NULL, headless->store);
        code = store_start(headless->store, err);
    }
    int64_t limit = clock_mono_us() + OPEN_US;
    int64_t deadline = headless->options.deadline_us;
    deadline = deadline < limit ? deadline : limit;
    return code ? code : store_wait_ready(headless->store, deadline, err);
}

static enum err_code named(struct headless *headless, const char *what, struct err *err)
{
    struct session_list list = {NULL, 0, false};
    enum err_code code = named_session(headless->store, what, &list, err);
    if (!code) {
        headless->session = list.sessions[0].id;
    }
    session_list_free(&list);
    return code;
}

static struct turn_key key_of(const struct headless *headless)
{
    bool has_scope = ulid_is_set(&headless->key_scope);
    return (struct turn_key){.scope = sv_from(has_scope ? headless->key_scope.text : ""),
                             .key = sv_from(headless->options.request_key),
                             .fingerprint = buf_sv(&headless->fingerprint)};
}

/* A request that was made already needs no copy of its own. */
static enum err_code fork_session(struct headless *headless, struct err *err)
{
    struct turn known;
    struct turn_key key = key_of(headless);
    if (key.key.n > 0 && turn_find_key(headless->store, &key, &known, NULL) == ERR_OK) {
        headless->session = known.session;
        return ERR_OK;
    }
    const struct branch_copy copy = {.session = headless->session};
    enum err_code code = branch_copy(headless->store, &copy, &headless->copy, err);
    headless->session = code ? headless->session : headless->copy;
    if (code == ERR_EXISTS) {
        code = err_set(err, ERR_BUSY, "an answer runs in the session that is to be copied");
    }
    return code;
}

/* The last session of the scope. Where there is none one is made, by one of all who ask. */
static enum err_code resume_session(struct headless *headless, struct err *err)
{
    bool is_new = false;
    struct err none = {0};
    enum err_code code = session_last(headless->store, headless->scope, &headless->session, &none);
    if (code == ERR_NOT_FOUND && !headless->options.forks) {
        return session_resume(headless->store, sv_from(headless->scope), &headless->session,
                              &is_new, err);
    }
    return code ? err_set(err, code, "%s", none.text) : ERR_OK;
}

static enum err_code find_session(struct headless *headless, struct err *err)
{
    const struct headless_options *options = &headless->options;
    enum err_code code = session_scope(headless->config, &headless->scope, err);
    bool is_new = false;
    if (code) {
        return code;
    }
    if (options->session) {
        code = named(headless, options->session, err);
    } else if (options->session_key) {
        const struct session_request request = {.key = sv_from(options->session_key)};
        code = session_create(headless->store, &request, &headless->session, &is_new, err);
    } else if (options->continues) {
        code = resume_session(headless, err);
    }
    if (!code && (options->session || options->session_key)) {
        headless->key_scope = headless->session;
    }
    return code || !options->forks ? code : fork_session(headless, err);
}

/* On another thread: only notes and wakes. */
static void on_begun(void *ctx, const struct turn *turn, enum err_code code, const struct err *err)
{
    struct headless *headless = ctx;
    pthread_mutex_lock(&headless->lock);
    headless->begun = true;
    headless->begun_code = code;
    if (code == ERR_OK && turn) {
        headless->begun_turn = *turn;
    } else if (err) {
        headless->begun_err = *err;
    }
    pthread_mutex_unlock(&headless->lock);
    wake_signal(&headless->wake);
}

static enum err_code send_prompt(struct headless *headless, struct err *err)
{
    enum err_code code =
        engine_open(headless->store, headless->config, &headless->choice, &headless->engine, err);
    if (code) {
        return code;
    }
    signals_watch(headless->engine, headless->store);
    code = engine_start(headless->engine, err);
    const struct headless_options *options = &headless->options;
    const struct chat_extras extras = {.options = options->chat,
                                       .attachments = headless->attachments.items,
                                       .attachment_count = headless->attachments.count};
    const struct engine_order order = {.session = headless->session,
                                       .scope = sv_from(headless->scope),
                                       .prompt = buf_sv(&headless->prompt),
                                       .key = key_of(headless),
                                       .unanswered = options->unanswered,
                                       .by_run = true,
                                       .record = argument_text(headless->arguments, "record"),
                                       .has_system = options->has_system,
                                       .system = sv_from(options->system),
                                       .has_max_cost = options->has_max_cost,
                                       .max_cost_micros = options->max_cost_micros,
                                       .extras = &extras,
                                       .begun = on_begun,
                                       .ctx = headless};
    code = code ? code : headless_attach_store(&headless->attachments, headless->store, err);
    return code ? code : engine_send(headless->engine, &order, err);
}

static void remark_store(const struct headless *headless, const struct store_update *update)
{
    if (update->kind == STORE_NOT_SAVED) {
        output_remark("not saved yet: %s", update->text);
    } else if (update->kind == STORE_READY && update->recovered_answers &&
               !headless->global->quiet) {
        output_remark("%u answer%s of an earlier run recovered, %llu bytes",
                      update->recovered_answers, update->recovered_answers == 1 ? "" : "s",
                      (unsigned long long)update->recovered_bytes);
    }
}

/* What is done in another way than it was asked for. */
static void remark_notice(const struct headless *headless, const struct notice *notice)
{
    if (notice->kind == NOTICE_INFO && !headless->global->quiet) {
        output_remark("%s", notice->text);
    }
}

static void on_event(void *ctx, const struct event *event)
{
    struct headless *headless = ctx;
    if (event->topic == TOPIC_STORE) {
        remark_store(headless, (const struct store_update *)event->payload);
    } else if (event->topic == TOPIC_UI) {
        remark_notice(headless, (const struct notice *)event->payload);
    } else if (headless->have_turn && !headless->answer.ended) {
        const struct message_update *update = (const struct message_update *)event->payload;
        if (ulid_equal(&update->message, &headless->printer.turn.answer)) {
            headless->news_us = clock_mono_us();
            headless->gap =
                answer_apply_update(&headless->answer, update, &headless->printer) || headless->gap;
        }
    }
}

static void on_resync(void *ctx, uint32_t topic, const struct ulid *key)
{
    struct headless *headless = ctx;
    if ((topic & TOPIC_MESSAGE) &&
        (!ulid_is_set(key) || ulid_equal(key, &headless->printer.turn.answer))) {
        headless->gap = true;
    }
}

static void close_gap(struct headless *headless)
{
    struct message *message = NULL;
    if (headless->have_turn && headless->gap &&
        message_snapshot(headless->store, &headless->printer.turn.answer, &message, NULL) ==
            ERR_OK) {
        answer_apply_snapshot(&headless->answer, message, &headless->printer);
        headless->gap = false;
        message_free(message);
    }
}

/* The turn is there: begun now, or by who asked with the same key before. */
static enum err_code begin(struct headless *headless, const struct turn *turn, struct err *err)
{
    if (ulid_is_set(&headless->copy) && !ulid_equal(&headless->copy, &turn->session)) {
        /* Another process was faster; its copy is the one. */
        struct err why;
        if (session_delete(headless->store, &headless->copy, &why)) {
            log_write(LOG_WARN, "an unused copy stays: %s", why.text);
        }
    }
    if (turn->outcome == TURN_RUNNING && !headless->options.waits) {
        return err_set(err, ERR_BUSY,
                       "the request '%.80s' is being answered already (--wait follows it)",
                       headless->options.request_key);
    }
    headless->have_turn = true;
    headless->news_us = clock_mono_us();
    headless->printer.turn = *turn;
    headless->printer.replayed = turn->outcome == TURN_REPLAY || turn->outcome == TURN_RUNNING;
    printer_begun(&headless->printer, headless->choice.label);
    if (turn->outcome == TURN_UNANSWERED) {
        headless->printer.replayed = turn->existed;
        headless->answer.ended = true;
        return ERR_OK;
    }
    if (turn->outcome == TURN_RUNNING) {
        headless->follows = true;
        headless->look_again_us = clock_mono_us() + LOOK_AGAIN_US;
    }
    /* Updates may have passed before the answer's id was known. */
    headless->gap = true;
    return ERR_OK;
}

/* Takes what waits: the turn's beginning, updates, gaps. */
static enum err_code take_news(struct headless *headless, struct err *err)
{
    wake_drain(&headless->wake);
    pthread_mutex_lock(&headless->lock);
    bool begun = headless->begun && !headless->have_turn;
    enum err_code code = headless->begun_code;
    struct turn turn = headless->begun_turn;
    struct err why = headless->begun_err;
    pthread_mutex_unlock(&headless->lock);
    if (begun && code) {
        return err_set(err, code, "%s", why.text[0] ? why.text : err_text(code));
    }
    if (begun) {
        code = begin(headless, &turn, err);
    }
    if (code) {
        return code;
    }
    (void)subscription_drain(headless->subscription, 0, on_event, headless);
    (void)subscription_take_resync(headless->subscription, on_resync, headless);
    close_gap(headless);
    return ERR_OK;
}

/* What is stored with an answer that a limit ends; nothing where the reader went away. */
static const char *why_stopped(const struct headless *headless)
{
    return headless->cost_passed ? "the answer passed --max-cost"
           : headless->timed_out ? "the time limit was reached"
                                 : NULL;
}

/* Stops the answer, once; what has come of it stays. */
static void stop_answer(struct headless *headless)
{
    if (headless->stop_us == CLOCK_NEVER) {
        /* Another process's answer goes on: its end is not waited for. */
        headless->stop_us = clock_mono_us() + (headless->follows ? 0 : STOP_US);
    }
    if (headless->have_turn && !headless->follows) {
        engine_cancel(headless->engine, &headless->printer.turn.session, why_stopped(headless));
    }
}

static void look_at_limits(struct headless *headless)
{
    bool was_stopped = headless->stop_us != CLOCK_NEVER;
    int64_t now = clock_mono_us();
    headless->timed_out = headless->timed_out || now >= headless->options.deadline_us;
    headless->reader_gone = headless->reader_gone || headless->printer.failure != 0;
    headless->cost_passed = headless->cost_passed || headless_cost_is_passed(headless);
    if ((headless->timed_out || headless->reader_gone || headless->cost_passed) && !was_stopped) {
        stop_answer(headless);
    }
    if (now >= headless->look_again_us) {
        headless->look_again_us = CLOCK_NEVER;
        headless->gap = true;
        close_gap(headless);
    }
}

/* Says once that nothing comes. Gives the time at which that would have to be said. */
static int64_t look_at_silence(struct headless *headless)
{
    if (!headless->have_turn || headless->news_us == CLOCK_NEVER) {
        return CLOCK_NEVER;
    }
    int64_t silence_us = headless->config->note_us;
    int64_t due = headless->news_us + silence_us;
    if (clock_mono_us() < due) {
        return due;
    }
    headless->news_us = CLOCK_NEVER;
    if (headless->printer.tells_progress) {
        output_remark("nothing new for %g s", (double)silence_us / 1e6);
    }
    return CLOCK_NEVER;
}

/* Waits until something of interest happens. */
static void wait_for_news(struct headless *headless)
{
    int64_t silence = look_at_silence(headless);
    silence = silence < headless->look_again_us ? silence : headless->look_again_us;
    int64_t deadline =
        headless->stop_us != CLOCK_NEVER ? headless->stop_us : headless->options.deadline_us;
    bool uses_stdout = !headless->printer.output_path && !headless->reader_gone;
    struct pollfd fds[] = {
        {.fd = subscription_fd(headless->subscription), .events = POLLIN},
        {.fd = headless->wake.read_fd, .events = POLLIN},
        {.fd = signals_fd(), .events = POLLIN},
        {.fd = uses_stdout ? STDOUT_FILENO : -1, .events = 0},
    };
    if (poll(fds, COUNT_OF(fds), clock_poll_ms(silence < deadline ? silence : deadline)) <= 0) {
        return;
    }
    headless->stopped_by_signal = fds[2].revents != 0;
    if (fds[3].revents & POLLERR) {
        headless->reader_gone = true;
    }
}

static enum err_code follow(struct headless *headless, struct err *err)
{
    while (!headless->answer.ended && !headless->stopped_by_signal) {
        bool turn_before = headless->have_turn;
        enum err_code code = take_news(headless, err);
        if (code || headless->answer.ended) {
            return code;
        }
        look_at_limits(headless);
        if (headless->answer.ended) {
            return ERR_OK;
        }
        if (headless->stop_us != CLOCK_NEVER && headless->have_turn && !turn_before) {
            stop_answer(headless);
        }
        if (clock_mono_us() >= headless->stop_us) {
            return ERR_OK;
        }
        wait_for_news(headless);
    }
    return ERR_OK;
}

/* Ends engine and store, then takes what they said last. Gives the signal's number, or 0. */
static int shut_down(struct headless *headless, struct err *err)
{
    int number = signals_release();
    enum finish_reason reason =
        headless->timed_out || headless->reader_gone || headless->cost_passed ? FINISH_CANCELED
                                                                              : FINISH_INTERRUPTED;
    if (headless->engine &&
        engine_stop(headless->engine, reason, clock_mono_us() + STOP_US) != ERR_OK) {
        output_remark("the connection did not end in time");
    }
    if (headless->store) {
        (void)store_close(headless->store, clock_mono_us() + CLOSE_US, err);
    }
    signals_closed();
    if (headless->subscription && !headless->answer.ended) {
        struct err late = {0};
        (void)take_news(headless, &late);
    }
    return number;
}

/* A prompt that could not be stored may be nowhere else. */
static void give_prompt_back(const struct headless *headless, const struct outcome *outcome)
{
    bool store_failed = outcome->code == ERR_DISK_FULL || outcome->code == ERR_IO ||
                        outcome->code == ERR_READ_ONLY || outcome->code == ERR_CANNOT_CREATE ||
                        outcome->code == ERR_BUSY || outcome->code == ERR_CORRUPT;
    if (store_failed && !headless->have_turn && headless->prompt.n > 0) {
        struct buf safe = BUF_INIT(BUF_MAX_INTERNAL);
        output_remark("the prompt was not sent:");
        (void)safe_append(&safe, buf_sv(&headless->prompt), SAFE_DEFAULT);
        buf_append_byte(&safe, '\n');
        (void)output_write(STDERR_FILENO, buf_sv(&safe));
        buf_release(&safe);
    }
}

static void release(struct headless *headless)
{
    if (headless->fetches) {
        pthread_join(headless->fetcher, NULL);
    }
    if (headless->engine && engine_stop(headless->engine, FINISH_INTERRUPTED,
                                        clock_mono_us() + LATE_END_US) != ERR_OK) {
        /* Its thread still uses all of this; the process is about to end. */
        return;
    }
    broker_unsubscribe(headless->subscription);
    engine_free(headless->engine);
    store_free(headless->store);
    broker_free(headless->broker);
    model_choice_release(&headless->choice);
    config_free(headless->config);
    answer_release(&headless->answer);
    buf_release(&headless->prompt);
    buf_release(&headless->fingerprint);
    free(headless->scope);
    headless_attachments_release(&headless->attachments);
    headless_options_release(&headless->options);
    wake_close(&headless->wake);
    pthread_mutex_destroy(&headless->lock);
    free(headless);
}

static int run(const struct global_options *global, const struct arguments *arguments)
{
    struct headless *headless = xcalloc(1, sizeof *headless);
    *headless = (struct headless){.global = global,
                                  .arguments = arguments,
                                  .prompt = BUF_INIT(2 * HEADLESS_INPUT_MAX),
                                  .fingerprint = BUF_INIT(BUF_MAX_INTERNAL),
                                  .look_again_us = CLOCK_NEVER,
                                  .stop_us = CLOCK_NEVER,
                                  .wake = WAKE_INIT};
    pthread_mutex_init(&headless->lock, NULL);
    answer_init(&headless->answer);
    struct err err = {0};
    int exit_code = 0;
    enum err_code code = headless_options_read(arguments, &headless->options, &err);
    set_up_printer(headless);
    if (code) {
        const struct outcome wrong = {exit_code_of(code), code, err.text, FINISH_ERROR};
        exit_code = printer_result(&headless->printer, &headless->answer, &wrong);
        release(headless);
        return exit_code;
    }
    code = prepare(headless, &err);
    code = code ? code : open_database(headless, &err);
    code = code ? code : find_session(headless, &err);
    code = code ? code : send_prompt(headless, &err);
    code = code ? code : follow(headless, &err);
    struct err close_err = {0};
    int number = shut_down(headless, &close_err);
    struct outcome outcome = headless_judge(headless, number, code ? &err : &close_err);
    if (headless->answer.ended) {
        printer_finish(&headless->printer, &headless->answer);
    }
    exit_code = printer_result(&headless->printer, &headless->answer, &outcome);
    give_prompt_back(headless, &outcome);
    release(headless);
    return exit_code;
}

const struct command command_run = {
    .name = "run",
    .operands = "[PROMPT...]",
    .summary = "one turn without the screen: prompt in, answer on stdout",
    .details =
        "The prompt is what stands on the command line, then, after a blank line, what comes on\n"
        "stdin if that is a file or a pipe ('-' insists on it). Examples:\n"
        "\n"
        "  weir run \"Name three rivers\"\n"
        "  git diff | weir run \"Write a commit message\"\n"
        "  weir run -c --json \"And three lakes\" | jq -r .text\n"
        "  weir run -m demo \"Show me a table\"\n"
        "  weir run -a src/ -x \"Write a Makefile for this\" > Makefile\n"
        "  weir run --request-id build-4711 --wait \"Summarise\" < build.log\n"
        "\n"
        "The answer goes to stdout, everything else to stderr. stream-json prints one object for\n"
        "each event; the last one is always the result, as json prints it.\n"
        "\n"
        "With --request-id a run can be repeated without asking twice: an answer that is stored "
        "is\n"
        "printed again, with its exit code; one that runs elsewhere is followed with --wait, else\n"
        "the exit code is 75; one that failed is asked for anew. The same KEY with another "
        "prompt,\n"
        "attachment or option that shapes the answer is refused (65).\n",
    .options = headless_option_specs,
    .run = run,
};
