/*
 * What the tests of this floor share: numbered payloads that are counted, short ways to publish,
 * and a handler that takes down what it sees.
 */
#ifndef WEIR_TESTS_PUBSUB_SUPPORT_H
#define WEIR_TESTS_PUBSUB_SUPPORT_H

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "pubsub/broker.h"

#include <cmocka.h>

enum { TOPIC_A = 1, TOPIC_B = 2, SEEN_MAX = 64 };

struct item {
    struct payload payload; /* first */
    int number;
};

static atomic_int live_items;

static void item_destroy(struct payload *payload)
{
    atomic_fetch_sub(&live_items, 1);
    free(payload);
}

static UNUSED struct item *item_new(int number)
{
    struct item *item = xcalloc(1, sizeof(*item));

    payload_init(&item->payload, item_destroy);
    item->number = number;
    atomic_fetch_add(&live_items, 1);
    return item;
}

static UNUSED int number_of(const struct event *event)
{
    return ((const struct item *)(const void *)event->payload)->number;
}

/* A ULID-shaped key for each n; 0 is the unset key. */
static UNUSED struct ulid key_of(unsigned n)
{
    struct ulid key = {{0}};

    if (n != 0) {
        (void)snprintf(key.text, sizeof(key.text), "01HZ%022u", n);
    }
    return key;
}

typedef bool publish_fn(struct broker *broker, const struct event *event);

static UNUSED bool post_bytes(struct broker *broker, publish_fn *publish, unsigned key, int number,
                              size_t bytes)
{
    struct item *item = item_new(number);
    struct event event = {
        .topic = TOPIC_A, .key = key_of(key), .payload = &item->payload, .bytes = bytes};
    bool all = publish(broker, &event);

    payload_unref(&item->payload);
    return all;
}

static UNUSED bool post(struct broker *broker, publish_fn *publish, unsigned key, int number)
{
    return post_bytes(broker, publish, key, number, 1);
}

/* What a drain or a look at the marks handed out. */
struct seen {
    size_t n;
    int numbers[SEEN_MAX];
    size_t marks;
    struct ulid keys[SEEN_MAX];
    uint32_t topics[SEEN_MAX];
};

static UNUSED void take_down(void *ctx, const struct event *event)
{
    struct seen *seen = ctx;

    assert_true(seen->n < SEEN_MAX);
    seen->numbers[seen->n++] = number_of(event);
}

static UNUSED void take_down_mark(void *ctx, uint32_t topic, const struct ulid *key)
{
    struct seen *seen = ctx;

    assert_true(seen->marks < SEEN_MAX);
    seen->topics[seen->marks] = topic;
    seen->keys[seen->marks++] = *key;
}

static UNUSED bool marked(const struct seen *seen, unsigned key)
{
    struct ulid wanted = key_of(key);

    for (size_t i = 0; i < seen->marks; i++) {
        if (ulid_equal(&seen->keys[i], &wanted)) {
            return true;
        }
    }
    return false;
}

/* Drains all, takes all marks. */
static UNUSED struct seen collect(struct subscription *sub)
{
    struct seen seen = {0};

    (void)subscription_drain(sub, 0, take_down, &seen);
    (void)subscription_take_resync(sub, take_down_mark, &seen);
    return seen;
}

#define assert_numbers(seen, ...)                                                                  \
    do {                                                                                           \
        const int wanted_[] = {__VA_ARGS__};                                                       \
        assert_int_equal((seen).n, COUNT_OF(wanted_));                                             \
        assert_memory_equal((seen).numbers, wanted_, sizeof(wanted_));                             \
    } while (0)

static UNUSED bool readable(const struct subscription *sub)
{
    struct pollfd fd = {.fd = subscription_fd(sub), .events = POLLIN};

    return poll(&fd, 1, 0) == 1;
}

static UNUSED struct subscription *subscribe(struct broker *broker,
                                             const struct subscription_options *options)
{
    struct subscription *sub = NULL;

    assert_int_equal(broker_subscribe(broker, options, &sub, NULL), ERR_OK);
    return sub;
}

/* Every queue holds one event. */
static UNUSED struct subscription *subscribe_tiny(struct broker *broker)
{
    return subscribe(
        broker, &(struct subscription_options){
                    .topics = TOPIC_A, .lossy_events = 1, .must_events = 1, .parked_events = 1});
}

static UNUSED struct broker *broker_with(int64_t must_wait_us, int64_t parked_wait_us)
{
    return broker_new(
        &(struct broker_options){.must_wait_us = must_wait_us, .parked_wait_us = parked_wait_us});
}

static UNUSED void sleep_us(int64_t us)
{
    int64_t until = clock_mono_us() + us;

    while (clock_mono_us() < until) {
        (void)usleep((useconds_t)(us < 1000 ? us : 1000));
    }
}

/* A publish on a thread of its own, to see whether and when it returns. */
struct publisher {
    pthread_t thread;
    struct broker *broker;
    publish_fn *publish;
    int number;
    bool all;
    atomic_bool returned;
};

static void *publish_main(void *arg)
{
    struct publisher *publisher = arg;

    publisher->all = post(publisher->broker, publisher->publish, 1, publisher->number);
    atomic_store(&publisher->returned, true);
    return NULL;
}

/* Returns once the publish has begun. */
static UNUSED void publisher_start(struct publisher *publisher, struct broker *broker, int number)
{
    uint64_t before = broker_counters(broker).published;

    *publisher =
        (struct publisher){.broker = broker, .publish = broker_publish_must, .number = number};
    assert_int_equal(pthread_create(&publisher->thread, NULL, publish_main, publisher), 0);
    while (broker_counters(broker).published == before) {
        sleep_us(100);
    }
}

static UNUSED bool publisher_join(struct publisher *publisher)
{
    assert_int_equal(pthread_join(publisher->thread, NULL), 0);
    return publisher->all;
}

/* Ends a test that hangs, and sees to it that none leaks a payload. */
static int before_test(void **state)
{
    (void)state;
    (void)alarm(60);
    atomic_store(&live_items, 0);
    return 0;
}

static int after_test(void **state)
{
    (void)state;
    (void)alarm(0);
    if (atomic_load(&live_items) != 0) {
        print_error("%d payloads leaked\n", atomic_load(&live_items));
        return -1;
    }
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before_test, after_test)

#endif
