/*
 * Recording: the events of answers with their times, one JSON object a line (doc/recording.md).
 *
 * A recording holds one turn or several, one after the other: a head, then its events. What is
 * written here is read back as it was; what somebody else wrote is checked: text is repaired to
 * valid UTF-8, kinds and numbers are those of store/stream_event.h, or the line is refused.
 *
 * Threads: values of their owner. Ownership: what a reader gives are views, valid until its next
 * call. Units: µs from the head on.
 */
#ifndef WEIR_APP_RECORDING_H
#define WEIR_APP_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sv.h"
#include "store/stream_event.h"

#define RECORDING_VERSION 1
/* Largest file that is read. */
#define RECORDING_MAX ((size_t)256 << 20)

/* What begins a turn. Empty views are null in the file. */
struct recording_head {
    struct sv model; /* PROVIDER/MODEL */
    struct sv session, turn, message;
    struct sv prompt;
    int64_t at_us; /* wall clock */
};

/* Append one line each. */
void recording_append_head(struct buf *out, const struct recording_head *head);
void recording_append_event(struct buf *out, int64_t at_us, const struct stream_event *event);

struct recording;

/* Reads the whole file, but looks at nothing. ERR_NOT_FOUND, ERR_IO, ERR_TOO_BIG, ERR_INVALID (a
 * folder). */
enum err_code recording_open(const char *path, struct recording **ret_recording,
                             struct err *err) NODISCARD;
/* The same of a text, which is taken; `name` stands for the path in errors. */
struct recording *recording_of_text(const char *name, struct buf *text) NODISCARD;
void recording_close(struct recording *recording); /* NULL is fine */

/* To its beginning again. */
void recording_rewind(struct recording *recording);

struct recording_item {
    bool is_head;
    struct recording_head head;
    int64_t at_us; /* never less than the one before it */
    struct stream_event event;
};
/* `*ret_more` false: the end, and no item. ERR_INVALID names file and line; the next call goes on
 * behind it. ERR_UNSUPPORTED: a version that is not known. */
enum err_code recording_next(struct recording *recording, struct recording_item *ret_item,
                             bool *ret_more, struct err *err) NODISCARD;

#endif
