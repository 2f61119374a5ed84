/* The config's limits and a model's price, as the claim of a turn. */
#include "app/budgeting.h"

#include <string.h>

#include "app/models.h"
#include "app/money.h"

/* Where nothing limits the answer: more than most answers have, reasoning included. */
#define USUAL_OUTPUT 4096

static int64_t limit_of(int64_t configured)
{
    return configured == MONEY_UNKNOWN ? BUDGET_NO_LIMIT : configured;
}

struct budget_limits budget_limits_of(const struct config *config, const char *label)
{
    struct budget_limits limits = budget_unlimited();
    limits.daily_micros = limit_of(config->daily);
    limits.monthly_micros = limit_of(config->monthly);
    for (size_t i = 0; i < config->model_count; i++) {
        if (strcmp(config->models[i].name, label) == 0) {
            limits.model_daily_micros = limit_of(config->models[i].daily);
            limits.model_monthly_micros = limit_of(config->models[i].monthly);
        }
    }
    return limits;
}

bool budget_is_limited(const struct budget_limits *limits)
{
    return limits->daily_micros != BUDGET_NO_LIMIT || limits->monthly_micros != BUDGET_NO_LIMIT ||
           limits->model_daily_micros != BUDGET_NO_LIMIT ||
           limits->model_monthly_micros != BUDGET_NO_LIMIT;
}

static enum err_code check_cost(const struct budget_question *question, int64_t estimate,
                                struct err *err)
{
    struct buf texts = BUF_INIT(BUF_MAX_INTERNAL);
    if (question->max_cost_micros < 0 || estimate <= question->max_cost_micros) {
        return ERR_OK;
    }
    money_append(&texts, question->max_cost_micros);
    (void)buf_append_str(&texts, ", this needs up to $");
    money_append(&texts, estimate);
    enum err_code code =
        err_set(err, ERR_BUDGET, "the most that it may cost is $%s", buf_cstr(&texts));
    buf_release(&texts);
    return code;
}

enum err_code budget_claim_make(const struct budget_question *question,
                                struct budget_claim *ret_claim, struct err *err)
{
    struct budget_claim claim = {.limits = budget_limits_of(question->config, question->label)};
    bool limited = budget_is_limited(&claim.limits);
    struct model_facts facts = models_find(question->config, question->provider, question->model);
    int64_t estimate =
        model_estimate(&facts, question->body_bytes,
                       question->max_output < 0 ? USUAL_OUTPUT : question->max_output);
    if (estimate == MONEY_UNKNOWN && (limited || question->max_cost_micros >= 0) &&
        !question->config->allow_unknown_price) {
        return err_set(
            err, ERR_BUDGET,
            "a budget holds and the price of '%s' is not known: set it under"
            " [models.\"%s\"] in the config, or unknown_price = \"allow\" under [budget]",
            question->label, question->label);
    }
    claim.amount_micros = estimate == MONEY_UNKNOWN ? 0 : estimate;
    *ret_claim = claim;
    return check_cost(question, claim.amount_micros, err);
}
