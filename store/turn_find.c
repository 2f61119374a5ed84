/* Looking up turns: for who asks again, and for the writer before it begins one. */
#include "store/store_internal.h"
#include "store/turn.h"
#include "store/vocabulary.h"

#define FIND                                                                                       \
    "SELECT s.uid, t.uid, a.uid,"                                                                  \
    " (SELECT p.uid FROM message p WHERE p.turn = t.id AND p.role = 'user'"                        \
    "  AND p.deleted_at IS NULL ORDER BY p.id LIMIT 1), m.uid, x.uid, t.state, t.unanswered"       \
    " FROM turn t JOIN branch b ON b.id = t.branch JOIN session s ON s.id = b.session"             \
    " LEFT JOIN attempt a ON a.id = (SELECT max(id) FROM attempt WHERE turn = t.id)"               \
    " LEFT JOIN message m ON m.id = a.answer AND m.deleted_at IS NULL"                             \
    " JOIN branch x ON x.id = coalesce(a.branch, t.branch) "

static const char by_id_sql[] = FIND "WHERE t.uid = ?1";
static const char by_row_sql[] = FIND "WHERE t.id = ?1";
static const char by_key_sql[] = "SELECT turn FROM request WHERE scope = ?1 AND key = ?2";
/* Over the session's branches, of which there are few: the newest of each. */
static const char latest_sql[] =
    "SELECT max((SELECT t.id FROM turn t WHERE t.branch = b.id AND t.deleted_at IS NULL"
    " ORDER BY t.id DESC LIMIT 1)) FROM session s JOIN branch b ON b.session = s.id"
    " WHERE s.uid = ?1";
static const char running_sql[] =
    "SELECT max(a.turn) FROM session s JOIN branch b ON b.session = s.id"
    " JOIN attempt a ON a.branch = b.id AND a.state = 'running' WHERE s.uid = ?1";

static enum turn_outcome outcome_of(struct sqlite3_stmt *stmt)
{
    enum run_state state = RUN_INTERRUPTED;
    (void)run_state_parse(db_column_text(stmt, 6), &state);
    if (db_column_int(stmt, 7)) {
        return TURN_UNANSWERED;
    }
    return state == RUN_RUNNING ? TURN_RUNNING : TURN_REPLAY;
}

/* The statement is bound; it gives one row or none. */
static enum err_code read_one(struct db *db, struct sqlite3_stmt *stmt, const char *what,
                              struct turn *ret_turn, struct err *err)
{
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code : err_set(err, ERR_NOT_FOUND, "no turn '%s'", what);
    }
    *ret_turn = (struct turn){
        .outcome = outcome_of(stmt),
        .session = db_column_id(stmt, 0),
        .branch = db_column_id(stmt, 5),
        .id = db_column_id(stmt, 1),
        .attempt = db_column_id(stmt, 2),
        .prompt = db_column_id(stmt, 3),
        .answer = db_column_id(stmt, 4),
        .existed = true,
    };
    db_reset(stmt);
    return ERR_OK;
}

enum err_code turn_read(struct db *db, const struct ulid *id, struct turn *ret_turn,
                        struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, by_id_sql, err);
    db_bind_id(stmt, 1, id);
    return read_one(db, stmt, id->text, ret_turn, err);
}

/* `stmt`, which is bound, gives the turn's row, or NULL, or nothing. */
static enum err_code read_row(struct db *db, struct sqlite3_stmt *stmt, struct turn *ret_turn,
                              struct err *err)
{
    int64_t row = 0;
    if (db_step(db, stmt, err)) {
        row = db_column_int(stmt, 0);
        db_reset(stmt);
    } else if (db_result(db)) {
        return db_result(db);
    }
    if (!row) {
        return err_set(err, ERR_NOT_FOUND, "no such turn");
    }
    stmt = db_prepare(db, by_row_sql, err);
    db_bind_int(stmt, 1, row);
    return read_one(db, stmt, "", ret_turn, err);
}

enum err_code turn_find(struct store *store, const struct ulid *id, struct turn *ret_turn,
                        struct err *err)
{
    struct db *db = NULL;
    if (!ulid_is_set(id)) {
        return err_set(err, ERR_INVALID, "a turn has to be named");
    }
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK) {
        code = db ? turn_read(db, id, ret_turn, err)
                  : err_set(err, ERR_NOT_FOUND, "no turn '%s'", id->text);
    }
    reader_give(store, db);
    return code;
}

enum err_code turn_find_key(struct store *store, const struct turn_key *key, struct turn *ret_turn,
                            struct err *err)
{
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        struct sqlite3_stmt *stmt = db_prepare(db, by_key_sql, err);
        db_bind_text(stmt, 1, key->scope.p ? key->scope : SV(""));
        db_bind_text(stmt, 2, key->key);
        code = read_row(db, stmt, ret_turn, err);
    } else if (code == ERR_OK) {
        code = err_set(err, ERR_NOT_FOUND, "no such turn");
    }
    reader_give(store, db);
    return code;
}

enum err_code turn_find_latest(struct store *store, const struct ulid *session, bool running,
                               struct turn *ret_turn, struct err *err)
{
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        struct sqlite3_stmt *stmt = db_prepare(db, running ? running_sql : latest_sql, err);
        db_bind_id(stmt, 1, session);
        code = read_row(db, stmt, ret_turn, err);
    } else if (code == ERR_OK) {
        code = err_set(err, ERR_NOT_FOUND, "no such turn");
    }
    reader_give(store, db);
    return code;
}

static enum err_code read_checkpoint(struct db *db, const struct ulid *turn, char **ret_text,
                                     struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, "SELECT checkpoint FROM turn WHERE uid = ?1", err);
    db_bind_id(stmt, 1, turn);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code : err_set(err, ERR_NOT_FOUND, "no turn '%s'", turn->text);
    }
    *ret_text = db_column_dup(stmt, 0);
    db_reset(stmt);
    return ERR_OK;
}

enum err_code turn_get_checkpoint(struct store *store, const struct ulid *turn, char **ret_text,
                                  struct err *err)
{
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK) {
        code = db ? read_checkpoint(db, turn, ret_text, err)
                  : err_set(err, ERR_NOT_FOUND, "no turn '%s'", turn->text);
    }
    reader_give(store, db);
    return code;
}
