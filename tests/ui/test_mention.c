/* Words of a prompt that name files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buf.h"
#include "ui/mention.h"

#include <cmocka.h>

static const struct {
    const char *text;
    const char *found; /* each with its kind before it */
} table[] = {
    {"", ""},
    {"no name", ""},
    {"@", ""},
    {"@ a", ""},
    {"@a", " w:a"},
    {"see @src/main.c, please", " w:src/main.c,"},
    {"mail me@example.org", ""},
    {"@a @b\n@c\t@d", " w:a w:b w:c w:d"},
    {"@\"a name\" and @\"b\"", " q:a name q:b"},
    {"@\"\" @\"open", ""},
    {"@\"over\nlines\"", ""},
    {"@@a", " w:@a"},
    {"@\xE6\x97\xA5.txt", " w:\xE6\x97\xA5.txt"},
    {"@a\xff", " w:a\xff"},
};

static void names__are_found_where_a_word_begins_with_an_at(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct buf found = BUF_INIT(BUF_MAX_INTERNAL);
        struct mention mention;
        size_t at = 0;
        while (mention_next(sv_from(table[i].text), &at, &mention)) {
            buf_appendf(&found, " %c:%.*s", mention.quoted ? 'q' : 'w', SV_ARG(mention.path));
        }
        assert_string_equal(buf_cstr(&found), table[i].found);
        assert_int_equal(at, strlen(table[i].text));
        buf_release(&found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names__are_found_where_a_word_begins_with_an_at),
    };
    alarm(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
