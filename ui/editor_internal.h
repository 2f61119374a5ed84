/*
 * What the editor's files share: its state, and what its keys are made of. Internal to the editor.
 *
 * editor.c holds keys, history of prompts and painting; editor_text.c changes and moves,
 * editor_undo.c takes changes back.
 */
#ifndef WEIR_UI_EDITOR_INTERNAL_H
#define WEIR_UI_EDITOR_INTERNAL_H

#include "base/buf.h"
#include "ui/editor.h"
#include "ui/layout.h"

#define EDITOR_PROMPTS_MAX 200u
#define EDITOR_UNDO_MAX 200u
#define EDITOR_UNDO_BYTES ((size_t)64 << 20)

/* What the last key did: runs of the same belong together, for undo and for kills. */
enum edit { EDIT_NONE, EDIT_INSERT, EDIT_DELETE, EDIT_KILL };

struct undo_entry {
    char *text;
    size_t n;
    size_t cursor;
};

struct editor {
    struct buf text;
    size_t cursor; /* always at the border of a cluster */
    enum edit last;
    int goal; /* column that Up and Down try to keep, or -1 */
    struct buf killed;
    struct undo_entry undo[EDITOR_UNDO_MAX];
    size_t undo_count, undo_bytes;
    char *prompts[EDITOR_PROMPTS_MAX]; /* oldest first */
    size_t prompt_count;
    size_t prompt_at; /* which one is shown; prompt_count: the one being written */
    char *draft;      /* the one being written, while an older one is shown */
    struct layout layout;
    int columns; /* 0: not known yet */
    size_t top;  /* first row that is painted */
};

/* Called before a change. `edit`: a run of the same kind is taken back at once. */
void undo__note(struct editor *editor, enum edit edit);
void undo__take_back(struct editor *editor);
void undo__release(struct editor *editor);

/* Replaces the whole text; the insertion point goes to its end. */
void text__set(struct editor *editor, struct sv text);
/* False: too long, nothing happened. */
bool text__insert(struct editor *editor, struct sv text);
void text__remove(struct editor *editor, size_t from, size_t to);
/* Positions, seen from the insertion point. */
size_t text__left(const struct editor *editor);
size_t text__right(const struct editor *editor);
size_t text__line_start(const struct editor *editor);
size_t text__line_end(const struct editor *editor);
size_t text__word_left(const struct editor *editor, bool by_blanks);
size_t text__word_right(const struct editor *editor);
/* The layout for the columns in use, up to date. */
const struct layout *text__layout(struct editor *editor);
/* One row up (-1) or down (1). False: there is none. */
bool text__move_row(struct editor *editor, int step);

#endif
