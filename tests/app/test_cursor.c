/* Cursors: what was written is read back, and nothing else is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/cursor.h"

#include <cmocka.h>

static char *written(const struct cursor *cursor)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    cursor_append(&out, cursor);
    return buf_detach(&out);
}

static void assert_round(const struct cursor *cursor)
{
    char *text = written(cursor);
    struct cursor back = {.part = 99};
    struct err err;
    assert_int_equal(cursor_parse(sv_from(text), &back, &err), ERR_OK);
    assert_true(ulid_equal(&back.session, &cursor->session));
    assert_true(ulid_equal(&back.message, &cursor->message));
    assert_int_equal(back.part, cursor->part);
    assert_int_equal(back.offset, cursor->offset);
    assert_int_equal(back.revision, cursor->revision);
    assert_int_equal(back.event, cursor->event);
    free(text);
}

static void parse__gives_back_what_append_wrote(void **state)
{
    (void)state;
    const struct cursor none = {.part = 0};
    const struct cursor all = {.session = ulid_new(),
                               .message = ulid_new(),
                               .part = UINT32_MAX,
                               .offset = INT64_MAX,
                               .revision = UINT32_MAX,
                               .event = INT64_MAX};
    const struct cursor some = {.session = ulid_new(), .offset = 4711, .event = 12};
    assert_round(&none);
    assert_round(&all);
    assert_round(&some);
}

static void append__needs_no_quotes(void **state)
{
    (void)state;
    const struct cursor cursor = {.session = ulid_new(), .message = ulid_new(), .offset = 255};
    char *text = written(&cursor);
    assert_int_equal(
        strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_"),
        strlen(text));
    free(text);
}

static void parse__refuses_what_is_no_cursor(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "w1",
        "w2...0.0.0.0",
        "w1...0.0.0",
        "w1...0.0.0.0.",
        "w1...0.0.0.0.0",
        "w1.x..0.0.0.0",
        "w1...0..0.0",
        "w1...-1.0.0.0",
        "w1...100000000.0.0.0",
        "w1...0.8000000000000000.0.0",
        "w1...0.00000000000000001.0.0",
        "w1...0.0.0.G",
        " w1...0.0.0.0",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct cursor cursor = {.part = 7};
        struct err err;
        if (cursor_parse(sv_from(texts[i]), &cursor, &err) != ERR_USAGE || cursor.part != 7) {
            fail_msg("took '%s'", texts[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__gives_back_what_append_wrote),
        cmocka_unit_test(append__needs_no_quotes),
        cmocka_unit_test(parse__refuses_what_is_no_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
