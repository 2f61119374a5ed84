/*
 * What a purge takes, table by table.
 *
 * Text on its way goes first (chunk has no index by message, so all of it is looked at once, and
 * leftovers of earlier folds go with it), then messages one by one, each with its words, its
 * attempts and its turn, then what belongs to the session as a whole.
 */
#include "base/clock.h"
#include "store/index_internal.h"
#include "store/purge_internal.h"
#include "store/sql_internal.h"

/* Of the 10 ms, what is left after the commit. */
#define WORK_US CLOCK_MS(4)
/* Rows of chunk that one statement looks at. */
#define WINDOW_MAX 128

static bool is_late(int64_t until)
{
    return clock_mono_us() >= until;
}

/* ---- chunk ---- */

/* What is no unfolded message's, or the target's. The highest row stays, or ids would come again.
 */
#define PURGED_CHUNK                                                                               \
    " NOT EXISTS (SELECT 1 FROM message m JOIN branch b ON b.id = m.branch"                        \
    " WHERE m.id = chunk.message AND m.folded = 0 AND b.session <> ?3 AND m.id <> ?4)"

static const char window_sql[] =
    "SELECT coalesce((SELECT id FROM chunk WHERE id >= ?1 ORDER BY id LIMIT 1 OFFSET ?2), -1)";
static const char sweep_sql[] =
    "DELETE FROM chunk WHERE id >= ?1 AND id < ?2 AND id < (SELECT max(id) FROM chunk)"
    " AND" PURGED_CHUNK;
static const char blank_sql[] =
    "UPDATE chunk SET message = 0, text = '' WHERE id >= ?1 AND id <= ?2"
    " AND id = (SELECT max(id) FROM chunk) AND" PURGED_CHUNK;

/* wide: a range and a target. */
static enum err_code sweep(struct db *db, const char *sql, int64_t from, int64_t to,
                           const struct purge_target *target, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    db_bind_int(stmt, 1, from);
    db_bind_int(stmt, 2, to);
    db_bind_int(stmt, 3, target->session);
    db_bind_int(stmt, 4, target->message);
    return db_run(db, stmt, err);
}

/* Where the next `rows` of them end. A row may hold 13 bytes or half a megabyte, and only the time
 * it took to delete some tells: so the first windows are small. */
static enum err_code find_window(struct db *db, int64_t from, int64_t rows, int64_t *ret_to,
                                 struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, window_sql, err);
    db_bind_int(stmt, 1, from);
    db_bind_int(stmt, 2, rows);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    *ret_to = db_column_int(stmt, 0);
    db_reset(stmt);
    return ERR_OK;
}

static enum err_code purge_chunks(struct db *db, const struct purge_target *target,
                                  struct purge_step *step, struct err *err)
{
    int64_t until = clock_mono_us() + WORK_US;
    int64_t from = target->chunk_from;
    int64_t rows = 1;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && !step->done && !is_late(until)) {
        int64_t to = -1;
        code = find_window(db, from, rows, &to, err);
        step->done = to < 0;
        to = to < 0 ? INT64_MAX : to;
        if (code == ERR_OK) {
            code = sweep(db, sweep_sql, from, to, target, err);
        }
        from = to;
        rows = rows < WINDOW_MAX ? 2 * rows : rows;
    }
    if (code == ERR_OK && step->done) {
        code = sweep(db, blank_sql, 0, INT64_MAX, target, err);
    }
    step->chunk_from = from;
    return code;
}

/* ---- messages ---- */

static enum err_code note_attachments(struct db *db, int64_t row, struct purge_step *step,
                                      struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "SELECT attachment FROM part WHERE id = ?1 AND attachment IS NOT NULL", err);
    db_bind_int(stmt, 1, row);
    while (db_step(db, stmt, err)) {
        step->attachments[step->attachment_count++] = db_column_int(stmt, 0);
    }
    return db_result(db);
}

static enum err_code purge_part(struct db *db, int64_t row, struct purge_step *step,
                                struct err *err)
{
    int64_t bytes = 0;
    enum err_code code = note_attachments(db, row, step, err);
    if (code == ERR_OK) {
        code = sql__value_of_row(db, "SELECT length(CAST(text AS BLOB)) FROM part WHERE id = ?1",
                                 row, &bytes, err);
    }
    if (code == ERR_OK) {
        code = sql__run_row(db, "DELETE FROM part WHERE id = ?1", row, err);
    }
    step->bytes += (uint64_t)bytes;
    return code;
}

/* What a long part has beyond its row. */
static enum err_code purge_segments(struct db *db, int64_t message, int64_t until,
                                    struct purge_step *step, struct err *err)
{
    int64_t segment = 0;
    enum err_code code = ERR_OK;
    do {
        int64_t bytes = 0;
        code = sql__value_of_row(db, "SELECT id FROM segment WHERE message = ?1 LIMIT 1", message,
                                 &segment, err);
        if (code == ERR_OK && segment != 0) {
            code = sql__value_of_row(db,
                                     "SELECT length(CAST(text AS BLOB)) FROM segment WHERE id = ?1",
                                     segment, &bytes, err);
        }
        if (code == ERR_OK && segment != 0) {
            code = sql__run_row(db, "DELETE FROM segment WHERE id = ?1", segment, err);
        }
        step->bytes += (uint64_t)bytes;
    } while (code == ERR_OK && segment != 0 && !is_late(until));
    return code;
}

/* wide: a message, a time, what is noted and found. True in *ret_left: there was no time, or no
 * room to note attachments, for all of them. */
static enum err_code purge_parts(struct db *db, int64_t message, int64_t until,
                                 struct purge_step *step, bool *ret_left, struct err *err)
{
    int64_t part = 0;
    enum err_code code = purge_segments(db, message, until, step, err);
    if (code != ERR_OK || is_late(until)) {
        *ret_left = true;
        return code;
    }
    do {
        code = sql__value_of_row(db,
                                 "SELECT id FROM part WHERE message = ?1 ORDER BY position LIMIT 1",
                                 message, &part, err);
        if (code == ERR_OK && part != 0) {
            code = purge_part(db, part, step, err);
        }
    } while (code == ERR_OK && part != 0 && !is_late(until) &&
             step->attachment_count < PURGE__ATTACHMENTS);
    *ret_left = part != 0;
    return code;
}

/* The highest number would be the next message's, too, while its own process still writes to it. */
static enum err_code keep_number(struct db *db, int64_t message, struct err *err)
{
    return sql__run_row(db,
                        "INSERT INTO last_row (name, id) SELECT 'message', ?1"
                        " WHERE ?1 = (SELECT max(id) FROM message)"
                        " ON CONFLICT (name) DO UPDATE SET id = max(id, excluded.id)",
                        message, err);
}

/* A turn goes with its last message; before that it loses what it may hold of this one. */
static enum err_code purge_turn(struct db *db, int64_t message, int64_t turn, struct err *err)
{
    int64_t others = 0;
    enum err_code code = sql__run_row(db, "DELETE FROM attempt WHERE answer = ?1", message, err);
    if (code == ERR_OK) {
        code = keep_number(db, message, err);
    }
    if (code == ERR_OK) {
        code = sql__run_row(db, "DELETE FROM message WHERE id = ?1", message, err);
    }
    if (code == ERR_OK) {
        code = sql__value_of_row(db, "SELECT 1 FROM message WHERE turn = ?1", turn, &others, err);
    }
    if (code == ERR_OK && others != 0) {
        return sql__run_row(
            db, "UPDATE turn SET checkpoint = NULL WHERE id = ?1 AND checkpoint IS NOT NULL", turn,
            err);
    }
    if (code == ERR_OK) {
        code = sql__run_row(db, "DELETE FROM request WHERE turn = ?1", turn, err);
    }
    return code ? code : sql__run_row(db, "DELETE FROM turn WHERE id = ?1", turn, err);
}

/* wide: a message, a time, what is noted and found. */
static enum err_code purge_one(struct db *db, int64_t message, int64_t until,
                               struct purge_step *step, bool *ret_left, struct err *err)
{
    int64_t turn = 0;
    /* Its words go while its text is there to tell them. */
    enum err_code code = index__forget(db, message, until, ret_left, err);
    if (code == ERR_OK && !*ret_left) {
        code = purge_parts(db, message, until, step, ret_left, err);
    }
    if (code || *ret_left) {
        return code;
    }
    code = sql__run_row(db,
                        "DELETE FROM journal WHERE target ="
                        " (SELECT uid FROM message WHERE id = ?1)",
                        message, err);
    if (code == ERR_OK) {
        code = sql__value_of_row(db, "SELECT turn FROM message WHERE id = ?1", message, &turn, err);
    }
    if (code == ERR_OK) {
        code = purge_turn(db, message, turn, err);
    }
    step->messages++;
    return code;
}

static const char message_of_session_sql[] =
    "SELECT m.id FROM branch b JOIN message m ON m.branch = b.id WHERE b.session = ?1 LIMIT 1";
static const char message_itself_sql[] = "SELECT id FROM message WHERE id = ?1";

static enum err_code purge_messages(struct db *db, const struct purge_target *target,
                                    struct purge_step *step, struct err *err)
{
    int64_t until = clock_mono_us() + WORK_US;
    enum err_code code = ERR_OK;
    bool left = false;
    int64_t message = 0;
    do {
        code = target->message
                   ? sql__value_of_row(db, message_itself_sql, target->message, &message, err)
                   : sql__value_of_row(db, message_of_session_sql, target->session, &message, err);
        step->done = message == 0;
        if (code == ERR_OK && message != 0) {
            code = purge_one(db, message, until, step, &left, err);
        }
    } while (code == ERR_OK && !step->done && !left && !is_late(until));
    return code;
}

/* A title made of the prompt, or by a model, may hold words of the message: so do the changes that
 * remember it, and what was found out about the session. ?1: the message. */
#define ITS_SESSION                                                                                \
    " (SELECT s.uid FROM message m JOIN branch b ON b.id = m.branch JOIN session s"                \
    " ON s.id = b.session WHERE m.id = ?1)"
#define MAY_HOLD_IT(by)                                                                            \
    " (" by " LIKE 'model%' OR (" by " LIKE 'prompt%' AND 'user' ="                                \
    " (SELECT role FROM message WHERE id = ?1)))"
static const char *const title_sql[] = {
    "UPDATE session SET title = '' WHERE" MAY_HOLD_IT("title_by") " AND uid =" ITS_SESSION,
    "DELETE FROM journal WHERE action = 'title' AND session =" ITS_SESSION
    " AND (" MAY_HOLD_IT("before") " OR" MAY_HOLD_IT("after") ")",
    "UPDATE claim SET result = '' WHERE done_at IS NOT NULL AND target =" ITS_SESSION,
    "DELETE FROM claim WHERE target = (SELECT uid FROM message WHERE id = ?1)",
};

static enum err_code purge_title(struct db *db, const struct purge_target *target,
                                 struct purge_step *step, struct err *err)
{
    int64_t session = 0;
    enum err_code code =
        sql__value_of_row(db,
                          "SELECT b.session FROM message m JOIN branch b ON b.id = m.branch"
                          " WHERE m.id = ?1",
                          target->message, &session, err);
    step->done = true;
    /* Whichever title it was that the index has. */
    if (code == ERR_OK) {
        code = index__remove_title(db, session, err);
    }
    for (size_t i = 0; code == ERR_OK && i < COUNT_OF(title_sql); i++) {
        code = sql__run_row(db, title_sql[i], target->message, err);
    }
    return code;
}

/* ---- what belongs to the session as a whole ---- */

/* Turns that no message is left of. */
static enum err_code purge_turns(struct db *db, const struct purge_target *target,
                                 struct purge_step *step, struct err *err)
{
    int64_t until = clock_mono_us() + WORK_US;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && !step->done && !is_late(until)) {
        int64_t turn = 0;
        code = sql__value_of_row(db,
                                 "SELECT t.id FROM branch b JOIN turn t ON t.branch = b.id"
                                 " WHERE b.session = ?1 LIMIT 1",
                                 target->session, &turn, err);
        step->done = turn == 0;
        if (code == ERR_OK && turn != 0) {
            code = purge_turn(db, 0, turn, err);
        }
    }
    return code;
}

/* Each is run again until it changes nothing. ?1: the session's id. */
static const char *const by_id_sql[] = {
    "DELETE FROM queue WHERE id = (SELECT q.id FROM session s JOIN queue q ON q.session = s.id"
    " WHERE s.uid = ?1 LIMIT 1)",
    "DELETE FROM request WHERE id IN (SELECT id FROM request WHERE scope = ?1 LIMIT 100)",
    "DELETE FROM journal WHERE id IN (SELECT id FROM journal WHERE session = ?1 LIMIT 100)",
    "DELETE FROM claim WHERE (kind, target) IN"
    " (SELECT kind, target FROM claim WHERE target = ?1 LIMIT 10)",
    "DELETE FROM draft WHERE place = ?1",
};

static enum err_code purge_by_id(struct db *db, const struct purge_target *target,
                                 struct purge_step *step, struct err *err)
{
    int64_t until = clock_mono_us() + WORK_US;
    enum err_code code = ERR_OK;
    size_t at = 0;
    while (code == ERR_OK && at < COUNT_OF(by_id_sql) && !is_late(until)) {
        code = sql__run_text(db, by_id_sql[at], sv_from(target->id.text), err);
        at += db_changes(db) == 0;
    }
    step->done = at == COUNT_OF(by_id_sql);
    return code;
}

static enum err_code purge_head(struct db *db, const struct purge_target *target,
                                struct purge_step *step, struct err *err)
{
    step->done = true;
    enum err_code code = index__remove_title(db, target->session, err);
    return code ? code
                : sql__run_row(db, "DELETE FROM session WHERE id = ?1", target->session, err);
}

purge__stage *const purge__session_stages[] = {
    purge_chunks, purge_messages, purge_turns, purge_by_id, purge_head, NULL,
};
purge__stage *const purge__message_stages[] = {
    purge_chunks,
    purge_title,
    purge_messages,
    NULL,
};
