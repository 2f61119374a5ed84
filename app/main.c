/* The program: what has to be so before anything runs. */
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include "app/command.h"

/* Where a standard descriptor is closed, the next file would take its place, and an answer would be
 * written into the database. What stands in fails in the direction that is missing. */
static void fill_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) {
            _exit(1);
        }
    }
}

/* Text is UTF-8 also where nobody said so. Nothing but characters follows the locale: numbers keep
 * their point, as scripts and JSON want them, errors their language, and a start reads one file. */
static void choose_locale(void)
{
    bool is_known = setlocale(LC_CTYPE, "") != NULL;
    if (!is_known || strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    }
}

/* Keys are in memory for a while. Debuggers and leak detectors need what is forbidden here, so only
 * the released program does it. */
static void keep_secrets_out_of_dumps(void)
{
#if defined(NDEBUG)
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
#if defined(__linux__)
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
#endif
}

#define LARGE_BYTES (256 << 10)

/* One heap for all threads: few of them allocate at a time, while a heap for each grows by a system
 * call a page, and where the address space is limited finds no room at all. What is large, as the
 * body of a request is, goes back to the system: else the limit of what is large would rise with
 * the first one, and the heap keep room for the next. */
static void set_up_heap(void)
{
#if defined(__GLIBC__)
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
#endif
}

int main(int argc, char **argv)
{
    set_up_heap();
    fill_descriptors();
    choose_locale();
    keep_secrets_out_of_dumps();
    /* A reader that went away is an error of write(), with an exit code of its own. */
    signal(SIGPIPE, SIG_IGN);
    return command_main(argc, argv);
}
