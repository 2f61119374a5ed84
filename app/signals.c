/*
 * Signals: the thread that takes them, and the order in which the program begins and ends.
 *
 * Start: signals are blocked and this thread runs, before any other; the configuration is read; the
 * broker, the store (open for reading), the engine; signals_watch. The screen paints its first
 * frame; only then the store's writer and the engine's thread start. A headless run starts them at
 * once.
 *
 * End, without a signal: main calls signals_release, then engine_stop (ends answers, closes
 * connections), store_close (writes what is pending), prints what is left to print, and frees
 * subscription, engine, store, broker, configuration.
 *
 * End by a signal, on this thread, as main may be blocked in a write to a terminal that is frozen:
 * engine_stop (canceled for SIGINT, else interrupted), store_close, both within two seconds; then
 * NOTICE_QUIT, and main has 200 ms to leave on its own, which gives the exit code and the last line
 * of a headless run. When main closes already, it is hurried, and waited for. When main does not
 * leave: the terminal is restored and _exit(128 + n). The terminal is
 * not touched here before that. Main and this thread never close at the same time: whoever comes
 * first does it, and signals_release waits for the other.
 */
#include "app/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/wake.h"
#include "store/message_service.h"
#include "ui/notice.h"
#include "ui/ui.h"

#define CLOSE_US CLOCK_S(2)
#define LEAVE_US CLOCK_MS(200)
/* For what follows when the time to close is over: a file beside the database. */
#define SPILL_US CLOCK_S(2)
#define STOP_FLUSH_US CLOCK_MS(500)
#define CRASH_STACK_BYTES 65536

static struct {
    pthread_mutex_t lock; /* Guards: all below but `set`, `wake` and `takes_stops`. Under it only
                             the store's lock. */
    pthread_cond_t changed;
    sigset_t set;
    bool takes_stops;
    struct wake wake;
    struct engine *engine;
    struct store *store;
    int taken;     /* number of the first signal, or 0 */
    bool released; /* main closes, or has closed */
    bool closed;   /* whoever closes has done so */
    bool flushing; /* this thread uses the store, before a stop */
} signals = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = {-1, -1}};

static void close_all(int number, struct engine *engine, struct store *store)
{
    int64_t deadline = clock_mono_us() + CLOSE_US;
    enum finish_reason reason = number == SIGINT ? FINISH_CANCELED : FINISH_INTERRUPTED;
    if (engine && engine_stop(engine, reason, deadline)) {
        log_write(LOG_WARN, "the engine did not stop in time");
    }
    struct err err = {0};
    if (store && store_close(store, deadline, &err)) {
        log_write(LOG_ERROR, "at signal %d: %s", number, err.text);
    }
    if (store) {
        notice_publish(store_broker(store), NOTICE_QUIT, NULL, "", NULL);
    }
}

/* Marks the signal as taken; true: this thread has to close. */
static bool take(int number, struct engine **ret_engine, struct store **ret_store)
{
    pthread_mutex_lock(&signals.lock);
    signals.taken = number;
    bool mine = !signals.released;
    *ret_engine = signals.engine;
    *ret_store = signals.store;
    pthread_mutex_unlock(&signals.lock);
    return mine;
}

void signals_closed(void)
{
    pthread_mutex_lock(&signals.lock);
    signals.closed = true;
    pthread_cond_broadcast(&signals.changed);
    pthread_mutex_unlock(&signals.lock);
}

/* Main closes already, with more patience than there is now; what it cannot write it still has to
 * put aside. */
static void hurry_main(void)
{
    int64_t deadline = clock_mono_us() + CLOSE_US;
    pthread_mutex_lock(&signals.lock);
    /* Under the lock: once it is closed, main is free to free it. */
    if (signals.store && !signals.closed) {
        store_close_sooner(signals.store, deadline);
    }
    while (!signals.closed &&
           clock_cond_wait(&signals.changed, &signals.lock, deadline + SPILL_US)) {
    }
    pthread_mutex_unlock(&signals.lock);
}

/* Nobody knows when, or whether, we go on. Only this thread lets the signal through, which stops
 * all of them; one that was ignored by then would come back without a stop. */
static void stop(void)
{
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGTSTP);
    pthread_mutex_lock(&signals.lock);
    struct store *store = signals.released ? NULL : signals.store;
    signals.flushing = true;
    pthread_mutex_unlock(&signals.lock);
    if (store && message_flush_all(store, clock_mono_us() + STOP_FLUSH_US, NULL, NULL)) {
        log_write(LOG_WARN, "stopped before everything was written");
    }
    pthread_mutex_lock(&signals.lock);
    signals.flushing = false;
    pthread_cond_broadcast(&signals.changed);
    pthread_mutex_unlock(&signals.lock);
    (void)raise(SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    pthread_sigmask(SIG_BLOCK, &only, NULL);
}

/* The first signal that ends the process. */
static int wait_for_end(void)
{
    int number = 0;
    for (;;) {
        if (sigwait(&signals.set, &number) != 0) {
            continue;
        }
        if (number != SIGTSTP) {
            return number;
        }
        stop();
    }
}

static void *signals_main(void *arg)
{
    (void)arg;
    int number = wait_for_end();
    struct engine *engine = NULL;
    struct store *store = NULL;
    bool mine = take(number, &engine, &store);
    /* Main learns of it at once, so that it stops waiting for input. */
    wake_signal(&signals.wake);
    if (mine) {
        close_all(number, engine, store);
        signals_closed();
    } else {
        hurry_main();
    }
    struct timespec pause = {.tv_nsec = LEAVE_US * 1000};
    nanosleep(&pause, NULL);
    ui_restore_terminal();
    _exit(128 + number);
}

/* Signals that are to be taken: all but those that whoever started us wants ignored. */
static void fill_set(sigset_t *set)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGTSTP};
    sigemptyset(set);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct sigaction action;
        bool wanted = numbers[i] != SIGTSTP || signals.takes_stops;
        if (wanted && sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            sigaddset(set, numbers[i]);
        }
    }
}

void signals_flush_before_stops(void)
{
    signals.takes_stops = true;
}

enum err_code signals_start(struct err *err)
{
    fill_set(&signals.set);
    clock_cond_init(&signals.changed);
    enum err_code code = wake_open(&signals.wake, err);
    if (code) {
        return code;
    }
    pthread_sigmask(SIG_BLOCK, &signals.set, NULL);
    pthread_t thread;
    code = thread_start(&thread, "weir-signals", signals_main, NULL, err);
    if (!code) {
        pthread_detach(thread);
    }
    return code;
}

int signals_fd(void)
{
    return signals.wake.read_fd;
}

void signals_watch(struct engine *engine, struct store *store)
{
    pthread_mutex_lock(&signals.lock);
    signals.engine = engine;
    signals.store = store;
    pthread_mutex_unlock(&signals.lock);
}

int signals_release(void)
{
    pthread_mutex_lock(&signals.lock);
    int taken = signals.taken;
    signals.released = true;
    while (signals.flushing || (taken && !signals.closed)) {
        clock_cond_wait(&signals.changed, &signals.lock, CLOCK_NEVER);
    }
    pthread_mutex_unlock(&signals.lock);
    return taken;
}

/* Async-signal-safe: the handler was reset, so the signal that is raised again ends the process as
 * it would have without us. */
static void on_crash(int number)
{
    ui_restore_terminal();
    raise(number);
}

void signals_guard_terminal(void)
{
    static const int numbers[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    static char stack[CRASH_STACK_BYTES];
    stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_RESETHAND | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    (void)sigaltstack(&own, NULL);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        (void)sigaction(numbers[i], &action, NULL);
    }
}
