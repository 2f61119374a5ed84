/*
 * Flow: for protocols that send text and reasoning as pieces without numbers, and tool calls whole.
 * A piece of the other kind ends the part before it and begins one of its own.
 *
 * Threads: as the decoder. Ownership: codec_flow_release frees what it keeps.
 */
#ifndef WEIR_APP_CODEC_FLOW_H
#define WEIR_APP_CODEC_FLOW_H

#include "app/codec_out.h"
#include "app/json.h"

struct codec_flow {
    struct codec_out out;
    enum stream_kind open; /* STREAM_TEXT, STREAM_REASONING, or STREAM_STARTED: nothing */
    uint32_t part;         /* of what is open */
    unsigned calls;
    uint64_t seed;    /* of the ids that are made up */
    char *raw_reason; /* the server's word for the end; NULL: none yet */
};

void codec_flow_init(struct codec_flow *flow, stream_sink_fn *sink, void *ctx);
void codec_flow_release(struct codec_flow *flow);
/* Once. `unique` tells this answer from others: made-up ids follow from it. */
void codec_flow_started(struct codec_flow *flow, struct sv id, struct sv model, struct sv unique);
/* STREAM_TEXT or STREAM_REASONING; an empty text does nothing. */
void codec_flow_text(struct codec_flow *flow, enum stream_kind kind, struct sv text);
void codec_flow_close(struct codec_flow *flow);
/* A whole call; one without an id gets one. `arguments` as they are written, empty: none. Gives its
 * part's number. */
uint32_t codec_flow_call(struct codec_flow *flow, struct sv id, struct sv name,
                         struct sv arguments);
/* Keeps the word, cut to what can be shown; an empty one does nothing. */
void codec_flow_reason(struct codec_flow *flow, struct sv word);
/* Reads one event: NULL, and counted, when it is not JSON. For cJSON_Delete. */
cJSON *codec_flow_parse(struct codec_flow *flow, struct sv text) NODISCARD;
/* Ends the answer; what is open is closed first. FINISH_ERROR: by the reason. */
void codec_flow_finish(struct codec_flow *flow, enum finish_reason reason);

#endif
