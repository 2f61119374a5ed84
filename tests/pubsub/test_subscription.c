/* Queues, drains, marks and unsubscribing, one promise at a time, with tiny queues. */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/pubsub/support.h"

static void parked__past_their_deadline_are_undelivered_and_marked(void **state)
{
    struct broker *broker = broker_with(0, CLOCK_MS(100));
    struct subscription *sub =
        subscribe(broker, &(struct subscription_options){.topics = TOPIC_A, .must_events = 1});
    struct subscription_counters counters;
    struct seen seen;

    (void)state;
    /* More than one publish lets go of, so that the counters have to look for the rest. */
    for (int i = 0; i < 30; i++) {
        assert_true(post(broker, broker_publish_parked, (unsigned)i + 1, i));
    }
    sleep_us(CLOCK_MS(110));
    assert_true(post(broker, broker_publish, 1, 100));
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
    assert_true(post(broker, broker_publish_parked, 1, 1));
    assert_true(post(broker, broker_publish_parked, 2, 2));
    sleep_us(CLOCK_MS(7));
    assert_true(post(broker, broker_publish_parked, 3, 3));
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
    assert_true(post(broker, broker_publish, 1, 0));
    assert_true(post(broker, broker_publish_parked, 1, 1));
    assert_true(post(broker, broker_publish, 1, 2));
    assert_true(post(broker, broker_publish_must, 1, 3));
    assert_true(post(broker, broker_publish_parked, 1, 4)); /* parked from here on */
    assert_true(post(broker, broker_publish, 1, 5));
    assert_true(post(broker, broker_publish_parked, 1, 6));
    assert_true(post(broker, broker_publish, 1, 7));
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
    assert_true(post(broker, broker_publish_parked, 1, 0));
    assert_true(post(broker, broker_publish_parked, 1, 1));
    publisher_start(&waiting, broker, 2);
    sleep_us(CLOCK_MS(20));
    assert_false(atomic_load(&waiting.returned));
    assert_true(post(broker, broker_publish_parked, 1, 3));
    assert_true(post(broker, broker_publish, 1, 4));
    assert_int_equal(subscription_counters(sub).parked_depth, 2);
    (void)subscription_drain(sub, 0, take_down, &seen);
    assert_true(publisher_join(&waiting));
    assert_numbers(seen, 0, 1, 2, 3, 4);
    assert_int_equal(broker_counters(broker).undelivered, 0);
    broker_unsubscribe(sub);
    broker_free(broker);
}

static void await_publisher(void *ctx, const struct event *event)
{
    struct publisher *waiting = ctx;

    (void)event;
    for (int i = 0; i < 5000 && !atomic_load(&waiting->returned); i++) {
        sleep_us(CLOCK_MS(1));
    }
    assert_true(atomic_load(&waiting->returned));
}

static void drain__lets_a_waiting_publisher_go_on_before_it_ends(void **state)
{
    struct broker *broker = broker_with(CLOCK_S(20), 0);
    struct subscription *sub = subscribe_tiny(broker);
    struct publisher waiting;

    (void)state;
    assert_true(post(broker, broker_publish_must, 1, 0));
    publisher_start(&waiting, broker, 1);
    sleep_us(CLOCK_MS(20));
    assert_int_equal(subscription_drain(sub, 1, await_publisher, &waiting), 1);
    assert_true(publisher_join(&waiting));
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
        assert_true(post(broker, i % 2 == 0 ? broker_publish : broker_publish_must, 1, i));
    }
    assert_true(readable(sub));
    assert_int_equal(subscription_drain(sub, 3, take_down, &seen), 3);
    assert_true(readable(sub));
    assert_int_equal(subscription_drain(sub, 3, take_down, &seen), 2);
    assert_false(readable(sub));
    assert_numbers(seen, 0, 1, 2, 3, 4);
    assert_true(post(broker, broker_publish, 1, 5));
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
    assert_true(post(broker, broker_publish, 1, 1));
    assert_false(post(broker, broker_publish, 1, 2));
    assert_int_equal(subscription_drain(sub, 0, take_down, &seen), 1);
    assert_true(readable(sub));
    assert_int_equal(subscription_take_resync(sub, take_down_mark, &seen), 1);
    assert_false(readable(sub));
    broker_unsubscribe(sub);
    broker_free(broker);
}

#ifdef __linux__
static void fd__is_written_once_however_many_events_come(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub = subscribe_tiny(broker);
    uint64_t writes = 0;

    (void)state;
    for (int i = 0; i < 10; i++) {
        (void)post(broker, broker_publish, 1, i);
        (void)post(broker, broker_publish_parked, 1, i);
    }
    assert_int_equal(read(subscription_fd(sub), &writes, sizeof(writes)), sizeof(writes));
    assert_int_equal(writes, 1);
    broker_unsubscribe(sub);
    broker_free(broker);
}
#endif

static void lossy__limits_bytes_but_lets_one_large_event_into_an_empty_queue(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub =
        subscribe(broker, &(struct subscription_options){.topics = TOPIC_A, .lossy_bytes = 10});
    struct seen seen;

    (void)state;
    assert_true(post_bytes(broker, broker_publish, 1, 1, 6));
    assert_true(post_bytes(broker, broker_publish, 1, 2, 4));
    assert_false(post_bytes(broker, broker_publish, 1, 3, 1));
    assert_true(post_bytes(broker, broker_publish_must, 1, 4, 1000)); /* not of this limit */
    assert_int_equal(collect(sub).n, 3);
    assert_true(post_bytes(broker, broker_publish, 1, 5, SIZE_MAX));
    assert_false(post_bytes(broker, broker_publish, 1, 6, 0));
    assert_false(post_bytes(broker, broker_publish, 1, 7, SIZE_MAX));
    seen = collect(sub);
    assert_numbers(seen, 5);
    assert_true(post_bytes(broker, broker_publish, 1, 8, 10));
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
    assert_true(post(broker, broker_publish, 1, 0));
    for (int i = 0; i < 3; i++) {
        assert_false(post(broker, broker_publish, 2, i));
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
    assert_true(post(broker, broker_publish, 1, 0));
    lose_keys(broker, 1, 4096);
    lose_keys(broker, 1, 4096); /* known keys are no new ones */
    assert_int_equal(subscription_take_resync(sub, count_marks, &marks), 4096);
    assert_int_equal(marks, 4096);
    lose_keys(broker, 1, 4097);
    seen = (struct seen){0};
    assert_int_equal(subscription_take_resync(sub, take_down_mark, &seen), 1);
    assert_int_equal(seen.topics[0], TOPIC_A | TOPIC_B);
    lose_keys(broker, 1, 5000);
    seen = collect(sub);
    assert_int_equal(seen.marks, 1);
    assert_true(marked(&seen, 0));
    assert_int_equal(seen.topics[0], TOPIC_A | TOPIC_B);
    /* Afterwards keys are told apart again. */
    assert_true(post(broker, broker_publish, 1, 0));
    lose_keys(broker, 9, 9);
    seen = collect(sub);
    assert_int_equal(seen.marks, 1);
    assert_true(marked(&seen, 9));
    broker_unsubscribe(sub);
    broker_free(broker);
}

struct meddler {
    struct subscription *sub;
    struct subscription *other;
    size_t calls;
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
    struct meddler meddler = {0};

    (void)state;
    meddler.sub =
        subscribe(broker, &(struct subscription_options){.topics = TOPIC_A, .must_events = 1});
    for (int i = 1; i < 4; i++) {
        assert_true(post(broker, broker_publish, 1, i));
        assert_true(post(broker, broker_publish_parked, 1, i));
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
        (void)post(broker, broker_publish, i, 0);
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
    assert_true(post(broker, broker_publish, 1, 1));
    assert_true(post(broker, broker_publish_must, 1, 2));
    assert_int_equal(subscription_drain(meddler.sub, 0, unsubscribe_other, &meddler), 2);
    assert_int_equal(broker_counters(broker).subscribers, 1);
    broker_unsubscribe(meddler.sub);
    broker_unsubscribe(NULL);
    broker_free(broker);
}

static void unsubscribe__ends_the_wait_of_a_publisher_on_that_subscription(void **state)
{
    struct broker *broker = broker_with(CLOCK_S(30), 0);
    struct subscription *sub = subscribe_tiny(broker);
    struct publisher waiting[3];

    (void)state;
    assert_true(post(broker, broker_publish_must, 1, 1));
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
    assert_true(post(broker, broker_publish, 1, 1));
    assert_true(post(broker, broker_publish_must, 1, 2));
    assert_int_equal(pthread_create(&thread, NULL, linger_main, &lingerer), 0);
    while (atomic_load(&lingerer.phase) == 0) {
        sleep_us(100);
    }
    assert_false(post(broker, broker_publish_parked, 1, 3) &&
                 post(broker, broker_publish_parked, 1, 4));
    assert_int_equal(subscription_drain(lingerer.sub, 0, take_down, &seen), 0);
    assert_int_equal(subscription_take_resync(lingerer.sub, take_down_mark, &seen), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(parked__past_their_deadline_are_undelivered_and_marked),
        TEST(parked__that_are_overdue_make_room_for_new_ones),
        TEST(drain__keeps_the_order_of_a_key_across_lanes_when_some_are_parked),
        TEST(drain__hands_out_a_waiting_publishers_event_in_its_place),
        TEST(drain__lets_a_waiting_publisher_go_on_before_it_ends),
        TEST(drain__with_a_limit_leaves_the_rest_and_stays_readable),
        TEST(fd__stays_readable_until_the_marks_are_taken),
#ifdef __linux__
        TEST(fd__is_written_once_however_many_events_come),
#endif
        TEST(lossy__limits_bytes_but_lets_one_large_event_into_an_empty_queue),
        TEST(resync__hands_out_each_key_once_with_its_last_topic),
        TEST(resync__past_4096_keys_becomes_one_mark_for_everything),
        TEST(unsubscribe__in_the_handler_of_the_same_drain_ends_it),
        TEST(unsubscribe__in_the_handler_of_a_mark_ends_the_marks),
        TEST(unsubscribe__of_another_one_in_a_handler_lets_the_drain_go_on),
        TEST(unsubscribe__ends_the_wait_of_a_publisher_on_that_subscription),
        TEST(unsubscribe__waits_for_a_drain_on_another_thread),
        TEST(subscribe__without_descriptors_left_is_an_error),
    };

    return cmocka_run_group_tests_name("subscription", tests, NULL, NULL);
}
