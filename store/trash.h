/*
 * Trash: what was deleted keeps its rows, unseen, until it is restored or purged (store/purge.h).
 *
 * Deleting a session is one flag, however long it is: it disappears from every list, its name is
 * free for another, and no turn begins in it. Answers that run in it are ended first, as canceled;
 * one that another process is writing is ended in the database; that process learns of it when it
 * writes next, or by its bell where it follows others, and what it had written lies in the trash,
 * too. Restoring brings all of it back, with its name where that is still
 * free. message_delete (store/message_service.h) does the same to one message.
 *
 * What lies there is listed by session_list (SESSIONS_DELETED), found by session_find_deleted, and,
 * for single messages, by trash_messages. Deletions are in the journal, so undo brings them back.
 *
 * Threads: any but the screen's: changes wait for the disk. Ownership: what is given is the
 * caller's. After each change a session_update is published. Errors: ERR_NOT_FOUND (no such session
 * or message; for restoring: not in the trash), ERR_GONE (deleted before), ERR_EXISTS (a message
 * whose session is in the trash: restore that one), ERR_BUSY (an answer here does not end), and
 * those of every write: ERR_CLOSED, ERR_READ_ONLY, ERR_DISK_FULL, ERR_TIMEOUT, ERR_IO.
 */
#ifndef WEIR_STORE_TRASH_H
#define WEIR_STORE_TRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/ulid.h"
#include "store/store.h"
#include "store/vocabulary.h"

enum err_code session_delete(struct store *store, const struct ulid *session,
                             struct err *err) NODISCARD;
/* `*ret_name_taken` (may be NULL): another session has its name now, so it comes back without. */
enum err_code session_restore(struct store *store, const struct ulid *session, bool *ret_name_taken,
                              struct err *err) NODISCARD;
enum err_code message_restore(struct store *store, const struct ulid *message,
                              struct err *err) NODISCARD;

/* A message that was deleted by itself. */
struct trashed {
    struct ulid session, message;
    enum role role;
    int64_t deleted_us;
    char *beginning; /* of its text: at most 200 bytes, whole code points */
};
struct trashed_list {
    struct trashed *items;
    size_t count;
};
void trashed_list_release(struct trashed_list *list); /* zeroed afterwards */
/* Of sessions that are not in the trash themselves, the last deleted first. */
enum err_code trash_messages(struct store *store, size_t limit, struct trashed_list *ret_list,
                             struct err *err) NODISCARD;

#endif
