/*
 * Run: the life of one turn on the engine's thread: storing → preparing → streaming → ended,
 * with waits between tries at the provider (attempt.c).
 *
 * A run is freed when its last event is on the disk and no order for it is on its way. Stopping it
 * works at every stage: before the turn is stored the wish is kept, after it the answer is ended at
 * once and stragglers are dropped.
 */
#include <stdlib.h>

#include "app/engine_internal.h"
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
    prepared_release(&run->request);
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

void run_let_go(struct run *run)
{
    attempt_let_go(run);
    run->has_next = false;
    run->stage = STAGE_ENDED;
}

void run_end_with(struct run *run, const struct stream_event *event)
{
    struct err err;
    run_let_go(run);
    if (message_apply_then(run->engine->store, &run->turn.answer, event, on_last_written, run,
                           &err) == ERR_OK) {
        run->pending++;
    } else if (err.code != ERR_GONE) {
        log_write(LOG_WARN, "the end of an answer was not taken: %s", err.text);
    }
}

void run_end_failed(struct run *run, const struct err *err)
{
    struct stream_event event = {.kind = STREAM_ERROR,
                                 .reason = FINISH_ERROR,
                                 .error = err->code,
                                 .text = sv_from(err->text)};
    run_end_with(run, &event);
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
        run_end_failed(run, &err);
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
        run_end_failed(run, &order->err);
    } else if (order->prepared.player) {
        run->player = order->prepared.player;
        order->prepared.player = NULL;
        run->next_us = clock_mono_us();
        load_next(run);
    } else {
        run->request = order->prepared;
        order->prepared = (struct prepared){0};
        run->key = run->request.key;
        run->request.key = NULL;
        attempt_begin(run);
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
        run_end_with(run, &event);
    }
}

/* ---- what has its time: the demo, and tries that wait ---- */

static void play_due(struct run *run, int64_t now)
{
    while (run->has_next && run->next_us <= now) {
        attempt_take(run, &run->next_event);
        if (run->has_next) {
            load_next(run);
        }
    }
}

/* When the run wants to be looked at next. */
static int64_t next_of(const struct run *run)
{
    return run->has_next && run->next_us < run->retry_us ? run->next_us : run->retry_us;
}

int64_t run_due(struct engine *engine)
{
    int64_t due = CLOCK_NEVER;
    for (struct run *run = engine->runs; run; run = run->next) {
        int64_t now = clock_mono_us();
        play_due(run, now);
        if (run->retry_us <= now) {
            attempt_begin(run);
        }
        due = next_of(run) < due ? next_of(run) : due;
    }
    return due;
}
