/* Marks on a turn that was stored: unanswered, replaced, a checkpoint. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/attempt_internal.h"
#include "store/sql_internal.h"
#include "store/turn.h"
#include "store/update_internal.h"

#define CHECKPOINT_MAX_BYTES ((size_t)1 << 20)

struct mark {
    struct ulid turn;
    struct ulid session;     /* that was changed */
    struct ulid replacement; /* unset: none */
    char *text;              /* or NULL */
    size_t text_n;
};

static void free_mark(void *state)
{
    struct mark *mark = state;
    if (mark) {
        free(mark->text);
        free(mark);
    }
}

static struct mark *mark_new(const struct ulid *turn)
{
    struct mark *mark = xcalloc(1, sizeof(*mark));
    mark->turn = *turn;
    return mark;
}

/* What the last statement did not change is not there. */
static enum err_code changed(struct db *db, enum err_code code, const struct mark *mark,
                             struct err *err)
{
    if (code == ERR_OK && db_changes(db) == 0) {
        return err_set(err, ERR_NOT_FOUND, "no turn '%s'", mark->turn.text);
    }
    return code;
}

/* ---- unanswered ---- */

/* An answer without a byte of text is none. */
static enum err_code check_unanswered(struct db *db, const struct mark *mark, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT t.state = 'running' OR EXISTS (SELECT 1 FROM attempt a JOIN message m"
                   " ON m.id = a.answer WHERE a.turn = t.id AND m.deleted_at IS NULL AND"
                   " (m.chunk_last >= m.chunk_first OR EXISTS (SELECT 1 FROM part p"
                   " WHERE p.message = m.id))) FROM turn t WHERE t.uid = ?1",
                   err);
    db_bind_id(stmt, 1, &mark->turn);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code : err_set(err, ERR_NOT_FOUND, "no turn '%s'", mark->turn.text);
    }
    bool answered = db_column_int(stmt, 0) != 0;
    db_reset(stmt);
    return answered ? err_set(err, ERR_EXISTS, "the prompt has an answer") : ERR_OK;
}

/* The session says what its newest turn has come to. */
static enum err_code complete_session(struct db *db, const struct mark *mark, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE session SET state = 'completed' WHERE state <> 'running' AND id ="
                   " (SELECT b.session FROM turn t JOIN branch b ON b.id = t.branch WHERE"
                   " t.uid = ?1 AND t.id = (SELECT max((SELECT max(n.id) FROM turn n"
                   " WHERE n.branch = c.id)) FROM branch c WHERE c.session = b.session))",
                   err);
    db_bind_id(stmt, 1, &mark->turn);
    return db_run(db, stmt, err);
}

static enum err_code tell(struct mark *mark, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT s.id, s.uid FROM turn t JOIN branch b ON b.id = t.branch"
                   " JOIN session s ON s.id = b.session WHERE t.uid = ?1",
                   err);
    db_bind_id(stmt, 1, &mark->turn);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    int64_t session = db_column_int(stmt, 0);
    mark->session = db_column_id(stmt, 1);
    db_reset(stmt);
    return event_append(db, "session", session, 0, err);
}

static enum err_code run_unanswered(void *state, struct db *db, struct err *err)
{
    struct mark *mark = state;
    enum err_code code = check_unanswered(db, mark, err);
    if (code) {
        return code;
    }
    struct sqlite3_stmt *stmt =
        db_prepare(db, "UPDATE turn SET unanswered = 1, state = 'completed' WHERE uid = ?1", err);
    db_bind_id(stmt, 1, &mark->turn);
    code = db_run(db, stmt, err);
    if (code == ERR_OK) {
        code = complete_session(db, mark, err);
    }
    return code ? code : tell(mark, db, err);
}

static void unanswered_written(void *state, struct store *store)
{
    const struct mark *mark = state;
    session_update_publish(store_broker(store), &mark->session, false);
}

enum err_code turn_mark_unanswered(struct store *store, const struct ulid *turn, struct err *err)
{
    static const struct store_write write = {.full = true,
                                             .run = run_unanswered,
                                             .written = unanswered_written,
                                             .free_state = free_mark};
    struct mark *mark = mark_new(turn);
    enum err_code code = store_write(store, &write, &mark, err);
    free_mark(mark);
    return code;
}

/* ---- replaced ---- */

static enum err_code check_replacement(struct db *db, const struct mark *mark, struct err *err)
{
    int64_t row = 0;
    enum err_code code = ulid_is_set(&mark->replacement)
                             ? sql__value_of_text(db, "SELECT id FROM turn WHERE uid = ?1",
                                                  sv_from(mark->replacement.text), &row, err)
                             : ERR_OK;
    return code || row || !ulid_is_set(&mark->replacement)
               ? code
               : err_set(err, ERR_NOT_FOUND, "no turn '%s'", mark->replacement.text);
}

static enum err_code run_replace(void *state, struct db *db, struct err *err)
{
    const struct mark *mark = state;
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE turn SET deleted_at = coalesce(deleted_at, ?3),"
                   " replaced_by = (SELECT id FROM turn WHERE uid = ?2) WHERE uid = ?1",
                   err);
    db_bind_id(stmt, 1, &mark->turn);
    db_bind_id(stmt, 2, &mark->replacement);
    db_bind_int(stmt, 3, clock_wall_us());
    enum err_code code = changed(db, db_run(db, stmt, err), mark, err);
    return code ? code : check_replacement(db, mark, err);
}

enum err_code turn_replace(struct store *store, const struct ulid *turn,
                           const struct ulid *replacement, struct err *err)
{
    static const struct store_write write = {
        .full = true, .run = run_replace, .free_state = free_mark};
    struct mark *mark = mark_new(turn);
    mark->replacement = *replacement;
    enum err_code code = store_write(store, &write, &mark, err);
    free_mark(mark);
    return code;
}

/* ---- checkpoints ---- */

static enum err_code run_checkpoint(void *state, struct db *db, struct err *err)
{
    const struct mark *mark = state;
    struct sqlite3_stmt *stmt =
        db_prepare(db, "UPDATE turn SET checkpoint = ?2 WHERE uid = ?1", err);
    db_bind_id(stmt, 1, &mark->turn);
    db_bind_text(stmt, 2, sv_of(mark->text, mark->text_n));
    return changed(db, db_run(db, stmt, err), mark, err);
}

enum err_code turn_put_checkpoint(struct store *store, const struct ulid *turn, struct sv text,
                                  struct err *err)
{
    static const struct store_write write = {.run = run_checkpoint, .free_state = free_mark};
    if (text.n > CHECKPOINT_MAX_BYTES) {
        return err_set(err, ERR_TOO_BIG, "a checkpoint of %zu bytes is too large", text.n);
    }
    struct mark *mark = mark_new(turn);
    mark->text = xstrndup(text.p ? text.p : "", text.n);
    mark->text_n = text.n;
    enum err_code code = store_write(store, &write, &mark, err);
    free_mark(mark);
    return code;
}
