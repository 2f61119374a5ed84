/* Columns: two texts side by side, in step where their lines end in the same word. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "ui/columns.h"

#include <cmocka.h>

/* "left/right" for each row, one below the other. */
static void assert_rows(const char *left, const char *right, int width, const char *expected)
{
    struct word_diff diff = word_diff_make(sv_from(left), sv_from(right));
    struct columns columns = columns_make(&diff, width);
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    for (size_t i = 0; i < columns.count; i++) {
        buf_appendf(&out, "%.*s/%.*s\n", SV_ARG(columns.rows[i].left),
                    SV_ARG(columns.rows[i].right));
    }
    assert_string_equal(buf_cstr(&out), expected);
    buf_release(&out);
    columns_release(&columns);
    columns_release(&columns);
    word_diff_release(&diff);
}

static void rows__are_in_step_behind_a_line_that_ends_the_same(void **state)
{
    (void)state;
    assert_rows("", "", 10, "");
    assert_rows("a", "", 10, "a/\n");
    assert_rows("a\nb\n", "a\nb\n", 10, "a/a\nb/b\n");
    assert_rows("a\nb c\nd", "a\nx\ny\nz c\nd", 10, "a/a\nb c/x\n/y\n/z c\nd/d\n");
    assert_rows("a\n\nb", "a\nb", 10, "a/a\n/\nb/b\n");
    assert_rows("one two three\nz", "one\nz", 8, "one two /one\nthree/z\nz/\n");
}

static void rows__are_cut_at_words_and_by_width(void **state)
{
    (void)state;
    assert_rows("abcdef", "abc", 3, "abc/abc\ndef/\n");
    assert_rows("ab cd\n", "ab cd\n", 3, "ab /ab \ncd/cd\n");
    assert_rows("abc", "abc", 0, "a/a\nb/b\nc/c\n");
}

static void what_differs__has_a_style_of_its_own(void **state)
{
    (void)state;
    struct grid grid = {0};
    struct word_diff diff = word_diff_make(SV("is always so"), SV("is never\tso \xe9\x95\xb7"));
    struct columns columns = columns_make(&diff, 16);
    grid_resize(&grid, 2, 40);
    columns_paint(&columns, 0, &grid, 1);
    assert_int_equal(grid_at(&grid, 1, 0)->style, STYLE_PLAIN);
    assert_int_equal(grid_at(&grid, 1, 3)->text[0], 'a');
    assert_int_equal(grid_at(&grid, 1, 3)->style, STYLE_BLOCK_REMOVED);
    assert_int_equal(grid_at(&grid, 1, 10)->style, STYLE_PLAIN);
    assert_int_equal(grid_at(&grid, 1, 17)->text[0], '|');
    assert_int_equal(grid_at(&grid, 1, 19)->text[0], 'i');
    assert_int_equal(grid_at(&grid, 1, 22)->text[0], 'n');
    assert_int_equal(grid_at(&grid, 1, 22)->style, STYLE_BLOCK_ADDED);
    assert_int_equal(grid_at(&grid, 0, 0)->text[0], ' ');
    /* A grid that is too narrow cuts. */
    grid_resize(&grid, 1, 5);
    columns_paint(&columns, 0, &grid, 0);
    grid_release(&grid);
    columns_release(&columns);
    word_diff_release(&diff);
}

int main(void)
{
    (void)setlocale(LC_ALL, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows__are_in_step_behind_a_line_that_ends_the_same),
        cmocka_unit_test(rows__are_cut_at_words_and_by_width),
        cmocka_unit_test(what_differs__has_a_style_of_its_own),
    };
    return cmocka_run_group_tests_name("columns", tests, NULL, NULL);
}
