/*
 * Editor: the prompt that is being written, of one or many lines.
 *
 * Holds text, insertion point, undo, what was killed, and the prompts sent before. It moves and
 * deletes by clusters (ui/width.h). Nothing it does loses text: what Ctrl-C clears and what Up
 * replaces can be had back by undo or by going down again.
 *
 * Keys: Enter sends; Alt-, Shift- and Ctrl-Enter and Ctrl-J break the line. Left, Right, Ctrl-B,
 * Ctrl-F; Home, End, Ctrl-A, Ctrl-E (of the line); Alt-B, Alt-F, Ctrl-Left, Ctrl-Right by words; Up
 * and Down by rows, then through the prompts sent before, as Ctrl-P and Ctrl-N. Backspace, Ctrl-H,
 * Delete, Ctrl-D; Ctrl-K, Ctrl-U kill to the line's ends, Ctrl-W and Alt-Backspace the word before,
 * Alt-D the word behind, Ctrl-Y puts back. Ctrl-_ undoes.
 *
 * Threads: a value of its owner. Ownership: texts are copied; views are valid until the next
 * change.
 */
#ifndef WEIR_UI_EDITOR_H
#define WEIR_UI_EDITOR_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/sv.h"
#include "ui/grid.h"
#include "ui/input.h"

#define EDITOR_TEXT_MAX INPUT_PASTE_MAX

enum editor_result {
    EDITOR_IGNORED, /* no key of the editor's */
    EDITOR_DONE,
    EDITOR_SEND, /* Enter: the owner takes the text */
    EDITOR_FULL, /* it would have passed EDITOR_TEXT_MAX: nothing was inserted */
};

struct editor;

struct editor *editor_new(void) NODISCARD;
void editor_free(struct editor *editor); /* NULL is fine */

struct sv editor_text(const struct editor *editor);
bool editor_is_empty(const struct editor *editor);
enum editor_result editor_key(struct editor *editor, const struct input_event *event);
/* Empties it; what was there can be undone, and is among the prompts where `keep` says so. */
void editor_clear(struct editor *editor, bool keep);
/* Puts text that was not sent back before what was typed since, with a newline between. */
void editor_put_back(struct editor *editor, struct sv text);
/* Adds a prompt to those that Up brings, unless it is the latest already. */
void editor_remember(struct editor *editor, struct sv prompt);

/* Rows it needs with that many columns; at least 1. Up and Down go by these rows. */
int editor_rows(struct editor *editor, int columns);
/* Paints `rows` rows from `row` on, so that the insertion point is among them, and places the
 * cursor. Columns [column, end of the grid). After editor_rows with that width. */
void editor_paint(struct editor *editor, struct grid *grid, int row, int rows, int column);

#endif
