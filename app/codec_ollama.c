/*
 * Ollama's own chat protocol: decoding. One JSON object a line; the line with `done` is the last.
 *
 * Some servers with this protocol end twice (the first end counts), give a reason without `done`
 * (then the end of the body is the end), or send nothing but an end (which is said).
 *
 * Source: Ollama API documentation, "Generate a chat completion" (as of 2026).
 */
#include <stdlib.h>

#include "app/codec_flow.h"
#include "app/codec_ollama_internal.h"
#include "app/think.h"
#include "base/alloc.h"

struct decoder {
    struct codec_flow flow;
    struct think think; /* templates that leave the tags in the text */
};

static void take_split_text(void *ctx, bool reasoning, struct sv text)
{
    struct decoder *decoder = ctx;
    codec_flow_text(&decoder->flow, reasoning ? STREAM_REASONING : STREAM_TEXT, text);
}

static struct decoder *ollama_decoder_new(stream_sink_fn *sink, void *ctx)
{
    struct decoder *decoder = xcalloc(1, sizeof(*decoder));
    codec_flow_init(&decoder->flow, sink, ctx);
    think_init(&decoder->think, take_split_text, decoder);
    return decoder;
}

static void ollama_decoder_free(struct decoder *decoder)
{
    if (decoder) {
        codec_flow_release(&decoder->flow);
        think_release(&decoder->think);
        free(decoder);
    }
}

/* Before an error or the end: what was held back of the text goes out. */
static void let_go(struct decoder *decoder)
{
    think_end(&decoder->think);
    codec_flow_close(&decoder->flow);
}

static void take_calls(struct decoder *decoder, const cJSON *calls, struct sv raw)
{
    struct sv item = {NULL, 0};
    const cJSON *call;
    cJSON_ArrayForEach(call, calls)
    {
        bool found = json_next_item(&raw, &item);
        const cJSON *function = json_get(call, "function");
        const cJSON *arguments = json_get(function, "arguments");
        struct sv text = {NULL, 0};
        if (cJSON_IsString(arguments)) {
            text = sv_from(arguments->valuestring);
        } else if (found && cJSON_IsObject(arguments)) {
            text = json_raw_get(json_raw_get(item, SV("function")), SV("arguments"));
        }
        think_end(&decoder->think);
        (void)codec_flow_call(&decoder->flow, json_get_text(call, "id"),
                              json_get_text(function, "name"), text);
    }
}

static int64_t count_of(const cJSON *object, const char *name)
{
    int64_t value = 0;
    return json_get_int(object, name, &value) && value >= 0 ? value : USAGE_UNKNOWN;
}

/* A count of 0 for the prompt, all of it remembered, is left out. */
static void take_usage(struct decoder *decoder, const cJSON *root)
{
    struct usage usage = usage_unknown();
    usage.input_tokens = count_of(root, "prompt_eval_count");
    usage.output_tokens = count_of(root, "eval_count");
    if (usage.input_tokens == USAGE_UNKNOWN && usage.output_tokens != USAGE_UNKNOWN) {
        usage.input_tokens = 0;
    }
    codec_out_usage(&decoder->flow.out, &usage);
}

static enum finish_reason map_reason(const struct decoder *decoder)
{
    struct sv word = sv_from(decoder->flow.raw_reason);
    if (sv_equal(word, SV("length"))) {
        return FINISH_MAX_TOKENS;
    }
    if (decoder->flow.calls) {
        return FINISH_TOOL_USE;
    }
    bool done = word.n == 0 || sv_equal(word, SV("stop"));
    return done ? FINISH_END_TURN : FINISH_UNKNOWN;
}

static void finish(struct decoder *decoder)
{
    let_go(decoder);
    codec_flow_finish(&decoder->flow, map_reason(decoder));
}

static bool has_error(const cJSON *root)
{
    const cJSON *error = json_get(root, "error");
    return cJSON_IsObject(error) || (cJSON_IsString(error) && error->valuestring[0]);
}

static void take_line(struct decoder *decoder, const cJSON *root, struct sv raw)
{
    const cJSON *message = json_get(root, "message");
    if (has_error(root)) {
        let_go(decoder);
        codec_out_fail_as_said(&decoder->flow.out, raw);
        return;
    }
    if (message) {
        codec_flow_started(&decoder->flow, (struct sv){NULL, 0}, json_get_text(root, "model"),
                           json_get_text(root, "created_at"));
    }
    struct sv thinking = json_get_text(message, "thinking");
    if (thinking.n) {
        think_end(&decoder->think);
        codec_flow_text(&decoder->flow, STREAM_REASONING, thinking);
    }
    think_feed(&decoder->think, json_get_text(message, "content"));
    take_calls(decoder, json_get(message, "tool_calls"),
               json_raw_get(json_raw_get(raw, SV("message")), SV("tool_calls")));
    codec_flow_reason(&decoder->flow, json_get_text(root, "done_reason"));
    if (cJSON_IsTrue(json_get(root, "done"))) {
        take_usage(decoder, root);
        finish(decoder);
    }
}

static void ollama_decode(struct decoder *decoder, struct sv type, struct sv data)
{
    (void)type;
    struct sv text = sv_trim(data);
    if (decoder->flow.out.last || text.n == 0) {
        return;
    }
    cJSON *tree = codec_flow_parse(&decoder->flow, text);
    take_line(decoder, tree, text);
    cJSON_Delete(tree);
}

/* Gateways that know no NDJSON call it JSON, one line or many. */
static void ollama_decode_body(struct decoder *decoder, struct sv body)
{
    struct sv rest = sv_trim(body);
    struct sv line = {NULL, 0};
    bool is_one = sv_find(rest, '\n') == rest.n;
    cJSON *whole = is_one ? NULL : json_parse(rest);
    if (whole) {
        take_line(decoder, whole, rest);
        cJSON_Delete(whole);
        rest.n = 0;
    }
    while (sv_next_line(&rest, &line)) {
        ollama_decode(decoder, (struct sv){NULL, 0}, line);
    }
    if (!decoder->flow.out.last && !decoder->flow.out.started && !decoder->flow.raw_reason) {
        const char *what =
            sv_trim(body).n ? "there is no answer in the body" : "the answer is empty";
        codec_out_fail_unreadable(&decoder->flow.out, what, sv_trim(body));
    }
}

static void ollama_end(struct decoder *decoder, const struct err *broken)
{
    if (decoder->flow.out.last) {
        return;
    }
    if (decoder->flow.raw_reason && !broken) {
        finish(decoder);
    } else {
        let_go(decoder);
        codec_out_cut(&decoder->flow.out, broken);
    }
}

static const char *ollama_key_header(const struct chat_request *request)
{
    (void)request;
    return "Authorization: Bearer ";
}

static void ollama_path(const struct chat_request *request, struct buf *out)
{
    (void)request;
    (void)buf_append_str(out, "/api/chat");
}

const struct codec codec_ollama = {
    .name = "ollama",
    .accept = "application/x-ndjson",
    .framing = CODEC_NDJSON,
    .key_header = ollama_key_header,
    .path = ollama_path,
    .encode = ollama__encode,
    .decoder_new = ollama_decoder_new,
    .decode = ollama_decode,
    .decode_body = ollama_decode_body,
    .end = ollama_end,
    .decoder_free = ollama_decoder_free,
};
