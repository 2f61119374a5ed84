/*
 * The keys of turns: who asks again with the same key gets what the first asking has come to.
 *
 * completed → replay; deliberately unanswered → that; running → running; cancelled, failed or
 * interrupted, or the answer was deleted → another attempt of the same turn, which the same key
 * then stands for.
 */
#include "store/turn_internal.h"

static const char find_sql[] =
    "SELECT t.uid, r.fingerprint, t.state, t.unanswered FROM request r"
    " JOIN turn t ON t.id = r.turn AND t.deleted_at IS NULL"
    " JOIN branch b ON b.id = t.branch JOIN session s"
    " ON s.id = b.session AND s.deleted_at IS NULL WHERE r.scope = ?1 AND r.key = ?2";
/* A key whose turn was deleted, or its session or prompt, stands for the new one. */
static const char keep_sql[] =
    "INSERT INTO request (scope, key, fingerprint, turn, created_at) VALUES (?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT (scope, key) DO UPDATE SET fingerprint = ?3, turn = ?4, created_at = ?5";

/* What is stored under the key. */
struct known {
    struct ulid turn; /* unset: nothing */
    bool same;        /* the fingerprint is */
    enum run_state state;
    bool unanswered;
};

static enum err_code find(struct turn_job *self, struct db *db, struct known *known,
                          struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, find_sql, err);
    db_bind_text(stmt, 1, sv_from(self->key_scope));
    db_bind_text(stmt, 2, sv_from(self->key));
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    known->turn = db_column_id(stmt, 0);
    known->same = sv_equal(db_column_text(stmt, 1), sv_from(self->fingerprint));
    known->state = RUN_INTERRUPTED;
    (void)run_state_parse(db_column_text(stmt, 2), &known->state);
    known->unanswered = db_column_int(stmt, 3) != 0;
    db_reset(stmt);
    return ERR_OK;
}

/* The prompt stands as it was asked first; only the answer is tried again. */
static void try_again(struct turn_job *self)
{
    self->act = TURN_AGAIN;
    self->at = self->turn.prompt;
}

enum err_code turn__look_up(struct turn_job *self, struct db *db, bool *ret_done, struct err *err)
{
    struct known known = {.same = false};
    *ret_done = false;
    if (!self->key) {
        return ERR_OK;
    }
    enum err_code code = find(self, db, &known, err);
    if (code || !ulid_is_set(&known.turn)) {
        return code;
    }
    if (!known.same) {
        return err_set(err, ERR_INVALID, "the request id '%s' was used with other content",
                       self->key);
    }
    code = turn_read(db, &known.turn, &self->turn, err);
    if (code || !ulid_is_set(&self->turn.prompt)) {
        return code;
    }
    *ret_done = true;
    if (known.unanswered) {
        self->turn.outcome = TURN_UNANSWERED;
    } else if (known.state == RUN_COMPLETED && ulid_is_set(&self->turn.answer)) {
        self->turn.outcome = TURN_REPLAY;
    } else if (known.state == RUN_RUNNING) {
        self->turn.outcome = TURN_RUNNING;
    } else {
        try_again(self);
        *ret_done = false;
    }
    return ERR_OK;
}

enum err_code turn__keep_key(struct turn_job *self, struct db *db, struct err *err)
{
    if (!self->key || self->act != self->kind) {
        return ERR_OK;
    }
    struct sqlite3_stmt *stmt = db_prepare(db, keep_sql, err);
    db_bind_text(stmt, 1, sv_from(self->key_scope));
    db_bind_text(stmt, 2, sv_from(self->key));
    db_bind_text(stmt, 3, sv_from(self->fingerprint));
    db_bind_int(stmt, 4, self->turn_row);
    db_bind_int(stmt, 5, self->now_us);
    return db_run(db, stmt, err);
}
