/* Prompts by descending row of their messages, a window of rows at a time. */
#include "store/prompts.h"

#include "store/db_internal.h"
#include "store/store_internal.h"

#define WINDOW_ROWS 2000
#define WINDOW_BYTES ((size_t)8 << 20)

static const char newest_sql[] = "SELECT max(id) FROM message";
static const char window_sql[] =
    "SELECT m.id, p.text FROM message m JOIN part p ON p.message = m.id"
    " JOIN branch b ON b.id = m.branch JOIN session s ON s.id = b.session"
    " WHERE m.id >= ?1 AND m.id < ?2 AND m.role = 'user' AND p.kind = 'text'"
    " AND m.deleted_at IS NULL AND s.deleted_at IS NULL ORDER BY m.id DESC";

static enum err_code find_newest(struct db *db, int64_t *cursor, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, newest_sql, err);
    if (db_step(db, stmt, err)) {
        *cursor = db_column_int(stmt, 0) + 1;
        db_reset(stmt);
        return ERR_OK;
    }
    return db_result(db);
}

/* The cursor goes to the window's end, or to where enough was read. */
static enum err_code visit_window(struct db *db, int64_t *cursor, prompt_visit_fn *visit, void *ctx,
                                  struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, window_sql, err);
    int64_t from = *cursor > WINDOW_ROWS ? *cursor - WINDOW_ROWS : 0;
    size_t bytes = 0;
    db_bind_int(stmt, 1, from);
    db_bind_int(stmt, 2, *cursor);
    while (bytes < WINDOW_BYTES && db_step(db, stmt, err)) {
        struct sv text = db_column_text(stmt, 1);
        visit(ctx, text);
        bytes += text.n;
        *cursor = db_column_int(stmt, 0);
    }
    if (bytes >= WINDOW_BYTES) {
        db_reset(stmt);
        return ERR_OK;
    }
    *cursor = from;
    return db_result(db);
}

/* wide: a cursor, a callback, and whether there is more */
enum err_code prompts_before(struct store *store, int64_t *cursor, prompt_visit_fn *visit,
                             void *ctx, bool *ret_more, struct err *err)
{
    struct db *db = NULL;
    int64_t at = *cursor;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        code = at == 0 ? find_newest(db, &at, err) : ERR_OK;
        code = code ? code : visit_window(db, &at, visit, ctx, err);
    }
    reader_give(store, db);
    if (code == ERR_OK) {
        *cursor = at;
        *ret_more = db && at > 1;
    }
    return code;
}
