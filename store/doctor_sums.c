/*
 * Sums and states that are kept beside what they are of: counts of sessions, what is promised of
 * budgets, what says that it runs. Each of them is one statement that counts those that do not
 * agree, and one that makes them agree.
 */
#include "store/doctor_internal.h"

#define MESSAGES_OF_IT                                                                             \
    "(SELECT count(*) FROM branch b JOIN message m ON m.branch = b.id"                             \
    " WHERE b.session = session.id AND m.deleted_at IS NULL)"
#define PROMISED_OF_IT                                                                             \
    "(SELECT coalesce(sum(r.amount_micros), 0) FROM reservation r WHERE budget.starts_on ="        \
    " CASE budget.period WHEN 'daily' THEN r.day ELSE r.month END"                                 \
    " AND budget.bucket IN ('total', 'model:' || r.model))"
#define RUNS_IN_IT                                                                                 \
    "EXISTS (SELECT 1 FROM branch b JOIN attempt a ON a.branch = b.id AND a.state = 'running'"     \
    " WHERE b.session = session.id)"
#define RUNS_OF_IT "EXISTS (SELECT 1 FROM attempt a WHERE a.turn = turn.id AND a.state = 'running')"
/* What is made in steps and is not whole yet, or was broken off, is in the trash. */
#define IS_LEFT_OPEN                                                                               \
    "message.reason = '' AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.answer = message.id"      \
    " AND a.state = 'running') AND NOT EXISTS (SELECT 1 FROM branch b JOIN session s"              \
    " ON s.id = b.session WHERE b.id = message.branch AND s.deleted_at IS NOT NULL)"
#define OF_A_SESSION "deleted_at IS NULL AND message_count <> " MESSAGES_OF_IT
#define OF_A_BUDGET "reserved_micros <> " PROMISED_OF_IT
#define OF_A_TURN "state = 'running' AND NOT " RUNS_OF_IT
#define OF_A_STATE "(state = 'running') <> " RUNS_IN_IT

static const struct sum {
    const char *count, *mend, *text;
} sums[] = {
    {"SELECT count(*) FROM session WHERE " OF_A_SESSION,
     "UPDATE session SET message_count = " MESSAGES_OF_IT " WHERE " OF_A_SESSION,
     "sessions that count other than what they have"},
    {"SELECT count(*) FROM budget WHERE " OF_A_BUDGET,
     "UPDATE budget SET reserved_micros = " PROMISED_OF_IT " WHERE " OF_A_BUDGET,
     "budgets that promise other than what runs"},
    {"SELECT count(*) FROM message WHERE " IS_LEFT_OPEN,
     "UPDATE message SET reason = 'interrupted', error = 'ERR_INTERRUPTED',"
     " ended_at = coalesce(ended_at, created_at), revision = revision + 1,"
     " chunk_last = (SELECT max(id) FROM chunk) WHERE " IS_LEFT_OPEN,
     "answers that are open, and nobody writes them"},
    {"SELECT count(*) FROM turn WHERE " OF_A_TURN,
     "UPDATE turn SET state = 'interrupted', ended_at = coalesce(ended_at, created_at) "
     "WHERE " OF_A_TURN,
     "turns that say that they run, and do not"},
    {"SELECT count(*) FROM session WHERE " OF_A_STATE,
     "UPDATE session SET state = CASE WHEN " RUNS_IN_IT " THEN 'running' ELSE coalesce((SELECT"
     " t.state FROM branch b JOIN turn t ON t.branch = b.id WHERE b.session = session.id"
     " ORDER BY t.id DESC LIMIT 1), '') END WHERE " OF_A_STATE,
     "sessions that say other than what they do"},
};

void doctor__check_sums(struct db *db, struct doctor_report *report)
{
    int64_t found = 0;
    for (size_t i = 0; i < COUNT_OF(sums); i++) {
        struct err err = {ERR_OK, ""};
        struct sqlite3_stmt *stmt = db_prepare(db, sums[i].count, &err);
        if (!db_step(db, stmt, &err)) {
            doctor__add(report, "counters", DOCTOR_BAD, -1, "%s", err.text);
            return;
        }
        int64_t count = db_column_int(stmt, 0);
        db_reset(stmt);
        if (count > 0) {
            doctor__add(report, "counters", DOCTOR_BAD, count, "%s", sums[i].text);
        }
        found += count;
    }
    if (found == 0) {
        doctor__add(report, "counters", DOCTOR_FINE, -1, "counts and states agree with the rows");
    }
}

static enum err_code mend_all(struct db *db, int64_t *ret_count, struct err *err)
{
    int64_t count = 0;
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < COUNT_OF(sums); i++) {
        code = db_run(db, db_prepare(db, sums[i].mend, err), err);
        count += code == ERR_OK ? db_changes(db) : 0;
    }
    *ret_count = count;
    return code;
}

enum err_code doctor__mend_sums(struct db *db, int64_t *ret_count, struct err *err)
{
    int64_t count = 0;
    enum err_code code = db_begin(db, true, err);
    if (code) {
        return code;
    }
    db_expect_bytes(db, DB_ANY_BYTES);
    code = mend_all(db, &count, err);
    if (code) {
        db_rollback(db);
    } else {
        code = db_commit(db, err);
    }
    if (code == ERR_OK) {
        *ret_count = count;
    }
    return code;
}
