/* Days of the command line, in a time zone whose days are not all of one length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/day.h"
#include "base/attr.h"

#include <cmocka.h>

#define HOUR_US INT64_C(3600000000)

static int berlin(void **state)
{
    (void)state;
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    return 0;
}

/* 2026-11-21 14:00:00 there. */
static const time_t now = 1795266000;

static void assert_day(const char *text, const char *same_as, int64_t hours)
{
    int64_t begin = 0;
    int64_t end = 0;
    int64_t begin_same = 0;
    int64_t end_same = 0;
    assert_true(day_parse(text, now, &begin, &end));
    assert_true(day_parse(same_as, now, &begin_same, &end_same));
    assert_int_equal(begin, begin_same);
    assert_int_equal(end - begin, hours * HOUR_US);
}

static void a_day__lies_between_two_local_midnights(void **state)
{
    (void)state;
    int64_t begin = 0;
    int64_t end = 0;
    assert_true(day_parse("2026-11-21", now, &begin, &end));
    assert_int_equal(begin, (int64_t)now * 1000000 - 14 * HOUR_US);
    assert_int_equal(end - begin, 24 * HOUR_US);
}

static void a_day_on_which_clocks_change__is_longer_or_shorter(void **state)
{
    (void)state;
    assert_day("2026-03-29", "2026-03-29", 23);
    assert_day("2026-10-25", "2026-10-25", 25);
}

static void days__are_counted_back_from_today(void **state)
{
    (void)state;
    assert_day("today", "2026-11-21", 24);
    assert_day("1d", "2026-11-21", 24);
    assert_day("yesterday", "2026-11-20", 24);
    assert_day("7d", "2026-11-15", 24);
    assert_day("28d", "2026-10-25", 25);
}

static void what_is_no_day__is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",  "2026-02-30", "2026-13-01", "2026-11-21 ",           "2026-11", "0d", "-1d", "7",
        "d", "Today",      "7 d",        "99999999999999999999d", "tomorrow"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        int64_t begin = 1;
        int64_t end = 2;
        assert_false(day_parse(texts[i], now, &begin, &end));
        assert_int_equal(begin + end, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day__lies_between_two_local_midnights),
        cmocka_unit_test(a_day_on_which_clocks_change__is_longer_or_shorter),
        cmocka_unit_test(days__are_counted_back_from_today),
        cmocka_unit_test(what_is_no_day__is_refused),
    };
    return cmocka_run_group_tests(tests, berlin, NULL);
}
