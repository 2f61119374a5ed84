/* What is left beside something that was deleted or purged: keys, places, numbers, states. */
#include <pthread.h>
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
#include "store/branch.h"
#include "store/burst.h"
#include "store/history.h"
#include "store/label.h"
#include "store/purge.h"
#include "store/store_internal.h"
#include "store/trash.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

static struct turn answered(struct fixture *fixture, const struct turn_request *request)
{
    struct turn turn = fixture_begin(fixture, request);
    fixture_apply(fixture, &turn.answer, fixture_text(0, "a"));
    fixture_end(fixture, &turn, FINISH_END_TURN);
    return turn;
}

static void purge(struct fixture *fixture, const struct ulid *message)
{
    struct purge_report report = {.sessions = 0};
    assert_int_equal(purge_message(fixture->store, message, &report, NULL), ERR_OK);
    purge_report_release(&report);
}

static void delete_message(struct fixture *fixture, const struct ulid *message)
{
    assert_int_equal(message_delete(fixture->store, message, fixture_soon(), NULL), ERR_OK);
}

static size_t count_on(struct fixture *fixture, const struct ulid *session,
                       const struct ulid *branch)
{
    struct history_page page;
    struct history_query query = {.session = *session, .branch = *branch, .limit = 100};
    assert_int_equal(history_page(fixture->store, &query, &page, NULL), ERR_OK);
    size_t count = page.count;
    history_page_release(&page);
    return count;
}

static struct turn_request keyed(void)
{
    return (struct turn_request){
        .prompt = SV("q"), .model = SV("p/m"), .key = {.key = SV("k"), .fingerprint = SV("f")}};
}

/* ---- prompts ---- */

static void an_answer_whose_prompt_was_deleted_is_not_asked_for_again(void **state)
{
    struct fixture *fixture = *state;
    struct turn_request request = {.prompt = SV("q")};
    struct turn turn = answered(fixture, &request);
    struct turn second;
    static const enum turn_kind kinds[] = {TURN_AGAIN, TURN_CONTINUE};
    delete_message(fixture, &turn.prompt);
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        request = (struct turn_request){.kind = kinds[i], .at = turn.answer};
        assert_int_equal(turn_begin(fixture->store, &request, fixture_soon(), &second, NULL),
                         ERR_INVALID);
    }
    fixture_assert_query(fixture, "SELECT count(*) FROM attempt", "1");
}

/* ---- numbers and places ---- */

static void the_number_of_a_purged_message_is_never_used_again(void **state)
{
    struct fixture *fixture = *state;
    struct turn_request request = {.prompt = SV("q")};
    struct turn turn = answered(fixture, &request);
    char *highest = fixture_query(fixture, "SELECT max(id) FROM message");
    purge(fixture, &turn.answer);
    purge(fixture, &turn.prompt);
    turn = fixture_begin(fixture, &request);
    char *lowest = fixture_query(fixture, "SELECT min(id) FROM message");
    assert_true(atoll(lowest) > atoll(highest));
    free(lowest);
    free(highest);
}

/* The branch shares the places up to there, and would show what comes to stand on them. */
static void what_follows_a_purge_is_not_seen_on_branches_made_before(void **state)
{
    struct fixture *fixture = *state;
    struct turn_request request = {.prompt = SV("one")};
    struct turn first = answered(fixture, &request);
    request = (struct turn_request){.session = first.session, .prompt = SV("two")};
    struct turn second = answered(fixture, &request);
    struct ulid fork;
    assert_int_equal(branch_fork(fixture->store, &second.answer, SV("kept"), &fork, NULL), ERR_OK);
    assert_int_equal(branch_switch(fixture->store, &first.session, &first.branch, NULL, NULL),
                     ERR_OK);
    purge(fixture, &second.answer);
    purge(fixture, &second.prompt);
    assert_int_equal(count_on(fixture, &first.session, &fork), 2);
    request.prompt = SV("three");
    answered(fixture, &request);
    assert_int_equal(count_on(fixture, &first.session, &first.branch), 4);
    assert_int_equal(count_on(fixture, &first.session, &fork), 2);
}

/* ---- keys ---- */

static void a_key_whose_session_was_deleted_begins_anew(void **state)
{
    struct fixture *fixture = *state;
    struct turn_request request = keyed();
    struct turn first = answered(fixture, &request);
    assert_int_equal(session_delete(fixture->store, &first.session, NULL), ERR_OK);
    struct turn second = fixture_begin(fixture, &request);
    assert_int_equal(second.outcome, TURN_BEGUN);
    assert_string_not_equal(second.session.text, first.session.text);
    fixture_end(fixture, &second, FINISH_INTERRUPTED);
    assert_int_equal(session_delete(fixture->store, &second.session, NULL), ERR_OK);
    assert_int_equal(fixture_begin(fixture, &request).outcome, TURN_BEGUN);
}

static void a_key_whose_prompt_was_deleted_begins_anew(void **state)
{
    struct fixture *fixture = *state;
    struct turn_request request = keyed();
    struct turn first = answered(fixture, &request);
    delete_message(fixture, &first.prompt);
    struct turn second = fixture_begin(fixture, &request);
    assert_int_equal(second.outcome, TURN_BEGUN);
    assert_string_not_equal(second.prompt.text, first.prompt.text);
    fixture_end(fixture, &second, FINISH_END_TURN);
    assert_int_equal(fixture_begin(fixture, &request).outcome, TURN_REPLAY);
}

static void a_key_whose_answer_was_deleted_asks_again(void **state)
{
    struct fixture *fixture = *state;
    struct turn_request request = keyed();
    struct turn found;
    struct turn first = answered(fixture, &request);
    delete_message(fixture, &first.answer);
    assert_int_equal(turn_find(fixture->store, &first.id, &found, NULL), ERR_OK);
    assert_false(ulid_is_set(&found.answer));
    assert_true(ulid_is_set(&found.prompt));
    struct turn second = fixture_begin(fixture, &request);
    assert_int_equal(second.outcome, TURN_BEGUN);
    assert_string_equal(second.prompt.text, first.prompt.text);
    assert_string_not_equal(second.answer.text, first.answer.text);
}

/* ---- states ---- */

static void a_session_runs_while_another_branch_of_it_does(void **state)
{
    struct fixture *fixture = *state;
    struct turn_request request = {.prompt = SV("q")};
    struct turn first = fixture_begin(fixture, &request);
    request = (struct turn_request){.kind = TURN_EDIT, .at = first.prompt, .prompt = SV("r")};
    struct turn second = fixture_begin(fixture, &request);
    fixture_end(fixture, &first, FINISH_CANCELED);
    fixture_assert_query(fixture, "SELECT state FROM session", "running");
    fixture_end(fixture, &second, FINISH_END_TURN);
    fixture_assert_query(fixture, "SELECT state FROM session", "completed");
}

static void a_prompt_that_is_left_unanswered_completes_its_session(void **state)
{
    struct fixture *fixture = *state;
    struct turn_request request = {.prompt = SV("q")};
    struct turn turn = fixture_begin(fixture, &request);
    fixture_end(fixture, &turn, FINISH_CANCELED);
    delete_message(fixture, &turn.answer);
    fixture_assert_query(fixture, "SELECT state FROM session", "cancelled");
    assert_int_equal(turn_mark_unanswered(fixture->store, &turn.id, NULL), ERR_OK);
    fixture_assert_query(fixture, "SELECT state FROM session", "completed");
}

static void a_burst_is_refused_where_its_session_lies_in_the_trash(void **state)
{
    struct fixture *fixture = *state;
    struct turn_request request = {.prompt = SV("q"), .unanswered = true};
    struct turn turn = fixture_begin(fixture, &request);
    assert_int_equal(session_delete(fixture->store, &turn.session, NULL), ERR_OK);
    struct burst_item item = {.message = message_new()};
    assert_int_equal(burst_insert(fixture->store, &turn.id, &item, 1, NULL), ERR_NOT_FOUND);
    fixture_assert_query(fixture, "SELECT count(*) FROM message", "1");
}

/* ---- answers that another process deletes ---- */

#define DELETE_ELSEWHERE                                                                           \
    "BEGIN; UPDATE session SET deleted_at = 1; UPDATE attempt SET state = 'cancelled';"            \
    "UPDATE message SET reason = 'canceled', ended_at = 1,"                                        \
    " chunk_last = (SELECT max(id) FROM chunk) WHERE reason = '';"                                 \
    "INSERT INTO event (kind, session, at) SELECT 'deleted', uid, 1 FROM session; COMMIT"

static void who_writes_learns_of_a_deletion_with_its_next_text(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct turn_request request = {.prompt = SV("q")};
    struct turn turn = fixture_begin(fixture, &request);
    struct stream_event text = fixture_text(0, "ab");
    fixture_apply(fixture, &turn.answer, text);
    assert_int_equal(message_flush(fixture->store, &turn.answer, fixture_soon(), &err), ERR_OK);
    fixture_execute(fixture, DELETE_ELSEWHERE);
    enum err_code code = ERR_OK;
    int64_t until = fixture_soon();
    while (code == ERR_OK && clock_mono_us() < until) {
        code = message_apply_wait(fixture->store, &turn.answer, &text, until, &err);
        clock_sleep_us(CLOCK_MS(1));
    }
    assert_int_equal(code, ERR_GONE);
    /* All that was written before is still there when it comes back. */
    struct message *message = NULL;
    assert_int_equal(session_restore(fixture->store, &turn.session, NULL, &err), ERR_OK);
    assert_int_equal(message_snapshot(fixture->store, &turn.answer, &message, &err), ERR_OK);
    assert_true(message->ended);
    assert_true(message->parts[0].text_n >= 4);
    message_free(message);
}

/* A deletion that was taken back before it was noticed means nothing that runs now. */
static void what_was_begun_after_a_restore_runs_on(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct turn_request request = {.prompt = SV("q")};
    struct turn turn = answered(fixture, &request);
    assert_int_equal(session_delete(fixture->store, &turn.session, &err), ERR_OK);
    assert_int_equal(session_restore(fixture->store, &turn.session, NULL, &err), ERR_OK);
    request.session = turn.session;
    answered(fixture, &request);
}

/* ---- asking twice ---- */

/* The writer's thread is held from the byte in `holds` to the one in `let_go`. */
struct holding {
    struct store *store;
    int holds[2], let_go[2];
};

static enum err_code run_hold(void *state, struct db *db UNUSED, struct err *err UNUSED)
{
    struct holding *const *holding = state;
    char byte = 0;
    assert_int_equal(write((*holding)->holds[1], &byte, 1), 1);
    assert_int_equal(read((*holding)->let_go[0], &byte, 1), 1);
    return ERR_OK;
}

static void *hold_the_writer(void *arg)
{
    static const struct store_write write = {.run = run_hold, .free_state = free};
    struct holding *holding = arg;
    struct holding **self = xcalloc(1, sizeof(struct holding *));
    *self = holding;
    if (store_write(holding->store, &write, &self, NULL) == ERR_OK) {
        free(self);
    }
    return NULL;
}

static void who_gives_up_asking_again_does_not_end_what_runs(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    pthread_t thread;
    struct turn_request request = keyed();
    struct turn again;
    struct turn turn = fixture_begin(fixture, &request);
    struct holding holding = {.store = fixture->store};
    char byte = 0;
    assert_int_equal(pipe(holding.holds), 0);
    assert_int_equal(pipe(holding.let_go), 0);
    assert_int_equal(pthread_create(&thread, NULL, hold_the_writer, &holding), 0);
    assert_int_equal(read(holding.holds[0], &byte, 1), 1);
    assert_int_equal(
        turn_begin(fixture->store, &request, clock_mono_us() + CLOCK_MS(5), &again, &err),
        ERR_TIMEOUT);
    assert_int_equal(write(holding.let_go[1], &byte, 1), 1);
    pthread_join(thread, NULL);
    for (int end = 0; end < 2; end++) {
        close(holding.holds[end]);
        close(holding.let_go[end]);
    }
    fixture_apply(fixture, &turn.answer, fixture_text(0, "runs on"));
    fixture_end(fixture, &turn, FINISH_END_TURN);
    fixture_assert_query(fixture, "SELECT state FROM turn", "completed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(an_answer_whose_prompt_was_deleted_is_not_asked_for_again),
        ON_BOTH(the_number_of_a_purged_message_is_never_used_again),
        ON_BOTH(what_follows_a_purge_is_not_seen_on_branches_made_before),
        ON_BOTH(a_key_whose_session_was_deleted_begins_anew),
        ON_BOTH(a_key_whose_prompt_was_deleted_begins_anew),
        ON_BOTH(a_key_whose_answer_was_deleted_asks_again),
        ON_BOTH(a_session_runs_while_another_branch_of_it_does),
        ON_BOTH(a_prompt_that_is_left_unanswered_completes_its_session),
        ON_BOTH(a_burst_is_refused_where_its_session_lies_in_the_trash),
        cmocka_unit_test_setup_teardown(who_writes_learns_of_a_deletion_with_its_next_text,
                                        fixture_setup_file, fixture_teardown),
        ON_BOTH(what_was_begun_after_a_restore_runs_on),
        ON_BOTH(who_gives_up_asking_again_does_not_end_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
