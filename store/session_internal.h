/*
 * Sessions, inside: what their files share, and what other parts of the store call within their own
 * transactions. Internal to this floor.
 */
#ifndef WEIR_STORE_SESSION_INTERNAL_H
#define WEIR_STORE_SESSION_INTERNAL_H

#include "store/session.h"
#include "store/store_internal.h"

/* Of session s, as session_origin_text has it: by its first branch, and by what is kept with the
 * first prompt on that. */
#define SESSION__FIRST_BRANCH                                                                      \
    "(SELECT b.id FROM branch b WHERE b.session = s.id AND b.parent IS NULL LIMIT 1)"
#define SESSION__ORIGIN                                                                            \
    "CASE (SELECT b.reason FROM branch b WHERE b.id = " SESSION__FIRST_BRANCH ")"                  \
    " WHEN 'import' THEN 'import' ELSE CASE (SELECT m.action FROM message m"                       \
    " WHERE m.branch = " SESSION__FIRST_BRANCH " AND m.role = 'user' ORDER BY m.seq LIMIT 1)"      \
    " WHEN 'run' THEN 'run' ELSE 'chat' END END"

/* A name is free as soon as its session is in the trash; what session s had for one is in the entry
 * of its deletion. */
#define SESSION__NAME_BEFORE                                                                       \
    "(SELECT j.before FROM journal j WHERE j.target = s.uid AND j.action = 'delete_session'"       \
    " AND j.undone_at IS NULL ORDER BY j.id DESC LIMIT 1)"
#define SESSION__NAME                                                                              \
    "CASE WHEN s.deleted_at IS NULL THEN s.name ELSE coalesce(s.name, " SESSION__NAME_BEFORE ") "  \
    "END"

/* The columns that session__read_all takes, in its order; `metadata` is a column or NULL. */
#define SESSION__COLUMNS(metadata)                                                                 \
    "SELECT s.uid, s.handle, " SESSION__NAME ", s.title, s.title_by, s.scope, s.model, " metadata  \
    ", s.status, s.state, s.created_at, s.last_active_at, s.ended_at, s.archived_at,"              \
    " s.deleted_at, s.message_count, s.input_tokens, s.output_tokens, "                            \
    "s.cost_micros, " SESSION__ORIGIN

#define SESSION__SHOWN "s.deleted_at IS NULL AND s.archived_at IS NULL"

/* Appends all rows up to `limit`; one more sets `more`. */
enum err_code session__read_all(struct db *db, struct sqlite3_stmt *stmt, size_t limit,
                                struct session_list *list, struct err *err) NODISCARD;

/* The row of a session that is not in the trash. ERR_NOT_FOUND; ERR_GONE: it is. */
enum err_code session__row(struct db *db, const struct ulid *id, int64_t *ret_row,
                           struct err *err) NODISCARD;

/* One line of text that somebody gave, of 1 to `max` bytes; `what` is for the error. ERR_INVALID,
 * ERR_TOO_BIG. */
enum err_code session__check_line(const char *what, struct sv text, size_t max,
                                  struct err *err) NODISCARD;

enum err_code session__check_bytes(const char *what, struct sv text, size_t max,
                                   struct err *err) NODISCARD;
enum err_code session__check_titles(struct sv name, struct sv title, struct err *err) NODISCARD;
/* Inside a transaction, NULL being fine: that it is a JSON object; that no session but `row` has
 * the name. */
enum err_code session__check_object(struct db *db, const char *metadata, struct err *err) NODISCARD;
enum err_code session__check_free(struct db *db, const char *name, int64_t row,
                                  struct err *err) NODISCARD;

/*
 * A session and its first branch, inside a transaction. `title_by` is the author of the title.
 */
struct session_new {
    struct session_request request;
    enum title_author title_by;
    int64_t now_us;
};
struct session_made {
    struct ulid id, branch;
    int64_t row, branch_row;
};
enum err_code session__make(struct db *db, const struct session_new *new,
                            struct session_made *ret_made, struct err *err) NODISCARD;
/* A handle for a session from elsewhere: the one that its record of JSON asks for, where that is
 * free and looks like one, else a new one. */
#define SESSION__HANDLE_SIZE 16
enum err_code session__pick_handle(struct db *db, const struct ulid *id, struct sv record,
                                   char ret_handle[SESSION__HANDLE_SIZE],
                                   struct err *err) NODISCARD;
/* It was active now, and so are its labels. */
enum err_code session__touch(struct db *db, int64_t row, int64_t now_us, struct err *err) NODISCARD;

/* For store_write: publishes that the session has changed. `state` begins with its struct ulid. */
void session__written(void *state, struct store *store);

#endif
