/*
 * A branch copied into a session of its own.
 *
 * First the session, in the trash; then the messages, oldest first, as many as a step of a few
 * milliseconds allows, or as much of one; last it comes out of the trash. A message that is not
 * whole yet has no reason of its end, so that nobody else folds it. The messages of the original
 * are those of the first moment: what is deleted meanwhile is left out, what comes meanwhile is
 * behind the last one.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/attempt_internal.h"
#include "store/branch.h"
#include "store/branch_internal.h"
#include "store/history_internal.h"
#include "store/participant_internal.h"
#include "store/session_internal.h"
#include "store/sql_internal.h"

#define STEP_US CLOCK_MS(3)

/* The session's id first, as session__written wants it. */
struct copying {
    struct ulid session; /* the new one */
    struct branch_copy what;
    char *name;
    struct session_made made;
    struct history_row *rows; /* to be copied, oldest first */
    size_t count;
    struct place {
        size_t next; /* the message that is to be copied */
        int64_t row; /* its copy, begun in an earlier step; 0: it is not begun */
    } done, step;    /* what is committed, and where the step at hand is */
    struct message *open;
    size_t open_at; /* which one that is */
};

static void free_copying(void *state)
{
    struct copying *self = state;
    if (self) {
        free(self->name);
        free(self->rows);
        message_free(self->open);
        free(self);
    }
}

/* ---- the session ---- */

static enum err_code run_for(struct db *db, const char *sql, int64_t from, int64_t to,
                             struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    db_bind_int(stmt, 1, from);
    db_bind_int(stmt, 2, to);
    return db_run(db, stmt, err);
}

static const char like_sql[] =
    "UPDATE session SET title_indexed = 0,"
    " (title, title_by, scope, metadata, model, deleted_at) ="
    " (SELECT o.title, o.title_by, o.scope, o.metadata, o.model, session.created_at"
    "  FROM session o WHERE o.id = ?1) WHERE id = ?2";
static const char labels_sql[] =
    "INSERT INTO label (session, name, last_active_at)"
    " SELECT ?2, l.name, s.last_active_at FROM label l CROSS JOIN session s ON s.id = ?2"
    " WHERE l.session = ?1";

static enum err_code run_session(void *state, struct db *db, struct err *err)
{
    struct copying *self = state;
    int64_t from = 0;
    struct session_new new = {.now_us = clock_wall_us()};
    enum err_code code = session__row(db, &self->what.session, &from, err);
    if (code == ERR_OK) {
        code = session__check_free(db, self->name, 0, err);
    }
    if (code == ERR_OK) {
        code = session__make(db, &new, &self->made, err);
    }
    if (code == ERR_OK) {
        code = run_for(db, like_sql, from, self->made.row, err);
    }
    if (code == ERR_OK) {
        code = run_for(db, labels_sql, from, self->made.row, err);
    }
    self->session = self->made.id;
    return code;
}

static const struct store_write write_session = {.run = run_session, .free_state = free_copying};

/* ---- a message ---- */

/* The copy of a turn is the one that the copy before has, where both are of the same turn. Nothing
 * runs in a copy: another answer to the prompt, which is not copied, may. */
static const char turn_sql[] =
    "INSERT INTO turn (uid, branch, state, created_at, ended_at, unanswered)"
    " SELECT ?3, ?2, CASE t.state WHEN 'running' THEN 'interrupted' ELSE t.state END,"
    " t.created_at, coalesce(t.ended_at, t.created_at), t.unanswered"
    " FROM message m JOIN turn t ON t.id = m.turn WHERE m.id = ?1";
/* The turn has come to what the answer that is copied has. */
static const char answer_sql[] =
    "UPDATE turn SET (state, ended_at) = (SELECT a.state, a.ended_at FROM attempt a"
    " WHERE a.answer = ?1 AND a.state <> 'running' ORDER BY a.id DESC LIMIT 1)"
    " WHERE id = (SELECT turn FROM message WHERE id = ?2)"
    " AND EXISTS (SELECT 1 FROM attempt a WHERE a.answer = ?1 AND a.state <> 'running')";
static const char same_turn_sql[] =
    "SELECT n.turn FROM message o JOIN message n ON n.branch = ?2 AND n.seq ="
    " (SELECT max(seq) FROM message WHERE branch = ?2)"
    " WHERE o.id = ?1 AND o.turn = (SELECT turn FROM message WHERE id = ?3) AND n.turn NOT NULL";
static const char message_sql[] =
    "INSERT INTO message (id, uid, branch, seq, turn, role, model, reason, error, detail, revision,"
    " folded, created_at, ended_at, action, participant, continues)"
    " SELECT " SQL__MESSAGE_ROW
    ", ?3, ?2, o.seq, ?4, o.role, o.model, '', o.error, o.detail, o.revision, 0,"
    " o.created_at, o.ended_at, o.action, ?5,"
    " (SELECT n.id FROM message c JOIN message n ON n.branch = ?2 AND n.seq = c.seq"
    "  WHERE c.id = o.continues)"
    " FROM message o WHERE o.id = ?1";
static const char parts_sql[] =
    "INSERT INTO part (message, position, kind, tool_id, tool_name, began_at, ended_at, attachment)"
    " SELECT ?2, position, kind, tool_id, tool_name, began_at, ended_at, attachment FROM part"
    " WHERE message = ?1";
static const char whole_sql[] =
    "UPDATE message SET reason = coalesce((SELECT reason FROM message WHERE id = ?1), 'unknown')"
    " WHERE id = ?2";
static const char author_sql[] =
    "SELECT p.kind, p.external_id FROM message m JOIN participant p ON p.id = m.participant"
    " WHERE m.id = ?1";

/* 0: it has none. */
static enum err_code copy_turn(struct copying *self, struct db *db, size_t at, int64_t *ret_turn,
                               struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, same_turn_sql, err);
    int64_t before = at > 0 ? self->rows[at - 1].row : 0;
    db_bind_int(stmt, 1, before);
    db_bind_int(stmt, 2, self->made.branch_row);
    db_bind_int(stmt, 3, self->rows[at].row);
    if (db_step(db, stmt, err)) {
        *ret_turn = db_column_int(stmt, 0);
        db_reset(stmt);
        return ERR_OK;
    }
    if (db_result(db)) {
        return db_result(db);
    }
    struct ulid id = ulid_new();
    stmt = db_prepare(db, turn_sql, err);
    db_bind_int(stmt, 1, self->rows[at].row);
    db_bind_int(stmt, 2, self->made.branch_row);
    db_bind_id(stmt, 3, &id);
    enum err_code code = db_run(db, stmt, err);
    *ret_turn = db_changes(db) > 0 ? db_last_id(db) : 0;
    return code;
}

static enum err_code copy_author(struct copying *self, struct db *db, int64_t row,
                                 int64_t *ret_author, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, author_sql, err);
    db_bind_int(stmt, 1, row);
    *ret_author = 0;
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    struct participant_key key = {.now_us = clock_wall_us()};
    while (key.kind + 1 < PARTICIPANT_KIND_COUNT &&
           !sv_equal_str(db_column_text(stmt, 0), participant_kind_text(key.kind))) {
        key.kind++;
    }
    key.external_id = db_column_text(stmt, 1);
    enum err_code code = participant__resolve(db, self->made.row, &key, ret_author, err);
    db_reset(stmt);
    return code;
}

static enum err_code insert_message(struct copying *self, struct db *db, size_t at,
                                    int64_t *ret_row, struct err *err)
{
    int64_t turn = 0, author = 0;
    enum err_code code = copy_turn(self, db, at, &turn, err);
    if (code == ERR_OK) {
        code = copy_author(self, db, self->rows[at].row, &author, err);
    }
    if (code) {
        return code;
    }
    struct ulid id = ulid_new();
    struct sqlite3_stmt *stmt = db_prepare(db, message_sql, err);
    db_bind_int(stmt, 1, self->rows[at].row);
    db_bind_int(stmt, 2, self->made.branch_row);
    db_bind_id(stmt, 3, &id);
    const int64_t links[] = {turn, author};
    for (int i = 0; i < 2; i++) {
        if (links[i]) {
            db_bind_int(stmt, 4 + i, links[i]);
        } else {
            db_bind_null(stmt, 4 + i);
        }
    }
    code = db_run(db, stmt, err);
    *ret_row = db_last_id(db);
    return code;
}

/* A long one is read once for all of its steps. */
static enum err_code open_message(struct copying *self, struct db *db, struct err *err)
{
    if (self->open && self->open_at == self->step.next) {
        return ERR_OK;
    }
    message_free(self->open);
    self->open = NULL;
    self->open_at = self->step.next;
    return message_read(db, self->rows[self->open_at].row, &self->open, err);
}

/* The texts come from the message as it was read, since they may lie in several places. */
static enum err_code copy_texts(const struct copying *self, struct db *db, bool *ret_whole,
                                struct err *err)
{
    struct fold_parts parts = fold_parts_new(self->open->part_count);
    for (size_t i = 0; i < parts.count; i++) {
        parts.items[i].text = sv_of(self->open->parts[i].text, self->open->parts[i].text_n);
    }
    enum err_code code = fold_stored(db, self->step.row, &parts, err);
    if (code == ERR_OK) {
        code = fold_write(db, self->step.row, &parts, ret_whole, err);
    }
    free(parts.items);
    return code;
}

static enum err_code copy_message(struct copying *self, struct db *db, struct err *err)
{
    int64_t from = self->rows[self->step.next].row;
    bool whole = false;
    enum err_code code = open_message(self, db, err);
    if (code == ERR_NOT_FOUND) {
        self->step = (struct place){self->step.next + 1, 0};
        return ERR_OK;
    }
    if (code == ERR_OK && self->step.row == 0) {
        code = insert_message(self, db, self->step.next, &self->step.row, err);
        code = code ? code : run_for(db, parts_sql, from, self->step.row, err);
    }
    if (code == ERR_OK) {
        code = copy_texts(self, db, &whole, err);
    }
    if (code == ERR_OK && whole) {
        code = run_for(db, whole_sql, from, self->step.row, err);
        code = code ? code : run_for(db, answer_sql, from, self->step.row, err);
        self->step = (struct place){self->step.next + 1, 0};
    }
    return code;
}

/* One piece of a long text is a step of its own. */
static enum err_code run_step(void *state, struct db *db, struct err *err)
{
    struct copying *self = state;
    int64_t until = clock_mono_us() + STEP_US;
    enum err_code code = ERR_OK;
    self->step = self->done;
    do {
        code = copy_message(self, db, err);
    } while (code == ERR_OK && self->step.row == 0 && self->step.next < self->count &&
             clock_mono_us() < until);
    return code;
}

static const struct store_write write_step = {.run = run_step, .free_state = free_copying};

/* ---- the end ---- */

static enum err_code run_end(void *state, struct db *db, struct err *err)
{
    struct copying *self = state;
    enum err_code code = session__check_free(db, self->name, 0, err);
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE session SET deleted_at = NULL, name = ?2,"
                   " message_count = (SELECT count(*) FROM message WHERE branch = ?3),"
                   " state = coalesce((SELECT state FROM turn WHERE branch = ?3"
                   "  ORDER BY id DESC LIMIT 1), '') WHERE id = ?1",
                   err);
    db_bind_int(stmt, 1, self->made.row);
    db_bind_text(stmt, 2, sv_from(self->name));
    db_bind_int(stmt, 3, self->made.branch_row);
    if (code == ERR_OK) {
        code = db_run(db, stmt, err);
    }
    return code ? code : event_append(db, "session", self->made.row, 0, err);
}

static const struct store_write write_end = {
    .full = true, .run = run_end, .written = session__written, .free_state = free_copying};

/* ---- what is copied ---- */

static void drop_after(struct copying *self, const struct ulid *last)
{
    for (size_t i = 0; i < self->count; i++) {
        if (ulid_equal(&self->rows[i].id, last)) {
            self->count = i + 1;
        }
    }
}

static enum err_code find_rows(struct copying *self, struct db *db, struct err *err)
{
    const struct branch_copy *what = &self->what;
    bool to_end = !ulid_is_set(&what->message);
    struct history_query query = {
        .session = what->session, .branch = what->branch, .limit = SIZE_MAX};
    struct history_rows rows;
    enum err_code code = history__find(db, &query, &rows, err);
    self->rows = rows.items;
    self->count = rows.count;
    if (code == ERR_OK && !to_end) {
        drop_after(self, &what->message);
        if (self->count == 0 || !ulid_equal(&self->rows[self->count - 1].id, &what->message)) {
            return err_set(err, ERR_NOT_FOUND, "no message '%s' on this branch",
                           what->message.text);
        }
    }
    for (size_t i = 0; code == ERR_OK && i < self->count; i++) {
        if (self->rows[i].running) {
            code = err_set(err, ERR_EXISTS, "message '%s' is still being written",
                           self->rows[i].id.text);
        }
    }
    return code;
}

static enum err_code look(struct store *store, struct copying *self, struct err *err)
{
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK) {
        code = db ? find_rows(self, db, err)
                  : err_set(err, ERR_NOT_FOUND, "no session '%s'", self->what.session.text);
    }
    reader_give(store, db);
    return code;
}

static enum err_code copy_all(struct store *store, struct copying **self, struct err *err)
{
    enum err_code code = store_write(store, &write_session, self, err);
    while (code == ERR_OK && (*self)->done.next < (*self)->count) {
        code = store_write_step(store, &write_step, self, err);
        if (code == ERR_OK) {
            (*self)->done = (*self)->step;
        }
    }
    return code ? code : store_write(store, &write_end, self, err);
}

enum err_code branch_copy(struct store *store, const struct branch_copy *copy,
                          struct ulid *ret_session, struct err *err)
{
    enum err_code code = session__check_titles(copy->name, sv_from(NULL), err);
    if (code) {
        return code;
    }
    struct copying *self = xcalloc(1, sizeof(*self));
    self->what = *copy;
    self->name = copy->name.n > 0 ? xstrndup(copy->name.p, copy->name.n) : NULL;
    self->what.name = sv_from(self->name);
    code = look(store, self, err);
    if (code == ERR_OK) {
        code = copy_all(store, &self, err);
    }
    if (code == ERR_OK) {
        *ret_session = self->session;
    }
    free_copying(self);
    return code;
}
