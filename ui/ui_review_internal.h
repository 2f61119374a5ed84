/*
 * Review on the screen: its state, shared by the ui_review*.c files. ui_review_read.c reads what is
 * shown, ui_review_change.c makes changes and takes what is typed for them, ui_review_paint.c
 * paints, ui_review.c does the rest: what is chosen, compared, and what keys do.
 *
 * Threads: the screen's, but for the changes themselves (ui/ui_internal.h: task_kind).
 */
#ifndef WEIR_UI_UI_REVIEW_INTERNAL_H
#define WEIR_UI_UI_REVIEW_INTERNAL_H

#include "base/word_diff.h"
#include "store/session.h"
#include "ui/columns.h"
#include "ui/ui_internal.h"

enum review_mode { MODE_QUEUE, MODE_SESSION, MODE_COMPARE };
enum review_typing { TYPE_NOTHING, TYPE_NOTE, TYPE_RATING, TYPE_VERDICT, TYPE_LABEL };

/* Some rows of the text. Item 0 is the session as a whole, the others are its messages. */
struct review_block {
    size_t item;
    enum style style;
    char *text;
    int indent, rows; /* for the width of the view */
};

/* Of the session: itself (unset id, 0), or a message. */
struct review_item {
    struct ulid id;
    int64_t seq;
};

struct review {
    enum review_mode mode;
    bool alone; /* what weir was started for: leaving it leaves weir */
    struct session_list queue;
    enum session_origin origin; /* only those; SESSION_ORIGIN_COUNT: all */
    size_t chosen;

    struct session session;
    struct review_item *items;
    size_t item_count, item;
    size_t newest; /* item of the newest answer; 0: there is none */
    struct review_block *blocks;
    size_t block_count;
    int width; /* that the blocks were laid out for */
    int top, rows;

    char *texts[2]; /* that are compared */
    struct word_diff diff;
    struct columns columns;

    enum review_typing typing;
    struct buf typed;
};

/* Reads what waits for a verdict, or one session, and shows that. Where the session cannot be read
 * a line says why, and the queue is shown. */
void review__load_queue(struct ui *ui);
void review__load_session(struct ui *ui, struct ulid id);
/* Forgets what was read. */
void review__drop_session(struct review *review);
void review__drop_compared(struct review *review);

/* Has the rows of everything counted for a view of so many columns. */
void review__lay_out(struct review *review, int columns);
/* Makes that item the one that keys are about, at the top of the view. */
void review__choose(struct ui *ui, size_t item);

/* What the next keys write. A note stands on a message: where the session as a whole is chosen, on
 * its newest answer. */
void review__begin_typing(struct ui *ui, enum review_typing typing);
void review__type(struct ui *ui, const struct input_event *event);
/* What the foot says in front of what is typed; borrowed. */
const char *review__asks(enum review_typing typing);
/* Takes the session's last change back. */
void review__undo(struct ui *ui);
/* Makes a change of that kind to the item, by what was typed for it. */
void review__change(struct ui *ui, enum review_typing typing, size_t item, struct sv text);

#endif
