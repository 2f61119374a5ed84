/* Ollama's own protocol, encoding: the body that goes out for a history and its options. */
#include "tests/app/codec_check.h"

#define SAYS(role, text) "{\"role\":\"" role "\",\"content\":\"" text "\"}"
#define BODY(messages, rest)                                                                       \
    "{\"model\":\"m\",\"stream\":true,\"truncate\":false,\"messages\":[" messages "]" rest "}"

static void encode__writes_turns_and_system(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    history_say(&history, ROLE_USER, "again");
    history_say(&history, ROLE_ASSISTANT, "Hello");
    history_say(&history, ROLE_USER, "Go on");
    struct chat_request request = history_request(&history, "m");
    request.system = SV("Be brief.");
    codec_check_request(&codec_ollama, &request, NULL,
                        BODY(SAYS("system", "Be brief.") "," SAYS("user", "Hi\\n\\nagain") "," SAYS(
                                 "assistant", "Hello") "," SAYS("user", "Go on"),
                             ""));
    history_free(&history);
}

static void encode__pairs_calls_and_results(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    struct message *answer = history_add(&history, ROLE_ASSISTANT);
    history_part(answer, PART_REASONING, "hm", NULL, NULL);
    history_part(answer, PART_TOOL_CALL, "{\"n\":9007199254740993}", "c1", "f");
    history_part(answer, PART_TOOL_CALL, "{broken", "c2", "f");
    struct message *results = history_add(&history, ROLE_TOOL);
    history_part(results, PART_TOOL_RESULT, "one", "c1", NULL);
    history_say(&history, ROLE_USER, "More");
    struct chat_request request = history_request(&history, "m");
#define CALL(index, id, args)                                                                      \
    "{\"id\":\"" id "\",\"function\":{\"index\":" index ",\"name\":\"f\",\"arguments\":" args "}}"
#define RESULT(id, text)                                                                           \
    "{\"role\":\"tool\",\"tool_name\":\"f\",\"tool_call_id\":\"" id "\",\"content\":\"" text "\"}"
    codec_check_request(
        &codec_ollama, &request, NULL,
        BODY(SAYS("user",
                  "Hi") ",{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"hm\","
                        "\"tool_calls\":[" CALL("0", "c1", "{\"n\":9007199254740993}") "," CALL(
                            "1", "c2",
                            "{}") "]}," RESULT("c1", "one") "," RESULT("c2",
                                                                       "canceled by "
                                                                       "user") "," SAYS("user",
                                                                                        "More"),
             ""));
    history_free(&history);
}

static void encode__carries_images_and_texts(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    struct message *user = history_add(&history, ROLE_USER);
    history_part(user, PART_ATTACHMENT, "a.png", "1", NULL);
    history_part(user, PART_ATTACHMENT, "b.txt", "2", NULL);
    history_part(user, PART_TEXT, "What?", NULL, NULL);
    struct chat_attachment files[] = {
        {SV("1"), SV("image/png"), SV("a.png"), SV("\x89PNG")},
        {SV("2"), SV("text/plain"), SV("b.txt"), SV("words")},
    };
    struct chat_request request = history_request(&history, "m");
    request.attachments = files;
    request.attachment_count = 2;
    codec_check_request(&codec_ollama, &request, NULL,
                        BODY("{\"role\":\"user\",\"content\":\"File 'b.txt':\\n\\nwords\\n\\n"
                             "What?\",\"images\":[\"iVBORw==\"]}",
                             ""));
    files[1] = (struct chat_attachment){SV("2"), SV("application/pdf"), SV("z"), SV("\xFF")};
    struct buf out = BUF_INIT(10000);
    struct err err = {0};
    assert_int_equal(codec_ollama.encode(&request, &out, &err), ERR_INVALID);
    assert_string_equal(err.text, "cannot send 'z': this provider takes no application/pdf");
    buf_release(&out);
    history_free(&history);
}

static void encode__sets_only_what_was_asked_for(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    struct chat_request request = history_request(&history, "m");
    struct sv stop[] = {SV("END")};
    struct chat_tool tool = {SV("f"), SV(""), SV("")};
    request.context_tokens = 16384;
    request.options = (struct chat_options){.has_max_tokens = true,
                                            .has_temperature = true,
                                            .has_top_p = true,
                                            .max_tokens = 512,
                                            .temperature = 0.7,
                                            .top_p = 1,
                                            .stop = stop,
                                            .stop_count = 1,
                                            .effort = SV("none"),
                                            .schema = SV("{\"type\":\"array\"}"),
                                            .tools = &tool,
                                            .tool_count = 1};
    codec_check_request(
        &codec_ollama, &request, NULL,
        BODY(SAYS("user", "Hi"),
             ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{"
             "\"type\":\"object\",\"properties\":{}}}}],\"think\":false,\"format\":{\"type\":"
             "\"array\"},\"options\":{\"num_ctx\":16384,\"num_predict\":512,\"temperature\":0.7,"
             "\"top_p\":1,\"stop\":[\"END\"]}"));
    request.options = (struct chat_options){.effort = SV("medium")};
    request.context_tokens = -1;
    codec_check_request(&codec_ollama, &request, NULL,
                        BODY(SAYS("user", "Hi"), ",\"think\":\"medium\""));
    history_free(&history);
}

static void encode__says_what_cannot_be_sent(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    struct chat_request request = history_request(&history, "m");
    struct buf out = BUF_INIT(20);
    assert_int_equal(codec_ollama.encode(&request, &out, NULL), ERR_INVALID);
    history_say(&history, ROLE_USER, "a text that does not fit");
    request = history_request(&history, "m");
    buf_clear(&out);
    assert_int_equal(codec_ollama.encode(&request, &out, NULL), ERR_TOO_BIG);
    buf_clear(&out);
    codec_ollama.path(&request, &out);
    assert_string_equal(buf_cstr(&out), "/api/chat");
    buf_release(&out);
    history_free(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode__writes_turns_and_system),
        cmocka_unit_test(encode__pairs_calls_and_results),
        cmocka_unit_test(encode__carries_images_and_texts),
        cmocka_unit_test(encode__sets_only_what_was_asked_for),
        cmocka_unit_test(encode__says_what_cannot_be_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
