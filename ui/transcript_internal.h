/*
 * What the transcript's files share. Internal to the transcript.
 *
 * transcript.c holds the messages and takes what comes; transcript_view.c walks their rows and
 * paints them; transcript_select.c marks one of them; transcript_window.c lets go of what is far
 * from the view; transcript_marks.c marks what was searched for; transcript_text.c says what the
 * one-line rows say; transcript_read.c gives all of it as plain text.
 */
#ifndef WEIR_UI_TRANSCRIPT_INTERNAL_H
#define WEIR_UI_TRANSCRIPT_INTERNAL_H

#include "base/buf.h"
#include "base/idmap.h"
#include "store/search.h"
#include "ui/layout.h"
#include "ui/markdown.h"
#include "ui/transcript.h"

struct shown_part {
    enum part_kind kind;
    bool ended;
    struct buf text;
    size_t tail;                /* bytes of `text` without the white space at its end */
    char *tool_name;            /* or NULL */
    int64_t began_us, ended_us; /* 0: not known */
    struct layout layout;
    struct markdown *markdown; /* of an answer's text; made when it is first looked at */
    /* Of a long prompt the middle is folded away: what is between these two bytes (equal: nothing),
     * found out when so many bytes were there. */
    size_t cut_at, cut_end, cut_of;
    struct layout end_layout; /* of what is behind it */
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
    int64_t changed_us;       /* when something of it came last */
    size_t bytes;             /* of all its parts */
    size_t sibling, siblings; /* which one of how many in its place; below 2: alone */
    struct shown_part *parts;
    size_t part_count, part_cap;
    struct buf state; /* how it ended, as text; empty: nothing to say */
    struct layout state_layout;
};

/*
 * A row of the view: of the message at `index`, in its block, in an item of that, the row there.
 * Blocks of a message: the blank row above it, its head, its parts, its state. Items: the blocks of
 * an answer's Markdown; the line that a part is folded to, and its text when it is unfolded; of a
 * long prompt its beginning, the line for its middle, and its end; of everything else there is one.
 */
struct place {
    size_t index;
    size_t block;
    size_t item;
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
    bool unfolded; /* reasoning and tools are shown whole */
    /* Between these two messages some were let go. Equal: between none. */
    int64_t hole_after, hole_before;
    struct markdown_cache *cache;
    struct place top;             /* of the view, when it does not follow */
    struct ulid selected;         /* unset: none */
    struct search_marker *marker; /* marks what of the view it finds; or NULL */
    /* The mark that the reader was led to: of a message (unset: none), where it begins in the text
     * of that item. */
    struct ulid mark;
    size_t mark_block, mark_item, mark_first;
};

struct shown_message *message__find(const struct transcript *transcript, const struct ulid *id);
/* Index of a message that is there. */
size_t message__index(const struct transcript *transcript, const struct shown_message *message);

/* The messages [from, to) go. */
void message__drop(struct transcript *transcript, size_t from, size_t to);
/* True: `seq` is of a message that was let go, or of one that stands between such. */
bool window__is_in_hole(const struct transcript *transcript, int64_t seq);
/* Lets go of what is far from the messages [first, last], which are in view. */
void window__trim(struct transcript *transcript, size_t first, size_t last);
/* Index of the last message in front of the hole; count: there is no hole. */
size_t window__edge(const struct transcript *transcript);
/* The last message in view. */
size_t view__bottom(const struct transcript *transcript);
bool view__shows_head(const struct transcript *transcript, size_t index);
/* The message's head becomes the first row of the view, as far as there is text below it. */
void view__go_to(struct transcript *transcript, size_t index);

/* The text of an item and its rows. False: it is a line that stands for something. Valid until
 * another item is looked at. */
bool view__text(const struct transcript *transcript, const struct place *place,
                struct markdown_text *ret_text);
/* The first item of a message (-1: the last), and the one after it (before it) in the same. False:
 * there is none. Rows of `place` are 0. */
bool view__first_item(const struct transcript *transcript, struct place *place, int step);
bool view__next_item(const struct transcript *transcript, struct place *place, int step);
/* Moves the view, where it does not show that row, so that it does, with some rows above it. */
void view__show(struct transcript *transcript, const struct place *place);

/* Marks what was searched for in a row that was painted. */
void marks__paint(const struct transcript *transcript, const struct place *place, struct grid *grid,
                  int row);

/* What one-line rows and states say. Raw text: whoever paints makes it safe. */
void text__head(const struct shown_message *message, struct buf *out);
/* Whether a part is folded to one line unless the reader wants all; else it is shown in full, or
 * not at all. */
bool text__folds(const struct shown_message *message, const struct shown_part *part);
/* Whether it is a prompt of which the middle is folded away, unless the reader wants all: the part
 * knows then from where to where. */
bool text__is_cut(const struct shown_message *message, struct shown_part *part);
/* That line. */
void text__folded(const struct shown_part *part, bool unfolded, struct buf *out);
bool text__is_hidden(const struct shown_part *part);
/* How the message ended; appends nothing where there is nothing to say. */
void text__state(const struct shown_message *message, struct buf *out);
enum style text__state_style(const struct shown_message *message);

#endif
