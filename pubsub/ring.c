/*
 * Queue of entries in one block of memory that grows by doubling, so that publishing does not
 * allocate and an idle subscription is small.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "pubsub/broker_internal.h"

enum { RING_FIRST = 8, RING_KEEP = 64 };

struct entry *ring__at(const struct ring *ring, size_t index)
{
    assert(index < ring->count);
    return &ring->slots[(ring->head + index) & (ring->cap - 1)];
}

static void grow(struct ring *ring)
{
    size_t cap = ring->cap == 0 ? RING_FIRST : ring->cap * 2;
    struct entry *slots = xcalloc(cap, sizeof(*slots));

    for (size_t i = 0; i < ring->count; i++) {
        slots[i] = *ring__at(ring, i);
    }
    free(ring->slots);
    ring->slots = slots;
    ring->cap = cap;
    ring->head = 0;
}

void ring__push(struct ring *ring, const struct entry *entry)
{
    if (ring->count == ring->cap) {
        grow(ring);
    }
    ring->count++;
    *ring__at(ring, ring->count - 1) = *entry;
}

struct entry ring__pop(struct ring *ring)
{
    struct entry entry = *ring__at(ring, 0);

    ring->head = (ring->head + 1) & (ring->cap - 1);
    ring->count--;
    return entry;
}

struct entry ring__remove(struct ring *ring, size_t index)
{
    struct entry entry = *ring__at(ring, index);

    if (index < ring->count / 2) {
        for (size_t i = index; i > 0; i--) {
            *ring__at(ring, i) = *ring__at(ring, i - 1);
        }
        (void)ring__pop(ring);
        return entry;
    }
    for (size_t i = index; i + 1 < ring->count; i++) {
        *ring__at(ring, i) = *ring__at(ring, i + 1);
    }
    ring->count--;
    return entry;
}

void ring__relax(struct ring *ring)
{
    if (ring->count == 0 && ring->cap > RING_KEEP) {
        ring__release(ring);
    }
}

void ring__release(struct ring *ring)
{
    while (ring->count > 0) {
        struct entry entry = ring__pop(ring);

        if (entry.waiter == NULL) {
            payload_unref(entry.event.payload);
        }
    }
    free(ring->slots);
    *ring = (struct ring){0};
}
