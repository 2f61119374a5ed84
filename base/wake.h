/*
 * A wake-up that poll() can see: the one call that may come from outside a loop.
 *
 * Wake-ups coalesce: many signals before one drain are one. Linux: eventfd; elsewhere a pipe.
 * Threads: wake_signal from any thread and from signal handlers; the rest from the owner.
 */
#ifndef WEIR_BASE_WAKE_H
#define WEIR_BASE_WAKE_H

#include "base/err.h"

struct wake {
    int read_fd; /* poll this for POLLIN */
    int write_fd;
};

/* Not open: wake_close does nothing. wake_open leaves this behind when it fails. */
#define WAKE_INIT ((struct wake){-1, -1})

enum err_code wake_open(struct wake *wake, struct err *err) NODISCARD;
void wake_close(struct wake *wake); /* twice is fine */
void wake_signal(const struct wake *wake);
void wake_drain(const struct wake *wake);

#endif
