/*
 * Background: folding what has ended, sweeping its chunks, indexing its words, emptying the log. In
 * steps between ticks; after each step it rests as long as it worked, so that it takes half of the
 * disk's time at most. All with the store's lock held before and after.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/core_internal.h"
#include "store/index_internal.h"

/* Ended answers that wait in memory to be folded: beyond this, memory is worth more than the time.
 */
#define DONE_MAX_BYTES ((size_t)16 << 20)
#define CHECKPOINT_FRAMES 1000
#define CHECKPOINT_IDLE_US CLOCK_S(2)
/* Also what is waited when somebody else holds the lock. */
#define REST_LEAST_US CLOCK_MS(1)

void background_soon(struct store *store)
{
    store->checkpoint_us = clock_mono_us() + CHECKPOINT_IDLE_US;
}

/* From memory: much cheaper than from the chunk rows. `*ret_whole`: nothing is left to be folded.
 */
static enum err_code fold_live(struct db *db, struct live *live, bool *ret_whole, struct err *err)
{
    struct fold_parts parts = fold_parts_new(live->part_count);
    for (size_t i = 0; i < live->part_count; i++) {
        parts.items[i].text = buf_sv(&live->parts[i].text);
        parts.items[i].stored = live->parts[i].folded;
    }
    enum err_code code = db_begin(db, false, err);
    if (code == ERR_OK) {
        code = fold_write(db, live->row, &parts, ret_whole, err);
        if (code) {
            db_rollback(db);
        } else {
            code = db_commit(db, err);
        }
    }
    for (size_t i = 0; code == ERR_OK && i < live->part_count; i++) {
        live->parts[i].folded = parts.items[i].stored;
    }
    free(parts.items);
    return code;
}

/* Its row is to be folded, or swept, later. */
static void forget_live(struct store *store, struct live *live)
{
    store->done = live->next_done;
    if (!store->done) {
        store->done_tail = &store->done;
    }
    store->done_bytes -= live->bytes;
    store->unfolded =
        xrealloc(store->unfolded, (store->unfolded_count + 1) * sizeof(*store->unfolded));
    store->unfolded[store->unfolded_count++] = live->row;
    idmap_remove(&store->live, &live->id);
    live_free(live);
}

void background_trim(struct store *store)
{
    while (store->done_bytes > DONE_MAX_BYTES) {
        forget_live(store, store->done);
    }
}

/* One step on the oldest ended message: text from memory; after the last of it, it leaves memory
 * and its chunks are swept. */
static void fold_ended(struct store *store)
{
    struct live *live = store->done;
    writer_on_disk(store);
    pthread_mutex_unlock(&store->lock);
    struct err err;
    bool whole = false;
    enum err_code code = fold_live(store->db, live, &whole, &err);
    if (code) {
        log_write(LOG_INFO, "fold: %s", err.text);
    }
    pthread_mutex_lock(&store->lock);
    writer_off_disk(store);
    if (code == ERR_OK && !whole) {
        return;
    }
    forget_live(store, live);
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
        store->index_waits = true;
    }
}

/* False: nothing was to be done. What fails waits for the next change, but for a locked file. */
static bool index_some(struct store *store)
{
    bool done = false;
    struct err err;
    writer_on_disk(store);
    pthread_mutex_unlock(&store->lock);
    if (!store->indexer) {
        store->indexer = indexer_new();
    }
    enum err_code code = index__step(store->indexer, store->db, &done, &err);
    if (code) {
        log_write(LOG_INFO, "index: %s", err.text);
    }
    pthread_mutex_lock(&store->lock);
    writer_off_disk(store);
    store->index_waits = !done && (!code || code == ERR_BUSY);
    return !done;
}

bool background_waits(const struct store *store)
{
    return store->done || store->unfolded_count > 0 || store->index_waits;
}

/* One step, then a rest as long as it took. */
void background_step(struct store *store)
{
    int64_t began = clock_mono_us();
    db_set_deadline(store->db, began);
    bool worked_at_all = true;
    if (store->done) {
        fold_ended(store);
    } else if (store->unfolded_count > 0) {
        fold_row(store);
    } else {
        worked_at_all = index_some(store);
    }
    int64_t now = clock_mono_us();
    int64_t worked = now - began;
    store->background_us = now + (worked > REST_LEAST_US ? worked : REST_LEAST_US);
    if (worked_at_all) {
        background_soon(store);
    }
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
    pthread_mutex_lock(&store->lock);
    if (truncate) {
        store->checkpoint_us = CLOCK_NEVER;
    }
    writer_off_disk(store);
}
