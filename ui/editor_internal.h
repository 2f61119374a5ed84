/*
 * What the editor's files share: its state, and what its actions are made of. Internal to the
 * editor.
 *
 * editor.c holds the table of actions, the whole text and painting; editor_text.c changes and
 * moves; editor_undo.c takes changes back; editor_kill.c cuts and puts in; editor_words.c swaps and
 * writes in capitals; editor_prompts.c brings prompts sent before, editor_search.c searches them.
 */
#ifndef WEIR_UI_EDITOR_INTERNAL_H
#define WEIR_UI_EDITOR_INTERNAL_H

#include "base/buf.h"
#include "ui/chips.h"
#include "ui/editor.h"
#include "ui/layout.h"

#define EDITOR_PROMPTS_MAX 200u
#define EDITOR_UNDO_MAX 200u
#define EDITOR_UNDO_BYTES ((size_t)64 << 20)
#define EDITOR_KILLS_MAX 16u
#define EDITOR_NEEDLE_MAX ((size_t)1 << 10)
#define EDITOR_FOUND_MAX 1000u
#define EDITOR_MORE_MAX 8u /* calls for more at one key */

/* What the last action did: runs of the same belong together, for undo and for kills. */
enum edit { EDIT_NONE, EDIT_INSERT, EDIT_DELETE, EDIT_KILL, EDIT_YANK };

struct undo_entry {
    char *text;
    size_t n;
    size_t cursor;
};

struct undo_stack {
    struct undo_entry entries[EDITOR_UNDO_MAX];
    size_t count, bytes;
};

struct search {
    bool active;
    editor_more_fn *more;
    void *ctx;
    int64_t cursor;
    bool ended; /* `more` has no more */
    struct buf needle;
    char *found[EDITOR_FOUND_MAX]; /* for this needle, newest first, each once */
    size_t found_count;
    size_t at; /* which one is shown */
    char *before;
    size_t before_cursor;
};

struct editor {
    struct buf text;
    unsigned revision;
    size_t cursor; /* always at the border of a cluster, never inside a label */
    enum edit last;
    int goal;    /* column that Up and Down try to keep, or -1 */
    int finding; /* the next character typed is looked for: right (1), left (-1) */
    struct chips chips;
    struct buf kills[EDITOR_KILLS_MAX]; /* the latest first */
    size_t kill_count;
    size_t kill_at;   /* which one was put in last */
    size_t yank_from; /* and where */
    struct undo_stack undo, redo;
    char *prompts[EDITOR_PROMPTS_MAX]; /* oldest first */
    size_t prompt_count;
    size_t prompt_at; /* which one is shown; prompt_count: the one being written */
    char *draft;      /* the one being written, while an older one is shown */
    struct search search;
    struct layout layout;
    int columns; /* 0: not known yet */
    size_t top;  /* first row that is painted */
};

typedef enum editor_result editor_action(struct editor *editor);

/* Called before a change. `edit`: a run of the same kind is taken back at once. */
void undo__note(struct editor *editor, enum edit edit);
editor_action undo__take_back, undo__make_again, undo__revert;
/* Forgets all of it. */
void undo__release(struct editor *editor);

/* Replaces the whole text; the insertion point goes to its end. */
void text__set(struct editor *editor, struct sv text);
/* False: too long, nothing happened. */
bool text__insert(struct editor *editor, struct sv text);
void text__remove(struct editor *editor, size_t from, size_t to);
/* Places the insertion point at the border that is not before `at`; the last edit is over. */
enum editor_result text__go(struct editor *editor, size_t at);
/* Positions, seen from the insertion point or from `at`. */
size_t text__left(const struct editor *editor, size_t at);
size_t text__right(const struct editor *editor, size_t at);
size_t text__line_start(const struct editor *editor);
size_t text__line_end(const struct editor *editor);
size_t text__word_left(const struct editor *editor, size_t at, bool by_blanks);
size_t text__word_right(const struct editor *editor, size_t at);
/* Inserts with an undo entry. */
enum editor_result text__put(struct editor *editor, struct sv text, enum edit edit);
/* The layout for the columns in use, up to date. */
const struct layout *text__layout(struct editor *editor);
/* One row up (-1) or down (1). False: there is none. */
bool text__move_row(struct editor *editor, int step);
editor_action text__go_left, text__go_right, text__go_word_left, text__go_word_right,
    text__go_line_start, text__go_line_end, text__go_start, text__go_end, text__find_right,
    text__find_left;
/* Goes to where the character is that ACTION_FIND_RIGHT or _LEFT waited for. */
enum editor_result text__found(struct editor *editor, struct sv character);

editor_action kill__line_end, kill__line_start, kill__blank_word, kill__word_left, kill__word_right,
    kill__yank, kill__yank_pop, kill__delete_left, kill__delete_right, kill__delete_blanks;
void kill__release(struct editor *editor);

editor_action words__transpose_chars, words__transpose_words, words__upper, words__lower,
    words__capital;

editor_action prompts__up, prompts__down, prompts__older, prompts__newer, prompts__last_word;
void prompts__leave(struct editor *editor);
void prompts__release(struct editor *editor);
void search__release(struct editor *editor);

#endif
