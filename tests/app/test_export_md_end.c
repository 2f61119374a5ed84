/* What a Markdown text leaves open is closed, and nothing else is added to it. */
#include <setjmp.h>
#include <stdarg.h>

#include "app/export_md_end.h"
#include "base/alloc.h"

#include <cmocka.h>

static void assert_end(const char *text, const char *expected)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    export_append_md_end(&out, sv_from(text));
    assert_string_equal(buf_cstr(&out), expected);
    buf_release(&out);
}

static void what_is_left_open__is_closed(void **state)
{
    (void)state;
    assert_end("see\n```c\nint x;", "```\n");
    assert_end("see\n~~~~\n```\nint x;\n", "~~~~\n");
    assert_end("`````md\n```c\nint x;\n```\n", "`````\n");
    assert_end("```a```\n\n```\nx", "```\n");
    assert_end("a\n\n<!-- x\n", "-->\n");
    assert_end("<script>\nx", "</script>\n");
}

static void what_ends_by_itself__stays(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "a",
        "```\nx\n```",
        "~~~\n```\n~~~",
        "- item\n  ```c\n  int x;",
        "> ```\n> x",
        "1 < 2 and <b>",
        "<div>\nx",
        "`` ``` ``",
        "<!-- a -->\n\n    <!-- code",
        "| a |\n|---|\n| ``` |",
        "a\n===\n\n***",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_end(texts[i], "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_open__is_closed),
        cmocka_unit_test(what_ends_by_itself__stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
