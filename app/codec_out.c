/* What the decoders share on the way out. */
#include "app/codec_out.h"

#include <inttypes.h>
#include <string.h>

#include "app/json.h"
#include "base/alloc.h"
#include "base/buf.h"

#define ANSWER_MAX ((uint64_t)64 << 20)

void codec_out_init(struct codec_out *out, stream_sink_fn *sink, void *ctx)
{
    *out = (struct codec_out){.sink = sink, .ctx = ctx, .usage = usage_unknown()};
}

static void emit(struct codec_out *out, const struct stream_event *event)
{
    if (!out->last) {
        out->last = stream_event_is_last(event);
        out->sink(out->ctx, event);
    }
}

void codec_out_started(struct codec_out *out, struct sv id, struct sv model)
{
    if (!out->started) {
        struct stream_event event = {.kind = STREAM_STARTED, .id = id, .name = model};
        out->started = true;
        emit(out, &event);
    }
}

bool codec_out_count(struct codec_out *out, struct sv text)
{
    static const struct http_failure too_big = {.code = ERR_TOO_BIG,
                                                .text = "the answer is larger than 64 MiB"};
    out->bytes += text.n;
    if (out->bytes > ANSWER_MAX) {
        codec_out_fail(out, &too_big, FINISH_ERROR);
        return false;
    }
    return true;
}

void codec_out_text(struct codec_out *out, enum stream_kind kind, uint32_t part, struct sv text)
{
    static const enum part_kind kinds[STREAM_KIND_COUNT] = {[STREAM_TEXT] = PART_TEXT,
                                                            [STREAM_REASONING] = PART_REASONING,
                                                            [STREAM_TOOL_INPUT] = PART_TOOL_CALL};
    if (text.n && codec_out_count(out, text)) {
        struct stream_event event = {
            .kind = kind, .part = part, .part_kind = kinds[kind], .text = text};
        out->answered = out->answered || kind == STREAM_TEXT;
        emit(out, &event);
    }
}

void codec_out_reasoning_end(struct codec_out *out, uint32_t part)
{
    struct stream_event event = {.kind = STREAM_REASONING_END, .part = part};
    emit(out, &event);
}

uint32_t codec_out_call(struct codec_out *out, struct sv id, struct sv name)
{
    struct stream_event event = {.kind = STREAM_TOOL_CALL,
                                 .part = out->next_part++,
                                 .part_kind = PART_TOOL_CALL,
                                 .id = id,
                                 .name = name};
    out->answered = true;
    emit(out, &event);
    return event.part;
}

void codec_out_call_end(struct codec_out *out, uint32_t part)
{
    struct stream_event event = {.kind = STREAM_TOOL_CALL_END, .part = part};
    emit(out, &event);
}

/* FNV-1a. */
char *codec_make_call_id(struct sv answer_id, size_t number)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < answer_id.n; i++) {
        hash = (hash ^ (unsigned char)answer_id.p[i]) * 0x100000001b3u;
    }
    hash = (hash ^ (uint64_t)number) * 0x100000001b3u;
    return xasprintf("call_%016" PRIx64, hash);
}

void codec_out_native(struct codec_out *out, struct sv stands_for, struct sv json)
{
    if (json.n && codec_out_count(out, json)) {
        struct stream_event event = {.kind = STREAM_NATIVE,
                                     .part = out->next_part++,
                                     .part_kind = PART_NATIVE,
                                     .id = stands_for,
                                     .text = json};
        emit(out, &event);
    }
}

void codec_out_usage(struct codec_out *out, const struct usage *usage)
{
    if (usage_is_known(usage) && !usage_equal(usage, &out->usage)) {
        struct stream_event event = {.kind = STREAM_USAGE, .usage = *usage};
        out->usage = *usage;
        emit(out, &event);
    }
}

int64_t codec_tokens_without(int64_t total, int64_t part)
{
    if (total == USAGE_UNKNOWN || part == USAGE_UNKNOWN) {
        return total;
    }
    return part < total ? total - part : 0;
}

void codec_out_finish(struct codec_out *out, enum finish_reason reason, struct sv word)
{
    struct buf text = BUF_INIT(ERR_TEXT_SIZE);
    if (out->answered) {
        (void)buf_append_sv(&text, word);
    } else {
        struct sv shown = word.n ? word : SV("no reason given");
        (void)buf_appendf(&text, "empty answer (%.*s)", SV_ARG(shown));
    }
    struct stream_event event = {.kind = STREAM_FINISH, .reason = reason, .text = buf_sv(&text)};
    emit(out, &event);
    buf_release(&text);
}

void codec_out_fail(struct codec_out *out, const struct http_failure *failure,
                    enum finish_reason reason)
{
    struct stream_event event = {.kind = STREAM_ERROR,
                                 .reason = reason,
                                 .error = failure->code,
                                 .retryable = failure->retryable,
                                 .text = sv_from(failure->text)};
    emit(out, &event);
}

void codec_out_fail_as_said(struct codec_out *out, struct sv body)
{
    struct http_failure failure;
    http_failure_describe(200, body, NULL, NULL, &failure);
    codec_out_fail(out, &failure, FINISH_ERROR);
}

static void fail_retryable(struct codec_out *out, const struct err *err)
{
    struct http_failure failure = {.code = err->code, .retryable = true};
    memcpy(failure.text, err->text, sizeof(failure.text));
    codec_out_fail(out, &failure, FINISH_ERROR);
}

/* Shows the body the way errors are shown, without the verdict before it. */
void codec_out_fail_unreadable(struct codec_out *out, const char *what, struct sv body)
{
    struct http_failure failure;
    http_failure_describe(200, body, NULL, NULL, &failure);
    const char *shown = strstr(failure.text, ": ");
    struct err err;
    (void)err_set(&err, ERR_PROTOCOL, "%s%s", what, shown ? shown : "");
    fail_retryable(out, &err);
}

void codec_out_refuse_body(struct codec_out *out, const cJSON *tree, struct sv text)
{
    if (!tree) {
        codec_out_fail_unreadable(out, text.n ? "the answer is not JSON" : "the answer is empty",
                                  text);
    } else if (json_get(tree, "error") || json_get(tree, "detail") ||
               json_get_text(tree, "message").n) {
        codec_out_fail_as_said(out, text);
    } else {
        codec_out_fail_unreadable(out, "there is no answer in the JSON", text);
    }
}

void codec_out_fail_by_reason(struct codec_out *out, struct sv word)
{
    struct err err;
    (void)err_set(&err, ERR_SERVER, "the server ended the answer with '%.*s'", SV_ARG(word));
    fail_retryable(out, &err);
}

static bool may_retry(enum err_code code)
{
    return code == ERR_UNREACHABLE || code == ERR_TIMEOUT || code == ERR_PROTOCOL ||
           code == ERR_SERVER || code == ERR_RATE_LIMIT || code == ERR_BUSY;
}

void codec_out_cut(struct codec_out *out, const struct err *broken)
{
    struct err err;
    if (broken) {
        err = *broken;
    } else if (out->unreadable) {
        (void)err_set(&err, ERR_PROTOCOL,
                      "the stream ended without its last event, and %u of its events were not JSON",
                      out->unreadable);
    } else {
        (void)err_set(&err, ERR_PROTOCOL, "the stream ended without its last event");
    }
    struct http_failure failure = {.code = err.code, .retryable = may_retry(err.code)};
    memcpy(failure.text, err.text, sizeof(failure.text));
    bool begun = out->started || err.code == ERR_PROTOCOL;
    codec_out_fail(out, &failure, begun ? FINISH_INTERRUPTED : FINISH_ERROR);
}
