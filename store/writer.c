/*
 * Writer: the thread that owns the only read-write connection.
 *
 * It waits on one condition variable, with a deadline only while something is due: a tick (dirty
 * messages), a job, a background step, the emptying of the log. Nothing is polled; when nothing is
 * due it sleeps without a deadline.
 *
 * A tick takes all dirty messages in one transaction, then publishes, then rings the doorbell. A
 * message that changes while it is being written is marked dirty again by that very change, with a
 * deadline of its own, so nothing is left behind. When a write fails, the text stays in memory,
 * readers get it marked unsaved, and the write is tried again after a pause that grows to a second;
 * meanwhile ticks go on publishing.
 *
 * Background steps (folding, sweeping, checkpoints) run between ticks and rest as long as they
 * worked.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/core_internal.h"

#define RETRY_FIRST_US CLOCK_MS(2)
#define RETRY_LONGEST_US CLOCK_S(1)
/* A locked database is told to readers as "not saved" only when it stays locked. */
#define BUSY_FAILURES_TO_TELL 4
#define CHECKPOINT_FRAMES 1000
#define CHECKPOINT_IDLE_US CLOCK_S(2)
#define JOB_PATIENCE_US CLOCK_MS(50)
#define FOLD_IN_MEMORY_MAX ((size_t)2 << 20)
/* What a closing store still folds; the rest is left to the next start. */
#define FOLD_AT_CLOSE_US CLOCK_MS(30)

void writer_wake(struct store *store)
{
    pthread_cond_signal(&store->work);
}

void writer_hurry(struct store *store)
{
    store->tick_us = 0;
    writer_wake(store);
}

void writer_mark(struct store *store, struct live *live, bool now)
{
    live->change = ++store->changes;
    if (!live->listed) {
        live->listed = true;
        live->next_dirty = store->dirty;
        store->dirty = live;
    }
    if (live->fresh && !now) {
        return;
    }
    live->fresh = true;
    int64_t due = now ? 0 : clock_mono_us() + store->debounce_us;
    if (due < store->tick_us) {
        store->tick_us = due;
        writer_wake(store);
    }
}

void store_update_publish(struct store *store, const struct store_update *update)
{
    struct store_update *copy = xcalloc(1, sizeof(*copy));
    *copy = *update;
    payload_init(&copy->payload, (void (*)(struct payload *))free);
    struct event event = {.topic = TOPIC_STORE, .payload = &copy->payload, .bytes = sizeof(*copy)};
    broker_publish_parked(store->broker, &event);
    payload_unref(&copy->payload);
}

/* ---- after a transaction ---- */

static struct live_waiter *take_waiters(struct live *live)
{
    struct live_waiter *told = NULL;
    struct live_waiter **tail = &told;
    struct live_waiter **link = &live->waiters;
    while (*link) {
        struct live_waiter *waiter = *link;
        if (waiter->change <= live->saved_change) {
            *link = waiter->next;
            waiter->next = NULL;
            *tail = waiter;
            tail = &waiter->next;
        } else {
            link = &waiter->next;
        }
    }
    return told;
}

static void tell_waiters(struct live_waiter *waiters, enum err_code code, const struct err *err)
{
    while (waiters) {
        struct live_waiter *next = waiters->next;
        waiters->done(waiters->ctx, code, err);
        free(waiters);
        waiters = next;
    }
}

static struct message_update *saved_update(struct live *live)
{
    struct message_update *update = update_new(UPDATE_SAVED, 0, 0);
    update->session = live->session;
    update->message = live->id;
    update->turn = live->turn;
    update->role = live->role;
    update->seq = live->seq;
    update->revision = update->revision_before = live->published_revision;
    live->shown_unsaved = false;
    return update;
}

/* Both locks held. Moves the marks, and gives what is to be told once they are released. */
static void settle(struct store *store, struct taken *taken, struct message_update **ret_saved,
                   struct live_waiter **ret_waiters)
{
    struct live *live = taken->live;
    live_mark_written(live, taken);
    if (!taken->overtaken) {
        live_mark_published(live, taken);
    }
    live->set_aside = false;
    live->failures = 0;
    if (live->shown_unsaved && live_is_saved(live)) {
        *ret_saved = saved_update(live);
    }
    *ret_waiters = take_waiters(live);
    if (live->ended && live_is_saved(live) && !live->gone) {
        live->next_done = NULL;
        *store->done_tail = live;
        store->done_tail = &live->next_done;
    }
}

static void tell_recovered(struct store *store)
{
    if (store->failing) {
        store->failing = false;
        store_update_publish(store, &(struct store_update){.kind = STORE_SAVED});
    }
    store->failures = 0;
    store->retry_us = 0;
}

static void batch_succeeded(struct store *store, struct batch *batch)
{
    struct message_update **saved = xcalloc(batch->count + 1, sizeof(struct message_update *));
    struct live_waiter **waiters = xcalloc(batch->count + 1, sizeof(struct live_waiter *));
    pthread_mutex_lock(&store->publish_lock);
    pthread_mutex_lock(&store->lock);
    store->in_flight = NULL;
    store->commit_running = false;
    store->transactions++;
    for (size_t i = 0; i < batch->count; i++) {
        settle(store, &batch->entries[i], &saved[i], &waiters[i]);
    }
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
    doorbell_ring(store->doorbell_fd);
    batch_publish(store, batch);
    for (size_t i = 0; i < batch->count; i++) {
        if (saved[i]) {
            update_publish(store->broker, saved[i]);
            payload_unref(&saved[i]->payload);
        }
    }
    pthread_mutex_unlock(&store->publish_lock);
    for (size_t i = 0; i < batch->count; i++) {
        tell_waiters(waiters[i], ERR_OK, NULL);
    }
    free(saved);
    free(waiters);
    tell_recovered(store);
}

static int64_t pause_after(unsigned failures)
{
    int64_t pause = RETRY_FIRST_US << (failures < 10 ? failures : 10);
    return pause < RETRY_LONGEST_US ? pause : RETRY_LONGEST_US;
}

static void tell_failing(struct store *store, const struct err *err)
{
    bool told =
        store->failing || (err->code == ERR_BUSY && store->failures < BUSY_FAILURES_TO_TELL);
    if (!told) {
        store->failing = true;
        struct store_update update = {.kind = STORE_NOT_SAVED, .code = err->code};
        memcpy(update.text, err->text, sizeof(update.text));
        store_update_publish(store, &update);
    }
    log_write(LOG_WARN, "write failed (%u in a row): %s", store->failures, err->text);
}

/* Puts what was taken back into the list; the next tick takes it again, from the marks on. */
static void put_back(struct store *store, struct batch *batch, struct taken *culprit, int64_t retry)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct live *live = batch->entries[i].live;
        if (&batch->entries[i] == culprit) {
            live->set_aside = true;
            live->retry_us = clock_mono_us() + pause_after(live->failures++);
        }
        if (!live->listed) {
            live->listed = true;
            live->next_dirty = store->dirty;
            store->dirty = live;
        }
    }
    store->tick_us = retry < store->tick_us ? retry : store->tick_us;
}

static void batch_failed(struct store *store, struct batch *batch, struct taken *culprit,
                         const struct err *err)
{
    if (!culprit) {
        store->retry_us = clock_mono_us() + pause_after(store->failures++);
    }
    overtake_now(store, err->code);
    pthread_mutex_lock(&store->lock);
    store->in_flight = NULL;
    store->commit_running = false;
    store->retries++;
    put_back(store, batch, culprit, culprit ? 0 : store->retry_us);
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
    tell_failing(store, err);
}

/* ---- what the thread does when something is due; the lock is held before and after ---- */

static void tick(struct store *store)
{
    if (store->retry_us > clock_mono_us()) {
        store->tick_us = store->retry_us;
        pthread_mutex_unlock(&store->lock);
        overtake_now(store, ERR_BUSY);
        pthread_mutex_lock(&store->lock);
        return;
    }
    struct batch batch;
    batch_take(store, &batch, store->state == STORE_CLOSING);
    store->in_flight = &batch;
    store->commit_running = true;
    store->commit_since_us = clock_mono_us();
    if (store->overtaker_sleeps) {
        pthread_cond_signal(&store->overtake);
    }
    pthread_mutex_unlock(&store->lock);

    struct err err;
    struct taken *culprit = NULL;
    if (batch_write(store, &batch, &err, &culprit) == ERR_OK) {
        batch_succeeded(store, &batch);
    } else {
        batch_failed(store, &batch, culprit, &err);
    }
    batch_release(&batch);
    store->checkpoint_us = clock_mono_us() + CHECKPOINT_IDLE_US;
    pthread_mutex_lock(&store->lock);
}

static enum err_code try_job(struct store *store, struct job *job, struct err *err)
{
    int64_t patience = clock_mono_us() + JOB_PATIENCE_US;
    db_set_deadline(store->db, job->deadline_us < patience ? job->deadline_us : patience);
    enum err_code code = db_begin(store->db, job->full, err);
    if (code) {
        return code;
    }
    code = job->run(job, store, store->db, err);
    if (code) {
        db_rollback(store->db);
        return code;
    }
    return db_commit(store->db, err);
}

static void pop_job(struct store *store)
{
    store->jobs = store->jobs->next;
    if (!store->jobs) {
        store->jobs_tail = &store->jobs;
    }
}

static void run_job(struct store *store)
{
    struct job *job = store->jobs;
    pthread_mutex_unlock(&store->lock);
    struct err err;
    enum err_code code = try_job(store, job, &err);
    bool again = code == ERR_BUSY && clock_mono_us() < job->deadline_us;
    pthread_mutex_lock(&store->lock);
    if (again) {
        return;
    }
    pop_job(store);
    pthread_mutex_unlock(&store->lock);
    if (code == ERR_OK) {
        doorbell_ring(store->doorbell_fd);
        tell_recovered(store);
    }
    job->finish(job, store, code, &err);
    store->checkpoint_us = clock_mono_us() + CHECKPOINT_IDLE_US;
    pthread_mutex_lock(&store->lock);
    pthread_cond_broadcast(&store->changed);
}

static enum err_code fold_part(struct db *db, int64_t row, int64_t position, struct sv text,
                               struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "UPDATE part SET text = ?3 WHERE message = ?1 AND position = ?2", err);
    if (!stmt) {
        return ERR_IO;
    }
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
        if (!stmt) {
            code = ERR_IO;
        } else {
            db_bind_int(stmt, 1, live->row);
            code = db_run(db, stmt, err);
        }
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
    pthread_mutex_unlock(&store->lock);
    struct err err;
    if (live->bytes <= FOLD_IN_MEMORY_MAX && fold_live(store->db, live, &err)) {
        log_write(LOG_INFO, "fold: %s", err.text);
    }
    pthread_mutex_lock(&store->lock);
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
    pthread_mutex_unlock(&store->lock);
    if (fold_step(store->db, row, &done, &err)) {
        log_write(LOG_INFO, "fold: %s", err.text);
        done = true;
    }
    pthread_mutex_lock(&store->lock);
    if (done) {
        store->unfolded_count--;
    }
}

static bool has_background(const struct store *store)
{
    return store->done || store->unfolded_count > 0;
}

/* One step, then a rest as long as it took. */
static void background(struct store *store)
{
    int64_t began = clock_mono_us();
    db_set_deadline(store->db, began);
    if (store->done) {
        fold_ended(store);
    } else {
        fold_row(store);
    }
    int64_t now = clock_mono_us();
    store->background_us = now + (now - began);
    store->checkpoint_us = now + CHECKPOINT_IDLE_US;
}

/* Grown by so much since the last time: with a reader in the way the log does not shrink, and
 * asking again is no use. */
static bool log_is_long(struct store *store)
{
    int64_t frames = db_wal_frames(store->db);
    if (frames < store->checkpoint_frames) {
        store->checkpoint_frames = 0;
    }
    return frames > store->checkpoint_frames + CHECKPOINT_FRAMES;
}

static void checkpoint(struct store *store, bool truncate)
{
    store->checkpoint_frames = db_wal_frames(store->db);
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
}

/* Does one thing that is due. False: nothing is, look again at *ret_due. */
static bool work_once(struct store *store, int64_t *ret_due)
{
    int64_t now = clock_mono_us();
    if (store->dirty && store->tick_us <= now) {
        tick(store);
    } else if (store->jobs) {
        run_job(store);
    } else if (log_is_long(store)) {
        checkpoint(store, false);
    } else if (store->state != STORE_CLOSING && has_background(store) &&
               store->background_us <= now) {
        background(store);
    } else if (store->checkpoint_us <= now && !has_background(store) && !store->dirty) {
        checkpoint(store, true);
    } else {
        int64_t due = store->dirty ? store->tick_us : CLOCK_NEVER;
        due = has_background(store) && store->background_us < due ? store->background_us : due;
        *ret_due = store->checkpoint_us < due ? store->checkpoint_us : due;
        return false;
    }
    return true;
}

static bool is_drained(const struct store *store)
{
    bool late = clock_mono_us() >= store->close_deadline_us;
    return store->state == STORE_CLOSING && ((!store->dirty && !store->jobs) || late);
}

static void serve(struct store *store)
{
    while (!is_drained(store)) {
        int64_t due = CLOCK_NEVER;
        if (!work_once(store, &due)) {
            bool closing = store->state == STORE_CLOSING;
            int64_t limit = closing ? store->close_deadline_us : CLOCK_NEVER;
            clock_cond_wait(&store->work, &store->lock, due < limit ? due : limit);
        }
    }
    int64_t until = clock_mono_us() + FOLD_AT_CLOSE_US;
    while (has_background(store) && clock_mono_us() < until) {
        background(store);
    }
}

/* Jobs that nobody will run any more, because the start failed or the time to close is over. */
static void fail_jobs(struct store *store, const struct err *err)
{
    while (store->jobs) {
        struct job *job = store->jobs;
        pop_job(store);
        pthread_mutex_unlock(&store->lock);
        job->finish(job, store, err->code, err);
        pthread_mutex_lock(&store->lock);
    }
    pthread_cond_broadcast(&store->changed);
}

/* Whoever still waits for the disk learns that it will not come to that. */
static void fail_waiters(struct store *store, const struct err *err)
{
    struct live *live = NULL;
    size_t cursor = 0;
    while ((live = idmap_next(&store->live, &cursor))) {
        struct live_waiter *waiters = live->waiters;
        live->waiters = NULL;
        pthread_mutex_unlock(&store->lock);
        tell_waiters(waiters, err->code, err);
        pthread_mutex_lock(&store->lock);
    }
}

static void announce_failure(struct store *store, const struct err *err)
{
    struct store_update update = {.kind = STORE_FAILED, .code = err->code};
    memcpy(update.text, err->text, sizeof(update.text));
    store_update_publish(store, &update);
}

/* The start failed: say so, and refuse what is queued, until the store is closed. */
static void serve_broken(struct store *store, const struct err *err)
{
    pthread_mutex_unlock(&store->lock);
    announce_failure(store, err);
    pthread_mutex_lock(&store->lock);
    while (store->state != STORE_CLOSING) {
        fail_jobs(store, err);
        clock_cond_wait(&store->work, &store->lock, CLOCK_NEVER);
    }
}

void *writer_main(void *arg)
{
    struct store *store = arg;
    struct err err = {.code = ERR_CLOSED};
    enum err_code code = startup_run(store, &err);
    pthread_mutex_lock(&store->lock);
    if (store->state == STORE_STARTING) {
        store->state = code ? STORE_BROKEN : STORE_RUNNING;
    }
    store->start_error = err;
    store->start_error.code = code;
    pthread_cond_broadcast(&store->changed);
    if (code) {
        serve_broken(store, &err);
    } else {
        serve(store);
    }
    err_set(&err, code ? code : ERR_CLOSED, "%s",
            code ? store->start_error.text : "the store is closed");
    fail_jobs(store, &err);
    fail_waiters(store, &err);
    pthread_mutex_unlock(&store->lock);
    startup_undo(store);
    pthread_mutex_lock(&store->lock);
    store->writer_alive = false;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
    return NULL;
}
