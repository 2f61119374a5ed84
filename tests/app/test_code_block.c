/* The first code block, wherever its fences stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "app/code_block.h"
#include "base/attr.h"

#include <cmocka.h>

static void first__is_what_stands_between_the_fences(void **state)
{
    (void)state;
    static const struct {
        const char *markdown, *block; /* NULL: none */
    } cases[] = {
        {"a\n```c\nint a;\n\n  b\n```\nc\n```\nd\n```\n", "int a;\n\n  b\n"},
        {"~~~\n```\n~~~\n", "```\n"},
        {"````\n```\nx\n```\n````\n", "```\nx\n```\n"},
        {"- item\n\n  ```\n  one\n    two\n three\n  ```\n", "one\n  two\nthree\n"},
        {"1. ```sh\n   one\n     two\n   ```\n2. more\n\n```\nthree\n```\n", "one\n  two\n"},
        {"```\nwithout an end", "without an end\n"},
        {"```\r\nx\r\n```\r\n", "x\n"},
        {"```\n``` not the end\n```", "``` not the end\n"},
        {"```\n```", ""},
        {"`` `x` ``\n```in `line` code```\n", NULL},
        {"none\n    indented\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
        bool found = code_block_first(sv_from(cases[i].markdown), &out);
        assert_int_equal(found, cases[i].block != NULL);
        assert_string_equal(buf_cstr(&out), cases[i].block ? cases[i].block : "");
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first__is_what_stands_between_the_fences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
