/*
 * History: pages of a session's messages, in bounded reads.
 *
 * A page is a window of one branch, the session's current one unless another is named. What a page
 * costs depends on its size and on how many forks are below the branch, not on how long the history
 * is. Messages that are being written are given with their pending text, as message_snapshot would;
 * deleted ones are left out.
 *
 * Threads: any. Ownership: what is given belongs to the caller. Order: ascending by seq, always.
 * Errors: ERR_NOT_FOUND (session, branch, a message that is not on it), ERR_CORRUPT, and those of
 * the store.
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

/* Where a page begins; what is named there is not in it. */
enum history_start {
    HISTORY_EDGE, /* the latest message, or the first one of those that are newer */
    HISTORY_SEQ,
    HISTORY_MESSAGE,
};

/* Zeroed but for session and limit: the newest ones. */
struct history_query {
    struct ulid session;
    struct ulid branch; /* unset: the current one */
    enum history_start start;
    int64_t seq;         /* HISTORY_SEQ */
    struct ulid message; /* HISTORY_MESSAGE; it may be a deleted one */
    bool newer;          /* the ones after the start; else those before it */
    size_t offset;       /* skipped first; costs as much as finding them */
    size_t limit;
};

struct history_page {
    struct message **messages; /* oldest first; `continues` is set where one goes on with another */
    size_t count;
    bool more; /* there are messages before (or after) these, in the direction that was asked for */
    struct ulid next; /* HISTORY_MESSAGE for the page after this one; unset: no more follow */
};

void history_page_release(struct history_page *page); /* zeroed afterwards */

enum err_code history_page(struct store *store, const struct history_query *query,
                           struct history_page *ret_page, struct err *err) NODISCARD;

/* Has a read connection know the schema and what a page asks, so that the next page is there sooner
 * by most of a millisecond: for who has to wait for something else anyhow. */
void history_warm(struct store *store);

/* The `limit` messages of the current branch before `seq` (INT64_MAX: the latest). */
enum err_code history_before(struct store *store, const struct ulid *session, int64_t seq,
                             size_t limit, struct history_page *ret_page,
                             struct err *err) NODISCARD; /* wide: cursor and limit are a page */
/* The `limit` messages after `seq` (-1: from the first). */
enum err_code history_after(struct store *store, const struct ulid *session, int64_t seq,
                            size_t limit, struct history_page *ret_page,
                            struct err *err) NODISCARD; /* wide: cursor and limit are a page */

/* ---- the words alone ---- */

/* What was said, without reasoning, tools, attachments, usage: none of them is read. */
struct history_line {
    struct ulid id;
    int64_t seq;
    enum role role;
    int64_t created_us;
    char *text; /* of its text parts, with a blank line between; never NULL */
};

struct history_lines {
    struct history_line *lines; /* oldest first */
    size_t count;
    bool more;
    struct ulid next;
};

void history_lines_release(struct history_lines *lines); /* zeroed afterwards */

enum err_code history_lines(struct store *store, const struct history_query *query,
                            struct history_lines *ret_lines, struct err *err) NODISCARD;

#endif
