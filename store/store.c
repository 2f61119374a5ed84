/* Store: opening in two steps, readers, the end. What happens in between is the writer's. */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "store/core_internal.h"

/* For a store that was not closed before. */
#define FREE_PATIENCE_US CLOCK_S(2)

static struct store *make(const struct store_options *options)
{
    struct store *store = xcalloc(1, sizeof(*store));
    store->broker = options->broker;
    store->debounce_us =
        options->debounce_us < 0 ? STORE_DEBOUNCE_DEFAULT_US : options->debounce_us;
    store->private_file = !options->path;
    store->follows = options->follow && options->path;
    /* Log and spilled text lie beside the file itself, whatever name it is opened by. */
    store->path = options->path ? file_behind_link(options->path) : NULL;
    pthread_mutex_init(&store->publish_lock, NULL);
    pthread_mutex_init(&store->lock, NULL);
    clock_cond_init(&store->work);
    clock_cond_init(&store->changed);
    clock_cond_init(&store->overtake);
    store->jobs_tail = &store->jobs;
    store->done_tail = &store->done;
    store->tick_us = CLOCK_NEVER;
    store->checkpoint_us = CLOCK_NEVER;
    store->close_limit_us = CLOCK_NEVER;
    store->migration_fd = -1;
    return store;
}

/* Opens a connection for reading and looks at the version, which reads the schema: the file is
 * sound so far. */
static enum err_code open_reader(struct store *store, struct db **ret_db, int *ret_version,
                                 struct err *err)
{
    struct db *db = NULL;
    enum err_code code = db_open(store->path, DB_READ, &db, err);
    if (code == ERR_OK) {
        code = migrate_check(db, ret_version, err);
    }
    if (code) {
        db_close(db);
        return code;
    }
    *ret_db = db;
    return ERR_OK;
}

/* A file that is not there yet: its folder is made now, since whether that works is the only sure
 * sign. */
static enum err_code check_can_create(const char *path, struct err *err)
{
    enum err_code code = file_make_parent(path, err);
    if (code) {
        return code;
    }
    const char *slash = strrchr(path, '/');
    char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
    if (access(folder, W_OK | X_OK)) {
        code = errno == EROFS ? ERR_READ_ONLY : ERR_CANNOT_CREATE;
        err_set(err, code, "cannot create '%s': %s", path, err_text(ERR_READ_ONLY));
    }
    free(folder);
    return code;
}

/* A first start that was killed leaves one. Only a writer can undo what it began, so reading waits
 * for ours. */
static bool has_journal(const char *path)
{
    char *journal = xasprintf("%s-journal", path);
    bool there = file_exists(journal);
    free(journal);
    return there;
}

static enum err_code look(struct store *store, bool read_only, struct err *err)
{
    if (store->private_file) {
        return private_make(&store->path, err);
    }
    if (!file_exists(store->path)) {
        return read_only ? ERR_OK : check_can_create(store->path, err);
    }
    if (!read_only && access(store->path, W_OK)) {
        return err_set_errno(err, errno, "cannot write '%s'", store->path);
    }
    if (has_journal(store->path)) {
        return ERR_OK;
    }
    struct db *db = NULL;
    int version = 0;
    enum err_code code = open_reader(store, &db, &version, err);
    if (code == ERR_OK && read_only && version > 0 && version < migrate_version()) {
        db_close(db);
        code = startup_upgrade(store->path, err);
        if (code == ERR_OK) {
            code = open_reader(store, &db, &version, err);
        }
    }
    if (code == ERR_OK && version == migrate_version()) {
        store->readers[store->readers_idle++] = db;
    } else if (code == ERR_OK) {
        db_close(db);
    }
    return code;
}

enum err_code store_open(const struct store_options *options, struct store **ret_store,
                         struct err *err)
{
    struct store *store = make(options);
    enum err_code code = look(store, options->read_only, err);
    if (code) {
        store_free(store);
        return code;
    }
    *ret_store = store;
    return ERR_OK;
}

enum err_code store_start(struct store *store, struct err *err)
{
    pthread_mutex_lock(&store->lock);
    store->state = STORE_STARTING;
    enum err_code code =
        thread_start(&store->writer_thread, "weir-writer", writer_main, store, err);
    store->writer_alive = code == ERR_OK;
    store->state = code ? STORE_OPENED : STORE_STARTING;
    /* It looks at nothing before it has the lock. Without it a stalled disk stalls the screen. */
    store->overtaker_alive = code == ERR_OK;
    if (code == ERR_OK &&
        thread_start(&store->overtake_thread, "weir-overtake", overtake_main, store, NULL)) {
        store->overtaker_alive = false;
    }
    pthread_mutex_unlock(&store->lock);
    return code;
}

enum err_code store_wait_ready(struct store *store, int64_t deadline_us, struct err *err)
{
    enum err_code code = ERR_OK;
    pthread_mutex_lock(&store->lock);
    while (store->state == STORE_STARTING && code == ERR_OK) {
        if (!clock_cond_wait(&store->changed, &store->lock, deadline_us)) {
            code = err_set(err, ERR_TIMEOUT, "the database is still being opened");
        }
    }
    if (store->state == STORE_BROKEN) {
        code = err_set(err, store->start_error.code, "%s", store->start_error.text);
    }
    pthread_mutex_unlock(&store->lock);
    return code;
}

static size_t count_unsaved(const struct store *store)
{
    size_t count = 0;
    for (const struct live *live = store->dirty; live; live = live->next_dirty) {
        count++;
    }
    return count + (store->in_flight ? store->in_flight->count : 0);
}

static void end_overtaker(struct store *store)
{
    if (store->overtaker_alive) {
        pthread_mutex_lock(&store->lock);
        store->overtaker_alive = false;
        pthread_cond_broadcast(&store->overtake);
        pthread_mutex_unlock(&store->lock);
        pthread_join(store->overtake_thread, NULL);
    }
}

/* What the database did not take is in a file beside it; a writer that hangs could not make that
 * file. */
static enum err_code keep_unsaved(struct store *store, size_t unsaved, bool stuck, struct err *err)
{
    struct err why = {.code = ERR_OK};
    if (stuck && !store->private_file) {
        why.code = spill_write(store, &why);
    } else if (!stuck) {
        why = store->spill_error;
    }
    return why.code == ERR_OK
               ? ERR_OK
               : err_set(err, why.code, "%zu messages could not be saved in full: %s", unsaved,
                         why.text);
}

/* With the lock held. What could not be written is tried once more at once. */
static void hurry_set_aside(struct store *store)
{
    for (struct live *live = store->dirty; live; live = live->next_dirty) {
        live->retry_us = 0;
        live->failures = 0;
    }
}

/* The writer stops trying somewhat before the deadline, so that it can still end in order. */
/* Of several that close at once one joins, the others wait for it. */
static void end_threads(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    bool joins = !store->joining;
    store->joining = true;
    while (!joins && !store->joined &&
           clock_cond_wait(&store->changed, &store->lock, CLOCK_NEVER)) {
    }
    pthread_mutex_unlock(&store->lock);
    if (joins) {
        pthread_join(store->writer_thread, NULL);
        end_overtaker(store);
        pthread_mutex_lock(&store->lock);
        store->joined = true;
        pthread_cond_broadcast(&store->changed);
        pthread_mutex_unlock(&store->lock);
    }
}

enum err_code store_close(struct store *store, int64_t deadline_us, struct err *err)
{
    pthread_mutex_lock(&store->lock);
    if (store->state == STORE_CLOSED || store->state == STORE_OPENED) {
        store->state = STORE_CLOSED;
        pthread_mutex_unlock(&store->lock);
        return ERR_OK;
    }
    store->state = STORE_CLOSING;
    int64_t now = clock_mono_us();
    deadline_us = deadline_us < store->close_limit_us ? deadline_us : store->close_limit_us;
    store->close_deadline_us = deadline_us - (deadline_us > now ? (deadline_us - now) / 4 : 0);
    hurry_set_aside(store);
    writer_hurry(store);
    while (store->writer_alive && clock_cond_wait(&store->changed, &store->lock, deadline_us)) {
    }
    size_t unsaved = count_unsaved(store);
    bool stuck = store->writer_alive;
    store->state = stuck ? STORE_CLOSING : STORE_CLOSED;
    /* Also when the writer hangs: who waits for it waits in vain. */
    store->given_up = stuck;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
    if (!stuck) {
        end_threads(store);
    }
    enum err_code code = unsaved > 0 ? keep_unsaved(store, unsaved, stuck, err) : ERR_OK;
    return stuck ? err_set(err, ERR_TIMEOUT, "the disk hangs") : code;
}

void store_close_sooner(struct store *store, int64_t deadline_us)
{
    pthread_mutex_lock(&store->lock);
    store->close_limit_us = deadline_us;
    if (store->state == STORE_CLOSING && deadline_us < store->close_deadline_us) {
        store->close_deadline_us = deadline_us;
        writer_wake(store);
    }
    pthread_mutex_unlock(&store->lock);
}

static void free_live(struct store *store)
{
    size_t cursor = 0;
    struct live *live = NULL;
    while ((live = idmap_next(&store->live, &cursor))) {
        live_free(live);
    }
    idmap_release(&store->live);
    idmap_release(&store->gone);
}

/* For who asked for a log: how the writing went, and whether readers kept up. */
static void log_figures(struct store *store)
{
    if (store->transactions == 0) {
        return;
    }
    const struct broker_counters events = broker_counters(store->broker);
    log_write(LOG_DEBUG,
              "store: %llu transactions of text, %llu tried again, %llu of any kind over %d ms",
              (unsigned long long)store->transactions, (unsigned long long)store->retries,
              (unsigned long long)atomic_load(&store->long_transactions), DB_LONG_US / 1000);
    log_write(LOG_DEBUG,
              "events: %llu published, %llu delivered, %llu dropped, %llu parked, %llu undelivered",
              (unsigned long long)events.published, (unsigned long long)events.delivered,
              (unsigned long long)events.dropped, (unsigned long long)events.parked,
              (unsigned long long)events.undelivered);
}

void store_free(struct store *store)
{
    if (!store) {
        return;
    }
    if (store_close(store, clock_mono_us() + FREE_PATIENCE_US, NULL) == ERR_TIMEOUT) {
        /* Its thread still uses it; the process is about to end. */
        return;
    }
    log_figures(store);
    while (store->readers_idle > 0) {
        db_close(store->readers[--store->readers_idle]);
    }
    if (store->private_file && store->path) {
        private_remove(store->path);
    }
    free_live(store);
    pthread_cond_destroy(&store->work);
    pthread_cond_destroy(&store->changed);
    pthread_cond_destroy(&store->overtake);
    pthread_mutex_destroy(&store->lock);
    pthread_mutex_destroy(&store->publish_lock);
    free(store->path);
    free(store);
}

const char *store_path(const struct store *store)
{
    return store->private_file ? NULL : store->path;
}

struct broker *store_broker(struct store *store)
{
    return store->broker;
}

/* With the lock held. The private store has as many connections as it will ever have. */
static bool may_open_more(const struct store *store)
{
    return !store->private_file && store->readers_out < STORE_READERS;
}

static bool is_ready(const struct store *store)
{
    return store->state == STORE_RUNNING || store->state == STORE_CLOSING;
}

enum err_code reader_take(struct store *store, struct db **ret_db, struct err *err)
{
    pthread_mutex_lock(&store->lock);
    while (store->readers_idle == 0 && is_ready(store) && !may_open_more(store)) {
        clock_cond_wait(&store->changed, &store->lock, CLOCK_NEVER);
    }
    struct db *db = store->readers_idle > 0 ? store->readers[--store->readers_idle] : NULL;
    bool open_one = !db && !store->private_file && is_ready(store);
    store->readers_out += db || open_one;
    pthread_mutex_unlock(&store->lock);
    if (!open_one) {
        *ret_db = db;
        return ERR_OK;
    }
    int version = 0;
    enum err_code code = open_reader(store, ret_db, &version, err);
    if (code) {
        pthread_mutex_lock(&store->lock);
        store->readers_out--;
        pthread_mutex_unlock(&store->lock);
    }
    return code;
}

void reader_give(struct store *store, struct db *db)
{
    if (!db) {
        return;
    }
    pthread_mutex_lock(&store->lock);
    store->readers_out--;
    bool keep = store->readers_idle < STORE_READERS;
    if (keep) {
        store->readers[store->readers_idle++] = db;
        pthread_cond_broadcast(&store->changed);
    }
    pthread_mutex_unlock(&store->lock);
    if (!keep) {
        db_close(db);
    }
}
