/* Chat Completions, encoding: the messages that go out for a history. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/codec.h"
#include "app/json.h"

#include <cmocka.h>

#define HISTORY_MAX 8

struct history {
    struct message *messages[HISTORY_MAX];
    size_t count;
};

static struct message *add(struct history *history, enum role role)
{
    struct message *message = message_new();
    message->role = role;
    history->messages[history->count++] = message;
    return message;
}

static void add_text(struct history *history, enum role role, const char *text)
{
    message_add_part(add(history, role), PART_TEXT, sv_from(text));
}

static void add_call(struct message *message, const char *id, const char *args)
{
    struct message_part *part = message_add_part(message, PART_TOOL_CALL, sv_from(args));
    part->tool_id = strdup(id);
    part->tool_name = strdup("f");
}

static void add_result(struct message *message, const char *id, const char *text)
{
    struct message_part *part = message_add_part(message, PART_TOOL_RESULT, sv_from(text));
    part->tool_id = strdup(id);
}

static struct chat_request request_of(const struct history *history)
{
    return (struct chat_request){.model = "m",
                                 .host = "api.openai.com",
                                 .messages = history->messages,
                                 .message_count = history->count};
}

/* Encodes, checks that it is JSON, compares what stands after `"messages":`, frees the history. */
static void assert_messages(struct history *history, const struct chat_request *request,
                            const char *expected)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    assert_int_equal(codec_openai_chat.encode(request, &out, NULL), ERR_OK);
    cJSON *tree = json_parse(buf_sv(&out));
    assert_non_null(tree);
    cJSON_Delete(tree);
    char *messages = strstr(out.p, "\"messages\":");
    assert_non_null(messages);
    out.p[out.n - 1] = '\0';
    assert_string_equal(messages + strlen("\"messages\":"), expected);
    buf_release(&out);
    for (size_t i = 0; i < history->count; i++) {
        message_free(history->messages[i]);
    }
}

static void assert_encodes(struct history *history, const char *expected)
{
    struct chat_request request = request_of(history);
    assert_messages(history, &request, expected);
}

#define USER(text) "{\"role\":\"user\",\"content\":\"" text "\"}"
#define ANSWER(text) "{\"role\":\"assistant\",\"content\":\"" text "\"}"
#define CALL(id, args)                                                                             \
    "{\"type\":\"function\",\"id\":\"" id "\",\"function\":{\"name\":\"f\",\"arguments\":\"" args  \
    "\"}}"
#define CALLS(list) "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" list "]}"
#define RESULT(id, text) "{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":\"" text "\"}"

static void encode__writes_the_request(void **state)
{
    (void)state;
    struct history history = {.count = 0};
    add_text(&history, ROLE_USER, "Hi \"you\"\n");
    struct chat_request request = request_of(&history);
    request.system = SV("Be brief.");
    struct buf out = BUF_INIT(10000);
    assert_int_equal(codec_openai_chat.encode(&request, &out, NULL), ERR_OK);
    assert_string_equal(
        buf_cstr(&out),
        "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
        "\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"}," USER(
            "Hi \\\"you\\\"\\n") "]}");
    buf_clear(&out);
    request.host = "api.mistral.ai";
    assert_int_equal(codec_openai_chat.encode(&request, &out, NULL), ERR_OK);
    assert_null(strstr(out.p, "stream_options"));
    buf_clear(&out);
    request.host = "notmistral.ai";
    assert_int_equal(codec_openai_chat.encode(&request, &out, NULL), ERR_OK);
    assert_non_null(strstr(out.p, "stream_options"));
    buf_release(&out);
    message_free(history.messages[0]);
}

static void encode__keeps_interrupted_text_and_drops_empty_answers(void **state)
{
    (void)state;
    struct history history = {.count = 0};
    add_text(&history, ROLE_USER, "a");
    struct message *cut = add(&history, ROLE_ASSISTANT);
    message_add_part(cut, PART_REASONING, SV("secret"));
    message_add_part(cut, PART_TEXT, SV("half"));
    message_add_part(cut, PART_STATUS, SV("interrupted"));
    cut->reason = FINISH_INTERRUPTED;
    add_text(&history, ROLE_USER, "b");
    struct message *failed = add(&history, ROLE_ASSISTANT);
    message_add_part(failed, PART_REASONING, SV("only"));
    failed->reason = FINISH_ERROR;
    add_text(&history, ROLE_ASSISTANT, "");
    add_text(&history, ROLE_USER, "c");
    assert_encodes(&history, "[" USER("a") "," ANSWER("half") "," USER("b\\n\\nc") "]");
}

static void encode__writes_calls_and_results(void **state)
{
    (void)state;
    struct history history = {.count = 0};
    add_text(&history, ROLE_USER, "a");
    struct message *answer = add(&history, ROLE_ASSISTANT);
    message_add_part(answer, PART_TEXT, SV("look"));
    add_call(answer, "c1", "{\"p\":1}");
    add_call(answer, "c2", "");
    add_result(answer, "c2", "two");
    add_result(answer, "c1", "one");
    message_add_part(answer, PART_TEXT, SV("done"));
    add_text(&history, ROLE_USER, "b");
    assert_encodes(
        &history,
        "[" USER(
            "a") ",{\"role\":\"assistant\",\"content\":\"look\","
                 "\"tool_calls\":[" CALL("c1", "{\\\"p\\\":1}") "," CALL("c2", "{}") "]}," RESULT(
                     "c2", "two") "," RESULT("c1", "one") "," ANSWER("done") "," USER("b") "]");
}

static void encode__gives_every_call_one_result(void **state)
{
    (void)state;
    struct history history = {.count = 0};
    add_text(&history, ROLE_USER, "a");
    struct message *answer = add(&history, ROLE_ASSISTANT);
    add_call(answer, "c1", "{\"broken");
    add_call(answer, "c2", "[1]");
    struct message *results = add(&history, ROLE_TOOL);
    add_result(results, "c1", "one");
    add_result(results, "c1", "again");
    add_result(results, "c9", "nobody asked");
    add_text(&history, ROLE_USER, "b");
    assert_encodes(&history,
                   "[" USER("a") "," CALLS(CALL("c1", "{}") "," CALL("c2", "{}")) "," RESULT(
                       "c1", "one") "," RESULT("c2", "canceled by user") "," USER("b") "]");
}

static void encode__maps_ids_and_fills_turns_for_mistral(void **state)
{
    (void)state;
    struct history history = {.count = 0};
    add_text(&history, ROLE_USER, "a");
    struct message *answer = add(&history, ROLE_ASSISTANT);
    add_call(answer, "abcDEF789", "{}");
    add_result(answer, "abcDEF789", "one");
    add_text(&history, ROLE_USER, "b");
    struct chat_request request = request_of(&history);
    request.host = "api.mistral.ai";
    assert_messages(&history, &request,
                    "[" USER("a") "," CALLS(CALL("abcDEF789", "{}")) "," RESULT(
                        "abcDEF789", "one") "," ANSWER("(no answer)") "," USER("b") "]");

    struct history foreign = {.count = 0};
    struct message *other = add(&foreign, ROLE_ASSISTANT);
    add_call(other, "call_abcdefgh", "{}");
    add_result(other, "call_abcdefgh", "one");
    struct chat_request second = request_of(&foreign);
    second.host = "api.mistral.ai";
    struct buf out = BUF_INIT(10000);
    assert_int_equal(codec_openai_chat.encode(&second, &out, NULL), ERR_OK);
    cJSON *tree = json_parse(buf_sv(&out));
    const cJSON *messages = json_get(tree, "messages");
    const cJSON *call =
        cJSON_GetArrayItem(json_get(cJSON_GetArrayItem(messages, 0), "tool_calls"), 0);
    struct sv id = json_get_text(call, "id");
    struct sv back = json_get_text(cJSON_GetArrayItem(messages, 1), "tool_call_id");
    assert_int_equal(id.n, 9);
    assert_true(sv_equal(id, back));
    cJSON_Delete(tree);
    buf_release(&out);
    message_free(other);
}

static void encode__sends_reasoning_back_to_deepseek_with_calls_only(void **state)
{
    (void)state;
    struct history history = {.count = 0};
    struct message *plain = add(&history, ROLE_ASSISTANT);
    message_add_part(plain, PART_REASONING, SV("r1"));
    message_add_part(plain, PART_TEXT, SV("x"));
    add_text(&history, ROLE_USER, "a");
    struct message *answer = add(&history, ROLE_ASSISTANT);
    message_add_part(answer, PART_REASONING, SV("r2"));
    add_call(answer, "c1", "{}");
    add_result(add(&history, ROLE_TOOL), "c1", "one");
    struct chat_request request = request_of(&history);
    request.host = "api.deepseek.com";
    assert_messages(
        &history, &request,
        "[" ANSWER("x") "," USER("a") ",{\"role\":\"assistant\",\"content\":null,"
                                      "\"reasoning_content\":\"r2\",\"tool_calls\":[" CALL(
                                          "c1", "{}") "]}," RESULT("c1", "one") "]");
}

static void encode__says_when_it_does_not_fit_or_is_nothing(void **state)
{
    (void)state;
    struct history history = {.count = 0};
    struct chat_request request = request_of(&history);
    struct buf out = BUF_INIT(10000);
    struct err err = {.code = ERR_OK};
    assert_int_equal(codec_openai_chat.encode(&request, &out, &err), ERR_INVALID);
    assert_int_equal(err.code, ERR_INVALID);
    buf_release(&out);
    add_text(&history, ROLE_USER, "a");
    request = request_of(&history);
    size_t needed = 0;
    for (size_t max = 0; max < 200; max++) {
        struct buf small = BUF_INIT(max);
        enum err_code code = codec_openai_chat.encode(&request, &small, NULL);
        assert_true(code == ERR_OK || code == ERR_TOO_BIG);
        needed += code == ERR_TOO_BIG;
        buf_release(&small);
    }
    assert_int_equal(needed, strlen("{\"model\":\"m\",\"stream\":true,\"stream_options\":"
                                    "{\"include_usage\":true},\"messages\":[" USER("a") "]}"));
    message_free(history.messages[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode__writes_the_request),
        cmocka_unit_test(encode__keeps_interrupted_text_and_drops_empty_answers),
        cmocka_unit_test(encode__writes_calls_and_results),
        cmocka_unit_test(encode__gives_every_call_one_result),
        cmocka_unit_test(encode__maps_ids_and_fills_turns_for_mistral),
        cmocka_unit_test(encode__sends_reasoning_back_to_deepseek_with_calls_only),
        cmocka_unit_test(encode__says_when_it_does_not_fit_or_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
