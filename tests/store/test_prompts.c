/* Prompts of all sessions, newest first, in windows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/prompts.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

static void note(void *ctx, struct sv prompt)
{
    struct buf *all = ctx;
    buf_append_sv(all, sv_take(prompt, 20));
    buf_append_byte(all, '|');
}

/* All of them, whatever the windows are; gives how many windows there were. */
static int assert_prompts(struct fixture *fixture, const char *expected)
{
    struct buf all = BUF_INIT(BUF_MAX_INTERNAL);
    int64_t cursor = 0;
    bool more = true;
    int windows = 0;
    while (more) {
        assert_int_equal(prompts_before(fixture->store, &cursor, note, &all, &more, NULL), ERR_OK);
        windows++;
    }
    assert_string_equal(buf_cstr(&all), expected);
    buf_release(&all);
    return windows;
}

static void prompts__come_newest_first_from_all_sessions(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 0);
    assert_int_equal(assert_prompts(&fixture, ""), 1);
    fixture_turn(&fixture, "first");
    fixture_turn(&fixture, "second\nline");
    fixture_turn(&fixture, "third");
    assert_prompts(&fixture, "third|second\nline|first|");
    fixture_execute(&fixture, "UPDATE session SET deleted_at = 1 WHERE id = 2");
    assert_prompts(&fixture, "third|first|");
    fixture_close(&fixture);
}

static void a_window__is_bounded_in_messages_and_bytes(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 0);
    fixture_turn(&fixture, "oldest");
    fixture_execute(&fixture, "UPDATE message SET id = id + 100000 WHERE role = 'assistant'");
    assert_true(assert_prompts(&fixture, "oldest|") > 10);
    fixture_turn(&fixture, "long");
    fixture_turn(&fixture, "newest");
    fixture_execute(&fixture,
                    "UPDATE part SET text = printf('%9000000s', 'x') WHERE text = 'long'");
    struct buf all = BUF_INIT(BUF_MAX_INTERNAL);
    int64_t cursor = 0;
    bool more = false;
    assert_int_equal(prompts_before(fixture.store, &cursor, note, &all, &more, NULL), ERR_OK);
    assert_string_equal(buf_cstr(&all), "newest|                    |");
    assert_true(more);
    buf_release(&all);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompts__come_newest_first_from_all_sessions),
        cmocka_unit_test(a_window__is_bounded_in_messages_and_bytes),
    };
    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
