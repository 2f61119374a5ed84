/*
 * Days as they are named on a command line: 2026-11-21, today, yesterday, or 7d, the first of the
 * last seven days with today. They begin at midnight of the local time zone.
 *
 * Threads: any. Units: wall clock, µs.
 */
#ifndef WEIR_APP_DAY_H
#define WEIR_APP_DAY_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "app/command.h"
#include "base/attr.h"
#include "base/err.h"

/* The day that `text` names at the time `now`: the midnights that begin and that end it. False: it
 * names none. */
bool day_parse(const char *text, time_t now, int64_t *ret_begin_us, int64_t *ret_end_us) NODISCARD;

/* What --since and --until say: from the beginning of the one to the end of the other. 0: not said.
 * ERR_USAGE. */
enum err_code day_range(const struct arguments *arguments, int64_t *ret_since_us,
                        int64_t *ret_until_us, struct err *err) NODISCARD;

#endif
