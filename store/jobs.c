/* Jobs: transactions that somebody outside the writer wants, queued for its thread. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/core_internal.h"

/* How long a write that waits for another process is tried, and how long a disk may hang then. */
#define WRITE_PATIENCE_US CLOCK_S(10)
#define WRITE_GRACE_US CLOCK_S(5)
#define REST_LEAST_US CLOCK_MS(1)

/* With the lock held. Jobs handed in before the start has ended wait for it. */
static enum err_code refuse(struct store *store, struct err *err)
{
    switch (store->state) {
    case STORE_OPENED:
    case STORE_STARTING:
    case STORE_RUNNING:
        return ERR_OK;
    case STORE_BROKEN:
        return err_set(err, store->start_error.code, "%s", store->start_error.text);
    default:
        return err_set(err, ERR_CLOSED, "the store is closed");
    }
}

enum err_code job_submit(struct store *store, struct job *job, struct err *err)
{
    pthread_mutex_lock(&store->lock);
    enum err_code code = refuse(store, err);
    if (code == ERR_OK) {
        job->next = NULL;
        *store->jobs_tail = job;
        store->jobs_tail = &job->next;
        writer_wake(store);
    }
    pthread_mutex_unlock(&store->lock);
    return code;
}

/* ---- transactions of callers that wait ---- */

struct write_job {
    struct job job;
    const struct store_write *write;
    void *state;
    bool finished, abandoned;
    enum err_code code;
    struct err err;
};

static enum err_code run_write(struct job *job, struct store *store UNUSED, struct db *db,
                               struct err *err)
{
    struct write_job *self = (struct write_job *)job;
    return self->write->run(self->state, db, err);
}

static void finish_write(struct job *job, struct store *store, enum err_code code,
                         const struct err *err)
{
    struct write_job *self = (struct write_job *)job;
    if (code == ERR_OK && self->write->written) {
        self->write->written(self->state, store);
    }
    pthread_mutex_lock(&store->lock);
    self->code = code;
    if (code) {
        self->err = *err;
    }
    self->finished = true;
    bool abandoned = self->abandoned;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
    if (abandoned) {
        self->write->free_state(self->state);
        free(self);
    }
}

enum err_code store_write(struct store *store, const struct store_write *write, void *state,
                          struct err *err)
{
    void **own = state;
    struct write_job *self = xcalloc(1, sizeof(*self));
    self->job = (struct job){.full = write->full,
                             .deadline_us = clock_mono_us() + WRITE_PATIENCE_US,
                             .run = run_write,
                             .finish = finish_write};
    int64_t give_up_us = self->job.deadline_us + WRITE_GRACE_US;
    self->write = write;
    self->state = *own;
    enum err_code code = job_submit(store, &self->job, err);
    if (code) {
        free(self);
        return code;
    }
    pthread_mutex_lock(&store->lock);
    while (!self->finished && clock_cond_wait(&store->changed, &store->lock, give_up_us)) {
    }
    self->abandoned = !self->finished;
    bool finished = self->finished;
    pthread_mutex_unlock(&store->lock);
    if (!finished) {
        *own = NULL;
        return err_set(err, ERR_TIMEOUT, "the disk hangs, the change is not stored yet");
    }
    code = self->code;
    if (code) {
        err_set(err, code, "%s", self->err.text);
    }
    free(self);
    return code;
}

enum err_code store_write_step(struct store *store, const struct store_write *write, void *state,
                               struct err *err)
{
    int64_t began_us = clock_mono_us();
    enum err_code code = store_write(store, write, state, err);
    store_rest(began_us);
    return code;
}

void store_rest(int64_t began_us)
{
    int64_t took = clock_mono_us() - began_us;
    clock_sleep_us(took > REST_LEAST_US ? took : REST_LEAST_US);
}
