/*
 * Tool calls of Chat Completions, put together from fragments.
 *
 * A fragment belongs to the call with its `index`; when that is missing, to the one with its `id`,
 * else to the latest. Servers deviate: every call has index 0 (a new id, or another name without
 * one, begins a new call), names come late or in every fragment, ids are empty, null or "null".
 */
#include <stdlib.h>

#include "app/codec_openai_chat_internal.h"
#include "app/json.h"
#include "base/alloc.h"

#define EARLY_MAX ((size_t)16 << 20)

static struct sv fragment_id(const cJSON *item)
{
    struct sv id = json_get_text(item, "id");
    return sv_equal(id, SV("null")) ? (struct sv){NULL, 0} : id;
}

static struct chat_call *call_with_id(struct decoder *decoder, struct sv id)
{
    for (size_t i = decoder->call_count; i > 0; i--) {
        struct chat_call *call = &decoder->calls[i - 1];
        if (call->server_id && sv_equal_str(id, call->server_id)) {
            return call;
        }
    }
    return NULL;
}

static struct chat_call *call_with_index(struct decoder *decoder, int64_t index)
{
    for (size_t i = decoder->call_count; i > 0; i--) {
        if (decoder->calls[i - 1].index == index) {
            return &decoder->calls[i - 1];
        }
    }
    return NULL;
}

static struct chat_call *latest_call(struct decoder *decoder)
{
    return decoder->call_count ? &decoder->calls[decoder->call_count - 1] : NULL;
}

/* The call that a fragment continues, or NULL for a new one. */
static struct chat_call *find_call(struct decoder *decoder, const cJSON *item, struct sv id,
                                   struct sv name)
{
    int64_t index = -1;
    struct chat_call *call;
    if (decoder->in_body) {
        return NULL;
    }
    if (json_get_int(item, "index", &index)) {
        call = call_with_index(decoder, index);
    } else {
        call = latest_call(decoder);
    }
    if (!call) {
        return id.n ? call_with_id(decoder, id) : NULL;
    }
    if (id.n && call->server_id && !sv_equal_str(id, call->server_id)) {
        return call_with_id(decoder, id);
    }
    bool other_name = name.n && call->name && !sv_equal_str(name, call->name);
    return !id.n && other_name ? NULL : call;
}

static struct chat_call *new_call(struct decoder *decoder, const cJSON *item)
{
    if (decoder->call_count == CHAT_CALLS_MAX) {
        return NULL;
    }
    decoder->calls = xrealloc(decoder->calls, (decoder->call_count + 1) * sizeof(*decoder->calls));
    struct chat_call *call = &decoder->calls[decoder->call_count++];
    *call = (struct chat_call){.index = -1, .early = BUF_INIT(EARLY_MAX)};
    (void)json_get_int(item, "index", &call->index);
    return call;
}

static void give_input(struct decoder *decoder, struct chat_call *call, struct sv text)
{
    if (text.n) {
        call->has_input = true;
        codec_out_text(&decoder->out, STREAM_TOOL_INPUT, call->part, text);
    }
}

static void open_call(struct decoder *decoder, struct chat_call *call)
{
    openai_chat__open(decoder, CHAT_OPEN_CALL);
    call->id = call->server_id ? xstrdup(call->server_id)
                               : codec_make_call_id(sv_from(decoder->stream_id),
                                                    (size_t)(call - decoder->calls));
    call->part = codec_out_call(&decoder->out, sv_from(call->id), sv_from(call->name));
    give_input(decoder, call, buf_sv(&call->early));
    buf_release(&call->early);
}

static void take_input(struct decoder *decoder, struct chat_call *call, struct sv text)
{
    if (call->id) {
        give_input(decoder, call, text);
    } else {
        (void)buf_append_sv(&call->early, text);
    }
}

/* Arguments are a JSON text in a string; some servers send the object itself. */
static void take_arguments(struct decoder *decoder, struct chat_call *call, const cJSON *arguments)
{
    if (cJSON_IsString(arguments)) {
        take_input(decoder, call, sv_from(arguments->valuestring));
    } else if (cJSON_IsObject(arguments) || cJSON_IsArray(arguments)) {
        char *text = cJSON_PrintUnformatted(arguments);
        take_input(decoder, call, sv_from(text));
        cJSON_free(text);
    }
}

static void take_fragment(struct decoder *decoder, const cJSON *item, const cJSON *function)
{
    struct sv id = fragment_id(item);
    struct sv name = json_get_text(function, "name");
    struct chat_call *call = find_call(decoder, item, id, name);
    if (!call) {
        call = new_call(decoder, item);
    }
    if (!call) {
        return;
    }
    if (id.n && !call->server_id) {
        call->server_id = xstrndup(id.p, id.n);
    }
    if (name.n && !call->name) {
        call->name = xstrndup(name.p, name.n);
    }
    if (call->name && !call->id) {
        open_call(decoder, call);
    }
    openai_chat__keep_extra(call, json_get(item, "extra_content"));
    take_arguments(decoder, call, json_get(function, "arguments"));
}

void openai_chat__take_calls(struct decoder *decoder, const cJSON *items)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        const cJSON *function = json_get(item, "function");
        take_fragment(decoder, item, function ? function : item);
    }
}

void openai_chat__take_function(struct decoder *decoder, const cJSON *function)
{
    if (cJSON_IsObject(function)) {
        take_fragment(decoder, NULL, function);
    }
}

void openai_chat__end_calls(struct decoder *decoder, bool whole)
{
    for (size_t i = 0; i < decoder->call_count; i++) {
        struct chat_call *call = &decoder->calls[i];
        if (!call->id) {
            open_call(decoder, call);
        }
        if (!whole) {
            continue;
        }
        if (!call->has_input) {
            give_input(decoder, call, SV("{}"));
        }
        codec_out_call_end(&decoder->out, call->part);
    }
}

void openai_chat__free_calls(struct decoder *decoder)
{
    for (size_t i = 0; i < decoder->call_count; i++) {
        struct chat_call *call = &decoder->calls[i];
        free(call->extra);
        free(call->server_id);
        free(call->id);
        free(call->name);
        buf_release(&call->early);
    }
    free(decoder->calls);
    decoder->calls = NULL;
    decoder->call_count = 0;
}
