/*
 * The end of an attempt: the attempt itself decides who wins, then everything else follows.
 */
#include <stdlib.h>

#include "store/attempt_internal.h"

/* What ends with an attempt. */
struct ended {
    int64_t turn, answer, session; /* rows; answer 0: none */
    char *model;                   /* of the attempt, or NULL */
};

static enum err_code set_state(struct db *db, const struct attempt_end *end, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE attempt SET state = ?2, error = ?3, detail = ?4, ended_at = ?5,"
                   " response_id = ?6 WHERE id = ?1 AND state = 'running'",
                   err);
    db_bind_int(stmt, 1, end->attempt);
    db_bind_text(stmt, 2, sv_from(run_state_text(end->state)));
    db_bind_error(stmt, 3, end->error);
    db_bind_text(stmt, 4, sv_from(end->detail));
    db_bind_int(stmt, 5, end->at_us);
    db_bind_text(stmt, 6, sv_from(end->response_id));
    return db_run(db, stmt, err);
}

static enum err_code find_ended(struct db *db, int64_t attempt, struct ended *ended,
                                struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT a.turn, a.answer, b.session, a.model FROM attempt a JOIN branch b"
                   " ON b.id = a.branch WHERE a.id = ?1",
                   err);
    db_bind_int(stmt, 1, attempt);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code : err_set(err, ERR_GONE, "the attempt was deleted");
    }
    ended->turn = db_column_int(stmt, 0);
    ended->answer = db_column_int(stmt, 1);
    ended->session = db_column_int(stmt, 2);
    ended->model = db_column_dup(stmt, 3);
    db_reset(stmt);
    return ERR_OK;
}

/* Other answers to the same prompt may run on: the last one to end ends the turn. */
static enum err_code end_turn(struct db *db, const struct attempt_end *end,
                              const struct ended *ended, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE turn SET state = ?2, ended_at = ?3 WHERE id = ?1 AND state = 'running'"
                   " AND NOT EXISTS (SELECT 1 FROM attempt WHERE turn = ?1 AND state = 'running')",
                   err);
    db_bind_int(stmt, 1, ended->turn);
    db_bind_text(stmt, 2, sv_from(run_state_text(end->state)));
    db_bind_int(stmt, 3, end->at_us);
    return db_run(db, stmt, err);
}

static enum err_code count_in_session(struct db *db, const struct attempt_end *end,
                                      const struct ended *ended, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(
        db,
        "UPDATE session SET state = CASE WHEN EXISTS (SELECT 1 FROM branch b JOIN attempt a"
        " ON a.branch = b.id AND a.state = 'running' WHERE b.session = ?1)"
        " THEN 'running' ELSE ?2 END, input_tokens = input_tokens + ?3,"
        " output_tokens = output_tokens + ?4, cost_micros = cost_micros + ?5"
        " WHERE id = ?1",
        err);
    db_bind_int(stmt, 1, ended->session);
    db_bind_text(stmt, 2, sv_from(run_state_text(end->state)));
    db_bind_int(stmt, 3, usage_or_0(end->usage.input_tokens));
    db_bind_int(stmt, 4, usage_or_0(end->usage.output_tokens));
    db_bind_int(stmt, 5, usage_or_0(end->usage.cost_micros));
    return db_run(db, stmt, err);
}

/* wide: one transaction's worth. */
static enum err_code end_rest(struct db *db, const struct attempt_end *end,
                              const struct ended *ended, struct err *err)
{
    enum err_code code = end_turn(db, end, ended, err);
    if (code == ERR_OK) {
        code = count_in_session(db, end, ended, err);
    }
    if (code == ERR_OK) {
        code = budget__settle(db, end->attempt, ended->model, end, err);
    }
    return code ? code : event_append(db, "ended", ended->session, ended->answer, err);
}

enum err_code attempt_end(struct db *db, const struct attempt_end *end, bool *ret_won,
                          struct err *err)
{
    struct ended ended = {.model = NULL};
    enum err_code code = set_state(db, end, err);
    bool won = code == ERR_OK && db_changes(db) > 0;
    if (won) {
        code = find_ended(db, end->attempt, &ended, err);
    }
    if (won && code == ERR_OK) {
        code = end_rest(db, end, &ended, err);
    }
    free(ended.model);
    if (code == ERR_OK && ret_won) {
        *ret_won = won;
    }
    return code;
}
