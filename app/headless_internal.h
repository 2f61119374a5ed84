/*
 * A headless run as it goes on: cmd_run.c has its order, headless_session.c finds the session,
 * headless_follow.c follows the answer, headless_judge.c says how it ended, headless_result.c
 * writes that as JSON.
 *
 * Threads: main, but for what the lock guards.
 */
#ifndef WEIR_APP_HEADLESS_INTERNAL_H
#define WEIR_APP_HEADLESS_INTERNAL_H

#include <pthread.h>

#include "app/engine.h"
#include "app/headless_attach.h"
#include "app/headless_options.h"
#include "base/clock.h"
#include "base/wake.h"

/* Of stream-json and of the result; rises when a reader has to know. */
#define HEADLESS_FORMAT_VERSION 1
/* How long an answer that was stopped is waited for. */
#define HEADLESS_STOP_US CLOCK_S(2)

struct headless {
    const struct global_options *global;
    const struct arguments *arguments;
    struct headless_options options;
    struct headless_attachments attachments;
    struct config *config;
    struct model_choice choice;
    struct buf prompt;
    struct buf fingerprint;
    char *scope;           /* of what is begun, or NULL */
    struct ulid session;   /* to go on in, or unset */
    struct ulid key_scope; /* of the request's key, or unset */
    struct ulid copy;      /* that --fork made, or unset */
    struct broker *broker;
    struct store *store;
    struct engine *engine;
    struct subscription *subscription;
    struct printer printer;
    struct answer answer;
    int64_t news_us;       /* when something came last; CLOCK_NEVER: its absence was remarked */
    int64_t look_again_us; /* at an answer that is followed; CLOCK_NEVER: not any more */
    int64_t stop_us;       /* when waiting for a stopped answer ends; CLOCK_NEVER: not stopped */
    bool timed_out, reader_gone, stopped_by_signal, cost_passed, gap, have_turn;
    bool follows; /* the answer is being written by another process */

    pthread_t fetcher; /* loads libcurl while the store is opened */
    bool fetches;

    struct wake wake;
    pthread_mutex_t lock; /* Guards: begun, begun_turn, begun_code, begun_err. Leaf. */
    bool begun;
    struct turn begun_turn;
    enum err_code begun_code;
    struct err begun_err;
};

/* Finds or makes the session to go on in, and what the request's key belongs to. Nothing is set
 * where a new session begins with the prompt. */
enum err_code headless__find_session(struct headless *headless, struct err *err) NODISCARD;
/* The key of the request, of its session or of all; borrows from the run. */
struct turn_key headless__key(const struct headless *headless);

/* What the engine calls when the turn has begun or could not. On another thread: it only notes
 * that, and wakes. `ctx` is the run. */
void headless__on_begun(void *ctx, const struct turn *turn, enum err_code code,
                        const struct err *err);
/* Prints what comes until the answer has ended, a signal came, or what was stopped does not end.
 * Fails when the turn did not begin. */
enum err_code headless__follow(struct headless *headless, struct err *err) NODISCARD;
/* Takes what has come by now: the turn's beginning, updates, gaps. Waits for nothing. */
enum err_code headless__take_news(struct headless *headless, struct err *err);

/* How the run ended. `number`: the signal that ended it, or 0. `err`: what failed beside the
 * answer; it holds the outcome's text. */
struct outcome headless__judge(const struct headless *headless, int number, struct err *err);

/* What the answer costs so far passes --max-cost: as reported, or by its length. */
bool headless__cost_is_passed(const struct headless *headless);

/* Members of the result, behind those that every line has. */
void headless__record_result(const struct printer *printer, const struct answer *answer,
                             const struct outcome *outcome, struct buf *out);

#endif
