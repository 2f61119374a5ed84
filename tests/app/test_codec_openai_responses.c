/* OpenAI Responses, decoding: streams as text in, events out, cut at every position. */
#include <stdio.h>

#include "tests/app/codec_case.h"

static const struct codec *const codec = &codec_openai_responses;

#define CHECK(cases) codec_case_check(codec, cases, COUNT_OF(cases))

#define EVENT(type, members)                                                                       \
    "event: " type "\ndata: {\"type\":\"" type "\",\"sequence_number\":1" members "}\n\n"
#define CREATED                                                                                    \
    EVENT("response.created", ",\"response\":{\"id\":\"r1\",\"model\":\"M\",\"status\":"           \
                              "\"in_progress\",\"error\":null,\"output\":[]}")
#define ADDED(index, item)                                                                         \
    EVENT("response.output_item.added", ",\"output_index\":" index ",\"item\":" item)
#define DONE(index, item)                                                                          \
    EVENT("response.output_item.done", ",\"output_index\":" index ",\"item\":" item)
#define DELTA(type, index, part, text)                                                             \
    EVENT("response." type ".delta", ",\"item_id\":\"i" index "\",\"output_index\":" index         \
                                     "," part ",\"delta\":\"" text "\"")
#define TEXT(index, part, text) DELTA("output_text", index, "\"content_index\":" part, text)
#define SUMMARY(index, part, text)                                                                 \
    DELTA("reasoning_summary_text", index, "\"summary_index\":" part, text)
#define ARGUMENTS(index, text) DELTA("function_call_arguments", index, "\"x\":0", text)
#define MESSAGE(id, rest) "{\"type\":\"message\",\"id\":\"" id "\",\"role\":\"assistant\"" rest "}"
#define CONTENT(text)                                                                              \
    ",\"status\":\"completed\",\"content\":[{\"type\":\"output_text\",\"text\":\"" text "\"}]"
#define CALL(id, call, arguments)                                                                  \
    "{\"type\":\"function_call\",\"id\":\"" id "\",\"call_id\":\"" call                            \
    "\",\"name\":\"ls\",\"arguments\":\"" arguments "\"}"
#define USAGE                                                                                      \
    ",\"usage\":{\"input_tokens\":50,\"input_tokens_details\":{\"cached_tokens\":8,"               \
    "\"cache_write_tokens\":2},\"output_tokens\":21,\"output_tokens_details\":{"                   \
    "\"reasoning_tokens\":12}}"
#define END(status, rest)                                                                          \
    EVENT("response." status, ",\"response\":{\"id\":\"r1\",\"status\":\"" status "\"" rest "}")

#define STARTED "started r1 M\n"
#define USED "usage in 40 out 21 read 8 write 2 reasoning 12 cost -1\n"
#define REASONING                                                                                  \
    "{\"type\":\"reasoning\",\"id\":\"i0\",\"summary\":[{\"type\":\"summary_text\",\"text\":"      \
    "\"Need it.\"}],\"encrypted_content\":\"gB\"}"

static const struct codec_case answers[] = {
    /* Reasoning with a summary and its encrypted form, then a call; what follows such reasoning is
     * kept as it is, too. */
    {SV(CREATED ADDED("0", "{\"type\":\"reasoning\",\"id\":\"i0\",\"summary\":[]}")
            SUMMARY("0", "0", "Need it.") DONE("0", REASONING) ADDED("1", CALL("i1", "call_2", ""))
                ARGUMENTS("1", "{\\\"p\\\":") ARGUMENTS("1", "1}")
                    EVENT("response.function_call_arguments.done",
                          ",\"item_id\":\"i1\",\"output_index\":1,\"arguments\":\"{\\\"p\\\":1}\"")
                        DONE("1", CALL("i1", "call_2", "{\\\"p\\\":1}")) END("completed", USAGE)
                            EVENT("response.rate_limits.updated", ",\"error\":null")),
     STARTED "reasoning 0 [Need it.]\nreasoning_end 0 []\nnative 1 [" REASONING
             "]\ntool_call 2 call_2 ls\ntool_input 2 [{\"p\":]\ntool_input 2 [1}]\nnative 3 [" CALL(
                 "i1", "call_2",
                 "{\\\"p\\\":1}") "]\n" USED "tool_call_end 2 []\nfinish tool_use: completed\n"},
    /* Text, keep-alives, unknown events, two parts of one message, [DONE] of a proxy. */
    {SV(CREATED EVENT("response.in_progress", ",\"response\":{\"id\":\"r1\"}")
            EVENT("keepalive", "") ADDED("0", MESSAGE("i0", ",\"content\":[]"))
                EVENT("response.content_part.added", ",\"output_index\":0,\"content_index\":0")
                    TEXT("0", "0", "Hel") EVENT("response.web_search_call.searching", "")
                        TEXT("0", "0", "lo") TEXT("0", "1", "more")
                            DONE("0", MESSAGE("i0", CONTENT("Hello")))
                                END("completed", USAGE) "data: [DONE]\n\n"),
     STARTED "text 0 [Hel]\ntext 0 [lo]\ntext 1 [more]\n" USED "finish end_turn: completed\n"},
    /* Two calls, interleaved; empty arguments; what the deltas left out comes at the end. */
    {SV(CREATED ADDED("0", CALL("i0", "a", "")) ADDED("1", CALL("i1", "b", ""))
            ARGUMENTS("1", "{\\\"x\\\"") DONE("0", CALL("i0", "a", ""))
                DONE("1", CALL("i1", "b", "{\\\"x\\\":1}")) END("completed", "")),
     STARTED "tool_call 0 a ls\ntool_call 1 b ls\ntool_input 1 [{\"x\"]\ntool_input 0 [{}]\n"
             "tool_input 1 [:1}]\ntool_call_end 0 []\ntool_call_end 1 []\n"
             "finish tool_use: completed\n"},
    /* A summary in two pieces has a blank line between; without its encrypted form reasoning is not
     * kept. The message has a phase, but that is not kept either then. */
    {SV(CREATED SUMMARY("0", "0", "One.") SUMMARY("0", "1", "Two.") DONE(
         "0", "{\"type\":\"reasoning\",\"id\":\"i0\",\"summary\":[{\"text\":\"One.\"},{\"text\":"
              "\"Two.\"}]}") TEXT("1", "0", "t")
            DONE("1", MESSAGE("i1", ",\"phase\":\"final_answer\"" CONTENT("t")))
                END("completed", "")),
     STARTED "reasoning 0 [One.]\nreasoning 0 [\n\n]\nreasoning 0 [Two.]\nreasoning_end 0 []\n"
             "text 1 [t]\nfinish end_turn: completed\n"},
    {SV(CREATED TEXT("0", "0", "t") TEXT("0", "1", "u")
            DONE("0", MESSAGE("i0", ",\"n\":9007199254740993,\"phase\":\"commentary\",\"content\":["
                                    "{\"text\":\"t\"},{\"text\":\"u\"}]")) END("completed", "")),
     STARTED "text 0 [t]\ntext 1 [u]\nnative 2 [" MESSAGE(
         "i0", ",\"n\":9007199254740993,\"phase\":\"commentary\",\"content\":["
               "{\"text\":\"t\"},{\"text\":\"u\"}]") "]\nfinish end_turn: completed\n"},
    /* The server's own tool is kept. */
    {SV(CREATED ADDED("0", "{\"type\":\"web_search_call\",\"id\":\"i0\"}")
            DONE("0", "{\"type\":\"web_search_call\",\"id\":\"i0\",\"status\":\"completed\"}")
                TEXT("1", "0", "t") END("completed", "")),
     STARTED "native 0 [{\"type\":\"web_search_call\",\"id\":\"i0\",\"status\":\"completed\"}]\n"
             "text 1 [t]\nfinish end_turn: completed\n"},
    /* llama.cpp: no output_index anywhere, all items end at the end, reasoning itself. */
    {SV("data: {\"type\":\"response.created\",\"response\":{\"id\":\"r1\",\"model\":\"M\"}}\n\n"
        "data: {\"type\":\"response.reasoning_text.delta\",\"item_id\":\"rs\",\"delta\":\"hm\"}\n\n"
        "data: {\"type\":\"response.output_text.delta\",\"item_id\":\"ms\",\"delta\":\"Hi\"}\n\n"
        "data: {\"type\":\"response.output_item.added\",\"item\":" CALL(
            "fc", "c",
            "") "}\n\n"
                "data: "
                "{\"type\":\"response.function_call_arguments.delta\",\"item_id\":\"fc\",\"delta\":"
                "\"{}\"}\n\n"
                "data: "
                "{\"type\":\"response.output_item.done\",\"item\":{\"type\":\"reasoning\",\"id\":"
                "\"rs\",\"content\":[{\"text\":\"hm\"}],\"encrypted_content\":\"\"}}\n\n"
                "data: {\"type\":\"response.output_item.done\",\"item\":" MESSAGE(
                    "ms",
                    CONTENT(
                        "Hi")) "}"
                               "\n\ndata: {\"type\":\"response.output_item.done\",\"item\":" CALL(
                                   "fc", "c", "{}") "}\n\n"
                                                    "data: "
                                                    "{\"type\":\"response.completed\",\"response\":"
                                                    "{\"id\":\"r1\",\"output\":[{\"type\":"
                                                    "\"message\",\"id\":\"other\",\"content\":[{"
                                                    "\"text\":\"Hi\"}]}]}}\n\n"),
     STARTED "reasoning 0 [hm]\ntext 1 [Hi]\ntool_call 2 c ls\ntool_input 2 [{}]\n"
             "reasoning_end 0 []\ntool_call_end 2 []\nfinish tool_use: completed\n"},
    /* Nothing but the last event; a call whose name comes only then. */
    {SV(END("completed", ",\"model\":\"M\",\"output\":[" MESSAGE("i0", CONTENT("all")) "]")),
     STARTED "text 0 [all]\nfinish end_turn: completed\n"},
    {SV(CREATED ADDED("0", "{\"type\":\"function_call\",\"id\":\"i0\"}") ARGUMENTS("0", "{}")
            DONE("0", CALL("i0", "a", "{}")) END("completed", "")),
     STARTED "tool_call 0 a ls\ntool_input 0 [{}]\ntool_call_end 0 []\n"
             "finish tool_use: completed\n"},
};

static void decode__reads_what_servers_send(void **state)
{
    (void)state;
    CHECK(answers);
}

#define WHY(word) ",\"incomplete_details\":{\"reason\":\"" word "\"}"

static const struct codec_case ends[] = {
    {SV(CREATED TEXT("0", "0", "t") END("incomplete", WHY("max_output_tokens"))),
     STARTED "text 0 [t]\nfinish max_tokens: max_output_tokens\n"},
    {SV(CREATED ADDED("0", CALL("i0", "a", "")) ARGUMENTS("0", "{\\\"x")
            END("incomplete", WHY("max_output_tokens"))),
     STARTED "tool_call 0 a ls\ntool_input 0 [{\"x]\nfinish max_tokens: max_output_tokens\n"},
    {SV(CREATED TEXT("0", "0", "t") END("incomplete", WHY("content_filter"))),
     STARTED "text 0 [t]\nfinish content_filter: content_filter\n"},
    {SV(CREATED TEXT("0", "0", "t") END("incomplete", WHY("news"))),
     STARTED "text 0 [t]\nfinish unknown: news\n"},
    {SV(CREATED DELTA("refusal", "0", "\"content_index\":0", "No.")
            DONE("0", MESSAGE("i0", ",\"content\":[{\"type\":\"refusal\",\"refusal\":\"No.\"}]"))
                END("completed", "")),
     STARTED "text 0 [No.]\nfinish refusal: completed\n"},
    {SV(CREATED END("completed", USAGE)),
     STARTED USED "finish end_turn: empty answer (completed)\n"},
};

static void decode__maps_reasons(void **state)
{
    (void)state;
    CHECK(ends);
}

#define LIMITED                                                                                    \
    "error error ERR_RATE_LIMIT retry: the server limits the rate of requests: Slow down\n"

static const struct codec_case failures[] = {
    {SV(CREATED TEXT("0", "0", "kept") END(
         "failed", ",\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"Slow down\"}")),
     STARTED "text 0 [kept]\n" LIMITED},
    /* The error event, flat and nested, with its name and without. */
    {SV(EVENT("error",
              ",\"code\":\"rate_limit_exceeded\",\"message\":\"Slow down\",\"param\":null")),
     LIMITED},
    {SV(CREATED "data: {\"type\":\"error\",\"error\":{\"type\":\"tokens\",\"code\":"
                "\"rate_limit_exceeded\",\"message\":\"Slow down\"}}\n\n"),
     STARTED LIMITED},
    {SV(CREATED "data: {\"error\":{\"code\":500,\"message\":\"out of slots\",\"type\":"
                "\"server_error\"}}\n\n"),
     STARTED "error error ERR_SERVER retry: the server failed: out of slots\n"},
    {SV(CREATED END("failed", ",\"error\":null")),
     STARTED "error error ERR_SERVER retry: the server ended the answer with 'failed'\n"},
    {SV(""), "error interrupted ERR_PROTOCOL retry: the stream ended without its last event\n"},
    {SV(CREATED ADDED("0", CALL("i0", "a", "")) ARGUMENTS("0", "{\\\"x")),
     STARTED "tool_call 0 a ls\ntool_input 0 [{\"x]\n"
             "error interrupted ERR_PROTOCOL retry: the stream ended without its last event\n"},
    {SV(CREATED "data: {oops\n\n" TEXT("0", "0", "a\\ud83d\xFF")),
     STARTED "text 0 [a\uFFFD\uFFFD]\n"
             "error interrupted ERR_PROTOCOL retry: the stream ended without its last event, and 1 "
             "of its events were not JSON\n"},
};

static void decode__ends_with_one_error_and_keeps_the_text(void **state)
{
    (void)state;
    CHECK(failures);
}

static void decode__never_takes_back_what_was_shown(void **state)
{
    (void)state;
    static const struct codec_case changed[] = {
        {SV(CREATED TEXT("0", "0", "one") DONE("0", MESSAGE("i0", CONTENT("two and more")))
                END("completed", "")),
         STARTED "text 0 [one]\nfinish end_turn: completed\n"},
    };
    CHECK(changed);
}

static void decode_body__reads_a_whole_answer_or_an_error(void **state)
{
    (void)state;
    codec_case_check_body(
        codec,
        SV("{\"id\":\"r1\",\"model\":\"M\",\"status\":\"completed\",\"error\":null,"
           "\"output\":[" REASONING "," MESSAGE("i1", CONTENT("Hi")) "]" USAGE "}"),
        STARTED
        "reasoning 0 [Need it.]\nreasoning_end 0 []\nnative 1 [" REASONING
        "]\ntext 2 [Hi]\nnative 3 [" MESSAGE("i1", CONTENT("Hi")) "]\n" USED
                                                                  "finish end_turn: completed\n");
    codec_case_check_body(
        codec,
        SV("{\"id\":\"r1\",\"model\":\"M\",\"status\":\"failed\",\"output\":[],"
           "\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"Slow down\"}}"),
        STARTED LIMITED);
    codec_case_check_body(codec, SV("{\"error\":{\"code\":429,\"message\":\"Slow down\"}}"),
                          LIMITED);
    codec_case_check_body(codec, SV("[1]"),
                          "error error ERR_PROTOCOL retry: there is no answer in the JSON: [1]\n");
    codec_case_check_body(codec, SV(""), "error error ERR_PROTOCOL retry: the answer is empty\n");
}

static void decode__refuses_items_without_number(void **state)
{
    (void)state;
    struct buf log = BUF_INIT(CODEC_CASE_LOG_MAX);
    struct decoder *decoder = codec->decoder_new(stream_log, &log);
    for (unsigned i = 0; i < 10000; i++) {
        char event[200];
        (void)snprintf(event, sizeof(event),
                       "{\"type\":\"response.output_item.added\",\"output_index\":%u,\"item\":{"
                       "\"type\":\"message\"}}",
                       i);
        codec->decode(decoder, SV(""), sv_from(event));
    }
    codec->decoder_free(decoder);
    assert_string_equal(buf_cstr(&log),
                        "error error ERR_TOO_BIG final: the answer has too many items\n");
    buf_release(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode__reads_what_servers_send),
        cmocka_unit_test(decode__maps_reasons),
        cmocka_unit_test(decode__ends_with_one_error_and_keeps_the_text),
        cmocka_unit_test(decode__never_takes_back_what_was_shown),
        cmocka_unit_test(decode_body__reads_a_whole_answer_or_an_error),
        cmocka_unit_test(decode__refuses_items_without_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
