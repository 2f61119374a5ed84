/*
 * Overtaking: when the disk is slow, full or locked, readers get the text before it is saved,
 * marked unsaved.
 *
 * The writer does it itself when a write has failed. This thread does it while the writer hangs in
 * one: it sleeps until a commit begins, wakes up 50 ms later, and if that one (or another) has run
 * for so long, publishes what is in it and what has come since, once a window. While commits are
 * quick it costs one wake-up every 50 ms, and none when nothing is written.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/core_internal.h"

#define OVERTAKE_AFTER_US CLOCK_MS(50)

/* The marks move here, under the lock, so that the writer will not publish it again. */
static void mark_unsaved(struct taken *taken, enum err_code code)
{
    taken->overtaken = true;
    taken->update->unsaved = true;
    if (taken->update->error == ERR_OK) {
        taken->update->error = code;
    }
    taken->live->shown_unsaved = true;
    live_mark_published(taken->live, taken);
}

static size_t count_candidates(const struct store *store)
{
    size_t count = store->in_flight ? store->in_flight->count : 0;
    for (const struct live *live = store->dirty; live; live = live->next_dirty) {
        count++;
    }
    return count;
}

/* References to what the stuck transaction holds, then what came after it, in that order. */
static struct message_update **collect(struct store *store, enum err_code code, size_t *ret_count)
{
    size_t count = 0;
    struct message_update **updates = xcalloc(count_candidates(store) + 1, sizeof(*updates));
    struct batch *stuck = store->in_flight;
    for (size_t i = 0; stuck && i < stuck->count; i++) {
        if (!stuck->entries[i].overtaken && !stuck->entries[i].partial) {
            mark_unsaved(&stuck->entries[i], code);
            payload_ref(&stuck->entries[i].update->payload);
            updates[count++] = stuck->entries[i].update;
        }
    }
    for (struct live *live = store->dirty; live; live = live->next_dirty) {
        struct taken taken;
        live_take(live, false, &taken);
        mark_unsaved(&taken, code);
        payload_ref(&taken.update->payload);
        updates[count++] = taken.update;
        taken_release(&taken);
    }
    *ret_count = count;
    return updates;
}

void overtake_now(struct store *store, enum err_code code)
{
    size_t count = 0;
    pthread_mutex_lock(&store->publish_lock);
    pthread_mutex_lock(&store->lock);
    struct message_update **updates = collect(store, code, &count);
    pthread_mutex_unlock(&store->lock);
    for (size_t i = 0; i < count; i++) {
        if (update_is_news(updates[i])) {
            update_publish(store->broker, updates[i]);
        }
        payload_unref(&updates[i]->payload);
    }
    pthread_mutex_unlock(&store->publish_lock);
    free(updates);
}

/* With the lock held. Sleeps until a commit has run for too long; false at the end of the store. */
static bool wait_for_stall(struct store *store)
{
    while (store->overtaker_alive) {
        int64_t now = clock_mono_us();
        if (!store->commit_running && now - store->commit_since_us > OVERTAKE_AFTER_US) {
            store->overtaker_sleeps = true;
            clock_cond_wait(&store->overtake, &store->lock, CLOCK_NEVER);
            store->overtaker_sleeps = false;
        } else if (store->commit_running && now - store->commit_since_us >= OVERTAKE_AFTER_US) {
            return true;
        } else {
            clock_cond_wait(&store->overtake, &store->lock,
                            store->commit_since_us + OVERTAKE_AFTER_US + 1);
        }
    }
    return false;
}

void *overtake_main(void *arg)
{
    struct store *store = arg;
    pthread_mutex_lock(&store->lock);
    while (wait_for_stall(store)) {
        pthread_mutex_unlock(&store->lock);
        overtake_now(store, ERR_BUSY);
        pthread_mutex_lock(&store->lock);
        clock_cond_wait(&store->overtake, &store->lock,
                        clock_mono_us() + STORE_DEBOUNCE_DEFAULT_US);
    }
    pthread_mutex_unlock(&store->lock);
    return NULL;
}
