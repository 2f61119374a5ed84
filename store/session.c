/*
 * Sessions: list and find. Creating one is a part of beginning a turn.
 */
#include "store/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/store_internal.h"

/* Most of a given word that an error repeats. */
#define SHOWN_BYTES 64

#define COLUMNS                                                                                    \
    "SELECT s.uid, s.handle, s.name, s.title,"                                                     \
    " (SELECT m.model FROM message m WHERE m.branch = s.branch AND m.model IS NOT NULL"            \
    " ORDER BY m.seq DESC LIMIT 1),"                                                               \
    " s.created_at, s.last_active_at,"                                                             \
    " (SELECT count(*) FROM branch b JOIN message m ON m.branch = b.id WHERE b.session = s.id)"    \
    " FROM session s "

/* Ties are broken by id, in the order that the index has anyway. */
#define NEWEST_FIRST " ORDER BY s.last_active_at DESC, s.id"

#define SHOWN "s.deleted_at IS NULL AND s.archived_at IS NULL"

static const char all_sql[] = COLUMNS "WHERE " SHOWN NEWEST_FIRST " LIMIT ?1 OFFSET ?2";
static const char scope_sql[] =
    COLUMNS "WHERE " SHOWN " AND s.scope = ?3" NEWEST_FIRST " LIMIT ?1 OFFSET ?2";
static const char one_sql[] = COLUMNS "WHERE s.id = ?1";

static const char last_all_sql[] =
    "SELECT s.uid FROM session s WHERE " SHOWN NEWEST_FIRST " LIMIT 1";
static const char last_scope_sql[] =
    "SELECT s.uid FROM session s WHERE " SHOWN " AND s.scope = ?1" NEWEST_FIRST " LIMIT 1";

/* Tried in this order; the first that finds one or several decides. ?1 and ?2 as `form` says. */
enum find_form { FIND_UPPER, FIND_LOWER, FIND_AS_IS, FIND_UPPER_PREFIX, FIND_LOWER_PREFIX };
static const struct find_way {
    enum find_form form;
    const char *sql;
} find_ways[] = {
    {FIND_UPPER, "SELECT id FROM session WHERE uid = ?1"},
    {FIND_AS_IS, "SELECT id FROM session WHERE name = ?1"},
    {FIND_LOWER, "SELECT id FROM session WHERE handle = ?1"},
};
/* These two are one way: a prefix is ambiguous if it fits an id and another session's handle. */
static const struct find_way prefix_ways[] = {
    {FIND_UPPER_PREFIX, "SELECT id FROM session WHERE uid >= ?1 AND uid < ?2 LIMIT 2"},
    {FIND_LOWER_PREFIX, "SELECT id FROM session WHERE handle >= ?1 AND handle < ?2 LIMIT 2"},
};

/* Rows found, told apart; one more than one is ambiguous, so no more are kept. */
struct found {
    int64_t rows[2];
    size_t count;
};

void session_list_free(struct session_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->sessions[i].name);
        free(list->sessions[i].title);
        free(list->sessions[i].model);
    }
    free(list->sessions);
    *list = (struct session_list){NULL, 0, false};
}

static void append(struct session_list *list, struct sqlite3_stmt *stmt)
{
    size_t count = list->count;
    if ((count & (count - 1)) == 0) {
        size_t cap = count == 0 ? 1 : count * 2;
        list->sessions = xrealloc(list->sessions, cap * sizeof(*list->sessions));
    }
    struct session *session = &list->sessions[list->count++];
    struct sv title = db_column_text(stmt, 3);
    struct sv handle = db_column_text(stmt, 1);
    *session = (struct session){
        .id = db_column_id(stmt, 0),
        .name = db_column_dup(stmt, 2),
        .title = xstrndup(title.p != NULL ? title.p : "", title.n),
        .model = db_column_dup(stmt, 4),
        .created_us = db_column_int(stmt, 5),
        .last_active_us = db_column_int(stmt, 6),
        .message_count = db_column_int(stmt, 7),
    };
    (void)snprintf(session->handle, sizeof(session->handle), "%.*s", SV_ARG(handle));
}

/* One row more than asked for says whether there are more. */
static int64_t with_one_more(size_t limit)
{
    return limit < INT64_MAX ? (int64_t)limit + 1 : INT64_MAX;
}

static enum err_code list_rows(struct db *db, struct sqlite3_stmt *stmt, size_t limit,
                               struct session_list *list, struct err *err)
{
    while (db_step(db, stmt, err)) {
        if (list->count == limit) {
            list->more = true;
            db_reset(stmt);
            return ERR_OK;
        }
        append(list, stmt);
    }
    return db_result(db);
}

/* wide: offset and limit are a page. */
enum err_code session_list(struct store *store, const char *scope, size_t offset, size_t limit,
                           struct session_list *ret_list, struct err *err)
{
    struct session_list list = {NULL, 0, false};
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code != ERR_OK) {
        return code;
    }
    if (db != NULL) {
        struct sqlite3_stmt *stmt = db_prepare(db, scope != NULL ? scope_sql : all_sql, err);
        db_bind_int(stmt, 1, with_one_more(limit));
        db_bind_int(stmt, 2, offset < INT64_MAX ? (int64_t)offset : INT64_MAX);
        if (scope != NULL) {
            db_bind_text(stmt, 3, sv_from(scope));
        }
        code = list_rows(db, stmt, limit, &list, err);
        reader_give(store, db);
    }
    if (code != ERR_OK) {
        session_list_free(&list);
        return code;
    }
    *ret_list = list;
    return ERR_OK;
}

static void add_found(struct found *found, int64_t row)
{
    bool known = found->count > 0 && found->rows[0] == row;
    if (!known && found->count < COUNT_OF(found->rows)) {
        found->rows[found->count++] = row;
    }
}

static char to_case(char byte, bool upper)
{
    if (upper) {
        return byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : byte;
    }
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

/* Ids are upper case and handles lower case, so what is typed either way fits without a scan. */
static char *in_case(struct sv what, enum find_form form)
{
    char *text = xstrndup(what.p != NULL ? what.p : "", what.n);
    for (size_t i = 0; form != FIND_AS_IS && i < what.n; i++) {
        text[i] = to_case(text[i], form == FIND_UPPER || form == FIND_UPPER_PREFIX);
    }
    return text;
}

static enum err_code find_rows(struct db *db, const struct find_way *way, struct sv what,
                               struct found *found, struct err *err)
{
    char *first = in_case(what, way->form);
    /* Beyond everything that begins with it: ids and handles are ASCII. */
    char *last = xasprintf("%s\x7f", first);
    struct sqlite3_stmt *stmt = db_prepare(db, way->sql, err);
    db_bind_text(stmt, 1, sv_of(first, what.n));
    if (way->form == FIND_UPPER_PREFIX || way->form == FIND_LOWER_PREFIX) {
        db_bind_text(stmt, 2, sv_from(last));
    }
    while (db_step(db, stmt, err)) {
        add_found(found, db_column_int(stmt, 0));
    }
    free(first);
    free(last);
    return db_result(db);
}

static enum err_code find_any(struct db *db, struct sv what, struct found *found, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && found->count == 0 && i < COUNT_OF(find_ways); i++) {
        code = find_rows(db, &find_ways[i], what, found, err);
    }
    if (code != ERR_OK || found->count > 0) {
        return code;
    }
    for (size_t i = 0; code == ERR_OK && i < COUNT_OF(prefix_ways); i++) {
        code = find_rows(db, &prefix_ways[i], what, found, err);
    }
    return code;
}

static enum err_code find_one(struct db *db, struct sv what, struct session_list *list,
                              struct err *err)
{
    struct found found = {{0, 0}, 0};
    enum err_code code = find_any(db, what, &found, err);
    if (code != ERR_OK) {
        return code;
    }
    struct sv shown = sv_take(what, SHOWN_BYTES);
    if (found.count > 1) {
        return err_set(err, ERR_AMBIGUOUS, "'%.*s' fits more than one session", SV_ARG(shown));
    }
    if (found.count == 1) {
        struct sqlite3_stmt *stmt = db_prepare(db, one_sql, err);
        db_bind_int(stmt, 1, found.rows[0]);
        code = list_rows(db, stmt, 1, list, err);
    }
    if (code == ERR_OK && list->count == 0) {
        return err_set(err, ERR_NOT_FOUND, "no session '%.*s'", SV_ARG(shown));
    }
    return code;
}

enum err_code session_find(struct store *store, struct sv what, struct session_list *ret_list,
                           struct err *err)
{
    struct session_list list = {NULL, 0, false};
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code != ERR_OK) {
        return code;
    }
    if (db == NULL || what.n == 0 || sv_find(what, '\0') < what.n) {
        code = err_set(err, ERR_NOT_FOUND, "no session '%.*s'", SV_ARG(sv_take(what, SHOWN_BYTES)));
    } else {
        code = find_one(db, what, &list, err);
    }
    if (db != NULL) {
        reader_give(store, db);
    }
    if (code != ERR_OK) {
        session_list_free(&list);
        return code;
    }
    *ret_list = list;
    return ERR_OK;
}

static enum err_code read_last(struct db *db, const char *scope, struct ulid *ret_id,
                               struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, scope != NULL ? last_scope_sql : last_all_sql, err);
    if (scope != NULL) {
        db_bind_text(stmt, 1, sv_from(scope));
    }
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code != ERR_OK ? code : err_set(err, ERR_NOT_FOUND, "no session yet");
    }
    *ret_id = db_column_id(stmt, 0);
    db_reset(stmt);
    return ERR_OK;
}

enum err_code session_last(struct store *store, const char *scope, struct ulid *ret_id,
                           struct err *err)
{
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code != ERR_OK) {
        return code;
    }
    if (db == NULL) {
        return err_set(err, ERR_NOT_FOUND, "no session yet");
    }
    code = read_last(db, scope, ret_id, err);
    reader_give(store, db);
    return code;
}
