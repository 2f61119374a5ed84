/* Rows: golden wraps, growth in any pieces, changes in the middle, cost of one more piece. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/ui/rows.h"
#include "ui/layout.h"

#include <cmocka.h>

static char *wrapped(const char *text, int width)
{
    struct layout layout = {0};
    struct grid grid = {0};
    layout_update(&layout, sv_from(text), width);
    grid_resize(&grid, (int)layout.count, width);
    for (size_t i = 0; i < layout.count; i++) {
        layout_paint(&layout, layout_row(&layout, sv_from(text), i), &grid, (int)i, 0, STYLE_PLAIN);
    }
    assert_true(grid_is_sound(&grid));
    struct buf out = BUF_INIT(100000);
    for (int row = 0; row < grid.rows; row++) {
        row_text(&grid, row, &out);
        buf_append_str(&out, row + 1 < grid.rows ? "|" : "");
    }
    grid_release(&grid);
    layout_release(&layout);
    return buf_detach(&out);
}

static const struct {
    const char *text;
    int width;
    const char *rows;
} golden[] = {
    {"", 10, ""},
    {"one two three", 20, "one two three"},
    {"one two three", 8, "one two|three"},
    {"one two three", 7, "one two|three"},
    {"one two three", 6, "one|two|three"},
    {"one two   three", 7, "one two|three"},
    {"a  b", 2, "a|b"},
    {"abcdefghij", 4, "abcd|efgh|ij"},
    {"ab cdefghij", 4, "ab|cdef|ghij"},
    {"a\nb", 10, "a|b"},
    {"a\n\nb", 10, "a||b"},
    {"a\n", 10, "a|"},
    {"\n", 10, "|"},
    {"abcd\nef", 4, "abcd|ef"},
    {"abcd \nef", 4, "abcd|ef"},
    {"a\r\nb", 10, "a|b"},
    {"a\tb", 20, "a       b"},
    {"a\tb", 8, "a|b"},
    {"    indented code", 10, "    indent|ed code"},
    {"日本語テキスト", 6, "日本語|テキス|ト"},
    {"日本語", 5, "日本|語"},
    {"hello 日本語", 8, "hello 日|本語"},
    {"日本hello", 6, "日本|hello"},
    {"日本", 1, "…|…"},
    {"a😀b", 2, "a|😀|b"},
    {"👩\u200d💻x", 3, "…|x"},
    {"x\u202Ey", 4, "x|…|y"},
    {"wide 👨\u200d👩\u200d👧\u200d👦", 10, "wide|👨👩👧👦"},
};

static void rows__are_broken_where_a_reader_expects_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(golden); i++) {
        char *rows = wrapped(golden[i].text, golden[i].width);
        assert_string_equal(rows, golden[i].rows);
        free(rows);
    }
}

static void widths_below_one__count_as_one(void **state)
{
    (void)state;
    struct layout layout = {0};
    layout_update(&layout, SV("ab"), 0);
    assert_int_equal(layout.count, 2);
    layout_update(&layout, SV("ab"), -7);
    assert_int_equal(layout.count, 2);
    layout_release(&layout);
}

static const char mixed[] =
    "# Title\n\nSome words, a verylongwordthatdoesnotfit, 日本語テキスト and "
    "😀👍🏽👩\u200d💻 "
    "emoji.\n"
    "🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F"
    "\tcode\twith\ttabs   \n🇪🇺🇺🇸🇪 e\u0301e\u0301 a\u202Eb\u200Bc    \n\n  deep\r\nlast line ";

static void assert_same(const struct layout *a, const struct layout *b)
{
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->starts, b->starts, a->count * sizeof(*a->starts));
}

static void growth_in_any_pieces__gives_the_rows_of_the_whole(void **state)
{
    (void)state;
    size_t n = strlen(mixed);
    for (int width = 1; width < 40; width++) {
        struct layout whole = {0};
        layout_update(&whole, sv_of(mixed, n), width);
        for (size_t step = 1; step < 20; step += step < 3 ? 1 : 4) {
            struct layout grown = {0};
            for (size_t end = 0; end < n; end += step) {
                layout_update(&grown, sv_of(mixed, end), width);
            }
            layout_update(&grown, sv_of(mixed, n), width);
            assert_same(&grown, &whole);
            layout_release(&grown);
        }
        layout_release(&whole);
    }
}

static void a_change_in_the_middle__gives_the_rows_of_the_whole(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int round = 0; round < 3000; round++) {
        char text[sizeof(mixed)];
        memcpy(text, mixed, sizeof(text));
        size_t n = sizeof(mixed) - 1;
        int width = 1 + round % 30;
        struct layout changed = {0};
        layout_update(&changed, sv_of(text, n), width);
        seed = seed * 1103515245u + 12345u;
        size_t at = seed / 65536u % n;
        size_t gone = 1 + seed / 7u % 9u;
        gone = gone > n - at ? n - at : gone;
        memmove(text + at, text + at + gone, n - at - gone);
        layout_changed(&changed, at);
        layout_update(&changed, sv_of(text, n - gone), width);
        struct layout whole = {0};
        layout_update(&whole, sv_of(text, n - gone), width);
        assert_same(&changed, &whole);
        layout_release(&changed);
        layout_release(&whole);
    }
}

static void rows__cover_the_text_and_are_never_too_wide(void **state)
{
    (void)state;
    for (int width = 1; width < 60; width++) {
        struct layout layout = {0};
        struct sv text = sv_from(mixed);
        layout_update(&layout, text, width);
        size_t end = 0;
        for (size_t i = 0; i < layout.count; i++) {
            struct sv row = layout_row(&layout, text, i);
            assert_ptr_equal(row.p, text.p + end);
            end += row.n;
            assert_int_equal(layout_row_at(&layout, layout.starts[i]), i);
        }
        assert_int_equal(end, text.n);
        layout_release(&layout);
    }
}

static void columns_and_offsets__belong_together(void **state)
{
    (void)state;
    struct layout layout = {0};
    struct sv row = SV("a日e\u0301\tx");
    layout_update(&layout, row, 40);
    static const size_t offsets[] = {0, 1, 4, 7, 8, 9};
    static const int columns[] = {0, 1, 3, 4, 8, 9};
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        assert_int_equal(layout_column_of(&layout, row, offsets[i]), columns[i]);
        assert_int_equal(layout_offset_at(&layout, row, columns[i]), offsets[i]);
    }
    assert_int_equal(layout_offset_at(&layout, row, 2), 1);
    assert_int_equal(layout_offset_at(&layout, row, 100), row.n);
    layout_release(&layout);
}

/* What the machine does for others does not count. */
static int64_t cpu_us(void)
{
    return (int64_t)clock() * (CLOCK_S(1) / CLOCKS_PER_SEC);
}

/* Time for many pieces at the end of a text of that length. */
static int64_t time_of_appending(size_t length)
{
    char *text = malloc(length + 20000);
    assert_non_null(text);
    for (size_t i = 0; i < length + 20000; i++) {
        text[i] = i % 7 == 6 ? ' ' : 'w';
    }
    struct layout layout = {0};
    layout_update(&layout, sv_of(text, length), 80);
    int64_t began = cpu_us();
    for (size_t i = 0; i < 20000; i++) {
        layout_update(&layout, sv_of(text, length + i), 80);
    }
    int64_t took = cpu_us() - began;
    layout_release(&layout);
    free(text);
    return took;
}

static void one_more_piece__costs_the_same_at_any_length(void **state)
{
    (void)state;
    int64_t shorter = time_of_appending(2000);
    int64_t longer = time_of_appending((size_t)4 << 20);
    assert_true(longer < shorter * 20 + CLOCK_S(1));
}

static void a_row_of_a_million_blanks__does_not_grow_without_end(void **state)
{
    (void)state;
    size_t n = 1000000;
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, ' ', n);
    struct layout layout = {0};
    int64_t began = cpu_us();
    for (size_t end = 0; end < n; end += 100) {
        layout_update(&layout, sv_of(text, end), 80);
    }
    assert_true(cpu_us() - began < CLOCK_S(5));
    assert_true(layout.count > n / 200);
    layout_release(&layout);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows__are_broken_where_a_reader_expects_it),
        cmocka_unit_test(widths_below_one__count_as_one),
        cmocka_unit_test(growth_in_any_pieces__gives_the_rows_of_the_whole),
        cmocka_unit_test(a_change_in_the_middle__gives_the_rows_of_the_whole),
        cmocka_unit_test(rows__cover_the_text_and_are_never_too_wide),
        cmocka_unit_test(columns_and_offsets__belong_together),
        cmocka_unit_test(one_more_piece__costs_the_same_at_any_length),
        cmocka_unit_test(a_row_of_a_million_blanks__does_not_grow_without_end),
    };
    alarm(120);
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
