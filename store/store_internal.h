/*
 * What the parts of the store share. Internal to this floor.
 *
 * Data's way: message_service.c takes events into a struct live (live_internal.h) and marks it
 * dirty; writer.c takes the dirty ones at the deadline, writes, publishes; jobs (turns, deletions,
 * background steps) run on the same thread between ticks, each in a transaction of its own.
 *
 * Lock table: `lock` is a leaf but for broker and base locks, which are never taken under it.
 * `publish_lock` orders publications and is taken before nothing else but the broker's.
 */
#ifndef WEIR_STORE_STORE_INTERNAL_H
#define WEIR_STORE_STORE_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/idmap.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/db_internal.h"
#include "store/store.h"

/* Schema version this program writes: the number of the last migration. */
int migrate_version(void);
/*
 * Brings the database of a DB_WRITE connection up to migrate_version(), each step in one
 * transaction, after a backup
 * (`PATH.bak-vN`) when it is not new. ERR_NEWER: it is beyond. The caller holds the migration lock
 * exclusively.
 */
enum err_code migrate_run(struct db *db, const char *path, struct err *err) NODISCARD;
/*
 * The same with the migration lock, which is held shared before and after: waits until no other
 * process uses the database, or one of them has migrated it. ERR_BUSY: the deadline has passed.
 */
enum err_code migrate_with_lock(struct db *db, int lock_fd, int64_t deadline_us,
                                struct err *err) NODISCARD;
/* What the file is at: 0 for an empty one. ERR_NEWER, ERR_CORRUPT (also: somebody else's database).
 */
enum err_code migrate_check(struct db *db, int *ret_version, struct err *err) NODISCARD;

/*
 * Process lock: a file beside the database, named by this process's id, locked for as long as it
 * lives. Who can lock another's file knows that its owner is gone. It holds the number that the
 * system knows the process by, as text and a newline.
 */
struct process_lock;
enum err_code process_lock_take(const char *db_path, struct process_lock **ret_lock,
                                struct err *err) NODISCARD;
void process_lock_release(struct process_lock *lock); /* NULL is fine; removes the file */
const struct ulid *process_lock_id(const struct process_lock *lock);
/* Writes to the file, which wakes those who follow this process (bells_internal.h). NULL is fine.
 */
void process_lock_ring(const struct process_lock *lock);
/* Where the files of all processes lie. */
const char *process_lock_folder(const struct process_lock *lock);
/* False also when it cannot be told: nobody's attempt is ended on a guess. */
bool process_is_gone(const char *db_path, const struct ulid *owner);
/* The number that the system gave it; 0 when it cannot be told. */
long process_pid(const char *db_path, const struct ulid *owner);
/* Removes the lock file of a process that is gone. */
void process_forget(const char *db_path, const struct ulid *owner);

/* Held shared by every process for life, exclusively by one that migrates. Released by closing the
 * descriptor. */
enum err_code migration_lock_shared(const char *db_path, int *ret_fd, struct err *err) NODISCARD;
/* From shared to exclusive and back; waits for other processes until the deadline, then ERR_BUSY.
 */
enum err_code migration_lock_upgrade(int fd, int64_t deadline_us, struct err *err) NODISCARD;
void migration_lock_downgrade(int fd);

/*
 * Ends what dead processes left running: closes their messages with what was saved (reason
 * interrupted), ends open parts, their attempts and turns. In steps of at most 10 ms. Gives how
 * many answers and how many bytes of text they hold.
 */
enum err_code recover_run(struct db *db, const char *db_path, const struct ulid *self,
                          unsigned *ret_answers, uint64_t *ret_bytes, struct err *err) NODISCARD;

/*
 * One step of at most about 10 ms of background work on message `row`: moves its text from chunk to
 * part and, in later steps, sweeps its chunk rows (never the highest one). `*ret_done` when nothing
 * is left. Resumes where a crash stopped it.
 */
enum err_code fold_step(struct db *db, int64_t row, bool *ret_done, struct err *err) NODISCARD;
/* A part's whole text, and how much of it is in its place already. */
struct fold_part {
    struct sv text;
    size_t stored;
};
struct fold_parts {
    struct fold_part *items; /* free() */
    size_t count;
};
struct fold_parts fold_parts_new(size_t count);
/* How much of each part is in its place, into `stored`. */
enum err_code fold_stored(struct db *db, int64_t row, struct fold_parts *parts,
                          struct err *err) NODISCARD;
/*
 * Inside a transaction: puts more of the parts' text, all of them in order, into its place, as much
 * as fits the 10 ms, and says so in `stored`; with the last of it the message is folded.
 */
enum err_code fold_write(struct db *db, int64_t row, struct fold_parts *parts, bool *ret_whole,
                         struct err *err) NODISCARD;
/* Rows of ended messages that are not folded yet, up to `limit`. */
enum err_code fold_pending(struct db *db, int64_t *rows, size_t limit, size_t *ret_count,
                           struct err *err) NODISCARD;

/* What is stored of the turn of that id. ERR_NOT_FOUND: nothing. */
struct turn;
enum err_code turn_read(struct db *db, const struct ulid *id, struct turn *ret_turn,
                        struct err *err) NODISCARD;

/* Reads a message with all of its parts, from part and chunk; used by pages and snapshots. */
struct message;
enum err_code message_read(struct db *db, int64_t row, struct message **ret_message,
                           struct err *err) NODISCARD;

/* A read connection from the store's pool; NULL in ret_db and ERR_OK when there is no database yet.
 * Give it back. */
enum err_code reader_take(struct store *store, struct db **ret_db, struct err *err) NODISCARD;
void reader_give(struct store *store, struct db *db);

/*
 * A transaction of a caller that waits: `run` is called on the writer's thread inside BEGIN
 * IMMEDIATE, and again from the start when the database was locked, so it sets all of its results
 * anew each time; any error rolls back. For a refusal of its own it gives ERR_EXISTS, never
 * ERR_BUSY, which means: try again. `written` (may be NULL) is called after the commit on the
 * writer's thread, no lock held: for publishing. Each call is one transaction of at most 10 ms;
 * longer work is many of store_write_step.
 *
 * `state` is the address of a pointer to the caller's heap block, which holds copies of all that
 * the transaction reads, and its results. It is the caller's again afterwards, also after a
 * failure; only when the disk hangs (ERR_TIMEOUT) the writer keeps it (`free_state`, not NULL), and
 * the pointer becomes NULL. Not from the writer's thread.
 */
struct store_write {
    bool full; /* synced to the disk */
    enum err_code (*run)(void *state, struct db *db, struct err *err);
    void (*written)(void *state, struct store *store);
    void (*free_state)(void *state);
};
enum err_code store_write(struct store *store, const struct store_write *write, void *state,
                          struct err *err) NODISCARD;
/* The same for one step of longer work: rests after it, so that others get their turn. */
enum err_code store_write_step(struct store *store, const struct store_write *write, void *state,
                               struct err *err) NODISCARD;
/* Rests as long as the step that began then took. */
void store_rest(int64_t began_us);

/* The live form of a message where it is in memory: NULL when it is not. Gives; message_free. */
struct message *live_snapshot(struct store *store, const struct ulid *message);

#endif
