/*
 * Transcript: the messages of one session, as rows of a view.
 *
 * It holds a window of the session: messages around the view, and the latest ones. Those far above
 * are let go and asked for again as older ones (transcript_wants_older); those far below leave a
 * hole behind, which is filled from its upper end (transcript_wants_newer).
 * Messages come whole (transcript_load: pages of history and snapshots) or by updates
 * (store/update.h); in whatever pieces text comes, the rows are the same. An update that shows a
 * gap is applied as far as it goes, and the owner is asked for a snapshot.
 *
 * The view sticks to the tail (*follows*) until it is scrolled away; then it is anchored to a place
 * in the text, and neither new text below nor older messages above move it. Only what is in view is
 * laid out; text added to a message costs its own length. Answers are Markdown (ui/markdown.h);
 * what the user wrote is shown as it is.
 *
 * Threads: a value of its owner. Ownership: messages and updates are borrowed for the call and
 * copied. Times: wall clock, µs.
 */
#ifndef WEIR_UI_TRANSCRIPT_H
#define WEIR_UI_TRANSCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/ulid.h"
#include "store/message.h"
#include "store/search.h"
#include "store/update.h"
#include "ui/grid.h"

struct transcript;

/* Asked while an update is applied, as its last act; may call transcript_load. */
typedef void transcript_gap(void *ctx, const struct ulid *message);

struct transcript *transcript_new(transcript_gap *gap, void *ctx) NODISCARD;
void transcript_free(struct transcript *transcript); /* NULL is fine */
/* Empties it for another session (unset: none yet, updates are ignored). */
void transcript_reset(struct transcript *transcript, const struct ulid *session);

/* Adds a message or replaces what is known of it; what is older than that is ignored. */
void transcript_load(struct transcript *transcript, const struct message *message);
/* Whether the session has messages before those loaded; updates about such are ignored. */
void transcript_set_more(struct transcript *transcript, bool more);
/* True when something that may be in view has changed. */
bool transcript_apply(struct transcript *transcript, const struct message_update *update,
                      int64_t now_us);

bool transcript_knows(const struct transcript *transcript, const struct ulid *message);
/* It is loaded and has not ended. */
bool transcript_is_running(const struct transcript *transcript, const struct ulid *message);
size_t transcript_count(const struct transcript *transcript);
/* seq of the oldest message loaded; INT64_MAX: none is. */
int64_t transcript_oldest(const struct transcript *transcript);
/* Older messages exist and would be in view. */
bool transcript_wants_older(struct transcript *transcript);
/* Messages below the view were let go and may soon be in view: those behind `*ret_seq` are wanted.
 */
bool transcript_wants_newer(const struct transcript *transcript, int64_t *ret_seq);
/* Adds the next message below the view. False: it is loaded already, and so are all behind it. */
bool transcript_load_newer(struct transcript *transcript, const struct message *message);
/* Older messages, up to `seq`, are loaded next, and those between it and what is loaded are missing
 * from now on, as if they had been let go. Only where nothing is missing yet. */
void transcript_open_hole(struct transcript *transcript, int64_t seq);
/* Nothing is missing any more below the view. */
void transcript_close_hole(struct transcript *transcript);
/* Calls for each message loaded that has not ended. */
void transcript_each_running(struct transcript *transcript,
                             void (*call)(void *ctx, const struct ulid *message), void *ctx);
/* Calls for the text of each of the user's messages, oldest first. */
void transcript_each_prompt(struct transcript *transcript,
                            void (*call)(void *ctx, struct sv prompt), void *ctx);

/* The view: its size, and moving by rows (negative: up). Gives the rows moved, with their sign. */
void transcript_set_size(struct transcript *transcript, int rows, int columns);
int transcript_scroll(struct transcript *transcript, int rows);
void transcript_follow(struct transcript *transcript);
bool transcript_follows(const struct transcript *transcript);
/* Reasoning that has ended and tools are one line each, the middle of a long prompt too; or, after
 * this, all is shown whole; and so on. */
void transcript_toggle_folds(struct transcript *transcript);
/* Paints the view from `row` of the grid on, at column 0. */
void transcript_paint(struct transcript *transcript, struct grid *grid, int row);

/* Makes the grid as high as the last prompt and what answers it, with the size that was set, and
 * paints them; of more than `rows` rows the last ones. */
void transcript_paint_last(struct transcript *transcript, struct grid *grid, int rows);

/*
 * Marks: what `marker` (taken; NULL: nothing) finds in the view has the style of it. A message with
 * a mark may be gone to: the mark with most of the words of the query comes into view and is the
 * one that the reader is led to. What is folded away is unfolded where it is there alone.
 */
void transcript_mark(struct transcript *transcript, struct search_marker *marker);
bool transcript_marks(const struct transcript *transcript);
/* False: the message is not loaded, or has no mark. */
bool transcript_lead_to(struct transcript *transcript, const struct ulid *message);
/* The next mark (1), or the one before (-1), from the last one or the selected message on; the
 * message that it is in is selected. False: none is loaded. */
bool transcript_step_mark(struct transcript *transcript, int step);

/*
 * A message may be selected: its head is marked, and selecting brings it into view. The selection
 * ends when the message goes.
 */
struct transcript_message {
    struct ulid id;
    int64_t seq;
    enum role role;
    bool ended;
};
/* False: it is not loaded. */
bool transcript_select(struct transcript *transcript, const struct ulid *message);
/* The one before (-1) or after (1), the last where none is. False: there is none loaded. */
bool transcript_select_step(struct transcript *transcript, int step);
void transcript_unselect(struct transcript *transcript);
bool transcript_selected(const struct transcript *transcript, struct transcript_message *ret);
/* The last one of that role. */
bool transcript_last(const struct transcript *transcript, enum role role,
                     struct transcript_message *ret);
/* Calls for each message loaded, oldest first. */
void transcript_each(struct transcript *transcript,
                     void (*call)(void *ctx, const struct ulid *message, int64_t seq), void *ctx);
/* It is number `at` (from 0) of `count` that stand in its place; its head says so above 1. */
void transcript_set_siblings(struct transcript *transcript, const struct ulid *message, size_t at,
                             size_t count);

/* Reading it as plain text, from some place on, as far as it has come. */
struct transcript_reading {
    int64_t seq; /* of the last message that was read to its end */
    size_t part, offset;
    bool headed; /* who speaks was said */
    bool line_is_new;
    bool prompts; /* what the user wrote, too */
};
/* Begins with the last `messages` ones; none: with what comes after all. */
void transcript_read_from_end(const struct transcript *transcript, size_t messages,
                              struct transcript_reading *ret_reading);
/* Appends what has come since, raw: whoever writes it makes it safe. True: an answer has ended. */
bool transcript_read(const struct transcript *transcript, struct transcript_reading *at,
                     struct buf *out);

/* What the status line says of the latest answer. */
struct transcript_status {
    bool running; /* it has not ended */
    bool content; /* something of it came */
    bool unsaved; /* something shown is not on the disk: unsaved_why */
    bool ended;   /* there is one, and it has: reason */
    enum finish_reason reason;
    int64_t changed_us;      /* monotonic: when something of it came last; 0: not known */
    int64_t retry_us;        /* monotonic; 0: no attempt waits for its next one */
    unsigned retry, retries; /* which one that will be, of how many at most */
    const char *why;    /* of the retry, or of what is unsaved; never NULL, until the next change */
    struct usage usage; /* of the latest answer */
};
struct transcript_status transcript_status(const struct transcript *transcript);

#endif
