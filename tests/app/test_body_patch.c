/* Body patch: merging keeps what it does not touch, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "app/body_patch.h"

#include <cmocka.h>

static void patch__merges_objects_and_replaces_the_rest(void **state)
{
    (void)state;
    static const struct {
        const char *body, *patch, *result;
    } cases[] = {
        {"{}", "{\"a\":1}", "{\"a\":1}"},
        {"{\"a\":1,\"b\":[1, 2]}", "{}", "{\"a\":1,\"b\":[1, 2]}"},
        {"{\"a\":1,\"b\":2}", "{\"b\":[3],\"c\":\"x\"}", "{\"a\":1,\"b\":[3],\"c\":\"x\"}"},
        {"{\"o\":{\"x\":1,\"y\":{\"z\":0}}}", "{\"o\":{\"y\":{\"w\":true}}}",
         "{\"o\":{\"x\":1,\"y\":{\"z\":0,\"w\":true}}}"},
        {"{\"o\":1}", "{\"o\":{\"x\":2}}", "{\"o\":{\"x\":2}}"},
        {"{\"o\":{\"x\":2}}", "{\"o\":\"no\"}", "{\"o\":\"no\"}"},
        {"{\"n\":12345678901234567890.50,\"t\":\"\\u00e9\"}", "{\"m\":0}",
         "{\"n\":12345678901234567890.50,\"t\":\"\\u00e9\",\"m\":0}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf body = BUF_INIT(1000);
        assert_true(buf_append_str(&body, cases[i].body));
        assert_int_equal(body_patch(&body, sv_from(cases[i].patch), NULL), ERR_OK);
        assert_string_equal(buf_cstr(&body), cases[i].result);
        buf_release(&body);
    }
}

static void patch__that_cannot_be_made_leaves_the_body(void **state)
{
    (void)state;
    struct err err;
    struct buf body = BUF_INIT(16);
    assert_true(buf_append_str(&body, "[1]"));
    assert_int_equal(body_patch(&body, SV(""), &err), ERR_OK);
    assert_int_equal(body_patch(&body, SV("{\"a\":1}"), &err), ERR_INVALID);
    assert_string_equal(buf_cstr(&body), "[1]");
    buf_clear(&body);
    assert_true(buf_append_str(&body, "{\"a\":1}"));
    assert_int_equal(body_patch(&body, SV("{\"b\":\"a longer text\"}"), &err), ERR_TOO_BIG);
    assert_string_equal(buf_cstr(&body), "{\"a\":1}");
    buf_release(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patch__merges_objects_and_replaces_the_rest),
        cmocka_unit_test(patch__that_cannot_be_made_leaves_the_body),
    };
    alarm(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
