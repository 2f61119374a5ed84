/*
 * Resync marks: which keys lost events. Bounded: past MARKS_MAX keys one mark stands for all.
 */
#include "pubsub/broker_internal.h"

static void collapse(struct marks *marks)
{
    idmap_release(&marks->keys);
    marks->keys = (struct idmap){0};
    marks->unkeyed = marks->topics;
    marks->everything = true;
}

void marks__set(struct marks *marks, uint32_t topic, const struct ulid *key)
{
    marks->topics |= topic;
    if (marks->everything || !ulid_is_set(key)) {
        marks->unkeyed |= topic;
        return;
    }
    if (marks->keys.count >= MARKS_MAX && idmap_get(&marks->keys, key) == NULL) {
        collapse(marks);
        return;
    }
    idmap_put(&marks->keys, key, (void *)(uintptr_t)topic); /* never NULL: a topic is one bit */
}

bool marks__any(const struct marks *marks)
{
    return marks->topics != 0;
}

bool marks__next(const struct marks *marks, size_t *cursor, uint32_t *ret_topic,
                 struct ulid *ret_key)
{
    if (*cursor == 0) {
        ++*cursor;
        if (marks->unkeyed != 0) {
            *ret_topic = marks->unkeyed;
            *ret_key = (struct ulid){{0}};
            return true;
        }
    }
    /* Past the first place the cursor is one more than a slot's index. */
    while (*cursor <= marks->keys.cap) {
        const struct idmap_slot *slot = &marks->keys.slots[(*cursor)++ - 1];

        if (slot->value != NULL) {
            *ret_topic = (uint32_t)(uintptr_t)slot->value;
            *ret_key = slot->key;
            return true;
        }
    }
    return false;
}

void marks__release(struct marks *marks)
{
    idmap_release(&marks->keys);
    *marks = (struct marks){0};
}
