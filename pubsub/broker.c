/*
 * The broker: who subscribes, and the way of an event to all of them.
 *
 * The subscribers stand in a *roster*, which is never changed: a subscribe or unsubscribe makes a
 * new one. A publisher takes a reference to the roster and walks it without any lock of the broker;
 * a roster holds a reference to each of its subscriptions, so one that is unsubscribed meanwhile is
 * marked as gone, but its memory stays until the last publisher has passed.
 *
 * Each subscription (subscription.c) has three queues: lossy, must, and overflow, where parked
 * events and the events of waiting publishers stand in the order of arrival until `must` has room.
 * Hence: overflow holds something only while `must` is full. Each entry gets a number under the
 * subscription's lock (lanes.c), and a drain takes the lowest of the two heads, so the order of
 * arrival holds over all lanes. The blocking form offers the event to everyone first and only then
 * waits for those that were full, all with one deadline: no subscriber waits for another one.
 *
 * Locks: broker.lock (the roster pointer) and subscription.lock (queues, marks, counters, waits).
 * Both are leaves: neither is held while the other is taken, nor while a handler or a payload's
 * destructor runs. A wait is on the subscription's condition variable and holds nothing.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "pubsub/broker_internal.h"

struct roster {
    atomic_uint references;
    size_t count;
    struct subscription *list[];
};

struct broker {
    int64_t must_wait_us;
    int64_t parked_wait_us;
    struct totals totals;
    /* Guards: roster, closed. Leaf. */
    pthread_mutex_t lock;
    struct roster *roster;
    bool closed;
};

/* One reference, with `count` places that are not filled yet. */
static struct roster *roster_new(size_t count)
{
    struct roster *roster = xcalloc(1, sizeof(*roster) + count * sizeof(roster->list[0]));

    atomic_init(&roster->references, 1);
    roster->count = count;
    return roster;
}

static void roster_unref(struct roster *roster)
{
    if (atomic_fetch_sub_explicit(&roster->references, 1, memory_order_acq_rel) > 1) {
        return;
    }
    for (size_t i = 0; i < roster->count; i++) {
        subscription__unref(roster->list[i]);
    }
    free(roster);
}

/* A reference to the roster of this moment, and whether the broker is closed. */
static struct roster *roster_get(struct broker *broker, bool *ret_closed)
{
    struct roster *roster;

    pthread_mutex_lock(&broker->lock);
    roster = broker->roster;
    atomic_fetch_add_explicit(&roster->references, 1, memory_order_relaxed);
    *ret_closed = broker->closed;
    pthread_mutex_unlock(&broker->lock);
    return roster;
}

/* Clipped to a century, so that adding it to the clock never overflows. */
static int64_t wait_or(int64_t given_us, int64_t usual_us)
{
    int64_t longest_us = CLOCK_S(100LL * 365 * 24 * 3600);

    if (given_us <= 0) {
        return usual_us;
    }
    return given_us < longest_us ? given_us : longest_us;
}

struct broker *broker_new(const struct broker_options *options)
{
    struct broker *broker = xcalloc(1, sizeof(*broker));
    struct broker_options given = options == NULL ? (struct broker_options){0} : *options;

    broker->must_wait_us = wait_or(given.must_wait_us, CLOCK_MS(50));
    broker->parked_wait_us = wait_or(given.parked_wait_us, CLOCK_S(5));
    pthread_mutex_init(&broker->lock, NULL);
    broker->roster = roster_new(0);
    return broker;
}

void broker_close(struct broker *broker)
{
    struct roster *roster;
    bool closed;

    pthread_mutex_lock(&broker->lock);
    broker->closed = true;
    pthread_mutex_unlock(&broker->lock);
    /* From here on nobody is added, so this roster holds everyone who has to hear of it. */
    roster = roster_get(broker, &closed);
    for (size_t i = 0; i < roster->count; i++) {
        subscription__close(roster->list[i]);
    }
    roster_unref(roster);
}

void broker_free(struct broker *broker)
{
    if (broker == NULL) {
        return;
    }
    broker_close(broker);
    assert(broker->roster->count == 0);
    roster_unref(broker->roster);
    pthread_mutex_destroy(&broker->lock);
    free(broker);
}

/* Puts a roster in place that has all but `leaves`, and `joins`; both may be NULL. Locked. Gives
 * the old one. */
static struct roster *replace_roster(struct broker *broker, const struct subscription *leaves,
                                     struct subscription *joins)
{
    struct roster *old = broker->roster;
    struct roster *roster = roster_new(old->count + (joins != NULL ? 1 : 0));
    size_t count = 0;

    for (size_t i = 0; i < old->count; i++) {
        if (old->list[i] != leaves) {
            roster->list[count++] = subscription__ref(old->list[i]);
        }
    }
    if (joins != NULL) {
        roster->list[count++] = subscription__ref(joins);
    }
    roster->count = count;
    broker->roster = roster;
    return old;
}

enum err_code broker__add(struct broker *broker, struct subscription *sub, struct err *err)
{
    struct roster *old = NULL;

    sub->broker = broker;
    sub->totals = &broker->totals;
    sub->parked_wait_us = broker->parked_wait_us;
    pthread_mutex_lock(&broker->lock);
    if (!broker->closed) {
        old = replace_roster(broker, NULL, sub);
    }
    pthread_mutex_unlock(&broker->lock);
    if (old == NULL) {
        return err_set(err, ERR_CLOSED, "cannot subscribe: broker is closed");
    }
    roster_unref(old);
    return ERR_OK;
}

void broker__remove(struct broker *broker, struct subscription *sub)
{
    struct roster *old;

    pthread_mutex_lock(&broker->lock);
    old = replace_roster(broker, sub, NULL);
    pthread_mutex_unlock(&broker->lock);
    roster_unref(old);
}

/* Takes note of a publish; gives the roster to walk, or NULL after close. */
static struct roster *begin_publish(struct broker *broker, UNUSED const struct event *event)
{
    bool closed;
    struct roster *roster;

    assert(event->topic != 0 && (event->topic & (event->topic - 1)) == 0);
    roster = roster_get(broker, &closed);
    if (closed) {
        roster_unref(roster);
        return NULL;
    }
    atomic_fetch_add_explicit(&broker->totals.published, 1, memory_order_relaxed);
    return roster;
}

/* The forms that never wait. */
static bool publish_now(struct broker *broker, const struct event *event,
                        enum offer (*offer)(struct subscription *sub, const struct event *event))
{
    struct roster *roster = begin_publish(broker, event);
    bool all = true;

    if (roster == NULL) {
        return false;
    }
    for (size_t i = 0; i < roster->count; i++) {
        struct subscription *sub = roster->list[i];

        if ((sub->topics & event->topic) != 0 && offer(sub, event) == OFFER_LOST) {
            all = false;
        }
    }
    roster_unref(roster);
    return all;
}

bool broker_publish(struct broker *broker, const struct event *event)
{
    return publish_now(broker, event, lanes__offer_lossy);
}

bool broker_publish_parked(struct broker *broker, const struct event *event)
{
    return publish_now(broker, event, lanes__offer_parked);
}

/* Offers to everyone without waiting. Those that are full get a waiter; the array of them is made
 * when the first one is needed, so that the usual case allocates nothing. */
static bool offer_all(const struct roster *roster, const struct event *event,
                      struct waiter **waiters)
{
    bool all = true;

    for (size_t i = 0; i < roster->count; i++) {
        struct subscription *sub = roster->list[i];
        enum offer offer;

        if ((sub->topics & event->topic) == 0) {
            continue;
        }
        offer = lanes__offer_must(sub, event, NULL);
        if (offer == OFFER_FULL) {
            if (*waiters == NULL) {
                *waiters = xcalloc(roster->count, sizeof(**waiters));
            }
            offer = lanes__offer_must(sub, event, &(*waiters)[i]);
        }
        all = all && offer != OFFER_LOST;
    }
    return all;
}

bool broker_publish_must(struct broker *broker, const struct event *event)
{
    struct roster *roster = begin_publish(broker, event);
    struct waiter *waiters = NULL;
    int64_t deadline;
    bool all;

    if (roster == NULL) {
        return false;
    }
    all = offer_all(roster, event, &waiters);
    if (waiters != NULL) {
        deadline = clock_mono_us() + broker->must_wait_us;
        for (size_t i = 0; i < roster->count; i++) {
            if (waiters[i].subscription != NULL && !lanes__await(&waiters[i], deadline)) {
                all = false;
            }
        }
    }
    free(waiters);
    roster_unref(roster);
    return all;
}

struct broker_counters broker_counters(struct broker *broker)
{
    struct totals *totals = &broker->totals;
    struct broker_counters counters = {0};
    bool closed;
    struct roster *roster = roster_get(broker, &closed);

    for (size_t i = 0; i < roster->count; i++) {
        lanes__lock_settled(roster->list[i]);
        pthread_mutex_unlock(&roster->list[i]->lock);
    }
    counters.published = atomic_load_explicit(&totals->published, memory_order_relaxed);
    counters.delivered = atomic_load_explicit(&totals->delivered, memory_order_relaxed);
    counters.dropped = atomic_load_explicit(&totals->dropped, memory_order_relaxed);
    counters.parked = atomic_load_explicit(&totals->parked, memory_order_relaxed);
    counters.undelivered = atomic_load_explicit(&totals->undelivered, memory_order_relaxed);
    counters.subscribers = (unsigned)roster->count;
    roster_unref(roster);
    return counters;
}
