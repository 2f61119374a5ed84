/*
 * Update: what the store publishes when something changed. The payloads of the topics below.
 *
 * A message's update carries *pieces*: runs of new text with their part and byte offset. Applying
 * one twice is harmless; an offset beyond what the reader has, or a `revision_before` above the
 * reader's, is a gap: ask message_snapshot(). An update for a message the reader does not know is a
 * creation. Nothing follows UPDATE_DELETED.
 *
 * Lanes: text alone goes by the lossy lane, everything else by the must-deliver lane. The event's
 * key is the message's id (or the session's, for session updates).
 *
 * Threads: immutable once published; shared by all subscribers. Ownership: references
 * (pubsub/broker.h).
 */
#ifndef WEIR_STORE_UPDATE_H
#define WEIR_STORE_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "pubsub/broker.h"
#include "store/vocabulary.h"

#define TOPIC_MESSAGE 1u /* struct message_update */
#define TOPIC_SESSION 2u /* struct session_update */
#define TOPIC_STORE 4u   /* struct store_update */
/* Topics from here on belong to the floors above. */
#define TOPIC_FIRST_FREE 16u

struct piece {
    uint32_t part;
    enum part_kind kind;
    size_t offset;     /* of `text` within the part, in bytes */
    struct sv text;    /* may be empty: the part began or ended */
    bool ended;        /* the part ends here */
    struct sv tool_id; /* when the part begins here (offset 0) */
    struct sv tool_name;
};

enum update_kind {
    UPDATE_CREATED, /* `pieces` hold all of it so far */
    UPDATE_CHANGED,
    UPDATE_WAITING, /* an attempt failed before any content; the next one comes at `until_us` */
    UPDATE_ENDED,   /* last pieces, reason, usage */
    UPDATE_SAVED,   /* what went out as unsaved is on the disk now */
    UPDATE_DELETED,
};

struct message_update {
    struct payload payload;
    enum update_kind kind;
    struct ulid session;
    struct ulid message;
    struct ulid turn;
    enum role role;
    int64_t seq;
    uint32_t revision_before;
    uint32_t revision; /* after this update */
    bool unsaved;      /* seen before it was on the disk: the disk is slow, full or locked */
    struct piece *pieces;
    size_t piece_count;
    enum finish_reason reason; /* UPDATE_ENDED; UPDATE_CREATED: set when it had ended by then */
    struct usage usage;        /* with a reason, and as soon as it is known */
    enum err_code error;       /* with a reason, UPDATE_WAITING; and why it is unsaved */
    const char *detail;        /* text for the error, or NULL */
    const char *model;         /* UPDATE_CREATED, or NULL */
    int64_t until_us;          /* UPDATE_WAITING: monotonic */
    unsigned attempt;          /* UPDATE_WAITING: the one that failed, from 1 */
    unsigned attempts;         /* UPDATE_WAITING: that are made at most */
};

struct session_update {
    struct payload payload;
    struct ulid session;
    bool deleted;
};

/* Of the store as a whole: once after the start, and when writing begins or ceases to fail. */
struct store_update {
    struct payload payload;
    enum {
        STORE_READY,     /* recovery has run: the two counts */
        STORE_FAILED,    /* could not be opened for writing: code, text. What is read still works */
        STORE_NOT_SAVED, /* writes fail, text is kept and tried again: code, text */
        STORE_SAVED,     /* and now they don't */
    } kind;
    unsigned recovered_answers;
    uint64_t recovered_bytes;
    enum err_code code;
    char text[ERR_TEXT_SIZE];
};

#endif
