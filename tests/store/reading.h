/*
 * A database whose rows a test puts there itself, and a store opened on it for reading.
 */
#ifndef WEIR_TESTS_STORE_READING_H
#define WEIR_TESTS_STORE_READING_H

#include <sqlite3.h>
#include <string.h>

#include "pubsub/broker.h"
#include "store/db_struct.h"
#include "store/store.h"
#include "tests/store/rows.h"

struct reading {
    char *path;
    struct db *db; /* puts the rows */
    struct broker *broker;
    struct store *store;
};

static UNUSED struct reading reading_open(const struct scratch *scratch)
{
    struct reading reading = {.path = scratch_path(scratch, "x.db")};
    struct err err = {ERR_OK, ""};
    reading.db = must_migrate(reading.path);
    reading.broker = broker_new(NULL);
    struct store_options options = {.path = reading.path, .broker = reading.broker};
    if (store_open(&options, &reading.store, &err) != ERR_OK) {
        fail_msg("%s", err.text);
    }
    return reading;
}

static UNUSED void reading_close(struct reading *reading)
{
    store_free(reading->store);
    broker_free(reading->broker);
    db_close(reading->db);
    free(reading->path);
}

/*
 * Looks at the plan of every statement that the store's read connection has prepared so far: none
 * may read a whole table without an index to follow, none may sort. Gives how many it looked at.
 */
static UNUSED int assert_plans_are_indexed(struct store *store)
{
    struct db *db = NULL;
    int count = 0;
    assert_int_equal(reader_take(store, &db, NULL), ERR_OK);
    assert_non_null(db);
    for (sqlite3_stmt *stmt = sqlite3_next_stmt(db->handle, NULL); stmt != NULL;
         stmt = sqlite3_next_stmt(db->handle, stmt)) {
        char *explain = xasprintf("EXPLAIN QUERY PLAN %s", sqlite3_sql(stmt));
        sqlite3_stmt *plan = NULL;
        assert_int_equal(sqlite3_prepare_v2(db->handle, explain, -1, &plan, NULL), SQLITE_OK);
        while (sqlite3_step(plan) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(plan, 3);
            bool scan = strncmp(detail, "SCAN", 4) == 0 && strstr(detail, "USING") == NULL &&
                        strstr(detail, "CONSTANT ROW") == NULL;
            if (scan || strstr(detail, "TEMP B-TREE") != NULL) {
                fail_msg("%s: %s", sqlite3_sql(stmt), detail);
            }
        }
        (void)sqlite3_finalize(plan);
        free(explain);
        count++;
    }
    reader_give(store, db);
    return count;
}

#endif
