/*
 * Folding: the text of an ended message goes from its rows of chunk into its parts, then the rows
 * go.
 *
 * First the text of all parts and `folded`, in one transaction where its time allows, which it does
 * for nearly all of them. A part's row holds the first half MiB of its text; what is beyond lies in
 * rows of segment, each of them as large: writing much more takes longer than the 10 ms that are
 * the budget. A long text takes a transaction for each piece, and `folded` comes with the last.
 * Meanwhile readers pass over what chunk repeats.
 *
 * Then the rows, by ranges of ids. chunk_first moves up with them: it is what a later step goes on
 * from, also after a crash, and without it the rows of others in between would be passed again and
 * again. The highest row of the table stays; it goes with the next message's fold, which also
 * clears the low end of the table of what else belongs to nobody.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "store/message.h"
#include "store/store_internal.h"

/* Of the 10 ms, what is left after the commit, which takes about as long again where many pages
 * were freed. */
#define WORK_US CLOCK_MS(4)
#define ROWS_PER_LOOK_MAX 200
/* Of one part's text in one row, and of all that one transaction folds. */
#define PIECE_MAX ((size_t)512 << 10)
/* A piece is by less than this shorter where its end would split a code point. */
#define CODE_POINT_MAX 4

static const char head_sql[] =
    "SELECT folded, reason <> '', chunk_first, chunk_last FROM message WHERE id = ?1";
static const char fold_part_sql[] =
    "UPDATE part SET text = ?3 WHERE id ="
    " (SELECT id FROM part WHERE message = ?1 ORDER BY position LIMIT 1 OFFSET ?2)"
    " AND EXISTS (SELECT 1 FROM message WHERE id = ?1 AND folded = 0)";
static const char fold_segment_sql[] =
    "INSERT OR REPLACE INTO segment (message, part, byte_offset, text)"
    " SELECT ?1, position, ?4, ?3 FROM part WHERE message = ?1"
    " AND EXISTS (SELECT 1 FROM message WHERE id = ?1 AND folded = 0)"
    " ORDER BY position LIMIT 1 OFFSET ?2";
static const char stored_text_sql[] =
    "SELECT coalesce((SELECT byte_offset + length(CAST(text AS BLOB)) FROM segment s"
    " WHERE s.message = p.message AND s.part = p.position ORDER BY byte_offset DESC LIMIT 1),"
    " length(CAST(text AS BLOB))) FROM part p WHERE message = ?1 ORDER BY position";
static const char set_folded_sql[] = "UPDATE message SET folded = 1 WHERE id = ?1 AND folded = 0";
static const char set_range_sql[] =
    "UPDATE message SET chunk_first = ?2, chunk_last = ?3 WHERE id = ?1";
static const char ends_sql[] = "SELECT (SELECT min(id) FROM chunk), (SELECT max(id) FROM chunk)";
static const char sweep_sql[] = "DELETE FROM chunk WHERE id BETWEEN ?2 AND ?3 AND message = ?1";
static const char clear_sql[] =
    "DELETE FROM chunk WHERE id BETWEEN ?1 AND ?2 AND NOT EXISTS"
    " (SELECT 1 FROM message m WHERE m.id = chunk.message AND m.folded = 0)";
static const char pending_sql[] =
    "SELECT id FROM message WHERE folded = 0 AND reason <> '' ORDER BY id LIMIT ?1";
/* The message of the lowest row, if the row is nobody's any more and not the highest one. */
static const char leftover_sql[] =
    "SELECT message FROM chunk WHERE id = (SELECT min(id) FROM chunk)"
    " AND id < (SELECT max(id) FROM chunk) AND NOT EXISTS"
    " (SELECT 1 FROM message m WHERE m.id = chunk.message AND m.folded = 0)";

struct head {
    bool there;
    bool folded;
    bool ended;
    bool has_range;
    int64_t first;
    int64_t last;
};

static enum err_code read_head(struct db *db, int64_t row, struct head *head, struct err *err)
{
    *head = (struct head){.there = false};
    struct sqlite3_stmt *stmt = db_prepare(db, head_sql, err);
    db_bind_int(stmt, 1, row);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    *head = (struct head){
        .there = true,
        .folded = db_column_int(stmt, 0) != 0,
        .ended = db_column_int(stmt, 1) != 0,
        .has_range = !db_column_is_null(stmt, 2) && !db_column_is_null(stmt, 3),
        .first = db_column_int(stmt, 2),
        .last = db_column_int(stmt, 3),
    };
    db_reset(stmt);
    return ERR_OK;
}

/* Text into parts */

struct fold_parts fold_parts_new(size_t count)
{
    return (struct fold_parts){xcalloc(count + 1, sizeof(struct fold_part)), count};
}

/* Folding reads it before the lock is taken. */
enum err_code fold_stored(struct db *db, int64_t row, struct fold_parts *parts, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, stored_text_sql, err);
    db_bind_int(stmt, 1, row);
    for (size_t i = 0; db_step(db, stmt, err); i++) {
        if (i == parts->count) {
            db_reset(stmt);
            break;
        }
        parts->items[i].stored = (size_t)db_column_int(stmt, 0);
    }
    return db_result(db);
}

/* Where its next piece begins. A row that is not full grows: text came after it had been folded. */
static size_t next_piece(const struct fold_part *part)
{
    return part->stored < PIECE_MAX - CODE_POINT_MAX ? 0 : part->stored;
}

/* The first piece is the part's own text, the others are segments. */
static enum err_code write_piece(struct db *db, int64_t row, struct fold_part *part, size_t at,
                                 struct err *err)
{
    size_t from = next_piece(part);
    struct sv left = sv_skip(part->text, from);
    struct sv piece = sv_take(left, utf8_cut(left.p, left.n, PIECE_MAX));
    struct sqlite3_stmt *stmt = db_prepare(db, from == 0 ? fold_part_sql : fold_segment_sql, err);
    db_bind_int(stmt, 1, row);
    db_bind_int(stmt, 2, (int64_t)at);
    db_bind_text(stmt, 3, piece);
    if (from > 0) {
        db_bind_int(stmt, 4, (int64_t)from);
    }
    enum err_code code = db_run(db, stmt, err);
    if (code == ERR_OK) {
        part->stored = from + piece.n;
    }
    return code;
}

enum err_code fold_write(struct db *db, int64_t row, struct fold_parts *parts, bool *ret_whole,
                         struct err *err)
{
    int64_t until = clock_mono_us() + WORK_US;
    size_t room = PIECE_MAX;
    size_t at = 0;
    while (at < parts->count) {
        struct fold_part *part = &parts->items[at];
        if (part->stored >= part->text.n) {
            at++;
            continue;
        }
        size_t left = part->text.n - next_piece(part);
        size_t bytes = left < PIECE_MAX ? left : PIECE_MAX;
        if (room < PIECE_MAX && (bytes > room || clock_mono_us() >= until)) {
            *ret_whole = false;
            return ERR_OK;
        }
        enum err_code code = write_piece(db, row, part, at, err);
        if (code != ERR_OK) {
            return code;
        }
        room -= bytes;
    }
    *ret_whole = true;
    struct sqlite3_stmt *stmt = db_prepare(db, set_folded_sql, err);
    db_bind_int(stmt, 1, row);
    return db_run(db, stmt, err);
}

static enum err_code end_transaction(struct db *db, enum err_code code, struct err *err)
{
    if (code != ERR_OK) {
        db_rollback(db);
        return code;
    }
    return db_commit(db, err);
}

static enum err_code fold(struct db *db, int64_t row, struct err *err)
{
    struct message *message = NULL;
    bool whole = false;
    enum err_code code = message_read(db, row, &message, err);
    if (code != ERR_OK) {
        return code == ERR_NOT_FOUND ? ERR_OK : code;
    }
    struct fold_parts parts = fold_parts_new(message->part_count);
    for (size_t i = 0; i < message->part_count; i++) {
        parts.items[i].text = sv_of(message->parts[i].text, message->parts[i].text_n);
    }
    code = fold_stored(db, row, &parts, err);
    if (code == ERR_OK) {
        code = db_begin(db, false, err);
    }
    if (code == ERR_OK) {
        code = end_transaction(db, fold_write(db, row, &parts, &whole, err), err);
    }
    free(parts.items);
    message_free(message);
    return code;
}

/* Sweeping */

static enum err_code read_ends(struct db *db, int64_t *ret_lowest, int64_t *ret_highest,
                               struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, ends_sql, err);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    *ret_lowest = db_column_int(stmt, 0);
    *ret_highest = db_column_int(stmt, 1);
    db_reset(stmt);
    return ERR_OK;
}

static int64_t lower(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static enum err_code sweep_slice(struct db *db, int64_t row, int64_t from, int64_t to,
                                 struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sweep_sql, err);
    db_bind_int(stmt, 1, row);
    db_bind_int(stmt, 2, from);
    db_bind_int(stmt, 3, to);
    return db_run(db, stmt, err);
}

/* How many rows the next slice may have. A row may hold 13 bytes or megabytes, and only the time it
 * took to delete some tells: so the first slices are small. */
static int64_t more_rows(int64_t rows, int64_t until)
{
    bool quick = until - clock_mono_us() > WORK_US - WORK_US / 4;
    return quick ? lower(2 * rows, ROWS_PER_LOOK_MAX) : rows;
}

/* `head->first` is where the next step goes on; the range is forgotten once it is empty. */
static enum err_code sweep_range(struct db *db, int64_t row, struct head *head, struct err *err)
{
    int64_t lowest = 0;
    int64_t highest = 0;
    int64_t until = clock_mono_us() + WORK_US;
    enum err_code code = read_ends(db, &lowest, &highest, err);
    int64_t last = lower(head->last, highest - 1);
    head->first = lowest > head->first ? lowest : head->first;
    int64_t rows = 1;
    while (code == ERR_OK && head->first <= last && clock_mono_us() < until) {
        int64_t to = lower(head->first + rows - 1, last);
        code = sweep_slice(db, row, head->first, to, err);
        head->first = to + 1;
        rows = more_rows(rows, until);
    }
    if (code != ERR_OK) {
        return code;
    }
    head->has_range = head->first <= last;
    struct sqlite3_stmt *stmt = db_prepare(db, set_range_sql, err);
    db_bind_int(stmt, 1, row);
    if (head->has_range) {
        db_bind_int(stmt, 2, head->first);
        db_bind_int(stmt, 3, head->last);
    }
    return db_run(db, stmt, err);
}

/* Whatever lies at the low end and belongs to nobody: the last rows that earlier folds had to
 * leave, rows of deleted messages. Done when a full slice holds nothing of that kind. */
static enum err_code clear_low_end(struct db *db, bool *ret_done, struct err *err)
{
    int64_t lowest = 0;
    int64_t highest = 0;
    int64_t until = clock_mono_us() + WORK_US;
    int64_t rows = 1;
    int64_t deleted = 0;
    bool done = false;
    enum err_code code = read_ends(db, &lowest, &highest, err);
    while (code == ERR_OK && !done && clock_mono_us() < until) {
        int64_t to = lower(lowest + rows - 1, highest - 1);
        struct sqlite3_stmt *stmt = db_prepare(db, clear_sql, err);
        db_bind_int(stmt, 1, lowest);
        db_bind_int(stmt, 2, to);
        code = db_run(db, stmt, err);
        deleted += db_changes(db);
        done = to < lowest || (db_changes(db) == 0 && rows == ROWS_PER_LOOK_MAX);
        lowest = to + 1;
        rows = more_rows(rows, until);
    }
    *ret_done = done || deleted == 0;
    return code;
}

static enum err_code sweep(struct db *db, int64_t row, struct head *head, bool *ret_done,
                           struct err *err)
{
    enum err_code code = db_begin(db, false, err);
    if (code != ERR_OK) {
        return code;
    }
    if (head->there && head->has_range) {
        *ret_done = false;
        code = sweep_range(db, row, head, err);
    } else {
        code = clear_low_end(db, ret_done, err);
    }
    return end_transaction(db, code, err);
}

enum err_code fold_step(struct db *db, int64_t row, bool *ret_done, struct err *err)
{
    struct head head;
    bool done = false;
    enum err_code code = read_head(db, row, &head, err);
    if (code != ERR_OK) {
        return code;
    }
    if (head.there && !head.ended) {
        done = true;
    } else if (head.there && !head.folded) {
        code = fold(db, row, err);
    } else {
        code = sweep(db, row, &head, &done, err);
    }
    if (code == ERR_OK) {
        *ret_done = done;
    }
    return code;
}

enum err_code fold_pending(struct db *db, int64_t *rows, size_t limit, size_t *ret_count,
                           struct err *err)
{
    size_t count = 0;
    struct sqlite3_stmt *stmt = db_prepare(db, pending_sql, err);
    db_bind_int(stmt, 1, (int64_t)limit);
    while (db_step(db, stmt, err)) {
        rows[count++] = db_column_int(stmt, 0);
    }
    enum err_code code = db_result(db);
    if (code == ERR_OK && count < limit) {
        stmt = db_prepare(db, leftover_sql, err);
        if (db_step(db, stmt, err)) {
            rows[count++] = db_column_int(stmt, 0);
            db_reset(stmt);
        } else {
            code = db_result(db);
        }
    }
    if (code == ERR_OK) {
        *ret_count = count;
    }
    return code;
}
