/*
 * Runs a codec over a body, through the splitter that its framing asks for, cut at every position
 * and byte by byte, and compares the events with a text (stream_log.h).
 */
#ifndef WEIR_TESTS_APP_CODEC_CASE_H
#define WEIR_TESTS_APP_CODEC_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "app/codec.h"
#include "app/ndjson.h"
#include "app/sse.h"
#include "tests/app/stream_log.h"

#include <cmocka.h>

#define CODEC_CASE_LOG_MAX ((size_t)256 << 20)

struct codec_case {
    struct sv body;
    const char *events;
};

struct codec_feeding {
    const struct codec *codec;
    struct decoder *decoder;
};

static inline void codec_case_event(void *ctx, struct sv type, struct sv data)
{
    struct codec_feeding *feeding = ctx;
    if (sv_equal(type, SV(SSE_DOCUMENT))) {
        feeding->codec->decode_body(feeding->decoder, data);
    } else {
        feeding->codec->decode(feeding->decoder, type, data);
    }
}

static inline void codec_case_line(void *ctx, struct sv line)
{
    codec_case_event(ctx, (struct sv){NULL, 0}, line);
}

/* `cut` bytes at first, then the rest; 0: one at a time. */
static inline void codec_case_feed(struct codec_feeding *feeding, struct sv body, size_t cut,
                                   bool clean)
{
    struct sse sse;
    struct ndjson lines;
    bool is_sse = feeding->codec->framing == CODEC_SSE;
    sse_init(&sse, SSE_MAX_EVENT, codec_case_event, feeding);
    ndjson_init(&lines, SSE_MAX_EVENT, codec_case_line, feeding);
    size_t rest = cut ? body.n : 1;
    for (size_t length = cut ? cut : 1; body.n > 0; length = rest) {
        struct sv piece = sv_take(body, length);
        assert_int_equal(is_sse ? sse_feed(&sse, piece, NULL) : ndjson_feed(&lines, piece, NULL),
                         ERR_OK);
        body = sv_skip(body, length);
    }
    if (clean) {
        sse_end(&sse);
        ndjson_end(&lines);
    }
    sse_release(&sse);
    ndjson_release(&lines);
}

/* `broken` NULL: a clean end. Ends twice, and feeds what comes too late. */
static inline void codec_case_run(const struct codec *codec, struct sv body, size_t cut,
                                  const struct err *broken, struct buf *log)
{
    struct codec_feeding feeding = {codec, codec->decoder_new(stream_log, log)};
    codec_case_feed(&feeding, body, cut, !broken);
    codec->end(feeding.decoder, broken);
    codec->end(feeding.decoder, NULL);
    codec_case_feed(&feeding, body, body.n, true);
    codec->decode_body(feeding.decoder, SV("{\"error\":\"late\"}"));
    codec->decoder_free(feeding.decoder);
    codec->decoder_free(NULL);
}

static inline void codec_case_check(const struct codec *codec, const struct codec_case *cases,
                                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t cut = 0; cut <= cases[i].body.n; cut++) {
            struct buf log = BUF_INIT(CODEC_CASE_LOG_MAX);
            codec_case_run(codec, cases[i].body, cut, NULL, &log);
            assert_string_equal(buf_cstr(&log), cases[i].events);
            buf_release(&log);
        }
    }
}

/* The body as one document. */
static inline void codec_case_check_body(const struct codec *codec, struct sv body,
                                         const char *events)
{
    struct buf log = BUF_INIT(CODEC_CASE_LOG_MAX);
    struct decoder *decoder = codec->decoder_new(stream_log, &log);
    codec->decode_body(decoder, body);
    codec->end(decoder, NULL);
    codec->decoder_free(decoder);
    assert_string_equal(buf_cstr(&log), events);
    buf_release(&log);
}

#endif
