/*
 * OpenAI Responses, decoding: events whose type is in their data.
 *
 * An answer is whole when response.completed or response.incomplete came; that event has the usage,
 * and all items again. It need not be the last one. There is no [DONE], but some proxies add it.
 *
 * Source: the OpenAI API reference, and what compatible servers were seen to send (as of 2026).
 */
#include <stdlib.h>

#include "app/codec_encode.h"
#include "app/codec_openai_responses_internal.h"
#include "app/json.h"
#include "base/alloc.h"

static struct decoder *responses_decoder_new(stream_sink_fn *sink, void *ctx)
{
    struct decoder *decoder = xcalloc(1, sizeof(*decoder));
    codec_out_init(&decoder->out, sink, ctx);
    return decoder;
}

static void responses_decoder_free(struct decoder *decoder)
{
    if (decoder) {
        responses__free_items(decoder);
        free(decoder->answer_id);
        free(decoder);
    }
}

struct event {
    const cJSON *root;
    struct sv text;
    struct responses_place place;
};

static void start(struct decoder *decoder, const cJSON *response)
{
    struct sv id = json_get_text(response, "id");
    if (id.n && !decoder->answer_id) {
        decoder->answer_id = xstrndup(id.p, id.n);
        codec_out_started(&decoder->out, id, json_get_text(response, "model"));
    }
}

/* Their input includes what came from the cache and what went into it; ours does not. */
static void take_usage(struct decoder *decoder, const cJSON *source)
{
    const cJSON *details = json_get(source, "input_tokens_details");
    struct usage usage = usage_unknown();
    usage.cache_read_tokens = json_get_count(details, "cached_tokens");
    usage.cache_write_tokens = json_get_count(details, "cache_write_tokens");
    usage.input_tokens = codec_tokens_without(
        codec_tokens_without(json_get_count(source, "input_tokens"), usage.cache_read_tokens),
        usage.cache_write_tokens);
    usage.output_tokens = json_get_count(source, "output_tokens");
    usage.reasoning_tokens =
        json_get_count(json_get(source, "output_tokens_details"), "reasoning_tokens");
    codec_out_usage(&decoder->out, &usage);
}

/* What the last event says again: items whose own last events did not come. */
static void take_output(struct decoder *decoder, const cJSON *response, struct sv raw)
{
    struct sv rest = json_raw_get(raw, SV("output"));
    struct responses_place place = {.known_only = decoder->item_count > 0};
    const cJSON *item;
    cJSON_ArrayForEach(item, json_get(response, "output"))
    {
        struct sv text = {NULL, 0};
        (void)json_next_item(&rest, &text);
        place.id = json_get_text(item, "id");
        responses__end_item(decoder, &place, item, text);
        place.index++;
    }
}

static enum finish_reason reason_of(const struct decoder *decoder, struct sv status, struct sv why)
{
    if (sv_equal(status, SV("incomplete"))) {
        return sv_equal(why, SV("max_output_tokens")) ? FINISH_MAX_TOKENS
               : sv_equal(why, SV("content_filter"))  ? FINISH_CONTENT_FILTER
                                                      : FINISH_UNKNOWN;
    }
    if (responses__call_count(decoder)) {
        return FINISH_TOOL_USE;
    }
    return decoder->refused ? FINISH_REFUSAL : FINISH_END_TURN;
}

static void finish(struct decoder *decoder, const cJSON *response, struct sv raw, struct sv status)
{
    struct sv why = json_get_text(json_get(response, "incomplete_details"), "reason");
    start(decoder, response);
    take_output(decoder, response, raw);
    take_usage(decoder, json_get(response, "usage"));
    enum finish_reason reason = reason_of(decoder, status, why);
    if (sv_equal(status, SV("completed"))) {
        responses__end_calls(decoder);
    }
    codec_out_finish(&decoder->out, reason, why.n ? why : status);
}

/* The error is in the response; without one its state is all that is known. */
static void fail(struct decoder *decoder, const cJSON *response, struct sv raw, struct sv status)
{
    start(decoder, response);
    take_usage(decoder, json_get(response, "usage"));
    if (cJSON_IsObject(json_get(response, "error"))) {
        codec_out_fail_as_said(&decoder->out, raw);
    } else {
        codec_out_fail_by_reason(&decoder->out, status);
    }
}

static bool is_end(struct sv status)
{
    return sv_equal(status, SV("completed")) || sv_equal(status, SV("incomplete"));
}

/* ---- events ---- */

static void on_start(struct decoder *decoder, const struct event *event)
{
    start(decoder, json_get(event->root, "response"));
}

static void on_item_added(struct decoder *decoder, const struct event *event)
{
    responses__begin_item(decoder, &event->place, json_get(event->root, "item"));
}

static void on_item_done(struct decoder *decoder, const struct event *event)
{
    responses__end_item(decoder, &event->place, json_get(event->root, "item"),
                        json_raw_get(event->text, SV("item")));
}

static void take_delta(struct decoder *decoder, const struct event *event, enum responses_kind kind,
                       int64_t key)
{
    struct responses_place place = event->place;
    place.key = key;
    responses__take_delta(decoder, &place, kind, json_get_text(event->root, "delta"));
}

static int64_t number_of(const struct event *event, const char *name)
{
    int64_t value = 0;
    bool known = json_get_int(event->root, name, &value) && value >= 0 && value < KEY_OF_REASONING;
    return known ? value : 0;
}

static void on_text(struct decoder *decoder, const struct event *event)
{
    take_delta(decoder, event, ITEM_MESSAGE, number_of(event, "content_index"));
}

static void on_refusal(struct decoder *decoder, const struct event *event)
{
    decoder->refused = true;
    on_text(decoder, event);
}

static void on_summary(struct decoder *decoder, const struct event *event)
{
    take_delta(decoder, event, ITEM_REASONING, number_of(event, "summary_index"));
}

static void on_reasoning(struct decoder *decoder, const struct event *event)
{
    take_delta(decoder, event, ITEM_REASONING,
               KEY_OF_REASONING + number_of(event, "content_index"));
}

static void on_arguments(struct decoder *decoder, const struct event *event)
{
    take_delta(decoder, event, ITEM_CALL, 0);
}

static void on_end(struct decoder *decoder, const struct event *event)
{
    const cJSON *response = json_get(event->root, "response");
    struct sv type = json_get_text(event->root, "type");
    struct sv status = sv_skip(type, sv_find(type, '.') + 1);
    struct sv raw = json_raw_get(event->text, SV("response"));
    if (is_end(status)) {
        finish(decoder, response, raw, status);
    } else {
        fail(decoder, response, raw, status);
    }
}

static void on_error(struct decoder *decoder, const struct event *event)
{
    codec_out_fail_as_said(&decoder->out, event->text);
}

static const struct {
    const char *type;
    void (*take)(struct decoder *decoder, const struct event *event);
} events[] = {
    {"response.output_text.delta", on_text},
    {"response.reasoning_summary_text.delta", on_summary},
    {"response.reasoning_text.delta", on_reasoning},
    {"response.function_call_arguments.delta", on_arguments},
    {"response.refusal.delta", on_refusal},
    {"response.output_item.added", on_item_added},
    {"response.output_item.done", on_item_done},
    {"response.created", on_start},
    {"response.in_progress", on_start},
    {"response.queued", on_start},
    {"response.completed", on_end},
    {"response.incomplete", on_end},
    {"response.failed", on_end},
    {"response.cancelled", on_end},
    {"error", on_error},
};

static void take_event(struct decoder *decoder, const struct event *event, struct sv type)
{
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        if (sv_equal_str(type, events[i].type)) {
            events[i].take(decoder, event);
            return;
        }
    }
}

static void take_root(struct decoder *decoder, const cJSON *root, struct sv named, struct sv text)
{
    struct event event = {
        .root = root, .text = text, .place = {.index = -1, .id = json_get_text(root, "item_id")}};
    bool known = json_get_int(root, "output_index", &event.place.index);
    event.place.index = known && event.place.index >= 0 ? event.place.index : -1;
    struct sv type = json_get_text(root, "type");
    bool is_error = sv_equal(named, SV("error")) || cJSON_IsObject(json_get(root, "error"));
    take_event(decoder, &event, is_error ? SV("error") : type);
}

static void responses_decode(struct decoder *decoder, struct sv type, struct sv data)
{
    struct sv text = sv_trim(data);
    if (decoder->out.last || text.n == 0) {
        return;
    }
    cJSON *tree = json_parse(text);
    if (tree) {
        take_root(decoder, tree, type, text);
    } else if (sv_equal(type, SV("error"))) {
        codec_out_fail_as_said(&decoder->out, text);
    } else if (!sv_starts_with(text, SV("[DONE]"))) {
        decoder->out.unreadable++;
    }
    cJSON_Delete(tree);
}

static void responses_decode_body(struct decoder *decoder, struct sv body)
{
    struct sv text = sv_trim(body);
    if (decoder->out.last) {
        return;
    }
    cJSON *tree = json_parse(text);
    struct sv status = json_get_text(tree, "status");
    if (cJSON_IsArray(json_get(tree, "output")) && (is_end(status) || status.n == 0)) {
        finish(decoder, tree, text, status.n ? status : SV("completed"));
    } else if (cJSON_IsArray(json_get(tree, "output"))) {
        fail(decoder, tree, text, status);
    } else {
        codec_out_refuse_body(&decoder->out, tree, text);
    }
    cJSON_Delete(tree);
}

static void responses_end(struct decoder *decoder, const struct err *broken)
{
    if (!decoder->out.last) {
        codec_out_cut(&decoder->out, broken);
    }
}

static const char *key_header(const struct chat_request *request)
{
    return codec_host_is(request->host, SV("azure.com")) ? "api-key: " : "Authorization: Bearer ";
}

static void path(const struct chat_request *request, struct buf *out)
{
    (void)buf_append_str(out, "/responses");
    if (request->api_version) {
        (void)buf_append_str(out, "?api-version=");
        codec_append_segment(out, sv_from(request->api_version));
    }
}

const struct codec codec_openai_responses = {
    .name = "openai-responses",
    .accept = "text/event-stream",
    .framing = CODEC_SSE,
    .key_header = key_header,
    .path = path,
    .encode = responses__encode,
    .decoder_new = responses_decoder_new,
    .decode = responses_decode,
    .decode_body = responses_decode_body,
    .end = responses_end,
    .decoder_free = responses_decoder_free,
};
