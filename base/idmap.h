/*
 * Map from ULID to pointer: open addressing, O(1), no allocation but when it grows.
 *
 * Threads: the owner's lock. Ownership: keys are copied, values are borrowed.
 */
#ifndef WEIR_BASE_IDMAP_H
#define WEIR_BASE_IDMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ulid.h"

struct idmap_slot {
    struct ulid key; /* unset: never used */
    void *value;     /* NULL with a set key: removed */
};

struct idmap {
    struct idmap_slot *slots;
    size_t cap;   /* 0 or a power of two */
    size_t count; /* live entries */
    size_t used;  /* live and removed */
};

/* A zeroed struct is an empty map. */
void idmap_release(struct idmap *map);
void *idmap_get(const struct idmap *map, const struct ulid *key); /* NULL: none */
/* `value` is not NULL. Replaces. */
void idmap_put(struct idmap *map, const struct ulid *key, void *value);
/* Gives what was there, or NULL. Memory shrinks again when most is gone. */
void *idmap_remove(struct idmap *map, const struct ulid *key);
/* Visits entries in no order: start with *cursor = 0; NULL at the end. The map must not change
 * meanwhile. */
void *idmap_next(const struct idmap *map, size_t *cursor);

#endif
