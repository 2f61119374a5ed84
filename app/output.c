/* Writing results and remarks. */
#include "app/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/pager.h"
#include "base/file.h"
#include "base/safe.h"

#define REMARK_MAX 2048

int output_write(int fd, struct sv text)
{
    size_t at = 0;
    while (at < text.n) {
        ssize_t written = write(fd, text.p + at, text.n - at);
        if (written >= 0) {
            at += (size_t)written;
        } else if (errno == EAGAIN) {
            struct pollfd room = {.fd = fd, .events = POLLOUT};
            (void)poll(&room, 1, -1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

int output_exit_code(int failure)
{
    if (failure == 0) {
        return 0;
    }
    if (failure == EPIPE) {
        return EXIT_READER_GONE;
    }
    struct err err;
    err_set_errno(&err, failure, "cannot write to stdout");
    output_remark("%s", err.text);
    return exit_code_of(ERR_IO);
}

/* What was made safe already, or need not be. */
static int write_result(struct sv text)
{
    return output_exit_code(output_write(STDOUT_FILENO, text));
}

int output_result(struct sv text)
{
    struct buf safe = BUF_INIT(BUF_MAX_INTERNAL);
    if (isatty(STDOUT_FILENO)) {
        (void)safe_append(&safe, text, SAFE_DEFAULT);
        text = buf_sv(&safe);
    }
    int exit_code = write_result(text);
    buf_release(&safe);
    return exit_code;
}

int output_paged(struct sv text)
{
    if (!isatty(STDOUT_FILENO)) {
        return write_result(text);
    }
    struct buf safe = BUF_INIT(BUF_MAX_INTERNAL);
    (void)safe_append(&safe, text, SAFE_DEFAULT);
    int exit_code = output_paged_safe(buf_sv(&safe));
    buf_release(&safe);
    return exit_code;
}

int output_paged_safe(struct sv text)
{
    return pager_show(text) ? 0 : write_result(text);
}

static enum err_code write_special(const char *path, struct sv text, struct err *err)
{
    int fd = -1;
    enum err_code code = file_open(path, O_WRONLY, &fd, err);
    if (code) {
        return code;
    }
    int failure = output_write(fd, text);
    failure = close(fd) != 0 && failure == 0 ? errno : failure;
    return failure ? err_set_errno(err, failure, "cannot write '%s'", path) : ERR_OK;
}

enum err_code output_to_file(const char *path, struct sv text, struct err *err)
{
    return file_is_special(path) ? write_special(path, text, err)
                                 : file_write_atomic(path, text, err);
}

bool output_terminal_is_dumb(void)
{
    const char *term = getenv("TERM");
    return !term || !*term || strcmp(term, "dumb") == 0;
}

void output_remark(const char *format, ...)
{
    char line[REMARK_MAX];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    struct buf out = BUF_INIT(8 * REMARK_MAX);
    size_t n = length < 0 ? 0 : (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    buf_append_str(&out, "weir: ");
    (void)safe_append(&out, sv_of(line, n), SAFE_DEFAULT);
    buf_append_byte(&out, '\n');
    (void)output_write(STDERR_FILENO, buf_sv(&out));
    buf_release(&out);
}
