/* Chat Completions: what goes out in the dialect of each server, by its host and by name. */
#include "tests/app/codec_check.h"

static const struct codec *const codec = &codec_openai_chat;

struct expectation {
    const char *host, *dialect, *model, *name, *json; /* json NULL: not there */
};

static const struct expectation cases[] = {
    {"api.openai.com", NULL, "gpt-5", "max_completion_tokens", "5"},
    {"api.openai.com", NULL, "gpt-5", "temperature", NULL},
    {"x.openai.azure.com", NULL, "gpt-5", "max_completion_tokens", "5"},
    {"h.example", "openai", "gpt-5", "max_completion_tokens", "5"},
    {"h.example", NULL, "gpt-5", "max_tokens", "5"},
    {"h.example", NULL, "gpt-5", "reasoning_effort", "\"low\""},
    {"h.example", NULL, "m", "stream_options", "{\"include_usage\":true}"},
    {"openrouter.ai", NULL, "m", "reasoning", "{\"effort\":\"low\"}"},
    {"openrouter.ai", NULL, "m", "reasoning_effort", NULL},
    {"openrouter.ai", NULL, "m", "max_tokens", "5"},
    {"api.groq.com", NULL, "qwen/qwen3-32b", "reasoning_format", "\"parsed\""},
    {"api.groq.com", NULL, "openai/gpt-oss-20b", "reasoning_format", NULL},
    {"api.groq.com", NULL, "m", "max_completion_tokens", "5"},
    {"api.deepseek.com", NULL, "m", "thinking", "{\"type\":\"enabled\"}"},
    {"api.deepseek.com", NULL, "m", "reasoning_effort", "\"low\""},
    {"api.deepseek.com", NULL, "m", "response_format", "{\"type\":\"json_object\"}"},
    {"api.mistral.ai", NULL, "m", "stream_options", NULL},
    {"api.mistral.ai", NULL, "m", "max_tokens", "5"},
    {"127.0.0.1", "mistral", "m", "stream_options", NULL},
    {"api.mistral.ai", "generic", "m", "stream_options", "{\"include_usage\":true}"},
    {"evilmistral.ai", NULL, "m", "stream_options", "{\"include_usage\":true}"},
    {"127.0.0.1", "llama.cpp", "m", "max_tokens", "5"},
    {"127.0.0.1", "ollama", "m", "reasoning_effort", "\"low\""},
    {"127.0.0.1", "vllm", "m", "max_tokens", "5"},
    {"127.0.0.1", "lmstudio", "m", "max_tokens", "5"},
};

static struct chat_request request_in(const struct codec_history *history,
                                      const struct expectation *expectation)
{
    struct chat_request request = history_request(history, expectation->model);
    request.host = expectation->host;
    request.dialect = expectation->dialect;
    return request;
}

static void encode__speaks_the_dialect_of_each_server(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct chat_request request = request_in(&history, &cases[i]);
        request.options = (struct chat_options){.has_max_tokens = true,
                                                .max_tokens = 5,
                                                .has_temperature = true,
                                                .effort = SV("low"),
                                                .schema = SV("{\"type\":\"object\"}"),
                                                .show_reasoning = true};
        codec_check_request(codec, &request, cases[i].name, cases[i].json);
    }
    history_free(&history);
}

static void encode__turns_thinking_off_at_deepseek(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    struct chat_request request = history_request(&history, "m");
    request.host = "api.deepseek.com";
    request.options.effort = SV("none");
    codec_check_request(codec, &request, "thinking", "{\"type\":\"disabled\"}");
    codec_check_request(codec, &request, "reasoning_effort", NULL);
    request.options.effort = SV("");
    codec_check_request(codec, &request, "thinking", NULL);
    history_free(&history);
}

static void encode__writes_on_where_the_server_does(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    history_say(&history, ROLE_ASSISTANT, "Half");
    struct chat_request request = history_request(&history, "m");
    request.continues = true;
    request.dialect = "llama.cpp";
    assert_true(codec->can_prefill(&request));
    codec_check_request(codec, &request, "messages",
                        "[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\","
                        "\"content\":\"Half\"}]");
    request.dialect = "mistral";
    codec_check_request(codec, &request, "messages",
                        "[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\","
                        "\"content\":\"Half\",\"prefix\":true}]");
    request.dialect = NULL;
    assert_false(codec->can_prefill(&request));
    history_free(&history);
}

static void encode__sends_back_what_was_kept(void **state)
{
    (void)state;
    struct codec_history history = {.count = 0};
    history_say(&history, ROLE_USER, "Hi");
    struct message *answer = history_add(&history, ROLE_ASSISTANT);
    history_part(answer, PART_TOOL_CALL, "{}", "c1", "f");
    history_part(answer, PART_NATIVE, "{\"reasoning_details\":[{\"index\":0}]}", NULL, NULL);
    history_part(answer, PART_NATIVE, "{\"call_id\":\"c1\",\"extra_content\":{\"g\":1}}", NULL,
                 NULL);
    history_part(history_add(&history, ROLE_TOOL), PART_TOOL_RESULT, "r", "c1", NULL);
    history_say(&history, ROLE_ASSISTANT, "Done");
    struct chat_request request = history_request(&history, "m");
    request.host = "openrouter.ai";
#define MESSAGES(call, details)                                                                    \
    "[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":null,"            \
    "\"tool_calls\":[{\"type\":\"function\",\"id\":\"c1\",\"function\":{\"name\":\"f\","           \
    "\"arguments\":\"{}\"}" call "}]" details "},{\"role\":\"tool\",\"tool_call_id\":\"c1\","      \
    "\"content\":\"r\"},{\"role\":\"assistant\",\"content\":\"Done\"}]"
    const char *plain = MESSAGES("", "");
    codec_check_request(
        codec, &request, "messages",
        MESSAGES(",\"extra_content\":{\"g\":1}", ",\"reasoning_details\":[{\"index\":0}]"));
    request.host = "h.example";
    codec_check_request(codec, &request, "messages", plain);
    request.host = "openrouter.ai";
    request.label = "p/other";
    codec_check_request(codec, &request, "messages", plain);
    history_free(&history);
}

static void key__travels_as_the_server_wants(void **state)
{
    (void)state;
    struct chat_request request = {.model = "m", .host = "x.openai.azure.com"};
    assert_string_equal(codec->key_header(&request), "api-key: ");
    request.dialect = "generic";
    assert_string_equal(codec->key_header(&request), "Authorization: Bearer ");
    request.host = "gateway.example";
    request.dialect = "azure";
    assert_string_equal(codec->key_header(&request), "api-key: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode__speaks_the_dialect_of_each_server),
        cmocka_unit_test(encode__turns_thinking_off_at_deepseek),
        cmocka_unit_test(encode__writes_on_where_the_server_does),
        cmocka_unit_test(encode__sends_back_what_was_kept),
        cmocka_unit_test(key__travels_as_the_server_wants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
