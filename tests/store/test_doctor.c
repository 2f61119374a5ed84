/* The doctor: what is sound is called sound, damage is found, nothing is lost by a repair. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/doctor.h"
#include "store/doctor_internal.h"
#include "tests/store/rows.h"

#define SESSIONS 60
#define PAGE 2048

/* Sessions with prompts that are told apart, over some hundred pages. */
static char *fill(const struct scratch *scratch)
{
    char *path = scratch_path(scratch, "weir.db");
    struct db *db = must_migrate(path);
    must_exec(db, "BEGIN");
    for (int i = 0; i < SESSIONS; i++) {
        char handle[16];
        char text[2000];
        struct ulid id = ulid_new();
        (void)snprintf(handle, sizeof(handle), "h%d", i);
        (void)snprintf(text, sizeof(text), "prompt %d %01500d", i, i);
        int64_t branch = put_session(db, &id, handle);
        for (int seq = 1; seq <= 5; seq++) {
            (void)put_prompt(db, branch, seq, text);
        }
    }
    must_exec(db, "UPDATE session SET message_count = 5");
    must_exec(db, "UPDATE branch SET uid = '0' || substr(hex(randomblob(13)), 1, 25)");
    must_exec(db, "COMMIT");
    assert_int_equal(db_checkpoint(db, true, NULL), ERR_OK);
    db_close(db);
    return path;
}

static enum doctor_state verdict(const char *path)
{
    struct doctor_report report = {NULL, 0};
    struct err err = {ERR_OK, ""};
    if (doctor_examine(path, &report, &err)) {
        fail_msg("%s", err.text);
    }
    enum doctor_state state = doctor_verdict(&report);
    doctor_report_release(&report);
    return state;
}

static enum err_code repair(const char *path)
{
    struct doctor_report report = {NULL, 0};
    enum err_code code = doctor_repair(path, &report, NULL);
    doctor_report_release(&report);
    return code;
}

static void change(const char *path, const char *sql)
{
    struct db *db = must_open(path, DB_WRITE);
    must_exec(db, "PRAGMA foreign_keys=OFF");
    must_exec(db, sql);
    db_close(db);
}

static int64_t look(const char *path, const char *sql)
{
    struct db *db = must_open(path, DB_READ);
    int64_t value = value_of(db, sql);
    db_close(db);
    return value;
}

/* How many files of the folder begin so. */
static int count_files(const struct scratch *scratch, const char *beginning)
{
    int count = 0;
    DIR *dir = opendir(scratch->folder);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        count += strncmp(entry->d_name, beginning, strlen(beginning)) == 0;
    }
    (void)closedir(dir);
    return count;
}

static void examine__calls_a_sound_database_sound(void **state)
{
    char *path = fill(*state);
    struct buf before = content_of(path);
    assert_int_not_equal(verdict(path), DOCTOR_BAD);
    assert_int_equal(repair(path), ERR_OK);
    struct buf after = content_of(path);
    assert_true(sv_equal(buf_sv(&before), buf_sv(&after)));
    assert_int_equal(count_files(*state, "weir.db.damaged"), 0);
    buf_release(&before);
    buf_release(&after);
    free(path);
}

static void repair__puts_what_refers_to_nothing_into_quarantine(void **state)
{
    char *path = fill(*state);
    change(path, "INSERT INTO note (uid, message, text, created_at, changed_at)"
                 " VALUES ('n', 9999, 'it''s lost', 1, 1);"
                 "INSERT INTO label VALUES (9999, 'lost', 1);"
                 "UPDATE message SET turn = 777 WHERE id = 3");
    assert_int_equal(verdict(path), DOCTOR_BAD);
    assert_int_equal(repair(path), ERR_OK);
    assert_int_not_equal(verdict(path), DOCTOR_BAD);
    assert_int_equal(look(path, "SELECT count(*) FROM quarantine"), 3);
    assert_int_equal(look(path, "SELECT count(*) FROM quarantine WHERE origin = 'note'"
                                " AND instr(CAST(content AS TEXT), 'it''''s lost') > 0"),
                     1);
    assert_int_equal(look(path, "SELECT count(*) FROM message"), 5 * SESSIONS);
    free(path);
}

static void repair__finds_a_place_for_messages_whose_session_is_lost(void **state)
{
    char *path = fill(*state);
    change(path, "DELETE FROM branch WHERE id = 1; DELETE FROM session WHERE id = 2;"
                 "DELETE FROM branch WHERE id = 3; DELETE FROM session WHERE id = 3");
    assert_int_equal(repair(path), ERR_OK);
    assert_int_not_equal(verdict(path), DOCTOR_BAD);
    assert_int_equal(look(path, "SELECT count(*) FROM message m JOIN branch b ON b.id = m.branch"
                                " JOIN session s ON s.id = b.session"),
                     5 * SESSIONS);
    assert_int_equal(look(path, "SELECT count(*) FROM branch b JOIN session s"
                                " ON s.id = b.session WHERE s.handle = 'h0' AND b.id = s.branch"),
                     1);
    assert_int_equal(look(path, "SELECT count(*) FROM session WHERE branch IS NULL"), 0);
    assert_int_equal(look(path, "SELECT count(*) FROM session WHERE title LIKE 'recovered%'"
                                " AND message_count = 5"),
                     2);
    free(path);
}

/* A page of noise in the middle: what lies on other pages is there afterwards. */
/* Each alone is found, and set right. */
static void repair__makes_counts_and_states_agree_with_the_rows(void **state)
{
    static const struct {
        const char *spoil, *check;
    } cases[] = {
        {"UPDATE session SET message_count = 77 WHERE id = 2",
         "SELECT message_count = 5 FROM session WHERE id = 2"},
        {"INSERT INTO budget (period, starts_on, bucket, reserved_micros)"
         " VALUES ('daily', '2026-11-21', 'total', 5)",
         "SELECT reserved_micros = 0 FROM budget"},
        {"UPDATE message SET reason = '', ended_at = NULL WHERE id = 3",
         "SELECT reason = 'interrupted' AND ended_at > 0 FROM message WHERE id = 3"},
        {"INSERT INTO turn (uid, branch, created_at) VALUES ('t', 1, 7)",
         "SELECT state = 'interrupted' AND ended_at = 7 FROM turn"},
        {"UPDATE session SET state = 'running' WHERE id = 1",
         "SELECT state <> 'running' FROM session WHERE id = 1"},
    };
    char *path = fill(*state);
    assert_int_not_equal(verdict(path), DOCTOR_BAD);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        change(path, cases[i].spoil);
        assert_int_equal(verdict(path), DOCTOR_BAD);
        assert_int_equal(repair(path), ERR_OK);
        assert_int_not_equal(verdict(path), DOCTOR_BAD);
        assert_int_equal(look(path, cases[i].check), 1);
    }
    free(path);
}

static void repair__saves_what_can_be_read_of_a_damaged_file(void **state)
{
    char *path = fill(*state);
    struct buf original = content_of(path);
    size_t pages = original.n / PAGE;
    int repaired = 0;
    unsigned noise = 7;
    for (size_t page = 5; page + 1 < pages; page += pages / 12) {
        for (size_t i = 0; i < PAGE; i++) {
            noise = noise * 1103515245u + 12345u;
            original.p[page * PAGE + i] = (char)(noise >> 16);
        }
        put_content(path, buf_sv(&original));
        if (verdict(path) != DOCTOR_BAD) {
            continue;
        }
        assert_int_equal(repair(path), ERR_OK);
        assert_int_not_equal(verdict(path), DOCTOR_BAD);
        repaired++;
        buf_release(&original);
        original = content_of(path);
        pages = original.n / PAGE;
    }
    assert_true(repaired >= 4);
    assert_true(count_files(*state, "weir.db.damaged-") >= 1);
    assert_int_equal(count_files(*state, "weir.db.repaired"), 0);
    assert_true(look(path, "SELECT count(*) FROM part WHERE text LIKE 'prompt%'") > 2 * SESSIONS);
    buf_release(&original);
    free(path);
}

static void repair__saves_what_is_left_of_a_file_that_was_cut(void **state)
{
    char *path = fill(*state);
    struct buf content = content_of(path);
    put_content(path, sv_take(buf_sv(&content), content.n - 10 * PAGE - 77));
    assert_int_equal(verdict(path), DOCTOR_BAD);
    assert_int_equal(repair(path), ERR_OK);
    assert_int_not_equal(verdict(path), DOCTOR_BAD);
    assert_true(look(path, "SELECT count(*) FROM part WHERE text LIKE 'prompt%'") > 2 * SESSIONS);
    buf_release(&content);
    free(path);
}

/* Looking for them one by one would read the whole database for each. */
static void repair__of_many_rows_takes_no_longer_than_a_few_looks(void **state)
{
    char *path = fill(*state);
    change(path, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24000)"
                 " INSERT INTO part (message, position, kind, began_at, text)"
                 " SELECT CASE WHEN i > 20000 THEN 100000 + i ELSE 1 END, i, 'text', 1, '' FROM n");
    int64_t began = clock_mono_us();
    assert_int_equal(repair(path), ERR_OK);
    assert_true(clock_mono_us() - began < CLOCK_S(10));
    assert_int_not_equal(verdict(path), DOCTOR_BAD);
    assert_int_equal(look(path, "SELECT count(*) FROM quarantine WHERE origin = 'part'"), 4000);
    free(path);
}

static void repair__keeps_what_it_cannot_read(void **state)
{
    char *path = fill(*state);
    struct buf content = content_of(path);
    memset(content.p + 100, 0xAA, PAGE - 100);
    put_content(path, buf_sv(&content));
    assert_int_equal(verdict(path), DOCTOR_BAD);
    assert_int_equal(repair(path), ERR_CORRUPT);
    struct buf after = content_of(path);
    assert_true(sv_equal(buf_sv(&content), buf_sv(&after)));
    assert_int_equal(count_files(*state, "weir.db.repaired"), 0);
    buf_release(&content);
    buf_release(&after);
    char *nothing = scratch_path(*state, "nothing.db");
    assert_int_equal(repair(nothing), ERR_NOT_FOUND);
    free(nothing);
    free(path);
}

static void repair__waits_for_nobody_who_uses_the_database(void **state)
{
    char *path = fill(*state);
    int fd = -1;
    assert_int_equal(migration_lock_shared(path, &fd, NULL), ERR_OK);
    assert_int_equal(repair(path), ERR_BUSY);
    (void)close(fd);
    assert_int_equal(repair(path), ERR_OK);
    free(path);
}

static void backup__is_one_moment_and_private(void **state)
{
    char *path = fill(*state);
    char *to = scratch_path(*state, "copy.db");
    struct stat info;
    struct db *db = must_open(path, DB_WRITE);
    must_exec(db, "UPDATE session SET title = 'only in the log'");
    assert_int_equal(doctor_backup(path, to, NULL), ERR_OK);
    must_exec(db, "UPDATE session SET title = 'later'");
    db_close(db);
    assert_int_equal(stat(to, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_not_equal(verdict(to), DOCTOR_BAD);
    assert_int_equal(look(to, "SELECT count(*) FROM session WHERE title = 'only in the log'"),
                     SESSIONS);
    assert_int_equal(count_files(*state, "copy.db.partial"), 0);
    free(to);
    free(path);
}

static void backup__that_fails_leaves_the_older_one(void **state)
{
    char *path = fill(*state);
    char *nowhere = scratch_path(*state, "no/folder/copy.db");
    char *nothing = scratch_path(*state, "nothing.db");
    char *to = scratch_path(*state, "copy.db");
    put_content(to, SV("an older copy"));
    assert_int_not_equal(doctor_backup(path, nowhere, NULL), ERR_OK);
    assert_int_equal(doctor_backup(path, path, NULL), ERR_INVALID);
    assert_int_equal(doctor_backup(nothing, to, NULL), ERR_NOT_FOUND);
    assert_int_equal(doctor_backup(path, to, NULL), ERR_EXISTS);
    struct buf kept = content_of(to);
    assert_string_equal(buf_cstr(&kept), "an older copy");
    buf_release(&kept);
    free(to);
    free(nothing);
    free(nowhere);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(examine__calls_a_sound_database_sound),
        SCRATCH_TEST(repair__puts_what_refers_to_nothing_into_quarantine),
        SCRATCH_TEST(repair__finds_a_place_for_messages_whose_session_is_lost),
        SCRATCH_TEST(repair__makes_counts_and_states_agree_with_the_rows),
        SCRATCH_TEST(repair__saves_what_can_be_read_of_a_damaged_file),
        SCRATCH_TEST(repair__saves_what_is_left_of_a_file_that_was_cut),
        SCRATCH_TEST(repair__of_many_rows_takes_no_longer_than_a_few_looks),
        SCRATCH_TEST(repair__keeps_what_it_cannot_read),
        SCRATCH_TEST(repair__waits_for_nobody_who_uses_the_database),
        SCRATCH_TEST(backup__is_one_moment_and_private),
        SCRATCH_TEST(backup__that_fails_leaves_the_older_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
