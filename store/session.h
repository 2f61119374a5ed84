/*
 * Sessions: list, find, create.
 *
 * A session has an id (ULID), a short handle, a title, and may have a name that the user gave.
 * Threads: any; reads take a read connection from the store's pool, writes wait for the writer.
 * Ownership: arrays and their strings are the caller's (session_list_free).
 */
#ifndef WEIR_STORE_SESSION_H
#define WEIR_STORE_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/store.h"

struct session {
    struct ulid id;
    char handle[16];
    char *name;  /* NULL: none */
    char *title; /* never NULL */
    char *model; /* of the last answer, or NULL */
    int64_t created_us;
    int64_t last_active_us;
    int64_t message_count;
};

struct session_list {
    struct session *sessions;
    size_t count;
    bool more; /* there are older ones */
};

void session_list_free(struct session_list *list); /* what it points to; zeroed afterwards */

/* Most recently active first, of one scope (NULL: all), after skipping `offset`. */
enum err_code session_list(struct store *store, const char *scope, size_t offset, size_t limit,
                           struct session_list *ret_list, struct err *err) NODISCARD;
/* By id, name, handle, or an unambiguous prefix of id or handle. ERR_NOT_FOUND, ERR_AMBIGUOUS. One
 * entry. */
enum err_code session_find(struct store *store, struct sv what, struct session_list *ret_list,
                           struct err *err) NODISCARD;
/* The most recently active one of the scope. ERR_NOT_FOUND: there is none. */
enum err_code session_last(struct store *store, const char *scope, struct ulid *ret_id,
                           struct err *err) NODISCARD;

#endif
