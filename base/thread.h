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

#endif
