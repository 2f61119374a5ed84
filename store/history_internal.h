/*
 * History, inside: finding the rows of a page, shared by whole pages and slim ones. Internal to
 * this floor.
 */
#ifndef WEIR_STORE_HISTORY_INTERNAL_H
#define WEIR_STORE_HISTORY_INTERNAL_H

#include "store/history.h"
#include "store/store_internal.h"

struct history_row {
    int64_t row;
    struct ulid id;
    struct ulid continues;
    bool running;
};

struct history_rows {
    struct history_row *items; /* oldest first */
    size_t count;
    bool more;
    struct ulid next;
};

/* Finds the rows of the page on that connection. Free `items`, also after a failure. */
enum err_code history__find(struct db *db, const struct history_query *query,
                            struct history_rows *ret_rows, struct err *err) NODISCARD;

#endif
