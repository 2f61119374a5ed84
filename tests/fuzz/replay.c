/*
 * Runs a fuzzer's target over its corpus, one test per file, so that what a fuzzer once found is
 * tested by every compiler and sanitizer. The corpus of replay_fuzz_x is tests/fuzz/corpus/fuzz_x,
 * seen from the root of the repository. The empty input is always tested.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

#include <cmocka.h>

/* Every fuzzer defines it; the name is libFuzzer's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No input may hang. */
#define SECONDS_PER_INPUT 20

static void replay(void **state)
{
    const char *path = *state;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_true(size >= 0);
    rewind(file);
    /* Exactly as large as the input, so that a sanitizer sees the first byte read past it. */
    uint8_t *data = xmalloc((size_t)size);
    assert_int_equal(fread(data, 1, (size_t)size, file), size);
    fclose(file);
    alarm(SECONDS_PER_INPUT);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    alarm(0);
    free(data);
}

int main(int argc, char **argv)
{
    const char *name = argc > 0 ? strrchr(argv[0], '/') : NULL;
    name = strstr(name ? name : argv[0], "fuzz_");
    if (!name) {
        return 2;
    }
    char *pattern = xasprintf("tests/fuzz/corpus/%s/*", name);
    glob_t files = {0};
    if (glob(pattern, 0, NULL, &files) == GLOB_NOSPACE) {
        return 2;
    }
    size_t count = files.gl_pathc + 1;
    struct CMUnitTest *tests = xcalloc(count, sizeof(*tests));
    for (size_t i = 0; i < count; i++) {
        char *path = i < files.gl_pathc ? files.gl_pathv[i] : "/dev/null";
        tests[i] = (struct CMUnitTest){.name = path, .test_func = replay, .initial_state = path};
    }
    int failed = _cmocka_run_group_tests(name, tests, count, NULL, NULL);
    free(tests);
    globfree(&files);
    free(pattern);
    return failed;
}
