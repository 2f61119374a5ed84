/* Allocation: copies are exact, and running out ends the program after its last words. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

#include <cmocka.h>

/* The sanitizers' own allocators would end the program before ours can. Their libraries look these
 * up, so they have to be visible. */
#define EXPORTED __attribute__((visibility("default")))
EXPORTED const char *__asan_default_options(void);
EXPORTED const char *__tsan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static int report_fd;

static void say_goodbye(void)
{
    ssize_t ignored = write(report_fd, "x", 1);
    (void)ignored;
}

static void *exhaust_beside(void *unused)
{
    (void)unused;
    free(xmalloc(SIZE_MAX / 2 - 4096));
    return NULL;
}

/* Meanwhile memory is out for another thread as well. */
static void say_goodbye_slowly(void)
{
    pthread_t other;
    struct timespec while_it_ends = {.tv_nsec = 50000000};
    assert_int_equal(pthread_create(&other, NULL, exhaust_beside, NULL), 0);
    (void)nanosleep(&while_it_ends, NULL);
    say_goodbye();
}

typedef void *(*exhaust_fn)(size_t);

static void *exhaust_malloc(size_t size)
{
    return xmalloc(size);
}

static void *exhaust_calloc(size_t size)
{
    return xcalloc(size, 8);
}

static void *exhaust_realloc(size_t size)
{
    return xrealloc(NULL, size);
}

static void *exhaust_strndup(size_t size)
{
    (void)size;
    return xstrndup("", SIZE_MAX);
}

static void check_ends(exhaust_fn exhaust, void (*goodbye)(void))
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        /* Not closed: the sanitizers end a program whose report they cannot write. */
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        report_fd = fds[1];
        alloc_set_last_words(goodbye);
        volatile size_t size = SIZE_MAX / 2 - 4096;
        free(exhaust(size));
        _exit(0);
    }
    close(fds[1]);
    char byte[4];
    assert_int_equal(read(fds[0], byte, sizeof(byte)), 1);
    close(fds[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void out_of_memory__restores_once_and_aborts(void **state)
{
    (void)state;
    check_ends(exhaust_malloc, say_goodbye);
    check_ends(exhaust_calloc, say_goodbye);
    check_ends(exhaust_realloc, say_goodbye);
    check_ends(exhaust_strndup, say_goodbye);
}

static void out_of_memory__on_two_threads_lets_the_first_restore(void **state)
{
    (void)state;
    check_ends(exhaust_malloc, say_goodbye_slowly);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OTHER_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OTHER_HEAP 1
#endif
#endif

#if defined(__linux__) && defined(__GLIBC__) && !defined(OTHER_HEAP)
static long resident_kb(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*s %ld", &pages), 1);
    (void)fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void trim__gives_back_what_lies_below_what_is_used(void **state)
{
    (void)state;
    enum { PIECES = 4000, PIECE = 4000 };
    static char *pieces[PIECES];
    long before = resident_kb();
    for (int i = 0; i < PIECES; i++) {
        pieces[i] = xmalloc(PIECE);
        memset(pieces[i], 'x', PIECE);
    }
    char *last = xmalloc(PIECE);
    for (int i = 0; i < PIECES; i++) {
        free(pieces[i]);
    }
    assert_true(resident_kb() - before > PIECES * PIECE / 1024 / 2);
    alloc_trim();
    assert_true(resident_kb() - before < PIECES * PIECE / 1024 / 8);
    free(last);
}
#else
static void trim__gives_back_what_lies_below_what_is_used(void **state)
{
    (void)state;
    alloc_trim();
    skip();
}
#endif

static void copies__are_exact_and_terminated(void **state)
{
    (void)state;
    char *text = xstrndup("abcdef", 3);
    assert_string_equal(text, "abc");
    free(text);
    text = xstrndup(NULL, 0);
    assert_string_equal(text, "");
    free(text);
    text = xstrdup("weir");
    assert_string_equal(text, "weir");
    free(text);
    assert_null(xstrdup(NULL));
    text = xasprintf("%d-%s", 42, "x");
    assert_string_equal(text, "42-x");
    free(text);
}

static void a_size_of_zero__still_gives_memory(void **state)
{
    (void)state;
    void *memory = xmalloc(0);
    assert_non_null(memory);
    memory = xrealloc(memory, 0);
    assert_non_null(memory);
    free(memory);
    memory = xcalloc(0, 8);
    assert_non_null(memory);
    free(memory);
}

static void calloc__gives_zeroes(void **state)
{
    (void)state;
    unsigned char *memory = xcalloc(100, 3);
    for (size_t i = 0; i < 300; i++) {
        assert_int_equal(memory[i], 0);
    }
    free(memory);
}

static void grow__has_room_for_one_more_and_keeps_what_is_there(void **state)
{
    (void)state;
    size_t *array = NULL;
    unsigned moves = 0;
    for (size_t count = 0; count < 1000; count++) {
        size_t *before = array;
        array = xgrow(array, count, sizeof(*array));
        moves += count == 0 || array != before;
        array[count] = count;
    }
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(array[i], i);
    }
    assert_in_range(moves, 1, 11);
    free(array);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_of_memory__restores_once_and_aborts),
        cmocka_unit_test(out_of_memory__on_two_threads_lets_the_first_restore),
        cmocka_unit_test(trim__gives_back_what_lies_below_what_is_used),
        cmocka_unit_test(copies__are_exact_and_terminated),
        cmocka_unit_test(a_size_of_zero__still_gives_memory),
        cmocka_unit_test(calloc__gives_zeroes),
        cmocka_unit_test(grow__has_room_for_one_more_and_keeps_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
