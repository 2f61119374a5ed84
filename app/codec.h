/*
 * Codec: a wire protocol as pure functions. Messages in, request body out; framed events in, stream
 * events out. No I/O.
 *
 * A decoder emits exactly one last event (STREAM_FINISH or STREAM_ERROR), when the body ends or is
 * cut: codec->end(). What comes after it is ignored. End of the body without the protocol's own end
 * marker is an error that keeps the text.
 *
 * Threads: a decoder belongs to one thread. Ownership: the sink borrows the event for the call.
 */
#ifndef WEIR_APP_CODEC_H
#define WEIR_APP_CODEC_H

#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sv.h"
#include "store/message.h"
#include "store/stream_event.h"

struct chat_request {
    const char *model;               /* without the provider's name */
    const char *host;                /* of the base URL: dialects differ */
    struct sv system;                /* empty: none */
    struct message *const *messages; /* oldest first; the last one is the user's */
    size_t message_count;
};

typedef void stream_sink_fn(void *ctx, const struct stream_event *event);

struct decoder;

struct codec {
    const char *name;   /* as in the config's `type` */
    const char *path;   /* appended to the base URL */
    const char *accept; /* media type of the answer */
    enum err_code (*encode)(const struct chat_request *request, struct buf *out, struct err *err);
    struct decoder *(*decoder_new)(stream_sink_fn *sink, void *ctx);
    /* One SSE event (type, data), or one line of NDJSON (type empty). */
    void (*decode)(struct decoder *decoder, struct sv type, struct sv data);
    /* A whole body that is no event stream (application/json): one complete answer, or an error. */
    void (*decode_body)(struct decoder *decoder, struct sv body);
    /* The body ended: cleanly (`broken` NULL), or because of what `broken` says. */
    void (*end)(struct decoder *decoder, const struct err *broken);
    void (*decoder_free)(struct decoder *decoder); /* NULL is fine */
};

extern const struct codec codec_openai_chat;

/*
 * What a refused request says. `status` 400 and up, or 300 and up (a redirect: the base URL is
 * wrong). The text tells what failed and what to do, holds no key, and falls back to the status and
 * the first 300 characters of the body.
 */
struct http_failure {
    enum err_code code;
    bool retryable;
    char text[ERR_TEXT_SIZE];
};
void http_failure_describe(int status, struct sv body, const char *host,
                           struct http_failure *ret_failure);
/* Reads an error object out of any of the shapes servers use; false when there is none. */
bool error_body_message(struct sv body, struct buf *ret_message);

#endif
