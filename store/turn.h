/*
 * Turn: a user's message and what answers it. Beginning one stores the user's message, durably,
 * before anything is sent anywhere.
 *
 * In one transaction (synced to the disk): the user's message, the turn, a running attempt owned by
 * this process, and the empty message of the answer. The answer is then fed through the message
 * service; its last event ends the attempt, exactly once: completed, failed, cancelled or
 * interrupted.
 *
 * Threads: any. Ownership: texts are borrowed for the call and copied. Errors: ERR_BUSY (an attempt
 * runs on this branch; the text says where and since when), ERR_NOT_FOUND (session), ERR_CLOSED,
 * ERR_READ_ONLY, ERR_DISK_FULL, ERR_IO.
 */
#ifndef WEIR_STORE_TURN_H
#define WEIR_STORE_TURN_H

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/store.h"

struct turn_request {
    struct ulid session; /* unset: a new session is made */
    struct sv scope;     /* of the new session */
    struct sv prompt;    /* valid UTF-8 */
    struct sv model;     /* "PROVIDER/MODEL" */
};

struct turn {
    struct ulid session;
    struct ulid id;
    struct ulid attempt;
    struct ulid prompt; /* the user's message */
    struct ulid answer; /* empty, running */
};

/* Waits for the disk. */
enum err_code turn_begin(struct store *store, const struct turn_request *request,
                         int64_t deadline_us, struct turn *ret_turn, struct err *err) NODISCARD;

/* Called once on the writer's thread, no lock held: only queue and wake there. `turn` is set when
 * code is ERR_OK. */
typedef void turn_begun_fn(void *ctx, const struct turn *turn, enum err_code code,
                           const struct err *err);
/* Returns at once. When this call itself fails, `begun` is not called. */
enum err_code turn_begin_then(struct store *store, const struct turn_request *request,
                              turn_begun_fn *begun, void *ctx, struct err *err) NODISCARD;

#endif
