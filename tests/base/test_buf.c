/* The growable buffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

#include <cmocka.h>

static void an_unused_buffer__reads_as_empty(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT(10);
    assert_string_equal(buf_cstr(&buf), "");
    assert_int_equal(buf_sv(&buf).n, 0);
    assert_true(buf_ok(&buf));
    buf_clear(&buf);
    buf_truncate(&buf, 0);
    buf_remove(&buf, 0, 5);
    buf_release(&buf);
    buf_release(&buf);
    buf_release(NULL);
}

static void appending__keeps_bytes_and_a_nul_behind_them(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT(BUF_MAX_INTERNAL);
    for (size_t i = 0; i < 5000; i++) {
        assert_true(buf_append_byte(&buf, (char)(i % 251)));
        assert_int_equal(buf.p[buf.n], '\0');
    }
    for (size_t i = 0; i < 5000; i++) {
        assert_int_equal(buf.p[i], (char)(i % 251));
    }
    buf_clear(&buf);
    assert_true(buf_append_str(&buf, NULL));
    assert_true(buf_append(&buf, NULL, 0));
    assert_true(buf_append_str(&buf, "a"));
    assert_true(buf_append_sv(&buf, SV("b")));
    assert_true(buf_append_cp(&buf, 0x1F600));
    assert_true(buf_append_cp(&buf, 0xD800));
    assert_true(buf_append_cp(&buf, 0x110000));
    assert_true(buf_appendf(&buf, "%03d", 7));
    assert_string_equal(buf_cstr(&buf), "ab\xF0\x9F\x98\x80\xEF\xBF\xBD\xEF\xBF\xBD"
                                        "007");
    buf_release(&buf);
}

/* Every maximum from nothing to past the text, so that each edge is met. */
static void the_maximum__is_never_passed_and_overflow_is_sticky(void **state)
{
    (void)state;
    static const char text[] = "abcdefghijklmnop";
    for (size_t max = 0; max <= 20; max++) {
        struct buf buf = BUF_INIT(max);
        bool ok = true;
        for (size_t i = 0; i < 16; i += 4) {
            ok = buf_append(&buf, text + i, 4) && ok;
        }
        assert_int_equal(ok, max >= 16);
        assert_int_equal(buf_ok(&buf), max >= 16);
        assert_true(buf.n <= max && buf.cap <= max + 1);
        assert_int_equal(buf.n, max >= 16 ? 16 : max / 4 * 4);
        assert_memory_equal(buf_cstr(&buf), text, buf.n);
        assert_int_equal(buf_append_byte(&buf, 'z'), max >= 17);
        buf_clear(&buf);
        assert_int_equal(buf_append_byte(&buf, 'z'), max >= 1);
        buf_release(&buf);
        assert_int_equal(buf.max, max);
    }
}

static void after_overflow__the_content_stays_a_prefix(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT(4);
    assert_true(buf_append_str(&buf, "ab"));
    assert_false(buf_appendf(&buf, "%s", "cde"));
    assert_false(buf_append_byte(&buf, 'f'));
    assert_false(buf_insert(&buf, 0, "g", 1));
    assert_string_equal(buf_cstr(&buf), "ab");
    buf_truncate(&buf, 1);
    assert_false(buf_ok(&buf));
    buf_release(&buf);
}

static void a_huge_length__is_an_overflow_not_a_crash(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT(SIZE_MAX);
    assert_true(buf_append_byte(&buf, 'a'));
    assert_false(buf_append(&buf, "", SIZE_MAX));
    assert_false(buf_ok(&buf));
    assert_false(buf_reserve(&buf, SIZE_MAX - 1));
    assert_string_equal(buf_cstr(&buf), "a");
    buf_release(&buf);
}

static void reserve__makes_room_within_the_maximum(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT(100);
    assert_false(buf_reserve(&buf, 101));
    assert_true(buf_ok(&buf));
    assert_true(buf_reserve(&buf, 100));
    const char *before = buf.p;
    for (int i = 0; i < 100; i++) {
        assert_true(buf_append_byte(&buf, 'x'));
    }
    assert_ptr_equal(buf.p, before);
    buf_release(&buf);
}

static void inserting_and_removing__clip_to_the_content(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT(100);
    assert_true(buf_insert(&buf, 9, "d", 1));
    assert_true(buf_insert(&buf, 0, "ab", 2));
    assert_true(buf_insert(&buf, 2, "c", 1));
    assert_true(buf_insert(&buf, 100, "e", 1));
    assert_string_equal(buf_cstr(&buf), "abcde");
    buf_remove(&buf, 1, 2);
    assert_string_equal(buf_cstr(&buf), "ade");
    buf_remove(&buf, 1, SIZE_MAX);
    assert_string_equal(buf_cstr(&buf), "a");
    buf_remove(&buf, 1, 1);
    buf_truncate(&buf, 2);
    assert_string_equal(buf_cstr(&buf), "a");
    buf_truncate(&buf, 0);
    assert_string_equal(buf_cstr(&buf), "");
    buf_release(&buf);
}

static void detach__gives_the_bytes_and_leaves_an_empty_buffer(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT(2);
    char *none = buf_detach(&buf);
    assert_string_equal(none, "");
    free(none);
    assert_true(buf_append_str(&buf, "ab"));
    assert_false(buf_append_str(&buf, "c"));
    char *text = buf_detach(&buf);
    assert_string_equal(text, "ab");
    free(text);
    assert_true(buf_ok(&buf));
    assert_int_equal(buf.n, 0);
    assert_int_equal(buf.max, 2);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unused_buffer__reads_as_empty),
        cmocka_unit_test(appending__keeps_bytes_and_a_nul_behind_them),
        cmocka_unit_test(the_maximum__is_never_passed_and_overflow_is_sticky),
        cmocka_unit_test(after_overflow__the_content_stays_a_prefix),
        cmocka_unit_test(a_huge_length__is_an_overflow_not_a_crash),
        cmocka_unit_test(reserve__makes_room_within_the_maximum),
        cmocka_unit_test(inserting_and_removing__clip_to_the_content),
        cmocka_unit_test(detach__gives_the_bytes_and_leaves_an_empty_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
