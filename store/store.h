/*
 * Store: the database file, its writer thread, its readers. Opened in two steps so that a first
 * frame waits for nothing.
 *
 * store_open opens what is there for reading (one descriptor, no lock, no migration: ≤ 1 ms).
 * store_start then takes the process lock, migrates, recovers what a dead process left, and starts
 * the writer thread; all of that on the writer thread, so the caller goes on. The outcome is
 * published as a struct store_update.
 *
 * One read-write connection, the writer's. Reads have their own connections and see pending text
 * through the message service (store/message_service.h).
 *
 * Durability: after kill -9 at most the last 100 ms of an answer is missing, never a user's
 * message; SIGTERM and SIGHUP lose nothing when store_close runs; a power cut costs at most the
 * tail of answers that were running.
 *
 * Threads: any, unless said otherwise. Units: µs, monotonic deadlines.
 */
#ifndef WEIR_STORE_STORE_H
#define WEIR_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "pubsub/broker.h"

struct store;

#define STORE_DEBOUNCE_DEFAULT_US 33000

struct store_options {
    const char *path;    /* NULL: a private store on an unlinked temporary file */
    int64_t debounce_us; /* 0: every change is written before the call returns; < 0: the default */
    /* Nothing will be written, store_start is never called; a missing file is empty. The one
     * exception: an older file is upgraded, since only the newest form is read. */
    bool read_only;
    bool follow;           /* publish what other processes write, too: for screens and watchers */
    struct broker *broker; /* borrowed until store_free */
};

/*
 * A missing file is fine: it is made by store_start. ERR_NEWER: written by a newer version,
 * untouched. ERR_CORRUPT: no database, or damaged. ERR_CANNOT_CREATE, ERR_READ_ONLY, ERR_IO: the
 * folder or the file.
 */
enum err_code store_open(const struct store_options *options, struct store **ret_store,
                         struct err *err) NODISCARD;
/* Starts the writer thread. Once. ERR_NO_MEMORY: no thread. */
enum err_code store_start(struct store *store, struct err *err) NODISCARD;
/* Waits until the start has ended, well or not: ERR_OK, ERR_TIMEOUT, or why writing is impossible.
 */
enum err_code store_wait_ready(struct store *store, int64_t deadline_us, struct err *err) NODISCARD;

/*
 * Refuses new changes, writes what is pending, spills what cannot be written to a 0600 file beside
 * the database (which the next start imports), stops the writer. Gives ERR_OK, or says what could
 * not be saved at all. From any thread; twice is fine, also at once.
 */
enum err_code store_close(struct store *store, int64_t deadline_us, struct err *err);
/* A store_close that runs on another thread, or comes yet, gives up trying at this time if it would
 * later. Harmless otherwise. */
void store_close_sooner(struct store *store, int64_t deadline_us);
/* After store_close, when no call is running. NULL is fine. */
void store_free(struct store *store);

/* NULL for a private store. */
const char *store_path(const struct store *store);
struct broker *store_broker(struct store *store);

#endif
