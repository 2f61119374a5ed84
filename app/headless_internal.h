/*
 * A headless run as it goes on: shared by cmd_run.c and headless_judge.c.
 *
 * Threads: main, but for what the lock guards.
 */
#ifndef WEIR_APP_HEADLESS_INTERNAL_H
#define WEIR_APP_HEADLESS_INTERNAL_H

#include <pthread.h>

#include "app/engine.h"
#include "app/headless_attach.h"
#include "app/headless_options.h"
#include "base/wake.h"

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

/* How the run ended. `number`: the signal that ended it, or 0. `err`: what failed beside the
 * answer; it holds the outcome's text. */
struct outcome headless_judge(const struct headless *headless, int number, struct err *err);

/* What the answer costs so far passes --max-cost: as reported, or by its length. */
bool headless_cost_is_passed(const struct headless *headless);

#endif
