/* Budgets: reserved before, settled after, held across processes. */
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
#include "base/thread.h"
#include "store/budget.h"
#include "store/store_internal.h"
#include "tests/store/race.h"
#include "tests/store/scratch.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

static struct budget_claim claim_of(int64_t amount, int64_t daily)
{
    struct budget_claim claim = {.amount_micros = amount, .limits = budget_unlimited()};
    claim.limits.daily_micros = daily;
    return claim;
}

/* A turn, and what its attempt may cost. A refused one is ended. */
static enum err_code try_turn(struct store *store, const struct budget_claim *claim,
                              struct turn *ret_turn, struct err *err)
{
    struct turn_request request = {.prompt = SV("q"), .model = SV("p/m")};
    enum err_code code = turn_begin(store, &request, fixture_soon(), ret_turn, err);
    if (code || !claim) {
        return code;
    }
    code = budget_reserve(store, &ret_turn->attempt, claim, err);
    if (code) {
        struct err ignored;
        struct stream_event event = {
            .kind = STREAM_ERROR, .reason = FINISH_ERROR, .error = code, .text = SV("no")};
        assert_int_equal(
            message_apply_wait(store, &ret_turn->answer, &event, fixture_soon(), &ignored), ERR_OK);
    }
    return code;
}

static struct turn begin(struct fixture *fixture, const struct budget_claim *claim)
{
    struct err err;
    struct turn turn = {.existed = false};
    if (try_turn(fixture->store, claim, &turn, &err)) {
        fail_msg("%s", err.text);
    }
    return turn;
}

/* `cost` USAGE_UNKNOWN: the provider says nothing. */
static void end(struct fixture *fixture, const struct turn *turn, int64_t cost)
{
    struct stream_event usage = {.kind = STREAM_USAGE, .usage = usage_unknown()};
    usage.usage.input_tokens = 100;
    usage.usage.output_tokens = 20;
    usage.usage.cost_micros = cost;
    fixture_apply(fixture, &turn->answer, usage);
    fixture_end(fixture, turn, FINISH_END_TURN);
}

/* "spent reserved calls" of one row. */
static void assert_row(struct fixture *fixture, const char *where, const char *expected)
{
    char *sql = xasprintf("SELECT spent_micros || ' ' || reserved_micros || ' ' || calls"
                          " FROM budget WHERE %s",
                          where);
    fixture_assert_query(fixture, sql, expected);
    free(sql);
}

static void sc7__reserving_adds_to_four_rows_and_settling_books_what_it_cost(void **state)
{
    struct fixture *fixture = *state;
    struct budget_claim claim = claim_of(500, BUDGET_NO_LIMIT);
    struct turn turn = begin(fixture, &claim);
    fixture_assert_query(fixture, "SELECT count(*) FROM budget WHERE reserved_micros = 500", "4");
    end(fixture, &turn, 320);
    fixture_assert_query(fixture,
                         "SELECT count(*) FROM budget WHERE reserved_micros = 0 AND spent_micros ="
                         " 320 AND calls = 1",
                         "4");
    fixture_assert_query(fixture, "SELECT count(*) FROM reservation", "0");
    /* More than was promised is booked, too. */
    turn = begin(fixture, &claim);
    end(fixture, &turn, 700);
    assert_row(fixture, "period = 'daily' AND bucket = 'total'", "1020 0 2");
    assert_row(fixture, "period = 'monthly' AND bucket = 'model:p/m'", "1020 0 2");
    fixture_assert_query(fixture,
                         "SELECT DISTINCT substr(starts_on, 9) FROM budget WHERE period ="
                         " 'monthly'",
                         "01");
}

static void sc8__tokens_and_tools_are_booked_on_the_total_only(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    char day[CLOCK_DAY_SIZE];
    int64_t calls = -1;
    struct turn turn = begin(fixture, NULL);
    end(fixture, &turn, USAGE_UNKNOWN);
    fixture_assert_query(fixture,
                         "SELECT group_concat(input_tokens || '/' || output_tokens) FROM (SELECT *"
                         " FROM budget WHERE period = 'daily' ORDER BY bucket)",
                         "0/0,100/20");
    clock_local_day(clock_wall_us(), day);
    assert_int_equal(budget_count_tool(fixture->store, "web_search", 0, &err), ERR_OK);
    assert_int_equal(budget_tool_calls(fixture->store, day, "web_search", &calls, &err), ERR_OK);
    assert_int_equal(calls, 0);
    assert_int_equal(budget_count_tool(fixture->store, "web_search", 2, &err), ERR_OK);
    assert_int_equal(budget_count_tool(fixture->store, "web_search", 1, &err), ERR_OK);
    assert_int_equal(budget_tool_calls(fixture->store, day, "web_search", &calls, &err), ERR_OK);
    assert_int_equal(calls, 3);
    fixture_assert_query(fixture,
                         "SELECT group_concat(tool_calls) FROM (SELECT * FROM budget WHERE period ="
                         " 'daily' ORDER BY bucket)",
                         "0,3");
}

static enum err_code run_sql(void *state, struct db *db, struct err *err)
{
    return db_exec(db, state, err);
}

static void sc9__all_rows_are_listed_newest_first(void **state)
{
    static const struct store_write write = {.run = run_sql, .free_state = free};
    struct fixture *fixture = *state;
    struct err err;
    struct budget_list list;
    char *sql = xstrdup("INSERT INTO budget (period, starts_on, bucket, spent_micros) VALUES"
                        " ('daily', '2026-01-02', 'total', 5), ('daily', '2026-01-03',"
                        " 'total', 6), ('monthly', '2026-01-01', 'total', 11)");
    assert_int_equal(store_write(fixture->store, &write, &sql, &err), ERR_OK);
    free(sql);
    assert_int_equal(budget_list(fixture->store, NULL, &list, &err), ERR_OK);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.rows[0].starts_on, "2026-01-03");
    assert_int_equal(list.rows[0].spent_micros, 6);
    assert_string_equal(list.rows[1].bucket, "total");
    assert_true(list.rows[2].monthly);
    budget_list_release(&list);
    budget_list_release(&list);
    assert_int_equal(budget_list(fixture->store, "2026-01-03", &list, &err), ERR_OK);
    assert_int_equal(list.count, 1);
    budget_list_release(&list);
}

static void sc10__what_would_pass_a_limit_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct turn refused;
    struct budget_claim claim = claim_of(600, 1000);
    struct turn turn = begin(fixture, &claim);
    assert_int_equal(try_turn(fixture->store, &claim, &refused, &err), ERR_BUDGET);
    assert_string_equal(err.text, "the daily budget of $0.001 is reached: $0.0006 is spent or"
                                  " promised, this needs up to $0.0006");
    fixture_assert_query(fixture,
                         "SELECT sum(reserved_micros) FROM budget WHERE bucket ="
                         " 'total' AND period = 'daily'",
                         "600");
    fixture_assert_query(fixture, "SELECT error FROM message WHERE error IS NOT NULL",
                         "ERR_BUDGET");
    /* To the limit, not beyond. */
    claim.amount_micros = 400;
    struct turn second = begin(fixture, &claim);
    end(fixture, &turn, 600);
    end(fixture, &second, 400);
    claim.amount_micros = 1;
    assert_int_equal(try_turn(fixture->store, &claim, &refused, &err), ERR_BUDGET);
    /* What costs nothing passes a limit that is reached, and none that is passed. */
    claim.amount_micros = 0;
    second = begin(fixture, &claim);
    end(fixture, &second, 1);
    assert_int_equal(try_turn(fixture->store, &claim, &refused, &err), ERR_BUDGET);
    claim = claim_of(1, BUDGET_NO_LIMIT);
    claim.limits.model_monthly_micros = 1001;
    assert_int_equal(try_turn(fixture->store, &claim, &refused, &err), ERR_BUDGET);
    assert_non_null(strstr(err.text, "monthly model budget"));
    claim.limits.model_monthly_micros = 1002;
    begin(fixture, &claim);
}

static void sc10__recovery_releases_what_a_process_that_is_gone_had_reserved(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, CLOCK_MS(5));
    struct budget_claim claim = claim_of(500, BUDGET_NO_LIMIT);
    struct turn turn = begin(&fixture, &claim);
    (void)turn;
    fixture_execute(&fixture, "UPDATE attempt SET owner = '01ARZ3NDEKTSV4RRFFQ69G5FAV'");
    fixture_reopen(&fixture);
    fixture_assert_query(&fixture,
                         "SELECT sum(reserved_micros) || ' ' || sum(spent_micros)"
                         " FROM budget",
                         "0 0");
    fixture_assert_query(&fixture, "SELECT count(*) FROM reservation", "0");
    fixture_assert_query(&fixture, "SELECT state FROM session", "interrupted");
    fixture_close(&fixture);
}

static void sc4__of_two_that_end_an_attempt_one_books_it(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, CLOCK_MS(5));
    struct budget_claim claim = claim_of(500, BUDGET_NO_LIMIT);
    struct turn turn = begin(&fixture, &claim);
    /* Another process has ended it and released the reservation. */
    fixture_execute(&fixture, "UPDATE attempt SET state = 'interrupted'; DELETE FROM reservation;"
                              " UPDATE budget SET reserved_micros = 0");
    end(&fixture, &turn, 320);
    fixture_assert_query(&fixture, "SELECT sum(spent_micros) || ' ' || sum(calls) FROM budget",
                         "0 0");
    fixture_close(&fixture);
}

struct ender {
    struct fixture *fixture;
    const struct turn *turn;
    enum err_code code;
};

static void *end_it(void *arg)
{
    struct ender *self = arg;
    struct stream_event event = fixture_finish(FINISH_END_TURN);
    self->code =
        message_apply_wait(self->fixture->store, &self->turn->answer, &event, fixture_soon(), NULL);
    return NULL;
}

static void sc4__of_many_that_end_an_answer_at_once_one_does(void **state)
{
    struct fixture *fixture = *state;
    struct ender enders[8];
    pthread_t threads[COUNT_OF(enders)];
    int won = 0;
    struct budget_claim claim = claim_of(500, BUDGET_NO_LIMIT);
    struct turn turn = begin(fixture, &claim);
    for (size_t i = 0; i < COUNT_OF(enders); i++) {
        enders[i] = (struct ender){.fixture = fixture, .turn = &turn};
        assert_int_equal(thread_start(&threads[i], "ender", end_it, &enders[i], NULL), ERR_OK);
    }
    for (size_t i = 0; i < COUNT_OF(enders); i++) {
        pthread_join(threads[i], NULL);
        won += enders[i].code == ERR_OK;
    }
    assert_int_equal(won, 1);
    assert_row(fixture, "period = 'daily' AND bucket = 'total'", "0 0 1");
    fixture_assert_query(fixture, "SELECT state || (ended_at > 0) FROM turn", "completed1");
}

static void an_attempt_that_has_ended__reserves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct budget_claim claim = claim_of(500, BUDGET_NO_LIMIT);
    struct turn turn = begin(fixture, NULL);
    end(fixture, &turn, 1);
    assert_int_equal(budget_reserve(fixture->store, &turn.attempt, &claim, &err), ERR_NOT_FOUND);
    turn = begin(fixture, &claim);
    /* Twice is once. */
    assert_int_not_equal(budget_reserve(fixture->store, &turn.attempt, &claim, &err), ERR_OK);
    assert_row(fixture, "period = 'daily' AND bucket = 'total'", "1 500 1");
}

static enum err_code ask(struct store *store, int who UNUSED, const char *given, char text[64])
{
    struct turn turn;
    struct err err;
    /* Each round has room for one more. */
    struct budget_claim claim = claim_of(100, 100 * strtol(given, NULL, 10));
    enum err_code code = try_turn(store, &claim, &turn, &err);
    snprintf(text, 64, "%s", code == ERR_OK ? "passed" : "refused");
    return code == ERR_BUDGET ? ERR_OK : code;
}

static void sc10__of_four_processes_at_the_last_of_a_budget_one_passes(void **state)
{
    struct race_result results[RACERS];
    char *path = scratch_path(*state, "race.db");
    struct race *race = race_open(path, ask);
    for (int round = 1; round <= race_rounds(); round++) {
        char given[16];
        int passed = 0;
        snprintf(given, sizeof(given), "%d", round);
        race_round(race, given, results);
        for (int i = 0; i < RACERS; i++) {
            assert_int_equal(results[i].code, ERR_OK);
            passed += strcmp(results[i].text, "passed") == 0;
        }
        assert_int_equal(passed, 1);
    }
    race_close(race);
    free(path);
}

int main(void)
{
    alarm(300);
    const struct CMUnitTest tests[] = {
        ON_BOTH(sc7__reserving_adds_to_four_rows_and_settling_books_what_it_cost),
        ON_BOTH(sc8__tokens_and_tools_are_booked_on_the_total_only),
        ON_BOTH(sc9__all_rows_are_listed_newest_first),
        ON_BOTH(sc4__of_many_that_end_an_answer_at_once_one_does),
        ON_BOTH(sc10__what_would_pass_a_limit_is_refused),
        ON_BOTH(an_attempt_that_has_ended__reserves_nothing),
        cmocka_unit_test(sc10__recovery_releases_what_a_process_that_is_gone_had_reserved),
        cmocka_unit_test(sc4__of_two_that_end_an_attempt_one_books_it),
        SCRATCH_TEST(sc10__of_four_processes_at_the_last_of_a_budget_one_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
