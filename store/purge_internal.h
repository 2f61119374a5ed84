/*
 * Purge, inside: the stages, each a function that does some of its work in one transaction.
 * Internal to this floor.
 *
 * Threads: the writer's, inside a transaction that may be run again, so a step reads its target and
 * sets the rest anew.
 */
#ifndef WEIR_STORE_PURGE_INTERNAL_H
#define WEIR_STORE_PURGE_INTERNAL_H

#include "store/db_internal.h"
#include "store/purge.h"

/* A session with all that is in it, or one message. */
struct purge_target {
    int64_t session;    /* row, or 0 */
    int64_t message;    /* row, or 0 */
    struct ulid id;     /* of it */
    int64_t chunk_from; /* where the sweep of chunk goes on */
};

#define PURGE__ATTACHMENTS 64

/* What one step came to. */
struct purge_step {
    bool done; /* with the stage */
    uint64_t messages, bytes;
    int64_t chunk_from;
    int64_t attachments[PURGE__ATTACHMENTS]; /* that its parts named */
    size_t attachment_count;
};

typedef enum err_code purge__stage(struct db *db, const struct purge_target *target,
                                   struct purge_step *step, struct err *err);
/* In order; ended by NULL. */
extern purge__stage *const purge__session_stages[];
extern purge__stage *const purge__message_stages[];

#endif
