/* JSON: what is repaired, what is refused, what is escaped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/json.h"
#include "base/utf8.h"

#include <cmocka.h>

#define FFFD "\xEF\xBF\xBD"

/* Parses from memory that ends right after the text, so that a read past it is seen. */
static cJSON *parse(struct sv text)
{
    char *copy = malloc(text.n ? text.n : 1);
    assert_non_null(copy);
    memcpy(copy, text.p, text.n);
    cJSON *tree = json_parse(sv_of(copy, text.n));
    free(copy);
    return tree;
}

static void assert_member(struct sv text, const char *expected)
{
    cJSON *tree = parse(text);
    assert_non_null(tree);
    struct sv value = json_get_text(tree, "a");
    assert_true(sv_equal_str(value, expected));
    assert_int_equal(utf8_valid_prefix(value.p, value.n), value.n);
    /* Nothing around the bad character is lost. */
    assert_true(sv_equal(json_get_text(tree, "b"), SV("rest")));
    cJSON_Delete(tree);
}

static void parse__repairs_what_stands_for_no_character(void **state)
{
    (void)state;
#define WITH(text) SV("{\"a\":\"" text "\",\"b\":\"rest\"}")
    assert_member(WITH("plain"), "plain");
    assert_member(WITH("x\\u0000y"), "x" FFFD "y");
    assert_member(WITH("x\0y"), "x" FFFD "y");
    assert_member(WITH("\\ud83d"), FFFD);
    assert_member(WITH("\\uD83D!"), FFFD "!");
    assert_member(WITH("\\ude00"), FFFD);
    assert_member(WITH("\\ud83d\\ud83d\\ude00"), FFFD "\xF0\x9F\x98\x80");
    assert_member(WITH("\\ud83d\\ude00\\ude00"), "\xF0\x9F\x98\x80" FFFD);
    assert_member(WITH("\\ud83d\\u0041"), FFFD "A");
    assert_member(WITH("\\ud83d\\n"), FFFD "\n");
    assert_member(WITH("\\ud83d\\\\u"), FFFD "\\u");
    assert_member(WITH("\xFF"), FFFD);
    assert_member(WITH("a\xE4\xBD"), "a" FFFD);
    assert_member(WITH("\xED\xA0\xBD"), FFFD FFFD FFFD);
    assert_member(WITH("\xC0\x80\\u0000\\ud800"), FFFD FFFD FFFD FFFD);
    assert_member(WITH("\xE4\xBD\xA0\\u4f60"), "\xE4\xBD\xA0\xE4\xBD\xA0");
    assert_member(WITH("\\uzzzz"), "\\zzzz");
    assert_member(WITH("\\u12"), "\\12");
#undef WITH
}

static void parse__leaves_escaped_backslashes_alone(void **state)
{
    (void)state;
    assert_member(SV("{\"a\":\"\\\\u0000 \\\\ud83d \\\\\",\"b\":\"rest\"}"), "\\u0000 \\ud83d \\");
    assert_member(SV("{\"a\":\"\\\\\\u0000\",\"b\":\"rest\"}"), "\\" FFFD);
}

static void parse__repairs_names_too(void **state)
{
    (void)state;
    cJSON *tree = parse(SV("{\"\\ud800\":1,\"k\":2}"));
    int64_t value = 0;
    assert_true(json_get_int(tree, "k", &value));
    assert_int_equal(value, 2);
    assert_true(json_get_int(tree, FFFD, &value));
    cJSON_Delete(tree);
}

static void parse__refuses_what_is_not_json(void **state)
{
    (void)state;
    static const struct sv bad[] = {
        SV(""),
        SV("   "),
        SV("\0\0"),
        SV("{"),
        SV("{\"a\":1"),
        SV("{\"a\":1}x"),
        SV("{} {}"),
        SV("{\"a\":\"x"),
        SV("{\"a\":\"\\"),
        SV("{\"a\":\"\\u"),
        SV("\\ud800"),
        SV("{\"a\":\"\\u00"),
        SV("<html>"),
        SV("[DONE]"),
        SV("{\"a\":\\ud8"),
        SV("nul"),
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_null(parse(bad[i]));
    }
    assert_null(json_parse(sv_of(NULL, 0)));
}

static void parse__takes_white_space_and_nul_around(void **state)
{
    (void)state;
    static const struct sv good[] = {SV("\n\n\n{\"a\":1}\r\n"), SV("{\"a\":1}\0"),
                                     SV(" {\"a\":1} ")};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        cJSON *tree = parse(good[i]);
        int64_t value = 0;
        assert_true(json_get_int(tree, "a", &value));
        cJSON_Delete(tree);
    }
}

static void parse__bounds_the_depth(void **state)
{
    (void)state;
    size_t depth = 1000000;
    char *text = malloc(depth * 2);
    assert_non_null(text);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    assert_null(json_parse(sv_of(text, depth * 2)));
    assert_null(json_parse(sv_of(text, depth)));
    cJSON *tree = json_parse(sv_of(text + depth - 500, 1000));
    assert_non_null(tree);
    cJSON_Delete(tree);
    free(text);
}

static void get_int__clips_and_refuses(void **state)
{
    (void)state;
    cJSON *tree = parse(SV("{\"a\":1e999,\"b\":-1e999,\"c\":9223372036854775808,\"d\":2.9,"
                           "\"e\":\"7\",\"f\":null,\"g\":-3,\"h\":9007199254740991,"
                           "\"i\":-9223372036854775808,\"A\":5}"));
    static const struct {
        const char *name;
        int64_t value;
    } good[] = {{"a", INT64_MAX}, {"b", INT64_MIN}, {"c", INT64_MAX},        {"d", 2},
                {"g", -3},        {"A", 5},         {"h", 9007199254740991}, {"i", INT64_MIN}};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        int64_t value = 99;
        assert_true(json_get_int(tree, good[i].name, &value));
        assert_true(value == good[i].value);
    }
    static const char *const bad[] = {"e", "f", "missing"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        int64_t value = 99;
        assert_false(json_get_int(tree, bad[i], &value));
        assert_int_equal(value, 99);
    }
    assert_false(json_get_int(NULL, "a", &(int64_t){0}));
    assert_null(json_get(NULL, "a"));
    assert_null(json_get(json_get(tree, "a"), "x"));
    assert_int_equal(json_get_text(tree, "a").n, 0);
    assert_int_equal(json_get_text(NULL, "a").n, 0);
    cJSON_Delete(tree);
}

static void append_string__escapes_what_scripts_and_terminals_stumble_over(void **state)
{
    (void)state;
    static const struct {
        struct sv text;
        const char *expected;
    } cases[] = {
        {SV(""), "\"\""},
        {SV("plain"), "\"plain\""},
        {SV("a\"b\\c"), "\"a\\\"b\\\\c\""},
        {SV("\b\f\n\r\t\x1b\x01"), "\"\\b\\f\\n\\r\\t\\u001b\\u0001\""},
        {SV("x\0y"), "\"x\\u0000y\""},
        {SV("\x7f"), "\"\\u007f\""},
        {SV("\xC2\x9B"), "\"\\u009b\""},
        {SV("\xC2\xA0\xC3\xA9"), "\"\xC2\xA0\xC3\xA9\""},
        {SV("\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xA6"), "\"\\u2028\\u2029\xE2\x80\xA6\""},
        {SV("\xF0\x9F\x98\x80"), "\"\xF0\x9F\x98\x80\""},
        {SV("\xE2\x80"), "\"\xE2\x80\""},
        {SV("\xC2"), "\"\xC2\""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = BUF_INIT(1000);
        assert_true(json_append_string(&out, cases[i].text));
        assert_string_equal(buf_cstr(&out), cases[i].expected);
        buf_release(&out);
    }
}

static void append_string__survives_the_way_back(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(1000);
    for (uint32_t cp = 1; cp < 256; cp++) {
        (void)buf_append_cp(&text, cp);
    }
    struct buf out = BUF_INIT(10000);
    assert_true(json_append_string(&out, buf_sv(&text)));
    cJSON *tree = json_parse(buf_sv(&out));
    assert_true(cJSON_IsString(tree));
    assert_string_equal(tree->valuestring, buf_cstr(&text));
    cJSON_Delete(tree);
    buf_release(&out);
    buf_release(&text);
}

static void append_string__says_when_the_buffer_is_full(void **state)
{
    (void)state;
    for (size_t max = 0; max < 8; max++) {
        struct buf out = BUF_INIT(max);
        assert_false(json_append_string(&out, SV("a\nbcd")));
        buf_release(&out);
    }
    struct buf out = BUF_INIT(8);
    assert_true(json_append_string(&out, SV("a\nbcd")));
    buf_release(&out);
    struct buf empty = BUF_INIT(8);
    assert_true(json_append_string(&empty, sv_of(NULL, 0)));
    assert_string_equal(buf_cstr(&empty), "\"\"");
    buf_release(&empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__repairs_what_stands_for_no_character),
        cmocka_unit_test(parse__leaves_escaped_backslashes_alone),
        cmocka_unit_test(parse__repairs_names_too),
        cmocka_unit_test(parse__refuses_what_is_not_json),
        cmocka_unit_test(parse__takes_white_space_and_nul_around),
        cmocka_unit_test(parse__bounds_the_depth),
        cmocka_unit_test(get_int__clips_and_refuses),
        cmocka_unit_test(append_string__escapes_what_scripts_and_terminals_stumble_over),
        cmocka_unit_test(append_string__survives_the_way_back),
        cmocka_unit_test(append_string__says_when_the_buffer_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
