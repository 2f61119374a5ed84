/*
 * Participants, inside: for who stores messages, in the same transaction.
 *
 * Threads: the writer's. Ownership: the key is borrowed for the call.
 */
#ifndef WEIR_STORE_PARTICIPANT_INTERNAL_H
#define WEIR_STORE_PARTICIPANT_INTERNAL_H

#include "store/participant.h"
#include "store/store_internal.h"

struct participant_key {
    enum participant_kind kind;
    struct sv external_id;
    int64_t now_us;
};
/* Gives the row for message.participant; one that the session does not know yet is added. `session`
 * is a row, too. */
enum err_code participant__resolve(struct db *db, int64_t session,
                                   const struct participant_key *key, int64_t *ret_row,
                                   struct err *err) NODISCARD;

#endif
