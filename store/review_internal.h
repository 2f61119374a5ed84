/*
 * What notes and verdicts share. Internal to this floor.
 *
 * Threads: those of the connection.
 */
#ifndef WEIR_STORE_REVIEW_INTERNAL_H
#define WEIR_STORE_REVIEW_INTERNAL_H

#include "base/attr.h"
#include "store/db_internal.h"

/* A message that is not deleted, in a session that is not in the trash. */
struct review_target {
    struct ulid session;
    int64_t session_row, row;
};
/* ERR_NOT_FOUND; ERR_GONE: its session is in the trash. */
enum err_code review__find(struct db *db, const struct ulid *message,
                           struct review_target *ret_target, struct err *err) NODISCARD;

/* The one id that `sql` gives, at most two rows of it for uid >= ?1 and uid < ?2: what begins with
 * `what`. `db` may be NULL. ERR_NOT_FOUND, ERR_AMBIGUOUS: `kind` says of what. wide: for the error.
 */
enum err_code review__find_by_id(struct db *db, const char *sql, const char *kind, struct sv what,
                                 struct ulid *ret_id, struct err *err) NODISCARD;

/* A row of these tables as the journal keeps it, as JSON of all of its columns. */
#define REVIEW__NOTE_JSON                                                                          \
    "json_object('id', uid, 'part', part, 'first', first, 'last', last, 'text', text,"             \
    " 'created_at', created_at, 'changed_at', changed_at)"
#define REVIEW__VERDICT_JSON                                                                       \
    "json_object('rating', rating, 'verdict', verdict, 'decided_at', decided_at)"

#endif
