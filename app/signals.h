/*
 * Signals: one thread takes SIGINT, SIGTERM and SIGHUP, saves what there is, and ends the process.
 *
 * signals.c has the order of the start and of the end.
 *
 * Threads: main, but for the thread itself. State is file-static, as signals belong to the process.
 */
#ifndef WEIR_APP_SIGNALS_H
#define WEIR_APP_SIGNALS_H

#include "app/engine.h"
#include "base/attr.h"
#include "base/err.h"
#include "store/store.h"

/*
 * Blocks the three signals in this thread and in all that it starts, and starts the one that takes
 * them; once, before any other thread. A signal that was ignored when the process began (nohup)
 * stays ignored.
 */
enum err_code signals_start(struct err *err) NODISCARD;
/* Readable once a signal was taken; -1 before signals_start. Do not read it; poll it. */
int signals_fd(void);
/*
 * Before signals_start, for a program without a screen (which stops by itself): what is pending is
 * written before a SIGTSTP stops the process.
 */
void signals_flush_before_stops(void);
/* What a signal stops and closes from now on. */
void signals_watch(struct engine *engine, struct store *store);
/*
 * Main is going to close engine and store itself: no signal touches them any more. Waits until the
 * thread is done with them when it has begun. Gives the signal's number, or 0.
 */
int signals_release(void);
/* Main, after signals_release: the store is closed; a signal may end the process now. */
void signals_closed(void);
/* Restores the terminal when the program crashes. */
void signals_guard_terminal(void);

#endif
