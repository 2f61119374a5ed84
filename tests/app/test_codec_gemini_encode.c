/* Gemini, encoding: the body that goes out for a history and its options, and the address. */
#include "tests/app/codec_check.h"

#define USER(parts) "{\"role\":\"user\",\"parts\":[" parts "]}"
#define MODEL(parts) "{\"role\":\"model\",\"parts\":[" parts "]}"
#define TEXT(text) "{\"text\":\"" text "\"}"
#define RESULT(text)                                                                               \
    "{\"functionResponse\":{\"name\":\"f\",\"response\":{\"output\":\"" text "\"}}}"

static void encode__writes_turns_and_system(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_SYSTEM, "Now.");
    history_say(&history, ROLE_USER, "Hi \"you\"");
    history_say(&history, ROLE_ASSISTANT, "Hello");
    history_say(&history, ROLE_USER, "Go on");
    struct chat_request request = history_request(&history, "m");
    request.system = SV("Be brief.");
    codec_check_request(
        &codec_gemini, &request, NULL,
        "{\"systemInstruction\":{\"parts\":[" TEXT("Be brief.") "," TEXT(
            "Now.") "]},\"contents\":[" USER(TEXT("Hi \\\"you\\\"")) "," MODEL(TEXT("Hello")) "," USER(TEXT("Go "
                                                                                                            "on")) "]}");
    history_free(&history);
}

/* A call with the server's id, and one that got an id here. */
static void add_own_calls(struct codec_history *history)
{
    struct message *answer = history_add(history, ROLE_ASSISTANT);
    history_part(answer, PART_REASONING, "hm", NULL, NULL);
    history_part(answer, PART_TOOL_CALL, "{\"n\":9007199254740993}", "f2", "f");
    history_part(answer, PART_NATIVE,
                 "{\"functionCall\":{\"id\":\"f2\",\"name\":\"f\",\"args\":{\"n\":1}},"
                 "\"thoughtSignature\":\"S\"}",
                 "1", NULL);
    history_part(answer, PART_TOOL_CALL, "{}", "call_1", "f");
    history_part(answer, PART_NATIVE, "{\"functionCall\":{\"name\":\"f\"}}", "3", NULL);
    history_part(answer, PART_NATIVE, "{\"text\":\"\",\"thoughtSignature\":\"T\"}", NULL, NULL);
    struct message *results = history_add(history, ROLE_TOOL);
    history_part(results, PART_TOOL_RESULT, "one", "f2", NULL);
    history_part(results, PART_TOOL_RESULT, "two", "call_1", NULL);
}

static void encode__sends_its_own_calls_back_as_they_came(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    add_own_calls(&history);
    struct chat_request request = history_request(&history, "m");
    codec_check_request(
        &codec_gemini, &request, NULL,
        "{\"contents\":[" USER(TEXT("Hi")) "," MODEL(
            "{\"functionCall\":{\"id\":\"f2\",\"name\":\"f\",\"args\":{\"n\":1}},"
            "\"thoughtSignature\":\"S\"},{\"functionCall\":{\"name\":\"f\"}},"
            "{\"text\":\"\",\"thoughtSignature\":\"T\"}") "," USER("{\"functionResponse\":{\"id\":"
                                                                   "\"f2\",\"name\":\"f\","
                                                                   "\"response\":{\"output\":"
                                                                   "\"one\"}}}," RESULT(
                                                                       "two")) "]}");
    history_free(&history);
}

static void encode__rebuilds_what_another_model_called(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    add_own_calls(&history);
    struct chat_request request = history_request(&history, "m");
    request.label = "p/other";
    request.model = "gemini-3.1-pro";
#define CALL(args) "\"functionCall\":{\"name\":\"f\",\"args\":" args "}"
#define REST "," USER(RESULT("one") "," RESULT("two")) "]}"
    codec_check_request(
        &codec_gemini, &request, NULL,
        "{\"contents\":[" USER(TEXT("Hi")) "," MODEL("{" CALL(
            "{\"n\":9007199254740993}") ",\"thoughtSignature\":"
                                        "\"skip_thought_signature_validator\"},{" CALL("{}") "}")
            REST);
    request.model = "gemini-2.5-flash";
    codec_check_request(&codec_gemini, &request, NULL,
                        "{\"contents\":[" USER(TEXT("Hi")) "," MODEL(
                            "{" CALL("{\"n\":9007199254740993}") "},{" CALL("{}") "}") REST);
    history_free(&history);
}

static void encode__carries_files(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    struct message *user = history_add(&history, ROLE_USER);
    history_part(user, PART_ATTACHMENT, "a.png", "1", NULL);
    history_part(user, PART_ATTACHMENT, "b.txt", "2", NULL);
    history_part(user, PART_ATTACHMENT, "c.mp3", "3", NULL);
    history_part(user, PART_ATTACHMENT, "gone.pdf", "9", NULL);
    history_part(user, PART_TEXT, "What?", NULL, NULL);
    struct chat_attachment files[] = {
        {SV("1"), SV("image/png"), SV("a.png"), SV("\x89PNG")},
        {SV("2"), SV("text/plain"), SV("b.txt"), SV("words")},
        {SV("3"), SV("audio/mpeg"), SV("c.mp3"), SV("\xFF\xFB")},
    };
    struct chat_request request = history_request(&history, "m");
    request.attachments = files;
    request.attachment_count = 3;
    codec_check_request(
        &codec_gemini, &request, NULL,
        "{\"contents\":[" USER(
            "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"iVBORw==\"}}," TEXT(
                "File 'b.txt':\\n\\nwords") ",{\"inlineData\":{\"mimeType\":\"audio/mpeg\","
                                            "\"data\":\"//s=\"}}," TEXT(
                                                "(the file 'gone.pdf' is "
                                                "not there any more)") "," TEXT("What?")) "]}");
    files[2] = (struct chat_attachment){SV("3"), SV("application/zip"), SV("z"), SV("\xFF")};
    struct buf out = BUF_INIT(10000);
    struct err err = {0};
    assert_int_equal(codec_gemini.encode(&request, &out, &err), ERR_INVALID);
    assert_string_equal(err.text, "cannot send 'z': this provider takes no application/zip");
    buf_release(&out);
    history_free(&history);
}

static void encode__sets_only_what_was_asked_for(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    struct chat_request request = history_request(&history, "m");
    struct sv stop[] = {SV("END"), SV("\n")};
    struct chat_tool tool = {SV("f"), SV("Does."), SV("{\"type\":\"object\"}")};
    request.model = "gemini-3.1-pro";
    request.options = (struct chat_options){.has_max_tokens = true,
                                            .has_temperature = true,
                                            .has_top_p = true,
                                            .max_tokens = 5,
                                            .temperature = 0,
                                            .top_p = 0.5,
                                            .stop = stop,
                                            .stop_count = 2,
                                            .effort = SV("max"),
                                            .schema = SV("{\"type\":\"array\"}"),
                                            .tools = &tool,
                                            .tool_count = 1,
                                            .show_reasoning = true};
#define START                                                                                      \
    "{\"contents\":[" USER(TEXT("Hi")) "],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\","  \
                                       "\"description\":\"Does.\",\"parametersJsonSchema\":{"      \
                                       "\"type\":\"object\"}}]}],\"generationConfig\":{"           \
                                       "\"maxOutputTokens\":5,\"temperature\":0,\"topP\":0.5,"     \
                                       "\"stopSequences\":[\"END\",\"\\n\"],\"responseMimeType\":" \
                                       "\"application/json\",\"responseJsonSchema\":{\"type\":"    \
                                       "\"array\"}"
    codec_check_request(&codec_gemini, &request, NULL,
                        START ",\"thinkingConfig\":{\"includeThoughts\":true,"
                              "\"thinkingLevel\":\"HIGH\"}}}");
    request.model = "gemini-2.5-flash";
    codec_check_request(&codec_gemini, &request, NULL,
                        START ",\"thinkingConfig\":{\"includeThoughts\":true,"
                              "\"thinkingBudget\":24576}}}");
    request.model = "gemini-2.0-flash";
    codec_check_request(&codec_gemini, &request, NULL, START "}}");
    request.model = "gemma-4-31b-it";
    codec_check_request(&codec_gemini, &request, NULL, START "}}");
    history_free(&history);
}

static void encode__asks_for_the_rest_of_an_answer(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    history_say(&history, ROLE_ASSISTANT, "Half");
    struct chat_request request = history_request(&history, "m");
    request.continues = true;
    codec_check_request(
        &codec_gemini, &request, NULL,
        "{\"contents\":[" USER(TEXT("Hi")) "," MODEL(TEXT("Half")) "," USER(TEXT(CHAT_GO_ON)) "]}");
    history_free(&history);
}

static void encode__says_what_cannot_be_sent(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    struct chat_request request = history_request(&history, "m");
    struct buf out = BUF_INIT(20);
    assert_int_equal(codec_gemini.encode(&request, &out, NULL), ERR_INVALID);
    history_say(&history, ROLE_USER, "a text that does not fit");
    request = history_request(&history, "m");
    buf_clear(&out);
    assert_int_equal(codec_gemini.encode(&request, &out, NULL), ERR_TOO_BIG);
    buf_release(&out);
    history_free(&history);
}

static void path__holds_the_model(void **state)
{
    (void)state;
    static const struct {
        const char *model, *path;
    } cases[] = {
        {"gemini-3", "/models/gemini-3:streamGenerateContent?alt=sse"},
        {"models/gemini-3", "/models/gemini-3:streamGenerateContent?alt=sse"},
        {"a/b?c", "/models/a%2Fb%3Fc:streamGenerateContent?alt=sse"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct chat_request request = {.model = cases[i].model};
        struct buf out = BUF_INIT(200);
        codec_gemini.path(&request, &out);
        assert_string_equal(buf_cstr(&out), cases[i].path);
        assert_string_equal(codec_gemini.key_header(&request), "x-goog-api-key: ");
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode__writes_turns_and_system),
        cmocka_unit_test(encode__sends_its_own_calls_back_as_they_came),
        cmocka_unit_test(encode__rebuilds_what_another_model_called),
        cmocka_unit_test(encode__carries_files),
        cmocka_unit_test(encode__sets_only_what_was_asked_for),
        cmocka_unit_test(encode__asks_for_the_rest_of_an_answer),
        cmocka_unit_test(encode__says_what_cannot_be_sent),
        cmocka_unit_test(path__holds_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
