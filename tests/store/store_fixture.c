#include "tests/store/store_fixture.h"

#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/thread.h"
#include "store/db_struct.h"
#include "store/store_internal.h"

#include <cmocka.h>

#define TEST_SECONDS 60u

static void open_store(struct fixture *fixture, int64_t debounce_us)
{
    struct err err;
    struct store_options options = {
        .path = fixture->path, .debounce_us = debounce_us, .broker = fixture->broker};
    if (store_open(&options, &fixture->store, &err) || store_start(fixture->store, &err) ||
        store_wait_ready(fixture->store, clock_mono_us() + CLOCK_S(10), &err)) {
        fail_msg("%s", err.text);
    }
}

static void open_all(struct fixture *fixture, bool in_file, int64_t debounce_us)
{
    struct err err;
    *fixture = (struct fixture){.folder = xstrdup("/tmp/weir-test-XXXXXX")};
    assert_non_null(mkdtemp(fixture->folder));
    fixture->path = in_file ? xasprintf("%s/weir.db", fixture->folder) : NULL;
    fixture->broker = broker_new(NULL);
    struct subscription_options options = {.topics = TOPIC_MESSAGE};
    assert_int_equal(broker_subscribe(fixture->broker, &options, &fixture->inbox, &err), ERR_OK);
    open_store(fixture, debounce_us);
}

void fixture_open(struct fixture *fixture, int64_t debounce_us)
{
    open_all(fixture, true, debounce_us);
}

void fixture_open_private(struct fixture *fixture, int64_t debounce_us)
{
    open_all(fixture, false, debounce_us);
}

static void close_store(struct fixture *fixture)
{
    struct err err;
    if (store_close(fixture->store, clock_mono_us() + CLOCK_S(5), &err)) {
        fail_msg("%s", err.text);
    }
    store_free(fixture->store);
    fixture->store = NULL;
}

void fixture_reopen(struct fixture *fixture)
{
    close_store(fixture);
    open_store(fixture, STORE_DEBOUNCE_DEFAULT_US);
}

/* Files, and folders that are empty. */
static void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry = NULL;
    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.') {
            char *file = xasprintf("%s/%s", folder, entry->d_name);
            (void)remove(file);
            free(file);
        }
    }
    if (dir) {
        closedir(dir);
    }
    rmdir(folder);
}

void fixture_close(struct fixture *fixture)
{
    if (fixture->store) {
        close_store(fixture);
    }
    broker_unsubscribe(fixture->inbox);
    broker_free(fixture->broker);
    remove_folder(fixture->folder);
    free(fixture->folder);
    free(fixture->path);
}

struct turn fixture_turn(struct fixture *fixture, const char *prompt)
{
    struct turn_request request = {.prompt = sv_from(prompt), .model = SV("test/model")};
    return fixture_begin(fixture, &request);
}

struct turn fixture_begin(struct fixture *fixture, const struct turn_request *request)
{
    struct err err;
    struct turn turn = {.existed = false};
    if (turn_begin(fixture->store, request, fixture_soon(), &turn, &err)) {
        fail_msg("%s", err.text);
    }
    return turn;
}

void fixture_end(struct fixture *fixture, const struct turn *turn, enum finish_reason reason)
{
    struct err err;
    struct stream_event event = fixture_finish(reason);
    if (message_apply_wait(fixture->store, &turn->answer, &event, fixture_soon(), &err)) {
        fail_msg("%s", err.text);
    }
}

struct stream_event fixture_text(uint32_t part, const char *text)
{
    return (struct stream_event){.kind = STREAM_TEXT, .part = part, .text = sv_from(text)};
}

struct stream_event fixture_finish(enum finish_reason reason)
{
    return (struct stream_event){.kind = STREAM_FINISH, .reason = reason};
}

void fixture_apply(struct fixture *fixture, const struct ulid *message, struct stream_event event)
{
    struct err err;
    if (message_apply(fixture->store, message, &event, &err)) {
        fail_msg("%s", err.text);
    }
}

struct keeping {
    struct inbox *inbox;
    const struct ulid *message;
};

static void keep(void *ctx, const struct event *event)
{
    struct keeping *keeping = ctx;
    const struct message_update *update = (const struct message_update *)event->payload;
    struct inbox *inbox = keeping->inbox;
    if (ulid_equal(&update->message, keeping->message) && inbox->count < COUNT_OF(inbox->updates)) {
        payload_ref(event->payload);
        inbox->updates[inbox->count++] = update;
    }
}

void inbox_receive(struct fixture *fixture, const struct ulid *message, size_t count,
                   struct inbox *inbox)
{
    struct keeping keeping = {inbox, message};
    int64_t deadline = clock_mono_us() + CLOCK_S(2);
    subscription_drain(fixture->inbox, 0, keep, &keeping);
    while (inbox->count < count && clock_mono_us() < deadline) {
        struct pollfd fd = {subscription_fd(fixture->inbox), POLLIN, 0};
        poll(&fd, 1, clock_poll_ms(deadline));
        subscription_drain(fixture->inbox, 0, keep, &keeping);
    }
}

void inbox_release(struct inbox *inbox)
{
    for (size_t i = 0; i < inbox->count; i++) {
        struct payload *payload = (struct payload *)(uintptr_t)&inbox->updates[i]->payload;
        payload_unref(payload);
    }
    inbox->count = 0;
}

static sqlite3 *open_writable(struct fixture *fixture)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    return db;
}

void fixture_execute(struct fixture *fixture, const char *sql)
{
    sqlite3 *db = open_writable(fixture);
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
        fail_msg("%s: %s", sql, why);
    }
    sqlite3_close(db);
}

struct db_lock {
    sqlite3 *db;
    int64_t us;
    int64_t released_us;
    pthread_t thread;
};

static void *hold(void *arg)
{
    struct db_lock *lock = arg;
    usleep((useconds_t)lock->us);
    lock->released_us = clock_mono_us();
    sqlite3_exec(lock->db, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(lock->db);
    return NULL;
}

struct db_lock *fixture_lock(struct fixture *fixture, int64_t us)
{
    struct err err;
    struct db_lock *lock = xcalloc(1, sizeof(*lock));
    lock->us = us;
    lock->db = open_writable(fixture);
    assert_int_equal(sqlite3_exec(lock->db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(thread_start(&lock->thread, "holder", hold, lock, &err), ERR_OK);
    return lock;
}

int64_t fixture_unlock(struct db_lock *lock)
{
    pthread_join(lock->thread, NULL);
    int64_t released = lock->released_us;
    free(lock);
    return released;
}

static char *query(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    char *value = xstrdup("");
    if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0)) {
        free(value);
        value = xstrdup((const char *)sqlite3_column_text(stmt, 0));
    }
    sqlite3_finalize(stmt);
    return value;
}

char *fixture_query(struct fixture *fixture, const char *sql)
{
    if (!fixture->path) {
        struct db *reader = NULL;
        assert_int_equal(reader_take(fixture->store, &reader, NULL), ERR_OK);
        char *value = query(reader->handle, sql);
        reader_give(fixture->store, reader);
        return value;
    }
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(fixture->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    char *value = query(db, sql);
    sqlite3_close(db);
    return value;
}

char *fixture_stored_text(struct fixture *fixture, const struct ulid *message)
{
    char *sql = xasprintf(
        "SELECT coalesce(group_concat(t, ''), '') FROM ("
        " SELECT p.position AS a, -1 AS b, p.text AS t FROM part p JOIN message m ON m.id ="
        " p.message WHERE m.uid = '%s'"
        " UNION ALL SELECT c.part, c.byte_offset, c.text FROM chunk c JOIN message m ON m.id ="
        " c.message AND m.folded = 0 WHERE m.uid = '%s' ORDER BY a, b)",
        message->text, message->text);
    char *text = fixture_query(fixture, sql);
    free(sql);
    return text;
}

int64_t fixture_soon(void)
{
    return clock_mono_us() + CLOCK_S(10);
}

void fixture_assert_stored(struct fixture *fixture, const struct ulid *message, const char *text)
{
    char *stored = fixture_stored_text(fixture, message);
    assert_string_equal(stored, text);
    free(stored);
}

void fixture_assert_query(struct fixture *fixture, const char *sql, const char *expected)
{
    char *value = fixture_query(fixture, sql);
    assert_string_equal(value, expected);
    free(value);
}

/* In the snapshot of the test's beginning. */
static int64_t count_held(struct fixture *fixture)
{
    struct sqlite3_stmt *stmt = db_prepare(fixture->held, "SELECT count(*) FROM session", NULL);
    assert_true(db_step(fixture->held, stmt, NULL));
    int64_t count = db_column_int(stmt, 0);
    db_reset(stmt);
    return count;
}

static int set_up(void **state, bool in_file)
{
    struct fixture *fixture = xcalloc(1, sizeof(*fixture));
    alarm(TEST_SECONDS);
    open_all(fixture, in_file, 0);
    assert_int_equal(reader_take(fixture->store, &fixture->held, NULL), ERR_OK);
    assert_int_equal(db_exec(fixture->held, "BEGIN", NULL), ERR_OK);
    assert_int_equal(count_held(fixture), 0);
    *state = fixture;
    return 0;
}

int fixture_setup_file(void **state)
{
    return set_up(state, true);
}

int fixture_setup_private(void **state)
{
    return set_up(state, false);
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(count_held(fixture), 0);
    assert_int_equal(db_exec(fixture->held, "COMMIT", NULL), ERR_OK);
    reader_give(fixture->store, fixture->held);
    fixture_close(fixture);
    free(fixture);
    alarm(0);
    return 0;
}

static bool file_holds(const char *path, const char *word)
{
    struct buf content = BUF_INIT(BUF_MAX_INTERNAL);
    bool holds = file_read(path, &content, NULL) == ERR_OK &&
                 sv_find_sv(buf_sv(&content), sv_from(word)) < content.n;
    buf_release(&content);
    return holds;
}

int fixture_files_with(const struct fixture *fixture, const char *word)
{
    int count = 0;
    DIR *dir = opendir(fixture->folder);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char *path = xasprintf("%s/%s", fixture->folder, entry->d_name);
        count += file_holds(path, word);
        free(path);
    }
    (void)closedir(dir);
    return count;
}
