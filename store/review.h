/*
 * Review: what waits to be judged, and how models have done.
 *
 * The queue holds the sessions that are shown, have messages, and were active after their last
 * verdict as a whole (store/verdict.h), or have none: conversations and headless runs alike.
 *
 * Threads: any; reads only, in bounded steps. Ownership: session_list_release,
 * review_summary_release.
 */
#ifndef WEIR_STORE_REVIEW_H
#define WEIR_STORE_REVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/session.h"
#include "store/store.h"

struct review_query {
    struct session_cursor cursor; /* behind it; unset id: from the newest */
    bool of_one_origin;
    enum session_origin origin; /* where of_one_origin */
    size_t limit;
};
/* Newest first. */
enum err_code review_queue(struct store *store, const struct review_query *query,
                           struct session_list *ret_list, struct err *err) NODISCARD;

/* A message that is not deleted, by its id or an unambiguous beginning of it, in either case of
 * letters. ERR_NOT_FOUND, ERR_AMBIGUOUS. */
enum err_code review_message(struct store *store, struct sv what, struct ulid *ret_message,
                             struct err *err) NODISCARD;

struct review_model {
    char *name; /* PROVIDER/MODEL */
    int64_t answers;
    int64_t errors;      /* of these, that failed or broke off by themselves */
    int64_t first_us;    /* median from the request to the first content; below 0: of none known */
    int64_t duration_us; /* the same to the end, of those that did not fail */
    int64_t input_tokens, output_tokens, cost_micros; /* what is known of them, summed up */
    int64_t unknown_costs;                            /* answers whose cost is not known */
    int64_t rated; /* answers with a rating, their own or else their session's */
    int64_t rating_sum;
};

struct review_summary {
    struct review_model *models; /* by name */
    size_t count;
};
void review_summary_release(struct review_summary *summary); /* zeroed afterwards */

/* Over the ended answers that began in [since, until) (0: open), of one session or (NULL) of all,
 * those that are deleted left out. */
enum err_code review_summary(struct store *store, const struct ulid *session, int64_t since_us,
                             int64_t until_us, struct review_summary *ret_summary,
                             struct err *err) NODISCARD; /* wide: the two times are one range */

#endif
