/*
 * Deleting, inside: what a message and a session have in common. Internal to this floor.
 *
 * Threads: the writer's, inside a transaction.
 */
#ifndef WEIR_STORE_TRASH_INTERNAL_H
#define WEIR_STORE_TRASH_INTERNAL_H

#include "store/db_internal.h"
#include "store/trash.h"

/* Ends a running attempt as cancelled and its answer (0: none) as canceled, with what is stored of
 * it. Ended before is fine. */
enum err_code trash__end_attempt(struct db *db, int64_t attempt, int64_t answer,
                                 struct err *err) NODISCARD;

#endif
