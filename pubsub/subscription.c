/*
 * A subscription's life: made, drained, resynced, ended. Its queues are in lanes.c.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "pubsub/broker_internal.h"

static size_t size_or(size_t given, size_t usual)
{
    return given != 0 ? given : usual;
}

static struct subscription *subscription_new(const struct subscription_options *options)
{
    struct subscription *sub = xcalloc(1, sizeof(*sub));

    sub->topics = options->topics;
    sub->lossy_events = size_or(options->lossy_events, 1024);
    sub->lossy_bytes = size_or(options->lossy_bytes, (size_t)4 << 20);
    sub->must_events = size_or(options->must_events, 256);
    sub->parked_events = size_or(options->parked_events, 4096);
    atomic_init(&sub->references, 1);
    pthread_mutex_init(&sub->lock, NULL);
    clock_cond_init(&sub->changed);
    return sub;
}

static void subscription_free(struct subscription *sub)
{
    ring__release(&sub->lossy);
    ring__release(&sub->must);
    ring__release(&sub->overflow);
    marks__release(&sub->marks);
    wake_close(&sub->wake);
    pthread_cond_destroy(&sub->changed);
    pthread_mutex_destroy(&sub->lock);
    free(sub);
}

struct subscription *subscription__ref(struct subscription *sub)
{
    atomic_fetch_add_explicit(&sub->references, 1, memory_order_relaxed);
    return sub;
}

void subscription__unref(struct subscription *sub)
{
    if (atomic_fetch_sub_explicit(&sub->references, 1, memory_order_acq_rel) == 1) {
        subscription_free(sub);
    }
}

enum err_code broker_subscribe(struct broker *broker, const struct subscription_options *options,
                               struct subscription **ret_subscription, struct err *err)
{
    struct subscription *sub = subscription_new(options);
    enum err_code code = wake_open(&sub->wake, err);

    if (code != ERR_OK) {
        (void)err_prefix(err, "cannot subscribe");
        goto out;
    }
    code = broker__add(broker, sub, err);
    if (code != ERR_OK) {
        goto out;
    }
    *ret_subscription = sub;
    return ERR_OK;
out:
    subscription__unref(sub);
    return code;
}

bool subscription__is_consumer(const struct subscription *sub)
{
    return sub->depth > 0 && pthread_equal(sub->consumer, pthread_self());
}

void broker_unsubscribe(struct subscription *sub)
{
    struct ring held[3];

    if (sub == NULL) {
        return;
    }
    broker__remove(sub->broker, sub);
    pthread_mutex_lock(&sub->lock);
    sub->gone = true;
    lanes__end_waits(sub);
    held[0] = sub->lossy;
    held[1] = sub->must;
    held[2] = sub->overflow;
    sub->lossy = sub->must = sub->overflow = (struct ring){0};
    sub->parked = 0;
    while (sub->depth > 0 && !subscription__is_consumer(sub)) {
        (void)clock_cond_wait(&sub->changed, &sub->lock, CLOCK_NEVER);
    }
    pthread_mutex_unlock(&sub->lock);
    for (size_t i = 0; i < COUNT_OF(held); i++) {
        ring__release(&held[i]);
    }
    subscription__unref(sub);
}

void subscription__close(struct subscription *sub)
{
    bool signal;

    pthread_mutex_lock(&sub->lock);
    sub->closed = true;
    lanes__end_waits(sub);
    signal = lanes__arm(sub);
    pthread_mutex_unlock(&sub->lock);
    if (signal) {
        wake_signal(&sub->wake);
    }
}

int subscription_fd(const struct subscription *sub)
{
    return sub->wake.read_fd;
}

/* Makes the caller the one that runs handlers. False when another thread does, when a drain would
 * nest in a drain, or after the end. */
static bool enter(struct subscription *sub, bool drain)
{
    bool may;

    pthread_mutex_lock(&sub->lock);
    may = !sub->gone && (sub->depth == 0 || subscription__is_consumer(sub)) &&
          !(drain && sub->draining);
    if (may) {
        sub->consumer = pthread_self();
        sub->depth++;
        sub->draining = sub->draining || drain;
        (void)subscription__ref(sub);
    }
    pthread_mutex_unlock(&sub->lock);
    return may;
}

static void leave(struct subscription *sub, bool drain)
{
    pthread_mutex_lock(&sub->lock);
    sub->depth--;
    if (drain) {
        sub->draining = false;
    }
    if (sub->depth == 0) {
        /* Read under the lock, which a descriptor that never blocks permits: a publisher that
         * comes next finds the flag down and signals anew. */
        if (!lanes__something_waits(sub)) {
            wake_drain(&sub->wake);
            sub->signalled = false;
        }
        ring__relax(&sub->lossy);
        ring__relax(&sub->must);
        ring__relax(&sub->overflow);
        pthread_cond_broadcast(&sub->changed);
    }
    pthread_mutex_unlock(&sub->lock);
    subscription__unref(sub);
}

/* Number that the next entry will get: all that is there is below. */
static uint64_t next_number(struct subscription *sub)
{
    uint64_t seq;

    pthread_mutex_lock(&sub->lock);
    seq = sub->seq;
    pthread_mutex_unlock(&sub->lock);
    return seq;
}

size_t subscription_drain(struct subscription *sub, size_t limit,
                          void (*handler)(void *ctx, const struct event *event), void *ctx)
{
    struct entry entry;
    size_t handed_out = 0;
    uint64_t end;

    if (!enter(sub, true)) {
        return 0;
    }
    end = limit == 0 ? next_number(sub) : UINT64_MAX;
    while ((limit == 0 || handed_out < limit) && lanes__take(sub, end, &entry)) {
        handler(ctx, &entry.event);
        payload_unref(entry.event.payload);
        handed_out++;
    }
    leave(sub, true);
    return handed_out;
}

static bool is_gone(struct subscription *sub)
{
    bool gone;

    pthread_mutex_lock(&sub->lock);
    gone = sub->gone;
    pthread_mutex_unlock(&sub->lock);
    return gone;
}

size_t subscription_take_resync(struct subscription *sub,
                                void (*handler)(void *ctx, uint32_t topic, const struct ulid *key),
                                void *ctx)
{
    struct marks marks;
    struct ulid key;
    uint32_t topic;
    size_t cursor = 0;
    size_t handed_out = 0;

    if (!enter(sub, false)) {
        return 0;
    }
    lanes__lock_settled(sub);
    marks = sub->marks;
    sub->marks = (struct marks){0};
    pthread_mutex_unlock(&sub->lock);
    while (!is_gone(sub) && marks__next(&marks, &cursor, &topic, &key)) {
        handler(ctx, topic, &key);
        handed_out++;
    }
    marks__release(&marks);
    leave(sub, false);
    return handed_out;
}

bool subscription_ended(struct subscription *sub)
{
    bool ended;

    lanes__lock_settled(sub);
    ended =
        sub->closed && sub->lossy.count == 0 && sub->must.count == 0 && !marks__any(&sub->marks);
    pthread_mutex_unlock(&sub->lock);
    return ended;
}

struct subscription_counters subscription_counters(struct subscription *sub)
{
    struct subscription_counters counters;

    lanes__lock_settled(sub);
    counters = sub->counters;
    counters.lossy_depth = sub->lossy.count;
    counters.must_depth = sub->must.count;
    counters.parked_depth = sub->parked;
    pthread_mutex_unlock(&sub->lock);
    return counters;
}
