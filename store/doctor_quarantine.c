/*
 * Quarantine: what refers to a row that is not there.
 *
 * Messages whose branch or session is lost get new ones, so that they can be read. A reference that
 * may be empty becomes so. Any other row is written down as text and taken out of its table; what
 * referred to it does so to nothing then, and follows, until all that is left fits together. What
 * is taken away, value or row, is in the table quarantine.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "store/db_struct.h"
#include "store/doctor_internal.h"

/* A row's text may be an answer of 64 MiB, quoted. */
#define ROW_MAX ((size_t)160 << 20)
#define NAME_MAX_BYTES 64
#define ORPHANS_PER_LOOK 4096

struct orphan {
    char table[NAME_MAX_BYTES];
    char column[NAME_MAX_BYTES]; /* that refers to nothing; empty: it has to refer to something */
    int64_t row, key;
    bool has_row;
};

#define ANY_ID "'0' || substr(hex(randomblob(13)), 1, 25)"
#define RECOVERED "'recovered by a repair'"
#define ANY_HANDLE "'r' || lower(substr(hex(randomblob(4)), 1, 7))"

/* Parents for what would be lost with them: first those that are known by who refers to them. */
static const char parents_sql[] =
    "INSERT OR IGNORE INTO branch (id, session, created_at, uid)"
    " SELECT branch, id, created_at, " ANY_ID " FROM session"
    " WHERE branch NOT IN (SELECT id FROM branch);"
    "INSERT INTO session (uid, handle, title, created_at, last_active_at)"
    " SELECT " ANY_ID ", " ANY_HANDLE ", " RECOVERED ", 0, 0 WHERE EXISTS"
    " (SELECT 1 FROM message WHERE branch NOT IN (SELECT id FROM branch));"
    "INSERT INTO branch (id, session, created_at, uid)"
    " SELECT m.branch, (SELECT max(id) FROM session), min(m.created_at), " ANY_ID
    " FROM message m WHERE m.branch NOT IN (SELECT id FROM branch) GROUP BY m.branch;"
    "INSERT INTO session (id, uid, handle, title, created_at, last_active_at)"
    " SELECT b.session, " ANY_ID ", " ANY_HANDLE ", " RECOVERED ", min(b.created_at),"
    " max(b.created_at) FROM branch b WHERE b.session NOT IN (SELECT id FROM session)"
    " GROUP BY b.session;"
    "INSERT INTO branch (session, created_at, uid) SELECT id, created_at, " ANY_ID " FROM session"
    " WHERE id NOT IN (SELECT session FROM branch);";
/* The current branch is one of the session's own; a session made here counts what it has. */
static const char children_sql[] =
    "UPDATE session SET branch = (SELECT min(id) FROM branch WHERE session = session.id)"
    " WHERE branch IS NULL OR branch NOT IN (SELECT id FROM branch);"
    "UPDATE session SET (message_count, created_at, last_active_at) ="
    " (SELECT count(*), coalesce(min(m.created_at), 0), coalesce(max(m.created_at), 0)"
    " FROM branch b JOIN message m ON m.branch = b.id WHERE b.session = session.id)"
    " WHERE title = " RECOVERED " AND message_count = 0;";

/* As many as one look finds: each look reads the whole database. */
struct orphan_list {
    struct orphan *items;
    size_t count;
};

static enum err_code find_orphans(struct db *db, struct orphan_list *list, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, "PRAGMA foreign_key_check", err);
    list->count = 0;
    while (list->count < ORPHANS_PER_LOOK && db_step(db, stmt, err)) {
        struct orphan *orphan = &list->items[list->count++];
        *orphan = (struct orphan){.has_row = !db_column_is_null(stmt, 1),
                                  .row = db_column_int(stmt, 1),
                                  .key = db_column_int(stmt, 3)};
        (void)snprintf(orphan->table, sizeof(orphan->table), "%.*s",
                       SV_ARG(db_column_text(stmt, 0)));
    }
    enum err_code code = list->count < ORPHANS_PER_LOOK ? db_result(db) : ERR_OK;
    db_reset(stmt);
    return code;
}

/* Whether the reference may be empty. */
static enum err_code find_column(struct db *db, struct orphan *orphan, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(
        db,
        "SELECT f.\"from\" FROM pragma_foreign_key_list(?1) f JOIN pragma_table_info(?1) c"
        " ON c.name = f.\"from\" WHERE f.id = ?2 AND NOT c.\"notnull\" AND NOT c.pk",
        err);
    db_bind_text(stmt, 1, sv_from(orphan->table));
    db_bind_int(stmt, 2, orphan->key);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    (void)snprintf(orphan->column, sizeof(orphan->column), "%.*s", SV_ARG(db_column_text(stmt, 0)));
    db_reset(stmt);
    return ERR_OK;
}

static void append_value(struct buf *out, sqlite3_stmt *stmt, int column)
{
    static const char hex[] = "0123456789ABCDEF";
    int type = sqlite3_column_type(stmt, column);
    const unsigned char *bytes = sqlite3_column_blob(stmt, column);
    size_t length = (size_t)sqlite3_column_bytes(stmt, column);
    if (type == SQLITE_TEXT) {
        buf_append_byte(out, '\'');
        for (size_t i = 0; i < length; i++) {
            buf_append(out, bytes[i] == '\'' ? "''" : (const char *)&bytes[i],
                       bytes[i] == '\'' ? 2 : 1);
        }
        buf_append_byte(out, '\'');
    } else if (type == SQLITE_BLOB) {
        buf_append_str(out, "x'");
        for (size_t i = 0; i < length; i++) {
            buf_append_byte(out, hex[bytes[i] >> 4]);
            buf_append_byte(out, hex[bytes[i] & 15]);
        }
        buf_append_byte(out, '\'');
    } else if (type == SQLITE_NULL) {
        buf_append_str(out, "NULL");
    } else {
        buf_append_str(out, (const char *)sqlite3_column_text(stmt, column));
    }
}

/* "name=value, name=value" with values as SQL writes them. */
static void append_row(struct buf *out, sqlite3_stmt *stmt)
{
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        buf_appendf(out, "%s%s=", i ? ", " : "", sqlite3_column_name(stmt, i));
        append_value(out, stmt, i);
    }
}

/* The row, or the one value of it that refers to nothing. Left empty: it has gone aside before, by
 * another of its references. wide: a row, and what is found of it. */
static enum err_code read_row(struct db *db, const struct orphan *orphan, struct buf *out,
                              bool *ret_there, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool one = orphan->column[0] != '\0';
    char *sql = xasprintf("SELECT %s FROM \"%s\" WHERE rowid = ?1", one ? orphan->column : "*",
                          orphan->table);
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL);
    free(sql);
    if (rc == SQLITE_OK) {
        (void)sqlite3_bind_int64(stmt, 1, orphan->row);
        rc = sqlite3_step(stmt);
    }
    *ret_there = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW) {
        append_row(out, stmt);
        rc = SQLITE_DONE;
    }
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? ERR_OK : db__fail(db, rc, "read", err);
}

static enum err_code keep(struct db *db, const struct orphan *orphan, struct sv text,
                          struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db,
                                           "INSERT INTO quarantine (origin, row, content, at)"
                                           " VALUES (?1, ?2, CAST(?3 AS BLOB), ?4)",
                                           err);
    db_bind_text(stmt, 1, sv_from(orphan->table));
    db_bind_int(stmt, 2, orphan->row);
    db_bind_text(stmt, 3, text);
    db_bind_int(stmt, 4, clock_wall_us());
    return db_run(db, stmt, err);
}

static enum err_code take_away(struct db *db, const struct orphan *orphan, struct err *err)
{
    long long row = (long long)orphan->row;
    char *sql = orphan->column[0]
                    ? xasprintf("UPDATE \"%s\" SET %s = NULL WHERE rowid = %lld", orphan->table,
                                orphan->column, row)
                    : xasprintf("DELETE FROM \"%s\" WHERE rowid = %lld", orphan->table, row);
    enum err_code code = db_exec(db, sql, err);
    free(sql);
    return code;
}

static enum err_code put_aside(struct db *db, const struct orphan *orphan, struct err *err)
{
    struct buf text = BUF_INIT(ROW_MAX);
    bool there = false;
    enum err_code code = read_row(db, orphan, &text, &there, err);
    if (code == ERR_OK && !buf_ok(&text)) {
        code = err_set(err, ERR_TOO_BIG, "a row of table '%s' is too large", orphan->table);
    }
    if (code == ERR_OK && there) {
        code = keep(db, orphan, buf_sv(&text), err);
    }
    buf_release(&text);
    return code || !there ? code : take_away(db, orphan, err);
}

/* Tables without row numbers hold labels and sums, which are nothing without what they belong to,
 * and say so themselves: their text is their key. */
static enum err_code put_labels_aside(struct db *db, struct err *err)
{
    return db_exec(db,
                   "INSERT INTO quarantine (origin, row, content, at)"
                   " SELECT 'label', session, CAST('session=' || session || ', name=' ||"
                   " quote(name) AS BLOB), 0 FROM label"
                   " WHERE session NOT IN (SELECT id FROM session);"
                   "DELETE FROM label WHERE session NOT IN (SELECT id FROM session)",
                   err);
}

static enum err_code put_one_aside(struct db *db, struct orphan *orphan, struct err *err)
{
    if (!orphan->has_row) {
        return sv_equal_str(SV("label"), orphan->table)
                   ? put_labels_aside(db, err)
                   : err_set(err, ERR_CORRUPT, "table '%s' cannot be repaired", orphan->table);
    }
    enum err_code code = find_column(db, orphan, err);
    return code ? code : put_aside(db, orphan, err);
}

static enum err_code put_all_aside(struct db *db, int64_t *ret_count, struct err *err)
{
    struct orphan_list list = {xcalloc(ORPHANS_PER_LOOK, sizeof(*list.items)), 0};
    int64_t count = 0;
    enum err_code code = db_exec(db, parents_sql, err);
    do {
        code = code ? code : find_orphans(db, &list, err);
        for (size_t i = 0; code == ERR_OK && i < list.count; i++) {
            code = put_one_aside(db, &list.items[i], err);
            count++;
        }
    } while (code == ERR_OK && list.count > 0);
    free(list.items);
    *ret_count = count;
    return code ? code : db_exec(db, children_sql, err);
}

/* Foreign keys are off meanwhile: what refers to a row that goes is looked at by itself. */
enum err_code doctor__quarantine(struct db *db, int64_t *ret_count, struct err *err)
{
    int64_t count = 0;
    enum err_code code = db_exec(db, "PRAGMA foreign_keys=OFF", err);
    if (code == ERR_OK) {
        code = db_begin(db, true, err);
    }
    if (code == ERR_OK) {
        /* Nobody else uses it. */
        db_expect_bytes(db, DB_ANY_BYTES);
        code = put_all_aside(db, &count, err);
        if (code) {
            db_rollback(db);
        } else {
            code = db_commit(db, err);
        }
    }
    enum err_code on = db_exec(db, "PRAGMA foreign_keys=ON", code ? NULL : err);
    code = code ? code : on;
    if (code == ERR_OK) {
        *ret_count = count;
    }
    return code;
}
