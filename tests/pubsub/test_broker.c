/* The broker's contract, one promise at a time, with queues of one or two events. */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/pubsub/support.h"

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

    publisher->all = send(publisher->broker, publisher->publish, 1, publisher->number);
    atomic_store(&publisher->returned, true);
    return NULL;
}

static void publisher_start(struct publisher *publisher, struct broker *broker, int number)
{
    *publisher =
        (struct publisher){.broker = broker, .publish = broker_publish_must, .number = number};
    assert_int_equal(pthread_create(&publisher->thread, NULL, publish_main, publisher), 0);
}

static bool publisher_join(struct publisher *publisher)
{
    assert_int_equal(pthread_join(publisher->thread, NULL), 0);
    return publisher->all;
}

static void payload__is_destroyed_by_the_last_unref_only(void **state)
{
    struct item *item = item_new(1);

    (void)state;
    assert_ptr_equal(payload_ref(&item->payload), &item->payload);
    payload_unref(&item->payload);
    assert_int_equal(atomic_load(&live_items), 1);
    payload_unref(&item->payload);
    assert_int_equal(atomic_load(&live_items), 0);
    payload_unref(NULL);
    assert_null(payload_ref(NULL));
}

static void publish__to_zero_subscribers_returns_true_and_keeps_nothing(void **state)
{
    struct broker *broker = broker_new(NULL);

    (void)state;
    assert_true(send(broker, broker_publish, 1, 1));
    assert_true(send(broker, broker_publish_must, 1, 2));
    assert_true(send(broker, broker_publish_parked, 1, 3));
    assert_int_equal(atomic_load(&live_items), 0);
    assert_int_equal(broker_counters(broker).published, 3);
    assert_int_equal(broker_counters(broker).subscribers, 0);
    broker_free(broker);
}

static void publish__reaches_one_subscriber_once_and_in_order(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub = subscribe(broker, &(struct subscription_options){.topics = TOPIC_A});
    struct seen seen;

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_true(send(broker, broker_publish, 1, i));
    }
    seen = collect(sub);
    assert_numbers(seen, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    assert_int_equal(collect(sub).n, 0);
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void publish__reaches_each_of_n_subscribers_in_order(void **state)
{
    const size_t sizes[] = {2, 5, 10};

    (void)state;
    for (size_t round = 0; round < COUNT_OF(sizes); round++) {
        struct broker *broker = broker_new(NULL);
        struct subscription *subs[10];

        for (size_t i = 0; i < sizes[round]; i++) {
            subs[i] = subscribe(broker, &(struct subscription_options){.topics = TOPIC_A});
        }
        assert_int_equal(broker_counters(broker).subscribers, sizes[round]);
        for (int i = 0; i < 20; i++) {
            assert_true(send(broker, broker_publish, 1, i));
        }
        for (size_t i = 0; i < sizes[round]; i++) {
            struct seen seen = collect(subs[i]);

            assert_int_equal(seen.n, 20);
            for (int k = 0; k < 20; k++) {
                assert_int_equal(seen.numbers[k], k);
            }
            broker_unsubscribe(subs[i]);
        }
        assert_int_equal(broker_counters(broker).delivered, 20 * sizes[round]);
        broker_free(broker);
    }
}

static void publish__reaches_only_subscribers_of_its_topic(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *a = subscribe(broker, &(struct subscription_options){.topics = TOPIC_A});
    struct subscription *b = subscribe(broker, &(struct subscription_options){.topics = TOPIC_B});
    struct subscription *both =
        subscribe(broker, &(struct subscription_options){.topics = TOPIC_A | TOPIC_B});

    (void)state;
    assert_true(send(broker, broker_publish, 1, 1));
    assert_true(send(broker, broker_publish_must, 1, 2));
    assert_true(send(broker, broker_publish_parked, 1, 3));
    assert_int_equal(collect(a).n, 3);
    assert_int_equal(collect(b).n, 0);
    assert_int_equal(collect(both).n, 3);
    broker_unsubscribe(a);
    broker_unsubscribe(b);
    broker_unsubscribe(both);
    broker_free(broker);
}

static void publish__takes_an_event_without_payload(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub = subscribe(broker, &(struct subscription_options){.topics = TOPIC_A});

    (void)state;
    assert_true(broker_publish(broker, &(struct event){.topic = TOPIC_A}));
    assert_int_equal(subscription_counters(sub).lossy_depth, 1);
    broker_unsubscribe(sub);
    broker_free(broker);
}

/* crush's test 9. */
static void publish__drops_counts_and_never_blocks_when_nobody_reads(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub = subscribe_tiny(broker);
    struct subscription_counters counters;
    struct seen seen;

    (void)state;
    assert_true(send(broker, broker_publish, 1, 0));
    for (int i = 1; i < 100; i++) {
        assert_false(send(broker, broker_publish, 1, i));
    }
    counters = subscription_counters(sub);
    assert_int_equal(counters.dropped, 99);
    assert_int_equal(counters.lossy_depth, 1);
    assert_int_equal(counters.undelivered, 0);
    assert_int_equal(broker_counters(broker).dropped, 99);
    seen = collect(sub);
    assert_numbers(seen, 0);
    assert_int_equal(seen.marks, 1);
    broker_unsubscribe(sub);
    broker_free(broker);
}

/* crush's test 10. */
static void publish_must__honours_its_time_limit_when_the_queue_is_full(void **state)
{
    struct broker *broker = broker_with(CLOCK_MS(20), 0);
    struct subscription *sub = subscribe_tiny(broker);
    int64_t began;
    int64_t took;
    struct seen seen;

    (void)state;
    assert_true(send(broker, broker_publish_must, 1, 1));
    began = clock_mono_us();
    assert_false(send(broker, broker_publish_must, 7, 2));
    took = clock_mono_us() - began;
    assert_true(took >= CLOCK_MS(20));
    assert_true(took < CLOCK_MS(200));
    assert_int_equal(subscription_counters(sub).undelivered, 1);
    assert_int_equal(broker_counters(broker).undelivered, 1);
    seen = collect(sub);
    assert_numbers(seen, 1);
    assert_int_equal(seen.marks, 1);
    assert_true(marked(&seen, 7));
    broker_unsubscribe(sub);
    broker_free(broker);
}

struct reader {
    struct subscription *sub;
    size_t wanted;
    struct seen seen;
};

static void *reader_main(void *arg)
{
    struct reader *reader = arg;
    struct pollfd fd = {.fd = subscription_fd(reader->sub), .events = POLLIN};

    while (reader->seen.n < reader->wanted && poll(&fd, 1, 10000) == 1) {
        (void)subscription_drain(reader->sub, 0, take_down, &reader->seen);
    }
    return NULL;
}

/* crush's test 11. */
static void publish_must__loses_nothing_while_somebody_reads(void **state)
{
    struct broker *broker = broker_with(CLOCK_S(10), 0);
    struct reader reader = {.sub = subscribe_tiny(broker), .wanted = 10};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, reader_main, &reader), 0);
    for (int i = 0; i < 10; i++) {
        assert_true(send(broker, broker_publish_must, 1, i));
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_numbers(reader.seen, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    assert_int_equal(subscription_counters(reader.sub).undelivered, 0);
    broker_unsubscribe(reader.sub);
    broker_free(broker);
}

static void publish_parked__waits_for_room_and_keeps_its_place(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub =
        subscribe(broker, &(struct subscription_options){.topics = TOPIC_A, .must_events = 1});
    struct seen seen = {0};

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_true(send(broker, broker_publish_parked, 1, i));
    }
    assert_int_equal(subscription_counters(sub).must_depth, 1);
    assert_int_equal(subscription_counters(sub).parked_depth, 3);
    assert_int_equal(subscription_drain(sub, 1, take_down, &seen), 1);
    assert_int_equal(subscription_counters(sub).must_depth, 1);
    assert_int_equal(subscription_counters(sub).parked_depth, 2);
    assert_true(send(broker, broker_publish_parked, 1, 4));
    assert_int_equal(subscription_drain(sub, 0, take_down, &seen), 4);
    assert_numbers(seen, 0, 1, 2, 3, 4);
    assert_int_equal(broker_counters(broker).parked, 4);
    assert_int_equal(broker_counters(broker).undelivered, 0);
    assert_false(readable(sub));
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void publish_parked__past_its_limit_is_undelivered_at_once(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub = subscribe_tiny(broker);
    struct seen seen;

    (void)state;
    assert_true(send(broker, broker_publish_parked, 1, 1));
    assert_true(send(broker, broker_publish_parked, 1, 2));
    assert_false(send(broker, broker_publish_parked, 5, 3));
    assert_int_equal(subscription_counters(sub).undelivered, 1);
    seen = collect(sub);
    assert_numbers(seen, 1, 2);
    assert_true(marked(&seen, 5));
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void parked__past_their_deadline_are_undelivered_and_marked(void **state)
{
    struct broker *broker = broker_with(0, CLOCK_MS(5));
    struct subscription *sub =
        subscribe(broker, &(struct subscription_options){.topics = TOPIC_A, .must_events = 1});
    struct subscription_counters counters;
    struct seen seen;

    (void)state;
    /* More than one publish lets go of, so that the counters have to look for the rest. */
    for (int i = 0; i < 30; i++) {
        assert_true(send(broker, broker_publish_parked, (unsigned)i + 1, i));
    }
    sleep_us(CLOCK_MS(7));
    assert_true(send(broker, broker_publish, 1, 100));
    assert_int_equal(atomic_load(&live_items), 30 - 8 + 1);
    counters = subscription_counters(sub);
    assert_int_equal(counters.undelivered, 29);
    assert_int_equal(counters.parked, 29);
    assert_int_equal(counters.parked_depth, 0);
    assert_int_equal(atomic_load(&live_items), 2);
    seen = collect(sub);
    assert_numbers(seen, 0, 100);
    assert_int_equal(seen.marks, 29);
    assert_false(marked(&seen, 1));
    assert_true(marked(&seen, 30));
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void parked__that_are_overdue_make_room_for_new_ones(void **state)
{
    struct broker *broker = broker_with(0, CLOCK_MS(5));
    struct subscription *sub = subscribe_tiny(broker);
    struct seen seen;

    (void)state;
    assert_true(send(broker, broker_publish_parked, 1, 1));
    assert_true(send(broker, broker_publish_parked, 2, 2));
    sleep_us(CLOCK_MS(7));
    assert_true(send(broker, broker_publish_parked, 3, 3));
    seen = collect(sub);
    assert_numbers(seen, 1, 3);
    assert_int_equal(seen.marks, 1);
    assert_true(marked(&seen, 2));
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void drain__keeps_the_order_of_a_key_across_lanes_when_some_are_parked(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub =
        subscribe(broker, &(struct subscription_options){.topics = TOPIC_A, .must_events = 2});
    struct seen seen = {0};

    (void)state;
    assert_true(send(broker, broker_publish, 1, 0));
    assert_true(send(broker, broker_publish_parked, 1, 1));
    assert_true(send(broker, broker_publish, 1, 2));
    assert_true(send(broker, broker_publish_must, 1, 3));
    assert_true(send(broker, broker_publish_parked, 1, 4)); /* parked from here on */
    assert_true(send(broker, broker_publish, 1, 5));
    assert_true(send(broker, broker_publish_parked, 1, 6));
    assert_true(send(broker, broker_publish, 1, 7));
    assert_int_equal(subscription_counters(sub).parked_depth, 2);
    while (subscription_drain(sub, 1, take_down, &seen) == 1) {
    }
    assert_numbers(seen, 0, 1, 2, 3, 4, 5, 6, 7);
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void drain__hands_out_a_waiting_publishers_event_in_its_place(void **state)
{
    struct broker *broker = broker_with(CLOCK_S(20), 0);
    struct subscription *sub =
        subscribe(broker, &(struct subscription_options){.topics = TOPIC_A, .must_events = 1});
    struct publisher waiting;
    struct seen seen = {0};

    (void)state;
    assert_true(send(broker, broker_publish_parked, 1, 0));
    assert_true(send(broker, broker_publish_parked, 1, 1));
    publisher_start(&waiting, broker, 2);
    sleep_us(CLOCK_MS(20));
    assert_false(atomic_load(&waiting.returned));
    assert_true(send(broker, broker_publish_parked, 1, 3));
    assert_true(send(broker, broker_publish, 1, 4));
    assert_int_equal(subscription_counters(sub).parked_depth, 2);
    (void)subscription_drain(sub, 0, take_down, &seen);
    assert_true(publisher_join(&waiting));
    assert_numbers(seen, 0, 1, 2, 3, 4);
    assert_int_equal(broker_counters(broker).undelivered, 0);
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void publish_must__gives_up_from_between_parked_events(void **state)
{
    struct broker *broker = broker_with(CLOCK_MS(30), 0);
    struct subscription *sub =
        subscribe(broker, &(struct subscription_options){.topics = TOPIC_A, .must_events = 1});
    struct publisher waiting;
    struct seen seen;

    (void)state;
    assert_true(send(broker, broker_publish_parked, 2, 0));
    assert_true(send(broker, broker_publish_parked, 2, 1));
    publisher_start(&waiting, broker, 99);
    sleep_us(CLOCK_MS(5));
    for (int i = 2; i < 6; i++) {
        assert_true(send(broker, broker_publish_parked, 2, i));
    }
    assert_false(publisher_join(&waiting));
    seen = collect(sub);
    assert_numbers(seen, 0, 1, 2, 3, 4, 5);
    assert_int_equal(seen.marks, 1);
    assert_true(marked(&seen, 1));
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void drain__with_a_limit_leaves_the_rest_and_stays_readable(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub = subscribe(broker, &(struct subscription_options){.topics = TOPIC_A});
    struct seen seen = {0};

    (void)state;
    assert_false(readable(sub));
    for (int i = 0; i < 5; i++) {
        assert_true(send(broker, i % 2 == 0 ? broker_publish : broker_publish_must, 1, i));
    }
    assert_true(readable(sub));
    assert_int_equal(subscription_drain(sub, 3, take_down, &seen), 3);
    assert_true(readable(sub));
    assert_int_equal(subscription_drain(sub, 3, take_down, &seen), 2);
    assert_false(readable(sub));
    assert_numbers(seen, 0, 1, 2, 3, 4);
    assert_true(send(broker, broker_publish, 1, 5));
    assert_true(readable(sub));
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void fd__stays_readable_until_the_marks_are_taken(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub = subscribe_tiny(broker);
    struct seen seen = {0};

    (void)state;
    assert_true(send(broker, broker_publish, 1, 1));
    assert_false(send(broker, broker_publish, 1, 2));
    assert_int_equal(subscription_drain(sub, 0, take_down, &seen), 1);
    assert_true(readable(sub));
    assert_int_equal(subscription_take_resync(sub, take_down_mark, &seen), 1);
    assert_false(readable(sub));
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void lossy__limits_bytes_but_lets_one_large_event_into_an_empty_queue(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub =
        subscribe(broker, &(struct subscription_options){.topics = TOPIC_A, .lossy_bytes = 10});
    struct seen seen;

    (void)state;
    assert_true(send_bytes(broker, broker_publish, 1, 1, 6));
    assert_true(send_bytes(broker, broker_publish, 1, 2, 4));
    assert_false(send_bytes(broker, broker_publish, 1, 3, 1));
    assert_true(send_bytes(broker, broker_publish_must, 1, 4, 1000)); /* not of this limit */
    assert_int_equal(collect(sub).n, 3);
    assert_true(send_bytes(broker, broker_publish, 1, 5, SIZE_MAX));
    assert_false(send_bytes(broker, broker_publish, 1, 6, 0));
    assert_false(send_bytes(broker, broker_publish, 1, 7, SIZE_MAX));
    seen = collect(sub);
    assert_numbers(seen, 5);
    assert_true(send_bytes(broker, broker_publish, 1, 8, 10));
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void resync__hands_out_each_key_once_with_its_last_topic(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub = subscribe(
        broker, &(struct subscription_options){.topics = TOPIC_A | TOPIC_B, .lossy_events = 1});
    struct event event = {.topic = TOPIC_A, .key = key_of(3)};
    struct seen seen = {0};

    (void)state;
    assert_true(send(broker, broker_publish, 1, 0));
    for (int i = 0; i < 3; i++) {
        assert_false(send(broker, broker_publish, 2, i));
        assert_false(broker_publish(broker, &event));
    }
    event.topic = TOPIC_B;
    assert_false(broker_publish(broker, &event));
    event.key = key_of(0);
    assert_false(broker_publish(broker, &event));
    assert_int_equal(subscription_take_resync(sub, take_down_mark, &seen), 3);
    assert_true(marked(&seen, 0));
    assert_true(marked(&seen, 2));
    assert_true(marked(&seen, 3));
    for (size_t i = 0; i < seen.marks; i++) {
        bool of_two = strcmp(seen.keys[i].text, key_of(2).text) == 0;

        assert_int_equal(seen.topics[i], of_two ? TOPIC_A : TOPIC_B);
    }
    assert_int_equal(subscription_take_resync(sub, take_down_mark, &seen), 0);
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void lose_keys(struct broker *broker, unsigned from, unsigned to)
{
    for (unsigned i = from; i <= to; i++) {
        struct event event = {.topic = i % 2 == 0 ? TOPIC_A : TOPIC_B, .key = key_of(i)};

        assert_false(broker_publish(broker, &event));
    }
}

static void count_marks(void *ctx, uint32_t topic, const struct ulid *key)
{
    (void)topic;
    assert_true(ulid_is_set(key));
    ++*(size_t *)ctx;
}

static void resync__past_4096_keys_becomes_one_mark_for_everything(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub = subscribe(
        broker, &(struct subscription_options){.topics = TOPIC_A | TOPIC_B, .lossy_events = 1});
    size_t marks = 0;
    struct seen seen;

    (void)state;
    assert_true(send(broker, broker_publish, 1, 0));
    lose_keys(broker, 1, 4096);
    lose_keys(broker, 1, 4096); /* known keys are no new ones */
    assert_int_equal(subscription_take_resync(sub, count_marks, &marks), 4096);
    assert_int_equal(marks, 4096);
    lose_keys(broker, 1, 5000);
    seen = collect(sub);
    assert_int_equal(seen.marks, 1);
    assert_true(marked(&seen, 0));
    assert_int_equal(seen.topics[0], TOPIC_A | TOPIC_B);
    /* Afterwards keys are told apart again. */
    assert_true(send(broker, broker_publish, 1, 0));
    lose_keys(broker, 9, 9);
    seen = collect(sub);
    assert_int_equal(seen.marks, 1);
    assert_true(marked(&seen, 9));
    broker_unsubscribe(sub);
    broker_free(broker);
}

struct meddler {
    struct broker *broker;
    struct subscription *sub;
    struct subscription *other;
    size_t calls;
    size_t nested;
};

static void unsubscribe_self(void *ctx, const struct event *event)
{
    struct meddler *meddler = ctx;

    meddler->calls++;
    broker_unsubscribe(meddler->sub);
    assert_int_equal(number_of(event), 1); /* lent for the whole run of the handler */
}

static void unsubscribe__in_the_handler_of_the_same_drain_ends_it(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct meddler meddler = {.broker = broker};

    (void)state;
    meddler.sub =
        subscribe(broker, &(struct subscription_options){.topics = TOPIC_A, .must_events = 1});
    for (int i = 1; i < 4; i++) {
        assert_true(send(broker, broker_publish, 1, i));
        assert_true(send(broker, broker_publish_parked, 1, i));
    }
    assert_int_equal(subscription_drain(meddler.sub, 0, unsubscribe_self, &meddler), 1);
    assert_int_equal(meddler.calls, 1);
    assert_int_equal(atomic_load(&live_items), 0);
    assert_int_equal(broker_counters(broker).subscribers, 0);
    broker_free(broker);
}

static void unsubscribe_on_mark(void *ctx, uint32_t topic, const struct ulid *key)
{
    struct meddler *meddler = ctx;

    (void)topic;
    (void)key;
    meddler->calls++;
    broker_unsubscribe(meddler->sub);
}

static void unsubscribe__in_the_handler_of_a_mark_ends_the_marks(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct meddler meddler = {.sub = subscribe_tiny(broker)};

    (void)state;
    for (unsigned i = 1; i < 5; i++) {
        (void)send(broker, broker_publish, i, 0);
    }
    assert_int_equal(subscription_take_resync(meddler.sub, unsubscribe_on_mark, &meddler), 1);
    assert_int_equal(meddler.calls, 1);
    broker_free(broker);
}

static void unsubscribe_other(void *ctx, const struct event *event)
{
    struct meddler *meddler = ctx;

    (void)event;
    broker_unsubscribe(meddler->other);
    meddler->other = NULL;
}

static void unsubscribe__of_another_one_in_a_handler_lets_the_drain_go_on(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct meddler meddler = {.sub = subscribe_tiny(broker), .other = subscribe_tiny(broker)};

    (void)state;
    assert_true(send(broker, broker_publish, 1, 1));
    assert_true(send(broker, broker_publish_must, 1, 2));
    assert_int_equal(subscription_drain(meddler.sub, 0, unsubscribe_other, &meddler), 2);
    assert_int_equal(broker_counters(broker).subscribers, 1);
    broker_unsubscribe(meddler.sub);
    broker_unsubscribe(NULL);
    broker_free(broker);
}

static void publish_all_forms(void *ctx, const struct event *event)
{
    struct meddler *meddler = ctx;

    (void)event;
    meddler->calls++;
    if (meddler->calls == 1) {
        (void)send(meddler->broker, broker_publish, 1, 10);
        (void)send(meddler->broker, broker_publish_must, 1, 11);
        (void)send(meddler->broker, broker_publish_must, 1, 12);
        (void)send(meddler->broker, broker_publish_parked, 1, 13);
        meddler->nested += subscription_drain(meddler->sub, 0, publish_all_forms, meddler);
    }
}

static void publish__in_a_handler_neither_waits_nor_joins_the_running_drain(void **state)
{
    struct broker *broker = broker_with(CLOCK_S(30), 0);
    struct meddler meddler = {.broker = broker};
    struct seen seen;

    (void)state;
    meddler.sub =
        subscribe(broker, &(struct subscription_options){.topics = TOPIC_A, .must_events = 1});
    assert_true(send(broker, broker_publish, 1, 1));
    assert_int_equal(subscription_drain(meddler.sub, 0, publish_all_forms, &meddler), 1);
    assert_int_equal(meddler.nested, 0);
    assert_true(readable(meddler.sub));
    assert_int_equal(subscription_counters(meddler.sub).parked, 2);
    seen = collect(meddler.sub);
    assert_numbers(seen, 10, 11, 12, 13);
    broker_unsubscribe(meddler.sub);
    broker_free(broker);
}

static void close_broker(void *ctx, const struct event *event)
{
    struct meddler *meddler = ctx;

    (void)event;
    meddler->calls++;
    broker_close(meddler->broker);
}

static void close__in_a_handler_still_hands_out_what_waits(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct meddler meddler = {.broker = broker, .sub = subscribe_tiny(broker)};

    (void)state;
    assert_true(send(broker, broker_publish, 1, 1));
    assert_true(send(broker, broker_publish_must, 1, 2));
    assert_true(send(broker, broker_publish_parked, 1, 3));
    assert_int_equal(subscription_drain(meddler.sub, 0, close_broker, &meddler), 3);
    assert_true(subscription_ended(meddler.sub));
    broker_unsubscribe(meddler.sub);
    broker_free(broker);
}

static void close__refuses_what_comes_but_a_drain_gets_what_waits(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub = subscribe_tiny(broker);
    struct subscription *late = NULL;
    struct err err;
    struct seen seen;

    (void)state;
    assert_true(send(broker, broker_publish, 1, 1));
    assert_false(send(broker, broker_publish, 2, 0));
    assert_true(send(broker, broker_publish_must, 1, 2));
    assert_true(send(broker, broker_publish_parked, 1, 3));
    broker_close(broker);
    broker_close(broker);
    assert_false(send(broker, broker_publish, 1, 4));
    assert_false(send(broker, broker_publish_must, 1, 5));
    assert_false(send(broker, broker_publish_parked, 1, 6));
    assert_int_equal(
        broker_subscribe(broker, &(struct subscription_options){.topics = TOPIC_A}, &late, &err),
        ERR_CLOSED);
    assert_null(late);
    assert_int_equal(broker_counters(broker).published, 4);
    assert_false(subscription_ended(sub));
    seen = collect(sub);
    assert_numbers(seen, 1, 2, 3);
    assert_true(marked(&seen, 2));
    assert_true(subscription_ended(sub));
    assert_true(readable(sub)); /* the end waits, for good */
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void close__ends_the_wait_of_a_publisher_which_counts_as_undelivered(void **state)
{
    struct broker *broker = broker_with(CLOCK_S(30), 0);
    struct subscription *sub = subscribe_tiny(broker);
    struct publisher waiting;
    struct seen seen;

    (void)state;
    assert_true(send(broker, broker_publish_must, 2, 1));
    publisher_start(&waiting, broker, 2);
    sleep_us(CLOCK_MS(20));
    assert_false(atomic_load(&waiting.returned));
    broker_close(broker);
    assert_false(publisher_join(&waiting));
    assert_int_equal(subscription_counters(sub).undelivered, 1);
    seen = collect(sub);
    assert_numbers(seen, 1);
    assert_true(marked(&seen, 1));
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void unsubscribe__ends_the_wait_of_a_publisher_on_that_subscription(void **state)
{
    struct broker *broker = broker_with(CLOCK_S(30), 0);
    struct subscription *sub = subscribe_tiny(broker);
    struct publisher waiting[3];

    (void)state;
    assert_true(send(broker, broker_publish_must, 1, 1));
    for (int i = 0; i < 3; i++) {
        publisher_start(&waiting[i], broker, 2 + i);
    }
    sleep_us(CLOCK_MS(20));
    broker_unsubscribe(sub);
    for (int i = 0; i < 3; i++) {
        assert_false(publisher_join(&waiting[i]));
    }
    assert_int_equal(broker_counters(broker).undelivered, 3);
    broker_free(broker);
}

static void linger(void *ctx, const struct event *event)
{
    (void)event;
    atomic_store((atomic_int *)ctx, 1);
    sleep_us(CLOCK_MS(30));
    atomic_store((atomic_int *)ctx, 2);
}

struct lingerer {
    struct subscription *sub;
    atomic_int phase;
};

static void *linger_main(void *arg)
{
    struct lingerer *lingerer = arg;

    (void)subscription_drain(lingerer->sub, 0, linger, &lingerer->phase);
    return NULL;
}

static void unsubscribe__waits_for_a_drain_on_another_thread(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct lingerer lingerer = {.sub = subscribe_tiny(broker)};
    struct seen seen = {0};
    pthread_t thread;

    (void)state;
    assert_true(send(broker, broker_publish, 1, 1));
    assert_true(send(broker, broker_publish_must, 1, 2));
    assert_int_equal(pthread_create(&thread, NULL, linger_main, &lingerer), 0);
    while (atomic_load(&lingerer.phase) == 0) {
        sleep_us(100);
    }
    assert_int_equal(subscription_drain(lingerer.sub, 0, take_down, &seen), 0);
    broker_unsubscribe(lingerer.sub);
    assert_int_equal(atomic_load(&lingerer.phase), 2);
    assert_int_equal(pthread_join(thread, NULL), 0);
    broker_free(broker);
}

static void subscribe__without_descriptors_left_is_an_error(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub = NULL;
    struct rlimit old;
    struct rlimit none;
    struct err err;
    int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    enum err_code code;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = (rlim_t)lowest;
    close(lowest);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    code = broker_subscribe(broker, &(struct subscription_options){.topics = TOPIC_A}, &sub, &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(code, ERR_IO);
    assert_int_equal(err.code, ERR_IO);
    assert_null(sub);
    assert_int_equal(broker_counters(broker).subscribers, 0);
    broker_free(broker);
    broker_free(NULL);
}

/* A finish has one hop only, and a lane that the flood before it cannot fill. */
static void crush_b1__a_finish_behind_a_flood_reaches_the_last_subscriber(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub = subscribe_tiny(broker);
    struct seen seen;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        (void)send(broker, broker_publish, 1, i);
    }
    assert_true(send(broker, broker_publish_parked, 1, 1000));
    seen = collect(sub);
    assert_numbers(seen, 0, 1000);
    broker_unsubscribe(sub);
    broker_free(broker);
}

struct watcher {
    struct subscription *sub;
    bool marked_before;
    struct seen seen;
};

static void look_for_mark(void *ctx, const struct event *event)
{
    struct watcher *watcher = ctx;

    if (number_of(event) == 2) {
        (void)subscription_take_resync(watcher->sub, take_down_mark, &watcher->seen);
        watcher->marked_before = marked(&watcher->seen, 1);
    }
}

static void crush_b2__a_loss_is_marked_before_the_next_event_of_its_key(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct watcher watcher = {.sub = subscribe_tiny(broker)};

    (void)state;
    assert_true(send(broker, broker_publish, 1, 0));
    assert_false(send(broker, broker_publish, 1, 1));
    assert_true(send(broker, broker_publish_must, 1, 2));
    assert_int_equal(subscription_drain(watcher.sub, 0, look_for_mark, &watcher), 2);
    assert_true(watcher.marked_before);
    assert_int_equal(watcher.seen.marks, 1);
    broker_unsubscribe(watcher.sub);
    broker_free(broker);
}

static void crush_b2__an_overdue_parked_event_is_marked_before_the_next_of_its_key(void **state)
{
    struct broker *broker = broker_with(0, CLOCK_MS(2));
    struct watcher watcher = {.sub = subscribe_tiny(broker)};

    (void)state;
    assert_true(send(broker, broker_publish_parked, 9, 0));
    assert_true(send(broker, broker_publish_parked, 1, 1));
    assert_true(send(broker, broker_publish, 1, 2));
    sleep_us(CLOCK_MS(4));
    assert_int_equal(subscription_drain(watcher.sub, 0, look_for_mark, &watcher), 2);
    assert_true(watcher.marked_before);
    broker_unsubscribe(watcher.sub);
    broker_free(broker);
}

static void crush_b3__a_lossy_flood_leaves_the_must_lane_free(void **state)
{
    struct broker *broker = broker_with(CLOCK_S(30), 0);
    struct subscription *sub = subscribe_tiny(broker);
    int64_t began;

    (void)state;
    for (int i = 0; i < 100; i++) {
        (void)send(broker, broker_publish, 1, i);
    }
    began = clock_mono_us();
    assert_true(send(broker, broker_publish_must, 1, 100));
    assert_true(clock_mono_us() - began < CLOCK_S(5));
    assert_int_equal(subscription_counters(sub).undelivered, 0);
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void crush_b4__a_waiting_publisher_holds_up_nobody_else(void **state)
{
    struct broker *broker = broker_with(CLOCK_S(20), 0);
    struct subscription *full = subscribe_tiny(broker);
    struct subscription *other;
    struct publisher waiting;
    struct seen seen;
    int64_t began;

    (void)state;
    assert_true(send(broker, broker_publish_must, 1, 1));
    publisher_start(&waiting, broker, 2);
    sleep_us(CLOCK_MS(20));
    began = clock_mono_us();
    other = subscribe(broker, &(struct subscription_options){.topics = TOPIC_A});
    assert_true(send(broker, broker_publish, 1, 3));
    assert_true(send(broker, broker_publish_parked, 1, 4));
    seen = collect(other);
    assert_numbers(seen, 3, 4);
    broker_unsubscribe(other);
    assert_int_equal(subscription_counters(full).lossy_depth, 1);
    assert_int_equal(broker_counters(broker).subscribers, 1);
    assert_true(clock_mono_us() - began < CLOCK_S(5));
    assert_false(atomic_load(&waiting.returned));
    seen = collect(full);
    assert_numbers(seen, 1, 2, 3, 4);
    assert_true(publisher_join(&waiting));
    broker_unsubscribe(full);
    broker_free(broker);
}

static void crush_b5__every_subscriber_gets_its_chance_behind_full_ones(void **state)
{
    struct broker *broker = broker_with(CLOCK_S(20), 0);
    struct subscription *full[2] = {subscribe_tiny(broker), subscribe_tiny(broker)};
    struct subscription *last;
    struct publisher waiting;
    struct seen seen;

    (void)state;
    assert_true(send(broker, broker_publish_must, 1, 1));
    last = subscribe_tiny(broker);
    publisher_start(&waiting, broker, 2);
    sleep_us(CLOCK_MS(20));
    assert_false(atomic_load(&waiting.returned));
    seen = collect(last); /* has it while the publisher still waits for the others */
    assert_numbers(seen, 2);
    seen = collect(full[1]);
    assert_numbers(seen, 1, 2);
    broker_close(broker); /* cancels the wait for the first, which has to count */
    assert_false(publisher_join(&waiting));
    assert_int_equal(subscription_counters(full[0]).undelivered, 1);
    assert_int_equal(broker_counters(broker).undelivered, 1);
    seen = collect(full[0]);
    assert_numbers(seen, 1);
    assert_true(marked(&seen, 1));
    broker_unsubscribe(full[0]);
    broker_unsubscribe(full[1]);
    broker_unsubscribe(last);
    broker_free(broker);
}

static void crush_b5__two_full_subscribers_cost_one_time_limit(void **state)
{
    struct broker *broker = broker_with(CLOCK_MS(200), 0);
    struct subscription *full[4];
    int64_t began;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(full); i++) {
        full[i] = subscribe_tiny(broker);
    }
    assert_true(send(broker, broker_publish_must, 1, 1));
    began = clock_mono_us();
    assert_false(send(broker, broker_publish_must, 1, 2));
    assert_true(clock_mono_us() - began < CLOCK_MS(600));
    assert_int_equal(broker_counters(broker).undelivered, COUNT_OF(full));
    for (size_t i = 0; i < COUNT_OF(full); i++) {
        broker_unsubscribe(full[i]);
    }
    broker_free(broker);
}

/* What runs foreign code (there a log, here a destructor) must not do so under a lock. */
struct republisher {
    struct payload payload; /* first */
    struct broker *broker;
    struct subscription *sub;
    unsigned runs;
};

static void republish(struct payload *payload)
{
    struct republisher *self = (struct republisher *)(void *)payload;

    self->runs++;
    (void)subscription_counters(self->sub);
    (void)broker_counters(self->broker);
    assert_true(send(self->broker, broker_publish, 1, 5));
}

static void crush_b6__a_destructor_runs_without_a_lock(void **state)
{
    struct broker *broker = broker_with(0, CLOCK_MS(1));
    struct subscription *sub = subscribe_tiny(broker);
    struct republisher republisher = {.broker = broker, .sub = sub};
    struct event event = {.topic = TOPIC_A, .payload = &republisher.payload};
    struct seen seen;

    (void)state;
    assert_true(send(broker, broker_publish_must, 1, 1));
    payload_init(&republisher.payload, republish);
    assert_true(broker_publish_parked(broker, &event));
    payload_unref(&republisher.payload);
    sleep_us(CLOCK_MS(2));
    assert_int_equal(subscription_counters(sub).undelivered, 1);
    assert_int_equal(republisher.runs, 1);
    seen = collect(sub);
    assert_numbers(seen, 1, 5);
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void *close_main(void *arg)
{
    broker_close(arg);
    return NULL;
}

static void crush_b7__closing_at_once_from_four_threads_is_closing(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct broker *broker = broker_new(NULL);
        struct subscription *sub = subscribe_tiny(broker);
        pthread_t threads[4];

        for (size_t i = 0; i < COUNT_OF(threads); i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, close_main, broker), 0);
        }
        for (size_t i = 0; i < COUNT_OF(threads); i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        }
        assert_true(readable(sub));
        assert_true(subscription_ended(sub));
        broker_unsubscribe(sub);
        broker_free(broker);
    }
}

static void crush_b8__a_stalled_subscriber_holds_no_more_than_its_bytes(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub =
        subscribe(broker, &(struct subscription_options){.topics = TOPIC_A, .lossy_bytes = 10000});

    (void)state;
    for (int i = 0; i < 500; i++) {
        (void)send_bytes(broker, broker_publish, 1, i, 1000);
    }
    assert_int_equal(subscription_counters(sub).lossy_depth, 10);
    assert_int_equal(atomic_load(&live_items), 10);
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void crush_b9__a_key_whose_first_event_was_lost_is_marked(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub = subscribe_tiny(broker);
    struct seen seen;

    (void)state;
    assert_true(send(broker, broker_publish, 1, 1));
    assert_false(send(broker, broker_publish, 2, 0)); /* "created" */
    seen = collect(sub);
    assert_int_equal(seen.marks, 1);
    assert_true(marked(&seen, 2));
    assert_true(send(broker, broker_publish, 2, 1)); /* "updated" */
    seen = collect(sub);
    assert_numbers(seen, 1);
    assert_int_equal(seen.marks, 0);
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void crush_b10__a_loss_marks_its_own_key_and_no_other(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub = subscribe_tiny(broker);
    struct seen seen;

    (void)state;
    assert_true(send(broker, broker_publish, 1, 1));
    assert_true(send(broker, broker_publish_must, 2, 2));
    assert_false(send(broker, broker_publish, 3, 3));
    seen = collect(sub);
    assert_numbers(seen, 1, 2);
    assert_int_equal(seen.marks, 1);
    assert_true(marked(&seen, 3));
    broker_unsubscribe(sub);
    broker_free(broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(payload__is_destroyed_by_the_last_unref_only),
        TEST(publish__to_zero_subscribers_returns_true_and_keeps_nothing),
        TEST(publish__reaches_one_subscriber_once_and_in_order),
        TEST(publish__reaches_each_of_n_subscribers_in_order),
        TEST(publish__reaches_only_subscribers_of_its_topic),
        TEST(publish__takes_an_event_without_payload),
        TEST(publish__drops_counts_and_never_blocks_when_nobody_reads),
        TEST(publish_must__honours_its_time_limit_when_the_queue_is_full),
        TEST(publish_must__loses_nothing_while_somebody_reads),
        TEST(publish_parked__waits_for_room_and_keeps_its_place),
        TEST(publish_parked__past_its_limit_is_undelivered_at_once),
        TEST(parked__past_their_deadline_are_undelivered_and_marked),
        TEST(parked__that_are_overdue_make_room_for_new_ones),
        TEST(drain__keeps_the_order_of_a_key_across_lanes_when_some_are_parked),
        TEST(drain__hands_out_a_waiting_publishers_event_in_its_place),
        TEST(publish_must__gives_up_from_between_parked_events),
        TEST(drain__with_a_limit_leaves_the_rest_and_stays_readable),
        TEST(fd__stays_readable_until_the_marks_are_taken),
        TEST(lossy__limits_bytes_but_lets_one_large_event_into_an_empty_queue),
        TEST(resync__hands_out_each_key_once_with_its_last_topic),
        TEST(resync__past_4096_keys_becomes_one_mark_for_everything),
        TEST(unsubscribe__in_the_handler_of_the_same_drain_ends_it),
        TEST(unsubscribe__in_the_handler_of_a_mark_ends_the_marks),
        TEST(unsubscribe__of_another_one_in_a_handler_lets_the_drain_go_on),
        TEST(publish__in_a_handler_neither_waits_nor_joins_the_running_drain),
        TEST(close__in_a_handler_still_hands_out_what_waits),
        TEST(close__refuses_what_comes_but_a_drain_gets_what_waits),
        TEST(close__ends_the_wait_of_a_publisher_which_counts_as_undelivered),
        TEST(unsubscribe__ends_the_wait_of_a_publisher_on_that_subscription),
        TEST(unsubscribe__waits_for_a_drain_on_another_thread),
        TEST(subscribe__without_descriptors_left_is_an_error),
        TEST(crush_b1__a_finish_behind_a_flood_reaches_the_last_subscriber),
        TEST(crush_b2__a_loss_is_marked_before_the_next_event_of_its_key),
        TEST(crush_b2__an_overdue_parked_event_is_marked_before_the_next_of_its_key),
        TEST(crush_b3__a_lossy_flood_leaves_the_must_lane_free),
        TEST(crush_b4__a_waiting_publisher_holds_up_nobody_else),
        TEST(crush_b5__every_subscriber_gets_its_chance_behind_full_ones),
        TEST(crush_b5__two_full_subscribers_cost_one_time_limit),
        TEST(crush_b6__a_destructor_runs_without_a_lock),
        TEST(crush_b7__closing_at_once_from_four_threads_is_closing),
        TEST(crush_b8__a_stalled_subscriber_holds_no_more_than_its_bytes),
        TEST(crush_b9__a_key_whose_first_event_was_lost_is_marked),
        TEST(crush_b10__a_loss_marks_its_own_key_and_no_other),
    };

    return cmocka_run_group_tests_name("broker", tests, NULL, NULL);
}
