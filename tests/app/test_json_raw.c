/* JSON as it is written: members and items, found without being read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/json.h"

#include <cmocka.h>

static void assert_members(const char *text, const char *expected)
{
    struct sv rest = sv_from(text);
    struct sv name;
    struct sv value;
    struct buf out = BUF_INIT(1000);
    while (json_next_member(&rest, &name, &value)) {
        (void)buf_appendf(&out, "%.*s=%.*s;", SV_ARG(name), SV_ARG(value));
    }
    assert_string_equal(buf_cstr(&out), expected);
    assert_false(json_next_member(&rest, &name, &value));
    buf_release(&out);
}

static void next_member__gives_values_as_they_are_written(void **state)
{
    (void)state;
    assert_members("{}", "");
    assert_members(" { \"a\" : 9007199254740993 , \"b\":\"}\\\"]\" ,\"c\":{\"d\":[1,{}]},\"e\":[ ],"
                   "\"\":null}",
                   "a=9007199254740993;b=\"}\\\"]\";c={\"d\":[1,{}]};e=[ ];=null;");
}

static void next_member__stops_where_it_is_not_an_object(void **state)
{
    (void)state;
    static const char *const broken[] = {"",         " ",       "[1]",       "\"a\"",  "{",
                                         "{\"a\"",   "{\"a\":", "{\"a",      "{\"a\\", "{\"a\":\"b",
                                         "{\"a\":{", "{a:1}",   "{\"a\" 1}", "{,}",    "null"};
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        assert_members(broken[i], "");
    }
    assert_members("{\"a\":1 \"b\":2}", "a=1;");
}

static void next_item__walks_an_array(void **state)
{
    (void)state;
    struct sv rest = SV(" [1, \"a,]\" ,[2,[3]],{\"b\":[4]} ] ");
    struct sv value;
    struct buf out = BUF_INIT(1000);
    while (json_next_item(&rest, &value)) {
        (void)buf_appendf(&out, "%.*s;", SV_ARG(value));
    }
    assert_string_equal(buf_cstr(&out), "1;\"a,]\";[2,[3]];{\"b\":[4]};");
    rest = SV("{}");
    assert_false(json_next_item(&rest, &value));
    rest = SV("[[[[");
    assert_false(json_next_item(&rest, &value));
    buf_release(&out);
}

static void raw_get__finds_the_first_of_that_name(void **state)
{
    (void)state;
    struct sv object = SV("{\"x\":{\"a\":0},\"a\":1,\"a\":2}");
    assert_true(sv_equal_str(json_raw_get(object, SV("a")), "1"));
    assert_int_equal(json_raw_get(object, SV("b")).n, 0);
    assert_int_equal(json_raw_get(SV(""), SV("a")).n, 0);
}

static void append_repaired__leaves_all_else_as_it_is(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(1000);
    (void)buf_append_str(&out, "before\\ud800 ");
    assert_true(
        json_append_repaired(&out, SV("{\"n\": 9007199254740993,\"a\":\"\\ud83d\\u00e9\xFF\"}")));
    assert_string_equal(buf_cstr(&out),
                        "before\\ud800 {\"n\": 9007199254740993,\"a\":\"\\ufffd\\u00e9\uFFFD\"}");
    buf_release(&out);
    struct buf small = BUF_INIT(3);
    assert_false(json_append_repaired(&small, SV("\"four\"")));
    buf_release(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_member__gives_values_as_they_are_written),
        cmocka_unit_test(next_member__stops_where_it_is_not_an_object),
        cmocka_unit_test(next_item__walks_an_array),
        cmocka_unit_test(raw_get__finds_the_first_of_that_name),
        cmocka_unit_test(append_repaired__leaves_all_else_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
