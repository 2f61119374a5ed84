/*
 * Reading a message from the database: what part holds, what segment has beyond it, then what chunk
 * has beyond both.
 *
 * While it is written, and until it is folded, the text of a message lies in rows of chunk that are
 * mixed with those of other messages; chunk_first and chunk_last bound them. A part may have been
 * folded already while its chunks are still there: pieces name their offset, and what is there
 * already is passed over.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/utf8.h"
#include "store/message.h"
#include "store/store_internal.h"

static const char message_sql[] =
    "SELECT m.uid, s.uid, t.uid,"
    " (SELECT a.uid FROM attempt a WHERE a.answer = m.id ORDER BY a.id DESC LIMIT 1),"
    " m.seq, m.role, m.reason, m.error, m.detail, m.model, m.revision, m.created_at, m.ended_at,"
    " m.folded, m.chunk_first, m.chunk_last"
    " FROM message m JOIN branch b ON b.id = m.branch JOIN session s ON s.id = b.session"
    " LEFT JOIN turn t ON t.id = m.turn WHERE m.id = ?1";
static const char usage_sql[] =
    "SELECT input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,"
    " cost_micros, estimated FROM usage WHERE message = ?1";
static const char parts_sql[] =
    "SELECT position, kind, tool_id, tool_name, began_at, ended_at, text"
    " FROM part WHERE message = ?1 ORDER BY position";
static const char segments_sql[] =
    "SELECT part, byte_offset, text FROM segment WHERE message = ?1 ORDER BY part, byte_offset";
static const char chunks_sql[] = "SELECT part, byte_offset, text FROM chunk"
                                 " WHERE id BETWEEN ?2 AND ?3 AND message = ?1 ORDER BY id";

enum {
    COL_UID,
    COL_SESSION,
    COL_TURN,
    COL_ATTEMPT,
    COL_SEQ,
    COL_ROLE,
    COL_REASON,
    COL_ERROR,
    COL_DETAIL,
    COL_MODEL,
    COL_REVISION,
    COL_CREATED,
    COL_ENDED,
    COL_FOLDED,
    COL_CHUNK_FIRST,
    COL_CHUNK_LAST,
};

/* A part on its way from the rows to the message. */
struct assembly {
    int64_t position;
    struct buf text;
    int64_t end; /* offset that the next piece should have; beyond text.n after a gap */
};

struct reading {
    struct db *db;
    int64_t row;
    struct message *message;
    struct assembly *assemblies; /* as many as the message has parts, in the same order */
    size_t count;
};

static void read_head(struct sqlite3_stmt *stmt, struct message *message)
{
    /* Words that are not known are read as the most harmless ones. */
    message->role = ROLE_SYSTEM;
    message->reason = FINISH_UNKNOWN;
    (void)role_parse(db_column_text(stmt, COL_ROLE), &message->role);
    (void)finish_reason_parse(db_column_text(stmt, COL_REASON), &message->reason);
    message->id = db_column_id(stmt, COL_UID);
    message->session = db_column_id(stmt, COL_SESSION);
    message->turn = db_column_id(stmt, COL_TURN);
    message->attempt = db_column_id(stmt, COL_ATTEMPT);
    message->seq = db_column_int(stmt, COL_SEQ);
    message->ended = message->reason != FINISH_NONE;
    message->error =
        db_column_is_null(stmt, COL_ERROR) ? ERR_OK : err_parse(db_column_text(stmt, COL_ERROR));
    message->detail = db_column_dup(stmt, COL_DETAIL);
    message->model = db_column_dup(stmt, COL_MODEL);
    message->revision = (uint32_t)db_column_int(stmt, COL_REVISION);
    message->created_us = db_column_int(stmt, COL_CREATED);
    message->ended_us = db_column_int(stmt, COL_ENDED);
}

static int64_t token_column(struct sqlite3_stmt *stmt, int column)
{
    return db_column_is_null(stmt, column) ? USAGE_UNKNOWN : db_column_int(stmt, column);
}

static enum err_code read_usage(struct reading *reading, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(reading->db, usage_sql, err);
    db_bind_int(stmt, 1, reading->row);
    if (!db_step(reading->db, stmt, err)) {
        return db_result(reading->db);
    }
    reading->message->usage = (struct usage){
        .input_tokens = token_column(stmt, 0),
        .output_tokens = token_column(stmt, 1),
        .cache_read_tokens = token_column(stmt, 2),
        .cache_write_tokens = token_column(stmt, 3),
        .reasoning_tokens = token_column(stmt, 4),
        .cost_micros = token_column(stmt, 5),
        .cost_estimated = db_column_int(stmt, 6) != 0,
    };
    db_reset(stmt);
    return ERR_OK;
}

static void add_part(struct reading *reading, struct sqlite3_stmt *stmt)
{
    enum part_kind kind = PART_STATUS;
    (void)part_kind_parse(db_column_text(stmt, 1), &kind);
    struct message_part *part = message_add_part(reading->message, kind, SV(""));
    part->tool_id = db_column_dup(stmt, 2);
    part->tool_name = db_column_dup(stmt, 3);
    part->began_us = db_column_int(stmt, 4);
    part->ended = !db_column_is_null(stmt, 5);
    part->ended_us = db_column_int(stmt, 5);

    reading->assemblies =
        xrealloc(reading->assemblies, (reading->count + 1) * sizeof(*reading->assemblies));
    struct assembly *assembly = &reading->assemblies[reading->count++];
    *assembly = (struct assembly){db_column_int(stmt, 0), BUF_INIT(BUF_MAX_INTERNAL), 0};
    (void)buf_append_sv(&assembly->text, db_column_text(stmt, 6));
    assembly->end = (int64_t)assembly->text.n;
}

static enum err_code read_parts(struct reading *reading, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(reading->db, parts_sql, err);
    db_bind_int(stmt, 1, reading->row);
    while (db_step(reading->db, stmt, err)) {
        add_part(reading, stmt);
    }
    return db_result(reading->db);
}

/* Positions count from 0, so that a part is mostly at the place of its number. */
static struct assembly *find_assembly(struct reading *reading, int64_t position)
{
    if (position >= 0 && (uint64_t)position < reading->count &&
        reading->assemblies[position].position == position) {
        return &reading->assemblies[position];
    }
    for (size_t i = 0; i < reading->count; i++) {
        if (reading->assemblies[i].position == position) {
            return &reading->assemblies[i];
        }
    }
    return NULL;
}

static void add_piece(struct reading *reading, struct sqlite3_stmt *stmt)
{
    struct assembly *assembly = find_assembly(reading, db_column_int(stmt, 0));
    int64_t offset = db_column_int(stmt, 1);
    struct sv text = db_column_text(stmt, 2);
    if (assembly == NULL || offset < 0) {
        log_write(LOG_WARN, "message %s: a piece of text belongs to no part",
                  reading->message->id.text);
        return;
    }
    if (offset > assembly->end) {
        log_write(LOG_WARN, "message %s: text is missing", reading->message->id.text);
        assembly->end = offset;
    }
    /* What is there already is passed over: a part that was folded, or a piece written twice. */
    text = sv_skip(text, (size_t)(assembly->end - offset));
    (void)buf_append_sv(&assembly->text, text);
    assembly->end += (int64_t)text.n;
}

static enum err_code read_segments(struct reading *reading, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(reading->db, segments_sql, err);
    db_bind_int(stmt, 1, reading->row);
    while (db_step(reading->db, stmt, err)) {
        add_piece(reading, stmt);
    }
    return db_result(reading->db);
}

static enum err_code read_chunks(struct reading *reading, int64_t first, int64_t last,
                                 struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(reading->db, chunks_sql, err);
    db_bind_int(stmt, 1, reading->row);
    db_bind_int(stmt, 2, first);
    db_bind_int(stmt, 3, last);
    while (db_step(reading->db, stmt, err)) {
        add_piece(reading, stmt);
    }
    return db_result(reading->db);
}

/* Text is valid UTF-8 in the database; a file that somebody else has changed must not break what
 * relies on that. */
static void repair(struct buf *text)
{
    if (utf8_valid_prefix(text->p, text->n) == text->n) {
        return;
    }
    struct buf repaired = BUF_INIT(BUF_MAX_INTERNAL);
    (void)utf8_append_valid(&repaired, buf_sv(text));
    buf_release(text);
    *text = repaired;
}

static enum err_code finish(struct reading *reading, struct err *err)
{
    for (size_t i = 0; i < reading->count; i++) {
        struct message_part *part = &reading->message->parts[i];
        struct buf *text = &reading->assemblies[i].text;
        if (text->n > 0) {
            repair(text);
        }
        if (!buf_ok(text)) {
            return err_set(err, ERR_TOO_BIG, "cannot read message %s: too large",
                           reading->message->id.text);
        }
        free(part->text);
        part->text_n = text->n;
        part->text = buf_detach(text);
    }
    return ERR_OK;
}

static enum err_code read_all(struct reading *reading, struct sqlite3_stmt *head, struct err *err)
{
    bool folded = db_column_int(head, COL_FOLDED) != 0;
    int64_t first = db_column_int(head, COL_CHUNK_FIRST);
    int64_t last =
        db_column_is_null(head, COL_CHUNK_LAST) ? INT64_MAX : db_column_int(head, COL_CHUNK_LAST);
    read_head(head, reading->message);
    enum err_code code = read_usage(reading, err);
    if (code == ERR_OK) {
        code = read_parts(reading, err);
    }
    if (code == ERR_OK) {
        code = read_segments(reading, err);
    }
    if (code == ERR_OK && !folded) {
        code = read_chunks(reading, first, last, err);
    }
    return code == ERR_OK ? finish(reading, err) : code;
}

static void release(struct reading *reading)
{
    for (size_t i = 0; i < reading->count; i++) {
        buf_release(&reading->assemblies[i].text);
    }
    free(reading->assemblies);
}

enum err_code message_read(struct db *db, int64_t row, struct message **ret_message,
                           struct err *err)
{
    struct sqlite3_stmt *head = db_prepare(db, message_sql, err);
    db_bind_int(head, 1, row);
    if (!db_step(db, head, err)) {
        enum err_code code = db_result(db);
        return code != ERR_OK ? code : err_set(err, ERR_NOT_FOUND, "no such message");
    }
    struct reading reading = {.db = db, .row = row, .message = message_new()};
    /* The statement stays open meanwhile: it holds the snapshot in which parts and chunks agree,
     * also when a fold moves the text from one to the other. */
    enum err_code code = read_all(&reading, head, err);
    db_reset(head);
    release(&reading);
    if (code != ERR_OK) {
        message_free(reading.message);
        return code;
    }
    *ret_message = reading.message;
    return ERR_OK;
}
