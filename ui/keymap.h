/*
 * Keymap: which keys do what. One table (keymap_table.c) has every action with its name, its keys
 * and what it does in words; help, rebinding and errors come from it.
 *
 * A binding is one chord, or two after each other ("C-x C-e"). A keymap begins with the table's
 * keys; keymap_bind gives an action others, and keymap_check says where two actions want the same.
 * Where a recording is played nothing is typed: the actions of that may have plain characters, one
 * chord each, and keys that do something else elsewhere.
 *
 * Threads: values of their owner; a keymap that is not changed any more may be read by any.
 */
#ifndef WEIR_UI_KEYMAP_H
#define WEIR_UI_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "ui/chord.h"

#define KEYMAP_KEYS_MAX 8 /* for one action */

enum action {
    ACTION_NONE,
    ACTION_PREFIX, /* the first chord of two */
    /* What the screen does. */
    ACTION_CANCEL,
    ACTION_INTERRUPT,
    ACTION_LEAVE,
    ACTION_SUSPEND,
    ACTION_REPAINT,
    ACTION_PALETTE,
    ACTION_HELP,
    ACTION_SESSIONS,
    ACTION_MODELS,
    ACTION_NEW_SESSION,
    ACTION_COPY_ANSWER,
    ACTION_FOLD,
    ACTION_SELECT,
    ACTION_BRANCHES,
    ACTION_PAGE_UP,
    ACTION_PAGE_DOWN,
    ACTION_SCROLL_UP,
    ACTION_SCROLL_DOWN,
    ACTION_FOLLOW,
    ACTION_WHEEL,
    ACTION_FIND,
    ACTION_SEARCH_ALL,
    ACTION_EDIT_OUTSIDE,
    ACTION_COMPLETE,
    ACTION_SEARCH_OLDER,
    ACTION_SEARCH_NEWER,
    /* What the editor does. */
    ACTION_SEND,
    ACTION_NEW_LINE,
    ACTION_LEFT,
    ACTION_RIGHT,
    ACTION_WORD_LEFT,
    ACTION_WORD_RIGHT,
    ACTION_LINE_START,
    ACTION_LINE_END,
    ACTION_TEXT_START,
    ACTION_TEXT_END,
    ACTION_UP,
    ACTION_DOWN,
    ACTION_FIND_RIGHT,
    ACTION_FIND_LEFT,
    ACTION_OLDER_PROMPT,
    ACTION_NEWER_PROMPT,
    ACTION_DELETE_LEFT,
    ACTION_DELETE_RIGHT,
    ACTION_DELETE_BLANKS,
    ACTION_KILL_LINE_END,
    ACTION_KILL_LINE_START,
    ACTION_KILL_BLANK_WORD,
    ACTION_KILL_WORD_LEFT,
    ACTION_KILL_WORD_RIGHT,
    ACTION_YANK,
    ACTION_YANK_POP,
    ACTION_LAST_WORD,
    ACTION_TRANSPOSE_CHARS,
    ACTION_TRANSPOSE_WORDS,
    ACTION_UPPER,
    ACTION_LOWER,
    ACTION_CAPITAL,
    ACTION_INSERT_TAB,
    ACTION_UNDO,
    ACTION_REDO,
    ACTION_REVERT,
    ACTION_UNFOLD_PASTE,
    /* What a recording that is played does: keys of their own, found by keymap_find_replay alone.
     */
    ACTION_REPLAY_PAUSE,
    ACTION_REPLAY_STEP,
    ACTION_REPLAY_FASTER,
    ACTION_REPLAY_SLOWER,
    ACTION_REPLAY_LEAVE,
    ACTION_COUNT,
};

#define KEY_HELP_MAX 44 /* columns of a help: what the help page has for it where there are 80 */

struct key_action {
    enum action action;
    const char *name;                  /* as in the config's [keys] */
    const char *keys[KEYMAP_KEYS_MAX]; /* what is built in; NULL ends it */
    const char *help;                  /* what it does, lower case, no full stop */
};

/* The table, ended by a NULL name. */
const struct key_action *key_actions(void);
/* NULL: there is none of that name. */
const struct key_action *key_action_find(struct sv name);

struct keymap;

struct keymap *keymap_new(void) NODISCARD;
void keymap_free(struct keymap *keymap); /* NULL is fine */

/* Gives the action these keys instead of those it had; none takes it off the keyboard. ERR_CONFIG:
 * no such action, a text that names no key, too many keys, or a plain character. */
enum err_code keymap_bind(struct keymap *keymap, struct sv action, const struct sv *keys,
                          size_t count, struct err *err) NODISCARD;
/* ERR_CONFIG: two actions have the same key, or one's key begins another's. */
enum err_code keymap_check(const struct keymap *keymap, struct err *err) NODISCARD;

/* What the press does. `first`: the chord before it, when that gave ACTION_PREFIX, or NULL. */
enum action keymap_find(const struct keymap *keymap, const struct chord *first,
                        const struct chord *chord);
/* The same of one chord where a recording is played. */
enum action keymap_find_replay(const struct keymap *keymap, const struct chord *chord);
bool keymap_is_of_replay(enum action action);
/* "C-_, C-x C-u"; nothing for an action without keys. */
void keymap_keys_text(const struct keymap *keymap, enum action action, struct buf *out);

#endif
