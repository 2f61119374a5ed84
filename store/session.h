/*
 * Sessions: made, found, listed, changed.
 *
 * A session has an id (ULID), a short handle, a title, and may have a name that the user gave. Its
 * scope is a text of the caller's, such as a folder, that keeps apart what belongs together
 * elsewhere; "" is the one for all. It is *shown* unless it was archived or deleted; a deleted one
 * lies in the trash until it is restored or purged, and is not changed meanwhile (ERR_GONE).
 *
 * Threads: any; reads take a read connection from the store's pool, changes wait for the writer and
 * are published (struct session_update) after their commit. Ownership: what is given belongs to the
 * caller (session_list_release, session_release); what is handed in is borrowed for the call.
 * Times: UTC, µs; 0 is never. Texts handed in are valid UTF-8, one line for names and titles.
 * Errors: ERR_NOT_FOUND (session), ERR_EXISTS (another session has the name), ERR_INVALID (a text
 * that is not as said here, metadata that is no JSON object), ERR_TOO_BIG, and those of the store.
 */
#ifndef WEIR_STORE_SESSION_H
#define WEIR_STORE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/store.h"

/* In bytes. */
#define SESSION_NAME_MAX 100
#define SESSION_TITLE_MAX 500
#define SESSION_SCOPE_MAX 4096
#define SESSION_KEY_MAX 500
#define SESSION_METADATA_MAX 65536

enum session_status { SESSION_ACTIVE, SESSION_IDLE, SESSION_ENDED, SESSION_STATUS_COUNT };
/* "active", "idle", "ended"; "" for values out of range. */
const char *session_status_text(enum session_status status);

/* Whose the title is. A title is replaced only by one of its own kind or a later one. */
enum title_author { TITLE_BY_PROMPT, TITLE_BY_MODEL, TITLE_BY_USER };
/* "prompt", "model", "user"; "" for values out of range. */
const char *title_author_text(enum title_author author);

/* A title for a list: where there is none, "(no title)". */
const char *session_title_said(const char *title);

/* Who began it. */
enum session_origin {
    SESSION_OF_CHAT,   /* the screen; also where nothing is known of it */
    SESSION_OF_RUN,    /* a headless run */
    SESSION_OF_IMPORT, /* another program: it was imported from its file */
    SESSION_ORIGIN_COUNT,
};
/* "chat", "run", "import"; "" for values out of range. */
const char *session_origin_text(enum session_origin origin);
/* SESSION_ORIGIN_COUNT: none of them. */
enum session_origin session_origin_parse(struct sv text);

struct session {
    struct ulid id;
    char handle[16];
    char *name;  /* NULL: none */
    char *title; /* never NULL */
    enum title_author title_by;
    char *scope;    /* never NULL */
    char *model;    /* that is asked, or NULL */
    char *metadata; /* a JSON object, or NULL; lists do not read it and have NULL */
    enum session_origin origin;
    enum session_status status;
    char state[16]; /* running, or of the turn that ended last (vocabulary.h); "": there is none */
    int64_t created_us;
    int64_t last_active_us;
    int64_t ended_us;
    int64_t archived_us;
    int64_t deleted_us;
    /* Of all its branches; what is known of tokens and cost. */
    int64_t message_count;
    int64_t input_tokens;
    int64_t output_tokens;
    int64_t cost_micros; /* millionths of a US dollar */
};

void session_release(struct session *session); /* what it points to; zeroed afterwards */

/* ---- finding ---- */

struct session_list {
    struct session *sessions;
    size_t count;
    bool more; /* there are more in the direction that was asked for */
};

void session_list_release(struct session_list *list); /* zeroed afterwards */

/* By id, name, handle, key, or an unambiguous prefix of id or handle; not of what is in the trash.
 * ERR_NOT_FOUND, ERR_AMBIGUOUS. One entry. */
enum err_code session_find(struct store *store, struct sv what, struct session_list *ret_list,
                           struct err *err) NODISCARD;
/* The same in the trash, where a name is the one that it had when it was deleted. */
enum err_code session_find_deleted(struct store *store, struct sv what,
                                   struct session_list *ret_list, struct err *err) NODISCARD;
/* Whatever became of it. ERR_NOT_FOUND: it was never there, or was purged. */
enum err_code session_get(struct store *store, const struct ulid *id, struct session *ret_session,
                          struct err *err) NODISCARD;
/* The most recently active shown one of the scope (NULL: of all). ERR_NOT_FOUND: there is none. */
enum err_code session_last(struct store *store, const char *scope, struct ulid *ret_id,
                           struct err *err) NODISCARD;

/* ---- lists ---- */

enum session_set { SESSIONS_SHOWN, SESSIONS_ARCHIVED, SESSIONS_DELETED };

/* All that is given has to fit; zeroed: all that are shown. */
struct session_filter {
    enum session_set set;
    const char *scope; /* NULL: any */
    const char *label; /* NULL: any */
    const char *model; /* NULL: any */
    const char *state; /* of the newest turn; NULL: any */
    const char *title; /* contained in the title, ASCII letters in either case; NULL: any */
    int64_t since_us, until_us; /* [since, until) of the time it is sorted by; 0: open */
    int64_t min_cost_micros;
};

/* Where a list goes on: behind this entry. */
struct session_cursor {
    int64_t at_us;
    struct ulid id; /* unset: at the beginning */
};
/* Behind an entry of a list of that set. */
struct session_cursor session_cursor_of(const struct session *session, enum session_set set);

struct session_window {
    struct session_cursor cursor;
    bool newer;    /* the ones before the cursor, that is: more recent; else those after it */
    size_t offset; /* skipped first; costs as much as reading them */
    size_t limit;
};

/*
 * Most recently active first (of the trash: most recently deleted first), in either direction. What
 * becomes active between two pages moves to the front; nothing else is given twice or left out.
 * `filter` NULL is a zeroed one.
 */
enum err_code session_list(struct store *store, const struct session_filter *filter,
                           const struct session_window *window, struct session_list *ret_list,
                           struct err *err) NODISCARD;
enum err_code session_count(struct store *store, const struct session_filter *filter,
                            int64_t *ret_count, struct err *err) NODISCARD;

/* ---- changes ---- */

/* Empty views are none. */
struct session_request {
    struct sv key; /* the caller's name for it, once in its scope, for ever */
    struct sv name, title, scope, metadata;
};

/* `*ret_created` false: a session owns the key already, and that one is given, as it is, perhaps
 * archived or in the trash; nothing is written. Of several that ask at once one creates. */
enum err_code session_create(struct store *store, const struct session_request *request,
                             struct ulid *ret_id, bool *ret_created, struct err *err) NODISCARD;
/* The most recently active shown session of the scope that has not ended, which becomes active now,
 * or a new one. */
enum err_code session_resume(struct store *store, struct sv scope, struct ulid *ret_id,
                             bool *ret_created, struct err *err) NODISCARD;

enum session_field {
    SESSION_SET_NAME = 1,     /* empty takes it away */
    SESSION_SET_TITLE = 2,    /* left as it is where a later author gave it */
    SESSION_SET_METADATA = 4, /* empty takes it away */
    SESSION_SET_STATUS = 8,   /* ended: ended_us is now; else it is none */
    SESSION_SET_ARCHIVED = 16,
    SESSION_SET_SUMS = 32,
};

struct session_change {
    unsigned fields; /* of enum session_field; the others are left alone */
    struct sv name;
    struct sv title;
    enum title_author title_by;
    struct sv metadata;
    enum session_status status;
    bool archived;
    /* Negative: left alone. */
    int64_t message_count, input_tokens, output_tokens, cost_micros;
};

/* All of it or nothing. */
enum err_code session_update(struct store *store, const struct ulid *id,
                             const struct session_change *change, struct err *err) NODISCARD;

#endif
