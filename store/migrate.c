/*
 * Migrations: numbered SQL files, put into the program at build time, run in order.
 *
 * The number of the last one that ran is in user_version; application_id tells our files from
 * anybody else's. Both are written in the transaction of the step, so a crash leaves the file at
 * one version or at the next.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/db_internal.h"
#include "store/store_internal.h"

/* Tests of upgrades bring a table of their own. */
#ifndef MIGRATIONS_INC
#define MIGRATIONS_INC "store/migrations.inc"
#endif
#include MIGRATIONS_INC

/* "WEIR" */
#define APPLICATION_ID 0x57454952
#define SET_APPLICATION_ID "PRAGMA application_id=0x57454952"

/* What is still locked after this is held by something that does not let go. */
#define BEGIN_WAIT_US CLOCK_S(5)

int migrate_version(void)
{
    return migrations[COUNT_OF(migrations) - 1].version;
}

static enum err_code read_int(struct db *db, const char *sql, int64_t *ret_value, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    *ret_value = db_column_int(stmt, 0);
    db_reset(stmt);
    return ERR_OK;
}

/* The schema first: another process may make it between these reads, and what is read later is then
 * there. */
enum err_code migrate_check(struct db *db, int *ret_version, struct err *err)
{
    int64_t application = 0;
    int64_t version = 0;
    int64_t schema = 0; /* 0: no table was ever made */
    enum err_code code = read_int(db, "PRAGMA schema_version", &schema, err);
    if (code == ERR_OK && schema != 0) {
        code = read_int(db, "PRAGMA user_version", &version, err);
    }
    if (code == ERR_OK) {
        code = read_int(db, "PRAGMA application_id", &application, err);
    }
    if (code != ERR_OK) {
        return code;
    }
    bool ours = application == APPLICATION_ID || (application == 0 && schema == 0);
    if (!ours) {
        return err_set(err, ERR_CORRUPT, "'%s' is not a weir database", db_path(db));
    }
    if (schema != 0 && version < 1) {
        return err_set(err, ERR_CORRUPT, "cannot open '%s': database is damaged", db_path(db));
    }
    if (version > migrate_version()) {
        return err_set(err, ERR_NEWER,
                       "cannot open '%s': written by a newer version (schema %lld, this one knows "
                       "%d)",
                       db_path(db), (long long)version, migrate_version());
    }
    *ret_version = (int)version;
    return ERR_OK;
}

/* Backup */

static enum err_code sync_path(const char *path, struct err *err)
{
    int fd = -1;
    enum err_code code = file_open(path, O_RDONLY, &fd, err);
    if (code != ERR_OK) {
        return code;
    }
    if (fsync(fd) != 0) {
        code = err_set_errno(err, errno, "cannot write '%s'", path);
    }
    (void)close(fd);
    return code;
}

/* An empty file is taken by VACUUM INTO, which would leave the mode of its own to the umask. */
static enum err_code vacuum_into(struct db *db, const char *path, struct err *err)
{
    int fd = -1;
    enum err_code code = file_open(path, O_RDWR | O_CREAT | O_TRUNC, &fd, err);
    if (code != ERR_OK) {
        return code;
    }
    (void)close(fd);
    struct sqlite3_stmt *stmt = db_prepare(db, "VACUUM INTO ?1", err);
    db_bind_text(stmt, 1, sv_from(path));
    code = db_run(db, stmt, err);
    /* SQLite does not sync what it writes there. */
    return code == ERR_OK ? sync_path(path, err) : code;
}

/* Under a name of its own until it is whole: what is called a backup is one. */
static enum err_code back_up(struct db *db, const char *path, int version, struct err *err)
{
    char *backup = xasprintf("%s.bak-v%d", path, version);
    char *partial = xasprintf("%s.partial", backup);
    enum err_code code = vacuum_into(db, partial, err);
    if (code == ERR_OK && rename(partial, backup) != 0) {
        code = err_set_errno(err, errno, "cannot write '%s'", backup);
    }
    if (code != ERR_OK) {
        (void)unlink(partial);
        (void)err_prefix(err, "cannot back up before the upgrade");
    }
    free(partial);
    free(backup);
    return code;
}

/* Steps */

/* With foreign keys off during a step (tables are rebuilt), what it leaves is looked at. */
static enum err_code check_references(struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, "PRAGMA foreign_key_check", err);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    db_reset(stmt);
    return err_set(err, ERR_CORRUPT, "a row refers to one that is not there");
}

static enum err_code run_sql(struct db *db, size_t step, struct err *err)
{
    char pragma[64];
    (void)snprintf(pragma, sizeof(pragma), "PRAGMA user_version=%d", migrations[step].version);
    enum err_code code = db_exec(db, migrations[step].sql, err);
    if (code == ERR_OK) {
        code = check_references(db, err);
    }
    if (code == ERR_OK) {
        code = db_exec(db, SET_APPLICATION_ID, err);
    }
    return code == ERR_OK ? db_exec(db, pragma, err) : code;
}

/* Looks at the version again inside the transaction: another process may have come first. */
static enum err_code run_step(struct db *db, size_t step, struct err *err)
{
    int version = 0;
    enum err_code code = db_begin(db, true, err);
    if (code != ERR_OK) {
        return code;
    }
    db_expect_bytes(db, DB_ANY_BYTES);
    code = migrate_check(db, &version, err);
    if (code == ERR_OK && version < migrations[step].version) {
        code = run_sql(db, step, err);
    }
    if (code == ERR_OK) {
        return db_commit(db, err);
    }
    db_rollback(db);
    return code;
}

static enum err_code run_all(struct db *db, const char *path, int version, struct err *err)
{
    enum err_code code = version > 0 ? back_up(db, path, version, err) : ERR_OK;
    if (code == ERR_OK) {
        code = db_exec(db, "PRAGMA foreign_keys=OFF", err);
    }
    for (size_t i = 0; code == ERR_OK && i < COUNT_OF(migrations); i++) {
        if (migrations[i].version <= version) {
            continue;
        }
        code = run_step(db, i, err);
        if (code != ERR_OK) {
            (void)err_prefix(err, "cannot upgrade to schema %d (%s)", migrations[i].version,
                             migrations[i].name);
        }
    }
    enum err_code on = db_exec(db, "PRAGMA foreign_keys=ON", code == ERR_OK ? err : NULL);
    return code == ERR_OK ? on : code;
}

enum err_code migrate_run(struct db *db, const char *path, struct err *err)
{
    int version = 0;
    int64_t deadline = db_deadline(db);
    db_set_deadline(db, clock_mono_us() + BEGIN_WAIT_US);
    enum err_code code = migrate_check(db, &version, err);
    if (code == ERR_OK && version < migrate_version()) {
        code = run_all(db, path, version, err);
    }
    db_set_deadline(db, deadline);
    return code;
}

/* How long to wait for the lock before looking whether another process has done the work: it keeps
 * its shared lock for life, so the lock alone would never come. */
#define LOOK_AGAIN_US CLOCK_MS(20)

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

enum err_code migrate_with_lock(struct db *db, int lock_fd, int64_t deadline_us, struct err *err)
{
    struct err busy = {ERR_OK, ""};
    do {
        int version = 0;
        enum err_code code = migrate_check(db, &version, err);
        if (code != ERR_OK || version == migrate_version()) {
            return code;
        }
        int64_t look_again = clock_mono_us() + LOOK_AGAIN_US;
        code = migration_lock_upgrade(lock_fd, earlier(deadline_us, look_again), &busy);
        if (code == ERR_OK) {
            code = migrate_run(db, db_path(db), err);
            migration_lock_downgrade(lock_fd);
            return code;
        }
        if (code != ERR_BUSY) {
            break;
        }
    } while (clock_mono_us() < deadline_us);
    return err_set(err, busy.code, "%s", busy.text);
}
