/* Publishing and closing, one promise at a time, with queues of one or two events. */
#include "tests/pubsub/support.h"

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
    assert_true(post(broker, broker_publish, 1, 1));
    assert_true(post(broker, broker_publish_must, 1, 2));
    assert_true(post(broker, broker_publish_parked, 1, 3));
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
        assert_true(post(broker, broker_publish, 1, i));
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
            assert_true(post(broker, broker_publish, 1, i));
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
    assert_true(post(broker, broker_publish, 1, 1));
    assert_true(post(broker, broker_publish_must, 1, 2));
    assert_true(post(broker, broker_publish_parked, 1, 3));
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

static void publish_parked__waits_for_room_and_keeps_its_place(void **state)
{
    struct broker *broker = broker_new(NULL);
    struct subscription *sub =
        subscribe(broker, &(struct subscription_options){.topics = TOPIC_A, .must_events = 1});
    struct seen seen = {0};

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_true(post(broker, broker_publish_parked, 1, i));
    }
    assert_int_equal(subscription_counters(sub).must_depth, 1);
    assert_int_equal(subscription_counters(sub).parked_depth, 3);
    assert_int_equal(subscription_drain(sub, 1, take_down, &seen), 1);
    assert_int_equal(subscription_counters(sub).must_depth, 1);
    assert_int_equal(subscription_counters(sub).parked_depth, 2);
    assert_true(post(broker, broker_publish_parked, 1, 4));
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
    assert_true(post(broker, broker_publish_parked, 1, 1));
    assert_true(post(broker, broker_publish_parked, 1, 2));
    assert_false(post(broker, broker_publish_parked, 5, 3));
    assert_int_equal(subscription_counters(sub).undelivered, 1);
    seen = collect(sub);
    assert_numbers(seen, 1, 2);
    assert_true(marked(&seen, 5));
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
    assert_true(post(broker, broker_publish_parked, 2, 0));
    assert_true(post(broker, broker_publish_parked, 2, 1));
    publisher_start(&waiting, broker, 99);
    sleep_us(CLOCK_MS(5));
    for (int i = 2; i < 6; i++) {
        assert_true(post(broker, broker_publish_parked, 2, i));
    }
    assert_false(publisher_join(&waiting));
    seen = collect(sub);
    assert_numbers(seen, 0, 1, 2, 3, 4, 5);
    assert_int_equal(seen.marks, 1);
    assert_true(marked(&seen, 1));
    broker_unsubscribe(sub);
    broker_free(broker);
}

struct meddler {
    struct broker *broker;
    struct subscription *sub;
    size_t calls;
    size_t nested;
};

static void publish_all_forms(void *ctx, const struct event *event)
{
    struct meddler *meddler = ctx;

    (void)event;
    meddler->calls++;
    if (meddler->calls == 1) {
        (void)post(meddler->broker, broker_publish, 1, 10);
        (void)post(meddler->broker, broker_publish_must, 1, 11);
        (void)post(meddler->broker, broker_publish_must, 1, 12);
        (void)post(meddler->broker, broker_publish_parked, 1, 13);
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
    assert_true(post(broker, broker_publish, 1, 1));
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
    assert_true(post(broker, broker_publish, 1, 1));
    assert_true(post(broker, broker_publish_must, 1, 2));
    assert_true(post(broker, broker_publish_parked, 1, 3));
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
    struct seen seen = {0};

    (void)state;
    assert_true(post(broker, broker_publish, 1, 1));
    assert_false(post(broker, broker_publish, 2, 0));
    assert_true(post(broker, broker_publish_must, 1, 2));
    assert_true(post(broker, broker_publish_parked, 1, 3));
    broker_close(broker);
    broker_close(broker);
    assert_false(post(broker, broker_publish, 1, 4));
    assert_false(post(broker, broker_publish_must, 1, 5));
    assert_false(post(broker, broker_publish_parked, 1, 6));
    assert_int_equal(
        broker_subscribe(broker, &(struct subscription_options){.topics = TOPIC_A}, &late, &err),
        ERR_CLOSED);
    assert_null(late);
    assert_int_equal(broker_counters(broker).published, 4);
    assert_false(subscription_ended(sub));
    assert_int_equal(subscription_drain(sub, 0, take_down, &seen), 3);
    assert_numbers(seen, 1, 2, 3);
    assert_false(subscription_ended(sub)); /* a mark waits */
    assert_int_equal(subscription_take_resync(sub, take_down_mark, &seen), 1);
    assert_true(marked(&seen, 2));
    assert_true(subscription_ended(sub));
    assert_true(readable(sub)); /* the end waits, for good */
    broker_unsubscribe(sub);
    broker_free(broker);
}

/* Its destructor runs amid a publish, between one subscriber and the next: a sure way to let
 * something happen just there. */
struct interloper {
    struct payload payload; /* first */
    struct broker *broker;  /* to be closed, or NULL */
    struct subscription *leaves;
};

static void interlope(struct payload *payload)
{
    struct interloper *self = (struct interloper *)(void *)payload;

    if (self->broker != NULL) {
        broker_close(self->broker);
    }
    broker_unsubscribe(self->leaves);
}

/* Gives the first subscriber, at whom the interloper is parked and overdue. */
static struct subscription *plant(struct broker *broker, struct interloper *interloper)
{
    struct subscription *first = subscribe_tiny(broker);
    struct event event = {.topic = TOPIC_A, .payload = &interloper->payload};

    payload_init(&interloper->payload, interlope);
    assert_true(post(broker, broker_publish_must, 1, 1));
    assert_true(broker_publish_parked(broker, &event));
    payload_unref(&interloper->payload);
    sleep_us(CLOCK_MS(2));
    return first;
}

static publish_fn *const all_forms[] = {broker_publish, broker_publish_parked, broker_publish_must};

static void check_leaving_amid(publish_fn *form, bool closes_too)
{
    struct broker *broker = broker_with(CLOCK_MS(1), CLOCK_MS(1));
    struct interloper interloper = {.broker = closes_too ? broker : NULL};
    struct subscription *first = plant(broker, &interloper);
    struct broker_counters counters;

    interloper.leaves = subscribe_tiny(broker);
    assert_int_equal(post(broker, form, 1, 2), form != broker_publish_must);
    counters = broker_counters(broker);
    assert_int_equal(counters.subscribers, 1);
    assert_int_equal(counters.dropped, 0);
    assert_int_equal(counters.undelivered, form == broker_publish_must ? 2 : 1);
    broker_unsubscribe(first);
    assert_int_equal(atomic_load(&live_items), 0);
    broker_free(broker);
}

static void publish__passes_over_a_subscriber_that_leaves_amid_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(all_forms); i++) {
        check_leaving_amid(all_forms[i], false);
        check_leaving_amid(all_forms[i], true);
    }
}

static void close__amid_a_publish_counts_for_those_it_had_not_reached(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(all_forms); i++) {
        struct broker *broker = broker_with(CLOCK_S(20), CLOCK_MS(1));
        struct interloper interloper = {.broker = broker};
        struct subscription *first = plant(broker, &interloper);
        struct subscription *second = subscribe_tiny(broker);
        struct subscription_counters counters;

        assert_false(post(broker, all_forms[i], 7, 2));
        counters = subscription_counters(second);
        assert_int_equal(counters.lossy_depth + counters.must_depth, 0);
        assert_int_equal(counters.dropped, all_forms[i] == broker_publish ? 1 : 0);
        assert_int_equal(counters.undelivered, all_forms[i] == broker_publish ? 0 : 1);
        assert_false(subscription_ended(second)); /* for the mark */
        broker_unsubscribe(first);
        broker_unsubscribe(second);
        broker_free(broker);
    }
}

static void close__ends_the_wait_of_a_publisher_which_counts_as_undelivered(void **state)
{
    struct broker *broker = broker_with(CLOCK_S(30), 0);
    struct subscription *sub = subscribe_tiny(broker);
    struct publisher waiting;
    struct seen seen;

    (void)state;
    assert_true(post(broker, broker_publish_must, 2, 1));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(payload__is_destroyed_by_the_last_unref_only),
        TEST(publish__to_zero_subscribers_returns_true_and_keeps_nothing),
        TEST(publish__reaches_one_subscriber_once_and_in_order),
        TEST(publish__reaches_each_of_n_subscribers_in_order),
        TEST(publish__reaches_only_subscribers_of_its_topic),
        TEST(publish__takes_an_event_without_payload),
        TEST(publish_parked__waits_for_room_and_keeps_its_place),
        TEST(publish_parked__past_its_limit_is_undelivered_at_once),
        TEST(publish_must__gives_up_from_between_parked_events),
        TEST(publish__in_a_handler_neither_waits_nor_joins_the_running_drain),
        TEST(close__in_a_handler_still_hands_out_what_waits),
        TEST(close__refuses_what_comes_but_a_drain_gets_what_waits),
        TEST(publish__passes_over_a_subscriber_that_leaves_amid_it),
        TEST(close__amid_a_publish_counts_for_those_it_had_not_reached),
        TEST(close__ends_the_wait_of_a_publisher_which_counts_as_undelivered),
    };

    return cmocka_run_group_tests_name("broker", tests, NULL, NULL);
}
