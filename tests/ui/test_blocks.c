/* The scanner: golden cuts, growth byte by byte, bounds. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "tests/ui/markdown_corpus.h"
#include "ui/blocks.h"

#include <cmocka.h>

static const char *const names[BLOCK_KIND_COUNT] = {"p",  "h",  "label", "code", "math",
                                                    "th", "tr", "hr",    "lit"};

/* Containers of a chain: > for a quotation, - and 1 for items. */
static void append_chain(const struct blocks *blocks, unsigned chain, struct buf *out)
{
    if (chain) {
        const struct block_chain *node = blocks_chain(blocks, chain);
        append_chain(blocks, node->parent, out);
        buf_append_byte(out, " >-1"[node->container]);
    }
}

static void append_block(const struct blocks *blocks, size_t index, struct sv text, struct buf *out)
{
    const struct block *block = blocks_at(blocks, index);
    buf_append_str(out, block->flags & BLOCK_GAP ? "/" : "");
    append_chain(blocks, block->chain, out);
    buf_appendf(out, "%s", names[block->kind]);
    if (block->kind == BLOCK_HEADING) {
        buf_appendf(out, "%u", block->level);
    }
    if (block->first) {
        buf_appendf(out, "!%u", (unsigned)block->number);
    }
    buf_append_str(out, block->flags & BLOCK_DONE ? "x" : block->flags & BLOCK_TASK ? "o" : "");
    buf_append_byte(out, '(');
    buf_append(out, text.p + block->start, block->end - block->start);
    buf_append_str(out, ") ");
}

static char *dump(const struct blocks *blocks, struct sv text)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    for (size_t i = 0; i < blocks_count(blocks); i++) {
        append_block(blocks, i, text, &out);
    }
    return buf_detach(&out);
}

static char *cut(struct sv text)
{
    struct blocks *blocks = blocks_new();
    blocks_update(blocks, text, true);
    char *out = dump(blocks, text);
    blocks_free(blocks);
    return out;
}

static const struct {
    const char *text;
    const char *blocks;
} golden[] = {
    {"", ""},
    {"\n \n", ""},
    {"a\nb\n\nc", "p(a\nb) /p(c) "},
    {"# A #\nb", "h1(A #) p(b) "},
    {"a\n===\nb\nc\n---", "h1(a) h2(b\nc) "},
    {"#a\n####### b", "p(#a\n####### b) "},
    {"- a\n- b\n\n- c", "-p!0(a) -p!0(b) /-p!0(c) "},
    {"a\n- b\n2. c", "p(a) -p!0(b) 1p!2(c) "},
    {"a\n2. b", "p(a\n2. b) "},
    {"1. a\n   - b\n\n   c\n2) d", "1p!1(a) 1-p!0(b) /1p(c) 1p!2(d) "},
    {"- a\nlazy\n\nout", "-p!0(a\nlazy) /p(out) "},
    {"- - a", "--p!0(a) "},
    {"- [ ] a\n- [x] b\n- [z] c", "-p!0o(a) -p!0x(b) -p!0([z] c) "},
    {"-\n  a\n- # b", "-p!0(a) -h1!0(b) "},
    {"> a\n> b\nc\n\nd", ">p(a\n> b\nc) /p(d) "},
    {"> - a\n> - b", ">-p!0(a) >-p!0(b) "},
    {"- > a", "->p!0(a) "},
    {"a\n```c\nx\n\ny\n```\nb", "p(a) /label(c) code(x\n\ny) /p(b) "},
    {"```\nx", "code(x) "},
    {"```\n```\na", "p(a) "},
    {"~~~\n```\n~~~", "code(```) "},
    {"1. a\n   ```\nx\n```\nb", "1p!1(a) /1code(x) /p(b) "},
    {"> ```\n> x\ny", ">code(x) /p(y) "},
    {"    a\n\n    b\n\nc", "code(    a\n\n    b) /p(c) "},
    {"a\n    b", "p(a\n    b) "},
    {"|a|b|\n|-|-|\n|1|2|\nx\n\ny", "th(|a|b|) tr(|1|2|) tr(x) /p(y) "},
    {"p\na|b\n-|-\n1|2", "p(p) /th(a|b) tr(1|2) "},
    {"|a|\n|-|-|", "p(|a|\n|-|-|) "},
    {"a\n---\n---\nb", "h2(a) /hr(---) /p(b) "},
    {"* * *\n- - x", "hr(* * *) /--p!0(x) "},
    {"$$\na\n$$\nb", "math($$\na\n$$) /p(b) "},
    {"\\[ a \\]\nb", "math(\\[ a \\]) p(b) "},
    {"$$\na\n\nb", "math($$\na) /p(b) "},
    {"a $$ b\n$$ c $$ d", "p(a $$ b\n$$ c $$ d) "},
    {"[a]: b\nc", "lit([a]: b) p(c) "},
    {"a\r\n\r\nb\r\n", "p(a) /p(b) "},
    {"<div>\nx\n</div>", "p(<div>\nx\n</div>) "},
};

static void texts__are_cut_where_markdown_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
        char *blocks = cut(sv_from(golden[i].text));
        assert_string_equal(blocks, golden[i].blocks);
        free(blocks);
    }
}

static void growth_byte_by_byte__gives_the_blocks_of_the_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(markdown_corpus) / sizeof(markdown_corpus[0]); i++) {
        struct sv text = sv_from(markdown_corpus[i]);
        struct blocks *grown = blocks_new();
        for (size_t n = 0; n <= text.n; n++) {
            blocks_update(grown, sv_take(text, n), false);
        }
        blocks_update(grown, text, true);
        char *a = dump(grown, text);
        char *b = cut(text);
        assert_string_equal(a, b);
        free(a);
        free(b);
        blocks_free(grown);
    }
}

static void a_last_line_that_could_be_anything__is_held_back(void **state)
{
    static const char *const held[] = {"-", "- ", "#", "```", "**", "1.", "> ", "|---|--", "$$"};
    static const char *const shown[] = {"-a", "1", "12", "``x", "**b", "> a"};
    (void)state;
    struct blocks *blocks = blocks_new();
    for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
        blocks_update(blocks, SV(""), false);
        blocks_update(blocks, sv_from(held[i]), false);
        assert_int_equal(blocks_count(blocks), 0);
    }
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        blocks_update(blocks, SV(""), false);
        blocks_update(blocks, sv_from(shown[i]), false);
        assert_int_equal(blocks_count(blocks), 1);
    }
    blocks_free(blocks);
}

static void count_lines(void *ctx, struct sv line, unsigned pad)
{
    struct buf *out = ctx;
    buf_appendf(out, "[%u:%.*s]", pad, SV_ARG(line));
}

static void lines__come_without_the_marks_of_their_containers(void **state)
{
    (void)state;
    struct sv text = SV("> - a\n>   b\nlazy\n>\n>   ```\n>   x\n>  \ty\n> \n>   z\n>   ```\n");
    struct blocks *blocks = blocks_new();
    struct buf out = BUF_INIT(1000);
    blocks_update(blocks, text, true);
    for (size_t i = 0; i < blocks_count(blocks); i++) {
        blocks_each_line(blocks, blocks_at(blocks, i), text, count_lines, &out);
    }
    assert_string_equal(buf_cstr(&out), "[0:a][0:b][0:lazy][0:x][0:y][0:][0:z]");
    buf_release(&out);
    blocks_free(blocks);
}

/* Nothing that is not white may be in no block, and no block may be longer than it is said. */
static void assert_bounded(const struct blocks *blocks)
{
    size_t end = 0;
    for (size_t i = 0; i < blocks_count(blocks); i++) {
        const struct block *block = blocks_at(blocks, i);
        assert_true(block->start <= block->end);
        assert_true(block->start >= end || block->start == block->end);
        assert_true(block->end - block->start <= 2 * BLOCK_MAX);
        end = block->end;
    }
}

static void blocks__are_bounded_whatever_goes_on(void **state)
{
    static const char *const endless[] = {"w",        "word ",   "word\n", "- a\n", "a|b\n",
                                          "> word ",  "    x\n", "```\n",  "\t",    "$$\nx\n",
                                          "1. b\n\n", "日",      "*a_",    "[",     "\n\n    x\n"};
    (void)state;
    for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
        for (int fenced = 0; fenced < 2; fenced++) {
            struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
            struct blocks *blocks = blocks_new();
            buf_append_str(&text, fenced ? "~~~~\n" : "a|b\n-|-\n");
            while (text.n < 100000) {
                buf_append_str(&text, endless[i]);
            }
            blocks_update(blocks, sv_take(buf_sv(&text), 50000), false);
            blocks_update(blocks, buf_sv(&text), true);
            assert_bounded(blocks);
            assert_true(blocks_count(blocks) * sizeof(struct block) < text.n * 13);
            blocks_free(blocks);
            buf_release(&text);
        }
    }
}

static void past_the_most_blocks__text_is_kept_as_it_is(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    struct blocks *blocks = blocks_new();
    while (text.n < BLOCKS_MAX * 4 + 100000) {
        buf_append_str(&text, "-a\n\n# \n");
    }
    blocks_update(blocks, buf_sv(&text), true);
    assert_bounded(blocks);
    assert_true(blocks_count(blocks) < BLOCKS_MAX + 1000);
    assert_int_equal(blocks_at(blocks, blocks_count(blocks) - 1)->kind, BLOCK_LITERAL);
    blocks_free(blocks);
    buf_release(&text);
}

/* What the machine does for others does not count. */
static int64_t cpu_us(void)
{
    return (int64_t)clock() * (CLOCK_S(1) / CLOCKS_PER_SEC);
}

/* Time for many pieces behind that much text. */
static int64_t time_of_growing(const char *line, size_t length)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    struct blocks *blocks = blocks_new();
    while (text.n < length) {
        buf_append_str(&text, line);
    }
    blocks_update(blocks, buf_sv(&text), false);
    int64_t began = cpu_us();
    for (int i = 0; i < 2000; i++) {
        buf_append_str(&text, "word ");
        blocks_update(blocks, buf_sv(&text), false);
    }
    int64_t took = cpu_us() - began;
    blocks_free(blocks);
    buf_release(&text);
    return took;
}

static void one_more_piece__costs_the_same_at_any_length(void **state)
{
    static const char *const lines[] = {"word ", "- item\n", "text\n\n", "|a|b|\n"};
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        int64_t shorter = time_of_growing(lines[i], 5000);
        int64_t longer = time_of_growing(lines[i], (size_t)1 << 20);
        assert_true(longer < shorter * 10 + CLOCK_MS(200));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts__are_cut_where_markdown_says),
        cmocka_unit_test(growth_byte_by_byte__gives_the_blocks_of_the_whole),
        cmocka_unit_test(a_last_line_that_could_be_anything__is_held_back),
        cmocka_unit_test(lines__come_without_the_marks_of_their_containers),
        cmocka_unit_test(blocks__are_bounded_whatever_goes_on),
        cmocka_unit_test(past_the_most_blocks__text_is_kept_as_it_is),
        cmocka_unit_test(one_more_piece__costs_the_same_at_any_length),
    };
    alarm(120);
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
