/* Titles: what a model said, made into one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "app/titles.h"
#include "base/utf8.h"

#include <cmocka.h>

static void cleans_to(const char *answer, const char *title)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    title_clean(sv_from(answer), &out);
    assert_string_equal(buf_cstr(&out), title);
    buf_release(&out);
}

static void clean__gives_one_line_without_what_models_put_around_it(void **state)
{
    (void)state;
    cleans_to("Rivers of Europe", "Rivers of Europe");
    cleans_to("\n\n  \"Rivers of Europe.\"  \nThe rest.", "Rivers of Europe");
    cleans_to("**Title: “Rivers of Europe”**", "Rivers of Europe");
    cleans_to("title: Rivers", "Rivers");
    cleans_to("# Rivers\r\n", "Rivers");
    cleans_to("„Flüsse Europas“", "Flüsse Europas");
    cleans_to("«Fleuves»", "Fleuves");
    cleans_to("Learning C#", "Learning C#");
    cleans_to("And so on...", "And so on...");
    cleans_to("Entitled: a story", "Entitled: a story");
    cleans_to("a\x1b[31mb\tc", "a [31mb c");
}

static void clean__gives_nothing_where_there_is_no_text(void **state)
{
    (void)state;
    cleans_to("", "");
    cleans_to(" \n\t\n", "");
    cleans_to("\"\"\n'' **", "");
    cleans_to("Title:", "");
    cleans_to(".", ".");
}

static void clean__cuts_between_characters(void **state)
{
    (void)state;
    char answer[3 * TITLE_MAX_BYTES + 1];
    for (size_t i = 0; i + 3 < sizeof answer; i += 3) {
        memcpy(answer + i, "川", 3);
    }
    answer[sizeof answer - 1] = '\0';
    for (size_t skip = 0; skip < 3; skip++) {
        struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
        struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
        buf_append(&text, "xx", skip);
        buf_append_str(&text, answer);
        title_clean(buf_sv(&text), &out);
        assert_true(out.n > TITLE_MAX_BYTES - 4 && out.n <= TITLE_MAX_BYTES);
        assert_int_equal(utf8_valid_prefix(out.p, out.n), out.n);
        buf_release(&out);
        buf_release(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean__gives_one_line_without_what_models_put_around_it),
        cmocka_unit_test(clean__gives_nothing_where_there_is_no_text),
        cmocka_unit_test(clean__cuts_between_characters),
    };
    return cmocka_run_group_tests_name("titles", tests, NULL, NULL);
}
