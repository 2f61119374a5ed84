/*
 * What the transcript's files share. Internal to the transcript.
 *
 * transcript.c holds the messages and takes what comes; transcript_view.c walks their rows and
 * paints them; transcript_text.c says what the one-line rows say.
 */
#ifndef WEIR_UI_TRANSCRIPT_INTERNAL_H
#define WEIR_UI_TRANSCRIPT_INTERNAL_H

#include "base/buf.h"
#include "base/idmap.h"
#include "ui/layout.h"
#include "ui/transcript.h"

struct shown_part {
    enum part_kind kind;
    bool ended;
    struct buf text;
    size_t tail;                /* bytes of `text` without the white space at its end */
    char *tool_name;            /* or NULL */
    int64_t began_us, ended_us; /* 0: not known */
    struct layout layout;
};

struct shown_message {
    struct ulid id;
    int64_t seq;
    enum role role;
    bool ended;
    enum finish_reason reason;
    enum err_code error;
    char *detail; /* or NULL */
    char *model;  /* or NULL */
    struct usage usage;
    uint32_t revision;
    bool unsaved;
    char *unsaved_why; /* or NULL */
    int64_t retry_us;
    char *retry_why; /* or NULL */
    unsigned retry, retries;
    int64_t changed_us; /* when something of it came last */
    struct shown_part *parts;
    size_t part_count, part_cap;
    struct buf state; /* how it ended, as text; empty: nothing to say */
    struct layout state_layout;
};

/*
 * A row of the view: of the message at `index`, in its block, the row there. Blocks of a message:
 * the blank row above it, its head, its parts, its state.
 */
struct place {
    size_t index;
    size_t block;
    size_t row;
};

#define BLOCK_GAP 0u
#define BLOCK_HEAD 1u
#define BLOCK_PARTS 2u

struct transcript {
    struct ulid session;
    struct shown_message **messages; /* by seq */
    size_t count, cap;
    struct idmap by_id;
    bool more;
    transcript_gap *gap;
    void *ctx;
    int rows, columns;
    bool follow;
    struct place top; /* of the view, when it does not follow */
};

struct shown_message *message__find(const struct transcript *transcript, const struct ulid *id);
/* Index of a message that is there. */
size_t message__index(const struct transcript *transcript, const struct shown_message *message);

/* What one-line rows and states say. Raw text: whoever paints makes it safe. */
void text__head(const struct shown_message *message, struct buf *out);
/* The line a part is folded to; false: it is shown in full, or not at all. */
bool text__folded(const struct shown_message *message, const struct shown_part *part,
                  struct buf *out);
bool text__is_hidden(const struct shown_part *part);
/* How the message ended; appends nothing where there is nothing to say. */
void text__state(const struct shown_message *message, struct buf *out);
enum style text__state_style(const struct shown_message *message);

#endif
