/*
 * Verdicts: reading and writing; store/undo.c takes changes back.
 */
#include "store/verdict.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/attempt_internal.h"
#include "store/journal_internal.h"
#include "store/review_internal.h"
#include "store/session_internal.h"
#include "store/sql_internal.h"

static const char of_session_sql[] =
    "SELECT m.uid, v.rating, v.verdict, v.decided_at FROM session s"
    " CROSS JOIN verdict v INDEXED BY verdict_by_session ON v.session = s.id"
    " LEFT JOIN message m ON m.id = v.message WHERE s.uid = ?1 AND m.deleted_at IS NULL"
    " ORDER BY v.id";

void verdict_list_release(struct verdict_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->verdicts[i].word);
    }
    free(list->verdicts);
    *list = (struct verdict_list){NULL, 0};
}

/* ---- reading ---- */

/* The session's own goes to the front, wherever its row is. */
static void append(struct verdict_list *list, struct sqlite3_stmt *stmt)
{
    size_t count = list->count;
    list->verdicts = xgrow(list->verdicts, count, sizeof(*list->verdicts));
    int64_t rating = db_column_int(stmt, 1);
    struct verdict verdict = {
        .message = db_column_id(stmt, 0),
        .rating = rating >= 1 && rating <= VERDICT_RATING_MAX ? (int)rating : 0,
        .word = db_column_dup(stmt, 2),
        .decided_us = db_column_int(stmt, 3),
    };
    list->verdicts[list->count++] = verdict;
    for (size_t i = count; !ulid_is_set(&verdict.message) && i > 0; i--) {
        list->verdicts[i] = list->verdicts[i - 1];
        list->verdicts[i - 1] = verdict;
    }
}

enum err_code verdict_list(struct store *store, const struct ulid *session,
                           struct verdict_list *ret_list, struct err *err)
{
    struct verdict_list list = {NULL, 0};
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        struct sqlite3_stmt *stmt = db_prepare(db, of_session_sql, err);
        db_bind_id(stmt, 1, session);
        while (db_step(db, stmt, err)) {
            append(&list, stmt);
        }
        code = db_result(db);
    }
    reader_give(store, db);
    if (code) {
        verdict_list_release(&list);
        return code;
    }
    *ret_list = list;
    return ERR_OK;
}

const struct verdict *verdict_of(const struct verdict_list *list, const struct ulid *message)
{
    for (size_t i = 0; i < list->count; i++) {
        if (ulid_equal(&list->verdicts[i].message, message)) {
            return &list->verdicts[i];
        }
    }
    return NULL;
}

/* ---- changes ---- */

/* The id first, as session__written wants it. */
struct judging {
    struct ulid session;
    struct verdict_change change;
    char *word;
};

static void free_judging(void *state)
{
    struct judging *self = state;
    if (self) {
        free(self->word);
        free(self);
    }
}

static enum err_code find_target(struct judging *self, struct db *db,
                                 struct review_target *ret_target, struct err *err)
{
    if (ulid_is_set(&self->change.message)) {
        return review__find(db, &self->change.message, ret_target, err);
    }
    *ret_target = (struct review_target){.session = self->change.session};
    return session__row(db, &self->change.session, &ret_target->session_row, err);
}

/* Two statements, since each kind has an index of its own. */
static struct sqlite3_stmt *of_target(struct db *db, const char *const sql[2],
                                      const struct review_target *target, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sql[target->row != 0], err);
    db_bind_int(stmt, 1, target->row ? target->row : target->session_row);
    return stmt;
}

#define OF_SESSION " WHERE session = ?1 AND message IS NULL"
#define OF_MESSAGE " WHERE message = ?1"

/* As the journal keeps it; NULL: there is none. Gives. */
static enum err_code look(struct db *db, const struct review_target *target, char **ret_json,
                          struct err *err)
{
    static const char *const sql[] = {
        "SELECT " REVIEW__VERDICT_JSON " FROM verdict" OF_SESSION,
        "SELECT " REVIEW__VERDICT_JSON " FROM verdict" OF_MESSAGE,
    };
    struct sqlite3_stmt *stmt = of_target(db, sql, target, err);
    *ret_json = NULL;
    if (db_step(db, stmt, err)) {
        *ret_json = db_column_dup(stmt, 0);
        db_reset(stmt);
    }
    return db_result(db);
}

static enum err_code make_row(struct db *db, const struct review_target *target, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(
        db, "INSERT INTO verdict (session, message, decided_at) VALUES (?1, ?2, 0)", err);
    db_bind_int(stmt, 1, target->session_row);
    if (target->row) {
        db_bind_int(stmt, 2, target->row);
    } else {
        db_bind_null(stmt, 2);
    }
    return db_run(db, stmt, err);
}

#define SET                                                                                        \
    "UPDATE verdict SET rating = CASE WHEN ?2 THEN nullif(?3, 0) ELSE rating END,"                 \
    " verdict = CASE WHEN ?4 THEN nullif(?5, '') ELSE verdict END, decided_at = ?6"

static enum err_code set_row(const struct judging *self, struct db *db,
                             const struct review_target *target, struct err *err)
{
    static const char *const sql[] = {SET OF_SESSION, SET OF_MESSAGE};
    struct sqlite3_stmt *stmt = of_target(db, sql, target, err);
    db_bind_int(stmt, 2, self->change.sets_rating);
    db_bind_int(stmt, 3, self->change.rating);
    db_bind_int(stmt, 4, self->change.sets_word);
    db_bind_text(stmt, 5, sv_from(self->word));
    db_bind_int(stmt, 6, clock_wall_us());
    return db_run(db, stmt, err);
}

static enum err_code drop_empty(struct db *db, const struct review_target *target, struct err *err)
{
    static const char *const sql[] = {
        "DELETE FROM verdict" OF_SESSION " AND rating IS NULL AND verdict IS NULL",
        "DELETE FROM verdict" OF_MESSAGE " AND rating IS NULL AND verdict IS NULL",
    };
    return db_run(db, of_target(db, sql, target, err), err);
}

static enum err_code put(const struct judging *self, struct db *db,
                         const struct review_target *target, bool is_new, struct err *err)
{
    enum err_code code = is_new ? make_row(db, target, err) : ERR_OK;
    if (code == ERR_OK) {
        code = set_row(self, db, target, err);
    }
    return code ? code : drop_empty(db, target, err);
}

static enum err_code run_judging(void *state, struct db *db, struct err *err)
{
    struct judging *self = state;
    struct review_target target;
    char *before = NULL;
    char *after = NULL;
    enum err_code code = find_target(self, db, &target, err);
    if (code == ERR_OK) {
        self->session = target.session;
        code = look(db, &target, &before, err);
    }
    if (code == ERR_OK) {
        code = put(self, db, &target, before == NULL, err);
    }
    if (code == ERR_OK) {
        code = look(db, &target, &after, err);
    }
    if (code == ERR_OK && (before || after)) {
        const struct journal_change entry = {.action = JOURNAL_VERDICT,
                                             .session = target.session,
                                             .target =
                                                 target.row ? self->change.message : target.session,
                                             .before = sv_from(before),
                                             .after = sv_from(after)};
        code = journal__add(db, &entry, err);
    }
    free(before);
    free(after);
    return code ? code : event_append(db, "verdict", target.session_row, target.row, err);
}

static const struct store_write write_judging = {
    .full = true, .run = run_judging, .written = session__written, .free_state = free_judging};

static enum err_code check(const struct verdict_change *change, struct err *err)
{
    if (change->sets_rating && (change->rating < 0 || change->rating > VERDICT_RATING_MAX)) {
        return err_set(err, ERR_INVALID, "a rating is a number from 1 to %d", VERDICT_RATING_MAX);
    }
    return change->sets_word && change->word.n > 0
               ? session__check_line("the verdict", change->word, VERDICT_MAX, err)
               : ERR_OK;
}

enum err_code verdict_set(struct store *store, const struct verdict_change *change, struct err *err)
{
    enum err_code code = check(change, err);
    if (code) {
        return code;
    }
    struct judging *self = xcalloc(1, sizeof(*self));
    self->change = *change;
    self->word = change->word.n > 0 ? xstrndup(change->word.p, change->word.n) : xstrdup("");
    code = store_write(store, &write_judging, &self, err);
    free_judging(self);
    return code;
}
