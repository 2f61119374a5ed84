/* The editor, driven by the bytes a terminal sends. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/safe.h"
#include "base/utf8.h"
#include "tests/ui/rows.h"
#include "ui/editor_internal.h"

#include <cmocka.h>

#define UP "\x1b[A"
#define DOWN "\x1b[B"
#define RIGHT "\x1b[C"
#define LEFT "\x1b[D"
#define ESC "\x1b"

static enum editor_result last_result;
static struct keymap *keymap;
static struct chord first;
static bool has_first;

/* As the screen does it. */
static void press(void *ctx, const struct input_event *event)
{
    struct chord chord;
    enum action action = ACTION_NONE;
    bool is_chord = chord_of_event(event, &chord);
    if (is_chord && (has_first || event->key != INPUT_TEXT)) {
        action = keymap_find(keymap, has_first ? &first : NULL, &chord);
    }
    bool second = has_first;
    has_first = action == ACTION_PREFIX;
    first = chord;
    if (second && action == ACTION_NONE) {
        return;
    }
    if (event->key == INPUT_PASTE) {
        last_result = editor_paste(ctx, event->text);
    } else if (event->key == INPUT_TEXT && action == ACTION_NONE) {
        last_result = editor_insert(ctx, event->text);
    } else {
        last_result = editor_act(ctx, action);
    }
}

static void type(struct editor *editor, const char *bytes)
{
    struct input *input = input_new();
    for (size_t i = 0; bytes[i]; i++) {
        input_feed(input, bytes + i, 1, press, editor);
    }
    input_timeout(input, press, editor);
    input_free(input);
}

static void assert_text(struct editor *editor, const char *expected)
{
    struct buf text = BUF_INIT(EDITOR_TEXT_MAX);
    buf_append_sv(&text, editor_text(editor));
    assert_string_equal(buf_cstr(&text), expected);
    buf_release(&text);
}

/* Each row: what is typed into an empty editor, what is there then, with a | typed at the end to
 * show the insertion point. */
static const struct {
    const char *keys;
    const char *text;
} table[] = {
    {"hello", "hello|"},
    {"hello\x01", "|hello"},
    {"hello\x01\x05", "hello|"},
    {"hello\x02\x02", "hel|lo"},
    {"hello" LEFT LEFT RIGHT, "hell|o"},
    {"hello\x01\x06", "h|ello"},
    {"hello\x1b[H", "|hello"},
    {"hello\x1b[H\x1b[F", "hello|"},
    {"日本e\u0301" LEFT, "日本|e\u0301"},
    {"日本" LEFT LEFT LEFT, "|日本"},
    {"日本\x7f", "日|"},
    {"e\u0301x\x7f\x7f", "|"},
    {"👩\u200d💻\x7f", "|"},
    {"🇪🇺🇺🇸\x7f", "🇪🇺|"},
    {"a\x7f\x7f\x7f", "|"},
    {"abc\x08", "ab|"},
    {"abc\x01\x04", "|bc"},
    {"abc\x01\x1b[3~", "|bc"},
    {"abc\x04", "abc|"},
    {"one two three\x17", "one two |"},
    {"one two three  \x17", "one two |"},
    {"one two.three" ESC "\x7f", "one two.|"},
    {"one two" ESC "b", "one |two"},
    {"one two" ESC "b" ESC "b" ESC "b", "|one two"},
    {"one two\x01" ESC "f", "one| two"},
    {"one two\x01" ESC "d", "| two"},
    {"one two" ESC "[1;5D", "one |two"},
    {"one two\x01" ESC "[1;5C", "one| two"},
    {"one two" ESC "b\x0b", "one |"},
    {"one two" ESC "b\x15", "|two"},
    {"one two" ESC "b\x15\x05\x19", "twoone |"},
    {"one two three\x17\x17\x19", "one two three|"},
    {"one two three\x01" ESC "d" ESC "d\x05 \x19", " three one two|"},
    {"a\nb", "a\nb|"},
    {"a" ESC "\rb", "a\nb|"},
    {"a\x1b[13;2ub", "a\nb|"},
    {"ab\ncd\x01", "ab\n|cd"},
    {"ab\ncd\x01\x02", "ab|\ncd"},
    {"ab\ncd\x01\x7f", "ab|cd"},
    {"ab\ncd" LEFT UP, "a|b\ncd"},
    {"abc\nd\nefg" UP UP, "abc|\nd\nefg"},
    {"abc\nd\nefg" UP DOWN, "abc\nd\nefg|"},
    {"a日\nbcd" UP, "a日|\nbcd"},
    {"a日\nbcd" LEFT UP, "a|日\nbcd"},
    {"ab\ncd" UP LEFT "\x0b", "a|\ncd"},
    {"ab\ncd" UP "\x0b", "ab|cd"},
    {"ab\ncd\x15\x15", "ab\n|"},
    {"abc\x1f", "|"},
    {"abc\x17\x1f", "abc|"},
    {"abc \x1b[200~def\x1b[201~\x1f", "abc |"},
    {"abc\x7f\x7f\x1f", "abc|"},
    {"abc\x7fx\x1f\x1f", "abc|"},
    {"\x1f\x1f", "|"},
    {"a\x1b[200~x\ry\x1b[201~b", "ax\nyb|"},
    {"\x19", "|"},
    {"a\x1b[99~b\x1b[15~", "ab|"},
    {"ab\x14", "ba|"},
    {"abc\x02\x14", "acb|"},
    {"a\x14", "a|"},
    {"日本\x14", "本日|"},
    {"one two" ESC "t", "two one|"},
    {"one, two three" ESC "b" ESC "t", "one, three two|"},
    {"one" ESC "t", "one|"},
    {"one two\x01" ESC "u", "ONE| two"},
    {"ONE two\x01" ESC "l", "one| two"},
    {"one two" ESC "b" ESC "c", "one Two|"},
    {"élan été\x01" ESC "u" ESC "u", "ÉLAN ÉTÉ|"},
    {"a  \t b" LEFT LEFT ESC "\\", "a|b"},
    {"one\x17two\x17\x19", "two|"},
    {"one\x17two\x01\x0b\x19", "two|"},
    {"one\x15" LEFT "two\x15" LEFT "\x19" ESC "y", "one|"},
    {"one\x15" LEFT "two\x15" LEFT "\x19" ESC "y" ESC "y", "two|"},
    {"one\x15" LEFT "two\x15" LEFT "\x19" ESC "y\x1f", "two|"},
    {"one" ESC "y", "one|"},
    {"one two\x1f", "one |"},
    {"one two\x1f\x1f", "|"},
    {"one two\x1f" ESC "/", "one two|"},
    {"one two\x1f\x1f" ESC "/", "one |"},
    {"one two\x1f\x1f" ESC "/" ESC "/" ESC "/", "one two|"},
    {"one two\x1fx" ESC "/", "one x|"},
    {"one two" ESC "r", "|"},
    {"one two" ESC "r" ESC "/" ESC "/", "one two|"},
    {"one two\x01\x1dw", "one t|wo"},
    {"one two\x1b[93;7uo", "one tw|o"},
    {"one\ntwo" ESC "<", "|one\ntwo"},
    {"one\ntwo" ESC "<" ESC ">", "one\ntwo|"},
    {"a" ESC "\tb", "a\tb|"},
    {"a\x16\tb", "a\tb|"},
    {"one two\x18\x7f", "|"},
    {"one\x18\x15", "|"},
    {"a\x18zb", "ab|"},
};

static void every_key__does_what_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct editor *editor = editor_new();
        editor_rows(editor, 40);
        type(editor, table[i].keys);
        type(editor, "|");
        assert_text(editor, table[i].text);
        editor_free(editor);
    }
}

static void enter__is_told_to_the_owner(void **state)
{
    (void)state;
    struct editor *editor = editor_new();
    type(editor, "hello\r");
    assert_int_equal(last_result, EDITOR_SEND);
    assert_text(editor, "hello");
    type(editor, "\x1b[5~");
    assert_int_equal(last_result, EDITOR_IGNORED);
    editor_free(editor);
}

static void up_and_down__go_through_earlier_prompts_and_back(void **state)
{
    (void)state;
    struct editor *editor = editor_new();
    editor_rows(editor, 40);
    editor_remember(editor, SV("first"));
    editor_remember(editor, SV("second\nline"));
    editor_remember(editor, SV("second\nline"));
    type(editor, "draft" UP);
    assert_text(editor, "second\nline");
    type(editor, UP UP);
    assert_text(editor, "first");
    type(editor, UP UP UP);
    assert_text(editor, "first");
    type(editor, DOWN);
    assert_text(editor, "second\nline");
    type(editor, DOWN DOWN);
    assert_text(editor, "draft");
    type(editor, DOWN);
    assert_text(editor, "draft");
    editor_free(editor);
}

static void a_cleared_prompt__can_be_had_back_in_two_ways(void **state)
{
    (void)state;
    struct editor *editor = editor_new();
    type(editor, "precious");
    editor_clear(editor, true);
    assert_true(editor_is_empty(editor));
    type(editor, "\x1f");
    assert_text(editor, "precious");
    editor_clear(editor, true);
    type(editor, UP);
    assert_text(editor, "precious");
    editor_free(editor);
}

static void a_prompt_put_back__stands_before_what_was_typed_since(void **state)
{
    (void)state;
    struct editor *editor = editor_new();
    type(editor, "since" LEFT);
    editor_put_back(editor, SV("sent"));
    type(editor, "|");
    assert_text(editor, "sent\nsinc|e");
    editor_clear(editor, false);
    editor_put_back(editor, SV("sent"));
    type(editor, "|");
    assert_text(editor, "sent|");
    editor_free(editor);
}

static char *painted(struct editor *editor, int rows, int columns, struct grid *grid)
{
    grid_resize(grid, rows, columns);
    editor_rows(editor, columns);
    editor_paint(editor, grid, 0, rows, 0);
    assert_true(grid_is_sound(grid));
    return grid_dump(grid);
}

static void assert_painted(const char *keys, int columns, const char *dump, int row, int column)
{
    struct grid grid = {0};
    struct editor *editor = editor_new();
    editor_rows(editor, columns);
    type(editor, keys);
    char *text = painted(editor, 3, columns, &grid);
    assert_string_equal(text, dump);
    assert_int_equal(grid.cursor_row, row);
    assert_int_equal(grid.cursor_column, column);
    free(text);
    grid_release(&grid);
    editor_free(editor);
}

static void the_cursor__stands_where_text_goes_in(void **state)
{
    (void)state;
    assert_painted("", 10, "", 0, 0);
    assert_painted("abc", 10, "abc\n", 0, 3);
    assert_painted("日本", 10, "日本\n", 0, 4);
    assert_painted("e\u0301", 10, "e\u0301\n", 0, 1);
    assert_painted("日本" LEFT, 10, "日本\n", 0, 2);
    assert_painted("abcdefghi", 10, "abcdefghi\n", 0, 9);
    assert_painted("abcdefghij", 10, "abcdefghi\nj\n", 1, 1);
    assert_painted("hello world", 10, "hello\nworld\n", 1, 5);
    assert_painted("a\n", 10, "a\n", 1, 0);
    assert_painted("\x1b[200~a\tb\x1b[201~", 12, "a       b\n", 0, 9);
    assert_painted("x\u202Ey" LEFT, 12, "x<202E>y\n", 0, 7);
    assert_painted("1\n2\n3\n4\n5", 10, "3\n4\n5\n", 2, 1);
    assert_painted("1\n2\n3\n4\n5" UP UP UP, 10, "1\n2\n3\n", 1, 1);
}

/* What would be sent. */
static void assert_sent(struct editor *editor, const char *expected)
{
    struct buf text = BUF_INIT(EDITOR_TEXT_MAX);
    editor_expand(editor, &text);
    assert_string_equal(buf_cstr(&text), expected);
    buf_release(&text);
}

#define LINES "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11"
#define PASTE "\x1b[200~" LINES "\x1b[201~"

static void a_big_paste__is_one_thing_until_it_is_sent(void **state)
{
    (void)state;
    struct editor *editor = editor_new();
    editor_rows(editor, 40);
    type(editor, "see " PASTE " there");
    assert_text(editor, "see [pasted 11 lines] there");
    assert_sent(editor, "see " LINES " there");
    type(editor, ESC "b" LEFT LEFT "<" RIGHT RIGHT ">");
    assert_text(editor, "see <[pasted 11 lines] >there");
    editor_clear(editor, false);
    type(editor, "a" PASTE "\x7f");
    assert_text(editor, "a");
    type(editor, "\x1f");
    assert_sent(editor, "a" LINES);
    type(editor, "\x17\x19\x19");
    assert_sent(editor, "a" LINES LINES);
    type(editor, "\x01\x06\x04|");
    assert_text(editor, "a|[pasted 11 lines]");
    editor_clear(editor, true);
    type(editor, UP);
    assert_text(editor, "a|" LINES); /* what was cleared is remembered whole */
    editor_free(editor);
}

static void pastes__have_labels_of_their_own(void **state)
{
    (void)state;
    char *line = malloc(3000);
    assert_non_null(line);
    memset(line, 'x', 3000);
    struct editor *editor = editor_new();
    assert_int_equal(editor_paste(editor, SV(LINES)), EDITOR_DONE);
    assert_int_equal(editor_paste(editor, SV(LINES "\n")), EDITOR_DONE);
    assert_int_equal(editor_paste(editor, SV(LINES)), EDITOR_DONE);
    assert_int_equal(editor_paste(editor, sv_of(line, 3000)), EDITOR_DONE);
    assert_text(editor, "[pasted 11 lines][pasted 11 lines #2][pasted 11 lines]"
                        "[pasted 3000 bytes]");
    type(editor, "\x7f" LEFT ESC "o");
    assert_text(editor, "[pasted 11 lines][pasted 11 lines #2]" LINES);
    assert_sent(editor, LINES LINES "\n" LINES);
    type(editor, "\x1f|");
    assert_text(editor, "[pasted 11 lines][pasted 11 lines #2]|[pasted 11 lines]");
    /* What is not bigger than that is text at once. */
    editor_clear(editor, false);
    type(editor, "\x1b[200~1\n2\n3\x1b[201~");
    assert_text(editor, "1\n2\n3");
    editor_free(editor);
    free(line);
}

static void more_pastes_than_there_is_room_for__lose_nothing_that_is_shown(void **state)
{
    (void)state;
    struct editor *editor = editor_new();
    struct buf all = BUF_INIT(EDITOR_TEXT_MAX);
    for (unsigned i = 0; i < 2 * CHIPS_MAX; i++) {
        struct buf paste = BUF_INIT(EDITOR_TEXT_MAX);
        buf_appendf(&paste, LINES " of %u.", i);
        buf_append_sv(&all, buf_sv(&paste));
        assert_int_equal(editor_paste(editor, buf_sv(&paste)), EDITOR_DONE);
        buf_release(&paste);
    }
    assert_sent(editor, buf_cstr(&all));
    /* Labels that are gone make room. */
    editor_clear(editor, false);
    assert_int_equal(editor_paste(editor, SV(LINES)), EDITOR_DONE);
    assert_text(editor, "[pasted 11 lines]");
    buf_release(&all);
    editor_free(editor);
}

static bool more_prompts(void *ctx, int64_t *cursor, editor_add_fn *add, void *add_ctx)
{
    static const char *const stored[] = {"old apple", "second pear", "oldest apple pie"};
    int *calls = ctx;
    ++*calls;
    if (*cursor >= (int64_t)COUNT_OF(stored)) {
        return false;
    }
    add(add_ctx, sv_from(stored[(*cursor)++]));
    return true;
}

static void the_search__goes_through_all_prompts_ever_sent(void **state)
{
    (void)state;
    struct editor *editor = editor_new();
    int calls = 0;
    editor_remember(editor, SV("Apple of today"));
    editor_remember(editor, SV("old apple"));
    editor_remember(editor, SV("nothing of it"));
    type(editor, "draft" LEFT);
    editor_search_begin(editor, more_prompts, &calls);
    assert_true(editor_is_searching(editor));
    editor_search_type(editor, SV("app"));
    assert_text(editor, "old apple");
    assert_int_equal(calls, 0); /* not before it is needed */
    editor_search_step(editor, 1);
    assert_text(editor, "Apple of today");
    editor_search_step(editor, 1); /* each text once */
    assert_text(editor, "oldest apple pie");
    editor_search_step(editor, 1);
    assert_text(editor, "oldest apple pie");
    editor_search_step(editor, -1);
    assert_text(editor, "Apple of today");
    editor_search_type(editor, SV("le p"));
    assert_text(editor, "oldest apple pie");
    editor_search_erase(editor);
    assert_text(editor, "Apple of today");
    editor_search_end(editor, false);
    type(editor, "|");
    assert_text(editor, "draf|t");
    editor_free(editor);
}

static void what_was_found__replaces_the_draft_and_can_be_undone(void **state)
{
    (void)state;
    struct editor *editor = editor_new();
    editor_remember(editor, SV("Apple of today"));
    editor_search_begin(editor, NULL, NULL);
    editor_search_type(editor, SV("of"));
    editor_search_end(editor, true);
    type(editor, "|");
    assert_text(editor, "Apple |of today");
    editor_clear(editor, false);
    type(editor, "draft");
    editor_search_begin(editor, NULL, NULL);
    editor_search_type(editor, SV("A"));
    editor_search_type(editor, SV("p"));
    assert_false(editor_search_failed(editor));
    editor_search_type(editor, SV("P"));
    assert_true(editor_search_failed(editor));
    editor_search_erase(editor);
    editor_search_end(editor, true);
    assert_text(editor, "Apple of today");
    type(editor, "\x1f");
    assert_text(editor, "draft");
    editor_free(editor);
}

static void the_last_word__of_the_prompt_before_is_put_in(void **state)
{
    (void)state;
    struct editor *editor = editor_new();
    type(editor, "x" ESC ".");
    assert_text(editor, "x");
    editor_remember(editor, SV("open src/main.c "));
    type(editor, " " ESC ".");
    assert_text(editor, "x src/main.c");
    editor_free(editor);
}

static void any_size__can_be_painted(void **state)
{
    (void)state;
    struct grid grid = {0};
    for (int rows = 0; rows < 4; rows++) {
        for (int columns = 0; columns < 5; columns++) {
            struct editor *editor = editor_new();
            type(editor, "日本 text\twith\nlines 👩\u200d💻");
            free(painted(editor, rows, columns, &grid));
            type(editor, UP UP "x");
            free(painted(editor, rows, columns, &grid));
            editor_free(editor);
        }
    }
    grid_release(&grid);
}

static void assert_cursor_at_a_border(const struct editor *editor)
{
    struct sv text = editor_text(editor);
    size_t at = text__line_start(editor);
    while (at < editor->cursor) {
        struct cluster cluster;
        width_next(sv_skip(text, at), SAFE_MARK_INVISIBLE, &cluster);
        at += cluster.used;
    }
    /* What joins the end of a label from behind does not count. */
    struct sv before = sv_take(text, editor->cursor);
    assert_true(at == editor->cursor || sv_ends_with(before, SV("lines]")));
}

static void keys_at_random__never_split_a_cluster(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "a",     "日",    " ",      "\n",     "e\u0301", "👩\u200d💻", "\u0301", "🇪",
        "\x7f",  "\x04",  LEFT,     RIGHT,    UP,        DOWN,       "\x01",   "\x05",
        "\x17",  "\x0b",  "\x15",   "\x19",   "\x1f",    ESC "p",    "\x0e",   ESC "b",
        ESC "f", ESC "d", "\u200b", "\u202E", "\x08",    "\t",       ESC "t",  ESC "u",
        ESC "y", "\x14",  ESC "/",  PASTE,    ESC "o",
    };
    unsigned seed = 3;
    struct grid grid = {0};
    struct editor *editor = editor_new();
    for (int round = 0; round < 20000; round++) {
        seed = seed * 1664525u + 1013904223u;
        type(editor, keys[(seed >> 16) % COUNT_OF(keys)]);
        struct sv text = editor_text(editor);
        assert_int_equal(utf8_valid_prefix(text.p ? text.p : "", text.n), text.n);
        assert_cursor_at_a_border(editor);
        if (round % 7 == 0) {
            free(painted(editor, 4, 1 + (int)(seed % 30), &grid));
        }
        if (round % 501 == 0) {
            editor_clear(editor, true);
        }
    }
    grid_release(&grid);
    editor_free(editor);
}

static void typing_behind_a_megabyte__stays_quick(void **state)
{
    (void)state;
    size_t n = (size_t)1 << 20;
    char *bytes = malloc(n);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = i % 61 == 60 ? '\n' : 'w';
    }
    struct editor *editor = editor_new();
    editor_rows(editor, 80);
    assert_int_equal(editor_replace(editor, sv_of(bytes, n)), EDITOR_DONE);
    int64_t began = clock_mono_us();
    for (int i = 0; i < 1000; i++) {
        type(editor, "x");
        editor_rows(editor, 80);
    }
    assert_true(clock_mono_us() - began < CLOCK_S(4));
    editor_free(editor);
    free(bytes);
}

static void what_would_be_too_long__is_not_inserted(void **state)
{
    (void)state;
    char *bytes = malloc(EDITOR_TEXT_MAX);
    assert_non_null(bytes);
    memset(bytes, 'x', EDITOR_TEXT_MAX);
    struct editor *editor = editor_new();
    struct sv text = sv_of(bytes, EDITOR_TEXT_MAX);
    assert_int_equal(editor_insert(editor, text), EDITOR_DONE);
    assert_int_equal(editor_insert(editor, SV("x")), EDITOR_FULL);
    assert_int_equal(editor_paste(editor, text), EDITOR_FULL);
    assert_int_equal(editor_splice(editor, 0, 1, SV("xx")), EDITOR_FULL);
    assert_int_equal(editor_text(editor).n, EDITOR_TEXT_MAX);
    editor_free(editor);
    editor_free(NULL);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key__does_what_it_says),
        cmocka_unit_test(enter__is_told_to_the_owner),
        cmocka_unit_test(up_and_down__go_through_earlier_prompts_and_back),
        cmocka_unit_test(a_cleared_prompt__can_be_had_back_in_two_ways),
        cmocka_unit_test(a_prompt_put_back__stands_before_what_was_typed_since),
        cmocka_unit_test(the_cursor__stands_where_text_goes_in),
        cmocka_unit_test(a_big_paste__is_one_thing_until_it_is_sent),
        cmocka_unit_test(pastes__have_labels_of_their_own),
        cmocka_unit_test(more_pastes_than_there_is_room_for__lose_nothing_that_is_shown),
        cmocka_unit_test(the_search__goes_through_all_prompts_ever_sent),
        cmocka_unit_test(what_was_found__replaces_the_draft_and_can_be_undone),
        cmocka_unit_test(the_last_word__of_the_prompt_before_is_put_in),
        cmocka_unit_test(any_size__can_be_painted),
        cmocka_unit_test(keys_at_random__never_split_a_cluster),
        cmocka_unit_test(typing_behind_a_megabyte__stays_quick),
        cmocka_unit_test(what_would_be_too_long__is_not_inserted),
    };
    alarm(60);
    keymap = keymap_new();
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
