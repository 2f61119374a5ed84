/* Which addresses become links, where, and the cells that are written once more for them. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "ui/hyperlink.h"
#include "ui/inline.h"
#include "ui/layout.h"

#include <cmocka.h>

#define ID "id=????????;"

static void addresses__become_printable_ascii_or_nothing(void **state)
{
    static const struct {
        const char *address;
        const char *uri; /* NULL: it is refused */
    } table[] = {
        {"https://a.b/c?d=e#f", "https://a.b/c?d=e#f"},
        {"HTTP://A", "HTTP://A"},
        {"mailto:a@b.c", "mailto:a@b.c"},
        {"http://\xE6\x97\xA5.jp/a b", "http://%E6%97%A5.jp/a%20b"},
        {"http://a/\xE2\x80\xAE", "http://a/%E2%80%AE"},
        {"http://a/\xFF\x9B", "http://a/%FF%9B"},
        {"", NULL},
        {"https://", NULL},
        {"a.b", NULL},
        {"javascript:alert(1)", NULL},
        {"file:///etc/passwd", NULL},
        {"http://a\x1b\\\x1b]52;c;QQ==\a", NULL},
        {"http://a\a", NULL},
        {"http://a\n", NULL},
        {"http://a\x7f", NULL},
        {"http://a\xC2\x9B"
         "2J",
         NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
        bool taken = hyperlink_append_uri(&out, sv_from(table[i].address));
        assert_int_equal(taken, table[i].uri != NULL);
        assert_string_equal(buf_cstr(&out), table[i].uri ? table[i].uri : "");
        buf_release(&out);
    }
    struct buf none = BUF_INIT(BUF_MAX_INTERNAL);
    assert_false(hyperlink_append_uri(&none, SV("http://a\0b")));
    buf_release(&none);
}

static void addresses__that_are_too_long_are_none(void **state)
{
    char address[HYPERLINK_URI_MAX + 2];
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    (void)state;
    memset(address, 'a', sizeof(address));
    memcpy(address, "http://", 7);
    assert_true(hyperlink_append_uri(&out, sv_of(address, HYPERLINK_URI_MAX)));
    assert_int_equal(out.n, HYPERLINK_URI_MAX);
    assert_false(hyperlink_append_uri(&out, sv_of(address, HYPERLINK_URI_MAX + 1)));
    address[7] = ' '; /* three bytes instead of one */
    assert_false(hyperlink_append_uri(&out, sv_of(address, HYPERLINK_URI_MAX)));
    assert_int_equal(out.n, HYPERLINK_URI_MAX);
    buf_release(&out);
}

/* "NAME=VALUE\n" for each that is set. */
static const char *environment;

static const char *from_environment(const char *name)
{
    static char values[8][40];
    static size_t next;
    char *value = values[next++ % COUNT_OF(values)];
    struct sv rest = sv_from(environment);
    struct sv line;
    while (sv_next_line(&rest, &line)) {
        size_t n = sv_find(line, '=');
        if (sv_equal_str(sv_take(line, n), name)) {
            struct sv found = sv_take(sv_skip(line, n + 1), sizeof(values[0]) - 1);
            memcpy(value, found.p, found.n);
            value[found.n] = '\0';
            return value;
        }
    }
    return NULL;
}

static void terminals__that_are_known_have_links(void **state)
{
    static const struct {
        const char *environment;
        bool has;
    } table[] = {
        {"", false},
        {"TERM=xterm-256color", false},
        {"TERM=xterm-256color\nVTE_VERSION=7200", true},
        {"TERM=xterm-256color\nVTE_VERSION=4999", false},
        {"TERM=xterm-256color\nKONSOLE_VERSION=220401", true},
        {"TERM=xterm-256color\nKONSOLE_VERSION=190801", false},
        {"TERM=xterm-256color\nTERM_PROGRAM=iTerm.app", true},
        {"TERM=xterm-256color\nTERM_PROGRAM=Apple_Terminal", false},
        {"TERM=xterm-256color\nWT_SESSION=0", true},
        {"TERM=xterm-kitty", true},
        {"TERM=foot-extra", true},
        {"TERM=linux\nVTE_VERSION=7200", false},
        {"TERM=dumb\nVTE_VERSION=7200", false},
        {"TERM=screen.xterm-256color\nVTE_VERSION=7200", false},
        {"TERM=xterm-kitty\nSTY=1.a", false},
        {"TERM=tmux-256color\nTMUX=/t\nVTE_VERSION=7200", false},
        {"TERM=tmux-256color\nTMUX=/t\nTERM_PROGRAM=tmux\nTERM_PROGRAM_VERSION=3.3a", false},
        {"TERM=screen\nTMUX=/t\nTERM_PROGRAM=tmux\nTERM_PROGRAM_VERSION=3.4", true},
        {"TERM=tmux\nTMUX=/t\nTERM_PROGRAM=tmux\nTERM_PROGRAM_VERSION=next-3.10", true},
        {"TERM=tmux\nTMUX=/t\nTERM_PROGRAM=tmux\nTERM_PROGRAM_VERSION=4", true},
        {"TERM=tmux\nTMUX=/t\nTERM_PROGRAM=tmux", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        environment = table[i].environment;
        if (hyperlink_wanted("auto", from_environment) != table[i].has) {
            fail_msg("%s", environment);
        }
        assert_true(hyperlink_wanted("always", from_environment));
        assert_false(hyperlink_wanted("never", from_environment));
    }
}

/* ---- cells ---- */

/* One block of Markdown on a grid. */
static void show(struct grid *grid, const char *source)
{
    struct styled text;
    struct layout layout = {.starts = NULL};
    styled_init(&text, BUF_MAX_INTERNAL);
    inline_append(&text, sv_from(source), STYLE_PLAIN);
    layout_update(&layout, buf_sv(&text.text), grid->columns);
    grid_clear(grid);
    for (int row = 0; row < grid->rows && (size_t)row < layout.count; row++) {
        layout_paint_styled(&layout, &text, (size_t)row, grid, &(struct grid_place){row, 0});
    }
    layout_release(&layout);
    styled_release(&text);
}

/* What is written when `second` is shown behind `first` (NULL: nothing was), with names of links
 * as ID and escapes as "^". Give it to buf_release(). */
static struct buf written(const char *first, const char *second, int columns)
{
    struct style_shown shown[STYLE_COUNT];
    for (int i = 0; i < STYLE_COUNT; i++) {
        shown[i] = (struct style_shown){i == STYLE_LINK ? STYLE_UNDERLINE : 0,
                                        i == STYLE_LINK ? 4 : -1, -1};
    }
    const struct hyperlink_looks looks = {shown, STYLE_16};
    struct grid before = {.cells = NULL};
    struct grid after = {.cells = NULL};
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    grid_resize(&before, 2, columns);
    grid_resize(&after, 2, columns);
    if (first) {
        show(&before, first);
    }
    show(&after, second);
    hyperlink_append_changes(&before, &after, &looks, &out);
    for (size_t i = 0; i < out.n; i++) {
        out.p[i] = out.p[i] == '\033' ? '^' : out.p[i];
        if (i >= 3 && memcmp(out.p + i - 3, ";id=", 4) == 0) {
            memset(out.p + i + 1, '?', 8);
        }
    }
    grid_release(&before);
    grid_release(&after);
    return out;
}

#define CHECK(first, second, columns, expected)                                                    \
    do {                                                                                           \
        struct buf got = written(first, second, columns);                                          \
        assert_string_equal(buf_cstr(&got), expected);                                             \
        buf_release(&got);                                                                         \
    } while (0)

#define A "^]8;" ID "http://a/x^\\"
#define END "^]8;;^\\"

static void cells__of_a_link_are_written_once_more(void **state)
{
    (void)state;
    CHECK(NULL, "no link", 30, "");
    CHECK(NULL, "to [it](http://a/x).", 30, "^7^[1;4H" A "^[0;4;34mit^[1;8H^[0ma" END "^8");
    CHECK(NULL, "[b](http://a/?c&amp;d)", 30,
          "^7^[1;1H^]8;" ID "http://a/?c&d^\\^[0;4;34mb^[1;4H^[0ma" END "^8");
    CHECK(NULL,
          "[\xE6\x97\xA5"
          "b](http://a/x)",
          2, "^7^[1;1H" A "^[0;4;34m\xE6\x97\xA5^[2;1Hb" END "^8");
}

static void cells__that_are_as_before_are_not(void **state)
{
    (void)state;
    CHECK("[it](http://a/x)", "[it](http://a/x)", 20, "");
    CHECK("[it](http://a/x)\nb", "[it](http://a/x)\nc", 20, "");
}

static void cells__lose_a_link_that_looks_the_same(void **state)
{
    (void)state;
    CHECK("[it](http://a/x)", "[it](http://a/y)", 3,
          "^7^[1;1H^]8;" ID "http://a/y^\\^[0;4;34mit^[2;2H^[0ma" END "^8");
    CHECK("[`it`](http://a/x)", "`it`", 3, "^7^[1;1H^[0mit^8");
}

/* What is opened is what the host beside it says. */
static void cells__of_a_link_say_where_it_leads(void **state)
{
    (void)state;
    CHECK(NULL, "[a](http://good&#64;evil)", 20,
          "^7^[1;1H^]8;" ID "http://good@evil^\\^[0;4;34ma^[1;4H^[0mevil" END "^8");
    CHECK(NULL, "[a](mailto:evil?a://good)", 40,
          "^7^[1;1H^]8;" ID "mailto:evil?a://good^\\^[0;4;34ma^[1;4H^[0mmailto:evil?a://good" END
          "^8");
}

static void cells__of_hostile_links_are_none(void **state)
{
    (void)state;
    CHECK(NULL, "[a](<http://a\x1b\\^[2J>) [b](javascript:c) [c](file:///d)", 60, "");
    CHECK(NULL, "[a](http://a&#27;&#92;b) [a](http://a&#x9b;2J) [a](http://a&#0;b)", 60,
          "^7^[1;20H^]8;" ID "http://a%EF%BF%BDb^\\^[0;4;34ma^[1;23H^[0ma\xEF\xBF\xBD^[1;25Hb" END
          "^8");
}

static void cells__of_more_links_than_a_grid_holds_are_none(void **state)
{
    struct grid grid = {.cells = NULL};
    char uri[20];
    (void)state;
    grid_resize(&grid, 1, 1);
    for (int i = 0; i < 300; i++) {
        (void)snprintf(uri, sizeof(uri), "http://%d", i);
        grid_set_link(&grid, sv_from(uri));
        assert_int_equal(grid.link, i < 255 ? i + 1 : 0);
    }
    assert_true(sv_equal_str(grid_link_uri(&grid, 255), "http://254"));
    grid_set_link(&grid, SV("http://7"));
    assert_int_equal(grid.link, 8);
    grid_clear(&grid);
    assert_int_equal(grid_link_uri(&grid, 8).n, 0);
    grid_release(&grid);
}

/* As a table's cell is, row by row. */
static void addresses__are_kept_once_in_a_text(void **state)
{
    struct styled from;
    struct styled to;
    (void)state;
    styled_init(&from, BUF_MAX_INTERNAL);
    styled_init(&to, BUF_MAX_INTERNAL);
    inline_append(&from, SV("[aaaa](http://x)[bbbb](http://y)[](<>)"), STYLE_PLAIN);
    for (size_t i = 0; i < from.text.n; i++) {
        styled_append_part(&to, &from, i, i + 1);
        styled_append(&to, SV("\n"), STYLE_PLAIN);
    }
    assert_int_equal(from.links.n, 2 * sizeof("http://x"));
    assert_int_equal(to.links.n, from.links.n);
    assert_true(sv_equal_str(styled_link_uri(&to, to.runs[0].link), "http://x"));
    assert_int_equal(to.runs[1].link, 0);
    assert_int_equal(to.runs[2].link, to.runs[0].link);
    styled_release(&from);
    styled_release(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses__become_printable_ascii_or_nothing),
        cmocka_unit_test(addresses__that_are_too_long_are_none),
        cmocka_unit_test(addresses__are_kept_once_in_a_text),
        cmocka_unit_test(terminals__that_are_known_have_links),
        cmocka_unit_test(cells__of_a_link_are_written_once_more),
        cmocka_unit_test(cells__that_are_as_before_are_not),
        cmocka_unit_test(cells__lose_a_link_that_looks_the_same),
        cmocka_unit_test(cells__of_a_link_say_where_it_leads),
        cmocka_unit_test(cells__of_hostile_links_are_none),
        cmocka_unit_test(cells__of_more_links_than_a_grid_holds_are_none),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    alarm(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
