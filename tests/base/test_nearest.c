/* Words that are near to what was typed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nearest.h"

#include <cmocka.h>

static void nearest__counts_edits_and_knows_when_nothing_is_near(void **state)
{
    (void)state;
    assert_int_equal(nearest_distance(SV("modle"), SV("model")), 1);
    assert_int_equal(nearest_distance(SV(""), SV("abc")), 3);
    assert_int_equal(nearest_distance(SV("kitten"), SV("sitting")), 3);
    struct nearest nearest = nearest_start(SV("xyz"));
    nearest_offer(&nearest, "model");
    assert_null(nearest.best);
    nearest = nearest_start(SV("a"));
    nearest_offer(&nearest, "b");
    assert_null(nearest.best);
    nearest = nearest_start(SV("jsno"));
    nearest_offer(&nearest, "join");
    nearest_offer(&nearest, "json");
    assert_string_equal(nearest.best, "json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest__counts_edits_and_knows_when_nothing_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
