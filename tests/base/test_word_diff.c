/* Word diff: what it finds, that it finds the shortest, that it covers both texts, that it is
 * quick. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/word_diff.h"

#include <cmocka.h>

/* "same [-removed-]{+added+}" */
static void assert_diff(const char *left, const char *right, const char *expected)
{
    struct word_diff diff = word_diff_make(sv_from(left), sv_from(right));
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    for (size_t i = 0; i < diff.count; i++) {
        const struct word_run *run = &diff.runs[i];
        static const char *const marks[][2] = {{"", ""}, {"[-", "-]"}, {"{+", "+}"}};
        buf_append_str(&out, marks[run->change][0]);
        buf_append_sv(&out, run->change == WORDS_REMOVED ? run->left : run->right);
        buf_append_str(&out, marks[run->change][1]);
    }
    assert_string_equal(buf_cstr(&out), expected);
    buf_release(&out);
    word_diff_release(&diff);
}

static void words__are_the_same_whatever_is_between_them(void **state)
{
    (void)state;
    assert_diff("", "", "");
    assert_diff("a", "", "[-a-]");
    assert_diff("", "b ", "{+b +}");
    assert_diff("one two three", "one  two\nthree", "one  two\nthree");
    assert_diff("one two three", "one 2 three", "one [-two -]{+2 +}three");
    assert_diff("a b c d", "b c d e", "[-a -]b c d {+e+}");
}

static void words__are_runs_of_letters_or_one_character(void **state)
{
    (void)state;
    struct sv word;
    assert_int_equal(word_diff_next(SV("na\xc3\xafve_1, x"), &word), 8);
    assert_int_equal(word_diff_next(SV(", x"), &word), 2);
    assert_true(sv_equal_str(word, ","));
    assert_int_equal(word_diff_next(SV(" \n x"), &word), 4);
    assert_true(sv_equal_str(word, "x"));
    assert_int_equal(word_diff_next(SV("  "), &word), 2);
    assert_int_equal(word.n, 0);
    assert_diff("\xe9\x95\xb7\xe6\xb1\x9f", "\xe9\x95\xb7\xe6\xb2\xb3",
                "\xe9\x95\xb7[-\xe6\xb1\x9f-]{+\xe6\xb2\xb3+}");
    assert_diff("(a+b)", "(a-b)", "(a[-+-]{+-+}b)");
}

/* The length of the longest common list of one-letter words, the slow way. */
static size_t common(const char *a, size_t n, const char *b, size_t m)
{
    size_t table[32][32] = {{0}};
    for (size_t i = 1; i <= n; i++) {
        for (size_t j = 1; j <= m; j++) {
            size_t longer = table[i - 1][j] > table[i][j - 1] ? table[i - 1][j] : table[i][j - 1];
            table[i][j] = a[i - 1] == b[j - 1] ? table[i - 1][j - 1] + 1 : longer;
        }
    }
    return table[n][m];
}

static size_t spell(uint32_t *seed, char letters[31], char text[64])
{
    *seed = *seed * 1664525u + 1013904223u;
    size_t n = (*seed >> 16) % 30;
    for (size_t i = 0; i < n; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        letters[i] = (char)('a' + (*seed >> 20) % 4);
        text[2 * i] = letters[i];
        text[2 * i + 1] = ' ';
    }
    text[2 * n] = '\0';
    return n;
}

static void diffs__are_the_shortest_and_cover_both_texts(void **state)
{
    (void)state;
    uint32_t seed = 7;
    for (int round = 0; round < 5000; round++) {
        char a[31], b[31], left[64], right[64];
        size_t n = spell(&seed, a, left);
        size_t m = spell(&seed, b, right);
        struct word_diff diff = word_diff_make(sv_from(left), sv_from(right));
        size_t longest = common(a, n, b, m);
        if (diff.same != longest || diff.removed != n - longest || diff.added != m - longest) {
            fail_msg("'%s' and '%s': %zu of %zu", left, right, diff.same, longest);
        }
        size_t left_n = 0;
        size_t right_n = 0;
        for (size_t i = 0; i < diff.count; i++) {
            const struct word_run *run = &diff.runs[i];
            assert_true(run->left.n == 0 || run->left.p == left + left_n);
            assert_true(run->right.n == 0 || run->right.p == right + right_n);
            assert_true((run->change == WORDS_ADDED) == (run->left.n == 0));
            assert_true((run->change == WORDS_REMOVED) == (run->right.n == 0));
            left_n += run->left.n;
            right_n += run->right.n;
        }
        assert_int_equal(left_n, strlen(left));
        assert_int_equal(right_n, strlen(right));
        word_diff_release(&diff);
    }
}

/* 400 KB each with nothing in common: bounded, and told as changed as a whole. */
static void texts_with_nothing_in_common__cost_a_bounded_time(void **state)
{
    (void)state;
    struct buf left = BUF_INIT(BUF_MAX_INTERNAL);
    struct buf right = BUF_INIT(BUF_MAX_INTERNAL);
    for (int i = 0; i < 50000; i++) {
        buf_appendf(&left, "a%d ", i);
        buf_appendf(&right, "b%d ", i);
    }
    int64_t began = clock_mono_us();
    struct word_diff diff = word_diff_make(buf_sv(&left), buf_sv(&right));
    assert_true(clock_mono_us() - began < CLOCK_S(20));
    assert_int_equal(diff.count, 2);
    assert_int_equal(diff.removed, 50000);
    word_diff_release(&diff);
    word_diff_release(&diff);
    buf_release(&left);
    buf_release(&right);
}

static void long_texts_that_differ_little__are_compared_by_words(void **state)
{
    (void)state;
    struct buf left = BUF_INIT(BUF_MAX_INTERNAL);
    struct buf right = BUF_INIT(BUF_MAX_INTERNAL);
    for (int i = 0; i < 100000; i++) {
        buf_appendf(&left, "w%d ", i);
        buf_appendf(&right, i % 1000 == 500 ? "changed " : "w%d ", i);
    }
    struct word_diff diff = word_diff_make(buf_sv(&left), buf_sv(&right));
    assert_int_equal(diff.removed, 100);
    assert_int_equal(diff.added, 100);
    word_diff_release(&diff);
    buf_release(&left);
    buf_release(&right);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words__are_the_same_whatever_is_between_them),
        cmocka_unit_test(words__are_runs_of_letters_or_one_character),
        cmocka_unit_test(diffs__are_the_shortest_and_cover_both_texts),
        cmocka_unit_test(texts_with_nothing_in_common__cost_a_bounded_time),
        cmocka_unit_test(long_texts_that_differ_little__are_compared_by_words),
    };
    return cmocka_run_group_tests_name("word_diff", tests, NULL, NULL);
}
