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

#include "app/chat.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sv.h"
#include "store/message.h"
#include "store/stream_event.h"

struct chat_request {
    const char *model;       /* without the provider's name */
    const char *label;       /* "PROVIDER/MODEL": native items of other labels are dropped */
    const char *host;        /* of the base URL: dialects differ */
    const char *api_version; /* from the config (Azure); NULL: none */
    const char *dialect;     /* from the config; NULL: by the host */
    int64_t context_tokens;  /* the model's window, where it is known and not below 1 */
    struct sv system;        /* empty: none */
    struct message *const
        *messages; /* oldest first; the last one is the user's, or see `continues` */
    size_t message_count;
    struct chat_options options;
    const struct chat_attachment *attachments; /* for the parts that name them */
    size_t attachment_count;
    /* The last message is the assistant's, cut short. The codec has the model write on where the
     * protocol and the model can (codec->can_prefill), else it asks for it with CHAT_GO_ON. */
    bool continues;
};

#define CHAT_GO_ON                                                                                 \
    "Your last answer was cut off. Continue it exactly where it stopped, without repeating any "   \
    "of it."

typedef void stream_sink_fn(void *ctx, const struct stream_event *event);

enum codec_framing {
    CODEC_SSE,    /* text/event-stream */
    CODEC_NDJSON, /* one JSON document a line */
};

struct decoder;

/*
 * Native items: what a provider wants back as it was (signatures, encrypted reasoning) is emitted
 * as STREAM_NATIVE, its JSON text verbatim, its `id` the number of the part that it stands for in
 * decimal digits, several with commas between; none: it stands for itself, where it is. A decoder
 * emits one only when it is whole. Encoding for the same label puts native items in place of the
 * parts that they stand for; for another label it leaves them out, and the reasoning too.
 */
struct codec {
    const char *name;   /* as in the config's `type` */
    const char *accept; /* media type of the answer */
    enum codec_framing framing;
    const char *const *headers; /* "Name: value", NULL at the end; NULL: none */
    /* What the key is put behind, as in "x-api-key: ". */
    const char *(*key_header)(const struct chat_request *request);
    /* Appends what follows the base URL. */
    void (*path)(const struct chat_request *request, struct buf *out);
    /* Whether this model goes on with an assistant's message that ends the conversation. NULL:
     * none does. */
    bool (*can_prefill)(const struct chat_request *request);
    /* Pure. ERR_INVALID: there is nothing to send, or an attachment of a type that this protocol
     * cannot carry; ERR_TOO_BIG. */
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
/* Names of the dialects that codec_openai_chat knows; NULL past the last one. */
const char *codec_openai_dialect(size_t index);
extern const struct codec codec_openai_responses;
extern const struct codec codec_anthropic;
extern const struct codec codec_gemini, codec_ollama;

/*
 * What a refused request says. `status` 400 and up, or 300 and up (a redirect: the base URL is
 * wrong). The text tells what failed and what to do, holds no key, and falls back to the status and
 * the first 300 characters of the body. `no_key`: no key was sent, and this says what to do about
 * it; NULL: one was.
 */
struct http_failure {
    enum err_code code;
    bool retryable;
    int64_t wait_us; /* that the body asks for (Google's RetryInfo); -1: it does not */
    char text[ERR_TEXT_SIZE];
};
void http_failure_describe(int status, struct sv body, const char *host, const char *no_key,
                           struct http_failure *ret_failure);
/* Reads an error object out of any of the shapes servers use; false when there is none. */
bool error_body_message(struct sv body, struct buf *ret_message);

#endif
