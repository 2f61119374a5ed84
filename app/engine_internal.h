/*
 * Engine, inside: shared by engine*.c, run.c, attempt.c, prepare.c, reply.c, offer.c, titles.c and
 * window_ask.c only.
 *
 * The engine's thread owns the runs, the transfers and the clocks. Everybody else talks to it by
 * orders: callers send and cancel, the writer's thread reports that a turn was stored or an answer
 * is on the disk, short-lived threads report what they prepared (reading the history, running a key
 * command) or found (a local server).
 */
#ifndef WEIR_APP_ENGINE_INTERNAL_H
#define WEIR_APP_ENGINE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "app/engine.h"
#include "app/http.h"
#include "app/ndjson.h"
#include "app/player.h"
#include "app/recorder.h"
#include "app/spending.h"
#include "app/sse.h"
#include "base/buf.h"
#include "base/wake.h"
#include "store/message_service.h"

/* Who is asked: a deep copy of the choice, shared by the engine and the runs that began with it. */
struct target {
    atomic_uint references;
    struct config_provider provider; /* borrows the config's texts, or `own_base_url` */
    char *own_base_url;
    char *model;
    char *label;
    char *system;
    char *key; /* once it was fetched; guarded by the engine's lock */
};
/* engine_target.c */
struct target *target_new(const struct config *config, const struct config_provider *provider,
                          const char *model, const char *base_url) NODISCARD;
struct target *target_ref(struct target *target);
void target_unref(struct target *target);

/* What a request needs, made off the engine's thread. */
struct prepared {
    char *url;
    char **headers; /* NULL-terminated; one of them may hold the key */
    char *host;
    char *key; /* as in the headers, or NULL */
    struct buf body;
    bool has_natives;      /* in the body: what the provider wanted back as it was */
    struct player *player; /* instead of all that, where no network is asked */
};
void prepared_release(struct prepared *prepared);
/* The headers of a request beside the turns, with the key where it was fetched already. For
 * headers_free. */
char **prepare_headers_again(struct engine *engine, struct target *target, const char *host);

enum order_kind {
    ORDER_SEND,
    ORDER_CANCEL,
    ORDER_BEGUN,    /* from the writer: the turn is stored, or is not going to be */
    ORDER_PREPARED, /* from a preparing thread */
    ORDER_RESERVED, /* from the writer: what it may cost is reserved, or is too much */
    ORDER_SAVED,    /* from the writer: the end of the answer is on the disk, or never will be */
    ORDER_LOOK,
    ORDER_FOUND, /* from a looking thread: `server` or NULL */
    ORDER_ANSWER,
    ORDER_USE,
    ORDER_STOP,
};

struct order {
    struct order *next;
    enum order_kind kind;
    struct run *run;     /* BEGUN, PREPARED, RESERVED, SAVED; SEND gives a new one */
    struct ulid session; /* CANCEL */
    struct turn turn;    /* BEGUN */
    struct prepared prepared;
    const struct local_server *server;
    struct target *target;     /* USE */
    bool yes;                  /* ANSWER; FOUND: an earlier one */
    enum finish_reason reason; /* STOP */
    enum err_code code;
    struct err err;
};

enum run_stage {
    STAGE_STORING,   /* waiting for ORDER_BEGUN */
    STAGE_PREPARING, /* waiting for ORDER_PREPARED */
    STAGE_RESERVING, /* waiting for ORDER_RESERVED */
    STAGE_STREAMING,
    STAGE_WAITING, /* a try failed; the next one begins at `retry_us` */
    STAGE_ENDED,   /* the last event was given to the store; waiting for ORDER_SAVED, or for a
                      straggler */
};

/* An answer's HTTP body on its way to a decoder, whatever it turns out to be. */
enum reply_form { REPLY_UNKNOWN, REPLY_SSE, REPLY_LINES, REPLY_WHOLE, REPLY_FAILURE };
struct reply {
    const struct codec *codec;
    struct decoder *decoder;
    enum reply_form form;
    bool says_json; /* by its media type: one document, or an event stream all the same */
    int status;
    char *host;   /* who that is, for error texts */
    char *no_key; /* where to put a key, when none is sent; else NULL; the caller sets it, owned */
    struct sse sse;
    struct ndjson lines;
    struct buf body;
    struct err broken;     /* code ERR_OK: not */
    int64_t asked_wait_us; /* by a refusal's body; -1: not said */
};
void reply_init(struct reply *reply, const struct codec *codec, const char *host,
                stream_sink_fn *sink, void *ctx);
void reply_release(struct reply *reply); /* twice is fine */
void reply_head(struct reply *reply, const struct http_head *head);
/* False: the rest is not wanted, end it. */
bool reply_body(struct reply *reply, struct sv bytes);
/* Emits the last event. `err` NULL: the body ended cleanly. */
void reply_end(struct reply *reply, const struct err *err, stream_sink_fn *sink, void *ctx);

/* A copy of the order. */
struct asked {
    enum turn_kind kind;
    struct ulid turn, at;
    char *scope, *prompt, *system;       /* system NULL: the target's */
    char *key, *key_scope, *fingerprint; /* NULL: none */
    size_t prompt_n;
    char *record; /* the file; NULL: as the config says */
    bool unanswered, by_run;
    int64_t max_cost_micros;    /* below 0: none */
    struct chat_extras *extras; /* never NULL */
};

struct run {
    struct run *next;
    struct engine *engine;
    enum run_stage stage;
    struct target *target;
    struct asked asked; /* never changed */
    struct ulid session;
    turn_begun_fn *begun;
    void *begun_ctx;
    struct turn turn;
    enum finish_reason stop_reason; /* asked for before the turn was stored */
    struct err stop_why;            /* its text */
    unsigned pending;               /* orders that will still come for it */
    char *key;                      /* what must not be in the server's last words, or NULL */

    /* Of the tries at the provider: attempt.c. */
    struct prepared request; /* until the first content, so that it can be sent again */
    struct http_transfer *transfer;
    struct reply reply;
    unsigned tries;
    bool content;       /* something of the answer came: it is not asked for again */
    bool was_sent;      /* the try that has ended: its request went out */
    bool hopeless;      /* what failed on the way does not pass by itself */
    bool asked_without; /* an option that was refused: that is done once */
    bool asked_plain;   /* the same of native items */
    int status;
    int64_t asked_wait_us; /* by the server; -1: not said */
    enum retry_advice advice;
    int64_t retry_us; /* CLOCK_NEVER: no try is to come */
    int64_t asked_us;
    uint64_t received; /* bytes of the body */
    struct spending spending;

    struct player *player;
    struct stream_event next_event; /* of the player */
    bool has_next;
    int64_t next_us;
    struct recorder_track *track; /* NULL: not recorded */
};

struct engine {
    struct store *store;
    const struct config *config;
    struct broker *broker;
    struct wake wake;
    struct wake halt; /* readable for good once the engine is to end */
    pthread_t thread;

    pthread_mutex_t lock; /* Guards all down to "the thread's own". Leaf. */
    pthread_cond_t changed;
    struct order *orders, **orders_tail;
    bool started, alive, stopping;
    bool makes_titles, shows_windows, loaded_elsewhere; /* not changed once the thread runs */
    unsigned threads;                                   /* short-lived ones that still run */
    struct ulid running[ENGINE_RUNNING_MAX];            /* sessions; for those who ask */
    size_t running_count;
    struct window_note *window_notes; /* how many tokens fit, as servers said: window_ask.c */

    /* The thread's own. */
    struct http *http;
    struct recorder *recorder; /* for all, until the engine is freed */
    struct target *target;
    struct run *runs;
    const struct local_server *offered;
    struct http_transfer *listing; /* of the offered server's models */
    struct buf list_body;
    int list_status;
    struct window_asking *window_asking;
    bool stop_seen;
};

/* engine_running.c: brings up to date what engine_running tells; on the engine's thread. */
void engine_note_running(struct engine *engine);
/* engine_orders.c: hands an order (taken) to the thread; any thread. */
void engine_post(struct engine *engine, struct order *order);
/* With the lock held, and the thread to be woken. */
void engine__append_order(struct engine *engine, struct order *order);
/* All of them, in their order. */
struct order *engine__take_orders(struct engine *engine);
/* Starts a short-lived thread that the engine's end waits for; it ends with engine_thread_ended. */
enum err_code engine_spawn(struct engine *engine, const char *name, void *(*main)(void *),
                           void *arg, struct err *err) NODISCARD;
void engine_thread_ended(struct engine *engine);

/* run.c: on the engine's thread. */
void run_begin(struct engine *engine, struct run *run);
/* An order that came too late: says so to whoever sent it. */
void run_refuse(struct run *run);
void run_on_begun(struct run *run, const struct order *order);
void run_on_prepared(struct run *run, struct order *order);
void run_on_reserved(struct run *run, const struct order *order);
void run_on_saved(struct run *run);
/* Ends it for `reason`, wherever it is, and stores `why` with that ("": nothing). */
void run_stop(struct run *run, enum finish_reason reason, const char *why);
/* Plays what is due of demo answers, begins the tries that are; gives the time of the next. */
int64_t run_due(struct engine *engine);
/* Gives it to the store as the last event, and lets go of everything else. */
void run_end_with(struct run *run, const struct stream_event *event);
void run_end_failed(struct run *run, const struct err *err);
/* Gives the connection and the clocks back; the answer itself is untouched. */
void run_let_go(struct run *run);
/* Text without the key, and without the secrets of the config's headers: a server may say what it
 * refuses, and what it says is stored and shown. */
void run_append_redacted(const struct run *run, struct sv text, struct buf *out);
struct run *run_new(struct engine *engine, const struct engine_order *order) NODISCARD;
void run_free(struct run *run);

/* attempt.c: on the engine's thread. Sends `request`, again or for the first time. */
void attempt_begin(struct run *run);
/* Every event of an answer comes through here, from a decoder or from the demo; ctx: the run. */
void attempt_take(void *ctx, const struct stream_event *event);
/* Ends the try that runs or waits. */
void attempt_let_go(struct run *run);
/* Before the answer's last event: where the provider did not say what it cost, an estimate. */
void attempt_book(struct run *run, const struct stream_event *last);

/* run_record.c: on the engine's thread. Nothing happens where nothing is to be recorded; a track
 * ends with the last event, or is ended. */
void run_record_begin(struct run *run);
void run_record(struct run *run, const struct stream_event *event);
void run_record_end(struct run *run);

/* prepare.c */
enum err_code prepare_start(struct run *run, struct err *err) NODISCARD;
/* A request that belongs to no run, with one prompt. */
struct prepare_hidden {
    struct engine *engine;
    struct target *target;
    const char *system;
    struct message *prompt;
    struct chat_extras *extras;
};
/* Made here and now, which may take as long as the command for the key. */
enum err_code prepare_hidden(const struct prepare_hidden *hidden, struct prepared *ret_prepared,
                             struct err *err) NODISCARD;

/* offer.c: on the engine's thread. */
void offer_look(struct engine *engine);
/* `accepted`: the user said yes to it before. */
void offer_found(struct engine *engine, const struct local_server *server, bool accepted);
void offer_answered(struct engine *engine, bool yes);

#endif
