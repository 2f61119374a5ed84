/* Anthropic Messages, decoding: streams as text in, events out, cut at every position. */
#include <stdio.h>

#include "tests/app/codec_case.h"

static const struct codec *const codec = &codec_anthropic;

#define CHECK(cases) codec_case_check(codec, cases, COUNT_OF(cases))

#define EVENT(type, members) "event: " type "\ndata: {\"type\":\"" type "\"" members "}\n\n"
#define START                                                                                      \
    EVENT("message_start", ",\"message\":{\"id\":\"m1\",\"type\":\"message\",\"role\":"            \
                           "\"assistant\",\"model\":\"M\",\"content\":[],\"stop_reason\":null,"    \
                           "\"usage\":{\"input_tokens\":30,\"cache_creation_input_tokens\":0,"     \
                           "\"cache_read_input_tokens\":900,\"output_tokens\":1}}")
#define BEGIN(index, block)                                                                        \
    EVENT("content_block_start", ",\"index\":" index ",\"content_block\":" block)
#define DELTA(index, delta) EVENT("content_block_delta", ",\"index\":" index ",\"delta\":" delta)
#define END(index) EVENT("content_block_stop", ",\"index\":" index)
#define TEXT(index, text) DELTA(index, "{\"type\":\"text_delta\",\"text\":\"" text "\"}")
#define THINK(index, text) DELTA(index, "{\"type\":\"thinking_delta\",\"thinking\":\"" text "\"}")
#define SIGN(index, text) DELTA(index, "{\"type\":\"signature_delta\",\"signature\":\"" text "\"}")
#define INPUT(index, text)                                                                         \
    DELTA(index, "{\"type\":\"input_json_delta\",\"partial_json\":\"" text "\"}")
#define TEXT_BLOCK "{\"type\":\"text\",\"text\":\"\"}"
#define THINK_BLOCK "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}"
#define CALL_BLOCK(id) "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"ls\",\"input\":{}}"
#define REASON(word)                                                                               \
    EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"" word "\",\"stop_sequence\":null},"     \
                           "\"usage\":{\"output_tokens\":41}")
#define STOP EVENT("message_stop", "")
#define PING EVENT("ping", "")

#define STARTED "started m1 M\nusage in 30 out -1 read 900 write 0 reasoning -1 cost -1\n"
#define USED "usage in 30 out 41 read 900 write 0 reasoning -1 cost -1\n"

static const struct codec_case answers[] = {
    /* Thinking with a signature, then a call; pings and events that nobody knows between. */
    {SV(START PING BEGIN("0", THINK_BLOCK) PING THINK("0", "List it.") SIGN("0", "EqQB==") END("0")
            EVENT("something_new", ",\"x\":{\"error\":null}") BEGIN("1", CALL_BLOCK("t2"))
                INPUT("1", "") INPUT("1", "{\\\"p\\\":\\\"sr") INPUT("1", "c\\\"}") END("1")
                    REASON("tool_use") STOP),
     STARTED "reasoning 0 [List it.]\nreasoning_end 0 []\n"
             "native 1 [{\"type\":\"thinking\",\"thinking\":\"List it.\",\"signature\":\"EqQB==\"}]"
             "\ntool_call 2 t2 ls\ntool_input 2 [{\"p\":\"sr]\ntool_input 2 [c\"}]\n" USED
             "tool_call_end 2 []\nfinish tool_use: tool_use\n"},
    {SV(START BEGIN("0", TEXT_BLOCK) TEXT("0", "Hel") TEXT("0", "") TEXT("0", "lo") END("0")
            BEGIN("1", TEXT_BLOCK) TEXT("1", "more") END("1") REASON("end_turn") STOP),
     STARTED "text 0 [Hel]\ntext 0 [lo]\ntext 1 [more]\n" USED "finish end_turn: end_turn\n"},
    /* Two calls, interleaved; no input is an empty object. */
    {SV(START BEGIN("1", CALL_BLOCK("a")) BEGIN("2", CALL_BLOCK("b")) INPUT("2", "{\\\"x\\\":")
            INPUT("2", "1}") END("2") END("1") REASON("tool_use") STOP),
     STARTED "tool_call 0 a ls\ntool_call 1 b ls\ntool_input 1 [{\"x\":]\ntool_input 1 [1}]\n"
             "tool_input 0 [{}]\n" USED "tool_call_end 0 []\ntool_call_end 1 []\n"
             "finish tool_use: tool_use\n"},
    /* Thinking that is not shown has only a signature; redacted thinking is kept as it is. */
    {SV(START BEGIN("0", THINK_BLOCK) SIGN("0", "old") SIGN("0", "S") END("0")
            BEGIN("1", "{\"type\":\"redacted_thinking\",\"data\":\"Zm9v\", \"n\":9007199254740993}")
                END("1") BEGIN("2", TEXT_BLOCK) TEXT("2", "x") END("2") REASON("end_turn") STOP),
     STARTED "native 0 [{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"S\"}]\n"
             "native 1 [{\"type\":\"redacted_thinking\",\"data\":\"Zm9v\", "
             "\"n\":9007199254740993}]\ntext 2 [x]\n" USED "finish end_turn: end_turn\n"},
    /* The server's own tool: its input came in pieces; citations make the text native, too. */
    {SV(START BEGIN("0", "{\"type\":\"server_tool_use\",\"id\":\"s1\",\"name\":\"web_search\","
                         "\"input\":{}}") INPUT("0", "{\\\"q\\\":") INPUT("0", "\\\"é\\\"}")
            END("0") BEGIN("1", TEXT_BLOCK)
                DELTA("1", "{\"type\":\"citations_delta\",\"citation\":{\"url\":\"u\"}}")
                    DELTA("1", "{\"type\":\"citations_delta\",\"citation\":{\"url\":\"v\"}}")
                        TEXT("1", "cited") END("1") REASON("end_turn") STOP),
     STARTED "native 0 [{\"type\":\"server_tool_use\",\"id\":\"s1\",\"name\":\"web_search\","
             "\"input\":{\"q\":\"é\"}}]\ntext 1 [cited]\nnative 2 [{\"type\":\"text\",\"text\":"
             "\"cited\",\"citations\":[{\"url\":\"u\"},{\"url\":\"v\"}]}]\n" USED
             "finish end_turn: end_turn\n"},
    /* llama.cpp: blocks begin while others are open, all end at the end, an empty signature comes
     * late, calls have no input, and usage comes once. */
    {SV(EVENT("message_start", ",\"message\":{\"id\":\"m1\",\"model\":\"M\"}")
            BEGIN("0", "{\"type\":\"thinking\",\"thinking\":\"\"}") THINK("0", "hm")
                BEGIN("1", TEXT_BLOCK) TEXT("1", "Hi") SIGN("0", "") THINK("0", "m")
                    BEGIN("2", "{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"ls\"}")
                        INPUT("2", "{}") END("0") END("1") END("2") REASON("tool_use") STOP),
     "started m1 M\nreasoning 0 [hm]\ntext 1 [Hi]\nreasoning 0 [m]\ntool_call 2 c ls\n"
     "tool_input 2 [{}]\nreasoning_end 0 []\n"
     "usage in -1 out 41 read -1 write -1 reasoning -1 cost -1\ntool_call_end 2 []\n"
     "finish tool_use: tool_use\n"},
    /* No ends of blocks at all, no names of events, a call that is whole from its beginning and has
     * no id, and one event after the end. */
    {SV("data: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"M\"}}\n\n"
        "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
        "\"text\":\"a\"}}\n\n"
        "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":"
        "\"tool_use\",\"name\":\"ls\",\"input\":{\"n\":9007199254740993}}}\n\n"
        "data: {\"type\":\"message_stop\"}\n\n"
        "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
        "\"text\":\"late\"}}\n\n"),
     "started m1 M\ntext 0 [a]\ntool_call 1 call_08b2a81917f8151e ls\n"
     "tool_input 1 [{\"n\":9007199254740993}]\ntool_call_end 1 []\nfinish tool_use: \n"},
    /* Input for a block that has none. */
    {SV(START BEGIN("0", TEXT_BLOCK) TEXT("0", "a") INPUT("0", "{}") END("0") REASON("end_turn")
            STOP),
     STARTED "text 0 [a]\n" USED "finish end_turn: end_turn\n"},
    /* Numbers are cumulative and may be null. */
    {SV(START BEGIN("0", TEXT_BLOCK) TEXT("0", "a") END("0") EVENT(
         "message_delta", ",\"delta\":{},\"usage\":{\"input_tokens\":null,\"output_tokens\":5}")
            EVENT("message_delta",
                  ",\"delta\":{\"stop_reason\":\"stop_sequence\",\"stop_sequence\":\"END\"},"
                  "\"usage\":{\"input_tokens\":31,\"output_tokens\":9,"
                  "\"cache_creation_input_tokens\":7,\"output_tokens_details\":{"
                  "\"thinking_tokens\":4}}") STOP),
     STARTED "text 0 [a]\nusage in 30 out 5 read 900 write 0 reasoning -1 cost -1\n"
             "usage in 31 out 9 read 900 write 7 reasoning 4 cost -1\n"
             "finish end_turn: stop_sequence\n"},
};

static void decode__reads_what_servers_send(void **state)
{
    (void)state;
    CHECK(answers);
}

static const struct codec_case ends[] = {
    {SV(START BEGIN("0", CALL_BLOCK("a")) INPUT("0", "{\\\"x") END("0") REASON("max_tokens") STOP),
     STARTED "tool_call 0 a ls\ntool_input 0 [{\"x]\n" USED "finish max_tokens: max_tokens\n"},
    {SV(START BEGIN("0", TEXT_BLOCK) TEXT("0", "a") REASON("model_context_window_exceeded") STOP),
     STARTED "text 0 [a]\n" USED "finish max_tokens: model_context_window_exceeded\n"},
    {SV(START BEGIN("0", TEXT_BLOCK) TEXT("0", "a") REASON("pause_turn") STOP),
     STARTED "text 0 [a]\n" USED "finish paused: pause_turn\n"},
    {SV(START BEGIN("0", TEXT_BLOCK) TEXT("0", "a") REASON("news") STOP),
     STARTED "text 0 [a]\n" USED "finish unknown: news\n"},
    {SV(START BEGIN("0", TEXT_BLOCK) TEXT("0", "No.")
            EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"refusal\",\"stop_details\":{"
                                   "\"type\":\"refusal\",\"explanation\":\"too risky\"}}") STOP),
     STARTED "text 0 [No.]\nfinish refusal: refusal: too risky\n"},
    {SV(START REASON("end_turn") STOP), STARTED USED "finish end_turn: empty answer (end_turn)\n"},
};

static void decode__maps_reasons(void **state)
{
    (void)state;
    CHECK(ends);
}

#define OVERLOADED                                                                                 \
    "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}"

static const struct codec_case failures[] = {
    /* Before, at and after the first text. */
    {SV("event: error\ndata: " OVERLOADED "\n\n"),
     "error error ERR_SERVER retry: the server is overloaded or not ready: Overloaded\n"},
    {SV(START BEGIN("0", TEXT_BLOCK) "event: error\ndata: " OVERLOADED "\n\n"),
     STARTED "error error ERR_SERVER retry: the server is overloaded or not ready: Overloaded\n"},
    {SV(START BEGIN("0", TEXT_BLOCK) TEXT("0", "kept") "data: " OVERLOADED "\n\n" STOP),
     STARTED "text 0 [kept]\n"
             "error error ERR_SERVER retry: the server is overloaded or not ready: Overloaded\n"},
    /* The kind of the error stands for the status that it would have had. */
    {SV(START "data: {\"type\":\"error\",\"error\":{\"type\":\"billing_error\",\"message\":"
              "\"m\"}}\n\n"),
     STARTED
     "error error ERR_REJECTED final: the server wants to be paid first; check the account: "
     "m\n"},
    {SV(START "data: {\"type\":\"error\",\"error\":{\"type\":\"timeout_error\",\"message\":"
              "\"m\"}}\n\n"),
     STARTED "error error ERR_SERVER retry: the server has trouble behind its gateway: m\n"},
    {SV(START "data: {\"type\":\"error\",\"error\":{\"type\":\"request_too_large\","
              "\"message\":\"m\"}}\n\n"),
     STARTED "error error ERR_TOO_BIG final: the server says that the request is too large: m\n"},
    /* llama.cpp: the inside of the error alone. */
    {SV(START "event: error\ndata: {\"code\":500,\"message\":\"out of slots\",\"type\":"
              "\"server_error\"}\n\n"),
     STARTED "error error ERR_SERVER retry: the server failed: out of slots\n"},
    {SV(START "event: error\ndata: not JSON\n\n"),
     STARTED "error error ERR_SERVER retry: the server failed: not JSON\n"},
    /* The body ends too early, with a call half done and a reason without the last event. */
    {SV(""), "error interrupted ERR_PROTOCOL retry: the stream ended without its last event\n"},
    {SV(START BEGIN("0", TEXT_BLOCK) TEXT("0", "kept") REASON("end_turn")),
     STARTED "text 0 [kept]\n" USED
             "error interrupted ERR_PROTOCOL retry: the stream ended without its last event\n"},
    {SV(START BEGIN("0", CALL_BLOCK("a")) INPUT("0", "{\\\"x")),
     STARTED "tool_call 0 a ls\ntool_input 0 [{\"x]\n"
             "error interrupted ERR_PROTOCOL retry: the stream ended without its last event\n"},
    /* A bad event is passed over, and told when the end is missing. */
    {SV(START "data: {oops\n\n" BEGIN("0", TEXT_BLOCK) TEXT("0", "a\\ud83d\xFF") STOP),
     STARTED "text 0 [a\uFFFD\uFFFD]\nfinish unknown: \n"},
    {SV(START "data: {oops\n\n"), STARTED
     "error interrupted ERR_PROTOCOL retry: the stream ended without its last event, and 1 of "
     "its events were not JSON\n"},
};

static void decode__ends_with_one_error_and_keeps_the_text(void **state)
{
    (void)state;
    CHECK(failures);
}

static void end__says_what_broke_the_body(void **state)
{
    (void)state;
    struct buf log = BUF_INIT(1000);
    struct err err;
    struct decoder *decoder = codec->decoder_new(stream_log, &log);
    assert_int_equal(err_set(&err, ERR_TIMEOUT, "no byte for 120 s"), ERR_TIMEOUT);
    codec->end(decoder, &err);
    assert_string_equal(buf_cstr(&log), "error error ERR_TIMEOUT retry: no byte for 120 s\n");
    codec->decoder_free(decoder);
    codec->decoder_free(NULL);
    buf_release(&log);
}

static void decode_body__reads_a_whole_answer_or_an_error(void **state)
{
    (void)state;
    codec_case_check_body(
        codec,
        SV("{\"id\":\"m1\",\"type\":\"message\",\"model\":\"M\",\"content\":[{\"type\":"
           "\"thinking\","
           "\"thinking\":\"hm\",\"signature\":\"S\"},{\"type\":\"text\",\"text\":\"Hi\"},{\"type\":"
           "\"tool_use\",\"id\":\"a\",\"name\":\"ls\",\"input\":{\"p\": 1}}],\"stop_reason\":"
           "\"tool_use\",\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}"),
        "started m1 M\nreasoning 0 [hm]\nreasoning_end 0 []\n"
        "native 1 [{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"S\"}]\ntext 2 [Hi]\n"
        "tool_call 3 a ls\ntool_input 3 [{\"p\": 1}]\n"
        "usage in 3 out 4 read -1 write -1 reasoning -1 cost -1\ntool_call_end 3 []\n"
        "finish tool_use: tool_use\n");
    codec_case_check_body(codec, SV(OVERLOADED),
                          "error error ERR_SERVER retry: the server is overloaded or not ready: "
                          "Overloaded\n");
    codec_case_check_body(codec, SV("[1]"),
                          "error error ERR_PROTOCOL retry: there is no answer in the JSON: [1]\n");
    codec_case_check_body(codec, SV("<html>"),
                          "error error ERR_PROTOCOL retry: the answer is not JSON: <html>\n");
    codec_case_check_body(codec, SV(" "), "error error ERR_PROTOCOL retry: the answer is empty\n");
}

static void decode__refuses_blocks_without_number(void **state)
{
    (void)state;
    struct buf log = BUF_INIT(CODEC_CASE_LOG_MAX);
    struct decoder *decoder = codec->decoder_new(stream_log, &log);
    for (unsigned i = 0; i < 10000; i++) {
        char event[200];
        (void)snprintf(event, sizeof(event),
                       "{\"type\":\"content_block_start\",\"index\":%u,\"content_block\":{\"type\":"
                       "\"text\",\"text\":\"\"}}",
                       i);
        codec->decode(decoder, SV(""), sv_from(event));
    }
    codec->decoder_free(decoder);
    assert_string_equal(buf_cstr(&log),
                        "error error ERR_TOO_BIG final: the answer has too many blocks\n");
    buf_release(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode__reads_what_servers_send),
        cmocka_unit_test(decode__maps_reasons),
        cmocka_unit_test(decode__ends_with_one_error_and_keeps_the_text),
        cmocka_unit_test(end__says_what_broke_the_body),
        cmocka_unit_test(decode_body__reads_a_whole_answer_or_an_error),
        cmocka_unit_test(decode__refuses_blocks_without_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
