/*
 * Labels. Each holds its session's time of last activity, so that the list of a label is one range
 * of an index.
 */
#include "store/label.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/attempt_internal.h"
#include "store/journal_internal.h"
#include "store/session_internal.h"

static const char of_session_sql[] =
    "SELECT l.name, 0 FROM session s CROSS JOIN label l ON l.session = s.id WHERE s.uid = ?1"
    " ORDER BY l.name";
static const char all_sql[] =
    "SELECT l.name, sum(" SESSION__SHOWN ") FROM label l INDEXED BY label_by_name"
    " CROSS JOIN session s ON s.id = l.session GROUP BY l.name ORDER BY l.name";
static const char there_sql[] = "SELECT 1 FROM session WHERE uid = ?1";
static const char remove_sql[] = "DELETE FROM label WHERE session = ?1 AND name = ?2";
static const char add_sql[] =
    "INSERT INTO label (session, name, last_active_at)"
    " SELECT id, ?2, last_active_at FROM session WHERE id = ?1 ON CONFLICT DO NOTHING";

void label_list_release(struct label_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->labels[i].name);
    }
    free(list->labels);
    *list = (struct label_list){NULL, 0};
}

static void append(struct label_list *list, struct sqlite3_stmt *stmt)
{
    size_t count = list->count;
    list->labels = xgrow(list->labels, count, sizeof(*list->labels));
    list->labels[list->count++] = (struct label){db_column_dup(stmt, 0), db_column_int(stmt, 1)};
}

static enum err_code check_session(struct db *db, const struct ulid *session, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, there_sql, err);
    db_bind_id(stmt, 1, session);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code : err_set(err, ERR_NOT_FOUND, "no session '%s'", session->text);
    }
    db_reset(stmt);
    return ERR_OK;
}

static enum err_code read_list(struct db *db, const struct ulid *session, struct label_list *list,
                               struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, session ? of_session_sql : all_sql, err);
    if (session) {
        db_bind_id(stmt, 1, session);
    }
    while (db_step(db, stmt, err)) {
        append(list, stmt);
    }
    enum err_code code = db_result(db);
    return code == ERR_OK && session && list->count == 0 ? check_session(db, session, err) : code;
}

enum err_code label_list(struct store *store, const struct ulid *session,
                         struct label_list *ret_list, struct err *err)
{
    struct label_list list = {NULL, 0};
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        code = read_list(db, session, &list, err);
    } else if (code == ERR_OK && session) {
        code = err_set(err, ERR_NOT_FOUND, "no session '%s'", session->text);
    }
    reader_give(store, db);
    if (code) {
        label_list_release(&list);
        return code;
    }
    *ret_list = list;
    return ERR_OK;
}

/* ---- changes ---- */

/* The id first, as session__written wants it. */
struct labelling {
    struct ulid id;
    char **names; /* those to be removed, then those to be added */
    size_t remove_count, count;
};

static void free_labelling(void *state)
{
    struct labelling *self = state;
    for (size_t i = 0; self && i < self->count; i++) {
        free(self->names[i]);
    }
    if (self) {
        free(self->names);
        free(self);
    }
}

/* One that was there already, or was not there, is no change. */
static enum err_code put(const struct labelling *self, struct db *db, int64_t row, size_t at,
                         struct err *err)
{
    bool removes = at < self->remove_count;
    struct sv name = sv_from(self->names[at]);
    struct sqlite3_stmt *stmt = db_prepare(db, removes ? remove_sql : add_sql, err);
    db_bind_int(stmt, 1, row);
    db_bind_text(stmt, 2, name);
    enum err_code code = db_run(db, stmt, err);
    if (code || db_changes(db) == 0) {
        return code;
    }
    struct sv none = {NULL, 0};
    struct journal_change change = {.action = removes ? JOURNAL_UNLABEL : JOURNAL_LABEL,
                                    .session = self->id,
                                    .target = self->id,
                                    .before = removes ? name : none,
                                    .after = removes ? none : name};
    return journal__add(db, &change, err);
}

static enum err_code run_labelling(void *state, struct db *db, struct err *err)
{
    const struct labelling *self = state;
    int64_t row = 0;
    enum err_code code = session__row(db, &self->id, &row, err);
    for (size_t i = 0; code == ERR_OK && i < self->count; i++) {
        code = put(self, db, row, i, err);
    }
    return code ? code : event_append(db, "session", row, 0, err);
}

static const struct store_write write_labelling = {
    .full = true, .run = run_labelling, .written = session__written, .free_state = free_labelling};

static enum err_code check_all(const struct sv *names, size_t count, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < count; i++) {
        code = session__check_line("the label", names[i], LABEL_MAX, err);
    }
    return code;
}

enum err_code label_update(struct store *store, const struct ulid *session,
                           const struct label_change *change, struct err *err)
{
    enum err_code code = check_all(change->add, change->add_count, err);
    if (code == ERR_OK) {
        code = check_all(change->remove, change->remove_count, err);
    }
    if (code) {
        return code;
    }
    struct labelling *self = xcalloc(1, sizeof(*self));
    self->id = *session;
    self->remove_count = change->remove_count;
    self->count = change->remove_count + change->add_count;
    self->names = xcalloc(self->count + 1, sizeof(*self->names));
    for (size_t i = 0; i < self->count; i++) {
        bool removes = i < self->remove_count;
        struct sv name = removes ? change->remove[i] : change->add[i - self->remove_count];
        self->names[i] = xstrndup(name.p, name.n);
    }
    code = store_write(store, &write_labelling, &self, err);
    free_labelling(self);
    return code;
}
