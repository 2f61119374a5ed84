/* Messages as values, and reading them from parts and chunks. */
#include "store/message.h"
#include "store/stream_event.h"
#include "tests/store/rows.h"

static void new__knows_nothing_and_free_takes_null(void **state)
{
    (void)state;
    struct message *message = message_new();
    assert_false(usage_is_known(&message->usage));
    assert_int_equal(message->reason, FINISH_NONE);
    message->usage.cost_micros = 0;
    assert_true(usage_is_known(&message->usage));
    message_free(message);
    message_free(NULL);
}

static void text__joins_the_parts_of_a_kind_with_a_blank_line(void **state)
{
    (void)state;
    struct message *message = message_new();
    message_add_part(message, PART_TEXT, SV("one"));
    message_add_part(message, PART_REASONING, SV("why"));
    message_add_part(message, PART_TEXT, sv_of(NULL, 0));
    message_add_part(message, PART_TEXT, SV("two"));
    assert_int_equal(message->part_count, 4);
    char *text = message_text(message, PART_TEXT);
    assert_string_equal(text, "one\n\ntwo");
    free(text);
    text = message_text(message, PART_TOOL_CALL);
    assert_string_equal(text, "");
    free(text);
    message_free(message);
}

static void words__go_to_text_and_back(void **state)
{
    (void)state;
    for (int i = 0; i < ROLE_COUNT; i++) {
        enum role role = ROLE_COUNT;
        assert_true(role_parse(sv_from(role_text((enum role)i)), &role));
        assert_int_equal(role, i);
    }
    for (int i = 0; i < PART_KIND_COUNT; i++) {
        enum part_kind kind = PART_KIND_COUNT;
        assert_true(part_kind_parse(sv_from(part_kind_text((enum part_kind)i)), &kind));
        assert_int_equal(kind, i);
    }
    for (int i = 0; i < FINISH_COUNT; i++) {
        enum finish_reason reason = FINISH_COUNT;
        assert_true(
            finish_reason_parse(sv_from(finish_reason_text((enum finish_reason)i)), &reason));
        assert_int_equal(reason, i);
    }
    for (int i = 0; i < RUN_STATE_COUNT; i++) {
        enum run_state run = RUN_STATE_COUNT;
        assert_true(run_state_parse(sv_from(run_state_text((enum run_state)i)), &run));
        assert_int_equal(run, i);
    }
    for (int i = 0; i < STREAM_KIND_COUNT; i++) {
        enum stream_kind kind = STREAM_KIND_COUNT;
        assert_true(stream_kind_parse(sv_from(stream_kind_text((enum stream_kind)i)), &kind));
        assert_int_equal(kind, i);
    }
}

static void words__that_are_unknown_change_nothing(void **state)
{
    (void)state;
    enum role role = ROLE_TOOL;
    enum stream_kind kind = STREAM_USAGE;
    assert_false(role_parse(SV("User"), &role));
    assert_false(role_parse(sv_of(NULL, 0), &role));
    assert_int_equal(role, ROLE_TOOL);
    assert_false(stream_kind_parse(SV("textt"), &kind));
    assert_int_equal(kind, STREAM_USAGE);
    assert_string_equal(role_text((enum role)99), "");
    assert_string_equal(stream_kind_text((enum stream_kind)99), "");
    assert_string_equal(run_state_text(RUN_CANCELLED), "cancelled");
    assert_string_equal(finish_reason_text(FINISH_CANCELED), "canceled");
}

static void finish_reasons__have_the_state_they_leave(void **state)
{
    (void)state;
    assert_int_equal(run_state_of_finish(FINISH_NONE), RUN_RUNNING);
    assert_int_equal(run_state_of_finish(FINISH_END_TURN), RUN_COMPLETED);
    assert_int_equal(run_state_of_finish(FINISH_MAX_TOKENS), RUN_COMPLETED);
    assert_int_equal(run_state_of_finish(FINISH_REFUSAL), RUN_COMPLETED);
    assert_int_equal(run_state_of_finish(FINISH_CANCELED), RUN_CANCELLED);
    assert_int_equal(run_state_of_finish(FINISH_ERROR), RUN_FAILED);
    assert_int_equal(run_state_of_finish(FINISH_INTERRUPTED), RUN_INTERRUPTED);
}

static void terminal_events__are_these(void **state)
{
    (void)state;
    static const bool terminal[STREAM_KIND_COUNT] = {
        [STREAM_REASONING_END] = true, [STREAM_TOOL_CALL] = true, [STREAM_TOOL_CALL_END] = true,
        [STREAM_TOOL_RESULT] = true,   [STREAM_FINISH] = true,    [STREAM_ERROR] = true,
    };
    for (int i = 0; i < STREAM_KIND_COUNT; i++) {
        struct stream_event event = {.kind = (enum stream_kind)i};
        assert_int_equal(stream_event_is_terminal(&event), terminal[i]);
        assert_int_equal(stream_event_is_last(&event), i == STREAM_FINISH || i == STREAM_ERROR);
    }
}

static struct message *must_read(struct db *db, int64_t row)
{
    struct message *message = NULL;
    struct err err = {ERR_OK, ""};
    if (message_read(db, row, &message, &err) != ERR_OK) {
        fail_msg("%s", err.text);
    }
    return message;
}

static struct db *open_rows(void **state, int64_t *ret_branch)
{
    char *path = scratch_path(*state, "x.db");
    struct db *db = must_migrate(path);
    struct ulid session = ulid_new();
    *ret_branch = put_session(db, &session, "h1");
    free(path);
    return db;
}

/* An answer that failed, with something in every column. Gives its row. */
static int64_t put_full_answer(struct db *db, int64_t branch)
{
    struct ulid owner = ulid_new();
    int64_t row = put_answer(db, branch, 4);
    (void)put_attempt(db, branch, row, &owner);
    put_part(db, row, 0, "reasoning");
    put_part(db, row, 1, "text");
    put_chunk(db, row, 0, 0, "hm");
    put_end(db, row);
    put(db, "UPDATE message SET reason = 'error', error = 'ERR_SERVER', detail = ?3 WHERE id = ?1",
        row, 0, "it fell over");
    put(db, "INSERT INTO usage (message, input_tokens) VALUES (?1, ?2)", row, 12, NULL);
    return row;
}

static void read__gives_all_that_the_rows_say(void **state)
{
    int64_t branch;
    struct db *db = open_rows(state, &branch);
    struct message *message = must_read(db, put_full_answer(db, branch));
    assert_true(ulid_is_set(&message->id));
    assert_true(ulid_is_set(&message->session));
    assert_true(ulid_is_set(&message->turn));
    assert_true(ulid_is_set(&message->attempt));
    assert_int_equal(message->seq, 4);
    assert_int_equal(message->role, ROLE_ASSISTANT);
    assert_true(message->ended);
    assert_int_equal(message->reason, FINISH_ERROR);
    assert_int_equal(message->error, ERR_SERVER);
    assert_string_equal(message->detail, "it fell over");
    assert_string_equal(message->model, "demo/one");
    assert_int_equal(message->usage.input_tokens, 12);
    assert_true(message->usage.output_tokens == USAGE_UNKNOWN);
    assert_int_equal(message->created_us, 5);
    assert_int_equal(message->ended_us, 9);
    assert_int_equal(message->revision, 3);
    assert_int_equal(message->part_count, 2);
    assert_int_equal(message->parts[0].kind, PART_REASONING);
    assert_string_equal(message->parts[0].text, "hm");
    assert_true(message->parts[0].ended);
    assert_int_equal(message->parts[0].began_us, 6);
    assert_string_equal(message->parts[1].text, "");
    message_free(message);
    db_close(db);
}

static void read__puts_interleaved_pieces_of_several_messages_together(void **state)
{
    int64_t branch;
    struct db *db = open_rows(state, &branch);
    put_chunk(db, 999, 0, 0, "from before");
    int64_t a = put_answer(db, branch, 1);
    int64_t b = put_answer(db, branch, 2);
    put_part(db, a, 0, "text");
    put_part(db, a, 1, "tool_call");
    put_part(db, b, 0, "text");
    put_chunk(db, a, 0, 0, "a0");
    put_chunk(db, b, 0, 0, "b0");
    put_chunk(db, a, 1, 0, "{");
    put_chunk(db, a, 0, 2, " a1");
    put_chunk(db, a, 1, 1, "}");
    put_end(db, a);
    put_chunk(db, b, 0, 2, " b1");
    struct message *message = must_read(db, a);
    assert_string_equal(message->parts[0].text, "a0 a1");
    assert_int_equal(message->parts[0].text_n, 5);
    assert_string_equal(message->parts[1].text, "{}");
    message_free(message);
    message = must_read(db, b);
    assert_false(message->ended);
    assert_false(message->parts[0].ended);
    assert_string_equal(message->parts[0].text, "b0 b1");
    message_free(message);
    db_close(db);
}

static void read__passes_over_what_is_there_already(void **state)
{
    int64_t branch;
    struct db *db = open_rows(state, &branch);
    int64_t row = put_answer(db, branch, 1);
    put_part(db, row, 0, "text");
    put(db, "UPDATE part SET text = ?3 WHERE message = ?1 AND position = ?2", row, 0, "hello ");
    put_chunk(db, row, 0, 0, "hello");
    put_chunk(db, row, 0, 3, "lo world");
    put_chunk(db, row, 0, 3, "lo world");
    put_chunk(db, row, 0, 11, "!");
    struct message *message = must_read(db, row);
    assert_string_equal(message->parts[0].text, "hello world!");
    message_free(message);
    db_close(db);
}

static void read__keeps_what_follows_a_gap(void **state)
{
    int64_t branch;
    struct db *db = open_rows(state, &branch);
    int64_t row = put_answer(db, branch, 1);
    put_part(db, row, 0, "text");
    put_chunk(db, row, 0, 0, "one ");
    put_chunk(db, row, 0, 9, "three ");
    put_chunk(db, row, 0, 13, "e four");
    put_chunk(db, row, 7, 0, "of no part");
    put_chunk(db, row, 0, -5, "nowhere");
    struct message *message = must_read(db, row);
    assert_string_equal(message->parts[0].text, "one three four");
    message_free(message);
    db_close(db);
}

static void read__repairs_text_that_is_no_utf8_and_unknown_words(void **state)
{
    int64_t branch;
    struct db *db = open_rows(state, &branch);
    int64_t row = put_answer(db, branch, 1);
    put_part(db, row, 0, "hologram");
    put_chunk(db, row, 0, 0,
              "a\xff"
              "b");
    put(db, "UPDATE message SET role = 'oracle', reason = 'whim', error = 'ERR_WHAT' WHERE id = ?1",
        row, 0, NULL);
    struct message *message = must_read(db, row);
    assert_string_equal(message->parts[0].text, "a\xef\xbf\xbd"
                                                "b");
    assert_int_equal(message->parts[0].kind, PART_STATUS);
    assert_int_equal(message->role, ROLE_SYSTEM);
    assert_int_equal(message->reason, FINISH_UNKNOWN);
    assert_int_equal(message->error, ERR_INTERNAL);
    message_free(message);
    db_close(db);
}

static void read__of_no_message_is_not_found(void **state)
{
    int64_t branch;
    struct db *db = open_rows(state, &branch);
    struct message *message = NULL;
    assert_int_equal(message_read(db, 12345, &message, NULL), ERR_NOT_FOUND);
    assert_null(message);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(new__knows_nothing_and_free_takes_null),
        SCRATCH_TEST(text__joins_the_parts_of_a_kind_with_a_blank_line),
        SCRATCH_TEST(words__go_to_text_and_back),
        SCRATCH_TEST(words__that_are_unknown_change_nothing),
        SCRATCH_TEST(finish_reasons__have_the_state_they_leave),
        SCRATCH_TEST(terminal_events__are_these),
        SCRATCH_TEST(read__gives_all_that_the_rows_say),
        SCRATCH_TEST(read__puts_interleaved_pieces_of_several_messages_together),
        SCRATCH_TEST(read__passes_over_what_is_there_already),
        SCRATCH_TEST(read__keeps_what_follows_a_gap),
        SCRATCH_TEST(read__repairs_text_that_is_no_utf8_and_unknown_words),
        SCRATCH_TEST(read__of_no_message_is_not_found),
    };
    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
