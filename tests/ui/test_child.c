/* Other programs that are handed something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "ui/child.h"

#include <cmocka.h>

#define LONG_BYTES ((size_t)1 << 20)

static void a_program__gets_the_whole_text(void **state)
{
    (void)state;
    char path[] = "/tmp/weir-child-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    char *text = xmalloc(LONG_BYTES);
    memset(text, 'x', LONG_BYTES);
    char *script = xasprintf("cat > %s", path);
    const char *const argv[] = {"sh", "-c", script, NULL};
    struct err err = {0};
    assert_int_equal(child_feed(argv, sv_of(text, LONG_BYTES), clock_mono_us() + CLOCK_S(10), &err),
                     ERR_OK);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, LONG_BYTES);
    unlink(path);
    free(script);
    free(text);
}

static void one_that_fails_or_hangs__is_an_error(void **state)
{
    static const char *const missing[] = {"weir-no-such-program", NULL};
    static const char *const failing[] = {"sh", "-c", "exit 3", NULL};
    static const char *const deaf[] = {"sh", "-c", "exec sleep 60", NULL};
    (void)state;
    struct err err = {0};
    int64_t soon = clock_mono_us() + CLOCK_S(10);
    assert_int_equal(child_feed(missing, SV("x"), soon, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "weir-no-such-program"));
    assert_int_equal(child_feed(failing, SV(""), soon, &err), ERR_IO);
    int64_t began = clock_mono_us();
    assert_int_equal(child_feed(deaf, SV("x"), began + CLOCK_MS(50), &err), ERR_TIMEOUT);
    assert_true(clock_mono_us() - began < CLOCK_S(5));
    assert_int_equal(child_detach(missing, &err), ERR_NOT_FOUND);
}

static void one_that_is_detached__leaves_no_child_behind(void **state)
{
    (void)state;
    char folder[] = "/tmp/weir-child-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *path = xasprintf("%s/made", folder);
    const char *const argv[] = {"mkdir", path, NULL};
    struct err err = {0};
    assert_int_equal(child_detach(argv, &err), ERR_OK);
    int64_t deadline = clock_mono_us() + CLOCK_S(10);
    while (!file_exists(path) && clock_mono_us() < deadline) {
        usleep(1000);
    }
    assert_true(file_exists(path));
    rmdir(path);
    rmdir(folder);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program__gets_the_whole_text),
        cmocka_unit_test(one_that_fails_or_hangs__is_an_error),
        cmocka_unit_test(one_that_is_detached__leaves_no_child_behind),
    };
    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
