/*
 * Doctor, inside: what examining and repairing share. Internal to this floor.
 */
#ifndef WEIR_STORE_DOCTOR_INTERNAL_H
#define WEIR_STORE_DOCTOR_INTERNAL_H

#include <stdbool.h>

#include "store/db_internal.h"
#include "store/doctor.h"

/* Adds a line; the text as printf makes it. wide: printf. */
void doctor__add(struct doctor_report *report, const char *check, enum doctor_state state,
                 int64_t value, const char *format, ...) PRINTF_LIKE(5, 6);

/* A connection that only reads, and reads on where the file is shorter than it says or a table's
 * entry in the schema is broken. */
enum err_code doctor__open(const char *path, struct db **ret_db, struct err *err) NODISCARD;

/* Whether "PRAGMA integrity_check" has nothing to say; what it says goes into the report (may be
 * NULL). False also when it fails. */
bool doctor__is_whole(struct db *db, struct doctor_report *report);
/* How many rows refer to one that is not there; -1 when that cannot be told. */
int64_t doctor__count_orphans(struct db *db);
/* Whether counts and states agree with the rows that they are of; and makes them agree, in one
 * transaction. Gives how many did not. */
void doctor__check_sums(struct db *db, struct doctor_report *report);
enum err_code doctor__mend_sums(struct db *db, int64_t *ret_count, struct err *err) NODISCARD;

/*
 * Rows that refer to what is not there go into the table quarantine, until none is left. In one
 * transaction. Gives how many.
 */
enum err_code doctor__quarantine(struct db *db, int64_t *ret_count, struct err *err) NODISCARD;
/*
 * What can be read of `from` goes into `to`, a new database with the schema of today; what refers
 * to rows that were lost is left for doctor__quarantine. Words of the search are left out: they are
 * made anew. ERR_CORRUPT: there is nothing to be read.
 */
enum err_code doctor__salvage(struct db *from, struct db *to, int64_t *ret_rows,
                              struct err *err) NODISCARD;

#endif
