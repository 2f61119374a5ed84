/*
 * Sessions: made, with a handle of their own and their first branch.
 *
 * Creating and resuming are one transaction each, in which what decides is read as well: of several
 * processes that ask at once one wins, and the others see that it has.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/attempt_internal.h"
#include "store/branch_internal.h"
#include "store/session_internal.h"

#define HANDLE_FIRST 4
#define HANDLE_LAST 10

static bool handle_is_free(struct db *db, struct sv handle, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, "SELECT 1 FROM session WHERE handle = ?1", err);
    db_bind_text(stmt, 1, handle);
    bool taken = db_step(db, stmt, err);
    db_reset(stmt);
    return !taken;
}

/* The random tail of the id, as many letters as it takes to be alone. */
static struct sv make_handle(struct db *db, const struct ulid *id, char out[HANDLE_LAST + 1],
                             struct err *err)
{
    size_t length = HANDLE_FIRST;
    for (; length <= HANDLE_LAST; length++) {
        const char *tail = id->text + ULID_LENGTH - length;
        for (size_t i = 0; i < length; i++) {
            out[i] = tail[i] >= 'A' ? (char)(tail[i] - 'A' + 'a') : tail[i];
        }
        if (handle_is_free(db, sv_of(out, length), err)) {
            break;
        }
    }
    return sv_of(out, length < HANDLE_LAST ? length : HANDLE_LAST);
}

enum err_code session__pick_handle(struct db *db, const struct ulid *id, struct sv record,
                                   char ret_handle[SESSION__HANDLE_SIZE], struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, "SELECT json_extract(?1, '$.handle')", err);
    db_bind_text(stmt, 1, record);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    struct sv wish = db_column_text(stmt, 0);
    char handle[HANDLE_LAST + 1] = "";
    bool fits = wish.n >= HANDLE_FIRST && wish.n <= HANDLE_LAST;
    for (size_t i = 0; fits && i < wish.n; i++) {
        fits = (wish.p[i] >= 'a' && wish.p[i] <= 'z') || (wish.p[i] >= '0' && wish.p[i] <= '9');
        handle[i] = wish.p[i];
    }
    db_reset(stmt);
    struct sv shown = sv_from(handle);
    if (!fits || !handle_is_free(db, shown, err)) {
        shown = make_handle(db, id, handle, err);
    }
    (void)snprintf(ret_handle, SESSION__HANDLE_SIZE, "%.*s", SV_ARG(shown));
    return ERR_OK;
}

/* Empty is NULL. */
static void bind_some(struct sqlite3_stmt *stmt, int at, struct sv text)
{
    db_bind_text(stmt, at, text.n > 0 ? text : (struct sv){NULL, 0});
}

static enum err_code insert(struct db *db, const struct session_new *new, const struct ulid *id,
                            struct err *err)
{
    const struct session_request *request = &new->request;
    char handle[HANDLE_LAST + 1];
    struct sv shown = make_handle(db, id, handle, err);
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO session (uid, handle, name, title, title_by, scope, metadata, key,"
                   " created_at, last_active_at) VALUES (?1, ?2, ?3, coalesce(?4, ''), ?5,"
                   " coalesce(?6, ''), ?7, ?8, ?9, ?9)",
                   err);
    db_bind_id(stmt, 1, id);
    db_bind_text(stmt, 2, shown);
    bind_some(stmt, 3, request->name);
    bind_some(stmt, 4, request->title);
    db_bind_text(stmt, 5, sv_from(title_author_text(new->title_by)));
    bind_some(stmt, 6, request->scope);
    bind_some(stmt, 7, request->metadata);
    bind_some(stmt, 8, request->key);
    db_bind_int(stmt, 9, new->now_us);
    return db_run(db, stmt, err);
}

static enum err_code set_branch(struct db *db, const struct session_made *made, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, "UPDATE session SET branch = ?2 WHERE id = ?1", err);
    db_bind_int(stmt, 1, made->row);
    db_bind_int(stmt, 2, made->branch_row);
    return db_run(db, stmt, err);
}

enum err_code session__make(struct db *db, const struct session_new *new,
                            struct session_made *ret_made, struct err *err)
{
    struct session_made made = {.id = ulid_new()};
    enum err_code code = insert(db, new, &made.id, err);
    made.row = db_last_id(db);
    struct branch_new first = {.session = made.row, .reason = "fork", .now_us = new->now_us};
    if (code == ERR_OK) {
        code = branch__make(db, &first, &made.branch, &made.branch_row, err);
    }
    if (code == ERR_OK) {
        code = set_branch(db, &made, err);
    }
    if (code == ERR_OK) {
        *ret_made = made;
    }
    return code;
}

/* ---- created and resumed ---- */

/* The id first, as session__written wants it. */
struct making {
    struct ulid id;
    char *key, *name, *title, *scope, *metadata;
    bool resumes; /* the newest one of the scope will do */
    bool created, changed;
};

static void free_making(void *state)
{
    struct making *self = state;
    if (self) {
        free(self->key);
        free(self->name);
        free(self->title);
        free(self->scope);
        free(self->metadata);
        free(self);
    }
}

static enum err_code find_owner(struct making *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "SELECT uid FROM session WHERE scope = ?1 AND key = ?2", err);
    db_bind_text(stmt, 1, sv_from(self->scope ? self->scope : ""));
    db_bind_text(stmt, 2, sv_from(self->key));
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    self->id = db_column_id(stmt, 0);
    db_reset(stmt);
    return ERR_OK;
}

static enum err_code find_latest(struct making *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT s.id, s.uid FROM session s INDEXED BY session_shown_in_scope"
                   " WHERE " SESSION__SHOWN " AND s.scope = ?1 AND s.status <> 'ended'"
                   " ORDER BY s.last_active_at DESC, s.id LIMIT 1",
                   err);
    db_bind_text(stmt, 1, sv_from(self->scope ? self->scope : ""));
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    int64_t row = db_column_int(stmt, 0);
    self->id = db_column_id(stmt, 1);
    db_reset(stmt);
    self->changed = true;
    return session__touch(db, row, clock_wall_us(), err);
}

static enum err_code make_new(struct making *self, struct db *db, struct err *err)
{
    enum err_code code = session__check_object(db, self->metadata, err);
    if (code == ERR_OK) {
        code = session__check_free(db, self->name, 0, err);
    }
    if (code) {
        return code;
    }
    struct session_new new = {
        .request = {.key = sv_from(self->key),
                    .name = sv_from(self->name),
                    .title = sv_from(self->title),
                    .scope = sv_from(self->scope),
                    .metadata = sv_from(self->metadata)},
        .title_by = self->title ? TITLE_BY_USER : TITLE_BY_PROMPT,
        .now_us = clock_wall_us(),
    };
    struct session_made made;
    code = session__make(db, &new, &made, err);
    if (code == ERR_OK) {
        self->id = made.id;
        self->created = true;
        self->changed = true;
        code = event_append(db, "session", made.row, 0, err);
    }
    return code;
}

static enum err_code run_making(void *state, struct db *db, struct err *err)
{
    struct making *self = state;
    enum err_code code = ERR_OK;
    self->id = (struct ulid){""};
    self->created = false;
    self->changed = false;
    if (self->key) {
        code = find_owner(self, db, err);
    } else if (self->resumes) {
        code = find_latest(self, db, err);
    }
    return code || ulid_is_set(&self->id) ? code : make_new(self, db, err);
}

static void making_written(void *state, struct store *store)
{
    const struct making *self = state;
    if (self->changed) {
        session__written(state, store);
    }
}

static const struct store_write write_making = {
    .full = true, .run = run_making, .written = making_written, .free_state = free_making};

static enum err_code make(struct store *store, struct making *self, struct ulid *ret_id,
                          bool *ret_created, struct err *err)
{
    enum err_code code = store_write(store, &write_making, &self, err);
    if (code == ERR_OK) {
        *ret_id = self->id;
        *ret_created = self->created;
    }
    free_making(self);
    return code;
}

static enum err_code check_request(const struct session_request *request, struct err *err)
{
    enum err_code code = session__check_titles(request->name, request->title, err);
    if (code == ERR_OK) {
        code = session__check_bytes("the scope", request->scope, SESSION_SCOPE_MAX, err);
    }
    if (code == ERR_OK) {
        code = session__check_bytes("the key", request->key, SESSION_KEY_MAX, err);
    }
    if (code == ERR_OK) {
        code = session__check_bytes("the metadata", request->metadata, SESSION_METADATA_MAX, err);
    }
    return code;
}

enum err_code session_create(struct store *store, const struct session_request *request,
                             struct ulid *ret_id, bool *ret_created, struct err *err)
{
    enum err_code code = check_request(request, err);
    if (code) {
        return code;
    }
    struct making *self = xcalloc(1, sizeof(*self));
    self->key = sv_dup_or_null(request->key);
    self->name = sv_dup_or_null(request->name);
    self->title = sv_dup_or_null(request->title);
    self->scope = sv_dup_or_null(request->scope);
    self->metadata = sv_dup_or_null(request->metadata);
    return make(store, self, ret_id, ret_created, err);
}

enum err_code session_resume(struct store *store, struct sv scope, struct ulid *ret_id,
                             bool *ret_created, struct err *err)
{
    enum err_code code = session__check_bytes("the scope", scope, SESSION_SCOPE_MAX, err);
    if (code) {
        return code;
    }
    struct making *self = xcalloc(1, sizeof(*self));
    self->scope = sv_dup_or_null(scope);
    self->resumes = true;
    return make(store, self, ret_id, ret_created, err);
}
