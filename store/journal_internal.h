/*
 * Journal, inside: entries are made in the transaction of the change. Internal to this floor.
 *
 * Threads: the writer's.
 */
#ifndef WEIR_STORE_JOURNAL_INTERNAL_H
#define WEIR_STORE_JOURNAL_INTERNAL_H

#include "store/db_internal.h"
#include "store/journal.h"

struct journal_change {
    enum journal_action action;
    struct ulid session, target;
    struct sv before, after; /* p NULL: none */
};
enum err_code journal__add(struct db *db, const struct journal_change *change,
                           struct err *err) NODISCARD;

#endif
