/*
 * Many at once: publishers, subscribers that stall, subscribers that come and go. And what is left
 * of thousands of answers: nothing.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/thread.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

enum { PUBLISHERS = 8, STEADY = 8, PASSING = 8, MESSAGES = 64, ROUNDS = 60, PARTS = 2 };

struct load {
    struct fixture fixture;
    struct turn turns[MESSAGES];
    struct buf expected[MESSAGES][PARTS]; /* whole, made beforehand */
    atomic_int publishing;
    atomic_uint failures; /* assertions of cmocka belong to the main thread only */
};

/* ---- publishers: eight messages each, in turns ---- */

static struct sv delta(char space[64], int message, int part, int round)
{
    int n = snprintf(space, 64, "<%d.%d.%d>%.*s", message, part, round, (message + round) % 23,
                     "\xc3\xa4 filler of some length");
    return sv_of(space, (size_t)n - (n > 0 && (unsigned char)space[n - 1] == 0xc3));
}

static enum stream_kind kind_of(int part)
{
    return part == 0 ? STREAM_REASONING : STREAM_TEXT;
}

static void publish_one(struct load *load, int message, struct stream_event event)
{
    struct err err;
    if (message_apply(load->fixture.store, &load->turns[message].answer, &event, &err)) {
        atomic_fetch_add(&load->failures, 1);
    }
}

static void publish_round(struct load *load, int message, int round)
{
    char space[64];
    for (int part = 0; part < PARTS; part++) {
        if (round > 0 || part == 0) {
            publish_one(load, message,
                        (struct stream_event){.kind = kind_of(part),
                                              .part = (uint32_t)part,
                                              .text = delta(space, message, part, round)});
        }
    }
}

struct publisher {
    struct load *load;
    int first;
};

static void *publisher_main(void *arg)
{
    struct publisher *publisher = arg;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < MESSAGES / PUBLISHERS; i++) {
            publish_round(publisher->load, publisher->first + i, round);
        }
        usleep(1500);
    }
    for (int i = 0; i < MESSAGES / PUBLISHERS; i++) {
        publish_one(publisher->load, publisher->first + i, fixture_finish(FINISH_END_TURN));
    }
    atomic_fetch_sub(&publisher->load->publishing, 1);
    return NULL;
}

/* ---- subscribers: as any screen, pieces by position, a snapshot after a gap or a mark ---- */

struct view {
    struct buf text[PARTS];
    uint32_t revision;
    bool known, ended;
};

struct subscriber {
    struct load *load;
    struct subscription *subscription;
    struct view views[MESSAGES];
    unsigned snapshots;
    unsigned stall_us;
};

static int index_of(const struct load *load, const struct ulid *message)
{
    for (int i = 0; i < MESSAGES; i++) {
        if (ulid_equal(&load->turns[i].answer, message)) {
            return i;
        }
    }
    return -1;
}

/* What anybody sees at any time is a beginning of the whole. */
static void check_view(struct load *load, int at, const struct view *view)
{
    for (int part = 0; part < PARTS; part++) {
        const struct buf *whole = &load->expected[at][part];
        if (view->text[part].n > whole->n ||
            (view->text[part].n > 0 &&
             memcmp(view->text[part].p, whole->p, view->text[part].n) != 0)) {
            atomic_fetch_add(&load->failures, 1);
        }
    }
}

static void look_again(struct subscriber *self, int at)
{
    struct err err;
    struct message *message = NULL;
    struct view *view = &self->views[at];
    if (message_snapshot(self->load->fixture.store, &self->load->turns[at].answer, &message,
                         &err)) {
        atomic_fetch_add(&self->load->failures, 1);
        return;
    }
    for (size_t part = 0; part < PARTS; part++) {
        buf_clear(&view->text[part]);
        if (part < message->part_count) {
            buf_append(&view->text[part], message->parts[part].text, message->parts[part].text_n);
        }
    }
    view->revision = message->revision;
    view->ended = message->ended;
    view->known = true;
    self->snapshots++;
    message_free(message);
}

static void on_event(void *ctx, const struct event *event)
{
    struct subscriber *self = ctx;
    const struct message_update *update = (const struct message_update *)event->payload;
    int at = index_of(self->load, &update->message);
    if (at < 0) {
        return;
    }
    struct view *view = &self->views[at];
    bool gap = view->known && update->revision_before > view->revision;
    for (size_t i = 0; i < update->piece_count; i++) {
        const struct piece *piece = &update->pieces[i];
        struct buf *text = &view->text[piece->part];
        gap = gap || piece->offset > text->n;
        if (!gap && piece->offset + piece->text.n > text->n) {
            buf_append_sv(text, sv_skip(piece->text, text->n - piece->offset));
        }
    }
    view->known = true;
    view->revision = update->revision > view->revision ? update->revision : view->revision;
    view->ended = view->ended || update->kind == UPDATE_ENDED;
    if (gap) {
        look_again(self, at);
    }
    check_view(self->load, at, view);
}

static void on_mark(void *ctx, uint32_t topic, const struct ulid *key)
{
    (void)topic;
    struct subscriber *self = ctx;
    for (int at = 0; at < MESSAGES; at++) {
        if (!ulid_is_set(key) || ulid_equal(key, &self->load->turns[at].answer)) {
            look_again(self, at);
        }
    }
}

static void subscriber_open(struct subscriber *self, struct load *load, size_t room)
{
    struct err err;
    struct subscription_options options = {
        .topics = TOPIC_MESSAGE, .lossy_events = room, .must_events = room, .parked_events = room};
    *self = (struct subscriber){.load = load};
    for (int i = 0; i < MESSAGES; i++) {
        for (int part = 0; part < PARTS; part++) {
            self->views[i].text[part] = BUF_INIT(1 << 20);
        }
    }
    if (broker_subscribe(load->fixture.broker, &options, &self->subscription, &err)) {
        atomic_fetch_add(&load->failures, 1);
    }
}

static void subscriber_close(struct subscriber *self)
{
    broker_unsubscribe(self->subscription);
    for (int i = 0; i < MESSAGES; i++) {
        for (int part = 0; part < PARTS; part++) {
            buf_release(&self->views[i].text[part]);
        }
    }
}

static void drain(struct subscriber *self)
{
    struct pollfd fd = {subscription_fd(self->subscription), POLLIN, 0};
    (void)poll(&fd, 1, 20);
    (void)subscription_drain(self->subscription, 0, on_event, self);
    (void)subscription_take_resync(self->subscription, on_mark, self);
}

static bool has_all_ends(const struct subscriber *self)
{
    for (int i = 0; i < MESSAGES; i++) {
        if (!self->views[i].ended) {
            return false;
        }
    }
    return true;
}

static void *steady_main(void *arg)
{
    struct subscriber *self = arg;
    int64_t deadline = clock_mono_us() + CLOCK_S(60);
    while (!has_all_ends(self) && clock_mono_us() < deadline) {
        drain(self);
        usleep(self->stall_us);
    }
    return NULL;
}

static void *passing_main(void *arg)
{
    struct load *load = arg;
    struct subscriber *self = xcalloc(1, sizeof(*self));
    while (atomic_load(&load->publishing) > 0) {
        subscriber_open(self, load, 16);
        for (int i = 0; i < 5; i++) {
            drain(self);
        }
        subscriber_close(self);
    }
    free(self);
    return NULL;
}

/* ---- the test ---- */

static void load_open(struct load *load)
{
    fixture_open(&load->fixture, CLOCK_MS(2));
    atomic_init(&load->publishing, PUBLISHERS);
    atomic_init(&load->failures, 0);
    for (int i = 0; i < MESSAGES; i++) {
        load->turns[i] = fixture_turn(&load->fixture, "q");
        for (int part = 0; part < PARTS; part++) {
            char space[64];
            load->expected[i][part] = BUF_INIT(1 << 20);
            for (int round = part; round < ROUNDS; round++) {
                buf_append_sv(&load->expected[i][part], delta(space, i, part, round));
            }
        }
    }
}

static void assert_all_of_it(struct load *load, struct subscriber *self)
{
    for (int i = 0; i < MESSAGES; i++) {
        for (int part = 0; part < PARTS; part++) {
            const struct buf *whole = &load->expected[i][part];
            assert_int_equal(self->views[i].text[part].n, whole->n);
            assert_memory_equal(self->views[i].text[part].p, whole->p, whole->n);
        }
    }
}

static void assert_stored(struct load *load)
{
    struct err err;
    assert_int_equal(
        message_flush_all(load->fixture.store, clock_mono_us() + CLOCK_S(10), NULL, &err), ERR_OK);
    fixture_reopen(&load->fixture);
    for (int i = 0; i < MESSAGES; i++) {
        char *stored = fixture_stored_text(&load->fixture, &load->turns[i].answer);
        size_t first = load->expected[i][0].n;
        assert_int_equal(strlen(stored), first + load->expected[i][1].n);
        assert_memory_equal(stored, load->expected[i][0].p, first);
        assert_memory_equal(stored + first, load->expected[i][1].p, load->expected[i][1].n);
        free(stored);
        for (int part = 0; part < PARTS; part++) {
            buf_release(&load->expected[i][part]);
        }
    }
}

static void whoever_stalls_or_comes_and_goes_every_steady_reader_ends_with_the_stores_text(
    void **state)
{
    (void)state;
    struct err err;
    struct load *load = xcalloc(1, sizeof(*load));
    struct subscriber *steady = xcalloc(STEADY, sizeof(*steady));
    struct publisher publishers[PUBLISHERS];
    pthread_t threads[STEADY + PASSING + PUBLISHERS];
    size_t count = 0;
    unsigned snapshots = 0;
    load_open(load);
    for (int i = 0; i < STEADY; i++) {
        subscriber_open(&steady[i], load, i % 2 ? 1024 : 2);
        steady[i].stall_us = (unsigned)i * 2000;
        assert_int_equal(thread_start(&threads[count++], "steady", steady_main, &steady[i], &err),
                         ERR_OK);
    }
    for (int i = 0; i < PASSING; i++) {
        assert_int_equal(thread_start(&threads[count++], "passing", passing_main, load, &err),
                         ERR_OK);
    }
    for (int i = 0; i < PUBLISHERS; i++) {
        publishers[i] = (struct publisher){load, i * (MESSAGES / PUBLISHERS)};
        assert_int_equal(
            thread_start(&threads[count++], "publisher", publisher_main, &publishers[i], &err),
            ERR_OK);
    }
    for (size_t i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&load->failures), 0);
    for (int i = 0; i < STEADY; i++) {
        assert_all_of_it(load, &steady[i]);
        snapshots += steady[i].snapshots;
        subscriber_close(&steady[i]);
    }
    /* The small queues did overflow, or nothing was tested. */
    assert_true(snapshots > 0);
    assert_stored(load);
    fixture_close(&load->fixture);
    free(steady);
    free(load);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

/* Pages of this process in memory. Sanitizers keep what was freed, so nothing follows from it. */
/* What malloc keeps for later is not kept by the store. */
static int64_t resident_bytes(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
    long pages = 0;
#if defined(__linux__) && !defined(SANITIZED)
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%*d %ld", &pages) != 1) {
        pages = 0;
    }
    if (file) {
        fclose(file);
    }
#endif
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static void answer(struct fixture *fixture, const char *text)
{
    struct turn turn = fixture_turn(fixture, "q");
    fixture_apply(fixture, &turn.answer, fixture_text(0, text));
    fixture_apply(fixture, &turn.answer, fixture_finish(FINISH_END_TURN));
}

static void wait_until_none_is_live(struct fixture *fixture)
{
    int64_t deadline = clock_mono_us() + CLOCK_S(20);
    while (message_service_stats(fixture->store).live > 0 && clock_mono_us() < deadline) {
        usleep(1000);
    }
    assert_int_equal(message_service_stats(fixture->store).live, 0);
}

static void drop(void *ctx, const struct event *event)
{
    (void)ctx;
    (void)event;
}

static void crush_d1__two_thousand_finished_answers_leave_nothing_in_memory(void **state)
{
    (void)state;
    enum { ANSWERS = 2000, WARM = 300, BYTES = 20000 };
    struct fixture fixture;
    char *text = xcalloc(1, BYTES + 1);
    memset(text, 'x', BYTES);
    fixture_open(&fixture, CLOCK_MS(1));
    int64_t warm = 0;
    for (int i = 0; i < ANSWERS; i++) {
        if (i == WARM) {
            wait_until_none_is_live(&fixture);
            warm = resident_bytes();
        }
        answer(&fixture, text);
        subscription_drain(fixture.inbox, 0, drop, NULL);
    }
    wait_until_none_is_live(&fixture);
    /* 34 MB of text came after the first look; kept once it would be seen here. */
    assert_true(resident_bytes() - warm < 12 << 20);
    assert_int_equal(message_service_stats(fixture.store).dirty, 0);
    free(text);
    fixture_close(&fixture);
}

int main(void)
{
    alarm(150);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            whoever_stalls_or_comes_and_goes_every_steady_reader_ends_with_the_stores_text),
        cmocka_unit_test(crush_d1__two_thousand_finished_answers_leave_nothing_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
