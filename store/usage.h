/*
 * Usage: what answers used and cost, summed up by day, model, session or label.
 *
 * Sums are over the messages that ended in [since, until), also those in the trash: what was spent
 * stays spent. What a provider did not say is unknown, not 0: `unknown_costs` tells how many
 * messages that is true of. Where it did not say the cost but a table of prices does,
 * `estimated_costs` counts it.
 *
 * Threads: any; reads only. Ownership: usage_report_release. Units: tokens; millionths of a US
 * dollar; wall clock in µs.
 */
#ifndef WEIR_STORE_USAGE_H
#define WEIR_STORE_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/ulid.h"
#include "store/store.h"

enum usage_group { USAGE_BY_DAY, USAGE_BY_MODEL, USAGE_BY_SESSION, USAGE_BY_LABEL };

struct usage_row {
    char *name; /* a local day ("2026-11-21"), a model, a session's id, a label */
    int64_t messages;
    int64_t input_tokens;
    int64_t output_tokens;
    int64_t cache_read_tokens;
    int64_t cache_write_tokens;
    int64_t reasoning_tokens;
    int64_t cost_micros;
    int64_t unknown_costs;
    int64_t estimated_costs;
};

struct usage_report {
    struct usage_row *rows; /* by name; a session with two labels counts for both */
    size_t count;
    struct usage_row total; /* of all messages, each once; its name is NULL */
};
void usage_report_release(struct usage_report *report); /* zeroed afterwards */

enum err_code usage_report(struct store *store, enum usage_group group, int64_t since_us,
                           int64_t until_us, struct usage_report *ret_report,
                           struct err *err) NODISCARD; /* wide: the two times are one range */

/* Whether some of what the session cost is by a table of prices (its `cost_micros` is the sum of
 * that and of what providers said). False also where it cannot be read. Looks at each of its
 * answers until there is one: 0.3 ms for a thousand. */
bool usage_is_estimated(struct store *store, const struct ulid *session);

#endif
