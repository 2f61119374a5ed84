/* What a publish costs, in nanoseconds per call; one JSON line per figure. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "pubsub/broker.h"

enum { ROUNDS = 200000, STALLED = 8, KEYS = 64 };

static struct payload payload;
static struct ulid keys[KEYS];

static void report(const char *name, int64_t took_us, long calls)
{
    printf("{\"name\":\"%s\",\"ns\":%.1f}\n", name, (double)took_us * 1000.0 / (double)calls);
}

static void publish_many(const char *name, struct broker *broker,
                         bool (*publish)(struct broker *, const struct event *), unsigned keys_n)
{
    struct event event = {.topic = 1, .payload = &payload, .bytes = 64};
    int64_t began = clock_mono_us();

    for (unsigned i = 0; i < ROUNDS; i++) {
        event.key = keys[i % keys_n];
        (void)publish(broker, &event);
    }
    report(name, clock_mono_us() - began, ROUNDS);
}

static void subscribe_all(struct broker *broker, struct subscription **subs, size_t n)
{
    struct subscription_options options = {.topics = 1, .lossy_events = 64, .must_events = 64};

    for (size_t i = 0; i < n; i++) {
        if (broker_subscribe(broker, &options, &subs[i], NULL) != ERR_OK) {
            abort();
        }
    }
}

static void unsubscribe_all(struct subscription **subs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        broker_unsubscribe(subs[i]);
    }
}

static void bench_stalled(void)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *subs[STALLED];

    subscribe_all(broker, subs, STALLED);
    publish_many("publish_8_stalled", broker, broker_publish, 1);
    publish_many("publish_8_stalled_64_keys", broker, broker_publish, KEYS);
    unsubscribe_all(subs, STALLED);
    subscribe_all(broker, subs, STALLED);
    publish_many("publish_parked_8_stalled", broker, broker_publish_parked, 1);
    publish_many("publish_8_with_parked", broker, broker_publish, 1);
    unsubscribe_all(subs, STALLED);
    publish_many("publish_no_subscriber", broker, broker_publish, 1);
    broker_free(broker);
}

static void ignore(void *ctx, const struct event *event)
{
    (void)ctx;
    (void)event;
}

static void bench_drain(void)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub;
    struct event event = {.topic = 1, .key = keys[0], .payload = &payload, .bytes = 64};
    int64_t began;

    subscribe_all(broker, &sub, 1);
    began = clock_mono_us();
    for (unsigned i = 0; i < ROUNDS; i++) {
        (void)broker_publish(broker, &event);
        if (i % 32 == 31) {
            (void)subscription_drain(sub, 0, ignore, NULL);
        }
    }
    report("publish_and_drain_by_32", clock_mono_us() - began, ROUNDS);
    broker_unsubscribe(sub);
    broker_free(broker);
}

/* Keeps the process from being single-threaded, where libc takes cheaper locks. */
static void *hold(void *mutex)
{
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
    return NULL;
}

int main(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread;

    pthread_mutex_lock(&mutex);
    if (pthread_create(&thread, NULL, hold, &mutex) != 0) {
        return 1;
    }
    payload_init(&payload, NULL);
    for (size_t i = 0; i < KEYS; i++) {
        keys[i] = ulid_new();
    }
    bench_stalled();
    bench_drain();
    pthread_mutex_unlock(&mutex);
    (void)pthread_join(thread, NULL);
    return 0;
}
