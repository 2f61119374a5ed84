/* OpenAI Responses, encoding: requests compared as JSON. */
#include "tests/app/codec_check.h"

static const struct codec *const codec = &codec_openai_responses;

#define USER(text)                                                                                 \
    "{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"" text "\"}]}"
#define ANSWER(text)                                                                               \
    "{\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"" text "\"}]}"
#define CALL(id, arguments)                                                                        \
    "{\"type\":\"function_call\",\"call_id\":\"" id                                                \
    "\",\"name\":\"ls\",\"arguments\":\"" arguments "\"}"
#define RESULT(id, text)                                                                           \
    "{\"type\":\"function_call_output\",\"call_id\":\"" id "\",\"output\":\"" text "\"}"

static void encode__writes_only_what_was_set(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    struct chat_request request = history_request(&history, "local");
    codec_check_request(
        codec, &request, NULL,
        "{\"model\":\"local\",\"stream\":true,\"store\":false,\"input\":[" USER("Hi") "]}");
    request.model = "gpt-5-mini";
    request.system = SV("Be brief.");
    codec_check_request(codec, &request, "include", "[\"reasoning.encrypted_content\"]");
    codec_check_request(codec, &request, "instructions", "\"Be brief.\"");
    codec_check_request(codec, &request, "reasoning", NULL);
    request.options.forget_reasoning = true;
    codec_check_request(codec, &request, "include", NULL);
    history_free(&history);
}

static void encode__writes_options(void **state)
{
    (void)state;
    static const struct chat_tool tools[] = {{{"ls", 2}, {"List", 4}, {NULL, 0}}};
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    struct chat_request request = history_request(&history, "gpt-5.1");
    request.options = (struct chat_options){.has_max_tokens = true,
                                            .max_tokens = 100,
                                            .has_temperature = true,
                                            .effort = SV("low"),
                                            .show_reasoning = true,
                                            .tools = tools,
                                            .tool_count = 1,
                                            .schema = SV("{\"type\":\"object\"}")};
    codec_check_request(codec, &request, "max_output_tokens", "100");
    codec_check_request(codec, &request, "reasoning", "{\"effort\":\"low\",\"summary\":\"auto\"}");
    codec_check_request(codec, &request, "temperature", NULL);
    codec_check_request(
        codec, &request, "tools",
        "[{\"type\":\"function\",\"name\":\"ls\",\"description\":\"List\","
        "\"parameters\":{\"type\":\"object\",\"properties\":{}},\"strict\":false}]");
    codec_check_request(codec, &request, "text",
                        "{\"format\":{\"type\":\"json_schema\",\"name\":\"answer\",\"schema\":{"
                        "\"type\":\"object\"},\"strict\":false}}");
    request.options.schema_name = SV("out");
    request.options.schema = SV("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},"
                                "\"required\":[\"a\"],\"additionalProperties\":false}");
    codec_check_request(codec, &request, "text",
                        "{\"format\":{\"type\":\"json_schema\",\"name\":\"out\",\"schema\":{"
                        "\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},"
                        "\"required\":[\"a\"],\"additionalProperties\":false},\"strict\":true}}");
    request.options.effort = SV("none");
    codec_check_request(codec, &request, "temperature", "0");
    request.model = "gpt-4.1";
    request.options.effort = SV("");
    request.options.has_top_p = true;
    codec_check_request(codec, &request, "top_p", "0");
    codec_check_request(codec, &request, "reasoning", NULL);
    history_free(&history);
}

static void encode__refuses_what_the_protocol_has_not(void **state)
{
    (void)state;
    static const struct sv stop = {"END", 3};
    struct codec_history history = {.count = 0};
    struct buf out = BUF_INIT(1000);
    struct err err;
    struct chat_request request = history_request(&history, "m");
    assert_int_equal(codec->encode(&request, &out, &err), ERR_INVALID);
    assert_string_equal(err.text, "there is no message to send");
    history_say(&history, ROLE_USER, "Hi");
    request = history_request(&history, "m");
    request.options.stop = &stop;
    request.options.stop_count = 1;
    assert_int_equal(codec->encode(&request, &out, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "stop"));
    buf_release(&out);
    history_free(&history);
}

static void encode__pairs_calls_and_results(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "List");
    struct message *answer = history_add(&history, ROLE_ASSISTANT);
    history_part(answer, PART_TEXT, "Well,", NULL, NULL);
    history_part(answer, PART_TOOL_CALL, "{\"p\":1}", "a", "ls");
    history_part(answer, PART_TOOL_CALL, "{broken", "b", "ls");
    history_part(history_add(&history, ROLE_TOOL), PART_TOOL_RESULT, "x.c", "b", NULL);
    history_say(&history, ROLE_USER, "And?");
    struct chat_request request = history_request(&history, "m");
    codec_check_request(
        codec, &request, "input",
        "[" USER("List") "," ANSWER("Well,") "," CALL("a", "{\\\"p\\\":1}") "," CALL(
            "b", "{}") "," RESULT("b", "x.c") "," RESULT("a",
                                                         "canceled by user") "," USER("And?") "]");
    history_free(&history);
}

#define REASONING "{\"type\":\"reasoning\",\"id\":\"i0\",\"encrypted_content\":\"g\"}"
#define MESSAGE                                                                                    \
    "{\"type\":\"message\",\"id\":\"i1\",\"role\":\"assistant\",\"content\":[{\"type\":"           \
    "\"output_text\",\"text\":\"b\"}]}"
#define NATIVE_CALL                                                                                \
    "{\"type\":\"function_call\",\"id\":\"i2\",\"call_id\":\"c\",\"name\":\"ls\",\"arguments\":"   \
    "\"{}\"}"

static void encode__replays_items_to_their_own_model_only(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "a");
    struct message *answer = history_add(&history, ROLE_ASSISTANT);
    history_part(answer, PART_REASONING, "hm", NULL, NULL);
    history_part(answer, PART_NATIVE, REASONING, "0", NULL);
    history_part(answer, PART_TEXT, "b", NULL, NULL);
    history_part(answer, PART_TEXT, "b2", NULL, NULL);
    history_part(answer, PART_NATIVE, MESSAGE, "2,3", NULL);
    history_part(answer, PART_TOOL_CALL, "{}", "c", "ls");
    history_part(answer, PART_NATIVE, NATIVE_CALL, "5", NULL);
    history_say(&history, ROLE_USER, "d");
    struct chat_request request = history_request(&history, "gpt-5");
    codec_check_request(codec, &request, "input",
                        "[" USER("a") "," REASONING "," MESSAGE "," NATIVE_CALL
                                      "," RESULT("c", "canceled by user") "," USER("d") "]");
    request.label = "p/other";
    codec_check_request(
        codec, &request, "input",
        "[" USER("a") ",{\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":"
                      "\"b\"},{\"type\":\"output_text\",\"text\":\"b2\"}]}," CALL(
                          "c", "{}") "," RESULT("c", "canceled by user") "," USER("d") "]");
    history_free(&history);
}

static void encode__leaves_out_reasoning_that_nothing_follows(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "a");
    struct message *cut = history_add(&history, ROLE_ASSISTANT);
    history_part(cut, PART_NATIVE, REASONING, NULL, NULL);
    history_part(cut, PART_TEXT, "cut", NULL, NULL);
    struct chat_request request = history_request(&history, "gpt-5");
    request.continues = true;
    codec_check_request(codec, &request, "input",
                        "[" USER("a") "," ANSWER("cut") "," USER(CHAT_GO_ON) "]");
    history_free(&history);
}

static void encode__sends_files_as_what_they_are(void **state)
{
    (void)state;
    static const struct chat_attachment files[] = {
        {{"i", 1}, {"image/png", 9}, {"x.png", 5}, {"\x89PNG", 4}},
        {{"d", 1}, {"application/pdf", 15}, {"x.pdf", 5}, {"%PDF-", 5}},
        {{"t", 1}, {"text/plain", 10}, {"x.txt", 5}, {"bad \xFF", 5}},
        {{"o", 1}, {"audio/wav", 9}, {"x.wav", 5}, {"\0", 1}},
    };
    struct codec_history history = {.count = 0};
    struct message *user = history_add(&history, ROLE_USER);
    history_part(user, PART_TEXT, "See?", NULL, NULL);
    history_part(user, PART_ATTACHMENT, "x.png", "i", NULL);
    history_part(user, PART_ATTACHMENT, "x.pdf", "d", NULL);
    history_part(user, PART_ATTACHMENT, "x.txt", "t", NULL);
    struct chat_request request = history_request(&history, "gpt-5");
    request.attachments = files;
    request.attachment_count = COUNT_OF(files);
    codec_check_request(
        codec, &request, "input",
        "[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"See?\"},{\"type\":"
        "\"input_image\",\"detail\":\"auto\",\"image_url\":\"data:image/png;base64,iVBORw==\"},{"
        "\"type\":\"input_file\",\"filename\":\"x.pdf\",\"file_data\":\"data:application/"
        "pdf;base64,JVBERi0=\"},{\"type\":\"input_text\",\"text\":\"File 'x.txt':\\n\\nbad "
        "\uFFFD\"}]}]");
    history_part(user, PART_ATTACHMENT, "x.wav", "o", NULL);
    struct buf out = BUF_INIT(10000);
    assert_int_equal(codec->encode(&request, &out, NULL), ERR_INVALID);
    buf_release(&out);
    history_free(&history);
}

static void codec__says_where_and_how(void **state)
{
    (void)state;
    struct chat_request request = {.model = "m", .host = "api.openai.com"};
    struct buf path = BUF_INIT(100);
    codec->path(&request, &path);
    assert_string_equal(buf_cstr(&path), "/responses");
    assert_string_equal(codec->key_header(&request), "Authorization: Bearer ");
    buf_clear(&path);
    request = (struct chat_request){.host = "x.openai.azure.com", .api_version = "2025-04-01 b"};
    codec->path(&request, &path);
    assert_string_equal(buf_cstr(&path), "/responses?api-version=2025-04-01%20b");
    assert_string_equal(codec->key_header(&request), "api-key: ");
    assert_null(codec->can_prefill);
    buf_release(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode__writes_only_what_was_set),
        cmocka_unit_test(encode__writes_options),
        cmocka_unit_test(encode__refuses_what_the_protocol_has_not),
        cmocka_unit_test(encode__pairs_calls_and_results),
        cmocka_unit_test(encode__replays_items_to_their_own_model_only),
        cmocka_unit_test(encode__leaves_out_reasoning_that_nothing_follows),
        cmocka_unit_test(encode__sends_files_as_what_they_are),
        cmocka_unit_test(codec__says_where_and_how),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
