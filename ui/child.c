/*
 * fork, and exec in the child, which says by a pipe that closes itself on exec whether that went
 * well. Between the two only what is safe in a process with threads.
 */
#include "ui/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define PIPE_BYTES ((size_t)4096)

/* Closes what is open and forgets it. */
static void drop(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

static void become(const char *const argv[], int in, int report)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    sigemptyset(&plain.sa_mask);
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++) {
        sigaction(number, &plain, NULL);
    }
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(in >= 0 ? in : nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO);
    dup2(nothing, STDERR_FILENO);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    int why = errno;
    ssize_t ignored = write(report, &why, sizeof(why));
    (void)ignored;
    _exit(127);
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

/* In the child: itself, or a child of its own that nobody has to wait for. */
static void start_here(const char *const argv[], int in, int report, bool detached)
{
    setsid();
    pid_t pid = detached ? fork() : 0;
    if (pid == 0) {
        become(argv, in, report);
    }
    int why = pid < 0 ? errno : 0;
    ssize_t ignored = why ? write(report, &why, sizeof(why)) : 0;
    (void)ignored;
    _exit(0);
}

/* What the child reported: 0 when it runs. */
static int read_report(int fd)
{
    int why = 0;
    ssize_t got;
    while ((got = read(fd, &why, sizeof(why))) < 0 && errno == EINTR) {
    }
    return got == (ssize_t)sizeof(why) ? why : 0;
}

static enum err_code start(const char *const argv[], int in, bool detached, pid_t *ret_pid,
                           struct err *err)
{
    int report[2] = {-1, -1};
    if (pipe2(report, O_CLOEXEC) < 0) {
        return err_set_errno(err, errno, "cannot start '%s'", argv[0]);
    }
    pid_t pid = fork();
    if (pid == 0) {
        start_here(argv, in, report[1], detached);
    }
    int why = pid < 0 ? errno : 0;
    drop(&report[1]);
    why = why ? why : read_report(report[0]);
    drop(&report[0]);
    if (pid > 0 && (detached || why)) {
        wait_for(pid);
    }
    if (why) {
        return err_set_errno(err, why, "cannot start '%s'", argv[0]);
    }
    *ret_pid = pid;
    return ERR_OK;
}

enum err_code child_detach(const char *const argv[], struct err *err)
{
    pid_t ignored;
    return start(argv, -1, true, &ignored, err);
}

/* A reader that went away is an error here, not a signal: libraries of the process may have left
 * SIGPIPE as it is. */
static bool write_all(int fd, struct sv text, int64_t deadline_us)
{
    sigset_t pipe_signal;
    sigset_t before;
    struct timespec now = {0, 0};
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    while (text.n) {
        struct pollfd out = {.fd = fd, .events = POLLOUT};
        if (poll(&out, 1, clock_poll_ms(deadline_us)) <= 0 || !(out.revents & POLLOUT)) {
            break;
        }
        ssize_t n = write(fd, text.p, text.n < PIPE_BYTES ? text.n : PIPE_BYTES);
        if (n < 0 && errno != EINTR) {
            break;
        }
        text = sv_skip(text, n > 0 ? (size_t)n : 0);
    }
    while (sigtimedwait(&pipe_signal, NULL, &now) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return text.n == 0;
}

/* True: it has ended by then; else it is killed. */
static bool ends_by(pid_t pid, int64_t deadline_us, int *ret_status)
{
    const struct timespec pause = {0, 2000000};
    while (clock_mono_us() < deadline_us) {
        pid_t got = waitpid(pid, ret_status, WNOHANG);
        if (got == pid || (got < 0 && errno != EINTR)) {
            return true;
        }
        nanosleep(&pause, NULL);
    }
    kill(pid, SIGKILL);
    *ret_status = wait_for(pid);
    return false;
}

enum err_code child_feed(const char *const argv[], struct sv text, int64_t deadline_us,
                         struct err *err)
{
    int in[2] = {-1, -1};
    pid_t pid;
    int status = 0;
    if (pipe2(in, O_CLOEXEC) < 0) {
        return err_set_errno(err, errno, "cannot start '%s'", argv[0]);
    }
    enum err_code code = start(argv, in[0], false, &pid, err);
    drop(&in[0]);
    if (code) {
        drop(&in[1]);
        return code;
    }
    bool taken = write_all(in[1], text, deadline_us);
    drop(&in[1]);
    if (!ends_by(pid, deadline_us, &status)) {
        return err_set(err, ERR_TIMEOUT, "'%s' does not end", argv[0]);
    }
    if (!taken || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return err_set(err, ERR_IO, "'%s' failed", argv[0]);
    }
    return ERR_OK;
}
