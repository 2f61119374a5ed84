/*
 * Defects of the closest ancestor's broker that this design could have too (crush_bN), and the rows
 * of its test list that are about a broker (saN).
 */
#include "tests/pubsub/support.h"

static void sa9__publish__drops_counts_and_never_blocks_when_nobody_reads(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub = subscribe_tiny(broker);
    struct subscription_counters counters;
    struct seen seen;

    (void)state;
    assert_true(post(broker, broker_publish, 1, 0));
    for (int i = 1; i < 100; i++) {
        assert_false(post(broker, broker_publish, 1, i));
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

static void sa10__publish_must__honours_its_time_limit_when_the_queue_is_full(void **state)
{
    struct broker *broker = broker_with(CLOCK_MS(20), 0);
    struct subscription *sub = subscribe_tiny(broker);
    int64_t began;
    int64_t took;
    struct seen seen;

    (void)state;
    assert_true(post(broker, broker_publish_must, 1, 1));
    began = clock_mono_us();
    assert_false(post(broker, broker_publish_must, 7, 2));
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

static void sa11__publish_must__loses_nothing_while_somebody_reads(void **state)
{
    struct broker *broker = broker_with(CLOCK_S(10), 0);
    struct reader reader = {.sub = subscribe_tiny(broker), .wanted = 10};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, reader_main, &reader), 0);
    for (int i = 0; i < 10; i++) {
        assert_true(post(broker, broker_publish_must, 1, i));
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_numbers(reader.seen, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    assert_int_equal(subscription_counters(reader.sub).undelivered, 0);
    broker_unsubscribe(reader.sub);
    broker_free(broker);
}

/* A finish has one hop only, and a lane that the flood before it cannot fill. */
static void crush_b1__a_finish_behind_a_flood_reaches_the_last_subscriber(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub = subscribe_tiny(broker);
    struct seen seen;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        (void)post(broker, broker_publish, 1, i);
    }
    assert_true(post(broker, broker_publish_parked, 1, 1000));
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
    assert_true(post(broker, broker_publish, 1, 0));
    assert_false(post(broker, broker_publish, 1, 1));
    assert_true(post(broker, broker_publish_must, 1, 2));
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
    assert_true(post(broker, broker_publish_parked, 9, 0));
    assert_true(post(broker, broker_publish_parked, 1, 1));
    assert_true(post(broker, broker_publish, 1, 2));
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
        (void)post(broker, broker_publish, 1, i);
    }
    began = clock_mono_us();
    assert_true(post(broker, broker_publish_must, 1, 100));
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
    assert_true(post(broker, broker_publish_must, 1, 1));
    publisher_start(&waiting, broker, 2);
    sleep_us(CLOCK_MS(20));
    began = clock_mono_us();
    other = subscribe(broker, &(struct subscription_options){.topics = TOPIC_A});
    assert_true(post(broker, broker_publish, 1, 3));
    assert_true(post(broker, broker_publish_parked, 1, 4));
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
    assert_true(post(broker, broker_publish_must, 1, 1));
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
    assert_true(post(broker, broker_publish_must, 1, 1));
    began = clock_mono_us();
    assert_false(post(broker, broker_publish_must, 1, 2));
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
    assert_true(post(self->broker, broker_publish, 1, 5));
}

static void crush_b6__a_destructor_runs_without_a_lock(void **state)
{
    struct broker *broker = broker_with(0, CLOCK_MS(1));
    struct subscription *sub = subscribe_tiny(broker);
    struct republisher republisher = {.broker = broker, .sub = sub};
    struct event event = {.topic = TOPIC_A, .payload = &republisher.payload};
    struct seen seen;

    (void)state;
    assert_true(post(broker, broker_publish_must, 1, 1));
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
        (void)post_bytes(broker, broker_publish, 1, i, 1000);
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
    assert_true(post(broker, broker_publish, 1, 1));
    assert_false(post(broker, broker_publish, 2, 0)); /* "created" */
    seen = collect(sub);
    assert_int_equal(seen.marks, 1);
    assert_true(marked(&seen, 2));
    assert_true(post(broker, broker_publish, 2, 1)); /* "updated" */
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
    assert_true(post(broker, broker_publish, 1, 1));
    assert_true(post(broker, broker_publish_must, 2, 2));
    assert_false(post(broker, broker_publish, 3, 3));
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
        TEST(sa9__publish__drops_counts_and_never_blocks_when_nobody_reads),
        TEST(sa10__publish_must__honours_its_time_limit_when_the_queue_is_full),
        TEST(sa11__publish_must__loses_nothing_while_somebody_reads),
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

    return cmocka_run_group_tests_name("crush", tests, NULL, NULL);
}
