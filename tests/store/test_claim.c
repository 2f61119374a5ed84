/* Claims: one of many gets the work, a dead or slow one loses it, what is done stays done. */
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
#include "store/claim.h"
#include "store/core_internal.h"
#include "tests/store/race.h"
#include "tests/store/scratch.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

#define HOUR CLOCK_S(3600)

static enum claim_outcome take(struct fixture *fixture, const char *target, int64_t limit_us,
                               struct claim *ret_claim)
{
    enum claim_outcome outcome = CLAIM_HELD;
    struct err err = {ERR_OK, ""};
    if (claim_take(fixture->store, SV("title"), sv_from(target), limit_us, ret_claim, &outcome,
                   &err)) {
        fail_msg("%s", err.text);
    }
    return outcome;
}

static void sb11__what_is_done_is_never_redone(void **state)
{
    (void)state;
    struct fixture fixture;
    struct claim claim;
    char *result = NULL;
    fixture_open(&fixture, 0);
    assert_int_equal(take(&fixture, "s1", HOUR, &claim), CLAIM_TAKEN);
    assert_int_equal(claim_result(fixture.store, SV("title"), SV("s1"), &result, NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(claim_finish(fixture.store, &claim, SV("a title"), NULL), ERR_OK);
    assert_int_equal(take(&fixture, "s1", 0, &claim), CLAIM_DONE);
    assert_int_equal(claim_finish(fixture.store, &claim, SV("another"), NULL), ERR_GONE);
    fixture_reopen(&fixture);
    assert_int_equal(take(&fixture, "s1", 0, &claim), CLAIM_DONE);
    assert_int_equal(claim_result(fixture.store, SV("title"), SV("s1"), &result, NULL), ERR_OK);
    assert_string_equal(result, "a title");
    free(result);
    fixture_close(&fixture);
}

static void sb11__a_claim_older_than_the_limit_is_taken_over(void **state)
{
    struct fixture *fixture = *state;
    struct claim slow;
    struct claim quick;
    assert_int_equal(take(fixture, "s1", HOUR, &slow), CLAIM_TAKEN);
    assert_int_equal(take(fixture, "s1", HOUR, &quick), CLAIM_HELD);
    assert_int_equal(take(fixture, "s2", HOUR, &quick), CLAIM_TAKEN);
    assert_int_equal(take(fixture, "s1", 0, &quick), CLAIM_TAKEN);
    assert_int_equal(claim_finish(fixture->store, &slow, SV("late"), NULL), ERR_GONE);
    assert_int_equal(claim_release(fixture->store, &slow, NULL), ERR_OK);
    assert_int_equal(claim_finish(fixture->store, &quick, SV("in time"), NULL), ERR_OK);
    fixture_assert_query(fixture, "SELECT result FROM claim WHERE target = 's1'", "in time");
}

static void sb11__a_claim_of_a_process_that_is_gone_is_taken_over(void **state)
{
    (void)state;
    struct fixture fixture;
    struct claim claim;
    fixture_open(&fixture, 0);
    assert_int_equal(take(&fixture, "s1", HOUR, &claim), CLAIM_TAKEN);
    fixture_execute(&fixture, "UPDATE claim SET owner = '01ARZ3NDEKTSV4RRFFQ69G5FAV' || 'x'");
    assert_int_equal(take(&fixture, "s1", HOUR, &claim), CLAIM_TAKEN);
    fixture_close(&fixture);
}

static void sb11__a_claim_of_another_process_that_lives_is_held(void **state)
{
    (void)state;
    struct fixture fixture;
    struct claim claim;
    struct process_lock *other = NULL;
    fixture_open(&fixture, 0);
    assert_int_equal(process_lock_take(fixture.path, &other, NULL), ERR_OK);
    assert_int_equal(take(&fixture, "s1", HOUR, &claim), CLAIM_TAKEN);
    char *sql = xasprintf("UPDATE claim SET owner = '%s' || 'x'", process_lock_id(other)->text);
    fixture_execute(&fixture, sql);
    free(sql);
    assert_int_equal(take(&fixture, "s1", HOUR, &claim), CLAIM_HELD);
    process_lock_release(other);
    assert_int_equal(take(&fixture, "s1", HOUR, &claim), CLAIM_TAKEN);
    fixture_close(&fixture);
}

/* A clock that was set back must not hold up the work for as long. */
static void sb11__a_claim_from_the_future_is_taken_over(void **state)
{
    (void)state;
    struct fixture fixture;
    struct claim claim;
    fixture_open(&fixture, 0);
    assert_int_equal(take(&fixture, "s1", HOUR, &claim), CLAIM_TAKEN);
    fixture_execute(&fixture, "UPDATE claim SET claimed_at = claimed_at + 7200000000");
    assert_int_equal(take(&fixture, "s1", HOUR, &claim), CLAIM_TAKEN);
    fixture_close(&fixture);
}

static void sb11__what_is_released_is_free_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct claim claim;
    assert_int_equal(take(fixture, "s1", HOUR, &claim), CLAIM_TAKEN);
    assert_int_equal(claim_release(fixture->store, &claim, NULL), ERR_OK);
    assert_int_equal(claim_release(fixture->store, &claim, NULL), ERR_OK);
    assert_int_equal(take(fixture, "s1", HOUR, &claim), CLAIM_TAKEN);
    assert_int_equal(claim_take(fixture->store, SV(""), SV("x"), 0, &claim, NULL, NULL),
                     ERR_INVALID);
    assert_int_equal(claim_take(fixture->store, SV("x"), SV("\xff"), 0, &claim, NULL, NULL),
                     ERR_INVALID);
}

/* One name for each round: `given`. */
static enum err_code take_and_finish(struct store *store, int who UNUSED, const char *given,
                                     char text[64])
{
    struct claim claim;
    enum claim_outcome outcome = CLAIM_HELD;
    enum err_code code =
        claim_take(store, SV("race"), sv_from(given), HOUR, &claim, &outcome, NULL);
    (void)snprintf(text, 64, "%s", outcome == CLAIM_TAKEN ? "taken" : "");
    return code || outcome != CLAIM_TAKEN ? code : claim_finish(store, &claim, SV("won"), NULL);
}

static void sb11__of_four_processes_one_gets_the_claim(void **state)
{
    struct race_result results[RACERS];
    char *path = scratch_path(*state, "race.db");
    struct race *race = race_open(path, take_and_finish);
    for (int round = 0; round < race_rounds(); round++) {
        char name[16];
        int winners = 0;
        (void)snprintf(name, sizeof(name), "%d", round);
        race_round(race, name, results);
        for (int i = 0; i < RACERS; i++) {
            assert_int_equal(results[i].code, ERR_OK);
            winners += strcmp(results[i].text, "taken") == 0;
        }
        assert_int_equal(winners, 1);
    }
    race_close(race);
    free(path);
}

int main(void)
{
    alarm(300);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sb11__what_is_done_is_never_redone),
        ON_BOTH(sb11__a_claim_older_than_the_limit_is_taken_over),
        cmocka_unit_test(sb11__a_claim_of_a_process_that_is_gone_is_taken_over),
        cmocka_unit_test(sb11__a_claim_of_another_process_that_lives_is_held),
        cmocka_unit_test(sb11__a_claim_from_the_future_is_taken_over),
        ON_BOTH(sb11__what_is_released_is_free_at_once),
        SCRATCH_TEST(sb11__of_four_processes_one_gets_the_claim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
