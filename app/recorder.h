/*
 * Recorder: writes recordings while answers stream (app/recording.h), on a thread of its own, so
 * that no stream waits for a disk.
 *
 * What is not written yet is held in memory, up to RECORDER_MAX for each turn; a recording that
 * passes it, or whose file fails, is given up with a line in the log, and the answer goes on.
 *
 * Threads: recorder_take and recorder_end from one thread at a time for each track; the rest from
 * the owner. Files are 0600.
 */
#ifndef WEIR_APP_RECORDER_H
#define WEIR_APP_RECORDER_H

#include <stddef.h>
#include <stdint.h>

#include "app/recording.h"
#include "base/attr.h"
#include "base/err.h"

#define RECORDER_MAX ((size_t)96 << 20)

struct recorder;
struct recorder_track;

/* No thread runs before the first track. */
struct recorder *recorder_new(void) NODISCARD;
/* Writes what is pending up to that time (monotonic), ends the thread, gives up the rest. NULL is
 * fine. */
void recorder_free(struct recorder *recorder, int64_t deadline_us);
/* Returns when all that was taken is written, or given up, or the time has come. NULL is fine. */
void recorder_flush(struct recorder *recorder, int64_t deadline_us);

/* A new recording in that file. `replaces`: one that is there is replaced, and the folder is made;
 * else one that is there is left alone, and nothing is recorded. NULL: no thread could be
 * started. */
struct recorder_track *recorder_begin(struct recorder *recorder, const char *path, bool replaces,
                                      const struct recording_head *head);
/* NULL is fine for both. The event is copied, with the time that has passed since the beginning. */
void recorder_take(struct recorder_track *track, const struct stream_event *event);
void recorder_end(struct recorder_track *track); /* the track is not the caller's any more */

/* That a new file can be made there, which it leaves unmade: for who wants to know before anything
 * is sent. ERR_EXISTS: it is there already. */
enum err_code recorder_check(const char *path, struct err *err) NODISCARD;

#endif
