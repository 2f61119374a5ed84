/* Turns: what holds of them whatever the history is. Each is written down as one line. */
#include <stdio.h>

#include "app/codec_turns.h"
#include "tests/app/codec_check.h"

static void write_item(struct buf *out, const struct codec_item *item)
{
    static const char *const signs[PART_KIND_COUNT] = {
        [PART_TEXT] = "text",          [PART_REASONING] = "think", [PART_TOOL_CALL] = "call",
        [PART_TOOL_RESULT] = "result", [PART_ATTACHMENT] = "file", [PART_NATIVE] = "native"};
    (void)buf_appendf(out, " %s", signs[item->kind]);
    if (item->id.n) {
        (void)buf_appendf(out, "(%.*s %.*s)", SV_ARG(item->id), SV_ARG(item->name));
    }
    (void)buf_appendf(out, "=%.*s", SV_ARG(item->text));
}

static void assert_turns(const struct chat_request *request, bool can_prefill, const char *expected)
{
    struct codec_turns turns;
    struct buf out = BUF_INIT(10000);
    codec_turns_make(request, can_prefill, &turns);
    for (size_t i = 0; i < turns.count; i++) {
        assert_true(turns.turns[i].count > 0);
        (void)buf_appendf(&out, "%s:", role_text(turns.turns[i].role));
        for (size_t k = 0; k < turns.turns[i].count; k++) {
            write_item(&out, &turns.turns[i].items[k]);
        }
        (void)buf_append_byte(&out, '\n');
    }
    (void)buf_append_str(&out, turns.prefilled ? "prefilled\n" : "");
    assert_string_equal(buf_cstr(&out), expected);
    codec_turns_release(&turns);
    codec_turns_release(&turns);
    buf_release(&out);
}

static void make__joins_neighbours_and_drops_what_says_nothing(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_SYSTEM, "s");
    history_say(&history, ROLE_USER, "a");
    struct message *silent = history_add(&history, ROLE_ASSISTANT);
    history_part(silent, PART_REASONING, "hm", NULL, NULL);
    history_part(silent, PART_TEXT, " \n", NULL, NULL);
    history_part(silent, PART_STATUS, "(no text response)", NULL, NULL);
    history_say(&history, ROLE_USER, "b");
    history_say(&history, ROLE_ASSISTANT, "c");
    history_say(&history, ROLE_ASSISTANT, "d");
    struct chat_request request = history_request(&history, "m");
    assert_turns(&request, false,
                 "system: text=s\nuser: text=a text=b\nassistant: text=c text=d\n");
    request.message_count = 0;
    assert_turns(&request, false, "");
    history_free(&history);
}

static void make__gives_every_call_one_result_right_after_it(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    struct message *answer = history_add(&history, ROLE_ASSISTANT);
    history_part(answer, PART_TOOL_CALL, "{\"a\":1}", "x", "f");
    history_part(answer, PART_TOOL_CALL, "[1]", "y", NULL);
    history_part(answer, PART_TOOL_CALL, "{}", "z", "g");
    history_part(answer, PART_TOOL_CALL, "{}", NULL, "no id");
    history_say(&history, ROLE_USER, "then");
    struct message *results = history_add(&history, ROLE_TOOL);
    history_part(results, PART_TOOL_RESULT, "2", "y", NULL);
    history_part(results, PART_TOOL_RESULT, "2 again", "y", NULL);
    history_part(results, PART_TOOL_RESULT, "unknown", "w", NULL);
    history_part(results, PART_TEXT, "a tool says no text", NULL, NULL);
    history_say(&history, ROLE_ASSISTANT, "ok");
    history_part(history.messages[3], PART_TOOL_CALL, "{}", "last", "f");
    struct chat_request request = history_request(&history, "m");
    assert_turns(&request, false,
                 "assistant: call(x f)={\"a\":1} call(y unknown)={} call(z g)={}\n"
                 "user: result(y unknown)=2 result(x f)=canceled by user "
                 "result(z g)=canceled by user text=then\n"
                 "assistant: text=ok call(last f)={}\nuser: result(last f)=canceled by user\n");
    history_free(&history);
}

static void make__puts_native_items_where_they_stand(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    struct message *answer = history_add(&history, ROLE_ASSISTANT);
    history_part(answer, PART_REASONING, "r", NULL, NULL);
    history_part(answer, PART_TEXT, "t", NULL, NULL);
    history_part(answer, PART_TOOL_CALL, "{}", "x", "f");
    history_part(answer, PART_NATIVE, "N1", "1,2", NULL);
    history_part(answer, PART_NATIVE, "N0", "0", NULL);
    history_part(answer, PART_NATIVE, "alone", "", NULL);
    history_part(answer, PART_NATIVE, "nowhere", "99,x", NULL);
    history_part(answer, PART_NATIVE, "", "1", NULL);
    history_part(answer, PART_TEXT, "u", NULL, NULL);
    struct chat_request request = history_request(&history, "m");
    assert_turns(&request, false,
                 "assistant: native=N0 native=N1 native=alone text=u\n"
                 "user: result(x f)=canceled by user\n");
    static const char neutral[] = "assistant: text=t call(x f)={} text=u\n"
                                  "user: result(x f)=canceled by user\n";
    request.label = "other/m";
    assert_turns(&request, false, neutral);
    request.label = NULL;
    assert_turns(&request, false, neutral);
    history_free(&history);
}

static void make__goes_on_with_an_answer_that_was_cut_short(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "a");
    history_say(&history, ROLE_ASSISTANT, "cut");
    struct chat_request request = history_request(&history, "m");
    request.continues = true;
    assert_turns(&request, true, "user: text=a\nassistant: text=cut\nprefilled\n");
    assert_turns(&request, false, "user: text=a\nassistant: text=cut\nuser: text=" CHAT_GO_ON "\n");
    request.message_count = 1;
    assert_turns(&request, true, "user: text=a\n");
    request.message_count = 2;
    history_part(history.messages[1], PART_TOOL_CALL, "{}", "x", "f");
    assert_turns(&request, true,
                 "user: text=a\nassistant: text=cut call(x f)={}\n"
                 "user: result(x f)=canceled by user\n");
    history_free(&history);
}

static void make__takes_many_parts_in_linear_time(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    struct message *answer = history_add(&history, ROLE_ASSISTANT);
    for (unsigned i = 0; i < 50000; i++) {
        char number[16];
        (void)snprintf(number, sizeof(number), "%u", 2 * i);
        history_part(answer, PART_REASONING, "r", NULL, NULL);
        history_part(answer, PART_NATIVE, "{}", number, NULL);
    }
    struct chat_request request = history_request(&history, "m");
    struct codec_turns turns;
    codec_turns_make(&request, false, &turns);
    assert_int_equal(turns.count, 1);
    assert_int_equal(turns.turns[0].count, 50000);
    codec_turns_release(&turns);
    history_free(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(make__joins_neighbours_and_drops_what_says_nothing),
        cmocka_unit_test(make__gives_every_call_one_result_right_after_it),
        cmocka_unit_test(make__puts_native_items_where_they_stand),
        cmocka_unit_test(make__goes_on_with_an_answer_that_was_cut_short),
        cmocka_unit_test(make__takes_many_parts_in_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
