/* Secrets in texts and in records: found, named, and named the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/redact.h"
#include "base/alloc.h"

#include <cmocka.h>

/* Put together here, so that no key stands in the sources. */
#define RANDOM "q7Zt2LmX9vRb4KpW8sYd3NfG"

static struct redactor *make(char *const *patterns)
{
    struct redactor *redactor = NULL;
    struct err err = {0};
    if (redactor_new(patterns, "/srv/anna", &redactor, &err)) {
        fail_msg("%s", err.text);
    }
    return redactor;
}

static void assert_redacted(struct redactor *redactor, const char *text, const char *expected)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    bool found = redact_append(redactor, &out, sv_from(text));
    assert_string_equal(buf_cstr(&out), expected);
    assert_int_equal(found, strcmp(text, expected) != 0);
    buf_release(&out);
}

/* Whatever its number is. */
static void assert_kind(const char *text, const char *before, const char *kind, const char *after)
{
    struct redactor *redactor = make(NULL);
    char *expected = xasprintf("%s[%s-1]%s", before, kind, after);
    assert_redacted(redactor, text, expected);
    free(expected);
    redactor_free(redactor);
}

static void keys_of_known_shapes__are_found(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "sk-" RANDOM,
        "sk-ant-api03-" RANDOM "-_x",
        "ghp_" RANDOM "abcdefghijkl",
        "AKIA"
        "ABCDEFGHIJKLMNOP",
        "AIza" RANDOM RANDOM,
        "xoxb-"
        "1234567890-" RANDOM,
        "glpat-" RANDOM,
        "hf_" RANDOM,
        "gsk_" RANDOM,
        "eyJ" RANDOM "." RANDOM "." RANDOM,
        "github_pat_" RANDOM "_" RANDOM,
    };
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        char *text = xasprintf("the key is '%s', really", keys[i]);
        assert_kind(text, "the key is '", "KEY", "', really");
        free(text);
        text = xasprintf("KEY=%s\n", keys[i]);
        assert_kind(text, "KEY=", "KEY", "\n");
        free(text);
    }
    assert_kind("-----BEGIN RSA PRIVATE KEY-----\nabc\ndef\n-----END RSA PRIVATE KEY-----\nx", "",
                "KEY", "\nx");
    assert_kind("a title that was cut in sk-q7Zt", "a title that was cut in ", "KEY", "");
    assert_kind("-----BEGIN PRIVATE KEY-----\nabc", "", "KEY", "");
}

static void values_that_are_called_secret__are_found(void **state)
{
    (void)state;
    assert_kind("password = hunter22", "password = ", "KEY", "");
    assert_kind("\"db_password\": \"correct horse\"", "\"db_password\": \"", "KEY", "\"");
    assert_kind("export API_KEY=abcdef;", "export API_KEY=", "KEY", ";");
    assert_kind("client_secret: 'x1y2z3a4'", "client_secret: '", "KEY", "'");
    assert_kind("Authorization: Bearer abc.def-ghi_jkl/mno", "Authorization: Bearer ", "KEY", "");
    assert_kind("postgres://me:s3cret@db/x", "postgres://me:", "KEY", "@db/x");
    assert_kind("\"SecretAccessKey\": \"abc123def\"", "\"SecretAccessKey\": \"", "KEY", "\"");
    assert_kind("AccountKey=q7Zt/LmX9==;x", "AccountKey=", "KEY", ";x");
    assert_kind("DB_PASS=s3cret99", "DB_PASS=", "KEY", "");
    assert_kind("SIGNING_KEY: abc12345", "SIGNING_KEY: ", "KEY", "");
    assert_kind("mysql --password s3cret99 -x", "mysql --password ", "KEY", " -x");
    assert_kind("curl -u 'me:s3cret?' x", "curl -u 'me:", "KEY", "' x");
    assert_kind("curl --user me:s3cret x", "curl --user me:", "KEY", " x");
    assert_kind("My password: s3cret99.", "My password: ", "KEY", ".");
}

static void a_secret_that_was_called_one__is_found_where_it_is_not(void **state)
{
    (void)state;
    struct redactor *redactor = make(NULL);
    assert_redacted(redactor, "is s3cret99 good?", "is s3cret99 good?");
    assert_redacted(redactor, "password: s3cret99", "password: [KEY-1]");
    assert_redacted(redactor, "s3cret99, s3cret99", "[KEY-1], [KEY-1]");
    assert_redacted(redactor, "xs3cret99 s3cret999", "xs3cret99 s3cret999");
    assert_redacted(redactor, "token = '" RANDOM "'", "token = '[KEY-2]'");
    assert_redacted(redactor, "see " RANDOM, "see [KEY-2]");
    assert_redacted(redactor, "password: 'please'", "password: '[KEY-3]'");
    assert_redacted(redactor, "oh please", "oh please");
    redactor_free(redactor);
}

static void what_is_no_secret__stays(void **state)
{
    (void)state;
    struct redactor *redactor = make(NULL);
    static const char *const texts[] = {
        "",
        "a word, and another one",
        "max_tokens: 1024, token = None",
        "password: please choose one",
        "password = get_password()",
        "api_key = $API_KEY",
        "anthropic/claude-3-5-sonnet-20241022",
        "2024-01-15T10:20:30.123456Z",
        "src/components/HeaderBar2/index_test.c",
        "getElementsByClassName2AndThenSome",
        "static_assert_that_this_is_a_long_name_2",
        "user@host and @mention",
        "https://example.org/home/page",
        "the token-based approach",
        "0123456789012345678901234567890123456789",
        "世界 é ~/src /usr/lib/x86_64-linux-gnu/libc.so.6",
        "src/HeaderBar/IndexPage/MainView2/FooBarBaz",
        "docs.example.org/documents/d/Shared/edit",
        "primary_key = user_id, sort_key: name",
        "use the --password option, or --token",
        "id -u root:root",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_redacted(redactor, texts[i], texts[i]);
    }
    redactor_free(redactor);
}

static void random_runs_addresses_and_homes__are_found(void **state)
{
    (void)state;
    assert_kind("it says " RANDOM "==", "it says ", "TOKEN", "");
    assert_kind("it is q7Zt2LmX9vRb4K/pW8sYd3NfG+q7Zt2LmX9vRb4K=", "it is ", "TOKEN", "");
    assert_kind("a-long-name-with-one-of-many-words-and-no-digits-9f86d081884c7d659a2feaa0c55ad015",
                "a-long-name-with-one-of-many-words-and-no-digits-", "TOKEN", "");
    assert_kind("sum 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c", "sum ", "TOKEN", "");
    assert_kind("mail anna.b+c@mail.example.org!", "mail ", "EMAIL", "!");
    assert_kind("in /home/anna/src", "in ", "HOME", "/src");
    assert_kind("in /Users/anna", "in ", "HOME", "");
    assert_kind("in /srv/anna/x", "in ", "HOME", "/x");
    assert_kind("in C:\\Users\\anna\\x", "in C", "HOME", "\\x");
}

static void the_same_secret__has_the_same_name(void **state)
{
    (void)state;
    struct redactor *redactor = make(NULL);
    assert_redacted(redactor, "a@b.org c@d.org a@b.org", "[EMAIL-1] [EMAIL-2] [EMAIL-1]");
    assert_redacted(redactor, "c@d.org /home/x", "[EMAIL-2] [HOME-1]");
    struct redact_hit hit;
    assert_true(redactor_hit(redactor, 0, &hit));
    assert_string_equal(hit.name, "[EMAIL-1]");
    assert_int_equal(hit.count, 2);
    assert_true(redactor_hit(redactor, 2, &hit));
    assert_false(redactor_hit(redactor, 3, &hit));
    redactor_forget_counts(redactor);
    assert_redacted(redactor, "c@d.org", "[EMAIL-2]");
    assert_true(redactor_hit(redactor, 0, &hit));
    assert_int_equal(hit.count, 0);
    redactor_free(redactor);
}

static void many_secrets__have_a_name_each(void **state)
{
    (void)state;
    struct redactor *redactor = make(NULL);
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    for (int i = 0; i < 5000; i++) {
        buf_appendf(&text, "a%d@b.org ", i);
    }
    assert_true(redact_append(redactor, &out, buf_sv(&text)));
    assert_true(redact_append(redactor, &out, buf_sv(&text)));
    struct redact_hit hit;
    assert_true(redactor_hit(redactor, 4999, &hit));
    assert_string_equal(hit.name, "[EMAIL-5000]");
    assert_int_equal(hit.count, 2);
    assert_false(redactor_hit(redactor, 5000, &hit));
    buf_release(&text);
    buf_release(&out);
    redactor_free(redactor);
}

static void patterns__match_line_by_line_and_have_to_compile(void **state)
{
    (void)state;
    char *const patterns[] = {"ACME-[0-9]+", "^x.*y$", "z*", NULL};
    struct redactor *redactor = make(patterns);
    assert_redacted(redactor, "an ACME-12, ACME-7 and ACME-12\nxay\nxb",
                    "an [PATTERN-1], [PATTERN-2] and [PATTERN-1]\n[PATTERN-3]\nxb");
    redactor_free(redactor);
    char *const bad[] = {"fine", "(open", NULL};
    struct err err = {0};
    redactor = NULL;
    assert_int_equal(redactor_new(bad, NULL, &redactor, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "(open"));
    assert_null(redactor);
}

static void what_overlaps__is_one_secret(void **state)
{
    (void)state;
    char *const patterns[] = {"me:s3cret@db", NULL};
    struct redactor *redactor = make(patterns);
    assert_redacted(redactor, "postgres://me:s3cret@db/x", "postgres://[PATTERN-1]/x");
    redactor_free(redactor);
}

static void records__keep_their_ids_and_lose_secrets(void **state)
{
    (void)state;
    struct redactor *redactor = make(NULL);
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    redact_json(redactor, &out,
                SV("{\"id\":\"01HF7YAT7TWDSJTBY8H18D2BQ0\",\"model\":\"p/m\",\"seq\":7,"
                   "\"parts\":[{\"kind\":\"text\",\"text\":\"line\\n\\\"a@b.org\\\" \\u00e9\"},"
                   "{\"kind\":\"native\",\"tool_id\":null,\"text\":\"{\\\"x\\\":1}\"},"
                   "{\"kind\":\"text\",\"text\":\"a@b.org\"}],"
                   "\"notes\":[{\"part\":0,\"first\":4,\"last\":19,\"text\":\"n\"}]}"));
    assert_string_equal(buf_cstr(&out),
                        "{\"id\":\"01HF7YAT7TWDSJTBY8H18D2BQ0\",\"model\":\"p/m\",\"seq\":7,"
                        "\"parts\":[{\"kind\":\"text\",\"text\":\"line\\n\\\"[EMAIL-1]\\\" é\"},"
                        "{\"kind\":\"status\",\"tool_id\":null,"
                        "\"text\":\"removed: the provider's own item\"},"
                        "{\"kind\":\"text\",\"text\":\"[EMAIL-1]\"}],"
                        "\"notes\":[{\"part\":null,\"first\":null,\"last\":null,\"text\":\"n\"}]}");
    assert_int_equal(redactor_removed(redactor), 1);
    buf_release(&out);
    redactor_free(redactor);
}

/* Time grows with the text, whatever it is made of; with its square it would take minutes. */
static void long_texts__take_linear_time(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "-",        "token=a.", "a@",         "://a:b", "-----BEGIN ",
        "sk-",      "/home/",   "password  ", "aB3",    "bearer ",
        "a.b@c.d.", "eyJ.",     "aB1/",       "-u a:",  "--token a1b2c3 "};
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        struct redactor *redactor = make(NULL);
        struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
        struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
        while (text.n < 300000) {
            buf_append_str(&text, pieces[i]);
        }
        clock_t began = clock(); /* of the processor: others may use it meanwhile */
        (void)redact_append(redactor, &out, buf_sv(&text));
        long ms = (long)((clock() - began) / (CLOCKS_PER_SEC / 1000));
        if (ms > 5000) {
            fail_msg("'%s' took %ld ms", pieces[i], ms);
        }
        buf_release(&text);
        buf_release(&out);
        redactor_free(redactor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_known_shapes__are_found),
        cmocka_unit_test(values_that_are_called_secret__are_found),
        cmocka_unit_test(a_secret_that_was_called_one__is_found_where_it_is_not),
        cmocka_unit_test(what_is_no_secret__stays),
        cmocka_unit_test(random_runs_addresses_and_homes__are_found),
        cmocka_unit_test(the_same_secret__has_the_same_name),
        cmocka_unit_test(many_secrets__have_a_name_each),
        cmocka_unit_test(patterns__match_line_by_line_and_have_to_compile),
        cmocka_unit_test(what_overlaps__is_one_secret),
        cmocka_unit_test(records__keep_their_ids_and_lose_secrets),
        cmocka_unit_test(long_texts__take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
