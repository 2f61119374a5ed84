/*
 * Batch: one transaction of deltas. Taking what is new, writing it, and giving it to readers.
 *
 * Taking copies under the lock; writing and publishing hold none, but for publish_lock, which keeps
 * the order.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/attempt_internal.h"
#include "store/core_internal.h"
#include "store/index_internal.h"

/* A peer's lock is waited for this long; then readers get the text as unsaved, and the write is
 * tried again. */
#define COMMIT_PATIENCE_US CLOCK_MS(50)

/* What one transaction takes of long texts; more of them would hold the database for too long. */
#define LONG_TEXT ((size_t)64 << 10)
#define LONG_TEXTS_MAX ((size_t)512 << 10)
/* From one piece of a long text to the next: other processes have to come in between. */
#define NEXT_PIECE_US CLOCK_MS(10)

static bool may_go(const struct live *live, int64_t now)
{
    return !live->set_aside || live->retry_us <= now;
}

/* Stays dirty, to be taken (again) at `due`. */
static void leave(struct store *store, struct live *live, int64_t due)
{
    live->next_dirty = store->dirty;
    store->dirty = live;
    store->tick_us = due < store->tick_us ? due : store->tick_us;
}

/* All that is new in it, where there is room for that in the transaction, else a piece. */
static void take(struct store *store, struct live *live, size_t *room, struct batch *batch)
{
    size_t bytes = live_unwritten(live);
    struct taken *taken = &batch->entries[batch->count];
    if (bytes <= LONG_TEXT || bytes <= *room) {
        *room -= bytes <= LONG_TEXT ? 0 : bytes;
        live->listed = false;
        live_take(live, true, taken);
        batch->count++;
        return;
    }
    leave(store, live, clock_mono_us() + NEXT_PIECE_US);
    if (*room > 0) {
        live_take_some(live, *room, taken);
        *room = 0;
        batch->count++;
    }
}

void batch_take(struct store *store, struct batch *ret_batch)
{
    size_t room = LONG_TEXTS_MAX;
    size_t count = 0;
    int64_t now = clock_mono_us();
    for (const struct live *live = store->dirty; live; live = live->next_dirty) {
        count++;
    }
    *ret_batch = (struct batch){.entries = xcalloc(count + 1, sizeof(struct taken))};
    struct live *live = store->dirty;
    store->dirty = NULL;
    store->tick_us = CLOCK_NEVER;
    while (live) {
        struct live *next = live->next_dirty;
        if (may_go(live, now)) {
            take(store, live, &room, ret_batch);
        } else {
            leave(store, live, live->retry_us);
        }
        live = next;
    }
}

void batch_release(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        taken_release(&batch->entries[i]);
    }
    free(batch->entries);
    *batch = (struct batch){0};
}

static enum err_code insert_part(struct db *db, int64_t row, const struct part_write *write,
                                 struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO part (message, position, kind, tool_id, tool_name, began_at)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                   err);
    db_bind_int(stmt, 1, row);
    db_bind_int(stmt, 2, write->part);
    db_bind_text(stmt, 3, sv_from(part_kind_text(write->kind)));
    db_bind_text(stmt, 4, write->tool_id);
    db_bind_text(stmt, 5, write->tool_name);
    db_bind_int(stmt, 6, write->began_us);
    return db_run(db, stmt, err);
}

static enum err_code append_chunk(struct db *db, int64_t row, const struct part_write *write,
                                  struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(
        db, "INSERT INTO chunk (message, part, byte_offset, text) VALUES (?1, ?2, ?3, ?4)", err);
    db_bind_int(stmt, 1, row);
    db_bind_int(stmt, 2, write->part);
    db_bind_int(stmt, 3, (int64_t)write->offset);
    db_bind_text(stmt, 4, write->text);
    return db_run(db, stmt, err);
}

static enum err_code end_part(struct db *db, int64_t row, const struct part_write *write,
                              struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "UPDATE part SET ended_at = ?3 WHERE message = ?1 AND position = ?2", err);
    db_bind_int(stmt, 1, row);
    db_bind_int(stmt, 2, write->part);
    db_bind_int(stmt, 3, write->ended_us);
    return db_run(db, stmt, err);
}

enum err_code batch_write_part(struct db *db, int64_t row, const struct part_write *write,
                               struct err *err)
{
    enum err_code code = ERR_OK;
    if (write->insert_row) {
        code = insert_part(db, row, write, err);
    }
    if (code == ERR_OK && write->text.n > 0) {
        code = append_chunk(db, row, write, err);
    }
    if (code == ERR_OK && write->write_end) {
        code = end_part(db, row, write, err);
    }
    return code;
}

/* Its end is another's: what has been written since is still its text, and has to be folded again.
 */
enum err_code batch_extend_ended(struct db *db, int64_t row, struct err *err)
{
    /* The words of what it was until now, by which alone they can be taken out of the index. */
    enum err_code code = index__remove(db, row, err);
    if (code) {
        return code;
    }
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE message SET folded = 0, chunk_first = coalesce(chunk_first, 0),"
                   " chunk_last = (SELECT max(id) FROM chunk) WHERE id = ?1",
                   err);
    db_bind_int(stmt, 1, row);
    code = db_run(db, stmt, err);
    if (code == ERR_OK && db_changes(db) == 0) {
        code = err_set(err, ERR_GONE, "the message was deleted");
    }
    return code;
}

/* Compare and set, as for the attempt: an end is final. */
static enum err_code end_message(struct db *db, const struct taken *taken, struct err *err)
{
    const struct live *live = taken->live;
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE message SET reason = ?2, error = ?3, detail = ?4, revision = ?5,"
                   " ended_at = ?6, chunk_last = (SELECT max(id) FROM chunk)"
                   " WHERE id = ?1 AND reason = ''",
                   err);
    db_bind_int(stmt, 1, live->row);
    db_bind_text(stmt, 2, sv_from(finish_reason_text(live->reason)));
    db_bind_error(stmt, 3, live->error);
    db_bind_text(stmt, 4, sv_from(live->detail));
    db_bind_int(stmt, 5, taken->revision);
    db_bind_int(stmt, 6, live->ended_us);
    enum err_code code = db_run(db, stmt, err);
    return code || db_changes(db) > 0 ? code : batch_extend_ended(db, live->row, err);
}

static enum err_code end_attempt(struct db *db, const struct live *live, struct err *err)
{
    const struct attempt_end end = {
        .attempt = live->attempt_row,
        .state = run_state_of_finish(live->reason),
        .error = live->error,
        .detail = live->detail,
        .response_id = live->response_id,
        .usage = live->usage,
        .at_us = live->ended_us,
    };
    return attempt_end(db, &end, NULL, err);
}

enum err_code batch_write_end(struct db *db, const struct taken *taken, struct err *err)
{
    enum err_code code = end_message(db, taken, err);
    if (code == ERR_OK) {
        code = usage_insert(db, taken->live->row, &taken->live->usage, taken->live->ended_us, err);
    }
    return code ? code : end_attempt(db, taken->live, err);
}

/* What is read of the live message here never changes once it has ended. */
static enum err_code write_one(struct db *db, const struct taken *taken, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < taken->write_count; i++) {
        code = batch_write_part(db, taken->live->row, &taken->writes[i], err);
    }
    if (code == ERR_OK && taken->ends) {
        code = batch_write_end(db, taken, err);
    }
    return code;
}

/* Failures that say something about the disk or the database, not about one message. */
static bool is_general(enum err_code code)
{
    switch (code) {
    case ERR_BUSY:
    case ERR_DISK_FULL:
    case ERR_READ_ONLY:
    case ERR_IO:
    case ERR_CORRUPT:
    case ERR_NO_MEMORY:
    case ERR_CANCELLED:
        return true;
    default:
        return false;
    }
}

/* A part that its message's row does not take is the sign that another process has deleted it. */
static bool message_is_there(struct db *db, int64_t row)
{
    struct err err;
    struct sqlite3_stmt *stmt = db_prepare(db, "SELECT 1 FROM message WHERE id = ?1", &err);
    db_bind_int(stmt, 1, row);
    bool there = db_step(db, stmt, &err);
    db_reset(stmt);
    return there || db_result(db);
}

enum err_code batch_write(struct store *store, struct batch *batch, struct err *err,
                          struct taken **ret_culprit)
{
    bool full = false;
    for (size_t i = 0; i < batch->count; i++) {
        full = full || batch->entries[i].ends;
    }
    db_set_deadline(store->db, clock_mono_us() + COMMIT_PATIENCE_US);
    enum err_code code = db_begin(store->db, full, err);
    if (code) {
        return code;
    }
    for (size_t i = 0; i < batch->count; i++) {
        code = write_one(store->db, &batch->entries[i], err);
        if (code == ERR_EXISTS && !message_is_there(store->db, batch->entries[i].live->row)) {
            code =
                err_set(err, ERR_GONE, "message '%s' was deleted", batch->entries[i].live->id.text);
        }
        if (code) {
            db_rollback(store->db);
            *ret_culprit = is_general(code) ? NULL : &batch->entries[i];
            return code;
        }
    }
    store->event_last = elsewhere_last_event(store);
    return db_commit(store->db, err);
}

void batch_publish(struct store *store, struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct taken *taken = &batch->entries[i];
        if (!taken->overtaken && update_is_news(taken->update)) {
            update_publish(store->broker, taken->update);
        }
    }
}
