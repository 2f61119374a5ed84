/*
 * Editor: the prompt that is being written, of one or many lines.
 *
 * Holds text, insertion point, undo, what was cut, and the prompts sent before. It moves and
 * deletes by clusters (ui/width.h). Nothing it does loses text: what Ctrl-C clears and what Up
 * replaces can be had back by undo or by going down again. Which keys do what is the affair of
 * ui/keymap.h; here are the actions.
 *
 * A big paste is folded to a label (ui/chips.h): editor_text has the label, editor_expand what is
 * sent.
 *
 * Threads: a value of its owner. Ownership: texts are copied; views are valid until the next
 * change.
 */
#ifndef WEIR_UI_EDITOR_H
#define WEIR_UI_EDITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/sv.h"
#include "ui/grid.h"
#include "ui/input.h"
#include "ui/keymap.h"

#define EDITOR_TEXT_MAX INPUT_PASTE_MAX

enum editor_result {
    EDITOR_IGNORED, /* no action of the editor's */
    EDITOR_DONE,
    EDITOR_SEND, /* the owner takes the text */
    EDITOR_FULL, /* it would have passed EDITOR_TEXT_MAX: nothing was inserted */
};

struct editor;

struct editor *editor_new(void) NODISCARD;
void editor_free(struct editor *editor); /* NULL is fine */

/* As it is shown, and as it is sent. The buffer needs a maximum of EDITOR_TEXT_MAX. */
struct sv editor_text(const struct editor *editor);
void editor_expand(const struct editor *editor, struct buf *out);
size_t editor_cursor(const struct editor *editor); /* offset in editor_text */
/* Another number after every change of the text. */
unsigned editor_revision(const struct editor *editor);
/* What to keep across a crash: what the user wrote, expanded, also while an older prompt is shown
 * or searched for. `ret_cursor` is an offset in it. */
void editor_draft(const struct editor *editor, struct buf *out, size_t *ret_cursor);
/* Such a draft comes back. Without undo: it is where one begins. */
void editor_restore(struct editor *editor, struct sv text, size_t cursor);
bool editor_is_empty(const struct editor *editor);

enum editor_result editor_act(struct editor *editor, enum action action);
/* Typed text. What waits for a character (ACTION_FIND_RIGHT) takes it. */
enum editor_result editor_insert(struct editor *editor, struct sv text);
/* Folds what is big. */
enum editor_result editor_paste(struct editor *editor, struct sv text);

/* Empties it; what was there can be undone, and is among the prompts where `keep` says so. */
void editor_clear(struct editor *editor, bool keep);
/* Puts text that was not sent back before what was typed since, with a newline between. */
void editor_put_back(struct editor *editor, struct sv text);
/* Another text, as one change that can be undone; the insertion point is at its end. */
enum editor_result editor_replace(struct editor *editor, struct sv text);
/* Another text for the bytes [from, to), likewise; the insertion point is behind it. */
enum editor_result editor_splice(struct editor *editor, size_t from, size_t to, struct sv text);
/* Adds a prompt to those that Up brings, unless it is the latest already. */
void editor_remember(struct editor *editor, struct sv prompt);
/* Up and Down stay in the text, they do not bring prompts. */
bool editor_is_at_top(struct editor *editor);

/*
 * Search in the prompts sent before, as one types: the editor shows what was found; case counts
 * where the needle has capitals. `more` gives prompts beside those the editor remembers: it calls
 * `add` for each of some, newest first, going on from *cursor (0 at first), and gives whether there
 * may be more; it may be NULL. One key looks through a bounded number of them; another
 * editor_search_step goes on.
 */
typedef void editor_add_fn(void *ctx, struct sv prompt);
typedef bool editor_more_fn(void *ctx, int64_t *cursor, editor_add_fn *add, void *add_ctx);
void editor_search_begin(struct editor *editor, editor_more_fn *more, void *ctx);
bool editor_is_searching(const struct editor *editor);
struct sv editor_search_needle(const struct editor *editor);
bool editor_search_failed(const struct editor *editor); /* nothing holds the needle */
void editor_search_type(struct editor *editor, struct sv text);
void editor_search_erase(struct editor *editor); /* the needle's last character */
/* The next match, older (1) or newer (-1). */
void editor_search_step(struct editor *editor, int step);
/* Ends it: what was found is the text now, or what was there before is back. */
void editor_search_end(struct editor *editor, bool accept);

/* Rows it needs with that many columns; at least 1. Up and Down go by these rows. */
int editor_rows(struct editor *editor, int columns);
/* Paints `rows` rows from `row` on, so that the insertion point is among them, and places the
 * cursor. Columns [column, end of the grid). After editor_rows with that width. */
void editor_paint(struct editor *editor, struct grid *grid, int row, int rows, int column);

#endif
