/* Clusters and their widths: a table of strings, what is dropped, marked, cut and replaced. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/safe.h"
#include "base/utf8.h"
#include "ui/width.h"

#include <cmocka.h>

struct row {
    const char *text;
    const char *sent; /* NULL: as it is */
    size_t clusters;
};

static const struct row rows[] = {
    {"plain ascii", NULL, 11},
    {"naïve café", NULL, 10},
    {"e\u0301 decomposed", NULL, 12},
    {"日本語テキスト", NULL, 7},
    {"한국어 문장", NULL, 6},
    {"ﾊﾝｶｸ ｶﾅ", NULL, 7},
    {"ＦＵＬＬ ｗｉｄｔｈ", NULL, 10},
    {"—–…“”‘’", NULL, 7},
    {"│┌┐└┘├┤─", NULL, 8},
    {"Привет мир", NULL, 10},
    {"עברית", NULL, 5},
    {"العربية", NULL, 7},
    {"हिन्दी", NULL, 3},
    {"ไทยภาษา", NULL, 7},
    {"𝔘𝔫𝔦𝔠𝔬𝔡𝔢", NULL, 7},
    {"𠮷野家", NULL, 3},
    {"😀😀", NULL, 2},
    {"👍🏽", NULL, 1},
    {"👩\u200d💻", "👩💻", 1},
    {"👨\u200d👩\u200d👧\u200d👦", "👨👩👧👦", 1},
    {"🇪🇺🇺🇸", NULL, 2},
    {"🇪", NULL, 1},
    {"❤\uFE0F", "❤", 1},
    {"1\uFE0F\u20E3", "1\u20E3", 1},
    {"🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F", "🏴…", 1},
    {"a\u0323\u0308", NULL, 1},
    {"Z\u0351\u036b\u0343\u0301\u0302\u0303\u0304", "Z\u0351\u036b\u0343\u0301…", 1},
    {"\u1100\u1161", NULL, 1},
    {"\u0301alone", "\u25CC\u0301alone", 6},
    {"zero\u200Bwidth", "zerowidth", 10},
    {"soft\u00ADhyphen", "softhyphen", 11},
    {"word\uFEFFjoin", "wordjoin", 9},
    {"a\u202Eb", "a<202E>b", 3},
    {"a\U000E0041b", "a<E0041>b", 3},
    {"a\xC2\x85"
     "b",
     "a<85>b", 3},
    {"a\x1b[31m", "a\u241B[31m", 6},
    {"\x7f\x07\x08", "\u2421\u2407\u2408", 3},
    {"lone\rcr", "lone\u240Dcr", 7},
    {"bad\xff\xfe", "bad\uFFFD\uFFFD", 5},
    {"cut\xe6\x97", "cut\uFFFD", 4},
    {"\U000F0000", NULL, 1},
    {"", NULL, 0},
};

static size_t walk(struct sv text, unsigned flags, struct buf *sent, size_t *ret_columns)
{
    size_t count = 0;
    *ret_columns = 0;
    for (size_t at = 0; at < text.n; count++) {
        struct cluster cluster;
        width_next(sv_skip(text, at), flags, &cluster);
        assert_in_range(cluster.used, 1, text.n - at);
        assert_true(cluster.n <= CLUSTER_BYTES);
        buf_append(sent, cluster.text, cluster.n);
        *ret_columns += cluster.width;
        at += cluster.used;
    }
    return count;
}

/* The sum of what libc says of each wide character. */
static size_t libc_columns(struct sv text)
{
    size_t columns = 0;
    for (size_t at = 0; at < text.n;) {
        uint32_t cp;
        at += utf8_decode(text.p + at, text.n - at, &cp);
        int width = wcwidth((wchar_t)cp);
        assert_true(width >= 0);
        columns += (size_t)width;
    }
    return columns;
}

static void clusters__are_what_a_reader_takes_for_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf sent = BUF_INIT(1000);
        size_t columns;
        size_t count = walk(sv_from(rows[i].text), SAFE_DEFAULT, &sent, &columns);
        bool unknown = wcwidth(0xF0000) < 0 && strcmp(rows[i].text, "\U000F0000") == 0;
        const char *expected = rows[i].sent ? rows[i].sent : rows[i].text;
        assert_string_equal(buf_cstr(&sent), unknown ? "\uFFFD" : expected);
        assert_int_equal(count, rows[i].clusters);
        buf_release(&sent);
    }
}

static void widths__are_what_libc_says_of_what_is_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf sent = BUF_INIT(1000);
        size_t columns;
        walk(sv_from(rows[i].text), SAFE_DEFAULT, &sent, &columns);
        assert_int_equal(columns, libc_columns(buf_sv(&sent)));
        assert_int_equal(columns, width_of(sv_from(rows[i].text), SAFE_DEFAULT));
        buf_release(&sent);
    }
}

static void invisible_characters__are_shown_where_that_is_asked_for(void **state)
{
    (void)state;
    struct buf sent = BUF_INIT(1000);
    size_t columns;
    assert_int_equal(walk(SV("a\u200Bb\u00AD"), SAFE_MARK_INVISIBLE, &sent, &columns), 4);
    assert_string_equal(buf_cstr(&sent), "a<200B>b<AD>");
    assert_int_equal(columns, 12);
    buf_release(&sent);
}

static void newlines_and_tabs__are_kinds_of_their_own(void **state)
{
    (void)state;
    struct cluster cluster;
    width_next(SV("\r\nx"), 0, &cluster);
    assert_int_equal(cluster.kind, CLUSTER_NEWLINE);
    assert_int_equal(cluster.used, 2);
    width_next(SV("\n\n"), 0, &cluster);
    assert_int_equal(cluster.kind, CLUSTER_NEWLINE);
    assert_int_equal(cluster.used, 1);
    width_next(SV("\tx"), 0, &cluster);
    assert_int_equal(cluster.kind, CLUSTER_TAB);
    width_next(SV(" \u0301"), 0, &cluster);
    assert_int_equal(cluster.kind, CLUSTER_GLYPH);
}

static void going_back__finds_the_borders_of_going_forth(void **state)
{
    (void)state;
    struct sv text = SV("a👩\u200d💻e\u0301🇪🇺🇺日\u202E");
    assert_int_equal(width_before(text, 0, 0, 0), 0);
    assert_int_equal(width_before(text, 0, 1, 0), 0);
    assert_int_equal(width_before(text, 0, 12, 0), 1);
    assert_int_equal(width_before(text, 0, 15, 0), 12);
    assert_int_equal(width_before(text, 0, 23, 0), 15);
}

/* Every code point, alone and behind a letter: nothing that a terminal acts on, never 0 bytes
 * used. */
static void every_code_point__is_safe(void **state)
{
    (void)state;
    for (uint32_t cp = 1; cp <= 0x10FFFF; cp++) {
        char text[8] = "a";
        size_t n = 1 + utf8_encode(cp, text + 1);
        struct buf sent = BUF_INIT(1000);
        size_t columns;
        walk(sv_of(text, n), SAFE_DEFAULT, &sent, &columns);
        for (size_t i = 0; i < sent.n; i++) {
            unsigned char byte = (unsigned char)sent.p[i];
            assert_true(byte >= 0x20 && byte != 0x7F);
            assert_false(byte == 0xC2 && (unsigned char)sent.p[i + 1] < 0xA0);
        }
        buf_release(&sent);
    }
}

static void long_clusters__take_linear_time(void **state)
{
    (void)state;
    struct buf text = BUF_INIT((size_t)4 << 20);
    buf_append_str(&text, "a");
    for (int i = 0; i < 500000; i++) {
        buf_append_str(&text, "\u0301");
    }
    int64_t began = clock_mono_us();
    assert_int_equal(width_of(buf_sv(&text), 0), 2); /* the letter and the mark of the cut */
    assert_true(clock_mono_us() - began < CLOCK_S(4));
    buf_release(&text);
}

static void a_locale_without_utf8__shows_question_marks(void **state)
{
    (void)state;
    struct buf sent = BUF_INIT(1000);
    size_t columns;
    assert_non_null(setlocale(LC_CTYPE, "C"));
    walk(SV("aé日\u0301\x1b\u202E"), SAFE_DEFAULT, &sent, &columns);
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    assert_string_equal(buf_cstr(&sent), "a???"
                                         "?<202E>");
    assert_int_equal(columns, 11);
    buf_release(&sent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clusters__are_what_a_reader_takes_for_one),
        cmocka_unit_test(widths__are_what_libc_says_of_what_is_sent),
        cmocka_unit_test(invisible_characters__are_shown_where_that_is_asked_for),
        cmocka_unit_test(newlines_and_tabs__are_kinds_of_their_own),
        cmocka_unit_test(going_back__finds_the_borders_of_going_forth),
        cmocka_unit_test(every_code_point__is_safe),
        cmocka_unit_test(long_clusters__take_linear_time),
        cmocka_unit_test(a_locale_without_utf8__shows_question_marks),
    };
    alarm(120);
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
