/* Cells: clipping, wide clusters that are overwritten, lines that are cut, sizes down to nothing.
 */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/ui/rows.h"

#include <cmocka.h>

static void assert_dump(const struct grid *grid, const char *expected)
{
    char *dump = grid_dump(grid);
    assert_true(grid_is_sound(grid));
    assert_string_equal(dump, expected);
    free(dump);
}

static void a_line__is_cut_with_a_mark(void **state)
{
    (void)state;
    struct grid grid = {0};
    grid_resize(&grid, 3, 6);
    assert_int_equal(grid_text(&grid, 0, 0, SV("abcdef"), STYLE_PLAIN), 6);
    assert_int_equal(grid_text(&grid, 1, 0, SV("abcdefg"), STYLE_PLAIN), 6);
    assert_int_equal(grid_text(&grid, 2, 1, SV("日本語"), STYLE_PLAIN), 6);
    assert_dump(&grid, "abcdef\nabcde…\n 日本…\n");
    grid_release(&grid);
}

static void a_line__shows_newlines_and_tabs_as_blanks(void **state)
{
    (void)state;
    struct grid grid = {0};
    grid_resize(&grid, 1, 20);
    grid_text(&grid, 0, 0, SV("a\nb\tc\x1b[2J"), STYLE_PLAIN);
    assert_dump(&grid, "a b c␛[2J\n");
    grid_release(&grid);
}

static void writing_over_half_a_wide_cluster__blanks_the_rest(void **state)
{
    (void)state;
    struct grid grid = {0};
    grid_resize(&grid, 1, 6);
    grid_text(&grid, 0, 0, SV("日本語"), STYLE_PLAIN);
    grid_text(&grid, 0, 1, SV("x"), STYLE_PLAIN);
    assert_dump(&grid, " x本語\n");
    grid_text(&grid, 0, 2, SV("y"), STYLE_PLAIN);
    assert_dump(&grid, " xy 語\n");
    grid_text(&grid, 0, 3, SV("語"), STYLE_PLAIN);
    assert_dump(&grid, " xy語\n");
    grid_release(&grid);
}

static void writing_outside__changes_nothing(void **state)
{
    (void)state;
    struct grid grid = {0};
    grid_resize(&grid, 2, 2);
    grid_text(&grid, -1, 0, SV("x"), STYLE_PLAIN);
    grid_text(&grid, 2, 0, SV("x"), STYLE_PLAIN);
    grid_text(&grid, 0, 2, SV("x"), STYLE_PLAIN);
    grid_text(&grid, 0, -1, SV("x"), STYLE_PLAIN);
    grid_style_row(&grid, 7, STYLE_STATUS);
    assert_dump(&grid, "");
    grid_text(&grid, 0, 1, SV("日"), STYLE_PLAIN);
    assert_dump(&grid, " …\n");
    grid_release(&grid);
}

static void every_size__can_be_had(void **state)
{
    (void)state;
    static const int sizes[][2] = {{0, 0}, {-3, 5}, {1, 1}, {0, 7}, {2, 2}, {50, 200}, {1, 0}};
    struct grid grid = {0};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        grid_resize(&grid, sizes[i][0], sizes[i][1]);
        grid_text(&grid, 0, 0, SV("日本"), STYLE_PLAIN);
        grid_cursor(&grid, 1000, -5);
        assert_true(grid_is_sound(&grid));
        assert_int_equal(grid.cursor_column, 0);
        assert_int_equal(grid.cursor_row, grid.rows ? grid.rows - 1 : 0);
    }
    grid_release(&grid);
    grid_release(&grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line__is_cut_with_a_mark),
        cmocka_unit_test(a_line__shows_newlines_and_tabs_as_blanks),
        cmocka_unit_test(writing_over_half_a_wide_cluster__blanks_the_rest),
        cmocka_unit_test(writing_outside__changes_nothing),
        cmocka_unit_test(every_size__can_be_had),
    };
    alarm(30);
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
