/*
 * Core: the struct behind `struct store`, shared by store.c, writer.c, overtake.c, jobs.c and
 * message_service.c only.
 *
 * Threads: the writer thread owns the members under "the writer's own". All others are guarded by
 * `lock`. What waits for the writer waits on `changed`; the writer waits on `work`; the overtaker
 * on `overtake`.
 *
 * The order of publications is the order in which `publish_lock` is taken; it is taken before
 * `lock`, and nothing but the broker's locks is taken under either.
 */
#ifndef WEIR_STORE_CORE_INTERNAL_H
#define WEIR_STORE_CORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/idmap.h"
#include "store/live_internal.h"
#include "store/store_internal.h"
#include "store/update_internal.h"

#define STORE_READERS 4

enum store_state {
    STORE_OPENED,
    STORE_STARTING,
    STORE_RUNNING,
    STORE_BROKEN,
    STORE_CLOSING,
    STORE_CLOSED
};

/*
 * A transaction that somebody wants: run on the writer's thread between ticks. `run` is called
 * inside BEGIN IMMEDIATE and may be called again when the commit failed for a passing reason;
 * `finish` exactly once, after the commit or when it was given up, with no lock held. The job
 * belongs to whoever made it until `finish` returns.
 */
struct job {
    struct job *next;
    bool full; /* synced to the disk */
    int64_t deadline_us;
    enum err_code (*run)(struct job *job, struct store *store, struct db *db, struct err *err);
    void (*finish)(struct job *job, struct store *store, enum err_code code, const struct err *err);
};

/* Everything that one transaction of deltas holds. */
struct batch {
    struct taken *entries;
    size_t count;
};

struct store {
    char *path; /* of the database file */
    bool private_file;
    bool follows; /* other processes' answers are published here */
    int64_t debounce_us;
    struct broker *broker;

    pthread_mutex_t publish_lock; /* Orders publications. Taken before `lock`. */
    pthread_mutex_t lock;         /* Guards all down to "the writer's own". Leaf. */
    pthread_cond_t work, changed, overtake;
    enum store_state state;
    struct err start_error;
    struct idmap live; /* messages in memory, by id */
    struct idmap gone; /* deleted while this process ran; values are not looked at */
    struct live *dirty;
    struct live *done, **done_tail; /* ended and saved, to be folded */
    size_t done_bytes;              /* of text in them */
    int64_t checkpoint_us;          /* when the log is emptied, idle; CLOCK_NEVER: it is */
    struct job *jobs, **jobs_tail;
    int64_t tick_us; /* when the dirty ones are taken; CLOCK_NEVER: nothing is dirty */
    int64_t close_deadline_us;
    int64_t close_limit_us; /* no close tries for longer */
    bool given_up;          /* the writer hangs, nobody waits for it any more */
    uint64_t changes;       /* number of the last change that came */
    bool commit_running;    /* the writer is on the disk, since */
    int64_t commit_since_us;
    struct batch *in_flight; /* while commit_running */
    bool overtaker_sleeps;
    bool recovery_wanted; /* another process has gone, or spilled text could not be brought in */
    int64_t recovery_us;  /* not before */
    bool events_wanted;   /* another process may have deleted what is written here */
    uint64_t transactions, retries;
    atomic_ullong long_transactions;   /* counted by the connection, guarded by nothing */
    struct db *readers[STORE_READERS]; /* idle connections */
    size_t readers_idle, readers_out;
    pthread_t writer_thread, overtake_thread;
    bool writer_alive, overtaker_alive;
    bool joining, joined; /* by one of those who close */

    /* The writer's own. */
    struct db *db;
    struct process_lock *process;
    struct err spill_error; /* code ERR_OK: all that was unsaved is in a file; read after the
                               thread's end */
    struct follower *follower;
    struct indexer *indexer;
    bool index_waits; /* there may be words to be indexed */
    int migration_fd;
    int64_t event_seen, event_last; /* rows of event: looked at, and there are */
    bool failing;                   /* the last transaction failed: told to readers */
    enum err_code failure;          /* why the last one that failed did */
    unsigned failures;              /* in a row */
    int64_t retry_us;               /* no write before */
    int64_t background_us;          /* no background step before: it rests as long as it worked */
    int64_t checkpoint_frames;      /* in the log at the last checkpoint */
    int64_t *unfolded;              /* rows of an earlier process, to be folded */
    size_t unfolded_count;
};

/* writer.c: the thread. */
void *writer_main(void *store);
/* Around everything that the writer does on the disk, so that a stall is noticed. With the lock
 * held. */
void writer_on_disk(struct store *store);
void writer_off_disk(struct store *store);
/* The recovery is tried again in a while. With the lock held. */
void writer_recover_later(struct store *store);
/* Asks the writer to look again. With the lock held. */
void writer_wake(struct store *store);
/* What is dirty is taken at once. With the lock held. */
void writer_hurry(struct store *store);
/* Marks a message dirty, to be taken at the end of the window, or at once. With the lock held. */
void writer_mark(struct store *store, struct live *live, bool now);

/* startup.c: what the writer's thread does first and last. */
enum err_code startup_run(struct store *store, struct err *err) NODISCARD;
/* Brings an older file up to date for who only reads: nothing here reads old forms. */
enum err_code startup_upgrade(const char *path, struct err *err) NODISCARD;
void startup_undo(struct store *store);

/* private_file.c: a new path in a folder of its own (gives it), and taking files and folder away.
 */
enum err_code private_make(char **ret_path, struct err *err) NODISCARD;
void private_remove(const char *path);

/* batch.c: taking, writing, and what follows. */
void batch_take(struct store *store, struct batch *ret_batch); /* with the lock held */
enum err_code batch_write(struct store *store, struct batch *batch, struct err *err,
                          struct taken **ret_culprit) NODISCARD;
/* Inside a transaction: one part's new text; and the end of a message with its usage, of its
 * attempt and of its turn. */
enum err_code batch_write_part(struct db *db, int64_t row, const struct part_write *write,
                               struct err *err) NODISCARD;
/* Text that came after the message was ended: it is read, and folded again. ERR_GONE: no such row.
 */
enum err_code batch_extend_ended(struct db *db, int64_t row, struct err *err) NODISCARD;
enum err_code batch_write_end(struct db *db, const struct taken *taken, struct err *err) NODISCARD;
void batch_publish(struct store *store, struct batch *batch);
void batch_release(struct batch *batch);

/* settle.c: after a transaction of deltas, no lock held. */
void settle_written(struct store *store, struct batch *batch);
/* `culprit` NULL: the disk or the database failed, not one message. */
void settle_failed(struct store *store, struct batch *batch, struct taken *culprit,
                   const struct err *err);
/* Writing works (again). */
void settle_recovered(struct store *store);
/* With the lock held: ended and saved, it is next to be folded, and leaves memory then. */
void settle_done(struct store *store, struct live *live);
void settle_tell(struct live_waiter *waiters, enum err_code code, const struct err *err);

/* background.c: with the lock held. */
bool background_waits(const struct store *store);
void background_step(struct store *store);
/* Lets go of ended messages beyond a limit: they are folded from their rows later. On the writer's
 * thread, while no batch is taken. */
void background_trim(struct store *store);
bool background_log_is_long(struct store *store);
void background_checkpoint(struct store *store, bool truncate);
/* Something was written: the log is emptied when nothing has been for a while. */
void background_soon(struct store *store);

/* startup.c: brings spilled text in, ends what processes that are gone left running, and tells of
 * it. False: the database would not have it now, try again later. */
bool startup_recover(struct store *store);

/* follow.c: other processes' answers. Started and stopped by the writer's thread. */
enum err_code follow_start(struct store *store, struct err *err) NODISCARD;
void follow_stop(struct store *store); /* harmless when it was not started */
/* This process changed what another one had begun. */
void follow_poke(struct store *store);

/* message_delete.c: another process has deleted it. Takes the message; no lock held, on the
 * writer's thread. */
void message_withdraw(struct store *store, struct live *live);

/* elsewhere.c: deletions by other processes, on the writer's thread, no lock held. */
int64_t elsewhere_last_event(struct store *store); /* may be called inside a transaction */
void elsewhere_look(struct store *store);

/* spill.c: writes what is not saved to a file beside the database; brings such files in. */
enum err_code spill_write(struct store *store, struct err *err) NODISCARD;
/* ERR_BUSY and the like: a file stays for later; until then nothing may be ended that it has text
 * for. */
enum err_code spill_bring_in(struct db *db, const char *db_path) NODISCARD;

/* overtake.c: publishes what is stuck behind a slow or failing disk, marked unsaved. */
void *overtake_main(void *store);
void overtake_now(struct store *store, enum err_code code);

/* jobs.c */
/* Hands a job to the writer. ERR_CLOSED, or why the store cannot write; `finish` is not called
 * then. */
enum err_code job_submit(struct store *store, struct job *job, struct err *err) NODISCARD;

void store_update_publish(struct store *store, const struct store_update *update);

#endif
