/* Model lists: each provider's form, pages, and what is kept of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/model_list.h"

#include <cmocka.h>

/* "id context input output|" of each, then the next page. */
static void assert_takes(const char *protocol, const char *body, const char *expected)
{
    struct model_list list = {.entries = NULL};
    struct buf log = BUF_INIT(10000);
    struct err err = {0};
    char *next = NULL;
    if (model_list_take(protocol, sv_from(body), &list, &next, &err)) {
        fail_msg("%s", err.text);
    }
    for (size_t i = 0; i < list.count; i++) {
        const struct model_entry *entry = &list.entries[i];
        (void)buf_appendf(&log, "%s %lld %lld %lld|", entry->id, (long long)entry->facts.context,
                          (long long)entry->facts.price.input,
                          (long long)entry->facts.price.output);
    }
    (void)buf_append_str(&log, next);
    assert_string_equal(buf_cstr(&log), expected);
    free(next);
    buf_release(&log);
    model_list_release(&list);
    model_list_release(&list);
}

static void take__reads_each_form(void **state)
{
    (void)state;
    assert_takes("openai", "{\"object\":\"list\",\"data\":[{\"id\":\"b\"},{\"id\":\"a\"},{},7]}",
                 "b -1 -1 -1|a -1 -1 -1|");
    assert_takes("openai",
                 "{\"data\":[{\"id\":\"x/y\",\"context_length\":9,\"pricing\":{\"prompt\":"
                 "\"0.00000025\",\"completion\":\"0\"}},{\"id\":\"auto\",\"pricing\":{\"prompt\":"
                 "\"-1\"}}]}",
                 "x/y 9 250000 0|auto -1 -1 -1|");
    assert_takes("openai", "{\"data\":[{\"id\":\"v\",\"max_model_len\":7}]}", "v 7 -1 -1|");
    assert_takes("openai", "{\"data\":[{\"id\":\"l\",\"meta\":{\"n_ctx_train\":5}}]}",
                 "l 5 -1 -1|");
    assert_takes("openai", "[{\"id\":\"t\"}]", "t -1 -1 -1|");
    assert_takes("openai-responses", "{\"data\":[{\"id\":\"b\"}]}", "b -1 -1 -1|");
    assert_takes("anthropic",
                 "{\"data\":[{\"id\":\"c\",\"max_input_tokens\":200000}],\"has_more\":true,"
                 "\"last_id\":\"c\"}",
                 "c 200000 -1 -1|c");
    assert_takes("anthropic", "{\"data\":[],\"has_more\":false,\"last_id\":\"c\"}", "");
    assert_takes("gemini",
                 "{\"models\":[{\"name\":\"models/g\",\"inputTokenLimit\":1048576,"
                 "\"supportedGenerationMethods\":[\"countTokens\",\"generateContent\"]},{\"name\":"
                 "\"models/e\",\"supportedGenerationMethods\":[\"embedContent\"]}],"
                 "\"nextPageToken\":\"t\"}",
                 "g 1048576 -1 -1|t");
    assert_takes("ollama", "{\"models\":[{\"name\":\"qwen3:8b\",\"size\":1}]}",
                 "qwen3:8b -1 -1 -1|");
}

static void take__refuses_what_is_no_list(void **state)
{
    (void)state;
    static const char *const bodies[] = {"", "<html>", "{}", "{\"data\":{}}", "7"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct model_list list = {.entries = NULL};
        char *next = NULL;
        assert_int_equal(model_list_take("openai", sv_from(bodies[i]), &list, &next, NULL),
                         ERR_PROTOCOL);
        assert_null(next);
        model_list_release(&list);
    }
}

static void assert_url(const char *protocol, const char *page, const char *expected)
{
    struct buf url = BUF_INIT(1000);
    model_list_url(protocol, "http://h", sv_from(page), &url);
    assert_string_equal(buf_cstr(&url), expected);
    buf_release(&url);
}

static void url__names_the_page(void **state)
{
    (void)state;
    assert_url("openai", "", "http://h/models");
    assert_url("openai", "x", "http://h/models");
    assert_url("anthropic", "", "http://h/v1/models?limit=1000");
    assert_url("anthropic", "a b", "http://h/v1/models?limit=1000&after_id=a%20b");
    assert_url("gemini", "t&x", "http://h/models?pageSize=1000&pageToken=t%26x");
    assert_url("ollama", "", "http://h/api/tags");
}

static void read__gives_what_was_written(void **state)
{
    (void)state;
    struct model_list list = {.entries = NULL};
    struct model_list again = {.entries = NULL};
    struct buf text = BUF_INIT(10000);
    char *next = NULL;
    int64_t fetched = 0;
    assert_int_equal(model_list_take("openai",
                                     SV("{\"data\":[{\"id\":\"z\\\"\"},{\"id\":\"a\",\"context_"
                                        "length\":9,\"pricing\":{\"prompt\":\"0.000001\"}}]}"),
                                     &list, &next, NULL),
                     ERR_OK);
    model_list_sort(&list);
    model_list_write(&list, 1234, &text);
    assert_int_equal(model_list_read(buf_sv(&text), &again, &fetched, NULL), ERR_OK);
    assert_int_equal(fetched, 1234);
    assert_int_equal(again.count, 2);
    assert_string_equal(again.entries[0].id, "a");
    assert_int_equal(again.entries[0].facts.context, 9);
    assert_int_equal(again.entries[0].facts.price.input, 1000000);
    assert_int_equal(again.entries[0].facts.price.output, MONEY_UNKNOWN);
    assert_string_equal(again.entries[1].id, "z\"");
    model_list_release(&list);
    model_list_release(&again);
    assert_int_equal(model_list_read(SV("{\"models\":[]}"), &again, &fetched, NULL), ERR_PROTOCOL);
    assert_int_equal(model_list_read(SV("x"), &again, &fetched, NULL), ERR_PROTOCOL);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(take__reads_each_form),
        cmocka_unit_test(take__refuses_what_is_no_list),
        cmocka_unit_test(url__names_the_page),
        cmocka_unit_test(read__gives_what_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
