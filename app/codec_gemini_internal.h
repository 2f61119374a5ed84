/*
 * What the files of the Gemini codec share.
 *
 * Threads: pure.
 */
#ifndef WEIR_APP_CODEC_GEMINI_INTERNAL_H
#define WEIR_APP_CODEC_GEMINI_INTERNAL_H

#include "app/codec.h"

const char *gemini__key_header(const struct chat_request *request);
void gemini__path(const struct chat_request *request, struct buf *out);
enum err_code gemini__encode(const struct chat_request *request, struct buf *out,
                             struct err *err) NODISCARD;

#endif
