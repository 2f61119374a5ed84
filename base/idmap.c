/*
 * Open addressing with linear probing. A removed entry keeps its key as a tombstone, so that the
 * probes that passed it still find what lies behind; tombstones go when the table is rebuilt.
 */
#include "base/idmap.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define SMALLEST_CAP 16u

void idmap_release(struct idmap *map)
{
    if (!map) {
        return;
    }
    free(map->slots);
    *map = (struct idmap){0};
}

/* FNV-1a; the last step spreads its weak low bits over the ones that index the table. */
static size_t hash(const struct ulid *key)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < ULID_LENGTH; i++) {
        h = (h ^ (unsigned char)key->text[i]) * 0x100000001B3u;
    }
    return (size_t)(h ^ h >> 32);
}

/* The slot of `key`, live or removed, or else the never used one where the search ended. */
static struct idmap_slot *probe(struct idmap_slot *slots, size_t cap, const struct ulid *key)
{
    size_t i = hash(key) & (cap - 1);
    while (ulid_is_set(&slots[i].key) && !ulid_equal(&slots[i].key, key)) {
        i = (i + 1) & (cap - 1);
    }
    return &slots[i];
}

static void rebuild(struct idmap *map, size_t cap)
{
    struct idmap_slot *slots = xcalloc(cap, sizeof(*slots));
    for (size_t i = 0; i < map->cap; i++) {
        if (map->slots[i].value) {
            *probe(slots, cap, &map->slots[i].key) = map->slots[i];
        }
    }
    free(map->slots);
    map->slots = slots;
    map->cap = cap;
    map->used = map->count;
}

void *idmap_get(const struct idmap *map, const struct ulid *key)
{
    if (map->count == 0 || !ulid_is_set(key)) {
        return NULL;
    }
    return probe(map->slots, map->cap, key)->value;
}

/* At most three quarters are in use, so that a search always ends soon, at a slot never used. */
static void make_room(struct idmap *map)
{
    if (map->cap == 0) {
        rebuild(map, SMALLEST_CAP);
    } else if ((map->used + 1) * 4 > map->cap * 3) {
        rebuild(map, map->count * 2 >= map->cap ? map->cap * 2 : map->cap);
    }
}

void idmap_put(struct idmap *map, const struct ulid *key, void *value)
{
    assert(value && ulid_is_set(key));
    make_room(map);
    struct idmap_slot *slot = probe(map->slots, map->cap, key);
    if (!ulid_is_set(&slot->key)) {
        slot->key = *key;
        map->used++;
    }
    if (!slot->value) {
        map->count++;
    }
    slot->value = value;
}

void *idmap_remove(struct idmap *map, const struct ulid *key)
{
    if (map->count == 0 || !ulid_is_set(key)) {
        return NULL;
    }
    struct idmap_slot *slot = probe(map->slots, map->cap, key);
    void *value = slot->value;
    if (value) {
        slot->value = NULL;
        map->count--;
        if (map->cap > SMALLEST_CAP && map->count * 8 < map->cap) {
            rebuild(map, map->cap / 2);
        }
    }
    return value;
}

void *idmap_next(const struct idmap *map, size_t *cursor)
{
    while (*cursor < map->cap) {
        void *value = map->slots[(*cursor)++].value;
        if (value) {
            return value;
        }
    }
    return NULL;
}
