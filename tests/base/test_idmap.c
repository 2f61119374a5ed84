/* The map from ids to pointers, checked against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/idmap.h"

#include <cmocka.h>

static void an_empty_map__has_nothing(void **state)
{
    (void)state;
    struct idmap map = {0};
    struct ulid id = ulid_new();
    size_t cursor = 0;
    assert_null(idmap_get(&map, &id));
    assert_null(idmap_remove(&map, &id));
    assert_null(idmap_next(&map, &cursor));
    idmap_release(&map);
    idmap_release(&map);
    idmap_release(NULL);
}

static void no_id__is_never_found(void **state)
{
    (void)state;
    struct idmap map = {0};
    struct ulid id = ulid_new();
    struct ulid none = {""};
    idmap_put(&map, &id, &id);
    assert_null(idmap_get(&map, &none));
    assert_null(idmap_remove(&map, &none));
    idmap_release(&map);
}

static void putting_again__replaces(void **state)
{
    (void)state;
    struct idmap map = {0};
    struct ulid id = ulid_new();
    int a;
    int b;
    idmap_put(&map, &id, &a);
    idmap_put(&map, &id, &b);
    assert_int_equal(map.count, 1);
    assert_ptr_equal(idmap_get(&map, &id), &b);
    assert_ptr_equal(idmap_remove(&map, &id), &b);
    assert_null(idmap_remove(&map, &id));
    idmap_put(&map, &id, &a);
    assert_ptr_equal(idmap_get(&map, &id), &a);
    assert_int_equal(map.count, 1);
    idmap_release(&map);
}

#define MANY 10000

static void check_against(const struct idmap *map, const struct ulid *ids, const bool *present)
{
    size_t live = 0;
    for (size_t i = 0; i < MANY; i++) {
        const void *found = idmap_get(map, &ids[i]);
        assert_ptr_equal(found, present[i] ? &ids[i] : NULL);
        live += present[i];
    }
    assert_int_equal(map->count, live);
    size_t cursor = 0;
    size_t visited = 0;
    const struct ulid *value;
    while ((value = idmap_next(map, &cursor))) {
        assert_true(present[value - ids]);
        visited++;
    }
    assert_int_equal(visited, live);
}

static void many_changes__leave_what_an_array_would_hold(void **state)
{
    (void)state;
    struct idmap map = {0};
    static struct ulid ids[MANY];
    static bool present[MANY];
    for (size_t i = 0; i < MANY; i++) {
        ids[i] = ulid_new();
    }
    uint32_t seed = 1;
    for (int round = 0; round < 5; round++) {
        for (int step = 0; step < 20000; step++) {
            seed = seed * 1664525u + 1013904223u;
            size_t at = (seed >> 8) % MANY;
            if ((seed >> 30) == 0) {
                void *gone = idmap_remove(&map, &ids[at]);
                assert_ptr_equal(gone, present[at] ? &ids[at] : NULL);
                present[at] = false;
            } else {
                idmap_put(&map, &ids[at], &ids[at]);
                present[at] = true;
            }
        }
        check_against(&map, ids, present);
    }
    assert_true(map.cap <= 4 * MANY);
    for (size_t i = 0; i < MANY; i++) {
        idmap_remove(&map, &ids[i]);
        present[i] = false;
    }
    check_against(&map, ids, present);
    assert_true(map.cap <= 16);
    idmap_release(&map);
}

/* One id at a time, as answers come and go: tombstones must neither pile up nor fill the table. */
static void coming_and_going__does_not_grow_the_map(void **state)
{
    (void)state;
    struct idmap map = {0};
    for (int i = 0; i < 10000; i++) {
        struct ulid id = ulid_new();
        idmap_put(&map, &id, &map);
        assert_true(map.used < map.cap);
        assert_ptr_equal(idmap_remove(&map, &id), &map);
    }
    assert_int_equal(map.count, 0);
    assert_true(map.cap <= 16);
    idmap_release(&map);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map__has_nothing),
        cmocka_unit_test(no_id__is_never_found),
        cmocka_unit_test(putting_again__replaces),
        cmocka_unit_test(many_changes__leave_what_an_array_would_hold),
        cmocka_unit_test(coming_and_going__does_not_grow_the_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
