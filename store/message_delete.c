/*
 * Deleting a message: refused from the moment of the call, in the trash after it (store/trash.h),
 * and silent from then on.
 *
 * What was pending is dropped; what was stored stays in its row, which is flagged. A running answer
 * ends as canceled, and so does its attempt.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/attempt_internal.h"
#include "store/core_internal.h"
#include "store/journal_internal.h"
#include "store/sql_internal.h"
#include "store/trash_internal.h"

struct delete_job {
    struct job job;
    struct ulid id;
    struct ulid session;
    bool finished;
    bool abandoned; /* nobody waits any more */
    enum err_code code;
    struct err err;
};

/* A running answer that is deleted is not running any more, nor is its turn. */
static enum err_code end_running(struct db *db, int64_t row, struct err *err)
{
    int64_t attempt = 0;
    enum err_code code = sql__value_of_row(
        db, "SELECT id FROM attempt WHERE answer = ?1 AND state = 'running'", row, &attempt, err);
    return code || attempt == 0 ? code : trash__end_attempt(db, attempt, row, err);
}

static enum err_code flag(struct delete_job *self, struct db *db, int64_t row, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "UPDATE message SET deleted_at = ?2 WHERE id = ?1", err);
    db_bind_int(stmt, 1, row);
    db_bind_int(stmt, 2, clock_wall_us());
    enum err_code code = db_run(db, stmt, err);
    if (code == ERR_OK) {
        code = sql__run_text(db,
                             "UPDATE session SET message_count = max(message_count - 1, 0)"
                             " WHERE uid = ?1",
                             sv_from(self->session.text), err);
    }
    if (code == ERR_OK) {
        const struct journal_change change = {
            .action = JOURNAL_DELETE_MESSAGE, .session = self->session, .target = self->id};
        code = journal__add(db, &change, err);
    }
    return code;
}

/* One whose session is in the trash is there with it: deleted by itself, too, it could be restored
 * only after the session, and until then undo would get no further. */
static enum err_code run_delete(struct job *job, struct store *store UNUSED, struct db *db,
                                struct err *err)
{
    struct delete_job *self = (struct delete_job *)job;
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT m.id, s.id, s.uid FROM message m JOIN branch b ON b.id = m.branch"
                   " JOIN session s ON s.id = b.session WHERE m.uid = ?1 AND m.deleted_at IS NULL"
                   " AND s.deleted_at IS NULL",
                   err);
    db_bind_id(stmt, 1, &self->id);
    int64_t row = 0;
    int64_t session = 0;
    if (db_step(db, stmt, err)) {
        row = db_column_int(stmt, 0);
        session = db_column_int(stmt, 1);
        self->session = db_column_id(stmt, 2);
        db_reset(stmt);
    } else if (db_result(db)) {
        return db_result(db);
    }
    if (!row) {
        return err_set(err, ERR_NOT_FOUND, "no message '%s'", self->id.text);
    }
    enum err_code code = end_running(db, row, err);
    if (code == ERR_OK) {
        code = flag(self, db, row, err);
    }
    return code ? code : event_append(db, "deleted", session, row, err);
}

static void unlink_from(struct live **link, const struct live *live)
{
    while (*link && *link != live) {
        link = &(*link)->next_dirty;
    }
    if (*link) {
        *link = live->next_dirty;
    }
}

static void unlink_done(struct store *store, const struct live *live)
{
    struct live **link = &store->done;
    while (*link && *link != live) {
        link = &(*link)->next_done;
    }
    if (*link) {
        *link = live->next_done;
        if (store->done_tail == &live->next_done) {
            store->done_tail = link;
        }
        store->done_bytes -= live->bytes;
    }
}

/* Both locks held: no update of it can be on its way after this. Gives the message to the caller.
 */
static struct live *withdraw(struct store *store, const struct ulid *id)
{
    static char mark;
    struct live *live = idmap_remove(&store->live, id);
    if (live) {
        unlink_from(&store->dirty, live);
        unlink_done(store, live);
    }
    idmap_put(&store->gone, id, &mark);
    return live;
}

static void tell_gone(struct live *live)
{
    struct err err;
    err_set(&err, ERR_GONE, "the message was deleted");
    while (live && live->waiters) {
        struct live_waiter *waiter = live->waiters;
        live->waiters = waiter->next;
        waiter->done(waiter->ctx, ERR_GONE, &err);
        free(waiter);
    }
    live_free(live);
}

static void publish_deleted(struct store *store, const struct ulid *id, const struct ulid *session)
{
    struct message_update *update = update_new(UPDATE_DELETED, 0, 0);
    update->message = *id;
    update->session = *session;
    update_publish(store->broker, update);
    payload_unref(&update->payload);
}

void message_withdraw(struct store *store, struct live *live)
{
    struct ulid id = live->id;
    struct ulid session = live->session;
    pthread_mutex_lock(&store->publish_lock);
    pthread_mutex_lock(&store->lock);
    withdraw(store, &id);
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
    publish_deleted(store, &id, &session);
    pthread_mutex_unlock(&store->publish_lock);
    tell_gone(live);
}

/* With the lock held: the deletion came to nothing. */
static void keep_after_all(struct store *store, const struct ulid *id)
{
    struct live *live = idmap_get(&store->live, id);
    if (live) {
        live->gone = false;
        settle_done(store, live);
    }
}

static void finish_delete(struct job *job, struct store *store, enum err_code code,
                          const struct err *err)
{
    struct delete_job *self = (struct delete_job *)job;
    struct live *live = NULL;
    pthread_mutex_lock(&store->publish_lock);
    pthread_mutex_lock(&store->lock);
    if (code == ERR_OK) {
        live = withdraw(store, &self->id);
    } else {
        keep_after_all(store, &self->id);
        self->err = *err;
    }
    pthread_mutex_unlock(&store->lock);
    if (code == ERR_OK) {
        publish_deleted(store, &self->id, &self->session);
    }
    pthread_mutex_unlock(&store->publish_lock);
    tell_gone(live);
    pthread_mutex_lock(&store->lock);
    self->code = code;
    self->finished = true;
    bool abandoned = self->abandoned;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
    if (abandoned) {
        free(self);
    }
}

enum err_code message_delete(struct store *store, const struct ulid *message, int64_t deadline_us,
                             struct err *err)
{
    struct delete_job *self = xcalloc(1, sizeof(*self));
    self->job = (struct job){
        .full = true, .deadline_us = deadline_us, .run = run_delete, .finish = finish_delete};
    self->id = *message;
    pthread_mutex_lock(&store->lock);
    struct live *live = idmap_get(&store->live, message);
    if (live) {
        live->gone = true;
    }
    pthread_mutex_unlock(&store->lock);
    enum err_code code = job_submit(store, &self->job, err);
    if (code) {
        pthread_mutex_lock(&store->lock);
        keep_after_all(store, message);
        pthread_mutex_unlock(&store->lock);
        free(self);
        return code;
    }
    pthread_mutex_lock(&store->lock);
    while (!self->finished && clock_cond_wait(&store->changed, &store->lock, deadline_us)) {
    }
    code = self->finished ? self->code : ERR_TIMEOUT;
    self->abandoned = !self->finished;
    pthread_mutex_unlock(&store->lock);
    if (code == ERR_TIMEOUT) {
        return err_set(err, code, "the message is not deleted yet");
    }
    if (code) {
        err_set(err, code, "%s", self->err.text);
    }
    free(self);
    return code;
}
