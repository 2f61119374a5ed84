/*
 * What broker.c, subscription.c, ring.c and marks.c share; nobody above the floor includes it.
 *
 * Threads and locks are described at the head of broker.c. Functions here that take a ring or marks
 * are called with the owning subscription's lock held, or on a copy that nobody else can see.
 */
#ifndef WEIR_PUBSUB_BROKER_INTERNAL_H
#define WEIR_PUBSUB_BROKER_INTERNAL_H

#include <pthread.h>

#include "base/idmap.h"
#include "base/wake.h"
#include "pubsub/broker.h"

enum waiter_state { WAITER_WAITS, WAITER_HANDED_OVER, WAITER_LOST };

/* A publisher that waits on a full subscription; lives as long as its call of broker_publish_must.
 */
struct waiter {
    struct subscription *subscription; /* NULL: no wait here. The publisher's own. */
    enum waiter_state state;           /* guarded by the subscription's lock */
};

struct entry {
    struct event event;    /* owns a reference, but borrows while `waiter` is set */
    uint64_t seq;          /* order of arrival within the subscription, over all lanes */
    int64_t deadline;      /* parked entries only */
    struct waiter *waiter; /* the publisher that waits for room for this entry, or NULL */
};

/* Queue of entries. Grows by doubling; its owner holds the limit. A zeroed struct is empty. */
struct ring {
    struct entry *slots;
    size_t cap; /* 0 or a power of two */
    size_t head;
    size_t count;
};

struct entry *ring__at(const struct ring *ring, size_t index); /* index < count */
void ring__push(struct ring *ring, const struct entry *entry);
struct entry ring__pop(struct ring *ring); /* count > 0 */
/* Takes out the entry at `index`, moving the shorter side; the order of the rest stays. */
struct entry ring__remove(struct ring *ring, size_t index);
/* Frees the slots of an empty ring that has grown large. */
void ring__relax(struct ring *ring);
/* Frees the slots and drops the references that the entries own. */
void ring__release(struct ring *ring);

/* Distinct keys that are told apart; one more makes one mark for everything. */
#define MARKS_MAX 4096u

/* The resync marks of a subscription. A zeroed struct is empty. */
struct marks {
    struct idmap keys; /* key -> topic of the last loss, as a number */
    uint32_t topics;   /* all topics that were marked, as bits */
    uint32_t unkeyed;  /* topics of the mark with an unset key; 0: no such mark */
    bool everything;   /* too many keys: all marks became the one with the unset key */
};

void marks__set(struct marks *marks, uint32_t topic, const struct ulid *key);
bool marks__any(const struct marks *marks);
/* Gives the next mark, the one with the unset key first: start with *cursor = 0; false at the end.
 */
bool marks__next(const struct marks *marks, size_t *cursor, uint32_t *ret_topic,
                 struct ulid *ret_key);
void marks__release(struct marks *marks);

/* Totals over all subscriptions, also those that are gone. */
struct totals {
    atomic_uint_least64_t published, delivered, dropped, parked, undelivered;
};

struct subscription {
    struct broker *broker;
    struct totals *totals;  /* the broker's */
    int64_t parked_wait_us; /* the broker's */
    struct wake wake;
    uint32_t topics;
    size_t lossy_events, lossy_bytes, must_events, parked_events; /* limits */
    atomic_uint references; /* the subscriber's handle, each roster, each drain */

    /* Guards everything below, and the state of the waiters in `overflow`. Leaf. */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a waiter's state, or `depth` became 0 */
    struct ring lossy, must, overflow;
    size_t lossy_used;  /* bytes in `lossy` */
    size_t parked;      /* entries of `overflow` that nobody waits for */
    uint64_t seq;       /* of the next entry */
    struct marks marks; /* keys that lost events */
    struct subscription_counters counters;
    pthread_t consumer; /* who runs handlers; valid while depth > 0 */
    unsigned depth;     /* calls of subscription_drain and _take_resync that run, nested */
    bool draining;
    bool signalled; /* the descriptor is readable, or is about to be */
    bool closed;    /* by broker_close: takes nothing more, hands out what it holds */
    bool gone;      /* by broker_unsubscribe: holds nothing any more */
};

enum offer {
    OFFER_TAKEN, /* queued, parked, or nobody there any more to take it */
    OFFER_LOST,  /* counted and marked */
    OFFER_FULL,  /* nothing happened: no room, and no waiter was given */
    OFFER_WAITS, /* the waiter has its place; lanes__await comes next */
};

enum offer lanes__offer_lossy(struct subscription *sub, const struct event *event);
enum offer lanes__offer_parked(struct subscription *sub, const struct event *event);
/* `waiter` may be NULL: then a full subscription is told, and no wait begins. */
enum offer lanes__offer_must(struct subscription *sub, const struct event *event,
                             struct waiter *waiter);
/* Waits until the entry was handed over or lost, at most until `deadline`. True: handed over. */
bool lanes__await(struct waiter *waiter, int64_t deadline);
/* Takes the oldest entry whose number is below `end`; the reference becomes the caller's. */
bool lanes__take(struct subscription *sub, uint64_t end, struct entry *ret_entry);
/* Locks, after parked entries that are overdue were counted, marked and let go of. */
void lanes__lock_settled(struct subscription *sub);

/* These three with the lock held. */
bool lanes__something_waits(const struct subscription *sub);
/* True: the caller has to signal the descriptor once it has unlocked. */
bool lanes__arm(struct subscription *sub);
/* Ends every wait; the events count as undelivered. */
void lanes__end_waits(struct subscription *sub);

/* The caller is inside a handler of this subscription. Locked. */
bool subscription__is_consumer(const struct subscription *sub);
void subscription__close(struct subscription *sub);
struct subscription *subscription__ref(struct subscription *sub);
void subscription__unref(struct subscription *sub);

/* Ties the subscription to the broker. ERR_CLOSED when that is closed. */
enum err_code broker__add(struct broker *broker, struct subscription *sub,
                          struct err *err) NODISCARD;
void broker__remove(struct broker *broker, struct subscription *sub);

#endif
