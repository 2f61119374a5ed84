/*
 * Threads start with every signal blocked. The mask is inherited, so the starter blocks them around
 * pthread_create: set in the new thread itself, a signal could come before.
 */
#include "base/thread.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

/* Room for SQLite and OpenSSL with the frames that sanitizers blow up; untouched pages cost
 * nothing. */
#define STACK_SIZE ((size_t)1 << 20)
#define NAME_SIZE 16

struct start {
    void *(*main)(void *);
    void *arg;
    char name[NAME_SIZE];
};

static void *run(void *arg)
{
    struct start start = *(struct start *)arg;
    free(arg);
#ifdef __APPLE__
    pthread_setname_np(start.name);
#elif defined(__linux__)
    pthread_setname_np(pthread_self(), start.name);
#endif
    return start.main(start.arg);
}

/* ---- making ---- */

static int create_blocked(pthread_t *ret_thread, const pthread_attr_t *attr, void *(*main)(void *),
                          void *arg)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    int failure = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!failure) {
        failure = pthread_create(ret_thread, attr, main, arg);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return failure;
}

/* 0, or why there is none. */
static int create(pthread_t *ret_thread, void *(*main)(void *), void *arg)
{
    pthread_attr_t attr;
    int failure = pthread_attr_init(&attr);
    if (failure) {
        return failure;
    }
    failure = pthread_attr_setstacksize(&attr, STACK_SIZE);
    if (!failure) {
        failure = create_blocked(ret_thread, &attr, main, arg);
    }
    pthread_attr_destroy(&attr);
    return failure;
}

/* ---- the reserve ---- */

struct spare {
    struct spare *next;
    pthread_t thread;
    pthread_cond_t changed;
    bool given;
    struct start *start; /* NULL: it is not needed */
};

/* A thread is the process's, and so is the loader's lock that makes a reserve necessary. */
static struct {
    pthread_mutex_t lock; /* Guards: spares, and all of each but `thread`. Leaf. */
    struct spare *spares;
} reserve = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *wait_for_work(void *arg)
{
    struct spare *spare = arg;
    pthread_mutex_lock(&reserve.lock);
    while (!spare->given) {
        pthread_cond_wait(&spare->changed, &reserve.lock);
    }
    pthread_mutex_unlock(&reserve.lock);
    struct start *start = spare->start;
    pthread_cond_destroy(&spare->changed);
    free(spare);
    return start ? run(start) : NULL;
}

/* Takes `start`. False: there is no spare thread. */
static bool give(struct start *start, pthread_t *ret_thread)
{
    pthread_mutex_lock(&reserve.lock);
    struct spare *spare = reserve.spares;
    if (spare) {
        reserve.spares = spare->next;
        *ret_thread = spare->thread;
        spare->start = start;
        spare->given = true;
        pthread_cond_signal(&spare->changed);
    }
    pthread_mutex_unlock(&reserve.lock);
    return spare != NULL;
}

void thread_reserve(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct spare *spare = xcalloc(1, sizeof(*spare));
        pthread_cond_init(&spare->changed, NULL);
        if (create(&spare->thread, wait_for_work, spare)) {
            pthread_cond_destroy(&spare->changed);
            free(spare);
            return;
        }
        pthread_mutex_lock(&reserve.lock);
        spare->next = reserve.spares;
        reserve.spares = spare;
        pthread_mutex_unlock(&reserve.lock);
    }
}

void thread_reserve_end(void)
{
    pthread_t thread;
    while (give(NULL, &thread)) {
        pthread_join(thread, NULL);
    }
}

/* ---- starting ---- */

enum err_code thread_start(pthread_t *ret_thread, const char *name, void *(*main)(void *),
                           void *arg, struct err *err)
{
    struct start *start = xmalloc(sizeof(*start));
    *start = (struct start){.main = main, .arg = arg};
    snprintf(start->name, sizeof(start->name), "%s", name);
    pthread_t thread;
    int failure = give(start, &thread) ? 0 : create(&thread, run, start);
    if (failure) {
        free(start);
        return err_set_errno(err, failure, "cannot start thread '%s'", name);
    }
    *ret_thread = thread;
    return ERR_OK;
}
