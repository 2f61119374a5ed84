/*
 * Writer: the thread that owns the only read-write connection.
 *
 * It waits on one condition variable, with a deadline only while something is due: a tick (dirty
 * messages), a job, a background step, the emptying of the log. Nothing is polled; when nothing is
 * due it sleeps without a deadline.
 *
 * A tick takes all dirty messages in one transaction, rings the bell, then publishes. A
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

#define JOB_PATIENCE_US CLOCK_MS(50)
/* Between tries to bring in what an earlier end had to spill. */
#define RECOVER_AGAIN_US CLOCK_S(2)
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

/* ---- what the thread does when something is due; the lock is held before and after ---- */

void writer_on_disk(struct store *store)
{
    store->commit_running = true;
    store->commit_since_us = clock_mono_us();
    if (store->overtaker_sleeps) {
        pthread_cond_signal(&store->overtake);
    }
}

void writer_off_disk(struct store *store)
{
    store->commit_running = false;
}

static void tick(struct store *store)
{
    if (store->retry_us > clock_mono_us()) {
        store->tick_us = store->retry_us;
        pthread_mutex_unlock(&store->lock);
        overtake_now(store, store->failure);
        pthread_mutex_lock(&store->lock);
        return;
    }
    struct batch batch;
    batch_take(store, &batch);
    if (batch.count == 0) {
        batch_release(&batch);
        return;
    }
    store->in_flight = &batch;
    writer_on_disk(store);
    pthread_mutex_unlock(&store->lock);

    struct err err;
    struct taken *culprit = NULL;
    bool look = false;
    if (batch_write(store, &batch, &err, &culprit) == ERR_OK) {
        settle_written(store, &batch);
        look = store->event_last > store->event_seen;
    } else {
        settle_failed(store, &batch, culprit, &err);
    }
    batch_release(&batch);
    if (look) {
        elsewhere_look(store);
    }
    pthread_mutex_lock(&store->lock);
    background_soon(store);
    background_trim(store);
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
    writer_on_disk(store);
    pthread_mutex_unlock(&store->lock);
    struct err err;
    enum err_code code = try_job(store, job, &err);
    bool again = code == ERR_BUSY && clock_mono_us() < job->deadline_us;
    pthread_mutex_lock(&store->lock);
    writer_off_disk(store);
    if (again) {
        return;
    }
    pop_job(store);
    pthread_mutex_unlock(&store->lock);
    if (code == ERR_OK) {
        process_lock_ring(store->process);
        settle_recovered(store);
    }
    job->finish(job, store, code, &err);
    pthread_mutex_lock(&store->lock);
    store->index_waits = true;
    background_soon(store);
    pthread_cond_broadcast(&store->changed);
}

void writer_recover_later(struct store *store)
{
    store->recovery_wanted = true;
    store->recovery_us = clock_mono_us() + RECOVER_AGAIN_US;
}

/* Another process has gone; readers here hear of what it left through the follower. */
static void recover(struct store *store)
{
    store->recovery_wanted = false;
    pthread_mutex_unlock(&store->lock);
    bool done = startup_recover(store);
    process_lock_ring(store->process);
    follow_poke(store);
    pthread_mutex_lock(&store->lock);
    if (!done) {
        writer_recover_later(store);
    }
}

static void look_elsewhere(struct store *store)
{
    store->events_wanted = false;
    pthread_mutex_unlock(&store->lock);
    elsewhere_look(store);
    pthread_mutex_lock(&store->lock);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When work_once has something to do, if nobody asks before. Each time counts only where its work
 * could be done then. */
static int64_t next_due(const struct store *store)
{
    int64_t due = store->dirty ? store->tick_us : CLOCK_NEVER;
    if (store->recovery_wanted) {
        due = earlier(due, store->recovery_us);
    }
    if (background_waits(store)) {
        return store->state == STORE_CLOSING ? due : earlier(due, store->background_us);
    }
    return store->dirty ? due : earlier(due, store->checkpoint_us);
}

/* Does one thing that is due. False: nothing is, look again at *ret_due. */
static bool work_once(struct store *store, int64_t *ret_due)
{
    int64_t now = clock_mono_us();
    if (store->dirty && store->tick_us <= now) {
        tick(store);
    } else if (store->jobs) {
        run_job(store);
    } else if (store->recovery_wanted && store->recovery_us <= now) {
        recover(store);
    } else if (store->events_wanted) {
        look_elsewhere(store);
    } else if (background_log_is_long(store)) {
        background_checkpoint(store, false);
    } else if (store->state != STORE_CLOSING && background_waits(store) &&
               store->background_us <= now) {
        background_step(store);
    } else if (store->checkpoint_us <= now && !background_waits(store) && !store->dirty) {
        background_checkpoint(store, true);
    } else {
        *ret_due = next_due(store);
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
    while (background_waits(store) && clock_mono_us() < until) {
        background_step(store);
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
        settle_tell(waiters, err->code, err);
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
    bool unsaved = store->dirty != NULL;
    pthread_mutex_unlock(&store->lock);
    /* While the process lock is held, so that nobody ends these messages before their text can come
     * in. */
    if (unsaved && !store->private_file) {
        store->spill_error.code = spill_write(store, &store->spill_error);
    }
    startup_undo(store);
    pthread_mutex_lock(&store->lock);
    store->writer_alive = false;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
    return NULL;
}
