/*
 * What the engine's thread is told by others: the queue of orders, and the short-lived threads that
 * bring some of them.
 */
#include "app/engine_internal.h"
#include "base/thread.h"

void engine__append_order(struct engine *engine, struct order *order)
{
    order->next = NULL;
    *engine->orders_tail = order;
    engine->orders_tail = &order->next;
}

void engine_post(struct engine *engine, struct order *order)
{
    pthread_mutex_lock(&engine->lock);
    engine__append_order(engine, order);
    pthread_mutex_unlock(&engine->lock);
    wake_signal(&engine->wake);
}

struct order *engine__take_orders(struct engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    struct order *orders = engine->orders;
    engine->orders = NULL;
    engine->orders_tail = &engine->orders;
    pthread_mutex_unlock(&engine->lock);
    return orders;
}

enum err_code engine_spawn(struct engine *engine, const char *name, void *(*main)(void *),
                           void *arg, struct err *err)
{
    pthread_t thread;
    pthread_mutex_lock(&engine->lock);
    engine->threads++;
    pthread_mutex_unlock(&engine->lock);
    enum err_code code = thread_start(&thread, name, main, arg, err);
    if (code) {
        engine_thread_ended(engine);
    } else {
        pthread_detach(thread);
    }
    return code;
}

void engine_thread_ended(struct engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    engine->threads--;
    pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
}
