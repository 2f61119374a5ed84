/* Files and folders, in a folder of their own under /tmp. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

#include <cmocka.h>

static char folder[64];

static int enter_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/weir-test-file-XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

/* What the tests leave behind, innermost first. */
static int leave_folder(void **state)
{
    (void)state;
    static const char *const left[] = {"a", "link", "dangling", "odd", "fifo", "d/e/f", "d/e", "d"};
    for (size_t i = 0; i < COUNT_OF(left); i++) {
        remove(left[i]);
    }
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static int mode_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (int)(info.st_mode & 0777) : -1;
}

static void check_content(const char *path, const char *expected)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    assert_int_equal(file_read(path, &text, NULL), ERR_OK);
    assert_string_equal(buf_cstr(&text), expected);
    buf_release(&text);
}

static void check_xdg(enum xdg_dir dir, const char *name, const char *expected)
{
    char *path = NULL;
    assert_int_equal(file_xdg_path(dir, name, &path, NULL), ERR_OK);
    assert_string_equal(path, expected);
    free(path);
}

static void xdg__follows_absolute_variables_then_home(void **state)
{
    (void)state;
    setenv("HOME", "/home/u", 1);
    setenv("XDG_DATA_HOME", "/data", 1);
    setenv("XDG_CONFIG_HOME", "relative", 1);
    setenv("XDG_STATE_HOME", "", 1);
    unsetenv("XDG_CACHE_HOME");
    check_xdg(XDG_DATA, "weir.db", "/data/weir/weir.db");
    check_xdg(XDG_CONFIG, "config.toml", "/home/u/.config/weir/config.toml");
    check_xdg(XDG_STATE, "x", "/home/u/.local/state/weir/x");
    check_xdg(XDG_CACHE, "", "/home/u/.cache/weir");
    check_xdg(XDG_CACHE, NULL, "/home/u/.cache/weir");
    unsetenv("XDG_DATA_HOME");
    check_xdg(XDG_DATA, "x", "/home/u/.local/share/weir/x");
    setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
    check_xdg(XDG_RUNTIME, "s", "/run/user/1/weir/s");
    unsetenv("XDG_RUNTIME_DIR");
    char *path = NULL;
    struct err err;
    assert_int_equal(file_xdg_path(XDG_RUNTIME, "s", &path, &err), ERR_NOT_FOUND);
    assert_null(path);
    assert_string_equal(err.text, "no runtime folder: XDG_RUNTIME_DIR is not set");
}

static void without_home__the_user_database_is_asked(void **state)
{
    (void)state;
    unsetenv("HOME");
    unsetenv("XDG_DATA_HOME");
    char *path = NULL;
    enum err_code code = file_xdg_path(XDG_DATA, "x", &path, NULL);
    if (code == ERR_OK) {
        assert_true(path[0] == '/' && strstr(path, "/.local/share/weir/x"));
    } else {
        assert_int_equal(code, ERR_NOT_FOUND);
    }
    free(path);
}

static void missing_folders__are_made_private_and_others_left_alone(void **state)
{
    (void)state;
    mode_t before = umask(0777);
    assert_int_equal(mkdir("d", 0755), 0);
    assert_int_equal(chmod("d", 0755), 0);
    assert_int_equal(file_make_parent("d/e//f/file", NULL), ERR_OK);
    assert_int_equal(file_make_parent("d/e/f/file", NULL), ERR_OK);
    umask(before);
    assert_int_equal(mode_of("d"), 0755);
    assert_int_equal(mode_of("d/e"), 0700);
    assert_int_equal(mode_of("d/e/f"), 0700);
    assert_false(file_exists("d/e/f/file"));
    assert_int_equal(file_make_parent("file", NULL), ERR_OK);
    assert_int_equal(file_make_parent("/file", NULL), ERR_OK);
}

static void a_file_in_the_way_of_a_folder__is_named(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(file_write_atomic("a", SV("x"), NULL), ERR_OK);
    assert_int_equal(file_make_parent("a/b/c", &err), ERR_CANNOT_CREATE);
    assert_int_equal(err.code, ERR_CANNOT_CREATE);
    assert_string_equal(err.text, "cannot make folder 'a': not a directory");
}

static void a_new_file__is_private_whatever_the_umask(void **state)
{
    (void)state;
    static const mode_t masks[] = {0, 022, 0777};
    for (size_t i = 0; i < COUNT_OF(masks); i++) {
        int fd = -1;
        remove("a");
        mode_t before = umask(masks[i]);
        assert_int_equal(file_open("a", O_RDWR | O_CREAT, &fd, NULL), ERR_OK);
        umask(before);
        assert_int_equal(mode_of("a"), 0600);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        close(fd);
    }
    int fd = -1;
    struct err err;
    assert_int_equal(file_open("a", O_RDWR | O_CREAT | O_EXCL, &fd, &err), ERR_EXISTS);
    assert_int_equal(file_open("none", O_RDONLY, &fd, &err), ERR_NOT_FOUND);
    assert_string_equal(err.text, "cannot open 'none': no such file or directory");
    assert_int_equal(fd, -1);
}

static void an_existing_file__keeps_its_mode_when_opened(void **state)
{
    (void)state;
    int fd = -1;
    assert_int_equal(file_write_atomic("a", SV("x"), NULL), ERR_OK);
    assert_int_equal(chmod("a", 0644), 0);
    assert_int_equal(file_open("a", O_WRONLY | O_CREAT | O_APPEND, &fd, NULL), ERR_OK);
    close(fd);
    assert_int_equal(mode_of("a"), 0644);
    check_content("a", "x");
    remove("dangling");
    assert_int_equal(symlink("odd", "dangling"), 0);
    assert_int_equal(file_open("dangling", O_WRONLY | O_CREAT, &fd, NULL), ERR_OK);
    close(fd);
    assert_int_equal(mode_of("odd"), 0600);
}

static void reading__is_capped_and_leaves_the_buffer_on_failure(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(40000);
    struct err err;
    char *big = calloc(1, 39998);
    assert_non_null(big);
    memset(big, 'b', 39998);
    assert_int_equal(file_write_atomic("a", sv_of(big, 39998), NULL), ERR_OK);
    assert_true(buf_append_str(&text, "12"));
    assert_int_equal(file_read("a", &text, &err), ERR_OK);
    assert_int_equal(text.n, 40000);
    buf_truncate(&text, 3);
    assert_int_equal(file_read("a", &text, &err), ERR_TOO_BIG);
    assert_string_equal(buf_cstr(&text), "12b");
    assert_true(buf_ok(&text));
    buf_release(&text);
    free(big);
}

static void what_is_no_file__is_refused_without_waiting(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(100);
    struct err err;
    assert_int_equal(file_read(folder, &text, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "it is a folder"));
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(file_read("fifo", &text, &err), ERR_INVALID);
    assert_string_equal(err.text, "cannot read 'fifo': it is not a file");
    assert_int_equal(file_read("/dev/null", &text, &err), ERR_OK);
    assert_int_equal(file_read("/dev/zero", &text, &err), ERR_TOO_BIG);
    assert_int_equal(text.n, 0);
    buf_release(&text);
}

static void replacing__is_private_and_follows_links(void **state)
{
    (void)state;
    mode_t before = umask(0);
    assert_int_equal(file_write_atomic("a", SV("one"), NULL), ERR_OK);
    assert_int_equal(file_write_atomic("a", SV(""), NULL), ERR_OK);
    check_content("a", "");
    remove("link");
    assert_int_equal(symlink("a", "link"), 0);
    assert_int_equal(file_write_atomic("link", SV("two"), NULL), ERR_OK);
    umask(before);
    check_content("a", "two");
    struct stat info;
    assert_int_equal(lstat("link", &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(mode_of("a"), 0600);
    struct err err;
    assert_int_equal(file_write_atomic("none/a", SV("x"), &err), ERR_NOT_FOUND);
    assert_string_equal(err.text, "cannot write 'none/a': no such file or directory");
}

static void behind_a_link__is_the_file_that_it_stands_for(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(file_write_atomic("a", SV("one"), &err), ERR_OK);
    remove("link");
    remove("astray");
    assert_int_equal(symlink("a", "link"), 0);
    assert_int_equal(symlink("none/at/all", "astray"), 0);
    char *file = file_behind_link("link");
    assert_int_equal(file[0], '/');
    assert_string_equal(strrchr(file, '/'), "/a");
    free(file);
    static const char *const others[] = {"a", "astray", "missing", "none/at/all"};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        file = file_behind_link(others[i]);
        assert_string_equal(file, others[i]);
        free(file);
    }
    remove("astray");
}

static size_t count_temporaries(void)
{
    glob_t found = {0};
    size_t count = glob("a.*", 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    globfree(&found);
    return count;
}

/* A limit on the size of files stands in for a full disk. */
static void a_write_that_fails__keeps_the_old_file_and_no_rest(void **state)
{
    (void)state;
    assert_int_equal(file_write_atomic("a", SV("old"), NULL), ERR_OK);
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit small = {2, 2};
        struct err err;
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &small);
        _exit(file_write_atomic("a", SV("new content"), &err) == ERR_TOO_BIG ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    check_content("a", "old");
    assert_int_equal(count_temporaries(), 0);
}

static void *read_slowly(void *arg)
{
    char bytes[1000];
    size_t total = 0;
    ssize_t got;
    while ((got = read(*(int *)arg, bytes, sizeof(bytes))) > 0) {
        total += (size_t)got;
    }
    return (void *)total;
}

static void write_all__goes_on_after_short_writes(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_slowly, &fds[0]), 0);
    char *big = calloc(1, 1000000);
    assert_non_null(big);
    assert_int_equal(file_write_all(fds[1], big, 1000000), 0);
    close(fds[1]);
    void *total;
    pthread_join(thread, &total);
    assert_true((size_t)total == 1000000);
    close(fds[0]);
    assert_int_equal(file_write_all(-1, big, 1), EBADF);
    assert_int_equal(file_write_all(-1, NULL, 0), 0);
    free(big);
}

static void exposure__looks_at_group_others_and_owner(void **state)
{
    (void)state;
    assert_int_equal(file_write_atomic("a", SV("key"), NULL), ERR_OK);
    static const mode_t exposed[] = {0640, 0604, 0620, 0602, 0644};
    for (size_t i = 0; i < COUNT_OF(exposed); i++) {
        assert_int_equal(chmod("a", exposed[i]), 0);
        assert_true(file_is_exposed("a"));
    }
    assert_int_equal(chmod("a", 0600), 0);
    assert_false(file_is_exposed("a"));
    assert_true(file_is_exposed("none"));
    assert_true(file_exists("a"));
    assert_false(file_exists("none"));
}

static void what_is_special__is_neither_file_nor_folder(void **state)
{
    (void)state;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(file_write_atomic("a", SV("x"), NULL), ERR_OK);
    assert_true(file_is_special("pipe"));
    assert_true(file_is_special("/dev/null"));
    assert_false(file_is_special("a"));
    assert_false(file_is_special("."));
    assert_false(file_is_special("none"));
    assert_int_equal(unlink("pipe"), 0);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xdg__follows_absolute_variables_then_home),
        cmocka_unit_test(without_home__the_user_database_is_asked),
        cmocka_unit_test(missing_folders__are_made_private_and_others_left_alone),
        cmocka_unit_test(a_file_in_the_way_of_a_folder__is_named),
        cmocka_unit_test(a_new_file__is_private_whatever_the_umask),
        cmocka_unit_test(an_existing_file__keeps_its_mode_when_opened),
        cmocka_unit_test(reading__is_capped_and_leaves_the_buffer_on_failure),
        cmocka_unit_test(what_is_no_file__is_refused_without_waiting),
        cmocka_unit_test(replacing__is_private_and_follows_links),
        cmocka_unit_test(behind_a_link__is_the_file_that_it_stands_for),
        cmocka_unit_test(a_write_that_fails__keeps_the_old_file_and_no_rest),
        cmocka_unit_test(write_all__goes_on_after_short_writes),
        cmocka_unit_test(what_is_special__is_neither_file_nor_folder),
        cmocka_unit_test(exposure__looks_at_group_others_and_owner),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
