/*
 * Claims: work that one of several processes does, once.
 *
 * `kind` says what is done (a title, a summary), `target` on what (a session's id). Who takes a
 * claim does the work and finishes it with a result; what is finished is never taken again. A claim
 * is taken over when it is older than a limit that the taker states, or when its process is gone;
 * whoever held it before learns of that when it finishes: of all who tried, one does.
 *
 * Threads: any but the screen's: all but claim_result wait for the disk. Ownership: views are
 * borrowed, a struct claim is a value, claim_result gives. Errors: ERR_INVALID (an empty kind or
 * target, or one of over 128 bytes), and those of every write: ERR_CLOSED, ERR_READ_ONLY,
 * ERR_DISK_FULL, ERR_BUSY (the database stayed locked), ERR_TIMEOUT (the disk hangs), ERR_IO.
 */
#ifndef WEIR_STORE_CLAIM_H
#define WEIR_STORE_CLAIM_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/store.h"

#define CLAIM_NAME_MAX 128
#define CLAIM_RESULT_MAX ((size_t)1 << 20)

enum claim_outcome {
    CLAIM_TAKEN, /* by this call: do it, then finish or release it */
    CLAIM_HELD,  /* somebody is at it */
    CLAIM_DONE,  /* finished before: its result is there */
};

struct claim {
    char kind[CLAIM_NAME_MAX + 1];
    char target[CLAIM_NAME_MAX + 1];
    struct ulid token; /* of this taking */
};

/* `limit_us`: how old a claim of a living process may be; by the wall clock. `*ret_claim` is set
 * when it was taken. wide: kind and target are one name. */
enum err_code claim_take(struct store *store, struct sv kind, struct sv target, int64_t limit_us,
                         struct claim *ret_claim, enum claim_outcome *ret_outcome,
                         struct err *err) NODISCARD;
/* ERR_GONE: it was taken over; the result is not stored. ERR_TOO_BIG: over CLAIM_RESULT_MAX. */
enum err_code claim_finish(struct store *store, const struct claim *claim, struct sv result,
                           struct err *err) NODISCARD;
/* Gives it up, so that another may take it at once. No longer one's own is fine. */
enum err_code claim_release(struct store *store, const struct claim *claim,
                            struct err *err) NODISCARD;
/* What it was finished with. ERR_NOT_FOUND: it is not finished. For free(). */
enum err_code claim_result(struct store *store, struct sv kind, struct sv target, char **ret_result,
                           struct err *err) NODISCARD;

#endif
