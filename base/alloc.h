/*
 * Small allocations, which never fail to their caller: the program ends instead, with the terminal
 * restored.
 *
 * For what a peer or a file can size, use a `struct buf` with a maximum; too much is an error
 * there.
 *
 * Threads: any. Ownership: free with free().
 */
#ifndef WEIR_BASE_ALLOC_H
#define WEIR_BASE_ALLOC_H

#include <stddef.h>

#include "base/attr.h"

void *xmalloc(size_t size) NODISCARD;
void *xcalloc(size_t count, size_t size) NODISCARD;
void *xrealloc(void *old, size_t size) NODISCARD;
/* An array of `count` elements with room for one more: itself, or a larger one in its place. Its
 * room is a power of two, so the count is all that has to be kept; NULL where it is 0. */
void *xgrow(void *array, size_t count, size_t size) NODISCARD;
/* NULL gives NULL. */
char *xstrdup(const char *text) NODISCARD;
/* Copies `length` bytes and adds a NUL. */
char *xstrndup(const char *bytes, size_t length) NODISCARD;
char *xasprintf(const char *format, ...) PRINTF_LIKE(1, 2) NODISCARD;

/* Once, before there is a second thread: how the C library's heap behaves, where it can be told. */
void alloc_set_up(void);
/* Gives free memory back to the system, for after something large that was made of many small
 * pieces: what is allocated after them keeps the heap from shrinking. Takes about a millisecond
 * for 10 MB, in which other threads cannot allocate. */
void alloc_trim(void);

/* Called once, on the thread that ran out, before abort(); must be async-signal-safe. NULL takes it
 * away. */
void alloc_set_last_words(void (*restore)(void));

#endif
