/* Spending: what an answer has cost whose provider did not say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "app/spending.h"

#include <cmocka.h>

/* Dollars for a million tokens are micro-dollars for one. */
#define IN 3
#define OUT 15

static struct model_facts priced(void)
{
    struct model_facts facts = model_facts_unknown();
    facts.price.input = IN * INT64_C(1000000);
    facts.price.output = OUT * INT64_C(1000000);
    return facts;
}

static void take(struct spending *spending, enum stream_kind kind, size_t bytes)
{
    static const char text[64] = "";
    const struct stream_event event = {.kind = kind, .text = sv_of(text, bytes)};
    spending_take(spending, &event);
}

static void report(struct spending *spending, int64_t input, int64_t output)
{
    struct stream_event event = {.kind = STREAM_USAGE, .usage = usage_unknown()};
    event.usage.input_tokens = input;
    event.usage.output_tokens = output;
    spending_take(spending, &event);
}

static int64_t cost(const struct spending *spending, struct usage *ret_usage)
{
    struct model_facts facts = priced();
    *ret_usage = usage_unknown();
    return spending_estimate(spending, &facts, ret_usage) ? ret_usage->cost_micros : -1;
}

static void estimate__of_a_silent_provider_is_by_bytes_and_leaves_tokens_unknown(void **state)
{
    (void)state;
    struct spending spending;
    struct usage usage;
    spending_begin(&spending, 300);
    assert_int_equal(cost(&spending, &usage), 100 * IN);
    take(&spending, STREAM_REASONING, 10);
    take(&spending, STREAM_TEXT, 10);
    take(&spending, STREAM_TOOL_INPUT, 11);
    take(&spending, STREAM_NATIVE, 50);
    assert_int_equal(cost(&spending, &usage), 100 * IN + 11 * OUT);
    assert_true(usage.cost_estimated);
    assert_int_equal(usage.input_tokens, USAGE_UNKNOWN);
    assert_int_equal(usage.output_tokens, USAGE_UNKNOWN);
}

static void estimate__counts_only_what_came_after_the_last_report(void **state)
{
    (void)state;
    struct spending spending;
    struct usage usage;
    spending_begin(&spending, 300);
    report(&spending, 40, USAGE_UNKNOWN); /* as Anthropic's begins */
    take(&spending, STREAM_TEXT, 30);
    assert_int_equal(cost(&spending, &usage), 40 * IN + 10 * OUT);
    assert_int_equal(usage.input_tokens, 40);
    assert_int_equal(usage.output_tokens, USAGE_UNKNOWN);
    report(&spending, 40, 12); /* as vLLM's, with every piece */
    assert_int_equal(cost(&spending, &usage), -1);
    take(&spending, STREAM_TEXT, 3);
    assert_int_equal(cost(&spending, &usage), 40 * IN + 13 * OUT);
    assert_int_equal(usage.output_tokens, 12);
}

static void estimate__of_a_report_without_output_keeps_the_text_that_came_before_it(void **state)
{
    (void)state;
    struct spending spending;
    struct usage usage;
    spending_begin(&spending, 300);
    take(&spending, STREAM_TEXT, 30);
    report(&spending, 40, USAGE_UNKNOWN);
    assert_int_equal(cost(&spending, &usage), 40 * IN + 10 * OUT);
}

static void estimate__leaves_the_providers_own_word(void **state)
{
    (void)state;
    struct spending spending;
    struct usage usage;
    spending_begin(&spending, 300);
    struct stream_event event = {.kind = STREAM_USAGE, .usage = usage_unknown()};
    event.usage.cost_micros = 7;
    spending_take(&spending, &event);
    take(&spending, STREAM_TEXT, 30);
    assert_int_equal(cost(&spending, &usage), -1);
}

static void estimate__is_none_without_a_request_or_a_price(void **state)
{
    (void)state;
    struct spending spending = {0};
    struct usage usage;
    assert_int_equal(cost(&spending, &usage), -1);
    spending_begin(&spending, 300);
    struct model_facts facts = model_facts_unknown();
    assert_false(spending_estimate(&spending, &facts, &usage));
    facts = priced();
    take(&spending, STREAM_TEXT, 3);
    facts.price.output = MONEY_UNKNOWN;
    assert_false(spending_estimate(&spending, &facts, &usage));
    facts.price = (struct model_price){0, 0, 0, 0};
    assert_false(spending_estimate(&spending, &facts, &usage));
}

static void estimate__is_never_below_what_a_budget_reserves_for_the_same_tokens(void **state)
{
    (void)state;
    struct model_facts facts = priced();
    facts.price.cache_write = 2 * facts.price.input;
    struct spending spending;
    struct usage usage;
    spending_begin(&spending, 3000);
    take(&spending, STREAM_TEXT, 60);
    assert_true(spending_estimate(&spending, &facts, &usage));
    assert_int_equal(usage.cost_micros, model_estimate(&facts, 3000, 20));
    assert_int_equal(usage.cost_micros, 1000 * 2 * IN + 20 * OUT);
}

static void expect__of_a_request_is_what_is_estimated_once_it_was_cut(void **state)
{
    (void)state;
    struct spending spending;
    struct expected_cost expected;
    struct model_facts facts = priced();
    facts.price.cache_write = 2 * facts.price.input;
    spending_begin(&spending, 3000);
    assert_true(spending_expect(&spending, &facts, &expected));
    assert_int_equal(expected.request_micros, model_estimate(&facts, 3000, 0));
    assert_int_equal(expected.answer_micros, 333334 * OUT);
    facts.price.output = MONEY_UNKNOWN;
    assert_false(spending_expect(&spending, &facts, &expected));
    facts.price = (struct model_price){0, 0, 0, 0};
    assert_false(spending_expect(&spending, &facts, &expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimate__of_a_silent_provider_is_by_bytes_and_leaves_tokens_unknown),
        cmocka_unit_test(estimate__counts_only_what_came_after_the_last_report),
        cmocka_unit_test(estimate__of_a_report_without_output_keeps_the_text_that_came_before_it),
        cmocka_unit_test(estimate__leaves_the_providers_own_word),
        cmocka_unit_test(estimate__is_none_without_a_request_or_a_price),
        cmocka_unit_test(estimate__is_never_below_what_a_budget_reserves_for_the_same_tokens),
        cmocka_unit_test(expect__of_a_request_is_what_is_estimated_once_it_was_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
