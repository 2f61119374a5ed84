/*
 * Run: the life of one turn on the engine's thread: storing → preparing → streaming → ended.
 *
 * A run is freed when its last event is on the disk and no order for it is on its way. Stopping it
 * works at every stage: before the turn is stored the wish is kept, after it the answer is ended at
 * once and stragglers are dropped.
 */
#include <stdlib.h>

#include "app/engine_internal.h"
#include "app/models.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "ui/notice.h"

void run_free(struct run *run)
{
    if (!run) {
        return;
    }
    reply_release(&run->reply);
    demo_player_free(run->player);
    target_unref(run->target);
    key_free(run->key);
    free(run->prompt);
    free(run->extras);
    free(run);
}

static void post_for(struct run *run, enum order_kind kind, enum err_code code,
                     const struct err *err, const struct turn *turn)
{
    struct order *order = xcalloc(1, sizeof(*order));
    order->kind = kind;
    order->run = run;
    order->code = code;
    if (code && err) {
        order->err = *err;
    } else if (turn) {
        order->turn = *turn;
    }
    engine_post(run->engine, order);
}

/* On the writer's thread. */
static void on_stored(void *ctx, const struct turn *turn, enum err_code code, const struct err *err)
{
    struct run *run = ctx;
    if (run->begun) {
        run->begun(run->begun_ctx, turn, code, err);
    }
    post_for(run, ORDER_BEGUN, code, err, turn);
}

/* On the writer's thread. */
static void on_last_written(void *ctx, enum err_code code, const struct err *err)
{
    post_for(ctx, ORDER_SAVED, code, err, NULL);
}

static long long ms_since(int64_t then_us)
{
    return (long long)((clock_mono_us() - then_us) / 1000);
}

static void log_reply(const struct run *run, const struct err *err)
{
    log_write(LOG_INFO, "the reply ended after %lld ms, %llu bytes%s%s", ms_since(run->asked_us),
              (unsigned long long)run->received, err ? ": " : "", err ? err->text : "");
}

/* Gives the connection and the clocks back; the answer itself is untouched. */
static void let_go(struct run *run)
{
    if (run->transfer) {
        http_cancel(run->engine->http, run->transfer);
        run->transfer = NULL;
        log_reply(run, NULL);
    }
    run->has_next = false;
    run->stage = STAGE_ENDED;
}

static void end_with(struct run *run, const struct stream_event *event)
{
    struct err err;
    let_go(run);
    if (message_apply_then(run->engine->store, &run->turn.answer, event, on_last_written, run,
                           &err) == ERR_OK) {
        run->pending++;
    } else if (err.code != ERR_GONE) {
        log_write(LOG_WARN, "the end of an answer was not taken: %s", err.text);
    }
}

static void end_failed(struct run *run, const struct err *err)
{
    struct stream_event event = {.kind = STREAM_ERROR,
                                 .reason = FINISH_ERROR,
                                 .error = err->code,
                                 .text = sv_from(err->text)};
    end_with(run, &event);
}

/* A server may say the key that it refuses, and what it says is stored. */
static void end_without_key(struct run *run, const struct stream_event *event)
{
    struct stream_event clean = *event;
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    key_redact(run->key, event->text, &text);
    clean.text = buf_sv(&text);
    end_with(run, &clean);
    buf_release(&text);
}

/* Every event of the answer comes through here, from a decoder or from the demo. */
static void take_event(void *ctx, const struct stream_event *event)
{
    struct run *run = ctx;
    struct err err;
    if (run->stage != STAGE_STREAMING) {
        return;
    }
    if (stream_event_is_last(event)) {
        end_without_key(run, event);
        return;
    }
    struct stream_event priced =
        models_priced(run->engine->config, &run->target->provider, run->target->model, event);
    enum err_code code =
        message_apply_then(run->engine->store, &run->turn.answer, &priced, NULL, NULL, &err);
    if (code == ERR_GONE || code == ERR_NOT_FOUND || code == ERR_CLOSED) {
        let_go(run);
    } else if (code) {
        end_failed(run, &err);
    }
}

void run_refuse(struct run *run)
{
    struct err err;
    err_set(&err, ERR_CLOSED, "weir is ending");
    if (run->begun) {
        run->begun(run->begun_ctx, NULL, ERR_CLOSED, &err);
    }
    notice_publish(run->engine->broker, NOTICE_SEND_FAILED, &run->session, err.text, run->prompt);
}

void run_begin(struct engine *engine, struct run *run)
{
    struct err err;
    run->target = target_ref(engine->target);
    run->next = engine->runs;
    engine->runs = run;
    struct turn_request request = {
        .session = run->session,
        .prompt = sv_of(run->prompt, run->prompt_n),
        .model = sv_from(run->target->label),
    };
    run->pending++;
    enum err_code code = engine->stop_seen
                             ? err_set(&err, ERR_CLOSED, "weir is ending")
                             : turn_begin_then(engine->store, &request, on_stored, run, &err);
    if (code) {
        on_stored(run, NULL, code, &err);
    }
}

void run_on_begun(struct run *run, const struct order *order)
{
    struct engine *engine = run->engine;
    run->pending--;
    if (order->code) {
        run->stage = STAGE_ENDED;
        notice_publish(engine->broker, NOTICE_SEND_FAILED, &run->session, order->err.text,
                       run->prompt);
        return;
    }
    run->turn = order->turn;
    run->session = order->turn.session;
    log_write(LOG_INFO, "the prompt is stored; session %s, answer %s", run->session.text,
              run->turn.answer.text);
    notice_publish(engine->broker, NOTICE_BEGUN, &run->session, NULL, NULL);
    struct err err;
    run->stage = STAGE_PREPARING;
    if (run->stop_reason != FINISH_NONE) {
        run_stop(run, run->stop_reason);
    } else if (prepare_start(run, &err) == ERR_OK) {
        run->pending++;
    } else {
        end_failed(run, &err);
    }
}

/* ---- the network's answer ---- */

static void on_head(void *ctx, const struct http_head *head)
{
    struct run *run = ctx;
    log_write(LOG_INFO, "status %d after %lld ms", head->status, ms_since(run->asked_us));
    reply_head(&run->reply, head);
}

static void finish_reply(struct run *run, const struct err *err)
{
    run->transfer = NULL;
    log_reply(run, err);
    reply_end(&run->reply, err, take_event, run);
    if (run->stage == STAGE_STREAMING) {
        struct err lost;
        err_set(&lost, ERR_PROTOCOL, "the answer ended without an end");
        end_failed(run, &lost);
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
    finish_reply(ctx, code ? err : NULL);
}

static void start_transfer(struct run *run, struct prepared *prepared)
{
    static const struct http_handlers handlers = {on_head, on_body, on_done};
    const struct config *config = run->engine->config;
    struct http_request request = {
        .url = prepared->url,
        .headers = (const char *const *)prepared->headers,
        .body = buf_sv(&prepared->body),
        .proxy = run->target->provider.proxy,
        .ca_file = run->target->provider.ca_file,
        .connect_us = config->connect_us,
        .first_byte_us = config->first_byte_us,
        .idle_us = config->idle_us,
    };
    struct err err;
    char *who = xasprintf("%s at %s", run->target->label, prepared->host);
    run->key = prepared->key;
    prepared->key = NULL;
    reply_init(&run->reply, run->target->provider.type->codec, who, take_event, run);
    log_write(LOG_INFO, "request to %s, %zu bytes", who, prepared->body.n);
    free(who);
    run->asked_us = clock_mono_us();
    if (http_start(run->engine->http, &request, &handlers, run, &run->transfer, &err)) {
        end_failed(run, &err);
    }
}

static void load_next(struct run *run)
{
    int64_t delay = 0;
    run->has_next = demo_player_next(run->player, &delay, &run->next_event);
    run->next_us += delay;
}

void run_on_prepared(struct run *run, struct order *order)
{
    run->pending--;
    if (run->stage != STAGE_PREPARING) {
        return;
    }
    run->stage = STAGE_STREAMING;
    if (order->code) {
        end_failed(run, &order->err);
    } else if (order->prepared.player) {
        run->player = order->prepared.player;
        order->prepared.player = NULL;
        run->next_us = clock_mono_us();
        load_next(run);
    } else {
        start_transfer(run, &order->prepared);
    }
}

void run_on_saved(struct run *run)
{
    run->pending--;
    log_write(LOG_INFO, "answer %s has ended", run->turn.answer.text);
}

void run_stop(struct run *run, enum finish_reason reason)
{
    if (run->stage == STAGE_STORING) {
        run->stop_reason = reason;
    } else if (run->stage != STAGE_ENDED) {
        struct stream_event event = {.kind = STREAM_FINISH, .reason = reason};
        end_with(run, &event);
    }
}

/* ---- the demo ---- */

static void play_due(struct run *run, int64_t now)
{
    while (run->has_next && run->next_us <= now) {
        take_event(run, &run->next_event);
        if (run->has_next) {
            load_next(run);
        }
    }
}

int64_t run_play_due(struct engine *engine)
{
    int64_t due = CLOCK_NEVER;
    for (struct run *run = engine->runs; run; run = run->next) {
        play_due(run, clock_mono_us());
        if (run->has_next && run->next_us < due) {
            due = run->next_us;
        }
    }
    return due;
}
