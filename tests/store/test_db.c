/* Connections: opening, waiting, transactions, and what a damaged, full or read-only disk does. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "tests/store/db_helpers.h"

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

/* What statfs says of every file, for the tests of network file systems; 0: the truth. */
static unsigned long pretended_type;

int statfs(const char *path, struct statfs *ret)
{
    static const unsigned long tmpfs = 0x01021994;
    (void)path;
    memset(ret, 0, sizeof(*ret));
    ret->f_type = (__typeof__(ret->f_type))(pretended_type != 0 ? pretended_type : tmpfs);
    return 0;
}

static void open__reads_an_existing_database_within_a_millisecond(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct db *writer = must_migrate(path);
    must_exec(writer, "INSERT INTO chunk VALUES (1, 1, 0, 0, 'abc')");
    int64_t best = INT64_MAX;
    for (int i = 0; i < 20; i++) {
        int64_t began = clock_mono_us();
        struct db *reader = must_open(path, DB_READ);
        assert_int_equal(value_of(reader, "SELECT count(*) FROM chunk"), 1);
        int64_t took = clock_mono_us() - began;
        best = took < best ? took : best;
        db_close(reader);
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_in_range(best, 0, 1000);
#endif
    db_close(writer);
    free(path);
}

static void open__for_reading_cannot_write(void **state)
{
    char *path = scratch_path(*state, "x.db");
    db_close(must_migrate(path));
    struct db *reader = must_open(path, DB_READ);
    struct err err = {ERR_OK, ""};
    assert_int_equal(db_exec(reader, "DELETE FROM chunk", &err), ERR_READ_ONLY);
    assert_non_null(strstr(err.text, "read-only"));
    db_close(reader);
    free(path);
}

static void open__for_reading_makes_no_file(void **state)
{
    char *path = scratch_path(*state, "none.db");
    struct db *db = NULL;
    struct err err = {ERR_OK, ""};
    assert_int_equal(db_open(path, DB_READ, &db, &err), ERR_NOT_FOUND);
    assert_null(db);
    assert_int_not_equal(access(path, F_OK), 0);
    free(path);
}

static void open__refuses_a_folder_and_a_pipe_without_waiting(void **state)
{
    struct scratch *scratch = *state;
    char *pipe_path = scratch_path(scratch, "pipe");
    struct db *db = NULL;
    struct err err = {ERR_OK, ""};
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_int_equal(db_open(pipe_path, DB_WRITE, &db, &err), ERR_CORRUPT);
    assert_int_equal(db_open(pipe_path, DB_READ, &db, &err), ERR_CORRUPT);
    assert_int_equal(db_open(scratch->folder, DB_WRITE, &db, &err), ERR_CORRUPT);
    assert_null(db);
    free(pipe_path);
}

static void open__takes_any_name_for_a_plain_file(void **state)
{
    struct scratch *scratch = *state;
    static const char *const names[] = {":memory:", "file:x?mode=memory", "a b%41#.db"};
    char before[4096];
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(scratch->folder), 0);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        db_close(must_migrate(names[i]));
        assert_int_equal(access(names[i], F_OK), 0);
    }
    assert_int_equal(chdir(before), 0);
}

static void open__leaves_a_damaged_header_untouched(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct db *db = NULL;
    struct err err = {ERR_OK, ""};
    db_close(must_migrate(path));
    struct buf content = content_of(path);
    content.p[3] = '#';
    put_content(path, buf_sv(&content));
    assert_int_equal(db_open(path, DB_WRITE, &db, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.text, "not a database, or damaged"));
    struct buf after = content_of(path);
    assert_true(sv_equal(buf_sv(&content), buf_sv(&after)));
    buf_release(&content);
    buf_release(&after);
    free(path);
}

static void read__of_a_truncated_file_says_that_it_is_damaged(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct err err = {ERR_OK, ""};
    struct db *db = must_migrate(path);
    must_exec(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
                  " INSERT INTO chunk SELECT i, 1, 0, 0, 'some text' FROM n");
    db_close(db);
    assert_int_equal(truncate(path, 2048 * 40), 0);
    db = must_open(path, DB_READ);
    struct sqlite3_stmt *stmt = db_prepare(db, "SELECT sum(length(text)) FROM chunk", &err);
    assert_false(db_step(db, stmt, &err));
    assert_int_equal(db_result(db), ERR_CORRUPT);
    assert_non_null(strstr(err.text, "database is damaged"));
    db_close(db);
    free(path);
}

static void open__takes_a_file_of_length_zero_for_a_new_one(void **state)
{
    char *path = scratch_path(*state, "x.db");
    put_content(path, SV(""));
    struct db *db = must_migrate(path);
    assert_int_equal(value_of(db, "SELECT count(*) FROM chunk"), 0);
    db_close(db);
    free(path);
}

static int as_nobody(int (*run)(const char *path), const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        int failed = geteuid() == 0 && setuid(65534) != 0;
        _exit(failed ? 99 : run(path));
    }
    int status = -1;
    (void)waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static int open_for_writing(const char *path)
{
    struct db *db = NULL;
    enum err_code code = db_open(path, DB_WRITE, &db, NULL);
    db_close(db);
    return (int)code;
}

static int open_and_read(const char *path)
{
    struct db *db = NULL;
    int version = 0;
    enum err_code code = db_open(path, DB_READ, &db, NULL);
    if (code == ERR_OK) {
        code = migrate_check(db, &version, NULL);
        db_close(db);
    }
    return (int)code;
}

static void open__of_a_read_only_file_says_so_and_reading_still_works(void **state)
{
    struct scratch *scratch = *state;
    char *path = scratch_path(scratch, "x.db");
    db_close(must_migrate(path));
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(scratch->folder, 0555), 0);
    assert_int_equal(as_nobody(open_for_writing, path), ERR_READ_ONLY);
    assert_int_equal(as_nobody(open_and_read, path), ERR_OK);
    assert_int_equal(chmod(scratch->folder, 0755), 0);
    free(path);
}

static void open__in_a_folder_that_cannot_be_made_says_so(void **state)
{
    struct scratch *scratch = *state;
    char *path = scratch_path(scratch, "closed/x.db");
    assert_int_equal(chmod(scratch->folder, 0555), 0);
    int code = as_nobody(open_for_writing, path);
    assert_int_equal(chmod(scratch->folder, 0755), 0);
    assert_int_equal(code, ERR_CANNOT_CREATE);
    free(path);
}

/* A process that opens the file once the other end of the pipe is closed. */
static pid_t open_at_signal(const char *path, const int gate[2])
{
    pid_t child = fork();
    if (child == 0) {
        char byte;
        (void)close(gate[1]);
        ssize_t end = read(gate[0], &byte, 1);
        _exit(end == 0 ? open_for_writing(path) : 97);
    }
    return child;
}

static void open__of_many_processes_at_once_never_fails(void **state)
{
    char *path = scratch_path(*state, "x.db");
    enum { PROCESSES = 8, ROUNDS = 30 };
    for (int round = 0; round < ROUNDS; round++) {
        pid_t children[PROCESSES];
        int gate[2];
        assert_int_equal(pipe(gate), 0);
        for (int i = 0; i < PROCESSES; i++) {
            children[i] = open_at_signal(path, gate);
        }
        (void)close(gate[0]);
        (void)close(gate[1]);
        for (int i = 0; i < PROCESSES; i++) {
            int status = -1;
            (void)waitpid(children[i], &status, 0);
            assert_int_equal(status, 0);
        }
        assert_int_equal(unlink(path), 0);
    }
    free(path);
}

static void network__uses_a_rollback_journal_and_lets_one_process_write(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct err err = {ERR_OK, ""};
    struct db *second = NULL;
    db_close(must_migrate(path));
    pretended_type = 0x6969;
    struct db *db = must_open(path, DB_WRITE);
    assert_text_of(db, "PRAGMA journal_mode", "delete");
    assert_int_equal(db_open(path, DB_WRITE, &second, &err), ERR_BUSY);
    assert_non_null(strstr(err.text, "network file system"));
    assert_int_equal(db_begin(db, false, &err), ERR_OK);
    must_exec(db, "INSERT INTO chunk VALUES (1, 1, 0, 0, 'abc')");
    assert_int_equal(db_commit(db, &err), ERR_OK);
    assert_int_equal(value_of(db, "PRAGMA synchronous"), 2);
    /* Between transactions nothing is locked. */
    struct db *reader = must_open(path, DB_READ);
    assert_int_equal(value_of(reader, "SELECT count(*) FROM chunk"), 1);
    db_close(reader);
    db_close(db);
    second = must_open(path, DB_WRITE);
    db_close(second);
    pretended_type = 0;
    db = must_open(path, DB_WRITE);
    assert_text_of(db, "PRAGMA journal_mode", "wal");
    db_close(db);
    free(path);
}

static void *commit_soon(void *arg)
{
    struct timespec pause = {.tv_nsec = 50000000};
    (void)nanosleep(&pause, NULL);
    must_exec(arg, "COMMIT");
    return NULL;
}

static void read__waits_for_a_lock_that_ends_soon(void **state)
{
    char *path = scratch_path(*state, "x.db");
    pthread_t thread;
    pretended_type = 0x6969;
    struct db *db = must_migrate(path);
    struct db *reader = must_open(path, DB_READ);
    must_exec(db, "BEGIN EXCLUSIVE");
    assert_int_equal(pthread_create(&thread, NULL, commit_soon, db), 0);
    assert_int_equal(value_of(reader, "SELECT count(*) FROM chunk"), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);

    must_exec(db, "BEGIN EXCLUSIVE");
    int64_t began = clock_mono_us();
    struct sqlite3_stmt *stmt = db_prepare(reader, "SELECT count(*) FROM part", NULL);
    assert_false(db_step(reader, stmt, NULL));
    assert_int_equal(db_result(reader), ERR_BUSY);
    assert_in_range(clock_mono_us() - began, CLOCK_MS(900), CLOCK_S(20));
    pretended_type = 0;
    db_close(reader);
    db_close(db);
    free(path);
}

static void begin__waits_for_another_writer_until_the_deadline(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct err err = {ERR_OK, ""};
    struct db *a = must_migrate(path);
    struct db *b = must_open(path, DB_WRITE);
    assert_int_equal(db_begin(a, false, &err), ERR_OK);

    int64_t began = clock_mono_us();
    assert_int_equal(db_begin(b, false, &err), ERR_BUSY);
    assert_in_range(clock_mono_us() - began, 0, CLOCK_MS(500));

    began = clock_mono_us();
    db_set_deadline(b, began + CLOCK_MS(60));
    assert_int_equal(db_begin(b, false, &err), ERR_BUSY);
    assert_in_range(clock_mono_us() - began, CLOCK_MS(60), CLOCK_S(5));

    db_rollback(a);
    assert_int_equal(db_begin(b, false, &err), ERR_OK);
    db_rollback(b);
    db_rollback(b);
    db_close(a);
    db_close(b);
    free(path);
}

static bool third_time(void *ctx)
{
    int *times = ctx;
    return ++*times == 3;
}

static void begin__gives_up_when_it_is_told_to(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct db *a = must_migrate(path);
    struct db *b = must_open(path, DB_WRITE);
    int times = 0;
    assert_int_equal(db_begin(a, false, NULL), ERR_OK);
    db_set_deadline(b, CLOCK_NEVER);
    db_on_wait(b, third_time, &times);
    assert_int_equal(db_begin(b, false, NULL), ERR_BUSY);
    assert_int_equal(times, 3);
    db_close(a);
    db_close(b);
    free(path);
}

static void *interrupt_soon(void *arg)
{
    struct timespec pause = {.tv_nsec = 30000000};
    (void)nanosleep(&pause, NULL);
    db_interrupt(arg);
    return NULL;
}

static void interrupt__ends_a_wait_and_a_long_read(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct err err = {ERR_OK, ""};
    struct db *a = must_migrate(path);
    struct db *b = must_open(path, DB_WRITE);
    pthread_t thread;
    assert_int_equal(db_begin(a, false, NULL), ERR_OK);
    db_set_deadline(b, CLOCK_NEVER);
    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, b), 0);
    assert_int_equal(db_begin(b, false, &err), ERR_CANCELLED);
    assert_int_equal(pthread_join(thread, NULL), 0);

    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, a), 0);
    struct sqlite3_stmt *stmt =
        db_prepare(a,
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                   " SELECT count(*) FROM n",
                   &err);
    assert_false(db_step(a, stmt, &err));
    assert_int_equal(db_result(a), ERR_CANCELLED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    db_close(a);
    db_close(b);
    free(path);
}

static void begin__switches_synchronous_only_when_it_differs(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct db *db = must_migrate(path);
    static const struct {
        bool full;
        int64_t synchronous;
    } steps[] = {{false, 1}, {true, 2}, {true, 2}, {false, 1}};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        assert_int_equal(db_begin(db, steps[i].full, NULL), ERR_OK);
        assert_int_equal(value_of(db, "PRAGMA synchronous"), steps[i].synchronous);
        assert_int_equal(db_commit(db, NULL), ERR_OK);
    }
    db_close(db);
    free(path);
}

static void commit__that_breaks_a_reference_is_rolled_back(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct err err = {ERR_OK, ""};
    struct db *db = must_migrate(path);
    assert_int_equal(db_begin(db, false, NULL), ERR_OK);
    must_exec(db, "INSERT INTO session (uid, handle, branch, created_at, last_active_at)"
                  " VALUES ('u', 'h', 99, 0, 0)");
    assert_int_equal(db_commit(db, &err), ERR_EXISTS);
    assert_int_equal(value_of(db, "SELECT count(*) FROM session"), 0);
    assert_int_equal(db_begin(db, false, NULL), ERR_OK);
    assert_int_equal(db_commit(db, NULL), ERR_OK);
    db_close(db);
    free(path);
}

static void checkpoint__empties_the_log_where_nobody_reads(void **state)
{
    char *path = scratch_path(*state, "x.db");
    char *wal = xasprintf("%s-wal", path);
    struct stat info;
    struct db *db = must_migrate(path);
    must_exec(db, "INSERT INTO chunk VALUES (1, 1, 0, 0, 'abc')");
    assert_true(db_wal_frames(db) > 0);
    assert_int_equal(db_checkpoint(db, true, NULL), ERR_OK);
    assert_int_equal(db_wal_frames(db), 0);
    assert_int_equal(stat(wal, &info), 0);
    assert_int_equal(info.st_size, 0);
    db_close(db);
    free(wal);
    free(path);
}

static void checkpoint__waits_for_no_reader(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct db *db = must_migrate(path);
    struct db *reader = must_open(path, DB_READ);
    struct sqlite3_stmt *stmt = db_prepare(reader, "SELECT name FROM sqlite_schema", NULL);
    assert_true(db_step(reader, stmt, NULL));
    must_exec(db, "INSERT INTO chunk VALUES (1, 1, 0, 0, 'abc')");
    db_set_deadline(db, clock_mono_us() + CLOCK_S(20));
    int64_t began = clock_mono_us();
    assert_int_equal(db_checkpoint(db, true, NULL), ERR_OK);
    assert_in_range(clock_mono_us() - began, 0, CLOCK_S(2));
    assert_true(db_wal_frames(db) > 0);
    db_reset(stmt);
    db_close(reader);
    db_close(db);
    free(path);
}

static void step__gives_ids_texts_and_nulls_as_they_were_bound(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct db *db = must_open(path, DB_WRITE);
    struct ulid id = ulid_new();
    struct ulid unset = {""};
    struct sqlite3_stmt *stmt = db_prepare(db, "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7", NULL);
    db_bind_int(stmt, 1, INT64_MIN);
    db_bind_text(stmt, 2, sv_of("a\0b", 3));
    db_bind_text(stmt, 3, sv_of("", 0));
    db_bind_text(stmt, 4, sv_of(NULL, 0));
    db_bind_id(stmt, 5, &id);
    db_bind_id(stmt, 6, &unset);
    db_bind_null(stmt, 7);
    assert_true(db_step(db, stmt, NULL));
    assert_true(db_column_int(stmt, 0) == INT64_MIN);
    assert_true(sv_equal(db_column_text(stmt, 1), sv_of("a\0b", 3)));
    assert_false(db_column_is_null(stmt, 2));
    assert_true(db_column_is_null(stmt, 3));
    struct ulid read = db_column_id(stmt, 4);
    assert_true(ulid_equal(&read, &id));
    read = db_column_id(stmt, 5);
    assert_false(ulid_is_set(&read));
    assert_null(db_column_dup(stmt, 6));
    assert_false(db_step(db, stmt, NULL));
    assert_int_equal(db_result(db), ERR_OK);
    /* Nothing of it is left for the next use. */
    assert_true(db_step(db, stmt, NULL));
    assert_true(db_column_is_null(stmt, 0));
    db_reset(stmt);
    db_close(db);
    free(path);
}

static void prepare__that_fails_says_why_and_its_null_is_harmless(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct err err = {ERR_OK, ""};
    struct db *db = must_open(path, DB_WRITE);
    struct sqlite3_stmt *stmt = db_prepare(db, "SELECT a FROM nowhere", &err);
    assert_null(stmt);
    assert_non_null(strstr(err.text, "no such table: nowhere"));
    db_bind_int(stmt, 1, 1);
    db_reset(stmt);
    assert_int_equal(db_run(db, stmt, &err), ERR_CORRUPT);
    assert_int_equal(value_of(db, "SELECT 7"), 7);
    db_close(db);
    free(path);
}

static void prepare__finds_each_of_many_statements_again(void **state)
{
    enum { STATEMENTS = 200 };
    char *path = scratch_path(*state, "x.db");
    char *texts[STATEMENTS];
    struct sqlite3_stmt *first[STATEMENTS];
    struct db *db = must_open(path, DB_WRITE);
    for (int i = 0; i < STATEMENTS; i++) {
        texts[i] = xasprintf("SELECT %d", i);
        first[i] = db_prepare(db, texts[i], NULL);
    }
    for (int i = 0; i < STATEMENTS; i++) {
        assert_ptr_equal(db_prepare(db, texts[i], NULL), first[i]);
        assert_int_equal(value_of(db, texts[i]), i);
    }
    db_close(db);
    for (int i = 0; i < STATEMENTS; i++) {
        free(texts[i]);
    }
    free(path);
}

/* In a process of its own, which may write no file beyond the limit. */
static int write_beyond_the_limit(const char *path)
{
    struct rlimit limit = {256 * 1024, 256 * 1024};
    struct db *db = NULL;
    struct err err = {ERR_OK, ""};
    (void)signal(SIGXFSZ, SIG_IGN);
    if (db_open(path, DB_WRITE, &db, &err) != ERR_OK || setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return 90;
    }
    enum err_code code = ERR_OK;
    for (int i = 0; code == ERR_OK && i < 1000; i++) {
        code = db_begin(db, false, &err);
        if (code == ERR_OK) {
            code = db_exec(db,
                           "INSERT INTO chunk (message, part, byte_offset, text)"
                           " VALUES (1, 0, 0, hex(zeroblob(2000)))",
                           &err);
        }
        code = code == ERR_OK ? db_commit(db, &err) : code;
    }
    db_rollback(db);
    db_close(db);
    return (int)code;
}

static void write__to_a_full_disk_fails_and_leaves_a_sound_file(void **state)
{
    char *path = scratch_path(*state, "x.db");
    db_close(must_migrate(path));
    assert_int_equal(as_nobody(write_beyond_the_limit, "/nonexistent/x.db"), 90);
    pid_t child = fork();
    if (child == 0) {
        _exit(write_beyond_the_limit(path));
    }
    int status = -1;
    (void)waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), ERR_DISK_FULL);
    struct db *db = must_open(path, DB_WRITE);
    assert_text_of(db, "PRAGMA integrity_check", "ok");
    assert_true(value_of(db, "SELECT count(*) FROM chunk") > 10);
    db_close(db);
    free(path);
}

static void begin_and_commit_after(struct db *db, int64_t us)
{
    assert_int_equal(db_begin(db, false, NULL), ERR_OK);
    clock_sleep_us(us);
    assert_int_equal(db_commit(db, NULL), ERR_OK);
}

static void commit__counts_and_logs_what_held_the_lock_for_long(void **state)
{
    char *path = scratch_path(*state, "x.db");
    struct db *db = must_open(path, DB_WRITE);
    atomic_ullong count = 0;
    char line[256] = "";
    FILE *log = tmpfile();
    assert_non_null(log);
    db_count_long(db, &count);
    log_to_fd(fileno(log), LOG_WARN);
    begin_and_commit_after(db, DB_LONG_US + 1000);
    assert_int_equal(count, 1);
    log_close();
    rewind(log);
    assert_non_null(fgets(line, sizeof(line), log));
    assert_non_null(strstr(line, "a transaction held the database for 1"));
    fclose(log);
    db_close(db);
    free(path);
}

#ifdef ASSERT_LOCK_BUDGET
static int status_of_busy_transaction(const char *path, size_t expected)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        struct db *db = must_open(path, DB_WRITE);
        assert_int_equal(db_begin(db, false, NULL), ERR_OK);
        db_expect_bytes(db, expected);
        clock_t until = clock() + CLOCKS_PER_SEC / 10;
        while (clock() < until) {
        }
        _exit(db_commit(db, NULL) != ERR_OK);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void commit__asserts_the_budget_in_the_debug_flavour(void **state)
{
    char *path = scratch_path(*state, "x.db");
    int status = status_of_busy_transaction(path, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_int_equal(status_of_busy_transaction(path, (size_t)64 << 20), 0);
    assert_int_equal(status_of_busy_transaction(path, DB_ANY_BYTES), 0);
    free(path);
}
#endif

static void close__takes_null(void **state)
{
    (void)state;
    db_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(commit__counts_and_logs_what_held_the_lock_for_long),
#ifdef ASSERT_LOCK_BUDGET
        SCRATCH_TEST(commit__asserts_the_budget_in_the_debug_flavour),
#endif
        SCRATCH_TEST(open__makes_a_private_file_whatever_the_umask),
        SCRATCH_TEST(open__sets_the_modes_that_the_promises_rest_on),
        SCRATCH_TEST(open__reads_an_existing_database_within_a_millisecond),
        SCRATCH_TEST(open__for_reading_cannot_write),
        SCRATCH_TEST(open__for_reading_makes_no_file),
        SCRATCH_TEST(open__refuses_a_folder_and_a_pipe_without_waiting),
        SCRATCH_TEST(open__takes_any_name_for_a_plain_file),
        SCRATCH_TEST(open__leaves_a_damaged_header_untouched),
        SCRATCH_TEST(read__of_a_truncated_file_says_that_it_is_damaged),
        SCRATCH_TEST(open__takes_a_file_of_length_zero_for_a_new_one),
        SCRATCH_TEST(open__of_a_read_only_file_says_so_and_reading_still_works),
        SCRATCH_TEST(open__in_a_folder_that_cannot_be_made_says_so),
        SCRATCH_TEST(open__of_many_processes_at_once_never_fails),
        SCRATCH_TEST(network__uses_a_rollback_journal_and_lets_one_process_write),
        SCRATCH_TEST(read__waits_for_a_lock_that_ends_soon),
        SCRATCH_TEST(begin__waits_for_another_writer_until_the_deadline),
        SCRATCH_TEST(begin__gives_up_when_it_is_told_to),
        SCRATCH_TEST(interrupt__ends_a_wait_and_a_long_read),
        SCRATCH_TEST(begin__switches_synchronous_only_when_it_differs),
        SCRATCH_TEST(commit__that_breaks_a_reference_is_rolled_back),
        SCRATCH_TEST(checkpoint__empties_the_log_where_nobody_reads),
        SCRATCH_TEST(checkpoint__waits_for_no_reader),
        SCRATCH_TEST(step__gives_ids_texts_and_nulls_as_they_were_bound),
        SCRATCH_TEST(prepare__that_fails_says_why_and_its_null_is_harmless),
        SCRATCH_TEST(prepare__finds_each_of_many_statements_again),
        SCRATCH_TEST(write__to_a_full_disk_fails_and_leaves_a_sound_file),
        SCRATCH_TEST(close__takes_null),
    };
    return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
