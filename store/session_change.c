/*
 * Sessions: updated, each time in one transaction that changes what was given and nothing else.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "store/attempt_internal.h"
#include "store/journal_internal.h"
#include "store/session_internal.h"

/* ---- checks ---- */

enum err_code session__check_bytes(const char *what, struct sv text, size_t max, struct err *err)
{
    if (text.n > max) {
        return err_set(err, ERR_TOO_BIG, "%s is longer than %zu bytes", what, max);
    }
    if (utf8_valid_prefix(text.p, text.n) < text.n || sv_find(text, '\0') < text.n) {
        return err_set(err, ERR_INVALID, "%s is not valid UTF-8", what);
    }
    return ERR_OK;
}

enum err_code session__check_titles(struct sv name, struct sv title, struct err *err)
{
    enum err_code code =
        name.n > 0 ? session__check_line("the name", name, SESSION_NAME_MAX, err) : ERR_OK;
    if (code == ERR_OK && title.n > 0) {
        code = session__check_line("the title", title, SESSION_TITLE_MAX, err);
    }
    return code;
}

enum err_code session__check_object(struct db *db, const char *metadata, struct err *err)
{
    if (!metadata) {
        return ERR_OK;
    }
    struct sqlite3_stmt *stmt = db_prepare(
        db, "SELECT CASE WHEN json_valid(?1) THEN json_type(?1) = 'object' ELSE 0 END", err);
    db_bind_text(stmt, 1, sv_from(metadata));
    bool object = db_step(db, stmt, err) && db_column_int(stmt, 0) != 0;
    db_reset(stmt);
    return object ? ERR_OK : err_set(err, ERR_INVALID, "the metadata is no JSON object");
}

enum err_code session__check_free(struct db *db, const char *name, int64_t row, struct err *err)
{
    if (!name) {
        return ERR_OK;
    }
    struct sqlite3_stmt *stmt =
        db_prepare(db, "SELECT 1 FROM session WHERE name = ?1 AND id <> ?2", err);
    db_bind_text(stmt, 1, sv_from(name));
    db_bind_int(stmt, 2, row);
    bool taken = db_step(db, stmt, err);
    db_reset(stmt);
    return taken ? err_set(err, ERR_EXISTS, "another session is named '%s'", name) : ERR_OK;
}

/* ---- updating ---- */

struct updating {
    struct ulid id;
    struct session_change change; /* its texts are in the copies */
    char *name, *title, *metadata;
};

static void free_updating(void *state)
{
    struct updating *self = state;
    if (self) {
        free(self->name);
        free(self->title);
        free(self->metadata);
        free(self);
    }
}

/* Ranks whose title it is, as a statement sees it. */
#define RANK(by) "CASE " by " WHEN 'user' THEN 2 WHEN 'model' THEN 1 ELSE 0 END"

static enum err_code set_text(struct db *db, int64_t row, const char *sql, struct sv text,
                              struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    db_bind_int(stmt, 1, row);
    db_bind_text(stmt, 2, text);
    return db_run(db, stmt, err);
}

static enum err_code set_name(const struct updating *self, struct db *db, int64_t row,
                              struct err *err)
{
    enum err_code code = session__check_free(db, self->name, row, err);
    return code ? code
                : set_text(db, row, "UPDATE session SET name = ?2 WHERE id = ?1",
                           sv_from(self->name), err);
}

static enum err_code set_title(const struct updating *self, struct db *db, int64_t row,
                               struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE session SET title = ?2, title_by = ?3, title_indexed = 0 WHERE id = ?1"
                   " AND " RANK("?3") " >= " RANK("title_by"),
                   err);
    db_bind_int(stmt, 1, row);
    db_bind_text(stmt, 2, sv_from(self->title ? self->title : ""));
    db_bind_text(stmt, 3, sv_from(title_author_text(self->change.title_by)));
    return db_run(db, stmt, err);
}

static enum err_code set_metadata(const struct updating *self, struct db *db, int64_t row,
                                  struct err *err)
{
    enum err_code code = session__check_object(db, self->metadata, err);
    return code ? code
                : set_text(db, row, "UPDATE session SET metadata = ?2 WHERE id = ?1",
                           sv_from(self->metadata), err);
}

static enum err_code set_status(const struct updating *self, struct db *db, int64_t row,
                                struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE session SET status = ?2,"
                   " ended_at = CASE ?2 WHEN 'ended' THEN coalesce(ended_at, ?3) END"
                   " WHERE id = ?1",
                   err);
    db_bind_int(stmt, 1, row);
    db_bind_text(stmt, 2, sv_from(session_status_text(self->change.status)));
    db_bind_int(stmt, 3, clock_wall_us());
    return db_run(db, stmt, err);
}

static enum err_code set_archived(const struct updating *self, struct db *db, int64_t row,
                                  struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE session SET archived_at = CASE ?2 WHEN 1 THEN coalesce(archived_at, ?3)"
                   " END WHERE id = ?1",
                   err);
    db_bind_int(stmt, 1, row);
    db_bind_int(stmt, 2, self->change.archived);
    db_bind_int(stmt, 3, clock_wall_us());
    return db_run(db, stmt, err);
}

static enum err_code set_sums(const struct updating *self, struct db *db, int64_t row,
                              struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(
        db,
        "UPDATE session SET message_count = CASE WHEN ?2 < 0 THEN message_count ELSE ?2 END,"
        " input_tokens = CASE WHEN ?3 < 0 THEN input_tokens ELSE ?3 END,"
        " output_tokens = CASE WHEN ?4 < 0 THEN output_tokens ELSE ?4 END,"
        " cost_micros = CASE WHEN ?5 < 0 THEN cost_micros ELSE ?5 END WHERE id = ?1",
        err);
    db_bind_int(stmt, 1, row);
    db_bind_int(stmt, 2, self->change.message_count);
    db_bind_int(stmt, 3, self->change.input_tokens);
    db_bind_int(stmt, 4, self->change.output_tokens);
    db_bind_int(stmt, 5, self->change.cost_micros);
    return db_run(db, stmt, err);
}

static const struct setter {
    enum session_field field;
    enum err_code (*set)(const struct updating *self, struct db *db, int64_t row, struct err *err);
} setters[] = {
    {SESSION_SET_NAME, set_name},         {SESSION_SET_TITLE, set_title},
    {SESSION_SET_METADATA, set_metadata}, {SESSION_SET_STATUS, set_status},
    {SESSION_SET_ARCHIVED, set_archived}, {SESSION_SET_SUMS, set_sums},
};

/* ---- what can be undone ---- */

struct seen {
    char *name;
    char *title; /* AUTHOR:TITLE */
    bool archived;
};

static void free_seen(struct seen *seen)
{
    free(seen->name);
    free(seen->title);
}

static enum err_code look(struct db *db, int64_t row, struct seen *ret_seen, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT name, title_by || ':' || title, archived_at IS NOT NULL FROM session"
                   " WHERE id = ?1",
                   err);
    db_bind_int(stmt, 1, row);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    *ret_seen =
        (struct seen){db_column_dup(stmt, 0), db_column_dup(stmt, 1), db_column_int(stmt, 2) != 0};
    db_reset(stmt);
    return ERR_OK;
}

static enum err_code note(struct db *db, const struct ulid *session, enum journal_action action,
                          const char *const texts[2], struct err *err)
{
    struct journal_change change = {.action = action,
                                    .session = *session,
                                    .target = *session,
                                    .before = sv_from(texts[0]),
                                    .after = sv_from(texts[1])};
    bool same = texts[0] && texts[1] ? sv_equal(change.before, change.after) : texts[0] == texts[1];
    return same ? ERR_OK : journal__add(db, &change, err);
}

/* A title that is not the user's is no act of the user's, and nothing to undo. */
static enum err_code note_all(const struct updating *self, struct db *db, const struct seen seen[2],
                              struct err *err)
{
    static const char archived[] = "archived";
    const char *const names[] = {seen[0].name, seen[1].name};
    const char *const titles[] = {seen[0].title, seen[1].title};
    const char *const archives[] = {seen[0].archived ? archived : NULL,
                                    seen[1].archived ? archived : NULL};
    enum err_code code = note(db, &self->id, JOURNAL_NAME, names, err);
    if (code == ERR_OK && self->change.title_by == TITLE_BY_USER) {
        code = note(db, &self->id, JOURNAL_TITLE, titles, err);
    }
    return code ? code
                : note(db, &self->id, seen[1].archived ? JOURNAL_ARCHIVE : JOURNAL_UNARCHIVE,
                       archives, err);
}

static enum err_code set_all(const struct updating *self, struct db *db, int64_t row,
                             struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < COUNT_OF(setters); i++) {
        if (self->change.fields & setters[i].field) {
            code = setters[i].set(self, db, row, err);
        }
    }
    return code;
}

static enum err_code run_updating(void *state, struct db *db, struct err *err)
{
    const struct updating *self = state;
    struct seen seen[2] = {{.name = NULL}, {.name = NULL}};
    int64_t row = 0;
    enum err_code code = session__row(db, &self->id, &row, err);
    if (code == ERR_OK) {
        code = look(db, row, &seen[0], err);
    }
    if (code == ERR_OK) {
        code = set_all(self, db, row, err);
    }
    if (code == ERR_OK) {
        code = look(db, row, &seen[1], err);
    }
    if (code == ERR_OK) {
        code = note_all(self, db, seen, err);
    }
    free_seen(&seen[0]);
    free_seen(&seen[1]);
    return code ? code : event_append(db, "session", row, 0, err);
}

static const struct store_write write_updating = {
    .full = true, .run = run_updating, .written = session__written, .free_state = free_updating};

static enum err_code check_change(const struct session_change *change, struct err *err)
{
    const struct sv none = {NULL, 0};
    enum err_code code =
        session__check_titles(change->fields & SESSION_SET_NAME ? change->name : none,
                              change->fields & SESSION_SET_TITLE ? change->title : none, err);
    if (code == ERR_OK && change->fields & SESSION_SET_METADATA) {
        code = session__check_bytes("the metadata", change->metadata, SESSION_METADATA_MAX, err);
    }
    return code;
}

enum err_code session_update(struct store *store, const struct ulid *id,
                             const struct session_change *change, struct err *err)
{
    enum err_code code = check_change(change, err);
    if (code) {
        return code;
    }
    struct updating *self = xcalloc(1, sizeof(*self));
    self->id = *id;
    self->change = *change;
    self->name = sv_dup_or_null(change->name);
    self->title = sv_dup_or_null(change->title);
    self->metadata = sv_dup_or_null(change->metadata);
    code = store_write(store, &write_updating, &self, err);
    free_updating(self);
    return code;
}
