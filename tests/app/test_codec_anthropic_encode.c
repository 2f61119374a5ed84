/* Anthropic Messages, encoding: requests compared as JSON. */
#include "tests/app/codec_check.h"

static const struct codec *const codec = &codec_anthropic;

#define TEXT(text) "{\"type\":\"text\",\"text\":\"" text "\"}"
#define USER(blocks) "{\"role\":\"user\",\"content\":[" blocks "]}"
#define ANSWER(blocks) "{\"role\":\"assistant\",\"content\":[" blocks "]}"
#define RESULT(id, text)                                                                           \
    "{\"type\":\"tool_result\",\"tool_use_id\":\"" id "\",\"content\":[" TEXT(text) "]}"

static void assert_messages(struct codec_history *history, const char *model, const char *expected)
{
    struct chat_request request = history_request(history, model);
    codec_check_request(codec, &request, "messages", expected);
    history_free(history);
}

static void encode__writes_only_what_was_set(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi \"you\"");
    struct chat_request request = history_request(&history, "claude-haiku-4-5");
    codec_check_request(codec, &request, NULL,
                        "{\"model\":\"claude-haiku-4-5\",\"max_tokens\":32000,\"stream\":true,"
                        "\"messages\":[" USER(TEXT("Hi \\\"you\\\"")) "]}");
    request.system = SV("Be brief.");
    codec_check_request(codec, &request, "system", "\"Be brief.\"");
    request.options.has_max_tokens = true;
    request.options.max_tokens = 0;
    codec_check_request(codec, &request, "max_tokens", "0");
    history_free(&history);
}

static void encode__writes_options(void **state)
{
    (void)state;
    static const struct sv stop[] = {{"END", 3}, {"a\"b", 3}};
    static const struct chat_tool tools[] = {
        {{"ls", 2}, {"List", 4}, {"{\"type\":\"object\",\"n\":9007199254740993}", 38}},
        {{"now", 3}, {NULL, 0}, {NULL, 0}},
    };
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    struct chat_request request = history_request(&history, "claude-sonnet-4-5");
    request.options = (struct chat_options){.has_temperature = true,
                                            .has_top_p = true,
                                            .top_p = 0.5,
                                            .stop = stop,
                                            .stop_count = 2,
                                            .tools = tools,
                                            .tool_count = 2,
                                            .schema = SV("{\"type\":\"object\"}")};
    codec_check_request(codec, &request, "temperature", "0");
    codec_check_request(codec, &request, "top_p", NULL);
    codec_check_request(codec, &request, "stop_sequences", "[\"END\",\"a\\\"b\"]");
    codec_check_request(codec, &request, "tools",
                        "[{\"name\":\"ls\",\"description\":\"List\",\"input_schema\":{\"type\":"
                        "\"object\",\"n\":9007199254740993}},{\"name\":\"now\",\"input_schema\":{"
                        "\"type\":\"object\",\"properties\":{}}}]");
    codec_check_request(codec, &request, "output_config",
                        "{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}}");
    request.options.has_temperature = false;
    codec_check_request(codec, &request, "top_p", "0.5");
    request.model = "claude-opus-4-8";
    codec_check_request(codec, &request, "top_p", NULL);
    history_free(&history);
}

static void encode__asks_for_thinking_as_the_model_takes_it(void **state)
{
    (void)state;
    static const struct {
        const char *model, *effort;
        bool show;
        const char *thinking, *config;
    } cases[] = {
        {"claude-opus-5", "", false, NULL, NULL},
        {"claude-opus-5", "", true, "{\"type\":\"adaptive\",\"display\":\"summarized\"}", NULL},
        {"claude-opus-5-5", "xhigh", false, "{\"type\":\"adaptive\"}", "{\"effort\":\"xhigh\"}"},
        {"claude-opus-5", "none", true, "{\"type\":\"disabled\"}", NULL},
        {"claude-newest", "max", false, "{\"type\":\"adaptive\"}", "{\"effort\":\"max\"}"},
        {"claude-fable-5.1", "minimal", true, "{\"type\":\"adaptive\",\"display\":\"summarized\"}",
         "{\"effort\":\"low\"}"},
        {"claude-opus-4-7", "", true, NULL, NULL},
        {"claude-sonnet-4-6", "xhigh", false, "{\"type\":\"adaptive\"}", "{\"effort\":\"high\"}"},
        {"claude-haiku-4-5-20251001", "low", true, "{\"type\":\"enabled\",\"budget_tokens\":4096}",
         NULL},
        {"claude-sonnet-4-20250514", "max", false, "{\"type\":\"enabled\",\"budget_tokens\":49152}",
         NULL},
        {"claude-3-5-sonnet-20241022", "high", true, NULL, NULL},
        {"qwen3", "medium", false, "{\"type\":\"enabled\",\"budget_tokens\":12288}", NULL},
    };
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct chat_request request = history_request(&history, cases[i].model);
        request.options.effort = sv_from(cases[i].effort);
        request.options.show_reasoning = cases[i].show;
        codec_check_request(codec, &request, "thinking", cases[i].thinking);
        codec_check_request(codec, &request, "output_config", cases[i].config);
    }
    history_free(&history);
}

static void encode__keeps_the_budget_below_the_whole(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    struct chat_request request = history_request(&history, "claude-haiku-4-5");
    request.options = (struct chat_options){
        .has_max_tokens = true, .max_tokens = 2000, .effort = SV("high"), .has_temperature = true};
    codec_check_request(codec, &request, "thinking",
                        "{\"type\":\"enabled\",\"budget_tokens\":1999}");
    codec_check_request(codec, &request, "temperature", NULL);
    request.options.max_tokens = 1024;
    codec_check_request(codec, &request, "thinking", NULL);
    codec_check_request(codec, &request, "temperature", "0");
    request.options.has_max_tokens = false;
    request.options.effort = SV("max");
    codec_check_request(codec, &request, "max_tokens", "81152");
    history_free(&history);
}

static void encode__pairs_calls_and_results(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "List");
    struct message *answer = history_add(&history, ROLE_ASSISTANT);
    history_part(answer, PART_REASONING, "unsigned", NULL, NULL);
    history_part(answer, PART_TOOL_CALL, "{\"n\":9007199254740993}", "a:1", "ls");
    history_part(answer, PART_TOOL_CALL, "{broken", "b", "ls");
    struct message *results = history_add(&history, ROLE_TOOL);
    history_part(results, PART_TOOL_RESULT, "x.c", "a:1", NULL);
    history_part(results, PART_TOOL_RESULT, "nobody asked", "zzz", NULL);
    history_say(&history, ROLE_USER, "  ");
    history_say(&history, ROLE_USER, "And?");
    history_say(&history, ROLE_USER, "Well?");
    assert_messages(
        &history, "claude-opus-5",
        "[" USER(TEXT("List")) "," ANSWER(
            "{\"type\":\"tool_use\",\"id\":\"a_1\",\"name\":\"ls\",\"input\":{\"n\":"
            "9007199254740993}},{\"type\":\"tool_use\",\"id\":\"b\",\"name\":\"ls\","
            "\"input\":{}}") "," USER(RESULT("a_1",
                                             "x.c") "," RESULT("b",
                                                               "canceled by "
                                                               "user") "," TEXT("And?") "," TEXT("W"
                                                                                                 "e"
                                                                                                 "l"
                                                                                                 "l"
                                                                                                 "?")) "]");
}

#define NATIVE "{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"S\"}"
#define REDACTED "{\"type\":\"redacted_thinking\",\"data\":\"Zm9v\"}"

static void add_native_answer(struct codec_history *history)
{
    history_say(history, ROLE_USER, "a");
    struct message *answer = history_add(history, ROLE_ASSISTANT);
    history_part(answer, PART_REASONING, "hm", NULL, NULL);
    history_part(answer, PART_NATIVE, NATIVE, "0", NULL);
    history_part(answer, PART_NATIVE, REDACTED, NULL, NULL);
    history_part(answer, PART_TEXT, "b", NULL, NULL);
    history_say(history, ROLE_USER, "c");
}

static void encode__replays_native_blocks_to_their_own_model_only(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    add_native_answer(&history);
    struct chat_request request = history_request(&history, "claude-opus-5");
    codec_check_request(
        codec, &request, "messages",
        "[" USER(TEXT("a")) "," ANSWER(NATIVE "," REDACTED "," TEXT("b")) "," USER(TEXT("c")) "]");
    const char *neutral = "[" USER(TEXT("a")) "," ANSWER(TEXT("b")) "," USER(TEXT("c")) "]";
    request.label = "p/other";
    codec_check_request(codec, &request, "messages", neutral);
    request.label = "p/m";
    request.options.forget_reasoning = true;
    codec_check_request(codec, &request, "messages", neutral);
    history_free(&history);
}

static void encode__sends_files_as_what_they_are(void **state)
{
    (void)state;
    static const struct chat_attachment files[] = {
        {{"i", 1}, {"image/png", 9}, {"x.png", 5}, {"\x89PNG", 4}},
        {{"d", 1}, {"application/pdf", 15}, {"x.pdf", 5}, {"%PDF-", 5}},
        {{"t", 1}, {"application/x-c", 15}, {"x.c", 3}, {"int x;", 6}},
        {{"o", 1}, {"application/zip", 15}, {"x.zip", 5}, {"PK\0\xFF", 4}},
    };
    struct codec_history history = {.count = 0};
    struct message *user = history_add(&history, ROLE_USER);
    history_part(user, PART_ATTACHMENT, "x.png", "i", "image/png");
    history_part(user, PART_ATTACHMENT, "x.pdf", "d", "application/pdf");
    history_part(user, PART_ATTACHMENT, "x.c", "t", "text/x-c");
    history_part(user, PART_ATTACHMENT, "old.png", "gone", "image/png");
    history_part(user, PART_TEXT, "See?", NULL, NULL);
    struct chat_request request = history_request(&history, "claude-opus-5");
    request.attachments = files;
    request.attachment_count = COUNT_OF(files);
    codec_check_request(
        codec, &request, "messages",
        "[" USER("{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\","
                 "\"data\":\"iVBORw==\"}},{\"type\":\"document\",\"source\":{\"type\":\"base64\","
                 "\"media_type\":\"application/pdf\",\"data\":\"JVBERi0=\"}}," TEXT(
                     "File 'x.c':\\n\\nint x;") "," TEXT("(the file 'old.png' is not there any "
                                                         "more)") "," TEXT("See?")) "]");
    history_part(user, PART_ATTACHMENT, "x.zip", "o", "application/zip");
    struct buf out = BUF_INIT(10000);
    struct err err;
    assert_int_equal(codec->encode(&request, &out, &err), ERR_INVALID);
    assert_string_equal(err.text, "cannot send 'x.zip': this provider takes no application/zip");
    buf_release(&out);
    history_free(&history);
}

static void encode__goes_on_with_an_answer(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "a");
    history_say(&history, ROLE_ASSISTANT, "cut off \n");
    struct chat_request request = history_request(&history, "claude-haiku-4-5");
    request.continues = true;
    assert_true(codec->can_prefill(&request));
    codec_check_request(codec, &request, "messages",
                        "[" USER(TEXT("a")) "," ANSWER(TEXT("cut off")) "]");
    request.options.effort = SV("low");
    assert_false(codec->can_prefill(&request));
    request.options.effort = SV("");
    request.model = "claude-opus-4-6";
    assert_false(codec->can_prefill(&request));
    codec_check_request(
        codec, &request, "messages",
        "[" USER(TEXT("a")) "," ANSWER(TEXT("cut off \\n")) "," USER(TEXT(CHAT_GO_ON)) "]");
    history_free(&history);
}

static void encode__begins_with_the_user(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_ASSISTANT, "b");
    history_say(&history, ROLE_USER, "c");
    assert_messages(&history, "claude-opus-5",
                    "[" USER(TEXT("(The conversation begins with your words.)")) "," ANSWER(
                        TEXT("b")) "," USER(TEXT("c")) "]");
}

static void encode__refuses_nothing_and_too_much(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    struct chat_request request = history_request(&history, "m");
    struct buf out = BUF_INIT(50);
    assert_int_equal(codec->encode(&request, &out, NULL), ERR_INVALID);
    buf_clear(&out);
    history_say(&history, ROLE_USER, "far too long for a buffer of fifty bytes");
    request.message_count = 1;
    assert_int_equal(codec->encode(&request, &out, NULL), ERR_TOO_BIG);
    buf_release(&out);
    history_free(&history);
}

static void codec__says_where_and_how(void **state)
{
    (void)state;
    struct chat_request request = {.model = "m", .host = "h"};
    struct buf path = BUF_INIT(100);
    codec->path(&request, &path);
    assert_string_equal(buf_cstr(&path), "/v1/messages");
    assert_string_equal(codec->key_header(&request), "x-api-key: ");
    assert_string_equal(codec->headers[0], "anthropic-version: 2023-06-01");
    assert_null(codec->headers[1]);
    buf_release(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode__writes_only_what_was_set),
        cmocka_unit_test(encode__writes_options),
        cmocka_unit_test(encode__asks_for_thinking_as_the_model_takes_it),
        cmocka_unit_test(encode__keeps_the_budget_below_the_whole),
        cmocka_unit_test(encode__pairs_calls_and_results),
        cmocka_unit_test(encode__replays_native_blocks_to_their_own_model_only),
        cmocka_unit_test(encode__sends_files_as_what_they_are),
        cmocka_unit_test(encode__goes_on_with_an_answer),
        cmocka_unit_test(encode__begins_with_the_user),
        cmocka_unit_test(encode__refuses_nothing_and_too_much),
        cmocka_unit_test(codec__says_where_and_how),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
