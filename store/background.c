/*
 * Background: folding what has ended, sweeping its chunks, emptying the log. In steps between
 * ticks; after each step it rests as long as it worked, so that it takes half of the disk's time at
 * most. All with the store's lock held before and after.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/core_internal.h"

#define CHECKPOINT_FRAMES 1000
#define CHECKPOINT_IDLE_US CLOCK_S(2)
/* Also what is waited when somebody else holds the lock. */
#define REST_LEAST_US CLOCK_MS(1)
#define FOLD_IN_MEMORY_MAX ((size_t)2 << 20)

void background_soon(struct store *store)
{
    store->checkpoint_us = clock_mono_us() + CHECKPOINT_IDLE_US;
}

static enum err_code fold_part(struct db *db, int64_t row, int64_t position, struct sv text,
                               struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "UPDATE part SET text = ?3 WHERE message = ?1 AND position = ?2", err);
    db_bind_int(stmt, 1, row);
    db_bind_int(stmt, 2, position);
    db_bind_text(stmt, 3, text.p ? text : SV(""));
    return db_run(db, stmt, err);
}

/* From memory: much cheaper than from the chunk rows. */
static enum err_code fold_live(struct db *db, const struct live *live, struct err *err)
{
    enum err_code code = db_begin(db, false, err);
    for (size_t i = 0; code == ERR_OK && i < live->part_count; i++) {
        code = fold_part(db, live->row, (int64_t)i, buf_sv(&live->parts[i].text), err);
    }
    if (code == ERR_OK) {
        struct sqlite3_stmt *stmt =
            db_prepare(db, "UPDATE message SET folded = 1 WHERE id = ?1", err);
        db_bind_int(stmt, 1, live->row);
        code = db_run(db, stmt, err);
    }
    if (code) {
        db_rollback(db);
        return code;
    }
    return db_commit(db, err);
}

static void forget_live(struct store *store, struct live *live)
{
    store->done = live->next_done;
    if (!store->done) {
        store->done_tail = &store->done;
    }
    idmap_remove(&store->live, &live->id);
    live_free(live);
}

/* One step on the oldest ended message: its text from memory, then it leaves memory and its chunks
 * are swept. */
static void fold_ended(struct store *store)
{
    struct live *live = store->done;
    int64_t row = live->row;
    writer_on_disk(store);
    pthread_mutex_unlock(&store->lock);
    struct err err;
    if (live->bytes <= FOLD_IN_MEMORY_MAX && fold_live(store->db, live, &err)) {
        log_write(LOG_INFO, "fold: %s", err.text);
    }
    pthread_mutex_lock(&store->lock);
    writer_off_disk(store);
    forget_live(store, live);
    store->unfolded =
        xrealloc(store->unfolded, (store->unfolded_count + 1) * sizeof(*store->unfolded));
    store->unfolded[store->unfolded_count++] = row;
}

static void fold_row(struct store *store)
{
    int64_t row = store->unfolded[store->unfolded_count - 1];
    bool done = false;
    struct err err;
    writer_on_disk(store);
    pthread_mutex_unlock(&store->lock);
    enum err_code code = fold_step(store->db, row, &done, &err);
    if (code) {
        log_write(LOG_INFO, "fold: %s", err.text);
    }
    pthread_mutex_lock(&store->lock);
    writer_off_disk(store);
    if (done || (code && code != ERR_BUSY)) {
        store->unfolded_count--;
    }
}

bool background_waits(const struct store *store)
{
    return store->done || store->unfolded_count > 0;
}

/* One step, then a rest as long as it took. */
void background_step(struct store *store)
{
    int64_t began = clock_mono_us();
    db_set_deadline(store->db, began);
    if (store->done) {
        fold_ended(store);
    } else {
        fold_row(store);
    }
    int64_t now = clock_mono_us();
    int64_t worked = now - began;
    store->background_us = now + (worked > REST_LEAST_US ? worked : REST_LEAST_US);
    background_soon(store);
}

/* Grown by so much since the last time: with a reader in the way the log does not shrink, and
 * asking again is no use. */
bool background_log_is_long(struct store *store)
{
    int64_t frames = db_wal_frames(store->db);
    if (frames < store->checkpoint_frames) {
        store->checkpoint_frames = 0;
    }
    return frames > store->checkpoint_frames + CHECKPOINT_FRAMES;
}

void background_checkpoint(struct store *store, bool truncate)
{
    store->checkpoint_frames = db_wal_frames(store->db);
    writer_on_disk(store);
    pthread_mutex_unlock(&store->lock);
    struct err err;
    db_set_deadline(store->db, clock_mono_us());
    if (db_checkpoint(store->db, truncate, &err)) {
        log_write(LOG_DEBUG, "checkpoint: %s", err.text);
    }
    if (truncate) {
        store->checkpoint_us = CLOCK_NEVER;
    }
    pthread_mutex_lock(&store->lock);
    writer_off_disk(store);
}
