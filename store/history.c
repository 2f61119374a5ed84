/*
 * History: pages of a session's current branch.
 *
 * A branch shows its own messages, which follow fork_seq, and below them its parent's up to
 * fork_seq, and so on up to the root: the path is a few ranges, each of which the index on
 * (branch, seq) reads in order.
 */
#include "store/history.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "store/store_internal.h"

/* More forks upon forks than anybody makes: it guards against a damaged file that goes in a circle.
 */
#define PATH_MAX_BRANCHES 100000

static const char current_sql[] = "SELECT branch FROM session WHERE uid = ?1";
static const char branch_sql[] = "SELECT parent, fork_seq FROM branch WHERE id = ?1";
static const char before_sql[] =
    "SELECT id, uid, reason = '' FROM message WHERE branch = ?1 AND seq > ?2 AND seq < ?3"
    " ORDER BY seq DESC LIMIT ?4";
static const char after_sql[] =
    "SELECT id, uid, reason = '' FROM message WHERE branch = ?1 AND seq > ?2 AND seq < ?3"
    " ORDER BY seq LIMIT ?4";

/* Messages of `branch` with after < seq < before. */
struct range {
    int64_t branch;
    int64_t after;
    int64_t before;
};

/* From the current branch up to the root; while it is made, where it goes on. */
struct path {
    struct range *ranges;
    size_t count;
    int64_t next;   /* branch; 0: the root has been reached */
    int64_t before; /* how far that branch is shared */
};

struct found {
    int64_t row;
    struct ulid id;
    bool running;
};

struct found_list {
    struct found *items;
    size_t count;
};

/* What a page asks for, and of whom. */
struct window {
    struct store *store;
    bool backwards;
    int64_t seq; /* not included */
    size_t limit;
};

void history_page_free(struct history_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        message_free(page->messages[i]);
    }
    free(page->messages);
    *page = (struct history_page){NULL, 0, false};
}

/* The path */

static void append_range(struct path *path, struct range range)
{
    size_t count = path->count;
    if ((count & (count - 1)) == 0) {
        size_t cap = count == 0 ? 1 : count * 2;
        path->ranges = xrealloc(path->ranges, cap * sizeof(*path->ranges));
    }
    path->ranges[path->count++] = range;
}

/* Appends the next branch, and makes its parent the next one. */
static enum err_code append_branch(struct db *db, struct path *path, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, branch_sql, err);
    int64_t branch = path->next;
    path->next = 0;
    db_bind_int(stmt, 1, branch);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    bool root = db_column_is_null(stmt, 0) || db_column_is_null(stmt, 1);
    int64_t parent = db_column_int(stmt, 0);
    int64_t fork_seq = db_column_int(stmt, 1);
    db_reset(stmt);
    append_range(path, (struct range){branch, root ? INT64_MIN : fork_seq, path->before});
    if (root || fork_seq == INT64_MAX) {
        return ERR_OK;
    }
    path->next = parent;
    path->before = fork_seq + 1 < path->before ? fork_seq + 1 : path->before;
    return ERR_OK;
}

static enum err_code read_path(struct db *db, const struct ulid *session, struct path *path,
                               struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, current_sql, err);
    db_bind_id(stmt, 1, session);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code != ERR_OK ? code
                              : err_set(err, ERR_NOT_FOUND, "no session '%s'", session->text);
    }
    enum err_code code = ERR_OK;
    path->next = db_column_int(stmt, 0);
    path->before = INT64_MAX;
    db_reset(stmt);
    while (code == ERR_OK && path->next != 0 && path->count < PATH_MAX_BRANCHES) {
        code = append_branch(db, path, err);
    }
    return code;
}

/* The rows of a page */

static void append_found(struct found_list *list, struct sqlite3_stmt *stmt)
{
    size_t count = list->count;
    if ((count & (count - 1)) == 0) {
        size_t cap = count == 0 ? 1 : count * 2;
        list->items = xrealloc(list->items, cap * sizeof(*list->items));
    }
    list->items[list->count++] = (struct found){
        .row = db_column_int(stmt, 0),
        .id = db_column_id(stmt, 1),
        .running = db_column_int(stmt, 2) != 0,
    };
}

/* Appends the messages of one range in the direction of the window, up to one beyond its limit. */
static enum err_code read_range(struct db *db, const struct window *window, struct range range,
                                struct found_list *list, struct err *err)
{
    if (window->backwards) {
        range.before = window->seq < range.before ? window->seq : range.before;
    } else {
        range.after = window->seq > range.after ? window->seq : range.after;
    }
    if (range.after >= range.before) {
        return ERR_OK;
    }
    struct sqlite3_stmt *stmt = db_prepare(db, window->backwards ? before_sql : after_sql, err);
    db_bind_int(stmt, 1, range.branch);
    db_bind_int(stmt, 2, range.after);
    db_bind_int(stmt, 3, range.before);
    db_bind_int(stmt, 4, (int64_t)(window->limit + 1 - list->count));
    while (db_step(db, stmt, err)) {
        append_found(list, stmt);
    }
    return db_result(db);
}

static enum err_code find_rows(struct db *db, const struct ulid *session,
                               const struct window *window, struct found_list *list,
                               struct err *err)
{
    struct path path = {.ranges = NULL};
    enum err_code code = read_path(db, session, &path, err);
    for (size_t i = 0; code == ERR_OK && i < path.count && list->count <= window->limit; i++) {
        size_t at = window->backwards ? i : path.count - 1 - i;
        code = read_range(db, window, path.ranges[at], list, err);
    }
    free(path.ranges);
    return code;
}

/* The page */

static enum err_code read_one(struct store *store, struct db *db, const struct found *found,
                              struct message **ret_message, struct err *err)
{
    struct message *live = found->running ? live_snapshot(store, &found->id) : NULL;
    if (live != NULL) {
        *ret_message = live;
        return ERR_OK;
    }
    return message_read(db, found->row, ret_message, err);
}

/* One that was deleted since its row was found is left out. */
static enum err_code fill_page(struct db *db, const struct window *window,
                               const struct found_list *list, struct history_page *page,
                               struct err *err)
{
    size_t count = list->count < window->limit ? list->count : window->limit;
    page->more = list->count > window->limit;
    page->messages = xcalloc(count > 0 ? count : 1, sizeof(*page->messages));
    for (size_t i = 0; i < count; i++) {
        size_t at = window->backwards ? count - 1 - i : i;
        enum err_code code =
            read_one(window->store, db, &list->items[at], &page->messages[page->count], err);
        if (code != ERR_OK && code != ERR_NOT_FOUND) {
            return code;
        }
        page->count += code == ERR_OK;
    }
    return ERR_OK;
}

static enum err_code read_page(const struct window *window, const struct ulid *session,
                               struct history_page *ret_page, struct err *err)
{
    struct history_page page = {NULL, 0, false};
    struct found_list list = {NULL, 0};
    struct db *db = NULL;
    enum err_code code = reader_take(window->store, &db, err);
    if (code != ERR_OK) {
        return code;
    }
    if (db == NULL) {
        return err_set(err, ERR_NOT_FOUND, "no session '%s'", session->text);
    }
    code = find_rows(db, session, window, &list, err);
    if (code == ERR_OK) {
        code = fill_page(db, window, &list, &page, err);
    }
    reader_give(window->store, db);
    free(list.items);
    if (code != ERR_OK) {
        history_page_free(&page);
        return code;
    }
    *ret_page = page;
    return ERR_OK;
}

/* A limit beyond this is none. */
static size_t clip(size_t limit)
{
    return limit < SIZE_MAX / 2 ? limit : SIZE_MAX / 2 - 1;
}

/* wide: as the header says. */
enum err_code history_before(struct store *store, const struct ulid *session, int64_t seq,
                             size_t limit, struct history_page *ret_page, struct err *err)
{
    struct window window = {.store = store, .backwards = true, .seq = seq, .limit = clip(limit)};
    return read_page(&window, session, ret_page, err);
}

/* wide: as the header says. */
enum err_code history_after(struct store *store, const struct ulid *session, int64_t seq,
                            size_t limit, struct history_page *ret_page, struct err *err)
{
    struct window window = {.store = store, .backwards = false, .seq = seq, .limit = clip(limit)};
    return read_page(&window, session, ret_page, err);
}
