/*
 * Sessions: lists. Each kind of list follows one index in its order; what else a filter asks for is
 * looked at on the way, in the index where it is there: that of all has most of it.
 */
#include <stddef.h>
#include <stdlib.h>

#include "base/buf.h"
#include "store/session_internal.h"

/*
 * ?1 limit, ?2 offset, ?3 and ?4 the first and last time, ?5 and ?6 time and row behind which the
 * list goes on (among equals of that time the row decides), ?7 state, ?8 least cost, ?9 pattern of
 * the title, ?10 scope, ?11 model, ?12 label. What is not asked for is NULL.
 */
#define RESIDUE                                                                                    \
    " AND (?7 IS NULL OR s.state = ?7) AND s.cost_micros >= ?8"                                    \
    " AND (?9 IS NULL OR s.title LIKE ?9 ESCAPE '\\')"                                             \
    " AND (?10 IS NULL OR s.scope = ?10) AND (?11 IS NULL OR s.model = ?11)"                       \
    " AND (?12 IS NULL OR EXISTS (SELECT 1 FROM label x WHERE x.session = s.id AND x.name = ?12))"

#define WHERE(from, set, time) " FROM " from " WHERE " set " AND " time " BETWEEN ?3 AND ?4" RESIDUE
#define OLDER(from, set, time, row)                                                                \
    SESSION__COLUMNS("NULL")                                                                       \
    WHERE(from, set, time)                                                                         \
    " AND (" time " < ?5 OR " row " > ?6) ORDER BY " time " DESC, " row " LIMIT ?1 OFFSET ?2"
#define NEWER(from, set, time, row)                                                                \
    SESSION__COLUMNS("NULL")                                                                       \
    WHERE(from, set, time)                                                                         \
    " AND (" time " > ?5 OR " row " < ?6) ORDER BY " time ", " row " DESC LIMIT ?1 OFFSET ?2"
#define KIND(from, set, time, row)                                                                 \
    {                                                                                              \
        OLDER(from, set, time, row), NEWER(from, set, time, row),                                  \
            "SELECT count(*)" WHERE(from, set, time)                                               \
    }

#define ACTIVE "s.last_active_at"
/* As many are looked at, row by row, in a fraction of a ms. */
#define MANY 1000

enum kind { OF_ALL, OF_SCOPE, OF_MODEL, OF_LABEL, OF_ARCHIVE, OF_TRASH };

static const struct list_sql {
    const char *older, *newer, *count;
} kinds[] = {
    [OF_ALL] = KIND("session s INDEXED BY session_shown", SESSION__SHOWN, ACTIVE, "s.id"),
    [OF_SCOPE] = KIND("session s INDEXED BY session_shown_in_scope",
                      SESSION__SHOWN " AND s.scope = ?10", ACTIVE, "s.id"),
    [OF_MODEL] = KIND("session s INDEXED BY session_shown_of_model",
                      SESSION__SHOWN " AND s.model = ?11", ACTIVE, "s.id"),
    [OF_LABEL] = KIND("label l INDEXED BY label_by_name CROSS JOIN session s ON s.id = l.session",
                      "l.name = ?12 AND " SESSION__SHOWN, "l.last_active_at", "l.session"),
    [OF_ARCHIVE] = KIND("session s INDEXED BY session_archived",
                        "s.archived_at IS NOT NULL AND s.deleted_at IS NULL", ACTIVE, "s.id"),
    [OF_TRASH] = KIND("session s INDEXED BY session_deleted", "s.deleted_at IS NOT NULL",
                      "s.deleted_at", "s.id"),
};

static const char row_sql[] = "SELECT id FROM session WHERE uid = ?1";

static enum kind kind_of(const struct session_filter *filter)
{
    if (filter->set != SESSIONS_SHOWN) {
        return filter->set == SESSIONS_ARCHIVED ? OF_ARCHIVE : OF_TRASH;
    }
    if (filter->label) {
        return OF_LABEL;
    }
    return filter->scope ? OF_SCOPE : filter->model ? OF_MODEL : OF_ALL;
}

/* What stands in the index of all, to be looked at without reading a row. */
static bool asks_for_more(const struct session_filter *filter)
{
    return filter->state || (filter->title && *filter->title) || filter->min_cost_micros > 0;
}

static const struct probe {
    const char *sql;
    size_t word; /* offset of it in the filter */
} probes[] = {
    [OF_SCOPE] = {"SELECT count(*) FROM (SELECT 1 FROM session s"
                  " INDEXED BY session_shown_in_scope WHERE s.scope = ?1 AND " SESSION__SHOWN
                  " LIMIT ?2)",
                  offsetof(struct session_filter, scope)},
    [OF_MODEL] = {"SELECT count(*) FROM (SELECT 1 FROM session s"
                  " INDEXED BY session_shown_of_model WHERE s.model = ?1 AND " SESSION__SHOWN
                  " LIMIT ?2)",
                  offsetof(struct session_filter, model)},
    [OF_LABEL] = {"SELECT count(*) FROM (SELECT 1 FROM label l INDEXED BY label_by_name"
                  " WHERE l.name = ?1 LIMIT ?2)",
                  offsetof(struct session_filter, label)},
};

/* Of a scope, model or label that many sessions have, what is rare is found sooner among all. */
static enum err_code choose(struct db *db, const struct session_filter *filter,
                            const struct list_sql **ret_kind, struct err *err)
{
    enum kind kind = kind_of(filter);
    int64_t count = 0;
    *ret_kind = &kinds[kind];
    if (kind >= COUNT_OF(probes) || !probes[kind].sql || !asks_for_more(filter)) {
        return ERR_OK;
    }
    struct sqlite3_stmt *stmt = db_prepare(db, probes[kind].sql, err);
    const char *const *word =
        (const char *const *)(const void *)((const char *)filter + probes[kind].word);
    db_bind_text(stmt, 1, sv_from(*word));
    db_bind_int(stmt, 2, MANY);
    if (db_step(db, stmt, err)) {
        count = db_column_int(stmt, 0);
        db_reset(stmt);
    } else if (db_result(db)) {
        return db_result(db);
    }
    *ret_kind = &kinds[count < MANY ? kind : OF_ALL];
    return ERR_OK;
}

struct session_cursor session_cursor_of(const struct session *session, enum session_set set)
{
    int64_t at_us = set == SESSIONS_DELETED ? session->deleted_us : session->last_active_us;
    return (struct session_cursor){at_us, session->id};
}

/* ---- binding ---- */

static void bind_word(struct sqlite3_stmt *stmt, int at, const char *word)
{
    if (word) {
        db_bind_text(stmt, at, sv_from(word));
    } else {
        db_bind_null(stmt, at);
    }
}

/* "%words%", with what LIKE would take for more than itself escaped. */
static struct buf pattern_of(const char *words)
{
    struct buf pattern = BUF_INIT(BUF_MAX_INTERNAL);
    (void)buf_append_byte(&pattern, '%');
    for (const char *at = words; at && *at; at++) {
        if (*at == '%' || *at == '_' || *at == '\\') {
            (void)buf_append_byte(&pattern, '\\');
        }
        (void)buf_append_byte(&pattern, *at);
    }
    (void)buf_append_byte(&pattern, '%');
    return pattern;
}

/* No further than the cursor, so that the index is entered there. */
static void bind_times(struct sqlite3_stmt *stmt, const struct session_filter *filter,
                       const struct session_window *window)
{
    int64_t first = filter->since_us ? filter->since_us : INT64_MIN;
    int64_t last = filter->until_us ? filter->until_us - 1 : INT64_MAX;
    if (ulid_is_set(&window->cursor.id)) {
        int64_t at_us = window->cursor.at_us;
        first = window->newer && first < at_us ? at_us : first;
        last = !window->newer && last > at_us ? at_us : last;
    }
    db_bind_int(stmt, 3, first);
    db_bind_int(stmt, 4, last);
}

/* `pattern` has to outlive the run. */
static void bind_filter(struct sqlite3_stmt *stmt, const struct session_filter *filter,
                        const struct buf *pattern)
{
    bind_word(stmt, 7, filter->state);
    db_bind_int(stmt, 8, filter->min_cost_micros > 0 ? filter->min_cost_micros : INT64_MIN);
    bind_word(stmt, 9, filter->title && *filter->title ? buf_cstr(pattern) : NULL);
    bind_word(stmt, 10, filter->scope);
    bind_word(stmt, 11, filter->model);
    bind_word(stmt, 12, filter->label);
}

static int64_t bounded(size_t count)
{
    return count < INT64_MAX ? (int64_t)count : INT64_MAX;
}

/* Where the cursor's session was purged, its equals in time are given again rather than left out.
 */
static enum err_code bind_window(struct db *db, struct sqlite3_stmt *stmt,
                                 const struct session_window *window, struct err *err)
{
    int64_t at_us = window->newer ? INT64_MIN : INT64_MAX;
    int64_t row = window->newer ? INT64_MAX : 0;
    if (ulid_is_set(&window->cursor.id)) {
        at_us = window->cursor.at_us;
        struct sqlite3_stmt *find = db_prepare(db, row_sql, err);
        db_bind_id(find, 1, &window->cursor.id);
        if (db_step(db, find, err)) {
            row = db_column_int(find, 0);
            db_reset(find);
        } else if (db_result(db)) {
            return db_result(db);
        }
    }
    db_bind_int(stmt, 1, bounded(window->limit < SIZE_MAX ? window->limit + 1 : window->limit));
    db_bind_int(stmt, 2, bounded(window->offset));
    db_bind_int(stmt, 5, at_us);
    db_bind_int(stmt, 6, row);
    return ERR_OK;
}

/* ---- lists ---- */

static void turn_around(struct session_list *list)
{
    for (size_t i = 0; i < list->count / 2; i++) {
        struct session kept = list->sessions[i];
        list->sessions[i] = list->sessions[list->count - 1 - i];
        list->sessions[list->count - 1 - i] = kept;
    }
}

static enum err_code read_list(struct db *db, const struct session_filter *filter,
                               const struct session_window *window, struct session_list *list,
                               struct err *err)
{
    const struct list_sql *kind = NULL;
    enum err_code code = choose(db, filter, &kind, err);
    if (code) {
        return code;
    }
    struct sqlite3_stmt *stmt = db_prepare(db, window->newer ? kind->newer : kind->older, err);
    struct buf pattern = pattern_of(filter->title);
    bind_filter(stmt, filter, &pattern);
    bind_times(stmt, filter, window);
    code = bind_window(db, stmt, window, err);
    if (code == ERR_OK) {
        code = session__read_all(db, stmt, window->limit, list, err);
    }
    db_reset(stmt);
    buf_release(&pattern);
    if (code == ERR_OK && window->newer) {
        turn_around(list);
    }
    return code;
}

static const struct session_filter everything;

enum err_code session_list(struct store *store, const struct session_filter *filter,
                           const struct session_window *window, struct session_list *ret_list,
                           struct err *err)
{
    struct session_list list = {NULL, 0, false};
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db != NULL) {
        code = read_list(db, filter ? filter : &everything, window, &list, err);
    }
    reader_give(store, db);
    if (code != ERR_OK) {
        session_list_release(&list);
        return code;
    }
    *ret_list = list;
    return ERR_OK;
}

static enum err_code read_count(struct db *db, const struct session_filter *filter,
                                int64_t *ret_count, struct err *err)
{
    const struct list_sql *kind = NULL;
    enum err_code code = choose(db, filter, &kind, err);
    if (code) {
        return code;
    }
    struct sqlite3_stmt *stmt = db_prepare(db, kind->count, err);
    struct buf pattern = pattern_of(filter->title);
    const struct session_window whole = {.limit = 0};
    bind_filter(stmt, filter, &pattern);
    bind_times(stmt, filter, &whole);
    if (db_step(db, stmt, err)) {
        *ret_count = db_column_int(stmt, 0);
    } else {
        code = db_result(db);
    }
    db_reset(stmt);
    buf_release(&pattern);
    return code;
}

enum err_code session_count(struct store *store, const struct session_filter *filter,
                            int64_t *ret_count, struct err *err)
{
    int64_t count = 0;
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db != NULL) {
        code = read_count(db, filter ? filter : &everything, &count, err);
    }
    reader_give(store, db);
    if (code == ERR_OK) {
        *ret_count = count;
    }
    return code;
}
