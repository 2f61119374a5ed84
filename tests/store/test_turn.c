/* Turns: what a caller may repeat, what an end leaves, and who is refused. */
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

static void assert_same(const struct turn *a, const struct turn *b)
{
    assert_string_equal(a->session.text, b->session.text);
    assert_string_equal(a->id.text, b->id.text);
    assert_string_equal(a->attempt.text, b->attempt.text);
    assert_string_equal(a->prompt.text, b->prompt.text);
    assert_string_equal(a->answer.text, b->answer.text);
}

static void sd1__the_same_turn_id_again_gives_the_first_turn_and_writes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct turn_request request = {.id = ulid_new(), .prompt = SV("first words")};
    struct turn first = fixture_begin(fixture, &request);
    assert_false(first.existed);
    assert_string_equal(first.id.text, request.id.text);
    request.prompt = SV("other words");
    struct turn again = fixture_begin(fixture, &request);
    assert_true(again.existed);
    assert_same(&again, &first);
    fixture_end(fixture, &first, FINISH_END_TURN);
    again = fixture_begin(fixture, &request);
    assert_same(&again, &first);
    fixture_assert_query(fixture, "SELECT count(*) FROM session", "1");
    fixture_assert_query(fixture, "SELECT count(*) FROM turn", "1");
    fixture_assert_query(fixture, "SELECT count(*) FROM attempt", "1");
    fixture_assert_query(fixture, "SELECT group_concat(text) FROM part WHERE kind = 'text'",
                         "first words");
}

struct racer {
    struct fixture *fixture;
    const struct turn_request *request;
    struct turn turn;
};

static void *race(void *arg)
{
    struct racer *racer = arg;
    racer->turn = fixture_begin(racer->fixture, racer->request);
    return NULL;
}

static void sd1__of_many_that_ask_at_once_one_begins_the_turn(void **state)
{
    enum { RACERS = 8 };
    struct fixture *fixture = *state;
    struct err err;
    struct racer racers[RACERS];
    pthread_t threads[RACERS];
    int began = 0;
    struct turn_request request = {.id = ulid_new(), .prompt = SV("once")};
    for (int i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){.fixture = fixture, .request = &request};
        assert_int_equal(thread_start(&threads[i], "racer", race, &racers[i], &err), ERR_OK);
    }
    for (int i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
        assert_same(&racers[i].turn, &racers[0].turn);
        began += !racers[i].turn.existed;
    }
    assert_int_equal(began, 1);
    fixture_assert_query(fixture, "SELECT count(*) FROM message", "2");
}

static void sd2__attachments_become_parts_and_incomplete_ones_are_dropped(void **state)
{
    static const struct turn_attachment attachments[] = {
        {.id = {"a1", 2}, .title = {"notes.md", 8}, .type = {"text/markdown", 13}},
        {.title = {"no id", 5}, .type = {"text/plain", 10}},
        {.id = {"a2", 2}, .type = {"text/plain", 10}},
        {.id = {"a3", 2}, .title = {"no type", 7}},
        {.id = {"a4", 2}, .title = {"plan", 4}, .type = {"text/plain", 10}},
    };
    struct fixture *fixture = *state;
    struct err err;
    struct message *message = NULL;
    struct turn_request request = {
        .prompt = SV("read these"), .attachments = attachments, .attachment_count = 5};
    struct turn turn = fixture_begin(fixture, &request);
    assert_int_equal(message_snapshot(fixture->store, &turn.prompt, &message, &err), ERR_OK);
    assert_int_equal(message->part_count, 3);
    assert_string_equal(message->parts[0].text, "read these");
    assert_int_equal(message->parts[1].kind, PART_ATTACHMENT);
    assert_string_equal(message->parts[1].tool_id, "a1");
    assert_string_equal(message->parts[1].tool_name, "text/markdown");
    assert_string_equal(message->parts[1].text, "notes.md");
    assert_string_equal(message->parts[2].tool_id, "a4");
    assert_true(message->parts[2].ended);
    /* Readers are told the same, and know all of it. */
    struct inbox inbox = {0};
    inbox_receive(fixture, &turn.prompt, 1, &inbox);
    assert_int_equal(inbox.updates[0]->piece_count, 3);
    assert_true(sv_equal(inbox.updates[0]->pieces[2].text, SV("plan")));
    assert_true(sv_equal(inbox.updates[0]->pieces[2].tool_name, SV("text/plain")));
    assert_int_equal(inbox.updates[0]->revision, message->revision);
    message_free(message);
    inbox_release(&inbox);
}

static void sd2__without_a_complete_attachment_there_is_no_such_part(void **state)
{
    static const struct turn_attachment nothing[] = {{.id = {"a1", 2}}, {.id = {NULL, 0}}};
    struct fixture *fixture = *state;
    struct turn_request request = {.prompt = SV("q")};
    (void)fixture_begin(fixture, &request);
    request.attachments = nothing;
    request.attachment_count = COUNT_OF(nothing);
    (void)fixture_begin(fixture, &request);
    fixture_assert_query(fixture, "SELECT count(*) FROM part WHERE kind = 'attachment'", "0");
}

static void sd3__the_empty_answer_is_stored_before_its_first_word_once_and_after_the_prompt(
    void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, CLOCK_S(3600));
    struct turn_request request = {.id = ulid_new(), .prompt = SV("q")};
    struct turn turn = fixture_begin(&fixture, &request);
    char *sql = xasprintf("SELECT role || reason FROM message WHERE uid = '%s'", turn.answer.text);
    fixture_assert_query(&fixture, sql, "assistant");
    free(sql);
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "kept"));
    (void)fixture_begin(&fixture, &request);
    fixture_assert_query(&fixture,
                         "SELECT group_concat(role) FROM (SELECT role FROM message ORDER BY seq)",
                         "user,assistant");
    /* Asking again took nothing from the answer that is under way. */
    struct err err;
    assert_int_equal(message_flush_all(fixture.store, fixture_soon(), NULL, &err), ERR_OK);
    char *stored = fixture_stored_text(&fixture, &turn.answer);
    assert_string_equal(stored, "kept");
    free(stored);
    fixture_close(&fixture);
}

static void sd4__without_a_turn_id_nothing_is_found_or_written_and_the_caller_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct turn found = {.existed = false};
    struct ulid unset = {""};
    assert_int_equal(turn_find(fixture->store, &unset, &found, &err), ERR_INVALID);
    struct ulid unknown = ulid_new();
    assert_int_equal(turn_find(fixture->store, &unknown, &found, &err), ERR_NOT_FOUND);
    assert_false(found.existed);
    fixture_assert_query(fixture, "SELECT count(*) FROM turn", "0");
    fixture_assert_query(fixture, "SELECT count(*) FROM message", "0");
    struct turn turn = fixture_turn(fixture, "q");
    assert_int_equal(turn_find(fixture->store, &turn.id, &found, &err), ERR_OK);
    assert_true(found.existed);
    assert_same(&found, &turn);
}

static struct stream_event usage_event(int64_t input, int64_t output)
{
    struct stream_event event = {.kind = STREAM_USAGE, .usage = usage_unknown()};
    event.usage.input_tokens = input;
    event.usage.output_tokens = output;
    return event;
}

static const char usage_sql[] =
    "SELECT group_concat(input_tokens || '/' || output_tokens || '/' || cost_micros) FROM usage";

static void sd5__the_end_leaves_the_text_and_one_usage_row(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct turn turn = fixture_turn(fixture, "q");
    fixture_apply(fixture, &turn.answer, fixture_text(0, "words"));
    fixture_apply(fixture, &turn.answer, usage_event(7, 1));
    assert_int_equal(message_flush(fixture->store, &turn.answer, fixture_soon(), &err), ERR_OK);
    fixture_assert_query(fixture, "SELECT count(*) FROM usage", "0");
    struct stream_event last = usage_event(7, 42);
    last.usage.cost_micros = 123;
    fixture_apply(fixture, &turn.answer, last);
    fixture_end(fixture, &turn, FINISH_END_TURN);
    fixture_assert_query(fixture, usage_sql, "7/42/123");
    fixture_assert_query(fixture,
                         "SELECT m.uid = (SELECT uid FROM message WHERE role = 'assistant')"
                         " FROM usage u JOIN message m ON m.id = u.message",
                         "1");
    char *stored = fixture_stored_text(fixture, &turn.answer);
    assert_string_equal(stored, "words");
    free(stored);
}

static void sd6__an_end_without_content_leaves_a_line_that_says_so(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = fixture_turn(fixture, "q");
    fixture_end(fixture, &turn, FINISH_END_TURN);
    char *stored = fixture_stored_text(fixture, &turn.answer);
    assert_string_equal(stored, "(no text response)");
    free(stored);
    fixture_assert_query(fixture, "SELECT kind FROM part ORDER BY id DESC LIMIT 1", "status");
}

/* The row in the table says that content may be replaced by a second end. Text here is only
 * appended and an end is final, so our reading of it is: the second end is refused and the first
 * one stays; its usage stays the first one, as the row says. */
static void sd7__a_second_end_is_refused_and_the_first_one_stays(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct turn turn = fixture_turn(fixture, "q");
    fixture_apply(fixture, &turn.answer, fixture_text(0, "first"));
    fixture_apply(fixture, &turn.answer, usage_event(1, 2));
    fixture_end(fixture, &turn, FINISH_MAX_TOKENS);
    struct stream_event late[] = {fixture_finish(FINISH_END_TURN), usage_event(9, 9),
                                  fixture_text(0, "late")};
    for (size_t i = 0; i < COUNT_OF(late); i++) {
        assert_int_equal(message_apply(fixture->store, &turn.answer, &late[i], &err),
                         ERR_NOT_FOUND);
    }
    assert_int_equal(message_flush_all(fixture->store, fixture_soon(), NULL, &err), ERR_OK);
    fixture_assert_query(fixture, "SELECT reason FROM message WHERE role = 'assistant'",
                         "max_tokens");
    fixture_assert_query(fixture, "SELECT input_tokens FROM usage", "1");
    char *stored = fixture_stored_text(fixture, &turn.answer);
    assert_string_equal(stored, "first");
    free(stored);
}

static void sd7__a_late_writer_of_usage_changes_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, CLOCK_MS(5));
    struct turn turn = fixture_turn(&fixture, "q");
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "t"));
    fixture_apply(&fixture, &turn.answer, usage_event(9, 9));
    fixture_execute(&fixture,
                    "INSERT INTO usage (message, input_tokens, output_tokens, cost_micros)"
                    " SELECT id, 5, 6, 7 FROM message WHERE role = 'assistant'");
    fixture_end(&fixture, &turn, FINISH_END_TURN);
    fixture_assert_query(&fixture, usage_sql, "5/6/7");
    fixture_assert_query(&fixture, "SELECT reason FROM message WHERE role = 'assistant'",
                         "end_turn");
    fixture_close(&fixture);
}

static void sd7__an_attempt_that_was_ended_elsewhere_keeps_that_end_and_all_text(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    fixture_open(&fixture, CLOCK_MS(1));
    struct turn turn = fixture_turn(&fixture, "q");
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "before "));
    assert_int_equal(message_flush(fixture.store, &turn.answer, fixture_soon(), &err), ERR_OK);
    fixture_execute(&fixture, "UPDATE attempt SET state = 'interrupted', ended_at = 1;"
                              "UPDATE turn SET state = 'interrupted', ended_at = 1;"
                              "UPDATE message SET reason = 'interrupted', ended_at = 1,"
                              " chunk_last = (SELECT max(id) FROM chunk) WHERE role = 'assistant'");
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "after"));
    fixture_end(&fixture, &turn, FINISH_END_TURN);
    fixture_assert_query(&fixture, "SELECT state || ended_at FROM attempt", "interrupted1");
    fixture_assert_query(&fixture, "SELECT state FROM turn", "interrupted");
    fixture_assert_query(&fixture, "SELECT reason FROM message WHERE role = 'assistant'",
                         "interrupted");
    fixture_reopen(&fixture);
    struct message *message = NULL;
    assert_int_equal(message_snapshot(fixture.store, &turn.answer, &message, &err), ERR_OK);
    assert_string_equal(message->parts[0].text, "before after");
    message_free(message);
    fixture_close(&fixture);
}

static void sd8__the_end_of_an_unknown_message_is_refused_and_writes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct ulid unknown = ulid_new();
    struct stream_event end = fixture_finish(FINISH_END_TURN);
    (void)fixture_turn(fixture, "q");
    uint64_t before = message_service_stats(fixture->store).transactions;
    assert_int_equal(message_apply(fixture->store, &unknown, &end, &err), ERR_NOT_FOUND);
    assert_int_equal(message_apply_wait(fixture->store, &unknown, &end, fixture_soon(), &err),
                     ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, unknown.text));
    assert_int_equal(message_flush_all(fixture->store, fixture_soon(), NULL, &err), ERR_OK);
    assert_int_equal(message_service_stats(fixture->store).transactions, before);
    fixture_assert_query(fixture, "SELECT count(*) FROM message", "2");
}

/* The raw text of the arguments is what is kept: it need not be JSON while it comes, nor ever. */
static void sd9__a_tool_call_keeps_id_name_and_raw_arguments_and_its_result_is_found_by_id(
    void **state)
{
    (void)state;
    static const char raw[] = "{ \"path\" : \"a\\u0062\",  \"n\":1.50 ";
    struct stream_event script[] = {
        {.kind = STREAM_TOOL_CALL, .part = 0, .id = SV("call_1"), .name = SV("read")},
        {.kind = STREAM_TOOL_CALL, .part = 1, .id = SV("call_2"), .name = SV("list")},
        {.kind = STREAM_TOOL_INPUT, .part = 0, .text = sv_from(raw)},
        {.kind = STREAM_TOOL_CALL_END, .part = 0},
        {.kind = STREAM_TOOL_CALL_END, .part = 1},
        {.kind = STREAM_TOOL_RESULT, .part = 2, .id = SV("call_1"), .text = SV("the file")},
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
    assert_string_equal(message->parts[0].tool_id, "call_1");
    assert_string_equal(message->parts[0].tool_name, "read");
    assert_string_equal(message->parts[0].text, raw);
    assert_string_equal(message->parts[1].tool_name, "list");
    assert_string_equal(message->parts[1].text, "");
    message_free(message);
    fixture_assert_query(
        &fixture,
        "SELECT r.text FROM part c JOIN part r ON r.message = c.message AND r.tool_id ="
        " c.tool_id AND r.kind = 'tool_result' WHERE c.tool_name = 'read'",
        "the file");
    fixture_close(&fixture);
}

static void a_second_turn_is_told_in_which_process_the_first_one_runs_and_since_when(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    struct turn second;
    fixture_open(&fixture, CLOCK_MS(5));
    struct turn turn = fixture_turn(&fixture, "q");
    struct turn_request request = {.session = turn.session, .prompt = SV("again")};
    /* The number is still there after bells have rung. */
    fixture_apply(&fixture, &turn.answer, fixture_text(0, "t"));
    assert_int_equal(message_flush_all(fixture.store, fixture_soon(), NULL, &err), ERR_OK);
    assert_int_equal(turn_begin(fixture.store, &request, fixture_soon(), &second, &err), ERR_BUSY);
    char *since = fixture_query(&fixture, "SELECT strftime('%Y-%m-%d', began_at / 1000000,"
                                          " 'unixepoch') FROM attempt");
    char *expected =
        xasprintf("an answer is already running in this session, in process %ld, since %s",
                  (long)getpid(), since);
    assert_memory_equal(err.text, expected, strlen(expected));
    free(expected);
    free(since);
    fixture_assert_query(&fixture, "SELECT count(*) FROM turn", "1");
    fixture_close(&fixture);
}

static void a_busy_branch_whose_owner_left_no_number_is_refused_without_one(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    struct turn second;
    fixture_open(&fixture, CLOCK_MS(5));
    struct turn turn = fixture_turn(&fixture, "q");
    fixture_execute(&fixture, "UPDATE attempt SET owner = '01ARZ3NDEKTSV4RRFFQ69G5FAV'");
    struct turn_request request = {.session = turn.session, .prompt = SV("again")};
    assert_int_equal(turn_begin(fixture.store, &request, fixture_soon(), &second, &err), ERR_BUSY);
    assert_non_null(strstr(err.text, "in this session, since "));
    fixture_close(&fixture);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        ON_BOTH(sd1__the_same_turn_id_again_gives_the_first_turn_and_writes_nothing),
        ON_BOTH(sd1__of_many_that_ask_at_once_one_begins_the_turn),
        ON_BOTH(sd2__attachments_become_parts_and_incomplete_ones_are_dropped),
        ON_BOTH(sd2__without_a_complete_attachment_there_is_no_such_part),
        cmocka_unit_test(
            sd3__the_empty_answer_is_stored_before_its_first_word_once_and_after_the_prompt),
        ON_BOTH(sd4__without_a_turn_id_nothing_is_found_or_written_and_the_caller_is_told),
        ON_BOTH(sd5__the_end_leaves_the_text_and_one_usage_row),
        ON_BOTH(sd6__an_end_without_content_leaves_a_line_that_says_so),
        ON_BOTH(sd7__a_second_end_is_refused_and_the_first_one_stays),
        cmocka_unit_test(sd7__a_late_writer_of_usage_changes_nothing),
        cmocka_unit_test(sd7__an_attempt_that_was_ended_elsewhere_keeps_that_end_and_all_text),
        ON_BOTH(sd8__the_end_of_an_unknown_message_is_refused_and_writes_nothing),
        cmocka_unit_test(
            sd9__a_tool_call_keeps_id_name_and_raw_arguments_and_its_result_is_found_by_id),
        cmocka_unit_test(a_second_turn_is_told_in_which_process_the_first_one_runs_and_since_when),
        cmocka_unit_test(a_busy_branch_whose_owner_left_no_number_is_refused_without_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
