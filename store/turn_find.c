/* Looking up a turn by its id: for who asks again, and for the writer before it begins one. */
#include "store/store_internal.h"
#include "store/turn.h"

static const char turn_sql[] =
    "SELECT s.uid, t.uid, a.uid,"
    " (SELECT p.uid FROM message p WHERE p.turn = t.id AND p.role = 'user'"
    "  ORDER BY p.seq LIMIT 1), m.uid"
    " FROM turn t JOIN branch b ON b.id = t.branch JOIN session s ON s.id = b.session"
    " LEFT JOIN attempt a ON a.id = (SELECT max(id) FROM attempt WHERE turn = t.id)"
    " LEFT JOIN message m ON m.id = a.answer WHERE t.uid = ?1";

enum err_code turn_read(struct db *db, const struct ulid *id, struct turn *ret_turn,
                        struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, turn_sql, err);
    db_bind_id(stmt, 1, id);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code : err_set(err, ERR_NOT_FOUND, "no turn '%s'", id->text);
    }
    *ret_turn = (struct turn){
        .session = db_column_id(stmt, 0),
        .id = db_column_id(stmt, 1),
        .attempt = db_column_id(stmt, 2),
        .prompt = db_column_id(stmt, 3),
        .answer = db_column_id(stmt, 4),
        .existed = true,
    };
    db_reset(stmt);
    return ERR_OK;
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
