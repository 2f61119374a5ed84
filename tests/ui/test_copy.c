/* Code blocks as their source, and the sequence for the clipboard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ui/copy.h"

#include <cmocka.h>

static const struct {
    const char *text;
    size_t count;
    size_t number;
    const char *block; /* NULL: there is none of that number */
} table[] = {
    {"no code here", 0, 1, NULL},
    {"", 0, 0, NULL},
    {"a\n```\nx\n```\nb", 1, 1, "x\n"},
    {"a\n```\nx\n```\nb", 1, 2, NULL},
    {"a\n```\nx\n```\nb", 1, 0, NULL},
    {"```c\nint x;\n\n  y();\t\n```\n```\nsecond\n```", 2, 1, "int x;\n\n  y();\t\n"},
    {"```c\nint x;\n```\n```\nsecond\n```", 2, 2, "second\n"},
    {"````md\n```\ninner\n```\n````\n", 1, 1, "```\ninner\n```\n"},
    {"~~~\n```\nx\n~~~\n", 1, 1, "```\nx\n"},
    {"~~~ a`b`\nx\n~~~\n", 1, 1, "x\n"},
    {"``` a`b`\nx\n", 0, 1, NULL},
    {"``\nx\n``", 0, 1, NULL},
    {"```\nstill open", 1, 1, "still open"},
    {"```\n``` no end\nx\n```", 1, 1, "``` no end\nx\n"},
    {"- item\n  ```sh\n  ls\n    -l\n  ```\n", 1, 1, "ls\n  -l\n"},
    {"> ```\n> quoted\n> ```\n", 1, 1, "quoted\n"},
    {"```\r\ncr lf\r\n```\r\n", 1, 1, "cr lf\r\n"},
    {"```\n日本 \xF0\x9F\x98\x80\n```", 1, 1, "日本 \xF0\x9F\x98\x80\n"},
    {"```\n```\n", 1, 1, ""},
    {"1. ```sh\n   ls\n     -l\n   ```\n2. text\n\n```\nlast\n```\n", 2, 1, "ls\n  -l\n"},
    {"1. ```sh\n   ls\n   ```\n2. text\n\n```\nlast\n```\n", 2, 2, "last\n"},
    {"- ```sh\n> not indented\n  ```\n", 1, 1, "> not indented\n"},
    {"* 12) > ~~~\n      > x\n      > ~~~\n", 1, 1, "x\n"},
    {"-```\nx\n```\ny\n", 1, 1, "y\n"},
    {"> ```\n> quoted\n\nafter\n\n```\nlast\n```\n", 2, 1, "quoted\n"},
    {"> ```\n> quoted\n```\nlast\n```\n", 2, 2, "last\n"},
    {"```py\ndef f():\n    ```\n    text\n    ```\n```\n", 1, 1,
     "def f():\n    ```\n    text\n    ```\n"},
    {"```\n> ```\n```\n", 1, 1, "> ```\n"},
};

static void a_code_block__is_its_source_byte_for_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct sv text = sv_from(table[i].text);
        struct buf block = BUF_INIT(1000);
        bool found = copy_code(text, table[i].number, &block);
        assert_int_equal(copy_code_count(text), table[i].count);
        assert_int_equal(found, table[i].block != NULL);
        if (found) {
            assert_string_equal(buf_cstr(&block), table[i].block);
        }
        buf_release(&block);
    }
}

static void the_sequence__holds_the_text_in_base64(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xfe\x1b]", "//4bXQ=="},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        struct buf sequence = BUF_INIT(1000);
        struct buf expected = BUF_INIT(1000);
        copy_sequence(sv_from(pairs[i][0]), &sequence);
        buf_appendf(&expected, "\033]52;c;%s\a", pairs[i][1]);
        assert_string_equal(buf_cstr(&sequence), buf_cstr(&expected));
        buf_release(&sequence);
        buf_release(&expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_block__is_its_source_byte_for_byte),
        cmocka_unit_test(the_sequence__holds_the_text_in_base64),
    };
    alarm(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
