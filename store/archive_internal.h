/*
 * What the files of an import share: records that wait for the writer, and the work on a session.
 * Internal to store/archive_*.c.
 *
 * Threads: the importer's until the work is handed to the writer, whose alone it is then. Errors:
 * those of the connection; a record's own faults are told in its item.
 */
#ifndef WEIR_STORE_ARCHIVE_INTERNAL_H
#define WEIR_STORE_ARCHIVE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/archive.h"
#include "store/db_internal.h"
#include "store/store_internal.h"

/* Of one record that goes into one transaction, and of one piece of a longer one. */
#define ARCHIVE__PIECE_BYTES ((size_t)128 << 10)

enum archive_outcome { ARCHIVE_ADDED, ARCHIVE_KNOWN, ARCHIVE_REFUSED };

struct archive_item {
    enum archive_kind kind;
    bool is_segment; /* then json is its text */
    char *json;
    size_t n;
    struct ulid message; /* of a segment */
    int64_t part, offset;
    enum archive_outcome outcome;
    char *reason; /* why it was refused */
};

/* The session's id first, as session__written wants it. */
struct archive_work {
    struct ulid session;
    struct sv record; /* of the session; a copy */
    int64_t row;
    bool created;  /* by this import */
    bool unwhole;  /* it is not shown until the end, or an earlier import was cut short */
    bool counted;  /* its record brought its sums of usage */
    bool is_shown; /* so changes are published */
    struct archive_item *items;
    size_t count, bytes;
    size_t done, step; /* items that are committed, and where the step at hand has come to */
};

struct archive_item *archive__add_item(struct archive_work *work, enum archive_kind kind,
                                       struct sv json);

struct archive_import {
    struct store *store;
    struct archive_options options;
    struct archive_counts counts;
    struct archive_work *work; /* NULL: no session is open */
};
/* Writes what waits where that has become much. A failure may take the work away. */
enum err_code archive__write_full(struct archive_import *import, struct err *err) NODISCARD;

/* ---- archive_rows.c ---- */

bool archive__has_rows(enum archive_kind kind);
enum err_code archive__is_object(struct db *db, struct sv json, bool *ret_is,
                                 struct err *err) NODISCARD;
enum err_code archive__is_known(struct db *db, enum archive_kind kind, struct sv json,
                                bool *ret_known, struct err *err) NODISCARD;
/* In the transaction that is open. ERR_EXISTS, ERR_INTERNAL, ERR_TOO_BIG: the record's own fault.
 */
enum err_code archive__put_item(struct db *db, const struct archive_work *work,
                                struct archive_item *item, struct err *err) NODISCARD;

/* ---- archive_long.c ---- */

/* A message of over ARCHIVE__PIECE_BYTES becomes items that each fit into a transaction. */
enum err_code archive__add_long(struct archive_import *import, struct sv json,
                                struct err *err) NODISCARD;

/* ---- archive_session.c ---- */

/* Take the work's record: the session is there and not shown, or was there already; it is whole. */
extern const struct store_write archive__begin, archive__end;
void archive__free_work(void *work);

#endif
