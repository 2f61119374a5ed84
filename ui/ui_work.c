/*
 * Changes of the store that the user asked for and that wait for the disk: on a thread of their
 * own, one after the other, so that the screen never waits. What came of one is told on the
 * screen's thread.
 *
 * The thread is started with the first change and ends with the screen, after the changes that were
 * asked for: each of them has the store's own deadline.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "ui/ui_internal.h"

struct work {
    struct store *store;
    const struct wake *wake; /* rung when something is done */
    pthread_t thread;
    bool started; /* the screen's own, as all up to the lock */
    size_t open;  /* asked for and not told */

    pthread_mutex_t lock; /* Guards: all below. Leaf. */
    pthread_cond_t changed;
    struct task *asked, **asked_tail;
    struct task *done, **done_tail;
    bool ending;
};

static void append(struct task ***tail, struct task *task)
{
    task->next = NULL;
    **tail = task;
    *tail = &task->next;
}

static void free_task(struct task *task)
{
    search_result_release(&task->found);
    search_free(task->search);
    free(task->text);
    free(task->what);
    free(task);
}

struct work *work__new(struct store *store, const struct wake *wake)
{
    struct work *work = xcalloc(1, sizeof(*work));
    work->store = store;
    work->wake = wake;
    work->asked_tail = &work->asked;
    work->done_tail = &work->done;
    pthread_mutex_init(&work->lock, NULL);
    clock_cond_init(&work->changed);
    return work;
}

/* The next one, waited for; NULL: it is the end. */
static struct task *take(struct work *work)
{
    pthread_mutex_lock(&work->lock);
    while (!work->asked && !work->ending) {
        clock_cond_wait(&work->changed, &work->lock, CLOCK_NEVER);
    }
    struct task *task = work->asked;
    if (task) {
        work->asked = task->next;
        work->asked_tail = work->asked ? work->asked_tail : &work->asked;
    }
    pthread_mutex_unlock(&work->lock);
    return task;
}

static void *work_main(void *arg)
{
    struct work *work = arg;
    struct task *task;
    while ((task = take(work)) != NULL) {
        task->code = task->kind->run(task, work->store);
        pthread_mutex_lock(&work->lock);
        append(&work->done_tail, task);
        pthread_mutex_unlock(&work->lock);
        wake_signal(work->wake);
    }
    return NULL;
}

static struct task *take_done(struct work *work)
{
    pthread_mutex_lock(&work->lock);
    struct task *done = work->done;
    work->done = NULL;
    work->done_tail = &work->done;
    pthread_mutex_unlock(&work->lock);
    return done;
}

void work__free(struct work *work)
{
    if (!work) {
        return;
    }
    pthread_mutex_lock(&work->lock);
    work->ending = true;
    pthread_cond_signal(&work->changed);
    pthread_mutex_unlock(&work->lock);
    if (work->started) {
        pthread_join(work->thread, NULL);
    }
    struct task *task = take_done(work);
    while (task) {
        struct task *next = task->next;
        free_task(task);
        task = next;
    }
    pthread_cond_destroy(&work->changed);
    pthread_mutex_destroy(&work->lock);
    free(work);
}

struct task *work__task(const struct task_kind *kind, struct sv text)
{
    struct task *task = xcalloc(1, sizeof(*task));
    task->kind = kind;
    task->text = xstrndup(text.p ? text.p : "", text.n);
    return task;
}

static void tell(struct ui *ui, struct task *task)
{
    if (!task->code) {
        task->kind->done(ui, task);
    } else if (task->kind->failed) {
        task->kind->failed(ui, task);
    } else {
        view__line(ui, LINE_PROBLEM, task->err.text);
    }
    ui->dirty = true;
    free_task(task);
}

void work__ask(struct ui *ui, struct task *task)
{
    work__ask_of(ui, ui->work, task);
}

void work__ask_of(struct ui *ui, struct work *work, struct task *task)
{
    if (!work->started) {
        task->code = thread_start(&work->thread, "weir-changes", work_main, work, &task->err);
        if (task->code) {
            tell(ui, task);
            return;
        }
        work->started = true;
    }
    work->open++;
    pthread_mutex_lock(&work->lock);
    append(&work->asked_tail, task);
    pthread_cond_signal(&work->changed);
    pthread_mutex_unlock(&work->lock);
}

bool work__is_busy(const struct work *work)
{
    return work->open > 0;
}

void work__take(struct ui *ui, struct work *work)
{
    struct task *task = take_done(work);
    while (task) {
        struct task *next = task->next;
        work->open--;
        tell(ui, task);
        task = next;
    }
}
