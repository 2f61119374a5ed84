/*
 * Chat Completions: the protocol of OpenAI and the dialect of most other servers; decoding.
 *
 * An answer is whole when `[DONE]` came, or the body ended after a finish reason; the reason alone
 * ends nothing, since the usage follows it. Each event is looked at for an error first: some
 * servers send one and then end as if nothing had been. Only choice 0 is read.
 *
 * Source: the OpenAI API reference, and what compatible servers were seen to send (as of 2026).
 */
#include <stdlib.h>
#include <string.h>

#include "app/codec_openai_chat_internal.h"
#include "app/json.h"
#include "base/alloc.h"
#include "base/utf8.h"

#define REASON_BYTES 64

static void take_split_text(void *ctx, bool reasoning, struct sv text)
{
    struct decoder *decoder = ctx;
    if (text.n == 0) {
        return;
    }
    openai_chat__open(decoder, reasoning ? CHAT_OPEN_REASONING : CHAT_OPEN_TEXT);
    codec_out_text(&decoder->out, reasoning ? STREAM_REASONING : STREAM_TEXT, decoder->part, text);
}

static struct decoder *chat_decoder_new(stream_sink_fn *sink, void *ctx)
{
    struct decoder *decoder = xcalloc(1, sizeof(*decoder));
    codec_out_init(&decoder->out, sink, ctx);
    think_init(&decoder->think, take_split_text, decoder);
    return decoder;
}

static void chat_decoder_free(struct decoder *decoder)
{
    if (!decoder) {
        return;
    }
    openai_chat__free_calls(decoder);
    think_release(&decoder->think);
    openai_chat__free_details(decoder);
    free(decoder->stream_id);
    free(decoder->raw_reason);
    free(decoder);
}

static void close_part(struct decoder *decoder)
{
    if (decoder->open == CHAT_OPEN_REASONING) {
        codec_out_reasoning_end(&decoder->out, decoder->part);
    }
    decoder->open = CHAT_OPEN_NONE;
}

void openai_chat__open(struct decoder *decoder, enum chat_open kind)
{
    if (decoder->open != kind || kind == CHAT_OPEN_CALL) {
        close_part(decoder);
        decoder->open = kind;
        if (kind != CHAT_OPEN_CALL) {
            decoder->part = decoder->out.next_part++;
        }
    }
}

/* Before an error: what was held back of the text goes out. */
static void let_go(struct decoder *decoder)
{
    think_end(&decoder->think);
    openai_chat__end_calls(decoder, false);
}

static void take_reasoning(struct decoder *decoder, struct sv text)
{
    if (text.n) {
        think_end(&decoder->think);
        take_split_text(decoder, true, text);
    }
}

/* The text of an item of a content array: {"text":"…"}, or {"thinking":[{"text":"…"}]}. */
static void take_item(struct decoder *decoder, const cJSON *item)
{
    const cJSON *thinking = json_get(item, "thinking");
    if (cJSON_IsString(item)) {
        think_feed(&decoder->think, sv_from(item->valuestring));
    } else if (cJSON_IsString(thinking)) {
        take_reasoning(decoder, sv_from(thinking->valuestring));
    } else if (cJSON_IsArray(thinking)) {
        const cJSON *piece;
        cJSON_ArrayForEach(piece, thinking)
        {
            take_reasoning(decoder, json_get_text(piece, "text"));
        }
    } else {
        think_feed(&decoder->think, json_get_text(item, "text"));
    }
}

static void take_content(struct decoder *decoder, const cJSON *content)
{
    if (cJSON_IsString(content)) {
        think_feed(&decoder->think, sv_from(content->valuestring));
    } else if (cJSON_IsArray(content)) {
        const cJSON *item;
        cJSON_ArrayForEach(item, content)
        {
            take_item(decoder, item);
        }
    }
}

/* A delta of a stream, or the message of a whole answer. */
static void take_delta(struct decoder *decoder, const cJSON *delta)
{
    /* Some servers send the same text under both names. */
    struct sv reasoning = json_get_text(delta, "reasoning_content");
    take_reasoning(decoder, reasoning.n ? reasoning : json_get_text(delta, "reasoning"));
    openai_chat__take_details(decoder, json_get(delta, "reasoning_details"));
    take_content(decoder, json_get(delta, "content"));
    struct sv refusal = json_get_text(delta, "refusal");
    if (refusal.n) {
        decoder->refused = true;
        think_feed(&decoder->think, refusal);
    }
    const cJSON *calls = json_get(delta, "tool_calls");
    const cJSON *function = json_get(delta, "function_call");
    if ((calls && calls->child) || cJSON_IsObject(function)) {
        think_end(&decoder->think);
        openai_chat__take_calls(decoder, calls);
        openai_chat__take_function(decoder, function);
    }
}

static void take_choice(struct decoder *decoder, const cJSON *choice)
{
    int64_t index = 0;
    if (json_get_int(choice, "index", &index) && index != 0) {
        return;
    }
    const cJSON *delta = decoder->in_body ? NULL : json_get(choice, "delta");
    /* A gateway may put a whole answer into one event. */
    take_delta(decoder, cJSON_IsObject(delta) ? delta : json_get(choice, "message"));
    struct sv reason = json_get_text(choice, "finish_reason");
    if (reason.n) {
        free(decoder->raw_reason);
        decoder->raw_reason = xstrndup(reason.p, utf8_cut(reason.p, reason.n, REASON_BYTES));
    }
}

static void take_usage(struct decoder *decoder, const cJSON *item)
{
    struct usage usage = openai_chat__usage(item);
    codec_out_usage(&decoder->out, &usage);
}

static void start(struct decoder *decoder, const cJSON *root, const cJSON *choices)
{
    struct sv id = json_get_text(root, "id");
    if (decoder->out.started || (id.n == 0 && !(choices && choices->child))) {
        return;
    }
    decoder->stream_id = xstrndup(id.p, id.n);
    codec_out_started(&decoder->out, id, json_get_text(root, "model"));
}

static bool is_error_word(const cJSON *root, const char *name)
{
    return sv_equal(json_get_text(root, name), SV("error"));
}

static bool has_error(const cJSON *root)
{
    const cJSON *error = json_get(root, "error");
    if (cJSON_IsString(error)) {
        return error->valuestring[0] != '\0';
    }
    if (cJSON_IsObject(error) || cJSON_IsTrue(error)) {
        return true;
    }
    if (is_error_word(root, "object") || is_error_word(root, "type")) {
        return true;
    }
    bool answer = json_get(root, "choices") || json_get(root, "usage") || json_get(root, "id");
    return !answer && (json_get(root, "detail") || json_get_text(root, "message").n);
}

static void fail_as_said(struct decoder *decoder, struct sv body)
{
    let_go(decoder);
    codec_out_fail_as_said(&decoder->out, body);
}

static void take_chunk(struct decoder *decoder, const cJSON *root, struct sv body)
{
    struct sv cut_short = json_get_text(json_get(root, "x_groq"), "error");
    if (has_error(root) || cut_short.n) {
        fail_as_said(decoder, cut_short.n ? cut_short : body);
        return;
    }
    const cJSON *choices = json_get(root, "choices");
    start(decoder, root, choices);
    const cJSON *choice;
    cJSON_ArrayForEach(choice, choices)
    {
        take_choice(decoder, choice);
    }
    take_usage(decoder, json_get(json_get(root, "x_groq"), "usage"));
    take_usage(decoder, json_get(root, "usage"));
}

/* FINISH_ERROR stands for an error that the server gives as a reason. */
static const struct {
    const char *word;
    enum finish_reason reason;
} reasons[] = {
    {"stop", FINISH_END_TURN},
    {"eos", FINISH_END_TURN},
    {"end_turn", FINISH_END_TURN},
    {"tool_calls", FINISH_END_TURN},
    {"function_call", FINISH_END_TURN},
    {"length", FINISH_MAX_TOKENS},
    {"max_tokens", FINISH_MAX_TOKENS},
    {"model_length", FINISH_MAX_TOKENS},
    {"content_filter", FINISH_CONTENT_FILTER},
    {"error", FINISH_ERROR},
    {"insufficient_system_resource", FINISH_ERROR},
};

/* Whether tools are to be used is told by the calls that came, not by the word alone. */
static enum finish_reason map_reason(const struct decoder *decoder)
{
    enum finish_reason reason = FINISH_UNKNOWN;
    struct sv word = sv_from(decoder->raw_reason);
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (sv_equal_nocase(word, sv_from(reasons[i].word))) {
            reason = reasons[i].reason;
        }
    }
    bool done = reason == FINISH_END_TURN || reason == FINISH_UNKNOWN;
    if (done && decoder->call_count) {
        return FINISH_TOOL_USE;
    }
    return done && decoder->refused ? FINISH_REFUSAL : reason;
}

static void finish(struct decoder *decoder)
{
    enum finish_reason reason = map_reason(decoder);
    struct sv word = sv_from(decoder->raw_reason);
    if (reason == FINISH_ERROR) {
        let_go(decoder);
        codec_out_fail_by_reason(&decoder->out, word);
        return;
    }
    think_end(&decoder->think);
    close_part(decoder);
    openai_chat__end_calls(decoder, reason != FINISH_MAX_TOKENS);
    openai_chat__send_natives(decoder);
    codec_out_finish(&decoder->out, reason, word);
}

static const cJSON *first_of(const cJSON *tree)
{
    return cJSON_IsArray(tree) ? cJSON_GetArrayItem(tree, 0) : tree;
}

static void chat_decode(struct decoder *decoder, struct sv type, struct sv data)
{
    struct sv text = sv_trim(data);
    if (decoder->out.last || text.n == 0) {
        return;
    }
    if (sv_starts_with(text, SV("[DONE]"))) {
        finish(decoder);
        return;
    }
    if (sv_equal(type, SV("error"))) {
        fail_as_said(decoder, text);
        return;
    }
    cJSON *tree = json_parse(text);
    if (tree) {
        take_chunk(decoder, first_of(tree), text);
    } else {
        decoder->out.unreadable++;
    }
    cJSON_Delete(tree);
}

static void fail_unreadable(struct decoder *decoder, const char *what, struct sv body)
{
    let_go(decoder);
    codec_out_fail_unreadable(&decoder->out, what, body);
}

static void chat_decode_body(struct decoder *decoder, struct sv body)
{
    struct sv text = sv_trim(body);
    if (decoder->out.last) {
        return;
    }
    cJSON *tree = json_parse(text);
    const cJSON *root = first_of(tree);
    decoder->in_body = true;
    if (!tree) {
        fail_unreadable(decoder, text.n ? "the answer is not JSON" : "the answer is empty", text);
    } else if (!has_error(root) && !cJSON_IsArray(json_get(root, "choices"))) {
        fail_unreadable(decoder, "there is no answer in the JSON", text);
    } else {
        take_chunk(decoder, root, text);
        finish(decoder);
    }
    decoder->in_body = false;
    cJSON_Delete(tree);
}

static void chat_end(struct decoder *decoder, const struct err *broken)
{
    if (decoder->out.last) {
        return;
    }
    /* After the finish reason only the usage was missing: the answer is whole. */
    if (decoder->raw_reason) {
        finish(decoder);
    } else {
        let_go(decoder);
        codec_out_cut(&decoder->out, broken);
    }
}

const struct codec codec_openai_chat = {
    .name = "openai",
    .accept = "text/event-stream",
    .framing = CODEC_SSE,
    .key_header = openai_chat__key_header,
    .path = openai_chat__path,
    .can_prefill = openai_chat__can_prefill,
    .encode = openai_chat__encode,
    .decoder_new = chat_decoder_new,
    .decode = chat_decode,
    .decode_body = chat_decode_body,
    .end = chat_end,
    .decoder_free = chat_decoder_free,
};
