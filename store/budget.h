/*
 * Budget: what was spent and what is promised, by day and by month, over all and for each model.
 *
 * An attempt reserves its estimate before anything is sent: it is refused (ERR_BUDGET) when what
 * was spent, what is reserved and the estimate would together pass a limit. The end of the attempt
 * releases the reservation and books what it really cost, even where that is more. The recovery
 * releases what a process that is gone had reserved, and books what its answer will have cost
 * (store/expected_cost.h). Since all of that happens inside of the database's transactions, limits
 * hold across processes.
 *
 * A period begins at local midnight: of a day, or of the first day of a month. A reservation is
 * settled in the period in which it was made.
 *
 * Units: money in millionths of a US dollar; integers, never fractions. Threads: any. Ownership:
 * budget_list_release. Errors: of the store.
 */
#ifndef WEIR_STORE_BUDGET_H
#define WEIR_STORE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/ulid.h"
#include "store/store.h"

#define BUDGET_NO_LIMIT INT64_C(-1)

struct budget_limits {
    int64_t daily_micros; /* each: BUDGET_NO_LIMIT is none; 0 lets nothing pass that costs */
    int64_t monthly_micros;
    int64_t model_daily_micros; /* of the model that is asked */
    int64_t model_monthly_micros;
};
struct budget_limits budget_unlimited(void);

/* What an attempt asks for. */
struct budget_claim {
    int64_t amount_micros; /* the estimate; 0 reserves nothing and passes while a limit is not
                              exceeded yet */
    struct budget_limits limits;
};

/* Called once on the writer's thread, no lock held: only queue and wake there. */
typedef void budget_done_fn(void *ctx, enum err_code code, const struct err *err);
/*
 * Reserves for an attempt that runs; once for each. ERR_BUDGET: a limit would be passed, the text
 * says which. ERR_NOT_FOUND: no such attempt, or it has ended. Returns at once; when this call
 * itself fails, `done` is not called.
 */
enum err_code budget_reserve_then(
    struct store *store, const struct ulid *attempt, const struct budget_claim *claim,
    budget_done_fn *done, void *ctx,
    struct err *err) NODISCARD; /* wide: the pair done, ctx is one thing */
/* The same, and waits for the disk. */
enum err_code budget_reserve(struct store *store, const struct ulid *attempt,
                             const struct budget_claim *claim, struct err *err) NODISCARD;

struct budget_row {
    bool monthly;
    char starts_on[CLOCK_DAY_SIZE]; /* local: "2026-11-21", "2026-11-01" */
    char *bucket;                   /* "total" or "model:PROVIDER/MODEL" */
    int64_t spent_micros;
    int64_t reserved_micros;
    int64_t calls;
    int64_t input_tokens; /* only of the bucket "total", and so are the two that follow */
    int64_t output_tokens;
    int64_t tool_calls;
};

struct budget_list {
    struct budget_row *rows;
    size_t count;
};
void budget_list_release(struct budget_list *list); /* zeroed afterwards */

/* All periods that begin on or after `since` (a local day; NULL: all), newest first. */
enum err_code budget_list(struct store *store, const char *since, struct budget_list *ret_list,
                          struct err *err) NODISCARD;

/* Counts calls of one class of tool (web search, say) on the day's total. 0 changes nothing. */
enum err_code budget_count_tool(struct store *store, const char *tool, int64_t calls,
                                struct err *err) NODISCARD;
/* How many that were on a local day. */
enum err_code budget_tool_calls(struct store *store, const char *day, const char *tool,
                                int64_t *ret_calls, struct err *err) NODISCARD;

#endif
