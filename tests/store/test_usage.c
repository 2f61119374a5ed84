/* Bursts of finished answers, and reports of what answers used. */
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
#include "store/burst.h"
#include "store/history.h"
#include "store/usage.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

static struct turn unanswered_turn(struct fixture *fixture)
{
    struct err err;
    struct turn turn;
    struct turn_request request = {.prompt = SV("q"), .unanswered = true};
    assert_int_equal(turn_begin(fixture->store, &request, fixture_soon(), &turn, &err), ERR_OK);
    return turn;
}

static struct burst_item item_of(const char *text, const char *model, int64_t ended_us)
{
    struct message *message = message_new();
    message->model = xstrdup(model);
    message->reason = FINISH_END_TURN;
    message->created_us = ended_us - 1;
    message->ended_us = ended_us;
    message->usage.input_tokens = 10;
    message->usage.cost_micros = 5;
    message_add_part(message, PART_TEXT, sv_from(text));
    return (struct burst_item){.message = message};
}

static void sb9__a_burst_is_stored_whole_in_order_with_all_its_fields(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct history_page page;
    struct turn found;
    struct turn turn = unanswered_turn(fixture);
    struct burst_item items[2] = {item_of("one", "p/m", 2000), item_of("two", "p/m", 3000)};
    items[0].message->id = ulid_new();
    items[0].message->reason = FINISH_MAX_TOKENS;
    struct ulid first = items[0].message->id;
    items[1].continues = first;
    items[1].response_id = xstrdup("gen-2");
    items[1].action = xstrdup("reply");
    assert_int_equal(burst_insert(fixture->store, &turn.id, items, 2, &err), ERR_OK);
    assert_int_equal(history_after(fixture->store, &turn.session, -1, 10, &page, &err), ERR_OK);
    assert_int_equal(page.count, 3);
    assert_string_equal(page.messages[1]->id.text, first.text);
    assert_int_equal(page.messages[1]->reason, FINISH_MAX_TOKENS);
    assert_string_equal(page.messages[2]->parts[0].text, "two");
    assert_int_equal(page.messages[2]->usage.input_tokens, 10);
    assert_int_equal(page.messages[2]->usage.output_tokens, USAGE_UNKNOWN);
    history_page_release(&page);
    fixture_assert_query(fixture,
                         "SELECT m.action || ' ' || a.response_id || ' ' || c.seq FROM message m"
                         " JOIN message c ON c.id = m.continues JOIN attempt a ON a.answer = m.id",
                         "reply gen-2 2");
    /* The turn has its answer now: the last one. */
    assert_int_equal(turn_find(fixture->store, &turn.id, &found, &err), ERR_OK);
    assert_int_equal(found.outcome, TURN_REPLAY);
    assert_string_not_equal(found.answer.text, first.text);
    fixture_assert_query(fixture, "SELECT message_count || ' ' || input_tokens FROM session",
                         "3 20");
    fixture_assert_query(fixture, "SELECT count(*) FROM budget", "0");
    fixture_assert_query(fixture,
                         "SELECT group_concat(DISTINCT p.external_id) FROM message m"
                         " JOIN participant p ON p.id = m.participant WHERE m.role = 'assistant'",
                         "p/m");
}

static void sb9__an_empty_burst_is_none_and_a_bad_one_writes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct turn turn = unanswered_turn(fixture);
    assert_int_equal(burst_insert(fixture->store, &turn.id, NULL, 0, &err), ERR_OK);
    struct burst_item items[2] = {item_of("one", "p/m", 2000), item_of("two", "p/m", 3000)};
    items[1].continues = ulid_new();
    assert_int_equal(burst_insert(fixture->store, &turn.id, items, 2, &err), ERR_NOT_FOUND);
    struct burst_item twice[2] = {item_of("one", "p/m", 2000), item_of("two", "p/m", 3000)};
    twice[0].message->id = ulid_new();
    twice[1].message->id = twice[0].message->id;
    assert_int_equal(burst_insert(fixture->store, &turn.id, twice, 2, &err), ERR_EXISTS);
    struct burst_item lost = item_of("one", "p/m", 2000);
    struct ulid unknown = ulid_new();
    assert_int_equal(burst_insert(fixture->store, &unknown, &lost, 1, &err), ERR_NOT_FOUND);
    char *long_text = xcalloc(1, BURST_MAX_BYTES + 2);
    memset(long_text, 'x', BURST_MAX_BYTES + 1);
    struct burst_item big = item_of(long_text, "p/m", 2000);
    free(long_text);
    assert_int_equal(burst_insert(fixture->store, &turn.id, &big, 1, &err), ERR_TOO_BIG);
    fixture_assert_query(fixture, "SELECT count(*) FROM message", "1");
}

static void assert_row(const struct usage_row *row, const char *name, int64_t messages,
                       int64_t cost)
{
    assert_string_equal(row->name, name);
    assert_int_equal(row->messages, messages);
    assert_int_equal(row->cost_micros, cost);
}

static struct usage_report report_of(struct fixture *fixture, enum usage_group group)
{
    struct err err;
    struct usage_report report;
    assert_int_equal(usage_report(fixture->store, group, 0, INT64_MAX, &report, &err), ERR_OK);
    return report;
}

static void a_report__sums_by_day_model_session_and_label(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    setenv("TZ", "UTC", 1);
    tzset();
    fixture_open(&fixture, CLOCK_MS(5));
    struct turn turn = unanswered_turn(&fixture);
    struct burst_item items[3] = {item_of("1", "p/b", CLOCK_S(10)),
                                  item_of("2", "p/a", CLOCK_S(20)),
                                  item_of("3", "p/b", CLOCK_S(86410))};
    items[2].message->usage.cost_micros = USAGE_UNKNOWN;
    assert_int_equal(burst_insert(fixture.store, &turn.id, items, 3, &err), ERR_OK);
    fixture_execute(&fixture, "INSERT INTO label SELECT id, 'x', 1 FROM session");
    fixture_execute(&fixture, "INSERT INTO label SELECT id, 'y', 1 FROM session");

    struct usage_report report = report_of(&fixture, USAGE_BY_DAY);
    assert_int_equal(report.count, 2);
    assert_row(&report.rows[0], "1970-01-01", 2, 10);
    assert_row(&report.rows[1], "1970-01-02", 1, 0);
    assert_int_equal(report.rows[1].unknown_costs, 1);
    assert_int_equal(report.total.messages, 3);
    usage_report_release(&report);
    report = report_of(&fixture, USAGE_BY_MODEL);
    assert_int_equal(report.count, 2);
    assert_row(&report.rows[0], "p/a", 1, 5);
    assert_row(&report.rows[1], "p/b", 2, 5);
    usage_report_release(&report);
    report = report_of(&fixture, USAGE_BY_SESSION);
    assert_int_equal(report.count, 1);
    assert_row(&report.rows[0], turn.session.text, 3, 10);
    usage_report_release(&report);
    report = report_of(&fixture, USAGE_BY_LABEL);
    assert_int_equal(report.count, 2);
    assert_row(&report.rows[1], "y", 3, 10);
    assert_int_equal(report.total.messages, 3);
    usage_report_release(&report);
    usage_report_release(&report);
    assert_int_equal(
        usage_report(fixture.store, USAGE_BY_DAY, CLOCK_S(20), CLOCK_S(86410), &report, &err),
        ERR_OK);
    assert_int_equal(report.total.messages, 1);
    usage_report_release(&report);
    fixture_close(&fixture);
}

static void an_estimate__is_known_of_its_own_session(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct turn told = unanswered_turn(fixture);
    struct turn mixed = unanswered_turn(fixture);
    struct burst_item items[2] = {item_of("1", "p/m", 2000), item_of("2", "p/m", 3000)};
    assert_int_equal(burst_insert(fixture->store, &told.id, items, 2, &err), ERR_OK);
    assert_false(usage_is_estimated(fixture->store, &told.session));
    struct burst_item free_of_charge = item_of("3", "p/m", 4000);
    free_of_charge.message->usage.cost_micros = 0;
    free_of_charge.message->usage.cost_estimated = true;
    struct burst_item priced[2] = {item_of("4", "p/m", 2000), free_of_charge};
    assert_int_equal(burst_insert(fixture->store, &mixed.id, priced, 2, &err), ERR_OK);
    assert_false(usage_is_estimated(fixture->store, &mixed.session));
    struct turn later;
    struct turn_request request = {.session = mixed.session, .prompt = SV("q"), .unanswered = true};
    assert_int_equal(turn_begin(fixture->store, &request, fixture_soon(), &later, &err), ERR_OK);
    struct burst_item estimated = item_of("5", "p/m", 5000);
    estimated.message->usage.cost_estimated = true;
    assert_int_equal(burst_insert(fixture->store, &later.id, &estimated, 1, &err), ERR_OK);
    assert_true(usage_is_estimated(fixture->store, &mixed.session));
    assert_false(usage_is_estimated(fixture->store, &told.session));
    assert_false(usage_is_estimated(fixture->store, &(struct ulid){""}));
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        ON_BOTH(sb9__a_burst_is_stored_whole_in_order_with_all_its_fields),
        ON_BOTH(sb9__an_empty_burst_is_none_and_a_bad_one_writes_nothing),
        ON_BOTH(an_estimate__is_known_of_its_own_session),
        cmocka_unit_test(a_report__sums_by_day_model_session_and_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
