/*
 * Watching: answers that other processes write, printed while they come.
 *
 * Takes the updates of a store that follows others (store/store.h) and keeps, for each answer that
 * runs, what was printed of it; a gap is closed by a snapshot. Lines of JSON of several answers
 * alternate. Text is of one answer at a time: the next one is printed when the one before it has
 * ended, so that what is printed of each is what `weir run` would print.
 *
 * Threads: main. Ownership: borrows the store and the printer.
 */
#ifndef WEIR_APP_WATCHING_H
#define WEIR_APP_WATCHING_H

#include <stdbool.h>

#include "app/cursor.h"
#include "app/headless.h"
#include "base/attr.h"
#include "base/err.h"
#include "store/store.h"

struct watching;

/* `session`: the only one that is watched; unset: all. Ends that lie before this call are none of
 * its news. */
struct watching *watching_new(struct store *store, struct printer *printer,
                              const struct ulid *session) NODISCARD;
void watching_free(struct watching *watching); /* NULL is fine */

/*
 * Prints what came behind the cursor, which is one of the session that is watched. Where the cursor
 * does not fit what is stored (the answer was deleted, or what was seen of it was never saved), a
 * line says "resync", and the answer is printed from its beginning.
 */
enum err_code watching_resume(struct watching *watching, const struct cursor *cursor,
                              struct err *err) NODISCARD;
/* Takes up the answers that run now. */
enum err_code watching_take_running(struct watching *watching, struct err *err) NODISCARD;

/* News of one answer; what has to be asked for waits until watching_print. */
void watching_apply(struct watching *watching, const struct message_update *update);
/* Updates were lost, of this message or (unset) of any. */
void watching_lost(struct watching *watching, const struct ulid *message);
/* Asks for what is missing and prints it. */
void watching_print(struct watching *watching);

/* Something could not be read yet: print again soon. */
bool watching_is_due(const struct watching *watching);
/* No answer that is known runs, nor does the store name another. */
bool watching_is_idle(struct watching *watching);

#endif
