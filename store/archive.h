/*
 * Archive: a session as records of JSON, out of the store and into one, with its ids, times and
 * order.
 *
 * What archive_read gives, archive_put takes: a session that was taken out and put into an empty
 * store is given the same way again, byte for byte. The records and their members are described in
 * doc/export.md. Left out is what belongs to one store and not to what was said: drafts, waiting
 * prompts, the journal, budgets, claims, and all that lies in the trash. An answer that still runs
 * is given as far as it came, and is put in as interrupted.
 *
 * Putting in is idempotent: a record whose id is in the store already changes nothing, so a second
 * time adds only what is new. A new session lies in the trash until archive_end, marked by a claim
 * of kind "import"; one whose import was cut short is completed by the next import of it, and one
 * that is purged from the trash meanwhile ends with ERR_GONE. It is
 * done in transactions of at most 10 ms with rests as long.
 *
 * Threads: any but the screen's and the writer's; an importer belongs to one thread. Ownership:
 * views are borrowed for the call. Errors: ERR_NOT_FOUND (session, branch), ERR_GONE (the session
 * is in the trash, so nothing of it is put in), ERR_INVALID (no record of a session), and those of
 * the store. A single record that cannot be put in is no error: it is refused, with a reason.
 */
#ifndef WEIR_STORE_ARCHIVE_H
#define WEIR_STORE_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/store.h"

/* In the order in which they are given, and have to be put in. */
#define ARCHIVE_KINDS(X)                                                                           \
    X(ARCHIVE_SESSION, "session")                                                                  \
    X(ARCHIVE_ATTACHMENT, "attachments") /* what is kept, without its bytes; not put in here */    \
    X(ARCHIVE_PARTICIPANT, "participants")                                                         \
    X(ARCHIVE_BRANCH, "branches")                                                                  \
    X(ARCHIVE_TURN, "turns")                                                                       \
    X(ARCHIVE_REPLACEMENT, "replacements")                                                         \
    X(ARCHIVE_MESSAGE, "messages")                                                                 \
    X(ARCHIVE_ATTEMPT, "attempts")
#define ARCHIVE__ENUM(name, text) name,
enum archive_kind { ARCHIVE_KINDS(ARCHIVE__ENUM) ARCHIVE_KIND_COUNT };
#undef ARCHIVE__ENUM

const char *archive_kind_text(enum archive_kind kind);
/* ARCHIVE_KIND_COUNT: none of them. */
enum archive_kind archive_kind_parse(struct sv text);

/* Zeroed but for session: all of it. */
struct archive_query {
    struct ulid session;
    struct ulid branch;          /* its path only; unset: all branches */
    int64_t first_seq, last_seq; /* of the messages; 0: open */
};

/* One object of JSON, on one line. No transaction is open meanwhile. An error ends the reading. */
typedef enum err_code archive_visit_fn(void *ctx, enum archive_kind kind, struct sv json,
                                       struct err *err);

enum err_code archive_read(struct store *store, const struct archive_query *query,
                           archive_visit_fn *visit, void *ctx, struct err *err) NODISCARD;

/* ---- putting in ---- */

struct archive_counts {
    uint64_t sessions, messages; /* that were put in */
    uint64_t known;              /* messages that were there already */
    uint64_t refused;            /* records of any kind */
};

struct archive_options {
    /* Called on the calling thread for each record that was refused. May be NULL. */
    void (*refused)(void *ctx, enum archive_kind kind, const char *reason);
    void *ctx;
};

struct archive_import;
struct archive_import *archive_import_new(struct store *store,
                                          const struct archive_options *options) NODISCARD;
void archive_import_free(struct archive_import *import); /* NULL is fine */
const struct archive_counts *archive_import_counts(const struct archive_import *import);

/* `json`: valid UTF-8 without NUL, also in its escapes (app/json.h repairs what is not). */
enum err_code archive_begin(struct archive_import *import, struct sv json,
                            struct err *err) NODISCARD;
/* May keep the record until the next call. Between archive_begin and archive_end. */
enum err_code archive_put(struct archive_import *import, enum archive_kind kind, struct sv json,
                          struct err *err) NODISCARD;
/* The session is whole: it is shown. */
enum err_code archive_end(struct archive_import *import, struct err *err) NODISCARD;

#endif
