/*
 * Cutting records out of a stream of JSON: elements of arrays, one at a time, however long the
 * whole is.
 *
 * A pattern says which containers are gone through: "A" cuts the elements of an outermost array;
 * "OAOA" goes through an object, an array in it, the objects in that, and the arrays in those. What
 * stands where the pattern wants another kind of container, or is no container, is a record as
 * well. A pattern that is NULL means lines: each is a record.
 *
 * Only as much is understood as cutting needs, so a record may be no JSON. One that is too long,
 * too deep, or has too many values is passed over without being held, and said to be bad.
 *
 * Threads: one at a time. Ownership: views are borrowed for the visit.
 */
#ifndef WEIR_APP_IMPORT_SCAN_H
#define WEIR_APP_IMPORT_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sv.h"

#define SCAN_KEY_MAX 64
#define SCAN_DEPTH_MAX 4
#define SCAN_NESTING_MAX 500

enum scan_kind { SCAN_RECORD, SCAN_ENTER, SCAN_LEAVE, SCAN_BAD };

struct scan_event {
    enum scan_kind kind;
    size_t depth;   /* containers around it */
    struct sv key;  /* the nearest member's name, without escapes undone */
    struct sv text; /* SCAN_RECORD: as written; SCAN_BAD: why */
};
typedef enum err_code scan_visit_fn(void *ctx, const struct scan_event *event, struct err *err);

struct scan_options {
    const char *pattern;
    size_t max_bytes;  /* of a record */
    size_t max_values; /* in a record */
    scan_visit_fn *visit;
    void *ctx;
};

struct scan {
    struct scan_options options;
    struct buf record;
    char path[SCAN_DEPTH_MAX];
    char keys[SCAN_DEPTH_MAX + 1][SCAN_KEY_MAX];
    size_t key_n[SCAN_DEPTH_MAX + 1];
    size_t depth;
    size_t nesting, values; /* of the record */
    bool in_record, in_string, escaped, is_scalar, is_deep;
    bool in_key, after_key;
};

void scan_init(struct scan *scan, const struct scan_options *options);
/* The next bytes. An error of a visit ends it. */
enum err_code scan_feed(struct scan *scan, struct sv bytes, struct err *err) NODISCARD;
/* No more come: the last line is a record, and what is cut off is bad. */
enum err_code scan_end(struct scan *scan, struct err *err) NODISCARD;
void scan_release(struct scan *scan);

#endif
