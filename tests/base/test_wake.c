/* Wake-ups that poll() sees. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/wake.h"

#include <cmocka.h>

static bool is_awake(const struct wake *wake, int timeout_ms)
{
    struct pollfd fd = {.fd = wake->read_fd, .events = POLLIN};
    return poll(&fd, 1, timeout_ms) == 1;
}

static void signals__coalesce_until_they_are_drained(void **state)
{
    (void)state;
    struct wake wake;
    assert_int_equal(wake_open(&wake, NULL), ERR_OK);
    assert_false(is_awake(&wake, 0));
    wake_drain(&wake);
    for (int i = 0; i < 20000; i++) {
        wake_signal(&wake);
    }
    assert_true(is_awake(&wake, 0));
    wake_drain(&wake);
    assert_false(is_awake(&wake, 0));
    wake_signal(&wake);
    assert_true(is_awake(&wake, 0));
    wake_close(&wake);
}

static void descriptors__are_closed_on_exec_and_never_block(void **state)
{
    (void)state;
    struct wake wake;
    assert_int_equal(wake_open(&wake, NULL), ERR_OK);
    int fds[] = {wake.read_fd, wake.write_fd};
    for (int i = 0; i < 2; i++) {
        assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
        assert_true(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
    }
    wake_close(&wake);
    assert_int_equal(fcntl(fds[0], F_GETFD), -1);
    assert_int_equal(fcntl(fds[1], F_GETFD), -1);
    wake_close(&wake);
    wake_close(NULL);
}

static void a_signal_after_close__does_nothing_and_keeps_errno(void **state)
{
    (void)state;
    struct wake wake = WAKE_INIT;
    errno = ENOSPC;
    wake_signal(&wake);
    assert_int_equal(errno, ENOSPC);
    wake_close(&wake);
}

static void without_descriptors__opening_says_so(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {0, before.rlim_max};
    struct wake wake;
    struct err err;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    enum err_code code = wake_open(&wake, &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_not_equal(code, ERR_OK);
    assert_string_equal(err.text, "cannot make a wake-up: too many open files");
    assert_int_equal(wake.read_fd, -1);
    wake_close(&wake);
}

static void *signal_it(void *arg)
{
    wake_signal(arg);
    return NULL;
}

static void a_signal_from_another_thread__ends_the_poll(void **state)
{
    (void)state;
    struct wake wake;
    assert_int_equal(wake_open(&wake, NULL), ERR_OK);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, signal_it, &wake), 0);
    assert_true(is_awake(&wake, 30000));
    pthread_join(thread, NULL);
    wake_close(&wake);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals__coalesce_until_they_are_drained),
        cmocka_unit_test(descriptors__are_closed_on_exec_and_never_block),
        cmocka_unit_test(a_signal_after_close__does_nothing_and_keeps_errno),
        cmocka_unit_test(without_descriptors__opening_says_so),
        cmocka_unit_test(a_signal_from_another_thread__ends_the_poll),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
