/* The terminal filter: nothing hostile comes through, nothing harmless is touched, however the
 * stream is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/safe.h"
#include "base/utf8.h"

#include <cmocka.h>

#define ESC "\x1B"
#define ST "\x1B\\"
#define C1(low) "\xC2" low
#define RLO "\xE2\x80\xAE"
#define ZWSP "\xE2\x80\x8B"
#define ZWJ "\xE2\x80\x8D"
#define ACUTE "\xCC\x81"
#define TAG_G "\xF3\xA0\x81\xA7"
#define TAG_B "\xF3\xA0\x81\xA2"
#define TAG_END "\xF3\xA0\x81\xBF"
#define BLACK_FLAG "\xF0\x9F\x8F\xB4"
#define FOUR(x) x x x x

/* A literal and its length: some texts hold NUL. */
#define T(text)                                                                                    \
    {                                                                                              \
        "" text, sizeof(text) - 1                                                                  \
    }
static const struct sv hostile[] = {
    T(ESC "]52;c;ZXZpbA==\a"),
    T(ESC "]52;p;ZXZpbA==" ST),
    T(ESC "]52;c;?\a"),
    T(C1("\x9D") "52;c;ZXZpbA==" C1("\x9C")),
    T(ESC "]0;owned\a" ESC "]2;owned" ST ESC "[22t" ESC "[21t" ESC "]1;owned" ST),
    T(ESC "]8;;https://evil.example" ST "click" ESC "]8;;" ST),
    T(ESC "]8;;file:///etc/passwd\ax" ESC "]8;;\a"),
    T(ESC "[2J" ESC "[H" ESC "[3J" ESC "[?1049l" ESC "[?25l" ESC "[?1003h" ESC "[?1006h"),
    T(ESC "[201~rm -rf ~\r"),
    T(ESC "[>31u" ESC "[?2026h" ESC "[31;5mred" ESC "[8mhidden" ESC "[28m"),
    T(ESC "7" ESC "[1;1Hfake" ESC "8" ESC "[2;3r" ESC "c" ESC "(0lqqk" ESC "[6n" ESC "[c"),
    T(ESC "P$q\"p" ST ESC "Pq#0;2;0;0;0" ST ESC "]1337;File=inline=1:AAAA\a"),
    T(ESC "_Gf=24;AAAA" ST ESC "_x" ST ESC "^x" ST ESC "Xx" ST),
    T(ESC "]0;never ends"),
    T(ESC "P never ends"),
    T("text" ESC),
    T(ESC),
    T("[31mred"),
    T(ESC ESC "]0;x\a"),
    T(ESC "]4;1;#000000\a" ESC "]10;?\a" ESC "]777;notify;a;b\a" ESC "]99;;hi" ST),
    T(C1("\x9B") "31mred" C1("\x9D") "0;owned" C1("\x9C") C1("\x90") "$q" C1("\x9C")),
    T("a" C1("\x85") "b"),
    T("\x9B"
      "31m raw C1 \x9D"
      "0;x\x9C"),
    T("a\ab good\b\b\b\bevil a\vb\fc \x0E"
      "abc\x0F a\0b a\x7F"
      "b a\x13"
      "b\x11"),
    T("good text\revil\r\r\nx\r"),
    T(ESC "[3\x18x" ESC "[3\x1Ax"),
    T("a" RLO "gpj.exe\xE2\x80\xAD\xE2\x80\xAB\xE2\x80\xAA\xE2\x80\xAC"),
    T("a\xE2\x81\xA7x\xE2\x81\xA6x\xE2\x81\xA8x\xE2\x81\xA9\xE2\x80\x8E\xE2\x80\x8F\xD8\x9C"),
    T("/*" RLO " } \xE2\x81\xA6if (isAdmin)\xE2\x81\xA9 \xE2\x81\xA6 begin admins only */"),
    T("hello" TAG_G TAG_B TAG_G TAG_END),
    T(BLACK_FLAG TAG_G TAG_B TAG_END TAG_G),
    T(BLACK_FLAG FOUR(TAG_G) FOUR(TAG_G) TAG_END),
    T("a\xF3\xA0\x85\xB3\xF3\xA0\x85\xA5"),
    T("\xEF\xBF\xB9"
      "a\xEF\xBF\xBA"
      "b\xEF\xBF\xBB"),
    T("a" ZWSP "\xE2\x80\x8C" ZWJ "\xE2\x81\xA0\xEF\xBB\xBF"
      "b pass\xC2\xADword"),
    T("a\xE3\x85\xA4\xE1\x85\x9F\xE1\x85\xA0"
      "b a\xE2\x80\xA8"
      "b\xE2\x80\xA9"),
    T("Z" FOUR(ACUTE) FOUR(ACUTE) FOUR(ACUTE) "algo"),
    T(ACUTE "abc"),
    T("a\xEF\xBF\xBE\xEF\xBF\xBF\xF4\x8F\xBF\xBF"
      "b"),
    T("a\xEE\x80\x80\xF3\xB0\x80\x80"
      "b"),
    T("\xC3\x80" C1("\x9B") "31m"),
    T("\xC0\x9B"
      "31m \xE0\x80\x9B \xED\xA0\x80 \xF0\x9F\x98 \xF8\x88\x80\x80\x80"),
    T("<script>alert(1)</script>&#27;]0;owned&#7;"),
};

static bool is_bidi(uint32_t cp)
{
    return cp == 0x61C || cp == 0x200E || cp == 0x200F || (cp >= 0x202A && cp <= 0x202E) ||
           (cp >= 0x2066 && cp <= 0x2069);
}

static void check_clean(struct sv text, unsigned flags)
{
    assert_int_equal(utf8_valid_prefix(text.p, text.n), text.n);
    for (size_t i = 0; i < text.n;) {
        uint32_t cp;
        i += utf8_decode(text.p + i, text.n - i, &cp);
        bool blank = (cp == '\n' || cp == '\t') && !(flags & SAFE_ONE_LINE);
        if ((cp < 0x20 && !blank) || (cp >= 0x7F && cp < 0xA0) || is_bidi(cp)) {
            fail_msg("U+%04X in %.*s", (unsigned)cp, SV_ARG(text));
        }
    }
}

static void hostile_text__comes_out_harmless(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 4; flags++) {
        for (size_t i = 0; i < COUNT_OF(hostile); i++) {
            struct buf out = BUF_INIT(10000);
            assert_true(safe_append(&out, hostile[i], flags));
            check_clean(buf_sv(&out), flags);
            buf_release(&out);
        }
    }
}

static void feed_pieces(struct sv text, size_t size, unsigned flags, struct buf *out)
{
    struct safe_stream stream;
    safe_init(&stream, flags);
    while (text.n) {
        assert_true(safe_feed(&stream, sv_take(text, size), out));
        assert_true(safe_feed(&stream, SV(""), out));
        text = sv_skip(text, size);
    }
    assert_true(safe_end(&stream, out));
}

static void check_splits(struct sv text, unsigned flags)
{
    struct buf whole = BUF_INIT(100000);
    assert_true(safe_append(&whole, text, flags));
    struct buf out = BUF_INIT(100000);
    for (size_t size = 1; size <= 9; size++) {
        buf_clear(&out);
        feed_pieces(text, size, flags, &out);
        assert_true(sv_equal(buf_sv(&out), buf_sv(&whole)));
    }
    for (size_t cut = 0; cut <= text.n; cut++) {
        struct safe_stream stream;
        safe_init(&stream, flags);
        buf_clear(&out);
        assert_true(safe_feed(&stream, sv_take(text, cut), &out));
        assert_true(safe_feed(&stream, sv_skip(text, cut), &out));
        assert_true(safe_end(&stream, &out));
        assert_true(sv_equal(buf_sv(&out), buf_sv(&whole)));
    }
    buf_release(&out);
    buf_release(&whole);
}

static void the_result__does_not_depend_on_where_the_stream_is_cut(void **state)
{
    (void)state;
    struct buf all = BUF_INIT(100000);
    for (unsigned flags = 0; flags < 4; flags++) {
        buf_clear(&all);
        for (size_t i = 0; i < COUNT_OF(hostile); i++) {
            check_splits(hostile[i], flags);
            assert_true(buf_append_sv(&all, hostile[i]));
        }
        check_splits(buf_sv(&all), flags);
    }
    buf_release(&all);
}

/* Random bytes from a small alphabet of dangerous ones, with a fixed seed. */
static void noise__comes_out_harmless_however_it_is_cut(void **state)
{
    (void)state;
    static const char alphabet[] = "a\r\n\t\x1B\x7F\xC2\x9B\x80\xE2\x80\xAE\xCC\x81\xF3\xA0\x81\xA7"
                                   "\xF0\x9F\x8F\xB4\xED\xFF ";
    uint32_t seed = 12345;
    for (int round = 0; round < 300; round++) {
        char text[40];
        for (size_t i = 0; i < sizeof(text); i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
        }
        unsigned flags = (unsigned)round % 4;
        check_splits(sv_of(text, sizeof(text)), flags);
        struct buf out = BUF_INIT(1000);
        assert_true(safe_append(&out, sv_of(text, sizeof(text)), flags));
        check_clean(buf_sv(&out), flags);
        buf_release(&out);
    }
}

static void check_safe(struct sv text, unsigned flags, const char *expected)
{
    struct buf out = BUF_INIT(10000);
    assert_true(safe_append(&out, text, flags));
    assert_string_equal(buf_cstr(&out), expected);
    buf_release(&out);
}

static void harmless_text__passes_unchanged(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "plain\ttext\nwith lines, exactly 8",
        "\xC3\xA4\xC3\x9F \xC2\xA0 \xE4\xBD\xA0\xE5\xA5\xBD \xE3\x81\x8C \xED\x95\x9C \xD8\xA7",
        "\xF0\x9F\x91\xA9" ZWJ
        "\xF0\x9F\x92\xBB \xE2\x9D\xA4\xEF\xB8\x8F \xF0\x9F\x91\x8D\xF0\x9F\x8F\xBD",
        BLACK_FLAG TAG_G TAG_B TAG_G TAG_G TAG_G TAG_END " " BLACK_FLAG,
        "\xE0\xA4\x95\xE0\xA5\x8D\xE2\x80\x8D\xE0\xA4\xB7",
        "e" FOUR(ACUTE) FOUR(ACUTE) "e" FOUR(ACUTE) FOUR(ACUTE),
        "\xEF\xBF\xBD \xEE\x80\x80",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        check_safe(sv_from(texts[i]), SAFE_DEFAULT, texts[i]);
    }
}

static void each_class__has_its_visible_form(void **state)
{
    (void)state;
    check_safe(SV("\0\x1B\x1F\x7F"), 0, "\xE2\x90\x80\xE2\x90\x9B\xE2\x90\x9F\xE2\x90\xA1");
    check_safe(SV("a\r\nb\rc\r"), 0,
               "a\nb\xE2\x90\x8D"
               "c\xE2\x90\x8D");
    check_safe(SV("\r\r\n"), 0, "\xE2\x90\x8D\n");
    check_safe(SV("\xC2\x9B" RLO), 0, "<9B><202E>");
    check_safe(SV("\xF3\xA0\x81\x81"), 0, "<E0041>");
    check_safe(SV("\xE2\x80\xA8\xEF\xBF\xB9\xEF\xBF\xBE\xF3\xA0\x84\x80"), 0,
               "<2028><FFF9><FFFE><E0100>");
    check_safe(SV("\xF4\x8F\xBF\xBF"), 0, "<10FFFF>");
    check_safe(SV("a" ZWSP "\xC2\xAD"
                  "b"),
               SAFE_DEFAULT, "ab");
    check_safe(SV("a" ZWSP "\xC2\xAD"
                  "b"),
               SAFE_MARK_INVISIBLE, "a<200B><AD>b");
    check_safe(SV("\xFF\xE2\x80"), 0, "\xEF\xBF\xBD\xEF\xBF\xBD");
    check_safe(SV("a\tb\nc\r\nd\re"), SAFE_ONE_LINE,
               "a b c d\xE2\x90\x8D"
               "e");
}

static void marks_past_eight__are_dropped_also_across_invisible_ones(void **state)
{
    (void)state;
    check_safe(SV("Z" FOUR(ACUTE) FOUR(ACUTE) ACUTE ACUTE "a" ACUTE), 0,
               "Z" FOUR(ACUTE) FOUR(ACUTE) "a" ACUTE);
    check_safe(SV("Z" FOUR(ACUTE) ZWSP FOUR(ACUTE) ZWSP ACUTE "a"), 0,
               "Z" FOUR(ACUTE) FOUR(ACUTE) "a");
    check_safe(SV("Z" FOUR(ACUTE) FOUR(ZWJ) ZWJ ACUTE "a"), 0, "Z" FOUR(ACUTE) FOUR(ZWJ) "a");
}

static void a_flag__carries_no_more_than_six_letters(void **state)
{
    (void)state;
    check_safe(SV(BLACK_FLAG FOUR(TAG_G) TAG_G TAG_G TAG_B TAG_END), 0,
               BLACK_FLAG FOUR(TAG_G) TAG_G TAG_G "<E0062><E007F>");
    check_safe(SV(BLACK_FLAG "a" TAG_G), 0, BLACK_FLAG "a<E0067>");
    check_safe(SV(BLACK_FLAG TAG_G TAG_END TAG_G), 0, BLACK_FLAG TAG_G TAG_END "<E0067>");
}

static void safe_mark__agrees_with_the_stream_for_every_code_point(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        char mark[12];
        char bytes[4];
        size_t marked = safe_mark(cp, mark);
        size_t n = utf8_encode(cp, bytes);
        if (cp == '\r' || (cp >= 0xD800 && cp <= 0xDFFF)) {
            assert_int_equal(marked, 3);
            continue;
        }
        struct buf out = BUF_INIT(64);
        assert_true(safe_append(&out, sv_of(bytes, n), SAFE_MARK_INVISIBLE));
        struct sv expected = marked ? sv_of(mark, marked) : sv_of(bytes, n);
        if (!sv_equal(buf_sv(&out), expected) || (safe_is_invisible(cp) && !marked)) {
            fail_msg("U+%04X gives %s", (unsigned)cp, buf_cstr(&out));
        }
        buf_release(&out);
    }
    char mark[12];
    assert_int_equal(safe_mark(0x110000, mark), 3);
}

/* The fast path looks at eight bytes at once: a bad byte at every place of them. */
static void a_bad_byte__is_found_at_every_place_of_a_word(void **state)
{
    (void)state;
    static const unsigned char bad[] = {0x00, 0x1B, 0x1F, 0x7F, 0x80, 0xFF};
    for (size_t b = 0; b < COUNT_OF(bad); b++) {
        for (size_t at = 0; at < 24; at++) {
            char text[24];
            memset(text, ' ', sizeof(text));
            text[at] = (char)bad[b];
            struct buf out = BUF_INIT(64);
            assert_true(safe_append(&out, sv_of(text, sizeof(text)), 0));
            assert_int_equal(out.n, 26);
            check_clean(buf_sv(&out), 0);
            buf_release(&out);
        }
    }
}

static void a_full_buffer__is_reported(void **state)
{
    (void)state;
    for (size_t max = 0; max < 8; max++) {
        struct buf out = BUF_INIT(max);
        assert_false(safe_append(&out, SV("ab\x1B\r\xE2"), 0));
        assert_true(out.n <= max);
        buf_release(&out);
    }
}

int main(void)
{
    alarm(120);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_text__comes_out_harmless),
        cmocka_unit_test(the_result__does_not_depend_on_where_the_stream_is_cut),
        cmocka_unit_test(noise__comes_out_harmless_however_it_is_cut),
        cmocka_unit_test(harmless_text__passes_unchanged),
        cmocka_unit_test(each_class__has_its_visible_form),
        cmocka_unit_test(marks_past_eight__are_dropped_also_across_invisible_ones),
        cmocka_unit_test(a_flag__carries_no_more_than_six_letters),
        cmocka_unit_test(safe_mark__agrees_with_the_stream_for_every_code_point),
        cmocka_unit_test(a_bad_byte__is_found_at_every_place_of_a_word),
        cmocka_unit_test(a_full_buffer__is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
