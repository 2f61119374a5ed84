/*
 * Live message: a message that is being written, in memory. Internal to this floor.
 *
 * It knows three positions in each part: how much has come (the text's length), how much is on the
 * disk (`written`), how much readers have been given (`published`). live_take copies what lies
 * beyond; the two marks move when the writer and the publisher say so. Nothing here locks, writes
 * or publishes, so that all of it can be tested alone.
 *
 * Threads: the store's lock. Ownership: live_free frees all of it.
 */
#ifndef WEIR_STORE_LIVE_INTERNAL_H
#define WEIR_STORE_LIVE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "store/message.h"
#include "store/message_service.h"
#include "store/stream_event.h"
#include "store/update.h"

struct live_part {
    enum part_kind kind;
    struct buf text;
    size_t written;
    size_t published;
    size_t folded;    /* how much of it is in its place, once the message has ended */
    bool row_written; /* the row in `part` exists */
    bool end_written;
    bool ended;
    bool begin_published;
    bool end_published;
    char *tool_id;
    char *tool_name;
    int64_t began_us;
    int64_t ended_us;
};

/* Somebody who wants to know when change number `change` is on the disk. */
struct live_waiter {
    struct live_waiter *next;
    uint64_t change;
    message_done_fn *done;
    void *ctx;
};

struct live {
    struct ulid id, session, turn, attempt;
    int64_t row, turn_row, attempt_row;
    int64_t seq;
    enum role role;
    char *model;
    int64_t created_us;

    struct live_part *parts;
    size_t part_count, part_cap;
    size_t bytes; /* against MESSAGE_MAX_BYTES */
    uint32_t revision, published_revision;
    struct usage usage;
    bool usage_published;
    char *response_id;
    bool waiting; /* a failed attempt is to be published */
    int64_t waiting_until_us;
    unsigned waiting_attempt, waiting_attempts; /* that one, and how many are made at most */

    bool ended;
    bool end_written, end_published;
    enum finish_reason reason;
    enum err_code error;
    char *detail;
    int64_t ended_us;

    /* The service's: numbers of the last change that came, and of the last one on the disk. */
    uint64_t change, saved_change;
    bool fresh;         /* changed since it was last taken */
    bool listed;        /* in the store's list of dirty messages */
    bool gone;          /* deleted: refuses everything */
    bool shown_unsaved; /* readers hold text that is not on the disk */
    bool set_aside;     /* could not be written; not before retry_us */
    unsigned failures;
    int64_t retry_us;
    struct live *next_dirty;
    struct live *next_done; /* ended and saved, waiting to be folded */
    bool waits_to_fold;     /* in that list */
    struct live_waiter *waiters;
};

struct live *live_new(void) NODISCARD;
void live_free(struct live *live); /* NULL is fine. Its waiters must have been told */

/* Takes the event. ERR_INVALID: parts out of order, text for a part that ended; ERR_TOO_BIG;
 * ERR_NOT_FOUND: has ended. */
enum err_code live_apply(struct live *live, const struct stream_event *event,
                         struct err *err) NODISCARD;

/* What the writer has to do for one part. `text` lies in the update of the same struct taken. */
struct part_write {
    uint32_t part;
    enum part_kind kind;
    bool insert_row, write_end;
    size_t offset;
    struct sv text;
    struct sv tool_id, tool_name;
    int64_t began_us, ended_us;
};

/* A consistent cut of what is new in one message, for the disk and for readers. */
struct taken {
    struct live *live;
    struct message_update *update; /* NULL: nothing new for readers */
    struct part_write *writes;
    size_t write_count;
    uint64_t change;
    uint32_t revision;
    bool ends;
    bool overtaken; /* readers have got the update already, marked unsaved */
    bool partial;   /* only a first piece of what the disk lacks, and nothing for readers yet */
};

/* Copies what is not written and not published. With `for_disk` false only what is not published.
 * Clears `fresh`. */
void live_take(struct live *live, bool for_disk, struct taken *ret_taken);
/* Bytes of text that are not written. */
size_t live_unwritten(const struct live *live);
/* Copies at most `limit` of them, which are fewer than there are, and nothing for readers: they get
 * all of it with the cut that holds the rest. */
void live_take_some(struct live *live, size_t limit, struct taken *ret_taken);
void taken_release(struct taken *taken);
/* Moves the marks: readers have been, or are about to be, given the update; the disk holds the
 * writes. */
void live_mark_published(struct live *live, const struct taken *taken);
void live_mark_written(struct live *live, const struct taken *taken);
/* Nothing of it is missing on the disk. */
bool live_is_saved(const struct live *live);

/* All of it as plain data. */
struct message *live_copy(const struct live *live) NODISCARD;

#endif
