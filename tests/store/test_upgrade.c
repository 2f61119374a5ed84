/*
 * Upgrades: backup, one transaction for each step, what a failed step leaves. With a table of
 * migrations of its own, so migrate.c is compiled in here and takes the place of the archive's.
 */
#define MIGRATIONS_INC "tests/store/upgrade.inc"
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store/db_struct.h"
#include "store/migrate.c"
#include "tests/store/db_helpers.h"

/* A file as version 1 left it, with rows that the steps meet. */
static struct db *open_first(const char *path, const char *rows)
{
    struct db *db = must_open(path, DB_WRITE);
    must_exec(db, migrations[0].sql);
    must_exec(db, SET_APPLICATION_ID "; PRAGMA user_version=1");
    must_exec(db, rows);
    return db;
}

static void upgrade__backs_up_first(void **state)
{
    char *path = scratch_path(*state, "x.db");
    char *backup = scratch_path(*state, "x.db.bak-v1");
    char *partial = scratch_path(*state, "x.db.bak-v1.partial");
    struct stat info;
    int version = 0;
    struct db *db = open_first(path, "INSERT INTO parent VALUES (1)");
    assert_int_equal(migrate_run(db, path, NULL), ERR_OK);
    assert_int_equal(value_of(db, "PRAGMA user_version"), 3);
    assert_int_equal(value_of(db, "SELECT count(*) FROM parent"), 2);
    assert_int_equal(value_of(db, "PRAGMA foreign_keys"), 1);
    db_close(db);

    assert_int_equal(stat(backup, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_not_equal(access(partial, F_OK), 0);
    db = must_open(backup, DB_READ);
    assert_int_equal(migrate_check(db, &version, NULL), ERR_OK);
    assert_int_equal(version, 1);
    assert_int_equal(value_of(db, "SELECT count(*) FROM parent"), 1);
    db_close(db);
    free(partial);
    free(backup);
    free(path);
}

static void upgrade__that_breaks_a_reference_stops_at_the_last_sound_version(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct err err = {ERR_OK, ""};
    struct db *db = open_first(path, "INSERT INTO parent VALUES (7)");
    assert_int_equal(migrate_run(db, path, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.text, "cannot upgrade to schema 3 (third)"));
    assert_int_equal(value_of(db, "PRAGMA user_version"), 2);
    assert_int_equal(value_of(db, "SELECT count(*) FROM child"), 0);
    assert_int_equal(value_of(db, "PRAGMA foreign_keys"), 1);
    /* And goes on from there once the cause is gone. */
    must_exec(db, "DELETE FROM parent WHERE id = 7");
    assert_int_equal(migrate_run(db, path, &err), ERR_OK);
    assert_int_equal(value_of(db, "PRAGMA user_version"), 3);
    db_close(db);
    free(path);
}

static void upgrade__without_a_backup_does_not_begin(void **state)
{
    char *path = scratch_path(*state, "x.db");
    char *partial = scratch_path(*state, "x.db.bak-v1.partial");
    struct err err = {ERR_OK, ""};
    struct db *db = open_first(path, "INSERT INTO parent VALUES (1)");
    assert_int_equal(mkdir(partial, 0700), 0);
    assert_int_not_equal(migrate_run(db, path, &err), ERR_OK);
    assert_non_null(strstr(err.text, "cannot back up before the upgrade"));
    assert_int_equal(value_of(db, "PRAGMA user_version"), 1);
    db_close(db);
    free(partial);
    free(path);
}

/* Statements that are left to live for, in the child. */
static int kill_at(unsigned what, void *left, void *stmt, void *sql)
{
    (void)what;
    (void)stmt;
    (void)sql;
    int *count = (int *)left;
    if (--*count == 0) {
        (void)raise(SIGKILL);
    }
    return 0;
}

/* Upgrades in a process that dies at the nth statement. True: it died before the end. */
static bool upgrade_killed_at(const char *path, int nth)
{
    pid_t child = fork();
    if (child == 0) {
        struct db *db = must_open(path, DB_WRITE);
        (void)sqlite3_trace_v2(db->handle, SQLITE_TRACE_STMT, kill_at, &nth);
        _exit(migrate_run(db, path, NULL) == ERR_OK ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return WIFSIGNALED(status);
}

static void upgrade__that_is_killed_at_any_statement_leaves_one_version_or_the_next(void **state)
{
    char *path = scratch_path(*state, "x.db");
    bool killed = true;
    int nth = 1;
    for (; killed; nth++) {
        static const char *const suffixes[] = {"", "-wal", "-shm", ".bak-v1", ".bak-v1.partial"};
        for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
            char *old = xasprintf("%s%s", path, suffixes[i]);
            (void)unlink(old);
            free(old);
        }
        db_close(open_first(path, "INSERT INTO parent VALUES (1)"));
        killed = upgrade_killed_at(path, nth);

        struct db *db = must_open(path, DB_WRITE);
        assert_text_of(db, "PRAGMA integrity_check", "ok");
        int64_t version = value_of(db, "PRAGMA user_version");
        assert_in_range(version, 1, 3);
        assert_int_equal(value_of(db, "SELECT count(*) FROM parent"), version > 1 ? 2 : 1);
        assert_int_equal(migrate_run(db, path, NULL), ERR_OK);
        assert_int_equal(value_of(db, "PRAGMA user_version"), 3);
        assert_int_equal(value_of(db, "SELECT count(*) FROM parent"), 2);
        db_close(db);
    }
    assert_true(nth > 8);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(upgrade__backs_up_first),
        SCRATCH_TEST(upgrade__that_breaks_a_reference_stops_at_the_last_sound_version),
        SCRATCH_TEST(upgrade__without_a_backup_does_not_begin),
        SCRATCH_TEST(upgrade__that_is_killed_at_any_statement_leaves_one_version_or_the_next),
    };
    return cmocka_run_group_tests_name("upgrade", tests, NULL, NULL);
}
