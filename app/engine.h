/*
 * Engine: runs turns. One thread (the network thread) takes orders through a queue, stores the
 * prompt, asks the provider, and feeds the answer to the message service. It never waits for the
 * disk, and nobody waits for it.
 *
 * Life of a turn: order → turn stored (synced) → NOTICE_BEGUN → request → stream events → last
 * event → attempt ended. A turn whose prompt cannot be stored is never sent: NOTICE_SEND_FAILED
 * gives the prompt back. Where a budget holds, what the request may cost is reserved before it is
 * sent; a refusal ends the attempt with ERR_BUDGET.
 *
 * Threads: engine_send, engine_cancel, engine_stop from any; open and free from the owner.
 */
#ifndef WEIR_APP_ENGINE_H
#define WEIR_APP_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/chat.h"
#include "app/config.h"
#include "app/provider.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/ulid.h"
#include "store/store.h"
#include "store/turn.h"

struct engine;

/* What is asked; see struct turn_request. Texts are copied. */
struct engine_order {
    enum turn_kind kind;
    struct ulid turn;    /* the caller's id for it; unset: a new one */
    struct ulid session; /* TURN_NEW; unset: a new one */
    struct ulid at;      /* the other kinds: a message */
    struct sv scope;     /* of a new session */
    struct sv prompt;
    struct turn_key key;
    bool unanswered;
    bool by_run;        /* see struct turn_request */
    const char *record; /* the file of a recording, or NULL: as the config says */
    bool has_system;
    struct sv system;  /* instead of the config's, where has_system */
    bool has_max_cost; /* a limit for this request alone */
    int64_t max_cost_micros;
    /* Options, and attachments of the prompt; copied. NULL: none. Their content is in the store,
     * where later turns find it (store/attachment.h). */
    const struct chat_extras *extras;
    /* Called on another thread once the turn is stored, or is not going to be (code, err); may be
     * NULL. Only queue and wake. A turn whose outcome is not TURN_BEGUN ends with this. */
    turn_begun_fn *begun;
    void *ctx;
};

/* Borrows store and config until engine_free. The choice is copied. No thread yet. */
enum err_code engine_new(struct store *store, const struct config *config,
                         const struct model_choice *choice, struct engine **ret_engine,
                         struct err *err) NODISCARD;
/* Sessions in which an answer ends get a title from the config's [title] model (app/titles.h).
 * Before engine_start. */
void engine_make_titles(struct engine *engine);
/* After an answer of a server that tells how many tokens it really lets the model have, it is asked
 * for that; NOTICE_WINDOW says when it is known. Before engine_start. */
void engine_show_windows(struct engine *engine);
/* That number for "PROVIDER/MODEL"; negative: not known. Any thread. */
int64_t engine_window_of(struct engine *engine, const char *label);
/* Another thread loads libcurl already: the engine's does not wait for it before there is a request
 * to send. Before engine_start. */
void engine_load_elsewhere(struct engine *engine);
/* Starts the thread; it loads libcurl when the provider needs it. Once; after the first frame. */
enum err_code engine_start(struct engine *engine, struct err *err) NODISCARD;
/* Looks for a local server and, when there is one, publishes NOTICE_OFFER;
 * engine_accept_offer(true) uses it from then on. */
void engine_look_for_local(struct engine *engine);
void engine_accept_offer(struct engine *engine, bool yes);

/* Whom turns ask that begin from now on; NOTICE_MODEL says so. The choice is copied. */
void engine_use(struct engine *engine, const struct model_choice *choice);

enum err_code engine_send(struct engine *engine, const struct engine_order *order,
                          struct err *err) NODISCARD;
#define ENGINE_RUNNING_MAX 32u
/* Gives the sessions in which answers of this engine run, each once, and how many they are: at most
 * `max`, at most ENGINE_RUNNING_MAX. Any thread; a moment old. */
size_t engine_running(struct engine *engine, struct ulid *sessions, size_t max);
/* Ends the answer that runs in the session as canceled. `why` is stored with it; NULL:
 * the user said so. */
void engine_cancel(struct engine *engine, const struct ulid *session, const char *why);
/*
 * Ends what runs: with FINISH_CANCELED (SIGINT) or FINISH_INTERRUPTED (SIGTERM, SIGHUP), closes
 * connections, refuses new orders, ends the thread. Twice is fine; the first reason counts. Waits
 * for the thread until the deadline.
 */
enum err_code engine_stop(struct engine *engine, enum finish_reason reason, int64_t deadline_us);
void engine_free(struct engine *engine); /* NULL is fine; stops first */

#endif
