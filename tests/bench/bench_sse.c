/* Throughput of the SSE splitter on a stream as a chat server sends it, in pieces as curl gives
 * them. Prints one line of JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "app/sse.h"
#include "base/clock.h"

#define STREAM_BYTES ((size_t)64 << 20)
#define PIECE ((size_t)16 << 10)

static void count(void *ctx, struct sv type, struct sv data)
{
    size_t *bytes = ctx;
    *bytes += data.n + (type.n == 0);
}

static void fill(struct buf *stream)
{
    unsigned number = 0;
    while (stream->n < STREAM_BYTES) {
        (void)buf_appendf(stream,
                          "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\","
                          "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word %u\"},"
                          "\"finish_reason\":null}]}\n\n",
                          number++);
    }
}

static double run_once(const struct buf *stream, size_t *seen)
{
    struct sse sse;
    sse_init(&sse, SSE_MAX_EVENT, count, seen);
    int64_t began = clock_mono_us();
    for (size_t at = 0; at < stream->n; at += PIECE) {
        if (sse_feed(&sse, sv_take(sv_skip(buf_sv(stream), at), PIECE), NULL) != ERR_OK) {
            exit(1);
        }
    }
    int64_t took = clock_mono_us() - began;
    sse_release(&sse);
    return (double)stream->n / (double)(took ? took : 1);
}

int main(void)
{
    struct buf stream = BUF_INIT(BUF_MAX_INTERNAL);
    size_t seen = 0;
    double best = 0;
    fill(&stream);
    for (int i = 0; i < 5; i++) {
        double rate = run_once(&stream, &seen);
        best = rate > best ? rate : best;
    }
    buf_release(&stream);
    printf("{\"name\":\"sse_mb_per_s\",\"value\":%.0f}\n", best);
    return seen ? 0 : 1;
}
