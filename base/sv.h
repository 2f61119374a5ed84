/*
 * String view: a borrowed run of bytes, for parsing without copies.
 *
 * Not NUL-terminated, may hold any byte. A view of nothing is {NULL, 0} and is equal to {"", 0}.
 * Threads: values. Ownership: borrows; the bytes must outlive the view.
 */
#ifndef WEIR_BASE_SV_H
#define WEIR_BASE_SV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct sv {
    const char *p;
    size_t n;
};

#define SV(literal) ((struct sv){"" literal, sizeof(literal) - 1})
/* printf("%.*s", SV_ARG(view)) */
#define SV_ARG(view) ((int)(view).n), ((view).p ? (view).p : "")

struct sv sv_from(const char *text); /* NULL gives the empty view */
struct sv sv_of(const char *bytes, size_t length);
bool sv_equal(struct sv a, struct sv b);
bool sv_equal_str(struct sv a, const char *b);
bool sv_equal_nocase(struct sv a, struct sv b); /* ASCII only */
bool sv_starts_with(struct sv text, struct sv prefix);
bool sv_ends_with(struct sv text, struct sv suffix);
/* Offset of the first `byte`, or text.n when there is none. */
size_t sv_find(struct sv text, char byte);
/* Offset of the first `part`, or text.n when there is none. */
size_t sv_find_sv(struct sv text, struct sv part);
/* How often the first byte stands at the beginning; 0 for the empty view. */
size_t sv_run(struct sv text);
/* From `start` (clipped) to the end; the first `length` bytes (clipped). */
struct sv sv_skip(struct sv text, size_t start);
struct sv sv_take(struct sv text, size_t length);
/* Without ASCII white space at both ends. */
struct sv sv_trim(struct sv text);
/* The same text, or where that is empty the view whose p is NULL: what is stored and written as
 * null. */
struct sv sv_or_null(struct sv text);
/* A copy of it for free(), or NULL where it is empty. */
char *sv_dup_or_null(struct sv text) NODISCARD;
/* Cuts the next line off `*rest` (without its LF or CRLF). False when nothing is left. */
bool sv_next_line(struct sv *rest, struct sv *ret_line);
/* Whole text is a decimal number within [0, UINT64_MAX]. */
bool sv_to_u64(struct sv text, uint64_t *ret_value);

#endif
