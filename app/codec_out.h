/*
 * What the decoders share on the way out: the numbers of the parts, the one last event, the limit
 * of an answer, and how failures are said.
 *
 * Nothing is emitted after the last event, so a decoder need not look. Who holds text back lets it
 * go before it calls a function that ends.
 *
 * Threads: as the decoder. Ownership: nothing is kept.
 */
#ifndef WEIR_APP_CODEC_OUT_H
#define WEIR_APP_CODEC_OUT_H

#include <cjson/cJSON.h>

#include "app/codec.h"

struct codec_out {
    stream_sink_fn *sink;
    void *ctx;
    bool started;        /* STREAM_STARTED was emitted */
    bool answered;       /* text or a tool call was emitted */
    bool last;           /* finish or error was emitted */
    uint32_t next_part;  /* number of the part that begins next */
    uint64_t bytes;      /* of text so far */
    unsigned unreadable; /* events that were not JSON, passed over */
    struct usage usage;  /* the latest */
};

void codec_out_init(struct codec_out *out, stream_sink_fn *sink, void *ctx);
/* Counts text that is kept until later; false: it is too much, and the answer has ended. */
bool codec_out_count(struct codec_out *out, struct sv text);
/* Once; later calls do nothing. */
void codec_out_started(struct codec_out *out, struct sv id, struct sv model);
/* STREAM_TEXT, STREAM_REASONING or STREAM_TOOL_INPUT; empty text emits nothing. More than 64 MiB
 * of an answer end it. */
void codec_out_text(struct codec_out *out, enum stream_kind kind, uint32_t part, struct sv text);
void codec_out_reasoning_end(struct codec_out *out, uint32_t part);
/* Begins a part of its own; gives its number. */
uint32_t codec_out_call(struct codec_out *out, struct sv id, struct sv name);
void codec_out_call_end(struct codec_out *out, uint32_t part);
/* `stands_for` as in app/codec.h. Counts to the limit. */
void codec_out_native(struct codec_out *out, struct sv stands_for, struct sv json);
/* A name for a call that came without one: the same for the same answer, however it was cut. Gives
 * it to the caller. */
char *codec_make_call_id(struct sv answer_id, size_t number) NODISCARD;
/* Emits it unless nothing of it is known, or it is what was emitted last. */
void codec_out_usage(struct codec_out *out, const struct usage *usage);

/* A count of tokens without a part of it; what is unknown changes nothing. */
int64_t codec_tokens_without(int64_t total, int64_t part);

/* `word` is the server's own for the reason, or empty. An answer of nothing is said to be one. */
void codec_out_finish(struct codec_out *out, enum finish_reason reason, struct sv word);
void codec_out_fail(struct codec_out *out, const struct http_failure *failure,
                    enum finish_reason reason);
/* An error object inside an answer that began with status 200. */
void codec_out_fail_as_said(struct codec_out *out, struct sv body);
/* `what` and then the body's first words. */
void codec_out_fail_unreadable(struct codec_out *out, const char *what, struct sv body);
/* A whole body in which there is no answer: an error, something else, or no JSON (`tree` NULL). */
void codec_out_refuse_body(struct codec_out *out, const cJSON *tree, struct sv text);
/* The server names an error as the reason for the end. */
void codec_out_fail_by_reason(struct codec_out *out, struct sv word);
/* The body ended before the answer did; `broken` as in codec->end. */
void codec_out_cut(struct codec_out *out, const struct err *broken);

#endif
