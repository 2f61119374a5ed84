/*
 * Starting a thread the way all of weir's are: every signal blocked, a name, the smallest sensible
 * stack.
 */
#ifndef WEIR_BASE_THREAD_H
#define WEIR_BASE_THREAD_H

#include <pthread.h>

#include "base/err.h"

/* `name` has at most 15 bytes. Join with pthread_join. */
enum err_code thread_start(pthread_t *ret_thread, const char *name, void *(*main)(void *),
                           void *arg, struct err *err) NODISCARD;

/*
 * Makes threads that wait for work, which the next calls of thread_start give them instead of
 * making one. For whoever is about to load a library on another thread: the C library makes no
 * thread until that is done, which may take milliseconds. Where one cannot be made there is one
 * less.
 */
void thread_reserve(unsigned count);
/* Ends those that were not needed. */
void thread_reserve_end(void);

#endif
