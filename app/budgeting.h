/*
 * Budgeting: the config's limits and a model's price, as the claim that a turn brings to the store.
 *
 * Threads: pure, over the read-only config. Units: millionths of a US dollar.
 */
#ifndef WEIR_APP_BUDGETING_H
#define WEIR_APP_BUDGETING_H

#include <stdbool.h>
#include <stddef.h>

#include "app/config.h"
#include "base/attr.h"
#include "base/err.h"
#include "store/budget.h"

/* The limits that hold for "PROVIDER/MODEL". */
struct budget_limits budget_limits_of(const struct config *config, const char *label);
/* Is there any? */
bool budget_is_limited(const struct budget_limits *limits);

/* What is asked of whom. */
struct budget_question {
    const struct config *config;
    const struct config_provider *provider;
    const char *model;       /* without the provider's name */
    const char *label;       /* "PROVIDER/MODEL" */
    size_t body_bytes;       /* of all that goes into the request */
    int64_t max_output;      /* tokens; below 0: those of a long usual answer */
    int64_t max_cost_micros; /* a limit for this request alone; below 0: none */
};

/*
 * The claim for one request, by an estimate that is an upper bound of what it costs. ERR_BUDGET:
 * the estimate passes max_cost_micros, or no price is known while a limit holds and the config
 * refuses that.
 */
enum err_code budget_claim_make(const struct budget_question *question,
                                struct budget_claim *ret_claim, struct err *err) NODISCARD;

#endif
