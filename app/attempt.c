/*
 * Attempt: one try after another at the provider, until something of an answer comes.
 *
 * A try that fails before the first content is made again when what failed may pass by itself, at
 * most as often as the config says, after a wait that the server asked for or that grows. After the
 * first content nothing is asked for again: that is the user's to decide. A request that is refused
 * for an option that the server or the model does not have is made once more without it.
 *
 * A part that is opened counts as content, so a try that failed leaves no part behind: decoders
 * open one only when there is something in it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#include "app/engine_internal.h"
#include "app/models.h"
#include "app/refused_option.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "ui/notice.h"

#define DAY_S 86400

static long long ms_since(int64_t then_us)
{
    return (long long)((clock_mono_us() - then_us) / 1000);
}

static void log_end(const struct run *run, const struct err *err)
{
    struct buf why = BUF_INIT(ERR_TEXT_SIZE);
    run_append_redacted(run, sv_from(err ? err->text : ""), &why);
    log_write(LOG_INFO, "the reply ended after %lld ms, %" PRIu64 " bytes%s%s",
              ms_since(run->asked_us), run->received, err ? ": " : "", buf_cstr(&why));
    buf_release(&why);
}

void attempt_let_go(struct run *run)
{
    if (run->transfer) {
        http_cancel(run->engine->http, run->transfer);
        run->transfer = NULL;
        log_end(run, NULL);
    }
    run->retry_us = CLOCK_NEVER;
}

/* ---- after a failure ---- */

static bool may_try_again(const struct run *run, const struct stream_event *failure)
{
    if (run->content || run->player || run->tries >= run->engine->config->attempts) {
        return false;
    }
    if (run->status >= 300 && run->advice != RETRY_UNSAID) {
        return run->advice == RETRY_YES;
    }
    return failure->retryable && !run->hopeless;
}

/* By the head, or else by the body; -1: not said. */
static int64_t asked_us(const struct run *run)
{
    return run->asked_wait_us >= 0 ? run->asked_wait_us : run->reply.asked_wait_us;
}

static int64_t wait_us(const struct run *run)
{
    uint32_t random = 0;
    if (getentropy(&random, sizeof(random)) != 0) {
        random = (uint32_t)clock_mono_us();
    }
    int64_t own = retry_backoff_us(run->tries, random);
    int64_t most = run->engine->config->max_wait_us;
    own = own < most ? own : most;
    return asked_us(run) > own ? asked_us(run) : own;
}

/* "; it asks to wait 90 s (until 14:32)": longer than we wait by ourselves. */
static void append_when(int64_t us, struct buf *out)
{
    int64_t seconds = (us + 999999) / 1000000;
    char text[CLOCK_LOCAL_SIZE];
    clock_format_local(clock_wall_us() + CLOCK_S(seconds),
                       seconds < DAY_S ? "%H:%M:%S" : "%Y-%m-%d %H:%M", text);
    (void)buf_appendf(out, "; it asks to wait %" PRId64 " s: try again after %s", seconds, text);
}

static void end_for_good(struct run *run, const struct stream_event *last, int64_t asked_us)
{
    struct stream_event event = *last;
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    run_append_redacted(run, last->text, &text);
    if (last->kind == STREAM_ERROR && !run->content && asked_us > 0) {
        append_when(asked_us, &text);
    }
    if (last->kind == STREAM_ERROR && !run->content && run->tries > 1) {
        (void)buf_appendf(&text, "; tried %u times", run->tries);
    }
    event.text = buf_sv(&text);
    run_end_with(run, &event);
    buf_release(&text);
}

/* What the next start is to book should this process be killed; once a try has failed, nothing. */
static void expect_cost(struct run *run, bool asks)
{
    struct err err;
    struct expected_cost expected;
    struct model_facts facts =
        models_find(run->engine->config, &run->target->provider, run->target->model);
    if (spending_expect(&run->spending, &facts, &expected) &&
        expected_cost_note(run->engine->store, &run->turn.attempt, asks ? &expected : NULL, &err)) {
        log_write(LOG_WARN, "what an answer will have cost is not noted: %s", err.text);
    }
}

static void wait_for_next(struct run *run, const struct stream_event *failure, int64_t wait)
{
    struct err err;
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    run_append_redacted(run, failure->text, &text);
    struct stream_event event = {.kind = STREAM_WAITING,
                                 .error = failure->error,
                                 .text = buf_sv(&text),
                                 .attempt = run->tries,
                                 .attempts = (unsigned)run->engine->config->attempts,
                                 .wait_us = wait};
    run_record(run, &event);
    log_write(LOG_INFO, "attempt %u failed, the next one in %" PRId64 " ms: %s", run->tries,
              wait / 1000, buf_cstr(&text));
    attempt_let_go(run);
    expect_cost(run, false);
    if (message_apply_then(run->engine->store, &run->turn.answer, &event, NULL, NULL, &err)) {
        run_end_failed(run, &err);
    } else {
        run->stage = STAGE_WAITING;
        run->retry_us = clock_mono_us() + wait;
    }
    buf_release(&text);
}

/* Says what is done without: it was asked for. */
static void ask_without(struct run *run, const struct stream_event *failure, const char *option)
{
    struct stream_event event = *failure;
    char *text = xasprintf("%s at %s does not take '%s': asked again without it",
                           run->target->label, run->request.host, option);
    run->asked_without = true;
    event.text = sv_from(text);
    notice_publish(run->engine->broker, NOTICE_INFO, &run->session, text, NULL);
    wait_for_next(run, &event, 0);
    free(text);
}

/* The option that this failure is about, which is now taken out of the request; NULL: none. */
static const char *drop_option(struct run *run, const struct stream_event *failure)
{
    bool refused = run->status == 400 || run->status == 422;
    if (!refused || failure->kind != STREAM_ERROR || run->content || run->player ||
        run->asked_without || run->tries >= run->engine->config->attempts) {
        return NULL;
    }
    const char *option = refused_option_find(buf_sv(&run->reply.body));
    return option && refused_option_drop(option, &run->request.body) ? option : NULL;
}

/* What the provider wanted back as it was it does not take: all that was said goes without it. */
static bool is_natives_fault(const struct run *run, const struct stream_event *failure)
{
    bool refused = run->status == 400 || run->status == 404 || run->status == 422;
    return refused && failure->kind == STREAM_ERROR && !run->content && !run->asked_plain &&
           run->request.has_natives && run->tries < run->engine->config->attempts &&
           refused_natives(buf_sv(&run->reply.body));
}

static void ask_plain(struct run *run, const struct stream_event *failure)
{
    struct err err;
    struct stream_event event = *failure;
    char *text = xasprintf("%s at %s does not take its earlier reasoning back: asked again without",
                           run->target->label, run->request.host);
    run->asked_plain = true;
    event.text = sv_from(text);
    notice_publish(run->engine->broker, NOTICE_INFO, &run->session, text, NULL);
    wait_for_next(run, &event, 0);
    free(text);
    if (run->stage != STAGE_WAITING) {
        return;
    }
    run->retry_us = CLOCK_NEVER;
    run->stage = STAGE_PREPARING;
    if (prepare_start(run, &err)) {
        run_end_failed(run, &err);
    } else {
        run->pending++;
    }
}

static void take_last(struct run *run, const struct stream_event *event)
{
    const char *option = drop_option(run, event);
    if (option) {
        ask_without(run, event, option);
        return;
    }
    if (is_natives_fault(run, event)) {
        ask_plain(run, event);
        return;
    }
    bool again = event->kind == STREAM_ERROR && may_try_again(run, event);
    int64_t wait = again ? wait_us(run) : 0;
    bool too_long = wait > run->engine->config->max_wait_us;
    if (again && !too_long) {
        wait_for_next(run, event, wait);
    } else {
        end_for_good(run, event, event->error == ERR_RATE_LIMIT || too_long ? asked_us(run) : 0);
    }
}

/* ---- what a decoder, or a player, emits ---- */

static void apply(struct run *run, const struct stream_event *event)
{
    struct err err;
    struct stream_event priced =
        models_priced(run->engine->config, &run->target->provider, run->target->model, event);
    run_record(run, &priced);
    enum err_code code =
        message_apply_then(run->engine->store, &run->turn.answer, &priced, NULL, NULL, &err);
    if (code == ERR_GONE || code == ERR_NOT_FOUND || code == ERR_CLOSED) {
        run_let_go(run);
    } else if (code) {
        run_end_failed(run, &err);
    }
}

/* Whether the provider may have begun to work, which is paid for: something came, or the request
 * went out and was neither refused nor failed at. */
static bool may_cost(const struct run *run, const struct stream_event *last)
{
    bool sent = run->transfer ? http_was_sent(run->transfer) : run->was_sent;
    bool failed = last->kind == STREAM_ERROR && last->error != ERR_TIMEOUT;
    return run->content || (sent && run->status < 300 && !failed);
}

/* What comes after the figures of an answer that ended by itself, such as the empty object of a
 * call without arguments, is in them. */
static bool is_told(const struct run *run, const struct stream_event *last)
{
    const struct usage *reported = &run->spending.reported;
    return last->kind == STREAM_FINISH && run_state_of_finish(last->reason) == RUN_COMPLETED &&
           reported->input_tokens >= 0 && reported->output_tokens >= 0;
}

void attempt_book(struct run *run, const struct stream_event *last)
{
    struct stream_event event = {.kind = STREAM_USAGE};
    struct err err;
    if (run->stage != STAGE_STREAMING || run->player || !may_cost(run, last) ||
        is_told(run, last)) {
        return;
    }
    struct model_facts facts =
        models_find(run->engine->config, &run->target->provider, run->target->model);
    if (!spending_estimate(&run->spending, &facts, &event.usage)) {
        return;
    }
    run_record(run, &event);
    if (message_apply_then(run->engine->store, &run->turn.answer, &event, NULL, NULL, &err)) {
        log_write(LOG_WARN, "what an answer cost was not taken: %s", err.text);
    }
}

/* What a second try may not say again in another way. */
static bool is_content(const struct stream_event *event)
{
    return event->kind != STREAM_STARTED && event->kind != STREAM_USAGE &&
           event->kind != STREAM_POSITION;
}

/* A piece of nothing would open a part. */
static bool is_empty(const struct stream_event *event)
{
    return (event->kind == STREAM_TEXT || event->kind == STREAM_REASONING) && event->text.n == 0;
}

void attempt_take(void *ctx, const struct stream_event *event)
{
    struct run *run = ctx;
    if (run->stage != STAGE_STREAMING || is_empty(event)) {
        return;
    }
    if (stream_event_is_last(event)) {
        take_last(run, event);
        return;
    }
    spending_take(&run->spending, event);
    if (!run->content && is_content(event)) {
        /* The request is not sent again: it may hold much, and the key. */
        run->content = true;
        prepared_release(&run->request);
    }
    apply(run, event);
}

/* ---- the network's answer ---- */

static void on_head(void *ctx, const struct http_head *head)
{
    struct run *run = ctx;
    log_write(LOG_INFO, "status %d after %lld ms", head->status, ms_since(run->asked_us));
    run->status = head->status;
    run->asked_wait_us = head->retry_after_us;
    run->advice = head->retry_advice;
    reply_head(&run->reply, head);
}

static void finish_reply(struct run *run, const struct err *err)
{
    run->transfer = NULL;
    log_end(run, err);
    reply_end(&run->reply, err, attempt_take, run);
    if (run->stage == STAGE_STREAMING) {
        struct err lost;
        err_set(&lost, ERR_PROTOCOL, "the answer ended without an end");
        run_end_failed(run, &lost);
    }
}

static void on_body(void *ctx, struct sv bytes)
{
    struct run *run = ctx;
    if (run->received == 0) {
        log_write(LOG_INFO, "first bytes after %lld ms", ms_since(run->asked_us));
    }
    run->received += bytes.n;
    if (!reply_body(&run->reply, bytes) && run->transfer) {
        http_cancel(run->engine->http, run->transfer);
        finish_reply(run, NULL);
    }
}

static void on_done(void *ctx, enum err_code code, const struct err *err)
{
    struct run *run = ctx;
    run->hopeless = code && !http_failed_in_passing(run->transfer);
    run->was_sent = http_was_sent(run->transfer);
    finish_reply(run, code ? err : NULL);
}

/* Forgets what the try before it left. */
static void start_anew(struct run *run)
{
    run->tries++;
    run->stage = STAGE_STREAMING;
    run->retry_us = CLOCK_NEVER;
    run->received = 0;
    run->status = 0;
    run->asked_wait_us = -1;
    run->advice = RETRY_UNSAID;
    run->hopeless = false;
    run->was_sent = false;
    run->asked_us = clock_mono_us();
    spending_begin(&run->spending, run->request.body.n);
}

void attempt_begin(struct run *run)
{
    static const struct http_handlers handlers = {on_head, on_body, on_done};
    const struct config *config = run->engine->config;
    const struct config_provider *provider = &run->target->provider;
    struct http_request request = {
        .url = run->request.url,
        .headers = (const char *const *)run->request.headers,
        .body = buf_sv(&run->request.body),
        .proxy = provider->proxy,
        .ca_file = provider->ca_file,
        .connect_us = config->connect_us,
        .first_byte_us = config->first_byte_us,
        .idle_us = config->idle_us,
    };
    struct err err;
    char *who = xasprintf("%s at %s", run->target->label, run->request.host);
    start_anew(run);
    expect_cost(run, true);
    reply_release(&run->reply);
    reply_init(&run->reply, provider->type->codec, who, attempt_take, run);
    run->reply.no_key = provider_without_key(provider);
    log_write(LOG_INFO, "request to %s, %zu bytes", who, run->request.body.n);
    free(who);
    if (http_start(run->engine->http, &request, &handlers, run, &run->transfer, &err)) {
        run_end_failed(run, &err);
    }
}
