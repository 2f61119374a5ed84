/*
 * Items of a Responses answer. Deltas are for showing; what an item is in the end its last event
 * says, so that whatever the deltas left out is emitted then.
 *
 * Items are found by their output index; where a server leaves that out, by their id.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/codec_openai_responses_internal.h"
#include "app/json.h"
#include "base/alloc.h"

/* More in one answer are a server gone wild. */
#define ITEMS_MAX 4096
#define PIECES_MAX 4096
#define HASH_SEED UINT64_C(0xcbf29ce484222325)

static struct responses_item *find_item(struct decoder *decoder,
                                        const struct responses_place *place)
{
    for (size_t i = decoder->item_count; i > 0; i--) {
        struct responses_item *item = &decoder->items[i - 1];
        bool same = place->index >= 0 && item->index >= 0
                        ? item->index == place->index
                        : place->id.n && item->id && sv_equal_str(place->id, item->id);
        if (same) {
            return item;
        }
    }
    return NULL;
}

static void fail_too_many(struct decoder *decoder)
{
    static const struct http_failure too_many = {.code = ERR_TOO_BIG,
                                                 .text = "the answer has too many items"};
    codec_out_fail(&decoder->out, &too_many, FINISH_ERROR);
}

static struct responses_item *new_item(struct decoder *decoder, const struct responses_place *place,
                                       enum responses_kind kind)
{
    if (decoder->item_count == ITEMS_MAX) {
        fail_too_many(decoder);
        return NULL;
    }
    size_t count = decoder->item_count + 1;
    decoder->items = xrealloc(decoder->items, count * sizeof(*decoder->items));
    struct responses_item *item = &decoder->items[decoder->item_count++];
    *item = (struct responses_item){.index = place->index, .kind = kind, .last_key = -1};
    item->id = place->id.n ? xstrndup(place->id.p, place->id.n) : NULL;
    return item;
}

static struct responses_piece *find_piece(struct decoder *decoder, struct responses_item *item,
                                          int64_t key)
{
    for (size_t i = item->piece_count; i > 0; i--) {
        if (item->pieces[i - 1].key == key) {
            return &item->pieces[i - 1];
        }
    }
    if (item->piece_count == PIECES_MAX) {
        fail_too_many(decoder);
        return NULL;
    }
    item->pieces = xrealloc(item->pieces, (item->piece_count + 1) * sizeof(*item->pieces));
    struct responses_piece *piece = &item->pieces[item->piece_count++];
    *piece = (struct responses_piece){.key = key, .part = UINT32_MAX, .hash = HASH_SEED};
    return piece;
}

/* FNV-1a. */
static uint64_t hash_on(uint64_t hash, struct sv text)
{
    for (size_t i = 0; i < text.n; i++) {
        hash = (hash ^ (unsigned char)text.p[i]) * 0x100000001b3u;
    }
    return hash;
}

/* All reasoning of an item is one part, its pieces with a blank line between. */
static uint32_t reasoning_part(struct decoder *decoder, struct responses_item *item, int64_t key)
{
    if (!item->begun) {
        item->begun = true;
        item->part = decoder->out.next_part++;
    } else if (item->last_key != key) {
        codec_out_text(&decoder->out, STREAM_REASONING, item->part, SV("\n\n"));
    }
    item->last_key = key;
    return item->part;
}

static void emit(struct decoder *decoder, struct responses_item *item, int64_t key, struct sv text)
{
    static const enum stream_kind kinds[] = {[ITEM_MESSAGE] = STREAM_TEXT,
                                             [ITEM_REASONING] = STREAM_REASONING,
                                             [ITEM_CALL] = STREAM_TOOL_INPUT,
                                             [ITEM_OTHER] = STREAM_TEXT};
    struct responses_piece *piece = text.n ? find_piece(decoder, item, key) : NULL;
    if (!piece) {
        return;
    }
    if (item->kind == ITEM_REASONING) {
        piece->part = reasoning_part(decoder, item, key);
    } else if (item->kind == ITEM_CALL) {
        piece->part = item->part;
    } else if (piece->part == UINT32_MAX) {
        piece->part = decoder->out.next_part++;
    }
    piece->n += text.n;
    piece->hash = hash_on(piece->hash, text);
    codec_out_text(&decoder->out, kinds[item->kind], piece->part, text);
}

/* The whole text of a piece is known: emits what is missing at its end. Where it is another text
 * than was shown nothing can be taken back. */
static void complete(struct decoder *decoder, struct responses_item *item, int64_t key,
                     struct sv whole)
{
    struct responses_piece *piece = whole.n ? find_piece(decoder, item, key) : NULL;
    if (piece && piece->n < whole.n &&
        hash_on(HASH_SEED, sv_take(whole, piece->n)) == piece->hash) {
        emit(decoder, item, key, sv_skip(whole, piece->n));
    }
}

static enum responses_kind kind_of(const cJSON *item)
{
    struct sv type = json_get_text(item, "type");
    if (sv_equal(type, SV("message"))) {
        return ITEM_MESSAGE;
    }
    if (sv_equal(type, SV("reasoning"))) {
        return ITEM_REASONING;
    }
    return sv_equal(type, SV("function_call")) ? ITEM_CALL : ITEM_OTHER;
}

/* Without its name a call waits for its last event, which has all of it. */
static void begin_call(struct decoder *decoder, struct responses_item *item, const cJSON *source,
                       bool last)
{
    struct sv id = json_get_text(source, "call_id");
    struct sv name = json_get_text(source, "name");
    if (item->begun || (!last && (id.n == 0 || name.n == 0))) {
        return;
    }
    char *own =
        id.n ? NULL
             : codec_make_call_id(sv_from(decoder->answer_id), (size_t)(item - decoder->items));
    item->begun = true;
    item->part = codec_out_call(&decoder->out, own ? sv_from(own) : id, name);
    free(own);
}

void responses__begin_item(struct decoder *decoder, const struct responses_place *place,
                           const cJSON *source)
{
    struct responses_place here = *place;
    if (here.id.n == 0) {
        here.id = json_get_text(source, "id");
    }
    if (find_item(decoder, &here)) {
        return;
    }
    struct responses_item *item = new_item(decoder, &here, kind_of(source));
    if (item && item->kind == ITEM_CALL) {
        begin_call(decoder, item, source, false);
    }
}

void responses__take_delta(struct decoder *decoder, const struct responses_place *place,
                           enum responses_kind kind, struct sv text)
{
    struct responses_item *item = find_item(decoder, place);
    if (!item && kind != ITEM_CALL) {
        item = new_item(decoder, place, kind);
    }
    bool fits = item && item->kind == kind && !item->done;
    if (fits && (kind != ITEM_CALL || item->begun)) {
        emit(decoder, item, place->key, text);
    }
}

/* ---- the end of an item ---- */

static void complete_message(struct decoder *decoder, struct responses_item *item,
                             const cJSON *source)
{
    const cJSON *content;
    int64_t key = 0;
    cJSON_ArrayForEach(content, json_get(source, "content"))
    {
        struct sv refusal = json_get_text(content, "refusal");
        decoder->refused = decoder->refused || refusal.n > 0;
        complete(decoder, item, key, refusal.n ? refusal : json_get_text(content, "text"));
        key++;
    }
}

static void complete_reasoning(struct decoder *decoder, struct responses_item *item,
                               const cJSON *source)
{
    const cJSON *piece;
    int64_t key = 0;
    cJSON_ArrayForEach(piece, json_get(source, "summary"))
    {
        complete(decoder, item, key++, json_get_text(piece, "text"));
    }
    key = KEY_OF_REASONING;
    cJSON_ArrayForEach(piece, json_get(source, "content"))
    {
        complete(decoder, item, key++, json_get_text(piece, "text"));
    }
    if (item->begun) {
        codec_out_reasoning_end(&decoder->out, item->part);
    }
    if (json_get_text(source, "encrypted_content").n) {
        decoder->keeps = true;
    } else {
        decoder->forgets = true;
    }
}

static void complete_call(struct decoder *decoder, struct responses_item *item, const cJSON *source)
{
    begin_call(decoder, item, source, true);
    complete(decoder, item, 0, json_get_text(source, "arguments"));
    if (item->piece_count == 0) {
        emit(decoder, item, 0, SV("{}"));
    }
}

/* The numbers of its parts, with commas between. */
static void list_parts(const struct responses_item *item, struct buf *list)
{
    if (item->kind == ITEM_REASONING || item->kind == ITEM_CALL) {
        (void)(item->begun && buf_appendf(list, "%u", item->part));
        return;
    }
    for (size_t i = 0; i < item->piece_count; i++) {
        if (item->pieces[i].n) {
            (void)buf_appendf(list, "%s%u", list->n ? "," : "", item->pieces[i].part);
        }
    }
}

/* A server that keeps nothing refuses reasoning without its encrypted form, what followed it
 * without it, and what is not whole. Messages and calls say all in their neutral form otherwise. */
static bool is_native(const struct decoder *decoder, const struct responses_item *item,
                      const cJSON *source)
{
    bool whole = !sv_equal(json_get_text(source, "status"), SV("incomplete"));
    if (decoder->forgets || !whole) {
        return false;
    }
    return decoder->keeps || item->kind == ITEM_OTHER || json_get_text(source, "phase").n > 0;
}

static void send_native(struct decoder *decoder, const struct responses_item *item, struct sv raw)
{
    struct buf list = BUF_INIT(BUF_MAX_INTERNAL);
    struct buf json = BUF_INIT(BUF_MAX_INTERNAL);
    list_parts(item, &list);
    if (json_append_repaired(&json, raw)) {
        codec_out_native(&decoder->out, buf_sv(&list), buf_sv(&json));
    }
    buf_release(&list);
    buf_release(&json);
}

void responses__end_item(struct decoder *decoder, const struct responses_place *place,
                         const cJSON *source, struct sv raw)
{
    struct responses_place here = *place;
    here.id = here.id.n ? here.id : json_get_text(source, "id");
    struct responses_item *item = find_item(decoder, &here);
    if (!item && !here.known_only) {
        item = new_item(decoder, &here, kind_of(source));
    }
    if (!item || item->done || item->kind != kind_of(source)) {
        return;
    }
    item->done = true;
    if (item->kind == ITEM_MESSAGE) {
        complete_message(decoder, item, source);
    } else if (item->kind == ITEM_REASONING) {
        complete_reasoning(decoder, item, source);
    } else if (item->kind == ITEM_CALL) {
        complete_call(decoder, item, source);
    }
    if (is_native(decoder, item, source)) {
        send_native(decoder, item, raw);
    }
}

size_t responses__call_count(const struct decoder *decoder)
{
    size_t count = 0;
    for (size_t i = 0; i < decoder->item_count; i++) {
        count += decoder->items[i].kind == ITEM_CALL && decoder->items[i].begun;
    }
    return count;
}

void responses__end_calls(struct decoder *decoder)
{
    for (size_t i = 0; i < decoder->item_count; i++) {
        struct responses_item *item = &decoder->items[i];
        if (item->kind == ITEM_CALL && item->begun) {
            if (item->piece_count == 0) {
                emit(decoder, item, 0, SV("{}"));
            }
            codec_out_call_end(&decoder->out, item->part);
        }
    }
}

void responses__free_items(struct decoder *decoder)
{
    for (size_t i = 0; i < decoder->item_count; i++) {
        free(decoder->items[i].id);
        free(decoder->items[i].pieces);
    }
    free(decoder->items);
    decoder->items = NULL;
    decoder->item_count = 0;
}
