/*
 * What the two files of crush's importer share: import_crush.c walks its database, and
 * import_crush_parts.c reads the parts of a message. Source: the schema that crush.db has.
 */
#ifndef WEIR_APP_IMPORT_CRUSH_H
#define WEIR_APP_IMPORT_CRUSH_H

#include "app/import_foreign.h"
#include "base/buf.h"

#define CRUSH_PARTS_MAX 1024

/* A message's parts. Zeroed at first; crush_parts_release gives back what they point to. */
struct crush_parts {
    void *tree;
    struct buf made; /* texts that are put together */
    struct foreign_part parts[CRUSH_PARTS_MAX];
    size_t starts[CRUSH_PARTS_MAX]; /* in `made`, of those; their text's p is set at the end */
    size_t count;
    enum finish_reason reason;
    struct sv detail;
};

/* False: the text is no array of parts. Parts of unknown kinds are refused one by one. What is
 * attached is kept. */
enum err_code crush_parts_read(struct import *import, struct sv json, struct crush_parts *parts,
                               bool *ret_is, struct err *err) NODISCARD;
void crush_parts_release(struct crush_parts *parts);

#endif
