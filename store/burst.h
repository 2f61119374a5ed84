/*
 * Burst: finished answers that come at once, written in one transaction. For who has them whole
 * already: several messages of one reply, answers of another program.
 *
 * They are appended to the turn's branch in the order given, each with an attempt of its own that
 * ended as the answer's reason says, so that asking for the turn again replays the last of them.
 *
 * Threads: any but the writer's. Ownership: the items' messages and strings are taken, in any case.
 * Errors: ERR_NOT_FOUND (turn, or a message that is continued), ERR_EXISTS (an id is taken, or an
 * answer runs in the session: nothing is written), ERR_TOO_BIG, and those of the store.
 */
#ifndef WEIR_STORE_BURST_H
#define WEIR_STORE_BURST_H

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/ulid.h"
#include "store/message.h"
#include "store/store.h"

/* Of all texts together: the transaction stays short. */
#define BURST_MAX_BYTES ((size_t)1 << 20)

struct burst_item {
    struct message *message; /* id (unset: a new one), reason, error, detail, model, usage, times,
                                parts; what else it says is not looked at. A message that was cut
                                has FINISH_MAX_TOKENS */
    struct ulid continues;   /* the message that this one goes on with; unset: none */
    char *response_id;       /* the provider's, or NULL */
    char *action;            /* what kind of reply it is, in the caller's words, or NULL */
};

/* None is none: nothing is written. */
enum err_code burst_insert(struct store *store, const struct ulid *turn, struct burst_item *items,
                           size_t count, struct err *err) NODISCARD;

#endif
