/*
 * What the files of the Anthropic codec share: the decoder and its blocks.
 *
 * Threads: a decoder belongs to one.
 */
#ifndef WEIR_APP_CODEC_ANTHROPIC_INTERNAL_H
#define WEIR_APP_CODEC_ANTHROPIC_INTERNAL_H

#include <cjson/cJSON.h>

#include "app/codec.h"
#include "app/codec_out.h"

enum anthropic_kind {
    BLOCK_TEXT,
    BLOCK_THINKING,
    BLOCK_CALL,
    BLOCK_OTHER, /* kept as it came: redacted thinking, the server's own tools, what is unknown */
};

struct anthropic_block {
    int64_t index; /* the server's */
    enum anthropic_kind kind;
    bool begun; /* it has a part */
    bool ended; /* what comes for it yet is ignored */
    bool has_input;
    uint32_t part;
    struct buf text;      /* of text and thinking */
    struct buf signature; /* of thinking */
    struct buf citations; /* JSON, with commas between */
    struct buf raw;       /* the block as it began, JSON */
    struct buf input;     /* of another's call; for ours, what the beginning of the block held */
};

struct decoder {
    struct codec_out out;
    struct anthropic_block *blocks;
    size_t block_count;
    char *id;         /* NULL: has not come */
    char *raw_reason; /* NULL: none yet */
    struct usage usage;
};

/* A block begins; `raw` is its text. It may hold something already, or all. */
void anthropic__begin_block(struct decoder *decoder, const cJSON *block, int64_t index,
                            struct sv raw);
/* `event` is the text of the event that the delta is in. */
void anthropic__take_delta(struct decoder *decoder, const cJSON *delta, int64_t index,
                           struct sv event);
void anthropic__end_block(struct decoder *decoder, int64_t index);
/* The answer ended: so do its blocks, and its calls when it is whole. */
void anthropic__end_blocks(struct decoder *decoder, bool whole);
size_t anthropic__call_count(const struct decoder *decoder);
void anthropic__free_blocks(struct decoder *decoder);

bool anthropic__can_prefill(const struct chat_request *request);
enum err_code anthropic__encode(const struct chat_request *request, struct buf *out,
                                struct err *err) NODISCARD;

#endif
