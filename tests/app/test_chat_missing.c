/* Names in a prompt that are no files: which of them the user is told, and what they may have been.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/chat_missing.h"
#include "base/file.h"

#include <cmocka.h>

#define NO_FILE "not attached: there is no file "

static void make_file(const char *path)
{
    assert_int_equal(file_write_atomic(path, SV("x"), NULL), ERR_OK);
}

/* A folder with some files, which is the current one from then on. */
static int set_up(void **state)
{
    static char path[] = "/tmp/weir-missing-XXXXXX";
    (void)state;
    if (!mkdtemp(path) || chdir(path) || mkdir("src", 0700) || mkdir("src/deep", 0700)) {
        return -1;
    }
    make_file("README.md");
    make_file("Makefile");
    make_file("two words.txt");
    make_file("data.rivers");
    make_file("src/main.c");
    make_file("src/deep/heron.c");
    return 0;
}

static char *told_of(const char *const *names)
{
    struct chat_missing missing;
    chat_missing_init(&missing);
    for (size_t i = 0; names[i]; i++) {
        chat_missing_note(&missing, sv_from(names[i]));
    }
    char *text = chat_missing_text(&missing);
    chat_missing_release(&missing);
    return text;
}

static void assert_told(const char *name, const char *text)
{
    char *told = told_of((const char *const[]){name, NULL});
    if (text) {
        assert_string_equal(told ? told : "nothing", text);
    } else if (told) {
        fail_msg("of '%s' it is told: %s", name, told);
    }
    free(told);
}

static void what_looks_like_a_file__is_told(void **state)
{
    (void)state;
    assert_told("none.txt", NO_FILE "'none.txt'; sent as text");
    assert_told("none.PY", NO_FILE "'none.PY'; sent as text");
    assert_told("no/such", NO_FILE "'no/such'; sent as text");
    assert_told("/no/such", NO_FILE "'/no/such'; sent as text");
    assert_told("~/no-such-file-of-mine", NO_FILE "'~/no-such-file-of-mine'; sent as text");
    assert_told("more.rivers", NO_FILE "'more.rivers'; sent as text"); /* as data.rivers */
    assert_told("none.txt?!", NO_FILE "'none.txt'; sent as text");
}

static void what_was_meant__is_offered(void **state)
{
    (void)state;
    assert_told("readme.md", NO_FILE "'readme.md' (did you mean @README.md?); sent as text");
    assert_told("README", NO_FILE "'README' (did you mean @README.md?); sent as text");
    assert_told("Makefiel,", NO_FILE "'Makefiel' (did you mean @Makefile?); sent as text");
    assert_told("src", NO_FILE "'src' (did you mean @src/?); sent as text");
    assert_told("src/mian.c", NO_FILE "'src/mian.c' (did you mean @src/main.c?); sent as text");
    assert_told("scr/main.c", NO_FILE "'scr/main.c' (did you mean @src/main.c?); sent as text");
    assert_told("src/dep/heron.c",
                NO_FILE "'src/dep/heron.c' (did you mean @src/deep/heron.c?); sent as text");
    assert_told("./src/mian.c",
                NO_FILE "'./src/mian.c' (did you mean @./src/main.c?); sent as text");
    assert_told("two-words.txt",
                NO_FILE "'two-words.txt' (did you mean @\"two words.txt\"?); sent as text");
    /* What would still not be there is not. */
    assert_told("scr/none.c", NO_FILE "'scr/none.c'; sent as text");
}

static void handles_addresses_and_code__are_left_alone(void **state)
{
    (void)state;
    static const char *const names[] = {"everybody",
                                        "bob",
                                        "first.last",
                                        "example.com",
                                        "me@example.md",
                                        "Override",
                                        "app.route(\"/x/y.md\")",
                                        "media(min-width",
                                        "param",
                                        "",
                                        ".",
                                        "...",
                                        "/",
                                        "-",
                                        "https://example.com/a.html",
                                        "@",
                                        "1,3",
                                        "x={a.b/c}"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_told(names[i], NULL);
    }
}

static void many__are_counted_and_each_is_told_once(void **state)
{
    (void)state;
    char *told =
        told_of((const char *const[]){"a.c", "b.c", "a.c", "c.c", "d.c", "e.c", "somebody", NULL});
    assert_string_equal(told, NO_FILE "'a.c', 'b.c', 'c.c' and 2 more; sent as text");
    free(told);
}

static void huge_ones__are_no_names(void **state)
{
    (void)state;
    char *name = malloc(1 << 20);
    assert_non_null(name);
    memset(name, '/', (1 << 20) - 1);
    name[(1 << 20) - 1] = '\0';
    assert_told(name, NULL);
    free(name);
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const files[] = {"README.md",   "Makefile",   "two words.txt",
                                        "data.rivers", "src/main.c", "src/deep/heron.c"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)unlink(files[i]);
    }
    char path[4096];
    bool named = getcwd(path, sizeof(path)) != NULL;
    return rmdir("src/deep") || rmdir("src") || chdir("/") || !named || rmdir(path) ? -1 : 0;
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_looks_like_a_file__is_told),
        cmocka_unit_test(what_was_meant__is_offered),
        cmocka_unit_test(handles_addresses_and_code__are_left_alone),
        cmocka_unit_test(many__are_counted_and_each_is_told_once),
        cmocka_unit_test(huge_ones__are_no_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
