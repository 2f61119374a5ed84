/*
 * Expected cost: a note in the attempt's detail, which its end overwrites in any case.
 *
 * Not synced: what a power cut takes of it, it takes of the text as well.
 */
#include "store/expected_cost.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/attempt_internal.h"
#include "store/core_internal.h"

#define PATIENCE_US CLOCK_S(10)
#define MILLION INT64_C(1000000)
/* So that each product fits: a million dollars, ten thousand for a million bytes, 100 MB. */
#define REQUEST_MOST (MILLION * MILLION)
#define RATE_MOST (10000 * MILLION)
#define BYTES_MOST (100 * MILLION)

struct note_job {
    struct job job;
    struct ulid attempt;
    struct expected_cost expected;
    bool forgets;
};

static enum err_code run_note(struct job *job, struct store *store UNUSED, struct db *db,
                              struct err *err)
{
    const struct note_job *self = (struct note_job *)job;
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE attempt SET detail = CASE WHEN ?2 THEN json_object('request_micros', ?3,"
                   " 'answer_micros', ?4) END WHERE uid = ?1 AND state = 'running'",
                   err);
    db_bind_id(stmt, 1, &self->attempt);
    db_bind_int(stmt, 2, !self->forgets);
    db_bind_int(stmt, 3, self->expected.request_micros);
    db_bind_int(stmt, 4, self->expected.answer_micros);
    return db_run(db, stmt, err);
}

static void finish_note(struct job *job, struct store *store UNUSED, enum err_code code,
                        const struct err *err)
{
    if (code) {
        log_write(LOG_WARN, "what an answer will have cost is not noted: %s", err->text);
    }
    free(job);
}

enum err_code expected_cost_note(struct store *store, const struct ulid *attempt,
                                 const struct expected_cost *expected, struct err *err)
{
    struct note_job *self = xcalloc(1, sizeof(*self));
    self->job = (struct job){
        .deadline_us = clock_mono_us() + PATIENCE_US, .run = run_note, .finish = finish_note};
    self->attempt = *attempt;
    self->forgets = !expected;
    if (expected) {
        self->expected = *expected;
    }
    enum err_code code = job_submit(store, &self->job, err);
    if (code) {
        free(self);
    }
    return code;
}

/* A damaged file may hold anything. */
static int64_t within(int64_t value, int64_t most)
{
    return value < 0 ? 0 : value > most ? most : value;
}

static int64_t cost_of(const struct expected_cost *expected, uint64_t bytes)
{
    int64_t length = bytes < BYTES_MOST ? (int64_t)bytes : BYTES_MOST;
    int64_t answer = within(expected->answer_micros, RATE_MOST) * length;
    return within(expected->request_micros, REQUEST_MOST) + (answer + MILLION - 1) / MILLION;
}

enum err_code expected_cost__find(struct db *db, int64_t attempt, uint64_t answer_bytes,
                                  struct usage *usage, struct err *err)
{
    struct expected_cost expected = {0, 0};
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT detail ->> 'request_micros', detail ->> 'answer_micros' FROM attempt"
                   " WHERE id = ?1 AND state = 'running' AND json_valid(detail)",
                   err);
    db_bind_int(stmt, 1, attempt);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    expected.request_micros = db_column_int(stmt, 0);
    expected.answer_micros = db_column_int(stmt, 1);
    db_reset(stmt);
    usage->cost_micros = cost_of(&expected, answer_bytes);
    usage->cost_estimated = true;
    return ERR_OK;
}
