/* What is kept of the editor: when a draft is saved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "ui/ui_internal.h"

#include <cmocka.h>

#define NOW_US CLOCK_S(100)
#define SOON_US (NOW_US + CLOCK_MS(250))
#define LATER_US (NOW_US + CLOCK_S(2))
#define SHORT ((size_t)64 << 10)

static void due__is_a_quarter_of_a_second_after_the_first_change(void **state)
{
    (void)state;
    assert_int_equal(saved__due(0, NOW_US, 0), SOON_US);
    assert_int_equal(saved__due(0, NOW_US, SHORT), SOON_US);
    assert_int_equal(saved__due(SOON_US, SOON_US - 1, 10), SOON_US);
}

static void due__is_later_for_a_huge_text(void **state)
{
    (void)state;
    assert_int_equal(saved__due(0, NOW_US, SHORT + 1), LATER_US);
    assert_int_equal(saved__due(LATER_US, LATER_US - 1, SHORT + 1), LATER_US);
}

static void due__of_what_takes_the_place_of_a_huge_text_is_as_soon_as_any(void **state)
{
    (void)state;
    assert_int_equal(saved__due(LATER_US, NOW_US, 10), SOON_US);
}

static void due__is_not_put_off_by_a_huge_text_behind_a_short_one(void **state)
{
    (void)state;
    assert_int_equal(saved__due(SOON_US, NOW_US + 1, SHORT + 1), SOON_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due__is_a_quarter_of_a_second_after_the_first_change),
        cmocka_unit_test(due__is_later_for_a_huge_text),
        cmocka_unit_test(due__of_what_takes_the_place_of_a_huge_text_is_as_soon_as_any),
        cmocka_unit_test(due__is_not_put_off_by_a_huge_text_behind_a_short_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
