/*
 * Sessions: what they are made of, and finding them.
 */
#include "store/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "store/session_internal.h"
#include "store/update_internal.h"

/* Most of a given word that an error repeats. */
#define SHOWN_BYTES 64

static const char one_sql[] = SESSION__COLUMNS("s.metadata") " FROM session s WHERE s.id = ?1";
static const char by_id_sql[] = SESSION__COLUMNS("s.metadata") " FROM session s WHERE s.uid = ?1";

#define NEWEST " ORDER BY s.last_active_at DESC, s.id LIMIT 1"

static const char last_all_sql[] = "SELECT s.uid FROM session s WHERE " SESSION__SHOWN NEWEST;
static const char last_scope_sql[] =
    "SELECT s.uid FROM session s WHERE " SESSION__SHOWN " AND s.scope = ?1" NEWEST;

static const char *const statuses[] = {
    [SESSION_ACTIVE] = "active", [SESSION_IDLE] = "idle", [SESSION_ENDED] = "ended"};
static const char *const origins[] = {
    [SESSION_OF_CHAT] = "chat", [SESSION_OF_RUN] = "run", [SESSION_OF_IMPORT] = "import"};
static const char *const authors[] = {
    [TITLE_BY_PROMPT] = "prompt", [TITLE_BY_MODEL] = "model", [TITLE_BY_USER] = "user"};

#define IN_TRASH " (deleted_at IS NOT NULL) = ?3"

/* Tried in this order; the first that finds one or several decides. ?1 and ?2 as `form` says, ?3:
 * in the trash. */
enum find_form { FIND_UPPER, FIND_LOWER, FIND_AS_IS, FIND_UPPER_PREFIX, FIND_LOWER_PREFIX };
static const struct find_way {
    enum find_form form;
    const char *sql;
} find_ways[] = {
    {FIND_UPPER, "SELECT id FROM session WHERE uid = ?1 AND" IN_TRASH},
    {FIND_AS_IS, "SELECT id FROM session WHERE name = ?1 AND" IN_TRASH},
    {FIND_LOWER, "SELECT id FROM session WHERE handle = ?1 AND" IN_TRASH},
    /* Several that lie there may have had it, one after the other; all there are looked at, so
     * handles come first. */
    {FIND_AS_IS, "SELECT s.id FROM session s WHERE ?3 AND s.deleted_at IS NOT NULL"
                 " AND " SESSION__NAME_BEFORE " = ?1 LIMIT 2"},
    /* In any scope, so it may fit several. */
    {FIND_AS_IS, "SELECT id FROM session WHERE key = ?1 AND" IN_TRASH " LIMIT 2"},
};
/* These two are one way: a prefix is ambiguous if it fits an id and another session's handle. */
static const struct find_way prefix_ways[] = {
    {FIND_UPPER_PREFIX,
     "SELECT id FROM session WHERE uid >= ?1 AND uid < ?2 AND" IN_TRASH " LIMIT 2"},
    {FIND_LOWER_PREFIX,
     "SELECT id FROM session WHERE handle >= ?1 AND handle < ?2 AND" IN_TRASH " LIMIT 2"},
};

/* Rows found, told apart; one more than one is ambiguous, so no more are kept. */
struct found {
    int64_t rows[2];
    size_t count;
    bool in_trash; /* where it is looked for */
};

const char *session_status_text(enum session_status status)
{
    return (size_t)status < COUNT_OF(statuses) ? statuses[status] : "";
}

const char *session_title_said(const char *title)
{
    return sv_trim(sv_from(title)).n > 0 ? title : "(no title)";
}

const char *session_origin_text(enum session_origin origin)
{
    return (size_t)origin < COUNT_OF(origins) ? origins[origin] : "";
}

enum session_origin session_origin_parse(struct sv text)
{
    size_t at = 0;
    while (at < COUNT_OF(origins) && !sv_equal_str(text, origins[at])) {
        at++;
    }
    return (enum session_origin)at;
}

const char *title_author_text(enum title_author author)
{
    return (size_t)author < COUNT_OF(authors) ? authors[author] : "";
}

void session_release(struct session *session)
{
    free(session->name);
    free(session->title);
    free(session->scope);
    free(session->model);
    free(session->metadata);
    *session = (struct session){.name = NULL};
}

void session_list_release(struct session_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        session_release(&list->sessions[i]);
    }
    free(list->sessions);
    *list = (struct session_list){NULL, 0, false};
}

/* ---- reading ---- */

/* The place of a word in its table; 0, the most harmless one, for those that are not known. */
static int word_of(const char *const *words, size_t count, struct sv text)
{
    for (size_t i = 0; i < count; i++) {
        if (sv_equal_str(text, words[i])) {
            return (int)i;
        }
    }
    return 0;
}

static char *text_of(struct sqlite3_stmt *stmt, int column)
{
    char *text = db_column_dup(stmt, column);
    return text ? text : xstrdup("");
}

static struct session read_row(struct sqlite3_stmt *stmt)
{
    int at = 0;
    struct session session = {.id = db_column_id(stmt, at++)};
    struct sv handle = db_column_text(stmt, at++);
    (void)snprintf(session.handle, sizeof(session.handle), "%.*s", SV_ARG(handle));
    session.name = db_column_dup(stmt, at++);
    session.title = text_of(stmt, at++);
    session.title_by =
        (enum title_author)word_of(authors, COUNT_OF(authors), db_column_text(stmt, at++));
    session.scope = text_of(stmt, at++);
    session.model = db_column_dup(stmt, at++);
    session.metadata = db_column_dup(stmt, at++);
    session.status =
        (enum session_status)word_of(statuses, COUNT_OF(statuses), db_column_text(stmt, at++));
    struct sv state = db_column_text(stmt, at++);
    (void)snprintf(session.state, sizeof(session.state), "%.*s", SV_ARG(state));
    int64_t *const numbers[] = {
        &session.created_us,   &session.last_active_us, &session.ended_us,
        &session.archived_us,  &session.deleted_us,     &session.message_count,
        &session.input_tokens, &session.output_tokens,  &session.cost_micros,
    };
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        *numbers[i] = db_column_int(stmt, at++);
    }
    session.origin =
        (enum session_origin)word_of(origins, COUNT_OF(origins), db_column_text(stmt, at++));
    return session;
}

static void append(struct session_list *list, struct sqlite3_stmt *stmt)
{
    size_t count = list->count;
    list->sessions = xgrow(list->sessions, count, sizeof(*list->sessions));
    list->sessions[list->count++] = read_row(stmt);
}

enum err_code session__read_all(struct db *db, struct sqlite3_stmt *stmt, size_t limit,
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

enum err_code session__row(struct db *db, const struct ulid *id, int64_t *ret_row, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "SELECT id, deleted_at IS NOT NULL FROM session WHERE uid = ?1", err);
    db_bind_id(stmt, 1, id);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code : err_set(err, ERR_NOT_FOUND, "no session '%s'", id->text);
    }
    int64_t row = db_column_int(stmt, 0);
    bool deleted = db_column_int(stmt, 1) != 0;
    db_reset(stmt);
    if (deleted) {
        return err_set(err, ERR_GONE, "session '%s' is in the trash", id->text);
    }
    *ret_row = row;
    return ERR_OK;
}

enum err_code session__check_line(const char *what, struct sv text, size_t max, struct err *err)
{
    if (text.n > max) {
        return err_set(err, ERR_TOO_BIG, "%s is longer than %zu bytes", what, max);
    }
    bool line = text.n > 0 && utf8_valid_prefix(text.p, text.n) == text.n;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char byte = (unsigned char)text.p[i];
        line = line && byte >= ' ' && byte != 0x7f;
    }
    if (!line || sv_trim(text).n != text.n) {
        return err_set(err, ERR_INVALID, "%s is not one line of text", what);
    }
    return ERR_OK;
}

enum err_code session__touch(struct db *db, int64_t row, int64_t now_us, struct err *err)
{
    static const char *const texts[] = {
        "UPDATE session SET last_active_at = max(last_active_at, ?2) WHERE id = ?1",
        "UPDATE label SET last_active_at = (SELECT last_active_at FROM session WHERE id = ?1)"
        " WHERE session = ?1",
    };
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < COUNT_OF(texts); i++) {
        struct sqlite3_stmt *stmt = db_prepare(db, texts[i], err);
        db_bind_int(stmt, 1, row);
        if (i == 0) {
            db_bind_int(stmt, 2, now_us);
        }
        code = db_run(db, stmt, err);
    }
    return code;
}

void session__written(void *state, struct store *store)
{
    const struct ulid *id = state;
    session_update_publish(store_broker(store), id, false);
}

/* ---- finding ---- */

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
    db_bind_int(stmt, 3, found->in_trash);
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

static enum err_code find_one(struct db *db, struct sv what, bool in_trash,
                              struct session_list *list, struct err *err)
{
    struct found found = {.in_trash = in_trash};
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
        code = session__read_all(db, stmt, 1, list, err);
    }
    if (code == ERR_OK && list->count == 0) {
        return err_set(err, ERR_NOT_FOUND, "no session '%.*s'%s", SV_ARG(shown),
                       in_trash ? " in the trash" : "");
    }
    return code;
}

static enum err_code find(struct store *store, struct sv what, bool in_trash,
                          struct session_list *ret_list, struct err *err)
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
        code = find_one(db, what, in_trash, &list, err);
    }
    reader_give(store, db);
    if (code != ERR_OK) {
        session_list_release(&list);
        return code;
    }
    *ret_list = list;
    return ERR_OK;
}

enum err_code session_find(struct store *store, struct sv what, struct session_list *ret_list,
                           struct err *err)
{
    return find(store, what, false, ret_list, err);
}

enum err_code session_find_deleted(struct store *store, struct sv what,
                                   struct session_list *ret_list, struct err *err)
{
    return find(store, what, true, ret_list, err);
}

enum err_code session_get(struct store *store, const struct ulid *id, struct session *ret_session,
                          struct err *err)
{
    struct session_list list = {NULL, 0, false};
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db != NULL) {
        struct sqlite3_stmt *stmt = db_prepare(db, by_id_sql, err);
        db_bind_id(stmt, 1, id);
        code = session__read_all(db, stmt, 1, &list, err);
    }
    reader_give(store, db);
    if (code == ERR_OK && list.count == 0) {
        return err_set(err, ERR_NOT_FOUND, "no session '%s'", id->text);
    }
    if (code == ERR_OK) {
        *ret_session = list.sessions[0];
        free(list.sessions);
    }
    return code;
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
