#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/db_internal.h"
#include "tests/store/scratch.h"

#include <cmocka.h>

static struct db *must_open(const char *path, enum db_mode mode)
{
    struct db *db = NULL;
    struct err err = {ERR_OK, ""};
    enum err_code code = db_open(path, mode, &db, &err);
    if (code != ERR_OK) {
        fail_msg("%s", err.text);
    }
    return db;
}

static void must_exec(struct db *db, const char *sql)
{
    struct err err = {ERR_OK, ""};
    if (db_exec(db, sql, &err) != ERR_OK) {
        fail_msg("%s", err.text);
    }
}

static int64_t value_of(struct db *db, const char *sql)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sql, NULL);
    assert_true(db_step(db, stmt, NULL));
    int64_t value = db_column_int(stmt, 0);
    db_reset(stmt);
    return value;
}

static void open__makes_a_private_file_whatever_the_umask(void **state)
{
    struct scratch *scratch = *state;
    char *path = scratch_path(scratch, "x.db");
    mode_t umask_before = umask(0);
    struct db *db = must_open(path, DB_WRITE);
    must_exec(db, "CREATE TABLE t(a)");
    umask(umask_before);
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        char *file = xasprintf("%s%s", path, suffixes[i]);
        struct stat info;
        assert_int_equal(stat(file, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
        free(file);
    }
    db_close(db);
    free(path);
}

static void open__sets_the_modes_that_the_promises_rest_on(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct db *db = must_open(path, DB_WRITE);
    must_exec(db, "CREATE TABLE t(a)");
    assert_int_equal(value_of(db, "PRAGMA page_size"), 2048);
    assert_int_equal(value_of(db, "PRAGMA synchronous"), 1);
    assert_int_equal(value_of(db, "PRAGMA foreign_keys"), 1);
    assert_int_equal(value_of(db, "PRAGMA trusted_schema"), 0);
    assert_int_equal(value_of(db, "PRAGMA cell_size_check"), 1);
    assert_int_equal(value_of(db, "PRAGMA mmap_size"), 0);
    assert_int_equal(value_of(db, "PRAGMA temp_store"), 2);
    assert_int_equal(value_of(db, "PRAGMA wal_autocheckpoint"), 0);
    assert_int_equal(value_of(db, "PRAGMA journal_size_limit"), 64 << 20);
    struct sqlite3_stmt *stmt = db_prepare(db, "PRAGMA journal_mode", NULL);
    assert_true(db_step(db, stmt, NULL));
    assert_true(sv_equal(db_column_text(stmt, 0), SV("wal")));
    db_reset(stmt);
    db_close(db);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(open__makes_a_private_file_whatever_the_umask),
        SCRATCH_TEST(open__sets_the_modes_that_the_promises_rest_on),
    };
    return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
