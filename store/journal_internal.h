/*
 * Journal, inside: entries are made in the transaction of the change. Internal to this floor.
 *
 * Threads: the writer's, inside a transaction, but for journal__read.
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
/* The newest entry of that action on that target is undone, if there is one. */
enum err_code journal__mark_undone(struct db *db, enum journal_action action,
                                   const struct ulid *target, struct err *err) NODISCARD;

#define JOURNAL__COLUMNS                                                                           \
    "SELECT id, action, session, target, before, after, at, undone_at FROM journal "

/* The current row of a statement that begins with JOURNAL__COLUMNS. Gives. */
struct journal_entry journal__read(struct sqlite3_stmt *stmt);

#endif
