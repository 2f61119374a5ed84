/* Clocks and deadlines. */
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#include <cmocka.h>

static void poll_time__is_rounded_up_and_clipped(void **state)
{
    (void)state;
    assert_int_equal(clock_poll_ms(CLOCK_NEVER), -1);
    assert_int_equal(clock_poll_ms(clock_mono_us()), 0);
    assert_int_equal(clock_poll_ms(0), 0);
    assert_int_equal(clock_poll_ms(INT64_MIN), 0);
    assert_int_equal(clock_poll_ms(CLOCK_NEVER - 1), INT_MAX);
    int64_t soon = clock_mono_us() + 900;
    int soon_ms = clock_poll_ms(soon);
    assert_true(soon_ms == 1 || clock_mono_us() >= soon);
    int64_t before = clock_mono_us();
    int ms = clock_poll_ms(before + CLOCK_S(100) + 1);
    int64_t spent = clock_mono_us() - before;
    assert_true(ms <= 100001 && ms >= 100000 - spent / 1000);
}

static void the_monotonic_clock__never_goes_back(void **state)
{
    (void)state;
    int64_t last = clock_mono_us();
    for (int i = 0; i < 10000; i++) {
        int64_t now = clock_mono_us();
        assert_true(now >= last);
        last = now;
    }
}

static void check_format(int64_t wall_us, const char *expected)
{
    char text[CLOCK_ISO_SIZE];
    memset(text, 'x', sizeof(text));
    clock_format_utc(wall_us, text);
    assert_string_equal(text, expected);
}

static void utc__is_written_with_microseconds_in_range(void **state)
{
    (void)state;
    check_format(0, "1970-01-01T00:00:00.000000Z");
    check_format(INT64_C(1795245845123456), "2026-11-21T07:24:05.123456Z");
    check_format(-1, "1969-12-31T23:59:59.999999Z");
    check_format(INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z");
    check_format(INT64_MAX, "9999-12-31T23:59:59.999999Z");
    check_format(INT64_MIN, "0001-01-01T00:00:00.000000Z");
}

static void a_wait__ends_at_its_deadline_and_not_before(void **state)
{
    (void)state;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond;
    clock_cond_init(&cond);
    pthread_mutex_lock(&mutex);
    int64_t deadline = clock_mono_us() + CLOCK_MS(20);
    while (clock_cond_wait(&cond, &mutex, deadline)) {
    }
    assert_true(clock_mono_us() >= deadline);
    assert_true(clock_mono_us() < deadline + CLOCK_S(10));
    assert_false(clock_cond_wait(&cond, &mutex, 0));
    assert_false(clock_cond_wait(&cond, &mutex, -5));
    pthread_mutex_unlock(&mutex);
    pthread_cond_destroy(&cond);
}

struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool open;
};

static void *open_gate(void *arg)
{
    struct gate *gate = arg;
    pthread_mutex_lock(&gate->mutex);
    gate->open = true;
    pthread_cond_signal(&gate->cond);
    pthread_mutex_unlock(&gate->mutex);
    return NULL;
}

static void check_gate(int64_t deadline)
{
    struct gate gate = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    clock_cond_init(&gate.cond);
    pthread_t thread;
    pthread_mutex_lock(&gate.mutex);
    assert_int_equal(pthread_create(&thread, NULL, open_gate, &gate), 0);
    while (!gate.open) {
        assert_true(clock_cond_wait(&gate.cond, &gate.mutex, deadline));
    }
    pthread_mutex_unlock(&gate.mutex);
    pthread_join(thread, NULL);
    pthread_cond_destroy(&gate.cond);
}

static void a_signal__ends_the_wait_with_and_without_a_deadline(void **state)
{
    (void)state;
    check_gate(CLOCK_NEVER);
    check_gate(clock_mono_us() + CLOCK_S(30));
    check_gate(CLOCK_NEVER - 1);
}

static void the_local_day__is_that_of_the_time_zone(void **state)
{
    (void)state;
    char day[CLOCK_DAY_SIZE];
    setenv("TZ", "XYZ-14", 1);
    tzset();
    clock_local_day(CLOCK_S(86400) - 1, day);
    assert_string_equal(day, "1970-01-02");
    setenv("TZ", "XYZ12", 1);
    tzset();
    clock_local_day(CLOCK_S(86400), day);
    assert_string_equal(day, "1970-01-01");
    unsetenv("TZ");
    tzset();
}

static void local_times__are_those_of_the_time_zone_in_the_form_asked_for(void **state)
{
    (void)state;
    char text[CLOCK_LOCAL_SIZE];
    setenv("TZ", "XYZ-2", 1);
    tzset();
    clock_format_local(INT64_C(1795245845123456), "%Y-%m-%d %H:%M", text);
    assert_string_equal(text, "2026-11-21 09:24");
    clock_format_local(INT64_C(1795245845123456), "%H:%M:%S", text);
    assert_string_equal(text, "09:24:05");
    clock_format_local(0, "%A, the %d of %B in the year %Y", text);
    assert_string_equal(text, "");
    clock_format_local(INT64_MAX, "%H:%M", text);
    assert_true(strlen(text) < CLOCK_LOCAL_SIZE);
    unsetenv("TZ");
    tzset();
}

static void a_sleep__is_not_shorter_than_asked(void **state)
{
    (void)state;
    int64_t began = clock_mono_us();
    clock_sleep_us(3000);
    assert_true(clock_mono_us() - began >= 3000);
    clock_sleep_us(0);
    clock_sleep_us(-1);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poll_time__is_rounded_up_and_clipped),
        cmocka_unit_test(the_monotonic_clock__never_goes_back),
        cmocka_unit_test(utc__is_written_with_microseconds_in_range),
        cmocka_unit_test(a_wait__ends_at_its_deadline_and_not_before),
        cmocka_unit_test(a_signal__ends_the_wait_with_and_without_a_deadline),
        cmocka_unit_test(the_local_day__is_that_of_the_time_zone),
        cmocka_unit_test(local_times__are_those_of_the_time_zone_in_the_form_asked_for),
        cmocka_unit_test(a_sleep__is_not_shorter_than_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
