/* Folding and sweeping: no text is lost or repeated at any step, and the highest row stays. */
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/message.h"
#include "tests/store/rows.h"

/* More steps than any of these tests needs: what goes on longer goes on for ever. */
#define STEPS_MAX 1000

static struct db *open_rows(void **state, int64_t *ret_branch)
{
    char *path = scratch_path(*state, "x.db");
    struct db *db = must_migrate(path);
    struct ulid session = ulid_new();
    *ret_branch = put_session(db, &session, "h1");
    free(path);
    return db;
}

static char *text_of_row(struct db *db, int64_t row)
{
    struct message *message = NULL;
    struct err err = {ERR_OK, ""};
    if (message_read(db, row, &message, &err) != ERR_OK) {
        fail_msg("%s", err.text);
    }
    char *text = message_text(message, PART_TEXT);
    message_free(message);
    return text;
}

/* `count` pieces of 10 bytes, for each of two messages in turn. */
static void put_many(struct db *db, int64_t a, int64_t b, int count)
{
    must_exec(db, "BEGIN");
    for (int i = 0; i < count; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "%09d ", i);
        put_chunk(db, a, 0, 10 * (int64_t)i, text);
        put_chunk(db, b, 0, 10 * (int64_t)i, text);
    }
    must_exec(db, "COMMIT");
}

static int fold_all(struct db *db, int64_t row)
{
    bool done = false;
    int steps = 0;
    while (!done && steps < STEPS_MAX) {
        struct err err = {ERR_OK, ""};
        if (fold_step(db, row, &done, &err) != ERR_OK) {
            fail_msg("%s", err.text);
        }
        steps++;
    }
    assert_true(done);
    return steps;
}

static void step__never_changes_what_a_reader_sees(void **state)
{
    int64_t branch;
    struct db *db = open_rows(state, &branch);
    int64_t a = put_answer(db, branch, 1);
    int64_t b = put_answer(db, branch, 2);
    put_part(db, a, 0, "text");
    put_part(db, b, 0, "text");
    put_many(db, a, b, 3000);
    put_end(db, a);
    char *before = text_of_row(db, a);
    assert_int_equal(strlen(before), 30000);
    bool done = false;
    for (int steps = 0; !done && steps < STEPS_MAX; steps++) {
        assert_int_equal(fold_step(db, a, &done, NULL), ERR_OK);
        char *now = text_of_row(db, a);
        assert_string_equal(now, before);
        free(now);
    }
    assert_true(done);
    assert_int_equal(value_of(db, "SELECT folded FROM message WHERE seq = 1"), 1);
    assert_int_equal(value_of(db, "SELECT count(*) FROM chunk WHERE message = 1"), 0);
    /* The other one is as it was. */
    assert_int_equal(value_of(db, "SELECT count(*) FROM chunk WHERE message = 2"), 3000);
    char *other = text_of_row(db, b);
    assert_string_equal(other, before);
    free(other);
    free(before);
    db_close(db);
}

static void sweep__leaves_the_highest_row_and_the_next_fold_takes_it(void **state)
{
    int64_t branch;
    struct db *db = open_rows(state, &branch);
    int64_t a = put_answer(db, branch, 1);
    put_part(db, a, 0, "text");
    put_chunk(db, a, 0, 0, "one");
    int64_t highest = put_chunk(db, a, 0, 3, " two");
    put_end(db, a);
    (void)fold_all(db, a);
    assert_int_equal(value_of(db, "SELECT count(*) FROM chunk"), 1);
    assert_int_equal(value_of(db, "SELECT max(id) FROM chunk"), highest);
    int64_t b = put_answer(db, branch, 2);
    put_part(db, b, 0, "text");
    assert_true(put_chunk(db, b, 0, 0, "three") > highest);
    put_end(db, b);
    (void)fold_all(db, b);
    assert_int_equal(value_of(db, "SELECT count(*) FROM chunk"), 1);
    assert_int_equal(value_of(db, "SELECT min(id) FROM chunk"), highest + 1);
    char *text = text_of_row(db, a);
    assert_string_equal(text, "one two");
    free(text);
    db_close(db);
}

static void step__stays_within_its_budget(void **state)
{
    int64_t branch;
    struct db *db = open_rows(state, &branch);
    int64_t a = put_answer(db, branch, 1);
    int64_t b = put_answer(db, branch, 2);
    put_part(db, a, 0, "text");
    put_part(db, b, 0, "text");
    put_many(db, a, b, 60000);
    put_end(db, a);
    int64_t longest = 0;
    int64_t first = value_of(db, "SELECT chunk_first FROM message WHERE seq = 1");
    bool done = false;
    /* Reading the text anew takes its time, and no lock. */
    while (value_of(db, "SELECT folded FROM message WHERE seq = 1") == 0) {
        assert_int_equal(fold_step(db, a, &done, NULL), ERR_OK);
    }
    for (int steps = 0; !done && steps < STEPS_MAX; steps++) {
        clock_t began = clock();
        assert_int_equal(fold_step(db, a, &done, NULL), ERR_OK);
        int64_t took = (clock() - began) * (CLOCK_S(1) / CLOCKS_PER_SEC);
        longest = took > longest ? took : longest;
        /* What a step has passed, the next one does not look at again. */
        int64_t reached = value_of(db, "SELECT coalesce(chunk_first, 1 << 40) FROM message"
                                       " WHERE seq = 1");
        assert_true(reached > first || done);
        first = reached;
    }
    assert_true(done);
    assert_int_equal(value_of(db, "SELECT count(*) FROM chunk WHERE message = 1"), 0);
    /* 6 ms of work and the commit, in CPU time; wide, for sanitizers. */
    assert_in_range(longest, 0, CLOCK_MS(100));
    db_close(db);
}

static void sweep__goes_on_where_a_crash_stopped_it(void **state)
{
    int64_t branch;
    struct db *db = open_rows(state, &branch);
    int64_t a = put_answer(db, branch, 1);
    int64_t b = put_answer(db, branch, 2);
    put_part(db, a, 0, "text");
    put_part(db, b, 0, "text");
    put_many(db, a, b, 2000);
    put_end(db, a);
    put_end(db, b);
    bool done = false;
    assert_int_equal(fold_step(db, a, &done, NULL), ERR_OK);
    assert_false(done);
    assert_int_equal(value_of(db, "SELECT folded FROM message WHERE seq = 1"), 1);
    /* A new process knows nothing but the file: b is pending, then what a left. */
    int64_t rows[4];
    for (int rounds = 0; rounds < 10; rounds++) {
        size_t count = 0;
        assert_int_equal(fold_pending(db, rows, COUNT_OF(rows), &count, NULL), ERR_OK);
        for (size_t i = 0; i < count; i++) {
            (void)fold_all(db, rows[i]);
        }
    }
    size_t count = 9;
    assert_int_equal(fold_pending(db, rows, COUNT_OF(rows), &count, NULL), ERR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(value_of(db, "SELECT count(*) FROM chunk"), 1);
    db_close(db);
}

static void step__folds_half_a_mib_of_large_parts_at_a_time(void **state)
{
    enum { PARTS = 3, BYTES = 2 << 20 };
    int64_t branch;
    struct db *db = open_rows(state, &branch);
    int64_t row = put_answer(db, branch, 1);
    char *text = xmalloc(BYTES + 1);
    memset(text, 'x', BYTES);
    text[BYTES] = '\0';
    for (int i = 0; i < PARTS; i++) {
        put_part(db, row, i, "text");
        text[0] = (char)('a' + i);
        put_chunk(db, row, i, 0, text);
    }
    put_end(db, row);
    char *before = text_of_row(db, row);
    bool done = false;
    int folds = 0;
    while (value_of(db, "SELECT folded FROM message") == 0 && folds < STEPS_MAX) {
        assert_int_equal(fold_step(db, row, &done, NULL), ERR_OK);
        char *now = text_of_row(db, row);
        assert_string_equal(now, before);
        free(now);
        folds++;
    }
    assert_int_equal(folds, 4 * PARTS);
    (void)fold_all(db, row);
    char *after = text_of_row(db, row);
    assert_string_equal(after, before);
    assert_int_equal(value_of(db, "SELECT count(*) FROM chunk"), 1);
    free(after);
    free(before);
    free(text);
    db_close(db);
}

static void step__goes_on_with_text_that_came_after_the_fold(void **state)
{
    enum { BYTES = 512 << 10 };
    int64_t branch;
    struct db *db = open_rows(state, &branch);
    int64_t row = put_answer(db, branch, 1);
    /* A part that grows within its row, then beyond it, then in its last segment. */
    static const size_t ends[] = {BYTES / 2, BYTES + 5, 3 * BYTES + 1};
    char *text = xcalloc(1, 3 * BYTES + 2);
    size_t n = 0;
    put_part(db, row, 0, "text");
    put_end(db, row);
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        memset(text + n, 'a' + (int)i, ends[i] - n);
        put_chunk(db, row, 0, (int64_t)n, text + n);
        n = ends[i];
        must_exec(db, "UPDATE message SET folded = 0, chunk_first = 0,"
                      " chunk_last = (SELECT max(id) FROM chunk)");
        (void)fold_all(db, row);
        assert_int_equal(value_of(db, "SELECT folded FROM message"), 1);
        char *now = text_of_row(db, row);
        assert_string_equal(now, text);
        free(now);
    }
    assert_int_equal(value_of(db, "SELECT count(*) FROM segment"), 3);
    free(text);
    db_close(db);
}

static void step__leaves_a_running_message_alone(void **state)
{
    int64_t branch;
    struct db *db = open_rows(state, &branch);
    int64_t row = put_answer(db, branch, 1);
    put_part(db, row, 0, "text");
    put_chunk(db, row, 0, 0, "half");
    put_chunk(db, row, 0, 4, " of it");
    size_t count = 9;
    int64_t pending;
    assert_int_equal(fold_pending(db, &pending, 1, &count, NULL), ERR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(fold_all(db, row), 1);
    assert_int_equal(value_of(db, "SELECT count(*) FROM chunk"), 2);
    db_close(db);
}

static void step__clears_the_rows_of_deleted_messages(void **state)
{
    int64_t branch;
    struct db *db = open_rows(state, &branch);
    int64_t row = put_answer(db, branch, 1);
    put_part(db, row, 0, "text");
    for (int i = 0; i < 500; i++) {
        put_chunk(db, row, 0, i, "x");
    }
    put(db, "DELETE FROM message WHERE id = ?1", row, 0, NULL);
    int64_t pending = 0;
    size_t count = 0;
    assert_int_equal(fold_pending(db, &pending, 1, &count, NULL), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(pending, row);
    (void)fold_all(db, pending);
    assert_int_equal(value_of(db, "SELECT count(*) FROM chunk"), 1);
    assert_int_equal(fold_pending(db, &pending, 1, &count, NULL), ERR_OK);
    assert_int_equal(count, 0);
    db_close(db);
}

/* 200 rows of 64 KiB in one slice would hold the lock for 60 ms. */
static void sweep__of_large_pieces_goes_in_small_steps(void **state)
{
    enum { PIECES = 200, BYTES = 65536 };
    int64_t branch;
    struct db *db = open_rows(state, &branch);
    int64_t row = put_answer(db, branch, 1);
    char *text = xcalloc(1, BYTES + 1);
    memset(text, 'x', BYTES);
    put_part(db, row, 0, "text");
    must_exec(db, "BEGIN");
    for (int i = 0; i < PIECES; i++) {
        put_chunk(db, row, 0, (int64_t)i * BYTES, text);
    }
    must_exec(db, "COMMIT");
    put_end(db, row);
    int64_t left = PIECES;
    int64_t most = 0;
    bool done = false;
    for (int steps = 0; !done && steps < STEPS_MAX; steps++) {
        assert_int_equal(fold_step(db, row, &done, NULL), ERR_OK);
        int64_t now = value_of(db, "SELECT count(*) FROM chunk");
        most = left - now > most ? left - now : most;
        left = now;
    }
    assert_true(done);
    assert_int_equal(left, 1);
    assert_true(most < PIECES / 2);
    free(text);
    db_close(db);
}

static void step__on_an_empty_answer_and_an_empty_table_ends(void **state)
{
    int64_t branch;
    struct db *db = open_rows(state, &branch);
    int64_t row = put_answer(db, branch, 1);
    put_end(db, row);
    (void)fold_all(db, row);
    assert_int_equal(value_of(db, "SELECT folded FROM message"), 1);
    (void)fold_all(db, 4711);
    db_close(db);
}

static void step__while_another_writes_is_busy_and_loses_nothing(void **state)
{
    int64_t branch;
    struct db *db = open_rows(state, &branch);
    char *path = scratch_path(*state, "x.db");
    struct db *other = must_open(path, DB_WRITE);
    int64_t row = put_answer(db, branch, 1);
    put_part(db, row, 0, "text");
    put_chunk(db, row, 0, 0, "all of it");
    put_end(db, row);
    bool done = false;
    assert_int_equal(db_begin(other, false, NULL), ERR_OK);
    assert_int_equal(fold_step(db, row, &done, NULL), ERR_BUSY);
    assert_false(done);
    db_rollback(other);
    (void)fold_all(db, row);
    char *text = text_of_row(db, row);
    assert_string_equal(text, "all of it");
    free(text);
    db_close(other);
    db_close(db);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(step__never_changes_what_a_reader_sees),
        SCRATCH_TEST(sweep__leaves_the_highest_row_and_the_next_fold_takes_it),
        SCRATCH_TEST(step__stays_within_its_budget),
        SCRATCH_TEST(sweep__goes_on_where_a_crash_stopped_it),
        SCRATCH_TEST(step__folds_half_a_mib_of_large_parts_at_a_time),
        SCRATCH_TEST(step__goes_on_with_text_that_came_after_the_fold),
        SCRATCH_TEST(step__leaves_a_running_message_alone),
        SCRATCH_TEST(step__clears_the_rows_of_deleted_messages),
        SCRATCH_TEST(sweep__of_large_pieces_goes_in_small_steps),
        SCRATCH_TEST(step__on_an_empty_answer_and_an_empty_table_ends),
        SCRATCH_TEST(step__while_another_writes_is_busy_and_loses_nothing),
    };
    return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
