/* Markdown as cells: golden screens, styles, and that no splitting of a text changes the end. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/ui/markdown_corpus.h"
#include "tests/ui/rows.h"
#include "ui/markdown.h"

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct shown {
    struct markdown_cache *cache;
    struct markdown *markdown;
};

static int setup(void **state)
{
    struct shown *shown = calloc(1, sizeof(*shown));
    assert_non_null(shown);
    shown->cache = markdown_cache_new();
    *state = shown;
    return 0;
}

static int teardown(void **state)
{
    struct shown *shown = *state;
    markdown_free(shown->markdown);
    markdown_cache_free(shown->cache);
    free(shown);
    return 0;
}

/* Another text. */
static void begin(struct shown *shown, int width)
{
    markdown_free(shown->markdown);
    shown->markdown = markdown_new(shown->cache);
    markdown_set_width(shown->markdown, width);
}

/* Rows of all blocks, up to those of the grid; gives how many there are. */
static int paint(struct shown *shown, struct grid *grid)
{
    int row = 0;
    for (size_t block = 0; block < markdown_blocks(shown->markdown); block++) {
        size_t rows = markdown_rows(shown->markdown, block);
        for (size_t i = 0; i < rows && row < grid->rows; i++) {
            markdown_paint(shown->markdown, block, i, grid, row++);
        }
    }
    return row;
}

static char *render(struct shown *shown, struct sv text, int rows, int width)
{
    struct grid grid = {0};
    grid_resize(&grid, rows, width);
    begin(shown, width);
    markdown_update(shown->markdown, text, true);
    paint(shown, &grid);
    assert_true(grid_is_sound(&grid));
    char *dump = grid_dump(&grid);
    grid_release(&grid);
    return dump;
}

#define DASHES_44 "────────────────────────────────────────────"

static const char document[] =
    "# A tour\n"
    "Some **bold**, *slanted* and `code`, a [link](https://example.com/a/b) and "
    "https://bare.example.\n\n"
    "1. first\n"
    "2. second, which is so long that it has to be wrapped on a narrow screen\n"
    "   - inner\n"
    "   - [x] done\n\n"
    "> quoted text\n"
    "> - with a list\n\n"
    "```python\n"
    "def f(x):\n"
    "    return x\n"
    "```\n"
    "| name | value |\n"
    "|:-----|------:|\n"
    "| one | **1** |\n"
    "| twenty-one | 21 |\n"
    "\n---\n"
    "$x_1 * y_2$ is math.\n";

static const struct {
    int rows, columns;
    const char *cells;
} golden[] = {
    {10, 40,
     "A tour\n"
     "Some bold, slanted and code, a link\n"
     "(example.com) and https://bare.example.\n"
     "\n"
     "1. first\n"
     "2. second, which is so long that it has\n"
     "   to be wrapped on a narrow screen\n"
     "   ◦ inner\n"
     "   ◦ [x] done\n"},
    {24, 80,
     "A tour\n"
     "Some bold, slanted and code, a link (example.com) and https://bare.example.\n"
     "\n"
     "1. first\n"
     "2. second, which is so long that it has to be wrapped on a narrow screen\n"
     "   ◦ inner\n"
     "   ◦ [x] done\n"
     "\n"
     "│ quoted text\n"
     "│ • with a list\n"
     "\n"
     "  ── python\n"
     "  def f(x):\n"
     "      return x\n"
     "\n"
     "name       │ value\n"
     "───────────┼──────\n"
     "one        │     1\n"
     "twenty-one │    21\n"
     "\n"
     "────────────────────────────────────────────────────────────────────────────────\n"
     "\n"
     "$x_1 * y_2$ is math.\n"},
    {50, 220,
     "A tour\n"
     "Some bold, slanted and code, a link (example.com) and https://bare.example.\n"
     "\n"
     "1. first\n"
     "2. second, which is so long that it has to be wrapped on a narrow screen\n"
     "   ◦ inner\n"
     "   ◦ [x] done\n"
     "\n"
     "│ quoted text\n"
     "│ • with a list\n"
     "\n"
     "  ── python\n"
     "  def f(x):\n"
     "      return x\n"
     "\n"
     "name       │ value\n"
     "───────────┼──────\n"
     "one        │     1\n"
     "twenty-one │    21\n"
     "\n" DASHES_44 DASHES_44 DASHES_44 DASHES_44 DASHES_44 "\n"
     "\n"
     "$x_1 * y_2$ is math.\n"},

    {50, 24,
     "A tour\n"
     "Some bold, slanted and\n"
     "code, a link\n"
     "(example.com) and\n"
     "https://bare.example.\n"
     "\n"
     "1. first\n"
     "2. second, which is so\n"
     "   long that it has to\n"
     "   be wrapped on a\n"
     "   narrow screen\n"
     "   ◦ inner\n"
     "   ◦ [x] done\n"
     "\n"
     "│ quoted text\n"
     "│ • with a list\n"
     "\n"
     "  ── python\n"
     "  def f(x):\n"
     "      return x\n"
     "\n"
     "name       │ value\n"
     "───────────┼──────\n"
     "one        │     1\n"
     "twenty-one │    21\n"
     "\n"
     "────────────────────────\n"
     "\n"
     "$x_1 * y_2$ is math.\n"},
};

static void a_document__looks_as_it_should(void **state)
{
    for (size_t i = 0; i < COUNT(golden); i++) {
        char *dump = render(*state, sv_from(document), golden[i].rows, golden[i].columns);
        assert_string_equal(dump, golden[i].cells);
        free(dump);
    }
}

static const struct {
    int columns;
    const char *text;
    const char *rows;
} small[] = {
    {20, "one\ntwo  \nthree\\\nfour", "one\ntwo\nthree\nfour\n"},
    {20, "- a\n\n- b\n- c", "• a\n\n• b\n• c\n"},
    {20, "9. a\n10. b\n\n    more", "9. a\n10. b\n\n    more\n"},
    {20, "- [ ] a task that is long", "• [ ] a task that is\n      long\n"},
    {20, "> a\n>\n> b\n\nc", "│ a\n│\n│ b\n\nc\n"},
    {20, "> > a\n> b", "│ │ a\n│ │ b\n"},
    {20, "> a\n> ```\n> x\n> ```\n> b", "│ a\n│\n│   x\n│\n│ b\n"},
    {20, "[a](b.md) ![c](http://d.e/f)", "a (b.md) [image: c]\n(d.e)\n"},
    {30, "[www.a.b](http://www.a.b) <mailto:x@y>", "www.a.b mailto:x@y\n"},
    {30, "[bank.example](http://user@evil.example:8/x)", "bank.example (evil.example:8)\n"},
    {30, "[x][1]\n\n[1]: http://a.b", "[x][1]\n\n[1]: http://a.b\n"},
    {30, "&lt;b&gt; &#65;&#x42; &nosuch; <i>", "<b> AB &nosuch; <i>\n"},
    {30, "\\(a_1 * b_2\\) `\\(` \\[x\\] \\( y", "\\(a_1 * b_2\\) \\( \\[x\\] \\( y\n"},
    {40, "\\( open \\[*x*\\] *s*", "\\( open \\[*x*\\] s\n"},
    {30, "$a_b$ $$c*d*e$$ $5 or 6*7*8", "$a_b$ $$c*d*e$$ $5 or 678\n"},
    {30, "## 1. a [b](c)", "1. a b (c)\n"},
    {30, "two\nlines\n---", "two lines\n"},
    {11, "|a|b|\n|-|-|\n|one two three|x|", "a       │ b\n────────┼──\none two │ x\nthree   │\n"},
    {10, "|a|b|\n|-|-|\n|one two|x|", "a, b\na: one two\nb: x\n"},
    {10, "|aa|bb|cc|\n|-|-|-|\n|1|2|3|\n||5|",
     "aa, bb, cc\naa: 1\nbb: 2\ncc: 3\naa:\nbb: 5\ncc:\n"},
    {20, "|a|b|\n|-|-|\n|x<br>y|1|2|3|", "a │ b\n──┼──────────\nx │ 1 | 2 | 3\ny │\n"},
    {20, "|a|\n|-|\n|`x\\|y`|", "a\n───\nx|y\n"},
    {20, "a || b `c||d`", "a || b c||d\n"},
    {8, "```\n0123456789\n\n\n```\nx", "  012345\n  6789\n\n\n\nx\n"},
    {20, "```\na\u200Bb\n```\na\u200Bb", "  a<200B>b\n\nab\n"},
    {4, "- - - - - - deep", NULL},
    {1, "- a\n> b\n\n|c|d|\n|-|-|\n|e|f|", NULL},
};

static void pieces_of_markdown__look_as_they_should(void **state)
{
    for (size_t i = 0; i < COUNT(small); i++) {
        char *dump = render(*state, sv_from(small[i].text), 30, small[i].columns);
        if (small[i].rows) {
            assert_string_equal(dump, small[i].rows);
        }
        free(dump);
    }
}

static enum style style_at(struct shown *shown, const char *text, int row, int column)
{
    struct grid grid = {0};
    grid_resize(&grid, 12, 60);
    begin(shown, 60);
    markdown_update(shown->markdown, sv_from(text), true);
    paint(shown, &grid);
    enum style style = (enum style)grid_at(&grid, row, column)->style;
    grid_release(&grid);
    return style;
}

static void texts__have_the_styles_of_what_they_are(void **state)
{
    static const struct {
        const char *text;
        int row, column;
        enum style style;
    } styles[] = {
        {"# a `c`", 0, 0, STYLE_HEADING_1},
        {"# a `c`", 0, 2, STYLE_CODE},
        {"## a **b**", 0, 2, STYLE_HEADING_2},
        {"#### a", 0, 0, STYLE_HEADING},
        {"**a**", 0, 0, STYLE_STRONG},
        {"*a **b***", 0, 2, STYLE_STRONG_EMPHASIS},
        {"_a_", 0, 0, STYLE_EMPHASIS},
        {"~~a~~", 0, 0, STYLE_STRIKE},
        {"`a`", 0, 0, STYLE_CODE},
        {"[a](http://b.c)", 0, 0, STYLE_LINK},
        {"[a](http://b.c)", 0, 3, STYLE_LINK_HOST},
        {"![a](b)", 0, 1, STYLE_IMAGE},
        {"$a$", 0, 1, STYLE_MATH},
        {"- a", 0, 0, STYLE_MARKER},
        {"- [x] a", 0, 3, STYLE_DONE},
        {"> a", 0, 0, STYLE_QUOTE},
        {"---", 0, 9, STYLE_RULE},
        {"|a|b|\n|-|-|", 0, 0, STYLE_TABLE_HEAD},
        {"|a|b|\n|-|-|", 1, 0, STYLE_TABLE_LINE},
        {"|a|b|\n|-|-|\n|`c`|d|", 2, 0, STYLE_CODE},
        {"```c\nint a; // b\n```", 0, 2, STYLE_BLOCK_LABEL},
        {"```c\nint a; // b\n```", 1, 2, STYLE_BLOCK_TYPE},
        {"```c\nint a; // b\n```", 1, 9, STYLE_BLOCK_COMMENT},
        {"```\nint\n```", 0, 2, STYLE_BLOCK},
    };
    for (size_t i = 0; i < COUNT(styles); i++) {
        assert_int_equal(style_at(*state, styles[i].text, styles[i].row, styles[i].column),
                         styles[i].style);
    }
}

/* Everything that is seen of a text: its cells with their styles. */
static struct buf cells_of(struct shown *shown, int width)
{
    struct grid grid = {0};
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    for (size_t block = 0; block < markdown_blocks(shown->markdown); block++) {
        size_t rows = markdown_rows(shown->markdown, block);
        for (size_t i = 0; i < rows; i++) {
            grid_resize(&grid, 1, width);
            markdown_paint(shown->markdown, block, i, &grid, 0);
            assert_true(grid_is_sound(&grid));
            for (int column = 0; column < width; column++) {
                const struct cell *cell = grid_at(&grid, 0, column);
                buf_append(&out, cell->text, cell->n);
                buf_append_byte(&out, (char)cell->style);
            }
            buf_append_byte(&out, '\n');
        }
    }
    grid_release(&grid);
    return out;
}

static struct buf whole_of(struct shown *shown, struct sv text, int width)
{
    begin(shown, width);
    markdown_update(shown->markdown, text, true);
    return cells_of(shown, width);
}

/* What the screen does at each frame: it looks at the last rows. */
static void look_at_end(struct shown *shown)
{
    size_t count = markdown_blocks(shown->markdown);
    for (size_t block = count > 3 ? count - 3 : 0; block < count; block++) {
        assert_true(markdown_rows(shown->markdown, block) > 0);
    }
}

static void assert_same_end(struct shown *shown, struct sv text, int width, const struct buf *whole)
{
    markdown_update(shown->markdown, text, true);
    struct buf cells = cells_of(shown, width);
    assert_int_equal(cells.n, whole->n);
    assert_memory_equal(cells.p ? cells.p : "", whole->p ? whole->p : "", cells.n);
    buf_release(&cells);
}

static void every_split_of_a_small_text__ends_in_the_cells_of_the_whole(void **state)
{
    struct shown *shown = *state;
    static const int widths[] = {33, 7};
    for (size_t i = 0; i < COUNT(markdown_corpus); i++) {
        struct sv text = sv_from(markdown_corpus[i]);
        int width = widths[i % COUNT(widths)];
        struct buf whole = whole_of(shown, text, width);
        for (size_t split = 0; split <= text.n; split++) {
            begin(shown, width);
            markdown_update(shown->markdown, sv_take(text, split), false);
            look_at_end(shown);
            assert_same_end(shown, text, width, &whole);
        }
        begin(shown, width);
        for (size_t n = 0; n <= text.n; n++) {
            markdown_update(shown->markdown, sv_take(text, n), false);
            look_at_end(shown);
        }
        assert_same_end(shown, text, width, &whole);
        buf_release(&whole);
    }
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed / 65536u;
}

/* Texts of the corpus one behind the other, some of them many times. */
static struct buf large_text(unsigned *seed)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    while (text.n < 12000) {
        const char *piece = markdown_corpus[next_random(seed) % COUNT(markdown_corpus)];
        for (unsigned i = next_random(seed) % 8 == 0 ? 40 : 1; i > 0; i--) {
            buf_append_str(&text, piece);
        }
        buf_append_str(&text, next_random(seed) % 2 ? "\n\n" : " ");
    }
    return text;
}

static void random_splits_of_a_large_text__end_in_the_cells_of_the_whole(void **state)
{
    struct shown *shown = *state;
    unsigned seed = 11;
    for (int round = 0; round < 12; round++) {
        struct buf text = large_text(&seed);
        int width = 1 + (int)(next_random(&seed) % 90);
        struct buf whole = whole_of(shown, buf_sv(&text), width);
        begin(shown, width);
        for (size_t n = 0; n < text.n; n += 1 + next_random(&seed) % 200) {
            markdown_update(shown->markdown, sv_take(buf_sv(&text), n), false);
            look_at_end(shown);
        }
        assert_same_end(shown, buf_sv(&text), width, &whole);
        buf_release(&whole);
        buf_release(&text);
    }
}

static void another_width_and_back__changes_nothing(void **state)
{
    struct shown *shown = *state;
    struct sv text = sv_from(document);
    struct buf whole = whole_of(shown, text, 50);
    for (int width = 0; width < 60; width++) {
        markdown_set_width(shown->markdown, width);
        struct buf cells = cells_of(shown, width < 1 ? 1 : width);
        buf_release(&cells);
    }
    markdown_set_width(shown->markdown, 50);
    assert_same_end(shown, text, 50, &whole);
    buf_release(&whole);
}

static void places__survive_another_width(void **state)
{
    struct shown *shown = *state;
    begin(shown, 20);
    markdown_update(shown->markdown,
                    SV("a\n\nsome words that are wrapped here and there, as they have to be"),
                    true);
    size_t place = markdown_place(shown->markdown, 1, 3);
    markdown_set_width(shown->markdown, 10);
    size_t row = markdown_row_of(shown->markdown, 1, place);
    assert_true(row > 3);
    markdown_set_width(shown->markdown, 20);
    assert_int_equal(markdown_row_of(shown->markdown, 1, place), 3);
    assert_int_equal(markdown_row_of(shown->markdown, 1, markdown_place(shown->markdown, 1, 0)), 0);
}

static void emphasis_that_goes_on__shows_no_marks(void **state)
{
    static const struct {
        const char *text;
        const char *row;
        enum style last; /* of the last character */
    } open[] = {
        {"a **bo", "a bo\n", STYLE_STRONG},
        {"a **bold*", "a bold\n", STYLE_STRONG},
        {"a **bold**", "a bold\n", STYLE_STRONG},
        {"a **", "a\n", STYLE_PLAIN},
        {"a *it", "a it\n", STYLE_EMPHASIS},
        {"**a *b", "a b\n", STYLE_STRONG_EMPHASIS},
        {"a `co", "a co\n", STYLE_CODE},
        {"a `co ", "a co\n", STYLE_CODE},
        {"a `", "a\n", STYLE_PLAIN},
        {"2 * 3", "2 * 3\n", STYLE_PLAIN},
        {"a*b", "a*b\n", STYLE_PLAIN},
        {"**a** b", "a b\n", STYLE_PLAIN},
        {"`a` *b* c", "a b c\n", STYLE_PLAIN},
        {"a \\*b", "a *b\n", STYLE_PLAIN},
        {"***x", "x\n", STYLE_STRONG_EMPHASIS},
        {"- **x", "• x\n", STYLE_STRONG},
    };
    struct shown *shown = *state;
    for (size_t i = 0; i < COUNT(open); i++) {
        struct grid grid = {0};
        grid_resize(&grid, 2, 20);
        begin(shown, 20);
        markdown_update(shown->markdown, sv_from(open[i].text), false);
        paint(shown, &grid);
        char *dump = grid_dump(&grid);
        assert_string_equal(dump, open[i].row);
        int last = (int)width_of(sv_take(sv_from(dump), strlen(dump) - 1), 0) - 1;
        assert_int_equal(grid_at(&grid, 0, last)->style, open[i].last);
        free(dump);
        grid_release(&grid);
    }
}

static void columns_of_an_open_table__stay_where_they_are(void **state)
{
    struct shown *shown = *state;
    static const char table[] =
        "|a|b|\n|-|-|\n|one|two|\n|a very long cell indeed, it is|x|\n|y|z|\n";
    struct grid grid = {0};
    begin(shown, 60);
    for (size_t n = 12; n < sizeof(table); n++) {
        grid_resize(&grid, 12, 60);
        markdown_update(shown->markdown, sv_of(table, n), false);
        paint(shown, &grid);
        int at = 0;
        while (strcmp(grid_at(&grid, 0, at)->text, "│") != 0) {
            at++;
        }
        assert_int_equal(at, 25);
    }
    markdown_update(shown->markdown, sv_from(table), true);
    grid_resize(&grid, 12, 60);
    paint(shown, &grid);
    assert_string_equal(grid_at(&grid, 0, 31)->text, "│");
    grid_release(&grid);
}

static void texts_that_share_a_cache__do_not_mix(void **state)
{
    struct shown *shown = *state;
    struct markdown *others[40];
    char texts[COUNT(others)][20];
    for (size_t i = 0; i < COUNT(others); i++) {
        snprintf(texts[i], sizeof(texts[i]), "text %zu", i);
        others[i] = markdown_new(shown->cache);
        markdown_set_width(others[i], 20);
        markdown_update(others[i], sv_from(texts[i]), true);
    }
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT(others); i++) {
            struct grid grid = {0};
            grid_resize(&grid, 1, 20);
            markdown_paint(others[i], 0, 0, &grid, 0);
            char *dump = grid_dump(&grid);
            assert_memory_equal(dump, texts[i], strlen(texts[i]));
            assert_int_equal(strlen(dump), strlen(texts[i]) + 1);
            free(dump);
            grid_release(&grid);
        }
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        markdown_free(others[i]);
    }
}

static void without_utf8__everything_is_ascii(void **state)
{
    setlocale(LC_CTYPE, "C");
    char *dump = render(*state, SV("- a\n> b\n\n|c|d|\n|-|-|\n|e|f|\n\n---\n```c\nx\n```"), 30, 9);
    setlocale(LC_CTYPE, "C.UTF-8");
    assert_string_equal(dump, "* a\n| b\n\nc | d\n--+--\ne | f\n\n---------\n\n  -- c\n  x\n");
    free(dump);
}

/* %s is where the payload goes. grid_is_sound() looks at each cell of what render() paints. */
static void hostile_text__acts_nowhere_in_markdown(void **state)
{
    static const char *const places[] = {
        "%s",
        "# %s",
        "- %s",
        "1. %s\n   %s",
        "> %s",
        "**%s**",
        "`%s`",
        "```%s\n%s\n```",
        "|%s|b|\n|-|-|\n|%s|c|",
        "[%s](http://%s)",
        "![%s](%s)",
        "<http://%s>",
        "$%s$",
        "$$\n%s\n$$",
        "[%s]: %s",
        "%s\n===",
        "    %s",
        "- [x] %s",
        "\\(%s\\)",
        "```html\n<a b=\"%s\">%s\n```",
        "```python\n\"\"\"%s\n%s",
    };
    static const char *const payloads[] = {
        "\x1b]52;c;ZXZpbA==\x07",
        ("\xC2\x9D"
         "52;c;x\xC2\x9C"),
        "\x1b[2J\x1b[H",
        "\x1bPq\x1b\\",
        "\x08\x08\r",
        "\xE2\x80\xAEgnp.exe\xE2\x81\xA6",
        "\x7F\x01\x02",
        "\xFF\xFE\x80",
        "&#x1b;[31m",
        "&#7;&#155;",
        "\xE2\x80\xA8\xEF\xBB\xBF",
        "\xF3\xA0\x81\x81",
        "a\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81",
    };
    for (size_t place = 0; place < COUNT(places); place++) {
        for (size_t i = 0; i < COUNT(payloads); i++) {
            struct buf text = BUF_INIT(10000);
            struct sv rest = sv_from(places[place]);
            for (size_t at; (at = sv_find_sv(rest, SV("%s"))) < rest.n;) {
                buf_append_sv(&text, sv_take(rest, at));
                buf_append_str(&text, payloads[i]);
                rest = sv_skip(rest, at + 2);
            }
            buf_append_sv(&text, rest);
            free(render(*state, buf_sv(&text), 30, 40));
            free(render(*state, buf_sv(&text), 30, 3));
            buf_release(&text);
        }
    }
}

/* 100 KB of what costs parsers most: each has to be done in a moment. */
static void bombs__are_laid_out_in_a_moment(void **state)
{
    static const char *const bombs[] = {
        "[",     "]",  ">",    "*a_",  "`",     "``x",  "|",   "|a|b\n|-|-\n",
        "- ",    "$a", "\\(",  "<a",   "![a](", "**a ", "&",   "a\n    b\n",
        "1. > ", "\t", "~~a~", "[a]:", "```\n", "#\n",  "_a*", "http://"};
    struct shown *shown = *state;
    for (size_t i = 0; i < COUNT(bombs); i++) {
        struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
        while (text.n < 100000) {
            buf_append_str(&text, bombs[i]);
        }
        int64_t began = clock_mono_us();
        begin(shown, 80);
        markdown_update(shown->markdown, buf_sv(&text), true);
        for (size_t block = 0; block < markdown_blocks(shown->markdown); block++) {
            assert_true(markdown_rows(shown->markdown, block) > 0);
        }
        if (getenv("SHOW_TIMES")) {
            printf("%-12s %lld us\n", bombs[i], (long long)(clock_mono_us() - began));
        }
        assert_true(clock_mono_us() - began < CLOCK_S(5));
        buf_release(&text);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_document__looks_as_it_should),
        TEST(pieces_of_markdown__look_as_they_should),
        TEST(texts__have_the_styles_of_what_they_are),
        TEST(every_split_of_a_small_text__ends_in_the_cells_of_the_whole),
        TEST(random_splits_of_a_large_text__end_in_the_cells_of_the_whole),
        TEST(another_width_and_back__changes_nothing),
        TEST(places__survive_another_width),
        TEST(emphasis_that_goes_on__shows_no_marks),
        TEST(columns_of_an_open_table__stay_where_they_are),
        TEST(texts_that_share_a_cache__do_not_mix),
        TEST(without_utf8__everything_is_ascii),
        TEST(hostile_text__acts_nowhere_in_markdown),
        TEST(bombs__are_laid_out_in_a_moment),
    };
    alarm(180);
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
