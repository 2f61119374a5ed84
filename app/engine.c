/*
 * Engine: the thread, what it does with each order, its end.
 *
 * The loop: take the orders, play what the demo has due, run transfers until something happens.
 * With nothing running it sleeps on the wake-up alone. The end: STOP ends every run; the loop goes
 * on until all of them are on the disk or the caller's deadline has passed.
 */
#include <stdlib.h>

#include "app/engine_internal.h"
#include "app/window.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "ui/notice.h"

/* Between two looks for pieces of an answer: they are gathered for longer than this anyhow. */
#define REST_US CLOCK_MS(4)

enum err_code engine_new(struct store *store, const struct config *config,
                         const struct model_choice *choice, struct engine **ret_engine,
                         struct err *err)
{
    struct engine *engine = xcalloc(1, sizeof(*engine));
    engine->wake = (struct wake)WAKE_INIT;
    engine->halt = (struct wake)WAKE_INIT;
    enum err_code code = wake_open(&engine->wake, err);
    code = code ? code : wake_open(&engine->halt, err);
    if (code == ERR_OK) {
        code = http_open(&engine->http, err);
    }
    if (code) {
        wake_close(&engine->halt);
        wake_close(&engine->wake);
        free(engine);
        return code;
    }
    pthread_mutex_init(&engine->lock, NULL);
    clock_cond_init(&engine->changed);
    engine->orders_tail = &engine->orders;
    engine->recorder = recorder_new();
    http_set_rest(engine->http, config->debounce_us > REST_US ? REST_US : 0);
    engine->store = store;
    engine->broker = store_broker(store);
    engine->config = config;
    engine->target = target_new(config, &choice->provider, choice->model, NULL);
    *ret_engine = engine;
    return ERR_OK;
}

static void free_order(struct order *order)
{
    prepared_release(&order->prepared);
    target_unref(order->target);
    free(order);
}

static void post_kind(struct engine *engine, enum order_kind kind, bool yes)
{
    struct order *order = xcalloc(1, sizeof(*order));
    order->kind = kind;
    order->yes = yes;
    engine_post(engine, order);
}

/* ---- the thread ---- */

static void cancel_session(struct engine *engine, const struct order *order)
{
    for (struct run *run = engine->runs; run; run = run->next) {
        if (ulid_equal(&run->session, &order->session)) {
            run_stop(run, FINISH_CANCELED, order->err.text);
        }
    }
}

static void stop_all(struct engine *engine, enum finish_reason reason)
{
    engine->stop_seen = true;
    for (struct run *run = engine->runs; run; run = run->next) {
        run_stop(run, reason, "");
    }
}

static void preload(struct engine *engine)
{
    struct err err;
    if (engine->target->provider.type->codec && http_load(engine->http, &err)) {
        notice_publish(engine->broker, NOTICE_PROBLEM, NULL, err.text, NULL);
    }
}

static void use_target(struct engine *engine, struct order *order)
{
    target_unref(engine->target);
    engine->target = order->target;
    order->target = NULL;
    preload(engine);
    char *why = xasprintf("prompts go to %s from now on", engine->target->label);
    notice_publish(engine->broker, NOTICE_MODEL, NULL, engine->target->label, why);
    free(why);
}

static void obey(struct engine *engine, struct order *order)
{
    switch (order->kind) {
    case ORDER_SEND:
        run_begin(engine, order->run);
        break;
    case ORDER_CANCEL:
        cancel_session(engine, order);
        break;
    case ORDER_BEGUN:
        run_on_begun(order->run, order);
        break;
    case ORDER_PREPARED:
        run_on_prepared(order->run, order);
        break;
    case ORDER_RESERVED:
        run_on_reserved(order->run, order);
        break;
    case ORDER_SAVED:
        run_on_saved(order->run);
        break;
    case ORDER_LOOK:
        offer_look(engine);
        break;
    case ORDER_FOUND:
        offer_found(engine, order->server, order->yes);
        break;
    case ORDER_ANSWER:
        offer_answered(engine, order->yes);
        break;
    case ORDER_USE:
        use_target(engine, order);
        break;
    case ORDER_STOP:
        stop_all(engine, order->reason);
        break;
    }
}

/* Runs whose answer is on the disk and for which nothing is on its way any more. */
static void bury(struct engine *engine)
{
    struct run **link = &engine->runs;
    while (*link) {
        struct run *run = *link;
        if (run->stage == STAGE_ENDED && run->pending == 0) {
            *link = run->next;
            run_free(run);
        } else {
            link = &run->next;
        }
    }
}

static void obey_all(struct engine *engine)
{
    struct order *order = engine__take_orders(engine);
    while (order) {
        struct order *next = order->next;
        obey(engine, order);
        free_order(order);
        order = next;
    }
    bury(engine);
}

static void *engine_main(void *arg)
{
    struct engine *engine = arg;
    bool woken = true;
    obey_all(engine);
    if (!engine->loaded_elsewhere) {
        preload(engine);
    }
    while (!engine->stop_seen || engine->runs) {
        if (woken) {
            wake_drain(&engine->wake);
            obey_all(engine);
        }
        int64_t due = run_due(engine);
        bury(engine);
        engine_note_running(engine);
        if (!engine->stop_seen || engine->runs) {
            woken = http_poll(engine->http, engine->wake.read_fd, due);
        }
    }
    http_close(engine->http);
    engine->http = NULL;
    pthread_mutex_lock(&engine->lock);
    engine->alive = false;
    pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
    return NULL;
}

/* ---- what others call ---- */

void engine_make_titles(struct engine *engine)
{
    engine->makes_titles = true;
}

void engine_show_windows(struct engine *engine)
{
    engine->shows_windows = true;
}

int64_t engine_window_of(struct engine *engine, const char *label)
{
    return window_known(engine, label);
}

void engine_load_elsewhere(struct engine *engine)
{
    engine->loaded_elsewhere = true;
}

enum err_code engine_start(struct engine *engine, struct err *err)
{
    pthread_mutex_lock(&engine->lock);
    enum err_code code = thread_start(&engine->thread, "weir-network", engine_main, engine, err);
    engine->started = engine->alive = code == ERR_OK;
    pthread_mutex_unlock(&engine->lock);
    return code;
}

void engine_look_for_local(struct engine *engine)
{
    post_kind(engine, ORDER_LOOK, false);
}

void engine_accept_offer(struct engine *engine, bool yes)
{
    post_kind(engine, ORDER_ANSWER, yes);
}

void engine_use(struct engine *engine, const struct model_choice *choice)
{
    struct order *order = xcalloc(1, sizeof(*order));
    order->kind = ORDER_USE;
    order->target = target_new(engine->config, &choice->provider, choice->model, NULL);
    engine_post(engine, order);
}

/* Looked at and appended under one lock: an order that is taken is obeyed, or refused by
 * drop_orders. */
enum err_code engine_send(struct engine *engine, const struct engine_order *order, struct err *err)
{
    struct order *send = xcalloc(1, sizeof(*send));
    send->kind = ORDER_SEND;
    send->run = run_new(engine, order);
    pthread_mutex_lock(&engine->lock);
    bool refused = engine->stopping || !engine->started;
    if (!refused) {
        engine__append_order(engine, send);
    }
    pthread_mutex_unlock(&engine->lock);
    if (refused) {
        run_free(send->run);
        free(send);
        return err_set(err, ERR_CLOSED, "weir is ending");
    }
    wake_signal(&engine->wake);
    return ERR_OK;
}

void engine_cancel(struct engine *engine, const struct ulid *session, const char *why)
{
    struct order *order = xcalloc(1, sizeof(*order));
    order->kind = ORDER_CANCEL;
    order->session = *session;
    (void)err_set(&order->err, ERR_CANCELLED, "%s", why ? why : "");
    engine_post(engine, order);
}

static void post_stop(struct engine *engine, enum finish_reason reason)
{
    struct order *order = xcalloc(1, sizeof(*order));
    order->kind = ORDER_STOP;
    order->reason = reason;
    engine_post(engine, order);
}

enum err_code engine_stop(struct engine *engine, enum finish_reason reason, int64_t deadline_us)
{
    pthread_mutex_lock(&engine->lock);
    bool first = !engine->stopping;
    engine->stopping = true;
    pthread_mutex_unlock(&engine->lock);
    if (first) {
        /* In this order: the runs are stopped before what fails of it is heard of. */
        post_stop(engine, reason);
        wake_signal(&engine->halt);
    }
    pthread_mutex_lock(&engine->lock);
    while ((engine->alive || engine->threads > 0) &&
           clock_cond_wait(&engine->changed, &engine->lock, deadline_us)) {
    }
    bool ended = !engine->alive && engine->threads == 0;
    pthread_mutex_unlock(&engine->lock);
    recorder_flush(engine->recorder, deadline_us);
    return ended ? ERR_OK : ERR_TIMEOUT;
}

static void drop_orders(struct engine *engine)
{
    struct order *order = engine__take_orders(engine);
    while (order) {
        struct order *next = order->next;
        if (order->kind == ORDER_SEND) {
            run_refuse(order->run);
            run_free(order->run);
        }
        free_order(order);
        order = next;
    }
}

void engine_free(struct engine *engine)
{
    if (!engine) {
        return;
    }
    if (engine_stop(engine, FINISH_INTERRUPTED, clock_mono_us() + CLOCK_S(2))) {
        log_write(LOG_WARN, "the network thread did not end in time");
        return;
    }
    if (engine->started) {
        pthread_join(engine->thread, NULL);
    }
    drop_orders(engine);
    recorder_free(engine->recorder, clock_mono_us() + CLOCK_S(1));
    http_close(engine->http);
    target_unref(engine->target);
    window_forget(engine);
    buf_release(&engine->list_body);
    wake_close(&engine->halt);
    wake_close(&engine->wake);
    pthread_cond_destroy(&engine->changed);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}
