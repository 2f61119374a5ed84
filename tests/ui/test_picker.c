/* The picker: filter, selection, keys of its own, and what is painted. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "tests/ui/rows.h"
#include "ui/picker.h"

#include <cmocka.h>

struct fruits {
    const char *names[8];
    size_t count;
    int loads;
    char searched[40];
    const char *eaten;
};

static void load(void *ctx, struct sv filter, struct choices *choices)
{
    struct fruits *fruits = ctx;
    fruits->loads++;
    snprintf(fruits->searched, sizeof(fruits->searched), "%.*s", SV_ARG(filter));
    for (size_t i = 0; i < fruits->count; i++) {
        choices_add(choices, sv_from(fruits->names[i]), i % 2 ? "odd" : NULL, fruits->names[i]);
    }
}

static void choose(void *ctx, const struct choice *choice)
{
    (void)ctx;
    (void)choice;
}

static void preview(void *ctx, const struct choice *choice, struct buf *out)
{
    (void)ctx;
    buf_appendf(out, "about %s", choice->text);
}

static bool eat(void *ctx, const struct choice *choice)
{
    struct fruits *fruits = ctx;
    if (!choice->text) {
        fruits->eaten = "nothing";
        return false;
    }
    fruits->eaten = strcmp(choice->text, "pear") == 0 ? "pear" : "another";
    fruits->count--;
    return true;
}

static const struct picker_key keys[] = {{"C-x", "eats", eat}, {.key = NULL}};
static const struct picker_kind plain = {
    .title = "Fruits", .empty = "none fits", .verb = "takes", .load = load, .choose = choose};
static const struct picker_kind rich = {.title = "Fruits",
                                        .empty = "none fits",
                                        .by_search = true,
                                        .load = load,
                                        .choose = choose,
                                        .preview = preview,
                                        .keys = keys};

static struct fruits some(void)
{
    return (struct fruits){.names = {"apple", "pear", "plum", "fig", "lime"}, .count = 5};
}

static void assert_chosen(const struct picker *picker, const char *text)
{
    const struct choice *choice = picker_chosen(picker);
    assert_int_equal(choice != NULL, text != NULL);
    if (text) {
        assert_string_equal(choice->text, text);
    }
}

static void load_from_the_third(void *ctx, struct sv filter, struct choices *choices)
{
    load(ctx, filter, choices);
    choices->start = 2;
}

static void a_list__begins_where_it_says_until_one_types(void **state)
{
    (void)state;
    static const struct picker_kind kind = {
        .title = "Fruits", .empty = "none fits", .load = load_from_the_third, .choose = choose};
    struct fruits fruits = some();
    struct picker *picker = picker_new(&kind, &fruits, SV(""));
    assert_chosen(picker, "plum");
    picker_insert(picker, SV("p"));
    assert_chosen(picker, "apple");
    picker_free(picker);
    picker = picker_new(&kind, &fruits, SV("e"));
    assert_chosen(picker, "apple");
    picker_free(picker);
    fruits.count = 1;
    picker = picker_new(&kind, &fruits, SV(""));
    assert_chosen(picker, "apple");
    picker_free(picker);
}

static void choose_range(void *ctx, const struct choice *first, const struct choice *last)
{
    (void)ctx;
    (void)first;
    (void)last;
}

static void assert_range(const struct picker *picker, size_t first, size_t last)
{
    size_t a = SIZE_MAX;
    size_t b = SIZE_MAX;
    assert_int_equal(picker_range(picker, &a, &b), first != SIZE_MAX);
    assert_true(a == first && b == last);
}

static void several_entries__are_chosen_where_the_kind_takes_them(void **state)
{
    (void)state;
    static const struct picker_kind kind = {.title = "Fruits",
                                            .empty = "none fits",
                                            .load = load,
                                            .choose = choose,
                                            .choose_range = choose_range};
    struct fruits fruits = some();
    struct picker *picker = picker_new(&kind, &fruits, SV(""));
    assert_range(picker, SIZE_MAX, SIZE_MAX);
    (void)picker_act(picker, ACTION_DOWN, NULL);
    (void)picker_act(picker, ACTION_SCROLL_DOWN, NULL);
    (void)picker_act(picker, ACTION_SCROLL_DOWN, NULL);
    assert_range(picker, 1, 3);
    (void)picker_act(picker, ACTION_UP, NULL);
    assert_range(picker, SIZE_MAX, SIZE_MAX);
    picker_mark(picker);
    (void)picker_act(picker, ACTION_PAGE_UP, NULL);
    (void)picker_act(picker, ACTION_UP, NULL);
    assert_range(picker, 0, 2);
    picker_mark(picker);
    assert_range(picker, SIZE_MAX, SIZE_MAX);
    picker_mark(picker);
    picker_insert(picker, SV("p")); /* another list */
    assert_range(picker, SIZE_MAX, SIZE_MAX);
    picker_free(picker);
    picker = picker_new(&plain, &fruits, SV(""));
    (void)picker_act(picker, ACTION_SCROLL_DOWN, NULL);
    assert_range(picker, SIZE_MAX, SIZE_MAX);
    picker_free(picker);
}

static const char *why_empty(void *ctx, struct sv filter)
{
    (void)ctx;
    return filter.n ? "nothing of it" : "type something";
}

static void what_was_looked_for__is_marked_and_what_is_not_there_is_said(void **state)
{
    (void)state;
    static const struct picker_kind kind = {.title = "Fruits",
                                            .asks = true,
                                            .why_empty = why_empty,
                                            .by_search = true,
                                            .marker = search_marker_new,
                                            .load = load,
                                            .choose = choose};
    struct fruits fruits = {.names = {"a fig", "fig, 無花果 fig"}, .count = 2};
    struct grid grid = {0};
    struct picker *picker = picker_new(&kind, &fruits, SV("fig odd"));
    grid_resize(&grid, 3, 30);
    picker_paint(picker, &grid, 0, 3);
    char *dump = grid_dump(&grid);
    assert_string_equal(dump, "Fruits · Esc goes back\n> a fig\n  fig, 無花果 fig  odd\n");
    assert_int_equal(grid_at(&grid, 1, 3)->style, STYLE_STATUS);
    assert_int_equal(grid_at(&grid, 1, 4)->style, STYLE_FOUND_HERE);
    static const int marked[] = {2, 4, 14, 16, 19, 21};
    static const int unmarked[] = {1, 5, 13, 17, 18, 22};
    for (size_t i = 0; i < COUNT_OF(marked); i++) {
        assert_int_equal(grid_at(&grid, 2, marked[i])->style, STYLE_FOUND);
        assert_int_not_equal(grid_at(&grid, 2, unmarked[i])->style, STYLE_FOUND);
    }
    fruits.count = 0;
    picker_reload(picker);
    assert_string_equal(picker_why_empty(picker), "nothing of it");
    free(dump);
    grid_release(&grid);
    picker_free(picker);
}

static void typing__filters_and_selects_the_first(void **state)
{
    (void)state;
    struct fruits fruits = some();
    struct picker *picker = picker_new(&plain, &fruits, SV(""));
    assert_chosen(picker, "apple");
    assert_int_equal(picker_act(picker, ACTION_DOWN, NULL), PICKER_STAYS);
    assert_chosen(picker, "pear");
    picker_insert(picker, SV("PL"));
    assert_chosen(picker, "apple");
    picker_act(picker, ACTION_DOWN, NULL);
    picker_act(picker, ACTION_DOWN, NULL);
    assert_chosen(picker, "plum");
    picker_insert(picker, SV(" m"));
    assert_chosen(picker, "plum");
    picker_insert(picker, SV("x"));
    assert_chosen(picker, NULL);
    picker_act(picker, ACTION_UP, NULL);
    assert_int_equal(picker_act(picker, ACTION_SEND, NULL), PICKER_CLOSED);
    picker_act(picker, ACTION_KILL_LINE_START, NULL);
    picker_insert(picker, SV("odd\nmore"));
    assert_chosen(picker, "pear");
    assert_int_equal(picker_act(picker, ACTION_SEND, NULL), PICKER_CHOSEN);
    assert_int_equal(picker_act(picker, ACTION_CANCEL, NULL), PICKER_CLOSED);
    assert_int_equal(picker_act(picker, ACTION_INTERRUPT, NULL), PICKER_CLOSED);
    assert_int_equal(fruits.loads, 1);
    picker_free(picker);
    picker_free(NULL);
}

static void moving__stops_at_the_ends(void **state)
{
    (void)state;
    struct fruits fruits = some();
    struct grid grid = {0};
    struct picker *picker = picker_new(&plain, &fruits, SV(""));
    grid_resize(&grid, 4, 40);
    picker_paint(picker, &grid, 0, 4);
    picker_act(picker, ACTION_UP, NULL);
    assert_chosen(picker, "apple");
    picker_act(picker, ACTION_PAGE_DOWN, NULL);
    assert_chosen(picker, "fig");
    picker_act(picker, ACTION_PAGE_DOWN, NULL);
    picker_act(picker, ACTION_DOWN, NULL);
    assert_chosen(picker, "lime");
    picker_act(picker, ACTION_PAGE_UP, NULL);
    assert_chosen(picker, "pear");
    picker_free(picker);
    grid_release(&grid);
}

static void a_key_of_its_own__works_on_the_entry_and_loads_again(void **state)
{
    (void)state;
    struct fruits fruits = some();
    struct chord chord = {INPUT_CHAR, 'x', INPUT_CTRL};
    struct picker *picker = picker_new(&rich, &fruits, SV("word"));
    assert_string_equal(fruits.searched, "word");
    picker_insert(picker, SV("s"));
    assert_string_equal(fruits.searched, "words");
    picker_act(picker, ACTION_DOWN, NULL);
    assert_int_equal(picker_act(picker, ACTION_PREFIX, &chord), PICKER_STAYS);
    assert_string_equal(fruits.eaten, "pear");
    assert_chosen(picker, "pear");
    fruits.count = 1;
    picker_reload(picker);
    assert_chosen(picker, "apple");
    fruits.count = 0;
    picker_reload(picker);
    assert_chosen(picker, NULL);
    fruits.eaten = NULL;
    picker_act(picker, ACTION_PREFIX, &chord);
    assert_string_equal(fruits.eaten, "nothing");
    picker_free(picker);
}

static void assert_painted(struct picker *picker, int rows, int columns, const char *expected)
{
    struct grid grid = {0};
    grid_resize(&grid, rows, columns);
    picker_paint(picker, &grid, 0, rows);
    assert_true(grid_is_sound(&grid));
    char *dump = grid_dump(&grid);
    assert_string_equal(dump, expected);
    free(dump);
    grid_release(&grid);
}

static void the_list__is_painted_with_head_notes_and_preview(void **state)
{
    (void)state;
    struct fruits fruits = some();
    struct picker *picker = picker_new(&rich, &fruits, SV(""));
    picker_act(picker, ACTION_DOWN, NULL);
    assert_painted(picker, 5, 46,
                   "Fruits (5) · Esc goes back · C-x eats\n"
                   "  apple\n"
                   "> pear   odd\n"
                   "  plum\n"
                   "about pear\n");
    picker_act(picker, ACTION_PAGE_DOWN, NULL);
    assert_painted(picker, 2, 20, "  fig   odd\n> lime\n");
    fruits.count = 0;
    picker_reload(picker);
    assert_painted(picker, 3, 14, "Fruits (0)\n  none fits\n");
    picker_free(picker);
}

static void the_head__drops_what_is_obvious_before_keys_of_its_own(void **state)
{
    (void)state;
    struct fruits fruits = {.count = 0};
    const struct picker_key both[] = {{"C-x", "eats", eat}, {"C-y", "peels", eat}, {.key = NULL}};
    struct picker_kind kind = rich;
    kind.verb = "buys";
    kind.keys = both;
    struct picker *picker = picker_new(&kind, &fruits, SV(""));
    static const struct {
        int columns;
        const char *head;
    } heads[] = {
        {62, "Fruits (0) · Enter buys · Esc goes back · C-x eats · C-y peels\n  none fits\n"},
        {61, "Fruits (0) · Enter buys · C-x eats · C-y peels\n  none fits\n"},
        {45, "Fruits (0) · C-x eats · C-y peels\n  none fits\n"},
        {32, "Fruits (0) · C-x eats\n  none fits\n"},
        {20, "Fruits (0)\n  none fits\n"},
    };
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        assert_painted(picker, 3, heads[i].columns, heads[i].head);
    }
    picker_free(picker);
}

static void any_size__can_be_painted(void **state)
{
    (void)state;
    struct fruits fruits = {.names = {"日本\x1b[31m", "\xff\u202E", "", "x\ny"}, .count = 4};
    for (int rows = 0; rows < 8; rows++) {
        for (int columns = 0; columns < 14; columns++) {
            struct grid grid = {0};
            struct picker *picker = picker_new(&rich, &fruits, SV(""));
            grid_resize(&grid, rows, columns);
            picker_act(picker, ACTION_PAGE_DOWN, NULL);
            picker_paint(picker, &grid, 0, rows);
            assert_true(grid_is_sound(&grid));
            picker_free(picker);
            grid_release(&grid);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list__begins_where_it_says_until_one_types),
        cmocka_unit_test(several_entries__are_chosen_where_the_kind_takes_them),
        cmocka_unit_test(what_was_looked_for__is_marked_and_what_is_not_there_is_said),
        cmocka_unit_test(typing__filters_and_selects_the_first),
        cmocka_unit_test(moving__stops_at_the_ends),
        cmocka_unit_test(a_key_of_its_own__works_on_the_entry_and_loads_again),
        cmocka_unit_test(the_list__is_painted_with_head_notes_and_preview),
        cmocka_unit_test(the_head__drops_what_is_obvious_before_keys_of_its_own),
        cmocka_unit_test(any_size__can_be_painted),
    };
    alarm(30);
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
