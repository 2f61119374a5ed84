/* Chat Completions: optional parameters, files, answers that are gone on with; where it goes. */
#include "app/codec_encode.h"
#include "tests/app/codec_check.h"

static const struct codec *const codec = &codec_openai_chat;

static void encode__writes_the_options_that_were_set(void **state)
{
    (void)state;
    static const struct sv stop[] = {{"END", 3}};
    static const struct chat_tool tools[] = {
        {{"ls", 2}, {"List", 4}, {"{\"type\":\"object\"}", 17}}};
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    struct chat_request request = history_request(&history, "m");
    static const char *const names[] = {
        "max_tokens", "max_completion_tokens", "temperature", "top_p",
        "stop",       "reasoning_effort",      "tools",       "response_format"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        codec_check_request(codec, &request, names[i], NULL);
    }
    request.options = (struct chat_options){.has_max_tokens = true,
                                            .has_temperature = true,
                                            .has_top_p = true,
                                            .top_p = 0.1,
                                            .stop = stop,
                                            .stop_count = 1,
                                            .effort = SV("low"),
                                            .tools = tools,
                                            .tool_count = 1,
                                            .schema = SV("{\"type\":\"string\"}"),
                                            .schema_name = SV("out")};
    codec_check_request(codec, &request, "max_tokens", "0");
    codec_check_request(codec, &request, "temperature", "0");
    codec_check_request(codec, &request, "top_p", "0.1");
    codec_check_request(codec, &request, "stop", "[\"END\"]");
    codec_check_request(codec, &request, "reasoning_effort", "\"low\"");
    codec_check_request(codec, &request, "tools",
                        "[{\"type\":\"function\",\"function\":{\"name\":\"ls\",\"description\":"
                        "\"List\",\"parameters\":{\"type\":\"object\"}}}]");
    codec_check_request(codec, &request, "response_format",
                        "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"out\",\"schema\":{"
                        "\"type\":\"string\"},\"strict\":true}}");
    history_free(&history);
}

static void encode__has_openais_names_for_its_own_models(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    struct chat_request request = history_request(&history, "gpt-5-mini");
    request.host = "api.openai.com";
    request.system = SV("s");
    request.options = (struct chat_options){
        .has_max_tokens = true, .max_tokens = 5, .has_temperature = true, .temperature = 1};
    codec_check_request(codec, &request, "max_completion_tokens", "5");
    codec_check_request(codec, &request, "max_tokens", NULL);
    codec_check_request(codec, &request, "temperature", NULL);
    codec_check_request(codec, &request, "messages",
                        "[{\"role\":\"developer\",\"content\":\"s\"},{\"role\":\"user\","
                        "\"content\":\"Hi\"}]");
    request.options.effort = SV("none");
    codec_check_request(codec, &request, "temperature", "1");
    request.model = "gpt-4.1";
    request.options.effort = SV("");
    codec_check_request(codec, &request, "temperature", "1");
    history_free(&history);
}

static void model__reasons_or_not_by_its_name(void **state)
{
    (void)state;
    static const char *const reasoners[] = {"o1",           "o3-mini", "gpt-5",
                                            "gpt-5.4-nano", "gpt-10",  "openai/gpt-5.1"};
    static const char *const others[] = {
        "gpt-4o", "gpt-4.1", "gpt-5-chat-latest", "omni", "o", "gpt-oss-20b", "", "qwen3"};
    for (size_t i = 0; i < COUNT_OF(reasoners); i++) {
        assert_true(codec_is_openai_reasoner(reasoners[i]));
    }
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_false(codec_is_openai_reasoner(others[i]));
    }
    assert_false(codec_is_openai_reasoner(NULL));
}

static void schema__is_strict_when_all_is_required_and_no_more_allowed(void **state)
{
    (void)state;
    static const char *const strict[] = {
        "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"],"
        "\"additionalProperties\":false}"};
    static const char *const loose[] = {
        "", "[]", "{\"type\":\"object\"}",
        "{\"type\":\"object\",\"properties\":{\"a\":{}},\"additionalProperties\":false}",
        "{\"type\":\"array\",\"items\":{\"properties\":{\"a\":{}},\"required\":[\"a\"]}}"};
    for (size_t i = 0; i < COUNT_OF(strict); i++) {
        assert_true(codec_schema_is_strict(sv_from(strict[i])));
    }
    for (size_t i = 0; i < COUNT_OF(loose); i++) {
        assert_false(codec_schema_is_strict(sv_from(loose[i])));
    }
}

static void encode__sends_files_as_what_they_are(void **state)
{
    (void)state;
    static const struct chat_attachment files[] = {
        {{"i", 1}, {"image/png", 9}, {"x.png", 5}, {"\x89PNG", 4}},
        {{"d", 1}, {"application/pdf", 15}, {NULL, 0}, {"%PDF-", 5}},
        {{"t", 1}, {"text/plain", 10}, {"x.txt", 5}, {"text", 4}},
        {{"o", 1}, {"audio/wav", 9}, {"x.wav", 5}, {"\0", 1}},
    };
    struct codec_history history = {.count = 0};
    struct message *user = history_add(&history, ROLE_USER);
    history_part(user, PART_ATTACHMENT, "x.png", "i", NULL);
    struct chat_request request = history_request(&history, "m");
    request.attachments = files;
    request.attachment_count = COUNT_OF(files);
    codec_check_request(codec, &request, "messages",
                        "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{"
                        "\"url\":\"data:image/png;base64,iVBORw==\"}}]}]");
    history_part(user, PART_ATTACHMENT, "x.txt", "t", NULL);
    history_part(user, PART_ATTACHMENT, "x.pdf", "d", NULL);
    history_part(user, PART_ATTACHMENT, "gone.png", "?", NULL);
    history_part(user, PART_TEXT, "See?", NULL, NULL);
    codec_check_request(
        codec, &request, "messages",
        "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"File 'x.txt':\\n\\ntext"
        "\\n\\n(the file 'gone.png' is not there any more)\\n\\nSee?\"},{\"type\":\"image_url\","
        "\"image_url\":{\"url\":\"data:image/png;base64,iVBORw==\"}},{\"type\":\"file\",\"file\":{"
        "\"filename\":\"file.pdf\",\"file_data\":\"data:application/pdf;base64,JVBERi0=\"}}]}]");
    history_part(user, PART_ATTACHMENT, "x.wav", "o", NULL);
    struct buf out = BUF_INIT(10000);
    struct err err;
    assert_int_equal(codec->encode(&request, &out, &err), ERR_INVALID);
    assert_string_equal(err.text, "cannot send 'x.wav': this provider takes no audio/wav");
    buf_release(&out);
    history_free(&history);
}

static void encode__goes_on_with_an_answer(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "a");
    history_say(&history, ROLE_ASSISTANT, "cut");
    struct chat_request request = history_request(&history, "m");
    request.continues = true;
    codec_check_request(codec, &request, "messages",
                        "[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\","
                        "\"content\":\"cut\"},{\"role\":\"user\",\"content\":\"" CHAT_GO_ON "\"}]");
    request.host = "api.mistral.ai";
    codec_check_request(codec, &request, "messages",
                        "[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\","
                        "\"content\":\"cut\",\"prefix\":true}]");
    history_free(&history);
}

static void path__names_deployment_and_version_for_azure(void **state)
{
    (void)state;
    struct chat_request request = {.model = "my gpt/4", .host = "x.openai.azure.com"};
    struct buf path = BUF_INIT(200);
    codec->path(&request, &path);
    assert_string_equal(buf_cstr(&path), "/chat/completions");
    request.api_version = "2024-10-21";
    buf_clear(&path);
    codec->path(&request, &path);
    assert_string_equal(buf_cstr(&path),
                        "/deployments/my%20gpt%2F4/chat/completions?api-version=2024-10-21");
    assert_string_equal(codec->key_header(&request), "api-key: ");
    request.host = "api.openai.com";
    assert_string_equal(codec->key_header(&request), "Authorization: Bearer ");
    buf_release(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode__writes_the_options_that_were_set),
        cmocka_unit_test(encode__has_openais_names_for_its_own_models),
        cmocka_unit_test(model__reasons_or_not_by_its_name),
        cmocka_unit_test(schema__is_strict_when_all_is_required_and_no_more_allowed),
        cmocka_unit_test(encode__sends_files_as_what_they_are),
        cmocka_unit_test(encode__goes_on_with_an_answer),
        cmocka_unit_test(path__names_deployment_and_version_for_azure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
