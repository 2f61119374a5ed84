/* UTF-8: every code point, every ill-formed form, every cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"

#include <cmocka.h>

static bool is_scalar(uint32_t cp)
{
    return cp <= 0x10FFFF && (cp < 0xD800 || cp > 0xDFFF);
}

static void every_code_point__survives_encoding_and_decoding(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x110010; cp++) {
        char bytes[4];
        uint32_t back = 1;
        size_t n = utf8_encode(cp, bytes);
        if (utf8_decode(bytes, n, &back) != n || back != (is_scalar(cp) ? cp : UTF8_REPLACEMENT) ||
            utf8_valid_prefix(bytes, n) != n) {
            fail_msg("code point %X", (unsigned)cp);
        }
        for (size_t cut = 1; cut < n; cut++) {
            if (utf8_valid_prefix(bytes, cut) != 0 || utf8_partial_tail(bytes, cut) != cut ||
                utf8_decode(bytes, cut, &back) != cut || back != UTF8_REPLACEMENT) {
                fail_msg("code point %X cut at %zu", (unsigned)cp, cut);
            }
        }
    }
}

/* Slow and plain: what the table of well-formed sequences says, by value. */
static bool is_well_formed(const unsigned char *b, size_t n)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = b[0] < 0x80 ? 1 : b[0] >= 0xF0 ? 4 : b[0] >= 0xE0 ? 3 : 2;
    if (n != length || (b[0] >= 0x80 && b[0] < 0xC0) || b[0] >= 0xF8) {
        return false;
    }
    uint32_t cp = length == 1 ? b[0] : b[0] & (0x7Fu >> length);
    for (size_t i = 1; i < n; i++) {
        if ((b[i] & 0xC0) != 0x80) {
            return false;
        }
        cp = cp << 6 | (b[i] & 0x3Fu);
    }
    return is_scalar(cp) && (length == 1 || cp >= least[length]);
}

/* All overlong forms, surrogates, values past the end and stray bytes are among these. */
static void every_sequence_of_two_and_three_bytes__is_judged_by_value(void **state)
{
    (void)state;
    for (unsigned lead = 0; lead < 256; lead++) {
        for (unsigned rest = 0; rest < 65536; rest++) {
            unsigned char b[3] = {(unsigned char)lead, (unsigned char)(rest >> 8),
                                  (unsigned char)rest};
            uint32_t cp;
            size_t used = utf8_decode((const char *)b, 3, &cp);
            bool good = is_well_formed(b, 1) || is_well_formed(b, 2) || is_well_formed(b, 3);
            size_t length = is_well_formed(b, 1) ? 1 : is_well_formed(b, 2) ? 2 : 3;
            bool is_replacement = cp == UTF8_REPLACEMENT && memcmp(b, "\xEF\xBF\xBD", 3) != 0;
            if (good ? used != length || is_replacement : !is_replacement) {
                fail_msg("%02X %02X %02X", b[0], b[1], b[2]);
            }
        }
    }
}

static void check_repair(const char *text, size_t n, const char *expected)
{
    struct buf out = BUF_INIT(1000);
    assert_true(utf8_append_valid(&out, sv_of(text, n)));
    assert_string_equal(buf_cstr(&out), expected);
    buf_release(&out);
}

#define R "\xEF\xBF\xBD"
#define CHECK_REPAIR(text, expected) check_repair(text, sizeof(text) - 1, expected)

static void ill_formed_parts__are_replaced_once_per_maximal_subpart(void **state)
{
    (void)state;
    CHECK_REPAIR("", "");
    CHECK_REPAIR("plain \xC3\xA4", "plain \xC3\xA4");
    CHECK_REPAIR("a\0b", "a" R "b");
    CHECK_REPAIR("\0\0", R R);
    CHECK_REPAIR("\x80\xBF", R R);
    CHECK_REPAIR("\xC0\xAF", R R);
    CHECK_REPAIR("\xE0\x80\xAF", R R R);
    CHECK_REPAIR("\xF0\x80\x80\xAF", R R R R);
    CHECK_REPAIR("\xED\xA0\x80", R R R);
    CHECK_REPAIR("\xED\xBF\xBF!", R R R "!");
    CHECK_REPAIR("\xF4\x90\x80\x80", R R R R);
    CHECK_REPAIR("\xF5\xFF", R R);
    CHECK_REPAIR("\xE1\x80", R);
    CHECK_REPAIR("\xF1\x80\x80", R);
    /* The example of the standard, table 3-8. */
    CHECK_REPAIR("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64",
                 "a" R R R "b" R "c" R R "d");
}

static const char mixed[] = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\xF1\x80\x80\xE1\x80\xC2z\x80\xED"
                            "\xA0\x80\xF0\x9F\x98";

/* Two pieces with the partial tail carried over give what the whole gives. */
static void repairing__does_not_depend_on_where_a_stream_was_cut(void **state)
{
    (void)state;
    size_t n = sizeof(mixed) - 1;
    struct buf whole = BUF_INIT(1000);
    assert_true(utf8_append_valid(&whole, sv_of(mixed, n)));
    for (size_t cut = 0; cut <= n; cut++) {
        struct buf out = BUF_INIT(1000);
        size_t tail = utf8_partial_tail(mixed, cut);
        assert_true(utf8_append_valid(&out, sv_of(mixed, cut - tail)));
        assert_true(utf8_append_valid(&out, sv_of(mixed + cut - tail, n - cut + tail)));
        assert_string_equal(buf_cstr(&out), buf_cstr(&whole));
        buf_release(&out);
    }
    buf_release(&whole);
}

static void a_partial_tail__is_only_what_more_bytes_could_complete(void **state)
{
    (void)state;
    assert_int_equal(utf8_partial_tail("", 0), 0);
    assert_int_equal(utf8_partial_tail("abc", 3), 0);
    assert_int_equal(utf8_partial_tail("a\xC3", 2), 1);
    assert_int_equal(utf8_partial_tail("a\xE2\x82", 3), 2);
    assert_int_equal(utf8_partial_tail("\xF0\x9F\x98", 3), 3);
    assert_int_equal(utf8_partial_tail("\xF0\x9F\x98\x80", 4), 0);
    assert_int_equal(utf8_partial_tail("\xC0", 1), 0);
    assert_int_equal(utf8_partial_tail("\xE0\x80", 2), 0);
    assert_int_equal(utf8_partial_tail("\xED\xA0", 2), 0);
    assert_int_equal(utf8_partial_tail("\xF4\x90", 2), 0);
    assert_int_equal(utf8_partial_tail("\xE2\x82\xAC", 3), 0);
    assert_int_equal(utf8_partial_tail("\x80\x80\x80", 3), 0);
}

/* A bad byte at every place around the eight bytes that are looked at together. */
static void the_valid_prefix__ends_at_the_first_bad_byte(void **state)
{
    (void)state;
    char text[64];
    for (size_t at = 0; at < sizeof(text); at++) {
        memset(text, 'a', sizeof(text));
        text[at] = '\xFF';
        assert_int_equal(utf8_valid_prefix(text, sizeof(text)), at);
        assert_int_equal(utf8_valid_prefix(text, at), at);
    }
    assert_int_equal(utf8_valid_prefix("", 0), 0);
}

static void cutting_and_stepping__never_split_a_code_point(void **state)
{
    (void)state;
    static const char text[] = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80";
    static const size_t starts[] = {0, 1, 3, 6, 10};
    size_t n = sizeof(text) - 1;
    for (size_t i = 0; i + 1 < COUNT_OF(starts); i++) {
        assert_int_equal(utf8_next(text, n, starts[i]), starts[i + 1]);
        assert_int_equal(utf8_prev(text, starts[i + 1]), starts[i]);
        for (size_t limit = starts[i]; limit < starts[i + 1]; limit++) {
            assert_int_equal(utf8_cut(text, n, limit), starts[i]);
        }
    }
    assert_int_equal(utf8_cut(text, n, n), n);
    assert_int_equal(utf8_cut(text, n, SIZE_MAX), n);
    assert_int_equal(utf8_prev(text, 0), 0);
    assert_int_equal(utf8_next(text, n, n), n);
    assert_int_equal(utf8_next(text, n, SIZE_MAX), n);
}

static void a_full_buffer__is_reported(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(4);
    assert_false(utf8_append_valid(&out, SV("ab\xFF")));
    assert_string_equal(buf_cstr(&out), "ab");
    buf_release(&out);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point__survives_encoding_and_decoding),
        cmocka_unit_test(every_sequence_of_two_and_three_bytes__is_judged_by_value),
        cmocka_unit_test(ill_formed_parts__are_replaced_once_per_maximal_subpart),
        cmocka_unit_test(repairing__does_not_depend_on_where_a_stream_was_cut),
        cmocka_unit_test(a_partial_tail__is_only_what_more_bytes_could_complete),
        cmocka_unit_test(the_valid_prefix__ends_at_the_first_bad_byte),
        cmocka_unit_test(cutting_and_stepping__never_split_a_code_point),
        cmocka_unit_test(a_full_buffer__is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
