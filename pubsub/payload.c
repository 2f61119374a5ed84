/*
 * Reference counts of what is published.
 */
#include <assert.h>

#include "pubsub/broker.h"

void payload_init(struct payload *payload, void (*destroy)(struct payload *self))
{
    atomic_init(&payload->references, 1);
    payload->destroy = destroy;
}

struct payload *payload_ref(struct payload *payload)
{
    if (payload != NULL) {
        atomic_fetch_add_explicit(&payload->references, 1, memory_order_relaxed);
    }
    return payload;
}

void payload_unref(struct payload *payload)
{
    unsigned before;

    if (payload == NULL) {
        return;
    }
    /* Releases what this thread read of it, and on the last one acquires what all others did. */
    before = atomic_fetch_sub_explicit(&payload->references, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1 && payload->destroy != NULL) {
        payload->destroy(payload);
    }
}
