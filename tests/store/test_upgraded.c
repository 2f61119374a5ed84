/* A database of the first version, as this version brings it up to date: nothing is lost, and what
 * is new is filled from what was there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/history.h"
#include "store/store.h"
#include "tests/store/db_helpers.h"

/* As the build makes it. */
#include "store/migrations.inc"

#include <cmocka.h>

#define SESSION "01ARZ3NDEKTSV4RRFFQ69G5FAV"

static const char rows_sql[] =
    "BEGIN; INSERT INTO session (id, uid, handle, title, branch, created_at, last_active_at)"
    " VALUES (1, '" SESSION "', '5fav', 'old', 1, 1000, 2000);"
    "INSERT INTO branch (id, session, created_at) VALUES (1, 1, 1000);"
    "INSERT INTO turn (id, uid, branch, state, created_at, ended_at)"
    " VALUES (1, '01ARZ3NDEKTSV4RRFFQ69G5FAW', 1, 'completed', 1000, 2000);"
    "INSERT INTO message (id, uid, branch, seq, turn, role, model, reason, folded, created_at,"
    " ended_at) VALUES (1, '01ARZ3NDEKTSV4RRFFQ69G5FAX', 1, 1, 1, 'user', NULL, 'end_turn', 1,"
    " 1000, 1000), (2, '01ARZ3NDEKTSV4RRFFQ69G5FAY', 1, 2, 1, 'assistant', 'p/m', 'end_turn', 1,"
    " 1000, 2000);"
    "INSERT INTO part (message, position, kind, began_at, ended_at, text) VALUES (1, 0, 'text', 1,"
    " 1, 'question'), (2, 0, 'text', 1, 1, 'answer');"
    "INSERT INTO usage VALUES (2, 10, 20, NULL, NULL, NULL, 30);"
    "COMMIT";

static void write_first_version(const char *path)
{
    struct db *db = must_open(path, DB_WRITE);
    must_exec(db, migrations[0].sql);
    must_exec(db, "PRAGMA application_id=0x57454952; PRAGMA user_version=1");
    must_exec(db, rows_sql);
    db_close(db);
}

static void what_the_first_version_wrote__is_all_there(void **state)
{
    char *path = scratch_path(*state, "weir.db");
    struct store_options options = {.path = path, .read_only = true, .broker = broker_new(NULL)};
    struct store *store = NULL;
    struct history_page page;
    struct ulid session;
    write_first_version(path);
    /* Also for a command that only reads. */
    assert_int_equal(store_open(&options, &store, NULL), ERR_OK);
    assert_true(ulid_parse(SV(SESSION), &session));
    assert_int_equal(history_before(store, &session, INT64_MAX, 10, &page, NULL), ERR_OK);
    assert_int_equal(page.count, 2);
    assert_string_equal(page.messages[1]->parts[0].text, "answer");
    assert_int_equal(page.messages[1]->usage.cost_micros, 30);
    history_page_release(&page);
    store_free(store);
    broker_free(options.broker);

    struct db *db = must_open(path, DB_READ);
    assert_int_equal(value_of(db, "SELECT message_count * 1000000 + input_tokens * 10000 +"
                                  " output_tokens * 100 + cost_micros FROM session"),
                     2102030);
    assert_int_equal(value_of(db, "SELECT model = 'p/m' AND state = 'completed' AND title_by ="
                                  " 'prompt' FROM session"),
                     1);
    assert_int_equal(value_of(db, "SELECT length(uid) FROM branch"), 26);
    assert_int_equal(value_of(db, "SELECT at = 2000 AND model = 'p/m' AND session = 1 FROM usage"),
                     1);
    db_close(db);
    char *backup = scratch_path(*state, "weir.db.bak-v1");
    assert_int_equal(access(backup, F_OK), 0);
    free(backup);
    free(path);
}

static void an_older_file_that_cannot_be_written__is_refused_with_a_reason(void **state)
{
    char *path = scratch_path(*state, "weir.db");
    struct store_options options = {.path = path, .read_only = true, .broker = broker_new(NULL)};
    struct store *store = NULL;
    struct err err;
    write_first_version(path);
    struct scratch *scratch = *state;
    char *run = xasprintf("%s/weir.db.bak-v1.partial", scratch->folder);
    assert_int_equal(mkdir(run, 0700), 0);
    assert_int_not_equal(store_open(&options, &store, &err), ERR_OK);
    assert_non_null(strstr(err.text, "cannot upgrade the database to be read"));
    broker_free(options.broker);
    free(run);
    free(path);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(what_the_first_version_wrote__is_all_there),
        SCRATCH_TEST(an_older_file_that_cannot_be_written__is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
