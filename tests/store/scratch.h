/*
 * A folder of its own for each test, removed afterwards, and a limit in time: a test that hangs
 * ends the program.
 */
#ifndef WEIR_TESTS_STORE_SCRATCH_H
#define WEIR_TESTS_STORE_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#define SCRATCH_SECONDS 60u

struct scratch {
    char *folder;
};

static inline int scratch_setup(void **state)
{
    struct scratch *scratch = xcalloc(1, sizeof(*scratch));
    const char *base = getenv("TMPDIR");
    scratch->folder = xasprintf("%s/weir-test-XXXXXX", base != NULL ? base : "/tmp");
    *state = scratch;
    alarm(SCRATCH_SECONDS);
    return mkdtemp(scratch->folder) != NULL ? 0 : -1;
}

static inline int scratch_unlink(const char *path, const struct stat *info, int kind,
                                 struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline int scratch_teardown(void **state)
{
    struct scratch *scratch = *state;
    alarm(0);
    (void)nftw(scratch->folder, scratch_unlink, 16, FTW_DEPTH | FTW_PHYS);
    free(scratch->folder);
    free(scratch);
    return 0;
}

/* Gives; free(). */
static inline char *scratch_path(const struct scratch *scratch, const char *name)
{
    return xasprintf("%s/%s", scratch->folder, name);
}

#define SCRATCH_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

#endif
