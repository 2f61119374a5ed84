/*
 * Eight publishers of mixed forms against subscribers that stay and subscribers that come and go,
 * with queues of one and two events. What must hold whatever the threads do: every event ends as
 * exactly one of delivered, dropped and undelivered; order per publisher; a subscriber that takes
 * its marks misses nothing; no payload is left. Run under ThreadSanitizer too.
 */
#include "tests/pubsub/support.h"

enum { PUBLISHERS = 8, STEADY = 4, VISITORS = 4, EVENTS = 1500 };

struct stage {
    struct broker *broker;
    atomic_bool over;             /* visitors go home */
    atomic_int sent[PUBLISHERS];  /* number of the last event, stored before it is published */
    atomic_int failures;          /* broken promises, seen on any thread */
    atomic_int left_in_a_handler; /* visitors that unsubscribed there */
};

struct actor {
    struct stage *stage;
    pthread_t thread;
    int index;
    struct subscription *sub;
    size_t handed_out;
    size_t leave_after;     /* visitors: events until they leave; odd ones in the handler */
    int state[PUBLISHERS];  /* newest event of each that is known, by event or by resync */
    int newest[PUBLISHERS]; /* number of the last event handed out */
};

static void *publisher_run(void *arg)
{
    struct actor *actor = arg;
    publish_fn *const forms[] = {broker_publish, broker_publish_parked, broker_publish_must,
                                 broker_publish, broker_publish_parked};

    for (int i = 1; i <= EVENTS; i++) {
        publish_fn *form = forms[(i + actor->index) % (int)COUNT_OF(forms)];

        atomic_store(&actor->stage->sent[actor->index], i);
        (void)post(actor->stage->broker, form, (unsigned)actor->index + 1,
                   actor->index * (EVENTS + 1) + i);
    }
    return NULL;
}

static void resync_one(void *ctx, uint32_t topic, const struct ulid *key)
{
    struct actor *actor = ctx;

    (void)topic;
    for (int p = 0; p < PUBLISHERS; p++) {
        struct ulid mine = key_of((unsigned)p + 1);

        if (ulid_equal(&mine, key)) {
            int snapshot = atomic_load(&actor->stage->sent[p]);

            actor->state[p] = snapshot > actor->state[p] ? snapshot : actor->state[p];
        }
    }
}

static void steady_event(void *ctx, const struct event *event)
{
    struct actor *actor = ctx;
    int p = number_of(event) / (EVENTS + 1);
    int n = number_of(event) % (EVENTS + 1);

    actor->handed_out++;
    if (n <= actor->newest[p]) {
        atomic_fetch_add(&actor->stage->failures, 1); /* out of order, or twice */
    }
    actor->newest[p] = n;
    if (n > actor->state[p] + 1) {
        (void)subscription_take_resync(actor->sub, resync_one, actor);
        if (n > actor->state[p] + 1) {
            atomic_fetch_add(&actor->stage->failures, 1); /* a gap without a mark */
        }
    }
    actor->state[p] = n > actor->state[p] ? n : actor->state[p];
}

static void *steady_run(void *arg)
{
    struct actor *actor = arg;
    struct pollfd fd = {.fd = subscription_fd(actor->sub), .events = POLLIN};

    while (!subscription_ended(actor->sub)) {
        size_t n;

        (void)poll(&fd, 1, -1); /* a lost wake-up hangs here until the alarm */
        n = subscription_drain(actor->sub, (size_t)actor->index % 3, steady_event, actor);
        if (n == 0 || actor->handed_out % 2 == 0) {
            (void)subscription_take_resync(actor->sub, resync_one, actor);
        }
    }
    return NULL;
}

static void visitor_event(void *ctx, const struct event *event)
{
    struct actor *actor = ctx;

    (void)event;
    actor->handed_out++;
    if (actor->handed_out == actor->leave_after && actor->leave_after % 2 == 1) {
        broker_unsubscribe(actor->sub);
        actor->sub = NULL;
        atomic_fetch_add(&actor->stage->left_in_a_handler, 1);
    }
}

/* Comes, reads a few events or none at all, goes; over and over. */
static void *visitor_run(void *arg)
{
    struct actor *actor = arg;
    struct subscription_options options = {
        .topics = TOPIC_A, .lossy_events = 1, .must_events = 1, .parked_events = 2};

    for (size_t visit = 0; !atomic_load(&actor->stage->over); visit++) {
        struct subscription *sub = NULL;

        if (broker_subscribe(actor->stage->broker, &options, &sub, NULL) != ERR_OK) {
            break;
        }
        actor->sub = sub;
        actor->handed_out = 0;
        actor->leave_after = visit % 6;
        for (int i = 0; i < 50 && actor->sub != NULL && actor->handed_out < actor->leave_after;
             i++) {
            struct pollfd fd = {.fd = subscription_fd(sub), .events = POLLIN};

            (void)poll(&fd, 1, 1);
            (void)subscription_drain(sub, 0, visitor_event, actor);
        }
        broker_unsubscribe(actor->sub);
    }
    return NULL;
}

static void start(struct actor *actor, struct stage *stage, int index, void *(*run)(void *))
{
    struct subscription *sub = actor->sub;

    *actor = (struct actor){.stage = stage, .index = index, .sub = sub};
    assert_int_equal(pthread_create(&actor->thread, NULL, run, actor), 0);
}

static void join_all(struct actor *actors, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(pthread_join(actors[i].thread, NULL), 0);
    }
}

/* Every event that the broker took went one way for this subscriber, which knows the newest state.
 */
static void check_steady(struct actor *actor, uint64_t published, bool all_were_sent)
{
    struct subscription_counters counters = subscription_counters(actor->sub);

    assert_int_equal(counters.delivered + counters.dropped + counters.undelivered, published);
    assert_int_equal(counters.delivered, actor->handed_out);
    assert_int_equal(counters.lossy_depth + counters.must_depth + counters.parked_depth, 0);
    for (int p = 0; all_were_sent && p < PUBLISHERS; p++) {
        assert_int_equal(actor->state[p], EVENTS);
    }
}

static void play(bool close_amid_the_flood)
{
    struct stage stage = {.broker = broker_with(300, 500)};
    struct actor publishers[PUBLISHERS] = {0};
    struct actor steady[STEADY] = {0};
    struct actor visitors[VISITORS] = {0};
    uint64_t published;

    for (int i = 0; i < STEADY; i++) {
        steady[i].sub = subscribe(stage.broker,
                                  &(struct subscription_options){.topics = TOPIC_A,
                                                                 .lossy_events = 1 + (size_t)i % 2,
                                                                 .must_events = 1 + (size_t)i / 2,
                                                                 .parked_events = 1 + (size_t)i});
        start(&steady[i], &stage, i, steady_run);
    }
    for (int i = 0; i < VISITORS; i++) {
        start(&visitors[i], &stage, i, visitor_run);
    }
    for (int i = 0; i < PUBLISHERS; i++) {
        start(&publishers[i], &stage, i, publisher_run);
    }
    if (close_amid_the_flood) {
        sleep_us(CLOCK_MS(20));
        broker_close(stage.broker);
    }
    join_all(publishers, PUBLISHERS);
    atomic_store(&stage.over, true);
    join_all(visitors, VISITORS);
    broker_close(stage.broker);
    join_all(steady, STEADY);

    published = broker_counters(stage.broker).published;
    assert_int_equal(atomic_load(&stage.failures), 0);
    assert_true(close_amid_the_flood || published == (uint64_t)PUBLISHERS * EVENTS);
    assert_int_equal(broker_counters(stage.broker).subscribers, STEADY);
    for (int i = 0; i < STEADY; i++) {
        check_steady(&steady[i], published, !close_amid_the_flood);
        broker_unsubscribe(steady[i].sub);
    }
    if (!close_amid_the_flood) {
        assert_true(atomic_load(&stage.left_in_a_handler) > 0);
    }
    broker_free(stage.broker);
}

static void stress__every_event_is_accounted_for_while_subscribers_come_and_go(void **state)
{
    (void)state;
    play(false);
}

static void stress__closing_amid_the_flood_loses_count_of_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        play(true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stress__every_event_is_accounted_for_while_subscribers_come_and_go),
        TEST(stress__closing_amid_the_flood_loses_count_of_nothing),
    };

    return cmocka_run_group_tests_name("stress", tests, NULL, NULL);
}
