/*
 * Broker: publishers hand events to subscribers, over a lossy lane and a must-deliver lane.
 *
 * An event names a topic, a key (what it is about) and a payload, which is immutable and
 * reference-counted. The broker knows nothing of messages.
 *
 * Lossy lane: publishing never blocks. Where a subscription's queue is full (events or bytes) the
 * event is dropped, counted, and the subscription gets a sticky *resync* mark for that key: who
 * sees the mark asks the owner of the data for a snapshot. Must-deliver lane: a queue of its own,
 * so that a lossy flood cannot crowd it out. When it is full there are two forms. Blocking: the
 * publisher waits up to a limit. Parked: the event waits in the subscription's overflow list until
 * room comes or its deadline passes; the publisher goes on. Either way an event that could not be
 * handed over is counted as undelivered and its key is marked for resync, so even then the
 * subscriber learns of it.
 *
 * Order: a subscription hands out its events in the order in which they came to it, over all lanes;
 * so events of one publisher arrive in order, parked ones and those that waited too. Every
 * subscriber gets its own chance: one that is full delays only the blocking form, and no other
 * subscriber. Nothing wakes up by itself: a parked event that is overdue is found by what comes
 * next, a publish, a drain, a look at the marks or at the counters.
 *
 * Threads: every function from any thread, unless it says otherwise. Handlers run on the thread
 * that drains, with no lock held; they may publish, subscribe, unsubscribe (also the subscription
 * being drained) and close. Waiting in the blocking form holds no lock that another publisher,
 * subscriber or unsubscriber needs. Ownership: publishing takes its own references; the caller
 * keeps its own. Units: times are µs, deadlines are points of the monotonic clock (base/clock.h).
 */
#ifndef WEIR_PUBSUB_BROKER_H
#define WEIR_PUBSUB_BROKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/ulid.h"

struct broker;
struct subscription;

/* Embed as the first member of what is published. */
struct payload {
    atomic_uint references;
    void (*destroy)(struct payload *self); /* any thread, no lock held */
};

/* One reference, the caller's. */
void payload_init(struct payload *payload, void (*destroy)(struct payload *self));
struct payload *payload_ref(struct payload *payload);
void payload_unref(struct payload *payload); /* NULL is fine */

struct event {
    uint32_t topic;          /* exactly one bit */
    struct ulid key;         /* what the event is about; unset: nothing that could be resynced */
    struct payload *payload; /* borrowed for the call, or for the handler's run */
    size_t bytes;            /* counted against the subscription's limit */
};

struct broker_options {
    int64_t must_wait_us;   /* longest wait of the blocking form; 0: 50 ms */
    int64_t parked_wait_us; /* how long a parked event waits for room; 0: 5 s */
};

/*
 * Over all subscriptions, also those that are gone. `published` counts the calls that were not
 * refused, `parked` all that ever were. Each event ends for each subscription of its topic as one
 * of delivered (handed out), dropped (lossy lane) and undelivered (must-deliver lane), but for what
 * an unsubscribe threw away unread.
 */
struct broker_counters {
    uint64_t published, delivered, dropped, parked, undelivered;
    unsigned subscribers;
};

struct broker *broker_new(const struct broker_options *options) NODISCARD; /* NULL: defaults */
/* Refuses what comes from now on, ends every wait, wakes every subscriber. Twice is fine. Memory
 * stays. */
void broker_close(struct broker *broker);
/* Closes first. All subscriptions have to be gone and no call may be running. NULL is fine. */
void broker_free(struct broker *broker);
struct broker_counters broker_counters(struct broker *broker);

/* True when every subscriber of the topic got it (or there was none); false when one lost it, or
 * after close. */
bool broker_publish(struct broker *broker, const struct event *event);
/* Waits for those that are full, for all of them at once. In a handler of the full subscription it
 * parks instead, as only this thread could make room there. */
bool broker_publish_must(struct broker *broker, const struct event *event);
/* True also when it was parked. */
bool broker_publish_parked(struct broker *broker, const struct event *event);

struct subscription_options {
    uint32_t topics;     /* bits */
    size_t lossy_events; /* 0: 1,024 */
    /* 0: 4 MiB. One event larger than that is let through into an empty queue. */
    size_t lossy_bytes;
    size_t must_events;   /* 0: 256 */
    size_t parked_events; /* 0: 4,096; past that, undelivered at once */
};

struct subscription_counters {
    uint64_t delivered, dropped, parked, undelivered;
    size_t lossy_depth, must_depth, parked_depth;
};

/* ERR_CLOSED after broker_close; ERR_IO when there are no descriptors left. */
enum err_code broker_subscribe(struct broker *broker, const struct subscription_options *options,
                               struct subscription **ret_subscription, struct err *err) NODISCARD;
/* Frees it, with all it held; a publisher that waits on it goes on, its event undelivered. The last
 * drain that is running ends first unless it is the caller's; so two threads must not each, in a
 * handler, unsubscribe what the other one drains. NULL is fine. */
void broker_unsubscribe(struct subscription *subscription);

/* Readable while something waits: an event, a resync mark, or the end. Do not read it; poll it. */
int subscription_fd(const struct subscription *subscription);
/*
 * Hands out what waits, oldest first, up to `limit` events (0: all that was there at the call).
 * Gives the number of events handed out. One drain at a time for each subscription: a second one,
 * nested or on another thread, gives 0; so does taking marks while another thread drains. Goes on
 * after close, ends with an unsubscribe.
 */
size_t subscription_drain(struct subscription *subscription, size_t limit,
                          void (*handler)(void *ctx, const struct event *event), void *ctx);
/*
 * Takes the resync marks away and hands them out, each key once. `topic` is that of the last event
 * that was lost for the key. A mark with an unset key has the topics, as bits, of the events that
 * were lost without a key; past 4,096 keys all marks become this one, which then says that anything
 * of these topics may be stale. Gives the number of marks. A mark is set no later than the next
 * event of its key is handed out.
 */
size_t subscription_take_resync(struct subscription *subscription,
                                void (*handler)(void *ctx, uint32_t topic, const struct ulid *key),
                                void *ctx);
/* The broker was closed and nothing waits any more, neither event nor mark. */
bool subscription_ended(struct subscription *subscription);
struct subscription_counters subscription_counters(struct subscription *subscription);

#endif
