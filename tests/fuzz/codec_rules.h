/*
 * Any bytes as the answer of a codec: the first one chooses whether they are a
 * stream or a whole body ('B'), the second where a stream is cut. What comes out is the same
 * wherever that is, keeps the rules of store/stream_event.h, and has one last event, at its end.
 */
#ifndef WEIR_TESTS_FUZZ_CODEC_RULES_H
#define WEIR_TESTS_FUZZ_CODEC_RULES_H

#include <stdint.h>
#include <stdlib.h>

#include "app/codec.h"
#include "app/ndjson.h"
#include "app/sse.h"
#include "tests/app/stream_log.h"

#define RULES_PARTS 1024

struct rules {
    const struct codec *codec;
    struct decoder *decoder;
    struct buf *log;
    unsigned lasts;
    uint32_t parts;
    enum part_kind kinds[RULES_PARTS];
    bool ended[RULES_PARTS];
};

static inline void rules_require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* The part is the next one, or one that is open and of that kind. */
static inline void rules_use_part(struct rules *rules, uint32_t part, enum part_kind kind)
{
    bool is_new = part == rules->parts;
    rules_require(part <= rules->parts);
    rules->parts += is_new;
    if (part < RULES_PARTS) {
        rules->kinds[part] = is_new ? kind : rules->kinds[part];
        rules_require(rules->kinds[part] == kind && !rules->ended[part]);
    }
}

static inline void rules_end_part(struct rules *rules, uint32_t part)
{
    rules_require(part < rules->parts);
    if (part < RULES_PARTS) {
        rules->ended[part] = true;
    }
}

static inline void rules_see_part(struct rules *rules, const struct stream_event *event)
{
    static const enum part_kind kinds[STREAM_KIND_COUNT] = {
        [STREAM_TEXT] = PART_TEXT,           [STREAM_REASONING] = PART_REASONING,
        [STREAM_TOOL_CALL] = PART_TOOL_CALL, [STREAM_TOOL_INPUT] = PART_TOOL_CALL,
        [STREAM_NATIVE] = PART_NATIVE,
    };
    bool begins = event->kind == STREAM_TOOL_CALL || event->kind == STREAM_NATIVE;
    rules_require(begins == (event->part == rules->parts) || event->kind == STREAM_TEXT ||
                  event->kind == STREAM_REASONING);
    rules_use_part(rules, event->part, kinds[event->kind]);
}

static inline void rules_see(void *ctx, const struct stream_event *event)
{
    struct rules *rules = ctx;
    rules_require(rules->lasts == 0);
    rules->lasts += stream_event_is_last(event);
    rules_require(stream_log_is_valid(event->text) && stream_log_is_valid(event->id) &&
                  stream_log_is_valid(event->name));
    switch (event->kind) {
    case STREAM_NATIVE:
        rules_see_part(rules, event);
        rules_end_part(rules, event->part);
        break;
    case STREAM_TEXT:
    case STREAM_REASONING:
    case STREAM_TOOL_CALL:
    case STREAM_TOOL_INPUT:
        rules_see_part(rules, event);
        break;
    case STREAM_REASONING_END:
    case STREAM_TOOL_CALL_END:
        rules_end_part(rules, event->part);
        break;
    default:
        break;
    }
    stream_log(rules->log, event);
}

static inline void rules_pass_on(void *ctx, struct sv type, struct sv data)
{
    struct rules *rules = ctx;
    if (sv_equal(type, SV(SSE_DOCUMENT))) {
        rules->codec->decode_body(rules->decoder, data);
    } else {
        rules->codec->decode(rules->decoder, type, data);
    }
}

static inline void rules_take_line(void *ctx, struct sv line)
{
    rules_pass_on(ctx, (struct sv){NULL, 0}, line);
}

static inline void rules_feed_lines(struct rules *rules, struct sv stream, size_t cut)
{
    struct ndjson lines;
    struct err err;
    ndjson_init(&lines, SSE_MAX_EVENT, rules_take_line, rules);
    bool fits = ndjson_feed(&lines, sv_take(stream, cut), &err) == ERR_OK &&
                ndjson_feed(&lines, sv_skip(stream, cut), &err) == ERR_OK;
    if (fits) {
        ndjson_end(&lines);
    }
    rules->codec->end(rules->decoder, fits ? NULL : &err);
    ndjson_release(&lines);
}

static inline void rules_feed(struct rules *rules, struct sv stream, size_t cut)
{
    struct sse sse;
    struct err err;
    sse_init(&sse, SSE_MAX_EVENT, rules_pass_on, rules);
    bool fits = sse_feed(&sse, sv_take(stream, cut), &err) == ERR_OK &&
                sse_feed(&sse, sv_skip(stream, cut), &err) == ERR_OK;
    if (fits) {
        sse_end(&sse);
    }
    rules->codec->end(rules->decoder, fits ? NULL : &err);
    sse_release(&sse);
}

/* Appends what comes out to `log`. A cut past the end: the bytes are a whole body. */
static inline void rules_run(const struct codec *codec, struct sv bytes, size_t cut,
                             struct buf *log)
{
    struct rules *rules = calloc(1, sizeof(*rules));
    rules_require(rules != NULL);
    rules->codec = codec;
    rules->log = log;
    rules->decoder = codec->decoder_new(rules_see, rules);
    if (cut > bytes.n) {
        codec->decode_body(rules->decoder, bytes);
        codec->end(rules->decoder, NULL);
    } else if (codec->framing == CODEC_NDJSON) {
        rules_feed_lines(rules, bytes, cut);
    } else {
        rules_feed(rules, bytes, cut);
    }
    rules_require(rules->lasts == 1);
    codec->decoder_free(rules->decoder);
    free(rules);
}

static inline int rules_check(const struct codec *codec, const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct sv bytes = sv_of((const char *)data + 2, size - 2);
    struct buf whole = BUF_INIT(BUF_MAX_INTERNAL);
    struct buf pieces = BUF_INIT(BUF_MAX_INTERNAL);
    bool is_body = data[0] == 'B';
    rules_run(codec, bytes, is_body ? SIZE_MAX : bytes.n, &whole);
    if (!is_body) {
        rules_run(codec, bytes, bytes.n * data[1] / 256, &pieces);
        rules_require(sv_equal(buf_sv(&whole), buf_sv(&pieces)));
    }
    buf_release(&whole);
    buf_release(&pieces);
    return 0;
}

#endif
