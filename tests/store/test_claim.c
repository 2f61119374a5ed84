/* Claims: one of many gets the work, a dead or slow one loses it, what is done stays done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/claim.h"
#include "store/core_internal.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

#define HOUR CLOCK_S(3600)
#define RACERS 4

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

/* One process of a race: a round for each name that the pipe brings, one byte of answer for each;
 * an empty name ends it. */
static void race(const char *path, int orders, int answers)
{
    struct store_options options = {.path = path, .broker = broker_new(NULL)};
    struct store *store = NULL;
    char round[16] = "";
    if (store_open(&options, &store, NULL) || store_start(store, NULL) ||
        store_wait_ready(store, fixture_soon(), NULL) || write(answers, "r", 1) != 1) {
        _exit(1);
    }
    while (read(orders, round, sizeof(round)) == sizeof(round) && round[0]) {
        struct claim claim;
        enum claim_outcome outcome = CLAIM_HELD;
        if (claim_take(store, SV("race"), sv_from(round), HOUR, &claim, &outcome, NULL)) {
            _exit(1);
        }
        if (outcome == CLAIM_TAKEN && claim_finish(store, &claim, SV("won"), NULL)) {
            _exit(1);
        }
        if (write(answers, outcome == CLAIM_TAKEN ? "t" : "-", 1) != 1) {
            _exit(1);
        }
    }
    _exit(store_close(store, fixture_soon(), NULL) ? 1 : 0);
}

struct racer {
    pid_t pid;
    int orders, answers;
};

static struct racer start_racer(const char *path)
{
    int orders[2];
    int answers[2];
    assert_int_equal(pipe(orders), 0);
    assert_int_equal(pipe(answers), 0);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(60);
        (void)close(orders[1]);
        (void)close(answers[0]);
        race(path, orders[0], answers[1]);
    }
    (void)close(orders[0]);
    (void)close(answers[1]);
    return (struct racer){pid, orders[1], answers[0]};
}

static char answer_of(const struct racer *racer)
{
    char answer = '?';
    assert_int_equal(read(racer->answers, &answer, 1), 1);
    return answer;
}

static void sb11__of_four_processes_one_gets_the_claim(void **state)
{
    (void)state;
    struct fixture fixture;
    struct racer racers[RACERS];
    const char *wanted = getenv("WEIR_ROUNDS");
    int rounds = wanted ? (int)strtol(wanted, NULL, 10) : 20;
    fixture_open(&fixture, 0);
    assert_int_equal(store_close(fixture.store, fixture_soon(), NULL), ERR_OK);
    for (int i = 0; i < RACERS; i++) {
        racers[i] = start_racer(fixture.path);
    }
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(answer_of(&racers[i]), 'r');
    }
    for (int round = 0; round < rounds; round++) {
        char name[16] = "";
        int winners = 0;
        (void)snprintf(name, sizeof(name), "%d", round);
        for (int i = 0; i < RACERS; i++) {
            assert_int_equal(write(racers[i].orders, name, sizeof(name)), sizeof(name));
        }
        for (int i = 0; i < RACERS; i++) {
            winners += answer_of(&racers[i]) == 't';
        }
        assert_int_equal(winners, 1);
    }
    for (int i = 0; i < RACERS; i++) {
        int status = 1;
        const char end[16] = "";
        assert_int_equal(write(racers[i].orders, end, sizeof(end)), sizeof(end));
        (void)close(racers[i].orders);
        assert_int_equal(waitpid(racers[i].pid, &status, 0), racers[i].pid);
        assert_int_equal(status, 0);
        (void)close(racers[i].answers);
    }
    fixture_close(&fixture);
}

int main(void)
{
    alarm(120);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sb11__what_is_done_is_never_redone),
        ON_BOTH(sb11__a_claim_older_than_the_limit_is_taken_over),
        cmocka_unit_test(sb11__a_claim_of_a_process_that_is_gone_is_taken_over),
        cmocka_unit_test(sb11__a_claim_of_another_process_that_lives_is_held),
        cmocka_unit_test(sb11__a_claim_from_the_future_is_taken_over),
        ON_BOTH(sb11__what_is_released_is_free_at_once),
        cmocka_unit_test(sb11__of_four_processes_one_gets_the_claim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
