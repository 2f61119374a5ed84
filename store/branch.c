/*
 * Branches of a session: listed, switched, forked, named; and what stands at the same place of
 * several of them.
 */
#include "store/branch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/attempt_internal.h"
#include "store/branch_internal.h"
#include "store/journal_internal.h"
#include "store/session_internal.h"

/* ---- the list ---- */

void branch_list_release(struct branch_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->branches[i].name);
    }
    free(list->branches);
    *list = (struct branch_list){NULL, 0};
}

static void append(struct branch_list *list, struct sqlite3_stmt *stmt)
{
    size_t count = list->count;
    list->branches = xgrow(list->branches, count, sizeof(*list->branches));
    struct branch *branch = &list->branches[list->count++];
    *branch = (struct branch){
        .id = db_column_id(stmt, 0),
        .parent = db_column_id(stmt, 1),
        .fork_seq = db_column_int(stmt, 2),
        .last_seq = db_column_int(stmt, 3),
        .name = db_column_dup(stmt, 4),
        .created_us = db_column_int(stmt, 6),
        .current = db_column_int(stmt, 7) != 0,
    };
    struct sv reason = db_column_text(stmt, 5);
    (void)snprintf(branch->reason, sizeof(branch->reason), "%.*s", SV_ARG(reason));
}

static enum err_code read_list(struct db *db, const struct ulid *session, struct branch_list *list,
                               struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT b.uid, (SELECT p.uid FROM branch p WHERE p.id = b.parent), b.fork_seq,"
                   " coalesce((SELECT max(m.seq) FROM message m WHERE m.branch = b.id),"
                   " b.fork_seq, 0), b.name, b.reason, b.created_at, b.id = s.branch"
                   " FROM session s CROSS JOIN branch b INDEXED BY branch_by_session"
                   " ON b.session = s.id WHERE s.uid = ?1 ORDER BY b.id",
                   err);
    db_bind_id(stmt, 1, session);
    while (db_step(db, stmt, err)) {
        append(list, stmt);
    }
    return db_result(db);
}

enum err_code branch_list(struct store *store, const struct ulid *session,
                          struct branch_list *ret_list, struct err *err)
{
    struct branch_list list = {NULL, 0};
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        code = read_list(db, session, &list, err);
    }
    reader_give(store, db);
    /* Each session has one. */
    if (code == ERR_OK && list.count == 0) {
        return err_set(err, ERR_NOT_FOUND, "no session '%s'", session->text);
    }
    if (code) {
        branch_list_release(&list);
        return code;
    }
    *ret_list = list;
    return ERR_OK;
}

static bool fits(const struct branch *branch, size_t number, struct sv what)
{
    uint64_t wanted = 0;
    return sv_equal_nocase(sv_from(branch->id.text), what) ||
           (branch->name && sv_equal_str(what, branch->name)) ||
           (sv_to_u64(what, &wanted) && wanted == number);
}

enum err_code branch_find(struct store *store, const struct ulid *session, struct sv what,
                          struct ulid *ret_branch, struct err *err)
{
    struct branch_list list = {NULL, 0};
    enum err_code code = branch_list(store, session, &list, err);
    size_t at = 0;
    while (at < list.count && !fits(&list.branches[at], at + 1, what)) {
        at++;
    }
    if (code == ERR_OK && at == list.count) {
        code = err_set(err, ERR_NOT_FOUND, "no branch '%.*s' in session '%s'", SV_ARG(what),
                       session->text);
    }
    if (code == ERR_OK) {
        *ret_branch = list.branches[at].id;
    }
    branch_list_release(&list);
    return code;
}

/* ---- changes ---- */

/* The session's id first, as session__written wants it. */
struct branching {
    struct ulid session;
    struct ulid branch, expected, message;
    char *name;
    bool any; /* no branch in particular is expected */
};

static void free_branching(void *state)
{
    struct branching *self = state;
    if (self) {
        free(self->name);
        free(self);
    }
}

/* Going to another branch can be undone. */
static enum err_code note(const struct branching *self, struct db *db, int64_t session,
                          struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(
        db, "SELECT b.uid FROM session s JOIN branch b ON b.id = s.branch WHERE s.id = ?1", err);
    db_bind_int(stmt, 1, session);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    struct ulid before = db_column_id(stmt, 0);
    db_reset(stmt);
    struct journal_change change = {.action = JOURNAL_BRANCH,
                                    .session = self->session,
                                    .target = self->session,
                                    .before = sv_from(before.text),
                                    .after = sv_from(self->branch.text)};
    return ulid_equal(&before, &self->branch) ? ERR_OK : journal__add(db, &change, err);
}

static enum err_code set_current(const struct branching *self, struct db *db, int64_t session,
                                 int64_t branch, struct err *err)
{
    enum err_code code = note(self, db, session, err);
    if (code) {
        return code;
    }
    struct sqlite3_stmt *stmt = db_prepare(db, "UPDATE session SET branch = ?2 WHERE id = ?1", err);
    db_bind_int(stmt, 1, session);
    db_bind_int(stmt, 2, branch);
    code = db_run(db, stmt, err);
    return code ? code : event_append(db, "session", session, 0, err);
}

static enum err_code run_switch(void *state, struct db *db, struct err *err)
{
    const struct branching *self = state;
    struct ulid none = {""};
    int64_t session = 0, branch = 0, current = 0, expected = 0;
    enum err_code code = session__row(db, &self->session, &session, err);
    if (code == ERR_OK) {
        code = branch__find(db, &self->session, &self->branch, &session, &branch, err);
    }
    if (code == ERR_OK && !self->any) {
        code = branch__find(db, &self->session, &self->expected, &session, &expected, err);
    }
    if (code == ERR_OK) {
        code = branch__find(db, &self->session, &none, &session, &current, err);
    }
    if (code == ERR_OK && !self->any && expected != current) {
        return err_set(err, ERR_EXISTS, "another branch of session '%s' has become current",
                       self->session.text);
    }
    return code ? code : set_current(self, db, session, branch, err);
}

static const struct store_write write_switch = {
    .full = true, .run = run_switch, .written = session__written, .free_state = free_branching};

enum err_code branch_switch(struct store *store, const struct ulid *session,
                            const struct ulid *branch, const struct ulid *expected, struct err *err)
{
    if (!ulid_is_set(branch) || (expected && !ulid_is_set(expected))) {
        return err_set(err, ERR_INVALID, "a branch has to be named");
    }
    struct branching *self = xcalloc(1, sizeof(*self));
    self->session = *session;
    self->branch = *branch;
    self->any = !expected;
    self->expected = expected ? *expected : (struct ulid){""};
    enum err_code code = store_write(store, &write_switch, &self, err);
    free_branching(self);
    return code;
}

/* No branch of the session has it. */
static enum err_code check_name(struct db *db, int64_t session, const char *name, struct err *err)
{
    if (!name) {
        return ERR_OK;
    }
    struct sqlite3_stmt *stmt =
        db_prepare(db, "SELECT 1 FROM branch WHERE session = ?1 AND name = ?2", err);
    db_bind_int(stmt, 1, session);
    db_bind_text(stmt, 2, sv_from(name));
    bool taken = db_step(db, stmt, err);
    db_reset(stmt);
    return taken ? err_set(err, ERR_EXISTS, "another branch is named '%s'", name) : ERR_OK;
}

static enum err_code run_fork(void *state, struct db *db, struct err *err)
{
    struct branching *self = state;
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT m.branch, m.seq, s.uid FROM message m JOIN branch b ON b.id = m.branch"
                   " JOIN session s ON s.id = b.session WHERE m.uid = ?1 AND m.deleted_at IS NULL",
                   err);
    db_bind_id(stmt, 1, &self->message);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code : err_set(err, ERR_NOT_FOUND, "no message '%s'", self->message.text);
    }
    struct branch_new new = {.parent = db_column_int(stmt, 0),
                             .fork_seq = db_column_int(stmt, 1),
                             .reason = "fork",
                             .name = sv_from(self->name),
                             .now_us = clock_wall_us()};
    self->session = db_column_id(stmt, 2);
    db_reset(stmt);
    int64_t row = 0;
    enum err_code code = session__row(db, &self->session, &new.session, err);
    if (code == ERR_OK) {
        code = check_name(db, new.session, self->name, err);
    }
    if (code == ERR_OK) {
        code = branch__make(db, &new, &self->branch, &row, err);
    }
    return code ? code : set_current(self, db, new.session, row, err);
}

static const struct store_write write_fork = {
    .full = true, .run = run_fork, .written = session__written, .free_state = free_branching};

static enum err_code check_text(struct sv name, struct err *err)
{
    return name.n > 0 ? session__check_line("the name", name, BRANCH_NAME_MAX, err) : ERR_OK;
}

enum err_code branch_fork(struct store *store, const struct ulid *message, struct sv name,
                          struct ulid *ret_branch, struct err *err)
{
    enum err_code code = check_text(name, err);
    if (code) {
        return code;
    }
    struct branching *self = xcalloc(1, sizeof(*self));
    self->message = *message;
    self->name = name.n > 0 ? xstrndup(name.p, name.n) : NULL;
    code = store_write(store, &write_fork, &self, err);
    if (code == ERR_OK) {
        *ret_branch = self->branch;
    }
    free_branching(self);
    return code;
}
