/* Errors: codes, texts and what happens at the end of the room. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/utf8.h"

#include <cmocka.h>

static void err_set__keeps_code_and_text(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(err_set(&err, ERR_BUSY, "cannot open '%s'", "x.db"), ERR_BUSY);
    assert_int_equal(err.code, ERR_BUSY);
    assert_string_equal(err.text, "cannot open 'x.db'");
    assert_int_equal(err_set(NULL, ERR_GONE, "%s", "nobody listens"), ERR_GONE);
}

/* Every offset of the cut within a code point, by texts that begin with 0 to 3 ASCII letters. */
static void a_long_text__is_cut_at_a_code_point_with_an_ellipsis(void **state)
{
    (void)state;
    for (size_t lead = 0; lead < 4; lead++) {
        char text[2000];
        memset(text, 'a', sizeof(text));
        size_t n = lead;
        while (n + 4 < sizeof(text)) {
            memcpy(text + n, "\xF0\x9F\x98\x80", 4);
            n += 4;
        }
        text[n] = '\0';
        struct err err;
        memset(&err, 'x', sizeof(err));
        assert_int_equal(err_set(&err, ERR_IO, "%s", text), ERR_IO);
        size_t length = strlen(err.text);
        assert_true(length < ERR_TEXT_SIZE && length >= ERR_TEXT_SIZE - 4);
        assert_int_equal(utf8_valid_prefix(err.text, length), length);
        assert_string_equal(err.text + length - 3, "\xE2\x80\xA6");
        assert_memory_equal(err.text, text, length - 3);
    }
}

static void a_text_that_just_fits__is_left_whole(void **state)
{
    (void)state;
    char text[ERR_TEXT_SIZE + 1];
    memset(text, 'a', sizeof(text));
    text[ERR_TEXT_SIZE - 1] = '\0';
    struct err err;
    err_set(&err, ERR_IO, "%s", text);
    assert_string_equal(err.text, text);
    text[ERR_TEXT_SIZE - 1] = 'a';
    text[ERR_TEXT_SIZE] = '\0';
    err_set(&err, ERR_IO, "%s", text);
    assert_string_equal(err.text + strlen(err.text) - 3, "\xE2\x80\xA6");
}

static void the_arguments__may_be_the_error_itself(void **state)
{
    (void)state;
    struct err err;
    err_set(&err, ERR_IO, "inner");
    err_set(&err, ERR_BUSY, "outer: %s", err.text);
    assert_string_equal(err.text, "outer: inner");
    assert_int_equal(err_prefix(&err, "<%s>", err.text), ERR_BUSY);
    assert_string_equal(err.text, "<outer: inner>: outer: inner");
}

static void err_prefix__keeps_the_code(void **state)
{
    (void)state;
    struct err err;
    err_set(&err, ERR_NOT_FOUND, "no model");
    assert_int_equal(err_prefix(&err, "line %d", 7), ERR_NOT_FOUND);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.text, "line 7: no model");
    assert_int_not_equal(err_prefix(NULL, "line %d", 7), ERR_OK);
}

static void err_set_errno__says_what_the_system_says_in_lower_case(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(err_set_errno(&err, ENOENT, "cannot open '%s'", "x"), ERR_NOT_FOUND);
    assert_string_equal(err.text, "cannot open 'x': no such file or directory");
    assert_int_equal(err_set_errno(&err, ENOSPC, "cannot write"), ERR_DISK_FULL);
    assert_string_equal(err.text, "cannot write: disk is full");
    assert_int_equal(err_set_errno(NULL, EACCES, "cannot write"), ERR_READ_ONLY);
    assert_int_equal(err_set_errno(&err, 99999, "odd"), ERR_IO);
    assert_true(strlen(err.text) > strlen("odd: "));
}

static void errno__maps_to_the_code_that_callers_decide_by(void **state)
{
    (void)state;
    assert_int_equal(err_from_errno(EDQUOT), ERR_DISK_FULL);
    assert_int_equal(err_from_errno(EROFS), ERR_READ_ONLY);
    assert_int_equal(err_from_errno(EPERM), ERR_READ_ONLY);
    assert_int_equal(err_from_errno(EEXIST), ERR_EXISTS);
    assert_int_equal(err_from_errno(ETIMEDOUT), ERR_TIMEOUT);
    assert_int_equal(err_from_errno(ECONNREFUSED), ERR_UNREACHABLE);
    assert_int_equal(err_from_errno(EHOSTUNREACH), ERR_UNREACHABLE);
    assert_int_equal(err_from_errno(EAGAIN), ERR_BUSY);
    assert_int_equal(err_from_errno(EBUSY), ERR_BUSY);
    assert_int_equal(err_from_errno(EIO), ERR_IO);
    assert_int_equal(err_from_errno(0), ERR_IO);
}

static void every_code__has_a_name_and_a_text(void **state)
{
    (void)state;
    for (int code = 0; code < ERR_COUNT; code++) {
        assert_int_equal(strncmp(err_name((enum err_code)code), "ERR_", 4), 0);
        assert_true(strlen(err_text((enum err_code)code)) > 0);
    }
    assert_string_equal(err_name(ERR_BUSY), "ERR_BUSY");
    assert_string_equal(err_text(ERR_BUSY), "busy");
    assert_string_equal(err_name(ERR_COUNT), "ERR_UNKNOWN");
    assert_non_null(err_text((enum err_code) - 1));
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(err_set__keeps_code_and_text),
        cmocka_unit_test(a_long_text__is_cut_at_a_code_point_with_an_ellipsis),
        cmocka_unit_test(a_text_that_just_fits__is_left_whole),
        cmocka_unit_test(the_arguments__may_be_the_error_itself),
        cmocka_unit_test(err_prefix__keeps_the_code),
        cmocka_unit_test(err_set_errno__says_what_the_system_says_in_lower_case),
        cmocka_unit_test(errno__maps_to_the_code_that_callers_decide_by),
        cmocka_unit_test(every_code__has_a_name_and_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
