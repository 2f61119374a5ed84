/*
 * Drafts.
 *
 * A put is a job for the writer that nobody waits for. While one for the same place waits its turn,
 * a later one takes its place in it, so that a stalled disk piles up two texts at most.
 */
#include "store/draft.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "store/core_internal.h"
#include "store/sql_internal.h"

#define PLACE_MAX_BYTES 512
/* How long a locked database is tried. */
#define PATIENCE_US CLOCK_S(30)

struct draft_job {
    struct job job;
    char *place;
    struct draft draft; /* text NULL: to be removed */
};

void draft_release(struct draft *draft)
{
    free(draft->text);
    *draft = (struct draft){NULL, 0, 0, 0};
}

static void job_free(struct draft_job *self)
{
    draft_release(&self->draft);
    free(self->place);
    free(self);
}

static enum err_code write_draft(struct job *job, struct store *store UNUSED, struct db *db,
                                 struct err *err)
{
    const struct draft_job *self = (struct draft_job *)job;
    if (!self->draft.text) {
        return sql__run_text(db, "DELETE FROM draft WHERE place = ?1", sv_from(self->place), err);
    }
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO draft (place, text, cursor, changed_at) VALUES (?1, ?2, ?3, ?4)"
                   " ON CONFLICT (place) DO UPDATE SET text = excluded.text,"
                   " cursor = excluded.cursor, changed_at = excluded.changed_at",
                   err);
    db_bind_text(stmt, 1, sv_from(self->place));
    db_bind_text(stmt, 2, sv_of(self->draft.text, self->draft.length));
    db_bind_int(stmt, 3, (int64_t)self->draft.cursor);
    db_bind_int(stmt, 4, self->draft.changed_us);
    return db_run(db, stmt, err);
}

static void finish_draft(struct job *job, struct store *store UNUSED, enum err_code code,
                         const struct err *err)
{
    if (code) {
        log_write(LOG_WARN, "a draft is not stored: %s", err->text);
    }
    job_free((struct draft_job *)job);
}

/* With the lock held: the last job for the place from `job` on, or NULL. */
static struct draft_job *last_for(struct job *job, struct sv place)
{
    struct draft_job *found = NULL;
    for (; job; job = job->next) {
        struct draft_job *draft = (struct draft_job *)job;
        if (job->run == write_draft && sv_equal_str(place, draft->place)) {
            found = draft;
        }
    }
    return found;
}

/* The first job of the queue may be running: its text is not to be touched. */
static bool replace_waiting(struct store *store, struct draft_job *self)
{
    pthread_mutex_lock(&store->lock);
    struct job *first = store->jobs;
    struct draft_job *waiting = last_for(first ? first->next : NULL, sv_from(self->place));
    if (waiting) {
        struct draft older = waiting->draft;
        waiting->draft = self->draft;
        self->draft = older;
    }
    pthread_mutex_unlock(&store->lock);
    return waiting != NULL;
}

static enum err_code check_place(struct sv place, struct err *err)
{
    bool sound = place.n > 0 && place.n <= PLACE_MAX_BYTES && sv_find(place, '\0') == place.n &&
                 utf8_valid_prefix(place.p, place.n) == place.n;
    return sound ? ERR_OK : err_set(err, ERR_INVALID, "a draft needs a place of 1 to 512 bytes");
}

static enum err_code submit(struct store *store, struct sv place, struct draft *draft,
                            struct err *err)
{
    struct draft_job *self = xcalloc(1, sizeof(*self));
    self->job.deadline_us = clock_mono_us() + PATIENCE_US;
    self->job.run = write_draft;
    self->job.finish = finish_draft;
    self->place = xstrndup(place.p, place.n);
    self->draft = *draft;
    enum err_code code = ERR_OK;
    bool replaced = replace_waiting(store, self);
    if (!replaced) {
        code = job_submit(store, &self->job, err);
    }
    if (replaced || code) {
        job_free(self);
    }
    return code;
}

enum err_code draft_put(struct store *store, struct sv place, struct sv text, size_t cursor,
                        struct err *err)
{
    enum err_code code = check_place(place, err);
    if (code) {
        return code;
    }
    if (text.n > DRAFT_MAX_BYTES) {
        return err_set(err, ERR_TOO_BIG, "a draft of over 4 MiB is not kept");
    }
    if (text.n > 0 && utf8_valid_prefix(text.p, text.n) != text.n) {
        return err_set(err, ERR_INVALID, "a draft is not valid UTF-8");
    }
    struct draft draft = {.changed_us = clock_wall_us()};
    if (text.n > 0) {
        draft.text = xstrndup(text.p, text.n);
        draft.length = text.n;
        draft.cursor = cursor < text.n ? cursor : text.n;
    }
    return submit(store, place, &draft, err);
}

enum err_code draft_remove(struct store *store, struct sv place, struct err *err)
{
    return draft_put(store, place, SV(""), 0, err);
}

/* True: a job for the place is on its way; its text is copied, NULL when it is to be removed. */
static bool copy_pending(struct store *store, struct sv place, struct draft *ret_draft)
{
    pthread_mutex_lock(&store->lock);
    const struct draft_job *pending = last_for(store->jobs, place);
    if (pending) {
        *ret_draft = pending->draft;
        ret_draft->text =
            pending->draft.text ? xstrndup(pending->draft.text, pending->draft.length) : NULL;
    }
    pthread_mutex_unlock(&store->lock);
    return pending != NULL;
}

static enum err_code read_draft(struct db *db, struct sv place, struct draft *draft,
                                struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "SELECT text, cursor, changed_at FROM draft WHERE place = ?1", err);
    db_bind_text(stmt, 1, place);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    draft->length = db_column_text(stmt, 0).n;
    draft->text = db_column_dup(stmt, 0);
    size_t cursor = (size_t)db_column_int(stmt, 1);
    draft->cursor = cursor < draft->length ? cursor : draft->length;
    draft->changed_us = db_column_int(stmt, 2);
    db_reset(stmt);
    return ERR_OK;
}

/* Looks at the queue first: what leaves it meanwhile is in the database by then. */
enum err_code draft_get(struct store *store, struct sv place, struct draft *ret_draft,
                        struct err *err)
{
    struct draft draft = {NULL, 0, 0, 0};
    enum err_code code = check_place(place, err);
    if (code == ERR_OK && !copy_pending(store, place, &draft)) {
        struct db *db = NULL;
        code = reader_take(store, &db, err);
        if (code == ERR_OK && db) {
            code = read_draft(db, place, &draft, err);
        }
        reader_give(store, db);
    }
    if (code == ERR_OK && !draft.text) {
        return err_set(err, ERR_NOT_FOUND, "no draft");
    }
    if (code == ERR_OK) {
        *ret_draft = draft;
    }
    return code;
}
