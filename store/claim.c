/*
 * Claims. The owner column holds the process's id and the taking's, each 26 characters: the first
 * tells whether it still lives, both together whose claim it is.
 */
#include "store/claim.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "store/core_internal.h"

enum claim_act { ACT_TAKE, ACT_FINISH, ACT_RELEASE };

struct claim_state {
    struct store *store; /* on the writer's thread for its process's id */
    struct claim claim;
    int64_t limit_us;
    char *result;
    enum claim_outcome outcome;
};

static void free_state(void *arg)
{
    struct claim_state *self = arg;
    if (self) {
        free(self->result);
        free(self);
    }
}

static enum err_code copy_name(struct sv from, char to[CLAIM_NAME_MAX + 1], struct err *err)
{
    if (from.n == 0 || from.n > CLAIM_NAME_MAX || sv_find(from, '\0') < from.n ||
        utf8_valid_prefix(from.p, from.n) != from.n) {
        return err_set(err, ERR_INVALID, "a claim needs a kind and a target of 1 to %d bytes",
                       CLAIM_NAME_MAX);
    }
    memcpy(to, from.p, from.n);
    to[from.n] = '\0';
    return ERR_OK;
}

static char *owner_text(const struct claim_state *self)
{
    return xasprintf("%s%s", process_lock_id(self->store->process)->text, self->claim.token.text);
}

/* Also one from the future, which a clock that was set back leaves behind. */
static bool is_old(int64_t claimed_us, int64_t limit_us)
{
    int64_t age = clock_wall_us() - claimed_us;
    return age >= limit_us || age <= -limit_us;
}

static bool may_take_over(const struct claim_state *self, struct sv owner, int64_t claimed_us)
{
    struct ulid process = {""};
    if (is_old(claimed_us, self->limit_us) || !ulid_parse(sv_take(owner, ULID_LENGTH), &process)) {
        return true;
    }
    bool own = ulid_equal(&process, process_lock_id(self->store->process));
    return !own && process_is_gone(self->store->path, &process);
}

static enum err_code look(struct claim_state *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(
        db, "SELECT owner, claimed_at, done_at FROM claim WHERE kind = ?1 AND target = ?2", err);
    db_bind_text(stmt, 1, sv_from(self->claim.kind));
    db_bind_text(stmt, 2, sv_from(self->claim.target));
    self->outcome = CLAIM_TAKEN;
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    if (!db_column_is_null(stmt, 2)) {
        self->outcome = CLAIM_DONE;
    } else if (!may_take_over(self, db_column_text(stmt, 0), db_column_int(stmt, 1))) {
        self->outcome = CLAIM_HELD;
    }
    db_reset(stmt);
    return ERR_OK;
}

static enum err_code run_take(void *arg, struct db *db, struct err *err)
{
    struct claim_state *self = arg;
    enum err_code code = look(self, db, err);
    if (code || self->outcome != CLAIM_TAKEN) {
        return code;
    }
    char *owner = owner_text(self);
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO claim (kind, target, owner, claimed_at) VALUES (?1, ?2, ?3, ?4)"
                   " ON CONFLICT (kind, target) DO UPDATE SET owner = excluded.owner,"
                   " claimed_at = excluded.claimed_at",
                   err);
    db_bind_text(stmt, 1, sv_from(self->claim.kind));
    db_bind_text(stmt, 2, sv_from(self->claim.target));
    db_bind_text(stmt, 3, sv_from(owner));
    db_bind_int(stmt, 4, clock_wall_us());
    code = db_run(db, stmt, err);
    free(owner);
    return code;
}

/* Changes the row where it is still this taking's. */
static enum err_code run_own(struct claim_state *self, struct db *db, const char *sql,
                             struct err *err)
{
    char *owner = owner_text(self);
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    db_bind_text(stmt, 1, sv_from(self->claim.kind));
    db_bind_text(stmt, 2, sv_from(self->claim.target));
    db_bind_text(stmt, 3, sv_from(owner));
    if (self->result) {
        db_bind_int(stmt, 4, clock_wall_us());
        db_bind_text(stmt, 5, sv_from(self->result));
    }
    enum err_code code = db_run(db, stmt, err);
    free(owner);
    return code;
}

static enum err_code run_finish(void *arg, struct db *db, struct err *err)
{
    enum err_code code =
        run_own(arg, db,
                "UPDATE claim SET done_at = ?4, result = ?5 WHERE kind = ?1 AND target = ?2"
                " AND owner = ?3 AND done_at IS NULL",
                err);
    if (code == ERR_OK && db_changes(db) == 0) {
        return err_set(err, ERR_GONE, "another process has taken this work over");
    }
    return code;
}

static enum err_code run_release(void *arg, struct db *db, struct err *err)
{
    return run_own(arg, db,
                   "DELETE FROM claim WHERE kind = ?1 AND target = ?2 AND owner = ?3"
                   " AND done_at IS NULL",
                   err);
}

static const struct store_write writes[] = {
    [ACT_TAKE] = {.run = run_take, .free_state = free_state},
    [ACT_FINISH] = {.full = true, .run = run_finish, .free_state = free_state},
    [ACT_RELEASE] = {.run = run_release, .free_state = free_state},
};

/* wide: kind and target are one name. */
enum err_code claim_take(struct store *store, struct sv kind, struct sv target, int64_t limit_us,
                         struct claim *ret_claim, enum claim_outcome *ret_outcome, struct err *err)
{
    struct claim_state *self = xcalloc(1, sizeof(*self));
    self->store = store;
    self->limit_us = limit_us;
    self->claim.token = ulid_new();
    enum err_code code = copy_name(kind, self->claim.kind, err);
    if (code == ERR_OK) {
        code = copy_name(target, self->claim.target, err);
    }
    if (code == ERR_OK) {
        code = store_write(store, &writes[ACT_TAKE], &self, err);
    }
    if (code == ERR_OK) {
        *ret_outcome = self->outcome;
        if (self->outcome == CLAIM_TAKEN) {
            *ret_claim = self->claim;
        }
    }
    free_state(self);
    return code;
}

static enum err_code change(struct store *store, const struct claim *claim, enum claim_act act,
                            const struct sv *result, struct err *err)
{
    struct claim_state *self = xcalloc(1, sizeof(*self));
    self->store = store;
    self->claim = *claim;
    self->result = result ? xstrndup(result->p ? result->p : "", result->n) : NULL;
    enum err_code code = store_write(store, &writes[act], &self, err);
    free_state(self);
    return code;
}

enum err_code claim_finish(struct store *store, const struct claim *claim, struct sv result,
                           struct err *err)
{
    if (result.n > CLAIM_RESULT_MAX) {
        return err_set(err, ERR_TOO_BIG, "a result of over 1 MiB is not stored");
    }
    if (result.n > 0 &&
        (utf8_valid_prefix(result.p, result.n) != result.n || sv_find(result, '\0') < result.n)) {
        return err_set(err, ERR_INVALID, "a result is not valid UTF-8 without NUL");
    }
    return change(store, claim, ACT_FINISH, &result, err);
}

enum err_code claim_release(struct store *store, const struct claim *claim, struct err *err)
{
    return change(store, claim, ACT_RELEASE, NULL, err);
}

static enum err_code read_result(struct db *db, struct sv kind, struct sv target, char **ret_result,
                                 struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db,
                                           "SELECT result FROM claim WHERE kind = ?1 AND"
                                           " target = ?2 AND done_at IS NOT NULL",
                                           err);
    db_bind_text(stmt, 1, kind);
    db_bind_text(stmt, 2, target);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    *ret_result = db_column_dup(stmt, 0);
    db_reset(stmt);
    return ERR_OK;
}

enum err_code claim_result(struct store *store, struct sv kind, struct sv target, char **ret_result,
                           struct err *err)
{
    struct db *db = NULL;
    char *result = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        code = read_result(db, kind, target, &result, err);
    }
    reader_give(store, db);
    if (code == ERR_OK && !result) {
        return err_set(err, ERR_NOT_FOUND, "'%.*s' is not finished", SV_ARG(sv_take(kind, 64)));
    }
    if (code == ERR_OK) {
        *ret_result = result;
    }
    return code;
}
