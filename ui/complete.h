/*
 * Completion: what the word at the insertion point could become.
 *
 * Three kinds of words: a command at the beginning of the prompt ("/ne"), its operand where the
 * command takes a model ("/model op"), and a file anywhere ("@src/ma"), relative to the working
 * folder, from "~/" or from "/". A name with blanks is put in quotes: @"a name".
 *
 * Threads: a value of its owner. Files are looked at when their folder is first asked for, at most
 * 5,000 names; names that are no text (control characters, not UTF-8) are left out.
 */
#ifndef WEIR_UI_COMPLETE_H
#define WEIR_UI_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/sv.h"
#include "ui/choices.h"
#include "ui/grid.h"

#define COMPLETE_ROWS 8

enum complete_kind { COMPLETE_NONE, COMPLETE_COMMAND, COMPLETE_MODEL, COMPLETE_FILE };

/* What is there to complete; `to` is the insertion point. */
struct complete_word {
    enum complete_kind kind;
    size_t from, to; /* bytes of the text; without the @ of a file */
};
struct complete_word complete_word_at(struct sv text, size_t cursor);

struct complete;

/* Gives the commands, or the models: adds all of them. */
typedef void complete_source_fn(void *ctx, enum complete_kind kind, struct choices *choices);

struct complete *complete_new(complete_source_fn *source, void *ctx) NODISCARD;
void complete_free(struct complete *complete); /* NULL is fine */

/* The text has changed: the list follows the word, or closes where there is none, or nothing fits,
 * or only what stands there already. `asked`: even when it was closed by complete_close before. */
void complete_update(struct complete *complete, struct sv text, size_t cursor, bool asked);
/* Until the word is another one. */
void complete_close(struct complete *complete);
/* The prompt was sent or cleared: folders are read anew when they are asked for again. */
void complete_reset(struct complete *complete);

size_t complete_count(const struct complete *complete); /* 0: closed */
void complete_select(struct complete *complete, int step);
/* The entry selected, and the bytes that it replaces. NULL: closed. `moved`: the user chose it. */
const struct choice *complete_selected(const struct complete *complete,
                                       struct complete_word *ret_word, bool *ret_moved);

/* At most COMPLETE_ROWS; paints into [row, row + rows), at `column`. */
int complete_rows(const struct complete *complete);
void complete_paint(struct complete *complete, struct grid *grid, int row, int rows, int column);

#endif
