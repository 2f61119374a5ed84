/*
 * Verdicts: what a reader thinks of a session as a whole, or of one message: a rating, a word, or
 * both.
 *
 * Changing one part leaves the other as it is; once neither is there, the verdict is taken away.
 * When it was decided is the time of the last change. Each change can be undone (store/journal.h).
 *
 * Threads: any but the screen's for changes, which wait for the writer and are published (struct
 * session_update) after their commit; reads take a read connection. Ownership:
 * verdict_list_release. Errors: ERR_NOT_FOUND (session, message), ERR_GONE (the session is in the
 * trash), ERR_INVALID, ERR_TOO_BIG (a word), and those of the store.
 */
#ifndef WEIR_STORE_VERDICT_H
#define WEIR_STORE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/store.h"

#define VERDICT_RATING_MAX 5 /* the best; 1 is the worst, 0 is none */
#define VERDICT_MAX 64       /* bytes of its word, one line: "good", "bad", whatever fits */

struct verdict {
    struct ulid message; /* unset: of the session as a whole */
    int rating;          /* 0: none */
    char *word;          /* NULL: none */
    int64_t decided_us;
};

struct verdict_list {
    struct verdict *verdicts; /* the session's own first, where there is one */
    size_t count;
};
void verdict_list_release(struct verdict_list *list); /* zeroed afterwards */

/* A session's own and those of its messages, in the order in which they were first judged. */
enum err_code verdict_list(struct store *store, const struct ulid *session,
                           struct verdict_list *ret_list, struct err *err) NODISCARD;
/* The one of that message (unset: the session's own) in the list; NULL: there is none. */
const struct verdict *verdict_of(const struct verdict_list *list, const struct ulid *message);

struct verdict_change {
    struct ulid session; /* looked at only where `message` is unset */
    struct ulid message;
    bool sets_rating, sets_word;
    int rating;     /* 0 takes it away */
    struct sv word; /* empty takes it away */
};
enum err_code verdict_set(struct store *store, const struct verdict_change *change,
                          struct err *err) NODISCARD;

#endif
