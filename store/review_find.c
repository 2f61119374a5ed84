/*
 * Notes and messages by their id, or by the beginning of it that a user typed.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "store/review.h"
#include "store/review_internal.h"
#include "store/store_internal.h"

static const char message_sql[] = "SELECT uid FROM message WHERE uid >= ?1 AND uid < ?2"
                                  " AND deleted_at IS NULL ORDER BY uid LIMIT 2";

enum err_code review__find(struct db *db, const struct ulid *message,
                           struct review_target *ret_target, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT s.uid, s.id, m.id, s.deleted_at IS NOT NULL FROM message m"
                   " JOIN branch b ON b.id = m.branch JOIN session s ON s.id = b.session"
                   " WHERE m.uid = ?1 AND m.deleted_at IS NULL",
                   err);
    db_bind_id(stmt, 1, message);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code : err_set(err, ERR_NOT_FOUND, "no message '%s'", message->text);
    }
    struct review_target target = {db_column_id(stmt, 0), db_column_int(stmt, 1),
                                   db_column_int(stmt, 2)};
    bool deleted = db_column_int(stmt, 3) != 0;
    db_reset(stmt);
    if (deleted) {
        return err_set(err, ERR_GONE, "session '%s' is in the trash", target.session.text);
    }
    *ret_target = target;
    return ERR_OK;
}

/* Ids are upper case. */
static bool to_prefix(struct sv what, struct ulid *ret_prefix)
{
    struct ulid prefix = {""};
    if (what.n == 0 || what.n > ULID_LENGTH) {
        return false;
    }
    for (size_t i = 0; i < what.n; i++) {
        char byte = what.p[i];
        byte = byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : byte;
        if (!((byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z'))) {
            return false;
        }
        prefix.text[i] = byte;
    }
    *ret_prefix = prefix;
    return true;
}

static enum err_code no_such(const char *kind, struct sv what, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "no %s '%.*s'", kind, SV_ARG(sv_take(what, ULID_LENGTH)));
}

/* wide: as its declaration says. */
enum err_code review__find_by_id(struct db *db, const char *sql, const char *kind, struct sv what,
                                 struct ulid *ret_id, struct err *err)
{
    struct ulid first;
    if (!db || !to_prefix(what, &first)) {
        return no_such(kind, what, err);
    }
    /* Beyond everything that begins with it. */
    char *last = xasprintf("%s\x7f", first.text);
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    db_bind_id(stmt, 1, &first);
    db_bind_text(stmt, 2, sv_from(last));
    size_t count = 0;
    struct ulid found = {""};
    while (count < 2 && db_step(db, stmt, err)) {
        found = db_column_id(stmt, 0);
        count++;
    }
    enum err_code code = db_result(db);
    db_reset(stmt);
    free(last);
    if (code == ERR_OK && count != 1) {
        return count == 0
                   ? no_such(kind, what, err)
                   : err_set(err, ERR_AMBIGUOUS, "'%s' fits more than one %s", first.text, kind);
    }
    if (code == ERR_OK) {
        *ret_id = found;
    }
    return code;
}

enum err_code review_message(struct store *store, struct sv what, struct ulid *ret_message,
                             struct err *err)
{
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK) {
        code = review__find_by_id(db, message_sql, "message", what, ret_message, err);
    }
    reader_give(store, db);
    return code;
}
