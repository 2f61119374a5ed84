/* Which certificates are trusted: the config, then the environment, then the system's folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/http_internal.h"

#include <cmocka.h>

static void clear_environment(void)
{
    unsetenv("CURL_CA_BUNDLE");
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
}

static void trust__takes_the_first_that_is_said(void **state)
{
    (void)state;
    clear_environment();
    setenv("SSL_CERT_DIR", "/d", 1);
    struct http_trust trust = http__trust(NULL);
    assert_true(trust.set);
    assert_null(trust.file);
    assert_string_equal(trust.folder, "/d");
    setenv("SSL_CERT_FILE", "/f", 1);
    trust = http__trust("");
    assert_string_equal(trust.file, "/f");
    assert_null(trust.folder);
    setenv("CURL_CA_BUNDLE", "/b", 1);
    assert_string_equal(http__trust(NULL).file, "/b");
    trust = http__trust("/own");
    assert_true(trust.set);
    assert_string_equal(trust.file, "/own");
    assert_null(trust.folder);
    clear_environment();
}

static void trust__takes_the_system_folder_alone_or_leaves_it_to_libcurl(void **state)
{
    (void)state;
    clear_environment();
    setenv("SSL_CERT_FILE", "", 1);
    struct http_trust trust = http__trust(NULL);
    assert_null(trust.file);
    assert_int_equal(trust.set, trust.folder != NULL);
    if (trust.folder) {
        assert_string_equal(trust.folder, "/etc/ssl/certs");
    }
    clear_environment();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trust__takes_the_first_that_is_said),
        cmocka_unit_test(trust__takes_the_system_folder_alone_or_leaves_it_to_libcurl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
