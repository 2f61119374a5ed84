/*
 * ULIDs: ids that sort by time of making and need no coordination.
 *
 * Held as their text, so that one value is bound to SQL, printed and compared without conversion.
 * Source: github.com/ulid/spec (48 bits of milliseconds, 80 bits of randomness, Crockford base 32,
 * upper case).
 *
 * Threads: any; two ids of one process made in the same millisecond still sort in the order of
 * making.
 */
#ifndef WEIR_BASE_ULID_H
#define WEIR_BASE_ULID_H

#include <stdbool.h>

#include "base/sv.h"

#define ULID_LENGTH 26

struct ulid {
    char text[ULID_LENGTH + 1]; /* "" is no id */
};

struct ulid ulid_new(void);
bool ulid_is_set(const struct ulid *id);
bool ulid_equal(const struct ulid *a, const struct ulid *b);
/* Accepts lower case; false (and *ret_id untouched) when `text` is no ULID. */
bool ulid_parse(struct sv text, struct ulid *ret_id);

#endif
