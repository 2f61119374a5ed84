/*
 * Participants.
 */
#include "store/participant.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "store/participant_internal.h"
#include "store/session_internal.h"

static const char *const kinds[] = {
    [PARTICIPANT_USER] = "user", [PARTICIPANT_MODEL] = "model", [PARTICIPANT_TOOL] = "tool"};

static const char list_sql[] =
    "SELECT p.id, p.kind, p.external_id, p.created_at FROM session s CROSS JOIN participant p"
    " INDEXED BY participant_by_session ON p.session = s.id WHERE s.uid = ?1 ORDER BY p.id";
static const char find_sql[] =
    "SELECT id FROM participant WHERE session = ?1 AND kind = ?2 AND external_id = ?3";
static const char insert_sql[] = "INSERT INTO participant (session, kind, external_id, created_at)"
                                 " VALUES (?1, ?2, ?3, ?4)";

const char *participant_kind_text(enum participant_kind kind)
{
    return (size_t)kind < COUNT_OF(kinds) ? kinds[kind] : "";
}

/* ---- the list ---- */

void participant_list_release(struct participant_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->participants[i].external_id);
    }
    free(list->participants);
    *list = (struct participant_list){NULL, 0};
}

static void append(struct participant_list *list, struct sqlite3_stmt *stmt)
{
    size_t count = list->count;
    list->participants = xgrow(list->participants, count, sizeof(*list->participants));
    enum participant_kind kind = PARTICIPANT_USER;
    while ((size_t)kind + 1 < COUNT_OF(kinds) &&
           !sv_equal_str(db_column_text(stmt, 1), kinds[kind])) {
        kind++;
    }
    list->participants[list->count++] = (struct participant){
        .number = db_column_int(stmt, 0),
        .kind = kind,
        .external_id = db_column_dup(stmt, 2),
        .created_us = db_column_int(stmt, 3),
    };
}

/* A session that nobody has said anything in has no participants yet. */
static enum err_code read_list(struct db *db, const struct ulid *session,
                               struct participant_list *list, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, list_sql, err);
    db_bind_id(stmt, 1, session);
    while (db_step(db, stmt, err)) {
        append(list, stmt);
    }
    int64_t row = 0;
    enum err_code code = db_result(db);
    if (code == ERR_OK && list->count == 0) {
        code = session__row(db, session, &row, err);
    }
    return code;
}

enum err_code participant_list(struct store *store, const struct ulid *session,
                               struct participant_list *ret_list, struct err *err)
{
    struct participant_list list = {NULL, 0};
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK) {
        code = db ? read_list(db, session, &list, err)
                  : err_set(err, ERR_NOT_FOUND, "no session '%s'", session->text);
    }
    reader_give(store, db);
    if (code) {
        participant_list_release(&list);
        return code;
    }
    *ret_list = list;
    return ERR_OK;
}

/* ---- resolving ---- */

/* 0 in ret_row: there is none. */
static enum err_code find(struct db *db, int64_t session, const struct participant_key *key,
                          int64_t *ret_row, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, find_sql, err);
    db_bind_int(stmt, 1, session);
    db_bind_text(stmt, 2, sv_from(participant_kind_text(key->kind)));
    db_bind_text(stmt, 3, sv_of(key->external_id.p ? key->external_id.p : "", key->external_id.n));
    *ret_row = 0;
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    *ret_row = db_column_int(stmt, 0);
    db_reset(stmt);
    return ERR_OK;
}

enum err_code participant__resolve(struct db *db, int64_t session,
                                   const struct participant_key *key, int64_t *ret_row,
                                   struct err *err)
{
    int64_t row = 0;
    enum err_code code = find(db, session, key, &row, err);
    if (code == ERR_OK && row == 0) {
        struct sqlite3_stmt *stmt = db_prepare(db, insert_sql, err);
        db_bind_int(stmt, 1, session);
        db_bind_text(stmt, 2, sv_from(participant_kind_text(key->kind)));
        db_bind_text(stmt, 3,
                     sv_of(key->external_id.p ? key->external_id.p : "", key->external_id.n));
        db_bind_int(stmt, 4, key->now_us);
        code = db_run(db, stmt, err);
        row = db_last_id(db);
    }
    if (code == ERR_OK) {
        *ret_row = row;
    }
    return code;
}

/* The session first, as session__written wants it. */
struct resolving {
    struct ulid session;
    struct participant_key key; /* its text is a copy in the same block */
    int64_t row;
};

static enum err_code run_resolving(void *state, struct db *db, struct err *err)
{
    struct resolving *self = state;
    int64_t session = 0;
    enum err_code code = session__row(db, &self->session, &session, err);
    return code ? code : participant__resolve(db, session, &self->key, &self->row, err);
}

static const struct store_write write_resolving = {
    .run = run_resolving, .written = session__written, .free_state = free};

/* True: it was there, nothing has to be written. */
static bool is_known(struct store *store, struct resolving *self)
{
    struct db *db = NULL;
    int64_t session = 0;
    bool known = reader_take(store, &db, NULL) == ERR_OK && db &&
                 session__row(db, &self->session, &session, NULL) == ERR_OK &&
                 find(db, session, &self->key, &self->row, NULL) == ERR_OK && self->row != 0;
    reader_give(store, db);
    return known;
}

/* wide: a participant is known by two things within a session. */
enum err_code participant_resolve(struct store *store, const struct ulid *session,
                                  enum participant_kind kind, struct sv external_id,
                                  int64_t *ret_number, struct err *err)
{
    if (external_id.n > PARTICIPANT_MAX) {
        return err_set(err, ERR_TOO_BIG, "a participant's name is longer than %d bytes",
                       PARTICIPANT_MAX);
    }
    if ((size_t)kind >= COUNT_OF(kinds) || sv_find(external_id, '\0') < external_id.n ||
        utf8_valid_prefix(external_id.p, external_id.n) < external_id.n) {
        return err_set(err, ERR_INVALID, "a participant's name is not valid");
    }
    struct resolving *self = xcalloc(1, sizeof(*self) + external_id.n + 1);
    char *text = (char *)(self + 1);
    for (size_t i = 0; i < external_id.n; i++) {
        text[i] = external_id.p[i];
    }
    self->session = *session;
    self->key = (struct participant_key){kind, sv_of(text, external_id.n), clock_wall_us()};
    enum err_code code =
        is_known(store, self) ? ERR_OK : store_write(store, &write_resolving, &self, err);
    if (code == ERR_OK) {
        *ret_number = self->row;
    }
    free(self);
    return code;
}
