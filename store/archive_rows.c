/*
 * One record of JSON into its rows.
 *
 * ?1 is the record, ?2 the row of its session. What a record says is checked where it is selected:
 * one that is not as it should be selects nothing, and is refused. Words, ids and times that
 * reading would take for damage never come in; tables are STRICT, so a text that stands where a
 * number has to be is refused by them.
 */
#include "store/archive_internal.h"
#include "store/sql_internal.h"

/* What json_each gives is in the order of the array. */

/* Of the column uid. */
#define IS_ID " length(uid) = 26 AND uid NOT GLOB '*[^0-9A-HJKMNP-TV-Z]*' AND uid GLOB '[0-7]*'"
/* What adds to a time of this size stays in range. */
#define IN_TIME " BETWEEN 0 AND 4000000000000000"
/* USAGE_MOST */
#define IN_USAGE " BETWEEN 0 AND 10000000000000"
#define IN_STATES " IN ('running', 'completed', 'failed', 'cancelled', 'interrupted')"
/* Whose process is gone is not running. */
#define STATE " CASE state WHEN 'running' THEN 'interrupted' ELSE state END"

static const char put_participant_sql[] =
    "INSERT OR IGNORE INTO participant (session, kind, external_id, created_at)"
    " SELECT ?2, ?1 ->> 'kind', ?1 ->> 'external_id', ?1 ->> 'created_at'"
    " WHERE ?1 ->> 'kind' IN ('user', 'model', 'tool') AND ?1 ->> 'external_id' NOT NULL"
    " AND ?1 ->> 'created_at'" IN_TIME;

static const char put_branch_sql[] =
    "INSERT INTO branch (uid, session, parent, fork_seq, name, reason, created_at)"
    " SELECT uid, ?2, parent_row, fork_seq,"
    " replace(replace(name, char(10), ' '), char(13), ' '), reason, created_at"
    " FROM (SELECT ?1 ->> 'id' AS uid, ?1 ->> 'parent' AS parent, ?1 ->> 'fork_seq' AS fork_seq,"
    "  ?1 ->> 'name' AS name, ?1 ->> 'reason' AS reason, ?1 ->> 'created_at' AS created_at,"
    "  (SELECT id FROM branch WHERE uid = ?1 ->> 'parent' AND session = ?2) AS parent_row)"
    " WHERE" IS_ID " AND created_at" IN_TIME " AND (parent IS NULL) = (parent_row IS NULL)"
    " AND (parent IS NULL) = (fork_seq IS NULL)"
    " AND coalesce(fork_seq, 0) BETWEEN 0 AND 1000000000000"
    " AND reason IN ('fork', 'edit', 'again', 'import')"
    " AND coalesce(length(CAST(name AS BLOB)), 0) <= 100";

static const char put_turn_sql[] =
    "INSERT INTO turn (uid, branch, state, created_at, ended_at, unanswered, deleted_at,"
    " checkpoint) SELECT uid,"
    " (SELECT id FROM branch WHERE uid = ?1 ->> 'branch' AND session = ?2)," STATE ", created_at,"
    " coalesce(ended_at, CASE state WHEN 'running' THEN created_at END),"
    " coalesce(?1 ->> 'unanswered', 0), deleted_at, ?1 ->> 'checkpoint'"
    " FROM (SELECT ?1 ->> 'id' AS uid, ?1 ->> 'state' AS state, ?1 ->> 'created_at' AS created_at,"
    "  ?1 ->> 'ended_at' AS ended_at, ?1 ->> 'deleted_at' AS deleted_at)"
    " WHERE" IS_ID " AND state" IN_STATES " AND created_at" IN_TIME
    " AND coalesce(ended_at, 0)" IN_TIME " AND coalesce(deleted_at, 0)" IN_TIME;
static const char put_requests_sql[] =
    "INSERT OR IGNORE INTO request (scope, key, fingerprint, turn, created_at)"
    " SELECT q.value ->> 'scope', q.value ->> 'key', q.value ->> 'fingerprint',"
    " (SELECT t.id FROM turn t JOIN branch o ON o.id = t.branch"
    "  WHERE t.uid = ?1 ->> 'id' AND o.session = ?2), q.value ->> 'created_at'"
    " FROM json_each(?1, '$.requests') q WHERE q.type = 'object'";

static const char put_replacement_sql[] =
    "UPDATE turn SET replaced_by = (SELECT t.id FROM turn t JOIN branch o ON o.id = t.branch"
    "  WHERE t.uid = ?1 ->> 'by' AND o.session = ?2)"
    " WHERE id = (SELECT t.id FROM turn t JOIN branch o ON o.id = t.branch"
    "  WHERE t.uid = ?1 ->> 'turn' AND o.session = ?2)"
    " AND EXISTS (SELECT 1 FROM turn t JOIN branch o ON o.id = t.branch"
    "  WHERE t.uid = ?1 ->> 'by' AND o.session = ?2)";

static const char put_message_sql[] =
    "INSERT INTO message (id, uid, branch, seq, turn, role, model, reason, error, detail,"
    " revision, folded, created_at, ended_at, participant, continues, action)"
    " SELECT " SQL__MESSAGE_ROW ", uid, branch_row, seq,"
    " (SELECT t.id FROM turn t JOIN branch o ON o.id = t.branch"
    "  WHERE t.uid = ?1 ->> 'turn' AND o.session = ?2),"
    " role, ?1 ->> 'model', CASE reason WHEN '' THEN 'interrupted' ELSE reason END,"
    " ?1 ->> 'error', ?1 ->> 'detail', 1, 1, created_at, coalesce(ended_at, created_at),"
    " (SELECT id FROM participant WHERE session = ?2 AND kind = ?1 ->> '$.participant.kind'"
    "  AND external_id = ?1 ->> '$.participant.external_id'),"
    " (SELECT m.id FROM message m JOIN branch o ON o.id = m.branch"
    "  WHERE m.uid = ?1 ->> 'continues' AND o.session = ?2), ?1 ->> 'action'"
    " FROM (SELECT ?1 ->> 'id' AS uid, ?1 ->> 'seq' AS seq, ?1 ->> 'role' AS role,"
    "  ?1 ->> 'reason' AS reason, ?1 ->> 'created_at' AS created_at,"
    "  ?1 ->> 'ended_at' AS ended_at,"
    "  (SELECT id FROM branch WHERE uid = ?1 ->> 'branch' AND session = ?2) AS branch_row,"
    "  (SELECT fork_seq FROM branch WHERE uid = ?1 ->> 'branch') AS forked)"
    " WHERE" IS_ID
    " AND seq BETWEEN 0 AND 1000000000000 AND seq > coalesce(forked, -1) AND branch_row NOT NULL"
    " AND created_at" IN_TIME " AND coalesce(ended_at, 0)" IN_TIME
    " AND role IN ('user', 'assistant', 'system', 'tool')"
    " AND reason IN ('', 'end_turn', 'max_tokens', 'tool_use', 'canceled', 'error',"
    "  'content_filter', 'refusal', 'paused', 'interrupted', 'unknown')"
    " AND coalesce(json_array_length(?1, '$.parts'), 0) <= 10000";
/* ?2: the row of the message. */
static const char put_parts_sql[] =
    "INSERT INTO part (message, position, kind, tool_id, tool_name, began_at, ended_at, text,"
    " attachment) SELECT ?2, coalesce(p.value ->> 'position', p.key), p.value ->> 'kind',"
    " p.value ->> 'tool_id', p.value ->> 'tool_name',"
    " coalesce(p.value ->> 'began_at', ?1 ->> 'created_at'), p.value ->> 'ended_at',"
    " coalesce(p.value ->> 'text', ''), CASE p.value ->> 'kind' WHEN 'attachment' THEN"
    "  (SELECT id FROM attachment WHERE sha256 = p.value ->> 'tool_id' AND whole = 1) END"
    " FROM json_each(?1, '$.parts') p WHERE p.type = 'object'"
    " AND p.value ->> 'kind' IN ('text', 'reasoning', 'tool_call', 'tool_result', 'attachment',"
    "  'status', 'native')"
    " AND coalesce(p.value ->> 'began_at', 0)" IN_TIME
    " AND coalesce(p.value ->> 'ended_at', 0)" IN_TIME
    " AND coalesce(p.value ->> 'position', 0) BETWEEN 0 AND 1000000";
static const char put_usage_sql[] =
    "INSERT INTO usage (message, input_tokens, output_tokens, cache_read_tokens,"
    " cache_write_tokens, reasoning_tokens, cost_micros, at, model, session, estimated)"
    " SELECT (SELECT m.id FROM message m JOIN branch o ON o.id = m.branch"
    "  WHERE m.uid = ?1 ->> 'id' AND o.session = ?2), u.value ->> 'input_tokens',"
    " u.value ->> 'output_tokens', u.value ->> 'cache_read_tokens',"
    " u.value ->> 'cache_write_tokens', u.value ->> 'reasoning_tokens',"
    " u.value ->> 'cost_micros', coalesce(u.value ->> 'at', ?1 ->> 'created_at'),"
    " u.value ->> 'model', ?2, coalesce(u.value ->> 'estimated', 0)"
    " FROM json_each(?1) u WHERE u.key = 'usage' AND u.type = 'object'"
    " AND coalesce(u.value ->> 'input_tokens', 0)" IN_USAGE
    " AND coalesce(u.value ->> 'output_tokens', 0)" IN_USAGE
    " AND coalesce(u.value ->> 'cache_read_tokens', 0)" IN_USAGE
    " AND coalesce(u.value ->> 'cache_write_tokens', 0)" IN_USAGE
    " AND coalesce(u.value ->> 'reasoning_tokens', 0)" IN_USAGE
    " AND coalesce(u.value ->> 'cost_micros', 0)" IN_USAGE;
static const char put_notes_sql[] =
    "INSERT OR IGNORE INTO note (uid, message, part, first, last, text, created_at, changed_at)"
    " SELECT uid, (SELECT m.id FROM message m JOIN branch o ON o.id = m.branch"
    "  WHERE m.uid = ?1 ->> 'id' AND o.session = ?2), note ->> 'part', note ->> 'first',"
    " note ->> 'last', note ->> 'text', note ->> 'created_at', note ->> 'changed_at'"
    " FROM (SELECT n.value AS note, n.value ->> 'id' AS uid"
    "  FROM json_each(?1, '$.notes') n WHERE n.type = 'object') WHERE" IS_ID "";
static const char put_verdict_sql[] =
    "INSERT OR IGNORE INTO verdict (session, message, rating, verdict, decided_at)"
    " SELECT ?2, (SELECT m.id FROM message m JOIN branch o ON o.id = m.branch"
    "  WHERE m.uid = ?1 ->> 'id' AND o.session = ?2), ?1 ->> '$.verdict.rating',"
    " ?1 ->> '$.verdict.verdict', ?1 ->> '$.verdict.decided_at'"
    " WHERE ?1 ->> '$.verdict.decided_at'" IN_TIME;

static const char put_attempt_sql[] =
    "INSERT INTO attempt (uid, turn, branch, answer, state, owner, response_id, error, detail,"
    " model, position, began_at, ended_at) SELECT uid,"
    " (SELECT t.id FROM turn t JOIN branch o ON o.id = t.branch"
    "  WHERE t.uid = ?1 ->> 'turn' AND o.session = ?2),"
    " (SELECT id FROM branch WHERE uid = ?1 ->> 'branch' AND session = ?2),"
    " (SELECT m.id FROM message m JOIN branch o ON o.id = m.branch"
    "  WHERE m.uid = ?1 ->> 'answer' AND o.session = ?2)," STATE ", '', ?1 ->> 'response_id',"
    " ?1 ->> 'error', ?1 ->> 'detail', ?1 ->> 'model', ?1 ->> 'position', began_at,"
    " coalesce(ended_at, began_at)"
    " FROM (SELECT ?1 ->> 'id' AS uid, ?1 ->> 'state' AS state, ?1 ->> 'began_at' AS began_at,"
    "  ?1 ->> 'ended_at' AS ended_at)"
    " WHERE" IS_ID " AND state" IN_STATES " AND began_at" IN_TIME
    " AND coalesce(ended_at, 0)" IN_TIME;

static const char is_branch_sql[] = "SELECT count(*) FROM branch WHERE uid = ?1 ->> 'id'";
static const char is_turn_sql[] = "SELECT count(*) FROM turn WHERE uid = ?1 ->> 'id'";
static const char is_message_sql[] = "SELECT count(*) FROM message WHERE uid = ?1 ->> 'id'";
static const char is_attempt_sql[] = "SELECT count(*) FROM attempt WHERE uid = ?1 ->> 'id'";

/* ?1: the message's id, ?2: the session, ?3: part, ?4: offset, ?5: text. */
static const char put_segment_sql[] =
    "INSERT OR IGNORE INTO segment (message, part, byte_offset, text) SELECT m.id, ?3, ?4, ?5"
    " FROM message m JOIN branch b ON b.id = m.branch WHERE m.uid = ?1 AND b.session = ?2";

static const char count_message_sql[] =
    "UPDATE session SET message_count = message_count + 1 WHERE id = ?1";
/* What a message adds to the sums of a session that brought none with it. */
static const char add_usage_sql[] =
    "UPDATE session SET (input_tokens, output_tokens, cost_micros) ="
    " (SELECT input_tokens + coalesce(u.input_tokens, 0),"
    "  output_tokens + coalesce(u.output_tokens, 0), cost_micros + coalesce(u.cost_micros, 0)"
    "  FROM usage u JOIN message m ON m.id = u.message WHERE m.uid = ?1 ->> 'id')"
    " WHERE id = ?2 AND EXISTS (SELECT 1 FROM usage u JOIN message m ON m.id = u.message"
    "  WHERE m.uid = ?1 ->> 'id' AND u.session = ?2)";

static const struct target {
    const char *is_there; /* NULL: putting it in twice is harmless */
    const char *put;
    const char *more; /* put in with it */
} targets[ARCHIVE_KIND_COUNT] = {
    [ARCHIVE_PARTICIPANT] = {NULL, put_participant_sql, NULL},
    [ARCHIVE_BRANCH] = {is_branch_sql, put_branch_sql, NULL},
    [ARCHIVE_TURN] = {is_turn_sql, put_turn_sql, put_requests_sql},
    [ARCHIVE_REPLACEMENT] = {NULL, put_replacement_sql, NULL},
    [ARCHIVE_MESSAGE] = {is_message_sql, put_message_sql, put_usage_sql},
    [ARCHIVE_ATTEMPT] = {is_attempt_sql, put_attempt_sql, NULL},
};

bool archive__has_rows(enum archive_kind kind)
{
    return (unsigned)kind < ARCHIVE_KIND_COUNT && targets[kind].put;
}

static enum err_code run_record(struct db *db, const char *sql, struct sv json, int64_t row,
                                struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    db_bind_text(stmt, 1, json);
    db_bind_int(stmt, 2, row);
    return db_run(db, stmt, err);
}

enum err_code archive__is_object(struct db *db, struct sv json, bool *ret_is, struct err *err)
{
    int64_t is = 0;
    enum err_code code = sql__value_of_text(
        db, "SELECT CASE WHEN json_valid(?1) THEN json_type(?1) = 'object' ELSE 0 END", json, &is,
        err);
    *ret_is = is != 0;
    return code;
}

enum err_code archive__is_known(struct db *db, enum archive_kind kind, struct sv json,
                                bool *ret_known, struct err *err)
{
    int64_t known = 0;
    enum err_code code = ERR_OK;
    if (targets[kind].is_there) {
        code = sql__value_of_text(db, targets[kind].is_there, json, &known, err);
    }
    *ret_known = known != 0;
    return code;
}

static enum err_code put_parts(struct db *db, struct sv json, struct err *err)
{
    int64_t row = db_last_id(db), expected = 0;
    enum err_code code = sql__value_of_text(
        db, "SELECT coalesce(json_array_length(?1, '$.parts'), 0)", json, &expected, err);
    if (code == ERR_OK && expected > 0) {
        code = run_record(db, put_parts_sql, json, row, err);
    }
    if (code == ERR_OK && expected > 0 && db_changes(db) != expected) {
        code = err_set(err, ERR_EXISTS, "a part is not as it should be");
    }
    return code;
}

static enum err_code put_new(struct db *db, const struct archive_work *work,
                             const struct archive_item *item, struct err *err)
{
    const struct target *target = &targets[item->kind];
    struct sv json = sv_of(item->json, item->n);
    enum err_code code = run_record(db, target->put, json, work->row, err);
    if (code == ERR_OK && db_changes(db) == 0 && target->is_there) {
        code = err_set(err, ERR_EXISTS, "it lacks something, or names what is not there");
    }
    if (code == ERR_OK && item->kind == ARCHIVE_MESSAGE) {
        code = put_parts(db, json, err);
    }
    if (code == ERR_OK && target->more) {
        code = run_record(db, target->more, json, work->row, err);
    }
    if (code == ERR_OK && item->kind == ARCHIVE_MESSAGE) {
        code = sql__run_row(db, count_message_sql, work->row, err);
    }
    if (code == ERR_OK && item->kind == ARCHIVE_MESSAGE && !work->counted) {
        code = run_record(db, add_usage_sql, json, work->row, err);
    }
    return code;
}

/* What may come later to a message that is there. */
static enum err_code put_review(struct db *db, const struct archive_work *work, struct sv json,
                                struct err *err)
{
    enum err_code code = run_record(db, put_notes_sql, json, work->row, err);
    return code ? code : run_record(db, put_verdict_sql, json, work->row, err);
}

static enum err_code put_segment(struct db *db, const struct archive_work *work,
                                 const struct archive_item *item, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, put_segment_sql, err);
    db_bind_id(stmt, 1, &item->message);
    db_bind_int(stmt, 2, work->row);
    db_bind_int(stmt, 3, item->part);
    db_bind_int(stmt, 4, item->offset);
    db_bind_text(stmt, 5, sv_of(item->json, item->n));
    return db_run(db, stmt, err);
}

enum err_code archive__put_item(struct db *db, const struct archive_work *work,
                                struct archive_item *item, struct err *err)
{
    struct sv json = sv_of(item->json, item->n);
    bool is = false;
    item->outcome = ARCHIVE_ADDED;
    if (item->is_segment) {
        return put_segment(db, work, item, err);
    }
    enum err_code code = archive__is_object(db, json, &is, err);
    if (code == ERR_OK && !is) {
        code = err_set(err, ERR_EXISTS, "it is no object");
    }
    if (code == ERR_OK) {
        code = archive__is_known(db, item->kind, json, &is, err);
        item->outcome = is ? ARCHIVE_KNOWN : ARCHIVE_ADDED;
    }
    if (code == ERR_OK && item->outcome == ARCHIVE_ADDED) {
        code = put_new(db, work, item, err);
    }
    return code == ERR_OK && item->kind == ARCHIVE_MESSAGE ? put_review(db, work, json, err) : code;
}
