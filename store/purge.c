/*
 * Purge: the way from stage to stage, and what is left to do when the rows are gone.
 */
#include "store/purge.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/attachment_internal.h"
#include "store/core_internal.h"
#include "store/index_internal.h"
#include "store/purge_internal.h"
#include "store/sql_internal.h"
#include "store/trash.h"

/* How long a log that somebody reads is waited for, and how often it is looked at. */
#define LOG_PATIENCE_US CLOCK_S(1)
#define LOG_LOOK_US CLOCK_MS(5)
#define DELETE_PATIENCE_US CLOCK_S(10)
/* Of the 10 ms, what is left after the commit. */
#define QUARANTINE_US CLOCK_MS(4)

struct purge_state {
    purge__stage *const *stage;
    struct purge_target target;
    struct purge_step step;
};

struct removal_state {
    struct attachment_removal removal;
    struct attachment_sum sum;
    bool done;
};

struct row_list {
    int64_t *rows;
    size_t count;
};

void purge_report_release(struct purge_report *report)
{
    for (size_t i = 0; i < report->backup_count; i++) {
        free(report->backups[i]);
    }
    free(report->backups);
    *report = (struct purge_report){.sessions = 0};
}

/* ---- stages ---- */

static enum err_code run_stage(void *arg, struct db *db, struct err *err)
{
    struct purge_state *self = arg;
    self->step = (struct purge_step){.chunk_from = self->target.chunk_from};
    return (*self->stage)(db, &self->target, &self->step, err);
}

static const struct store_write stage_write = {.full = true, .run = run_stage, .free_state = free};

static void note_attachments(const struct purge_step *step, struct row_list *attachments)
{
    if (step->attachment_count > 0) {
        size_t count = attachments->count + step->attachment_count;
        attachments->rows = xrealloc(attachments->rows, count * sizeof(*attachments->rows));
        memcpy(attachments->rows + attachments->count, step->attachments,
               step->attachment_count * sizeof(*attachments->rows));
        attachments->count = count;
    }
}

/* wide: what is purged, and the two lists of what was. */
static enum err_code run_stages(struct store *store, purge__stage *const *stages,
                                const struct purge_target *target, struct purge_report *report,
                                struct row_list *attachments, struct err *err)
{
    struct purge_state *self = xcalloc(1, sizeof(*self));
    enum err_code code = ERR_OK;
    self->stage = stages;
    self->target = *target;
    while (code == ERR_OK && *self->stage) {
        code = store_write_step(store, &stage_write, &self, err);
        if (code == ERR_OK) {
            report->messages += self->step.messages;
            report->bytes += self->step.bytes;
            note_attachments(&self->step, attachments);
            self->target.chunk_from = self->step.chunk_from;
            self->stage += self->step.done;
        }
    }
    free(self);
    return code;
}

static enum err_code run_removal(void *arg, struct db *db, struct err *err)
{
    struct removal_state *self = arg;
    self->sum = (struct attachment_sum){0, 0};
    return attachment__remove_step(db, &self->removal, &self->done, &self->sum, err);
}

static const struct store_write removal_write = {
    .full = true, .run = run_removal, .free_state = free};

static enum err_code remove_attachment(struct store *store, int64_t row,
                                       struct purge_report *report, struct err *err)
{
    struct removal_state *self = xcalloc(1, sizeof(*self));
    enum err_code code = ERR_OK;
    self->removal = (struct attachment_removal){.row = row, .before_us = INT64_MAX};
    while (code == ERR_OK && !self->done) {
        code = store_write_step(store, &removal_write, &self, err);
        if (code == ERR_OK) {
            report->attachments.count += self->sum.count;
            report->attachments.bytes += self->sum.bytes;
        }
    }
    free(self);
    return code;
}

static enum err_code purge_target(struct store *store, purge__stage *const *stages,
                                  const struct purge_target *target, struct purge_report *report,
                                  struct err *err)
{
    struct row_list attachments = {NULL, 0};
    enum err_code code = run_stages(store, stages, target, report, &attachments, err);
    for (size_t i = 0; code == ERR_OK && i < attachments.count; i++) {
        code = remove_attachment(store, attachments.rows[i], report, err);
    }
    free(attachments.rows);
    return code;
}

/* ---- steps that say when they have done all ---- */

static enum err_code write_until_done(struct store *store, const struct store_write *write,
                                      struct err *err)
{
    bool *done = xcalloc(1, sizeof(*done));
    enum err_code code = ERR_OK;
    while (code == ERR_OK && !*done) {
        code = store_write_step(store, write, &done, err);
    }
    free(done);
    return code;
}

/* ---- words ---- */

static enum err_code run_scrub(void *arg, struct db *db, struct err *err)
{
    bool *done = arg;
    return index__scrub_step(db, done, err);
}

static const struct store_write scrub_write = {.full = true, .run = run_scrub, .free_state = free};

/* Words that were taken out of the index leave its pages. */
static enum err_code scrub(struct store *store, struct err *err)
{
    return write_until_done(store, &scrub_write, err);
}

/* ---- the log ---- */

static bool log_is_empty(const char *path)
{
    struct stat info;
    char *log = xasprintf("%s-wal", path);
    bool empty = stat(log, &info) != 0 || info.st_size == 0;
    free(log);
    return empty;
}

/* The writer empties it when it has nothing else to do; who reads an older state prevents that. */
static void empty_log(struct store *store, struct purge_report *report)
{
    int64_t until = clock_mono_us() + LOG_PATIENCE_US;
    bool empty = store->private_file;
    while (!empty && clock_mono_us() < until) {
        pthread_mutex_lock(&store->lock);
        store->checkpoint_us = 0;
        writer_wake(store);
        pthread_mutex_unlock(&store->lock);
        clock_sleep_us(LOG_LOOK_US);
        empty = log_is_empty(store->path);
    }
    report->log_left = !empty;
}

/* ---- what is purged ---- */

static enum err_code find_row(struct store *store, const char *sql, struct sv id, int64_t *ret_row,
                              struct err *err)
{
    struct db *db = NULL;
    int64_t row = 0;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        code = sql__value_of_text(db, sql, id, &row, err);
    }
    reader_give(store, db);
    if (code == ERR_OK) {
        *ret_row = row;
    }
    return code;
}

static enum err_code purge_session_rows(struct store *store, const struct ulid *session,
                                        struct purge_report *report, struct err *err)
{
    struct purge_target target = {.id = *session};
    enum err_code code = session_delete(store, session, err);
    if (code && code != ERR_GONE) {
        return code;
    }
    code = find_row(store, "SELECT id FROM session WHERE uid = ?1", sv_from(session->text),
                    &target.session, err);
    if (code == ERR_OK && target.session == 0) {
        code = err_set(err, ERR_NOT_FOUND, "no session '%s'", session->text);
    }
    if (code == ERR_OK) {
        code = purge_target(store, purge__session_stages, &target, report, err);
    }
    if (code == ERR_OK) {
        report->sessions++;
    }
    return code;
}

static enum err_code purge_message_rows(struct store *store, const struct ulid *message,
                                        struct purge_report *report, struct err *err)
{
    struct purge_target target = {.id = *message};
    enum err_code code = message_delete(store, message, clock_mono_us() + DELETE_PATIENCE_US, err);
    if (code && code != ERR_NOT_FOUND) {
        return code;
    }
    code = find_row(store, "SELECT id FROM message WHERE uid = ?1", sv_from(message->text),
                    &target.message, err);
    if (code == ERR_OK && target.message == 0) {
        return err_set(err, ERR_NOT_FOUND, "no message '%s'", message->text);
    }
    return code ? code : purge_target(store, purge__message_stages, &target, report, err);
}

enum err_code purge_session(struct store *store, const struct ulid *session,
                            struct purge_report *report, struct err *err)
{
    enum err_code code = purge_session_rows(store, session, report, err);
    if (code == ERR_OK) {
        code = scrub(store, err);
    }
    empty_log(store, report);
    return code;
}

enum err_code purge_message(struct store *store, const struct ulid *message,
                            struct purge_report *report, struct err *err)
{
    enum err_code code = purge_message_rows(store, message, report, err);
    if (code == ERR_OK) {
        code = scrub(store, err);
    }
    empty_log(store, report);
    return code;
}

/* The first one in the trash; an unset id: none. */
static enum err_code first_deleted(struct store *store, const char *sql, struct ulid *ret_id,
                                   struct err *err)
{
    struct db *db = NULL;
    struct ulid id = {""};
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
        if (db_step(db, stmt, err)) {
            id = db_column_id(stmt, 0);
            db_reset(stmt);
        } else {
            code = db_result(db);
        }
    }
    reader_give(store, db);
    *ret_id = id;
    return code;
}

typedef enum err_code purge_fn(struct store *store, const struct ulid *id,
                               struct purge_report *report, struct err *err);

static enum err_code purge_all(struct store *store, const char *sql, purge_fn *purge,
                               struct purge_report *report, struct err *err)
{
    struct ulid id = {""};
    enum err_code code = first_deleted(store, sql, &id, err);
    while (code == ERR_OK && ulid_is_set(&id)) {
        code = purge(store, &id, report, err);
        if (code == ERR_OK) {
            code = first_deleted(store, sql, &id, err);
        }
    }
    return code;
}

enum err_code purge_trash(struct store *store, struct purge_report *report, struct err *err)
{
    enum err_code code = purge_all(
        store, "SELECT uid FROM session WHERE deleted_at IS NOT NULL ORDER BY deleted_at LIMIT 1",
        purge_session_rows, report, err);
    if (code == ERR_OK) {
        code = purge_all(store,
                         "SELECT uid FROM message WHERE deleted_at IS NOT NULL"
                         " ORDER BY deleted_at LIMIT 1",
                         purge_message_rows, report, err);
    }
    if (code == ERR_OK) {
        code = attachment_collect(store, ATTACHMENT_GRACE_US, &report->attachments, err);
    }
    if (code == ERR_OK) {
        code = scrub(store, err);
    }
    empty_log(store, report);
    return code;
}

/* ---- copies ---- */

static void add_backup(struct purge_report *report, char *path)
{
    report->backups =
        xrealloc(report->backups, (report->backup_count + 1) * sizeof(*report->backups));
    report->backups[report->backup_count++] = path;
}

static bool is_copy(struct sv name, struct sv base)
{
    static const char *const marks[] = {".bak-v", ".damaged-", ".repaired"};
    if (!sv_starts_with(name, base)) {
        return false;
    }
    struct sv rest = sv_skip(name, base.n);
    bool copy = sv_starts_with(rest, SV("-spill-")) && sv_ends_with(rest, SV(".damaged"));
    for (size_t i = 0; i < COUNT_OF(marks) && !copy; i++) {
        copy = sv_starts_with(rest, sv_from(marks[i]));
    }
    return copy;
}

/* Splits the path in place. */
static void find_backups(char *path, struct purge_report *report)
{
    char *slash = strrchr(path, '/');
    const char *folder = slash ? path : ".";
    const char *name = slash ? slash + 1 : path;
    if (slash) {
        *slash = '\0';
    }
    DIR *dir = opendir(*folder ? folder : "/");
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        if (is_copy(sv_from(entry->d_name), sv_from(name))) {
            add_backup(report, xasprintf("%s/%s", folder, entry->d_name));
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
}

/* A row may hold an answer of many megabytes. */
static enum err_code run_quarantine(void *arg, struct db *db, struct err *err)
{
    bool *done = arg;
    int64_t until = clock_mono_us() + QUARANTINE_US;
    enum err_code code = ERR_OK;
    do {
        code = sql__run_row(db,
                            "DELETE FROM quarantine WHERE id ="
                            " (SELECT min(id) FROM quarantine WHERE id > ?1)",
                            0, err);
        *done = code == ERR_OK && db_changes(db) == 0;
    } while (code == ERR_OK && !*done && clock_mono_us() < until);
    return code;
}

static const struct store_write quarantine_write = {
    .full = true, .run = run_quarantine, .free_state = free};

static enum err_code clear_quarantine(struct store *store, struct purge_report *report,
                                      struct err *err)
{
    enum err_code code = write_until_done(store, &quarantine_write, err);
    empty_log(store, report);
    return code;
}

static enum err_code purge_quarantine(struct store *store, bool remove, struct purge_report *report,
                                      struct err *err)
{
    struct db *db = NULL;
    int64_t count = 0;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        code =
            sql__value_of_row(db, "SELECT count(*) FROM quarantine WHERE id > ?1", 0, &count, err);
    }
    reader_give(store, db);
    report->quarantined = (uint64_t)count;
    return code || !remove || count == 0 ? code : clear_quarantine(store, report, err);
}

enum err_code purge_backups(struct store *store, bool remove, struct purge_report *report,
                            struct err *err)
{
    if (store->private_file) {
        return ERR_OK;
    }
    char *path = xstrdup(store->path);
    find_backups(path, report);
    free(path);
    for (size_t i = 0; remove && i < report->backup_count; i++) {
        if (unlink(report->backups[i]) != 0 && errno != ENOENT) {
            return err_set_errno(err, errno, "cannot remove '%s'", report->backups[i]);
        }
    }
    enum err_code code = purge_quarantine(store, remove, report, err);
    report->backups_removed = remove && code == ERR_OK;
    return code;
}
