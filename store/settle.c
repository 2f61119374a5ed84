/*
 * Settling: what follows a transaction of deltas. Marks move, readers are told, waiters too; or all
 * of it is put back.
 *
 * The order after a commit: marks under both locks, bell, updates, then completions, so that
 * who is told that its event is on the disk finds it published.
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

void settle_tell(struct live_waiter *waiters, enum err_code code, const struct err *err)
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

/* Both locks held. Moves the marks; gives what follows the update, if readers hold unsaved text. */
static struct message_update *move_marks(struct taken *taken)
{
    struct live *live = taken->live;
    live_mark_written(live, taken);
    if (!taken->overtaken && !taken->partial) {
        live_mark_published(live, taken);
    }
    live->set_aside = false;
    live->failures = 0;
    return live->shown_unsaved && live->change == taken->change ? saved_update(live) : NULL;
}

void settle_done(struct store *store, struct live *live)
{
    if (live->ended && live_is_saved(live) && !live->gone && !live->waits_to_fold) {
        live->waits_to_fold = true;
        live->next_done = NULL;
        *store->done_tail = live;
        store->done_tail = &live->next_done;
        store->done_bytes += live->bytes;
    }
}

/* With the lock held: it is saved now, for whoever waits; an ended message is next to be folded. */
static struct live_waiter *count_saved(struct store *store, const struct taken *taken)
{
    struct live *live = taken->live;
    live->saved_change = taken->change;
    settle_done(store, live);
    return take_waiters(live);
}

/* One message that cannot be written keeps the news from being good. */
static bool any_set_aside(struct store *store)
{
    bool any = false;
    pthread_mutex_lock(&store->lock);
    for (const struct live *live = store->dirty; live && !any; live = live->next_dirty) {
        any = live->set_aside;
    }
    pthread_mutex_unlock(&store->lock);
    return any;
}

void settle_recovered(struct store *store)
{
    if (store->failing && !any_set_aside(store)) {
        store->failing = false;
        store_update_publish(store, &(struct store_update){.kind = STORE_SAVED});
    }
    store->failures = 0;
    store->retry_us = 0;
}

/* With publish_lock held. */
static void publish(struct store *store, struct batch *batch, struct message_update **saved)
{
    batch_publish(store, batch);
    for (size_t i = 0; i < batch->count; i++) {
        if (saved[i]) {
            update_publish(store->broker, saved[i]);
            payload_unref(&saved[i]->payload);
        }
    }
}

void settle_written(struct store *store, struct batch *batch)
{
    struct message_update **saved = xcalloc(batch->count + 1, sizeof(struct message_update *));
    struct live_waiter **waiters = xcalloc(batch->count + 1, sizeof(struct live_waiter *));
    pthread_mutex_lock(&store->publish_lock);
    pthread_mutex_lock(&store->lock);
    store->in_flight = NULL;
    store->commit_running = false;
    store->transactions++;
    for (size_t i = 0; i < batch->count; i++) {
        saved[i] = move_marks(&batch->entries[i]);
    }
    pthread_mutex_unlock(&store->lock);
    process_lock_ring(store->process);
    publish(store, batch, saved);
    pthread_mutex_unlock(&store->publish_lock);

    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < batch->count; i++) {
        waiters[i] = count_saved(store, &batch->entries[i]);
    }
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
    for (size_t i = 0; i < batch->count; i++) {
        settle_tell(waiters[i], ERR_OK, NULL);
    }
    free(saved);
    free(waiters);
    settle_recovered(store);
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

void settle_failed(struct store *store, struct batch *batch, struct taken *culprit,
                   const struct err *err)
{
    if (!culprit) {
        store->failure = err->code;
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
    if (culprit && err->code == ERR_GONE) {
        message_withdraw(store, culprit->live);
    } else {
        tell_failing(store, err);
    }
}
