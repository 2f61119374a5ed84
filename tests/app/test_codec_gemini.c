/* Gemini, decoding: streams as text in, events out, cut at every position. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/app/codec_case.h"

#define EVENT(json) "data: " json "\r\n\r\n"
#define PARTS(list)                                                                                \
    EVENT("{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[" list "]},\"index\":0}]," \
          "\"responseId\":\"r1\",\"modelVersion\":\"g\"}")
#define TEXT(text) "{\"text\":\"" text "\"}"
#define THOUGHT(text) "{\"text\":\"" text "\",\"thought\":true}"
#define END(reason) EVENT("{\"candidates\":[{\"finishReason\":\"" reason "\",\"index\":0}]}")
#define STARTED "started r1 g\n"
#define USAGE(input, output, read, reasoning)                                                      \
    "usage in " input " out " output " read " read " write -1 reasoning " reasoning " cost -1\n"

#define CHECK(cases) codec_case_check(&codec_gemini, cases, COUNT_OF(cases))

static const struct codec_case answers[] = {
    /* thoughts, text in pieces, usage that grows */
    {SV(PARTS(THOUGHT("Hm")) PARTS(THOUGHT("m")) PARTS(TEXT("Hel") "," TEXT("lo")) EVENT(
         "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}]},\"finishReason\":\"STOP\"}],"
         "\"usageMetadata\":{\"promptTokenCount\":12,\"cachedContentTokenCount\":5,"
         "\"candidatesTokenCount\":8,\"thoughtsTokenCount\":40,\"totalTokenCount\":60}}")),
     STARTED
     "reasoning 0 [Hm]\nreasoning 0 [m]\nreasoning_end 0 []\ntext 1 [Hel]\ntext 1 [lo]\n" USAGE(
         "7", "48", "5", "40") "finish end_turn: STOP\n"},
    /* a call with id and signature: kept as it came, numbers above 2^53 too */
    {SV(PARTS("{\"functionCall\":{\"id\":\"f2\",\"name\":\"ls\",\"args\":{\"p\": "
              "9007199254740993}},\"thoughtSignature\":\"Cu8\"}") END("STOP")),
     STARTED "tool_call 0 f2 ls\ntool_input 0 [{\"p\": 9007199254740993}]\ntool_call_end 0 []\n"
             "native 1 [{\"functionCall\":{\"id\":\"f2\",\"name\":\"ls\",\"args\":{\"p\": "
             "9007199254740993}},\"thoughtSignature\":\"Cu8\"}]\nfinish tool_use: STOP\n"},
    /* two calls without ids, one without arguments */
    {SV(PARTS("{\"functionCall\":{\"name\":\"a\"}},{\"functionCall\":{\"name\":\"b\",\"args\":{}}}")
            END("STOP")),
     STARTED "tool_call 0 call_8a9a0219618a2154 a\ntool_input 0 [{}]\ntool_call_end 0 []\n"
             "native 1 [{\"functionCall\":{\"name\":\"a\"}}]\n"
             "tool_call 2 call_8a9a0319618a2307 b\ntool_input 2 [{}]\ntool_call_end 2 []\n"
             "native 3 [{\"functionCall\":{\"name\":\"b\",\"args\":{}}}]\n"
             "finish tool_use: STOP\n"},
    /* a signature on a text, and one on an empty one */
    {SV(PARTS("{\"text\":\"Hi\",\"thoughtSignature\":\"s1\"}") PARTS(TEXT(" you"))
            PARTS("{\"text\":\"\",\"thoughtSignature\":\"s2\"}") END("STOP")),
     STARTED "text 0 [Hi]\nnative 1 [{\"text\":\"\",\"thoughtSignature\":\"s1\"}]\n"
             "text 0 [ you]\nnative 2 [{\"text\":\"\",\"thoughtSignature\":\"s2\"}]\n"
             "finish end_turn: STOP\n"},
    /* a part of another kind is kept */
    {SV(PARTS("{\"executableCode\":{\"code\":\"1\"}}") PARTS(TEXT("1")) END("STOP")),
     STARTED "native 0 [{\"executableCode\":{\"code\":\"1\"}}]\ntext 1 [1]\n"
             "finish end_turn: STOP\n"},
    /* bytes that are no characters lose nothing around them */
    {SV(PARTS("{\"text\":\"a\\ud83d\xFF"
              "b\"}") END("STOP")),
     STARTED "text 0 [a\xEF\xBF\xBD\xEF\xBF\xBD"
             "b]\nfinish end_turn: STOP\n"},
    /* usage on every chunk; a second candidate; unknown members; no candidates at all */
    {SV(EVENT("{\"responseId\":\"r1\",\"modelVersion\":\"g\",\"usageMetadata\":{"
              "\"promptTokenCount\":3}}") EVENT("{\"candidates\":[],\"x\":1}") EVENT("{}")
            EVENT("{\"candidates\":[{\"index\":1,\"content\":{\"parts\":[" TEXT(
                "no") "]},"
                      "\"finishReason\":\"SAFETY\"}]}") PARTS(TEXT("yes")) END("STOP")),
     STARTED USAGE("3", "-1", "-1", "-1") "text 0 [yes]\nfinish end_turn: STOP\n"},
};

static void decode__reads_answers(void **state)
{
    (void)state;
    CHECK(answers);
}

static const struct codec_case ends[] = {
    {SV(PARTS(TEXT("a")) END("MAX_TOKENS")), STARTED "text 0 [a]\nfinish max_tokens: MAX_TOKENS\n"},
    {SV(PARTS(TEXT("a")) END("SAFETY")), STARTED "text 0 [a]\nfinish content_filter: SAFETY\n"},
    {SV(PARTS(TEXT("a")) END("IMAGE_SAFETY")),
     STARTED "text 0 [a]\nfinish content_filter: IMAGE_SAFETY\n"},
    {SV(PARTS(TEXT("a")) END("NEW_ONE")), STARTED "text 0 [a]\nfinish unknown: NEW_ONE\n"},
    {SV(PARTS(TEXT("a")) END("MALFORMED_FUNCTION_CALL")),
     STARTED "text 0 [a]\nerror error ERR_SERVER retry: the server ended the answer with "
             "'MALFORMED_FUNCTION_CALL'\n"},
    {SV(END("STOP")), "started  \nfinish end_turn: empty answer (STOP)\n"},
    /* the prompt was blocked */
    {SV(EVENT("{\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"},\"responseId\":\"r1\","
              "\"modelVersion\":\"g\"}")),
     STARTED "finish refusal: empty answer (PROHIBITED_CONTENT)\n"},
    /* no end */
    {SV(PARTS(THOUGHT("hm"))),
     STARTED "reasoning 0 [hm]\nreasoning_end 0 []\nerror interrupted ERR_PROTOCOL retry: the "
             "stream ended without its last event\n"},
    {SV(PARTS(TEXT("a")) EVENT("{\"candid")),
     STARTED "text 0 [a]\nerror interrupted ERR_PROTOCOL retry: the stream ended without its last "
             "event, and 1 of its events were not JSON\n"},
    {SV(""), "error interrupted ERR_PROTOCOL retry: the stream ended without its last event\n"},
    /* errors: as an event, in an array, named, as a bare document in the middle */
    {SV(PARTS(TEXT("a")) EVENT("{\"error\":{\"code\":429,\"message\":\"slow\",\"status\":"
                               "\"RESOURCE_EXHAUSTED\"}}")),
     STARTED "text 0 [a]\nerror error ERR_RATE_LIMIT retry: the server limits the rate of "
             "requests: slow\n"},
    {SV(EVENT("[{\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE\"}}]")),
     "error error ERR_SERVER retry: the server is overloaded or not ready: busy\n"},
    {SV("event: error\ndata: {\"error\":{\"code\":500,\"message\":\"oops\"}}\n\n"),
     "error error ERR_SERVER retry: the server failed: oops\n"},
    {SV(PARTS(
         TEXT("a")) "{\r\n  \"error\": {\r\n    \"code\": 503,\r\n    \"message\": \"busy\"\r\n"
                    "  }\r\n}\r\n"),
     STARTED "text 0 [a]\nerror error ERR_SERVER retry: the server is overloaded or not ready: "
             "busy\n"},
};

static void decode__ends_once_and_says_how(void **state)
{
    (void)state;
    CHECK(ends);
}

static void end__keeps_a_whole_answer_though_the_connection_broke(void **state)
{
    (void)state;
    const struct err broken = {ERR_PROTOCOL, "connection reset"};
    struct buf log = BUF_INIT(CODEC_CASE_LOG_MAX);
    codec_case_run(&codec_gemini, SV(PARTS(TEXT("a")) END("STOP")), 0, &broken, &log);
    assert_string_equal(buf_cstr(&log), STARTED "text 0 [a]\nfinish end_turn: STOP\n");
    buf_clear(&log);
    codec_case_run(&codec_gemini, SV(PARTS(TEXT("a"))), 0, &broken, &log);
    assert_string_equal(buf_cstr(&log), STARTED "text 0 [a]\nerror interrupted ERR_PROTOCOL retry: "
                                                "connection reset\n");
    buf_release(&log);
}

static void body__is_one_response_or_an_array_of_them(void **state)
{
    (void)state;
#define ONE(part, rest)                                                                            \
    "{\"responseId\":\"r1\",\"modelVersion\":\"g\",\"candidates\":[{\"content\":{\"parts\":[" part \
    "]}" rest "}]}"
    codec_case_check_body(&codec_gemini, SV(ONE(TEXT("Hi"), ",\"finishReason\":\"STOP\"")),
                          STARTED "text 0 [Hi]\nfinish end_turn: STOP\n");
    codec_case_check_body(
        &codec_gemini,
        SV("[" ONE(TEXT("H"), "") ",\r\n" ONE(TEXT("i"), ",\"finishReason\":\"STOP\"") "]\n"),
        STARTED "text 0 [H]\ntext 0 [i]\nfinish end_turn: STOP\n");
    codec_case_check_body(&codec_gemini, SV("[" ONE(TEXT("H"), "") "]"),
                          STARTED "text 0 [H]\nerror interrupted ERR_PROTOCOL retry: the stream "
                                  "ended without its last event\n");
    codec_case_check_body(&codec_gemini, SV("<html>"),
                          "error error ERR_PROTOCOL retry: the answer is not JSON: <html>\n");
    codec_case_check_body(&codec_gemini, SV(" "),
                          "error error ERR_PROTOCOL retry: the answer is empty\n");
    codec_case_check_body(&codec_gemini, SV("[{\"error\":{\"code\":400,\"message\":\"bad\"}}]"),
                          "error error ERR_REJECTED final: the server rejected the request: bad\n");
    codec_case_check_body(
        &codec_gemini, SV("{\"x\":1}"),
        "error error ERR_PROTOCOL retry: there is no answer in the JSON: {\"x\":1}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode__reads_answers),
        cmocka_unit_test(decode__ends_once_and_says_how),
        cmocka_unit_test(end__keeps_a_whole_answer_though_the_connection_broke),
        cmocka_unit_test(body__is_one_response_or_an_array_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
