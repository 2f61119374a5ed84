/* The pager: a child on the other end of a pipe. */
#include "app/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/output.h"
#include "base/log.h"

/* Where the terminal does not tell. */
#define ROWS 24
#define COLUMNS 80

extern char **environ;

static struct winsize terminal_size(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
        size = (struct winsize){.ws_row = ROWS, .ws_col = COLUMNS};
    }
    return size;
}

/* The shell's next prompt needs a row, too. Characters are counted, which is near enough. */
static bool fits(struct sv text)
{
    struct winsize size = terminal_size();
    struct sv line;
    size_t rows = 0;
    while (rows < size.ws_row && sv_next_line(&text, &line)) {
        size_t characters = 0;
        for (size_t i = 0; i < line.n; i++) {
            characters += ((unsigned char)line.p[i] & 0xC0) != 0x80;
        }
        rows += characters > 0 ? (characters + size.ws_col - 1) / size.ws_col : 1;
    }
    return rows < size.ws_row;
}

/* NULL: none. */
static const char *command(void)
{
    const char *pager = getenv("PAGER");
    const char *terminal = getenv("TERM");
    if (!terminal || strcmp(terminal, "dumb") == 0) {
        return NULL;
    }
    if (!pager) {
        return "less";
    }
    return *pager && strcmp(pager, "cat") != 0 ? pager : NULL;
}

/* Gives 0 or an errno. */
static int spawn(const char *pager, int input, pid_t *ret_pid)
{
    char *const argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char *)pager, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGQUIT);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int failure = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    failure =
        failure ? failure : posix_spawn(ret_pid, "/bin/sh", &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

/* Gives the status that it ended with. */
static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

/* One that cannot be started, or fails, has shown nothing that counts; one that the reader stopped
 * has. */
static bool has_shown(int status)
{
    if (WIFSIGNALED(status)) {
        int number = WTERMSIG(status);
        return number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool show_through(const char *pager, struct sv text)
{
    int ends[2];
    pid_t pid = -1;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    int failure = spawn(pager, ends[0], &pid);
    close(ends[0]);
    /* Who left before the end is no failure. */
    if (!failure) {
        (void)output_write(ends[1], text);
    }
    close(ends[1]);
    int status = failure ? 0 : wait_for(pid);
    if (failure || !has_shown(status)) {
        log_write(LOG_INFO, "the pager '%s' failed: %s", pager,
                  failure ? strerror(failure) : "it did not end well");
        return false;
    }
    return true;
}

bool pager_show(struct sv text)
{
    const char *pager = isatty(STDOUT_FILENO) ? command() : NULL;
    if (!pager || fits(text)) {
        return false;
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction interrupt;
    struct sigaction quit;
    (void)setenv("LESS", "FRX", 0);
    (void)sigaction(SIGINT, &ignore, &interrupt);
    (void)sigaction(SIGQUIT, &ignore, &quit);
    bool shown = show_through(pager, text);
    (void)sigaction(SIGINT, &interrupt, NULL);
    (void)sigaction(SIGQUIT, &quit, NULL);
    return shown;
}
