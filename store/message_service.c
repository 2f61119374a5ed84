/*
 * Message service: the way in for stream events, and the ways to wait for the disk.
 *
 * An event is applied under the store's lock: found by id, appended, marked dirty. All the rest is
 * the writer's. Waiting compares numbers of changes, never pointers: a message may leave memory
 * while somebody waits for it, and then it is saved.
 */
#include "store/message_service.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/core_internal.h"

/* How long an event waits for the disk when the window is 0. */
#define SYNCHRONOUS_US CLOCK_S(10)

/* With the lock held. */
static enum err_code find_live(struct store *store, const struct ulid *id, struct live **ret_live,
                               struct err *err)
{
    if (store->state == STORE_CLOSING || store->state == STORE_CLOSED) {
        return err_set(err, ERR_CLOSED, "the store is closed");
    }
    struct live *live = idmap_get(&store->live, id);
    if (live) {
        *ret_live = live;
        return ERR_OK;
    }
    if (idmap_get(&store->gone, id)) {
        return err_set(err, ERR_GONE, "the message was deleted");
    }
    return err_set(err, ERR_NOT_FOUND, "no message '%s' is being written", id->text);
}

/* With the lock held. `*ret_live` has the number of the change, to wait for. */
static enum err_code apply(struct store *store, const struct ulid *id,
                           const struct stream_event *event, struct live **ret_live,
                           struct err *err)
{
    struct live *live = NULL;
    enum err_code code = find_live(store, id, &live, err);
    if (code == ERR_OK) {
        code = live_apply(live, event, err);
    }
    if (code == ERR_OK) {
        writer_mark(store, live, stream_event_is_terminal(event) || store->debounce_us == 0);
        *ret_live = live;
    }
    return code;
}

/* With the lock held. False: it is on the disk, or was deleted. */
static bool is_pending(struct store *store, const struct ulid *id, uint64_t change)
{
    const struct live *live = idmap_get(&store->live, id);
    return live && !live->gone && live->saved_change < change;
}

/* With the lock held. Nothing will be written any more. */
static bool has_ended(const struct store *store)
{
    return store->state == STORE_CLOSED || store->given_up;
}

/* With the lock held. */
static enum err_code wait_saved(struct store *store, const struct ulid *id, uint64_t change,
                                int64_t deadline, struct err *err)
{
    while (is_pending(store, id, change)) {
        if (has_ended(store)) {
            return err_set(err, ERR_CLOSED, "the store was closed before the message was saved");
        }
        if (!clock_cond_wait(&store->changed, &store->lock, deadline) &&
            is_pending(store, id, change)) {
            return err_set(err, ERR_TIMEOUT, "the message is not saved yet");
        }
    }
    if (idmap_get(&store->gone, id)) {
        return err_set(err, ERR_GONE, "the message was deleted");
    }
    return ERR_OK;
}

enum err_code message_apply(struct store *store, const struct ulid *message,
                            const struct stream_event *event, struct err *err)
{
    struct live *live = NULL;
    pthread_mutex_lock(&store->lock);
    enum err_code code = apply(store, message, event, &live, err);
    if (code == ERR_OK && store->debounce_us == 0) {
        code = wait_saved(store, message, live->change, clock_mono_us() + SYNCHRONOUS_US, err);
    }
    pthread_mutex_unlock(&store->lock);
    return code;
}

/* wide: done and ctx are one thing */
enum err_code message_apply_then(struct store *store, const struct ulid *message,
                                 const struct stream_event *event, message_done_fn *done, void *ctx,
                                 struct err *err)
{
    struct live *live = NULL;
    struct live_waiter *waiter = done ? xcalloc(1, sizeof(*waiter)) : NULL;
    pthread_mutex_lock(&store->lock);
    enum err_code code = apply(store, message, event, &live, err);
    if (code == ERR_OK && waiter) {
        *waiter = (struct live_waiter){live->waiters, live->change, done, ctx};
        live->waiters = waiter;
        waiter = NULL;
    }
    pthread_mutex_unlock(&store->lock);
    free(waiter);
    return code;
}

enum err_code message_apply_wait(struct store *store, const struct ulid *message,
                                 const struct stream_event *event, int64_t deadline_us,
                                 struct err *err)
{
    struct live *live = NULL;
    pthread_mutex_lock(&store->lock);
    enum err_code code = apply(store, message, event, &live, err);
    if (code == ERR_OK) {
        uint64_t change = live->change;
        writer_hurry(store);
        code = wait_saved(store, message, change, deadline_us, err);
    }
    pthread_mutex_unlock(&store->lock);
    return code;
}

enum err_code message_flush(struct store *store, const struct ulid *message, int64_t deadline_us,
                            struct err *err)
{
    enum err_code code = ERR_OK;
    pthread_mutex_lock(&store->lock);
    const struct live *live = idmap_get(&store->live, message);
    if (live && !live->gone && !live_is_saved(live)) {
        writer_hurry(store);
        code = wait_saved(store, message, live->change, deadline_us, err);
    }
    pthread_mutex_unlock(&store->lock);
    return code;
}

/* With the lock held. Messages with changes up to `target` that are not saved; `session` NULL: of
 * all sessions. */
static size_t count_pending(struct store *store, const struct ulid *session, uint64_t target)
{
    size_t count = 0;
    size_t cursor = 0;
    const struct live *live = NULL;
    while ((live = idmap_next(&store->live, &cursor))) {
        bool old = live->saved_change < target && !live_is_saved(live);
        if (old && !live->gone && (!session || ulid_equal(&live->session, session))) {
            count++;
        }
    }
    return count;
}

static enum err_code flush_many(struct store *store, const struct ulid *session,
                                int64_t deadline_us, size_t *ret_unsaved, struct err *err)
{
    enum err_code code = ERR_OK;
    pthread_mutex_lock(&store->lock);
    uint64_t target = store->changes;
    size_t pending = count_pending(store, session, target);
    if (pending > 0) {
        writer_hurry(store);
    }
    while (pending > 0 && !has_ended(store) &&
           clock_cond_wait(&store->changed, &store->lock, deadline_us)) {
        pending = count_pending(store, session, target);
    }
    pending = count_pending(store, session, target);
    pthread_mutex_unlock(&store->lock);
    if (pending > 0) {
        code = err_set(err, ERR_TIMEOUT, "%zu messages are not saved yet", pending);
    }
    if (ret_unsaved) {
        *ret_unsaved = pending;
    }
    return code;
}

enum err_code message_flush_session(struct store *store, const struct ulid *session,
                                    int64_t deadline_us, size_t *ret_unsaved, struct err *err)
{
    return flush_many(store, session, deadline_us, ret_unsaved, err);
}

enum err_code message_flush_all(struct store *store, int64_t deadline_us, size_t *ret_unsaved,
                                struct err *err)
{
    return flush_many(store, NULL, deadline_us, ret_unsaved, err);
}

struct message *live_snapshot(struct store *store, const struct ulid *message)
{
    pthread_mutex_lock(&store->lock);
    const struct live *live = idmap_get(&store->live, message);
    struct message *copy = live && !live->gone ? live_copy(live) : NULL;
    pthread_mutex_unlock(&store->lock);
    return copy;
}

static enum err_code read_message(struct store *store, const struct ulid *id,
                                  struct message **ret_message, struct err *err)
{
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code) {
        return code;
    }
    code = ERR_NOT_FOUND;
    struct sqlite3_stmt *stmt =
        db ? db_prepare(db, "SELECT id FROM message WHERE uid = ?1 AND deleted_at IS NULL", err)
           : NULL;
    if (stmt) {
        db_bind_id(stmt, 1, id);
        int64_t row = db_step(db, stmt, err) ? db_column_int(stmt, 0) : 0;
        db_reset(stmt);
        code = row ? message_read(db, row, ret_message, err) : ERR_NOT_FOUND;
    }
    reader_give(store, db);
    return code == ERR_NOT_FOUND ? err_set(err, code, "no message '%s'", id->text) : code;
}

enum err_code message_snapshot(struct store *store, const struct ulid *message,
                               struct message **ret_message, struct err *err)
{
    struct message *copy = live_snapshot(store, message);
    if (copy) {
        *ret_message = copy;
        return ERR_OK;
    }
    return read_message(store, message, ret_message, err);
}

struct message_service_stats message_service_stats(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    struct message_service_stats stats = {
        .live = store->live.count,
        .dirty = count_pending(store, NULL, UINT64_MAX),
        .transactions = store->transactions,
        .retries = store->retries,
        .long_transactions = atomic_load(&store->long_transactions),
    };
    pthread_mutex_unlock(&store->lock);
    return stats;
}
