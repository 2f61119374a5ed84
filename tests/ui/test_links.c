/* Addresses in a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buf.h"
#include "ui/links.h"

#include <cmocka.h>

static const struct {
    const char *text;
    const char *links; /* each behind a blank */
} table[] = {
    {"", ""},
    {"no link, http:// and https://", ""},
    {"http://a", " http://a"},
    {"See https://example.org/a?b=c#d.", " https://example.org/a?b=c#d"},
    {"[text](https://example.org/x_(y)) and (http://b/)", " https://example.org/x_(y) http://b/"},
    {"<https://a.b>, \"http://c.d\", `http://e.f`", " https://a.b http://c.d http://e.f"},
    {"**https://a.b**: https://a.b/c_", " https://a.b https://a.b/c"},
    {"javascript:alert(1) file:///etc/passwd ftp://x", ""},
    {"http://a\x1b[31m", " http://a"},
    {"http://a\nhttp://b", " http://a http://b"},
    {"http://\xE6\x97\xA5.jp/", " http://\xE6\x97\xA5.jp/"},
    {"https://...", ""},
};

static void addresses__end_where_the_sentence_goes_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct buf found = BUF_INIT(BUF_MAX_INTERNAL);
        struct sv link;
        size_t at = 0;
        while (links_next(sv_from(table[i].text), &at, &link)) {
            buf_appendf(&found, " %.*s", SV_ARG(link));
        }
        assert_string_equal(buf_cstr(&found), table[i].links);
        buf_release(&found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses__end_where_the_sentence_goes_on),
    };
    alarm(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
