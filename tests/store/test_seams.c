/* Rows of the behaviours that no other file names: states, keys on messages, usage, backends, the
 * end. */
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "store/branch.h"
#include "store/history.h"
#include "store/session.h"
#include "store/trash.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

static struct message *read_message(struct fixture *fixture, const struct ulid *id)
{
    struct message *message = NULL;
    struct err err;
    if (message_snapshot(fixture->store, id, &message, &err)) {
        fail_msg("%s", err.text);
    }
    return message;
}

/* ---- turns ---- */

static void sc1__every_state_of_a_turn_is_stored_and_read_as_its_text(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        enum finish_reason reason;
        const char *text;
    } ends[] = {
        {FINISH_END_TURN, "completed"},
        {FINISH_ERROR, "failed"},
        {FINISH_CANCELED, "cancelled"},
        {FINISH_INTERRUPTED, "interrupted"},
    };
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        enum run_state parsed = RUN_RUNNING;
        struct turn turn = fixture_turn(fixture, "q");
        fixture_assert_query(fixture, "SELECT state FROM turn ORDER BY id DESC LIMIT 1", "running");
        fixture_end(fixture, &turn, ends[i].reason);
        char *stored = fixture_query(fixture, "SELECT state FROM turn ORDER BY id DESC LIMIT 1");
        assert_string_equal(stored, ends[i].text);
        assert_true(run_state_parse(sv_from(stored), &parsed));
        assert_string_equal(run_state_text(parsed), stored);
        assert_int_not_equal(parsed, RUN_RUNNING);
        free(stored);
        /* Terminal for good. */
        struct stream_event again = fixture_finish(FINISH_END_TURN);
        assert_int_not_equal(
            message_apply_wait(fixture->store, &turn.answer, &again, fixture_soon(), NULL), ERR_OK);
    }
    enum run_state parsed = RUN_FAILED;
    assert_false(run_state_parse(SV("canceled"), &parsed));
    assert_false(run_state_parse(SV(""), &parsed));
    assert_int_equal(parsed, RUN_FAILED);
}

static void sc2__a_turn_begins_running_without_a_time_of_completion(void **state)
{
    struct fixture *fixture = *state;
    struct turn_request request = {.prompt = SV("q")};
    struct turn turn = fixture_begin(fixture, &request);
    fixture_assert_query(
        fixture, "SELECT state || (ended_at IS NULL) || (created_at > 0) FROM turn", "running11");
    fixture_assert_query(fixture, "SELECT state || (ended_at IS NULL) FROM attempt", "running1");
    fixture_end(fixture, &turn, FINISH_END_TURN);
    fixture_assert_query(fixture, "SELECT ended_at >= created_at FROM turn", "1");
}

static void sc2__a_key_that_was_used_otherwise_is_an_error_that_names_it(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct turn turn;
    struct turn_request request = {.prompt = SV("q"),
                                   .key = {.key = SV("key-7"), .fingerprint = SV("f")}};
    fixture_begin(fixture, &request);
    request.key.fingerprint = SV("g");
    assert_int_equal(turn_begin(fixture->store, &request, fixture_soon(), &turn, &err),
                     ERR_INVALID);
    assert_non_null(strstr(err.text, "key-7"));
    fixture_assert_query(fixture, "SELECT count(*) FROM turn", "1");
}

static void sc5__a_key_finds_its_prompt_and_its_answer_and_has_one_prompt(void **state)
{
    struct fixture *fixture = *state;
    struct turn found;
    struct turn_request request = {.prompt = SV("q"),
                                   .key = {.key = SV("k"), .fingerprint = SV("f")}};
    struct turn first = fixture_begin(fixture, &request);
    fixture_end(fixture, &first, FINISH_INTERRUPTED);
    struct turn second = fixture_begin(fixture, &request);
    fixture_end(fixture, &second, FINISH_END_TURN);
    fixture_begin(fixture, &request);
    assert_int_equal(turn_find_key(fixture->store, &request.key, &found, NULL), ERR_OK);
    assert_string_equal(found.prompt.text, first.prompt.text);
    assert_string_equal(found.answer.text, second.answer.text);
    fixture_assert_query(fixture,
                         "SELECT group_concat(m.role) FROM request r JOIN message m"
                         " ON m.turn = r.turn WHERE r.key = 'k' ORDER BY m.id",
                         "user,assistant,assistant");
}

static void sc6__all_that_was_used_is_kept_and_unknown_is_not_0(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = fixture_turn(fixture, "q");
    struct stream_event used = {.kind = STREAM_USAGE,
                                .usage = {.input_tokens = 1,
                                          .output_tokens = 2,
                                          .cache_read_tokens = 3,
                                          .cache_write_tokens = 0,
                                          .reasoning_tokens = USAGE_UNKNOWN,
                                          .cost_micros = 6}};
    struct stream_event started = {.kind = STREAM_STARTED, .id = SV("resp-1")};
    fixture_apply(fixture, &turn.answer, started);
    fixture_apply(fixture, &turn.answer, used);
    fixture_end(fixture, &turn, FINISH_END_TURN);
    struct message *message = read_message(fixture, &turn.answer);
    assert_string_equal(message->model, "test/model");
    assert_int_equal(message->usage.input_tokens, 1);
    assert_int_equal(message->usage.output_tokens, 2);
    assert_int_equal(message->usage.cache_read_tokens, 3);
    assert_int_equal(message->usage.cache_write_tokens, 0);
    assert_int_equal(message->usage.reasoning_tokens, USAGE_UNKNOWN);
    assert_int_equal(message->usage.cost_micros, 6);
    message_free(message);
    fixture_assert_query(fixture,
                         "SELECT response_id || (SELECT cache_write_tokens || (reasoning_tokens IS"
                         " NULL) FROM usage) FROM attempt",
                         "resp-101");
}

/* ---- messages ---- */

static void se5__a_message_is_read_by_id_with_its_direction_and_its_parts(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = fixture_turn(fixture, "the question");
    const struct stream_event call = {
        .kind = STREAM_TOOL_CALL, .part = 1, .id = SV("call-1"), .name = SV("weather")};
    const struct stream_event input = {
        .kind = STREAM_TOOL_INPUT, .part = 1, .text = SV("{\"at\":\"Oslo\"}")};
    fixture_apply(fixture, &turn.answer, fixture_text(0, "I look."));
    fixture_apply(fixture, &turn.answer, call);
    fixture_apply(fixture, &turn.answer, input);
    fixture_end(fixture, &turn, FINISH_TOOL_USE);
    struct message *prompt = read_message(fixture, &turn.prompt);
    assert_int_equal(prompt->role, ROLE_USER);
    assert_string_equal(prompt->parts[0].text, "the question");
    message_free(prompt);
    struct message *answer = read_message(fixture, &turn.answer);
    assert_int_equal(answer->role, ROLE_ASSISTANT);
    assert_string_equal(answer->session.text, turn.session.text);
    assert_string_equal(answer->turn.text, turn.id.text);
    assert_true(answer->seq > 0);
    assert_int_equal(answer->parts[0].kind, PART_TEXT);
    assert_int_equal(answer->parts[1].kind, PART_TOOL_CALL);
    assert_string_equal(answer->parts[1].tool_id, "call-1");
    assert_string_equal(answer->parts[1].tool_name, "weather");
    assert_string_equal(answer->parts[1].text, "{\"at\":\"Oslo\"}");
    message_free(answer);
    struct ulid unknown = ulid_new();
    struct message *none = NULL;
    assert_int_equal(message_snapshot(fixture->store, &unknown, &none, NULL), ERR_NOT_FOUND);
}

/* ---- events ---- */

static void events_are_forgotten_after_a_month_but_for_the_last_one(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = fixture_turn(fixture, "q");
    fixture_end(fixture, &turn, FINISH_END_TURN);
    fixture_execute(fixture,
                    "UPDATE event SET at = at - 40 * 24 * 3600 * 1000000 WHERE kind <> 'ended'");
    fixture_reopen(fixture);
    fixture_assert_query(fixture, "SELECT group_concat(kind) FROM event", "ended");
    fixture_execute(fixture, "UPDATE event SET at = 1");
    fixture_reopen(fixture);
    fixture_assert_query(fixture, "SELECT group_concat(kind) FROM event", "ended");
}

/* ---- backends ---- */

/* A bit of everything: an edit, another answer, a failure, a deletion, a session that goes. */
static char *live_a_while(struct fixture *fixture)
{
    struct turn_request request = {.prompt = SV("one"), .model = SV("p/m")};
    struct turn first = fixture_begin(fixture, &request);
    fixture_apply(fixture, &first.answer, fixture_text(0, "1"));
    fixture_end(fixture, &first, FINISH_END_TURN);
    request = (struct turn_request){.kind = TURN_EDIT, .at = first.prompt, .prompt = SV("two")};
    struct turn second = fixture_begin(fixture, &request);
    fixture_apply(fixture, &second.answer, fixture_text(0, "half"));
    fixture_end(fixture, &second, FINISH_ERROR);
    request = (struct turn_request){.kind = TURN_AGAIN, .at = second.prompt};
    struct turn third = fixture_begin(fixture, &request);
    assert_int_equal(message_delete(fixture->store, &third.answer, fixture_soon(), NULL), ERR_OK);
    struct turn other = fixture_turn(fixture, "elsewhere");
    assert_int_equal(session_delete(fixture->store, &other.session, NULL), ERR_OK);
    return fixture_query(
        fixture,
        "SELECT group_concat(w) FROM (SELECT m.branch || m.seq || m.role || m.reason || m.revision"
        " || (m.deleted_at IS NULL) || t.state || s.state || s.message_count ||"
        " (s.deleted_at IS NULL) || (SELECT coalesce(group_concat(kind || length(text)), '') FROM"
        " part WHERE message = m.id AND m.role = 'user') AS w FROM message m JOIN turn t"
        " ON t.id = m.turn JOIN branch b ON b.id = m.branch JOIN session s ON s.id = b.session"
        " ORDER BY m.id)");
}

/* What each backend promises by itself is in the tests listed with ON_BOTH, all over this folder.
 */
static void se1__both_backends_come_to_the_same_rows(void **state)
{
    (void)state;
    struct fixture file, private_store;
    fixture_open(&file, 0);
    fixture_open_private(&private_store, 0);
    char *of_file = live_a_while(&file);
    char *of_private = live_a_while(&private_store);
    assert_true(strlen(of_file) > 100);
    assert_string_equal(of_file, of_private);
    free(of_file);
    free(of_private);
    fixture_close(&private_store);
    fixture_close(&file);
}

/* ---- the end ---- */

static size_t count_entries(const char *folder)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    while (dir && readdir(dir)) {
        count++;
    }
    if (dir) {
        closedir(dir);
    }
    return count;
}

/* A thread that was joined is listed for a moment longer. */
static size_t settled_threads(size_t at_most)
{
    int64_t until = clock_mono_us() + CLOCK_MS(500);
    while (count_entries("/proc/self/task") > at_most && clock_mono_us() < until) {
        clock_sleep_us(CLOCK_MS(1));
    }
    return count_entries("/proc/self/task");
}

static void *close_store(void *arg)
{
    struct store *store = arg;
    (void)store_close(store, clock_mono_us() + CLOCK_S(5), NULL);
    return NULL;
}

/* While an answer runs and something waits to be folded, and twice at once. */
static void se13__closing_from_any_thread_leaves_nothing_running(void **state)
{
    (void)state;
    struct err err;
    struct broker *broker = broker_new(NULL);
    size_t threads = 0;
    size_t files = 0;
    for (int round = 0; round < 5; round++) {
        struct store_options options = {.debounce_us = 1000, .follow = round % 2, .broker = broker};
        struct turn_request request = {.prompt = SV("q")};
        struct stream_event text = fixture_text(0, "text");
        struct store *store = NULL;
        struct turn turn;
        pthread_t closers[2];
        assert_int_equal(store_open(&options, &store, &err), ERR_OK);
        assert_int_equal(store_start(store, &err), ERR_OK);
        assert_int_equal(turn_begin(store, &request, fixture_soon(), &turn, &err), ERR_OK);
        assert_int_equal(message_apply(store, &turn.answer, &text, &err), ERR_OK);
        for (size_t i = 0; i < COUNT_OF(closers); i++) {
            assert_int_equal(pthread_create(&closers[i], NULL, close_store, store), 0);
        }
        for (size_t i = 0; i < COUNT_OF(closers); i++) {
            pthread_join(closers[i], NULL);
        }
        assert_int_equal(message_apply(store, &turn.answer, &text, &err), ERR_CLOSED);
        store_free(store);
        /* What runs after the first round is a sanitizer's own. */
        threads = round == 0 ? settled_threads(3) : threads;
        files = round == 0 ? count_entries("/proc/self/fd") : files;
    }
    assert_int_equal(settled_threads(threads), threads);
    assert_int_equal(count_entries("/proc/self/fd"), files);
    broker_free(broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(se13__closing_from_any_thread_leaves_nothing_running),
        ON_BOTH(sc1__every_state_of_a_turn_is_stored_and_read_as_its_text),
        ON_BOTH(sc2__a_turn_begins_running_without_a_time_of_completion),
        ON_BOTH(sc2__a_key_that_was_used_otherwise_is_an_error_that_names_it),
        ON_BOTH(sc5__a_key_finds_its_prompt_and_its_answer_and_has_one_prompt),
        ON_BOTH(sc6__all_that_was_used_is_kept_and_unknown_is_not_0),
        cmocka_unit_test_setup_teardown(events_are_forgotten_after_a_month_but_for_the_last_one,
                                        fixture_setup_file, fixture_teardown),
        ON_BOTH(se5__a_message_is_read_by_id_with_its_direction_and_its_parts),
        cmocka_unit_test(se1__both_backends_come_to_the_same_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
