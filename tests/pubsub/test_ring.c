/* The ring against a plain array, over growth, wrapping and removals at every place. */
#include "pubsub/broker_internal.h"
#include "tests/pubsub/support.h"

static void assert_holds(const struct ring *ring, const uint64_t *model, size_t n)
{
    assert_int_equal(ring->count, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(ring__at(ring, i)->seq, model[i]);
    }
}

static void ring__keeps_order_over_growth_wrapping_and_removal(void **state)
{
    struct ring ring = {0};
    uint64_t model[200];
    size_t n = 0;
    uint64_t random = 1;

    (void)state;
    for (uint64_t step = 0; step < 20000; step++) {
        size_t at;

        random = random * 6364136223846793005u + 1442695040888963407u;
        /* Grows for a while, then shrinks, so that every size and wrap comes up. */
        if (n == 0 || (n < COUNT_OF(model) && (random >> 33) % 100 < (step / 1000 % 2 ? 35 : 60))) {
            ring__push(&ring, &(struct entry){.seq = step});
            model[n++] = step;
        } else {
            at = (random >> 40) % 3 == 0 ? 0 : (size_t)(random >> 35) % n;
            assert_int_equal((at == 0 ? ring__pop(&ring) : ring__remove(&ring, at)).seq, model[at]);
            n--;
            for (size_t i = at; i < n; i++) {
                model[i] = model[i + 1];
            }
        }
        assert_holds(&ring, model, n);
    }
    assert_true(ring.cap > 8);
    ring__release(&ring);
    ring__release(&ring);
    assert_int_equal(ring.count, 0);
}

static void ring__release_drops_its_references_but_not_those_it_borrows(void **state)
{
    struct ring ring = {0};
    struct waiter waiter = {0};
    struct item *owned = item_new(1);
    struct item *borrowed = item_new(2);

    (void)state;
    ring__push(&ring, &(struct entry){.event.payload = &owned->payload});
    ring__push(&ring, &(struct entry){.event.payload = &borrowed->payload, .waiter = &waiter});
    ring__release(&ring);
    assert_int_equal(atomic_load(&live_items), 1);
    payload_unref(&borrowed->payload);
}

static void ring__relax_frees_only_what_is_large_and_empty(void **state)
{
    struct ring ring = {0};

    (void)state;
    for (uint64_t i = 0; i < 65; i++) {
        ring__push(&ring, &(struct entry){.seq = i});
    }
    while (ring.count > 1) {
        (void)ring__pop(&ring);
    }
    ring__relax(&ring);
    assert_int_equal(ring__pop(&ring).seq, 64);
    assert_int_equal(ring.cap, 128);
    ring__relax(&ring);
    assert_int_equal(ring.cap, 0);
    ring__push(&ring, &(struct entry){.seq = 1});
    (void)ring__pop(&ring);
    ring__relax(&ring);
    assert_int_not_equal(ring.cap, 0);
    ring__release(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ring__keeps_order_over_growth_wrapping_and_removal),
        TEST(ring__relax_frees_only_what_is_large_and_empty),
        TEST(ring__release_drops_its_references_but_not_those_it_borrows),
    };

    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
