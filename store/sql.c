/* Statements in one line. */
#include "store/sql_internal.h"

enum err_code sql__run_row(struct db *db, const char *sql, int64_t row, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    db_bind_int(stmt, 1, row);
    return db_run(db, stmt, err);
}

enum err_code sql__run_text(struct db *db, const char *sql, struct sv text, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    db_bind_text(stmt, 1, text);
    return db_run(db, stmt, err);
}

static enum err_code read_value(struct db *db, struct sqlite3_stmt *stmt, int64_t *ret_value,
                                struct err *err)
{
    int64_t value = 0;
    if (db_step(db, stmt, err)) {
        value = db_column_int(stmt, 0);
        db_reset(stmt);
    } else if (db_result(db)) {
        return db_result(db);
    }
    *ret_value = value;
    return ERR_OK;
}

enum err_code sql__value_of_row(struct db *db, const char *sql, int64_t row, int64_t *ret_value,
                                struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    db_bind_int(stmt, 1, row);
    return read_value(db, stmt, ret_value, err);
}

enum err_code sql__value_of_text(struct db *db, const char *sql, struct sv text, int64_t *ret_value,
                                 struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    db_bind_text(stmt, 1, text);
    return read_value(db, stmt, ret_value, err);
}
