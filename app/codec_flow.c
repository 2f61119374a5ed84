/* Flow: parts begin and end by themselves. */
#include "app/codec_flow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/utf8.h"

#define REASON_BYTES 64

/* FNV-1a */
static uint64_t mix(uint64_t hash, struct sv text)
{
    for (size_t i = 0; i < text.n; i++) {
        hash = (hash ^ (unsigned char)text.p[i]) * 0x100000001b3u;
    }
    return hash;
}

void codec_flow_init(struct codec_flow *flow, stream_sink_fn *sink, void *ctx)
{
    *flow = (struct codec_flow){.open = STREAM_STARTED, .seed = 0xcbf29ce484222325u};
    codec_out_init(&flow->out, sink, ctx);
}

void codec_flow_release(struct codec_flow *flow)
{
    free(flow->raw_reason);
    flow->raw_reason = NULL;
}

void codec_flow_started(struct codec_flow *flow, struct sv id, struct sv model, struct sv unique)
{
    if (!flow->out.started) {
        flow->seed = mix(flow->seed, unique);
        codec_out_started(&flow->out, id, model);
    }
}

void codec_flow_close(struct codec_flow *flow)
{
    if (flow->open == STREAM_REASONING) {
        codec_out_reasoning_end(&flow->out, flow->part);
    }
    flow->open = STREAM_STARTED;
}

void codec_flow_text(struct codec_flow *flow, enum stream_kind kind, struct sv text)
{
    if (text.n == 0) {
        return;
    }
    if (flow->open != kind) {
        codec_flow_close(flow);
        flow->open = kind;
        flow->part = flow->out.next_part++;
    }
    codec_out_text(&flow->out, kind, flow->part, text);
}

static struct sv make_id(const struct codec_flow *flow, struct buf *out)
{
    char number[16];
    (void)snprintf(number, sizeof number, "%u", flow->calls);
    (void)buf_appendf(out, "call_%016" PRIx64, mix(flow->seed, sv_from(number)));
    return buf_sv(out);
}

uint32_t codec_flow_call(struct codec_flow *flow, struct sv id, struct sv name, struct sv arguments)
{
    struct buf own = BUF_INIT(32);
    struct buf input = BUF_INIT(arguments.n * 3 + 2);
    codec_flow_close(flow);
    if (id.n == 0) {
        id = make_id(flow, &own);
    }
    flow->calls++;
    (void)json_append_repaired(&input, arguments.n ? arguments : SV("{}"));
    uint32_t part = codec_out_call(&flow->out, id, name);
    codec_out_text(&flow->out, STREAM_TOOL_INPUT, part, buf_sv(&input));
    codec_out_call_end(&flow->out, part);
    buf_release(&own);
    buf_release(&input);
    return part;
}

void codec_flow_reason(struct codec_flow *flow, struct sv word)
{
    if (word.n) {
        free(flow->raw_reason);
        flow->raw_reason = xstrndup(word.p, utf8_cut(word.p, word.n, REASON_BYTES));
    }
}

cJSON *codec_flow_parse(struct codec_flow *flow, struct sv text)
{
    cJSON *tree = json_parse(text);
    flow->out.unreadable += tree == NULL;
    return tree;
}

void codec_flow_finish(struct codec_flow *flow, enum finish_reason reason)
{
    struct sv word = sv_from(flow->raw_reason);
    codec_flow_close(flow);
    if (reason == FINISH_ERROR) {
        codec_out_fail_by_reason(&flow->out, word);
    } else {
        codec_out_finish(&flow->out, reason, word);
    }
}
