/* The two clocks, and waiting on the monotonic one; the only file that knows how macOS differs. */
#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

#define US_PER_S INT64_C(1000000)

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

int clock_poll_ms(int64_t deadline)
{
    if (deadline == CLOCK_NEVER) {
        return -1;
    }
    int64_t now = clock_mono_us();
    if (deadline <= now) {
        return 0;
    }
    int64_t left = deadline - now;
    int64_t ms = left / 1000 + (left % 1000 != 0);
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

static struct timespec to_timespec(int64_t us)
{
    int64_t from_zero = us > 0 ? us : 0;
    return (struct timespec){.tv_sec = (time_t)(from_zero / US_PER_S),
                             .tv_nsec = (long)(from_zero % US_PER_S) * 1000};
}

#ifdef __APPLE__
void clock_cond_init(pthread_cond_t *cond)
{
    pthread_cond_init(cond, NULL);
}

static int timed_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline)
{
    int64_t now = clock_mono_us();
    struct timespec left = to_timespec(deadline > now ? deadline - now : 0);
    return pthread_cond_timedwait_relative_np(cond, mutex, &left);
}
#else
void clock_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

static int timed_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline)
{
    struct timespec until = to_timespec(deadline);
    return pthread_cond_timedwait(cond, mutex, &until);
}
#endif

bool clock_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline)
{
    if (deadline == CLOCK_NEVER) {
        pthread_cond_wait(cond, mutex);
        return true;
    }
    return timed_wait(cond, mutex, deadline) != ETIMEDOUT;
}

/* Years 0001 to 9999 are what the form has room for. */
#define FIRST_SECOND INT64_C(-62135596800)
#define LAST_SECOND INT64_C(253402300799)

void clock_format_utc(int64_t wall_us, char out[CLOCK_ISO_SIZE])
{
    int64_t seconds = wall_us / US_PER_S;
    int64_t micros = wall_us % US_PER_S;
    if (micros < 0) {
        micros += US_PER_S;
        seconds--;
    }
    if (seconds < FIRST_SECOND || seconds > LAST_SECOND) {
        micros = seconds < FIRST_SECOND ? 0 : US_PER_S - 1;
        seconds = seconds < FIRST_SECOND ? FIRST_SECOND : LAST_SECOND;
    }
    time_t whole = (time_t)seconds;
    struct tm tm;
    gmtime_r(&whole, &tm);
    /* The remainders tell the compiler, which knows no ranges, that each field keeps its width. */
    snprintf(out, CLOCK_ISO_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ",
             (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
             (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
             (unsigned)tm.tm_sec % 100, (unsigned)micros % 1000000);
}

void clock_local_day(int64_t wall_us, char out[CLOCK_DAY_SIZE])
{
    time_t whole = (time_t)(wall_us / US_PER_S);
    struct tm tm = {.tm_year = 70, .tm_mday = 1};
    localtime_r(&whole, &tm);
    snprintf(out, CLOCK_DAY_SIZE, "%04u-%02u-%02u", (unsigned)(tm.tm_year + 1900) % 10000,
             (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100);
}

void clock_format_local(int64_t wall_us, const char *format, char out[CLOCK_LOCAL_SIZE])
{
    time_t whole = (time_t)(wall_us / US_PER_S);
    struct tm tm;
    bool done = localtime_r(&whole, &tm) && strftime(out, CLOCK_LOCAL_SIZE, format, &tm) > 0;
    out[0] = done ? out[0] : '\0';
}

void clock_sleep_us(int64_t us)
{
    struct timespec rest = {.tv_sec = us / US_PER_S, .tv_nsec = us % US_PER_S * 1000};
    while (us > 0 && nanosleep(&rest, &rest) && errno == EINTR) {
    }
}
