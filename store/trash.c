/*
 * Trash: sessions and messages that are deleted and not purged.
 */
#include "store/trash.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "store/attempt_internal.h"
#include "store/core_internal.h"
#include "store/journal_internal.h"
#include "store/sql_internal.h"
#include "store/trash_internal.h"
#include "store/undo_internal.h"

/* A turn may begin between the end of what runs and the deletion; more often than this it is no
 * accident. */
#define DELETE_TRIES 5
#define END_PATIENCE_US CLOCK_S(10)
#define BEGINNING_BYTES 200

struct trash_state {
    struct store *store;
    struct ulid session, message;
    bool runs_here; /* refused: an answer of this process runs */
    bool name_taken;
};

/* ---- ending what runs ---- */

/* The message ends as it is stored. Structural changes are its ended parts and the end itself. */
static enum err_code end_answer(struct db *db, int64_t answer, int64_t now, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(
        db, "UPDATE part SET ended_at = ?2 WHERE message = ?1 AND ended_at IS NULL", err);
    db_bind_int(stmt, 1, answer);
    db_bind_int(stmt, 2, now);
    enum err_code code = db_run(db, stmt, err);
    if (code) {
        return code;
    }
    int64_t changes = db_changes(db) + 1;
    stmt = db_prepare(db,
                      "UPDATE message SET reason = 'canceled', ended_at = ?2,"
                      " revision = revision + ?3, chunk_last = (SELECT max(id) FROM chunk)"
                      " WHERE id = ?1 AND reason = ''",
                      err);
    db_bind_int(stmt, 1, answer);
    db_bind_int(stmt, 2, now);
    db_bind_int(stmt, 3, changes);
    return db_run(db, stmt, err);
}

enum err_code trash__end_attempt(struct db *db, int64_t attempt, int64_t answer, struct err *err)
{
    const struct attempt_end end = {
        .attempt = attempt,
        .state = RUN_CANCELLED,
        .usage = usage_unknown(),
        .at_us = clock_wall_us(),
    };
    enum err_code code = attempt_end(db, &end, NULL, err);
    return code || answer == 0 ? code : end_answer(db, answer, end.at_us, err);
}

struct running {
    int64_t attempt, answer;
    struct ulid owner;
};

static bool find_running(struct db *db, int64_t session, struct running *running, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT a.id, a.answer, a.owner FROM branch b JOIN attempt a ON a.branch = b.id"
                   " AND a.state = 'running' WHERE b.session = ?1 LIMIT 1",
                   err);
    db_bind_int(stmt, 1, session);
    bool found = db_step(db, stmt, err);
    if (found) {
        *running = (struct running){.attempt = db_column_int(stmt, 0),
                                    .answer = db_column_int(stmt, 1),
                                    .owner = db_column_id(stmt, 2)};
        db_reset(stmt);
    }
    return found;
}

/* One of this process's is ended through the message service, where its text is. */
static enum err_code end_foreign(struct trash_state *self, struct db *db, int64_t session,
                                 struct err *err)
{
    enum err_code code = ERR_OK;
    struct running running = {.attempt = 0};
    while (code == ERR_OK && find_running(db, session, &running, err)) {
        self->runs_here = ulid_equal(&running.owner, process_lock_id(self->store->process));
        if (self->runs_here) {
            return err_set(err, ERR_EXISTS, "an answer runs in the session");
        }
        code = trash__end_attempt(db, running.attempt, running.answer, err);
    }
    return code ? code : db_result(db);
}

static bool is_of(const struct live *live, const struct ulid *session)
{
    return ulid_equal(&live->session, session) && !live->ended && !live->gone;
}

static bool find_live(struct store *store, const struct ulid *session, struct ulid *ret_message)
{
    const struct live *live = NULL;
    size_t cursor = 0;
    pthread_mutex_lock(&store->lock);
    while ((live = idmap_next(&store->live, &cursor)) && !is_of(live, session)) {
    }
    if (live) {
        *ret_message = live->id;
    }
    pthread_mutex_unlock(&store->lock);
    return live != NULL;
}

/* Whoever feeds it learns by its next event that it has ended. */
static enum err_code end_own(struct store *store, const struct ulid *session, struct err *err)
{
    const struct stream_event finish = {.kind = STREAM_FINISH, .reason = FINISH_CANCELED};
    enum err_code code = ERR_OK;
    struct ulid message;
    while (code == ERR_OK && find_live(store, session, &message)) {
        code = message_apply_wait(store, &message, &finish, clock_mono_us() + END_PATIENCE_US, err);
        if (code == ERR_NOT_FOUND || code == ERR_GONE) {
            code = ERR_OK;
        }
    }
    return code;
}

/* ---- sessions ---- */

struct session_row {
    int64_t row;
    bool deleted;
    char *name;
};

static enum err_code find_session(struct db *db, const struct ulid *id, struct session_row *session,
                                  struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "SELECT id, deleted_at IS NOT NULL, name FROM session WHERE uid = ?1", err);
    db_bind_id(stmt, 1, id);
    if (!db_step(db, stmt, err)) {
        return db_result(db) ? db_result(db)
                             : err_set(err, ERR_NOT_FOUND, "no session '%s'", id->text);
    }
    *session = (struct session_row){.row = db_column_int(stmt, 0),
                                    .deleted = db_column_int(stmt, 1) != 0,
                                    .name = db_column_dup(stmt, 2)};
    db_reset(stmt);
    return ERR_OK;
}

static enum err_code flag_session(struct db *db, int64_t row, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "UPDATE session SET deleted_at = ?2, name = NULL WHERE id = ?1", err);
    db_bind_int(stmt, 1, row);
    db_bind_int(stmt, 2, clock_wall_us());
    return db_run(db, stmt, err);
}

static enum err_code delete_found(struct trash_state *self, struct db *db,
                                  const struct session_row *session, struct err *err)
{
    if (session->deleted) {
        return err_set(err, ERR_GONE, "the session is in the trash already");
    }
    enum err_code code = end_foreign(self, db, session->row, err);
    if (code == ERR_OK) {
        code = flag_session(db, session->row, err);
    }
    if (code == ERR_OK) {
        const struct journal_change change = {.action = JOURNAL_DELETE_SESSION,
                                              .session = self->session,
                                              .target = self->session,
                                              .before = sv_from(session->name)};
        code = journal__add(db, &change, err);
    }
    return code ? code : event_append(db, "deleted", session->row, 0, err);
}

static enum err_code run_delete(void *arg, struct db *db, struct err *err)
{
    struct trash_state *self = arg;
    struct session_row session = {.name = NULL};
    self->runs_here = false;
    enum err_code code = find_session(db, &self->session, &session, err);
    if (code == ERR_OK) {
        code = delete_found(self, db, &session, err);
    }
    free(session.name);
    return code;
}

static void publish(const struct trash_state *self, struct store *store, bool deleted)
{
    pthread_mutex_lock(&store->publish_lock);
    session_update_publish(store->broker, &self->session, deleted);
    pthread_mutex_unlock(&store->publish_lock);
}

static void deleted(void *arg, struct store *store)
{
    publish(arg, store, true);
}

static const struct store_write delete_write = {
    .full = true, .run = run_delete, .written = deleted, .free_state = free};

enum err_code session_delete(struct store *store, const struct ulid *session, struct err *err)
{
    struct trash_state *self = xcalloc(1, sizeof(*self));
    enum err_code code = ERR_OK;
    int tries = 0;
    self->store = store;
    self->session = *session;
    do {
        code = end_own(store, session, err);
        if (code == ERR_OK) {
            code = store_write(store, &delete_write, &self, err);
        }
    } while (code == ERR_EXISTS && self && self->runs_here && ++tries < DELETE_TRIES);
    free(self);
    return code == ERR_EXISTS ? err_set(err, ERR_BUSY, "an answer runs in the session") : code;
}

/* The name that it had is in the entry of its deletion. */
static enum err_code give_name_back(struct db *db, const struct ulid *session, bool *ret_taken,
                                    struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT before FROM journal WHERE target = ?1 AND action = 'delete_session'"
                   " AND undone_at IS NULL ORDER BY id DESC LIMIT 1",
                   err);
    db_bind_id(stmt, 1, session);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    char *name = db_column_dup(stmt, 0);
    db_reset(stmt);
    if (!name) {
        return ERR_OK;
    }
    stmt = db_prepare(db, "UPDATE OR IGNORE session SET name = ?2 WHERE uid = ?1", err);
    db_bind_id(stmt, 1, session);
    db_bind_text(stmt, 2, sv_from(name));
    enum err_code code = db_run(db, stmt, err);
    free(name);
    *ret_taken = code == ERR_OK && db_changes(db) == 0;
    return code;
}

/* What is made in steps lies in the trash until it is whole, where one that was broken off stays:
 * it counts nothing yet, and its last message may be open, for nobody to end. ?1: the session. */
static const char *const broken_off_sql[] = {
    "UPDATE message SET reason = 'interrupted', error = 'ERR_INTERRUPTED', revision = revision + 1,"
    " ended_at = coalesce(ended_at, created_at), chunk_last = (SELECT max(id) FROM chunk)"
    " WHERE id IN (SELECT m.id FROM session s JOIN branch b ON b.session = s.id JOIN message m"
    " ON m.branch = b.id WHERE s.id = ?1 AND s.message_count = 0 AND m.reason = '')",
    "UPDATE session SET message_count = (SELECT count(*) FROM branch b JOIN message m"
    " ON m.branch = b.id WHERE b.session = ?1 AND m.deleted_at IS NULL)"
    " WHERE id = ?1 AND message_count = 0",
};

static enum err_code end_broken_off(struct db *db, int64_t session, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < COUNT_OF(broken_off_sql); i++) {
        code = sql__run_row(db, broken_off_sql[i], session, err);
    }
    return code;
}

enum err_code trash__restore_session(struct db *db, const struct ulid *session,
                                     bool *ret_name_taken, struct err *err)
{
    bool taken = false;
    int64_t row = 0;
    enum err_code code =
        sql__value_of_text(db, "SELECT id FROM session WHERE uid = ?1 AND deleted_at IS NOT NULL",
                           sv_from(session->text), &row, err);
    if (code == ERR_OK && row == 0) {
        return err_set(err, ERR_NOT_FOUND, "the session is not in the trash");
    }
    if (code == ERR_OK) {
        code = sql__run_row(db, "UPDATE session SET deleted_at = NULL WHERE id = ?1", row, err);
    }
    if (code == ERR_OK) {
        code = end_broken_off(db, row, err);
    }
    if (code == ERR_OK) {
        code = give_name_back(db, session, &taken, err);
    }
    if (code == ERR_OK) {
        code = journal__mark_undone(db, JOURNAL_DELETE_SESSION, session, err);
    }
    if (code == ERR_OK) {
        code = event_append(db, "restored", row, 0, err);
    }
    if (code == ERR_OK && ret_name_taken) {
        *ret_name_taken = taken;
    }
    return code;
}

static enum err_code run_restore(void *arg, struct db *db, struct err *err)
{
    struct trash_state *self = arg;
    return trash__restore_session(db, &self->session, &self->name_taken, err);
}

static void restored(void *arg, struct store *store)
{
    struct trash_state *self = arg;
    if (ulid_is_set(&self->message)) {
        trash__forget_gone(store, &self->message);
    }
    publish(self, store, false);
}

static const struct store_write restore_write = {
    .full = true, .run = run_restore, .written = restored, .free_state = free};

enum err_code session_restore(struct store *store, const struct ulid *session, bool *ret_name_taken,
                              struct err *err)
{
    struct trash_state *self = xcalloc(1, sizeof(*self));
    self->session = *session;
    enum err_code code = store_write(store, &restore_write, &self, err);
    if (code == ERR_OK && ret_name_taken) {
        *ret_name_taken = self->name_taken;
    }
    free(self);
    return code;
}

/* ---- messages ---- */

struct message_row {
    int64_t row, session_row;
    struct ulid session;
};

static enum err_code find_message(struct db *db, const struct ulid *id, struct message_row *message,
                                  struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT m.id, s.id, s.uid, s.deleted_at IS NOT NULL FROM message m"
                   " JOIN branch b ON b.id = m.branch JOIN session s ON s.id = b.session"
                   " WHERE m.uid = ?1 AND m.deleted_at IS NOT NULL",
                   err);
    db_bind_id(stmt, 1, id);
    if (!db_step(db, stmt, err)) {
        return db_result(db) ? db_result(db)
                             : err_set(err, ERR_NOT_FOUND, "the message is not in the trash");
    }
    *message = (struct message_row){.row = db_column_int(stmt, 0),
                                    .session_row = db_column_int(stmt, 1),
                                    .session = db_column_id(stmt, 2)};
    bool session_deleted = db_column_int(stmt, 3);
    db_reset(stmt);
    return session_deleted
               ? err_set(err, ERR_EXISTS, "the message's session is in the trash: restore that")
               : ERR_OK;
}

enum err_code trash__restore_message(struct db *db, const struct ulid *message,
                                     struct ulid *ret_session, struct err *err)
{
    struct message_row found = {.row = 0};
    enum err_code code = find_message(db, message, &found, err);
    if (code) {
        return code;
    }
    *ret_session = found.session;
    code = sql__run_row(db, "UPDATE message SET deleted_at = NULL WHERE id = ?1", found.row, err);
    if (code == ERR_OK) {
        code =
            sql__run_row(db, "UPDATE session SET message_count = message_count + 1 WHERE id = ?1",
                         found.session_row, err);
    }
    if (code == ERR_OK) {
        code = journal__mark_undone(db, JOURNAL_DELETE_MESSAGE, message, err);
    }
    return code ? code : event_append(db, "restored", found.session_row, found.row, err);
}

void trash__forget_gone(struct store *store, const struct ulid *message)
{
    pthread_mutex_lock(&store->lock);
    (void)idmap_remove(&store->gone, message);
    pthread_mutex_unlock(&store->lock);
}

static enum err_code run_restore_message(void *arg, struct db *db, struct err *err)
{
    struct trash_state *self = arg;
    return trash__restore_message(db, &self->message, &self->session, err);
}

static const struct store_write restore_message_write = {
    .full = true, .run = run_restore_message, .written = restored, .free_state = free};

enum err_code message_restore(struct store *store, const struct ulid *message, struct err *err)
{
    struct trash_state *self = xcalloc(1, sizeof(*self));
    self->message = *message;
    enum err_code code = store_write(store, &restore_message_write, &self, err);
    free(self);
    return code;
}

void trashed_list_release(struct trashed_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].beginning);
    }
    free(list->items);
    *list = (struct trashed_list){NULL, 0};
}

static void append(struct trashed_list *list, struct sqlite3_stmt *stmt)
{
    list->items = xgrow(list->items, list->count, sizeof(*list->items));
    struct sv text = db_column_text(stmt, 4);
    struct trashed *item = &list->items[list->count++];
    *item = (struct trashed){
        .session = db_column_id(stmt, 0),
        .message = db_column_id(stmt, 1),
        .deleted_us = db_column_int(stmt, 3),
        .beginning = xstrndup(text.p ? text.p : "", utf8_cut(text.p, text.n, BEGINNING_BYTES)),
    };
    (void)role_parse(db_column_text(stmt, 2), &item->role);
}

enum err_code trash_messages(struct store *store, size_t limit, struct trashed_list *ret_list,
                             struct err *err)
{
    struct db *db = NULL;
    struct trashed_list list = {NULL, 0};
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        struct sqlite3_stmt *stmt = db_prepare(
            db,
            "SELECT s.uid, m.uid, m.role, m.deleted_at,"
            " (SELECT substr(text, 1, 200) FROM part WHERE message = m.id AND kind = 'text'"
            " ORDER BY position LIMIT 1)"
            " FROM message m JOIN branch b ON b.id = m.branch JOIN session s ON s.id = b.session"
            " WHERE m.deleted_at IS NOT NULL AND s.deleted_at IS NULL"
            " ORDER BY m.deleted_at DESC LIMIT ?1",
            err);
        db_bind_int(stmt, 1, limit < INT64_MAX ? (int64_t)limit : INT64_MAX);
        while (db_step(db, stmt, err)) {
            append(&list, stmt);
        }
        code = db_result(db);
    }
    reader_give(store, db);
    if (code) {
        trashed_list_release(&list);
        return code;
    }
    *ret_list = list;
    return ERR_OK;
}
