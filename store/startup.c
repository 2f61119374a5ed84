/*
 * Startup: what the writer's thread does before it serves, and after.
 *
 * Order: folder, migration lock (shared, for life), connection, migration (exclusive meanwhile),
 * process lock, recovery, follower. The way back undoes the same in reverse; the log is emptied on
 * the way.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "store/attempt_internal.h"
#include "store/core_internal.h"
#include "store/index_internal.h"
#include "store/sql_internal.h"

#define MIGRATE_PATIENCE_US CLOCK_S(10)
#define UNFOLDED_MAX 256
#define EVENTS_KEPT_US CLOCK_S(30 * 24 * 3600)
/* A few ms. */
#define EVENTS_PER_START 1000

static enum err_code migrate(struct db *db, int migration_fd, struct err *err)
{
    int version = 0;
    int64_t deadline = clock_mono_us() + MIGRATE_PATIENCE_US;
    db_set_deadline(db, deadline);
    enum err_code code = migrate_check(db, &version, err);
    if (code || version == migrate_version()) {
        return code;
    }
    return migrate_with_lock(db, migration_fd, deadline, err);
}

enum err_code startup_upgrade(const char *path, struct err *err)
{
    struct db *db = NULL;
    int fd = -1;
    enum err_code code = migration_lock_shared(path, &fd, err);
    if (code == ERR_OK) {
        code = db_open(path, DB_WRITE, &db, err);
    }
    if (code == ERR_OK) {
        code = migrate(db, fd, err);
    }
    db_close(db);
    if (fd >= 0) {
        close(fd);
    }
    return code ? err_prefix(err, "cannot upgrade the database to be read") : ERR_OK;
}

/* Ended messages whose text is in chunk still; what is being folded comes first. */
static void collect_unfolded(struct store *store)
{
    struct err err;
    if (store->unfolded_count > 0) {
        return;
    }
    free(store->unfolded);
    store->unfolded = xcalloc(UNFOLDED_MAX, sizeof(*store->unfolded));
    if (fold_pending(store->db, store->unfolded, UNFOLDED_MAX, &store->unfolded_count, &err)) {
        log_write(LOG_WARN, "recovery: %s", err.text);
        store->unfolded_count = 0;
    }
}

/* Spilled text first: a message that was ended as interrupted would not take it any more. What
 * cannot be repaired now is tried again; that is no reason to refuse service. */
bool startup_recover(struct store *store)
{
    struct err err;
    struct store_update update = {.kind = STORE_READY};
    db_set_deadline(store->db, clock_mono_us() + CLOCK_S(2));
    enum err_code code = store->private_file ? ERR_OK : spill_bring_in(store->db, store->path);
    if (code == ERR_OK) {
        code = recover_run(store->db, store->path, process_lock_id(store->process),
                           &update.recovered_answers, &update.recovered_bytes, &err);
        if (code) {
            log_write(LOG_WARN, "recovery: %s", err.text);
        }
    }
    collect_unfolded(store);
    store->index_waits = true;
    store_update_publish(store, &update);
    return code != ERR_BUSY && code != ERR_DISK_FULL;
}

/* What happened long ago is of no use to who follows; a step at each start keeps up with it. */
static void forget_events(struct store *store)
{
    struct err err;
    int64_t before_us = clock_wall_us() - EVENTS_KEPT_US;
    int64_t old = 0;
    enum err_code code =
        sql__value_of_row(store->db,
                          "SELECT at < ?1 AND id < (SELECT max(id) FROM event) FROM event"
                          " WHERE id = (SELECT min(id) FROM event)",
                          before_us, &old, &err);
    if (code == ERR_OK && old) {
        db_set_deadline(store->db, clock_mono_us());
        code = db_begin(store->db, false, &err);
        if (code == ERR_OK) {
            code = event_prune(store->db, before_us, EVENTS_PER_START, &err);
            if (code) {
                db_rollback(store->db);
            } else {
                code = db_commit(store->db, &err);
            }
        }
    }
    if (code) {
        log_write(LOG_DEBUG, "events: %s", err.text);
    }
}

static enum err_code open_readers(struct store *store, struct db *readers[STORE_READERS],
                                  struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < STORE_READERS; i++) {
        int version = 0;
        code = db_open(store->path, DB_READ, &readers[i], err);
        if (code == ERR_OK) {
            code = migrate_check(readers[i], &version, err);
        }
    }
    return code;
}

/* The private store's files have no name once everybody who will ever need them has them open. */
static enum err_code hide_private(struct store *store, struct err *err)
{
    struct db *readers[STORE_READERS] = {NULL};
    enum err_code code = open_readers(store, readers, err);
    private_remove(store->path);
    if (code) {
        for (size_t i = 0; i < STORE_READERS; i++) {
            db_close(readers[i]);
        }
        return code;
    }
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < STORE_READERS; i++) {
        store->readers[i] = readers[i];
    }
    store->readers_idle = STORE_READERS;
    pthread_mutex_unlock(&store->lock);
    return ERR_OK;
}

/* In this order: the lock keeps a migration alone, and whoever looks for dead processes finds this
 * one alive before its first row is written. */
static enum err_code open_writer(struct store *store, struct err *err)
{
    enum err_code code = ERR_OK;
    if (!store->private_file) {
        code = file_make_parent(store->path, err);
        if (code == ERR_OK) {
            code = migration_lock_shared(store->path, &store->migration_fd, err);
        }
    }
    if (code == ERR_OK) {
        code = db_open(store->path, DB_WRITE, &store->db, err);
    }
    if (code == ERR_OK) {
        db_count_long(store->db, &store->long_transactions);
        code = store->private_file ? migrate_run(store->db, store->path, err)
                                   : migrate(store->db, store->migration_fd, err);
    }
    return code ? code : process_lock_take(store->path, &store->process, err);
}

enum err_code startup_run(struct store *store, struct err *err)
{
    struct err follow_err;
    enum err_code code = open_writer(store, err);
    if (code == ERR_OK && store->private_file) {
        code = hide_private(store, err);
    }
    if (code) {
        return code;
    }
    forget_events(store);
    store->event_seen = elsewhere_last_event(store);
    if (!startup_recover(store)) {
        pthread_mutex_lock(&store->lock);
        writer_recover_later(store);
        pthread_mutex_unlock(&store->lock);
    }
    if (store->follows && follow_start(store, &follow_err)) {
        log_write(LOG_WARN, "other processes are not followed: %s", follow_err.text);
    }
    return ERR_OK;
}

void startup_undo(struct store *store)
{
    follow_stop(store);
    indexer_free(store->indexer);
    store->indexer = NULL;
    if (store->db) {
        struct err err;
        db_set_deadline(store->db, clock_mono_us());
        if (!store->private_file && db_checkpoint(store->db, true, &err)) {
            log_write(LOG_DEBUG, "checkpoint at the end: %s", err.text);
        }
        db_close(store->db);
        store->db = NULL;
    }
    process_lock_release(store->process);
    store->process = NULL;
    if (store->migration_fd >= 0) {
        close(store->migration_fd);
        store->migration_fd = -1;
    }
    free(store->unfolded);
    store->unfolded = NULL;
    store->unfolded_count = 0;
}
