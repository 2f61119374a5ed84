/*
 * Turn: a user's message and what answers it. Beginning one stores the user's message, durably,
 * before anything is sent anywhere.
 *
 * In one transaction (synced to the disk): the user's message, the turn, a running attempt owned by
 * this process, the empty message of the answer, and the key under which it can be asked for again.
 * The answer is then fed through the message service; its last event ends the attempt, exactly
 * once: completed, failed, cancelled or interrupted. Text is only appended and an end is final, so
 * ending an answer a second time is refused, whoever comes first; its usage is stored with its end,
 * once.
 *
 * Nothing is overwritten: another prompt in the place of an earlier one, and another answer to the
 * same prompt, stand on branches of their own, which become the session's current one.
 *
 * Asking twice. A caller that may have to (after a crash, not knowing whether the first call came
 * through) names the turn itself by `id`: for an id that is stored already nothing is written, and
 * the ids of the first time come back, whatever else the request says. Or it gives a key, which
 * stands for everything that is asked: what the turn of that key has come to decides (see enum
 * turn_outcome). Decision and write are one transaction, so of several processes that ask at once
 * one begins the turn.
 *
 * Threads: any. Ownership: texts are borrowed for the call and copied. Errors: ERR_BUSY (an attempt
 * runs on this branch; the text says in which process and since when), ERR_NOT_FOUND (session,
 * message), ERR_INVALID (the key was used with another fingerprint; `at` is no message that this
 * kind of turn can follow), ERR_CLOSED, ERR_READ_ONLY, ERR_DISK_FULL, ERR_IO.
 */
#ifndef WEIR_STORE_TURN_H
#define WEIR_STORE_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "base/ulid.h"
#include "store/store.h"

/* Stored as a part of kind attachment of the user's message: tool_id is the id, tool_name the type,
 * text the title. One that lacks a field is dropped. Valid UTF-8. Where the id is one of
 * attachment_add, the content is kept for as long as the message is. */
struct turn_attachment {
    struct sv id, title, type;
};

enum turn_kind {
    TURN_NEW,      /* a prompt at the end of the session's current branch */
    TURN_EDIT,     /* a prompt in the place of the user's message `at` */
    TURN_AGAIN,    /* another answer to the prompt of message `at`, which stays as it is */
    TURN_CONTINUE, /* more of the answer `at`, in a message linked to it */
};

/* Who asks with the same key again gets the same turn. */
struct turn_key {
    struct sv scope;       /* a session's id, or empty: the key is alone among all */
    struct sv key;         /* empty: none */
    struct sv fingerprint; /* of everything that is asked; the same each time */
};

struct turn_request {
    enum turn_kind kind;
    struct ulid id;      /* the caller's; unset: a new one. TURN_NEW and TURN_EDIT only */
    struct ulid session; /* TURN_NEW: unset makes a new session */
    struct ulid at;      /* a message, for the other kinds */
    struct sv scope;     /* of the new session */
    struct sv prompt;    /* valid UTF-8; TURN_NEW and TURN_EDIT */
    struct sv model;     /* "PROVIDER/MODEL" */
    const struct turn_attachment *attachments;
    size_t attachment_count;
    struct turn_key key;
    bool unanswered; /* deliberately: the prompt alone is stored */
    bool by_run;     /* a headless run asks: kept with the prompt (enum session_origin) */
};

enum turn_outcome {
    TURN_BEGUN,      /* stored now, and running: the caller asks the provider */
    TURN_REPLAY,     /* completed before: the answer is in the store */
    TURN_UNANSWERED, /* deliberately left without an answer, now or before */
    TURN_RUNNING,    /* somebody is at it, perhaps in another process */
};

struct turn {
    enum turn_outcome outcome;
    struct ulid session;
    struct ulid branch; /* that the answer stands on */
    struct ulid id;
    struct ulid attempt;
    struct ulid prompt; /* the user's message */
    struct ulid answer; /* empty, running; unset where there is none */
    bool existed;       /* it was stored before: attempt and answer are its latest, in any state */
};

/* Waits for the disk. */
enum err_code turn_begin(struct store *store, const struct turn_request *request,
                         int64_t deadline_us, struct turn *ret_turn, struct err *err) NODISCARD;

/* Called once on the writer's thread, no lock held: only queue and wake there. `turn` is set when
 * code is ERR_OK. */
typedef void turn_begun_fn(void *ctx, const struct turn *turn, enum err_code code,
                           const struct err *err);
/* Returns at once. When this call itself fails, `begun` is not called. */
enum err_code turn_begin_then(struct store *store, const struct turn_request *request,
                              turn_begun_fn *begun, void *ctx, struct err *err) NODISCARD;

/* What is stored of a turn; `existed` is set. Ids of what was deleted are unset. ERR_INVALID: `id`
 * is unset; ERR_NOT_FOUND. Writes nothing. */
enum err_code turn_find(struct store *store, const struct ulid *id, struct turn *ret_turn,
                        struct err *err) NODISCARD;
/* The turn of a key, of which the fingerprint is not looked at. ERR_NOT_FOUND. */
enum err_code turn_find_key(struct store *store, const struct turn_key *key, struct turn *ret_turn,
                            struct err *err) NODISCARD;
/* The newest turn of a session that was not deleted; `running`: the newest that runs.
 * ERR_NOT_FOUND. */
enum err_code turn_find_latest(struct store *store, const struct ulid *session, bool running,
                               struct turn *ret_turn, struct err *err) NODISCARD;

/* A prompt that is to stay without an answer: a completed turn without one. Twice is harmless.
 * ERR_EXISTS: it runs, or has an answer with text. ERR_NOT_FOUND. Waits for the disk. */
enum err_code turn_mark_unanswered(struct store *store, const struct ulid *turn,
                                   struct err *err) NODISCARD;
/* Hides the turn from turn_find_latest, and says by which it was replaced (unset: by none).
 * ERR_NOT_FOUND: either of them. */
enum err_code turn_replace(struct store *store, const struct ulid *turn,
                           const struct ulid *replacement, struct err *err) NODISCARD;
/* What an agent of several steps resumes from, with the turn. At most 1 MiB. Gives; free().
 * NULL: there is none. */
enum err_code turn_put_checkpoint(struct store *store, const struct ulid *turn, struct sv text,
                                  struct err *err) NODISCARD;
enum err_code turn_get_checkpoint(struct store *store, const struct ulid *turn, char **ret_text,
                                  struct err *err) NODISCARD;

#endif
