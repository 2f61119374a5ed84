/*
 * Writing results to stdout and remarks to stderr.
 *
 * Text for a terminal is made safe (base/safe.h); what goes into a pipe or a file stays as it is,
 * byte for byte. A descriptor that does not block is waited for.
 *
 * Threads: main.
 */
#ifndef WEIR_APP_OUTPUT_H
#define WEIR_APP_OUTPUT_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sv.h"

/* Gives 0 or an errno. */
int output_write(int fd, struct sv text);
/* The exit code that what output_write to stdout gave asks for: 0, 141 when the reader has gone, 74
 * otherwise (and says so). */
int output_exit_code(int failure);
/* A whole result to stdout. Gives the exit code. */
int output_result(struct sv text) NODISCARD;
/* The same for results that may be long: through the user's pager where they do not fit on a
 * terminal (app/pager.h). Nothing is to be held open meanwhile that others may wait for. */
int output_paged(struct sv text) NODISCARD;
/* The same for text whose pieces were made safe already, and may have styles between them. */
int output_paged_safe(struct sv text) NODISCARD;
/* Into a file, replaced at once or not at all; a pipe or a device is written to. */
enum err_code output_to_file(const char *path, struct sv text, struct err *err) NODISCARD;
/* The terminal says of itself that it can place no cursor, or nothing at all. */
bool output_terminal_is_dumb(void);
/* "weir: TEXT" and a newline on stderr, safe for a terminal. Failures are ignored. */
void output_remark(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
