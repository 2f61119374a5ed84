/*
 * Import: sessions from files, of weir's own formats and of others.
 *
 * One importer is one file and one line of the table in import.c. It is found by what a file begins
 * with, gets records one at a time (import_scan.h), and hands sessions on in the form that
 * store/archive.h takes; what others write is brought into that form, with ids that are made from
 * theirs, so that a second import adds only what is new.
 *
 * Threads: main. Errors: ERR_INVALID (no importer knows the file), ERR_NEWER, those of reading the
 * file and of the store. A damaged record is told, counted, and left out.
 */
#ifndef WEIR_APP_IMPORT_H
#define WEIR_APP_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "app/import_scan.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/archive.h"
#include "store/attachment.h"
#include "store/store.h"

struct import_options {
    struct store *store;     /* NULL: a dry run, which reads everything and only counts */
    const char *attachments; /* folder with their bytes, or NULL */
    void (*remark)(void *ctx, const char *text); /* on what was left out */
    void *ctx;
};

struct import_counts {
    const char *format; /* of the importer */
    uint64_t sessions, messages, known, refused;
};

enum err_code import_file(const struct import_options *options, const char *path,
                          struct import_counts *ret_counts, struct err *err) NODISCARD;
/* The same of bytes that are there already. */
enum err_code import_bytes(const struct import_options *options, struct sv bytes,
                           struct import_counts *ret_counts, struct err *err) NODISCARD;

/* ---- for importers ---- */

struct import {
    const struct import_options *options;
    struct archive_import *archive; /* NULL: a dry run */
    struct import_counts counts;
    bool skips; /* the session at hand: it was refused */
    bool open;
};

struct importer {
    const char *name;
    const char *pattern;          /* import_scan.h */
    size_t max_bytes, max_values; /* of a record */
    bool (*knows)(struct sv head);
    /* Instead of records: the whole file, which is no stream. NULL: records. */
    enum err_code (*read)(struct import *import, const char *path, struct err *err);
    /* One record, repaired and trimmed; or the beginning or end of a container. */
    enum err_code (*take)(struct import *import, const struct scan_event *event, struct err *err);
};
extern const struct importer importer_weir, importer_weir_lines, importer_chatgpt,
    importer_sharegpt, importer_sharegpt_lines, importer_crush;

/* A session's record, its other records, its end, which also comes of itself. `json` as archive_put
 * wants it. */
enum err_code import_session(struct import *import, struct sv json, struct err *err) NODISCARD;
enum err_code import_put(struct import *import, enum archive_kind kind, struct sv json,
                         struct err *err) NODISCARD;
enum err_code import_end(struct import *import, struct err *err) NODISCARD;
void import_refuse(struct import *import, const char *what, const char *reason);

/* Keeps the bytes, which a message of the session at hand then names. A dry run only tells the id.
 */
enum err_code import_attachment(struct import *import, struct sv type, struct sv bytes,
                                char ret_id[ATTACHMENT_ID_LENGTH + 1], struct err *err) NODISCARD;
/* Appends what the base64 says. False: it is none, or more than fits. Source: RFC 4648. */
bool import_decode(struct buf *out, struct sv text);

/* An id that is made from a kind and an id of the source: always the same. Its time is `at_us`. */
struct ulid import_id(const char *kind, struct sv source, int64_t at_us);

#endif
