/*
 * crush's database: a folder's crush.db.
 *
 * It is opened read-only beside whoever uses it, trusted in nothing: only tables are read, no view,
 * trigger or function of the schema runs, and what is too long is left out. Columns are found by
 * their names, since older versions have fewer. Its times are seconds. Messages are in the order of
 * their times, and of their rows where those are the same. What an agent did for another session is
 * a session of its own that names that one, and comes in archived.
 */
#include "app/import_crush.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "app/json.h"
#include "app/records.h"
#include "base/alloc.h"
#include "base/utf8.h"

#define ROW_MAX (48 << 20)
#define SECONDS_MAX 4000000000LL
#define WAIT_MS 2000
#define IDS_MAX ((size_t)1 << 22)

static bool knows(struct sv head)
{
    return sv_starts_with(head, sv_of("SQLite format 3\0", 16)) &&
           sv_find_sv(head, SV("sessions")) < head.n;
}

struct crush {
    struct import *import;
    sqlite3 *db;
    struct crush_parts *parts;
};

static enum err_code fail(const struct crush *self, const char *what, struct err *err)
{
    return err_set(err, ERR_INVALID, "cannot read %s of crush's database: %s", what,
                   sqlite3_errmsg(self->db));
}

/* ---- columns by name ---- */

static int find_column(sqlite3_stmt *row, const char *name)
{
    int column = sqlite3_column_count(row) - 1;
    while (column >= 0 && strcmp(sqlite3_column_name(row, column), name) != 0) {
        column--;
    }
    return column;
}

/* Until the row is left. */
static struct sv text_of(sqlite3_stmt *row, const char *name)
{
    int column = find_column(row, name);
    const char *text = column < 0 ? NULL : (const char *)sqlite3_column_text(row, column);
    return text ? sv_of(text, (size_t)sqlite3_column_bytes(row, column)) : SV("");
}

static int64_t int_of(sqlite3_stmt *row, const char *name)
{
    int column = find_column(row, name);
    int64_t value = column < 0 ? 0 : sqlite3_column_int64(row, column);
    return value < 0 ? 0 : value;
}

static int64_t micros_of(sqlite3_stmt *row, const char *name)
{
    int column = find_column(row, name);
    double value = column < 0 ? 0 : sqlite3_column_double(row, column);
    return value > 0 && value < 1e9 ? (int64_t)(value * 1e6 + 0.5) : 0;
}

static int64_t time_of(sqlite3_stmt *row, const char *name, int64_t otherwise_us)
{
    int64_t seconds = int_of(row, name);
    return seconds > 0 && seconds < SECONDS_MAX ? seconds * 1000000 : otherwise_us;
}

/* Valid, without NUL. */
static char *repaired(struct sv text)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    (void)utf8_append_valid(&out, text);
    return buf_detach(&out);
}

/* ---- rows ---- */

static sqlite3_stmt *prepare(const struct crush *self, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    return sqlite3_prepare_v2(self->db, sql, -1, &stmt, NULL) == SQLITE_OK ? stmt : NULL;
}

/* The numbers of rows, in their order: their contents are read one by one. */
static enum err_code read_rows(const struct crush *self, const char *sql, struct sv session,
                               struct buf *rows, struct err *err)
{
    sqlite3_stmt *stmt = prepare(self, sql);
    if (!stmt) {
        return fail(self, "the tables", err);
    }
    (void)sqlite3_bind_text(stmt, 1, session.p, (int)session.n, SQLITE_STATIC);
    int step = sqlite3_step(stmt);
    for (; step == SQLITE_ROW; step = sqlite3_step(stmt)) {
        int64_t row = sqlite3_column_int64(stmt, 0);
        (void)buf_append(rows, (const char *)&row, sizeof(row));
    }
    enum err_code code = step == SQLITE_DONE ? ERR_OK : fail(self, "a table", err);
    (void)sqlite3_finalize(stmt);
    return code || buf_ok(rows) ? code : err_set(err, ERR_TOO_BIG, "crush's database is too long");
}

static int64_t row_at(const struct buf *rows, size_t at)
{
    int64_t row;
    memcpy(&row, rows->p + at * sizeof(row), sizeof(row));
    return row;
}

/* NULL: it cannot be read, and is refused. */
static sqlite3_stmt *read_row(const struct crush *self, const char *sql, int64_t row,
                              const char *what)
{
    sqlite3_stmt *stmt = prepare(self, sql);
    (void)sqlite3_bind_int64(stmt, 1, row);
    int step = stmt ? sqlite3_step(stmt) : SQLITE_ERROR;
    if (step == SQLITE_ROW) {
        return stmt;
    }
    import_refuse(self->import, what,
                  step == SQLITE_DONE ? "it is gone" : sqlite3_errmsg(self->db));
    (void)sqlite3_finalize(stmt);
    return NULL;
}

/* ---- messages ---- */

struct place {
    struct ulid branch;
    int64_t seq, created_us;
};

static enum err_code put_message(const struct crush *self, sqlite3_stmt *row,
                                 const struct place *place, struct err *err)
{
    struct crush_parts *parts = self->parts;
    struct sv provider = text_of(row, "provider"), name = text_of(row, "model");
    char *model = provider.n > 0 && name.n > 0
                      ? xasprintf("%.*s/%.*s", SV_ARG(provider), SV_ARG(name))
                      : xstrndup(name.p, name.n);
    char *model_text = repaired(sv_from(model));
    char *id = repaired(text_of(row, "id"));
    struct foreign_message message = {.branch = place->branch,
                                      .seq = place->seq,
                                      .created_us = time_of(row, "created_at", place->created_us),
                                      .model = sv_from(model_text),
                                      .parts = parts->parts};
    bool is = false;
    parts->count = 0;
    parts->reason = FINISH_NONE;
    parts->detail = SV("");
    enum err_code code = crush_parts_read(self->import, text_of(row, "parts"), parts, &is, err);
    if (code == ERR_OK && int_of(row, "is_summary_message") && parts->count < CRUSH_PARTS_MAX) {
        parts->parts[parts->count++] = (struct foreign_part){
            .kind = PART_STATUS, .text = SV("a summary of what was said before")};
    }
    message.id = import_id("crush message", sv_from(id), message.created_us);
    message.part_count = parts->count;
    message.reason = parts->reason;
    message.detail = parts->detail;
    if (code == ERR_OK && (!is || !role_parse(text_of(row, "role"), &message.role))) {
        import_refuse(self->import, "a message", "its role or its parts are not known");
    } else if (code == ERR_OK) {
        code = foreign_message(self->import, &message, err);
    }
    crush_parts_release(parts);
    free(model_text);
    free(model);
    free(id);
    return code;
}

static enum err_code put_messages(const struct crush *self, struct sv session, struct place *place,
                                  struct err *err)
{
    struct buf rows = BUF_INIT(IDS_MAX * sizeof(int64_t));
    enum err_code code = read_rows(
        self, "SELECT rowid FROM messages WHERE session_id = ?1 ORDER BY created_at, rowid",
        session, &rows, err);
    for (size_t i = 0; code == ERR_OK && i < rows.n / sizeof(int64_t); i++) {
        sqlite3_stmt *row = read_row(self, "SELECT * FROM messages WHERE rowid = ?1",
                                     row_at(&rows, i), "a message");
        place->seq++;
        code = row ? put_message(self, row, place, err) : ERR_OK;
        (void)sqlite3_finalize(row);
    }
    buf_release(&rows);
    return code;
}

/* ---- sessions ---- */

/* What it was made for. For free(), or NULL. */
static char *metadata_of(sqlite3_stmt *row)
{
    struct sv parent = text_of(row, "parent_session_id");
    if (parent.n == 0) {
        return NULL;
    }
    char *text = repaired(parent);
    struct buf out = BUF_INIT(4096);
    buf_append_byte(&out, '{');
    record_text(&out, "crush_parent", sv_from(text));
    buf_append_byte(&out, '}');
    free(text);
    return buf_ok(&out) ? buf_detach(&out) : (buf_release(&out), NULL);
}

static enum err_code put_session(const struct crush *self, sqlite3_stmt *row, struct err *err)
{
    char *id = repaired(text_of(row, "id"));
    char *title = repaired(text_of(row, "title"));
    char *metadata = metadata_of(row);
    struct foreign_session session = {.title = sv_from(title),
                                      .created_us = time_of(row, "created_at", 0),
                                      .metadata = metadata ? sv_from(metadata) : SV(""),
                                      .archived = metadata != NULL,
                                      .messages = int_of(row, "message_count"),
                                      .cost_micros = micros_of(row, "cost"),
                                      .in = int_of(row, "prompt_tokens"),
                                      .out = int_of(row, "completion_tokens")};
    session.active_us = time_of(row, "updated_at", session.created_us);
    session.id = import_id("crush session", sv_from(id), session.created_us);
    session.branch = import_id("crush branch", sv_from(id), session.created_us);
    const struct foreign_branch branch = {.id = session.branch, .created_us = session.created_us};
    struct place place = {.branch = session.branch, .created_us = session.created_us};
    enum err_code code = foreign_session(self->import, &session, err);
    code = code ? code : foreign_branch(self->import, &branch, err);
    code = code ? code : put_messages(self, text_of(row, "id"), &place, err);
    code = code ? code : import_end(self->import, err);
    free(metadata);
    free(title);
    free(id);
    return code;
}

static enum err_code put_sessions(const struct crush *self, struct err *err)
{
    struct buf rows = BUF_INIT(IDS_MAX * sizeof(int64_t));
    enum err_code code =
        read_rows(self, "SELECT rowid FROM sessions ORDER BY rowid", SV(""), &rows, err);
    for (size_t i = 0; code == ERR_OK && i < rows.n / sizeof(int64_t); i++) {
        sqlite3_stmt *row = read_row(self, "SELECT * FROM sessions WHERE rowid = ?1",
                                     row_at(&rows, i), "a session");
        code = row ? put_session(self, row, err) : ERR_OK;
        (void)sqlite3_finalize(row);
    }
    buf_release(&rows);
    return code;
}

/* ---- the file ---- */

static enum err_code check_tables(const struct crush *self, struct err *err)
{
    struct buf rows = BUF_INIT(1024);
    enum err_code code =
        read_rows(self,
                  "SELECT rowid FROM sqlite_schema WHERE type = 'table'"
                  " AND name IN ('sessions', 'messages') AND sql LIKE 'CREATE TABLE%'",
                  SV(""), &rows, err);
    if (code == ERR_OK && rows.n != 2 * sizeof(int64_t)) {
        code = err_set(err, ERR_INVALID, "the database has no sessions and messages of crush");
    }
    buf_release(&rows);
    return code;
}

static void distrust(sqlite3 *db)
{
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, ROW_MAX);
    (void)sqlite3_busy_timeout(db, WAIT_MS);
    (void)sqlite3_exec(db, "PRAGMA cell_size_check = ON; PRAGMA query_only = ON", NULL, NULL, NULL);
}

static enum err_code read(struct import *import, const char *path, struct err *err)
{
    struct crush self = {.import = import};
    int opened = sqlite3_open_v2(path, &self.db, SQLITE_OPEN_READONLY, NULL);
    enum err_code code = ERR_OK;
    if (opened != SQLITE_OK) {
        code = err_set(err, ERR_INVALID, "cannot open '%s': %s", path,
                       self.db ? sqlite3_errmsg(self.db) : "out of memory");
    } else {
        self.parts = xcalloc(1, sizeof(*self.parts));
        distrust(self.db);
        code = check_tables(&self, err);
        code = code ? code : put_sessions(&self, err);
    }
    free(self.parts);
    (void)sqlite3_close(self.db);
    return code;
}

const struct importer importer_crush = {
    .name = "crush",
    .knows = knows,
    .read = read,
};
