/* Events: what happened, for watchers of other processes; text is not among them. */
#include "base/clock.h"
#include "store/attempt_internal.h"

enum err_code event_append(struct db *db, const char *kind, int64_t session, int64_t message,
                           struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO event (kind, session, message, at) SELECT ?1, s.uid,"
                   " (SELECT uid FROM message WHERE id = ?3), ?4 FROM session s WHERE s.id = ?2",
                   err);
    db_bind_text(stmt, 1, sv_from(kind));
    db_bind_int(stmt, 2, session);
    db_bind_int(stmt, 3, message);
    db_bind_int(stmt, 4, clock_wall_us());
    return db_run(db, stmt, err);
}

/* Their order is that of time but for a clock that was set back, which only delays the pruning. */
enum err_code event_prune(struct db *db, int64_t before_us, int64_t limit, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE id <"
                   " (SELECT max(id) FROM event) ORDER BY id LIMIT ?2) AND at < ?1",
                   err);
    db_bind_int(stmt, 1, before_us);
    db_bind_int(stmt, 2, limit);
    return db_run(db, stmt, err);
}
