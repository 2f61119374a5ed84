/*
 * Message service: takes stream events by the thousand, coalesces them, has them written, and
 * publishes them.
 *
 * A delta is appended to the message's text in memory (under a leaf lock, O(its length), no disk)
 * and arms a deadline if none is armed: the window (33 ms by default). The window is not pushed
 * back by later deltas. At the deadline the writer takes every message that changed, writes the new
 * pieces in one transaction, and publishes in the order of the writes; one update for each message.
 * *Terminal* events (stream_event_is_terminal) do not wait for the window.
 *
 * What was published is never more than what `message_snapshot` gives, so a reader that sees a gap
 * can always close it.
 *
 * Failed writes: the text stays in memory, the write is tried again with growing pauses, readers
 * get it marked unsaved. A commit that has not returned after 50 ms is overtaken: its updates go
 * out marked unsaved, UPDATE_SAVED follows.
 *
 * An end is final: text is only appended, so a second finish is refused like any later event, and
 * nothing already given is replaced. Usage is kept with the end: the last that came before it, in
 * one row; who writes usage for the message later changes nothing.
 *
 * Threads: any. Ownership: events are borrowed for the call. Errors: ERR_NOT_FOUND (no such
 * message, or it has ended), ERR_GONE (deleted), ERR_CLOSED (after store_close), ERR_TIMEOUT.
 */
#ifndef WEIR_STORE_MESSAGE_SERVICE_H
#define WEIR_STORE_MESSAGE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/ulid.h"
#include "store/message.h"
#include "store/store.h"
#include "store/stream_event.h"

/* Longest answer; the event that would pass it is refused with ERR_TOO_BIG. */
#define MESSAGE_MAX_BYTES ((size_t)64 << 20)

/* Called once, on the writer's thread, with no lock held: only queue and wake there. */
typedef void message_done_fn(void *ctx, enum err_code code, const struct err *err);

/* Takes the event and returns at once, also for terminal ones; where the window is 0, when it is on
 * the disk. The order of calls is the order of everything. */
enum err_code message_apply(struct store *store, const struct ulid *message,
                            const struct stream_event *event, struct err *err) NODISCARD;
/* The same, and `done` (may be NULL) is called when this event is on the disk, or will never be.
 * Not called when this call fails. Never waits, also where the window is 0: for threads that must
 * not. */
enum err_code message_apply_then(
    struct store *store, const struct ulid *message, const struct stream_event *event,
    message_done_fn *done, void *ctx,
    struct err *err) NODISCARD; /* wide: the pair done, ctx is one thing */
/* The same, and returns when it is on the disk. For threads that may wait. ERR_TIMEOUT: it is still
 * pending. */
enum err_code message_apply_wait(struct store *store, const struct ulid *message,
                                 const struct stream_event *event, int64_t deadline_us,
                                 struct err *err) NODISCARD;

/* Wait until what was pending at the call is on the disk. ERR_TIMEOUT: `*ret_unsaved` messages are
 * not (may be NULL). */
enum err_code message_flush(struct store *store, const struct ulid *message, int64_t deadline_us,
                            struct err *err) NODISCARD;
enum err_code message_flush_session(struct store *store, const struct ulid *session,
                                    int64_t deadline_us, size_t *ret_unsaved,
                                    struct err *err) NODISCARD;
enum err_code message_flush_all(struct store *store, int64_t deadline_us, size_t *ret_unsaved,
                                struct err *err) NODISCARD;

/* The message as it is now, pending text included, fitting the updates that follow. Gives; free
 * with message_free. */
enum err_code message_snapshot(struct store *store, const struct ulid *message,
                               struct message **ret_message, struct err *err) NODISCARD;

/* Drops what is pending of it and moves it to the trash (store/trash.h), then publishes
 * UPDATE_DELETED; nothing of it follows, unless it is restored. ERR_NOT_FOUND, too, where it or
 * its session is in the trash. */
enum err_code message_delete(struct store *store, const struct ulid *message, int64_t deadline_us,
                             struct err *err) NODISCARD;

struct message_service_stats {
    size_t live;                /* messages in memory */
    size_t dirty;               /* of these, with unsaved changes */
    uint64_t transactions;      /* of the writer, since the start */
    uint64_t retries;           /* writes that failed and were tried again */
    uint64_t long_transactions; /* of any kind, that kept other processes out for over 10 ms */
};
struct message_service_stats message_service_stats(struct store *store);

#endif
