/* Writes stream events down, one a line, so that tests can compare whole streams as text. */
#ifndef WEIR_TESTS_APP_STREAM_LOG_H
#define WEIR_TESTS_APP_STREAM_LOG_H

#include <inttypes.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "store/stream_event.h"

static inline bool stream_log_is_valid(struct sv text)
{
    return utf8_valid_prefix(text.p, text.n) == text.n && sv_find(text, '\0') == text.n;
}

static inline void stream_log_usage(struct buf *log, const struct usage *usage)
{
    (void)buf_appendf(log, " in %" PRId64 " out %" PRId64 " read %" PRId64 " write %" PRId64,
                      usage->input_tokens, usage->output_tokens, usage->cache_read_tokens,
                      usage->cache_write_tokens);
    (void)buf_appendf(log, " reasoning %" PRId64 " cost %" PRId64, usage->reasoning_tokens,
                      usage->cost_micros);
}

/* A stream_sink_fn; `ctx` is a struct buf. */
static inline void stream_log(void *ctx, const struct stream_event *event)
{
    struct buf *log = ctx;
    (void)buf_append_str(log, stream_kind_text(event->kind));
    switch (event->kind) {
    case STREAM_STARTED:
        (void)buf_appendf(log, " %.*s %.*s", SV_ARG(event->id), SV_ARG(event->name));
        break;
    case STREAM_TOOL_CALL:
        (void)buf_appendf(log, " %u %.*s %.*s", event->part, SV_ARG(event->id),
                          SV_ARG(event->name));
        break;
    case STREAM_USAGE:
        stream_log_usage(log, &event->usage);
        break;
    case STREAM_FINISH:
        (void)buf_appendf(log, " %s: %.*s", finish_reason_text(event->reason), SV_ARG(event->text));
        break;
    case STREAM_ERROR:
        (void)buf_appendf(log, " %s %s %s: %.*s", finish_reason_text(event->reason),
                          err_name(event->error), event->retryable ? "retry" : "final",
                          SV_ARG(event->text));
        break;
    default:
        (void)buf_appendf(log, " %u [%.*s]", event->part, SV_ARG(event->text));
        break;
    }
    (void)buf_append_byte(log, '\n');
}

#endif
