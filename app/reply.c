/*
 * Reply: looks at what a server sent, and gives it to the decoder in the form that it turned out to
 * have.
 *
 * A refusal (status 300 and up) is gathered and described. A success is an event stream, or lines
 * of JSON where the protocol has those, or one JSON document though a stream was asked for, or
 * something else altogether (an HTML page of a proxy): the media type tells, else the first bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "app/engine_internal.h"
#include "base/alloc.h"

#define FAILURE_MAX ((size_t)1 << 20)

static void on_event(void *ctx, struct sv type, struct sv data)
{
    struct reply *reply = ctx;
    if (sv_equal(type, SV(SSE_DOCUMENT))) {
        reply->codec->decode_body(reply->decoder, data);
    } else {
        reply->codec->decode(reply->decoder, type, data);
    }
}

static void on_line(void *ctx, struct sv line)
{
    on_event(ctx, (struct sv){NULL, 0}, line);
}

void reply_init(struct reply *reply, const struct codec *codec, const char *host,
                stream_sink_fn *sink, void *ctx)
{
    *reply = (struct reply){.codec = codec, .host = xstrdup(host), .asked_wait_us = -1};
    reply->decoder = codec->decoder_new(sink, ctx);
    sse_init(&reply->sse, SSE_MAX_EVENT, on_event, reply);
    ndjson_init(&reply->lines, SSE_MAX_EVENT, on_line, reply);
    buf_init(&reply->body, SSE_MAX_EVENT);
}

void reply_release(struct reply *reply)
{
    if (reply->codec) {
        reply->codec->decoder_free(reply->decoder);
        sse_release(&reply->sse);
        ndjson_release(&reply->lines);
        buf_release(&reply->body);
        free(reply->host);
        free(reply->no_key);
        *reply = (struct reply){.codec = NULL};
    }
}

void reply_head(struct reply *reply, const struct http_head *head)
{
    reply->status = head->status;
    if (head->status >= 300) {
        reply->form = REPLY_FAILURE;
    } else if (sv_starts_with(head->content_type, SV("text/event-stream"))) {
        reply->form = REPLY_SSE;
    } else if (sv_starts_with(head->content_type, SV("application/json"))) {
        reply->says_json = true;
    } else if (sv_starts_with(head->content_type, SV("application/x-ndjson"))) {
        reply->form = REPLY_LINES;
    }
}

/* As far as the text goes, which may be cut. */
static bool begins_events(struct sv text)
{
    static const struct sv fields[] = {SV("data:"), SV("event:"), SV("id:"), SV("retry:"), SV(":")};
    bool begins = false;
    for (size_t i = 0; i < COUNT_OF(fields) && !begins; i++) {
        begins = sv_starts_with(text, sv_take(fields[i], text.n));
    }
    return begins;
}

/* Some gateways name every answer JSON, also an event stream. */
static enum reply_form form_of_json(struct sv text)
{
    return begins_events(text) ? REPLY_SSE : REPLY_WHOLE;
}

/* Without a media type that helps, the first byte that is not white space decides. */
static void sniff(struct reply *reply, struct sv bytes)
{
    struct sv text = sv_trim(bytes);
    if (text.n == 0) {
        return;
    }
    if (reply->says_json) {
        reply->form = form_of_json(text);
        return;
    }
    if (text.p[0] == '{' && reply->codec->framing == CODEC_NDJSON) {
        reply->form = REPLY_LINES;
    } else if (text.p[0] == '{' || text.p[0] == '[') {
        reply->form = REPLY_WHOLE;
    } else if (strchr("dei:r", text.p[0])) {
        reply->form = REPLY_SSE;
    } else {
        reply->form = REPLY_FAILURE;
    }
}

bool reply_body(struct reply *reply, struct sv bytes)
{
    if (reply->form == REPLY_UNKNOWN) {
        sniff(reply, bytes);
    }
    if (reply->form == REPLY_SSE) {
        return sse_feed(&reply->sse, bytes, &reply->broken) == ERR_OK;
    }
    if (reply->form == REPLY_LINES) {
        return ndjson_feed(&reply->lines, bytes, &reply->broken) == ERR_OK;
    }
    if (reply->form == REPLY_FAILURE) {
        size_t room = FAILURE_MAX - reply->body.n;
        buf_append_sv(&reply->body, sv_take(bytes, room));
        return bytes.n < room;
    }
    if (!buf_append_sv(&reply->body, bytes)) {
        err_set(&reply->broken, ERR_TOO_BIG,
                "the answer of '%s' is one document of more than %zu MiB", reply->host,
                SSE_MAX_EVENT >> 20);
        return false;
    }
    return true;
}

static void describe(struct reply *reply, stream_sink_fn *sink, void *ctx)
{
    struct http_failure failure;
    http_failure_describe(reply->status, buf_sv(&reply->body), reply->host, reply->no_key,
                          &failure);
    reply->asked_wait_us = failure.wait_us;
    struct stream_event event = {
        .kind = STREAM_ERROR,
        .reason = FINISH_ERROR,
        .error = failure.code,
        /* A page instead of an answer (a portal that wants a login) stays. */
        .retryable = failure.retryable && reply->status >= 300,
        .text = sv_from(failure.text),
    };
    sink(ctx, &event);
}

void reply_end(struct reply *reply, const struct err *err, stream_sink_fn *sink, void *ctx)
{
    const struct err *broken = reply->broken.code ? &reply->broken : err;
    if (reply->form == REPLY_FAILURE && (!err || reply->body.n > 0)) {
        describe(reply, sink, ctx);
        return;
    }
    if (reply->says_json && reply->form == REPLY_UNKNOWN) {
        reply->form = REPLY_WHOLE;
    }
    if (reply->form == REPLY_SSE && !broken) {
        sse_end(&reply->sse);
    } else if (reply->form == REPLY_LINES && !broken) {
        ndjson_end(&reply->lines);
    } else if (reply->form == REPLY_WHOLE && !broken) {
        reply->codec->decode_body(reply->decoder, buf_sv(&reply->body));
    }
    reply->codec->end(reply->decoder, broken);
}
