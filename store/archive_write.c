/*
 * Putting records of JSON into the store.
 *
 * Records wait in a batch, which is written in steps of a few milliseconds, each a transaction,
 * each record under a savepoint of its own, so that a bad one takes nothing with it.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/archive_internal.h"
#include "store/session_internal.h"

/* What is left of the 10 ms is for the commit. */
#define STEP_US CLOCK_MS(3)
#define BATCH_RECORDS 128
#define BATCH_BYTES ((size_t)256 << 10)

struct archive_item *archive__add_item(struct archive_work *work, enum archive_kind kind,
                                       struct sv json)
{
    work->items = xrealloc(work->items, (work->count + 1) * sizeof(*work->items));
    struct archive_item *item = &work->items[work->count++];
    *item = (struct archive_item){.kind = kind, .json = xstrndup(json.p, json.n), .n = json.n};
    work->bytes += json.n;
    return item;
}

static void free_items(struct archive_work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        free(work->items[i].json);
        free(work->items[i].reason);
    }
    work->count = work->bytes = work->done = work->step = 0;
}

void archive__free_work(void *state)
{
    struct archive_work *work = state;
    if (work) {
        free_items(work);
        free(work->items);
        free((char *)work->record.p);
        free(work);
    }
}

struct archive_import *archive_import_new(struct store *store,
                                          const struct archive_options *options)
{
    struct archive_import *import = xcalloc(1, sizeof(*import));
    import->store = store;
    import->options = options ? *options : (struct archive_options){NULL, NULL};
    return import;
}

void archive_import_free(struct archive_import *import)
{
    if (import) {
        archive__free_work(import->work);
        free(import);
    }
}

const struct archive_counts *archive_import_counts(const struct archive_import *import)
{
    return &import->counts;
}

/* ---- steps ---- */

/* A record of its own fault is put aside, and the others go on. */
static enum err_code put_apart(struct db *db, const struct archive_work *work,
                               struct archive_item *item, struct err *err)
{
    struct err own = {0};
    enum err_code code = db_exec(db, "SAVEPOINT record", err);
    if (code) {
        return code;
    }
    code = archive__put_item(db, work, item, &own);
    if (code == ERR_EXISTS || code == ERR_INTERNAL || code == ERR_TOO_BIG) {
        item->outcome = ARCHIVE_REFUSED;
        free(item->reason);
        item->reason = xstrdup(own.text);
        code = db_exec(db, "ROLLBACK TO record", err);
    } else if (code) {
        return err_set(err, code, "%s", own.text);
    }
    return code ? code : db_exec(db, "RELEASE record", err);
}

static enum err_code run_step(void *state, struct db *db, struct err *err)
{
    struct archive_work *work = state;
    int64_t until = clock_mono_us() + STEP_US;
    enum err_code code = ERR_OK;
    work->step = work->done;
    do {
        code = put_apart(db, work, &work->items[work->step], err);
        work->step++;
    } while (code == ERR_OK && work->step < work->count && clock_mono_us() < until);
    return code;
}

static void step_written(void *state, struct store *store)
{
    const struct archive_work *work = state;
    if (work->is_shown) {
        session__written(state, store);
    }
}

static const struct store_write write_step = {
    .run = run_step, .written = step_written, .free_state = archive__free_work};

static void report(struct archive_import *import, enum archive_kind kind, const char *reason)
{
    import->counts.refused++;
    if (import->options.refused) {
        import->options.refused(import->options.ctx, kind, reason);
    }
}

static void count_items(struct archive_import *import)
{
    for (size_t i = 0; i < import->work->count; i++) {
        const struct archive_item *item = &import->work->items[i];
        if (item->outcome == ARCHIVE_REFUSED) {
            report(import, item->kind, item->reason);
        } else if (item->kind == ARCHIVE_MESSAGE && !item->is_segment) {
            import->counts.messages += item->outcome == ARCHIVE_ADDED;
            import->counts.known += item->outcome == ARCHIVE_KNOWN;
        }
    }
}

/* A caller that gave up waiting leaves the work to the writer, so it is not looked at any more. */
static enum err_code write_one(struct archive_import *import, const struct store_write *write,
                               struct err *err)
{
    return store_write_step(import->store, write, &import->work, err);
}

static enum err_code write_batch(struct archive_import *import, struct err *err)
{
    enum err_code code = ERR_OK;
    while (code == ERR_OK && import->work->done < import->work->count) {
        code = write_one(import, &write_step, err);
        if (code == ERR_OK) {
            import->work->done = import->work->step;
        }
    }
    if (code == ERR_OK) {
        count_items(import);
        free_items(import->work);
    }
    return code;
}

enum err_code archive__write_full(struct archive_import *import, struct err *err)
{
    const struct archive_work *work = import->work;
    bool is_full = work->count >= BATCH_RECORDS || work->bytes > BATCH_BYTES;
    return is_full ? write_batch(import, err) : ERR_OK;
}

enum err_code archive_put(struct archive_import *import, enum archive_kind kind, struct sv json,
                          struct err *err)
{
    struct archive_work *work = import->work;
    if (!work || !archive__has_rows(kind)) {
        report(import, kind, "it belongs to no session");
        return ERR_OK;
    }
    enum err_code code = ERR_OK;
    if (kind != ARCHIVE_MESSAGE && json.n > ARCHIVE__PIECE_BYTES * 8) {
        report(import, kind, "it is too long");
    } else if (kind == ARCHIVE_MESSAGE && json.n > ARCHIVE__PIECE_BYTES) {
        code = archive__add_long(import, json, err);
    } else {
        (void)archive__add_item(work, kind, json);
    }
    return code ? code : archive__write_full(import, err);
}

/* ---- the session ---- */

static enum err_code read_id(struct store *store, struct sv json, struct ulid *ret_id,
                             struct err *err)
{
    struct db *db = NULL;
    bool is = false;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        code = archive__is_object(db, json, &is, err);
    }
    if (code == ERR_OK && is) {
        struct sqlite3_stmt *stmt = db_prepare(db, "SELECT ?1 ->> 'id'", err);
        db_bind_text(stmt, 1, json);
        is = db_step(db, stmt, err) && ulid_parse(db_column_text(stmt, 0), ret_id);
        db_reset(stmt);
    }
    reader_give(store, db);
    return code || is ? code : err_set(err, ERR_INVALID, "a session has no id");
}

enum err_code archive_begin(struct archive_import *import, struct sv json, struct err *err)
{
    struct ulid id;
    archive__free_work(import->work);
    import->work = NULL;
    enum err_code code = json.n > SESSION_METADATA_MAX * 16
                             ? err_set(err, ERR_INVALID, "a session's record is too long")
                             : read_id(import->store, json, &id, err);
    if (code) {
        return code;
    }
    import->work = xcalloc(1, sizeof(*import->work));
    import->work->session = id;
    import->work->record = sv_of(xstrndup(json.p, json.n), json.n);
    code = write_one(import, &archive__begin, err);
    if (code == ERR_OK) {
        import->counts.sessions += import->work->created;
        return ERR_OK;
    }
    archive__free_work(import->work);
    import->work = NULL;
    /* A row's own fault, such as a number where a text has to be. */
    return code == ERR_EXISTS && err ? (err->code = ERR_INVALID) : code;
}

enum err_code archive_end(struct archive_import *import, struct err *err)
{
    if (!import->work) {
        return ERR_OK;
    }
    enum err_code code = write_batch(import, err);
    code = code ? code : write_one(import, &archive__end, err);
    archive__free_work(import->work);
    import->work = NULL;
    return code;
}
