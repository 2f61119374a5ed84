/* Wake-ups by eventfd on Linux and by a pipe elsewhere (or with WEIR_WAKE_PIPE, to test it). */
#include "base/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>
#if defined(__linux__) && !defined(WEIR_WAKE_PIPE)
#define USE_EVENTFD
#include <sys/eventfd.h>
#endif

#ifdef USE_EVENTFD
static int open_fds(int fds[2])
{
    fds[0] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    fds[1] = fds[0];
    return fds[0] < 0 ? errno : 0;
}
#else
static int make_quiet(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
        return errno;
    }
    return 0;
}

static int open_fds(int fds[2])
{
    if (pipe(fds) < 0) {
        return errno;
    }
    int failure = make_quiet(fds[0]);
    if (!failure) {
        failure = make_quiet(fds[1]);
    }
    if (failure) {
        close(fds[0]);
        close(fds[1]);
    }
    return failure;
}
#endif

enum err_code wake_open(struct wake *wake, struct err *err)
{
    int fds[2];
    *wake = WAKE_INIT;
    int failure = open_fds(fds);
    if (failure) {
        return err_set_errno(err, failure, "cannot make a wake-up");
    }
    *wake = (struct wake){.read_fd = fds[0], .write_fd = fds[1]};
    return ERR_OK;
}

void wake_close(struct wake *wake)
{
    if (!wake) {
        return;
    }
    if (wake->write_fd >= 0 && wake->write_fd != wake->read_fd) {
        close(wake->write_fd);
    }
    if (wake->read_fd >= 0) {
        close(wake->read_fd);
    }
    *wake = WAKE_INIT;
}

/* A full eventfd or pipe is no failure: it is readable, which is all that a signal has to make it.
 */
void wake_signal(const struct wake *wake)
{
    int saved = errno; /* Signal handlers call this. */
    uint64_t one = 1;
    ssize_t written;
    do {
        written = write(wake->write_fd, &one, sizeof(one));
    } while (written < 0 && errno == EINTR);
    errno = saved;
}

void wake_drain(const struct wake *wake)
{
    char bytes[512];
    ssize_t got;
    do {
        got = read(wake->read_fd, bytes, sizeof(bytes));
    } while (got == (ssize_t)sizeof(bytes) || (got < 0 && errno == EINTR));
}
