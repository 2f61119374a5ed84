/*
 * Defects of the closest ancestor's message service that this design could have too (crush_dN).
 * Others are in test_message_service.c, test_load.c and tests/pubsub/test_crush.c; ARCHITECTURE.md
 * has the whole list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

#define HOUR CLOCK_S(3600)

/* A trigger refuses the row, as a damaged schema would; nobody pushes after it is gone. */
static void crush_d3__a_failed_write_is_told_and_tried_again_until_it_works(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, CLOCK_MS(1));
    struct turn turn = fixture_turn(&fixture, "q");
    struct inbox inbox = {0};
    inbox_receive(&fixture, &turn.answer, 1, &inbox);
    fixture_execute(&fixture, "CREATE TRIGGER refuse BEFORE INSERT ON chunk"
                              " BEGIN SELECT raise(ABORT, 'refused'); END");
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "kept"));
    inbox_receive(&fixture, &turn.answer, 2, &inbox);
    assert_int_equal(inbox.count, 2);
    assert_true(inbox.updates[1]->unsaved);
    assert_true(inbox.updates[1]->error != ERR_OK);
    usleep(20000);
    assert_true(message_service_stats(fixture.store).retries >= 2);
    fixture_assert_stored(&fixture, &turn.answer, "");
    fixture_execute(&fixture, "DROP TRIGGER refuse");
    inbox_receive(&fixture, &turn.answer, 3, &inbox);
    assert_int_equal(inbox.count, 3);
    assert_int_equal(inbox.updates[2]->kind, UPDATE_SAVED);
    fixture_assert_stored(&fixture, &turn.answer, "kept");
    inbox_release(&inbox);
    fixture_close(&fixture);
}

static struct subscription *subscribe(struct fixture *fixture, size_t lossy, size_t must)
{
    struct err err;
    struct subscription *subscription = NULL;
    struct subscription_options options = {
        .topics = TOPIC_MESSAGE, .lossy_events = lossy, .must_events = must, .parked_events = must};
    assert_int_equal(broker_subscribe(fixture->broker, &options, &subscription, &err), ERR_OK);
    return subscription;
}

/* Text is lossy, calls are not: the updates of one message come by both lanes. */
static void crush_d4__updates_come_in_the_order_of_the_writes_while_another_reader_stalls(
    void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, CLOCK_MS(1));
    struct subscription *stalled = subscribe(&fixture, 1, 1);
    struct turn turn = fixture_turn(&fixture, "q");
    struct inbox inbox = {0};
    for (uint32_t i = 0; i < 40; i++) {
        struct stream_event call = {
            .kind = STREAM_TOOL_CALL, .part = i + 1, .id = SV("c"), .name = SV("n")};
        fixture_apply(&fixture, &turn.answer, fixture_text(0, "text "));
        usleep(i % 3 ? 0 : 2500);
        fixture_apply(&fixture, &turn.answer, call);
        inbox_receive(&fixture, &turn.answer, 0, &inbox);
    }
    fixture_apply(&fixture, &turn.answer, fixture_finish(FINISH_TOOL_USE));
    while (inbox.count == 0 || inbox.updates[inbox.count - 1]->kind != UPDATE_ENDED) {
        size_t before = inbox.count;
        inbox_receive(&fixture, &turn.answer, before + 1, &inbox);
        assert_true(inbox.count > before);
    }
    size_t text = 0;
    for (size_t i = 1; i < inbox.count; i++) {
        assert_int_equal(inbox.updates[i]->revision_before, inbox.updates[i - 1]->revision);
        for (size_t p = 0; p < inbox.updates[i]->piece_count; p++) {
            const struct piece *piece = &inbox.updates[i]->pieces[p];
            if (piece->part == 0) {
                assert_int_equal(piece->offset, text);
                text += piece->text.n;
            }
        }
    }
    assert_int_equal(text, 200);
    inbox_release(&inbox);
    broker_unsubscribe(stalled);
    fixture_close(&fixture);
}

static void crush_d5__a_message_deleted_during_its_write_is_silent_for_ever(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, CLOCK_MS(1));
    struct turn turn = fixture_turn(&fixture, "q");
    struct db_lock *lock = fixture_lock(&fixture, CLOCK_MS(120));
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "A"));
    usleep(10000);
    assert_int_equal(message_delete(fixture.store, &turn.answer, fixture_soon(), &err), ERR_OK);
    (void)fixture_unlock(lock);
    struct stream_event late = fixture_text(0, "late");
    assert_int_equal(message_apply(fixture.store, &turn.answer, &late, &err), ERR_GONE);
    assert_int_equal(message_flush_all(fixture.store, fixture_soon(), NULL, &err), ERR_OK);
    usleep(30000);
    struct inbox inbox = {0};
    inbox_receive(&fixture, &turn.answer, 2, &inbox);
    usleep(10000);
    inbox_receive(&fixture, &turn.answer, 0, &inbox);
    for (size_t i = 0; i < inbox.count; i++) {
        assert_int_equal(inbox.updates[i]->kind == UPDATE_DELETED, i == inbox.count - 1);
    }
    fixture_assert_query(&fixture,
                         "SELECT count(*) FROM message WHERE role = 'assistant'"
                         " AND deleted_at IS NULL",
                         "0");
    assert_int_equal(message_service_stats(fixture.store).live, 0);
    inbox_release(&inbox);
    fixture_close(&fixture);
}

/* What this process has handed to write() so far. */
static int64_t bytes_written(void)
{
    long long written = 0;
    FILE *file = fopen("/proc/self/io", "r");
    if (!file) {
        skip();
    }
    assert_int_equal(fscanf(file, "rchar: %*d wchar: %lld", &written), 1);
    fclose(file);
    return written;
}

static int64_t write_flushes(struct fixture *fixture, const struct ulid *message, int count)
{
    struct err err;
    char text[201];
    memset(text, 'x', 200);
    text[200] = '\0';
    int64_t before = bytes_written();
    for (int i = 0; i < count; i++) {
        fixture_apply(fixture, message, fixture_text(0, text));
        assert_int_equal(message_flush(fixture->store, message, fixture_soon(), &err), ERR_OK);
    }
    return bytes_written() - before;
}

static void crush_d8__what_a_flush_writes_does_not_grow_with_the_text(void **state)
{
    (void)state;
    enum { FLUSHES = 500 };
    struct fixture fixture;
    fixture_open(&fixture, HOUR);
    struct turn turn = fixture_turn(&fixture, "q");
    int64_t first = write_flushes(&fixture, &turn.answer, FLUSHES);
    (void)write_flushes(&fixture, &turn.answer, 2 * FLUSHES);
    int64_t fourth = write_flushes(&fixture, &turn.answer, FLUSHES);
    assert_true(fourth < 2 * first);
    /* A page or two for each, where the whole text would be a hundred. */
    assert_true(fourth / FLUSHES < 20000);
    fixture_assert_query(&fixture, "SELECT count(*) || '/' || sum(length(text)) FROM chunk",
                         "2000/400000");
    fixture_close(&fixture);
}

static void crush_d9__all_messages_of_a_tick_are_one_transaction(void **state)
{
    (void)state;
    enum { ANSWERS = 16 };
    struct fixture fixture;
    struct err err;
    struct turn turns[ANSWERS];
    fixture_open(&fixture, HOUR);
    for (int i = 0; i < ANSWERS; i++) {
        turns[i] = fixture_turn(&fixture, "q");
    }
    for (int i = 0; i < ANSWERS; i++) {
        fixture_apply(&fixture, &turns[i].answer, fixture_text(0, "hi"));
    }
    uint64_t before = message_service_stats(fixture.store).transactions;
    assert_int_equal(message_flush_all(fixture.store, fixture_soon(), NULL, &err), ERR_OK);
    assert_int_equal(message_service_stats(fixture.store).transactions - before, 1);
    fixture_assert_query(&fixture, "SELECT count(DISTINCT message) FROM chunk", "16");
    fixture_close(&fixture);
}

struct late_streamer {
    struct fixture *fixture;
    struct ulid answer;
    size_t taken; /* deltas that were accepted */
    enum err_code refusal;
};

static void *stream_on(void *arg)
{
    struct late_streamer *self = arg;
    struct err err;
    struct stream_event text = fixture_text(0, "0123456789");
    while (self->refusal == ERR_OK) {
        self->refusal = message_apply(self->fixture->store, &self->answer, &text, &err);
        self->taken += self->refusal == ERR_OK;
        usleep(100);
    }
    return NULL;
}

static void crush_d10__what_is_taken_while_the_store_closes_is_saved_and_the_rest_refused(
    void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    pthread_t thread;
    fixture_open(&fixture, CLOCK_MS(5));
    struct turn turn = fixture_turn(&fixture, "q");
    struct late_streamer late = {.fixture = &fixture, .answer = turn.answer};
    assert_int_equal(thread_start(&thread, "late", stream_on, &late, &err), ERR_OK);
    usleep(30000);
    assert_int_equal(store_close(fixture.store, fixture_soon(), &err), ERR_OK);
    pthread_join(thread, NULL);
    assert_int_equal(late.refusal, ERR_CLOSED);
    char *stored = fixture_stored_text(&fixture, &turn.answer);
    assert_true(late.taken > 0);
    assert_int_equal(strlen(stored), 10 * late.taken);
    free(stored);
    fixture_close(&fixture);
}

static void crush_d11__a_stuck_reader_costs_the_stream_no_time(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, CLOCK_MS(1));
    struct subscription *stuck = subscribe(&fixture, 1, 1);
    struct turn turn = fixture_turn(&fixture, "q");
    int waited = 0;
    for (uint32_t i = 0; i < 50; i++) {
        struct stream_event call = {
            .kind = STREAM_TOOL_CALL, .part = i, .id = SV("c"), .name = SV("n")};
        int64_t began = clock_mono_us();
        fixture_apply(&fixture, &turn.answer, call);
        waited += clock_mono_us() - began > CLOCK_MS(40);
        assert_int_equal(message_flush(fixture.store, &turn.answer, fixture_soon(), &err), ERR_OK);
    }
    /* The ancestor's stream waits 50 ms for each of them; a busy machine makes some wait. */
    assert_in_range(waited, 0, 25);
    assert_true(subscription_counters(stuck).undelivered > 0);
    broker_unsubscribe(stuck);
    fixture_close(&fixture);
}

static void crush_d12__what_was_published_does_not_change_afterwards(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, CLOCK_MS(1));
    struct turn turn = fixture_turn(&fixture, "q");
    struct inbox inbox = {0};
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "first"));
    inbox_receive(&fixture, &turn.answer, 2, &inbox);
    struct message *message = NULL;
    assert_int_equal(message_snapshot(fixture.store, &turn.answer, &message, &err), ERR_OK);
    for (int i = 0; i < 100; i++) {
        fixture_apply(&fixture, &turn.answer, fixture_text(0, " and much more"));
    }
    fixture_apply(&fixture, &turn.answer, fixture_finish(FINISH_END_TURN));
    assert_int_equal(message_flush_all(fixture.store, fixture_soon(), NULL, &err), ERR_OK);
    const struct piece *piece = &inbox.updates[1]->pieces[0];
    assert_true(sv_equal(piece->text, SV("first")));
    assert_false(piece->ended);
    assert_string_equal(message->parts[0].text, "first");
    /* A reader's copy is its own. */
    message->parts[0].text[0] = '#';
    message_free(message);
    assert_int_equal(message_snapshot(fixture.store, &turn.answer, &message, &err), ERR_OK);
    assert_memory_equal(message->parts[0].text, "first and", 9);
    message_free(message);
    inbox_release(&inbox);
    fixture_close(&fixture);
}

/* There, a flush is skipped when the number of calls stays the same. */
static void crush_d13__every_call_and_every_end_is_written_at_once_whatever_came_before(
    void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, HOUR);
    struct turn turn = fixture_turn(&fixture, "q");
    struct inbox inbox = {0};
    inbox_receive(&fixture, &turn.answer, 1, &inbox);
    struct stream_event events[] = {
        {.kind = STREAM_TOOL_CALL, .part = 0, .id = SV("a"), .name = SV("n")},
        {.kind = STREAM_TOOL_CALL_END, .part = 0},
        {.kind = STREAM_TOOL_CALL, .part = 1, .id = SV("a"), .name = SV("n")},
        {.kind = STREAM_TOOL_CALL_END, .part = 1},
    };
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        fixture_apply(&fixture, &turn.answer, events[i]);
        inbox_receive(&fixture, &turn.answer, 2 + i, &inbox);
        assert_int_equal(inbox.count, 2 + i);
    }
    fixture_assert_query(&fixture, "SELECT count(ended_at) FROM part WHERE kind = 'tool_call'",
                         "2");
    inbox_release(&inbox);
    fixture_close(&fixture);
}

/* A provider's own state of its reasoning travels as a native part, byte for byte. */
static void crush_d15__the_end_of_a_part_drops_nothing_of_it(void **state)
{
    (void)state;
    static const char native[] = "{\"signature\":\"b64==\",\"id\":\"rs_1\",\"z\":[1, 2]}";
    struct stream_event script[] = {
        {.kind = STREAM_REASONING, .part = 0, .text = SV("hmm")},
        {.kind = STREAM_REASONING_END, .part = 0},
        {.kind = STREAM_NATIVE, .part = 1, .id = SV("rs_1"), .text = sv_from(native)},
        {.kind = STREAM_TOOL_CALL, .part = 2, .id = SV("c1"), .name = SV("ls")},
        {.kind = STREAM_TOOL_INPUT, .part = 2, .text = SV("{")},
        {.kind = STREAM_TOOL_INPUT, .part = 2, .text = SV("}")},
        {.kind = STREAM_TOOL_CALL_END, .part = 2},
        {.kind = STREAM_FINISH, .reason = FINISH_TOOL_USE},
    };
    struct fixture fixture;
    struct err err;
    struct message *message = NULL;
    fixture_open(&fixture, CLOCK_MS(1));
    struct turn turn = fixture_turn(&fixture, "q");
    for (size_t i = 0; i < COUNT_OF(script); i++) {
        fixture_apply(&fixture, &turn.answer, script[i]);
    }
    fixture_reopen(&fixture);
    assert_int_equal(message_snapshot(fixture.store, &turn.answer, &message, &err), ERR_OK);
    assert_string_equal(message->parts[0].text, "hmm");
    assert_true(message->parts[0].ended &&
                message->parts[0].ended_us >= message->parts[0].began_us);
    assert_string_equal(message->parts[1].text, native);
    assert_string_equal(message->parts[1].tool_id, "rs_1");
    assert_string_equal(message->parts[2].tool_id, "c1");
    assert_string_equal(message->parts[2].tool_name, "ls");
    assert_string_equal(message->parts[2].text, "{}");
    message_free(message);
    fixture_close(&fixture);
}

static void crush_d16__text_and_reasoning_keep_their_order_and_each_end_is_written(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, HOUR);
    struct turn turn = fixture_turn(&fixture, "q");
    for (uint32_t i = 0; i < 2; i++) {
        struct stream_event think = {.kind = STREAM_REASONING, .part = 2 * i, .text = SV("why ")};
        struct stream_event end = {.kind = STREAM_REASONING_END, .part = 2 * i};
        fixture_apply(&fixture, &turn.answer, think);
        assert_int_equal(
            message_apply_wait(fixture.store, &turn.answer, &end, fixture_soon(), &err), 0);
        fixture_apply(&fixture, &turn.answer, fixture_text(2 * i + 1, "so "));
    }
    fixture_assert_query(&fixture,
                         "SELECT count(ended_at) || '/' || count(DISTINCT ended_at) FROM part"
                         " WHERE kind = 'reasoning'",
                         "2/2");
    assert_int_equal(message_flush_all(fixture.store, fixture_soon(), NULL, &err), ERR_OK);
    fixture_assert_query(
        &fixture,
        "SELECT group_concat(kind) FROM (SELECT p.kind FROM part p JOIN message m ON m.id"
        " = p.message WHERE m.role = 'assistant' ORDER BY p.position)",
        "reasoning,text,reasoning,text");
    fixture_assert_stored(&fixture, &turn.answer, "why so why so ");
    fixture_close(&fixture);
}

static void crush_d17__prompts_answers_and_tool_results_are_announced_by_the_lane_that_must_deliver(
    void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, HOUR);
    struct subscription *subscription = subscribe(&fixture, 1, 16);
    struct turn turn = fixture_turn(&fixture, "q");
    struct stream_event result = {
        .kind = STREAM_TOOL_RESULT, .part = 0, .id = SV("c1"), .text = SV("the result")};
    assert_int_equal(subscription_counters(subscription).must_depth, 2);
    assert_int_equal(message_apply_wait(fixture.store, &turn.answer, &result, fixture_soon(), &err),
                     0);
    assert_int_equal(subscription_counters(subscription).must_depth, 3);
    assert_int_equal(subscription_counters(subscription).lossy_depth, 0);
    broker_unsubscribe(subscription);
    fixture_close(&fixture);
}

int main(void)
{
    alarm(90);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crush_d3__a_failed_write_is_told_and_tried_again_until_it_works),
        cmocka_unit_test(
            crush_d4__updates_come_in_the_order_of_the_writes_while_another_reader_stalls),
        cmocka_unit_test(crush_d5__a_message_deleted_during_its_write_is_silent_for_ever),
        cmocka_unit_test(crush_d8__what_a_flush_writes_does_not_grow_with_the_text),
        cmocka_unit_test(crush_d9__all_messages_of_a_tick_are_one_transaction),
        cmocka_unit_test(
            crush_d10__what_is_taken_while_the_store_closes_is_saved_and_the_rest_refused),
        cmocka_unit_test(crush_d11__a_stuck_reader_costs_the_stream_no_time),
        cmocka_unit_test(crush_d12__what_was_published_does_not_change_afterwards),
        cmocka_unit_test(
            crush_d13__every_call_and_every_end_is_written_at_once_whatever_came_before),
        cmocka_unit_test(crush_d15__the_end_of_a_part_drops_nothing_of_it),
        cmocka_unit_test(crush_d16__text_and_reasoning_keep_their_order_and_each_end_is_written),
        cmocka_unit_test(
            crush_d17__prompts_answers_and_tool_results_are_announced_by_the_lane_that_must_deliver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
