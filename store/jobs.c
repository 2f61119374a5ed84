/* Jobs: transactions that somebody outside the writer wants, queued for its thread. */
#include "base/clock.h"
#include "store/core_internal.h"

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
