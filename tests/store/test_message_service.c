/* The message service against a real database: windows, terminal events, waiting, deleting, faults.
 */
#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "store/core_internal.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

#define HOUR CLOCK_S(3600)

static void sa1__deltas_within_a_window_are_one_write_and_one_update(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, CLOCK_MS(200));
    struct turn turn = fixture_turn(&fixture, "q");
    struct inbox inbox = {0};
    inbox_receive(&fixture, &turn.answer, 1, &inbox);
    assert_int_equal(inbox.count, 1);
    for (int i = 0; i < 5; i++) {
        fixture_apply(&fixture, &turn.answer, fixture_text(0, "a"));
    }
    usleep(10000);
    inbox_receive(&fixture, &turn.answer, 0, &inbox);
    assert_int_equal(inbox.count, 1);
    inbox_receive(&fixture, &turn.answer, 2, &inbox);
    usleep(20000);
    inbox_receive(&fixture, &turn.answer, 0, &inbox);
    assert_int_equal(inbox.count, 2);
    assert_int_equal(inbox.updates[1]->piece_count, 1);
    assert_true(sv_equal(inbox.updates[1]->pieces[0].text, SV("aaaaa")));
    fixture_assert_stored(&fixture, &turn.answer, "aaaaa");
    inbox_release(&inbox);
    fixture_close(&fixture);
}

static void sa2__the_end_is_written_at_once(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, HOUR);
    struct turn turn = fixture_turn(&fixture, "q");
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "answer"));
    fixture_end(&fixture, &turn, FINISH_END_TURN);
    fixture_assert_stored(&fixture, &turn.answer, "answer");
    fixture_assert_query(&fixture, "SELECT reason FROM message WHERE role = 'assistant'",
                         "end_turn");
    fixture_assert_query(&fixture, "SELECT state FROM attempt", "completed");
    fixture_assert_query(&fixture, "SELECT state FROM turn", "completed");
    struct inbox inbox = {0};
    inbox_receive(&fixture, &turn.answer, 2, &inbox);
    assert_int_equal(inbox.count, 2);
    assert_int_equal(inbox.updates[1]->kind, UPDATE_ENDED);
    assert_int_equal(inbox.updates[1]->reason, FINISH_END_TURN);
    inbox_release(&inbox);
    fixture_close(&fixture);
}

static void sa3__a_tool_call_is_written_when_it_begins_and_when_it_ends(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, HOUR);
    struct turn turn = fixture_turn(&fixture, "q");
    struct stream_event call = {
        .kind = STREAM_TOOL_CALL, .part = 0, .id = SV("tc1"), .name = SV("ls")};
    assert_int_equal(message_apply_wait(fixture.store, &turn.answer, &call, fixture_soon(), &err),
                     0);
    fixture_assert_query(
        &fixture,
        "SELECT tool_id || tool_name || (ended_at IS NULL) FROM part WHERE kind = 'tool_call'",
        "tc1ls1");
    struct stream_event input = {.kind = STREAM_TOOL_INPUT, .part = 0, .text = SV("{}")};
    fixture_apply(&fixture, &turn.answer, input);
    struct stream_event end = {.kind = STREAM_TOOL_CALL_END, .part = 0};
    assert_int_equal(message_apply_wait(fixture.store, &turn.answer, &end, fixture_soon(), &err),
                     0);
    fixture_assert_query(&fixture, "SELECT ended_at IS NOT NULL FROM part WHERE kind = 'tool_call'",
                         "1");
    fixture_assert_stored(&fixture, &turn.answer, "{}");
    fixture_close(&fixture);
}

static void sa4__the_end_of_reasoning_is_written_at_once(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, HOUR);
    struct turn turn = fixture_turn(&fixture, "q");
    struct stream_event think = {.kind = STREAM_REASONING, .part = 0, .text = SV("hmm")};
    fixture_apply(&fixture, &turn.answer, think);
    usleep(50000);
    fixture_assert_stored(&fixture, &turn.answer, "");
    struct stream_event end = {.kind = STREAM_REASONING_END, .part = 0};
    assert_int_equal(message_apply_wait(fixture.store, &turn.answer, &end, fixture_soon(), &err),
                     0);
    fixture_assert_stored(&fixture, &turn.answer, "hmm");
    fixture_assert_query(&fixture, "SELECT ended_at IS NOT NULL FROM part WHERE kind = 'reasoning'",
                         "1");
    fixture_close(&fixture);
}

static void sa5__flush_drains_what_is_pending_and_twice_is_fine(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, HOUR);
    struct turn turn = fixture_turn(&fixture, "q");
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "buffered"));
    fixture_assert_stored(&fixture, &turn.answer, "");
    assert_int_equal(message_flush(fixture.store, &turn.answer, fixture_soon(), &err), ERR_OK);
    fixture_assert_stored(&fixture, &turn.answer, "buffered");
    assert_int_equal(message_flush(fixture.store, &turn.answer, fixture_soon(), &err), ERR_OK);
    fixture_close(&fixture);
}

static void sa6__flush_all_drains_every_message(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    struct turn turns[5];
    size_t unsaved = 9;
    fixture_open(&fixture, HOUR);
    for (int i = 0; i < 5; i++) {
        turns[i] = fixture_turn(&fixture, "q");
        fixture_apply(&fixture, &turns[i].answer, fixture_text(0, "hi"));
    }
    assert_int_equal(message_flush_all(fixture.store, fixture_soon(), &unsaved, &err), ERR_OK);
    assert_int_equal(unsaved, 0);
    for (int i = 0; i < 5; i++) {
        fixture_assert_stored(&fixture, &turns[i].answer, "hi");
    }
    fixture_close(&fixture);
}

static void play(struct fixture *fixture, const struct ulid *id)
{
    struct stream_event script[] = {
        {.kind = STREAM_REASONING, .part = 0, .text = SV("th")},
        {.kind = STREAM_REASONING, .part = 0, .text = SV("ink")},
        {.kind = STREAM_REASONING_END, .part = 0},
        {.kind = STREAM_TEXT, .part = 1, .text = SV("one ")},
        {.kind = STREAM_TEXT, .part = 1, .text = SV("two")},
        {.kind = STREAM_TOOL_CALL, .part = 2, .id = SV("t"), .name = SV("n")},
        {.kind = STREAM_TOOL_INPUT, .part = 2, .text = SV("{\"a\":1}")},
        {.kind = STREAM_TOOL_CALL_END, .part = 2},
        {.kind = STREAM_FINISH, .reason = FINISH_TOOL_USE},
    };
    for (size_t i = 0; i < COUNT_OF(script); i++) {
        fixture_apply(fixture, id, script[i]);
    }
}

static void sa7__the_window_does_not_change_what_is_stored(void **state)
{
    (void)state;
    static const int64_t windows[] = {0, CLOCK_MS(20)};
    for (size_t i = 0; i < COUNT_OF(windows); i++) {
        struct fixture fixture;
        struct err err;
        fixture_open(&fixture, windows[i]);
        struct turn turn = fixture_turn(&fixture, "q");
        play(&fixture, &turn.answer);
        assert_int_equal(message_flush_all(fixture.store, fixture_soon(), NULL, &err), ERR_OK);
        fixture_assert_stored(&fixture, &turn.answer, "thinkone two{\"a\":1}");
        fixture_assert_query(&fixture, "SELECT reason FROM message WHERE role = 'assistant'",
                             "tool_use");
        fixture_assert_query(
            &fixture,
            "SELECT count(*) FROM part p JOIN message m ON m.id = p.message WHERE m.role "
            "= 'assistant'",
            "3");
        fixture_close(&fixture);
    }
}

static void sa8__deleting_drops_what_is_pending(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    struct message *message = NULL;
    fixture_open(&fixture, HOUR);
    struct turn turn = fixture_turn(&fixture, "q");
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "pending"));
    assert_int_equal(message_delete(fixture.store, &turn.answer, fixture_soon(), &err), ERR_OK);
    assert_int_equal(message_flush_all(fixture.store, fixture_soon(), NULL, &err), ERR_OK);
    assert_int_equal(message_snapshot(fixture.store, &turn.answer, &message, &err), ERR_NOT_FOUND);
    assert_int_equal(message_service_stats(fixture.store).live, 0);
    fixture_close(&fixture);
}

static void crush_d5__a_late_update_of_a_deleted_message_is_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, CLOCK_MS(5));
    struct turn turn = fixture_turn(&fixture, "q");
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "A"));
    assert_int_equal(message_delete(fixture.store, &turn.answer, fixture_soon(), &err), ERR_OK);
    struct stream_event late = fixture_text(0, "late");
    assert_int_equal(message_apply(fixture.store, &turn.answer, &late, &err), ERR_GONE);
    usleep(30000);
    struct inbox inbox = {0};
    inbox_receive(&fixture, &turn.answer, 2, &inbox);
    assert_int_equal(inbox.updates[inbox.count - 1]->kind, UPDATE_DELETED);
    inbox_release(&inbox);
    fixture_close(&fixture);
}

static void sa13__window_zero_writes_every_change_before_it_returns(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 0);
    struct turn turn = fixture_turn(&fixture, "q");
    static const char *const expected[] = {"x", "xx", "xxx"};
    for (size_t i = 0; i < 3; i++) {
        fixture_apply(&fixture, &turn.answer, fixture_text(0, "x"));
        fixture_assert_stored(&fixture, &turn.answer, expected[i]);
    }
    fixture_close(&fixture);
}

static void crush_d1__a_finished_message_leaves_memory_and_is_folded(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, CLOCK_MS(1));
    for (int i = 0; i < 20; i++) {
        struct turn turn = fixture_turn(&fixture, "q");
        fixture_apply(&fixture, &turn.answer, fixture_text(0, "some text"));
        fixture_apply(&fixture, &turn.answer, fixture_finish(FINISH_END_TURN));
    }
    int64_t deadline = fixture_soon();
    while (message_service_stats(fixture.store).live > 0 && clock_mono_us() < deadline) {
        usleep(1000);
    }
    assert_int_equal(message_service_stats(fixture.store).live, 0);
    usleep(100000);
    fixture_assert_query(&fixture, "SELECT count(*) FROM message WHERE folded = 0", "0");
    fixture_assert_query(&fixture, "SELECT count(*) FROM part WHERE text = 'some text'", "20");
    fixture_assert_query(&fixture, "SELECT count(*) FROM chunk", "1");
    fixture_close(&fixture);
}

/* Holds the write lock from another connection. */
static sqlite3 *lock_database(struct fixture *fixture)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 1000);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void a_locked_database_freezes_nobody_and_loses_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, CLOCK_MS(5));
    struct turn turn = fixture_turn(&fixture, "q");
    struct inbox inbox = {0};
    inbox_receive(&fixture, &turn.answer, 1, &inbox);
    sqlite3 *db = lock_database(&fixture);
    int64_t began = clock_mono_us();
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "one "));
    inbox_receive(&fixture, &turn.answer, 2, &inbox);
    assert_int_equal(inbox.count, 2);
    assert_true(inbox.updates[1]->unsaved);
    assert_true(clock_mono_us() - began < CLOCK_MS(400));
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "two"));
    inbox_receive(&fixture, &turn.answer, 3, &inbox);
    assert_int_equal(inbox.updates[2]->pieces[0].offset, 4);
    assert_int_equal(
        message_flush(fixture.store, &turn.answer, clock_mono_us() + CLOCK_MS(50), &err),
        ERR_TIMEOUT);
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(db);
    assert_int_equal(message_flush(fixture.store, &turn.answer, fixture_soon(), &err), ERR_OK);
    inbox_receive(&fixture, &turn.answer, 4, &inbox);
    assert_int_equal(inbox.updates[3]->kind, UPDATE_SAVED);
    fixture_assert_stored(&fixture, &turn.answer, "one two");
    inbox_release(&inbox);
    fixture_close(&fixture);
}

/* A door in the middle of the commit of a tick: closed, it keeps the writer there. Background steps
 * pass. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    const struct store *store; /* NULL: open */
    bool arrived;
} door = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

static int stop_at_door(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&door.lock);
    /* Only the writer, which is this thread, ever sets in_flight. */
    while (door.store && door.store->in_flight) {
        door.arrived = true;
        pthread_cond_broadcast(&door.moved);
        pthread_cond_wait(&door.moved, &door.lock);
    }
    pthread_mutex_unlock(&door.lock);
    return 0;
}

static int hang_door(sqlite3 *db, const char **error, const struct sqlite3_api_routines *api)
{
    (void)error;
    (void)api;
    sqlite3_commit_hook(db, stop_at_door, NULL);
    return SQLITE_OK;
}

static void set_door(const struct store *store)
{
    pthread_mutex_lock(&door.lock);
    door.store = store;
    door.arrived = false;
    pthread_cond_broadcast(&door.moved);
    pthread_mutex_unlock(&door.lock);
}

static void wait_for_arrival(void)
{
    pthread_mutex_lock(&door.lock);
    while (!door.arrived) {
        pthread_cond_wait(&door.moved, &door.lock);
    }
    pthread_mutex_unlock(&door.lock);
}

static void crush_d2__a_delta_that_comes_during_a_write_is_written_without_another_push(
    void **state)
{
    (void)state;
    struct fixture fixture;
    sqlite3_auto_extension((void (*)(void))hang_door);
    fixture_open(&fixture, CLOCK_MS(1));
    struct turn turn = fixture_turn(&fixture, "q");
    set_door(fixture.store);
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "A"));
    wait_for_arrival();
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "B"));
    set_door(NULL);
    char *stored = fixture_stored_text(&fixture, &turn.answer);
    int64_t deadline = clock_mono_us() + CLOCK_S(2);
    while (strcmp(stored, "AB") != 0 && clock_mono_us() < deadline) {
        usleep(1000);
        free(stored);
        stored = fixture_stored_text(&fixture, &turn.answer);
    }
    assert_string_equal(stored, "AB");
    free(stored);
    sqlite3_cancel_auto_extension((void (*)(void))hang_door);
    fixture_close(&fixture);
}

static void reads_see_what_is_pending(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    struct message *message = NULL;
    fixture_open(&fixture, HOUR);
    struct turn turn = fixture_turn(&fixture, "q");
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "pending"));
    assert_int_equal(message_snapshot(fixture.store, &turn.answer, &message, &err), ERR_OK);
    assert_string_equal(message->parts[0].text, "pending");
    assert_false(message->ended);
    message_free(message);
    fixture_assert_stored(&fixture, &turn.answer, "");
    fixture_close(&fixture);
}

static void crush_d7__flush_obeys_its_deadline(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    size_t unsaved = 0;
    fixture_open(&fixture, CLOCK_MS(5));
    struct turn turn = fixture_turn(&fixture, "q");
    sqlite3 *db = lock_database(&fixture);
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "x"));
    int64_t began = clock_mono_us();
    assert_int_equal(message_flush_all(fixture.store, began + CLOCK_MS(20), &unsaved, &err),
                     ERR_TIMEOUT);
    assert_true(clock_mono_us() - began < CLOCK_MS(200));
    assert_int_equal(unsaved, 1);
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(db);
    fixture_close(&fixture);
}

static void a_second_turn_on_a_busy_branch_is_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    struct turn second;
    fixture_open(&fixture, CLOCK_MS(5));
    struct turn turn = fixture_turn(&fixture, "q");
    struct turn_request request = {.session = turn.session, .prompt = SV("again")};
    assert_int_equal(turn_begin(fixture.store, &request, fixture_soon(), &second, &err), ERR_BUSY);
    fixture_apply(&fixture, &turn.answer, fixture_finish(FINISH_CANCELED));
    assert_int_equal(message_flush_all(fixture.store, fixture_soon(), NULL, &err), ERR_OK);
    assert_int_equal(turn_begin(fixture.store, &request, fixture_soon(), &second, &err), ERR_OK);
    fixture_assert_query(&fixture, "SELECT group_concat(state) FROM attempt", "cancelled,running");
    fixture_assert_query(&fixture,
                         "SELECT group_concat(seq) FROM (SELECT seq FROM message ORDER BY seq)",
                         "1,2,3,4");
    fixture_close(&fixture);
}

static void closing_writes_what_is_pending(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, HOUR);
    struct turn turn = fixture_turn(&fixture, "q");
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "to the last word"));
    struct message *message = NULL;
    struct err err;
    assert_int_equal(store_close(fixture.store, fixture_soon(), &err), ERR_OK);
    fixture_assert_stored(&fixture, &turn.answer, "to the last word");
    fixture_reopen(&fixture);
    assert_int_equal(message_snapshot(fixture.store, &turn.answer, &message, &err), ERR_OK);
    char *text = message_text(message, PART_TEXT);
    assert_string_equal(text, "to the last word");
    assert_int_equal(message->reason, FINISH_INTERRUPTED);
    free(text);
    message_free(message);
    fixture_assert_query(&fixture, "SELECT state FROM attempt", "interrupted");
    fixture_close(&fixture);
}

/* Were it kept, the next sum would not fit, and with it no later answer. */
static void a_usage_that_no_answer_can_have_is_unknown_and_hinders_no_later_one(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, CLOCK_MS(5));
    for (int i = 0; i < 3; i++) {
        struct turn turn = fixture_turn(&fixture, "q");
        struct stream_event usage = {.kind = STREAM_USAGE, .usage = usage_unknown()};
        usage.usage.input_tokens = 3;
        usage.usage.output_tokens = INT64_MAX;
        usage.usage.cost_micros = INT64_MAX;
        usage.usage.cost_estimated = true;
        fixture_apply(&fixture, &turn.answer, fixture_text(0, "a"));
        fixture_apply(&fixture, &turn.answer, usage);
        fixture_apply(&fixture, &turn.answer, fixture_finish(FINISH_END_TURN));
        assert_int_equal(message_flush(fixture.store, &turn.answer, fixture_soon(), &err), ERR_OK);
    }
    fixture_assert_query(&fixture, "SELECT count(*) FROM attempt WHERE state = 'completed'", "3");
    fixture_assert_query(&fixture,
                         "SELECT sum(input_tokens) || ' ' || count(output_tokens) ||"
                         " count(cost_micros) || sum(estimated) FROM usage",
                         "9 000");
    fixture_close(&fixture);
}

/* All of it passes where the database stays locked: long enough for a busy machine. */
static int64_t patience(void)
{
    return clock_mono_us() + CLOCK_S(2);
}

static void what_a_locked_database_did_not_take_at_the_end_comes_in_with_the_next_start(
    void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, CLOCK_MS(5));
    struct turn turn = fixture_turn(&fixture, "q");
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "saved, "));
    assert_int_equal(message_flush(fixture.store, &turn.answer, fixture_soon(), &err), ERR_OK);
    sqlite3 *db = lock_database(&fixture);
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "spilled\nby half"));
    struct stream_event usage = {.kind = STREAM_USAGE, .usage = usage_unknown()};
    usage.usage.output_tokens = 17;
    fixture_apply(&fixture, &turn.answer, usage);
    fixture_apply(&fixture, &turn.answer, fixture_finish(FINISH_END_TURN));
    assert_int_equal(store_close(fixture.store, patience(), &err), ERR_OK);
    assert_int_equal(store_close(fixture.store, patience(), &err), ERR_OK);
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(db);
    fixture_assert_stored(&fixture, &turn.answer, "saved, ");
    fixture_reopen(&fixture);
    char *stored = fixture_stored_text(&fixture, &turn.answer);
    assert_string_equal(stored, "saved, spilled\nby half");
    free(stored);
    fixture_assert_query(&fixture, "SELECT output_tokens || coalesce(input_tokens, '?') FROM usage",
                         "17?");
    fixture_assert_query(&fixture, "SELECT reason FROM message WHERE role = 'assistant'",
                         "end_turn");
    fixture_assert_query(&fixture, "SELECT state FROM attempt", "completed");
    fixture_close(&fixture);
}

/* Leaves a spilled "tail" and end of an answer whose text on the disk is "saved, ". */
static struct turn spill_tail(struct fixture *fixture)
{
    struct err err;
    fixture_open(fixture, CLOCK_MS(5));
    struct turn turn = fixture_turn(fixture, "q");
    fixture_apply(fixture, &turn.answer, fixture_text(0, "saved, "));
    assert_int_equal(message_flush(fixture->store, &turn.answer, fixture_soon(), &err), ERR_OK);
    sqlite3 *db = lock_database(fixture);
    fixture_apply(fixture, &turn.answer, fixture_text(0, "tail"));
    assert_int_equal(store_close(fixture->store, patience(), &err), ERR_OK);
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(db);
    return turn;
}

static void assert_snapshot(struct fixture *fixture, const struct ulid *id, const char *text)
{
    struct err err;
    struct message *message = NULL;
    assert_int_equal(message_snapshot(fixture->store, id, &message, &err), ERR_OK);
    assert_string_equal(message->parts[0].text, text);
    assert_true(message->ended);
    message_free(message);
}

static void spilled_text_is_brought_in_before_anything_is_ended(void **state)
{
    (void)state;
    struct fixture fixture;
    struct turn turn = spill_tail(&fixture);
    fixture_reopen(&fixture);
    assert_snapshot(&fixture, &turn.answer, "saved, tail");
    fixture_close(&fixture);
}

static void spilled_text_joins_an_answer_that_was_ended_and_folded_meanwhile(void **state)
{
    (void)state;
    struct fixture fixture;
    struct turn turn = spill_tail(&fixture);
    fixture_execute(&fixture,
                    "UPDATE message SET reason = 'interrupted', folded = 1, chunk_first = NULL,"
                    " ended_at = 1 WHERE role = 'assistant';"
                    "UPDATE part SET text = 'saved, ' WHERE position = 0 AND message ="
                    " (SELECT id FROM message WHERE role = 'assistant');"
                    "UPDATE attempt SET state = 'interrupted'; DELETE FROM chunk");
    fixture_reopen(&fixture);
    assert_snapshot(&fixture, &turn.answer, "saved, tail");
    int64_t deadline = fixture_soon();
    char *folded = fixture_query(&fixture, "SELECT folded FROM message WHERE role = 'assistant'");
    while (strcmp(folded, "1") != 0 && clock_mono_us() < deadline) {
        usleep(1000);
        free(folded);
        folded = fixture_query(&fixture, "SELECT folded FROM message WHERE role = 'assistant'");
    }
    assert_string_equal(folded, "1");
    free(folded);
    assert_snapshot(&fixture, &turn.answer, "saved, tail");
    fixture_close(&fixture);
}

static void deleting_a_running_answer_frees_its_branch(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    struct turn next;
    fixture_open(&fixture, CLOCK_MS(5));
    struct turn turn = fixture_turn(&fixture, "q");
    assert_int_equal(message_delete(fixture.store, &turn.answer, fixture_soon(), &err), ERR_OK);
    struct turn_request request = {.session = turn.session, .prompt = SV("again")};
    assert_int_equal(turn_begin(fixture.store, &request, fixture_soon(), &next, &err), ERR_OK);
    fixture_close(&fixture);
}

static void a_turn_that_nobody_waits_for_any_more_blocks_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    struct turn next;
    fixture_open(&fixture, CLOCK_MS(5));
    struct turn turn = fixture_turn(&fixture, "q");
    fixture_apply(&fixture, &turn.answer, fixture_finish(FINISH_END_TURN));
    assert_int_equal(message_flush_all(fixture.store, fixture_soon(), NULL, &err), ERR_OK);
    struct turn_request request = {.session = turn.session, .prompt = SV("late")};
    int64_t deadline = clock_mono_us() + CLOCK_S(5);
    do {
        enum err_code code = turn_begin(fixture.store, &request, clock_mono_us(), &next, &err);
        assert_true(code == ERR_TIMEOUT || code == ERR_OK || code == ERR_BUSY);
        if (code == ERR_OK) {
            fixture_apply(&fixture, &next.answer, fixture_finish(FINISH_END_TURN));
        }
        request.prompt = SV("in time");
    } while (turn_begin(fixture.store, &request, fixture_soon(), &next, &err) &&
             clock_mono_us() < deadline);
    fixture_assert_query(&fixture, "SELECT count(*) FROM attempt WHERE state = 'running'", "1");
    fixture_close(&fixture);
}

static void *close_soon(void *arg)
{
    struct fixture *fixture = arg;
    usleep(20000);
    (void)store_close(fixture->store, clock_mono_us() + CLOCK_MS(200), NULL);
    return NULL;
}

static void who_waits_for_the_disk_learns_of_the_end(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    pthread_t thread;
    fixture_open(&fixture, CLOCK_MS(5));
    struct turn turn = fixture_turn(&fixture, "q");
    sqlite3 *db = lock_database(&fixture);
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "x"));
    assert_int_equal(thread_start(&thread, "closer", close_soon, &fixture, &err), ERR_OK);
    int64_t began = clock_mono_us();
    assert_int_equal(message_flush(fixture.store, &turn.answer, began + CLOCK_S(20), &err),
                     ERR_CLOSED);
    assert_true(clock_mono_us() - began < CLOCK_S(5));
    pthread_join(thread, NULL);
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(db);
    fixture_close(&fixture);
}

static void an_empty_answer_says_so(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, CLOCK_MS(5));
    struct turn turn = fixture_turn(&fixture, "q");
    fixture_apply(&fixture, &turn.answer, fixture_finish(FINISH_END_TURN));
    struct err err;
    assert_int_equal(message_flush_all(fixture.store, fixture_soon(), NULL, &err), ERR_OK);
    fixture_assert_query(
        &fixture, "SELECT kind FROM part WHERE position = 0 ORDER BY id DESC LIMIT 1", "status");
    fixture_close(&fixture);
}

static void the_private_store_leaves_no_file(void **state)
{
    (void)state;
    struct err err;
    struct broker *broker = broker_new(NULL);
    struct store *store = NULL;
    struct store_options options = {.debounce_us = 0, .broker = broker};
    assert_int_equal(store_open(&options, &store, &err), ERR_OK);
    assert_int_equal(store_start(store, &err), ERR_OK);
    assert_int_equal(store_wait_ready(store, fixture_soon(), &err), ERR_OK);
    struct turn turn;
    struct turn_request request = {.prompt = SV("q")};
    assert_int_equal(turn_begin(store, &request, fixture_soon(), &turn, &err), ERR_OK);
    struct stream_event text = fixture_text(0, "private");
    assert_int_equal(message_apply(store, &turn.answer, &text, &err), ERR_OK);
    struct message *message = NULL;
    assert_int_equal(message_snapshot(store, &turn.prompt, &message, &err), ERR_OK);
    assert_string_equal(message->parts[0].text, "q");
    message_free(message);
    assert_null(store_path(store));
    assert_int_equal(access(store->path, F_OK), -1);
    store_free(store);
    broker_free(broker);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sa1__deltas_within_a_window_are_one_write_and_one_update),
        cmocka_unit_test(sa2__the_end_is_written_at_once),
        cmocka_unit_test(sa3__a_tool_call_is_written_when_it_begins_and_when_it_ends),
        cmocka_unit_test(sa4__the_end_of_reasoning_is_written_at_once),
        cmocka_unit_test(sa5__flush_drains_what_is_pending_and_twice_is_fine),
        cmocka_unit_test(sa6__flush_all_drains_every_message),
        cmocka_unit_test(sa7__the_window_does_not_change_what_is_stored),
        cmocka_unit_test(sa8__deleting_drops_what_is_pending),
        cmocka_unit_test(sa13__window_zero_writes_every_change_before_it_returns),
        cmocka_unit_test(crush_d1__a_finished_message_leaves_memory_and_is_folded),
        cmocka_unit_test(
            crush_d2__a_delta_that_comes_during_a_write_is_written_without_another_push),
        cmocka_unit_test(reads_see_what_is_pending),
        cmocka_unit_test(crush_d5__a_late_update_of_a_deleted_message_is_refused),
        cmocka_unit_test(crush_d7__flush_obeys_its_deadline),
        cmocka_unit_test(a_locked_database_freezes_nobody_and_loses_nothing),
        cmocka_unit_test(a_second_turn_on_a_busy_branch_is_refused),
        cmocka_unit_test(closing_writes_what_is_pending),
        cmocka_unit_test(a_usage_that_no_answer_can_have_is_unknown_and_hinders_no_later_one),
        cmocka_unit_test(
            what_a_locked_database_did_not_take_at_the_end_comes_in_with_the_next_start),
        cmocka_unit_test(spilled_text_is_brought_in_before_anything_is_ended),
        cmocka_unit_test(spilled_text_joins_an_answer_that_was_ended_and_folded_meanwhile),
        cmocka_unit_test(deleting_a_running_answer_frees_its_branch),
        cmocka_unit_test(a_turn_that_nobody_waits_for_any_more_blocks_nothing),
        cmocka_unit_test(who_waits_for_the_disk_learns_of_the_end),
        cmocka_unit_test(an_empty_answer_says_so),
        cmocka_unit_test(the_private_store_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
