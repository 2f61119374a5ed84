/*
 * Branches: made, found, and the way of one up to the root.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "store/branch_internal.h"
#include "store/sql_internal.h"

/* More forks upon forks than anybody makes: it guards against a damaged file that goes in a circle.
 */
#define PATH_MAX_BRANCHES 100000

static const char parent_sql[] = "SELECT parent, fork_seq FROM branch WHERE id = ?1";

enum err_code branch__make(struct db *db, const struct branch_new *new, struct ulid *ret_id,
                           int64_t *ret_row, struct err *err)
{
    struct ulid id = ulid_new();
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO branch (uid, session, parent, fork_seq, reason, name, created_at)"
                   " VALUES (?1, ?2, nullif(?3, 0), CASE ?3 WHEN 0 THEN NULL ELSE ?4 END, ?5, ?6,"
                   " ?7)",
                   err);
    db_bind_id(stmt, 1, &id);
    db_bind_int(stmt, 2, new->session);
    db_bind_int(stmt, 3, new->parent);
    db_bind_int(stmt, 4, new->fork_seq);
    db_bind_text(stmt, 5, sv_from(new->reason));
    db_bind_text(stmt, 6, new->name.n > 0 ? new->name : (struct sv){NULL, 0});
    db_bind_int(stmt, 7, new->now_us);
    enum err_code code = db_run(db, stmt, err);
    if (code == ERR_OK) {
        *ret_id = id;
        *ret_row = db_last_id(db);
    }
    return code;
}

enum err_code branch__next_seq(struct db *db, int64_t branch, int64_t *ret_seq, struct err *err)
{
    return sql__value_of_row(
        db,
        "SELECT 1 + max(coalesce((SELECT max(seq) FROM message WHERE branch = ?1), 0),"
        " coalesce((SELECT max(fork_seq) FROM branch WHERE parent = ?1), 0),"
        " coalesce((SELECT fork_seq FROM branch WHERE id = ?1), 0))",
        branch, ret_seq, err);
}

/* wide: two rows are found by two ids. */
enum err_code branch__find(struct db *db, const struct ulid *session, const struct ulid *branch,
                           int64_t *ret_session, int64_t *ret_branch, struct err *err)
{
    bool current = !ulid_is_set(branch);
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   current ? "SELECT id, branch FROM session WHERE uid = ?1"
                           : "SELECT s.id, b.id FROM branch b CROSS JOIN session s"
                             " ON s.id = b.session WHERE b.uid = ?2 AND s.uid = ?1",
                   err);
    db_bind_id(stmt, 1, session);
    if (!current) {
        db_bind_id(stmt, 2, branch);
    }
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        if (code) {
            return code;
        }
        return current ? err_set(err, ERR_NOT_FOUND, "no session '%s'", session->text)
                       : err_set(err, ERR_NOT_FOUND, "no branch '%s' in session '%s'", branch->text,
                                 session->text);
    }
    *ret_session = db_column_int(stmt, 0);
    *ret_branch = db_column_int(stmt, 1);
    db_reset(stmt);
    return ERR_OK;
}

static void append_range(struct branch_path *path, struct branch_range range)
{
    size_t count = path->count;
    path->ranges = xgrow(path->ranges, count, sizeof(*path->ranges));
    path->ranges[path->count++] = range;
}

/* Where a path goes on while it is made. */
struct walk {
    int64_t next;   /* branch; 0: the root has been reached */
    int64_t before; /* how far that branch is shared */
};

/* Appends the next branch, and makes its parent the next one. */
static enum err_code append_branch(struct db *db, struct branch_path *path, struct walk *walk,
                                   struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, parent_sql, err);
    int64_t branch = walk->next;
    walk->next = 0;
    db_bind_int(stmt, 1, branch);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    bool root = db_column_is_null(stmt, 0) || db_column_is_null(stmt, 1);
    int64_t parent = db_column_int(stmt, 0);
    int64_t fork_seq = db_column_int(stmt, 1);
    db_reset(stmt);
    append_range(path, (struct branch_range){branch, root ? INT64_MIN : fork_seq, walk->before});
    if (root || fork_seq == INT64_MAX) {
        return ERR_OK;
    }
    walk->next = parent;
    walk->before = fork_seq + 1 < walk->before ? fork_seq + 1 : walk->before;
    return ERR_OK;
}

enum err_code branch__path(struct db *db, int64_t branch, struct branch_path *ret_path,
                           struct err *err)
{
    struct branch_path path = {NULL, 0};
    struct walk walk = {.next = branch, .before = INT64_MAX};
    enum err_code code = ERR_OK;
    while (code == ERR_OK && walk.next != 0) {
        code = path.count < PATH_MAX_BRANCHES
                   ? append_branch(db, &path, &walk, err)
                   : err_set(err, ERR_CORRUPT, "the branches of a session go in a circle");
    }
    if (code) {
        branch__path_release(&path);
        return code;
    }
    *ret_path = path;
    return ERR_OK;
}

void branch__path_release(struct branch_path *path)
{
    free(path->ranges);
    *path = (struct branch_path){NULL, 0};
}

bool branch__path_holds(const struct branch_path *path, int64_t branch, int64_t seq)
{
    for (size_t i = 0; i < path->count; i++) {
        const struct branch_range *range = &path->ranges[i];
        if (range->branch == branch) {
            return range->after < seq && seq < range->before;
        }
    }
    return false;
}
