/*
 * Short forms for the commonest statements: one or two values bound, one value read. Internal to
 * this floor.
 *
 * `sql` is a literal (db_internal.h). Threads: those of the connection. Errors: the connection's.
 */
#ifndef WEIR_STORE_SQL_INTERNAL_H
#define WEIR_STORE_SQL_INTERNAL_H

#include <stdint.h>

#include "base/attr.h"
#include "store/db_internal.h"

/* The number of the next row of message, which no row ever had, also none that was purged. */
#define SQL__MESSAGE_ROW                                                                           \
    "(SELECT 1 + max(coalesce((SELECT max(id) FROM message), 0),"                                  \
    " coalesce((SELECT id FROM last_row WHERE name = 'message'), 0)))"

/* Runs it with ?1 a number, or a text. */
enum err_code sql__run_row(struct db *db, const char *sql, int64_t row, struct err *err) NODISCARD;
enum err_code sql__run_text(struct db *db, const char *sql, struct sv text,
                            struct err *err) NODISCARD;
/* The first column of the first row as a number; 0 when there is none. */
enum err_code sql__value_of_row(struct db *db, const char *sql, int64_t row, int64_t *ret_value,
                                struct err *err) NODISCARD;
enum err_code sql__value_of_text(struct db *db, const char *sql, struct sv text, int64_t *ret_value,
                                 struct err *err) NODISCARD;

#endif
