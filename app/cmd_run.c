/*
 * weir run: one turn without the screen.
 *
 * Everything is prepared and opened in the order in which it can fail cheaply, the prompt is sent,
 * the answer followed and printed (headless_follow.c). Whatever happens, one result ends the
 * output, and its exit code is the process's.
 */
#include <pthread.h>
#include <stdlib.h>
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
#include "base/thread.h"
#include "base/wake.h"
#include "store/history.h"
#include "ui/notice.h"

/* That a run starts while libcurl is loaded: writer, overtaker, network, prepare. */
#define THREADS 4
#define OPEN_US CLOCK_S(30)
#define CLOSE_US CLOCK_S(5)
/* An answer whose end only the closing of the store decided lets its thread end a moment later. */
#define LATE_END_US CLOCK_MS(500)

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
    struct curl_api api;
    /* What fails fails again where it is said. */
    enum err_code ignored = curl_api_load(CURL_API_LIBRARY, &api, NULL);
    (void)ignored;
    return arg;
}

/* libcurl takes longer to load than the prompt to be stored, so both are done at once. Nothing
 * depends on this thread: who needs the library first waits for it. */
static void fetch_ahead(struct headless *headless)
{
    if (headless->choice.provider.type->codec) {
        thread_reserve(1 + THREADS);
        headless->fetches =
            thread_start(&headless->fetcher, "weir-load", fetch_main, NULL, NULL) == ERR_OK;
    }
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

static enum err_code send_prompt(struct headless *headless, struct err *err)
{
    enum err_code code =
        engine_new(headless->store, headless->config, &headless->choice, &headless->engine, err);
    if (code) {
        return code;
    }
    signals_watch(headless->engine, headless->store);
    if (headless->fetches) {
        engine_load_elsewhere(headless->engine);
    }
    code = engine_start(headless->engine, err);
    const struct headless_options *options = &headless->options;
    const struct chat_extras extras = {.options = options->chat,
                                       .attachments = headless->attachments.items,
                                       .attachment_count = headless->attachments.count};
    const struct engine_order order = {.session = headless->session,
                                       .scope = sv_from(headless->scope),
                                       .prompt = buf_sv(&headless->prompt),
                                       .key = headless__key(headless),
                                       .unanswered = options->unanswered,
                                       .by_run = true,
                                       .record = argument_text(headless->arguments, "record"),
                                       .has_system = options->has_system,
                                       .system = sv_from(options->system),
                                       .has_max_cost = options->has_max_cost,
                                       .max_cost_micros = options->max_cost_micros,
                                       .extras = &extras,
                                       .begun = headless__on_begun,
                                       .ctx = headless};
    code = code ? code : headless_attach_store(&headless->attachments, headless->store, err);
    code = code ? code : engine_send(headless->engine, &order, err);
    if (!code) {
        /* The prompt is being stored; its request reads it back. */
        history_warm(headless->store);
    }
    return code;
}

/* Ends engine and store, then takes what they said last. Gives the signal's number, or 0. */
static int shut_down(struct headless *headless, struct err *err)
{
    int number = signals_release();
    enum finish_reason reason =
        headless->timed_out || headless->reader_gone || headless->cost_passed ? FINISH_CANCELED
                                                                              : FINISH_INTERRUPTED;
    if (headless->engine &&
        engine_stop(headless->engine, reason, clock_mono_us() + HEADLESS_STOP_US) != ERR_OK) {
        output_remark("the connection did not end in time");
    }
    if (headless->store) {
        (void)store_close(headless->store, clock_mono_us() + CLOSE_US, err);
    }
    signals_closed();
    if (headless->subscription && !headless->answer.ended) {
        struct err late = {0};
        (void)headless__take_news(headless, &late);
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
    thread_reserve_end();
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
    code = code ? code : headless__find_session(headless, &err);
    code = code ? code : send_prompt(headless, &err);
    code = code ? code : headless__follow(headless, &err);
    struct err close_err = {0};
    int number = shut_down(headless, &close_err);
    struct outcome outcome = headless__judge(headless, number, code ? &err : &close_err);
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
        "With --request-id a run can be repeated without asking twice: an answer that is stored\n"
        "is printed again, with its exit code; one that runs elsewhere is followed with --wait,\n"
        "else the exit code is 75; one that failed is asked for anew. The same KEY with another\n"
        "prompt, attachment or option that shapes the answer is refused (65).\n",
    .options = headless_option_specs,
    .run = run,
};
