/* Waiting for the disk while it is busy, and messages that cannot be written. */
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
#include "store/core_internal.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

#define HOUR CLOCK_S(3600)

static bool is_in_flight(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    bool running = store->commit_running;
    pthread_mutex_unlock(&store->lock);
    return running;
}

/* The message's write hangs behind another connection's lock when it returns. */
static struct db_lock *hang_write(struct fixture *fixture, const struct ulid *message)
{
    struct db_lock *lock = fixture_lock(fixture, CLOCK_MS(200));
    int64_t deadline = clock_mono_us() + CLOCK_MS(150);
    fixture_apply(fixture, message, fixture_text(0, "payload"));
    while (!is_in_flight(fixture->store) && clock_mono_us() < deadline) {
        usleep(100);
    }
    return lock;
}

static void sa14__flush_waits_for_a_write_in_flight(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, CLOCK_MS(1));
    struct turn turn = fixture_turn(&fixture, "q");
    struct db_lock *lock = hang_write(&fixture, &turn.answer);
    assert_int_equal(message_flush(fixture.store, &turn.answer, fixture_soon(), &err), ERR_OK);
    int64_t returned = clock_mono_us();
    fixture_assert_stored(&fixture, &turn.answer, "payload");
    int64_t released = fixture_unlock(lock);
    assert_true(returned >= released);
    assert_true(returned - released < CLOCK_S(1));
    fixture_close(&fixture);
}

static void sa15__flush_all_waits_for_a_write_in_flight(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    size_t unsaved = 9;
    fixture_open(&fixture, CLOCK_MS(1));
    struct turn turn = fixture_turn(&fixture, "q");
    struct db_lock *lock = hang_write(&fixture, &turn.answer);
    assert_int_equal(message_flush_all(fixture.store, fixture_soon(), &unsaved, &err), ERR_OK);
    int64_t returned = clock_mono_us();
    assert_int_equal(unsaved, 0);
    fixture_assert_stored(&fixture, &turn.answer, "payload");
    int64_t released = fixture_unlock(lock);
    assert_true(returned >= released);
    assert_true(returned - released < CLOCK_S(1));
    fixture_close(&fixture);
}

static void flush_session__waits_for_its_own_messages_only(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    size_t unsaved = 9;
    fixture_open(&fixture, CLOCK_MS(1));
    struct turn turn = fixture_turn(&fixture, "q");
    struct turn other = fixture_turn(&fixture, "q");
    struct db_lock *lock = hang_write(&fixture, &turn.answer);
    assert_int_equal(
        message_flush_session(fixture.store, &other.session, fixture_soon(), &unsaved, &err),
        ERR_OK);
    assert_int_equal(unsaved, 0);
    assert_int_equal(message_flush_session(fixture.store, &turn.session,
                                           clock_mono_us() + CLOCK_MS(10), &unsaved, &err),
                     ERR_TIMEOUT);
    assert_int_equal(unsaved, 1);
    (void)fixture_unlock(lock);
    fixture_close(&fixture);
}

/* Of four answers the database takes nothing of the third. */
enum { ANSWERS = 4, REFUSED = 2 };

static void open_with_one_refused(struct fixture *fixture, struct turn turns[ANSWERS])
{
    fixture_open(fixture, HOUR);
    for (int i = 0; i < ANSWERS; i++) {
        turns[i] = fixture_turn(fixture, "q");
    }
    char *sql = xasprintf("CREATE TRIGGER refuse BEFORE INSERT ON part WHEN new.message ="
                          " (SELECT id FROM message WHERE uid = '%s')"
                          " BEGIN SELECT raise(ABORT, 'refused'); END",
                          turns[REFUSED].answer.text);
    fixture_execute(fixture, sql);
    free(sql);
    for (int i = 0; i < ANSWERS; i++) {
        fixture_apply(fixture, &turns[i].answer, fixture_text(0, "hi"));
    }
}

static void assert_others_stored(struct fixture *fixture, const struct turn turns[ANSWERS],
                                 const char *text)
{
    for (int i = 0; i < ANSWERS; i++) {
        fixture_assert_stored(fixture, &turns[i].answer, i == REFUSED ? "" : text);
    }
}

static void a_message_that_cannot_be_written_holds_up_no_other(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    struct turn turns[ANSWERS];
    size_t unsaved = 9;
    open_with_one_refused(&fixture, turns);
    assert_int_equal(
        message_flush_all(fixture.store, clock_mono_us() + CLOCK_MS(300), &unsaved, &err),
        ERR_TIMEOUT);
    assert_int_equal(unsaved, 1);
    assert_others_stored(&fixture, turns, "hi");
    /* It is tried again, and pauses grow: some ten times in 300 ms, not thousands. */
    uint64_t retries = message_service_stats(fixture.store).retries;
    assert_in_range(retries, 2, 30);
    /* The others go on, and each is reported for itself. */
    for (int i = 0; i < ANSWERS; i++) {
        fixture_apply(&fixture, &turns[i].answer, fixture_text(0, " again"));
        enum err_code code =
            message_flush(fixture.store, &turns[i].answer,
                          clock_mono_us() + (i == REFUSED ? 20000 : CLOCK_S(5)), &err);
        assert_int_equal(code, i == REFUSED ? ERR_TIMEOUT : ERR_OK);
    }
    assert_others_stored(&fixture, turns, "hi again");
    /* What cannot be saved can still be read. */
    struct message *message = NULL;
    assert_int_equal(message_snapshot(fixture.store, &turns[REFUSED].answer, &message, &err),
                     ERR_OK);
    assert_string_equal(message->parts[0].text, "hi again");
    message_free(message);
    assert_int_equal(store_close(fixture.store, clock_mono_us() + CLOCK_S(1), &err), ERR_OK);
    fixture_close(&fixture);
}

static void a_message_that_cannot_be_written_holds_up_no_other_at_the_end(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    struct turn turns[ANSWERS];
    open_with_one_refused(&fixture, turns);
    assert_int_equal(message_flush_all(fixture.store, clock_mono_us() + CLOCK_MS(50), NULL, &err),
                     ERR_TIMEOUT);
    for (int i = 0; i < ANSWERS; i++) {
        fixture_apply(&fixture, &turns[i].answer, fixture_text(0, " and bye"));
    }
    uint64_t before = message_service_stats(fixture.store).retries;
    assert_int_equal(store_close(fixture.store, clock_mono_us() + CLOCK_S(2), &err), ERR_OK);
    assert_others_stored(&fixture, turns, "hi and bye");
    assert_in_range(message_service_stats(fixture.store).retries - before, 1, 30);
    fixture_close(&fixture);
}

static void assert_gone(struct fixture *fixture, const struct turn *turn)
{
    struct inbox inbox = {0};
    int64_t deadline = fixture_soon();
    while (message_service_stats(fixture->store).live > 0 && clock_mono_us() < deadline) {
        usleep(1000);
    }
    assert_int_equal(message_service_stats(fixture->store).live, 0);
    /* It is told of after it has left memory, and last of all. */
    size_t before = 0;
    do {
        before = inbox.count;
        inbox_receive(fixture, &turn->answer, before + 1, &inbox);
        assert_true(inbox.count > before);
    } while (inbox.updates[inbox.count - 1]->kind != UPDATE_DELETED);
    inbox_release(&inbox);
}

static void an_answer_that_another_process_deleted_ends_as_deleted(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, CLOCK_MS(1));
    struct turn turn = fixture_turn(&fixture, "q");
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "words"));
    assert_int_equal(message_flush(fixture.store, &turn.answer, fixture_soon(), &err), ERR_OK);
    fixture_execute(&fixture, "DELETE FROM part; DELETE FROM message WHERE role = 'assistant'");
    struct stream_event end = {.kind = STREAM_FINISH, .reason = FINISH_END_TURN};
    assert_int_equal(message_apply_wait(fixture.store, &turn.answer, &end, fixture_soon(), &err),
                     ERR_GONE);
    assert_gone(&fixture, &turn);
    fixture_close(&fixture);
}

static void an_answer_that_was_deleted_before_its_first_part_is_gone_too(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, CLOCK_MS(1));
    struct turn turn = fixture_turn(&fixture, "q");
    fixture_execute(&fixture, "DELETE FROM message WHERE role = 'assistant'");
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "words"));
    assert_gone(&fixture, &turn);
    fixture_close(&fixture);
}

static void a_long_text_is_written_in_pieces_and_read_whole(void **state)
{
    (void)state;
    enum { BYTES = 5000000 };
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, HOUR);
    struct turn turn = fixture_turn(&fixture, "q");
    /* Three bytes each, so that no piece ends with a full MiB. */
    char *text = xcalloc(1, BYTES + 4);
    for (size_t i = 0; i < BYTES; i += 3) {
        memcpy(text + i, "\u20ac", 3);
    }
    struct stream_event event = {.kind = STREAM_TEXT, .text = sv_from(text)};
    uint64_t before = message_service_stats(fixture.store).transactions;
    assert_int_equal(message_apply(fixture.store, &turn.answer, &event, &err), ERR_OK);
    event = (struct stream_event){.kind = STREAM_FINISH, .reason = FINISH_END_TURN};
    assert_int_equal(message_apply_wait(fixture.store, &turn.answer, &event, fixture_soon(), &err),
                     ERR_OK);
    assert_in_range(message_service_stats(fixture.store).transactions - before, 10, 12);
    fixture_assert_query(&fixture, "SELECT max(length(CAST(text AS BLOB))) <= 512 << 10 FROM chunk",
                         "1");
    fixture_assert_query(&fixture, "SELECT reason FROM message WHERE role = 'assistant'",
                         "end_turn");
    while (message_service_stats(fixture.store).live > 0) {
        usleep(1000);
    }
    fixture_assert_query(
        &fixture,
        "SELECT count(*) || ' ' || (max(length(CAST(text AS BLOB))) <= 512 << 10) FROM segment",
        "9 1");
    struct message *message = NULL;
    assert_int_equal(message_snapshot(fixture.store, &turn.answer, &message, &err), ERR_OK);
    assert_int_equal(message->parts[0].text_n, strlen(text));
    assert_string_equal(message->parts[0].text, text);
    message_free(message);
    free(text);
    fixture_close(&fixture);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sa14__flush_waits_for_a_write_in_flight),
        cmocka_unit_test(sa15__flush_all_waits_for_a_write_in_flight),
        cmocka_unit_test(flush_session__waits_for_its_own_messages_only),
        cmocka_unit_test(a_message_that_cannot_be_written_holds_up_no_other),
        cmocka_unit_test(a_message_that_cannot_be_written_holds_up_no_other_at_the_end),
        cmocka_unit_test(an_answer_that_another_process_deleted_ends_as_deleted),
        cmocka_unit_test(an_answer_that_was_deleted_before_its_first_part_is_gone_too),
        cmocka_unit_test(a_long_text_is_written_in_pieces_and_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
