/*
 * Run: the life of one turn on the engine's thread: storing → preparing → streaming → ended,
 * with waits between tries at the provider (attempt.c).
 *
 * A run is freed when its last event is on the disk and no order for it is on its way. Stopping it
 * works at every stage: before the turn is stored the wish is kept, after it the answer is ended at
 * once and stragglers are dropped.
 */
#include <stdlib.h>

#include "app/budgeting.h"
#include "app/engine_internal.h"
#include "app/titles.h"
#include "app/window.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "ui/notice.h"

static void free_asked(struct asked *asked)
{
    free(asked->scope);
    free(asked->prompt);
    free(asked->system);
    free(asked->key);
    free(asked->key_scope);
    free(asked->fingerprint);
    free(asked->record);
    free(asked->extras);
}

void run_free(struct run *run)
{
    if (!run) {
        return;
    }
    reply_release(&run->reply);
    player_free(run->player);
    run_record_end(run);
    prepared_release(&run->request);
    target_unref(run->target);
    key_free(run->key);
    free_asked(&run->asked);
    free(run);
}

static struct asked copy_order(const struct engine_order *order)
{
    struct sv empty = SV("");
    return (struct asked){
        .kind = order->kind,
        .turn = order->turn,
        .at = order->at,
        .scope = sv_dup_or_null(order->scope),
        .prompt = xstrndup(order->prompt.p ? order->prompt.p : "", order->prompt.n),
        .prompt_n = order->prompt.n,
        .system = order->has_system
                      ? xstrndup(order->system.p ? order->system.p : empty.p, order->system.n)
                      : NULL,
        .key = sv_dup_or_null(order->key.key),
        .key_scope = sv_dup_or_null(order->key.scope),
        .fingerprint = sv_dup_or_null(order->key.fingerprint),
        .record = xstrdup(order->record),
        .unanswered = order->unanswered,
        .by_run = order->by_run,
        .max_cost_micros = order->has_max_cost ? order->max_cost_micros : -1,
        .extras = chat_extras_copy(order->extras),
    };
}

struct run *run_new(struct engine *engine, const struct engine_order *order)
{
    struct run *run = xcalloc(1, sizeof(*run));
    run->engine = engine;
    run->session = order->session;
    run->asked = copy_order(order);
    run->retry_us = CLOCK_NEVER;
    run->begun = order->begun;
    run->begun_ctx = order->ctx;
    return run;
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
    attempt_book(run, event);
    run_let_go(run);
    run_record(run, event);
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
    notice_publish(run->engine->broker, NOTICE_SEND_FAILED, &run->session, err.text,
                   run->asked.prompt);
}

/* What names the attachments in the prompt: their content is the store's. */
static struct turn_attachment *list_attachments(const struct chat_extras *extras)
{
    struct turn_attachment *list = xcalloc(extras->attachment_count + 1, sizeof(*list));
    for (size_t i = 0; i < extras->attachment_count; i++) {
        const struct chat_attachment *from = &extras->attachments[i];
        list[i] = (struct turn_attachment){from->id, from->name.n > 0 ? from->name : from->id,
                                           from->media_type};
    }
    return list;
}

static enum err_code begin_turn(struct run *run, struct err *err)
{
    const struct asked *asked = &run->asked;
    struct turn_attachment *attachments = list_attachments(asked->extras);
    struct turn_request request = {
        .kind = asked->kind,
        .id = asked->turn,
        .session = run->session,
        .at = asked->at,
        .scope = sv_from(asked->scope),
        .prompt = sv_of(asked->prompt, asked->prompt_n),
        .model = sv_from(run->target->label),
        .attachments = attachments,
        .attachment_count = asked->extras->attachment_count,
        .key = {sv_from(asked->key_scope), sv_from(asked->key), sv_from(asked->fingerprint)},
        .unanswered = asked->unanswered,
        .by_run = asked->by_run,
    };
    enum err_code code = turn_begin_then(run->engine->store, &request, on_stored, run, err);
    free(attachments);
    return code;
}

void run_begin(struct engine *engine, struct run *run)
{
    struct err err;
    run->target = target_ref(engine->target);
    run->next = engine->runs;
    engine->runs = run;
    run->pending++;
    enum err_code code =
        engine->stop_seen ? err_set(&err, ERR_CLOSED, "weir is ending") : begin_turn(run, &err);
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
                       run->asked.prompt);
        return;
    }
    run->turn = order->turn;
    run->session = order->turn.session;
    log_write(LOG_INFO, "the prompt is stored; session %s, answer %s", run->session.text,
              run->turn.answer.text);
    /* Whoever hears that it has begun may ask whether it runs here. */
    engine_note_running(engine);
    notice_publish(engine->broker, NOTICE_BEGUN, &run->session, NULL, NULL);
    if (run->turn.outcome != TURN_BEGUN) {
        run->stage = STAGE_ENDED;
        return;
    }
    struct err err;
    run->stage = STAGE_PREPARING;
    if (run->stop_reason != FINISH_NONE) {
        run_stop(run, run->stop_reason, run->stop_why.text);
    } else if (prepare_start(run, &err) == ERR_OK) {
        run->pending++;
    } else {
        run_end_failed(run, &err);
    }
}

static void load_next(struct run *run)
{
    int64_t delay = 0;
    run->has_next = player_next(run->player, &delay, &run->next_event);
    run->next_us += delay;
}

static void send_request(struct run *run)
{
    run->stage = STAGE_STREAMING;
    run_record_begin(run);
    attempt_begin(run);
}

/* On the writer's thread. */
static void on_reserved(void *ctx, enum err_code code, const struct err *err)
{
    post_for(ctx, ORDER_RESERVED, code, err, NULL);
}

/* Nothing is reserved where nothing is limited. */
static enum err_code reserve(struct run *run, bool *ret_waits, struct err *err)
{
    struct engine *engine = run->engine;
    const struct budget_question question = {
        .config = engine->config,
        .provider = &run->target->provider,
        .model = run->target->model,
        .label = run->target->label,
        .body_bytes = run->request.body.n,
        .max_output =
            run->asked.extras->options.has_max_tokens ? run->asked.extras->options.max_tokens : -1,
        .max_cost_micros = run->asked.max_cost_micros,
    };
    struct budget_claim claim;
    enum err_code code = budget_claim_make(&question, &claim, err);
    *ret_waits = code == ERR_OK && budget_is_limited(&claim.limits);
    if (*ret_waits) {
        code =
            budget_reserve_then(engine->store, &run->turn.attempt, &claim, on_reserved, run, err);
    }
    return code;
}

static void take_request(struct run *run, struct order *order)
{
    struct err err;
    bool waits = false;
    prepared_release(&run->request);
    key_free(run->key);
    run->request = order->prepared;
    order->prepared = (struct prepared){0};
    run->key = run->request.key;
    run->request.key = NULL;
    if (run->tries > 0) {
        /* Made anew for another try; what it may cost is reserved. */
        attempt_begin(run);
    } else if (reserve(run, &waits, &err)) {
        run_end_failed(run, &err);
    } else if (waits) {
        run->stage = STAGE_RESERVING;
        run->pending++;
    } else {
        send_request(run);
    }
}

void run_on_prepared(struct run *run, struct order *order)
{
    run->pending--;
    if (run->stage != STAGE_PREPARING) {
        return;
    }
    if (order->code) {
        run_end_failed(run, &order->err);
    } else if (order->prepared.player) {
        run->stage = STAGE_STREAMING;
        run->player = order->prepared.player;
        order->prepared.player = NULL;
        run->next_us = clock_mono_us();
        run_record_begin(run);
        load_next(run);
    } else {
        take_request(run, order);
    }
}

void run_on_reserved(struct run *run, const struct order *order)
{
    run->pending--;
    if (run->stage != STAGE_RESERVING) {
        return;
    }
    if (order->code) {
        run_end_failed(run, &order->err);
    } else {
        send_request(run);
    }
}

void run_on_saved(struct run *run)
{
    run->pending--;
    log_write(LOG_INFO, "answer %s has ended", run->turn.answer.text);
    if (!run->engine->stop_seen) {
        titles_make(run->engine, &run->session);
        if (run->content && !run->player) {
            window_ask(run->engine, run->target);
        }
    }
}

void run_stop(struct run *run, enum finish_reason reason, const char *why)
{
    if (run->stage == STAGE_STORING) {
        run->stop_reason = reason;
        (void)err_set(&run->stop_why, ERR_CANCELLED, "%s", why);
    } else if (run->stage != STAGE_ENDED) {
        struct stream_event event = {.kind = STREAM_FINISH, .reason = reason, .text = sv_from(why)};
        run_end_with(run, &event);
    }
}

/* ---- what has its time: players, and tries that wait ---- */

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

void run_append_redacted(const struct run *run, struct sv text, struct buf *out)
{
    key_redact(run->key, (const char *const *)run->target->provider.headers, text, out);
}
