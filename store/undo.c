/*
 * Undo: one function for each kind of entry, which puts back what was there before, provided that
 * what the entry's change had made of it still stands.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/attempt_internal.h"
#include "store/core_internal.h"
#include "store/journal_internal.h"
#include "store/review_internal.h"
#include "store/sql_internal.h"
#include "store/undo_internal.h"

struct undo_state {
    int64_t id;          /* 0: the newest */
    struct ulid session; /* of which, unset: of all */
    struct journal_entry entry;
};

/* ---- one for each action ---- */

/* Statements have the target as ?1, what was before as ?2, what came after as ?3. */
static enum err_code put_back(struct db *db, const char *sql, const struct journal_entry *entry,
                              struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    db_bind_id(stmt, 1, &entry->target);
    db_bind_text(stmt, 2, sv_from(entry->before));
    db_bind_text(stmt, 3, sv_from(entry->after));
    enum err_code code = db_run(db, stmt, err);
    if (code == ERR_OK && db_changes(db) == 0) {
        return err_set(err, ERR_EXISTS, "cannot undo: it was changed again since");
    }
    return code;
}

static enum err_code undo_name(struct db *db, const struct journal_entry *entry, struct err *err)
{
    struct err why = {ERR_OK, ""};
    enum err_code code =
        put_back(db,
                 "UPDATE OR IGNORE session SET name = ?2 WHERE uid = ?1 AND deleted_at IS NULL"
                 " AND name IS ?3",
                 entry, &why);
    if (code == ERR_EXISTS && entry->before) {
        return err_set(err, code,
                       "cannot undo: '%s' names another session now, or the name was"
                       " changed again",
                       entry->before);
    }
    return code ? err_set(err, code, "%s", why.text) : ERR_OK;
}

static enum err_code undo_title(struct db *db, const struct journal_entry *entry, struct err *err)
{
    return put_back(db,
                    "UPDATE session SET title_by = substr(?2, 1, instr(?2, ':') - 1),"
                    " title = substr(?2, instr(?2, ':') + 1), title_indexed = 0"
                    " WHERE uid = ?1 AND deleted_at IS NULL AND title_by || ':' || title = ?3",
                    entry, err);
}

static enum err_code undo_label(struct db *db, const struct journal_entry *entry, struct err *err)
{
    return put_back(db,
                    "DELETE FROM label WHERE name = ?3 AND ?2 IS NULL AND session ="
                    " (SELECT id FROM session WHERE uid = ?1 AND deleted_at IS NULL)",
                    entry, err);
}

static enum err_code undo_unlabel(struct db *db, const struct journal_entry *entry, struct err *err)
{
    return put_back(db,
                    "INSERT OR IGNORE INTO label (session, name, last_active_at)"
                    " SELECT id, ?2, last_active_at FROM session WHERE uid = ?1"
                    " AND deleted_at IS NULL AND ?3 IS NULL",
                    entry, err);
}

static enum err_code undo_archive(struct db *db, const struct journal_entry *entry, struct err *err)
{
    return put_back(db,
                    "UPDATE session SET archived_at = NULL WHERE uid = ?1 AND deleted_at IS NULL"
                    " AND archived_at IS NOT NULL AND ?2 IS NULL AND ?3 IS NOT NULL",
                    entry, err);
}

static enum err_code undo_unarchive(struct db *db, const struct journal_entry *entry,
                                    struct err *err)
{
    return put_back(db,
                    "UPDATE session SET archived_at = last_active_at WHERE uid = ?1"
                    " AND deleted_at IS NULL AND archived_at IS NULL AND ?2 IS NOT NULL"
                    " AND ?3 IS NULL",
                    entry, err);
}

/* An edited prompt and another answer stand on branches of their own, so going back is all. */
static enum err_code undo_branch(struct db *db, const struct journal_entry *entry, struct err *err)
{
    return put_back(db,
                    "UPDATE session SET branch = (SELECT id FROM branch WHERE uid = ?2)"
                    " WHERE uid = ?1 AND deleted_at IS NULL"
                    " AND branch = (SELECT id FROM branch WHERE uid = ?3)"
                    " AND EXISTS (SELECT 1 FROM branch WHERE uid = ?2)",
                    entry, err);
}

/* A note was added, taken away, or changed. */
static enum err_code undo_note(struct db *db, const struct journal_entry *entry, struct err *err)
{
    if (!entry->before) {
        return put_back(db,
                        "DELETE FROM note WHERE uid = json_extract(?3, '$.id')"
                        " AND " REVIEW__NOTE_JSON " = ?3 AND ?2 IS NULL"
                        " AND message = (SELECT id FROM message WHERE uid = ?1)",
                        entry, err);
    }
    if (!entry->after) {
        return put_back(
            db,
            "INSERT OR IGNORE INTO note (uid, message, part, first, last, text, created_at,"
            " changed_at) SELECT json_extract(?2, '$.id'), id, json_extract(?2, '$.part'),"
            " json_extract(?2, '$.first'), json_extract(?2, '$.last'),"
            " json_extract(?2, '$.text'), json_extract(?2, '$.created_at'),"
            " json_extract(?2, '$.changed_at') FROM message"
            " WHERE uid = ?1 AND deleted_at IS NULL AND ?3 IS NULL",
            entry, err);
    }
    return put_back(db,
                    "UPDATE note SET text = json_extract(?2, '$.text'),"
                    " changed_at = json_extract(?2, '$.changed_at')"
                    " WHERE uid = json_extract(?3, '$.id') AND " REVIEW__NOTE_JSON " = ?3"
                    " AND message = (SELECT id FROM message WHERE uid = ?1)",
                    entry, err);
}

#define VERDICT_BACK                                                                               \
    "rating = json_extract(?2, '$.rating'), verdict = json_extract(?2, '$.verdict'),"              \
    " decided_at = json_extract(?2, '$.decided_at')"

/* A verdict is of a session as a whole, or of one of its messages. */
struct verdict_undo {
    const char *of_session, *of_message;
};
static const struct verdict_undo verdict_given = {
    "DELETE FROM verdict WHERE message IS NULL AND session ="
    " (SELECT id FROM session WHERE uid = ?1 AND deleted_at IS NULL)"
    " AND " REVIEW__VERDICT_JSON " = ?3 AND ?2 IS NULL",
    "DELETE FROM verdict WHERE message ="
    " (SELECT id FROM message WHERE uid = ?1 AND deleted_at IS NULL)"
    " AND " REVIEW__VERDICT_JSON " = ?3 AND ?2 IS NULL",
};
static const struct verdict_undo verdict_taken_away = {
    "INSERT OR IGNORE INTO verdict (session, rating, verdict, decided_at)"
    " SELECT id, json_extract(?2, '$.rating'), json_extract(?2, '$.verdict'),"
    " json_extract(?2, '$.decided_at') FROM session"
    " WHERE uid = ?1 AND deleted_at IS NULL AND ?3 IS NULL",
    "INSERT OR IGNORE INTO verdict (session, message, rating, verdict, decided_at)"
    " SELECT b.session, m.id, json_extract(?2, '$.rating'),"
    " json_extract(?2, '$.verdict'), json_extract(?2, '$.decided_at')"
    " FROM message m JOIN branch b ON b.id = m.branch"
    " WHERE m.uid = ?1 AND m.deleted_at IS NULL AND ?3 IS NULL",
};
static const struct verdict_undo verdict_changed = {
    "UPDATE verdict SET " VERDICT_BACK " WHERE message IS NULL AND session ="
    " (SELECT id FROM session WHERE uid = ?1 AND deleted_at IS NULL)"
    " AND " REVIEW__VERDICT_JSON " = ?3",
    "UPDATE verdict SET " VERDICT_BACK " WHERE message ="
    " (SELECT id FROM message WHERE uid = ?1 AND deleted_at IS NULL)"
    " AND " REVIEW__VERDICT_JSON " = ?3",
};

static enum err_code undo_verdict(struct db *db, const struct journal_entry *entry, struct err *err)
{
    bool of_session = ulid_equal(&entry->session, &entry->target);
    const struct verdict_undo *undo = !entry->after    ? &verdict_taken_away
                                      : !entry->before ? &verdict_given
                                                       : &verdict_changed;
    return put_back(db, of_session ? undo->of_session : undo->of_message, entry, err);
}

static enum err_code undo_delete_session(struct db *db, const struct journal_entry *entry,
                                         struct err *err)
{
    return trash__restore_session(db, &entry->target, NULL, err);
}

static enum err_code undo_delete_message(struct db *db, const struct journal_entry *entry,
                                         struct err *err)
{
    struct ulid session;
    return trash__restore_message(db, &entry->target, &session, err);
}

typedef enum err_code undo_fn(struct db *db, const struct journal_entry *entry, struct err *err);
static undo_fn *const undo_functions[JOURNAL_ACTION_COUNT] = {
    [JOURNAL_DELETE_SESSION] = undo_delete_session,
    [JOURNAL_DELETE_MESSAGE] = undo_delete_message,
    [JOURNAL_NAME] = undo_name,
    [JOURNAL_TITLE] = undo_title,
    [JOURNAL_LABEL] = undo_label,
    [JOURNAL_UNLABEL] = undo_unlabel,
    [JOURNAL_ARCHIVE] = undo_archive,
    [JOURNAL_UNARCHIVE] = undo_unarchive,
    [JOURNAL_BRANCH] = undo_branch,
    [JOURNAL_NOTE] = undo_note,
    [JOURNAL_VERDICT] = undo_verdict,
};

/* ---- finding the entry and undoing it ---- */

static struct sqlite3_stmt *find_statement(const struct undo_state *self, struct db *db,
                                           struct err *err)
{
    if (self->id != 0) {
        struct sqlite3_stmt *stmt = db_prepare(db, JOURNAL__COLUMNS "WHERE id = ?1", err);
        db_bind_int(stmt, 1, self->id);
        return stmt;
    }
    if (!ulid_is_set(&self->session)) {
        return db_prepare(db, JOURNAL__COLUMNS "WHERE undone_at IS NULL ORDER BY id DESC LIMIT 1",
                          err);
    }
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   JOURNAL__COLUMNS "WHERE session = ?1 AND undone_at IS NULL"
                                    " ORDER BY id DESC LIMIT 1",
                   err);
    db_bind_id(stmt, 1, &self->session);
    return stmt;
}

static enum err_code find_entry(struct undo_state *self, struct db *db, struct err *err)
{
    journal_entry_release(&self->entry);
    struct sqlite3_stmt *stmt = find_statement(self, db, err);
    if (!db_step(db, stmt, err)) {
        return db_result(db) ? db_result(db) : err_set(err, ERR_NOT_FOUND, "nothing to undo");
    }
    self->entry = journal__read(stmt);
    db_reset(stmt);
    if (self->entry.undone_us != 0) {
        return err_set(err, ERR_EXISTS, "it is undone already");
    }
    return self->entry.action < JOURNAL_ACTION_COUNT
               ? ERR_OK
               : err_set(err, ERR_UNSUPPORTED, "cannot undo what a newer version did");
}

/* A restoration has told of itself. */
static enum err_code tell(const struct journal_entry *entry, struct db *db, struct err *err)
{
    int64_t session = 0;
    if (entry->action == JOURNAL_DELETE_SESSION || entry->action == JOURNAL_DELETE_MESSAGE) {
        return ERR_OK;
    }
    enum err_code code = sql__value_of_text(db, "SELECT id FROM session WHERE uid = ?1",
                                            sv_from(entry->session.text), &session, err);
    return code ? code : event_append(db, "session", session, 0, err);
}

static enum err_code run_undo(void *arg, struct db *db, struct err *err)
{
    struct undo_state *self = arg;
    enum err_code code = find_entry(self, db, err);
    if (code) {
        return code;
    }
    code = undo_functions[self->entry.action](db, &self->entry, err);
    if (code) {
        return code;
    }
    struct sqlite3_stmt *stmt =
        db_prepare(db, "UPDATE journal SET undone_at = ?2 WHERE id = ?1", err);
    db_bind_int(stmt, 1, self->entry.id);
    db_bind_int(stmt, 2, clock_wall_us());
    code = db_run(db, stmt, err);
    return code ? code : tell(&self->entry, db, err);
}

static void undo_written(void *arg, struct store *store)
{
    const struct undo_state *self = arg;
    trash__forget_gone(store, &self->entry.target);
    pthread_mutex_lock(&store->publish_lock);
    session_update_publish(store->broker, &self->entry.session, false);
    pthread_mutex_unlock(&store->publish_lock);
}

static void free_undo(void *arg)
{
    struct undo_state *self = arg;
    if (self) {
        journal_entry_release(&self->entry);
        free(self);
    }
}

static const struct store_write undo_write = {
    .full = true, .run = run_undo, .written = undo_written, .free_state = free_undo};

static enum err_code undo(struct store *store, struct undo_state *self,
                          struct journal_entry *ret_entry, struct err *err)
{
    enum err_code code = store_write(store, &undo_write, &self, err);
    if (code == ERR_OK && ret_entry) {
        *ret_entry = self->entry;
        self->entry = (struct journal_entry){.id = 0};
    }
    free_undo(self);
    return code;
}

enum err_code undo_last(struct store *store, const struct ulid *session,
                        struct journal_entry *ret_entry, struct err *err)
{
    struct undo_state *self = xcalloc(1, sizeof(*self));
    if (session) {
        self->session = *session;
    }
    return undo(store, self, ret_entry, err);
}

enum err_code undo_entry(struct store *store, int64_t id, struct journal_entry *ret_entry,
                         struct err *err)
{
    if (id <= 0) {
        return err_set(err, ERR_NOT_FOUND, "nothing to undo");
    }
    struct undo_state *self = xcalloc(1, sizeof(*self));
    self->id = id;
    return undo(store, self, ret_entry, err);
}
