/* Allocation that ends the program instead of failing; see the header for why that is enough. */
#include "base/alloc.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#define LARGE_BYTES (256 << 10)

typedef void (*restore_fn)(void);
static _Atomic(restore_fn) last_words;

void alloc_set_last_words(void (*restore)(void))
{
    atomic_store(&last_words, restore);
}

/* No allocation and no stdio from here on: neither can be relied on any more. Where memory is out
 * for several threads at once, the others wait for the first one, which may still be restoring. */
static NORETURN void out_of_memory(void)
{
    static const char text[] = "weir: out of memory\n";
    static atomic_flag begun = ATOMIC_FLAG_INIT;
    static _Thread_local bool mine;
    if (!mine && atomic_flag_test_and_set(&begun)) {
        for (;;) {
            (void)pause();
        }
    }
    restore_fn restore = mine ? NULL : atomic_load(&last_words);
    mine = true;
    if (restore) {
        restore();
    }
    ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
    (void)ignored;
    abort();
}

void *xmalloc(size_t size)
{
    void *memory = malloc(size ? size : 1);
    if (!memory) {
        out_of_memory();
    }
    return memory;
}

void *xcalloc(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory) {
        out_of_memory();
    }
    return memory;
}

void *xrealloc(void *old, size_t size)
{
    void *memory = realloc(old, size ? size : 1);
    if (!memory) {
        out_of_memory();
    }
    return memory;
}

void *xgrow(void *array, size_t count, size_t size)
{
    bool is_full = (count & (count - 1)) == 0;
    return is_full ? xrealloc(array, (count ? 2 * count : 1) * size) : array;
}

char *xstrdup(const char *text)
{
    return text ? xstrndup(text, strlen(text)) : NULL;
}

char *xstrndup(const char *bytes, size_t length)
{
    if (length == SIZE_MAX) {
        out_of_memory();
    }
    char *copy = xmalloc(length + 1);
    if (length) {
        memcpy(copy, bytes, length);
    }
    copy[length] = '\0';
    return copy;
}

char *xasprintf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        out_of_memory();
    }
    char *text = xmalloc((size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

/* One heap for all threads: few of them allocate at a time, while a heap for each grows by a system
 * call a page, and where the address space is limited finds no room at all. What is large, as the
 * body of a request is, goes back to the system: else the limit of what is large would rise with
 * the first one, and the heap keep room for the next. */
void alloc_set_up(void)
{
#if defined(__GLIBC__)
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
#endif
}

void alloc_trim(void)
{
#if defined(__GLIBC__)
    (void)malloc_trim(0);
#endif
}
