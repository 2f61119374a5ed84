/*
 * What the files of the Responses codec share: the decoder and its items.
 *
 * Threads: a decoder belongs to one.
 */
#ifndef WEIR_APP_CODEC_OPENAI_RESPONSES_INTERNAL_H
#define WEIR_APP_CODEC_OPENAI_RESPONSES_INTERNAL_H

#include <cjson/cJSON.h>

#include "app/codec.h"
#include "app/codec_out.h"

/* Keys of pieces from here on are of reasoning itself; below, of its summary. */
#define KEY_OF_REASONING ((int64_t)1 << 40)

enum responses_kind {
    ITEM_MESSAGE,
    ITEM_REASONING,
    ITEM_CALL,
    ITEM_OTHER, /* searches and the like: kept, not shown */
};

/* A piece of an item's text: of a message each is a part; all of reasoning are one part. */
struct responses_piece {
    int64_t key; /* which one, in the server's numbers */
    uint32_t part;
    size_t n;      /* bytes that were emitted, */
    uint64_t hash; /* and what they were */
};

struct responses_item {
    int64_t index; /* the server's, or -1 */
    char *id;      /* the item's own, or NULL: not what results are for */
    enum responses_kind kind;
    bool begun; /* it has a part */
    bool done;
    uint32_t part;
    int64_t last_key; /* of reasoning: the piece that is written */
    struct responses_piece *pieces;
    size_t piece_count;
};

struct decoder {
    struct codec_out out;
    struct responses_item *items;
    size_t item_count;
    bool refused;
    bool keeps;   /* encrypted reasoning came: what follows it has to go back with it, as it is */
    bool forgets; /* reasoning came that cannot be sent back: neither can what follows it */
    char *answer_id; /* NULL: has not come */
};

/* Which item, and which piece of it, an event is about. */
struct responses_place {
    int64_t index;
    struct sv id;
    int64_t key;
    bool known_only; /* an item that did not come before is not to be made */
};

/* Text of a message, of reasoning, or of a call's arguments. */
void responses__take_delta(struct decoder *decoder, const struct responses_place *place,
                           enum responses_kind kind, struct sv text);
void responses__begin_item(struct decoder *decoder, const struct responses_place *place,
                           const cJSON *item);
/* The item is whole: emits what its deltas left out, and what has to be replayed. `raw` is its
 * text. A second time does nothing. */
void responses__end_item(struct decoder *decoder, const struct responses_place *place,
                         const cJSON *item, struct sv raw);
size_t responses__call_count(const struct decoder *decoder);
void responses__end_calls(struct decoder *decoder);
void responses__free_items(struct decoder *decoder);

enum err_code responses__encode(const struct chat_request *request, struct buf *out,
                                struct err *err) NODISCARD;

#endif
