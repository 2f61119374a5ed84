/*
 * Days as they are named on a command line: 2026-11-21, or 7d for the last seven with today. They
 * begin at midnight of the local time zone.
 *
 * Threads: any. Units: wall clock, µs.
 */
#ifndef WEIR_APP_DAY_H
#define WEIR_APP_DAY_H

#include <stdint.h>

#include "app/command.h"
#include "base/attr.h"
#include "base/err.h"

/* What --since and --until say: from the beginning of the one to the end of the other. 0: not said.
 * ERR_USAGE. */
enum err_code day_range(const struct arguments *arguments, int64_t *ret_since_us,
                        int64_t *ret_until_us, struct err *err) NODISCARD;

#endif
