/*
 * The log. Its descriptor lives in a counted sink, so that a thread may write its line without
 * holding the lock while another one moves or closes the log.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/safe.h"
#include "base/utf8.h"

#define MESSAGE_SIZE 2048
#define LINE_MAX_SIZE (4 * MESSAGE_SIZE) /* No byte grows to more than three when made safe. */
#define LEVEL_OFF (-1)

struct sink {
    int fd;
    bool owned;
    unsigned users;
};

/* Guards: current, and the users of every sink. Leaf. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sink *current;
static atomic_int current_level = LEVEL_OFF;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static struct sink *sink_ref(void)
{
    pthread_mutex_lock(&lock);
    struct sink *sink = current;
    if (sink) {
        sink->users++;
    }
    pthread_mutex_unlock(&lock);
    return sink;
}

static void sink_unref(struct sink *sink)
{
    if (!sink) {
        return;
    }
    pthread_mutex_lock(&lock);
    bool last = --sink->users == 0;
    pthread_mutex_unlock(&lock);
    if (last) {
        if (sink->owned) {
            close(sink->fd);
        }
        free(sink);
    }
}

static void replace(struct sink *sink, int level)
{
    pthread_mutex_lock(&lock);
    struct sink *old = current;
    current = sink;
    atomic_store(&current_level, level);
    pthread_mutex_unlock(&lock);
    sink_unref(old);
}

static struct sink *sink_new(int fd, bool owned)
{
    struct sink *sink = xmalloc(sizeof(*sink));
    *sink = (struct sink){.fd = fd, .owned = owned, .users = 1};
    return sink;
}

enum err_code log_open(const char *path, enum log_level level, struct err *err)
{
    int fd = -1;
    enum err_code code = file_open(path, O_WRONLY | O_APPEND | O_CREAT, &fd, err);
    if (!code) {
        replace(sink_new(fd, true), (int)level);
    }
    return code;
}

void log_to_fd(int fd, enum log_level level)
{
    replace(sink_new(fd, false), (int)level);
}

void log_close(void)
{
    replace(NULL, LEVEL_OFF);
}

static void build_line(struct buf *line, enum log_level level, const char *format, va_list args)
{
    char message[MESSAGE_SIZE];
    char when[CLOCK_ISO_SIZE];
    int length = vsnprintf(message, sizeof(message), format, args);
    size_t shown = length < 0 ? 0 : (size_t)length;
    bool cut = shown >= sizeof(message);
    if (cut) {
        shown = utf8_cut(message, sizeof(message) - 1, sizeof(message) - 4);
    }
    clock_format_utc(clock_wall_us(), when);
    buf_appendf(line, "%s %s ", when, level_names[level]);
    safe_append(line, sv_of(message, shown), SAFE_ONE_LINE);
    buf_append_str(line, cut ? "\xE2\x80\xA6\n" : "\n");
}

void log_write(enum log_level level, const char *format, ...)
{
    if ((int)level > atomic_load_explicit(&current_level, memory_order_relaxed)) {
        return;
    }
    struct sink *sink = sink_ref();
    if (!sink) {
        return;
    }
    int saved = errno;
    struct buf line = BUF_INIT(LINE_MAX_SIZE);
    va_list args;
    va_start(args, format);
    build_line(&line, level, format, args);
    va_end(args);
    /* A log that cannot be written has nowhere to say so. */
    ssize_t ignored = write(sink->fd, buf_cstr(&line), line.n);
    (void)ignored;
    buf_release(&line);
    sink_unref(sink);
    errno = saved;
}
