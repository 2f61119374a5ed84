/* The program: what has to be so before anything runs. */
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include "app/command.h"
#include "base/alloc.h"

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

int main(int argc, char **argv)
{
    alloc_set_up();
    fill_descriptors();
    choose_locale();
    keep_secrets_out_of_dumps();
    /* A reader that went away is an error of write(), with an exit code of its own. */
    signal(SIGPIPE, SIG_IGN);
    return command_main(argc, argv);
}
