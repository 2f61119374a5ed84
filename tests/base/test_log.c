/* The log: whole lines, safe for a terminal, from any thread, while it is moved. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

#include <cmocka.h>

static char folder[64];

static char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/weir-test-log-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path_of("a.log"));
    unlink(path_of("b.log"));
    return rmdir(folder);
}

static struct buf content(const char *name)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    assert_int_equal(file_read(path_of(name), &text, NULL), ERR_OK);
    return text;
}

static void without_a_log__nothing_happens(void **state)
{
    (void)state;
    log_write(LOG_ERROR, "nobody reads %d", 1);
    log_close();
    log_close();
}

static void a_line__has_time_level_and_safe_text(void **state)
{
    (void)state;
    assert_int_equal(log_open(path_of("a.log"), LOG_INFO, NULL), ERR_OK);
    errno = ENOSPC;
    log_write(LOG_WARN, "turn %s: \x1B[2J\nnext", "01X");
    assert_int_equal(errno, ENOSPC);
    log_write(LOG_DEBUG, "not at this level");
    log_close();
    log_write(LOG_ERROR, "closed");
    struct buf text = content("a.log");
    assert_int_equal(text.n, strlen("2026-11-21T07:24:05.123456Z warn turn 01X: ") +
                                 strlen("\xE2\x90\x9B[2J next\n"));
    assert_string_equal(buf_cstr(&text) + 27, " warn turn 01X: \xE2\x90\x9B[2J next\n");
    assert_int_equal(buf_cstr(&text)[26], 'Z');
    struct stat info;
    assert_int_equal(stat(path_of("a.log"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    unlink(path_of("a.log"));
    buf_release(&text);
}

static void a_long_line__is_cut_with_an_ellipsis(void **state)
{
    (void)state;
    char *text = calloc(1, 100001);
    assert_non_null(text);
    memset(text, 0x1B, 100000);
    assert_int_equal(log_open(path_of("a.log"), LOG_INFO, NULL), ERR_OK);
    log_write(LOG_INFO, "%s", text);
    log_close();
    struct buf line = content("a.log");
    assert_true(line.n > 2000 && line.n < 10000);
    assert_true(sv_ends_with(buf_sv(&line), SV("\xE2\x80\xA6\n")));
    unlink(path_of("a.log"));
    buf_release(&line);
    free(text);
}

static void a_log_that_cannot_be_opened__leaves_the_old_one(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(log_open(path_of("a.log"), LOG_INFO, NULL), ERR_OK);
    assert_int_not_equal(log_open(folder, LOG_INFO, &err), ERR_OK);
    log_write(LOG_INFO, "still here");
    log_close();
    struct buf text = content("a.log");
    assert_true(sv_ends_with(buf_sv(&text), SV(" info still here\n")));
    unlink(path_of("a.log"));
    buf_release(&text);
}

static void a_descriptor_of_the_caller__stays_open(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    log_to_fd(fds[1], LOG_DEBUG);
    log_write(LOG_DEBUG, "x");
    log_to_fd(-1, LOG_DEBUG);
    errno = ENOSPC;
    log_write(LOG_DEBUG, "a failure of its own stays its own");
    assert_int_equal(errno, ENOSPC);
    log_close();
    assert_true(fcntl(fds[1], F_GETFD) >= 0);
    char bytes[64];
    assert_true(read(fds[0], bytes, sizeof(bytes)) > 0);
    close(fds[0]);
    close(fds[1]);
}

#define THREADS 4
#define LINES 500

static void *write_lines(void *arg)
{
    for (int i = 0; i < LINES; i++) {
        log_write(LOG_INFO, "thread %d line %d end", *(int *)arg, i);
    }
    return NULL;
}

static size_t count_whole_lines(const char *name)
{
    struct buf text = content(name);
    struct sv rest = buf_sv(&text);
    struct sv line;
    size_t count = 0;
    while (sv_next_line(&rest, &line)) {
        assert_true(line.n > 40 && line.n < 60);
        assert_true(sv_starts_with(sv_skip(line, 26), SV("Z info thread ")));
        assert_true(sv_ends_with(line, SV(" end")));
        count++;
    }
    buf_release(&text);
    return count;
}

static void moving_the_log__loses_and_mixes_no_line(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int numbers[THREADS];
    assert_int_equal(log_open(path_of("a.log"), LOG_INFO, NULL), ERR_OK);
    assert_int_equal(log_open(path_of("b.log"), LOG_INFO, NULL), ERR_OK);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &numbers[i]), 0);
    }
    for (int i = 0; i < 200; i++) {
        assert_int_equal(log_open(path_of(i % 2 ? "a.log" : "b.log"), LOG_INFO, NULL), ERR_OK);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    log_close();
    assert_int_equal(count_whole_lines("a.log") + count_whole_lines("b.log"), THREADS * LINES);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_log__nothing_happens),
        cmocka_unit_test(a_line__has_time_level_and_safe_text),
        cmocka_unit_test(a_long_line__is_cut_with_an_ellipsis),
        cmocka_unit_test(a_log_that_cannot_be_opened__leaves_the_old_one),
        cmocka_unit_test(a_descriptor_of_the_caller__stays_open),
        cmocka_unit_test(moving_the_log__loses_and_mixes_no_line),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
