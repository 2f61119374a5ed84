/*
 * History: pages of a branch.
 */
#include "store/history.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "store/branch_internal.h"
#include "store/history_internal.h"

#define FOUND                                                                                      \
    "SELECT m.id, m.uid, m.reason = '', (SELECT c.uid FROM message c WHERE c.id = m.continues)"    \
    " FROM message m WHERE m.branch = ?1 AND m.seq > ?2 AND m.seq < ?3 AND m.deleted_at IS NULL"

static const char before_sql[] = FOUND " ORDER BY m.seq DESC LIMIT ?4 OFFSET ?5";
static const char after_sql[] = FOUND " ORDER BY m.seq LIMIT ?4 OFFSET ?5";
/* Of a range that holds no more than are skipped. */
static const char count_sql[] =
    "SELECT count(*) FROM message m WHERE m.branch = ?1 AND m.seq > ?2 AND m.seq < ?3"
    " AND m.deleted_at IS NULL";
static const char place_sql[] = "SELECT branch, seq FROM message WHERE uid = ?1";

void history_page_release(struct history_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        message_free(page->messages[i]);
    }
    free(page->messages);
    *page = (struct history_page){NULL, 0, false, {""}};
}

/* ---- the rows of a page ---- */

/* What a page asks for, as far as it has been found. */
struct window {
    bool newer;
    int64_t seq; /* not included */
    size_t skip, limit;
};

static void append_found(struct history_rows *rows, struct sqlite3_stmt *stmt)
{
    size_t count = rows->count;
    rows->items = xgrow(rows->items, count, sizeof(*rows->items));
    rows->items[rows->count++] = (struct history_row){
        .row = db_column_int(stmt, 0),
        .id = db_column_id(stmt, 1),
        .running = db_column_int(stmt, 2) != 0,
        .continues = db_column_id(stmt, 3),
    };
}

static void bind_range(struct sqlite3_stmt *stmt, const struct branch_range *range)
{
    db_bind_int(stmt, 1, range->branch);
    db_bind_int(stmt, 2, range->after);
    db_bind_int(stmt, 3, range->before);
}

/* A range that was skipped as a whole: what is left to be skipped of the next ones. */
static enum err_code skip_range(struct db *db, struct window *window,
                                const struct branch_range *range, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, count_sql, err);
    bind_range(stmt, range);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    window->skip -= (size_t)db_column_int(stmt, 0);
    db_reset(stmt);
    return ERR_OK;
}

/* Appends the messages of one range in the direction of the window, up to one beyond its limit. */
static enum err_code read_range(struct db *db, struct window *window, struct branch_range range,
                                struct history_rows *rows, struct err *err)
{
    if (window->newer) {
        range.after = window->seq > range.after ? window->seq : range.after;
    } else {
        range.before = window->seq < range.before ? window->seq : range.before;
    }
    if (range.after >= range.before) {
        return ERR_OK;
    }
    struct sqlite3_stmt *stmt = db_prepare(db, window->newer ? after_sql : before_sql, err);
    bind_range(stmt, &range);
    db_bind_int(stmt, 4, (int64_t)(window->limit + 1 - rows->count));
    db_bind_int(stmt, 5, (int64_t)window->skip);
    size_t before = rows->count;
    while (db_step(db, stmt, err)) {
        append_found(rows, stmt);
    }
    if (db_result(db) || window->skip == 0) {
        return db_result(db);
    }
    if (rows->count > before) {
        window->skip = 0;
        return ERR_OK;
    }
    return skip_range(db, window, &range, err);
}

static enum err_code find_start(struct db *db, const struct history_query *query,
                                const struct branch_path *path, int64_t *ret_seq, struct err *err)
{
    if (query->start != HISTORY_MESSAGE) {
        int64_t edge = query->newer ? INT64_MIN : INT64_MAX;
        *ret_seq = query->start == HISTORY_SEQ ? query->seq : edge;
        return ERR_OK;
    }
    struct sqlite3_stmt *stmt = db_prepare(db, place_sql, err);
    db_bind_id(stmt, 1, &query->message);
    bool there = db_step(db, stmt, err);
    if (!there && db_result(db)) {
        return db_result(db);
    }
    there = there && branch__path_holds(path, db_column_int(stmt, 0), db_column_int(stmt, 1));
    if (there) {
        *ret_seq = db_column_int(stmt, 1);
    }
    db_reset(stmt);
    return there
               ? ERR_OK
               : err_set(err, ERR_NOT_FOUND, "no message '%s' on this branch", query->message.text);
}

static void turn_around(struct history_rows *rows)
{
    for (size_t i = 0; i < rows->count / 2; i++) {
        struct history_row kept = rows->items[i];
        rows->items[i] = rows->items[rows->count - 1 - i];
        rows->items[rows->count - 1 - i] = kept;
    }
}

/* More than this is no bound. */
static size_t clip(size_t limit)
{
    return limit < SIZE_MAX / 4 ? limit : SIZE_MAX / 4;
}

static void finish(const struct history_query *query, struct history_rows *rows)
{
    size_t limit = clip(query->limit);
    rows->more = rows->count > limit;
    rows->count = rows->more ? limit : rows->count;
    if (rows->more && rows->count > 0) {
        rows->next = rows->items[rows->count - 1].id;
    }
    if (!query->newer) {
        turn_around(rows);
    }
}

enum err_code history__find(struct db *db, const struct history_query *query,
                            struct history_rows *ret_rows, struct err *err)
{
    int64_t session = 0, branch = 0;
    struct branch_path path = {NULL, 0};
    struct window window = {
        .newer = query->newer, .skip = clip(query->offset), .limit = clip(query->limit)};
    *ret_rows = (struct history_rows){.items = NULL};
    enum err_code code = branch__find(db, &query->session, &query->branch, &session, &branch, err);
    if (code == ERR_OK) {
        code = branch__path(db, branch, &path, err);
    }
    if (code == ERR_OK) {
        code = find_start(db, query, &path, &window.seq, err);
    }
    for (size_t i = 0; code == ERR_OK && i < path.count && ret_rows->count <= window.limit; i++) {
        size_t at = window.newer ? path.count - 1 - i : i;
        code = read_range(db, &window, path.ranges[at], ret_rows, err);
    }
    branch__path_release(&path);
    finish(query, ret_rows);
    return code;
}

/* ---- the page ---- */

static enum err_code read_one(struct store *store, struct db *db, const struct history_row *row,
                              struct message **ret_message, struct err *err)
{
    struct message *message = row->running ? live_snapshot(store, &row->id) : NULL;
    if (message == NULL) {
        enum err_code code = message_read(db, row->row, &message, err);
        if (code) {
            return code;
        }
    }
    message->continues = row->continues;
    *ret_message = message;
    return ERR_OK;
}

/* One that was deleted since its row was found is left out. */
static enum err_code fill_page(struct store *store, struct db *db, const struct history_rows *rows,
                               struct history_page *page, struct err *err)
{
    page->more = rows->more;
    page->next = rows->next;
    page->messages = xcalloc(rows->count > 0 ? rows->count : 1, sizeof(*page->messages));
    for (size_t i = 0; i < rows->count; i++) {
        enum err_code code =
            read_one(store, db, &rows->items[i], &page->messages[page->count], err);
        if (code != ERR_OK && code != ERR_NOT_FOUND) {
            return code;
        }
        page->count += code == ERR_OK;
    }
    return ERR_OK;
}

enum err_code history_page(struct store *store, const struct history_query *query,
                           struct history_page *ret_page, struct err *err)
{
    struct history_page page = {NULL, 0, false, {""}};
    struct history_rows rows = {.items = NULL};
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code != ERR_OK) {
        return code;
    }
    if (db == NULL) {
        return err_set(err, ERR_NOT_FOUND, "no session '%s'", query->session.text);
    }
    code = history__find(db, query, &rows, err);
    if (code == ERR_OK) {
        code = fill_page(store, db, &rows, &page, err);
    }
    reader_give(store, db);
    free(rows.items);
    if (code != ERR_OK) {
        history_page_release(&page);
        return code;
    }
    *ret_page = page;
    return ERR_OK;
}

/* Nothing of these names is there; what looking for it needs stays prepared. */
static void warm(struct db *db)
{
    static const struct ulid nowhere = {"00000000000000000000000000"};
    int64_t session = 0, branch = -1;
    struct branch_path path = {NULL, 0};
    struct message *message = NULL;
    if (branch__find(db, &nowhere, &nowhere, &session, &branch, NULL) != ERR_NOT_FOUND ||
        branch__path(db, branch, &path, NULL) != ERR_OK) {
        return;
    }
    branch__path_release(&path);
    (void)db_prepare(db, place_sql, NULL);
    (void)db_prepare(db, before_sql, NULL);
    if (message_read(db, branch, &message, NULL) == ERR_OK) {
        message_free(message);
    }
}

void history_warm(struct store *store)
{
    struct db *db = NULL;
    if (reader_take(store, &db, NULL) == ERR_OK && db != NULL) {
        warm(db);
        reader_give(store, db);
    }
}

/* wide: as the header says. */
enum err_code history_before(struct store *store, const struct ulid *session, int64_t seq,
                             size_t limit, struct history_page *ret_page, struct err *err)
{
    struct history_query query = {
        .session = *session, .start = HISTORY_SEQ, .seq = seq, .limit = limit};
    return history_page(store, &query, ret_page, err);
}

/* wide: as the header says. */
enum err_code history_after(struct store *store, const struct ulid *session, int64_t seq,
                            size_t limit, struct history_page *ret_page, struct err *err)
{
    struct history_query query = {
        .session = *session, .start = HISTORY_SEQ, .seq = seq, .newer = true, .limit = limit};
    return history_page(store, &query, ret_page, err);
}
