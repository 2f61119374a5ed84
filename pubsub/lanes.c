/*
 * The queues of one subscription: what publishers put in, and what a drain takes out.
 *
 * Invariant: `overflow` is empty unless `must` is full. So an event goes straight into `must`
 * exactly when there is room, and entries leave for `must` in the order of their arrival. Events of
 * waiting publishers stand among the parked ones, which is why nobody overtakes them.
 */
#include <assert.h>

#include "base/clock.h"
#include "pubsub/broker_internal.h"

/* Overdue entries that one publish lets go of, so that it stays quick after a long stall. */
enum { EXPIRE_BATCH = 8 };

/* What a visit under the lock leaves to be done once it is released. */
struct visit {
    struct payload *dead[EXPIRE_BATCH];
    size_t dead_n;
};

static void count(uint64_t *own, atomic_uint_least64_t *total)
{
    ++*own;
    atomic_fetch_add_explicit(total, 1, memory_order_relaxed);
}

static void drop(struct subscription *sub, const struct event *event)
{
    count(&sub->counters.dropped, &sub->totals->dropped);
    marks__set(&sub->marks, event->topic, &event->key);
}

static void fail(struct subscription *sub, const struct event *event)
{
    count(&sub->counters.undelivered, &sub->totals->undelivered);
    marks__set(&sub->marks, event->topic, &event->key);
}

/* Lets go of overdue entries. Parked ones are in the order of their deadlines; publishers that wait
 * watch their own and are passed over. */
static void expire(struct subscription *sub, struct visit *visit)
{
    int64_t now;
    size_t i = 0;

    visit->dead_n = 0;
    if (sub->parked == 0) {
        return;
    }
    now = clock_mono_us();
    while (i < sub->overflow.count && visit->dead_n < EXPIRE_BATCH) {
        struct entry *entry = ring__at(&sub->overflow, i);

        if (entry->waiter != NULL) {
            i++;
            continue;
        }
        if (entry->deadline > now) {
            return;
        }
        fail(sub, &entry->event);
        visit->dead[visit->dead_n++] = entry->event.payload;
        sub->parked--;
        (void)ring__remove(&sub->overflow, i);
    }
}

static void begin(struct subscription *sub, struct visit *visit)
{
    pthread_mutex_lock(&sub->lock);
    expire(sub, visit);
}

static void end(struct subscription *sub, const struct visit *visit)
{
    bool signal = lanes__arm(sub);

    pthread_mutex_unlock(&sub->lock);
    if (signal) {
        wake_signal(&sub->wake);
    }
    for (size_t i = 0; i < visit->dead_n; i++) {
        payload_unref(visit->dead[i]);
    }
}

void lanes__lock_settled(struct subscription *sub)
{
    struct visit visit;

    begin(sub, &visit);
    while (visit.dead_n > 0) {
        end(sub, &visit);
        begin(sub, &visit);
    }
}

bool lanes__something_waits(const struct subscription *sub)
{
    return sub->closed || sub->lossy.count > 0 || sub->must.count > 0 || marks__any(&sub->marks);
}

bool lanes__arm(struct subscription *sub)
{
    if (sub->signalled || !lanes__something_waits(sub)) {
        return false;
    }
    sub->signalled = true;
    return true;
}

static void push(struct subscription *sub, struct ring *ring, const struct event *event,
                 struct waiter *waiter)
{
    struct entry entry = {.event = *event, .seq = sub->seq++, .waiter = waiter};

    if (waiter == NULL) {
        (void)payload_ref(event->payload);
    }
    if (ring == &sub->overflow && waiter == NULL) {
        entry.deadline = clock_mono_us() + sub->parked_wait_us;
        sub->parked++;
        count(&sub->counters.parked, &sub->totals->parked);
    }
    ring__push(ring, &entry);
}

static bool lossy_fits(const struct subscription *sub, size_t bytes)
{
    if (sub->lossy.count == 0) {
        return true;
    }
    return sub->lossy.count < sub->lossy_events && sub->lossy_used <= sub->lossy_bytes &&
           bytes <= sub->lossy_bytes - sub->lossy_used;
}

enum offer lanes__offer_lossy(struct subscription *sub, const struct event *event)
{
    struct visit visit;
    enum offer offer = OFFER_TAKEN;

    begin(sub, &visit);
    if (sub->gone) {
        offer = OFFER_TAKEN;
    } else if (sub->closed || !lossy_fits(sub, event->bytes)) {
        drop(sub, event);
        offer = OFFER_LOST;
    } else {
        push(sub, &sub->lossy, event, NULL);
        sub->lossy_used += event->bytes;
    }
    end(sub, &visit);
    return offer;
}

static enum offer park(struct subscription *sub, const struct event *event)
{
    if (sub->parked >= sub->parked_events) {
        fail(sub, event);
        return OFFER_LOST;
    }
    push(sub, &sub->overflow, event, NULL);
    return OFFER_TAKEN;
}

/* What both must-deliver forms have in common: OFFER_FULL when there is no room. Locked. */
static enum offer offer_room(struct subscription *sub, const struct event *event)
{
    if (sub->gone) {
        return OFFER_TAKEN;
    }
    if (sub->closed) {
        fail(sub, event);
        return OFFER_LOST;
    }
    if (sub->must.count >= sub->must_events) {
        return OFFER_FULL;
    }
    assert(sub->overflow.count == 0);
    push(sub, &sub->must, event, NULL);
    return OFFER_TAKEN;
}

enum offer lanes__offer_parked(struct subscription *sub, const struct event *event)
{
    struct visit visit;
    enum offer offer;

    begin(sub, &visit);
    offer = offer_room(sub, event);
    if (offer == OFFER_FULL) {
        offer = park(sub, event);
    }
    end(sub, &visit);
    return offer;
}

enum offer lanes__offer_must(struct subscription *sub, const struct event *event,
                             struct waiter *waiter)
{
    struct visit visit;
    enum offer offer;

    begin(sub, &visit);
    offer = offer_room(sub, event);
    if (offer == OFFER_FULL && subscription__is_consumer(sub)) {
        /* A handler of this subscription: only this thread could make the room it waits for. */
        offer = park(sub, event);
    } else if (offer == OFFER_FULL && waiter != NULL) {
        waiter->subscription = sub;
        waiter->state = WAITER_WAITS;
        push(sub, &sub->overflow, event, waiter);
        offer = OFFER_WAITS;
    }
    end(sub, &visit);
    return offer;
}

/* Takes a waiter's entry out of the overflow; it came late, so looks from the end. Locked. */
static void give_up(struct subscription *sub, struct waiter *waiter)
{
    size_t i = sub->overflow.count;

    while (i > 0 && ring__at(&sub->overflow, i - 1)->waiter != waiter) {
        i--;
    }
    assert(i > 0);
    fail(sub, &ring__at(&sub->overflow, i - 1)->event);
    (void)ring__remove(&sub->overflow, i - 1);
    waiter->state = WAITER_LOST;
}

bool lanes__await(struct waiter *waiter, int64_t deadline)
{
    struct subscription *sub = waiter->subscription;
    struct visit visit = {.dead_n = 0};
    bool handed_over;

    pthread_mutex_lock(&sub->lock);
    while (waiter->state == WAITER_WAITS && clock_cond_wait(&sub->changed, &sub->lock, deadline)) {
    }
    if (waiter->state == WAITER_WAITS) {
        give_up(sub, waiter);
    }
    handed_over = waiter->state == WAITER_HANDED_OVER;
    end(sub, &visit);
    return handed_over;
}

void lanes__end_waits(struct subscription *sub)
{
    size_t i = 0;

    while (i < sub->overflow.count) {
        struct entry *entry = ring__at(&sub->overflow, i);

        if (entry->waiter == NULL) {
            i++;
            continue;
        }
        fail(sub, &entry->event);
        entry->waiter->state = WAITER_LOST;
        (void)ring__remove(&sub->overflow, i);
    }
    pthread_cond_broadcast(&sub->changed);
}

/* Moves entries from the overflow to where there is room now. Locked. */
static void refill(struct subscription *sub)
{
    bool handed_over = false;

    while (sub->overflow.count > 0 && sub->must.count < sub->must_events) {
        struct entry entry = ring__pop(&sub->overflow);

        if (entry.waiter != NULL) {
            entry.waiter->state = WAITER_HANDED_OVER;
            entry.waiter = NULL;
            (void)payload_ref(entry.event.payload);
            handed_over = true;
        } else {
            sub->parked--;
        }
        ring__push(&sub->must, &entry);
    }
    if (handed_over) {
        pthread_cond_broadcast(&sub->changed);
    }
}

/* The queue whose head came first, or NULL when there is none below `limit`. Locked. */
static struct ring *oldest(struct subscription *sub, uint64_t limit)
{
    struct ring *ring = NULL;

    if (sub->lossy.count > 0 && ring__at(&sub->lossy, 0)->seq < limit) {
        ring = &sub->lossy;
        limit = ring__at(ring, 0)->seq;
    }
    if (sub->must.count > 0 && ring__at(&sub->must, 0)->seq < limit) {
        ring = &sub->must;
    }
    return ring;
}

bool lanes__take(struct subscription *sub, uint64_t limit, struct entry *ret_entry)
{
    struct ring *ring;

    lanes__lock_settled(sub);
    ring = oldest(sub, limit);
    if (ring != NULL) {
        *ret_entry = ring__pop(ring);
        if (ring == &sub->lossy) {
            sub->lossy_used -= ret_entry->event.bytes;
        } else {
            refill(sub);
        }
        count(&sub->counters.delivered, &sub->totals->delivered);
    }
    pthread_mutex_unlock(&sub->lock);
    return ring != NULL;
}
