/*
 * The screen's state, and what its files do with it. Internal to the screen.
 *
 * ui.c owns the loop; ui_keys.c says what keys do, ui_events.c what comes from the broker and the
 * store, ui_view.c what is painted. All on one thread.
 */
#ifndef WEIR_UI_UI_INTERNAL_H
#define WEIR_UI_UI_INTERNAL_H

#include "base/wake.h"
#include "pubsub/broker.h"
#include "ui/editor.h"
#include "ui/input.h"
#include "ui/layout.h"
#include "ui/paint.h"
#include "ui/status.h"
#include "ui/transcript.h"
#include "ui/ui.h"

enum line_kind {
    LINE_NONE,
    LINE_INFO,    /* until the next key */
    LINE_PROBLEM, /* until the next prompt is sent */
};

struct ui {
    const struct ui_options *options;
    struct ulid session; /* unset: a new one */
    char *model;         /* or NULL */

    struct transcript *transcript;
    struct editor *editor;
    struct input *input;
    struct paint *paint;
    struct grid grid;
    struct subscription *subscription;
    struct wake wake;

    enum line_kind line_kind;
    char *line;          /* or NULL */
    char *offer;         /* a question that waits for y or n, or NULL */
    const char *welcome; /* for an empty transcript, as long as it is true; or NULL */
    bool help;           /* shown instead of the transcript until the next key */
    char *store_trouble; /* or NULL */

    struct buf sent; /* the prompt that was handed over, until it is stored */
    bool sending;
    bool cancel_on_begun; /* the user cancelled before there was something to cancel */
    bool cancelling;
    int64_t waiting_since_us;

    enum input_key arrow; /* plain Up or Down keys that came in one piece: perhaps the wheel */
    int arrow_count;
    int64_t quit_until_us; /* Ctrl-C or Ctrl-D again before that leaves; 0: none was pressed yet */
    int64_t input_deadline_us;

    bool dirty;
    int64_t next_frame_us;
    bool leave;
    enum err_code result;
};

/* ui_keys.c */
void keys__feed(struct ui *ui, const char *bytes, size_t length);
void keys__timeout(struct ui *ui);

/* ui_events.c */
enum err_code events__subscribe(struct ui *ui, struct err *err) NODISCARD;
void events__drain(struct ui *ui);
void events__gap(void *ctx, const struct ulid *message); /* a transcript_gap; ctx: the ui */
/* Shows another session; unset: a new one. */
void events__show_session(struct ui *ui, const struct ulid *session);
/* Reads pages of older messages while the view wants them, up to what fills it. */
void events__fill_view(struct ui *ui);
/* The prompt that was handed over comes back into the editor. */
void events__give_back(struct ui *ui, const char *prompt, const char *why);

/* ui_view.c */
void view__line(struct ui *ui, enum line_kind kind, const char *text); /* NULL takes it away */
struct status_facts view__facts(const struct ui *ui);
/* Sets the transcript's size for the screen as it is now. */
void view__arrange(struct ui *ui);
void view__frame(struct ui *ui);
int view__page(const struct ui *ui); /* rows of the transcript in view */

/* ui.c */
void ui__suspend(struct ui *ui);
void ui__leave(struct ui *ui, enum err_code result);
void ui__repaint(struct ui *ui);

#endif
