/*
 * History: the words alone. A row of part that is no text is passed over by its first columns.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "store/history.h"
#include "store/history_internal.h"

static const char line_sql[] =
    "SELECT m.seq, m.role, m.created_at, m.folded AND NOT EXISTS"
    " (SELECT 1 FROM segment s WHERE s.message = m.id) FROM message m WHERE m.id = ?1";
static const char text_sql[] =
    "SELECT text FROM part WHERE message = ?1 AND kind = 'text' ORDER BY position";

void history_lines_release(struct history_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        free(lines->lines[i].text);
    }
    free(lines->lines);
    *lines = (struct history_lines){NULL, 0, false, {""}};
}

/* As message_text does. A file that somebody else has changed may hold anything. */
static enum err_code read_text(struct db *db, int64_t row, char **ret_text, struct err *err)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    struct sqlite3_stmt *stmt = db_prepare(db, text_sql, err);
    db_bind_int(stmt, 1, row);
    while (db_step(db, stmt, err)) {
        (void)buf_append_str(&text, text.n > 0 ? "\n\n" : "");
        (void)utf8_append_valid(&text, db_column_text(stmt, 0));
    }
    enum err_code code = db_result(db);
    if (code == ERR_OK && !buf_ok(&text)) {
        code = err_set(err, ERR_TOO_BIG, "cannot read a message: too large");
    }
    if (code) {
        buf_release(&text);
        return code;
    }
    *ret_text = buf_detach(&text);
    return ERR_OK;
}

/* One that is long, is being written, or was until a moment ago: its text lies in several places.
 */
static enum err_code read_scattered(struct store *store, struct db *db,
                                    const struct history_row *row, char **ret_text, struct err *err)
{
    struct message *message = live_snapshot(store, &row->id);
    if (message == NULL) {
        enum err_code code = message_read(db, row->row, &message, err);
        if (code) {
            return code;
        }
    }
    *ret_text = message_text(message, PART_TEXT);
    message_free(message);
    return ERR_OK;
}

/* ERR_NOT_FOUND: deleted since its row was found. */
static enum err_code read_line(struct store *store, struct db *db, const struct history_row *row,
                               struct history_line *line, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, line_sql, err);
    db_bind_int(stmt, 1, row->row);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code : err_set(err, ERR_NOT_FOUND, "no such message");
    }
    *line = (struct history_line){.id = row->id,
                                  .seq = db_column_int(stmt, 0),
                                  .role = ROLE_SYSTEM,
                                  .created_us = db_column_int(stmt, 2)};
    (void)role_parse(db_column_text(stmt, 1), &line->role);
    bool in_place = db_column_int(stmt, 3) != 0;
    /* The statement stays open: it holds the snapshot in which the text is where it says. */
    enum err_code code = in_place ? read_text(db, row->row, &line->text, err)
                                  : read_scattered(store, db, row, &line->text, err);
    db_reset(stmt);
    return code;
}

enum err_code history_lines(struct store *store, const struct history_query *query,
                            struct history_lines *ret_lines, struct err *err)
{
    struct history_lines lines = {NULL, 0, false, {""}};
    struct history_rows rows = {.items = NULL};
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db == NULL) {
        code = err_set(err, ERR_NOT_FOUND, "no session '%s'", query->session.text);
    }
    if (code == ERR_OK) {
        code = history__find(db, query, &rows, err);
    }
    lines.lines = xcalloc(rows.count + 1, sizeof(*lines.lines));
    lines.more = rows.more;
    lines.next = rows.next;
    for (size_t i = 0; code == ERR_OK && i < rows.count; i++) {
        code = read_line(store, db, &rows.items[i], &lines.lines[lines.count], err);
        lines.count += code == ERR_OK;
        code = code == ERR_NOT_FOUND ? ERR_OK : code;
    }
    reader_give(store, db);
    free(rows.items);
    if (code) {
        history_lines_release(&lines);
        return code;
    }
    *ret_lines = lines;
    return ERR_OK;
}
