/*
 * Time: a monotonic clock for deadlines, the wall clock for what is shown and stored.
 *
 * Units: microseconds, in int64_t. A *deadline* is a point of the monotonic clock; CLOCK_NEVER is
 * no deadline. Order in the store never comes from either clock.
 *
 * Threads: any.
 */
#ifndef WEIR_BASE_CLOCK_H
#define WEIR_BASE_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#define CLOCK_NEVER INT64_MAX
#define CLOCK_MS(milliseconds) ((int64_t)(milliseconds)*1000)
#define CLOCK_S(seconds) ((int64_t)(seconds)*1000000)

int64_t clock_mono_us(void);
/* UTC, since 1970. May step. */
int64_t clock_wall_us(void);
/* Milliseconds from now until `deadline`, for poll(): -1 for CLOCK_NEVER, 0 when it has passed,
 * rounded up. */
int clock_poll_ms(int64_t deadline);

/* A condition variable that waits on the monotonic clock. */
void clock_cond_init(pthread_cond_t *cond);
/* False when the deadline has passed. Spurious wake-ups happen: look at the condition again. */
bool clock_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline);

/* "2026-11-21T07:24:05.123456Z" into out (28 bytes with NUL). */
#define CLOCK_ISO_SIZE 28
void clock_format_utc(int64_t wall_us, char out[CLOCK_ISO_SIZE]);
/* "2026-11-21", the day of the local time zone, into out (11 bytes with NUL). */
#define CLOCK_DAY_SIZE 11
void clock_local_day(int64_t wall_us, char out[CLOCK_DAY_SIZE]);
/* The local time in a form of strftime, such as "%H:%M", into out; empty where that is too long. */
#define CLOCK_LOCAL_SIZE 32
void clock_format_local(int64_t wall_us, const char *format, char out[CLOCK_LOCAL_SIZE]);

/* At least so long, also when signals come. Nothing for 0 and less. */
void clock_sleep_us(int64_t us);

#endif
