/*
 * The program's log: lines in a file, off until it is opened.
 *
 * Never write keys, headers or bodies here: say what happened to what, by id. Lines are made safe
 * for a terminal. State is file-static, since a log must be reachable from every floor. Threads:
 * any; one write() per line.
 */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

#include "base/err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Appends to `path` (made 0600). Calling it again moves the log. */
enum err_code log_open(const char *path, enum log_level level, struct err *err) NODISCARD;
/* Logs to a descriptor that stays the caller's. */
void log_to_fd(int fd, enum log_level level);
void log_close(void);
void log_write(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
