/*
 * Threads start with every signal blocked. The mask is inherited, so the starter blocks them around
 * pthread_create: set in the new thread itself, a signal could come before.
 */
#include "base/thread.h"

#include <signal.h>
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

static int create_blocked(pthread_t *ret_thread, const pthread_attr_t *attr, struct start *start)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    int failure = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!failure) {
        failure = pthread_create(ret_thread, attr, run, start);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return failure;
}

enum err_code thread_start(pthread_t *ret_thread, const char *name, void *(*main)(void *),
                           void *arg, struct err *err)
{
    pthread_attr_t attr;
    int failure = pthread_attr_init(&attr);
    if (failure) {
        return err_set_errno(err, failure, "cannot start thread '%s'", name);
    }
    struct start *start = xmalloc(sizeof(*start));
    *start = (struct start){.main = main, .arg = arg};
    snprintf(start->name, sizeof(start->name), "%s", name);
    pthread_t thread;
    failure = pthread_attr_setstacksize(&attr, STACK_SIZE);
    if (!failure) {
        failure = create_blocked(&thread, &attr, start);
    }
    pthread_attr_destroy(&attr);
    if (failure) {
        free(start);
        return err_set_errno(err, failure, "cannot start thread '%s'", name);
    }
    *ret_thread = thread;
    return ERR_OK;
}
