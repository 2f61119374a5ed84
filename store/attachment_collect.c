/*
 * Collecting attachments that no message names.
 *
 * One that goes is not whole from the first step on, so nobody reads half of it, and who adds the
 * same content meanwhile sees that pieces are missing.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/attachment_internal.h"
#include "store/sql_internal.h"
#include "store/store_internal.h"

#define WORK_US CLOCK_MS(4)

static const char is_unused_sql[] = "SELECT bytes FROM attachment WHERE id = ?1 AND created_at < ?2"
                                    " AND NOT EXISTS (SELECT 1 FROM part WHERE attachment = ?1)";
/* Rows in the order of their ids: ?1 is the last one that was looked at. */
static const char next_sql[] =
    "SELECT id FROM attachment a WHERE id > ?1 AND created_at < ?2"
    " AND NOT EXISTS (SELECT 1 FROM part WHERE attachment = a.id) ORDER BY id LIMIT 1";

struct collect_state {
    struct attachment_removal removal; /* row: the one that is being removed, or the last one */
    bool busy;                         /* with that row */
    /* What a step found. */
    struct attachment_sum sum;
    int64_t row; /* -1: there is none any more */
    bool done;
};

/* wide: a statement with two values, and what it gives. -1: no row. */
static enum err_code find_two(struct db *db, const char *sql, int64_t first, int64_t second,
                              int64_t *ret_value, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    db_bind_int(stmt, 1, first);
    db_bind_int(stmt, 2, second);
    int64_t value = -1;
    if (db_step(db, stmt, err)) {
        value = db_column_int(stmt, 0);
        db_reset(stmt);
    } else if (db_result(db)) {
        return db_result(db);
    }
    *ret_value = value;
    return ERR_OK;
}

/* `*ret_left` false once no piece is left. */
static enum err_code remove_pieces(struct db *db, int64_t row, bool *ret_left, struct err *err)
{
    int64_t until = clock_mono_us() + WORK_US;
    enum err_code code = ERR_OK;
    bool left = true;
    while (code == ERR_OK && left && clock_mono_us() < until) {
        code = sql__run_row(db,
                            "DELETE FROM attachment_piece WHERE attachment = ?1 AND position ="
                            " (SELECT max(position) FROM attachment_piece WHERE attachment = ?1)",
                            row, err);
        left = db_changes(db) > 0;
    }
    *ret_left = left;
    return code;
}

enum err_code attachment__remove_step(struct db *db, const struct attachment_removal *removal,
                                      bool *ret_done, struct attachment_sum *sum, struct err *err)
{
    int64_t bytes = -1;
    bool left = true;
    enum err_code code = find_two(db, is_unused_sql, removal->row, removal->before_us, &bytes, err);
    if (code || bytes < 0) {
        *ret_done = code == ERR_OK;
        return code;
    }
    code = sql__run_row(db, "UPDATE attachment SET whole = 0 WHERE id = ?1", removal->row, err);
    if (code == ERR_OK) {
        code = remove_pieces(db, removal->row, &left, err);
    }
    if (code == ERR_OK && !left) {
        code = sql__run_row(db, "DELETE FROM attachment WHERE id = ?1", removal->row, err);
    }
    if (code == ERR_OK && !left) {
        sum->count++;
        sum->bytes += (uint64_t)bytes;
    }
    *ret_done = !left;
    return code;
}

static enum err_code run_collect(void *arg, struct db *db, struct err *err)
{
    struct collect_state *self = arg;
    struct attachment_removal removal = self->removal;
    enum err_code code = ERR_OK;
    self->sum = (struct attachment_sum){0, 0};
    self->done = false;
    if (!self->busy) {
        code = find_two(db, next_sql, removal.row, removal.before_us, &removal.row, err);
    }
    self->row = removal.row;
    if (code || removal.row < 0) {
        return code;
    }
    return attachment__remove_step(db, &removal, &self->done, &self->sum, err);
}

static const struct store_write collect_write = {.run = run_collect, .free_state = free};

enum err_code attachment_collect(struct store *store, int64_t grace_us, struct attachment_sum *sum,
                                 struct err *err)
{
    struct collect_state *self = xcalloc(1, sizeof(*self));
    self->removal = (struct attachment_removal){.before_us = clock_wall_us() - grace_us};
    enum err_code code = ERR_OK;
    bool more = true;
    while (code == ERR_OK && more) {
        code = store_write_step(store, &collect_write, &self, err);
        if (code == ERR_OK) {
            sum->count += self->sum.count;
            sum->bytes += self->sum.bytes;
            more = self->row >= 0;
            self->removal.row = self->row;
            self->busy = !self->done;
        }
    }
    free(self);
    return code;
}
