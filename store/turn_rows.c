/*
 * The rows of a turn: each function is one statement. The prompt comes first, then the empty
 * message of the answer, then the attempt that fills it.
 */
#include "store/attempt_internal.h"
#include "store/journal_internal.h"
#include "store/participant_internal.h"
#include "store/session.h"
#include "store/sql_internal.h"
#include "store/turn_internal.h"

bool turn__has_prompt(const struct turn_job *self)
{
    return self->act == TURN_NEW || self->act == TURN_EDIT;
}

/* Each part began and ended, and so did the message. */
uint32_t turn__prompt_revision(const struct turn_job *self)
{
    return 3 + 2 * (uint32_t)self->attachment_count;
}

static enum err_code insert_turn(struct turn_job *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO turn (uid, branch, created_at, state, ended_at, unanswered)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                   err);
    self->turn.id = ulid_is_set(&self->id) ? self->id : ulid_new();
    db_bind_id(stmt, 1, &self->turn.id);
    db_bind_int(stmt, 2, self->branch_row);
    db_bind_int(stmt, 3, self->now_us);
    db_bind_text(stmt, 4, sv_from(run_state_text(self->unanswered ? RUN_COMPLETED : RUN_RUNNING)));
    if (self->unanswered) {
        db_bind_int(stmt, 5, self->now_us);
    } else {
        db_bind_null(stmt, 5);
    }
    db_bind_int(stmt, 6, self->unanswered);
    enum err_code code = db_run(db, stmt, err);
    self->turn_row = db_last_id(db);
    return code;
}

/* Another attempt: it runs again, and is deliberately unanswered no more. */
static enum err_code reopen_turn(struct turn_job *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE turn SET state = 'running', ended_at = NULL, unanswered = 0"
                   " WHERE id = ?1",
                   err);
    db_bind_int(stmt, 1, self->turn_row);
    return db_run(db, stmt, err);
}

/* Who writes a message, as a row of participant. */
static enum err_code find_author(const struct turn_job *self, struct db *db,
                                 enum participant_kind kind, int64_t *ret_row, struct err *err)
{
    struct participant_key key = {kind, sv_from(kind == PARTICIPANT_MODEL ? self->model : NULL),
                                  self->now_us};
    return participant__resolve(db, self->session_row, &key, ret_row, err);
}

static enum err_code insert_prompt(struct turn_job *self, struct db *db, struct err *err)
{
    int64_t author = 0;
    enum err_code code = find_author(self, db, PARTICIPANT_USER, &author, err);
    if (code) {
        return code;
    }
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO message (id, uid, branch, seq, turn, role, reason, revision,"
                   " folded, created_at, ended_at, participant, action) VALUES (" SQL__MESSAGE_ROW
                   ", ?1, ?2, ?3, ?4, 'user', 'end_turn', ?6, 1, ?5, ?5, ?7, ?8)",
                   err);
    self->turn.prompt = ulid_new();
    self->prompt_seq = self->seq;
    db_bind_id(stmt, 1, &self->turn.prompt);
    db_bind_int(stmt, 2, self->branch_row);
    db_bind_int(stmt, 3, self->seq);
    db_bind_int(stmt, 4, self->turn_row);
    db_bind_int(stmt, 5, self->now_us);
    db_bind_int(stmt, 6, turn__prompt_revision(self));
    db_bind_int(stmt, 7, author);
    db_bind_text(stmt, 8, sv_from(self->by_run ? session_origin_text(SESSION_OF_RUN) : NULL));
    code = db_run(db, stmt, err);
    self->prompt_row = db_last_id(db);
    return code;
}

static enum err_code insert_prompt_text(struct turn_job *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO part (message, position, kind, began_at, ended_at, text)"
                   " VALUES (?1, 0, 'text', ?2, ?2, ?3)",
                   err);
    db_bind_int(stmt, 1, self->prompt_row);
    db_bind_int(stmt, 2, self->now_us);
    db_bind_text(stmt, 3, sv_of(self->prompt, self->prompt_n));
    db_expect_bytes(db, self->prompt_n);
    return db_run(db, stmt, err);
}

static enum err_code insert_attachments(struct turn_job *self, struct db *db, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < self->attachment_count; i++) {
        struct sqlite3_stmt *stmt =
            db_prepare(db,
                       "INSERT INTO part (message, position, kind, tool_id, tool_name, began_at,"
                       " ended_at, text, attachment) VALUES (?1, ?2, 'attachment', ?3, ?4, ?5, ?5,"
                       " ?6, (SELECT id FROM attachment WHERE sha256 = ?3 AND whole = 1))",
                       err);
        db_bind_int(stmt, 1, self->prompt_row);
        db_bind_int(stmt, 2, (int64_t)i + 1);
        db_bind_text(stmt, 3, self->attachments[i].id);
        db_bind_text(stmt, 4, self->attachments[i].type);
        db_bind_int(stmt, 5, self->now_us);
        db_bind_text(stmt, 6, self->attachments[i].title);
        code = db_run(db, stmt, err);
    }
    return code;
}

static enum err_code write_prompt(struct turn_job *self, struct db *db, struct err *err)
{
    enum err_code code = insert_turn(self, db, err);
    if (code == ERR_OK) {
        code = insert_prompt(self, db, err);
    }
    if (code == ERR_OK) {
        code = insert_prompt_text(self, db, err);
    }
    if (code == ERR_OK) {
        code = insert_attachments(self, db, err);
    }
    if (code == ERR_OK) {
        code = event_append(db, "created", self->session_row, self->prompt_row, err);
    }
    return code;
}

static enum err_code insert_answer(struct turn_job *self, struct db *db, struct err *err)
{
    int64_t author = 0;
    enum err_code code = find_author(self, db, PARTICIPANT_MODEL, &author, err);
    if (code) {
        return code;
    }
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO message (id, uid, branch, seq, turn, role, model, chunk_first,"
                   " created_at, continues, participant) VALUES (" SQL__MESSAGE_ROW
                   ", ?1, ?2, ?3, ?4, 'assistant', ?5, (SELECT coalesce(max(id), 0) + 1 FROM "
                   "chunk), ?6, ?7, ?8)",
                   err);
    self->turn.answer = ulid_new();
    self->answer_seq = turn__has_prompt(self) ? self->seq + 1 : self->seq;
    db_bind_id(stmt, 1, &self->turn.answer);
    db_bind_int(stmt, 2, self->branch_row);
    db_bind_int(stmt, 3, self->answer_seq);
    db_bind_int(stmt, 4, self->turn_row);
    db_bind_text(stmt, 5, sv_from(self->model));
    db_bind_int(stmt, 6, self->now_us);
    if (self->at_row) {
        db_bind_int(stmt, 7, self->at_row);
    } else {
        db_bind_null(stmt, 7);
    }
    db_bind_int(stmt, 8, author);
    code = db_run(db, stmt, err);
    self->answer_row = db_last_id(db);
    return code;
}

static enum err_code insert_attempt(struct turn_job *self, struct db *db, const struct ulid *owner,
                                    struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO attempt (uid, turn, branch, answer, owner, began_at, model)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                   err);
    self->turn.attempt = ulid_new();
    db_bind_id(stmt, 1, &self->turn.attempt);
    db_bind_int(stmt, 2, self->turn_row);
    db_bind_int(stmt, 3, self->branch_row);
    db_bind_int(stmt, 4, self->answer_row);
    db_bind_id(stmt, 5, owner);
    db_bind_int(stmt, 6, self->now_us);
    db_bind_text(stmt, 7, sv_from(self->model));
    enum err_code code = db_run(db, stmt, err);
    self->attempt_row = db_last_id(db);
    return code;
}

static enum err_code write_answer(struct turn_job *self, struct db *db, const struct ulid *owner,
                                  struct err *err)
{
    enum err_code code = insert_answer(self, db, err);
    if (code == ERR_OK) {
        code = insert_attempt(self, db, owner, err);
    }
    if (code == ERR_OK) {
        code = event_append(db, "created", self->session_row, self->answer_row, err);
    }
    return code;
}

/* What stands on a branch of its own becomes what the session shows, which can be undone where the
 * user asked for it: a request that is made again goes there by itself. */
static enum err_code note_branch(const struct turn_job *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT b.uid FROM session s JOIN branch b ON b.id = s.branch"
                   " WHERE s.id = ?1 AND s.branch <> ?2",
                   err);
    db_bind_int(stmt, 1, self->session_row);
    db_bind_int(stmt, 2, self->branch_row);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    struct ulid before = db_column_id(stmt, 0);
    db_reset(stmt);
    const struct journal_change change = {.action = JOURNAL_BRANCH,
                                          .session = self->turn.session,
                                          .target = self->turn.session,
                                          .before = sv_from(before.text),
                                          .after = sv_from(self->turn.branch.text)};
    return journal__add(db, &change, err);
}

static enum err_code touch_session(struct turn_job *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE session SET last_active_at = ?2, branch = ?3, state = ?4,"
                   " model = coalesce(?5, model), message_count = message_count + ?6,"
                   " status = 'active', ended_at = NULL WHERE id = ?1",
                   err);
    db_bind_int(stmt, 1, self->session_row);
    db_bind_int(stmt, 2, self->now_us);
    db_bind_int(stmt, 3, self->branch_row);
    db_bind_text(stmt, 4, sv_from(run_state_text(self->unanswered ? RUN_COMPLETED : RUN_RUNNING)));
    db_bind_text(stmt, 5, sv_from(self->unanswered ? NULL : self->model));
    db_bind_int(stmt, 6, turn__has_prompt(self) + !self->unanswered);
    enum err_code code = db_run(db, stmt, err);
    if (code) {
        return code;
    }
    stmt = db_prepare(db, "UPDATE label SET last_active_at = ?2 WHERE session = ?1", err);
    db_bind_int(stmt, 1, self->session_row);
    db_bind_int(stmt, 2, self->now_us);
    return db_run(db, stmt, err);
}

enum err_code turn__write(struct turn_job *self, struct db *db, const struct ulid *owner,
                          struct err *err)
{
    enum err_code code =
        turn__has_prompt(self) ? write_prompt(self, db, err) : reopen_turn(self, db, err);
    if (code == ERR_OK && !self->unanswered) {
        code = write_answer(self, db, owner, err);
    }
    if (code == ERR_OK && self->act == self->kind) {
        code = note_branch(self, db, err);
    }
    return code ? code : touch_session(self, db, err);
}
