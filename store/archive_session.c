/*
 * The beginning and the end of a session that comes in.
 *
 * What is not whole has a claim of kind "import", in the transaction that began it: owned by "new"
 * a session that lies in the trash until its end, by "more" one that was there already. Who finds
 * the claim finds an import that was cut short, and completes it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/archive_internal.h"
#include "store/attempt_internal.h"
#include "store/branch_internal.h"
#include "store/session_internal.h"
#include "store/sql_internal.h"

#define IN_TIME " BETWEEN 0 AND 4000000000000000"

/* ?1: the record, ?2: its handle, ?3: now. In the trash until it is whole. Its messages are counted
 * as they come: it may be a part of the session that was taken out, and some may be refused. Its
 * sums leave room for what is used later. */
static const char put_session_sql[] =
    "INSERT INTO session (uid, handle, name, title, title_by, scope, key, metadata, status,"
    " state, model, message_count, input_tokens, output_tokens, cost_micros, created_at,"
    " last_active_at, ended_at, archived_at, deleted_at) SELECT uid, ?2,"
    " CASE WHEN length(CAST(wish AS BLOB)) BETWEEN 1 AND 100"
    "  AND NOT EXISTS (SELECT 1 FROM session WHERE name = wish) THEN wish END,"
    " substr(title, 1, CASE WHEN length(CAST(title AS BLOB)) > 500 THEN 120 ELSE 500 END),"
    " CASE WHEN ?1 ->> 'title_by' IN ('prompt', 'model', 'user') THEN ?1 ->> 'title_by'"
    "  ELSE 'model' END, place,"
    " CASE WHEN NOT EXISTS (SELECT 1 FROM session WHERE key = ?1 ->> 'key' AND scope = place)"
    "  THEN ?1 ->> 'key' END,"
    " CASE WHEN json_valid(?1 ->> 'metadata') THEN ?1 ->> 'metadata' END,"
    " CASE WHEN ?1 ->> 'status' IN ('active', 'idle', 'ended') THEN ?1 ->> 'status'"
    "  ELSE 'idle' END,"
    " CASE WHEN state IN ('completed', 'failed', 'cancelled', 'interrupted') THEN state"
    "  WHEN state = 'running' THEN 'interrupted' ELSE '' END, ?1 ->> 'model',"
    " 0, max(0, min(coalesce(?1 ->> 'input_tokens', 0), 1000000000000000000)),"
    " max(0, min(coalesce(?1 ->> 'output_tokens', 0), 1000000000000000000)),"
    " max(0, min(coalesce(?1 ->> 'cost_micros', 0), 1000000000000000000)),"
    " created_at, last_active_at, ended_at, archived_at, ?3"
    " FROM (SELECT ?1 ->> 'id' AS uid, ?1 ->> 'state' AS state, ?1 ->> 'created_at' AS created_at,"
    "  ?1 ->> 'last_active_at' AS last_active_at, ?1 ->> 'ended_at' AS ended_at,"
    "  ?1 ->> 'archived_at' AS archived_at, coalesce(?1 ->> 'scope', '') AS place,"
    "  replace(replace(?1 ->> 'name', char(10), ' '), char(13), ' ') AS wish,"
    "  replace(replace(coalesce(?1 ->> 'title', ''), char(10), ' '), char(13), ' ') AS title)"
    " WHERE length(uid) = 26 AND created_at" IN_TIME " AND last_active_at" IN_TIME
    " AND coalesce(ended_at, 0)" IN_TIME " AND coalesce(archived_at, 0)" IN_TIME;
static const char put_labels_sql[] =
    "INSERT OR IGNORE INTO label (session, name, last_active_at)"
    " SELECT s.id, l.value, s.last_active_at FROM json_each(?1, '$.labels') l"
    " CROSS JOIN session s ON s.id = ?2"
    " WHERE l.type = 'text' AND length(l.value) BETWEEN 1 AND 100";
static const char put_verdict_sql[] =
    "INSERT OR IGNORE INTO verdict (session, rating, verdict, decided_at)"
    " SELECT ?2, ?1 ->> '$.verdict.rating', ?1 ->> '$.verdict.verdict',"
    " ?1 ->> '$.verdict.decided_at' WHERE ?1 ->> '$.verdict.decided_at'" IN_TIME;

static enum err_code run_for(const struct archive_work *work, struct db *db, const char *sql,
                             struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    db_bind_text(stmt, 1, work->record);
    db_bind_int(stmt, 2, work->row);
    return db_run(db, stmt, err);
}

/* ---- the beginning ---- */

static const char find_sql[] =
    "SELECT s.id, s.deleted_at NOT NULL, c.owner FROM session s"
    " LEFT JOIN claim c ON c.kind = 'import' AND c.target = s.uid WHERE s.uid = ?1";

static enum err_code find_session(struct archive_work *work, struct db *db, bool *ret_is_new,
                                  struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, find_sql, err);
    db_bind_id(stmt, 1, &work->session);
    work->row = 0;
    *ret_is_new = true;
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    work->row = db_column_int(stmt, 0);
    bool deleted = db_column_int(stmt, 1) != 0;
    work->unwhole = !db_column_is_null(stmt, 2);
    *ret_is_new = sv_equal_str(db_column_text(stmt, 2), "new");
    db_reset(stmt);
    return deleted && !*ret_is_new
               ? err_set(err, ERR_GONE, "session %s is in the trash", work->session.text)
               : ERR_OK;
}

/* With the handle that it had, where that is free and looks like one; else a new one. */
static enum err_code insert_session(struct archive_work *work, struct db *db, struct err *err)
{
    char handle[SESSION__HANDLE_SIZE] = "";
    enum err_code code = session__pick_handle(db, &work->session, work->record, handle, err);
    if (code) {
        return code;
    }
    struct sqlite3_stmt *stmt = db_prepare(db, put_session_sql, err);
    db_bind_text(stmt, 1, work->record);
    db_bind_text(stmt, 2, sv_from(handle));
    db_bind_int(stmt, 3, clock_wall_us());
    code = db_run(db, stmt, err);
    if (code == ERR_OK && db_changes(db) == 0) {
        code = err_set(err, ERR_INVALID, "session %s lacks its times", work->session.text);
    }
    work->row = db_last_id(db);
    work->unwhole = work->created = true;
    return code;
}

static enum err_code claim_session(const struct archive_work *work, struct db *db, bool is_new,
                                   struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT OR REPLACE INTO claim (kind, target, owner, claimed_at)"
                   " VALUES ('import', ?1, ?2, ?3)",
                   err);
    db_bind_id(stmt, 1, &work->session);
    db_bind_text(stmt, 2, is_new ? SV("new") : SV("more"));
    db_bind_int(stmt, 3, clock_wall_us());
    return db_run(db, stmt, err);
}

static enum err_code run_begin(void *state, struct db *db, struct err *err)
{
    struct archive_work *work = state;
    bool is_new = false;
    int64_t has_sums = 0;
    work->created = work->unwhole = false;
    enum err_code code = find_session(work, db, &is_new, err);
    if (code == ERR_OK && work->row == 0) {
        code = insert_session(work, db, err);
    }
    code = code ? code : claim_session(work, db, is_new, err);
    if (code == ERR_OK) {
        code = sql__value_of_text(db, "SELECT ?1 ->> 'message_count' NOT NULL", work->record,
                                  &has_sums, err);
    }
    work->counted = has_sums && is_new;
    work->is_shown = !is_new;
    code = code ? code : run_for(work, db, put_labels_sql, err);
    return code ? code : run_for(work, db, put_verdict_sql, err);
}

const struct store_write archive__begin = {.run = run_begin, .free_state = archive__free_work};

/* ---- the end ---- */

/* Out of the trash, where it was this import's. */
static const char end_sql[] =
    "UPDATE session SET branch = coalesce(branch,"
    "  (SELECT id FROM branch WHERE uid = ?1 ->> 'branch' AND session = ?2),"
    "  (SELECT min(id) FROM branch WHERE session = ?2)),"
    " deleted_at = CASE WHEN EXISTS (SELECT 1 FROM claim WHERE kind = 'import'"
    "  AND target = session.uid AND owner = 'new') THEN NULL ELSE deleted_at END WHERE id = ?2";

/* Whoever purges the trash meanwhile takes a session that is not whole, too. */
static enum err_code check_there(const struct archive_work *work, struct db *db, struct err *err)
{
    int64_t there = 0;
    enum err_code code =
        sql__value_of_row(db, "SELECT count(*) FROM session WHERE id = ?1", work->row, &there, err);
    return code || there
               ? code
               : err_set(err, ERR_GONE, "session %s was purged meanwhile", work->session.text);
}

/* A session without a branch would have nowhere to go on. */
static enum err_code make_branch(const struct archive_work *work, struct db *db, struct err *err)
{
    int64_t branches = 0, row = 0;
    enum err_code code = sql__value_of_row(db, "SELECT count(*) FROM branch WHERE session = ?1",
                                           work->row, &branches, err);
    if (code || branches) {
        return code;
    }
    struct branch_new first = {.session = work->row, .reason = "import", .now_us = clock_wall_us()};
    struct ulid id;
    return branch__make(db, &first, &id, &row, err);
}

static enum err_code run_end(void *state, struct db *db, struct err *err)
{
    struct archive_work *work = state;
    enum err_code code = check_there(work, db, err);
    code = code ? code : make_branch(work, db, err);
    code = code ? code : run_for(work, db, end_sql, err);
    if (code == ERR_OK) {
        code = sql__run_text(db, "DELETE FROM claim WHERE kind = 'import' AND target = ?1",
                             sv_from(work->session.text), err);
    }
    return code ? code : event_append(db, "session", work->row, 0, err);
}

static void end_written(void *state, struct store *store)
{
    session__written(state, store);
}

const struct store_write archive__end = {
    .full = true, .run = run_end, .written = end_written, .free_state = archive__free_work};
