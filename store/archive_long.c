/*
 * What is too long for one transaction is taken apart on a read connection: the beginning of each
 * part's text stays in the message's record, the rest becomes rows of segment, which readers put
 * together again.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "store/archive_internal.h"

/* By paths into the record, since p.value would be one more copy of a part. */
static const char long_parts_sql[] =
    "SELECT p.key, coalesce(?1 ->> ('$.parts[' || p.key || '].position'), p.key),"
    " ?1 ->> ('$.parts[' || p.key || '].text'), ?1 ->> 'id' FROM json_each(?1, '$.parts') p"
    " WHERE p.type = 'object' AND json_type(?1, '$.parts[' || p.key || '].text') = 'text'";
static const char shorten_sql[] = "SELECT json_replace(?1, '$.parts[' || ?2 || '].text', ?3)";

static void add_segments(struct archive_work *work, struct sv text, const struct archive_item *like)
{
    for (size_t at = (size_t)like->offset; at < text.n;) {
        size_t n = utf8_cut(text.p + at, text.n - at, ARCHIVE__PIECE_BYTES);
        n = n ? n : 1;
        struct archive_item *item = archive__add_item(work, ARCHIVE_MESSAGE, sv_of(text.p + at, n));
        item->is_segment = true;
        item->message = like->message;
        item->part = like->part;
        item->offset = (int64_t)at;
        at += n;
    }
}

/* `left` is what is left of `json`; empty: all of it. wide: a record, and what goes where in it. */
static enum err_code shorten(struct db *db, struct buf *left, struct sv json, int64_t at,
                             struct sv text, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, shorten_sql, err);
    db_bind_text(stmt, 1, left->n > 0 ? buf_sv(left) : json);
    db_bind_int(stmt, 2, at);
    db_bind_text(stmt, 3, text);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    struct buf shorter = BUF_INIT(BUF_MAX_INTERNAL);
    buf_append_sv(&shorter, db_column_text(stmt, 0));
    db_reset(stmt);
    buf_release(left);
    *left = shorter;
    return ERR_OK;
}

/* The message first, then the rest of its texts. */
static enum err_code take_apart(struct db *db, struct archive_work *work, struct sv json,
                                struct err *err)
{
    struct buf left = BUF_INIT(BUF_MAX_INTERNAL);
    size_t at = work->count, room = ARCHIVE__PIECE_BYTES;
    (void)archive__add_item(work, ARCHIVE_MESSAGE, SV(""));
    struct sqlite3_stmt *stmt = db_prepare(db, long_parts_sql, err);
    db_bind_text(stmt, 1, json);
    enum err_code code = ERR_OK;
    while (code == ERR_OK && db_step(db, stmt, err)) {
        struct sv text = db_column_text(stmt, 2);
        size_t n = text.n <= room ? text.n : utf8_cut(text.p, text.n, room);
        struct archive_item like = {
            .message = db_column_id(stmt, 3), .part = db_column_int(stmt, 1), .offset = (int64_t)n};
        room -= n;
        if (n < text.n) {
            code = shorten(db, &left, json, db_column_int(stmt, 0), sv_take(text, n), err);
            add_segments(work, text, &like);
        }
    }
    db_reset(stmt);
    code = code ? code : db_result(db);
    if (left.n == 0) {
        buf_append_sv(&left, json);
    }
    work->items[at].n = left.n;
    free(work->items[at].json);
    work->items[at].json = buf_detach(&left);
    return code;
}

/* Only what is well-formed, and not there as a whole, is looked into; the step looks at the rest.
 */
enum err_code archive__add_long(struct store *store, struct archive_work *work, struct sv json,
                                struct err *err)
{
    struct db *db = NULL;
    bool is = false, known = false;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        code = archive__is_object(db, json, &is, err);
    }
    if (code == ERR_OK && is) {
        code = archive__is_known(db, ARCHIVE_MESSAGE, json, &known, err);
    }
    if (code == ERR_OK && (!is || (known && !work->unwhole))) {
        (void)archive__add_item(work, ARCHIVE_MESSAGE, is ? json : SV("0"));
    } else if (code == ERR_OK) {
        code = take_apart(db, work, json, err);
    }
    reader_give(store, db);
    return code;
}
