/* Ollama's own protocol, decoding: lines as text in, events out, cut at every position. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/app/codec_case.h"

#define LINE(members) "{\"model\":\"q\",\"created_at\":\"T\"," members "}\n"
#define SAYS(members) LINE("\"message\":{\"role\":\"assistant\"," members "},\"done\":false")
#define TEXT(text) SAYS("\"content\":\"" text "\"")
#define THINKS(text) SAYS("\"content\":\"\",\"thinking\":\"" text "\"")
#define DONE(rest) LINE("\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true" rest)
#define STOP DONE(",\"done_reason\":\"stop\"")
#define STARTED "started  q\n"
#define USAGE(input, output)                                                                       \
    "usage in " input " out " output " read -1 write -1 reasoning -1 cost -1\n"

#define CHECK(cases) codec_case_check(&codec_ollama, cases, COUNT_OF(cases))

static const struct codec_case answers[] = {
    {SV(THINKS("Let ") THINKS("me") TEXT("H") TEXT("i")
            DONE(",\"done_reason\":\"stop\",\"total_duration\":9,\"prompt_eval_count\":26,"
                 "\"eval_count\":12")),
     STARTED
     "reasoning 0 [Let ]\nreasoning 0 [me]\nreasoning_end 0 []\ntext 1 [H]\ntext 1 [i]\n" USAGE(
         "26", "12") "finish end_turn: stop\n"},
    /* the prompt was remembered whole: its count of 0 is left out; no reason */
    {SV(TEXT("a") DONE(",\"eval_count\":1")),
     STARTED "text 0 [a]\n" USAGE("0", "1") "finish end_turn: \n"},
    /* calls in several lines, with and without ids, large numbers, arguments as a text, none */
    {SV(SAYS("\"content\":\"\",\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"index\":0,\"name\":"
             "\"a\",\"arguments\":{\"n\": 9007199254740993}}}]")
            SAYS("\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"b\",\"arguments\":"
                 "\"{\\\"p\\\":1}\"}},{\"function\":{\"name\":\"c\"}}]") STOP),
     STARTED "tool_call 0 c1 a\ntool_input 0 [{\"n\": 9007199254740993}]\ntool_call_end 0 []\n"
             "tool_call 1 call_0934ff07b5c72ff6 b\ntool_input 1 [{\"p\":1}]\ntool_call_end 1 []\n"
             "tool_call 2 call_0934fe07b5c72e43 c\ntool_input 2 [{}]\ntool_call_end 2 []\n"
             "finish tool_use: stop\n"},
    /* tags in the text, cut anywhere */
    {SV(TEXT("<thi") TEXT("nk>hm</think>\\n\\nHi") STOP),
     STARTED "reasoning 0 [hm]\nreasoning_end 0 []\ntext 1 [Hi]\nfinish end_turn: stop\n"},
    /* no line end at the end; blank lines; CRLF */
    {SV("\n{\"model\":\"q\",\"message\":{\"content\":\"a\"},\"done\":false}\r\n\r\n{\"model\":"
        "\"q\","
        "\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}"),
     STARTED "text 0 [a]\nfinish end_turn: stop\n"},
    /* bytes that are no characters lose nothing around them */
    {SV(TEXT("a\\udc00\xC3"
             "b") STOP),
     STARTED "text 0 [a\xEF\xBF\xBD\xEF\xBF\xBD"
             "b]\nfinish end_turn: stop\n"},
};

static void decode__reads_answers(void **state)
{
    (void)state;
    CHECK(answers);
}

static const struct codec_case ends[] = {
    {SV(TEXT("a") DONE(",\"done_reason\":\"length\"")),
     STARTED "text 0 [a]\nfinish max_tokens: length\n"},
    {SV(TEXT("a") DONE(",\"done_reason\":\"other\"")),
     STARTED "text 0 [a]\nfinish unknown: other\n"},
    {SV(DONE(",\"done_reason\":\"load\"")), STARTED "finish unknown: empty answer (load)\n"},
    /* two ends: the first one counts */
    {SV(TEXT("a") DONE(",\"done_reason\":\"length\",\"eval_count\":3")
            DONE(",\"done_reason\":\"stop\",\"eval_count\":0")),
     STARTED "text 0 [a]\n" USAGE("0", "3") "finish max_tokens: length\n"},
    /* a reason, but never done */
    {SV(LINE("\"message\":{\"content\":\"a\"},\"done\":false,\"done_reason\":\"stop\"")),
     STARTED "text 0 [a]\nfinish end_turn: stop\n"},
    /* a failure that says nothing */
    {SV(LINE("\"done\":false") LINE("\"done\":true")),
     "finish end_turn: empty answer (no reason given)\n"},
    /* errors */
    {SV(TEXT("a") "{\"error\":\"model runner has unexpectedly stopped\"}\n"),
     STARTED "text 0 [a]\nerror error ERR_SERVER retry: the server failed: model runner has "
             "unexpectedly stopped\n"},
    {SV("{\"error\":{\"message\":\"no\",\"code\":404}}\n"),
     "error error ERR_REJECTED final: the server knows no such model or address; check the "
     "model's name and the base URL: no\n"},
    /* no end */
    {SV(THINKS("hm")), STARTED "reasoning 0 [hm]\nreasoning_end 0 []\nerror interrupted "
                               "ERR_PROTOCOL retry: the stream ended without its last event\n"},
    {SV(TEXT("a") "{\"mess"),
     STARTED "text 0 [a]\nerror interrupted ERR_PROTOCOL retry: the stream ended without its last "
             "event, and 1 of its events were not JSON\n"},
    {SV(TEXT("<thi")), STARTED "text 0 [<thi]\nerror interrupted ERR_PROTOCOL retry: the stream "
                               "ended without its last event\n"},
    {SV(""), "error interrupted ERR_PROTOCOL retry: the stream ended without its last event\n"},
};

static void decode__ends_once_and_says_how(void **state)
{
    (void)state;
    CHECK(ends);
}

static void end__says_what_broke_the_stream(void **state)
{
    (void)state;
    const struct err broken = {ERR_TIMEOUT, "no byte for 120 s"};
    struct buf log = BUF_INIT(CODEC_CASE_LOG_MAX);
    codec_case_run(&codec_ollama, SV(TEXT("a")), 0, &broken, &log);
    assert_string_equal(buf_cstr(&log), STARTED "text 0 [a]\nerror interrupted ERR_TIMEOUT retry: "
                                                "no byte for 120 s\n");
    buf_release(&log);
}

static void body__may_be_lines_or_one_document(void **state)
{
    (void)state;
    codec_case_check_body(&codec_ollama, SV(TEXT("a") STOP),
                          STARTED "text 0 [a]\nfinish end_turn: stop\n");
    codec_case_check_body(&codec_ollama,
                          SV("{\"model\":\"q\",\n\"message\":{\"content\":\"a\"},\n\"done\":true}"),
                          STARTED "text 0 [a]\nfinish end_turn: \n");
    codec_case_check_body(&codec_ollama, SV("{\"error\":\"no\"}"),
                          "error error ERR_SERVER retry: the server failed: no\n");
    codec_case_check_body(
        &codec_ollama, SV("<html>\nx"),
        "error error ERR_PROTOCOL retry: there is no answer in the body: <html> x\n");
    codec_case_check_body(&codec_ollama, SV(""),
                          "error error ERR_PROTOCOL retry: the answer is empty\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode__reads_answers),
        cmocka_unit_test(decode__ends_once_and_says_how),
        cmocka_unit_test(end__says_what_broke_the_stream),
        cmocka_unit_test(body__may_be_lines_or_one_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
