/*
 * NDJSON splitter: bytes in, lines out. It knows nothing of JSON.
 *
 * A line ends at LF, with or without a CR before it; the last one may lack it. Blank lines are
 * passed over. The result does not depend on where the input is cut.
 *
 * Threads: a value of its owner. Ownership: views passed to the handler are valid during the call.
 */
#ifndef WEIR_APP_NDJSON_H
#define WEIR_APP_NDJSON_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sv.h"

/* Without its end, and never blank. */
typedef void ndjson_line_fn(void *ctx, struct sv line);

struct ndjson {
    ndjson_line_fn *handler;
    void *ctx;
    struct buf line; /* what a cut left over */
    bool failed;
};

void ndjson_init(struct ndjson *ndjson, size_t max_line, ndjson_line_fn *handler, void *ctx);
/* Twice is fine, and so is NULL. */
void ndjson_release(struct ndjson *ndjson);
/* ERR_TOO_BIG when a line passes the maximum; what is fed after that is ignored. */
enum err_code ndjson_feed(struct ndjson *ndjson, struct sv bytes, struct err *err) NODISCARD;
/* Clean end of the body. */
void ndjson_end(struct ndjson *ndjson);

#endif
