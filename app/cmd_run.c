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
#include "app/engine.h"
#include "app/headless.h"
#include "app/opening.h"
#include "app/output.h"
#include "app/provider.h"
#include "app/signals.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/wake.h"
#include "store/message_service.h"
#include "ui/notice.h"

#define OPEN_US CLOCK_S(30)
#define CLOSE_US CLOCK_S(5)
#define STOP_US CLOCK_S(2)
/* An answer whose end only the closing of the store decided lets its thread end a moment later. */
#define LATE_END_US CLOCK_MS(500)
#define EXIT_TIME_LIMIT 124
#define EXIT_READER_GONE 141
#define EXIT_CUT 3
#define SECONDS_MOST 1e9
/* So long without anything new is worth a remark. */
#define SILENCE_US CLOCK_S(15)

static const struct option_spec options[] = {
    {"model", 'm', OPTION_TEXT, "MODEL", "PROVIDER/MODEL, an alias, or 'demo'"},
    {"continue", 'c', OPTION_FLAG, NULL, "go on in the last session"},
    {"session", 's', OPTION_TEXT, "SESSION", "go on in this session"},
    {"system", 0, OPTION_TEXT, "TEXT|@FILE", "instructions for the model"},
    {"output-format", 0, OPTION_TEXT, "FORMAT", "text, json or stream-json (text)"},
    {"json", 0, OPTION_FLAG, NULL, "the same as --output-format json"},
    {"output", 'o', OPTION_TEXT, "FILE", "write the answer to FILE, whole or not at all"},
    {"usage", 'u', OPTION_FLAG, NULL, "tokens and cost to stderr"},
    {"no-save", 'n', OPTION_FLAG, NULL, "keep nothing of this run"},
    {"no-stdin", 0, OPTION_FLAG, NULL, "do not look at stdin"},
    {"raw", 0, OPTION_FLAG, NULL, "text as it comes, also to a terminal"},
    {"show-reasoning", 0, OPTION_FLAG, NULL, "reasoning to stderr"},
    {"timeout", 0, OPTION_NUMBER, "S", "give up after S seconds (exit 124)"},
    {"prompt", 'p', OPTION_FLAG, NULL, "as in 'weir -p PROMPT': run, without the screen"},
    {.name = NULL},
};

struct headless {
    const struct global_options *global;
    const struct arguments *arguments;
    struct config *config;
    struct model_choice choice;
    struct buf prompt;
    struct ulid session; /* to go on in, or unset */
    struct broker *broker;
    struct store *store;
    struct engine *engine;
    struct subscription *subscription;
    struct printer printer;
    struct answer answer;
    int64_t deadline_us; /* of the whole run */
    int64_t news_us;     /* when something came last; CLOCK_NEVER: its absence was remarked */
    int64_t stop_us;     /* when waiting for a stopped answer ends; CLOCK_NEVER: not stopped */
    bool timed_out, reader_gone, stopped_by_signal, gap, have_turn;

    struct wake wake;
    pthread_mutex_t lock; /* Guards: begun, begun_turn, begun_code, begun_err. Leaf. */
    bool begun;
    struct turn begun_turn;
    enum err_code begun_code;
    struct err begun_err;
};

static bool flag(const struct headless *headless, const char *name)
{
    return argument_flag(headless->arguments, name);
}

static const char *text(const struct headless *headless, const char *name)
{
    return argument_text(headless->arguments, name);
}

static enum err_code read_options(struct headless *headless, struct err *err)
{
    enum headless_format format = HEADLESS_TEXT;
    const char *name = text(headless, "output-format");
    if (name && !headless_format_parse(name, &format)) {
        return err_set(err, ERR_USAGE,
                       "--output-format is '%.40s', expected one of 'text', 'json', 'stream-json'",
                       name);
    }
    format = flag(headless, "json") ? HEADLESS_JSON : format;
    printer_init(&headless->printer, format);
    const char *path = text(headless, "output");
    headless->printer.output_path = path && strcmp(path, "-") != 0 ? path : NULL;
    headless->printer.raw = flag(headless, "raw");
    headless->printer.quiet = headless->global->quiet;
    headless->printer.tells_progress =
        !headless->global->quiet &&
        (headless->global->verbose || headless->printer.stderr_is_terminal);
    headless->printer.show_reasoning = flag(headless, "show-reasoning");
    headless->printer.show_usage = flag(headless, "usage");
    bool goes_on = flag(headless, "continue") || flag(headless, "session");
    if (goes_on && flag(headless, "no-save")) {
        return err_set(err, ERR_USAGE, "--no-save cannot go on in a session");
    }
    if (flag(headless, "continue") && flag(headless, "session")) {
        return err_set(err, ERR_USAGE, "--continue and --session exclude each other");
    }
    if (headless->printer.output_path && format == HEADLESS_STREAM_JSON) {
        return err_set(err, ERR_USAGE, "--output cannot take stream-json: redirect stdout");
    }
    if (text(headless, "timeout")) {
        double seconds = strtod(text(headless, "timeout"), NULL);
        if (seconds <= 0) {
            return err_set(err, ERR_USAGE, "--timeout takes a number of seconds above 0");
        }
        seconds = seconds < SECONDS_MOST ? seconds : SECONDS_MOST;
        headless->deadline_us = clock_mono_us() + (int64_t)(seconds * 1e6);
    }
    return ERR_OK;
}

/* What can fail before anything is opened: config, model, prompt. */
static enum err_code prepare(struct headless *headless, struct err *err)
{
    signals_flush_before_stops();
    enum err_code code = signals_start(err);
    code = code ? code : wake_open(&headless->wake, err);
    code = code ? code : open_config(headless->global, &headless->config, err);
    if (!code && text(headless, "system")) {
        char *system = NULL;
        code = headless_text_option(text(headless, "system"), &system, err);
        if (!code) {
            free(headless->config->system);
            headless->config->system = system;
        }
    }
    code = code ? code
                : model_choose(headless->config, text(headless, "model"), &headless->choice, err);
    const struct headless_input input = {.words = headless->arguments->rest,
                                         .word_count = headless->arguments->rest_count,
                                         .no_stdin = flag(headless, "no-stdin"),
                                         .quiet = headless->global->quiet,
                                         .stop_fd = signals_fd(),
                                         .deadline_us = headless->deadline_us};
    return code ? code : headless_read(&input, &headless->prompt, err);
}

static enum err_code open_database(struct headless *headless, struct err *err)
{
    char *path = NULL;
    bool is_private = flag(headless, "no-save");
    enum err_code code =
        is_private ? ERR_OK : database_path(headless->global, headless->config, &path, err);
    if (!code) {
        headless->broker = broker_new(NULL);
        struct store_options store_options = {
            .path = path, .debounce_us = headless->config->debounce_us, .broker = headless->broker};
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
    int64_t deadline = headless->deadline_us < limit ? headless->deadline_us : limit;
    return code ? code : store_wait_ready(headless->store, deadline, err);
}

static enum err_code find_session(struct headless *headless, struct err *err)
{
    const char *what = text(headless, "session");
    if (what) {
        struct session_list list = {NULL, 0, false};
        enum err_code code = named_session(headless->store, what, &list, err);
        if (!code) {
            headless->session = list.sessions[0].id;
        }
        session_list_free(&list);
        return code;
    }
    return flag(headless, "continue") ? session_last(headless->store, NULL, &headless->session, err)
                                      : ERR_OK;
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
    const struct engine_order order = {.session = headless->session,
                                       .prompt = buf_sv(&headless->prompt),
                                       .begun = on_begun,
                                       .ctx = headless};
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

static void on_event(void *ctx, const struct event *event)
{
    struct headless *headless = ctx;
    if (event->topic == TOPIC_STORE) {
        remark_store(headless, (const struct store_update *)event->payload);
    } else if (event->topic == TOPIC_UI) {
        const struct notice *notice = (const struct notice *)event->payload;
        if (notice->kind == NOTICE_PROBLEM && !headless->global->quiet) {
            output_remark("%s", notice->text);
        }
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
        headless->have_turn = true;
        headless->news_us = clock_mono_us();
        headless->printer.turn = turn;
        printer_begun(&headless->printer, headless->choice.label);
        /* Updates may have passed before the answer's id was known. */
        headless->gap = true;
    }
    (void)subscription_drain(headless->subscription, 0, on_event, headless);
    (void)subscription_take_resync(headless->subscription, on_resync, headless);
    close_gap(headless);
    return ERR_OK;
}

/* Stops the answer, once; what has come of it stays. */
static void stop_answer(struct headless *headless)
{
    if (headless->stop_us == CLOCK_NEVER) {
        headless->stop_us = clock_mono_us() + STOP_US;
    }
    if (headless->have_turn) {
        engine_cancel(headless->engine, &headless->printer.turn.session);
    }
}

static void look_at_limits(struct headless *headless)
{
    bool was_stopped = headless->stop_us != CLOCK_NEVER;
    headless->timed_out = headless->timed_out || clock_mono_us() >= headless->deadline_us;
    headless->reader_gone = headless->reader_gone || headless->printer.failure != 0;
    if ((headless->timed_out || headless->reader_gone) && !was_stopped) {
        stop_answer(headless);
    }
}

/* Says once that nothing comes. Gives the time at which that would have to be said. */
static int64_t look_at_silence(struct headless *headless)
{
    if (!headless->have_turn || headless->news_us == CLOCK_NEVER) {
        return CLOCK_NEVER;
    }
    int64_t due = headless->news_us + SILENCE_US;
    if (clock_mono_us() < due) {
        return due;
    }
    headless->news_us = CLOCK_NEVER;
    if (headless->printer.tells_progress) {
        output_remark("nothing new for %d s", (int)(SILENCE_US / 1000000));
    }
    return CLOCK_NEVER;
}

/* Waits until something of interest happens. */
static void wait_for_news(struct headless *headless)
{
    int64_t silence = look_at_silence(headless);
    int64_t deadline = headless->stop_us != CLOCK_NEVER ? headless->stop_us : headless->deadline_us;
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
        headless->timed_out || headless->reader_gone ? FINISH_CANCELED : FINISH_INTERRUPTED;
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

/* What to say of an answer that was stopped, with -n and without. */
static const char *kept(const struct headless *headless, const char *if_kept, const char *if_not)
{
    return flag(headless, "no-save") ? if_not : if_kept;
}

/* How the answer ended by itself. */
static void describe_end(const struct headless *headless, struct outcome *outcome)
{
    const struct answer *answer = &headless->answer;
    outcome->reason = answer->reason;
    switch (answer->reason) {
    case FINISH_MAX_TOKENS:
        outcome->exit_code = EXIT_CUT;
        outcome->text = "the answer was cut at the token limit";
        break;
    case FINISH_CONTENT_FILTER:
    case FINISH_REFUSAL:
        outcome->code = ERR_REFUSED;
        outcome->text = answer->reason == FINISH_REFUSAL ? "the model refused to answer"
                                                         : "a filter stopped the answer";
        break;
    case FINISH_CANCELED:
        outcome->code = ERR_CANCELLED;
        outcome->text =
            kept(headless, "cancelled from elsewhere; what came is stored", "cancelled");
        break;
    case FINISH_INTERRUPTED:
        outcome->code = answer->error ? answer->error : ERR_INTERRUPTED;
        outcome->text = answer->detail
                            ? answer->detail
                            : kept(headless, "interrupted; what came is stored", "interrupted");
        break;
    case FINISH_ERROR:
        outcome->code = answer->error ? answer->error : ERR_INTERNAL;
        outcome->text = answer->detail;
        break;
    default:
        break;
    }
    outcome->exit_code = outcome->code ? exit_code_of(outcome->code) : outcome->exit_code;
}

/* What ended the run from outside, if anything did before the answer was whole. */
static bool judge_stop(const struct headless *headless, int number, struct outcome *outcome)
{
    enum finish_reason reason = headless->answer.reason;
    bool was_stopped =
        !headless->answer.ended || reason == FINISH_CANCELED || reason == FINISH_INTERRUPTED;
    if (!was_stopped || !(number || headless->timed_out || headless->reader_gone)) {
        return false;
    }
    bool canceled = number == SIGINT || (!number && headless->answer.ended);
    *outcome = (struct outcome){
        .code = canceled ? ERR_CANCELLED : ERR_INTERRUPTED,
        .exit_code = number ? 128 + number : EXIT_READER_GONE,
        .reason = headless->answer.ended ? reason
                  : canceled             ? FINISH_CANCELED
                                         : FINISH_INTERRUPTED,
        .text = kept(headless, "stopped before the answer was whole; what came is stored",
                     "stopped before the answer was whole")};
    if (!headless->have_turn) {
        outcome->text = "stopped before the prompt was sent";
    }
    if (!number && headless->printer.failure && headless->printer.failure != EPIPE) {
        outcome->code = ERR_IO;
        outcome->exit_code = exit_code_of(ERR_IO);
        outcome->text =
            kept(headless, "cannot write to stdout; what came is stored", "cannot write to stdout");
    } else if (!number && headless->timed_out) {
        outcome->code = ERR_TIMEOUT;
        outcome->exit_code = EXIT_TIME_LIMIT;
        outcome->text = kept(headless, "the time limit was reached; what came is stored",
                             "the time limit was reached");
    }
    return true;
}

static struct outcome judge(const struct headless *headless, int number, const struct err *err)
{
    struct outcome outcome = {.reason = FINISH_ERROR};
    bool failed_first = err->code != ERR_OK && !headless->have_turn;
    if (judge_stop(headless, number, &outcome)) {
        return outcome;
    }
    if (failed_first || !headless->answer.ended) {
        outcome.code = err->code ? err->code : ERR_INTERNAL;
        outcome.text = err->text[0] ? err->text : NULL;
        outcome.exit_code = exit_code_of(outcome.code);
        return outcome;
    }
    describe_end(headless, &outcome);
    if (outcome.exit_code == 0 && err->code) {
        /* The answer is whole, but could not be saved. */
        outcome.code = err->code;
        outcome.text = err->text;
        outcome.exit_code = exit_code_of(err->code);
    }
    return outcome;
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
                                  .deadline_us = CLOCK_NEVER,
                                  .stop_us = CLOCK_NEVER,
                                  .wake = WAKE_INIT};
    pthread_mutex_init(&headless->lock, NULL);
    answer_init(&headless->answer);
    struct err err = {0};
    int exit_code = 0;
    if (read_options(headless, &err)) {
        exit_code = command_fail(&err);
        release(headless);
        return exit_code;
    }
    enum err_code code = prepare(headless, &err);
    code = code ? code : open_database(headless, &err);
    code = code ? code : find_session(headless, &err);
    code = code ? code : send_prompt(headless, &err);
    code = code ? code : follow(headless, &err);
    struct err close_err = {0};
    int number = shut_down(headless, &close_err);
    struct outcome outcome = judge(headless, number, code ? &err : &close_err);
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
        "\n"
        "The answer goes to stdout, everything else to stderr. stream-json prints one object for\n"
        "each event; the last one is always the result, as json prints it.\n",
    .options = options,
    .run = run,
};
