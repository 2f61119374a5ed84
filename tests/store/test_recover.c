/* Recovery of what dead processes left running. */
#include <sys/wait.h>
#include <unistd.h>

#include "store/message.h"
#include "tests/store/rows.h"

/* A process that died: an id whose lock file is not there. */
static struct ulid dead_owner(void)
{
    return ulid_new();
}

static struct db *open_rows(const char *path, int64_t *ret_branch)
{
    struct db *db = must_migrate(path);
    struct ulid session = ulid_new();
    *ret_branch = put_session(db, &session, "h1");
    return db;
}

static int64_t put_running(struct db *db, int64_t branch, const struct ulid *owner)
{
    int64_t row = put_answer(db, branch, 1);
    put_part(db, row, 0, "reasoning");
    put_part(db, row, 1, "text");
    put(db, "UPDATE part SET ended_at = ?2 WHERE message = ?1 AND position = 0", row, 7, NULL);
    put_chunk(db, row, 0, 0, "hm");
    put_chunk(db, row, 1, 0, "half an ");
    put_chunk(db, row, 1, 8, "answer");
    int64_t attempt = put_attempt(db, branch, row, owner);
    (void)put(db,
              "UPDATE attempt SET detail = json_object('request_micros', ?2,"
              " 'answer_micros', 10000000) WHERE id = ?1",
              attempt, 40, NULL);
    return row;
}

/* Of put_running: the request, and 16 bytes at ten each. */
#define COST 200

static void run__closes_the_answer_of_a_dead_process_with_what_was_saved(void **state)
{
    char *path = scratch_path(*state, "x.db");
    int64_t branch;
    struct db *db = open_rows(path, &branch);
    struct ulid self = ulid_new();
    struct ulid owner = dead_owner();
    int64_t row = put_running(db, branch, &owner);
    unsigned answers = 0;
    uint64_t bytes = 0;
    assert_int_equal(recover_run(db, path, &self, &answers, &bytes, NULL), ERR_OK);
    assert_int_equal(answers, 1);
    assert_int_equal(bytes, 16);
    struct message *message = NULL;
    assert_int_equal(message_read(db, row, &message, NULL), ERR_OK);
    assert_int_equal(message->reason, FINISH_INTERRUPTED);
    assert_int_equal(message->error, ERR_INTERRUPTED);
    assert_true(message->ended_us > 0);
    assert_true(message->parts[0].ended && message->parts[1].ended);
    assert_int_equal(message->parts[0].ended_us, 7);
    assert_string_equal(message->parts[1].text, "half an answer");
    /* One part ended and the message: two changes. */
    assert_int_equal(message->revision, 2);
    message_free(message);
    assert_text_of(db, "SELECT state FROM attempt", "interrupted");
    assert_text_of(db, "SELECT state FROM turn", "interrupted");
    assert_int_equal(value_of(db, "SELECT chunk_last FROM message"), 3);

    /* Once: the second time there is nothing to recover. */
    assert_int_equal(recover_run(db, path, &self, &answers, &bytes, NULL), ERR_OK);
    assert_int_equal(answers, 0);
    assert_int_equal(bytes, 0);
    db_close(db);
    free(path);
}

/* A file that is damaged says anything. */
static void run__books_nothing_absurd(void **state)
{
    static const struct {
        const char *note;
        int64_t cost; /* -1: not known */
    } cases[] = {
        {"no JSON", -1},
        {"[]", 0},
        {"{\"request_micros\": -5, \"answer_micros\": -7}", 0},
        {"{\"request_micros\": 9223372036854775807, \"answer_micros\": 9223372036854775807}",
         INT64_C(1000000000000) + 16 * INT64_C(10000)},
    };
    char *path = scratch_path(*state, "x.db");
    int64_t branch;
    struct db *db = open_rows(path, &branch);
    struct ulid self = ulid_new();
    struct ulid owner = dead_owner();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned answers = 0;
        uint64_t bytes = 0;
        struct ulid session = ulid_new();
        (void)put_running(db, put_session(db, &session, session.text + 10), &owner);
        put(db, "UPDATE attempt SET detail = ?3 WHERE state = 'running'", 0, 0, cases[i].note);
        assert_int_equal(recover_run(db, path, &self, &answers, &bytes, NULL), ERR_OK);
        assert_int_equal(answers, 1);
        assert_int_equal(value_of(db, "SELECT coalesce((SELECT cost_micros FROM usage"
                                      " WHERE message = (SELECT max(id) FROM message)), -1)"),
                         cases[i].cost);
    }
    db_close(db);
    free(path);
}

static void run__leaves_alone_what_lives(void **state)
{
    char *path = scratch_path(*state, "x.db");
    int64_t branch;
    struct db *db = open_rows(path, &branch);
    struct ulid session = ulid_new();
    int64_t other_branch = put_session(db, &session, "h2");
    struct process_lock *lock = NULL;
    assert_int_equal(process_lock_take(path, &lock, NULL), ERR_OK);
    struct ulid self = ulid_new();
    (void)put_running(db, branch, process_lock_id(lock));
    /* Its own attempts are not judged by its lock file, which is not there. */
    (void)put_running(db, other_branch, &self);
    unsigned answers = 9;
    uint64_t bytes = 9;
    assert_int_equal(recover_run(db, path, &self, &answers, &bytes, NULL), ERR_OK);
    assert_int_equal(answers, 0);
    assert_int_equal(value_of(db, "SELECT count(*) FROM attempt WHERE state = 'running'"), 2);
    process_lock_release(lock);
    db_close(db);
    free(path);
}

static void run__takes_an_attempt_without_an_answer(void **state)
{
    char *path = scratch_path(*state, "x.db");
    int64_t branch;
    struct db *db = open_rows(path, &branch);
    struct ulid self = ulid_new();
    struct ulid owner = dead_owner();
    int64_t row = put_running(db, branch, &owner);
    put(db, "DELETE FROM message WHERE id = ?1", row, 0, NULL);
    unsigned answers = 9;
    uint64_t bytes = 9;
    assert_int_equal(recover_run(db, path, &self, &answers, &bytes, NULL), ERR_OK);
    assert_int_equal(answers, 0);
    assert_int_equal(bytes, 0);
    assert_text_of(db, "SELECT state FROM attempt", "interrupted");
    db_close(db);
    free(path);
}

static int recover_child(const char *path)
{
    struct db *db = NULL;
    struct ulid self = ulid_new();
    unsigned answers = 0;
    uint64_t bytes = 0;
    if (db_open(path, DB_WRITE, &db, NULL) != ERR_OK) {
        return 99;
    }
    db_set_deadline(db, INT64_MAX);
    enum err_code code = recover_run(db, path, &self, &answers, &bytes, NULL);
    db_close(db);
    return code == ERR_OK ? (int)answers : 98;
}

static void run__by_several_processes_recovers_each_answer_once(void **state)
{
    enum { PROCESSES = 4, ANSWERS = 20 };
    char *path = scratch_path(*state, "x.db");
    int64_t branch;
    struct db *db = open_rows(path, &branch);
    struct ulid owner = dead_owner();
    for (int i = 0; i < ANSWERS; i++) {
        struct ulid session = ulid_new();
        (void)put_running(db, put_session(db, &session, session.text + 10), &owner);
    }
    db_close(db);
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            _exit(recover_child(path));
        }
    }
    int sum = 0;
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        (void)waitpid(children[i], &status, 0);
        assert_true(WIFEXITED(status));
        sum += WEXITSTATUS(status);
    }
    assert_int_equal(sum, ANSWERS);
    db = must_migrate(path);
    assert_int_equal(value_of(db, "SELECT count(*) FROM usage WHERE estimated"), ANSWERS);
    assert_int_equal(value_of(db, "SELECT sum(cost_micros) FROM usage"), ANSWERS * COST);
    assert_int_equal(value_of(db, "SELECT sum(cost_micros) FROM session"), ANSWERS * COST);
    assert_int_equal(value_of(db, "SELECT spent_micros FROM budget WHERE period = 'daily'"
                                  " AND bucket = 'total'"),
                     ANSWERS * COST);
    assert_int_equal(value_of(db, "SELECT count(*) FROM attempt WHERE detail IS NOT NULL"), 0);
    db_close(db);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(run__closes_the_answer_of_a_dead_process_with_what_was_saved),
        SCRATCH_TEST(run__books_nothing_absurd),
        SCRATCH_TEST(run__leaves_alone_what_lives),
        SCRATCH_TEST(run__takes_an_attempt_without_an_answer),
        SCRATCH_TEST(run__by_several_processes_recovers_each_answer_once),
    };
    return cmocka_run_group_tests_name("recover", tests, NULL, NULL);
}
