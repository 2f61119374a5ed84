/*
 * Labels: words that a user puts on sessions to find them again.
 *
 * A label is one line of text of 1 to LABEL_MAX bytes, valid UTF-8; its case counts.
 *
 * Threads: any; reads take a read connection, changes wait for the writer and are published (struct
 * session_update). Errors: ERR_NOT_FOUND (session), ERR_GONE (it is in the trash), ERR_INVALID,
 * ERR_TOO_BIG, and those of the store.
 */
#ifndef WEIR_STORE_LABEL_H
#define WEIR_STORE_LABEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/store.h"

#define LABEL_MAX 64

struct label {
    char *name;
    int64_t sessions; /* that are shown and have it; 0 where one session was asked for */
};

struct label_list {
    struct label *labels; /* by name, byte by byte */
    size_t count;
};
void label_list_release(struct label_list *list); /* zeroed afterwards */

/* A session's, or (NULL) all that some session has, also one that is archived or in the trash. */
enum err_code label_list(struct store *store, const struct ulid *session,
                         struct label_list *ret_list, struct err *err) NODISCARD;

/* Takes away, then adds, in one transaction. One that is there already, or is not there, is fine.
 */
struct label_change {
    const struct sv *add, *remove;
    size_t add_count, remove_count;
};
enum err_code label_update(struct store *store, const struct ulid *session,
                           const struct label_change *change, struct err *err) NODISCARD;

#endif
