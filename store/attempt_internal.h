/*
 * Attempt: the end of one try at the provider, with everything that ends with it. Internal to this
 * floor.
 *
 * By compare-and-set: of all that would end an attempt (its last event, a recovery, a deletion, in
 * several processes) one does, and only that one ends the turn, settles the reservation, counts the
 * usage and tells watchers.
 *
 * Threads: the writer's, inside a transaction.
 */
#ifndef WEIR_STORE_ATTEMPT_INTERNAL_H
#define WEIR_STORE_ATTEMPT_INTERNAL_H

#include "base/attr.h"
#include "store/store_internal.h"
#include "store/vocabulary.h"

struct attempt_end {
    int64_t attempt; /* row */
    enum run_state state;
    enum err_code error;
    const char *detail;      /* or NULL */
    const char *response_id; /* or NULL */
    struct usage usage;
    int64_t at_us;
};
/* `*ret_won` false: it had ended before, nothing was changed. May be NULL. */
enum err_code attempt_end(struct db *db, const struct attempt_end *end, bool *ret_won,
                          struct err *err) NODISCARD;

/* usage.c: what one message used; nothing where nothing is known. */
enum err_code usage_insert(struct db *db, int64_t message, const struct usage *usage, int64_t at_us,
                           struct err *err) NODISCARD;

/* expected_cost.c: sets the cost that was noted for an attempt which runs, with so many bytes of
 * its answer, as estimated. Nothing noted: `usage` stays as it is. */
enum err_code expected_cost__find(struct db *db, int64_t attempt, uint64_t answer_bytes,
                                  struct usage *usage, struct err *err) NODISCARD;

/* budget.c. Releases the reservation, if there is one, and books a call with its usage. */
enum err_code budget__settle(struct db *db, int64_t attempt, const char *model,
                             const struct attempt_end *end, struct err *err) NODISCARD;

/* event.c: tells watchers of other processes what happened, in the transaction in which it did.
 * `message` 0: of the session as a whole. `kind` is a literal: "created", "ended", "deleted", … */
enum err_code event_append(struct db *db, const char *kind, int64_t session, int64_t message,
                           struct err *err) NODISCARD;
/* Removes what is older than `before_us`, at most `limit` rows, never the newest one. */
enum err_code event_prune(struct db *db, int64_t before_us, int64_t limit,
                          struct err *err) NODISCARD;

#endif
