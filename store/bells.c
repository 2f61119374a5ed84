/* Bells over inotify: one watch on the folder, one on the file of every other process. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/bells_internal.h"

#ifdef __linux__

#include <dirent.h>
#include <sys/inotify.h>

struct bells {
    int fd;
    int folder_watch;
    char *folder;
    struct ulid self;
    bool deaf;
};

/* Closing a file that was open for writing is what the end of its process looks like. */
static void watch_process(struct bells *bells, const char *name)
{
    struct ulid id;
    if (ulid_parse(sv_from(name), &id) && !ulid_equal(&id, &bells->self)) {
        char *path = xasprintf("%s/%s", bells->folder, name);
        if (inotify_add_watch(bells->fd, path, IN_MODIFY | IN_CLOSE_WRITE) < 0 && errno != ENOENT) {
            bells->deaf = true;
        }
        free(path);
    }
}

static void watch_all(struct bells *bells)
{
    DIR *dir = opendir(bells->folder);
    const struct dirent *entry = NULL;
    while (dir && (entry = readdir(dir))) {
        watch_process(bells, entry->d_name);
    }
    if (dir) {
        closedir(dir);
    }
}

enum err_code bells_open(const char *folder, const struct ulid *self, struct bells **ret_bells,
                         struct err *err)
{
    struct bells *bells = xcalloc(1, sizeof(*bells));
    bells->self = *self;
    bells->folder = xstrdup(folder);
    bells->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    bells->folder_watch =
        bells->fd < 0 ? -1 : inotify_add_watch(bells->fd, folder, IN_MOVED_TO | IN_DELETE);
    if (bells->folder_watch < 0) {
        enum err_code code = err_set(err, ERR_UNSUPPORTED, "cannot watch '%s'", folder);
        bells_close(bells);
        return code;
    }
    watch_all(bells);
    *ret_bells = bells;
    return ERR_OK;
}

void bells_close(struct bells *bells)
{
    if (!bells) {
        return;
    }
    if (bells->fd >= 0) {
        close(bells->fd);
    }
    free(bells->folder);
    free(bells);
}

int bells_fd(const struct bells *bells)
{
    return bells->fd;
}

static unsigned hear(struct bells *bells, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW) {
        watch_all(bells);
        return BELLS_RANG | BELLS_LEFT;
    }
    if (event->wd != bells->folder_watch) {
        return event->mask & IN_CLOSE_WRITE ? BELLS_RANG | BELLS_LEFT : BELLS_RANG;
    }
    if (event->mask & IN_MOVED_TO && event->len > 0) {
        watch_process(bells, event->name);
        return BELLS_RANG;
    }
    return event->mask & IN_DELETE ? BELLS_RANG | BELLS_LEFT : BELLS_SILENT;
}

unsigned bells_listen(struct bells *bells)
{
    _Alignas(struct inotify_event) char space[4096];
    unsigned heard = BELLS_SILENT;
    ssize_t n = 0;
    while ((n = read(bells->fd, space, sizeof(space))) > 0) {
        for (const char *at = space; at < space + n;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
            heard |= hear(bells, event);
            at += sizeof(*event) + event->len;
        }
    }
    return heard;
}

bool bells_deaf(const struct bells *bells)
{
    return bells->deaf;
}

#else

struct bells {
    int unused;
};

enum err_code bells_open(const char *folder, const struct ulid *self UNUSED,
                         struct bells **ret_bells UNUSED, struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED, "cannot watch '%s'", folder);
}

void bells_close(struct bells *bells)
{
    free(bells);
}

int bells_fd(const struct bells *bells UNUSED)
{
    return -1;
}

unsigned bells_listen(struct bells *bells UNUSED)
{
    return BELLS_RANG | BELLS_LEFT;
}

bool bells_deaf(const struct bells *bells UNUSED)
{
    return true;
}

#endif
