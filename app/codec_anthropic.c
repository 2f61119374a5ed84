/*
 * Anthropic Messages, decoding: named events, each with its type in its data, too.
 *
 * An answer is whole when message_stop came; its reason comes before that, in message_delta. What
 * message_delta counts replaces what message_start counted; the output that message_start counts is
 * only a beginning, and left out. Pings and unknown events mean nothing.
 *
 * Source: Anthropic's API reference, and what compatible servers were seen to send (as of 2026).
 */
#include <stdlib.h>
#include <string.h>

#include "app/codec_anthropic_internal.h"
#include "app/json.h"
#include "base/alloc.h"
#include "base/utf8.h"

#define REASON_BYTES ((size_t)300)

static struct decoder *anthropic_decoder_new(stream_sink_fn *sink, void *ctx)
{
    struct decoder *decoder = xcalloc(1, sizeof(*decoder));
    codec_out_init(&decoder->out, sink, ctx);
    decoder->usage = usage_unknown();
    return decoder;
}

static void anthropic_decoder_free(struct decoder *decoder)
{
    if (decoder) {
        anthropic__free_blocks(decoder);
        free(decoder->id);
        free(decoder->raw_reason);
        free(decoder);
    }
}

static void take_count(const cJSON *object, const char *name, int64_t *count)
{
    int64_t value = json_get_count(object, name);
    *count = value >= 0 ? value : *count;
}

/* Numbers are cumulative; what is missing or null stays as it was. */
static void take_usage(struct decoder *decoder, const cJSON *usage, bool with_output)
{
    struct usage *known = &decoder->usage;
    take_count(usage, "input_tokens", &known->input_tokens);
    take_count(usage, "cache_read_input_tokens", &known->cache_read_tokens);
    take_count(usage, "cache_creation_input_tokens", &known->cache_write_tokens);
    if (with_output) {
        take_count(usage, "output_tokens", &known->output_tokens);
        take_count(json_get(usage, "output_tokens_details"), "thinking_tokens",
                   &known->reasoning_tokens);
    }
    codec_out_usage(&decoder->out, known);
}

static void take_start(struct decoder *decoder, const cJSON *message)
{
    struct sv id = json_get_text(message, "id");
    if (!decoder->id) {
        decoder->id = xstrndup(id.p ? id.p : "", id.n);
    }
    codec_out_started(&decoder->out, id, json_get_text(message, "model"));
}

/* With what the server says of a refusal. */
static void take_reason(struct decoder *decoder, const cJSON *delta)
{
    struct sv reason = json_get_text(delta, "stop_reason");
    struct sv why = json_get_text(json_get(delta, "stop_details"), "explanation");
    if (reason.n == 0) {
        return;
    }
    free(decoder->raw_reason);
    reason = sv_take(reason, utf8_cut(reason.p, reason.n, REASON_BYTES));
    why = sv_take(why, why.n ? utf8_cut(why.p, why.n, REASON_BYTES) : 0);
    decoder->raw_reason = xasprintf("%.*s%s%.*s", SV_ARG(reason), why.n ? ": " : "", SV_ARG(why));
}

static const struct {
    const char *word;
    enum finish_reason reason;
} reasons[] = {
    {"end_turn", FINISH_END_TURN}, {"stop_sequence", FINISH_END_TURN},
    {"tool_use", FINISH_END_TURN}, {"max_tokens", FINISH_MAX_TOKENS},
    {"refusal", FINISH_REFUSAL},   {"model_context_window_exceeded", FINISH_MAX_TOKENS},
    {"pause_turn", FINISH_PAUSED},
};

/* Whether tools are to be used is told by the calls that came, not by the word alone. */
static enum finish_reason map_reason(const struct decoder *decoder)
{
    enum finish_reason reason = FINISH_UNKNOWN;
    struct sv word = sv_from(decoder->raw_reason);
    word = sv_take(word, sv_find(word, ':'));
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (sv_equal_str(word, reasons[i].word)) {
            reason = reasons[i].reason;
        }
    }
    bool done = reason == FINISH_END_TURN || reason == FINISH_UNKNOWN;
    return done && anthropic__call_count(decoder) ? FINISH_TOOL_USE : reason;
}

static void finish(struct decoder *decoder)
{
    enum finish_reason reason = map_reason(decoder);
    anthropic__end_blocks(decoder, reason != FINISH_MAX_TOKENS);
    codec_out_finish(&decoder->out, reason, sv_from(decoder->raw_reason));
}

/* ---- events ---- */

struct event {
    const cJSON *root;
    struct sv text;
    int64_t index; /* of the block that it is about */
};

static void on_message_start(struct decoder *decoder, const struct event *event)
{
    const cJSON *message = json_get(event->root, "message");
    take_start(decoder, message);
    take_usage(decoder, json_get(message, "usage"), false);
}

static void on_block_start(struct decoder *decoder, const struct event *event)
{
    anthropic__begin_block(decoder, json_get(event->root, "content_block"), event->index,
                           json_raw_get(event->text, SV("content_block")));
}

static void on_block_delta(struct decoder *decoder, const struct event *event)
{
    anthropic__take_delta(decoder, json_get(event->root, "delta"), event->index, event->text);
}

static void on_block_stop(struct decoder *decoder, const struct event *event)
{
    anthropic__end_block(decoder, event->index);
}

static void on_message_delta(struct decoder *decoder, const struct event *event)
{
    take_reason(decoder, json_get(event->root, "delta"));
    take_usage(decoder, json_get(event->root, "usage"), true);
}

static void on_message_stop(struct decoder *decoder, const struct event *event UNUSED)
{
    finish(decoder);
}

static void on_error(struct decoder *decoder, const struct event *event)
{
    codec_out_fail_as_said(&decoder->out, event->text);
}

static const struct {
    const char *type;
    void (*take)(struct decoder *decoder, const struct event *event);
} events[] = {
    {"content_block_delta", on_block_delta},
    {"content_block_start", on_block_start},
    {"content_block_stop", on_block_stop},
    {"message_start", on_message_start},
    {"message_delta", on_message_delta},
    {"message_stop", on_message_stop},
    {"error", on_error},
};

/* The type in the data says what it is; but some servers send an error's inside alone, under the
 * event's name only. */
static struct sv type_of(const cJSON *root, struct sv named)
{
    struct sv type = json_get_text(root, "type");
    bool is_error = sv_equal(named, SV("error")) || cJSON_IsObject(json_get(root, "error"));
    if (is_error) {
        return SV("error");
    }
    return type.n ? type : named;
}

static void take_event(struct decoder *decoder, const struct event *event, struct sv type)
{
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        if (sv_equal_str(type, events[i].type)) {
            events[i].take(decoder, event);
            return;
        }
    }
}

static void anthropic_decode(struct decoder *decoder, struct sv type, struct sv data)
{
    struct sv text = sv_trim(data);
    if (decoder->out.last || text.n == 0) {
        return;
    }
    cJSON *tree = json_parse(text);
    if (tree) {
        struct event event = {.root = tree, .text = text};
        (void)json_get_int(tree, "index", &event.index);
        take_event(decoder, &event, type_of(tree, type));
    } else if (sv_equal(type, SV("error"))) {
        codec_out_fail_as_said(&decoder->out, text);
    } else if (!sv_starts_with(text, SV("[DONE]"))) {
        decoder->out.unreadable++;
    }
    cJSON_Delete(tree);
}

static void take_message(struct decoder *decoder, const cJSON *message, struct sv text)
{
    struct sv raw = json_raw_get(text, SV("content"));
    struct sv item_raw;
    const cJSON *item;
    int64_t index = 0;
    take_start(decoder, message);
    cJSON_ArrayForEach(item, json_get(message, "content"))
    {
        item_raw = (struct sv){NULL, 0};
        (void)json_next_item(&raw, &item_raw);
        anthropic__begin_block(decoder, item, index, item_raw);
        anthropic__end_block(decoder, index++);
    }
    take_reason(decoder, message);
    take_usage(decoder, json_get(message, "usage"), true);
    finish(decoder);
}

static void anthropic_decode_body(struct decoder *decoder, struct sv body)
{
    struct sv text = sv_trim(body);
    if (decoder->out.last) {
        return;
    }
    cJSON *tree = json_parse(text);
    if (cJSON_IsArray(json_get(tree, "content"))) {
        take_message(decoder, tree, text);
    } else {
        codec_out_refuse_body(&decoder->out, tree, text);
    }
    cJSON_Delete(tree);
}

static void anthropic_end(struct decoder *decoder, const struct err *broken)
{
    if (!decoder->out.last) {
        codec_out_cut(&decoder->out, broken);
    }
}

static const char *key_header(const struct chat_request *request UNUSED)
{
    return "x-api-key: ";
}

static void path(const struct chat_request *request UNUSED, struct buf *out)
{
    (void)buf_append_str(out, "/v1/messages");
}

static const char *const fixed_headers[] = {"anthropic-version: 2023-06-01", NULL};

const struct codec codec_anthropic = {
    .name = "anthropic",
    .accept = "text/event-stream",
    .framing = CODEC_SSE,
    .headers = fixed_headers,
    .key_header = key_header,
    .path = path,
    .can_prefill = anthropic__can_prefill,
    .encode = anthropic__encode,
    .decoder_new = anthropic_decoder_new,
    .decode = anthropic_decode,
    .decode_body = anthropic_decode_body,
    .end = anthropic_end,
    .decoder_free = anthropic_decoder_free,
};
