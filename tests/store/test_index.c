/* The index: how it follows what is said, changed, deleted and purged, also by several processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/core_internal.h"
#include "store/index_internal.h"
#include "store/journal.h"
#include "store/purge.h"
#include "store/session.h"
#include "store/trash.h"
#include "tests/store/db_helpers.h"
#include "tests/store/searching.h"

#include <cmocka.h>

/* Also what a search would not give any more. */
static void assert_in_index(struct fixture *fixture, const char *word, int count)
{
    char *sql = xasprintf("SELECT count(*) = %d FROM words WHERE words MATCH '%s'", count, word);
    fixture_assert_query(fixture, sql, "1");
    free(sql);
}

static void what_is_deleted__is_not_found_until_it_is_restored(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = said(fixture, NULL, "falcon", "heron");
    struct turn early = said(fixture, NULL, "p", "ibis");
    settle(fixture);
    assert_int_equal(message_delete(fixture->store, &turn.answer, fixture_soon(), NULL), ERR_OK);
    assert_found(fixture, "heron", 0);
    assert_found(fixture, "falcon", 2);
    assert_int_equal(message_restore(fixture->store, &turn.answer, NULL), ERR_OK);
    settle(fixture);
    assert_found(fixture, "heron", 1);
    assert_int_equal(session_delete(fixture->store, &turn.session, NULL), ERR_OK);
    assert_found(fixture, "falcon", 0);
    assert_found(fixture, "heron", 0);
    assert_found(fixture, "ibis", 1);
    assert_int_equal(session_restore(fixture->store, &turn.session, NULL, NULL), ERR_OK);
    assert_found(fixture, "heron", 1);
    assert_int_equal(message_delete(fixture->store, &early.prompt, fixture_soon(), NULL), ERR_OK);
    assert_found(fixture, "ibis", 1);
    fixture_assert_query(fixture, "SELECT count(*) FROM words_docsize", "6");
}

static void a_title__is_found_by_its_new_words_only(void **state)
{
    struct fixture *fixture = *state;
    struct journal_entry entry;
    struct purge_report report = {.sessions = 0};
    struct turn turn = said(fixture, NULL, "p", "a");
    entitle(fixture, &turn.session, "about herons");
    settle(fixture);
    assert_found(fixture, "herons", 1);
    entitle(fixture, &turn.session, "about ibises");
    settle(fixture);
    assert_found(fixture, "herons", 0);
    assert_found(fixture, "ibises", 1);
    assert_in_index(fixture, "herons", 0);
    assert_int_equal(undo_last(fixture->store, &turn.session, &entry, NULL), ERR_OK);
    journal_entry_release(&entry);
    settle(fixture);
    assert_found(fixture, "herons", 1);
    assert_in_index(fixture, "ibises", 0);
    assert_int_equal(purge_session(fixture->store, &turn.session, &report, NULL), ERR_OK);
    assert_in_index(fixture, "herons", 0);
    fixture_assert_query(fixture, "SELECT count(*) FROM words_docsize", "0");
    purge_report_release(&report);
}

static void what_is_restored__can_be_purged_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct purge_report report = {.sessions = 0};
    struct turn turn = said(fixture, NULL, "p", "heron");
    settle(fixture);
    assert_int_equal(message_delete(fixture->store, &turn.answer, fixture_soon(), NULL), ERR_OK);
    assert_int_equal(message_restore(fixture->store, &turn.answer, NULL), ERR_OK);
    assert_int_equal(purge_message(fixture->store, &turn.answer, &report, NULL), ERR_OK);
    assert_in_index(fixture, "heron", 0);
    purge_report_release(&report);
}

static void an_edited_prompt__is_found_beside_the_earlier_one(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = said(fixture, NULL, "p", "a");
    struct turn first = said(fixture, &turn.session, "falcon", "a");
    const struct turn_request request = {.kind = TURN_EDIT,
                                         .session = turn.session,
                                         .at = first.prompt,
                                         .prompt = SV("ibis"),
                                         .model = SV("test/model")};
    struct stream_event finish = fixture_finish(FINISH_END_TURN);
    struct turn second = fixture_begin(fixture, &request);
    assert_int_equal(
        message_apply_wait(fixture->store, &second.answer, &finish, fixture_soon(), NULL), ERR_OK);
    settle(fixture);
    assert_found(fixture, "ibis", 1);
    assert_found(fixture, "falcon", 1);
}

/* The words of the index are those of the text in small letters, so that they are told apart. */
static void what_is_purged__leaves_no_word_in_any_file(void **state)
{
    (void)state;
    struct fixture fixture;
    struct purge_report report = {.sessions = 0};
    fixture_open(&fixture, 0);
    struct turn kept = said(&fixture, NULL, "some innocent words", "more of them");
    struct turn answer = said(&fixture, &kept.session, "p", "QWXZANSWER and the like");
    struct turn secret = said(&fixture, NULL, "QWXZPROMPT and the like", "QWXZOTHER");
    settle(&fixture);
    /* One segment, and others: marks and words lie apart. */
    (void)said(&fixture, &kept.session, "innocent", "and the like");
    settle(&fixture);
    char *lower = xstrdup("qwxz");
    assert_true(fixture_files_with(&fixture, lower) > 0);
    assert_int_equal(purge_message(fixture.store, &answer.answer, &report, NULL), ERR_OK);
    assert_int_equal(fixture_files_with(&fixture, "qwxzanswer"), 0);
    assert_int_equal(purge_session(fixture.store, &secret.session, &report, NULL), ERR_OK);
    assert_int_equal(fixture_files_with(&fixture, lower), 0);
    assert_found(&fixture, "qwxz*", 0);
    assert_found(&fixture, "innocent", 3);
    fixture_assert_query(&fixture, "SELECT count(*) FROM words WHERE words MATCH 'qwxz*'", "0");
    fixture_assert_query(&fixture, "PRAGMA integrity_check", "ok");
    free(lower);
    purge_report_release(&report);
    fixture_close(&fixture);
}

static int64_t step_of(struct db *db, struct indexer *indexer)
{
    bool done = false;
    struct err err = {ERR_OK, ""};
    if (index__step(indexer, db, &done, &err)) {
        fail_msg("%s", err.text);
    }
    return done;
}

static void forget(struct db *db, int64_t message)
{
    bool left = false;
    assert_int_equal(db_begin(db, false, NULL), ERR_OK);
    assert_int_equal(index__forget(db, message, CLOCK_NEVER, &left, NULL), ERR_OK);
    assert_false(left);
    assert_int_equal(db_commit(db, NULL), ERR_OK);
}

static const char long_answer_sql[] = "SELECT id FROM message WHERE role = 'assistant'";
static const char rows_of_it_sql[] = "SELECT count(*) FROM words_docsize WHERE id >> 12 ="
                                     " (SELECT id FROM message WHERE role = 'assistant')";

/* Another process has the text in its memory, and some of it in the index, when it is purged here:
 * it must neither go on nor begin anew. */
static void what_is_purged__is_not_indexed_any_more(void **state)
{
    (void)state;
    struct fixture fixture;
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    while (text.n < (size_t)20 * INDEX__SLICE) {
        buf_appendf(&text, "heron%zu ", text.n);
    }
    fixture_open(&fixture, 0);
    (void)said(&fixture, NULL, "p", buf_cstr(&text));
    settle(&fixture);
    assert_int_equal(store_close(fixture.store, fixture_soon(), NULL), ERR_OK);
    struct db *db = must_open(fixture.path, DB_WRITE);
    must_exec(db, "INSERT INTO words (words) VALUES ('delete-all')");
    must_exec(db, "UPDATE message SET indexed = 0");
    struct indexer *indexer = indexer_new();
    while (value_of(db, rows_of_it_sql) < 2) {
        assert_false(step_of(db, indexer));
    }
    assert_true(value_of(db, "SELECT min(indexed) FROM message") < 0);
    forget(db, value_of(db, long_answer_sql));
    assert_int_equal(value_of(db, rows_of_it_sql), 0);
    while (!step_of(db, indexer)) {
    }
    assert_int_equal(value_of(db, rows_of_it_sql), 0);
    forget(db, value_of(db, long_answer_sql));
    indexer_free(indexer);
    db_close(db);
    buf_release(&text);
    fixture_reopen(&fixture);
    fixture_close(&fixture);
}

/* A process that was taken for dead brings what it still had: the words change, and the old ones
 * have to be known to be taken out. */
static void text_that_comes_after_the_end__is_found_as_well(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 0);
    (void)said(&fixture, NULL, "p", "heron");
    settle(&fixture);
    assert_int_equal(store_close(fixture.store, fixture_soon(), NULL), ERR_OK);
    struct db *db = must_open(fixture.path, DB_WRITE);
    int64_t row = value_of(db, long_answer_sql);
    assert_int_equal(db_begin(db, false, NULL), ERR_OK);
    must_exec(db, "INSERT INTO chunk (message, part, byte_offset, text)"
                  " SELECT id, 0, 5, 'like ibis' FROM message WHERE role = 'assistant'");
    assert_int_equal(batch_extend_ended(db, row, NULL), ERR_OK);
    assert_int_equal(db_commit(db, NULL), ERR_OK);
    db_close(db);
    fixture_reopen(&fixture);
    settle(&fixture);
    assert_found(&fixture, "heronlike ibis", 1);
    assert_in_index(&fixture, "heron", 0);
    fixture_close(&fixture);
}

static void a_store_without_an_index__gets_one_after_the_start(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 0);
    struct turn turn = said(&fixture, NULL, "falcon", "heron");
    for (int i = 0; i < 100; i++) {
        turn = said(&fixture, &turn.session, "and", "heron");
    }
    settle(&fixture);
    assert_int_equal(store_close(fixture.store, fixture_soon(), NULL), ERR_OK);
    fixture_execute(&fixture, "INSERT INTO words (words) VALUES ('delete-all');"
                              "DELETE FROM words_title; UPDATE message SET indexed = 0;"
                              "UPDATE session SET title_indexed = 0");
    const struct store_options options = {
        .path = fixture.path, .broker = fixture.broker, .read_only = true};
    struct fixture reading = {.path = fixture.path};
    assert_int_equal(store_open(&options, &reading.store, NULL), ERR_OK);
    struct search_result result = find(&reading, "falcon");
    assert_int_equal(result.count, 0);
    assert_int_equal(result.pending, 202);
    search_result_release(&result);
    store_free(reading.store);
    fixture_reopen(&fixture);
    settle(&fixture);
    assert_found(&fixture, "falcon", 2);
    fixture_assert_query(&fixture, "SELECT count(*) FROM words_docsize", "203");
    fixture_close(&fixture);
}

static void two_processes__index_nothing_twice(void **state)
{
    (void)state;
    struct fixture fixture;
    struct store *other = NULL;
    fixture_open(&fixture, 0);
    const struct store_options options = {.path = fixture.path, .broker = fixture.broker};
    assert_int_equal(store_open(&options, &other, NULL), ERR_OK);
    assert_int_equal(store_start(other, NULL), ERR_OK);
    assert_int_equal(store_wait_ready(other, fixture_soon(), NULL), ERR_OK);
    struct fixture second = {.store = other};
    struct turn turn = said(&fixture, NULL, "q", "falcon");
    for (int i = 0; i < 30; i++) {
        (void)said(&second, NULL, "q", "falcon");
        (void)said(&fixture, &turn.session, "q", "falcon");
    }
    settle(&fixture);
    struct search_result result = find(&fixture, "falcon");
    assert_int_equal(result.count, 50);
    assert_true(result.more);
    search_result_release(&result);
    fixture_assert_query(&fixture, "SELECT count(*) = 61 * 2 + 31 FROM words_docsize", "1");
    assert_int_equal(store_close(other, fixture_soon(), NULL), ERR_OK);
    store_free(other);
    fixture_close(&fixture);
}

static void search__goes_on_while_words_come_in(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = said(fixture, NULL, "p", "falcon");
    settle(fixture);
    size_t before = 1;
    for (int i = 0; i < 40; i++) {
        (void)said(fixture, &turn.session, "p", "falcon");
        struct search_result result = find(fixture, "falcon");
        assert_true(result.count >= before);
        before = result.count;
        search_result_release(&result);
    }
    settle(fixture);
    assert_found(fixture, "falcon", 41);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        ON_BOTH(what_is_deleted__is_not_found_until_it_is_restored),
        ON_BOTH(a_title__is_found_by_its_new_words_only),
        ON_BOTH(what_is_restored__can_be_purged_at_once),
        ON_BOTH(an_edited_prompt__is_found_beside_the_earlier_one),
        cmocka_unit_test(what_is_purged__leaves_no_word_in_any_file),
        cmocka_unit_test(what_is_purged__is_not_indexed_any_more),
        cmocka_unit_test(text_that_comes_after_the_end__is_found_as_well),
        cmocka_unit_test(a_store_without_an_index__gets_one_after_the_start),
        cmocka_unit_test(two_processes__index_nothing_twice),
        ON_BOTH(search__goes_on_while_words_come_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
