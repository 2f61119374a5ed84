/*
 * Where a turn goes: the session, the branch, and the place on it.
 *
 * A prompt goes to the end of the session's current branch. What stands in the place of something
 * else (an edited prompt, another answer) and what goes on after something that is not the last
 * goes to a new branch, which shares everything before that place and becomes the current one.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "store/branch_internal.h"
#include "store/session_internal.h"
#include "store/turn_internal.h"

#define TITLE_BYTES 120
/* "2026-11-21T07:24:05": a reader wants no more. */
#define SECONDS_LENGTH 19

/* The message that the request names. */
struct anchor {
    int64_t row, branch, seq, turn;
    enum role role;
    bool running;
};

/* ---- a new session ---- */

/* The prompt's first line that says something, cut at a code point. */
static struct sv title_of(const struct turn_job *self)
{
    struct sv rest = sv_trim(sv_of(self->prompt, self->prompt_n));
    struct sv line = {NULL, 0};
    if (!sv_next_line(&rest, &line)) {
        return SV("");
    }
    line = sv_trim(line);
    return sv_take(line, utf8_cut(line.p, line.n, TITLE_BYTES));
}

static enum err_code make_session(struct turn_job *self, struct db *db, struct err *err)
{
    struct session_made made;
    struct session_new new = {.request = {.title = title_of(self), .scope = sv_from(self->scope)},
                              .title_by = TITLE_BY_PROMPT,
                              .now_us = self->now_us};
    enum err_code code = session__make(db, &new, &made, err);
    if (code == ERR_OK) {
        self->turn.session = made.id;
        self->session_row = made.row;
        self->turn.branch = made.branch;
        self->branch_row = made.branch_row;
    }
    return code;
}

/* One that was made before anything was asked is called as its first prompt begins. Of the user's
 * own titles none is touched, nor one that was taken away. */
static enum err_code give_title(const struct turn_job *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE session SET title = ?2, title_indexed = 0"
                   " WHERE id = ?1 AND title = '' AND title_by = ?3 AND ?2 <> ''",
                   err);
    db_bind_int(stmt, 1, self->session_row);
    db_bind_text(stmt, 2, title_of(self));
    db_bind_text(stmt, 3, sv_from(title_author_text(TITLE_BY_PROMPT)));
    return db_run(db, stmt, err);
}

/* ---- branches ---- */

static enum err_code insert_branch(struct turn_job *self, struct db *db, int64_t parent,
                                   int64_t fork_seq, struct err *err)
{
    struct branch_new new = {.session = self->session_row,
                             .parent = parent,
                             .fork_seq = fork_seq,
                             .reason = self->act == TURN_EDIT ? "edit" : "again",
                             .now_us = self->now_us};
    return branch__make(db, &new, &self->turn.branch, &self->branch_row, err);
}

/* Not ERR_BUSY, which the database says as well: waiting a moment would not help here. */
static enum err_code refuse_busy(struct db *db, const struct ulid *owner, int64_t since,
                                 struct err *err)
{
    char when[CLOCK_ISO_SIZE];
    char where[40] = "";
    long pid = process_pid(db_path(db), owner);
    if (pid > 0) {
        snprintf(where, sizeof(where), ", in process %ld", pid);
    }
    clock_format_utc(since, when);
    when[SECONDS_LENGTH] = 'Z';
    when[SECONDS_LENGTH + 1] = '\0';
    return err_set(err, ERR_EXISTS, "an answer is already running in this session%s, since %s",
                   where, when);
}

/* One answer at a time on a branch. */
static enum err_code check_idle(struct turn_job *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(
        db, "SELECT began_at, owner FROM attempt WHERE branch = ?1 AND state = 'running'", err);
    db_bind_int(stmt, 1, self->branch_row);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    int64_t since = db_column_int(stmt, 0);
    struct ulid owner = db_column_id(stmt, 1);
    db_reset(stmt);
    self->busy = true;
    return refuse_busy(db, &owner, since, err);
}

/* ---- at the end of the current branch ---- */

static enum err_code find_session(struct turn_job *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT s.id, b.id, b.uid FROM session s JOIN branch b ON b.id = s.branch"
                   " WHERE s.uid = ?1 AND s.deleted_at IS NULL",
                   err);
    self->turn.session = self->session;
    db_bind_id(stmt, 1, &self->session);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code : err_set(err, ERR_NOT_FOUND, "no session '%s'", self->session.text);
    }
    self->session_row = db_column_int(stmt, 0);
    self->branch_row = db_column_int(stmt, 1);
    self->turn.branch = db_column_id(stmt, 2);
    db_reset(stmt);
    return check_idle(self, db, err);
}

static enum err_code place_new(struct turn_job *self, struct db *db, struct err *err)
{
    bool is_new = !ulid_is_set(&self->session);
    enum err_code code = is_new ? make_session(self, db, err) : find_session(self, db, err);
    if (code == ERR_OK && !is_new) {
        code = give_title(self, db, err);
    }
    return code ? code : branch__next_seq(db, self->branch_row, &self->seq, err);
}

/* ---- at a message ---- */

static enum err_code find_anchor(struct turn_job *self, struct db *db, struct anchor *anchor,
                                 struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT m.id, m.branch, m.seq, m.turn, m.role, m.reason = '', s.id, s.uid, b.uid"
                   " FROM message m JOIN branch b ON b.id = m.branch JOIN session s"
                   " ON s.id = b.session WHERE m.uid = ?1 AND m.deleted_at IS NULL"
                   " AND s.deleted_at IS NULL",
                   err);
    db_bind_id(stmt, 1, &self->at);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code : err_set(err, ERR_NOT_FOUND, "no message '%s'", self->at.text);
    }
    anchor->row = db_column_int(stmt, 0);
    anchor->branch = db_column_int(stmt, 1);
    anchor->seq = db_column_int(stmt, 2);
    anchor->turn = db_column_int(stmt, 3);
    anchor->role = ROLE_SYSTEM;
    (void)role_parse(db_column_text(stmt, 4), &anchor->role);
    anchor->running = db_column_int(stmt, 5) != 0;
    self->session_row = db_column_int(stmt, 6);
    self->turn.session = db_column_id(stmt, 7);
    self->turn.branch = db_column_id(stmt, 8);
    db_reset(stmt);
    return ERR_OK;
}

/* The prompt of the turn that a message belongs to: there the other answer branches off. Without
 * it, one that was deleted, nothing could be asked. */
static enum err_code find_prompt(struct turn_job *self, struct db *db, struct anchor *anchor,
                                 struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT m.id, m.branch, m.seq, m.uid, t.uid FROM message m JOIN turn t"
                   " ON t.id = m.turn WHERE m.turn = ?1 AND m.role = 'user'"
                   " AND m.deleted_at IS NULL ORDER BY m.id LIMIT 1",
                   err);
    db_bind_int(stmt, 1, anchor->turn);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code
                    : err_set(err, ERR_INVALID, "message '%s' answers no prompt", self->at.text);
    }
    anchor->row = db_column_int(stmt, 0);
    anchor->branch = db_column_int(stmt, 1);
    anchor->seq = db_column_int(stmt, 2);
    self->turn.prompt = db_column_id(stmt, 3);
    self->turn.id = db_column_id(stmt, 4);
    self->turn_row = anchor->turn;
    db_reset(stmt);
    return ERR_OK;
}

static enum err_code place_edit(struct turn_job *self, struct db *db, struct anchor *anchor,
                                struct err *err)
{
    if (anchor->role != ROLE_USER) {
        return err_set(err, ERR_INVALID, "message '%s' is no prompt", self->at.text);
    }
    self->seq = anchor->seq;
    return insert_branch(self, db, anchor->branch, anchor->seq - 1, err);
}

/* Nothing stands after the prompt yet where it was left without an answer: no branch is needed. */
static enum err_code place_again(struct turn_job *self, struct db *db, struct anchor *anchor,
                                 struct err *err)
{
    enum err_code code = find_prompt(self, db, anchor, err);
    if (code) {
        return code;
    }
    self->branch_row = anchor->branch;
    code = branch__next_seq(db, self->branch_row, &self->seq, err);
    if (code == ERR_OK && self->seq != anchor->seq + 1) {
        self->seq = anchor->seq + 1;
        code = insert_branch(self, db, anchor->branch, anchor->seq, err);
    }
    return code;
}

static enum err_code place_continue(struct turn_job *self, struct db *db, struct anchor *anchor,
                                    struct err *err)
{
    if (anchor->role != ROLE_ASSISTANT || anchor->running) {
        return err_set(err, ERR_INVALID, "message '%s' is no answer that has ended", self->at.text);
    }
    struct anchor prompt = *anchor;
    enum err_code code = find_prompt(self, db, &prompt, err);
    if (code) {
        return code;
    }
    self->at_row = anchor->row;
    self->branch_row = anchor->branch;
    code = branch__next_seq(db, self->branch_row, &self->seq, err);
    if (code == ERR_OK && self->seq != anchor->seq + 1) {
        self->seq = anchor->seq + 1;
        code = insert_branch(self, db, anchor->branch, anchor->seq, err);
    }
    return code ? code : check_idle(self, db, err);
}

enum err_code turn__place(struct turn_job *self, struct db *db, struct err *err)
{
    struct anchor anchor = {.row = 0};
    self->at_row = 0;
    if (self->act == TURN_NEW) {
        return place_new(self, db, err);
    }
    enum err_code code = find_anchor(self, db, &anchor, err);
    if (code) {
        return code;
    }
    switch (self->act) {
    case TURN_EDIT:
        return place_edit(self, db, &anchor, err);
    case TURN_AGAIN:
        return place_again(self, db, &anchor, err);
    default:
        return place_continue(self, db, &anchor, err);
    }
}
