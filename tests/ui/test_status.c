/* The status line: golden texts, and the moments at which they change by themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "base/clock.h"
#include "ui/status.h"

#include <cmocka.h>

#define NOW CLOCK_S(1000)

static struct status_facts idle(void)
{
    return (struct status_facts){
        .model = "demo/echo",
        .answer = {.why = "", .usage = usage_unknown()},
        .follows = true,
        .silence_us = CLOCK_S(15),
        .now_us = NOW,
    };
}

static void assert_status(const struct status_facts *facts, const char *text, int64_t next_us)
{
    struct buf out = BUF_INIT(1000);
    status_text(facts, &out);
    assert_string_equal(buf_cstr(&out), text);
    assert_true(status_next_change(facts) == next_us);
    buf_release(&out);
}

static void the_hint__is_the_end_of_it(void **state)
{
    (void)state;
    struct status_facts facts = idle();
    assert_string_equal(status_hint(&facts), "/help");
    facts.answer.running = true;
    assert_string_equal(status_hint(&facts), "Esc cancels");
    facts.follows = false;
    assert_string_equal(status_hint(&facts), "Ctrl-End goes to the end");
}

static void context_cost_and_others__are_told_where_they_are_known(void **state)
{
    (void)state;
    struct status_facts facts = idle();
    facts.context = 200000;
    facts.cost_micros = 0;
    assert_status(&facts, "demo/echo · ready · /help", CLOCK_NEVER);
    facts.answer.usage.input_tokens = 40000;
    facts.answer.usage.output_tokens = 10000;
    facts.cost_micros = 12301;
    assert_status(&facts,
                  "demo/echo · ready · 40000 in · 10000 out · 25% of 200k · $0.0124 · /help",
                  CLOCK_NEVER);
    /* What came from the cache, or went into it, stands in the window, too. */
    facts.answer.usage.cache_read_tokens = 30000;
    facts.answer.usage.cache_write_tokens = 20000;
    assert_status(&facts,
                  "demo/echo · ready · 40000 in · 10000 out · 50% of 200k · $0.0124 · /help",
                  CLOCK_NEVER);
    facts.answer.usage = usage_unknown();
    facts.cost_micros = 3456789;
    facts.others_failed = 1;
    assert_status(&facts, "demo/echo · ready · elsewhere: 1 failed · $3.45 · /help", CLOCK_NEVER);
    facts.cost_estimated = true;
    assert_status(&facts, "demo/echo · ready · elsewhere: 1 failed · ~$3.45 · /help", CLOCK_NEVER);
    facts.cost_micros = 12301;
    assert_status(&facts, "demo/echo · ready · elsewhere: 1 failed · ~$0.0124 · /help",
                  CLOCK_NEVER);
    facts.others_ended = 2;
    facts.cost_micros = 0;
    assert_status(&facts, "demo/echo · ready · elsewhere: 2 answered, 1 failed · /help",
                  CLOCK_NEVER);
}

static void an_idle_screen__never_wakes_up(void **state)
{
    (void)state;
    struct status_facts facts = idle();
    assert_status(&facts, "demo/echo · ready · /help", CLOCK_NEVER);
    facts.model = NULL;
    facts.waiting_since_us = NOW - CLOCK_S(50);
    assert_status(&facts, "ready · /help", CLOCK_NEVER);
    facts.follows = false;
    assert_status(&facts, "ready · Ctrl-End goes to the end", CLOCK_NEVER);
}

static void the_last_end__is_named_until_something_follows(void **state)
{
    (void)state;
    struct status_facts facts = idle();
    facts.answer.ended = true;
    facts.answer.usage.input_tokens = 12;
    facts.answer.usage.output_tokens = 0;
    facts.answer.reason = FINISH_CANCELED;
    assert_status(&facts, "demo/echo · cancelled · 12 in · 0 out · /help", CLOCK_NEVER);
    facts.answer.reason = FINISH_ERROR;
    assert_status(&facts, "demo/echo · failed · 12 in · 0 out · /help", CLOCK_NEVER);
    facts.answer.reason = FINISH_END_TURN;
    assert_status(&facts, "demo/echo · ready · 12 in · 0 out · /help", CLOCK_NEVER);
}

static void an_awaited_answer__counts_its_seconds(void **state)
{
    (void)state;
    struct status_facts facts = idle();
    facts.sending = true;
    facts.waiting_since_us = NOW - CLOCK_MS(3400);
    assert_status(&facts, "demo/echo · sending · Esc cancels", CLOCK_NEVER);
    facts.sending = false;
    facts.answer.running = true;
    assert_status(&facts, "demo/echo · waiting 3 s · Esc cancels", NOW + CLOCK_MS(600));
    facts.waiting_since_us = NOW;
    assert_status(&facts, "demo/echo · waiting 0 s · Esc cancels", NOW + CLOCK_S(1));
    facts.waiting_since_us = 0;
    assert_status(&facts, "demo/echo · waiting · Esc cancels", CLOCK_NEVER);
    facts.answer.content = true;
    facts.waiting_since_us = NOW;
    assert_status(&facts, "demo/echo · streaming · Esc cancels", CLOCK_NEVER);
    facts.cancelling = true;
    assert_status(&facts, "demo/echo · cancelling · Esc cancels", CLOCK_NEVER);
}

static void a_retry__counts_down(void **state)
{
    (void)state;
    struct status_facts facts = idle();
    facts.answer.running = true;
    facts.answer.why = "rate limit";
    facts.answer.retry_us = NOW + CLOCK_MS(2500);
    facts.answer.retry = 2;
    facts.answer.retries = 4;
    facts.waiting_since_us = NOW - CLOCK_S(9);
    assert_status(&facts, "demo/echo · retry 2 of 4 in 3 s: rate limit · Esc cancels",
                  NOW + CLOCK_MS(500));
    facts.answer.retry_us = NOW + CLOCK_S(2);
    assert_status(&facts, "demo/echo · retry 2 of 4 in 2 s: rate limit · Esc cancels",
                  NOW + CLOCK_S(1));
    facts.answer.retry_us = NOW;
    assert_status(&facts, "demo/echo · waiting 9 s · Esc cancels", NOW + CLOCK_S(1));
}

static void silence_in_an_answer__is_said_after_fifteen_seconds(void **state)
{
    (void)state;
    struct status_facts facts = idle();
    facts.answer.running = facts.answer.content = true;
    facts.answer.changed_us = NOW - CLOCK_S(14);
    assert_status(&facts, "demo/echo · streaming · Esc cancels", NOW + CLOCK_S(1));
    facts.answer.changed_us = NOW - CLOCK_MS(15200);
    assert_status(&facts, "demo/echo · nothing new for 15 s · Esc cancels", NOW + CLOCK_MS(800));
    facts.cancelling = true;
    assert_status(&facts, "demo/echo · cancelling · Esc cancels", CLOCK_NEVER);
}

static void what_is_not_saved__is_said_with_its_reason(void **state)
{
    (void)state;
    struct status_facts facts = idle();
    facts.answer.unsaved = true;
    assert_status(&facts, "demo/echo · ready · not saved yet · /help", CLOCK_NEVER);
    facts.answer.why = "database is locked";
    assert_status(&facts, "demo/echo · ready · not saved yet: database is locked · /help",
                  CLOCK_NEVER);
    facts.store_trouble = "disk is full";
    assert_status(&facts, "demo/echo · ready · not saved yet: disk is full · /help", CLOCK_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hint__is_the_end_of_it),
        cmocka_unit_test(context_cost_and_others__are_told_where_they_are_known),
        cmocka_unit_test(an_idle_screen__never_wakes_up),
        cmocka_unit_test(the_last_end__is_named_until_something_follows),
        cmocka_unit_test(an_awaited_answer__counts_its_seconds),
        cmocka_unit_test(a_retry__counts_down),
        cmocka_unit_test(silence_in_an_answer__is_said_after_fifteen_seconds),
        cmocka_unit_test(what_is_not_saved__is_said_with_its_reason),
    };
    alarm(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
