/*
 * Index: the steps. What is to be done is found by two small partial indexes; what was found is
 * read before the lock is taken and looked at again under it.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/index_internal.h"
#include "store/sql_internal.h"
#include "store/store_internal.h"

/* Of the 10 ms, what is left after the commit, which writes a segment. */
#define WORK_US CLOCK_MS(3)
#define BATCH 64
/* Pages that one merging writes, more or less. */
#define MERGE_SQL "16"

static const char waiting_sql[] =
    "SELECT id FROM message INDEXED BY message_unindexed"
    " WHERE indexed <= 0 AND folded = 1 AND deleted_at IS NULL ORDER BY id DESC LIMIT ?1";
static const char state_sql[] =
    "SELECT indexed, coalesce(chunk_last, 0) FROM message WHERE id = ?1 AND folded = 1";
static const char untitled_sql[] = "SELECT id FROM session INDEXED BY session_title_unindexed"
                                   " WHERE title_indexed = 0 ORDER BY id DESC LIMIT ?1";

/* A message with what has to be still so when its words are written. */
struct loaded {
    int64_t row, indexed, chunk_last;
    struct message *message; /* NULL: it cannot be read */
};

struct indexer {
    struct loaded big; /* of several slices, between two steps; row 0: none */
    struct loaded batch[BATCH];
    size_t count;
    bool merging;
};

struct indexer *indexer_new(void)
{
    return xcalloc(1, sizeof(struct indexer));
}

static void release(struct loaded *loaded)
{
    message_free(loaded->message);
    *loaded = (struct loaded){.row = 0};
}

static void release_batch(struct indexer *indexer)
{
    for (size_t i = 0; i < indexer->count; i++) {
        release(&indexer->batch[i]);
    }
    indexer->count = 0;
}

void indexer_free(struct indexer *indexer)
{
    if (indexer) {
        release_batch(indexer);
        release(&indexer->big);
        free(indexer);
    }
}

/* ---- messages ---- */

/* ERR_NOT_FOUND: it is not there, or on its way to another place. */
static enum err_code read_state(struct db *db, int64_t row, struct loaded *loaded, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, state_sql, err);
    db_bind_int(stmt, 1, row);
    if (!db_step(db, stmt, err)) {
        return db_result(db) ? db_result(db) : err_set(err, ERR_NOT_FOUND, "no such message");
    }
    *loaded = (struct loaded){row, db_column_int(stmt, 0), db_column_int(stmt, 1), NULL};
    db_reset(stmt);
    return ERR_OK;
}

static bool is_unchanged(struct db *db, const struct loaded *loaded)
{
    struct loaded now;
    return read_state(db, loaded->row, &now, NULL) == ERR_OK && now.indexed == loaded->indexed &&
           now.chunk_last == loaded->chunk_last;
}

/* Slices from the one that is next, until it is late; sets how far it has come. */
static enum err_code put_message(struct db *db, struct loaded *loaded, int64_t until_us,
                                 struct err *err)
{
    struct index_slices slices;
    struct index_slice slice;
    size_t from = (size_t)-loaded->indexed;
    size_t at = 0;
    bool more = loaded->message != NULL;
    enum err_code code = ERR_OK;
    if (loaded->message) {
        index_slices_init(&slices, loaded->message);
    }
    while (code == ERR_OK && more && at < INDEX__SLICES_MAX &&
           (at <= from || clock_mono_us() < until_us)) {
        more = index_slices_next(&slices, &slice);
        if (more && at >= from) {
            code = index__put_slice(db, loaded->row, at, &slice, err);
        }
        if (more) {
            free(slice.pieces);
            at++;
        }
    }
    bool whole = !more || at >= INDEX__SLICES_MAX;
    loaded->indexed = !whole ? -(int64_t)at : at > 0 ? (int64_t)at : 1;
    return code ? code : index__set(db, loaded->row, loaded->indexed, err);
}

/* What nobody can read is not tried again and again; a locked file is another matter. */
static enum err_code load(struct db *db, int64_t row, struct loaded *loaded, struct err *err)
{
    enum err_code code = read_state(db, row, loaded, err);
    if (code == ERR_OK) {
        code = message_read(db, row, &loaded->message, err);
    }
    if (code == ERR_TOO_BIG || code == ERR_CORRUPT) {
        log_write(LOG_WARN, "index: %s", err->text);
        code = ERR_OK;
    }
    return code;
}

static enum err_code find_rows(struct db *db, const char *sql, int64_t rows[BATCH],
                               size_t *ret_count, struct err *err)
{
    size_t count = 0;
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    db_bind_int(stmt, 1, BATCH);
    while (db_step(db, stmt, err)) {
        rows[count++] = db_column_int(stmt, 0);
    }
    *ret_count = count;
    return db_result(db);
}

/* The newest ones, as many as make a slice, in ascending order: FTS5 writes a segment each time the
 * numbers go back. One that is larger than a slice is taken by itself. */
static enum err_code load_batch(struct indexer *indexer, struct db *db, struct err *err)
{
    int64_t rows[BATCH];
    size_t count = 0;
    size_t bytes = 0;
    enum err_code code = find_rows(db, waiting_sql, rows, &count, err);
    for (size_t i = 0; code == ERR_OK && i < count && bytes < INDEX__SLICE; i++) {
        struct loaded loaded = {.row = 0};
        code = load(db, rows[i], &loaded, err);
        size_t more = index__bytes(loaded.message);
        bytes += more;
        if (code == ERR_NOT_FOUND) {
            code = ERR_OK;
        } else if (code == ERR_OK && more > INDEX__SLICE) {
            indexer->big = loaded;
        } else if (code == ERR_OK) {
            indexer->batch[indexer->count++] = loaded;
        }
    }
    return code;
}

static enum err_code put_batch(struct indexer *indexer, struct db *db, int64_t until_us,
                               struct err *err)
{
    enum err_code code = ERR_OK;
    /* The last one is the oldest. */
    for (size_t i = indexer->count; code == ERR_OK && i > 0; i--) {
        struct loaded *loaded = &indexer->batch[i - 1];
        if (is_unchanged(db, loaded)) {
            code = put_message(db, loaded, until_us, err);
        }
    }
    return code;
}

static enum err_code put_big(struct indexer *indexer, struct db *db, int64_t until_us,
                             struct err *err)
{
    struct loaded next = indexer->big;
    enum err_code code = ERR_OK;
    bool gone = !is_unchanged(db, &next);
    if (!gone) {
        code = put_message(db, &next, until_us, err);
    }
    if (gone || (code == ERR_OK && next.indexed > 0)) {
        release(&indexer->big);
    } else if (code == ERR_OK) {
        indexer->big.indexed = next.indexed;
    }
    return code;
}

/* ---- titles ---- */

/* The newest first, which has the lowest number in the index. */
static enum err_code put_titles(struct db *db, int64_t until_us, struct err *err)
{
    int64_t rows[BATCH];
    size_t count = 0;
    enum err_code code = find_rows(db, untitled_sql, rows, &count, err);
    for (size_t i = 0; code == ERR_OK && i < count && (i == 0 || clock_mono_us() < until_us); i++) {
        code = index__put_title(db, rows[i], err);
    }
    return code;
}

/* ---- merging ---- */

static enum err_code merge(struct db *db, const char *sql, bool *ret_changed, struct err *err)
{
    static const char count_sql[] = "SELECT total_changes() + ?1";
    int64_t before = 0;
    int64_t after = 0;
    enum err_code code = sql__value_of_row(db, count_sql, 0, &before, err);
    if (code == ERR_OK) {
        code = db_run(db, db_prepare(db, sql, err), err);
    }
    if (code == ERR_OK) {
        code = sql__value_of_row(db, count_sql, 0, &after, err);
    }
    /* The statement itself counts for one. */
    *ret_changed = after - before >= 2;
    return code;
}

enum err_code index__scrub_step(struct db *db, bool *ret_done, struct err *err)
{
    int64_t until = clock_mono_us() + WORK_US;
    bool changed = true;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && changed && clock_mono_us() < until) {
        code = merge(db, "INSERT INTO words (words, rank) VALUES ('merge', -" MERGE_SQL ")",
                     &changed, err);
    }
    *ret_done = code == ERR_OK && !changed;
    return code;
}

static enum err_code merge_some(struct indexer *indexer, struct db *db, int64_t until_us,
                                struct err *err)
{
    enum err_code code = ERR_OK;
    indexer->merging = true;
    while (code == ERR_OK && indexer->merging && clock_mono_us() < until_us) {
        code = merge(db, "INSERT INTO words (words, rank) VALUES ('merge', " MERGE_SQL ")",
                     &indexer->merging, err);
    }
    return code;
}

/* ---- steps ---- */

enum work { WORK_MERGE, WORK_BIG, WORK_BATCH, WORK_TITLES, WORK_NONE };

static enum err_code find_work(struct indexer *indexer, struct db *db, enum work *ret_work,
                               struct err *err)
{
    int64_t titles = 0;
    enum err_code code = ERR_OK;
    *ret_work = WORK_NONE;
    if (indexer->merging || indexer->big.row) {
        *ret_work = indexer->merging ? WORK_MERGE : WORK_BIG;
        return ERR_OK;
    }
    code = load_batch(indexer, db, err);
    if (code == ERR_OK && (indexer->count || indexer->big.row)) {
        *ret_work = indexer->count ? WORK_BATCH : WORK_BIG;
        return ERR_OK;
    }
    if (code == ERR_OK) {
        code = sql__value_of_row(db, untitled_sql, 1, &titles, err);
        *ret_work = titles ? WORK_TITLES : WORK_NONE;
    }
    return code;
}

static enum err_code do_work(struct indexer *indexer, struct db *db, enum work work,
                             struct err *err)
{
    int64_t until = clock_mono_us() + WORK_US;
    switch (work) {
    case WORK_MERGE:
        return merge_some(indexer, db, until, err);
    case WORK_BIG:
        return put_big(indexer, db, until, err);
    case WORK_BATCH:
        return put_batch(indexer, db, until, err);
    default:
        return put_titles(db, until, err);
    }
}

enum err_code index__step(struct indexer *indexer, struct db *db, bool *ret_done, struct err *err)
{
    enum work work = WORK_NONE;
    enum err_code code = find_work(indexer, db, &work, err);
    *ret_done = work == WORK_NONE;
    if (code == ERR_OK && work != WORK_NONE) {
        code = db_begin(db, false, err);
        if (code == ERR_OK) {
            code = do_work(indexer, db, work, err);
            if (code) {
                db_rollback(db);
            } else {
                code = db_commit(db, err);
            }
        }
        /* What was merged in a transaction that failed has not been; it is asked again. */
        indexer->merging = code == ERR_OK && (work != WORK_MERGE || indexer->merging);
    }
    if (code) {
        release(&indexer->big);
    }
    release_batch(indexer);
    return code;
}
