/* Updates: one block of memory each, from the making to the last subscriber. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/update_internal.h"

/* The public struct first, so that a pointer to it is a pointer to this. */
struct update_block {
    struct message_update update;
    char *free;
    char *end;
};

static void destroy(struct payload *payload)
{
    free(payload);
}

struct message_update *update_new(enum update_kind kind, size_t piece_count, size_t text_bytes)
{
    size_t pieces_size = piece_count * sizeof(struct piece);
    struct update_block *block = xcalloc(1, sizeof(*block) + pieces_size + text_bytes);
    payload_init(&block->update.payload, destroy);
    block->update.kind = kind;
    block->update.usage = usage_unknown();
    block->update.pieces = (struct piece *)(block + 1);
    block->free = (char *)(block + 1) + pieces_size;
    block->end = block->free + text_bytes;
    return &block->update;
}

struct sv update_text(struct message_update *update, struct sv text)
{
    struct update_block *block = (struct update_block *)update;
    assert(text.n <= (size_t)(block->end - block->free));
    if (text.n == 0) {
        return (struct sv){NULL, 0};
    }
    char *start = block->free;
    memcpy(start, text.p, text.n);
    block->free += text.n;
    return sv_of(start, text.n);
}

const char *update_string(struct message_update *update, const char *text)
{
    return text ? update_text(update, sv_of(text, strlen(text) + 1)).p : NULL;
}

static bool is_structural(const struct message_update *update)
{
    return update->kind != UPDATE_CHANGED || update->revision != update->revision_before ||
           usage_is_known(&update->usage);
}

bool update_is_news(const struct message_update *update)
{
    return update->kind != UPDATE_CHANGED || update->piece_count > 0 ||
           usage_is_known(&update->usage);
}

void update_publish(struct broker *broker, struct message_update *update)
{
    size_t bytes = sizeof(*update);
    for (size_t i = 0; i < update->piece_count; i++) {
        bytes += sizeof(struct piece) + update->pieces[i].text.n;
    }
    struct event event = {TOPIC_MESSAGE, update->message, &update->payload, bytes};
    if (is_structural(update)) {
        broker_publish_parked(broker, &event);
    } else {
        broker_publish(broker, &event);
    }
}

void session_update_publish(struct broker *broker, const struct ulid *session, bool deleted)
{
    struct session_update *update = xcalloc(1, sizeof(*update));
    payload_init(&update->payload, destroy);
    update->session = *session;
    update->deleted = deleted;
    struct event event = {TOPIC_SESSION, *session, &update->payload, sizeof(*update)};
    broker_publish_parked(broker, &event);
    payload_unref(&update->payload);
}
