/* Queue of prompts. Order is that of the rows. */
#include "store/queue.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "store/attempt_internal.h"
#include "store/core_internal.h"
#include "store/sql_internal.h"

#define PATIENCE_US CLOCK_S(30)

struct queue_state {
    enum queue_act act;
    struct ulid session, id;
    char *text;
    size_t text_n;
};

struct change_job {
    struct job job;
    struct queue_state *state;
    message_done_fn *done;
    void *ctx;
};

void queue_list_release(struct queue_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].text);
    }
    free(list->items);
    *list = (struct queue_list){NULL, 0};
}

static void free_state(void *arg)
{
    struct queue_state *self = arg;
    if (self) {
        free(self->text);
        free(self);
    }
}

static void publish(void *arg, struct store *store)
{
    const struct queue_state *self = arg;
    pthread_mutex_lock(&store->publish_lock);
    session_update_publish(store->broker, &self->session, false);
    pthread_mutex_unlock(&store->publish_lock);
}

/* To the screens of other processes. */
static enum err_code tell(const struct queue_state *self, struct db *db, struct err *err)
{
    int64_t session = 0;
    enum err_code code = sql__value_of_text(db, "SELECT id FROM session WHERE uid = ?1",
                                            sv_from(self->session.text), &session, err);
    return code ? code : event_append(db, "session", session, 0, err);
}

/* Changing, on the writer's thread */

static enum err_code insert(struct queue_state *self, struct db *db, struct err *err)
{
    int64_t session = 0;
    int64_t count = 0;
    enum err_code code =
        sql__value_of_text(db, "SELECT id FROM session WHERE uid = ?1 AND deleted_at IS NULL",
                           sv_from(self->session.text), &session, err);
    if (code == ERR_OK && session == 0) {
        return err_set(err, ERR_NOT_FOUND, "no session '%s'", self->session.text);
    }
    if (code == ERR_OK) {
        code = sql__value_of_row(db, "SELECT count(*) FROM queue WHERE session = ?1", session,
                                 &count, err);
    }
    if (code == ERR_OK && count >= QUEUE_MAX) {
        return err_set(err, ERR_TOO_BIG, "%d prompts wait already", QUEUE_MAX);
    }
    if (code) {
        return code;
    }
    struct sqlite3_stmt *stmt = db_prepare(
        db, "INSERT INTO queue (uid, session, text, created_at) VALUES (?1, ?2, ?3, ?4)", err);
    db_bind_id(stmt, 1, &self->id);
    db_bind_int(stmt, 2, session);
    db_bind_text(stmt, 3, sv_of(self->text, self->text_n));
    db_bind_int(stmt, 4, clock_wall_us());
    return db_run(db, stmt, err);
}

static enum err_code find_session(struct queue_state *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(
        db, "SELECT s.uid FROM queue q JOIN session s ON s.id = q.session WHERE q.uid = ?1", err);
    db_bind_id(stmt, 1, &self->id);
    if (!db_step(db, stmt, err)) {
        return db_result(db) ? db_result(db)
                             : err_set(err, ERR_NOT_FOUND, "the prompt does not wait any more");
    }
    self->session = db_column_id(stmt, 0);
    db_reset(stmt);
    return ERR_OK;
}

static enum err_code change(struct queue_state *self, struct db *db, struct err *err)
{
    if (self->act == QUEUE_ADD) {
        return insert(self, db, err);
    }
    enum err_code code = find_session(self, db, err);
    return code
               ? code
               : sql__run_text(db, "DELETE FROM queue WHERE uid = ?1", sv_from(self->id.text), err);
}

static enum err_code run_change(void *arg, struct db *db, struct err *err)
{
    enum err_code code = change(arg, db, err);
    return code ? code : tell(arg, db, err);
}

static const struct store_write change_write = {
    .full = true, .run = run_change, .written = publish, .free_state = free_state};

static enum err_code check_text(struct sv text, struct err *err)
{
    if (text.n == 0) {
        return err_set(err, ERR_INVALID, "an empty prompt is not queued");
    }
    if (text.n > QUEUE_TEXT_MAX) {
        return err_set(err, ERR_TOO_BIG, "a prompt of over 4 MiB is not queued");
    }
    return utf8_valid_prefix(text.p, text.n) == text.n
               ? ERR_OK
               : err_set(err, ERR_INVALID, "the prompt is not valid UTF-8");
}

static enum err_code make_state(const struct queue_change *change, struct queue_state **ret_state,
                                struct err *err)
{
    enum err_code code = change->act == QUEUE_REMOVE ? ERR_OK : check_text(change->text, err);
    if (code) {
        return code;
    }
    struct queue_state *self = xcalloc(1, sizeof(*self));
    self->act = change->act;
    self->session = change->session;
    self->id = change->id;
    if (change->act == QUEUE_ADD && !ulid_is_set(&self->id)) {
        self->id = ulid_new();
    }
    self->text = change->text.n > 0 ? xstrndup(change->text.p, change->text.n) : NULL;
    self->text_n = change->text.n;
    *ret_state = self;
    return ERR_OK;
}

static enum err_code change_now(struct store *store, const struct queue_change *change,
                                struct ulid *ret_id, struct err *err)
{
    struct queue_state *self = NULL;
    enum err_code code = make_state(change, &self, err);
    if (code) {
        return code;
    }
    struct ulid id = self->id;
    code = store_write(store, &change_write, &self, err);
    free_state(self);
    if (code == ERR_OK && ret_id) {
        *ret_id = id;
    }
    return code;
}

enum err_code queue_add(struct store *store, const struct ulid *session, struct sv text,
                        struct ulid *ret_id, struct err *err)
{
    struct queue_change change = {.act = QUEUE_ADD, .session = *session, .text = text};
    return change_now(store, &change, ret_id, err);
}

enum err_code queue_remove(struct store *store, const struct ulid *id, struct err *err)
{
    struct queue_change change = {.act = QUEUE_REMOVE, .id = *id};
    return change_now(store, &change, NULL, err);
}

static enum err_code run_job(struct job *job, struct store *store UNUSED, struct db *db,
                             struct err *err)
{
    return run_change(((struct change_job *)job)->state, db, err);
}

static void finish_job(struct job *job, struct store *store, enum err_code code,
                       const struct err *err)
{
    struct change_job *self = (struct change_job *)job;
    if (code == ERR_OK) {
        publish(self->state, store);
    }
    if (self->done) {
        self->done(self->ctx, code, err);
    }
    free_state(self->state);
    free(self);
}

enum err_code queue_change_then(struct store *store, const struct queue_change *change,
                                message_done_fn *done, void *ctx, struct err *err)
{
    struct queue_state *state = NULL;
    enum err_code code = make_state(change, &state, err);
    if (code) {
        return code;
    }
    struct change_job *self = xcalloc(1, sizeof(*self));
    *self = (struct change_job){.job = {.full = true,
                                        .deadline_us = clock_mono_us() + PATIENCE_US,
                                        .run = run_job,
                                        .finish = finish_job},
                                .state = state,
                                .done = done,
                                .ctx = ctx};
    code = job_submit(store, &self->job, err);
    if (code) {
        free_state(state);
        free(self);
    }
    return code;
}

/* Reading */

static void append(struct queue_list *list, struct sqlite3_stmt *stmt)
{
    list->items = xgrow(list->items, list->count, sizeof(*list->items));
    list->items[list->count++] = (struct queued){
        .id = db_column_id(stmt, 0),
        .text = db_column_dup(stmt, 1),
        .created_us = db_column_int(stmt, 2),
    };
}

enum err_code queue_list(struct store *store, const struct ulid *session,
                         struct queue_list *ret_list, struct err *err)
{
    struct db *db = NULL;
    struct queue_list list = {NULL, 0};
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        struct sqlite3_stmt *stmt =
            db_prepare(db,
                       "SELECT uid, text, created_at FROM queue WHERE session ="
                       " (SELECT id FROM session WHERE uid = ?1) ORDER BY id",
                       err);
        db_bind_id(stmt, 1, session);
        while (db_step(db, stmt, err)) {
            append(&list, stmt);
        }
        code = db_result(db);
    }
    reader_give(store, db);
    if (code) {
        queue_list_release(&list);
        return code;
    }
    *ret_list = list;
    return ERR_OK;
}
