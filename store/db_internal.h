/*
 * Database connection: SQLite as the store uses it. Internal to this floor.
 *
 * Statements are prepared once for a connection and text, found by the text's address (so: string
 * literals only), bound by position, and reset at once by db_step's last row or db_reset; no read
 * snapshot stays open between calls. Writing transactions begin with BEGIN IMMEDIATE, under a busy
 * handler of our own that tries again every millisecond until the connection's deadline or until it
 * is told to stop: SQLite's own handler is unfair to whoever waits long.
 *
 * Threads: one at a time for each connection; db_interrupt from any. Errors: SQLITE_* is mapped
 * here and nowhere else: BUSY, LOCKED → ERR_BUSY; FULL → ERR_DISK_FULL; READONLY, PERM →
 * ERR_READ_ONLY; CORRUPT, NOTADB → ERR_CORRUPT; CANTOPEN → ERR_CANNOT_CREATE; IOERR with ENOSPC →
 * ERR_DISK_FULL, others → ERR_IO; CONSTRAINT → ERR_EXISTS; INTERRUPT → ERR_CANCELLED; NOMEM →
 * ERR_NO_MEMORY.
 */
#ifndef WEIR_STORE_DB_INTERNAL_H
#define WEIR_STORE_DB_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"

struct db;
struct sqlite3_stmt;

enum db_mode { DB_READ, DB_WRITE };

/*
 * DB_READ opens an existing file and never changes it; DB_WRITE makes it (0600) if missing and sets
 * journal mode WAL (or, on network file systems, DELETE with an own lock), page size, foreign keys,
 * secure settings.
 */
enum err_code db_open(const char *path, enum db_mode mode, struct db **ret_db,
                      struct err *err) NODISCARD;
void db_close(struct db *db); /* NULL is fine */
/* As it was given. Lives as long as the connection. */
const char *db_path(const struct db *db);

/*
 * Waiting for another process's lock ends here; CLOCK_NEVER waits on. The default, also 0: a writer
 * does not wait; a reader, which meets a lock only where another process recovers or closes the
 * database (or writes, on a network file system), waits for up to a second each time.
 */
void db_set_deadline(struct db *db, int64_t deadline_us);
int64_t db_deadline(const struct db *db);
/* Called from the busy handler each time it has waited a millisecond; true makes it give up. */
void db_on_wait(struct db *db, bool (*give_up)(void *ctx), void *ctx);
void db_interrupt(struct db *db);

/* Prepares (or finds) a statement. NULL only when it cannot be prepared: err says why, and all of
 * the calls below take the NULL (db_step gives false, db_result that code). `sql` is a literal. */
struct sqlite3_stmt *db_prepare(struct db *db, const char *sql, struct err *err);
/* Binding, from 1. An unset id and a view with p NULL bind NULL. Text is borrowed until the
 * statement is reset. */
void db_bind_int(struct sqlite3_stmt *stmt, int at, int64_t value);
void db_bind_text(struct sqlite3_stmt *stmt, int at, struct sv text);
void db_bind_id(struct sqlite3_stmt *stmt, int at, const struct ulid *id);
void db_bind_null(struct sqlite3_stmt *stmt, int at);
/* The name of the code; null for ERR_OK. */
void db_bind_error(struct sqlite3_stmt *stmt, int at, enum err_code code);

/* True: a row is there. False: no more rows (err untouched), or a failure (db_result, err set).
 * Resets when it gives false. */
bool db_step(struct db *db, struct sqlite3_stmt *stmt, struct err *err);
/* The code of the last db_step: ERR_OK when it gave a row or was the end of the rows. */
enum err_code db_result(const struct db *db);
void db_reset(struct sqlite3_stmt *stmt);
/* Runs to the end, dropping rows. */
enum err_code db_run(struct db *db, struct sqlite3_stmt *stmt, struct err *err) NODISCARD;
/* Prepares, runs and forgets: for pragmas and schema, several statements allowed. */
enum err_code db_exec(struct db *db, const char *sql, struct err *err) NODISCARD;

int64_t db_column_int(struct sqlite3_stmt *stmt, int column); /* NULL gives 0 */
double db_column_real(struct sqlite3_stmt *stmt, int column);
bool db_column_is_null(struct sqlite3_stmt *stmt, int column);
struct sv db_column_text(struct sqlite3_stmt *stmt, int column);      /* until the next step */
struct ulid db_column_id(struct sqlite3_stmt *stmt, int column);      /* NULL gives the unset id */
char *db_column_dup(struct sqlite3_stmt *stmt, int column) NODISCARD; /* NULL gives NULL */

int64_t db_last_id(struct db *db);
int64_t db_changes(struct db *db);

/* Writing. `full`: the commit is synced to the disk before db_commit returns. */
enum err_code db_begin(struct db *db, bool full, struct err *err) NODISCARD;
enum err_code db_commit(struct db *db, struct err *err) NODISCARD; /* rolled back when it fails */
void db_rollback(struct db *db); /* harmless outside a transaction */
/* Counts the transactions that held the lock for more than DB_LONG_US, from BEGIN to the return of
 * COMMIT or ROLLBACK; each is logged too. The counter outlives the connection. */
#define DB_LONG_US 10000
void db_count_long(struct db *db, atomic_ullong *counter);
/*
 * In the debug flavour a transaction that takes several times DB_LONG_US of its thread's own CPU
 * time is a failed assertion. This gives the running one more, for `bytes` of somebody's text that
 * has to be there whole or not at all; DB_ANY_BYTES: as much as it takes.
 */
#define DB_ANY_BYTES SIZE_MAX
void db_expect_bytes(struct db *db, size_t bytes);

/* Frames in the write-ahead log after the last commit of this connection. */
int64_t db_wal_frames(const struct db *db);
/* `truncate`: waits for nobody, but empties the file where it can. Not inside a transaction. */
enum err_code db_checkpoint(struct db *db, bool truncate, struct err *err) NODISCARD;

#endif
