/*
 * Database connection: statements, errors, transactions. Opening is in db_open.c.
 */
#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sv.h"
#include "store/db_struct.h"

/* The debug flavour sets it: other flavours either check nothing or slow down what is measured. */
#ifndef ASSERT_LOCK_BUDGET
#define ASSERT_LOCK_BUDGET 0
#endif

/* Errors */

struct mapping {
    int sqlite;
    enum err_code code;
    const char *text;
};

static const struct mapping mappings[] = {
    {SQLITE_BUSY, ERR_BUSY, "locked by another process"},
    {SQLITE_LOCKED, ERR_BUSY, "locked"},
    {SQLITE_PROTOCOL, ERR_BUSY, "locked by another process"},
    {SQLITE_FULL, ERR_DISK_FULL, "disk is full"},
    {SQLITE_READONLY, ERR_READ_ONLY, "read-only"},
    {SQLITE_PERM, ERR_READ_ONLY, "no permission"},
    {SQLITE_CORRUPT, ERR_CORRUPT, "database is damaged"},
    {SQLITE_NOTADB, ERR_CORRUPT, "not a database, or damaged"},
    {SQLITE_CANTOPEN, ERR_CANNOT_CREATE, "cannot be opened"},
    {SQLITE_IOERR, ERR_IO, "input or output failed"},
    /* Our own SQL is sound: what it does not find (a table, a format) is missing in the file. */
    {SQLITE_ERROR, ERR_CORRUPT, NULL},
    {SQLITE_CONSTRAINT, ERR_EXISTS, "exists already"},
    {SQLITE_INTERRUPT, ERR_CANCELLED, "cancelled"},
    {SQLITE_NOMEM, ERR_NO_MEMORY, "out of memory"},
    {SQLITE_TOOBIG, ERR_TOO_BIG, "too large"},
};

/* An I/O error for want of room (quota, file size limit) is a full disk to whoever reads of it. */
static bool io_is_full(int errnum)
{
    return errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG;
}

static struct mapping map_code(struct db *db, int sqlite, int errnum)
{
    struct mapping mapping = {sqlite, ERR_INTERNAL, NULL};
    for (size_t i = 0; i < COUNT_OF(mappings); i++) {
        if (mappings[i].sqlite == (sqlite & 0xff)) {
            mapping = mappings[i];
        }
    }
    if (mapping.code == ERR_IO && io_is_full(errnum)) {
        mapping.code = ERR_DISK_FULL;
        mapping.text = "disk is full";
    }
    if (mapping.code == ERR_BUSY && db->gave_up_interrupted) {
        mapping.code = ERR_CANCELLED;
        mapping.text = "cancelled";
    }
    return mapping;
}

enum err_code db__fail(struct db *db, int sqlite, const char *verb, struct err *err)
{
    /* SQLite forgets the number on some ways out of a write; then errno still has it. */
    int errnum = errno;
    errnum = sqlite3_system_errno(db->handle) != 0 ? sqlite3_system_errno(db->handle) : errnum;
    struct mapping mapping = map_code(db, sqlite, errnum);
    const char *detail = sqlite3_errmsg(db->handle);
    db->gave_up_interrupted = false;
    db->result = mapping.code;
    if (mapping.code == ERR_IO && errnum != 0) {
        /* The code stays the one of this table; errno only makes the text better. */
        (void)err_set_errno(err, errnum, "cannot %s '%s'", verb, db->path);
        if (err != NULL) {
            err->code = mapping.code;
        }
        return mapping.code;
    }
    if (mapping.code == ERR_EXISTS) {
        return err_set(err, mapping.code, "cannot %s '%s': %s", verb, db->path, detail);
    }
    return err_set(err, mapping.code, "cannot %s '%s': %s", verb, db->path,
                   mapping.text != NULL ? mapping.text : detail);
}

/* Waiting */

const char *db_path(const struct db *db)
{
    return db->path;
}

int64_t db_deadline(const struct db *db)
{
    return db->deadline;
}

void db_set_deadline(struct db *db, int64_t deadline_us)
{
    db->deadline = deadline_us;
}

void db_on_wait(struct db *db, bool (*give_up)(void *ctx), void *ctx)
{
    db->give_up = give_up;
    db->give_up_ctx = ctx;
}

void db_interrupt(struct db *db)
{
    atomic_fetch_add(&db->interrupts, 1);
    sqlite3_interrupt(db->handle);
}

void db__sleep_1ms(void)
{
    struct timespec ms = {.tv_nsec = 1000000};
    (void)nanosleep(&ms, NULL);
}

/* How long a reader that was told nothing else waits for a lock. */
#define READ_PATIENCE_US CLOCK_S(1)

static bool has_waited_enough(const struct db *db)
{
    if (db->deadline == CLOCK_NEVER) {
        return false;
    }
    bool patient = db->reads && db->deadline == 0;
    return clock_mono_us() >= (patient ? db->wait_began + READ_PATIENCE_US : db->deadline);
}

int db__busy(void *ctx, int tries)
{
    struct db *db = ctx;
    unsigned interrupts = atomic_load(&db->interrupts);
    if (tries == 0) {
        db->interrupts_before = interrupts;
        db->wait_began = clock_mono_us();
    }
    if (interrupts != db->interrupts_before) {
        db->gave_up_interrupted = true;
        return 0;
    }
    if (has_waited_enough(db)) {
        return 0;
    }
    db__sleep_1ms();
    return db->give_up == NULL || !db->give_up(db->give_up_ctx);
}

/* Statements */

static struct cached *find_slot(struct cached *slots, size_t cap, const char *sql)
{
    size_t at = ((uintptr_t)sql >> 3) * 0x9E3779B1u & (cap - 1);
    while (slots[at].sql != NULL && slots[at].sql != sql) {
        at = (at + 1) & (cap - 1);
    }
    return &slots[at];
}

static void grow_cache(struct db *db)
{
    size_t cap = db->cache_cap == 0 ? 32 : db->cache_cap * 2;
    struct cached *slots = xcalloc(cap, sizeof(*slots));
    for (size_t i = 0; i < db->cache_cap; i++) {
        if (db->cache[i].sql != NULL) {
            *find_slot(slots, cap, db->cache[i].sql) = db->cache[i];
        }
    }
    free(db->cache);
    db->cache = slots;
    db->cache_cap = cap;
}

struct sqlite3_stmt *db_prepare(struct db *db, const char *sql, struct err *err)
{
    if (2 * (db->cache_count + 1) > db->cache_cap) {
        grow_cache(db);
    }
    struct cached *slot = find_slot(db->cache, db->cache_cap, sql);
    if (slot->sql != NULL) {
        return slot->stmt;
    }
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (rc != SQLITE_OK) {
        (void)db__fail(db, rc, "read", err);
        return NULL;
    }
    *slot = (struct cached){sql, stmt};
    db->cache_count++;
    return stmt;
}

void db_bind_int(struct sqlite3_stmt *stmt, int at, int64_t value)
{
    (void)sqlite3_bind_int64(stmt, at, value);
}

void db_bind_text(struct sqlite3_stmt *stmt, int at, struct sv text)
{
    (void)sqlite3_bind_text64(stmt, at, text.p, text.n, SQLITE_STATIC, SQLITE_UTF8);
}

void db_bind_id(struct sqlite3_stmt *stmt, int at, const struct ulid *id)
{
    if (ulid_is_set(id)) {
        (void)sqlite3_bind_text(stmt, at, id->text, ULID_LENGTH, SQLITE_STATIC);
    } else {
        (void)sqlite3_bind_null(stmt, at);
    }
}

void db_bind_null(struct sqlite3_stmt *stmt, int at)
{
    (void)sqlite3_bind_null(stmt, at);
}

void db_bind_error(struct sqlite3_stmt *stmt, int at, enum err_code code)
{
    db_bind_text(stmt, at, code == ERR_OK ? (struct sv){NULL, 0} : sv_from(err_name(code)));
}

bool db_step(struct db *db, struct sqlite3_stmt *stmt, struct err *err)
{
    if (stmt == NULL) {
        assert(db->result != ERR_OK); /* db_prepare has said why */
        return false;
    }
    errno = 0;
    int rc = sqlite3_step(stmt);
    db->result = ERR_OK;
    if (rc == SQLITE_ROW) {
        return true;
    }
    if (rc != SQLITE_DONE) {
        bool reads = sqlite3_stmt_readonly(stmt) && !db->writing;
        (void)db__fail(db, rc, reads ? "read" : "write", err);
    }
    db_reset(stmt);
    return false;
}

enum err_code db_result(const struct db *db)
{
    return db->result;
}

void db_reset(struct sqlite3_stmt *stmt)
{
    (void)sqlite3_reset(stmt);
    /* What was bound is borrowed until now: no pointer to it may stay. */
    if (stmt != NULL) {
        (void)sqlite3_clear_bindings(stmt);
    }
}

enum err_code db_run(struct db *db, struct sqlite3_stmt *stmt, struct err *err)
{
    while (db_step(db, stmt, err)) {
    }
    return db_result(db);
}

enum err_code db_exec(struct db *db, const char *sql, struct err *err)
{
    errno = 0;
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        return db__fail(db, rc, "write", err);
    }
    return ERR_OK;
}

/* Columns */

int64_t db_column_int(struct sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_int64(stmt, column);
}

double db_column_real(struct sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_double(stmt, column);
}

bool db_column_is_null(struct sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL;
}

struct sv db_column_text(struct sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return sv_of(text, text != NULL ? (size_t)sqlite3_column_bytes(stmt, column) : 0);
}

struct ulid db_column_id(struct sqlite3_stmt *stmt, int column)
{
    struct ulid id = {""};
    (void)ulid_parse(db_column_text(stmt, column), &id);
    return id;
}

char *db_column_dup(struct sqlite3_stmt *stmt, int column)
{
    struct sv text = db_column_text(stmt, column);
    return text.p != NULL ? xstrndup(text.p, text.n) : NULL;
}

int64_t db_last_id(struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

int64_t db_changes(struct db *db)
{
    return sqlite3_changes64(db->handle);
}

/* Transactions */

void db_count_long(struct db *db, atomic_ullong *counter)
{
    db->long_transactions = counter;
}

static int64_t thread_cpu_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* CPU time, and five times the budget: an assertion is to say something about this program, not
 * about the machine that it shares. A MiB of text takes about 3 ms. */
#define CPU_FACTOR 5
#define CPU_US_PER_MIB 5000

static bool is_within_budget(const struct db *db)
{
    int64_t more = (int64_t)(db->expected_bytes >> 20) * CPU_US_PER_MIB;
    return db->expected_bytes == DB_ANY_BYTES ||
           thread_cpu_us() - db->cpu_since <= (DB_LONG_US + more) * CPU_FACTOR;
}

void db_expect_bytes(struct db *db, size_t bytes)
{
    db->expected_bytes =
        bytes > DB_ANY_BYTES - db->expected_bytes ? DB_ANY_BYTES : db->expected_bytes + bytes;
}

/* Other processes wait for as long as this one writes: what keeps them for long has to show. */
static void end_writing(struct db *db)
{
    int64_t held = db->writing ? clock_mono_us() - db->writing_since : 0;
    bool over = ASSERT_LOCK_BUDGET && db->writing && !is_within_budget(db);
    db->writing = false;
    if (held <= DB_LONG_US) {
        return;
    }
    if (db->long_transactions != NULL) {
        atomic_fetch_add(db->long_transactions, 1);
    }
    log_write(LOG_WARN, "a transaction held the database for %.1f ms", (double)held / 1000);
    assert(!over);
    (void)over;
}

enum err_code db_begin(struct db *db, bool full, struct err *err)
{
    /* NORMAL does not sync a rollback journal's end well enough: there every commit is FULL. */
    full = full || db->rollback_journal;
    if (full != db->full) {
        enum err_code set =
            db_exec(db, full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", err);
        if (set != ERR_OK) {
            return set;
        }
        db->full = full;
    }
    enum err_code code = db_run(db, db_prepare(db, "BEGIN IMMEDIATE", err), err);
    db->writing = code == ERR_OK;
    db->writing_since = clock_mono_us();
    db->cpu_since = ASSERT_LOCK_BUDGET ? thread_cpu_us() : 0;
    db->expected_bytes = 0;
    return code;
}

enum err_code db_commit(struct db *db, struct err *err)
{
    enum err_code code = db_run(db, db_prepare(db, "COMMIT", err), err);
    if (code != ERR_OK) {
        db_rollback(db);
    }
    end_writing(db);
    return code;
}

void db_rollback(struct db *db)
{
    if (!sqlite3_get_autocommit(db->handle)) {
        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    }
    end_writing(db);
}

int db__on_commit(void *ctx, sqlite3 *handle, const char *schema, int frames)
{
    (void)handle;
    (void)schema;
    struct db *db = ctx;
    db->wal_frames = frames;
    return SQLITE_OK;
}

int64_t db_wal_frames(const struct db *db)
{
    return db->wal_frames;
}

enum err_code db_checkpoint(struct db *db, bool truncate, struct err *err)
{
    int64_t deadline = db->deadline;
    int frames = -1;
    db->deadline = 0;
    int rc = sqlite3_wal_checkpoint_v2(
        db->handle, "main", truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
        &frames, NULL);
    db->deadline = deadline;
    if (frames >= 0) {
        db->wal_frames = frames;
    }
    /* Busy: a reader or another checkpoint is in the way. What could be done has been done. */
    if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY) {
        return ERR_OK;
    }
    return db__fail(db, rc, "write", err);
}
