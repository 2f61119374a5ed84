/*
 * Chat Completions, decoding: streams in the dialect of each server, as text in, events out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/app/codec_case.h"

#include <cmocka.h>

#define DONE "data: [DONE]\n\n"
#define CHUNK(choices) "data: {\"id\":\"x1\",\"model\":\"M\",\"choices\":[" choices "]}\n\n"
#define DELTA(members) CHUNK("{\"index\":0,\"delta\":{" members "},\"finish_reason\":null}")
#define TEXT(text) DELTA("\"content\":\"" text "\"")
#define FINISH(reason) CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}")
#define STOP FINISH("stop") DONE

static const struct codec *const codec = &codec_openai_chat;

#define CHECK(cases) codec_case_check(codec, cases, COUNT_OF(cases))
#define STARTED "started x1 M\n"

static const struct codec_case servers[] = {
    /* OpenAI */
    {SV("data: {\"id\":\"x1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"M\","
        "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
        "\"finish_reason\":null}],\"usage\":null,\"obfuscation\":\"xx\"}\n\n" TEXT("Look") DELTA(
            "\"tool_calls\":[{\"index\":0,\"id\":\"c9\",\"type\":\"function\",\"function\":{"
            "\"name\":\"ls\",\"arguments\":\"\"}}]")
            DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"p\\\":\"}}]")
                DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\\\"s\\\"}\"}}]")
                    FINISH("tool_calls") "data: "
                                         "{\"id\":\"x1\",\"choices\":[],\"usage\":{\"prompt_"
                                         "tokens\":20,"
                                         "\"completion_tokens\":9,\"total_tokens\":29,\"prompt_"
                                         "tokens_details\":{"
                                         "\"cached_tokens\":5},\"completion_tokens_details\":{"
                                         "\"reasoning_tokens\":"
                                         "2}}}\n\n" DONE),
     STARTED "text 0 [Look]\ntool_call 1 c9 ls\ntool_input 1 [{\"p\":]\ntool_input 1 [\"s\"}]\n"
             "usage in 15 out 9 read 5 write -1 reasoning 2 cost -1\ntool_call_end 1 []\n"
             "finish tool_use: tool_calls\n"},
    /* llama.cpp: null content first, reasoning, usage with timings, comments between */
    {SV(DELTA("\"role\":\"assistant\",\"content\":null") ":\n\n" DELTA(
         "\"reasoning_content\":\"hm\"") DELTA("\"reasoning_content\":\"m\"") TEXT("Hi")
            FINISH("sto"
                   "p") "data: "
                        "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4},"
                        "\"timings\":{\"prompt_n\":3}}\n\n" DONE),
     STARTED "reasoning 0 [hm]\nreasoning 0 [m]\nreasoning_end 0 []\ntext 1 [Hi]\n"
             "usage in 3 out 4 read -1 write -1 reasoning -1 cost -1\nfinish end_turn: stop\n"},
    /* llama.cpp, n = 2: only the first choice is read */
    {SV(CHUNK("{\"index\":1,\"delta\":{\"content\":\"other\"},\"finish_reason\":\"length\"}")
            TEXT("mine") STOP),
     STARTED "text 0 [mine]\nfinish end_turn: stop\n"},
    /* vLLM: `reasoning`, usage on every chunk, a final one without keys */
    {SV("data: {\"id\":\"x1\",\"model\":\"M\",\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":"
        "\"r\"},\"stop_reason\":null}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\n"
        "data: {\"id\":\"x1\",\"model\":\"M\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
        "\"t\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":"
        "2}}\n\ndata: {\"choices\":null,\"usage\":{}}\n\n" DONE),
     STARTED "reasoning 0 [r]\nusage in 3 out 1 read -1 write -1 reasoning -1 cost -1\n"
             "reasoning_end 0 []\ntext 1 [t]\n"
             "usage in 3 out 2 read -1 write -1 reasoning -1 cost -1\nfinish end_turn: stop\n"},
    /* OpenRouter: comments, the same reasoning twice, cost */
    {SV(": OPENROUTER PROCESSING\n\n" DELTA(
         "\"reasoning\":\"r\",\"reasoning_content\":\"r\",\"reasoning_details\":[{\"type\":"
         "\"reasoning.text\",\"text\":\"r\"}]")
            TEXT("t") "data: {\"id\":\"x1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},"
                      "\"finish_reason\":\"stop\",\"native_finish_reason\":\"STOP\"}],\"usage\":{"
                      "\"prompt_tokens\":10,\"completion_tokens\":2,\"cost\":0.001234,"
                      "\"prompt_tokens_details\":{\"cached_tokens\":4,\"cache_write_tokens\":6}}}"
                      "\n\n" DONE),
     STARTED "reasoning 0 [r]\nreasoning_end 0 []\ntext 1 [t]\n"
             "usage in 0 out 2 read 4 write 6 reasoning -1 cost 1234\n"
             "native 2 [{\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"r\"}]}]\n"
             "finish end_turn: stop\n"},
    /* Groq: usage in x_groq */
    {SV("data: {\"id\":\"x1\",\"model\":\"M\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
        "\"a\"}}],\"x_groq\":{\"id\":\"req\"}}\n\n"
        "data: {\"id\":\"x1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],"
        "\"x_groq\":{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}}\n\n" DONE),
     STARTED "text 0 [a]\nusage in 1 out 2 read -1 write -1 reasoning -1 cost -1\n"
             "finish end_turn: stop\n"},
    /* DeepSeek: cache hits, keep-alive comments */
    {SV(": keep-alive\n\n" DELTA("\"content\":null,\"reasoning_content\":\"r\"") DELTA(
         "\"content\":\"t\",\"reasoning_content\":null") "data: "
                                                         "{\"id\":\"x1\",\"choices\":[{\"index\":0,"
                                                         "\"delta\":{\"content\":\"\"},"
                                                         "\"finish_reason\":\"length\"}],\"usage\":"
                                                         "{\"prompt_tokens\":9,"
                                                         "\"completion_tokens\":2,\"prompt_cache_"
                                                         "hit_tokens\":8,"
                                                         "\"prompt_cache_miss_tokens\":1}}"
                                                         "\n\n" DONE),
     STARTED "reasoning 0 [r]\nreasoning_end 0 []\ntext 1 [t]\n"
             "usage in 1 out 2 read 8 write -1 reasoning -1 cost -1\nfinish max_tokens: length\n"},
    /* Mistral: content as an array, thinking in it, model_length */
    {SV(DELTA("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"r\"}"
              "]}]")
            DELTA("\"content\":[{\"type\":\"text\",\"text\":\"t\"},{\"type\":\"reference\""
                  ",\"reference_ids\":[1]},\"u\"]") "data: "
                                                    "{\"id\":\"x1\",\"choices\":[{\"index\":0,"
                                                    "\"delta\":{\"content\":\"v\"},"
                                                    "\"finish_reason\":\"model_length\"}],"
                                                    "\"usage\":{\"prompt_tokens\":5,"
                                                    "\"completion_tokens\":1,\"num_cached_tokens\":"
                                                    "2}}\n\n" DONE),
     STARTED "reasoning 0 [r]\nreasoning_end 0 []\ntext 1 [t]\ntext 1 [u]\ntext 1 [v]\n"
             "usage in 3 out 1 read 2 write -1 reasoning -1 cost -1\n"
             "finish max_tokens: model_length\n"},
    /* Ollama: whole calls in one chunk */
    {SV(DELTA("\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
              "{\"id\":\"call_a\",\"index\":0,\"type\":\"function\",\"function\":{\"name\":\"f\","
              "\"arguments\":\"{\\\"x\\\":1}\"}},"
              "{\"id\":\"call_b\",\"index\":1,\"type\":\"function\",\"function\":{\"name\":\"g\","
              "\"arguments\":\"\"}}]") STOP),
     STARTED "tool_call 0 call_a f\ntool_input 0 [{\"x\":1}]\ntool_call 1 call_b g\n"
             "tool_call_end 0 []\ntool_input 1 [{}]\ntool_call_end 1 []\n"
             "finish tool_use: stop\n"},
    /* A clean end after the finish reason, without [DONE] and without the last blank line */
    {SV(TEXT("a") "data: {\"id\":\"x1\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}"),
     STARTED "text 0 [a]\nfinish end_turn: stop\n"},
    /* CRLF, a byte order mark, unknown members and events, what comes after the end */
    {SV("\xEF\xBB\xBF"
        "data: {\"id\":\"x1\",\"model\":\"M\",\"choices\":[{\"delta\":{\"content\":\"a\"},"
        "\"logprobs\":null}]}\r\n\r\ndata: {\"type\":\"keepalive\"}\r\n\r\ndata:\r\n\r\n"
        "data: {broken\r\n\r\ndata: [1]\r\n\r\ndata: null\r\n\r\n"
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\r\n\r\n"
        "data:[DONE]\r\n\r\ndata: {\"error\":\"late\"}\r\n\r\n"),
     STARTED "text 0 [a]\nfinish end_turn: stop\n"},
};

static void decode__reads_every_dialect_wherever_it_is_cut(void **state)
{
    (void)state;
    CHECK(servers);
}

#define CALL(members) DELTA("\"tool_calls\":[{" members "}]")
#define NAMED(name, args) "\"function\":{\"name\":\"" name "\",\"arguments\":\"" args "\"}"
#define ARGS(args) "\"function\":{\"arguments\":\"" args "\"}"

static const struct codec_case calls[] = {
    /* two calls, interleaved by index */
    {SV(CALL("\"index\":0,\"id\":\"a\"," NAMED("f", "1")) CALL("\"index\":1,\"id\":\"b\"," NAMED(
         "g", "2")) CALL("\"index\":0," ARGS("3")) CALL("\"index\":1," ARGS("4")) STOP),
     STARTED "tool_call 0 a f\ntool_input 0 [1]\ntool_call 1 b g\ntool_input 1 [2]\n"
             "tool_input 0 [3]\ntool_input 1 [4]\ntool_call_end 0 []\ntool_call_end 1 []\n"
             "finish tool_use: stop\n"},
    /* no index: by id, else the latest */
    {SV(CALL("\"id\":\"a\"," NAMED("f", "1")) CALL("\"id\":\"b\"," NAMED("g", "2"))
            CALL("\"id\":\"a\"," ARGS("3")) CALL(ARGS("4")) STOP),
     STARTED "tool_call 0 a f\ntool_input 0 [1]\ntool_call 1 b g\ntool_input 1 [2]\n"
             "tool_input 0 [3]\ntool_input 1 [4]\ntool_call_end 0 []\ntool_call_end 1 []\n"
             "finish tool_use: stop\n"},
    /* every call as index 0: a new id is a new call */
    {SV(CALL("\"index\":0,\"id\":\"a\"," NAMED("f", "1"))
            CALL("\"index\":0,\"id\":\"b\"," NAMED("f", "2")) STOP),
     STARTED "tool_call 0 a f\ntool_input 0 [1]\ntool_call 1 b f\ntool_input 1 [2]\n"
             "tool_call_end 0 []\ntool_call_end 1 []\nfinish tool_use: stop\n"},
    /* the name comes late, id and name are repeated */
    {SV(CALL("\"index\":0,\"id\":\"a\"," ARGS("1")) CALL("\"index\":0,\"id\":\"a\"," NAMED(
         "f", "2")) CALL("\"index\":0,\"id\":\"a\"," NAMED("f", "3")) STOP),
     STARTED "tool_call 0 a f\ntool_input 0 [1]\ntool_input 0 [2]\ntool_input 0 [3]\n"
             "tool_call_end 0 []\nfinish tool_use: stop\n"},
    /* arguments as an object; the old function_call */
    {SV(CALL("\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":[1]}}")
            STOP),
     STARTED "tool_call 0 a f\ntool_input 0 [{\"x\":[1]}]\ntool_call_end 0 []\n"
             "finish tool_use: stop\n"},
    /* text around a call; a call that is cut at the token limit is not ended */
    {SV(TEXT("a") CALL("\"index\":0,\"id\":\"a\"," NAMED("f", "1")) TEXT("b") FINISH("length")
            DONE),
     STARTED "text 0 [a]\ntool_call 1 a f\ntool_input 1 [1]\ntext 2 [b]\n"
             "finish max_tokens: length\n"},
    /* the reason says calls, but none came */
    {SV(TEXT("a") FINISH("tool_calls") DONE), STARTED "text 0 [a]\nfinish end_turn: tool_calls\n"},
};

static void decode__assembles_tool_calls(void **state)
{
    (void)state;
    CHECK(calls);
}

static void decode__makes_ids_where_there_are_none(void **state)
{
    (void)state;
    static const struct sv streams[] = {
        SV(CALL("\"index\":0,\"id\":\"\"," NAMED("f", "1")) CALL("\"index\":1,\"id\":null," NAMED(
            "g", "2")) CALL("\"index\":2,\"id\":\"null\"," NAMED("h", "3")) STOP),
        SV(CALL("\"index\":0," NAMED("f", "1")) CALL("\"index\":0," NAMED("g", "2"))
               CALL(NAMED("h", "3")) STOP),
    };
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        struct buf log = BUF_INIT(CODEC_CASE_LOG_MAX);
        struct buf again = BUF_INIT(CODEC_CASE_LOG_MAX);
        codec_case_run(codec, streams[i], 0, NULL, &log);
        codec_case_run(codec, streams[i], 100, NULL, &again);
        assert_string_equal(buf_cstr(&log), buf_cstr(&again));
        for (unsigned part = 0; part < 3; part++) {
            char start[32];
            snprintf(start, sizeof(start), "tool_call %u call_", part);
            assert_non_null(strstr(log.p, start));
        }
        const char *first = strstr(log.p, "call_");
        const char *second = strstr(strstr(log.p, "tool_call 1"), "call_");
        assert_memory_not_equal(strstr(first + 5, "call_"), second + 5, 16);
        assert_null(strstr(log.p, "tool_call 3"));
        buf_release(&log);
        buf_release(&again);
    }
}

static const struct codec_case orders[] = {
    /* interleaving is kept */
    {SV(DELTA("\"reasoning\":\"r\"") TEXT("a") DELTA("\"reasoning\":\"s\"") STOP),
     STARTED "reasoning 0 [r]\nreasoning_end 0 []\ntext 1 [a]\nreasoning 2 [s]\n"
             "reasoning_end 2 []\nfinish end_turn: stop\n"},
    {SV(DELTA("\"reasoning\":\"r\"") CALL("\"index\":0,\"id\":\"a\"," NAMED("f", "1")) STOP),
     STARTED "reasoning 0 [r]\nreasoning_end 0 []\ntool_call 1 a f\ntool_input 1 [1]\n"
             "tool_call_end 1 []\nfinish tool_use: stop\n"},
    /* refusals */
    {SV(DELTA("\"refusal\":\"I \"") DELTA("\"refusal\":\"won't\"") STOP),
     STARTED "text 0 [I ]\ntext 0 [won't]\nfinish refusal: stop\n"},
    {SV(TEXT("a") FINISH("content_filter") DONE),
     STARTED "text 0 [a]\nfinish content_filter: content_filter\n"},
    {SV(TEXT("a") FINISH("novel_reason") DONE),
     STARTED "text 0 [a]\nfinish unknown: novel_reason\n"},
    /* a whole answer in one event; and what says the same twice */
    {SV("data: "
        "{\"id\":\"x1\",\"model\":\"M\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"hi\"},"
        "\"finish_reason\":\"stop\"}]}\n\n" DONE),
     STARTED "text 0 [hi]\nfinish end_turn: stop\n"},
    {SV("data: "
        "{\"id\":\"x1\",\"model\":\"M\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},"
        "\"message\":"
        "{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\n" DONE),
     STARTED "text 0 [hi]\nfinish end_turn: stop\n"},
    /* empty answers */
    {SV(DELTA("\"role\":\"assistant\"") STOP), STARTED "finish end_turn: empty answer (stop)\n"},
    {SV(DELTA("\"reasoning\":\"r\"") FINISH("length") DONE),
     STARTED "reasoning 0 [r]\nreasoning_end 0 []\nfinish max_tokens: empty answer (length)\n"},
    {SV(DONE), "finish unknown: empty answer (no reason given)\n"},
    {SV(TEXT("a") DONE), STARTED "text 0 [a]\nfinish unknown: \n"},
    /* characters that are none */
    {SV(TEXT("x\\ud83d\\u0000\xFFy") STOP),
     STARTED "text 0 [x\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDy]\nfinish end_turn: stop\n"},
};

static void decode__keeps_order_and_maps_reasons(void **state)
{
    (void)state;
    CHECK(orders);
}

static const struct codec_case thoughts[] = {
    {SV(TEXT("<think>") TEXT("hm") TEXT("</think>") TEXT("\\n\\nHi") STOP),
     STARTED "reasoning 0 [hm]\nreasoning_end 0 []\ntext 1 [Hi]\nfinish end_turn: stop\n"},
    {SV(TEXT("\\n<th") TEXT("ink>\\nhm</thi") TEXT("s></th") TEXT("ink>Hi") STOP),
     STARTED "reasoning 0 [hm]\nreasoning 0 [</this>]\nreasoning_end 0 []\ntext 1 [Hi]\n"
             "finish end_turn: stop\n"},
    {SV(TEXT("<think></think>Hi") STOP), STARTED "text 0 [Hi]\nfinish end_turn: stop\n"},
    {SV(TEXT("<thin") TEXT("g>") STOP), STARTED "text 0 [<thing>]\nfinish end_turn: stop\n"},
    {SV(TEXT("<thin") STOP), STARTED "text 0 [<thin]\nfinish end_turn: stop\n"},
    {SV(TEXT("a <think>b</think>") STOP),
     STARTED "text 0 [a <think>b</think>]\nfinish end_turn: stop\n"},
    {SV(TEXT("<think>hm</th") STOP),
     STARTED "reasoning 0 [hm]\nreasoning 0 [</th]\nreasoning_end 0 []\n"
             "finish end_turn: empty answer (stop)\n"},
    {SV(TEXT("<think>hm</th")),
     STARTED "reasoning 0 [hm]\nreasoning 0 [</th]\n"
             "error interrupted ERR_PROTOCOL retry: the stream ended without its last event\n"},
    {SV(DELTA("\"reasoning\":\"r\"") TEXT("<think>a</think>") STOP),
     STARTED "reasoning 0 [r]\nreasoning_end 0 []\ntext 1 [<think>a</think>]\n"
             "finish end_turn: stop\n"},
};

static void decode__takes_inline_reasoning_at_the_start(void **state)
{
    (void)state;
    CHECK(thoughts);
}

static const struct codec_case errors[] = {
    /* no last event */
    {SV(""), "error interrupted ERR_PROTOCOL retry: the stream ended without its last event\n"},
    {SV(TEXT("a")), STARTED "text 0 [a]\nerror interrupted ERR_PROTOCOL retry: the stream ended "
                            "without its last event\n"},
    {SV(TEXT("a") "data: {\"cho\n\n"),
     STARTED "text 0 [a]\nerror interrupted ERR_PROTOCOL retry: the stream ended without its last "
             "event, and 1 of its events were not JSON\n"},
    /* vLLM: an error followed by a normal end */
    {SV(TEXT("a") "data: {\"error\":{\"message\":\"bad things\",\"type\":\"BadRequestError\","
                  "\"code\":400}}\n\n" DONE),
     STARTED "text 0 [a]\nerror error ERR_REJECTED final: the server rejected the request: bad "
             "things\n"},
    /* llama.cpp: as data, and as a field of its own */
    {SV(TEXT("a") "data: {\"error\":{\"code\":500,\"message\":\"oops\",\"type\":\"server_error\"}}"
                  "\n\n"),
     STARTED "text 0 [a]\nerror error ERR_SERVER retry: the server failed: oops\n"},
    {SV(TEXT("a") "error: {\"code\":500,\"message\":\"oops\",\"type\":\"server_error\"}\n\n"),
     STARTED "text 0 [a]\nerror error ERR_SERVER retry: the server failed: oops\n"},
    /* OpenRouter: with choices in the same chunk */
    {SV("data: {\"id\":\"x1\",\"error\":{\"code\":429,\"message\":\"slow\"},\"choices\":[{"
        "\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n"),
     "error error ERR_RATE_LIMIT retry: the server limits the rate of requests: slow\n"},
    /* LM Studio: a named event */
    {SV("event: error\ndata: {\"error\":{\"message\":\"no model\"}}\n\n"),
     "error error ERR_SERVER retry: the server failed: no model\n"},
    {SV("event: error\ndata: went wrong\n\n"),
     "error error ERR_SERVER retry: the server failed: went wrong\n"},
    /* Groq, Mistral, Google, Ollama, FastAPI */
    {SV(TEXT("a") "data: {\"id\":\"x1\",\"choices\":[],\"x_groq\":{\"error\":\"cut short\"}}\n\n"),
     STARTED "text 0 [a]\nerror error ERR_SERVER retry: the server failed: cut short\n"},
    {SV("data: {\"object\":\"error\",\"message\":\"no\",\"type\":\"invalid_request_error\"}\n\n"),
     "error error ERR_REJECTED final: the server rejected the request: no\n"},
    {SV("data: [{\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE\"}}]\n\n"),
     "error error ERR_SERVER retry: the server is overloaded or not ready: busy\n"},
    {SV("data: {\"error\":\"model stopped\"}\n\n"),
     "error error ERR_SERVER retry: the server failed: model stopped\n"},
    {SV("data: {\"detail\":\"nope\"}\n\n"),
     "error error ERR_SERVER retry: the server failed: nope\n"},
    /* error as the reason */
    {SV(TEXT("a") FINISH("insufficient_system_resource") DONE),
     STARTED "text 0 [a]\nerror error ERR_SERVER retry: the server ended the answer with "
             "'insufficient_system_resource'\n"},
    /* an error that is null is none */
    {SV("data: {\"id\":\"x1\",\"model\":\"M\",\"error\":null,\"choices\":[{\"delta\":{\"content\":"
        "\"a\"},\"finish_reason\":\"stop\"}]}\n\n"),
     STARTED "text 0 [a]\nfinish end_turn: stop\n"},
};

/* OpenRouter's details in pieces, Google's signature on a call: kept to be sent back. */
static const struct codec_case natives[] = {
    {SV(DELTA("\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"a\",\"signature\":"
              "null,\"index\":0},{\"type\":\"reasoning.encrypted\",\"data\":\"x\",\"index\":1},7]")
            DELTA("\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"b\","
                  "\"signature\":\"S\",\"index\":0}]") DELTA("\"reasoning_details\":{}") TEXT("t")
                STOP),
     STARTED "text 0 [t]\nnative 1 "
             "[{\"reasoning_details\":[{\"type\":\"reasoning.text\",\"signature\":\"S\",\"index\":"
             "0,\"text\":\"ab\"},{\"type\":\"reasoning.encrypted\",\"index\":1,\"data\":\"x\"}]}]"
             "\nfinish end_turn: stop\n"},
    {SV(DELTA("\"reasoning_details\":[{\"type\":\"t\",\"text\":\"a\"}]")
            DELTA("\"reasoning_details\":[{\"type\":\"t\",\"text\":\"b\"}]") TEXT("t") STOP),
     STARTED
     "text 0 [t]\nnative 1 [{\"reasoning_details\":[{\"type\":\"t\",\"text\":\"ab\"}]}]\nfinish "
     "end_turn: stop\n"},
    {SV(DELTA(
         "\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":\"{"
         "}\"},\"extra_content\":{\"google\":{\"thought_signature\":\"S\"}}}]") FINISH("tool_calls")
            DONE),
     STARTED "tool_call 0 c1 f\ntool_input 0 [{}]\ntool_call_end 0 []\nnative 1 "
             "[{\"call_id\":\"c1\",\"extra_content\":{\"google\":{\"thought_signature\":\"S\"}}}]"
             "\nfinish tool_use: tool_calls\n"},
};

static void decode__keeps_what_has_to_go_back(void **state)
{
    (void)state;
    CHECK(natives);
}

static void decode__ends_with_one_error(void **state)
{
    (void)state;
    CHECK(errors);
}

static void end__says_what_broke_the_stream(void **state)
{
    (void)state;
    static const struct {
        struct sv stream;
        struct err broken;
        const char *events;
    } cases[] = {
        {SV(TEXT("a")),
         {ERR_TIMEOUT, "no byte for 120 s"},
         STARTED "text 0 [a]\nerror interrupted ERR_TIMEOUT retry: no byte for 120 s\n"},
        {SV(""),
         {ERR_TIMEOUT, "no byte for 300 s"},
         "error error ERR_TIMEOUT retry: no byte for 300 s\n"},
        {SV(TEXT("a")),
         {ERR_TOO_BIG, "too big"},
         STARTED "text 0 [a]\nerror interrupted ERR_TOO_BIG final: too big\n"},
        {SV(""),
         {ERR_PROTOCOL, "connection reset"},
         "error interrupted ERR_PROTOCOL retry: connection reset\n"},
        /* the finish reason had come: the answer is whole */
        {SV(TEXT("a") FINISH("stop")),
         {ERR_PROTOCOL, "connection reset"},
         STARTED "text 0 [a]\nfinish end_turn: stop\n"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf log = BUF_INIT(CODEC_CASE_LOG_MAX);
        codec_case_run(codec, cases[i].stream, 0, &cases[i].broken, &log);
        assert_string_equal(buf_cstr(&log), cases[i].events);
        buf_release(&log);
    }
}

static void decode_body__reads_a_whole_answer_or_an_error(void **state)
{
    (void)state;
    codec_case_check_body(
        codec,
        SV("\n\n {\"id\":\"x1\",\"model\":\"M\",\"choices\":[{\"index\":0,\"message\":{"
           "\"role\":\"assistant\",\"reasoning_content\":\"r\",\"content\":\"Hi\","
           "\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"1\"}}"
           ",{\"id\":\"\",\"function\":{\"name\":\"g\",\"arguments\":\"2\"}}]},"
           "\"finish_reason\":\"tool_calls\"}],\"usage\":{\"prompt_tokens\":1}}"),
        STARTED "reasoning 0 [r]\nreasoning_end 0 []\ntext 1 [Hi]\ntool_call 2 a f\n"
                "tool_input 2 [1]\ntool_call 3 call_beffb5197f569b59 g\n"
                "tool_input 3 [2]\nusage in 1 out -1 read -1 write -1 reasoning -1 cost "
                "-1\ntool_call_end 2 []\ntool_call_end 3 []\n"
                "finish tool_use: tool_calls\n");
    codec_case_check_body(
        codec, SV("{\"error\":{\"message\":\"no\",\"code\":\"model_not_found\"}}"),
        "error error ERR_REJECTED final: the server knows no such model or address; check "
        "the model's "
        "name and the base URL: no\n");
    codec_case_check_body(codec, SV("<html>busy</html>"),
                          "error error ERR_PROTOCOL retry: the answer is not JSON: "
                          "<html>busy</html>\n");
    codec_case_check_body(codec, SV(""), "error error ERR_PROTOCOL retry: the answer is empty\n");
    codec_case_check_body(codec, SV("{\"ok\":true}"),
                          "error error ERR_PROTOCOL retry: there is no answer in the JSON: "
                          "{\"ok\":true}\n");
    codec_case_check_body(codec, SV("{\"id\":\"x1\",\"model\":\"M\",\"choices\":[]}"),
                          STARTED "finish unknown: empty answer (no reason given)\n");
}

struct tally {
    size_t lasts;
    uint64_t bytes;
    enum err_code error;
    uint32_t parts;
    bool sound;
};

static void tally_sink(void *ctx, const struct stream_event *event)
{
    struct tally *tally = ctx;
    tally->sound = tally->sound && tally->lasts == 0 && stream_log_is_valid(event->text) &&
                   stream_log_is_valid(event->id) && stream_log_is_valid(event->name) &&
                   event->part <= tally->parts;
    tally->parts = event->part == tally->parts ? event->part + 1 : tally->parts;
    tally->lasts += stream_event_is_last(event);
    tally->bytes += event->text.n;
    tally->error = event->error;
}

static void decode__stops_at_64_mib(void **state)
{
    (void)state;
    struct tally tally = {.sound = true};
    struct decoder *decoder = codec->decoder_new(tally_sink, &tally);
    struct buf event = BUF_INIT(CODEC_CASE_LOG_MAX);
    (void)buf_append_str(&event, "{\"id\":\"x\",\"choices\":[{\"delta\":{\"content\":\"");
    for (size_t i = 0; i < (size_t)1 << 20; i++) {
        (void)buf_append_byte(&event, 'x');
    }
    (void)buf_append_str(&event, "\"}}]}");
    for (int i = 0; i < 70; i++) {
        codec->decode(decoder, SV("message"), buf_sv(&event));
        assert_int_equal(tally.lasts, i >= 64);
    }
    codec->end(decoder, NULL);
    assert_int_equal(tally.error, ERR_TOO_BIG);
    assert_true(tally.bytes <= ((uint64_t)64 << 20) + ERR_TEXT_SIZE);
    assert_true(tally.sound);
    codec->decoder_free(decoder);
    codec->decoder_free(NULL);
    buf_release(&event);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* Overwrites, removes or doubles a few runs of bytes. */
static void mutate(struct buf *stream, uint32_t *seed)
{
    static const char telling[] = "\n\r:{}[]\"\\u0\xFF\xED,tn ";
    for (uint32_t times = next_random(seed) % 6; times > 0 && stream->n > 16; times--) {
        size_t at = next_random(seed) % stream->n;
        size_t length = next_random(seed) % 16;
        char byte = telling[next_random(seed) % (sizeof(telling) - 1)];
        switch (next_random(seed) % 4) {
        case 0:
            stream->p[at] = byte;
            break;
        case 1:
            (void)buf_insert(stream, at, &byte, 1);
            break;
        case 2:
            buf_remove(stream, at, length);
            break;
        default: {
            char copy[16];
            length = length < stream->n - at ? length : stream->n - at;
            memcpy(copy, stream->p + at, length);
            (void)buf_insert(stream, next_random(seed) % stream->n, copy, length);
            break;
        }
        }
    }
}

static void run_mutant(struct sv stream, size_t cut)
{
    struct tally tally = {.sound = true};
    struct decoder *decoder = codec->decoder_new(tally_sink, &tally);
    struct codec_feeding feeding = {codec, decoder};
    codec_case_feed(&feeding, stream, cut, true);
    codec->end(decoder, NULL);
    codec->decoder_free(decoder);
    assert_int_equal(tally.lasts, 1);
    assert_true(tally.sound);
}

static void decode__survives_twenty_thousand_mutations(void **state)
{
    (void)state;
    static const struct {
        const struct codec_case *cases;
        size_t count;
    } corpus[] = {{servers, COUNT_OF(servers)},
                  {calls, COUNT_OF(calls)},
                  {orders, COUNT_OF(orders)},
                  {thoughts, COUNT_OF(thoughts)},
                  {errors, COUNT_OF(errors)}};
    uint32_t seed = 20261121;
    struct buf stream = BUF_INIT(CODEC_CASE_LOG_MAX);
    for (int i = 0; i < 20000; i++) {
        size_t which = next_random(&seed) % COUNT_OF(corpus);
        struct sv origin = corpus[which].cases[next_random(&seed) % corpus[which].count].body;
        buf_clear(&stream);
        (void)buf_append_sv(&stream, origin);
        mutate(&stream, &seed);
        run_mutant(buf_sv(&stream), next_random(&seed) % (stream.n + 1));
    }
    buf_release(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode__reads_every_dialect_wherever_it_is_cut),
        cmocka_unit_test(decode__assembles_tool_calls),
        cmocka_unit_test(decode__makes_ids_where_there_are_none),
        cmocka_unit_test(decode__keeps_order_and_maps_reasons),
        cmocka_unit_test(decode__takes_inline_reasoning_at_the_start),
        cmocka_unit_test(decode__keeps_what_has_to_go_back),
        cmocka_unit_test(decode__ends_with_one_error),
        cmocka_unit_test(end__says_what_broke_the_stream),
        cmocka_unit_test(decode_body__reads_a_whole_answer_or_an_error),
        cmocka_unit_test(decode__stops_at_64_mib),
        cmocka_unit_test(decode__survives_twenty_thousand_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
