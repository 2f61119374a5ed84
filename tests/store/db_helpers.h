/*
 * Short forms for tests that work on a database: what fails ends the test with its text.
 */
#ifndef WEIR_TESTS_STORE_DB_HELPERS_H
#define WEIR_TESTS_STORE_DB_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/file.h"
#include "store/db_internal.h"
#include "store/store_internal.h"
#include "tests/store/scratch.h"

#include <cmocka.h>

static UNUSED struct db *must_open(const char *path, enum db_mode mode)
{
    struct db *db = NULL;
    struct err err = {ERR_OK, ""};
    if (db_open(path, mode, &db, &err) != ERR_OK) {
        fail_msg("%s", err.text);
    }
    return db;
}

/* Opened for writing, with the schema of today. */
static UNUSED struct db *must_migrate(const char *path)
{
    struct db *db = must_open(path, DB_WRITE);
    struct err err = {ERR_OK, ""};
    if (migrate_run(db, path, &err) != ERR_OK) {
        fail_msg("%s", err.text);
    }
    return db;
}

static UNUSED void must_exec(struct db *db, const char *sql)
{
    struct err err = {ERR_OK, ""};
    if (db_exec(db, sql, &err) != ERR_OK) {
        fail_msg("%s: %s", sql, err.text);
    }
}

static UNUSED int64_t value_of(struct db *db, const char *sql)
{
    struct err err = {ERR_OK, ""};
    struct sqlite3_stmt *stmt = db_prepare(db, sql, &err);
    if (!db_step(db, stmt, &err)) {
        fail_msg("%s: %s", sql, err.text);
    }
    int64_t value = db_column_int(stmt, 0);
    db_reset(stmt);
    return value;
}

static UNUSED void assert_text_of(struct db *db, const char *sql, const char *expected)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sql, NULL);
    assert_true(db_step(db, stmt, NULL));
    char *text = db_column_dup(stmt, 0);
    db_reset(stmt);
    assert_string_equal(text, expected);
    free(text);
}

static UNUSED struct buf content_of(const char *path)
{
    struct buf content = BUF_INIT(BUF_MAX_INTERNAL);
    assert_int_equal(file_read(path, &content, NULL), ERR_OK);
    return content;
}

static UNUSED void put_content(const char *path, struct sv content)
{
    assert_int_equal(file_write_atomic(path, content, NULL), ERR_OK);
}

#endif
