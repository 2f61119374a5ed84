/*
 * What a connection is made of: for db.c and db_open.c, and for those that need SQLite's own
 * handle: the doctor, which copies and salvages pages and rows, and tests.
 *
 * Threads: as store/db_internal.h says; only `interrupts` and `long_transactions` are touched by
 * others.
 */
#ifndef WEIR_STORE_DB_STRUCT_H
#define WEIR_STORE_DB_STRUCT_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/db_internal.h"

struct cached {
    const char *sql; /* NULL: free slot */
    sqlite3_stmt *stmt;
};

struct db {
    sqlite3 *handle;
    char *path;
    /* Open addressing by the text's address; cap is 0 or a power of two. */
    struct cached *cache;
    size_t cache_cap;
    size_t cache_count;

    enum err_code result;
    bool writing; /* between db_begin and its end */
    int64_t writing_since;
    int64_t cpu_since;                /* of the thread */
    size_t expected_bytes;            /* db_expect_bytes */
    atomic_ullong *long_transactions; /* NULL: not counted */
    bool full;                        /* synchronous is FULL, else NORMAL */
    bool rollback_journal;            /* on a network file system */
    int owner_fd;                     /* lock of the one process that may write there, or -1 */
    int64_t wal_frames;

    bool reads;       /* opened for reading */
    int64_t deadline; /* 0: the default */
    int64_t wait_began;
    bool (*give_up)(void *ctx);
    void *give_up_ctx;
    atomic_uint interrupts; /* how often db_interrupt was called */
    unsigned interrupts_before;
    bool gave_up_interrupted;
};

/* The one place where codes of SQLite become ours: "cannot VERB 'PATH': …". Keeps the code for
 * db_result, and gives it. */
enum err_code db__fail(struct db *db, int sqlite, const char *verb, struct err *err);
/* SQLite's busy handler, `ctx` is the connection: tries again each millisecond until the deadline,
 * an interruption, or until `give_up` says so. */
int db__busy(void *ctx, int tries);
/* SQLite's hook for the log: notes how long that has become. */
int db__on_commit(void *ctx, sqlite3 *handle, const char *schema, int frames);
void db__sleep_1ms(void);

#endif
