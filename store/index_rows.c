/* Index: its rows, written and taken out. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/index_internal.h"
#include "store/index_words.h"
#include "store/sql_internal.h"
#include "store/store_internal.h"

static int64_t rowid_of(int64_t message, size_t slice)
{
    return message * INDEX__SLICES_MAX + (int64_t)slice;
}

static void append_words(struct buf *out, struct sv text)
{
    struct words words;
    struct word word;
    words_init(&words, text);
    while (words_next(&words, &word)) {
        buf_append_str(out, out->n ? " " : "");
        buf_append(out, word.text, word.n);
    }
}

static enum err_code is_there(struct db *db, int64_t rowid, bool *ret_there, struct err *err)
{
    int64_t there = 0;
    enum err_code code =
        sql__value_of_row(db, "SELECT 1 FROM words_docsize WHERE id = ?1", rowid, &there, err);
    *ret_there = there != 0;
    return code;
}

static const char insert_sql[] = "INSERT INTO words (rowid, title, prompt, answer, reasoning, tool)"
                                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
static const char delete_sql[] =
    "INSERT INTO words (words, rowid, title, prompt, answer, reasoning, tool)"
    " VALUES ('delete', ?1, ?2, ?3, ?4, ?5, ?6)";

/* Writes the row or takes it out; one that is as it should be already is left alone. */
static enum err_code put_row(struct db *db, const char *sql, int64_t rowid,
                             const struct index_slice *slice, struct err *err)
{
    struct buf columns[INDEX_COLUMNS];
    bool there = false;
    enum err_code code = is_there(db, rowid, &there, err);
    if (code || there == (sql == insert_sql)) {
        return code;
    }
    for (size_t i = 0; i < INDEX_COLUMNS; i++) {
        columns[i] = BUF_INIT(BUF_MAX_INTERNAL);
    }
    for (size_t i = 0; i < slice->count; i++) {
        append_words(&columns[slice->pieces[i].column], slice->pieces[i].text);
    }
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    db_bind_int(stmt, 1, rowid);
    for (int i = 0; i < INDEX_COLUMNS; i++) {
        db_bind_text(stmt, i + 2, sv_from(buf_cstr(&columns[i])));
    }
    code = db_run(db, stmt, err);
    for (size_t i = 0; i < INDEX_COLUMNS; i++) {
        buf_release(&columns[i]);
    }
    return code;
}

enum err_code index__put_slice(struct db *db, int64_t message, size_t number,
                               const struct index_slice *slice, struct err *err)
{
    return put_row(db, insert_sql, rowid_of(message, number), slice, err);
}

enum err_code index__set(struct db *db, int64_t row, int64_t indexed, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "UPDATE message SET indexed = ?2 WHERE id = ?1", err);
    db_bind_int(stmt, 1, row);
    db_bind_int(stmt, 2, indexed);
    return db_run(db, stmt, err);
}

size_t index__bytes(const struct message *message)
{
    size_t bytes = 0;
    for (size_t i = 0; message && i < message->part_count; i++) {
        bytes += message->parts[i].text_n;
    }
    return bytes;
}

/* ---- titles ---- */

static enum err_code put_title(struct db *db, const char *sql, int64_t session, struct sv title,
                               struct err *err)
{
    struct index_piece piece = {INDEX_TITLE, title};
    const struct index_slice slice = {&piece, 1};
    return put_row(db, sql, -session, &slice, err);
}

/* Gives; NULL: there is none. */
static enum err_code read_title(struct db *db, const char *sql, int64_t session, char **ret_title,
                                struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    db_bind_int(stmt, 1, session);
    *ret_title = NULL;
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    *ret_title = db_column_dup(stmt, 0);
    db_reset(stmt);
    return ERR_OK;
}

enum err_code index__remove_title(struct db *db, int64_t session, struct err *err)
{
    char *title = NULL;
    enum err_code code =
        read_title(db, "SELECT title FROM words_title WHERE session = ?1", session, &title, err);
    if (code == ERR_OK && title) {
        code = put_title(db, delete_sql, session, sv_from(title), err);
    }
    if (code == ERR_OK && title) {
        code = sql__run_row(db, "DELETE FROM words_title WHERE session = ?1", session, err);
    }
    if (code == ERR_OK && title) {
        code = sql__run_row(db, "UPDATE session SET title_indexed = 0 WHERE id = ?1", session, err);
    }
    free(title);
    return code;
}

enum err_code index__put_title(struct db *db, int64_t session, struct err *err)
{
    char *title = NULL;
    enum err_code code = index__remove_title(db, session, err);
    if (code == ERR_OK) {
        code = read_title(db, "SELECT title FROM session WHERE id = ?1", session, &title, err);
    }
    if (code == ERR_OK && title && *title) {
        code = sql__run_row(db,
                            "INSERT INTO words_title (session, title)"
                            " SELECT id, title FROM session WHERE id = ?1",
                            session, err);
    }
    if (code == ERR_OK && title && *title) {
        code = put_title(db, insert_sql, session, sv_from(title), err);
    }
    if (code == ERR_OK) {
        code = sql__run_row(db, "UPDATE session SET title_indexed = 1 WHERE id = ?1", session, err);
    }
    free(title);
    return code;
}

/* ---- removal ---- */

/* wide: what of whom, how many are left, until when. The last ones first. */
static enum err_code remove_slices(struct db *db, const struct message *message, int64_t row,
                                   size_t *count, int64_t until_us, struct err *err)
{
    struct index_slice *slices = xcalloc(*count, sizeof(*slices));
    struct index_slices reading;
    size_t there = 0;
    enum err_code code = ERR_OK;
    index_slices_init(&reading, message);
    while (there < *count && index_slices_next(&reading, &slices[there])) {
        there++;
    }
    *count = there;
    do {
        if (*count > 0) {
            code = put_row(db, delete_sql, rowid_of(row, *count - 1), &slices[*count - 1], err);
            *count -= code == ERR_OK;
        }
    } while (code == ERR_OK && *count > 0 && clock_mono_us() < until_us);
    for (size_t i = 0; i < there; i++) {
        free(slices[i].pieces);
    }
    free(slices);
    return code;
}

/* Until that time; message.indexed is then what is left, and `at_end` when nothing is.
 * wide: what of whom, until when, what follows. */
static enum err_code remove_message(struct db *db, int64_t message, int64_t until_us,
                                    int64_t at_end, bool *ret_left, struct err *err)
{
    struct message *text = NULL;
    int64_t indexed = 0;
    int64_t began = clock_mono_us();
    enum err_code code =
        sql__value_of_row(db, "SELECT indexed FROM message WHERE id = ?1", message, &indexed, err);
    *ret_left = false;
    if (code || indexed == INDEX__NEVER) {
        return code;
    }
    code = indexed ? message_read(db, message, &text, err) : ERR_OK;
    if (!text && (!code || code == ERR_TOO_BIG)) {
        /* What nobody can read never came into the index. */
        return index__set(db, message, at_end, err);
    }
    if (code) {
        return code;
    }
    size_t count = (size_t)llabs(indexed);
    /* A long text takes its time to be read, each time. */
    bool forever = until_us == CLOCK_NEVER;
    db_expect_bytes(db, forever ? DB_ANY_BYTES : index__bytes(text));
    until_us += forever ? 0 : clock_mono_us() - began;
    code = remove_slices(db, text, message, &count, until_us, err);
    message_free(text);
    *ret_left = count > 0;
    return code ? code : index__set(db, message, count > 0 ? -(int64_t)count : at_end, err);
}

enum err_code index__remove(struct db *db, int64_t message, struct err *err)
{
    bool left = false;
    return remove_message(db, message, CLOCK_NEVER, 0, &left, err);
}

enum err_code index__forget(struct db *db, int64_t message, int64_t until_us, bool *ret_left,
                            struct err *err)
{
    return remove_message(db, message, until_us, INDEX__NEVER, ret_left, err);
}
