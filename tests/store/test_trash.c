/* Trash and undo: deleted, unseen, restored; each kind of change undone. */
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
#include "store/journal_internal.h"
#include "store/trash.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

static struct turn ended_turn(struct fixture *fixture, const char *prompt, const char *answer)
{
    struct turn turn = fixture_turn(fixture, prompt);
    fixture_apply(fixture, &turn.answer, fixture_text(0, answer));
    fixture_end(fixture, &turn, FINISH_END_TURN);
    return turn;
}

/* Changes rows on the writer's thread, so that it works in a private store, too. */
struct given {
    char *sql;
};

static enum err_code run_given(void *arg, struct db *db, struct err *err)
{
    return db_exec(db, ((struct given *)arg)->sql, err);
}

static void execute(struct fixture *fixture, const char *sql)
{
    static const struct store_write write = {.run = run_given, .free_state = free};
    struct given *self = xcalloc(1, sizeof(*self));
    self->sql = xstrdup(sql);
    assert_int_equal(store_write(fixture->store, &write, &self, NULL), ERR_OK);
    free(self->sql);
    free(self);
}

static void rename_session(struct fixture *fixture, const struct ulid *session, const char *name)
{
    char *sql = xasprintf("UPDATE session SET name = '%s' WHERE uid = '%s'", name, session->text);
    execute(fixture, sql);
    free(sql);
}

static bool is_shown(struct fixture *fixture, const struct ulid *session)
{
    char *sql = xasprintf("SELECT deleted_at IS NULL FROM session WHERE uid = '%s'", session->text);
    char *shown = fixture_query(fixture, sql);
    bool is = strcmp(shown, "1") == 0;
    free(shown);
    free(sql);
    return is;
}

static void a_deleted_session_is_unseen_until_it_is_restored(void **state)
{
    struct fixture *fixture = *state;
    struct ulid session = ended_turn(fixture, "question", "answer").session;
    rename_session(fixture, &session, "holiday");
    assert_int_equal(session_delete(fixture->store, &session, NULL), ERR_OK);
    assert_false(is_shown(fixture, &session));
    fixture_assert_query(fixture, "SELECT name IS NULL FROM session", "1");
    assert_int_equal(session_delete(fixture->store, &session, NULL), ERR_GONE);
    struct turn_request request = {
        .session = session, .prompt = SV("more"), .model = SV("test/model")};
    struct turn turn;
    assert_int_equal(turn_begin(fixture->store, &request, fixture_soon(), &turn, NULL),
                     ERR_NOT_FOUND);
    bool taken = true;
    assert_int_equal(session_restore(fixture->store, &session, &taken, NULL), ERR_OK);
    assert_false(taken);
    assert_true(is_shown(fixture, &session));
    fixture_assert_query(fixture, "SELECT name FROM session", "holiday");
    assert_int_equal(session_restore(fixture->store, &session, NULL, NULL), ERR_NOT_FOUND);
    fixture_assert_query(fixture, "SELECT count(*) FROM message", "2");
}

/* What a copy leaves that was killed on its way: nothing is counted, the last message is open. */
static void what_was_broken_off_fits_together_once_it_is_restored(void **state)
{
    struct fixture *fixture = *state;
    struct ulid session = ended_turn(fixture, "question", "answer").session;
    assert_int_equal(session_delete(fixture->store, &session, NULL), ERR_OK);
    execute(fixture, "UPDATE session SET message_count = 0;"
                     "UPDATE message SET reason = '', ended_at = NULL WHERE role = 'assistant'");
    assert_int_equal(session_restore(fixture->store, &session, NULL, NULL), ERR_OK);
    fixture_assert_query(fixture, "SELECT message_count FROM session", "2");
    fixture_assert_query(fixture, "SELECT group_concat(reason) FROM message",
                         "end_turn,interrupted");
}

static void the_name_of_a_deleted_session_is_free(void **state)
{
    struct fixture *fixture = *state;
    struct ulid first = ended_turn(fixture, "q", "a").session;
    struct ulid second = ended_turn(fixture, "q", "a").session;
    rename_session(fixture, &first, "holiday");
    assert_int_equal(session_delete(fixture->store, &first, NULL), ERR_OK);
    rename_session(fixture, &second, "holiday");
    bool taken = false;
    assert_int_equal(session_restore(fixture->store, &first, &taken, NULL), ERR_OK);
    assert_true(taken);
    fixture_assert_query(fixture, "SELECT name FROM session ORDER BY id LIMIT 1", "");
}

static void deleting_a_session_ends_what_runs_in_it(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = fixture_turn(fixture, "q");
    fixture_apply(fixture, &turn.answer, fixture_text(0, "half an an"));
    assert_int_equal(session_delete(fixture->store, &turn.session, NULL), ERR_OK);
    struct stream_event late = fixture_text(0, "late");
    assert_int_not_equal(message_apply(fixture->store, &turn.answer, &late, NULL), ERR_OK);
    fixture_assert_query(fixture, "SELECT state FROM attempt", "cancelled");
    fixture_assert_query(fixture, "SELECT reason FROM message WHERE role = 'assistant'",
                         "canceled");
    assert_int_equal(session_restore(fixture->store, &turn.session, NULL, NULL), ERR_OK);
    fixture_assert_stored(fixture, &turn.answer, "half an an");
}

static void deleting_a_session_ends_what_another_process_runs_in_it(void **state)
{
    (void)state;
    struct fixture fixture;
    struct process_lock *other = NULL;
    fixture_open(&fixture, 0);
    assert_int_equal(process_lock_take(fixture.path, &other, NULL), ERR_OK);
    struct turn turn = ended_turn(&fixture, "q", "a");
    char *sql = xasprintf("UPDATE attempt SET state = 'running', owner = '%s'",
                          process_lock_id(other)->text);
    fixture_execute(&fixture, sql);
    fixture_execute(&fixture, "UPDATE turn SET state = 'running'");
    fixture_execute(&fixture, "UPDATE message SET reason = '', ended_at = NULL"
                              " WHERE role = 'assistant'");
    assert_int_equal(session_delete(fixture.store, &turn.session, NULL), ERR_OK);
    fixture_assert_query(&fixture,
                         "SELECT a.state || t.state || m.reason FROM attempt a, turn t,"
                         " message m WHERE m.role = 'assistant'",
                         "cancelledcancelledcanceled");
    process_lock_release(other);
    free(sql);
    fixture_close(&fixture);
}

static void a_deleted_message_lies_in_the_trash_until_it_is_restored(void **state)
{
    struct fixture *fixture = *state;
    struct trashed_list list;
    struct message *message = NULL;
    struct turn turn = ended_turn(fixture, "q", "a long answer");
    assert_int_equal(message_delete(fixture->store, &turn.answer, fixture_soon(), NULL), ERR_OK);
    assert_int_equal(message_delete(fixture->store, &turn.answer, fixture_soon(), NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(message_snapshot(fixture->store, &turn.answer, &message, NULL), ERR_NOT_FOUND);
    fixture_assert_query(fixture, "SELECT message_count FROM session", "1");
    assert_int_equal(trash_messages(fixture->store, 10, &list, NULL), ERR_OK);
    assert_int_equal(list.count, 1);
    assert_true(ulid_equal(&list.items[0].message, &turn.answer));
    assert_int_equal(list.items[0].role, ROLE_ASSISTANT);
    trashed_list_release(&list);
    assert_int_equal(message_restore(fixture->store, &turn.answer, NULL), ERR_OK);
    assert_int_equal(message_restore(fixture->store, &turn.answer, NULL), ERR_NOT_FOUND);
    assert_int_equal(message_snapshot(fixture->store, &turn.answer, &message, NULL), ERR_OK);
    assert_string_equal(message->parts[0].text, "a long answer");
    message_free(message);
    fixture_assert_query(fixture, "SELECT message_count FROM session", "2");
    struct stream_event late = fixture_text(0, "late");
    assert_int_equal(message_apply(fixture->store, &turn.answer, &late, NULL), ERR_NOT_FOUND);
}

static void a_running_answer_that_is_deleted_keeps_what_was_stored(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = fixture_turn(fixture, "q");
    fixture_apply(fixture, &turn.answer, fixture_text(0, "stored"));
    assert_int_equal(message_flush_all(fixture->store, fixture_soon(), NULL, NULL), ERR_OK);
    assert_int_equal(message_delete(fixture->store, &turn.answer, fixture_soon(), NULL), ERR_OK);
    fixture_assert_query(fixture, "SELECT state FROM attempt", "cancelled");
    assert_int_equal(message_restore(fixture->store, &turn.answer, NULL), ERR_OK);
    fixture_assert_stored(fixture, &turn.answer, "stored");
    fixture_assert_query(fixture, "SELECT reason FROM message WHERE role = 'assistant'",
                         "canceled");
}

static void a_message_of_a_deleted_session_comes_back_with_it(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = ended_turn(fixture, "q", "a");
    struct trashed_list list;
    assert_int_equal(message_delete(fixture->store, &turn.answer, fixture_soon(), NULL), ERR_OK);
    assert_int_equal(session_delete(fixture->store, &turn.session, NULL), ERR_OK);
    assert_int_equal(message_restore(fixture->store, &turn.answer, NULL), ERR_EXISTS);
    assert_int_equal(trash_messages(fixture->store, 10, &list, NULL), ERR_OK);
    assert_int_equal(list.count, 0);
    trashed_list_release(&list);
}

/* ---- undo ---- */

static enum journal_action undo_one(struct fixture *fixture, const struct ulid *session)
{
    struct journal_entry entry;
    struct err err = {ERR_OK, ""};
    if (undo_last(fixture->store, session, &entry, &err)) {
        fail_msg("%s", err.text);
    }
    enum journal_action action = entry.action;
    journal_entry_release(&entry);
    return action;
}

/* A change as its author records it, for those that have no author in this test. */
struct recorded {
    struct journal_change change;
};

static enum err_code run_record(void *arg, struct db *db, struct err *err)
{
    return journal__add(db, &((struct recorded *)arg)->change, err);
}

static void record(struct fixture *fixture, enum journal_action action, const struct ulid *session,
                   const char *before, const char *after)
{
    static const struct store_write write = {.run = run_record, .free_state = free};
    struct recorded *self = xcalloc(1, sizeof(*self));
    self->change = (struct journal_change){.action = action,
                                           .session = *session,
                                           .target = *session,
                                           .before = sv_from(before),
                                           .after = sv_from(after)};
    assert_int_equal(store_write(fixture->store, &write, &self, NULL), ERR_OK);
    free(self);
}

/* From here on nothing is folded, or again. Steps that are under way are waited for. */
static void let_fold(struct fixture *fixture, bool fold)
{
    struct store *store = fixture->store;
    int64_t until = fixture_soon();
    pthread_mutex_lock(&store->lock);
    while (!fold && background_waits(store) && clock_mono_us() < until) {
        pthread_mutex_unlock(&store->lock);
        clock_sleep_us(CLOCK_MS(1));
        pthread_mutex_lock(&store->lock);
    }
    store->background_us = fold ? 0 : CLOCK_NEVER;
    writer_wake(store);
    pthread_mutex_unlock(&store->lock);
}

static void wait_for_jobs(struct fixture *fixture)
{
    struct store *store = fixture->store;
    int64_t until = fixture_soon();
    pthread_mutex_lock(&store->lock);
    while (store->jobs && clock_mono_us() < until) {
        clock_cond_wait(&store->changed, &store->lock, until);
    }
    assert_null(store->jobs);
    pthread_mutex_unlock(&store->lock);
}

static void a_deletion_that_fails_leaves_the_answer_once_where_it_waits_to_be_folded(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, CLOCK_MS(1));
    let_fold(&fixture, false);
    struct turn turn = ended_turn(&fixture, "question", "answer");
    struct db_lock *lock = fixture_lock(&fixture, CLOCK_MS(100));
    assert_int_not_equal(
        message_delete(fixture.store, &turn.answer, clock_mono_us() + CLOCK_MS(10), &err), ERR_OK);
    wait_for_jobs(&fixture);
    (void)fixture_unlock(lock);
    pthread_mutex_lock(&fixture.store->lock);
    assert_non_null(fixture.store->done);
    assert_null(fixture.store->done->next_done);
    pthread_mutex_unlock(&fixture.store->lock);
    let_fold(&fixture, true);
    int64_t until = fixture_soon();
    while (message_service_stats(fixture.store).live > 0 && clock_mono_us() < until) {
        clock_sleep_us(CLOCK_MS(1));
    }
    assert_int_equal(message_service_stats(fixture.store).live, 0);
    fixture_assert_stored(&fixture, &turn.answer, "answer");
    fixture_close(&fixture);
}

static void undo__is_not_held_up_by_a_message_of_a_deleted_session(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = ended_turn(fixture, "question", "answer");
    assert_int_equal(session_delete(fixture->store, &turn.session, NULL), ERR_OK);
    assert_int_equal(message_delete(fixture->store, &turn.answer, fixture_soon(), NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(undo_last(fixture->store, NULL, NULL, NULL), ERR_OK);
    assert_true(is_shown(fixture, &turn.session));
    fixture_assert_query(fixture, "SELECT count(*) FROM message WHERE deleted_at IS NULL", "2");
    assert_int_equal(undo_last(fixture->store, NULL, NULL, NULL), ERR_NOT_FOUND);
}

static void undo__brings_deleted_sessions_and_messages_back(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = ended_turn(fixture, "q", "a");
    assert_int_equal(undo_last(fixture->store, NULL, NULL, NULL), ERR_NOT_FOUND);
    assert_int_equal(message_delete(fixture->store, &turn.answer, fixture_soon(), NULL), ERR_OK);
    assert_int_equal(session_delete(fixture->store, &turn.session, NULL), ERR_OK);
    assert_int_equal(undo_one(fixture, NULL), JOURNAL_DELETE_SESSION);
    assert_true(is_shown(fixture, &turn.session));
    assert_int_equal(undo_one(fixture, &turn.session), JOURNAL_DELETE_MESSAGE);
    fixture_assert_query(fixture, "SELECT count(*) FROM message WHERE deleted_at IS NOT NULL", "0");
    assert_int_equal(undo_last(fixture->store, NULL, NULL, NULL), ERR_NOT_FOUND);
}

static void undo__of_a_restored_session_has_nothing_left(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = ended_turn(fixture, "q", "a");
    assert_int_equal(session_delete(fixture->store, &turn.session, NULL), ERR_OK);
    assert_int_equal(session_restore(fixture->store, &turn.session, NULL, NULL), ERR_OK);
    assert_int_equal(undo_last(fixture->store, NULL, NULL, NULL), ERR_NOT_FOUND);
}

/* What a change of each kind leaves, what undoing it gives. */
static const struct undo_case {
    enum journal_action action;
    const char *before, *after;
    const char *change; /* SQL */
    const char *look;
    const char *expected;
} undo_cases[] = {
    {JOURNAL_NAME, "old", "new", "UPDATE session SET name = 'new'", "SELECT name FROM session",
     "old"},
    {JOURNAL_NAME, NULL, "new", "UPDATE session SET name = 'new'",
     "SELECT name IS NULL FROM session", "1"},
    {JOURNAL_TITLE, "prompt:a: b", "user:new",
     "UPDATE session SET title = 'new', title_by = 'user'",
     "SELECT title_by || '|' || title FROM session", "prompt|a: b"},
    {JOURNAL_LABEL, NULL, "work", "INSERT INTO label SELECT id, 'work', 1 FROM session",
     "SELECT count(*) FROM label", "0"},
    {JOURNAL_UNLABEL, "work", NULL, "DELETE FROM label",
     "SELECT l.last_active_at = s.last_active_at FROM label l, session s WHERE l.name = 'work'",
     "1"},
    {JOURNAL_ARCHIVE, NULL, "archived", "UPDATE session SET archived_at = 5",
     "SELECT archived_at IS NULL FROM session", "1"},
    {JOURNAL_UNARCHIVE, "archived", NULL, "UPDATE session SET archived_at = NULL",
     "SELECT archived_at IS NOT NULL FROM session", "1"},
};

static void undo__puts_back_each_kind_of_change(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(undo_cases); i++) {
        const struct undo_case *test = &undo_cases[i];
        struct fixture fixture;
        fixture_open(&fixture, 0);
        struct ulid session = ended_turn(&fixture, "q", "a").session;
        fixture_execute(&fixture, "DELETE FROM journal");
        fixture_execute(&fixture, test->change);
        record(&fixture, test->action, &session, test->before, test->after);
        assert_int_equal(undo_one(&fixture, &session), test->action);
        fixture_assert_query(&fixture, test->look, test->expected);
        fixture_close(&fixture);
    }
}

static void undo__leaves_alone_what_was_changed_again(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 0);
    struct ulid session = ended_turn(&fixture, "q", "a").session;
    fixture_execute(&fixture, "DELETE FROM journal");
    fixture_execute(&fixture, "UPDATE session SET name = 'third', title = 't', title_by = 'user'");
    record(&fixture, JOURNAL_NAME, &session, "first", "second");
    assert_int_equal(undo_last(fixture.store, NULL, NULL, NULL), ERR_EXISTS);
    record(&fixture, JOURNAL_TITLE, &session, "prompt:a", "user:b");
    assert_int_equal(undo_last(fixture.store, NULL, NULL, NULL), ERR_EXISTS);
    record(&fixture, JOURNAL_LABEL, &session, NULL, "nowhere");
    assert_int_equal(undo_last(fixture.store, NULL, NULL, NULL), ERR_EXISTS);
    fixture_assert_query(&fixture, "SELECT name || title FROM session", "thirdt");
    fixture_close(&fixture);
}

static void undo__goes_back_to_the_branch_before_an_edit(void **state)
{
    struct fixture *fixture = *state;
    struct turn first = ended_turn(fixture, "q", "a");
    struct turn_request edit = {.kind = TURN_EDIT,
                                .session = first.session,
                                .at = first.prompt,
                                .prompt = SV("another"),
                                .model = SV("test/model")};
    (void)fixture_begin(fixture, &edit);
    fixture_assert_query(fixture, "SELECT (SELECT max(id) FROM branch) = branch FROM session", "1");
    assert_int_equal(undo_one(fixture, &first.session), JOURNAL_BRANCH);
    fixture_assert_query(fixture, "SELECT (SELECT min(id) FROM branch) = branch FROM session", "1");
}

static void undo__by_id_and_the_list_of_the_journal(void **state)
{
    struct fixture *fixture = *state;
    struct journal_list list;
    struct ulid one = ended_turn(fixture, "q", "a").session;
    struct ulid two = ended_turn(fixture, "q", "a").session;
    assert_int_equal(session_delete(fixture->store, &one, NULL), ERR_OK);
    assert_int_equal(session_delete(fixture->store, &two, NULL), ERR_OK);
    assert_int_equal(journal_list(fixture->store, NULL, 0, 10, &list, NULL), ERR_OK);
    assert_int_equal(list.count, 2);
    assert_true(ulid_equal(&list.entries[0].target, &two));
    int64_t older = list.entries[1].id;
    journal_list_release(&list);
    assert_int_equal(undo_entry(fixture->store, older, NULL, NULL), ERR_OK);
    assert_int_equal(undo_entry(fixture->store, older, NULL, NULL), ERR_EXISTS);
    assert_int_equal(undo_entry(fixture->store, 999, NULL, NULL), ERR_NOT_FOUND);
    assert_true(is_shown(fixture, &one));
    assert_false(is_shown(fixture, &two));
    assert_int_equal(journal_list(fixture->store, &one, 0, 10, &list, NULL), ERR_OK);
    assert_int_equal(list.count, 1);
    assert_true(list.entries[0].undone_us > 0);
    journal_list_release(&list);
}

static void deleting_a_long_session_is_one_short_transaction(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 0);
    struct ulid session = ended_turn(&fixture, "q", "a").session;
    fixture_execute(&fixture,
                    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                    " WHERE i < 10000) INSERT INTO message (uid, branch, seq, role, reason, folded,"
                    " indexed, created_at) SELECT 'm' || i, 1, 1000 + i, 'user', 'end_turn', 1, 1,"
                    " 1 FROM n");
    /* The machine may take the time away, but not each time. */
    uint64_t before = 0;
    uint64_t after = 1;
    for (int tries = 0; after > before && tries < 10; tries++) {
        assert_int_equal(session_restore(fixture.store, &session, NULL, NULL),
                         tries ? ERR_OK : ERR_NOT_FOUND);
        before = message_service_stats(fixture.store).long_transactions;
        assert_int_equal(session_delete(fixture.store, &session, NULL), ERR_OK);
        after = message_service_stats(fixture.store).long_transactions;
    }
    assert_int_equal(after, before);
    fixture_close(&fixture);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_deleted_session_is_unseen_until_it_is_restored),
        ON_BOTH(what_was_broken_off_fits_together_once_it_is_restored),
        ON_BOTH(the_name_of_a_deleted_session_is_free),
        ON_BOTH(deleting_a_session_ends_what_runs_in_it),
        cmocka_unit_test(deleting_a_session_ends_what_another_process_runs_in_it),
        ON_BOTH(a_deleted_message_lies_in_the_trash_until_it_is_restored),
        ON_BOTH(a_running_answer_that_is_deleted_keeps_what_was_stored),
        ON_BOTH(a_message_of_a_deleted_session_comes_back_with_it),
        cmocka_unit_test(a_deletion_that_fails_leaves_the_answer_once_where_it_waits_to_be_folded),
        ON_BOTH(undo__is_not_held_up_by_a_message_of_a_deleted_session),
        ON_BOTH(undo__brings_deleted_sessions_and_messages_back),
        ON_BOTH(undo__of_a_restored_session_has_nothing_left),
        cmocka_unit_test(undo__puts_back_each_kind_of_change),
        cmocka_unit_test(undo__leaves_alone_what_was_changed_again),
        ON_BOTH(undo__goes_back_to_the_branch_before_an_edit),
        ON_BOTH(undo__by_id_and_the_list_of_the_journal),
        cmocka_unit_test(deleting_a_long_session_is_one_short_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
