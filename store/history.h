/*
 * History: pages of a session's messages, in bounded reads.
 *
 * A page is a window of the session's current branch. Messages that are being written are given
 * with their pending text, as message_snapshot would.
 *
 * Threads: any. Ownership: history_page_free. Order: ascending by seq, always.
 */
#ifndef WEIR_STORE_HISTORY_H
#define WEIR_STORE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "store/message.h"
#include "store/store.h"

struct history_page {
    struct message **messages; /* oldest first */
    size_t count;
    bool more; /* there are messages before (or after) these, in the direction that was asked for */
};

void history_page_free(struct history_page *page); /* what it points to; zeroed afterwards */

/* The `limit` messages before `seq` (INT64_MAX: the latest). ERR_NOT_FOUND: no such session. */
enum err_code history_before(struct store *store, const struct ulid *session, int64_t seq,
                             size_t limit, struct history_page *ret_page,
                             struct err *err) NODISCARD; /* wide: cursor and limit are a page */
/* The `limit` messages after `seq` (-1: from the first). */
enum err_code history_after(struct store *store, const struct ulid *session, int64_t seq,
                            size_t limit, struct history_page *ret_page,
                            struct err *err) NODISCARD; /* wide: cursor and limit are a page */

#endif
