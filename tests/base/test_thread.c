/* How threads start. */
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/thread.h"

#include <cmocka.h>

struct seen {
    sigset_t mask;
    char name[32];
};

static void *look_around(void *arg)
{
    struct seen *seen = arg;
    volatile char frame[128 * 1024];
    memset((char *)frame, 1, sizeof(frame));
    pthread_sigmask(SIG_SETMASK, NULL, &seen->mask);
    pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
    return frame[5] == 1 ? seen : NULL;
}

static void a_thread__blocks_all_signals_and_bears_its_name(void **state)
{
    (void)state;
    struct seen seen = {0};
    pthread_t thread;
    assert_int_equal(thread_start(&thread, "writer", look_around, &seen, NULL), ERR_OK);
    void *result;
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, &seen);
    assert_string_equal(seen.name, "writer");
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCHLD, SIGPIPE, SIGUSR1};
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        assert_int_equal(sigismember(&seen.mask, signals[i]), 1);
    }
}

static void the_starter__keeps_its_own_mask(void **state)
{
    (void)state;
    sigset_t mine;
    sigset_t after;
    sigemptyset(&mine);
    sigaddset(&mine, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &mine, NULL);
    struct seen seen = {0};
    pthread_t thread;
    assert_int_equal(thread_start(&thread, "x", look_around, &seen, NULL), ERR_OK);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGUSR2), 1);
    assert_int_equal(sigismember(&after, SIGTERM), 0);
    pthread_join(thread, NULL);
    sigemptyset(&mine);
    pthread_sigmask(SIG_SETMASK, &mine, NULL);
}

static void a_long_name__is_cut(void **state)
{
    (void)state;
    struct seen seen = {0};
    pthread_t thread;
    assert_int_equal(thread_start(&thread, "0123456789abcdefgh", look_around, &seen, NULL), ERR_OK);
    pthread_join(thread, NULL);
    assert_string_equal(seen.name, "0123456789abcde");
}

static int count_threads(void)
{
    DIR *folder = opendir("/proc/self/task");
    int count = 0;
    assert_non_null(folder);
    while (readdir(folder)) {
        count++;
    }
    closedir(folder);
    return count;
}

static void a_reserve__is_used_up_before_threads_are_made(void **state)
{
    (void)state;
    struct seen seen[3] = {{.name = ""}};
    pthread_t threads[3];
    thread_reserve(2);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        assert_int_equal(thread_start(&threads[i], "writer", look_around, &seen[i], NULL), ERR_OK);
    }
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &seen[i]);
        assert_string_equal(seen[i].name, "writer");
        assert_int_equal(sigismember(&seen[i].mask, SIGTERM), 1);
    }
    thread_reserve_end();
}

static void *wait_for_byte(void *arg)
{
    char byte;
    return read(*(int *)arg, &byte, 1) == 1 ? arg : NULL;
}

static void a_reserved_thread__is_there_before_it_is_started(void **state)
{
    (void)state;
    int ends[2];
    pthread_t thread;
    void *result;
    assert_int_equal(pipe(ends), 0);
    thread_reserve(2);
    int reserved = count_threads();
    assert_int_equal(thread_start(&thread, "x", wait_for_byte, &ends[0], NULL), ERR_OK);
    assert_true(count_threads() <= reserved); /* one that has ended may still go away */
    thread_reserve_end();
    thread_reserve_end();
    assert_int_equal(write(ends[1], "x", 1), 1);
    pthread_join(thread, &result);
    assert_ptr_equal(result, &ends[0]);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread__blocks_all_signals_and_bears_its_name),
        cmocka_unit_test(the_starter__keeps_its_own_mask),
        cmocka_unit_test(a_long_name__is_cut),
        cmocka_unit_test(a_reserve__is_used_up_before_threads_are_made),
        cmocka_unit_test(a_reserved_thread__is_there_before_it_is_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
