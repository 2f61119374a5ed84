/* Models: where facts come from, what an answer costs, and what stays unknown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/models.h"
#include "app/models_internal.h"
#include "app/provider.h"

#include <cmocka.h>

static struct config_provider provider_at(const char *base_url)
{
    return (struct config_provider){.name = (char *)(uintptr_t) "p",
                                    .type = provider_type_find("openai"),
                                    .base_url = (char *)(uintptr_t)base_url};
}

static struct model_facts found(const char *base_url, const char *model)
{
    struct config_provider provider = provider_at(base_url);
    return models_find(NULL, &provider, model);
}

static struct usage used(int64_t input, int64_t output)
{
    struct usage usage = usage_unknown();
    usage.input_tokens = input;
    usage.output_tokens = output;
    return usage;
}

static void check_row(const struct model_row *row)
{
    const char *texts[] = {row->input, row->output, row->cache_read, row->cache_write};
    assert_true(row->input && row->output && row->context >= 0);
    assert_true(row->above == 0 || strcmp(row->id, row[-1].id) == 0);
    for (size_t i = 0; i < 4; i++) {
        int64_t price = -1;
        if (texts[i] && !money_parse(sv_from(texts[i]), MONEY_PLACES, &price)) {
            fail_msg("%s: '%s'", row->id, texts[i]);
        }
    }
}

static void table__is_well_formed(void **state)
{
    (void)state;
    for (const struct model_service *service = models__services; service->domain; service++) {
        for (const struct model_row *row = service->rows; row->id; row++) {
            check_row(row);
        }
    }
}

static void find__knows_a_hosted_model_by_any_of_its_spellings(void **state)
{
    (void)state;
    static const char *const names[] = {"gpt-5-mini",          "gpt-5-mini-2025-08-07",
                                        "gpt-5-mini-20250807", "gpt-5-mini@x",
                                        "gpt-5-mini:latest",   "openai/gpt-5-mini"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct model_facts facts = found(NULL, names[i]);
        assert_int_equal(facts.context, 400000);
        assert_int_equal(facts.price.input, 250000);
        assert_int_equal(facts.price.output, 2000000);
        assert_int_equal(facts.price.cache_read, 25000);
        assert_int_equal(facts.price.cache_write, MONEY_UNKNOWN);
    }
    assert_int_equal(found("https://api.mistral.ai/v1", "mistral-large-2512").context, 262144);
}

static void find__does_not_take_one_model_or_host_for_another(void **state)
{
    (void)state;
    static const struct {
        const char *url, *model;
    } cases[] = {
        {NULL, "gpt-5-mini-other"},
        {NULL, "gpt"},
        {NULL, ""},
        {NULL, "20250807"},
        {"https://api.openai.com.evil.example/v1", "gpt-5-mini"},
        {"https://notapi.openai.com.example/v1", "gpt-5-mini"},
        {"https://llm.example.com/v1", "gpt-5-mini"},
        {"https://api.anthropic.com", "gpt-5-mini"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model_facts facts = found(cases[i].url, cases[i].model);
        assert_int_equal(facts.price.input, MONEY_UNKNOWN);
        assert_int_equal(facts.context, MONEY_UNKNOWN);
    }
}

static void find__holds_this_machine_for_free(void **state)
{
    (void)state;
    struct usage usage = usage_unknown();
    struct model_facts facts = found("http://127.0.0.1:8080/v1", "qwen3");
    assert_int_equal(facts.context, MONEY_UNKNOWN);
    assert_int_equal(model_cost(&facts, &usage), 0);
    assert_int_equal(model_estimate(&facts, 1000, -1), 0);
}

static void find__lets_the_config_win(void **state)
{
    (void)state;
    static const char text[] = "[provider.p]\ntype='openai'\nbase_url='http://127.0.0.1:1/v1'\n"
                               "[models.'p/a']\ninput_price='1'\noutput_price='2'\n"
                               "[models.'p/b']\ncontext=5\n";
    struct config *config = NULL;
    assert_int_equal(config_parse("c", text, strlen(text), &config, NULL), ERR_OK);
    struct model_facts a = models_find(config, &config->providers[0], "a");
    assert_int_equal(a.price.input, 1000000);
    assert_int_equal(a.price.cache_read, MONEY_UNKNOWN);
    struct model_facts b = models_find(config, &config->providers[0], "b");
    assert_int_equal(b.context, 5);
    assert_int_equal(b.price.input, 0);
    config_free(config);
}

static void cost__counts_each_kind_of_token_at_its_price(void **state)
{
    (void)state;
    struct model_facts facts = model_facts_unknown();
    facts.price = (struct model_price){3000000, 15000000, 300000, 3750000};
    struct usage usage = used(1000, 200);
    assert_int_equal(model_cost(&facts, &usage), 3000 + 3000);
    usage.cache_read_tokens = 10000;
    usage.cache_write_tokens = 400;
    assert_int_equal(model_cost(&facts, &usage), 3000 + 3000 + 3000 + 1500);
    facts.price.cache_read = MONEY_UNKNOWN;
    facts.price.cache_write = MONEY_UNKNOWN;
    assert_int_equal(model_cost(&facts, &usage), 3000 + 3000 + 30000 + 1200);
    /* A part of a millionth is one. */
    usage = used(1, 0);
    facts.price.input = 1;
    assert_int_equal(model_cost(&facts, &usage), 1);
}

static void cost__charges_all_of_a_long_request_by_the_higher_price(void **state)
{
    (void)state;
    struct model_facts facts = found(NULL, "gpt-5.4");
    struct usage usage = used(272000, 0);
    assert_int_equal(model_cost(&facts, &usage), 272000 * 5 / 2);
    usage = used(271000, 0);
    usage.cache_read_tokens = 1001;
    assert_int_equal(model_cost(&facts, &usage), 271000 * 5 + 501);
}

static void cost__takes_the_providers_word(void **state)
{
    (void)state;
    struct model_facts facts = found(NULL, "gpt-5-mini");
    struct usage usage = used(1000, 1000);
    usage.cost_micros = 7;
    assert_int_equal(model_cost(&facts, &usage), 7);
    usage.cost_micros = 0;
    assert_int_equal(model_cost(&facts, &usage), 0);
}

static void priced__touches_usage_only(void **state)
{
    (void)state;
    struct config_provider openai = provider_at(NULL);
    struct stream_event event = {.kind = STREAM_USAGE, .usage = used(1000, 0)};
    struct stream_event priced = models_priced(NULL, &openai, "gpt-5-mini", &event);
    assert_int_equal(priced.usage.cost_micros, 250);
    assert_true(priced.usage.cost_estimated);
    assert_int_equal(event.usage.cost_micros, USAGE_UNKNOWN);
    event.usage.cost_micros = 7;
    priced = models_priced(NULL, &openai, "gpt-5-mini", &event);
    assert_int_equal(priced.usage.cost_micros, 7);
    assert_false(priced.usage.cost_estimated);
    event.usage.cost_micros = USAGE_UNKNOWN;
    event.kind = STREAM_TEXT;
    priced = models_priced(NULL, &openai, "gpt-5-mini", &event);
    assert_int_equal(priced.usage.cost_micros, USAGE_UNKNOWN);
}

static void cost__stays_unknown(void **state)
{
    (void)state;
    struct model_facts facts = found(NULL, "gpt-5-mini");
    struct usage usage = usage_unknown();
    assert_int_equal(model_cost(&facts, &usage), MONEY_UNKNOWN);
    usage = used(5, USAGE_UNKNOWN);
    assert_int_equal(model_cost(&facts, &usage), MONEY_UNKNOWN);
    usage = used(INT64_MAX, 1);
    assert_int_equal(model_cost(&facts, &usage), MONEY_UNKNOWN);
    facts.price.output = MONEY_UNKNOWN;
    usage = used(5, 5);
    assert_int_equal(model_cost(&facts, &usage), MONEY_UNKNOWN);
    facts = model_facts_unknown();
    assert_int_equal(model_cost(&facts, &usage), MONEY_UNKNOWN);
}

static void estimate__is_an_upper_bound(void **state)
{
    (void)state;
    struct model_facts facts = model_facts_unknown();
    facts.price = (struct model_price){3000000, 15000000, 300000, 3750000};
    assert_int_equal(model_estimate(&facts, 3001, 100), 1001 * 15 / 4 + 1 + 1500);
    assert_int_equal(model_estimate(&facts, 3001, -1), MONEY_UNKNOWN);
    assert_int_equal(model_estimate(&facts, SIZE_MAX, 1), MONEY_UNKNOWN);
    facts.price.output = MONEY_UNKNOWN;
    assert_int_equal(model_estimate(&facts, 3001, 100), MONEY_UNKNOWN);
}

static void shipped__lists_each_model_of_a_service_once(void **state)
{
    (void)state;
    struct config_provider openai = provider_at(NULL);
    const char **ids = models_shipped(&openai);
    size_t hits = 0;
    for (size_t i = 0; ids[i]; i++) {
        hits += strcmp(ids[i], "gpt-5.4") == 0;
    }
    assert_int_equal(hits, 1);
    free(ids);
    struct config_provider own = provider_at("http://127.0.0.1:1");
    ids = models_shipped(&own);
    assert_null(ids[0]);
    free(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table__is_well_formed),
        cmocka_unit_test(find__knows_a_hosted_model_by_any_of_its_spellings),
        cmocka_unit_test(find__does_not_take_one_model_or_host_for_another),
        cmocka_unit_test(find__holds_this_machine_for_free),
        cmocka_unit_test(find__lets_the_config_win),
        cmocka_unit_test(cost__counts_each_kind_of_token_at_its_price),
        cmocka_unit_test(cost__charges_all_of_a_long_request_by_the_higher_price),
        cmocka_unit_test(cost__takes_the_providers_word),
        cmocka_unit_test(priced__touches_usage_only),
        cmocka_unit_test(cost__stays_unknown),
        cmocka_unit_test(estimate__is_an_upper_bound),
        cmocka_unit_test(shipped__lists_each_model_of_a_service_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
