/*
 * Turn: a user's message and what answers it. Beginning one stores the user's message, durably,
 * before anything is sent anywhere.
 *
 * In one transaction (synced to the disk): the user's message, the turn, a running attempt owned by
 * this process, and the empty message of the answer. The answer is then fed through the message
 * service; its last event ends the attempt, exactly once: completed, failed, cancelled or
 * interrupted. Text is only appended and an end is final, so ending an answer a second time is
 * refused, whoever comes first; its usage is stored with its end, once.
 *
 * A caller that may have to ask twice (after a crash, or not knowing whether the first call came
 * through) names the turn itself: for an id that is stored already nothing is written, and the ids
 * of the first time come back, whatever else the request says. The decision and the write are one
 * transaction, so of two processes that ask at once one begins the turn.
 *
 * Threads: any. Ownership: texts are borrowed for the call and copied. Errors: ERR_BUSY (an attempt
 * runs on this branch; the text says in which process and since when), ERR_NOT_FOUND (session),
 * ERR_CLOSED, ERR_READ_ONLY, ERR_DISK_FULL, ERR_IO.
 */
#ifndef WEIR_STORE_TURN_H
#define WEIR_STORE_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/store.h"

/* Stored as a part of kind attachment of the user's message: tool_id is the id, tool_name the type,
 * text the title. One that lacks a field is dropped. Valid UTF-8. */
struct turn_attachment {
    struct sv id, title, type;
};

struct turn_request {
    struct ulid id;      /* the caller's; unset: a new one */
    struct ulid session; /* unset: a new session is made */
    struct sv scope;     /* of the new session */
    struct sv prompt;    /* valid UTF-8 */
    struct sv model;     /* "PROVIDER/MODEL" */
    const struct turn_attachment *attachments;
    size_t attachment_count;
};

struct turn {
    struct ulid session;
    struct ulid id;
    struct ulid attempt;
    struct ulid prompt; /* the user's message */
    struct ulid answer; /* empty, running */
    bool existed;       /* it was stored before: attempt and answer are its latest, in any state */
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

/* What is stored of a turn; `existed` is set. Ids of what was deleted are unset. ERR_INVALID: `id`
 * is unset; ERR_NOT_FOUND. Writes nothing. */
enum err_code turn_find(struct store *store, const struct ulid *id, struct turn *ret_turn,
                        struct err *err) NODISCARD;

#endif
