/* String views. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sv.h"

#include <cmocka.h>

static void check_sv(struct sv view, const char *text)
{
    assert_true(sv_equal_str(view, text));
}

static void nothing__equals_the_empty_text(void **state)
{
    (void)state;
    assert_true(sv_equal(sv_from(NULL), SV("")));
    assert_true(sv_equal_str(SV(""), NULL));
    assert_true(sv_starts_with(sv_from(NULL), SV("")));
    assert_true(sv_ends_with(sv_from(NULL), SV("")));
    assert_int_equal(sv_find(sv_from(NULL), 'a'), 0);
    check_sv(sv_skip(sv_from(NULL), 5), "");
    check_sv(sv_trim(sv_from(NULL)), "");
}

static void comparing__looks_at_all_bytes(void **state)
{
    (void)state;
    assert_true(sv_equal(sv_of("a\0b", 3), sv_of("a\0b", 3)));
    assert_false(sv_equal(sv_of("a\0b", 3), sv_of("a\0c", 3)));
    assert_false(sv_equal(SV("ab"), SV("abc")));
    assert_true(sv_equal_nocase(SV("Content-Type"), SV("cONTENT-tYPE")));
    assert_false(sv_equal_nocase(SV("[x"), SV("{x")));
    assert_false(sv_equal_nocase(SV("\xC3\x84"), SV("\xC3\xA4")));
    assert_true(sv_starts_with(SV("data: x"), SV("data:")));
    assert_false(sv_starts_with(SV("da"), SV("data")));
    assert_true(sv_ends_with(SV("a.json"), SV(".json")));
    assert_false(sv_ends_with(SV("json"), SV(".json")));
}

static void finding__gives_the_first_offset_or_the_length(void **state)
{
    (void)state;
    assert_int_equal(sv_find(SV("a=b=c"), '='), 1);
    assert_int_equal(sv_find(SV("abc"), '='), 3);
    assert_int_equal(sv_find_sv(SV("aabaab"), SV("ab")), 1);
    assert_int_equal(sv_find_sv(SV("abc"), SV("abcd")), 3);
    assert_int_equal(sv_find_sv(SV("abc"), SV("x")), 3);
    assert_int_equal(sv_find_sv(SV("abc"), SV("")), 0);
}

static void cutting__clips_to_the_view(void **state)
{
    (void)state;
    check_sv(sv_skip(SV("abc"), 1), "bc");
    check_sv(sv_skip(SV("abc"), 9), "");
    check_sv(sv_take(SV("abc"), 2), "ab");
    check_sv(sv_take(SV("abc"), SIZE_MAX), "abc");
    check_sv(sv_trim(SV(" \t\r\na b\v\f ")), "a b");
    check_sv(sv_trim(SV(" \n ")), "");
}

static void lines__end_with_lf_or_crlf(void **state)
{
    (void)state;
    struct sv rest = SV("one\r\n\ntwo\rx\nlast\r");
    static const char *const expected[] = {"one", "", "two\rx", "last\r"};
    struct sv line;
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_true(sv_next_line(&rest, &line));
        check_sv(line, expected[i]);
    }
    assert_false(sv_next_line(&rest, &line));
    check_sv(line, "last\r");
    rest = SV("a\n");
    assert_true(sv_next_line(&rest, &line));
    assert_false(sv_next_line(&rest, &line));
}

static void numbers__are_whole_decimal_and_in_range(void **state)
{
    (void)state;
    uint64_t value = 7;
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616", "99999999999999999999999",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(sv_to_u64(sv_from(bad[i]), &value));
        assert_true(value == 7);
    }
    assert_true(sv_to_u64(SV("18446744073709551615"), &value) && value == UINT64_MAX);
    assert_true(sv_to_u64(SV("18446744073709551609"), &value) && value == UINT64_MAX - 6);
    assert_true(sv_to_u64(SV("000"), &value) && value == 0);
}

static void a_run__is_of_the_first_byte(void **state)
{
    (void)state;
    assert_int_equal(sv_run(SV("")), 0);
    assert_int_equal(sv_run(sv_from(NULL)), 0);
    assert_int_equal(sv_run(SV("```a`")), 3);
    assert_int_equal(sv_run(SV("###")), 3);
    assert_int_equal(sv_run(SV("ab")), 1);
}

static void empty_text__is_null_for_who_tells_them_apart(void **state)
{
    (void)state;
    assert_null(sv_or_null(SV("")).p);
    assert_null(sv_dup_or_null(SV("")));
    assert_null(sv_dup_or_null(sv_from(NULL)));
    struct sv part = sv_take(SV("heron"), 3);
    assert_true(sv_or_null(part).p == part.p && sv_or_null(part).n == 3);
    char *copy = sv_dup_or_null(part);
    assert_string_equal(copy, "her");
    free(copy);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing__equals_the_empty_text),
        cmocka_unit_test(comparing__looks_at_all_bytes),
        cmocka_unit_test(finding__gives_the_first_offset_or_the_length),
        cmocka_unit_test(cutting__clips_to_the_view),
        cmocka_unit_test(lines__end_with_lf_or_crlf),
        cmocka_unit_test(a_run__is_of_the_first_byte),
        cmocka_unit_test(empty_text__is_null_for_who_tells_them_apart),
        cmocka_unit_test(numbers__are_whole_decimal_and_in_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
