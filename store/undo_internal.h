/*
 * What undo.c and trash.c share. Internal to this floor.
 *
 * Threads: the writer's, inside a transaction.
 */
#ifndef WEIR_STORE_UNDO_INTERNAL_H
#define WEIR_STORE_UNDO_INTERNAL_H

#include <stdbool.h>

#include "store/db_internal.h"
#include "store/journal.h"

/* Out of the trash. ERR_NOT_FOUND: it does not lie there. `*ret_name_taken` (may be NULL): another
 * session has its name now, so it has none. */
enum err_code trash__restore_session(struct db *db, const struct ulid *session,
                                     bool *ret_name_taken, struct err *err) NODISCARD;
/* `*ret_session`: whose it is. ERR_EXISTS: its session is in the trash. */
enum err_code trash__restore_message(struct db *db, const struct ulid *message,
                                     struct ulid *ret_session, struct err *err) NODISCARD;
/* After the commit, no lock held: updates of it are not refused any more as those of a deleted one.
 */
struct store;
void trash__forget_gone(struct store *store, const struct ulid *message);

#endif
