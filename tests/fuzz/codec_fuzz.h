/*
 * What the fuzzers of the codecs share. The first byte says where the rest is cut, and its highest
 * bit that the rest is one document instead of a stream.
 */
#ifndef WEIR_TESTS_FUZZ_CODEC_FUZZ_H
#define WEIR_TESTS_FUZZ_CODEC_FUZZ_H

#include <stdint.h>
#include <stdlib.h>

#include "app/codec.h"
#include "app/ndjson.h"
#include "app/sse.h"
#include "base/utf8.h"

#define CODEC_FUZZ_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct codec_fuzz {
    const struct codec *codec;
    struct decoder *decoder;
    unsigned ends;
};

static inline void codec_fuzz_text(struct sv text)
{
    if (utf8_valid_prefix(text.p, text.n) != text.n || sv_find(text, '\0') != text.n) {
        abort();
    }
}

static inline void codec_fuzz_sink(void *ctx, const struct stream_event *event)
{
    struct codec_fuzz *self = ctx;
    self->ends += stream_event_is_last(event);
    if (self->ends > (stream_event_is_last(event) ? 1 : 0)) {
        abort();
    }
    codec_fuzz_text(event->text);
    codec_fuzz_text(event->id);
    codec_fuzz_text(event->name);
}

static inline void codec_fuzz_event(void *ctx, struct sv type, struct sv data)
{
    struct codec_fuzz *self = ctx;
    if (sv_equal(type, SV(SSE_DOCUMENT))) {
        self->codec->decode_body(self->decoder, data);
    } else {
        self->codec->decode(self->decoder, type, data);
    }
}

static inline void codec_fuzz_line(void *ctx, struct sv line)
{
    codec_fuzz_event(ctx, (struct sv){NULL, 0}, line);
}

static inline void codec_fuzz_stream(struct codec_fuzz *self, struct sv body, size_t cut)
{
    struct sse sse;
    struct ndjson lines;
    sse_init(&sse, CODEC_FUZZ_MAX, codec_fuzz_event, self);
    ndjson_init(&lines, CODEC_FUZZ_MAX, codec_fuzz_line, self);
    struct sv parts[] = {sv_take(body, cut), sv_skip(body, cut)};
    for (size_t i = 0; i < 2; i++) {
        if (self->codec->framing == CODEC_SSE) {
            (void)!sse_feed(&sse, parts[i], NULL);
        } else {
            (void)!ndjson_feed(&lines, parts[i], NULL);
        }
    }
    sse_end(&sse);
    ndjson_end(&lines);
    sse_release(&sse);
    ndjson_release(&lines);
}

static inline void codec_fuzz(const struct codec *codec, const uint8_t *data, size_t size)
{
    struct codec_fuzz self = {.codec = codec};
    struct sv body = size ? sv_of((const char *)data + 1, size - 1) : (struct sv){NULL, 0};
    self.decoder = codec->decoder_new(codec_fuzz_sink, &self);
    if (size && data[0] & 0x80) {
        codec->decode_body(self.decoder, body);
    } else {
        codec_fuzz_stream(&self, body, size ? data[0] : 0);
    }
    codec->end(self.decoder, NULL);
    codec->decoder_free(self.decoder);
    if (self.ends != 1) {
        abort();
    }
}

#endif
