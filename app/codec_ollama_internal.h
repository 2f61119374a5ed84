/*
 * What the files of the codec for Ollama's own protocol share.
 *
 * Threads: pure.
 */
#ifndef WEIR_APP_CODEC_OLLAMA_INTERNAL_H
#define WEIR_APP_CODEC_OLLAMA_INTERNAL_H

#include "app/codec.h"

enum err_code ollama__encode(const struct chat_request *request, struct buf *out,
                             struct err *err) NODISCARD;

#endif
