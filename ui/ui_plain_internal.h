/*
 * Lines instead of a screen: what the ui_plain*.c files share. ui_plain.c reads and writes lines,
 * ui_plain_list.c shows lists and takes what is typed while one is open, ui_plain_review.c does so
 * while a session is judged.
 *
 * Threads: the screen's.
 */
#ifndef WEIR_UI_UI_PLAIN_INTERNAL_H
#define WEIR_UI_UI_PLAIN_INTERNAL_H

#include "base/safe.h"
#include "ui/ui_internal.h"

struct plain {
    struct buf input;                  /* an unfinished line */
    struct buf lines;                  /* those before it that it goes on with */
    struct safe_stream safe;           /* of all that is written */
    struct transcript_reading reading; /* what was written of the conversation */
    bool is_terminal;                  /* somebody types */
    bool marked;                       /* the mark of the prompt stands at the end */
    bool at_end;                       /* of stdin */
    char *offer;                       /* the question that was asked; or NULL */
    char *status;                      /* that was written last; or NULL */
    bool ready;                        /* it was said that nothing runs */
    bool sent;                         /* what was typed last is a prompt */
    char *unsent;                      /* a line that an open list could make nothing of; or NULL */
    unsigned kept;                     /* revision of the editor whose text was told */
};

/* A line of ours, between whole lines of the answer. */
void plain__write(struct ui *ui, struct sv text);
/* What was typed: a prompt or a command. */
void plain__submit(struct ui *ui, struct sv line);

/* Where a list is open: the line that was typed, and what stands before the next one (a constant).
 */
void plain__type_in_list(struct ui *ui, struct sv line);
const char *plain__list_mark(const struct ui *ui);

/* Where a session is judged (ui->review): the line that was typed. */
void plain__type_in_review(struct ui *ui, struct sv line);

#endif
