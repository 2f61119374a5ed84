/*
 * Sink: where an export goes, in pieces: stdout, a file that is replaced at once or not at all, a
 * pipe or a device, or memory.
 *
 * A file is written under another name beside it (0600), synced and renamed by sink_commit; until
 * then, and after a failure, what was there before is untouched; a signal that ends the process
 * removes what was begun. Text for a terminal is made safe.
 *
 * Threads: one at a time, and one file at a time. Errors: those of the system, mapped by
 * base/err.h; ERR_CLOSED: the reader of a pipe has gone.
 */
#ifndef WEIR_APP_SINK_H
#define WEIR_APP_SINK_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

struct sink {
    struct buf out;  /* append here, then call sink_flush now and then */
    char *path;      /* NULL: stdout, or memory */
    char *temporary; /* NULL: written to directly */
    int fd;          /* -1: memory, all of it stays in `out` */
    bool safe;
    bool is_nowhere;
};

/* Into memory, at most `max` bytes. */
void sink_init_memory(struct sink *sink, size_t max);
/* What is written is forgotten. */
void sink_init_nowhere(struct sink *sink);
/* NULL or "-": stdout. */
enum err_code sink_open(struct sink *sink, const char *path, struct err *err) NODISCARD;
/* Writes what is there when it has become much. ERR_TOO_BIG: it did not fit. */
enum err_code sink_flush(struct sink *sink, bool all, struct err *err) NODISCARD;
/* Everything was written: the file takes its name. */
enum err_code sink_commit(struct sink *sink, struct err *err) NODISCARD;
/* Gives everything back; what was not committed is removed. Twice is fine. */
void sink_close(struct sink *sink);

#endif
