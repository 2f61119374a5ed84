/* ULIDs: form, order, and no id twice. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ulid.h"

#include <cmocka.h>

static void ids_of_one_thread__rise_strictly(void **state)
{
    (void)state;
    struct ulid last = ulid_new();
    for (int i = 0; i < 100000; i++) {
        struct ulid id = ulid_new();
        if (strcmp(last.text, id.text) >= 0) {
            fail_msg("%s then %s", last.text, id.text);
        }
        last = id;
    }
}

static void an_id__holds_the_time_of_its_making(void **state)
{
    (void)state;
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    int64_t before = clock_wall_us() / 1000;
    struct ulid id = ulid_new();
    int64_t after = clock_wall_us() / 1000;
    int64_t ms = 0;
    assert_int_equal(strlen(id.text), ULID_LENGTH);
    for (int i = 0; i < ULID_LENGTH; i++) {
        const char *digit = strchr(digits, id.text[i]);
        assert_non_null(digit);
        if (i < 10) {
            ms = ms * 32 + (digit - digits);
        }
    }
    assert_true(ms >= before - 1 && ms <= after + 1);
}

#define THREADS 4
#define PER_THREAD 20000

static void *make_ids(void *arg)
{
    struct ulid *ids = arg;
    for (int i = 0; i < PER_THREAD; i++) {
        ids[i] = ulid_new();
    }
    return NULL;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(((const struct ulid *)a)->text, ((const struct ulid *)b)->text);
}

static void threads__never_share_an_id(void **state)
{
    (void)state;
    struct ulid *ids = calloc(THREADS * PER_THREAD, sizeof(*ids));
    assert_non_null(ids);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, make_ids, ids + i * PER_THREAD), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    qsort(ids, THREADS * PER_THREAD, sizeof(*ids), compare_ids);
    for (int i = 1; i < THREADS * PER_THREAD; i++) {
        assert_false(ulid_equal(&ids[i - 1], &ids[i]));
    }
    free(ids);
}

/* A child that only went on counting from its copy would give the same two ids. */
static void a_forked_child__does_not_repeat_its_parents_ids(void **state)
{
    (void)state;
    ulid_new();
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct ulid own = ulid_new();
        ssize_t ignored = write(fds[1], own.text, ULID_LENGTH);
        (void)ignored;
        _exit(0);
    }
    struct ulid mine = ulid_new();
    char theirs[ULID_LENGTH];
    assert_int_equal(read(fds[0], theirs, sizeof(theirs)), ULID_LENGTH);
    /* The last ten digits: the time may differ even where the counting was copied. */
    assert_memory_not_equal(theirs + 16, mine.text + 16, 9);
    close(fds[0]);
    close(fds[1]);
    waitpid(pid, NULL, 0);
}

static void parsing__takes_either_case_and_nothing_else(void **state)
{
    (void)state;
    struct ulid id = {"untouched"};
    static const char *const bad[] = {
        "",
        "01ARZ3NDEKTSV4RRFFQ69G5FA",
        "01ARZ3NDEKTSV4RRFFQ69G5FAVX",
        "81ARZ3NDEKTSV4RRFFQ69G5FAV",
        "01ARZ3NDEKTSV4RRFFQ69G5FAU",
        "01ARZ3NDEKTSV4RRFFQ69G5FAI",
        "01ARZ3NDEKTSV4RRFFQ69G5FA\xFF",
        " 1ARZ3NDEKTSV4RRFFQ69G5FAV",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(ulid_parse(sv_from(bad[i]), &id));
    }
    assert_false(ulid_parse(sv_of("01ARZ3NDEKTSV4RRFFQ69G5FA\0", 26), &id));
    assert_string_equal(id.text, "untouched");
    assert_true(ulid_parse(SV("01arz3ndektsv4rrffq69g5fav"), &id));
    assert_string_equal(id.text, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    assert_true(ulid_parse(SV("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), &id));
    struct ulid made = ulid_new();
    assert_true(ulid_parse(sv_from(made.text), &id));
    assert_true(ulid_equal(&id, &made) && ulid_is_set(&id));
    assert_false(ulid_is_set(&(struct ulid){""}));
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id__holds_the_time_of_its_making),
        cmocka_unit_test(ids_of_one_thread__rise_strictly),
        cmocka_unit_test(threads__never_share_an_id),
        cmocka_unit_test(a_forked_child__does_not_repeat_its_parents_ids),
        cmocka_unit_test(parsing__takes_either_case_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
