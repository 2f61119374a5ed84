/*
 * Picker: a list that one chooses from, with a filter as one types and a line about what is chosen.
 *
 * A kind of picker is one `const struct picker_kind` with its functions; the screen shows it
 * instead of the transcript and gives it the keys: up and down (by one, by a page), send chooses,
 * cancel closes, everything else edits the filter. A kind may have keys of its own, for what can be
 * done to an entry where it stands (rename, delete).
 *
 * Threads: a value of its owner. Ownership: the kind is borrowed; a choice is valid for the call.
 */
#ifndef WEIR_UI_PICKER_H
#define WEIR_UI_PICKER_H

#include "base/attr.h"
#include "base/buf.h"
#include "store/search.h"
#include "ui/choices.h"
#include "ui/editor.h"
#include "ui/grid.h"

struct picker_key {
    const char *key;  /* as chord_parse reads it; NULL ends the list */
    const char *help; /* one or two words */
    /* All of `choice` is NULL where nothing is selected. Gives true when the list has changed and
     * is to be loaded again. */
    bool (*act)(void *ctx, const struct choice *choice);
};

struct picker_kind {
    const char *title;
    const char *empty; /* what is said where there is nothing to choose from */
    /* The same, for this filter; or NULL. */
    const char *(*why_empty)(void *ctx, struct sv filter);
    const char *verb; /* what Enter does, "opens"; NULL: it only closes */
    /* `by_search`: called for every filter and gives what fits it; else once, with an empty one,
     * and the picker filters. */
    bool by_search;
    bool asks;       /* for a line of text: how many fit it says nothing */
    bool by_words;   /* without a filter there is nothing to choose from */
    bool text_first; /* the text matters more than the note: it gets what room it needs */
    void (*load)(void *ctx, struct sv filter, struct choices *choices);
    void (*choose)(void *ctx, const struct choice *choice); /* or NULL */
    /* Several entries beside each other may be chosen, first and last are given; or NULL. The keys
     * that scroll by a row choose more; so do all that move from picker_mark on. */
    void (*choose_range)(void *ctx, const struct choice *first, const struct choice *last);
    /* What is marked in the entries, for this filter (the picker frees it); or NULL. */
    struct search_marker *(*marker)(struct sv filter);
    /* Appends a line about it; or NULL. */
    void (*preview)(void *ctx, const struct choice *choice, struct buf *out);
    const struct picker_key *keys; /* or NULL */
    /* The list that it was opened from and that is shown again where nothing was chosen; or NULL.
     */
    const struct picker_kind *back;
};

enum picker_result {
    PICKER_STAYS,
    PICKER_CLOSED,
    PICKER_CHOSEN, /* picker_chosen says what */
};

struct picker;

struct picker *picker_new(const struct picker_kind *kind, void *ctx, struct sv filter) NODISCARD;
void picker_free(struct picker *picker); /* NULL is fine */

const struct picker_kind *picker_kind(const struct picker *picker);
/* The selected entry; NULL: nothing fits the filter. */
const struct choice *picker_chosen(const struct picker *picker);
struct editor *picker_editor(struct picker *picker); /* of the filter */
const char *picker_why_empty(struct picker *picker); /* a constant */
/* Those that fit the filter, by number from 0. */
size_t picker_count(const struct picker *picker);
const struct choice *picker_entry(const struct picker *picker, size_t number);
void picker_select(struct picker *picker, size_t number);
/* A range begins, or ends, at what is selected. */
void picker_mark(struct picker *picker);
/* Numbers of the first and the last one chosen. False: it is one entry, or none. */
bool picker_range(const struct picker *picker, size_t *ret_first, size_t *ret_last);

/* `chord` NULL: none, as for pastes. */
enum picker_result picker_act(struct picker *picker, enum action action, const struct chord *chord);
enum picker_result picker_insert(struct picker *picker, struct sv text);
/* Loads the list again; the selection stays where it was. */
void picker_reload(struct picker *picker);

/* Paints into rows [row, row + rows) of the grid. */
void picker_paint(struct picker *picker, struct grid *grid, int row, int rows);

#endif
