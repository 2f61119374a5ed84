/*
 * Gemini's generateContent: decoding.
 *
 * Each event is a whole response of which the texts have to be put together; the end is the end of
 * the body after a chunk with a finishReason. Function calls come whole. What Gemini wants back as
 * it was is kept as native items: parts with a function call (their signature is checked), a
 * signature on a text as an empty text of its own behind it, and parts of kinds unknown here.
 *
 * Source: Gemini API reference, generateContent and "thought signatures" (as of 2026).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/codec_flow.h"
#include "app/codec_gemini_internal.h"
#include "base/alloc.h"

struct decoder {
    struct codec_flow flow;
    bool refused; /* the prompt was blocked */
};

static struct decoder *gemini_decoder_new(stream_sink_fn *sink, void *ctx)
{
    struct decoder *decoder = xcalloc(1, sizeof(*decoder));
    codec_flow_init(&decoder->flow, sink, ctx);
    return decoder;
}

static void gemini_decoder_free(struct decoder *decoder)
{
    if (decoder) {
        codec_flow_release(&decoder->flow);
        free(decoder);
    }
}

static void keep(struct decoder *decoder, struct sv stands_for, struct sv raw)
{
    struct buf json = BUF_INIT(raw.n * 3);
    (void)json_append_repaired(&json, raw);
    codec_out_native(&decoder->flow.out, stands_for, buf_sv(&json));
    buf_release(&json);
}

static void take_call(struct decoder *decoder, const cJSON *call, struct sv raw)
{
    char number[16];
    struct sv arguments = json_raw_get(json_raw_get(raw, SV("functionCall")), SV("args"));
    bool has_arguments = cJSON_IsObject(json_get(call, "args"));
    uint32_t part =
        codec_flow_call(&decoder->flow, json_get_text(call, "id"), json_get_text(call, "name"),
                        has_arguments ? arguments : (struct sv){NULL, 0});
    (void)snprintf(number, sizeof number, "%u", part);
    keep(decoder, sv_from(number), raw);
}

static void keep_signature(struct decoder *decoder, struct sv signature)
{
    struct buf json = BUF_INIT(signature.n * 6 + 64);
    (void)buf_append_str(&json, "{\"text\":\"\",\"thoughtSignature\":");
    (void)json_append_string(&json, signature);
    (void)buf_append_byte(&json, '}');
    codec_out_native(&decoder->flow.out, (struct sv){NULL, 0}, buf_sv(&json));
    buf_release(&json);
}

static void take_part(struct decoder *decoder, const cJSON *part, struct sv raw)
{
    const cJSON *call = json_get(part, "functionCall");
    const cJSON *text = json_get(part, "text");
    struct sv signature = json_get_text(part, "thoughtSignature");
    if (cJSON_IsObject(call)) {
        take_call(decoder, call, raw);
    } else if (cJSON_IsString(text)) {
        bool thought = cJSON_IsTrue(json_get(part, "thought"));
        codec_flow_text(&decoder->flow, thought ? STREAM_REASONING : STREAM_TEXT,
                        sv_from(text->valuestring));
        if (signature.n) {
            keep_signature(decoder, signature);
        }
    } else if (cJSON_IsObject(part)) {
        keep(decoder, (struct sv){NULL, 0}, raw);
    }
}

static void take_candidate(struct decoder *decoder, const cJSON *candidate, struct sv raw)
{
    int64_t index = 0;
    if (json_get_int(candidate, "index", &index) && index != 0) {
        return;
    }
    struct sv rest = json_raw_get(json_raw_get(raw, SV("content")), SV("parts"));
    struct sv item = {NULL, 0};
    const cJSON *part;
    cJSON_ArrayForEach(part, json_get(json_get(candidate, "content"), "parts"))
    {
        bool found = json_next_item(&rest, &item);
        take_part(decoder, part, found ? item : (struct sv){NULL, 0});
    }
    codec_flow_reason(&decoder->flow, json_get_text(candidate, "finishReason"));
}

static int64_t count_of(const cJSON *object, const char *name)
{
    int64_t value = 0;
    return json_get_int(object, name, &value) && value >= 0 ? value : USAGE_UNKNOWN;
}

/* Google's input includes what came from the cache, and its output excludes the thoughts. */
static void take_usage(struct decoder *decoder, const cJSON *item)
{
    struct usage usage = usage_unknown();
    int64_t input = count_of(item, "promptTokenCount");
    int64_t answer = count_of(item, "candidatesTokenCount");
    usage.cache_read_tokens = count_of(item, "cachedContentTokenCount");
    usage.reasoning_tokens = count_of(item, "thoughtsTokenCount");
    int64_t cached = usage.cache_read_tokens > 0 ? usage.cache_read_tokens : 0;
    if (input != USAGE_UNKNOWN) {
        usage.input_tokens = cached < input ? input - cached : 0;
    }
    if (answer != USAGE_UNKNOWN || usage.reasoning_tokens != USAGE_UNKNOWN) {
        usage.output_tokens =
            (answer > 0 ? answer : 0) + (usage.reasoning_tokens > 0 ? usage.reasoning_tokens : 0);
    }
    codec_out_usage(&decoder->flow.out, &usage);
}

static void take_response(struct decoder *decoder, const cJSON *root, struct sv raw)
{
    struct sv id = json_get_text(root, "responseId");
    const cJSON *candidates = json_get(root, "candidates");
    struct sv blocked = json_get_text(json_get(root, "promptFeedback"), "blockReason");
    const cJSON *error = json_get(root, "error");
    if (error && !cJSON_IsNull(error)) {
        codec_flow_close(&decoder->flow);
        codec_out_fail_as_said(&decoder->flow.out, raw);
        return;
    }
    if (id.n || candidates || blocked.n) {
        codec_flow_started(&decoder->flow, id, json_get_text(root, "modelVersion"), id);
    }
    struct sv rest = json_raw_get(raw, SV("candidates"));
    struct sv item = {NULL, 0};
    const cJSON *candidate;
    cJSON_ArrayForEach(candidate, candidates)
    {
        bool found = json_next_item(&rest, &item);
        take_candidate(decoder, candidate, found ? item : (struct sv){NULL, 0});
    }
    if (blocked.n && !cJSON_GetArraySize(candidates)) {
        decoder->refused = true;
        codec_flow_reason(&decoder->flow, blocked);
    }
    take_usage(decoder, json_get(root, "usageMetadata"));
}

/* One response, or an array of them. */
static void take_tree(struct decoder *decoder, const cJSON *tree, struct sv raw)
{
    if (!cJSON_IsArray(tree)) {
        take_response(decoder, tree, raw);
        return;
    }
    struct sv item = {NULL, 0};
    const cJSON *root;
    cJSON_ArrayForEach(root, tree)
    {
        bool found = json_next_item(&raw, &item);
        take_response(decoder, root, found ? item : (struct sv){NULL, 0});
    }
}

static const struct {
    const char *word;
    enum finish_reason reason;
} reasons[] = {
    {"STOP", FINISH_END_TURN},
    {"MAX_TOKENS", FINISH_MAX_TOKENS},
    {"SAFETY", FINISH_CONTENT_FILTER},
    {"RECITATION", FINISH_CONTENT_FILTER},
    {"BLOCKLIST", FINISH_CONTENT_FILTER},
    {"PROHIBITED_CONTENT", FINISH_CONTENT_FILTER},
    {"SPII", FINISH_CONTENT_FILTER},
    {"LANGUAGE", FINISH_CONTENT_FILTER},
    {"MALFORMED_FUNCTION_CALL", FINISH_ERROR},
    {"UNEXPECTED_TOOL_CALL", FINISH_ERROR},
    {"TOO_MANY_TOOL_CALLS", FINISH_ERROR},
    {"OTHER", FINISH_ERROR},
    {"NO_IMAGE", FINISH_ERROR},
};

static enum finish_reason map_reason(const struct decoder *decoder)
{
    enum finish_reason reason = FINISH_UNKNOWN;
    struct sv word = sv_from(decoder->flow.raw_reason);
    if (decoder->refused) {
        return FINISH_REFUSAL;
    }
    if (sv_starts_with(word, SV("IMAGE_"))) {
        return FINISH_CONTENT_FILTER;
    }
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (sv_equal_str(word, reasons[i].word)) {
            reason = reasons[i].reason;
        }
    }
    bool done = reason == FINISH_END_TURN || reason == FINISH_UNKNOWN;
    return done && decoder->flow.calls ? FINISH_TOOL_USE : reason;
}

static void gemini_decode(struct decoder *decoder, struct sv type, struct sv data)
{
    struct sv text = sv_trim(data);
    if (decoder->flow.out.last || text.n == 0) {
        return;
    }
    if (sv_equal(type, SV("error"))) {
        codec_flow_close(&decoder->flow);
        codec_out_fail_as_said(&decoder->flow.out, text);
        return;
    }
    cJSON *tree = codec_flow_parse(&decoder->flow, text);
    take_tree(decoder, tree, text);
    cJSON_Delete(tree);
}

/* Without alt=sse, which some gateways drop, the answer is one array of responses. */
static void gemini_decode_body(struct decoder *decoder, struct sv body)
{
    struct sv text = sv_trim(body);
    if (decoder->flow.out.last) {
        return;
    }
    cJSON *tree = json_parse(text);
    if (!tree) {
        codec_out_fail_unreadable(&decoder->flow.out,
                                  text.n ? "the answer is not JSON" : "the answer is empty", text);
    } else {
        take_tree(decoder, tree, text);
    }
    if (tree && !decoder->flow.out.started) {
        codec_out_fail_unreadable(&decoder->flow.out, "there is no answer in the JSON", text);
    }
    cJSON_Delete(tree);
}

static void gemini_end(struct decoder *decoder, const struct err *broken)
{
    if (decoder->flow.raw_reason) {
        codec_flow_finish(&decoder->flow, map_reason(decoder));
    } else {
        codec_flow_close(&decoder->flow);
        codec_out_cut(&decoder->flow.out, broken);
    }
}

const struct codec codec_gemini = {
    .name = "gemini",
    .accept = "text/event-stream",
    .framing = CODEC_SSE,
    .key_header = gemini__key_header,
    .path = gemini__path,
    .encode = gemini__encode,
    .decoder_new = gemini_decoder_new,
    .decode = gemini_decode,
    .decode_body = gemini_decode_body,
    .end = gemini_end,
    .decoder_free = gemini_decoder_free,
};
