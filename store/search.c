/*
 * Search: the run. FTS5 gives the newest hits with their ranks; they are sorted here, and what a
 * page needs is looked up in that order, so that a message that was deleted costs a look and no
 * more.
 */
#include "store/search.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "store/search_internal.h"
#include "store/sql_internal.h"
#include "store/store_internal.h"

/* A row of the index. */
struct candidate {
    int64_t rowid;
    double rank;
};

struct candidates {
    struct candidate *items;
    size_t count;
};

struct search {
    struct store *store;
    struct terms terms;
    struct buf expression;
    char *label, *model;
    int64_t since_us, until_us;
    bool has_role;
    enum role role;
    struct ulid session;
    size_t limit, offset;
    atomic_bool cancelled;
    pthread_mutex_t lock; /* Guards: db. Leaf. */
    struct db *db;        /* while the run has it */
};

static const char *const places[SEARCH_PLACE_COUNT] = {
    [SEARCH_TITLE] = "title",         [SEARCH_PROMPT] = "prompt", [SEARCH_ANSWER] = "answer",
    [SEARCH_REASONING] = "reasoning", [SEARCH_TOOL] = "tool",
};

const char *search_place_text(enum search_place place)
{
    return (unsigned)place < SEARCH_PLACE_COUNT ? places[place] : "";
}

void search_result_release(struct search_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        free(result->hits[i].title);
        free(result->hits[i].model);
        free(result->hits[i].snippet);
    }
    free(result->hits);
    *result = (struct search_result){.count = 0};
}

/* ---- the handle ---- */

enum err_code search_new(struct store *store, const struct search_query *query,
                         struct search **ret_search, struct err *err)
{
    struct search *search = xcalloc(1, sizeof(*search));
    enum err_code code = search__parse(query->text, &search->terms, err);
    if (code) {
        free(search);
        return code;
    }
    search->store = store;
    search->expression = BUF_INIT(BUF_MAX_INTERNAL);
    search__expression(&search->terms, &search->expression);
    search->label = xstrdup(query->label);
    search->model = xstrdup(query->model);
    search->since_us = query->since_us ? query->since_us : INT64_MIN;
    search->until_us = query->until_us ? query->until_us : INT64_MAX;
    search->has_role = query->role != NULL;
    search->role = query->role ? *query->role : ROLE_USER;
    search->session = query->session;
    search->limit = query->limit < SEARCH_LIMIT_MAX ? query->limit : SEARCH_LIMIT_MAX;
    search->offset = query->offset < SEARCH_RANKED ? query->offset : 2 * SEARCH_RANKED;
    pthread_mutex_init(&search->lock, NULL);
    *ret_search = search;
    return ERR_OK;
}

void search_free(struct search *search)
{
    if (!search) {
        return;
    }
    search__terms_release(&search->terms);
    buf_release(&search->expression);
    free(search->label);
    free(search->model);
    pthread_mutex_destroy(&search->lock);
    free(search);
}

void search_cancel(struct search *search)
{
    atomic_store(&search->cancelled, true);
    pthread_mutex_lock(&search->lock);
    if (search->db) {
        db_interrupt(search->db);
    }
    pthread_mutex_unlock(&search->lock);
}

static void set_db(struct search *search, struct db *db)
{
    pthread_mutex_lock(&search->lock);
    search->db = db;
    pthread_mutex_unlock(&search->lock);
}

static enum err_code check_cancelled(struct search *search, struct err *err)
{
    return atomic_load(&search->cancelled) ? err_set(err, ERR_CANCELLED, "the search was cancelled")
                                           : ERR_OK;
}

/* ---- candidates ---- */

/* The weights of title, prompt, answer, reasoning, tool. */
#define RANK "bm25(words, 10.0, 4.0, 2.0, 1.0, 1.0)"

/*
 * ?1 the expression, ?2 how many, ?3 and ?4 the first and last row; where something else is asked
 * for, too: ?5 label, ?6 model, ?7 and ?8 the times, ?9 role, ?10 session. What is not asked for is
 * NULL. The newest come first: messages by falling numbers, titles by rising ones.
 */
#define WHERE " words MATCH ?1 AND words.rowid BETWEEN ?3 AND ?4"
#define ITS_SESSION " AND (?10 IS NULL OR s.uid = ?10) AND s.deleted_at IS NULL"

static const char messages_sql[] =
    "SELECT words.rowid, " RANK " FROM words WHERE" WHERE " ORDER BY words.rowid DESC LIMIT ?2";
static const char titles_sql[] =
    "SELECT words.rowid, " RANK " FROM words WHERE" WHERE " ORDER BY words.rowid LIMIT ?2";
static const char some_messages_sql[] =
    "SELECT words.rowid, " RANK " FROM words CROSS JOIN message m ON m.id = words.rowid >> 12"
    " CROSS JOIN branch b ON b.id = m.branch CROSS JOIN session s ON s.id = b.session"
    " WHERE" WHERE " AND (?6 IS NULL OR coalesce(m.model, s.model) = ?6)"
    " AND m.created_at >= ?7 AND m.created_at < ?8 AND (?9 IS NULL OR m.role = ?9)"
    " AND m.deleted_at IS NULL" ITS_SESSION " ORDER BY words.rowid DESC LIMIT ?2";
/* Of a label: its branches are looked up once, so that what is in others costs one look at its
 * message. */
static const char labelled_messages_sql[] =
    "SELECT words.rowid, " RANK " FROM words CROSS JOIN message m ON m.id = words.rowid >> 12"
    " WHERE" WHERE " AND m.branch IN (SELECT b.id FROM label l JOIN session s ON s.id = l.session"
    "  JOIN branch b ON b.session = s.id"
    "  WHERE l.name = ?5" ITS_SESSION ")"
    " AND m.created_at >= ?7 AND m.created_at < ?8 AND (?9 IS NULL OR m.role = ?9)"
    " AND m.deleted_at IS NULL AND (?6 IS NULL OR ?6 = coalesce(m.model,"
    "  (SELECT s.model FROM branch b JOIN session s ON s.id = b.session WHERE b.id = m.branch)))"
    " ORDER BY words.rowid DESC LIMIT ?2";
static const char some_titles_sql[] =
    "SELECT words.rowid, " RANK " FROM words CROSS JOIN session s ON s.id = -words.rowid"
    " WHERE" WHERE " AND (?6 IS NULL OR s.model = ?6)"
    " AND s.last_active_at >= ?7 AND s.last_active_at < ?8 AND ?9 IS NULL"
    " AND (?5 IS NULL OR EXISTS (SELECT 1 FROM label l WHERE l.session = s.id AND l.name = "
    "?5))" ITS_SESSION " ORDER BY words.rowid LIMIT ?2";
_Static_assert(INDEX__SHIFT == 12, "the statements above have the number in them");

static bool is_narrowed(const struct search *search)
{
    return search->label || search->model || search->has_role || ulid_is_set(&search->session) ||
           search->since_us != INT64_MIN || search->until_us != INT64_MAX;
}

/* Rows of the index. */
struct row_range {
    int64_t first, last;
};

/* Of one session only those from its first message to its last are looked at. */
static enum err_code find_range(struct search *search, bool titles, struct row_range *ret_range,
                                struct err *err)
{
    static const char session_sql[] =
        "SELECT min(m.id), max(m.id) FROM session s JOIN branch b ON b.session = s.id"
        " JOIN message m ON m.branch = b.id WHERE s.uid = ?1";
    *ret_range = titles ? (struct row_range){INT64_MIN, -1} : (struct row_range){0, INT64_MAX};
    if (titles || !ulid_is_set(&search->session)) {
        return ERR_OK;
    }
    struct sqlite3_stmt *stmt = db_prepare(search->db, session_sql, err);
    db_bind_id(stmt, 1, &search->session);
    if (!db_step(search->db, stmt, err)) {
        return db_result(search->db);
    }
    *ret_range = (struct row_range){db_column_int(stmt, 0) * INDEX__SLICES_MAX,
                                    (db_column_int(stmt, 1) + 1) * INDEX__SLICES_MAX - 1};
    db_reset(stmt);
    return ERR_OK;
}

static const char *statement_for(const struct search *search, bool titles)
{
    if (!is_narrowed(search)) {
        return titles ? titles_sql : messages_sql;
    }
    return titles ? some_titles_sql : search->label ? labelled_messages_sql : some_messages_sql;
}

static struct sqlite3_stmt *prepare(struct search *search, bool titles,
                                    const struct row_range *range, struct err *err)
{
    bool some = is_narrowed(search);
    struct sqlite3_stmt *stmt = db_prepare(search->db, statement_for(search, titles), err);
    db_bind_text(stmt, 1, buf_sv(&search->expression));
    db_bind_int(stmt, 2, SEARCH_RANKED + 1);
    db_bind_int(stmt, 3, range->first);
    db_bind_int(stmt, 4, range->last);
    if (some) {
        db_bind_text(stmt, 5, sv_from(search->label));
        db_bind_text(stmt, 6, sv_from(search->model));
        db_bind_int(stmt, 7, search->since_us);
        db_bind_int(stmt, 8, search->until_us);
        db_bind_text(stmt, 9, search->has_role ? sv_from(role_text(search->role)) : sv_from(NULL));
        db_bind_id(stmt, 10, &search->session);
    }
    return stmt;
}

static enum err_code find(struct search *search, bool titles, struct candidates *found,
                          bool *ret_more, struct err *err)
{
    size_t count = 0;
    struct row_range range;
    enum err_code code = find_range(search, titles, &range, err);
    if (code) {
        return code;
    }
    struct sqlite3_stmt *stmt = prepare(search, titles, &range, err);
    while (db_step(search->db, stmt, err)) {
        if (count++ < SEARCH_RANKED) {
            found->items[found->count++] =
                (struct candidate){db_column_int(stmt, 0), db_column_real(stmt, 1)};
        }
        if (atomic_load(&search->cancelled)) {
            db_reset(stmt);
            return check_cancelled(search, err);
        }
    }
    *ret_more = *ret_more || count > SEARCH_RANKED;
    return db_result(search->db);
}

static int compare(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->rank != y->rank) {
        return x->rank < y->rank ? -1 : 1;
    }
    return x->rowid > y->rowid ? -1 : x->rowid < y->rowid;
}

/* ---- hits ---- */

static const char message_sql[] =
    "SELECT s.uid, s.handle, s.title, m.created_at, m.uid, m.role, m.model, m.indexed"
    " FROM message m JOIN branch b ON b.id = m.branch JOIN session s ON s.id = b.session"
    " WHERE m.id = ?1 AND m.deleted_at IS NULL AND s.deleted_at IS NULL";
static const char title_sql[] = "SELECT uid, handle, title, last_active_at FROM session"
                                " WHERE id = ?1 AND deleted_at IS NULL";

enum { COL_SESSION, COL_HANDLE, COL_TITLE, COL_AT, COL_MESSAGE, COL_ROLE, COL_MODEL, COL_INDEXED };

static int64_t message_of(const struct candidate *candidate)
{
    return candidate->rowid >> INDEX__SHIFT;
}

/* Text is valid UTF-8 in the database; a file that somebody else has changed must not break what
 * relies on that. */
static char *valid_text(struct sv text)
{
    struct buf valid = BUF_INIT(BUF_MAX_INTERNAL);
    (void)utf8_append_valid(&valid, text);
    return buf_detach(&valid);
}

static void read_hit(struct sqlite3_stmt *stmt, const struct candidate *candidate,
                     struct search_hit *hit)
{
    *hit = (struct search_hit){.session = db_column_id(stmt, COL_SESSION),
                               .at_us = db_column_int(stmt, COL_AT),
                               .rank = candidate->rank,
                               .role = ROLE_SYSTEM};
    struct sv handle = sv_take(db_column_text(stmt, COL_HANDLE), sizeof(hit->handle) - 1);
    (void)snprintf(hit->handle, sizeof(hit->handle), "%.*s", SV_ARG(handle));
    hit->title = valid_text(db_column_text(stmt, COL_TITLE));
    if (candidate->rowid >= 0) {
        hit->message = db_column_id(stmt, COL_MESSAGE);
        (void)role_parse(db_column_text(stmt, COL_ROLE), &hit->role);
        hit->model = db_column_dup(stmt, COL_MODEL);
    }
}

/* ERR_NOT_FOUND: it is in the trash, or purged. `*ret_slices`: it may be found so often. */
static enum err_code look_up(struct search *search, const struct candidate *candidate,
                             struct search_hit *hit, int64_t *ret_slices, struct err *err)
{
    bool title = candidate->rowid < 0;
    struct sqlite3_stmt *stmt = db_prepare(search->db, title ? title_sql : message_sql, err);
    db_bind_int(stmt, 1, title ? -candidate->rowid : message_of(candidate));
    if (!db_step(search->db, stmt, err)) {
        return db_result(search->db) ? db_result(search->db) : ERR_NOT_FOUND;
    }
    read_hit(stmt, candidate, hit);
    *ret_slices = title ? 1 : llabs(db_column_int(stmt, COL_INDEXED));
    db_reset(stmt);
    return ERR_OK;
}

static enum err_code add_snippet(struct search *search, const struct candidate *candidate,
                                 struct search_hit *hit, struct err *err)
{
    struct message *message = NULL;
    struct index_piece piece = {INDEX_TITLE, sv_from(hit->title)};
    struct index_slice slice = {&piece, 1};
    if (candidate->rowid < 0) {
        search__snippet(&search->terms, &slice, hit);
        return ERR_OK;
    }
    enum err_code code = message_read(search->db, message_of(candidate), &message, err);
    if (code) {
        return code;
    }
    size_t number = (size_t)(candidate->rowid & (INDEX__SLICES_MAX - 1));
    if (!index_slice_at(message, number, &slice)) {
        slice = (struct index_slice){NULL, 0};
    }
    search__snippet(&search->terms, &slice, hit);
    free(slice.pieces);
    message_free(message);
    return ERR_OK;
}

/* A message of several slices may have been found by another one already. */
static bool was_found(const struct candidates *found, size_t at)
{
    int64_t message = message_of(&found->items[at]);
    for (size_t i = 0; i < at; i++) {
        if (message_of(&found->items[i]) == message) {
            return true;
        }
    }
    return false;
}

static void forget(struct search_hit *hit)
{
    free(hit->title);
    free(hit->model);
    free(hit->snippet);
}

/* Keeps it, or passes over it. */
static enum err_code give(struct search *search, const struct candidates *found, size_t at,
                          struct search_result *result, struct err *err)
{
    struct search_hit hit;
    int64_t slices = 0;
    enum err_code code = look_up(search, &found->items[at], &hit, &slices, err);
    if (code) {
        return code;
    }
    code = slices > 1 && was_found(found, at) ? ERR_NOT_FOUND
                                              : add_snippet(search, &found->items[at], &hit, err);
    if (code) {
        forget(&hit);
        return code;
    }
    result->hits[result->count++] = hit;
    return ERR_OK;
}

static enum err_code skip(struct search *search, const struct candidates *found, size_t at,
                          struct err *err)
{
    struct search_hit hit;
    int64_t slices = 0;
    enum err_code code = look_up(search, &found->items[at], &hit, &slices, err);
    if (code == ERR_OK) {
        forget(&hit);
        code = slices > 1 && was_found(found, at) ? ERR_NOT_FOUND : ERR_OK;
    }
    return code;
}

static enum err_code read_page(struct search *search, const struct candidates *found,
                               struct search_result *result, struct err *err)
{
    size_t skipped = 0;
    enum err_code code = check_cancelled(search, err);
    result->hits = xcalloc(search->limit + 1, sizeof(*result->hits));
    for (size_t i = 0; code == ERR_OK && i < found->count && !result->more; i++) {
        bool skips = skipped < search->offset || result->count == search->limit;
        code = skips ? skip(search, found, i, err) : give(search, found, i, result, err);
        if (code == ERR_OK && skips) {
            result->more = skipped >= search->offset;
            skipped++;
        }
        code = code == ERR_NOT_FOUND ? ERR_OK : code;
        code = code ? code : check_cancelled(search, err);
    }
    return code;
}

static enum err_code count_pending(struct search *search, int64_t *ret_pending, struct err *err)
{
    int64_t waiting = 0;
    int64_t unfolded = 0;
    enum err_code code =
        sql__value_of_row(search->db,
                          "SELECT count(*) FROM message INDEXED BY message_unindexed"
                          " WHERE indexed <= 0 AND folded = 1 AND deleted_at IS NULL AND id > ?1",
                          0, &waiting, err);
    if (code == ERR_OK) {
        code = sql__value_of_row(search->db,
                                 "SELECT count(*) FROM message INDEXED BY message_unfolded"
                                 " WHERE folded = 0 AND deleted_at IS NULL AND id > ?1",
                                 0, &unfolded, err);
    }
    *ret_pending = waiting + unfolded;
    return code;
}

static enum err_code run(struct search *search, struct search_result *result, struct err *err)
{
    struct candidates found = {NULL, 0};
    enum err_code code = check_cancelled(search, err);
    result->wordless = search->terms.positive == 0;
    if (code == ERR_OK) {
        code = count_pending(search, &result->pending, err);
    }
    if (code || result->wordless || search->limit == 0) {
        return code;
    }
    found.items = xcalloc(2 * (size_t)SEARCH_RANKED, sizeof(*found.items));
    code = find(search, false, &found, &result->only_newest, err);
    if (code == ERR_OK && !search->has_role) {
        code = find(search, true, &found, &result->only_newest, err);
    }
    if (code == ERR_OK) {
        qsort(found.items, found.count, sizeof(*found.items), compare);
        code = read_page(search, &found, result, err);
    }
    free(found.items);
    return code;
}

enum err_code search_run(struct search *search, struct search_result *ret_result, struct err *err)
{
    struct search_result result = {.count = 0};
    struct db *db = NULL;
    enum err_code code = reader_take(search->store, &db, err);
    if (code == ERR_OK && db) {
        set_db(search, db);
        code = run(search, &result, err);
        set_db(search, NULL);
    }
    reader_give(search->store, db);
    if (code && atomic_load(&search->cancelled)) {
        code = err_set(err, ERR_CANCELLED, "the search was cancelled");
    }
    if (code) {
        search_result_release(&result);
        return code;
    }
    *ret_result = result;
    return ERR_OK;
}
