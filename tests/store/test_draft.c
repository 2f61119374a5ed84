/* Drafts: put, got, removed, kept across an end, seen before they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/draft.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

static void assert_draft(struct fixture *fixture, const char *place, const char *text,
                         size_t cursor)
{
    struct draft draft;
    struct err err = {ERR_OK, ""};
    if (draft_get(fixture->store, sv_from(place), &draft, &err)) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(draft.text, text);
    assert_int_equal(draft.length, strlen(text));
    assert_int_equal(draft.cursor, cursor);
    draft_release(&draft);
    draft_release(&draft);
}

static void put(struct fixture *fixture, const char *place, const char *text, size_t cursor)
{
    assert_int_equal(draft_put(fixture->store, sv_from(place), sv_from(text), cursor, NULL),
                     ERR_OK);
}

static enum err_code get_code(struct fixture *fixture, const char *place)
{
    struct draft draft;
    struct err err = {ERR_OK, ""};
    return draft_get(fixture->store, sv_from(place), &draft, &err);
}

static void put__is_there_at_once_and_after_a_new_start(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 0);
    put(&fixture, "new:", "half a thought, Übung", 5);
    assert_draft(&fixture, "new:", "half a thought, Übung", 5);
    fixture_reopen(&fixture);
    assert_draft(&fixture, "new:", "half a thought, Übung", 5);
    fixture_close(&fixture);
}

static void put__and_remove_are_seen_at_once(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "a", "text", 0);
    assert_draft(fixture, "a", "text", 0);
    put(fixture, "a", "more text", 4);
    assert_draft(fixture, "a", "more text", 4);
    assert_int_equal(draft_remove(fixture->store, SV("a"), NULL), ERR_OK);
    assert_int_equal(get_code(fixture, "a"), ERR_NOT_FOUND);
}

static void put__the_last_one_stands(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 0);
    struct db_lock *lock = fixture_lock(&fixture, CLOCK_MS(100));
    for (int i = 0; i < 50; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "%d", i);
        put(&fixture, "a", text, 99);
        put(&fixture, "b", "other", 0);
    }
    assert_draft(&fixture, "a", "49", 2);
    fixture_unlock(lock);
    fixture_reopen(&fixture);
    assert_draft(&fixture, "a", "49", 2);
    assert_draft(&fixture, "b", "other", 0);
    fixture_close(&fixture);
}

static void remove__leaves_nothing_and_twice_is_fine(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 0);
    assert_int_equal(get_code(&fixture, "a"), ERR_NOT_FOUND);
    put(&fixture, "a", "text", 0);
    put(&fixture, "b", "text", 0);
    assert_int_equal(draft_remove(fixture.store, SV("a"), NULL), ERR_OK);
    assert_int_equal(get_code(&fixture, "a"), ERR_NOT_FOUND);
    assert_int_equal(draft_remove(fixture.store, SV("a"), NULL), ERR_OK);
    put(&fixture, "b", "", 0);
    fixture_reopen(&fixture);
    assert_int_equal(get_code(&fixture, "a"), ERR_NOT_FOUND);
    fixture_assert_query(&fixture, "SELECT count(*) FROM draft", "0");
    fixture_close(&fixture);
}

static void put__refuses_what_cannot_be_kept(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 0);
    char *huge = xmalloc(DRAFT_MAX_BYTES + 1);
    memset(huge, 'x', DRAFT_MAX_BYTES + 1);
    struct sv text = sv_of(huge, DRAFT_MAX_BYTES + 1);
    assert_int_equal(draft_put(fixture.store, SV("a"), text, 0, NULL), ERR_TOO_BIG);
    assert_int_equal(draft_put(fixture.store, SV("a"), SV("\xff"), 0, NULL), ERR_INVALID);
    assert_int_equal(draft_put(fixture.store, SV(""), SV("x"), 0, NULL), ERR_INVALID);
    assert_int_equal(draft_put(fixture.store, sv_take(text, 513), SV("x"), 0, NULL), ERR_INVALID);
    assert_int_equal(draft_put(fixture.store, SV("a"), sv_take(text, DRAFT_MAX_BYTES), 7, NULL),
                     ERR_OK);
    free(huge);
    assert_int_equal(store_close(fixture.store, fixture_soon(), NULL), ERR_OK);
    assert_int_equal(draft_put(fixture.store, SV("a"), SV("late"), 0, NULL), ERR_CLOSED);
    fixture_assert_query(&fixture, "SELECT length(text) FROM draft", "4194304");
    fixture_close(&fixture);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put__is_there_at_once_and_after_a_new_start),
        ON_BOTH(put__and_remove_are_seen_at_once),
        cmocka_unit_test(put__the_last_one_stands),
        cmocka_unit_test(remove__leaves_nothing_and_twice_is_fine),
        cmocka_unit_test(put__refuses_what_cannot_be_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
