/*
 * Cursor: a place in the history of answers, as text that a script keeps and gives back.
 *
 * Each line of stream-json carries one. It says what a reader of that line has seen: of which
 * message up to which byte, and which events. To scripts it is opaque; it holds no secrets, needs
 * no quoting in a shell or a URL, and is valid in every process that opens the same database.
 *
 * Text: "w1", then session, message, part, offset, revision and event, with points between; ids as
 * they are, numbers in hexadecimal. What is not known is an empty id, or 0.
 *
 * Threads: pure. Units: bytes.
 */
#ifndef WEIR_APP_CURSOR_H
#define WEIR_APP_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"

/* As a part: the answer's end was seen. */
#define CURSOR_END UINT32_MAX

struct cursor {
    struct ulid session, message; /* unset: the reader has seen none */
    uint32_t part;                /* that came last */
    uint64_t offset;              /* in it; what was seen ends before that byte */
    uint32_t revision;            /* of the message (store/update.h) */
    int64_t event;                /* the last row of the table of events; 0: not known */
};

void cursor_append(struct buf *out, const struct cursor *cursor);
/* ERR_USAGE: that is no cursor. */
enum err_code cursor_parse(struct sv text, struct cursor *ret_cursor, struct err *err) NODISCARD;

#endif
