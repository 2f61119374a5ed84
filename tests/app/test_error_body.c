/* Error bodies: every shape, what it means, and that no key gets out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/codec.h"
#include "base/utf8.h"

#include <cmocka.h>

static void message__is_found_in_every_shape(void **state)
{
    (void)state;
    static const struct {
        struct sv body;
        const char *message;
    } cases[] = {
        {SV("{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":null,\"code\":\"c\"}}"), "m"},
        {SV("{\"type\":\"error\",\"error\":{\"type\":\"t\",\"message\":\"m\"},\"request_id\":"
            "\"r\"}"),
         "m"},
        {SV("{\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\"}}"), "m"},
        {SV("[{\"error\":{\"code\":429,\"message\":\"m\"}}]"), "m"},
        {SV("{\"error\":\"m\"}"), "m"},
        {SV("{\"object\":\"error\",\"message\":\"m\",\"type\":\"t\",\"code\":3230}"), "m"},
        {SV("{\"object\":\"error\",\"message\":{\"detail\":[{\"loc\":[\"a\"],\"msg\":\"m\"}]}}"),
         "m"},
        {SV("{\"detail\":\"m\"}"), "m"},
        {SV("{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"m\"},{\"msg\":\"n\"},\"o\"]}"), "m, n, o"},
        {SV("{\"detail\":{\"message\":\"m\"}}"), "m"},
        {SV("{\"message\":\"m\"}"), "m"},
        {SV("\n {\"message\":\" m\\n\"} "), "m"},
        {SV("{\"error\":{\"message\":\"\",\"code\":\"c\"}}"), "c"},
        {SV("{\"error\":{\"type\":\"t\"}}"), "t"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf message = BUF_INIT(1000);
        assert_true(error_body_message(cases[i].body, &message));
        assert_string_equal(buf_cstr(&message), cases[i].message);
        buf_release(&message);
    }
}

static void message__is_missing_where_there_is_none(void **state)
{
    (void)state;
    static const struct sv bodies[] = {SV(""),
                                       SV("{}"),
                                       SV("[]"),
                                       SV("7"),
                                       SV("null"),
                                       SV("<html>no</html>"),
                                       SV("{\"error\":null}"),
                                       SV("{\"error\":{}}"),
                                       SV("{\"error\":7}"),
                                       SV("{\"detail\":[]}"),
                                       SV("{\"detail\":[7,null,{}]}"),
                                       SV("{\"message\":\"  \"}"),
                                       SV("{\"message\":[]}")};
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct buf message = BUF_INIT(1000);
        assert_false(error_body_message(bodies[i], &message));
        assert_int_equal(message.n, 0);
        buf_release(&message);
    }
}

static void describe__maps_every_status(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum err_code code;
        bool retryable;
    } cases[] = {
        {301, ERR_CONFIG, false},   {307, ERR_CONFIG, false},    {400, ERR_REJECTED, false},
        {401, ERR_AUTH, false},     {402, ERR_REJECTED, false},  {403, ERR_AUTH, false},
        {404, ERR_REJECTED, false}, {405, ERR_CONFIG, false},    {408, ERR_TIMEOUT, true},
        {409, ERR_SERVER, true},    {413, ERR_TOO_BIG, false},   {418, ERR_REJECTED, false},
        {422, ERR_REJECTED, false}, {429, ERR_RATE_LIMIT, true}, {498, ERR_SERVER, true},
        {500, ERR_SERVER, true},    {501, ERR_SERVER, false},    {502, ERR_SERVER, true},
        {503, ERR_SERVER, true},    {504, ERR_SERVER, true},     {529, ERR_SERVER, true},
        {599, ERR_SERVER, true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_failure failure;
        http_failure_describe(cases[i].status, SV(""), "h.example", NULL, &failure);
        assert_int_equal(failure.code, cases[i].code);
        assert_int_equal(failure.retryable, cases[i].retryable);
        char status[24];
        snprintf(status, sizeof(status), "(HTTP %d)", cases[i].status);
        assert_non_null(strstr(failure.text, status));
        assert_ptr_equal(strstr(failure.text, "h.example "), failure.text);
    }
}

static void describe__finds_the_wait_that_a_body_asks_for(void **state)
{
    (void)state;
    static const struct {
        struct sv body;
        int64_t wait_us;
    } cases[] = {
        {SV("{\"error\":{\"code\":429,\"details\":[{\"@type\":\"x\"},{\"retryDelay\":\"1.5s\"}]}}"),
         1500000},
        {SV("[{\"error\":{\"details\":[{\"retryDelay\":\"17s\"}]}}]"), 17000000},
        {SV("{\"error\":{\"details\":[{\"retryDelay\":17},null,[]]}}"), -1},
        {SV("{\"error\":{\"details\":\"17s\"}}"), -1},
        {SV("busy"), -1},
        {SV("{\"error\":{\"message\":\"Rate limit reached. Please try again in 6m0s. Visit x\"}}"),
         360000000},
        {SV("{\"error\":{\"message\":\"Limit 30. Please try again in 5.25s.\"}}"), 5250000},
        {SV("{\"error\":{\"message\":\"Please retry in 120ms, or later\"}}"), 120000},
        {SV("{\"error\":{\"message\":\"try again in 5 minutes\"}}"), -1},
        {SV("{\"error\":{\"message\":\"try again in a while\"}}"), -1},
        {SV("{\"error\":{\"message\":\"try again in \"}}"), -1},
        {SV("{\"error\":{\"message\":\"try again in 9s\",\"details\":[{\"retryDelay\":\"1s\"}]}}"),
         1000000},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_failure failure;
        http_failure_describe(429, cases[i].body, NULL, NULL, &failure);
        assert_true(failure.wait_us == cases[i].wait_us);
        assert_true(failure.retryable);
    }
}

static void describe__tells_quota_and_length_from_the_words(void **state)
{
    (void)state;
    static const struct {
        int status;
        struct sv body;
        enum err_code code;
        bool retryable;
        const char *says;
    } cases[] = {
        {429, SV("{\"error\":{\"message\":\"no\",\"code\":\"insufficient_quota\"}}"),
         ERR_RATE_LIMIT, false, "used up"},
        {429, SV("{\"error\":{\"message\":\"no\",\"type\":\"rate_limit_exceeded\"}}"),
         ERR_RATE_LIMIT, true, "rate"},
        {400, SV("{\"error\":{\"message\":\"no\",\"code\":\"context_length_exceeded\"}}"),
         ERR_REJECTED, false, "too long"},
        {400,
         SV("{\"error\":{\"code\":400,\"message\":\"m\",\"type\":\"exceed_context_size_error\","
            "\"n_prompt_tokens\":5000,\"n_ctx\":4096}}"),
         ERR_REJECTED, false, "too long"},
        {500, SV("{\"error\":\"the request exceeds the available context size\"}"), ERR_REJECTED,
         false, "too long"},
        {400, SV("{\"error\":\"the input length exceeds the context length\"}"), ERR_REJECTED,
         false, "too long"},
        {400,
         SV("{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":"
            "\"input length and `max_tokens` exceed context limit: 9 + 9 > 10\"}}"),
         ERR_REJECTED, false, "too long"},
        {503, SV("{\"error\":{\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}"),
         ERR_SERVER, true, "Loading model"},
        {200, SV("{\"error\":{\"code\":\"429\",\"message\":\"m\"}}"), ERR_RATE_LIMIT, true, "rate"},
        {200, SV("{\"error\":{\"code\":7,\"message\":\"m\"}}"), ERR_SERVER, true, "failed: m"},
        {200,
         SV("{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}"),
         ERR_SERVER, true, "overloaded"},
        {200,
         SV("{\"type\":\"error\",\"error\":{\"type\":\"insufficient_quota\",\"message\":\"m\"}}"),
         ERR_RATE_LIMIT, false, "used up"},
        {200, SV("{\"error\":{\"code\":\"credit_balance_exhausted\",\"message\":\"m\"}}"),
         ERR_REJECTED, false, "to be paid"},
        {200, SV("{\"error\":{\"type\":\"authentication_error\",\"message\":\"m\"}}"), ERR_AUTH,
         false, "key"},
        {400,
         SV("{\"error\":{\"code\":400,\"message\":\"API key not valid.\",\"details\":"
            "[{\"reason\":\"API_KEY_INVALID\"}]}}"),
         ERR_AUTH, false, "key"},
        {429,
         SV("{\"error\":{\"code\":429,\"message\":\"m\",\"details\":[{\"violations\":"
            "[{\"quotaId\":\"GenerateRequestsPerDay\"}]}]}}"),
         ERR_RATE_LIMIT, false, "used up"},
        {429,
         SV("{\"error\":{\"message\":\"m\",\"details\":{\"error_code\":"
            "\"enforced_spend_limit_reached\"}}}"),
         ERR_RATE_LIMIT, false, "used up"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_failure failure;
        http_failure_describe(cases[i].status, cases[i].body, NULL, NULL, &failure);
        assert_int_equal(failure.code, cases[i].code);
        assert_int_equal(failure.retryable, cases[i].retryable);
        assert_non_null(strstr(failure.text, cases[i].says));
        assert_ptr_equal(strstr(failure.text, "the server "), failure.text);
    }
}

/* People are told of billing in the words of a limit of one minute, too. */
static void describe__tells_a_limit_that_passes_from_one_that_does_not(void **state)
{
    (void)state;
    static const struct {
        struct sv body;
        bool passes;
    } cases[] = {
        {SV("{\"error\":{\"message\":\"Rate limit reached for requests. You can increase it at "
            "https://x/account/"
            "billing.\",\"type\":\"requests\",\"code\":\"rate_limit_exceeded\"}}"),
         true},
        {SV("{\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\",\"message\":\"You exceeded "
            "your current quota, please check your plan and billing details.\",\"details\":["
            "{\"violations\":[{\"quotaId\":\"GenerateRequestsPerMinutePerProject\"}]},"
            "{\"retryDelay\":\"17s\"}]}}"),
         true},
        {SV("{\"error\":{\"code\":429,\"message\":\"You exceeded your current "
            "quota.\",\"details\":["
            "{\"violations\":[{\"quotaId\":\"GenerateRequestsPerDayPerProject\"}]},"
            "{\"retryDelay\":\"17s\"}]}}"),
         false},
        {SV("{\"error\":{\"code\":429,\"message\":\"You exceeded your current quota, please check "
            "your plan and billing details.\"}}"),
         false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_failure failure;
        http_failure_describe(429, cases[i].body, NULL, NULL, &failure);
        assert_int_equal(failure.code, ERR_RATE_LIMIT);
        assert_int_equal(failure.retryable, cases[i].passes);
        assert_non_null(strstr(failure.text, cases[i].passes ? "rate of requests" : "used up"));
    }
}

static void describe__shows_no_key(void **state)
{
    (void)state;
    static const struct sv bodies[] = {
        SV("{\"error\":{\"message\":\"Incorrect API key provided: sk-CANARY123456789. See x.\"}}"),
        SV("{\"error\":\"bad 'sk-CANARY*****789'\"}"),
        SV("{\"error\":\"bad AIzaCANARY123456789\"}"),
        SV("<p>Authorization: Bearer CANARY0123456789</p>"),
        SV("gsk_CANARY123456789"),
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct http_failure failure;
        http_failure_describe(401, bodies[i], "h", NULL, &failure);
        assert_null(strstr(failure.text, "CANARY"));
        assert_non_null(strstr(failure.text, "[key]"));
    }
    struct http_failure failure;
    http_failure_describe(400, SV("sk-1 risk-assessment bearer of news"), "h", NULL, &failure);
    assert_non_null(strstr(failure.text, "sk-1 risk-assessment bearer of news"));
}

static void describe__shows_the_first_300_characters_of_what_it_cannot_read(void **state)
{
    (void)state;
    struct buf body = BUF_INIT((size_t)4 << 20);
    (void)buf_append_str(&body, "<html>\r\n\t<p>busy</p>\xFF");
    while (body.n < (size_t)1 << 20) {
        (void)buf_append_str(&body, "\xE4\xBD\xA0");
    }
    struct http_failure failure;
    http_failure_describe(502, buf_sv(&body), "h", NULL, &failure);
    assert_non_null(strstr(failure.text, "(HTTP 502): <html> <p>busy</p>\xEF\xBF\xBD\xE4\xBD\xA0"));
    assert_int_equal(utf8_valid_prefix(failure.text, strlen(failure.text)), strlen(failure.text));
    buf_clear(&body);
    (void)buf_append_str(&body, "{\"error\":\"");
    for (int i = 0; i < 100000; i++) {
        (void)buf_append_byte(&body, 'y');
    }
    (void)buf_append_str(&body, "\"}");
    http_failure_describe(400, buf_sv(&body), "h", NULL, &failure);
    const char *start = strstr(failure.text, ": y");
    assert_non_null(start);
    assert_int_equal(strlen(start + 2), 300);
    buf_release(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message__is_found_in_every_shape),
        cmocka_unit_test(message__is_missing_where_there_is_none),
        cmocka_unit_test(describe__maps_every_status),
        cmocka_unit_test(describe__finds_the_wait_that_a_body_asks_for),
        cmocka_unit_test(describe__tells_quota_and_length_from_the_words),
        cmocka_unit_test(describe__tells_a_limit_that_passes_from_one_that_does_not),
        cmocka_unit_test(describe__shows_no_key),
        cmocka_unit_test(describe__shows_the_first_300_characters_of_what_it_cannot_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
