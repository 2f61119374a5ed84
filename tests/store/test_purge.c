/* Purge: not a byte is left of what was said, and what is beside it stays whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/attachment.h"
#include "store/claim.h"
#include "store/core_internal.h"
#include "store/draft.h"
#include "store/purge.h"
#include "store/queue.h"
#include "store/session.h"
#include "store/trash.h"
#include "tests/store/searching.h"

#include <cmocka.h>

/* In everything that is purged, in nothing else. */
#define SECRET "zyxwvutsecret"
/* Said in large letters; as the index writes it, it is in the index only. */
#define LOUD "QKLOUDLYSAID"
#define INDEXED "qkloudlysaid"

/* An answer in many pieces, so that there are rows on their way, to be folded and swept. */
static void say_at_length(struct fixture *fixture, const struct ulid *session, int pieces)
{
    struct turn turn;
    struct stream_event finish = fixture_finish(FINISH_END_TURN);
    struct turn_request request = {
        .session = *session, .prompt = SV("at length " SECRET), .model = SV("test/model")};
    assert_int_equal(turn_begin(fixture->store, &request, fixture_soon(), &turn, NULL), ERR_OK);
    for (int i = 0; i < pieces; i++) {
        fixture_apply(fixture, &turn.answer, fixture_text(0, SECRET " and more of it\n"));
    }
    assert_int_equal(
        message_apply_wait(fixture->store, &turn.answer, &finish, fixture_soon(), NULL), ERR_OK);
}

/* The secret in every place that a session has. */
static struct ulid fill_with_secrets(struct fixture *fixture)
{
    struct attachment attachment;
    struct claim claim;
    enum claim_outcome outcome;
    struct ulid id;
    struct turn turn = said(fixture, NULL, "my " LOUD " " SECRET, "about " LOUD);
    struct ulid session = turn.session;
    struct sv target = sv_from(session.text);
    say_at_length(fixture, &session, 200);
    assert_int_equal(
        attachment_add(fixture->store, SV("text/plain"), SV("file " SECRET), &attachment, NULL),
        ERR_OK);
    assert_int_equal(queue_add(fixture->store, &session, SV("wait " SECRET), &id, NULL), ERR_OK);
    assert_int_equal(draft_put(fixture->store, target, SV("draft " SECRET), 0, NULL), ERR_OK);
    assert_int_equal(
        claim_take(fixture->store, SV("title"), target, CLOCK_S(9), &claim, &outcome, NULL),
        ERR_OK);
    assert_int_equal(claim_finish(fixture->store, &claim, SV("title " SECRET), NULL), ERR_OK);
    fixture_execute(fixture,
                    "UPDATE session SET title = 'title " SECRET "', name = 'name " SECRET "',"
                    " metadata = '{\"x\":\"" SECRET "\"}', scope = '" SECRET "';"
                    "INSERT INTO label SELECT id, 'label " SECRET "', 1 FROM session;"
                    "INSERT INTO note (uid, message, text, created_at, changed_at)"
                    " SELECT 'n', min(id), 'note " SECRET "', 1, 1 FROM message;"
                    "INSERT INTO request (scope, key, fingerprint, turn, created_at)"
                    " SELECT '', 'key " SECRET "', '', min(id), 1 FROM turn;"
                    "INSERT INTO journal (action, session, target, before, at)"
                    " SELECT 'name', uid, uid, 'before " SECRET "', 1 FROM session;"
                    "UPDATE turn SET checkpoint = 'at " SECRET "';"
                    "UPDATE attempt SET detail = 'error " SECRET "';"
                    "UPDATE part SET attachment = 1 WHERE id = (SELECT min(id) FROM part)");
    return session;
}

static void purge__leaves_no_byte_of_a_session_in_any_file(void **state)
{
    (void)state;
    struct fixture fixture;
    struct purge_report report = {.sessions = 0};
    fixture_open(&fixture, 0);
    struct ulid secret = fill_with_secrets(&fixture);
    struct turn other = said(&fixture, NULL, "innocent", "unrelated words");
    settle(&fixture);
    assert_true(fixture_files_with(&fixture, SECRET) > 0);
    assert_true(fixture_files_with(&fixture, INDEXED) > 0);
    assert_int_equal(purge_session(fixture.store, &secret, &report, NULL), ERR_OK);
    assert_int_equal(report.sessions, 1);
    assert_int_equal(report.messages, 4);
    assert_int_equal(report.attachments.count, 1);
    assert_true(report.bytes > 200 * 20);
    assert_false(report.log_left);
    assert_int_equal(fixture_files_with(&fixture, SECRET), 0);
    assert_int_equal(fixture_files_with(&fixture, LOUD), 0);
    assert_int_equal(fixture_files_with(&fixture, INDEXED), 0);
    fixture_assert_stored(&fixture, &other.answer, "unrelated words");
    fixture_assert_query(&fixture, "PRAGMA integrity_check", "ok");
    fixture_assert_query(&fixture, "SELECT count(*) FROM pragma_foreign_key_check", "0");
    assert_int_equal(purge_session(fixture.store, &secret, &report, NULL), ERR_NOT_FOUND);
    fixture_reopen(&fixture);
    assert_int_equal(fixture_files_with(&fixture, SECRET), 0);
    purge_report_release(&report);
    fixture_close(&fixture);
}

static void purge__of_a_message_leaves_the_rest_of_the_session(void **state)
{
    (void)state;
    struct fixture fixture;
    struct purge_report report = {.sessions = 0};
    fixture_open(&fixture, 0);
    struct turn first = said(&fixture, NULL, "pasted " SECRET " " LOUD, "a kept answer");
    struct turn second = said(&fixture, &first.session, "kept prompt", "kept");
    settle(&fixture);
    assert_true(fixture_files_with(&fixture, INDEXED) > 0);
    assert_int_equal(purge_message(fixture.store, &first.prompt, &report, NULL), ERR_OK);
    assert_int_equal(report.messages, 1);
    assert_int_equal(fixture_files_with(&fixture, SECRET), 0);
    assert_int_equal(fixture_files_with(&fixture, LOUD), 0);
    assert_int_equal(fixture_files_with(&fixture, INDEXED), 0);
    fixture_assert_stored(&fixture, &first.answer, "a kept answer");
    fixture_assert_stored(&fixture, &second.answer, "kept");
    fixture_assert_query(&fixture, "SELECT count(*) FROM turn", "2");
    fixture_assert_query(&fixture, "SELECT message_count FROM session", "3");
    assert_int_equal(purge_message(fixture.store, &first.prompt, &report, NULL), ERR_NOT_FOUND);
    purge_report_release(&report);
    fixture_close(&fixture);
}

/* A title is made of the prompt, or by a model that has read both; what replaced it remembers it.
 */
static void purge__of_a_message_takes_what_the_title_has_of_it(void **state)
{
    (void)state;
    static const bool of_prompt[] = {true, false};
    for (size_t i = 0; i < COUNT_OF(of_prompt); i++) {
        struct fixture fixture;
        struct claim claim;
        enum claim_outcome outcome;
        struct purge_report report = {.sessions = 0};
        struct session_change change = {.fields = SESSION_SET_TITLE,
                                        .title = SV("a title by the user"),
                                        .title_by = TITLE_BY_USER};
        fixture_open(&fixture, 0);
        struct turn turn = of_prompt[i] ? said(&fixture, NULL, "pasted " SECRET, "an answer")
                                        : said(&fixture, NULL, "a prompt", "said " SECRET);
        struct sv target = sv_from(turn.session.text);
        fixture_execute(&fixture, "UPDATE session SET title = 'on " SECRET "', title_by = 'model'");
        assert_int_equal(
            claim_take(fixture.store, SV("title"), target, CLOCK_S(9), &claim, &outcome, NULL),
            ERR_OK);
        assert_int_equal(claim_finish(fixture.store, &claim, SV("on " SECRET), NULL), ERR_OK);
        assert_int_equal(session_update(fixture.store, &turn.session, &change, NULL), ERR_OK);
        assert_int_equal(
            purge_message(fixture.store, of_prompt[i] ? &turn.prompt : &turn.answer, &report, NULL),
            ERR_OK);
        assert_int_equal(fixture_files_with(&fixture, SECRET), 0);
        fixture_assert_query(&fixture, "SELECT title FROM session", "a title by the user");
        assert_int_equal(
            claim_take(fixture.store, SV("title"), target, CLOCK_S(9), &claim, &outcome, NULL),
            ERR_OK);
        assert_int_equal(outcome, CLAIM_DONE);
        purge_report_release(&report);
        fixture_close(&fixture);
    }
}

static void purge__of_the_trash_takes_all_that_lies_there(void **state)
{
    struct fixture *fixture = *state;
    struct purge_report report = {.sessions = 0};
    struct turn gone = said(fixture, NULL, "q", "a");
    struct turn also = said(fixture, NULL, "q", "a");
    struct turn kept = said(fixture, NULL, "q", "kept");
    assert_int_equal(session_delete(fixture->store, &gone.session, NULL), ERR_OK);
    assert_int_equal(session_delete(fixture->store, &also.session, NULL), ERR_OK);
    assert_int_equal(message_delete(fixture->store, &kept.prompt, fixture_soon(), NULL), ERR_OK);
    assert_int_equal(purge_trash(fixture->store, &report, NULL), ERR_OK);
    assert_int_equal(report.sessions, 2);
    assert_int_equal(report.messages, 5);
    /* In the file a reader holds an older state, which the log has to keep. */
    assert_int_equal(report.log_left, fixture->path != NULL);
    fixture_assert_query(fixture, "SELECT count(*) FROM session", "1");
    fixture_assert_query(fixture, "SELECT count(*) FROM message", "1");
    fixture_assert_query(fixture, "SELECT count(*) FROM journal", "0");
    assert_int_equal(session_restore(fixture->store, &gone.session, NULL, NULL), ERR_NOT_FOUND);
    purge_report_release(&report);
}

static void purge__keeps_an_attachment_that_another_message_names(void **state)
{
    (void)state;
    struct fixture fixture;
    struct attachment attachment;
    struct purge_report report = {.sessions = 0};
    fixture_open(&fixture, 0);
    struct turn gone = said(&fixture, NULL, "q", "a");
    said(&fixture, NULL, "q", "a");
    assert_int_equal(
        attachment_add(fixture.store, SV("text/plain"), SV("shared"), &attachment, NULL), ERR_OK);
    fixture_execute(&fixture, "UPDATE part SET attachment = 1");
    assert_int_equal(purge_session(fixture.store, &gone.session, &report, NULL), ERR_OK);
    assert_int_equal(report.attachments.count, 0);
    assert_int_equal(attachment_find(fixture.store, sv_from(attachment.id), &attachment, NULL),
                     ERR_OK);
    purge_report_release(&report);
    fixture_close(&fixture);
}

/* Text on its way of an answer that runs in another session must stay. */
static void purge__leaves_running_answers_alone(void **state)
{
    (void)state;
    struct fixture fixture;
    struct purge_report report = {.sessions = 0};
    fixture_open(&fixture, 0);
    struct ulid gone = said(&fixture, NULL, "q", "a").session;
    say_at_length(&fixture, &gone, 50);
    struct turn running = fixture_turn(&fixture, "q");
    fixture_apply(&fixture, &running.answer, fixture_text(0, "first "));
    assert_int_equal(purge_session(fixture.store, &gone, &report, NULL), ERR_OK);
    fixture_apply(&fixture, &running.answer, fixture_text(0, "second"));
    fixture_assert_stored(&fixture, &running.answer, "first second");
    assert_int_equal(fixture_files_with(&fixture, SECRET), 0);
    purge_report_release(&report);
    fixture_close(&fixture);
}

static void purge__of_a_long_session_holds_the_lock_for_short_times_only(void **state)
{
    (void)state;
    struct fixture fixture;
    struct purge_report report = {.sessions = 0};
    fixture_open(&fixture, 0);
    struct ulid session = said(&fixture, NULL, "q", "a").session;
    fixture_execute(&fixture,
                    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                    " WHERE i < 2000) INSERT INTO message (id, uid, branch, seq, role, reason,"
                    " folded, indexed, created_at) SELECT 1000 + i, 'm' || i, 1, 1000 + i, 'user',"
                    " 'end_turn', 1, 1, 1 FROM n;"
                    "INSERT INTO part (message, position, kind, began_at, text)"
                    " SELECT id, 0, 'text', 1, printf('%.500c', 'x') FROM message WHERE id > 1000");
    assert_int_equal(purge_session(fixture.store, &session, &report, NULL), ERR_OK);
    assert_int_equal(report.messages, 2002);
    assert_true(report.bytes >= 1000000);
    fixture_assert_query(&fixture, "SELECT count(*) FROM part", "0");
    purge_report_release(&report);
    fixture_close(&fixture);
}

static void purge__says_which_copies_are_left_and_removes_them_when_asked(void **state)
{
    (void)state;
    struct fixture fixture;
    struct purge_report report = {.sessions = 0};
    fixture_open(&fixture, 0);
    char *backup = xasprintf("%s.bak-v1", fixture.path);
    assert_int_equal(file_write_atomic(backup, SV(SECRET), NULL), ERR_OK);
    assert_int_equal(purge_backups(fixture.store, false, &report, NULL), ERR_OK);
    assert_int_equal(report.backup_count, 1);
    assert_string_equal(report.backups[0], backup);
    assert_int_equal(access(backup, F_OK), 0);
    purge_report_release(&report);
    assert_int_equal(purge_backups(fixture.store, true, &report, NULL), ERR_OK);
    assert_true(report.backups_removed);
    assert_int_equal(access(backup, F_OK), -1);
    purge_report_release(&report);
    free(backup);
    fixture_close(&fixture);
}

/* A repair keeps all that it met, and so does a spilled file that was damaged. What waits to be
 * brought in is no copy. */
static void purge__names_what_a_repair_left_and_removes_it_when_asked(void **state)
{
    (void)state;
    static const char *const left[] = {".damaged-20261121T072405.1",
                                       ".damaged-20261121T072405.1-wal", ".repaired",
                                       "-spill-01J0000000000000000000000.damaged"};
    struct fixture fixture;
    struct purge_report report = {.sessions = 0};
    fixture_open(&fixture, 0);
    for (size_t i = 0; i < COUNT_OF(left); i++) {
        char *path = xasprintf("%s%s", fixture.path, left[i]);
        assert_int_equal(file_write_atomic(path, SV(SECRET), NULL), ERR_OK);
        free(path);
    }
    char *waiting = xasprintf("%s-spill-01J0000000000000000000000", fixture.path);
    assert_int_equal(file_write_atomic(waiting, SV("kept"), NULL), ERR_OK);
    fixture_execute(&fixture,
                    "INSERT INTO quarantine (origin, row, content, at)"
                    " VALUES ('part', 1, CAST('" SECRET "' AS BLOB), 1), ('part', 2, x'00', 1)");
    assert_int_equal(purge_backups(fixture.store, false, &report, NULL), ERR_OK);
    assert_int_equal(report.backup_count, COUNT_OF(left));
    assert_int_equal(report.quarantined, 2);
    assert_false(report.backups_removed);
    assert_int_equal(fixture_files_with(&fixture, SECRET), COUNT_OF(left) + 1);
    purge_report_release(&report);
    assert_int_equal(purge_backups(fixture.store, true, &report, NULL), ERR_OK);
    assert_true(report.backups_removed);
    assert_int_equal(fixture_files_with(&fixture, SECRET), 0);
    fixture_assert_query(&fixture, "SELECT count(*) FROM quarantine", "0");
    assert_int_equal(access(waiting, F_OK), 0);
    purge_report_release(&report);
    free(waiting);
    fixture_close(&fixture);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(purge__leaves_no_byte_of_a_session_in_any_file),
        cmocka_unit_test(purge__of_a_message_leaves_the_rest_of_the_session),
        cmocka_unit_test(purge__of_a_message_takes_what_the_title_has_of_it),
        ON_BOTH(purge__of_the_trash_takes_all_that_lies_there),
        cmocka_unit_test(purge__keeps_an_attachment_that_another_message_names),
        cmocka_unit_test(purge__leaves_running_answers_alone),
        cmocka_unit_test(purge__of_a_long_session_holds_the_lock_for_short_times_only),
        cmocka_unit_test(purge__says_which_copies_are_left_and_removes_them_when_asked),
        cmocka_unit_test(purge__names_what_a_repair_left_and_removes_it_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
