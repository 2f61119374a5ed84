/* Money: exact decimals, and what does not fit is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "app/money.h"

#include <cmocka.h>

static int64_t parsed(const char *text, unsigned places)
{
    int64_t amount = -7;
    return money_parse(sv_from(text), places, &amount) ? amount : -7;
}

static void parse__is_exact(void **state)
{
    (void)state;
    assert_int_equal(parsed("0.1", 6), 100000);
    assert_int_equal(parsed("12", 6), 12000000);
    assert_int_equal(parsed(".5", 6), 500000);
    assert_int_equal(parsed("3.", 6), 3000000);
    assert_int_equal(parsed("0", 6), 0);
    assert_int_equal(parsed("0.003625", 6), 3625);
    assert_int_equal(parsed("0.00000025", MONEY_PLACES_TOKEN), 250000);
    assert_int_equal(parsed("0.0000002500000000", MONEY_PLACES_TOKEN), 250000);
    assert_int_equal(parsed("9223372036854.775807", 6), INT64_MAX);
}

static void parse__refuses_what_it_would_have_to_change(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        ".",
                                        "-1",
                                        "+1",
                                        "1e3",
                                        "1,5",
                                        "1.2.3",
                                        "0.0000001",
                                        " 1",
                                        "1 ",
                                        "$1",
                                        "nan",
                                        "9223372036854.775808",
                                        "99999999999999999999"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (parsed(texts[i], 6) != -7) {
            fail_msg("took '%s'", texts[i]);
        }
    }
}

static void append__is_what_parse_takes(void **state)
{
    (void)state;
    static const struct {
        int64_t amount;
        const char *text;
    } cases[] = {{0, "0"},
                 {1, "0.000001"},
                 {1234, "0.001234"},
                 {250000, "0.25"},
                 {3000000, "3"},
                 {10500000, "10.5"},
                 {MONEY_UNKNOWN, "?"},
                 {INT64_MAX, "9223372036854.775807"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_INIT(64);
        money_append(&out, cases[i].amount);
        assert_string_equal(buf_cstr(&out), cases[i].text);
        if (cases[i].amount >= 0) {
            assert_int_equal(parsed(buf_cstr(&out), 6), cases[i].amount);
        }
        buf_release(&out);
    }
}

static void arithmetic__says_unknown_where_it_cannot_know(void **state)
{
    (void)state;
    assert_int_equal(money_add(1, 2), 3);
    assert_int_equal(money_add(INT64_MAX, 1), MONEY_UNKNOWN);
    assert_int_equal(money_add(MONEY_UNKNOWN, 1), MONEY_UNKNOWN);
    assert_int_equal(money_share(10, 3, 4), 8);
    assert_int_equal(money_share(8, 1, 4), 2);
    assert_int_equal(money_share(INT64_MAX, 2, 4), MONEY_UNKNOWN);
    assert_int_equal(money_share(1, MONEY_UNKNOWN, 4), MONEY_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__is_exact),
        cmocka_unit_test(parse__refuses_what_it_would_have_to_change),
        cmocka_unit_test(append__is_what_parse_takes),
        cmocka_unit_test(arithmetic__says_unknown_where_it_cannot_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
