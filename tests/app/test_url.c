/* What a base URL may be, and what counts as this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/http.h"

#include <cmocka.h>

static void check_url__takes_https_and_loopback(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *host;
    } cases[] = {
        {"https://api.openai.com/v1", "api.openai.com"},
        {"https://h", "h"},
        {"HTTPS://h:443/", "h"},
        {"https://h?alt=sse", "h"},
        {"https://h/a@b?c@d", "h"},
        {"https://[2001:db8::1]:8443/v1", "2001:db8::1"},
        {"http://localhost:8080/v1", "localhost"},
        {"http://LocalHost", "LocalHost"},
        {"http://a.localhost/", "a.localhost"},
        {"http://127.0.0.1:1", "127.0.0.1"},
        {"http://127.255.0.9", "127.255.0.9"},
        {"http://[::1]:11434/v1", "::1"},
        {"http://[::ffff:127.0.0.1]", "::ffff:127.0.0.1"},
        {"https://b\xC3\xBC"
         "cher.example/",
         "b\xC3\xBC"
         "cher.example"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *host = NULL;
        assert_int_equal(http_check_url(cases[i].url, false, &host, NULL), ERR_OK);
        assert_string_equal(host, cases[i].host);
        free(host);
    }
}

static void check_url__refuses_the_rest_and_says_why(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "",
        "localhost:8080",
        "ftp://h/",
        "file:///etc/passwd",
        "http:/localhost",
        "https://",
        "https:///v1",
        "https://:80",
        "https://?x",
        "https://h:",
        "https://h:0",
        "https://h:65536",
        "https://h:80x",
        "https://h:-1",
        "https://h:80:80",
        "https://user@h/",
        "https://user:pass@h/",
        "http://localhost@evil.example/",
        "http://localhost:80@evil.example/",
        "https://h\r\nX: y/",
        "https://h h/",
        "https://h\\@evil/",
        "https://h\t/",
        "https://%6c/",
        "https://h/#f",
        "https://[::1",
        "https://[::1]x",
        "https://[localhost]",
        "https://[]",
        "https://h/\x7f",
    };
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        char *host = NULL;
        struct err err = {.code = ERR_OK};
        assert_int_equal(http_check_url(urls[i], true, &host, &err), ERR_CONFIG);
        assert_int_equal(err.code, ERR_CONFIG);
        assert_non_null(strstr(err.text, "cannot be used: "));
        assert_null(strstr(err.text, "pass@"));
        assert_null(host);
    }
    char *host = NULL;
    assert_int_equal(http_check_url(NULL, true, &host, NULL), ERR_CONFIG);
}

static void check_url__allows_plain_http_only_by_name(void **state)
{
    (void)state;
    static const char *const urls[] = {"http://h/",
                                       "http://127.0.0.1.evil.example/",
                                       "http://localhost.evil.example/",
                                       "http://0.0.0.0/",
                                       "http://128.0.0.1/",
                                       "http://notlocalhost/",
                                       "http://[::2]/",
                                       "http://2130706433/"};
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        char *host = NULL;
        struct err err;
        assert_int_equal(http_check_url(urls[i], false, &host, &err), ERR_CONFIG);
        assert_non_null(strstr(err.text, "not encrypted"));
        assert_null(host);
        assert_int_equal(http_check_url(urls[i], true, &host, NULL), ERR_OK);
        free(host);
    }
}

static void is_loopback__knows_names_and_addresses(void **state)
{
    (void)state;
    static const char *const yes[] = {"localhost", "127.0.0.1", "127.1.2.3",
                                      "::1",       "[::1]",     "x.localhost"};
    static const char *const no[] = {"", "h", "127.0.0.1.x", "::", "[", "[]", "10.0.0.1", "127.1"};
    for (size_t i = 0; i < COUNT_OF(yes); i++) {
        assert_true(http_is_loopback(yes[i]));
    }
    for (size_t i = 0; i < COUNT_OF(no); i++) {
        assert_false(http_is_loopback(no[i]));
    }
    assert_false(http_is_loopback(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_url__takes_https_and_loopback),
        cmocka_unit_test(check_url__refuses_the_rest_and_says_why),
        cmocka_unit_test(check_url__allows_plain_http_only_by_name),
        cmocka_unit_test(is_loopback__knows_names_and_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
