/*
 * Siblings: messages that stand at the same place of several branches, with the same before it.
 *
 * Of two branches the message at a place is a sibling if both have the message before it in common.
 * The branch that holds that one is their base: the message that it has at the place itself is one
 * of them, the others are the first of the branches that fork right before the place, off the base
 * or off each other.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "store/branch.h"
#include "store/branch_internal.h"

/* The branches that were found, in the order in which they are looked at. */
struct places {
    int64_t *branches;
    size_t count;
};

static void add_place(struct places *places, int64_t branch)
{
    size_t count = places->count;
    places->branches = xgrow(places->branches, count, sizeof(*places->branches));
    places->branches[places->count++] = branch;
}

void sibling_list_release(struct sibling_list *list)
{
    free(list->siblings);
    *list = (struct sibling_list){NULL, 0, 0};
}

static enum err_code find_message(struct db *db, const struct ulid *message, int64_t *ret_branch,
                                  int64_t *ret_seq, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(
        db, "SELECT branch, seq FROM message WHERE uid = ?1 AND deleted_at IS NULL", err);
    db_bind_id(stmt, 1, message);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code : err_set(err, ERR_NOT_FOUND, "no message '%s'", message->text);
    }
    *ret_branch = db_column_int(stmt, 0);
    *ret_seq = db_column_int(stmt, 1);
    db_reset(stmt);
    return ERR_OK;
}

/* The branch that holds the message before `seq`. */
static enum err_code find_base(struct db *db, int64_t branch, int64_t seq, int64_t *ret_base,
                               struct err *err)
{
    struct branch_path path;
    enum err_code code = branch__path(db, branch, &path, err);
    if (code) {
        return code;
    }
    size_t at = 0;
    while (at + 1 < path.count && path.ranges[at].after >= seq - 1) {
        at++;
    }
    *ret_base = at < path.count ? path.ranges[at].branch : branch;
    branch__path_release(&path);
    return ERR_OK;
}

static enum err_code add_forks(struct db *db, struct places *places, int64_t branch, int64_t seq,
                               struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "SELECT id FROM branch WHERE parent = ?1 AND fork_seq = ?2", err);
    db_bind_int(stmt, 1, branch);
    db_bind_int(stmt, 2, seq - 1);
    while (db_step(db, stmt, err)) {
        add_place(places, db_column_int(stmt, 0));
    }
    return db_result(db);
}

/* With the row for a while, by which they are sorted. */
struct placed {
    int64_t row;
    struct sibling sibling;
};

static int compare(const void *a, const void *b)
{
    const struct placed *x = a;
    const struct placed *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

static enum err_code read_at(struct db *db, int64_t branch, int64_t seq, struct placed *placed,
                             struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT m.id, m.uid, b.uid, m.role, m.created_at FROM message m"
                   " JOIN branch b ON b.id = m.branch"
                   " WHERE m.branch = ?1 AND m.seq = ?2 AND m.deleted_at IS NULL",
                   err);
    db_bind_int(stmt, 1, branch);
    db_bind_int(stmt, 2, seq);
    *placed = (struct placed){.row = 0};
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    placed->row = db_column_int(stmt, 0);
    placed->sibling.message = db_column_id(stmt, 1);
    placed->sibling.branch = db_column_id(stmt, 2);
    placed->sibling.role = ROLE_SYSTEM;
    (void)role_parse(db_column_text(stmt, 3), &placed->sibling.role);
    placed->sibling.created_us = db_column_int(stmt, 4);
    db_reset(stmt);
    return ERR_OK;
}

static void give(struct placed *all, size_t count, const struct ulid *message,
                 struct sibling_list *ret_list)
{
    qsort(all, count, sizeof(*all), compare);
    ret_list->siblings = xcalloc(count + 1, sizeof(*ret_list->siblings));
    ret_list->count = count;
    ret_list->at = 0;
    for (size_t i = 0; i < count; i++) {
        ret_list->siblings[i] = all[i].sibling;
        ret_list->at = ulid_equal(&all[i].sibling.message, message) ? i : ret_list->at;
    }
}

static enum err_code read_siblings(struct db *db, const struct ulid *message,
                                   struct sibling_list *ret_list, struct err *err)
{
    int64_t branch = 0, seq = 0;
    struct places places = {NULL, 0};
    struct placed *all = NULL;
    size_t count = 0;
    enum err_code code = find_message(db, message, &branch, &seq, err);
    if (code == ERR_OK) {
        code = find_base(db, branch, seq, &branch, err);
    }
    if (code == ERR_OK) {
        add_place(&places, branch);
    }
    for (size_t i = 0; code == ERR_OK && i < places.count; i++) {
        code = add_forks(db, &places, places.branches[i], seq, err);
    }
    all = xcalloc(places.count + 1, sizeof(*all));
    for (size_t i = 0; code == ERR_OK && i < places.count; i++) {
        code = read_at(db, places.branches[i], seq, &all[count], err);
        count += all[count].row != 0;
    }
    if (code == ERR_OK) {
        give(all, count, message, ret_list);
    }
    free(all);
    free(places.branches);
    return code;
}

enum err_code branch_siblings(struct store *store, const struct ulid *message,
                              struct sibling_list *ret_list, struct err *err)
{
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK) {
        code = db ? read_siblings(db, message, ret_list, err)
                  : err_set(err, ERR_NOT_FOUND, "no message '%s'", message->text);
    }
    reader_give(store, db);
    return code;
}
