/*
 * Encoding: what the codecs share when they write a request.
 *
 * Threads: pure. Errors: a buffer that is full says so by buf_ok().
 */
#ifndef WEIR_APP_CODEC_ENCODE_H
#define WEIR_APP_CODEC_ENCODE_H

#include <stdbool.h>

#include "app/codec.h"
#include "base/buf.h"
#include "base/sv.h"

/* Whether `host` (NULL: no) is that domain or one below it. */
bool codec_host_is(const char *host, struct sv domain);
/* Appends one segment of a URL's path, or a value of its query, percent-encoded (RFC 3986). */
void codec_append_segment(struct buf *out, struct sv text);

#endif
