/*
 * SSE splitter: bytes of a text/event-stream in, events out. It knows nothing of JSON or of any
 * provider.
 *
 * Source: WHATWG HTML, "Server-sent events", parsing. Lenient in four points: an event whose data
 * is complete is also given at a clean end without its blank line or line end; a field `error`
 * (seen from llama.cpp) is given as an event of type "error"; comments count as signs of life; a
 * line that begins like JSON begins a document that lasts to the end of the body (Google's errors
 * come like that) and is given as one event of type SSE_DOCUMENT. The result does not depend on
 * where the input is cut.
 *
 * Threads: a value of its owner. Ownership: views passed to the handler are valid during the call.
 */
#ifndef WEIR_APP_SSE_H
#define WEIR_APP_SSE_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sv.h"

/* Longest line and longest event. */
#define SSE_MAX_EVENT ((size_t)16 << 20)

/* No event of a stream can have that type. */
#define SSE_DOCUMENT "\n"

typedef void sse_event_fn(void *ctx, struct sv type, struct sv data);

struct sse {
    sse_event_fn *handler;
    void *ctx;
    struct buf line;
    struct buf data;
    struct buf type;
    bool has_data;
    bool in_document;
    bool skip_lf;
    bool started; /* the byte order mark was looked for */
    bool failed;
    uint64_t comments; /* seen so far: signs of life */
};

void sse_init(struct sse *sse, size_t max_event, sse_event_fn *handler, void *ctx);
void sse_release(struct sse *sse);
/* ERR_TOO_BIG when an event passes the maximum; what is fed after that is ignored. */
enum err_code sse_feed(struct sse *sse, struct sv bytes, struct err *err) NODISCARD;
/* Clean end of the body. */
void sse_end(struct sse *sse);

#endif
