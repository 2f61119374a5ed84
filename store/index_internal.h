/*
 * Index: the words of messages and titles, kept up by the writer in the background. Internal to
 * this floor.
 *
 * The table words (FTS5, contentless) has a row for each slice of a message and for each title. A
 * slice is about INDEX__SLICE bytes of a message's text, so that no step is long; its words stand
 * in the column of what they are: prompt, answer, reasoning, tool. Rows of messages are numbered
 * (message << INDEX__SHIFT) + slice, those of titles by the session's row made negative, so that
 * the higher number is the newer message and nothing has to say which row is whose.
 *
 * A contentless table forgets a row only when it is told the same words again. Those of a message
 * come from its text, which never changes once it is in the index (where it grows after all, the
 * words go first); those of a title from the table words_title, which keeps what was indexed.
 * message.indexed is 0: not at all; n > 0: whole, in n slices; -n: so many slices until now;
 * INDEX__NEVER: it is being purged. session.title_indexed is 0 when the title is another one.
 *
 * Forgetting: FTS5 writes a mark beside the words and drops both when it merges, which it does here
 * only in steps that it is told to do. So a removed word is in the file until index__scrub_step has
 * said that it is done: then all is one segment without marks, and what the merging freed was
 * overwritten (secure_delete). For 100,000 messages of 100 words that is about a second of work.
 *
 * Several processes: a step reads and sets its flags in the transaction that writes the words, so
 * nothing is indexed twice, whoever else does the same.
 *
 * Threads: the writer's. Errors: the connection's.
 */
#ifndef WEIR_STORE_INDEX_INTERNAL_H
#define WEIR_STORE_INDEX_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "store/db_internal.h"
#include "store/message.h"

#define INDEX__SLICE 32768
#define INDEX__SHIFT 12
#define INDEX__SLICES_MAX (1 << INDEX__SHIFT)
#define INDEX__NEVER INT64_MAX

enum index_column {
    INDEX_TITLE,
    INDEX_PROMPT,
    INDEX_ANSWER,
    INDEX_REASONING,
    INDEX_TOOL,
    INDEX_COLUMNS,
};

/* ---- in the background ---- */

struct indexer;
struct indexer *indexer_new(void) NODISCARD;
void indexer_free(struct indexer *indexer); /* NULL is fine */
/*
 * One step of less than 10 ms, in transactions of its own: some messages, newest first, or some
 * titles, or some merging. `*ret_done`: nothing is left to be done.
 */
enum err_code index__step(struct indexer *indexer, struct db *db, bool *ret_done,
                          struct err *err) NODISCARD;

/* ---- inside a transaction ---- */

/* Takes the words of a message out, while its text is still there; it will be indexed again. A
 * message that is not in the index is fine. */
enum err_code index__remove(struct db *db, int64_t message, struct err *err) NODISCARD;
/* The same for one that is about to be purged, until that time and for good: not even what is left
 * of it by then comes in again. `*ret_left`: some words are left, come again. */
enum err_code index__forget(struct db *db, int64_t message, int64_t until_us, bool *ret_left,
                            struct err *err) NODISCARD;
/* Takes what was indexed as the title out; what the title is now will be indexed again. */
enum err_code index__remove_title(struct db *db, int64_t session, struct err *err) NODISCARD;
/* The title as it is now, instead of what was indexed. */
enum err_code index__put_title(struct db *db, int64_t session, struct err *err) NODISCARD;
/* Some milliseconds of merging towards the one segment that holds no removed word. */
enum err_code index__scrub_step(struct db *db, bool *ret_done, struct err *err) NODISCARD;

/* ---- slices ---- */

/* A stretch of a message's text with the column that it belongs to. */
struct index_piece {
    enum index_column column;
    struct sv text;
};

struct index_slices {
    const struct message *message; /* borrowed */
    size_t part, offset;
    bool named; /* the tool's name of this part was given */
};

struct index_slice {
    struct index_piece *pieces; /* into the message; free() */
    size_t count;
};

void index_slices_init(struct index_slices *slices, const struct message *message);
/* False: no more. The same message gives the same slices. */
bool index_slices_next(struct index_slices *slices, struct index_slice *ret_slice);
/* Only that one; false: there is none. */
bool index_slice_at(const struct message *message, size_t number, struct index_slice *ret_slice);

/* ---- rows ---- */

/* Writes the slice of that number, if it is not there already. */
enum err_code index__put_slice(struct db *db, int64_t message, size_t number,
                               const struct index_slice *slice, struct err *err) NODISCARD;
/* Sets message.indexed. */
enum err_code index__set(struct db *db, int64_t row, int64_t indexed, struct err *err) NODISCARD;
size_t index__bytes(const struct message *message); /* NULL has none */

#endif
