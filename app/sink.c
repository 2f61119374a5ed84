/* Destinations of an export. */
#include "app/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/output.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/safe.h"
#include "base/ulid.h"

#define FLUSH_BYTES ((size_t)256 << 10)

void sink_init_memory(struct sink *sink, size_t max)
{
    *sink = (struct sink){.out = BUF_INIT(max), .fd = -1};
}

void sink_init_nowhere(struct sink *sink)
{
    *sink = (struct sink){.out = BUF_INIT(BUF_MAX_INTERNAL), .fd = -1, .is_nowhere = true};
}

/* ---- signals ---- */

/* What a signal that ends the process takes away: the temporary file of the sink that is open. */
static char *volatile unfinished;

static void on_end(int number)
{
    int before = errno;
    if (unfinished) {
        (void)unlink(unfinished);
    }
    errno = before;
    /* By its default now, once this returns. */
    (void)raise(number);
}

static void watch_signals(char *temporary)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    unfinished = temporary;
    for (size_t i = 0; temporary && i < COUNT_OF(numbers); i++) {
        struct sigaction action;
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
            action = (struct sigaction){.sa_handler = on_end, .sa_flags = (int)SA_RESETHAND};
            (void)sigaction(numbers[i], &action, NULL);
        }
    }
}

enum err_code sink_open(struct sink *sink, const char *path, struct err *err)
{
    *sink = (struct sink){.out = BUF_INIT(BUF_MAX_INTERNAL), .fd = STDOUT_FILENO};
    if (!path || strcmp(path, "-") == 0) {
        sink->safe = isatty(STDOUT_FILENO);
        return ERR_OK;
    }
    sink->fd = -1;
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        return err_set_errno(err, EISDIR, "cannot write '%s'", path);
    }
    /* A link stays a link: what it points to is replaced. */
    char *target = realpath(path, NULL);
    sink->path = target ? target : xstrdup(path);
    if (file_is_special(path)) {
        return file_open(path, O_WRONLY, &sink->fd, err);
    }
    struct ulid id = ulid_new();
    sink->temporary = xasprintf("%s.%s.tmp", sink->path, id.text);
    watch_signals(sink->temporary);
    errno = 0;
    enum err_code code = file_open(sink->temporary, O_WRONLY | O_CREAT | O_EXCL, &sink->fd, NULL);
    if (code) {
        err_set_errno(err, errno, "cannot write '%s'", path);
        watch_signals(NULL);
        free(sink->temporary);
        sink->temporary = NULL;
    }
    return code;
}

static int write_out(struct sink *sink)
{
    struct buf safe = BUF_INIT(BUF_MAX_INTERNAL);
    struct sv text = buf_sv(&sink->out);
    if (sink->safe) {
        (void)safe_append(&safe, text, SAFE_DEFAULT);
        text = buf_sv(&safe);
    }
    int failure = output_write(sink->fd, text);
    buf_release(&safe);
    return failure;
}

enum err_code sink_flush(struct sink *sink, bool all, struct err *err)
{
    if (!buf_ok(&sink->out)) {
        return err_set(err, ERR_TOO_BIG, "the session is too long for one export");
    }
    if (sink->is_nowhere) {
        buf_clear(&sink->out);
        return ERR_OK;
    }
    if (sink->fd < 0 || (!all && sink->out.n < FLUSH_BYTES)) {
        return ERR_OK;
    }
    int failure = write_out(sink);
    buf_clear(&sink->out);
    if (failure == EPIPE) {
        return err_set(err, ERR_CLOSED, "the reader of the export has gone");
    }
    if (failure && !sink->path) {
        return err_set_errno(err, failure, "cannot write to stdout");
    }
    return failure ? err_set_errno(err, failure, "cannot write '%s'", sink->path) : ERR_OK;
}

/* The folder's entry is on the disk as well; where it cannot be synced, the rename still holds. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
    free(folder);
}

enum err_code sink_commit(struct sink *sink, struct err *err)
{
    enum err_code code = sink_flush(sink, true, err);
    if (code || !sink->path) {
        return code;
    }
    int failure = sink->temporary && fsync(sink->fd) < 0 ? errno : 0;
    failure = close(sink->fd) < 0 && !failure ? errno : failure;
    sink->fd = -1;
    if (!failure && sink->temporary && rename(sink->temporary, sink->path) < 0) {
        failure = errno;
    }
    if (failure) {
        return err_set_errno(err, failure, "cannot write '%s'", sink->path);
    }
    if (sink->temporary) {
        watch_signals(NULL);
        sync_folder(sink->path);
        free(sink->temporary);
        sink->temporary = NULL;
    }
    return ERR_OK;
}

void sink_close(struct sink *sink)
{
    if (sink->path && sink->fd >= 0) {
        (void)close(sink->fd);
    }
    sink->fd = -1;
    if (sink->temporary) {
        (void)unlink(sink->temporary);
        watch_signals(NULL);
    }
    free(sink->temporary);
    free(sink->path);
    sink->temporary = sink->path = NULL;
    buf_release(&sink->out);
}
