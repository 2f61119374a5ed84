/*
 * Drafts: what is typed and not sent yet, kept across a crash and between screens.
 *
 * There is one for each *place*: a session's id, or "new:" and a scope for a session that is not
 * there yet. The last one that was put stands, whichever process put it.
 *
 * Threads: any; nothing here waits for the writer, so the screen's thread may call all of it.
 * Reads see what is on its way to the disk from this process. store_close writes what is on its
 * way; a failure is logged. Ownership: arguments are borrowed for the call; draft_get gives.
 * Errors: ERR_INVALID (no place, one of over 512 bytes, or text that is not UTF-8), ERR_TOO_BIG
 * (over DRAFT_MAX_BYTES), ERR_CLOSED, or why the store cannot write.
 */
#ifndef WEIR_STORE_DRAFT_H
#define WEIR_STORE_DRAFT_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "store/store.h"

/* One transaction takes it. */
#define DRAFT_MAX_BYTES ((size_t)4 << 20)

struct draft {
    char *text; /* NUL-terminated */
    size_t length;
    size_t cursor; /* in bytes, at most length */
    int64_t changed_us;
};
void draft_release(struct draft *draft); /* what it points to; zeroed afterwards */

/* Replaces. An empty text removes. A cursor beyond the text stands at its end. */
enum err_code draft_put(struct store *store, struct sv place, struct sv text, size_t cursor,
                        struct err *err) NODISCARD;
/* None is fine. */
enum err_code draft_remove(struct store *store, struct sv place, struct err *err) NODISCARD;
/* ERR_NOT_FOUND: there is none. */
enum err_code draft_get(struct store *store, struct sv place, struct draft *ret_draft,
                        struct err *err) NODISCARD;

#endif
