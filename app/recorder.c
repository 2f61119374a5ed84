/*
 * Recorder: one thread that writes what the tracks hold, as soon as they hold something.
 */
#include "app/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"

struct recorder_track {
    struct recorder_track *next;
    struct recorder *recorder;
    char *path;
    int64_t began_us; /* monotonic */
    int fd;           /* the thread's own; -1: not open yet */
    struct buf waiting;
    bool replaces, ended, failed;
};

struct recorder {
    pthread_mutex_t lock; /* Guards all but the tracks' files. Leaf. */
    pthread_cond_t work, changed;
    pthread_t thread;
    struct recorder_track *tracks;
    bool started, stopping, writing, alive;
};

struct recorder *recorder_new(void)
{
    struct recorder *recorder = xcalloc(1, sizeof(*recorder));
    pthread_mutex_init(&recorder->lock, NULL);
    clock_cond_init(&recorder->work);
    clock_cond_init(&recorder->changed);
    return recorder;
}

static void free_track(struct recorder_track *track)
{
    if (track->fd >= 0) {
        (void)close(track->fd);
    }
    buf_release(&track->waiting);
    free(track->path);
    free(track);
}

/* ---- the thread ---- */

#define OPEN_FLAGS (O_WRONLY | O_CREAT | O_NOCTTY | O_NONBLOCK)

static enum err_code open_replacing(const char *path, int *ret_fd, struct err *err)
{
    enum err_code code = file_make_parent(path, err);
    return code ? code : file_open(path, OPEN_FLAGS | O_TRUNC, ret_fd, err);
}

/* A device or a pipe holds nothing that could be lost. */
static enum err_code open_new(const char *path, int *ret_fd, struct err *err)
{
    if (file_is_special(path)) {
        return file_open(path, OPEN_FLAGS, ret_fd, err);
    }
    errno = 0;
    if (file_open(path, OPEN_FLAGS | O_EXCL, ret_fd, NULL) == ERR_OK) {
        return ERR_OK;
    }
    if (errno == EEXIST) {
        return err_set(err, ERR_EXISTS, "'%s' is there already: it is not recorded over", path);
    }
    return err_set_errno(err, errno, "cannot write '%s'", path);
}

/* No lock held. False: given up. */
static bool write_some(struct recorder_track *track, struct sv bytes)
{
    struct err err;
    enum err_code code = ERR_OK;
    if (track->fd < 0) {
        code = track->replaces ? open_replacing(track->path, &track->fd, &err)
                               : open_new(track->path, &track->fd, &err);
    }
    if (code) {
        log_write(LOG_WARN, "nothing is recorded: %s", err.text);
        return false;
    }
    int failure = file_write_all(track->fd, bytes.p, bytes.n);
    if (failure) {
        err_set_errno(&err, failure, "cannot write '%s'", track->path);
        log_write(LOG_WARN, "the recording ends: %s", err.text);
    }
    return failure == 0;
}

/* With the lock held: one that has something to write, or that has ended. */
static struct recorder_track *next_track(const struct recorder *recorder)
{
    struct recorder_track *track = recorder->tracks;
    while (track && !track->ended && (track->waiting.n == 0 || track->failed)) {
        track = track->next;
    }
    return track;
}

static void take_out(struct recorder *recorder, struct recorder_track *track)
{
    struct recorder_track **link = &recorder->tracks;
    while (*link != track) {
        link = &(*link)->next;
    }
    *link = track->next;
}

/* With the lock held, which is given up meanwhile. */
static void serve(struct recorder *recorder, struct recorder_track *track)
{
    struct buf bytes = track->waiting;
    bool failed = track->failed || !buf_ok(&bytes);
    bool ended = track->ended;
    buf_init(&track->waiting, RECORDER_MAX);
    recorder->writing = true;
    pthread_mutex_unlock(&recorder->lock);
    if (!failed && bytes.n > 0) {
        failed = !write_some(track, buf_sv(&bytes));
    }
    buf_release(&bytes);
    pthread_mutex_lock(&recorder->lock);
    track->failed = failed;
    recorder->writing = false;
    if (ended) {
        take_out(recorder, track);
        free_track(track);
    }
    pthread_cond_broadcast(&recorder->changed);
}

static void *recorder_main(void *arg)
{
    struct recorder *recorder = arg;
    pthread_mutex_lock(&recorder->lock);
    for (;;) {
        struct recorder_track *track = next_track(recorder);
        if (track) {
            serve(recorder, track);
        } else if (recorder->stopping) {
            break;
        } else {
            (void)clock_cond_wait(&recorder->work, &recorder->lock, CLOCK_NEVER);
        }
    }
    recorder->alive = false;
    pthread_cond_broadcast(&recorder->changed);
    pthread_mutex_unlock(&recorder->lock);
    return NULL;
}

/* ---- what others call ---- */

/* With the lock held. */
static bool start(struct recorder *recorder)
{
    struct err err;
    if (!recorder->started) {
        recorder->alive = recorder->started =
            thread_start(&recorder->thread, "weir-record", recorder_main, recorder, &err) == ERR_OK;
        if (!recorder->started) {
            log_write(LOG_WARN, "nothing is recorded: %s", err.text);
        }
    }
    return recorder->started && !recorder->stopping;
}

struct recorder_track *recorder_begin(struct recorder *recorder, const char *path, bool replaces,
                                      const struct recording_head *head)
{
    struct recorder_track *track = xcalloc(1, sizeof(*track));
    *track = (struct recorder_track){.recorder = recorder,
                                     .path = xstrdup(path),
                                     .began_us = clock_mono_us(),
                                     .fd = -1,
                                     .replaces = replaces};
    buf_init(&track->waiting, RECORDER_MAX);
    recording_append_head(&track->waiting, head);
    pthread_mutex_lock(&recorder->lock);
    bool started = start(recorder);
    if (started) {
        track->next = recorder->tracks;
        recorder->tracks = track;
        pthread_cond_signal(&recorder->work);
    }
    pthread_mutex_unlock(&recorder->lock);
    if (!started) {
        free_track(track);
        return NULL;
    }
    return track;
}

void recorder_take(struct recorder_track *track, const struct stream_event *event)
{
    if (!track) {
        return;
    }
    int64_t at_us = clock_mono_us() - track->began_us;
    pthread_mutex_lock(&track->recorder->lock);
    if (!track->failed) {
        recording_append_event(&track->waiting, at_us, event);
        pthread_cond_signal(&track->recorder->work);
    }
    pthread_mutex_unlock(&track->recorder->lock);
}

void recorder_end(struct recorder_track *track)
{
    if (!track) {
        return;
    }
    struct recorder *recorder = track->recorder;
    pthread_mutex_lock(&recorder->lock);
    track->ended = true;
    pthread_cond_signal(&recorder->work);
    pthread_mutex_unlock(&recorder->lock);
}

void recorder_flush(struct recorder *recorder, int64_t deadline_us)
{
    if (!recorder) {
        return;
    }
    pthread_mutex_lock(&recorder->lock);
    while (recorder->alive && (next_track(recorder) || recorder->writing) &&
           clock_cond_wait(&recorder->changed, &recorder->lock, deadline_us)) {
    }
    pthread_mutex_unlock(&recorder->lock);
}

void recorder_free(struct recorder *recorder, int64_t deadline_us)
{
    if (!recorder) {
        return;
    }
    pthread_mutex_lock(&recorder->lock);
    recorder->stopping = true;
    pthread_cond_signal(&recorder->work);
    while (recorder->alive && clock_cond_wait(&recorder->changed, &recorder->lock, deadline_us)) {
    }
    bool hangs = recorder->alive;
    pthread_mutex_unlock(&recorder->lock);
    if (hangs) {
        log_write(LOG_WARN, "a recording is not whole: its disk does not answer");
        return; /* its thread still uses all of this */
    }
    if (recorder->started) {
        pthread_join(recorder->thread, NULL);
    }
    while (recorder->tracks) {
        struct recorder_track *track = recorder->tracks;
        recorder->tracks = track->next;
        free_track(track);
    }
    pthread_cond_destroy(&recorder->work);
    pthread_cond_destroy(&recorder->changed);
    pthread_mutex_destroy(&recorder->lock);
    free(recorder);
}

enum err_code recorder_check(const char *path, struct err *err)
{
    int fd = -1;
    bool is_special = file_is_special(path);
    enum err_code code = open_new(path, &fd, err);
    if (code == ERR_OK) {
        (void)close(fd);
        if (!is_special) {
            /* What fails before its request must not stand in the way of the next run. */
            (void)unlink(path);
        }
    }
    return code;
}
