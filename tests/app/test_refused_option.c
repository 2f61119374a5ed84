/* Refused options: which one an error names, and the request without it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/refused_option.h"

#include <cmocka.h>

static void find__names_the_option_in_every_shape(void **state)
{
    (void)state;
    static const struct {
        struct sv error;
        const char *name;
    } cases[] = {
        {SV("{\"error\":{\"message\":\"Unsupported parameter: 'temperature' is not supported with"
            " this model.\",\"type\":\"invalid_request_error\",\"param\":\"temperature\","
            "\"code\":\"unsupported_parameter\"}}"),
         "temperature"},
        {SV("{\"error\":{\"message\":\"Unsupported value: 'reasoning.effort' does not support 'max'"
            " with this model.\",\"param\":\"reasoning.effort\",\"code\":\"unsupported_value\"}}"),
         "reasoning.effort"},
        {SV("[{\"error\":{\"message\":\"Unknown parameter: 'top_p'.\",\"param\":\"top_p\"}}]"),
         "top_p"},
        {SV("{\"error\":{\"message\":\"property 'reasoning_effort' is unsupported\","
            "\"type\":\"invalid_request_error\"}}"),
         "reasoning_effort"},
        {SV("{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":"
            "\"output_config.effort: Extra inputs are not permitted\"}}"),
         "output_config.effort"},
        {SV("{\"error\":\"unknown field \\\"stream_options\\\"\"}"), "stream_options"},
        {SV("{\"object\":\"error\",\"message\":{\"detail\":[{\"type\":\"extra_forbidden\","
            "\"loc\":[\"body\",\"top_k\"],\"msg\":\"Extra inputs are not permitted\"}]}}"),
         "top_k"},
        {SV("{\"detail\":[{\"loc\":[\"body\",\"temperature\"],\"msg\":\"unexpected value\"}]}"),
         "temperature"},
        {SV("{\"error\":\"\\\"llama3\\\" does not support thinking\"}"), "think"},
        {SV("{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":"
            "\"`temperature` is deprecated for this model.\"}}"),
         "temperature"},
        /* Out of range, another option, one that is no option, no error. */
        {SV("{\"error\":{\"message\":\"Invalid 'temperature': 7 is above 2.\",\"param\":"
            "\"temperature\"}}"),
         NULL},
        {SV("{\"error\":{\"message\":\"Unsupported parameter: 'tools', not 'temperature'\","
            "\"param\":\"tools\"}}"),
         NULL},
        {SV("{\"error\":{\"message\":\"Unknown model 'temperatures'\",\"param\":null}}"), NULL},
        {SV("{\"detail\":[{\"loc\":[],\"msg\":\"unexpected\"},{\"loc\":7},5]}"), NULL},
        {SV("{\"error\":{}}"), NULL},
        {SV("<html>unsupported 'temperature"), NULL},
        {SV(""), NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *name = refused_option_find(cases[i].error);
        assert_int_equal(name != NULL, cases[i].name != NULL);
        if (name) {
            assert_string_equal(name, cases[i].name);
        }
    }
}

static void natives__are_refused_in_the_words_of_three_providers(void **state)
{
    (void)state;
    static const struct {
        struct sv error;
        bool refused;
    } cases[] = {
        {SV("{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":"
            "\"messages.1.content.0: The block is bound to a different conversation\"}}"),
         true},
        {SV("{\"type\":\"error\",\"error\":{\"message\":\"messages.1.content.0: Invalid "
            "`signature` in `thinking` block\"}}"),
         true},
        {SV("{\"error\":{\"code\":400,\"message\":\"Corrupted thought signature.\"}}"), true},
        {SV("{\"error\":{\"code\":400,\"message\":\"Function call is missing a "
            "thought_signature\"}}"),
         true},
        {SV("{\"error\":{\"message\":\"Item with id 'rs_1' not found. Items are not persisted when "
            "`store` is set to false.\"}}"),
         true},
        {SV("{\"error\":{\"message\":\"Item 'rs_1' of type 'reasoning' was provided without its "
            "required following item.\"}}"),
         true},
        {SV("{\"error\":{\"message\":\"The encrypted content gAAA could not be verified.\"}}"),
         true},
        {SV("{\"error\":{\"message\":\"Unsupported parameter: 'temperature'\"}}"), false},
        {SV("{\"error\":{}}"), false},
        {SV("thought signature"), false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(refused_natives(cases[i].error), cases[i].refused);
    }
}

static void drop__leaves_the_rest_as_it_was_written(void **state)
{
    (void)state;
    static const struct {
        const char *name, *body, *rest;
    } cases[] = {
        {"temperature", "{\"model\":\"m\",\"temperature\":0.70,\"n\":1e2}",
         "{\"model\":\"m\",\"n\":1e2}"},
        {"temperature", "{\"temperature\":1}", "{}"},
        {"reasoning.effort", "{\"reasoning\":{\"effort\":\"low\",\"summary\":\"auto\"},\"a\":[]}",
         "{\"reasoning\":{\"summary\":\"auto\"},\"a\":[]}"},
        {"stream_options.include_usage", "{\"s\":\"\\u00e9 {\",\"stream_options\":{\"i\":true}}",
         "{\"s\":\"\\u00e9 {\"}"},
        {"temperature", "{\"messages\":[{\"temperature\":1}]}", NULL},
        {"reasoning.effort", "{\"reasoning\":{\"summary\":\"auto\"}}", NULL},
        {"reasoning.effort", "{\"reasoning\":7}", NULL},
        {"messages", "{\"messages\":[]}", NULL},
        {"temperature", "[1]", NULL},
        {"temperature", "", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf body = BUF_INIT(1000);
        buf_append_str(&body, cases[i].body);
        assert_int_equal(refused_option_drop(cases[i].name, &body), cases[i].rest != NULL);
        assert_string_equal(buf_cstr(&body), cases[i].rest ? cases[i].rest : cases[i].body);
        buf_release(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find__names_the_option_in_every_shape),
        cmocka_unit_test(natives__are_refused_in_the_words_of_three_providers),
        cmocka_unit_test(drop__leaves_the_rest_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
