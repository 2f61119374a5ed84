/* What readers are given, when, and by which lane. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/thread.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

#define HOUR CLOCK_S(3600)

static void the_window_is_not_pushed_back_by_later_deltas(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, CLOCK_MS(60));
    struct turn turn = fixture_turn(&fixture, "q");
    struct inbox inbox = {0};
    inbox_receive(&fixture, &turn.answer, 1, &inbox);
    int64_t began = clock_mono_us();
    while (inbox.count < 2 && clock_mono_us() - began < CLOCK_S(2)) {
        fixture_apply(&fixture, &turn.answer, fixture_text(0, "."));
        usleep(5000);
        inbox_receive(&fixture, &turn.answer, 0, &inbox);
    }
    assert_int_equal(inbox.count, 2);
    assert_true(clock_mono_us() - began < CLOCK_MS(800));
    inbox_release(&inbox);
    fixture_close(&fixture);
}

static void terminal_events_do_not_wait_for_the_window(void **state)
{
    (void)state;
    static const struct stream_event events[] = {
        {.kind = STREAM_TOOL_CALL, .id = {"t", 1}, .name = {"n", 1}},
        {.kind = STREAM_TOOL_CALL_END},
        {.kind = STREAM_FINISH, .reason = FINISH_END_TURN},
    };
    struct fixture fixture;
    fixture_open(&fixture, HOUR);
    struct turn turn = fixture_turn(&fixture, "q");
    struct inbox inbox = {0};
    inbox_receive(&fixture, &turn.answer, 1, &inbox);
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        fixture_apply(&fixture, &turn.answer, events[i]);
        inbox_receive(&fixture, &turn.answer, 2 + i, &inbox);
        assert_int_equal(inbox.count, 2 + i);
    }
    inbox_release(&inbox);
    fixture_close(&fixture);
}

static void an_error_does_not_wait_for_the_window(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, HOUR);
    struct turn turn = fixture_turn(&fixture, "q");
    struct inbox inbox = {0};
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "kept"));
    struct stream_event event = {
        .kind = STREAM_ERROR, .reason = FINISH_ERROR, .error = ERR_SERVER, .text = SV("it broke")};
    fixture_apply(&fixture, &turn.answer, event);
    inbox_receive(&fixture, &turn.answer, 2, &inbox);
    assert_int_equal(inbox.updates[1]->kind, UPDATE_ENDED);
    assert_int_equal(inbox.updates[1]->error, ERR_SERVER);
    assert_string_equal(inbox.updates[1]->detail, "it broke");
    char *state_of = fixture_query(&fixture, "SELECT state || ' ' || error FROM attempt");
    assert_string_equal(state_of, "failed ERR_SERVER");
    free(state_of);
    inbox_release(&inbox);
    fixture_close(&fixture);
}

static void what_is_published_is_on_the_disk(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, CLOCK_MS(1));
    struct turn turn = fixture_turn(&fixture, "q");
    struct inbox inbox = {0};
    inbox_receive(&fixture, &turn.answer, 1, &inbox);
    size_t seen = 0;
    for (int i = 0; i < 50; i++) {
        size_t before = inbox.count;
        fixture_apply(&fixture, &turn.answer, fixture_text(0, "0123456789"));
        inbox_receive(&fixture, &turn.answer, before + 1, &inbox);
        for (size_t at = before; at < inbox.count; at++) {
            assert_false(inbox.updates[at]->unsaved);
            seen += inbox.updates[at]->pieces[0].text.n;
        }
        char *stored = fixture_stored_text(&fixture, &turn.answer);
        assert_true(strlen(stored) >= seen);
        free(stored);
    }
    assert_int_equal(seen, 500);
    inbox_release(&inbox);
    fixture_close(&fixture);
}

/* A subscription with room for one event in each lane, which is full and never drained. */
static struct subscription *full_subscription(struct fixture *fixture)
{
    struct err err;
    struct subscription *full = NULL;
    struct subscription_options options = {
        .topics = TOPIC_MESSAGE, .lossy_events = 1, .must_events = 1, .parked_events = 1};
    assert_int_equal(broker_subscribe(fixture->broker, &options, &full, &err), ERR_OK);
    return full;
}

/* sa16 to sa18: structural updates take the must-deliver lane, also when it is full. */
static void assert_must_deliver(const struct stream_event *before, const struct stream_event *event)
{
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, HOUR);
    struct turn turn = fixture_turn(&fixture, "q");
    if (before) {
        assert_int_equal(
            message_apply_wait(fixture.store, &turn.answer, before, fixture_soon(), &err), 0);
    }
    struct subscription *full = full_subscription(&fixture);
    assert_int_equal(message_apply_wait(fixture.store, &turn.answer, event, fixture_soon(), &err),
                     ERR_OK);
    struct subscription_counters counters = subscription_counters(full);
    assert_int_equal(counters.must_depth, 1);
    assert_int_equal(counters.lossy_depth, 0);
    assert_int_equal(counters.dropped, 0);
    broker_unsubscribe(full);
    fixture_close(&fixture);
}

static void sa16__a_tool_call_that_begins_must_be_delivered(void **state)
{
    (void)state;
    struct stream_event call = {.kind = STREAM_TOOL_CALL, .id = SV("t"), .name = SV("n")};
    assert_must_deliver(NULL, &call);
}

static void sa17__a_tool_call_that_ends_must_be_delivered(void **state)
{
    (void)state;
    struct stream_event call = {.kind = STREAM_TOOL_CALL, .id = SV("t"), .name = SV("n")};
    struct stream_event end = {.kind = STREAM_TOOL_CALL_END};
    assert_must_deliver(&call, &end);
}

static void sa18__reasoning_that_ends_must_be_delivered(void **state)
{
    (void)state;
    struct stream_event think = {.kind = STREAM_REASONING, .text = SV("hm")};
    struct stream_event end = {.kind = STREAM_REASONING_END};
    assert_must_deliver(&think, &end);
}

static void sa12__the_end_must_be_delivered(void **state)
{
    (void)state;
    struct stream_event text = fixture_text(0, "t");
    struct stream_event finish = fixture_finish(FINISH_END_TURN);
    assert_must_deliver(&text, &finish);
}

static void text_alone_is_lossy(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, HOUR);
    struct turn turn = fixture_turn(&fixture, "q");
    struct stream_event text = fixture_text(0, "one");
    assert_int_equal(message_apply_wait(fixture.store, &turn.answer, &text, fixture_soon(), &err),
                     ERR_OK);
    struct subscription *full = full_subscription(&fixture);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            message_apply_wait(fixture.store, &turn.answer, &text, fixture_soon(), &err), 0);
    }
    assert_int_equal(subscription_counters(full).lossy_depth, 1);
    assert_int_equal(subscription_counters(full).dropped, 2);
    broker_unsubscribe(full);
    fixture_close(&fixture);
}

/* A reader as any screen is: applies pieces by position, and asks for a snapshot where it sees a
 * gap or a mark. */
struct reader {
    struct fixture *fixture;
    struct ulid message;
    struct buf text;
    bool ended;
    unsigned snapshots;
};

static void take_snapshot(struct reader *reader)
{
    struct err err;
    struct message *message = NULL;
    assert_int_equal(message_snapshot(reader->fixture->store, &reader->message, &message, &err), 0);
    buf_clear(&reader->text);
    if (message->part_count > 0) {
        buf_append(&reader->text, message->parts[0].text, message->parts[0].text_n);
    }
    reader->ended = message->ended;
    reader->snapshots++;
    message_free(message);
}

static void read_event(void *ctx, const struct event *event)
{
    struct reader *reader = ctx;
    const struct message_update *update = (const struct message_update *)event->payload;
    if (!ulid_equal(&update->message, &reader->message)) {
        return;
    }
    for (size_t i = 0; i < update->piece_count; i++) {
        const struct piece *piece = &update->pieces[i];
        if (piece->offset > reader->text.n) {
            take_snapshot(reader);
        } else if (piece->offset + piece->text.n > reader->text.n) {
            buf_append_sv(&reader->text, sv_skip(piece->text, reader->text.n - piece->offset));
        }
    }
    reader->ended = reader->ended || update->kind == UPDATE_ENDED;
}

static void read_mark(void *ctx, uint32_t topic, const struct ulid *key)
{
    (void)topic;
    (void)key;
    take_snapshot(ctx);
}

static void *stream_fast(void *arg)
{
    struct reader *reader = arg;
    for (int i = 0; i < 3000; i++) {
        fixture_apply(reader->fixture, &reader->message, fixture_text(0, "0123456789"));
        if (i % 10 == 0) {
            usleep(500);
        }
    }
    fixture_apply(reader->fixture, &reader->message, fixture_finish(FINISH_END_TURN));
    return NULL;
}

static void a_reader_that_stalls_and_resyncs_ends_with_the_stores_text(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    pthread_t thread;
    fixture_open(&fixture, CLOCK_MS(1));
    struct turn turn = fixture_turn(&fixture, "q");
    struct subscription *slow = full_subscription(&fixture);
    struct reader reader = {&fixture, turn.answer, BUF_INIT(1 << 20), false, 0};
    assert_int_equal(thread_start(&thread, "streamer", stream_fast, &reader, &err), ERR_OK);
    int64_t deadline = clock_mono_us() + CLOCK_S(20);
    while (!reader.ended && clock_mono_us() < deadline) {
        usleep(7000);
        subscription_drain(slow, 0, read_event, &reader);
        subscription_take_resync(slow, read_mark, &reader);
    }
    pthread_join(thread, NULL);
    assert_true(reader.ended);
    assert_true(reader.snapshots > 0);
    assert_int_equal(reader.text.n, 30000);
    buf_release(&reader.text);
    broker_unsubscribe(slow);
    fixture_close(&fixture);
}

int main(void)
{
    alarm(90);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_window_is_not_pushed_back_by_later_deltas),
        cmocka_unit_test(terminal_events_do_not_wait_for_the_window),
        cmocka_unit_test(an_error_does_not_wait_for_the_window),
        cmocka_unit_test(what_is_published_is_on_the_disk),
        cmocka_unit_test(sa12__the_end_must_be_delivered),
        cmocka_unit_test(sa16__a_tool_call_that_begins_must_be_delivered),
        cmocka_unit_test(sa17__a_tool_call_that_ends_must_be_delivered),
        cmocka_unit_test(sa18__reasoning_that_ends_must_be_delivered),
        cmocka_unit_test(text_alone_is_lossy),
        cmocka_unit_test(a_reader_that_stalls_and_resyncs_ends_with_the_stores_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
