/*
 * Notes: what a reader writes beside a message, or beside a span of one of its parts.
 *
 * A note is valid UTF-8 of 1 to NOTE_MAX bytes that are not all blank; it may have several lines. A
 * span is bytes [first, last) of a part's text and cuts no character. Text is only ever appended,
 * so a span stays where it was put. Each change can be undone (store/journal.h).
 *
 * Threads: any but the screen's for changes, which wait for the writer and are published (struct
 * session_update) after their commit; reads take a read connection. Ownership: what is given is the
 * caller's (note_list_release, note_release). Times: UTC, µs. Errors: ERR_NOT_FOUND (note, message,
 * part, session), ERR_GONE (the session is in the trash), ERR_INVALID (text or span), ERR_TOO_BIG,
 * ERR_AMBIGUOUS, and those of the store.
 */
#ifndef WEIR_STORE_NOTE_H
#define WEIR_STORE_NOTE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/store.h"

#define NOTE_MAX 65536
#define NOTE_WHOLE (-1) /* as a part: the message as a whole */

struct note_place {
    struct ulid message;
    int part; /* its place in the message, or NOTE_WHOLE */
    size_t first, last;
};

struct note {
    struct ulid id;
    struct note_place place;
    char *text;
    int64_t created_us, changed_us;
};
void note_release(struct note *note); /* what it points to; zeroed afterwards */

struct note_list {
    struct note *notes; /* of one message: in the order in which they were written */
    size_t count;
};
void note_list_release(struct note_list *list); /* zeroed afterwards */

/* Of all that is not deleted in the session, on all its branches; the notes of one message stand
 * together. */
enum err_code note_list_of_session(struct store *store, const struct ulid *session,
                                   struct note_list *ret_list, struct err *err) NODISCARD;
/* By its id or an unambiguous beginning of it, in either case of letters. */
enum err_code note_find(struct store *store, struct sv what, struct note *ret_note,
                        struct err *err) NODISCARD;

enum err_code note_add(struct store *store, const struct note_place *place, struct sv text,
                       struct ulid *ret_id, struct err *err) NODISCARD;
enum err_code note_edit(struct store *store, const struct ulid *note, struct sv text,
                        struct err *err) NODISCARD;
enum err_code note_remove(struct store *store, const struct ulid *note, struct err *err) NODISCARD;

#endif
