/* Participants, inside: for who stores messages, in the same transaction. */
#ifndef WEIR_STORE_PARTICIPANT_INTERNAL_H
#define WEIR_STORE_PARTICIPANT_INTERNAL_H

#include "store/participant.h"
#include "store/store_internal.h"

struct participant_key {
    enum participant_kind kind;
    struct sv external_id;
    int64_t now_us;
};
/* The row of message.participant. `session` is a row. */
enum err_code participant__resolve(struct db *db, int64_t session,
                                   const struct participant_key *key, int64_t *ret_row,
                                   struct err *err) NODISCARD;

#endif
