/*
 * Salvage: what can be read of a damaged database goes into a new one, row by row.
 *
 * A table is read in the order of its row numbers. Where a page cannot be read, numbers beyond it
 * are tried, twice as far each time, until one can; then the first one that can is looked for in
 * between, so that no more is left out than what is damaged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "store/db_struct.h"
#include "store/doctor_internal.h"

struct table {
    char name[64];
    bool has_rows; /* row numbers */
};

struct salvage {
    struct db *from, *to;
    sqlite3_stmt *read; /* ?1: from which number on */
    sqlite3_stmt *write;
    int64_t rows;
};

static int prepare(struct db *db, sqlite3_stmt **ret_stmt, char *sql)
{
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, ret_stmt, NULL);
    free(sql);
    return rc;
}

/* As many question marks as the table has columns. */
static char *insert_sql(const char *table, int columns)
{
    struct buf sql = BUF_INIT(BUF_MAX_INTERNAL);
    buf_appendf(&sql, "INSERT OR IGNORE INTO \"%s\" VALUES (", table);
    for (int i = 0; i < columns; i++) {
        buf_append_str(&sql, i ? ",?" : "?");
    }
    buf_append_byte(&sql, ')');
    return buf_detach(&sql);
}

/* Row numbers are read as one column more. False: the damaged file does not have the table. */
static bool open_table(struct salvage *salvage, const struct table *table)
{
    char *sql =
        table->has_rows
            ? xasprintf("SELECT rowid, * FROM \"%s\" NOT INDEXED WHERE rowid >= ?1 ORDER BY rowid",
                        table->name)
            : xasprintf("SELECT 0, * FROM \"%s\" WHERE ?1 IS NOT NULL", table->name);
    if (prepare(salvage->from, &salvage->read, sql) != SQLITE_OK) {
        return false;
    }
    int columns = sqlite3_column_count(salvage->read) - 1;
    sql = insert_sql(table->name, columns);
    return prepare(salvage->to, &salvage->write, sql) == SQLITE_OK;
}

static void close_table(struct salvage *salvage)
{
    (void)sqlite3_finalize(salvage->read);
    (void)sqlite3_finalize(salvage->write);
    salvage->read = salvage->write = NULL;
}

/* A row whose values do not fit their columns any more is damaged, and left out. */
static enum err_code put_row(struct salvage *salvage, struct err *err)
{
    int columns = sqlite3_column_count(salvage->read) - 1;
    for (int i = 0; i < columns; i++) {
        (void)sqlite3_bind_value(salvage->write, i + 1, sqlite3_column_value(salvage->read, i + 1));
    }
    int rc = sqlite3_step(salvage->write);
    (void)sqlite3_reset(salvage->write);
    if (rc == SQLITE_DONE) {
        salvage->rows++;
        return ERR_OK;
    }
    return (rc & 0xff) == SQLITE_CONSTRAINT ? ERR_OK : db__fail(salvage->to, rc, "write", err);
}

/* From that number on, until the end (true) or damage; *ret_last is the last one that was read. */
static enum err_code read_run(struct salvage *salvage, int64_t from, int64_t *ret_last,
                              bool *ret_end, struct err *err)
{
    enum err_code code = ERR_OK;
    int rc = SQLITE_OK;
    (void)sqlite3_bind_int64(salvage->read, 1, from);
    while (code == ERR_OK && (rc = sqlite3_step(salvage->read)) == SQLITE_ROW) {
        *ret_last = sqlite3_column_int64(salvage->read, 0);
        code = put_row(salvage, err);
    }
    (void)sqlite3_reset(salvage->read);
    *ret_end = rc == SQLITE_DONE;
    return code;
}

static bool can_read(struct salvage *salvage, int64_t from)
{
    (void)sqlite3_bind_int64(salvage->read, 1, from);
    int rc = sqlite3_step(salvage->read);
    (void)sqlite3_reset(salvage->read);
    return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

/* The first number after `last` from which on something can be read; 0: none. */
static int64_t beyond_damage(struct salvage *salvage, int64_t last)
{
    int64_t bad = last;
    int64_t step = 1;
    while (step < INT64_MAX / 4 && last < INT64_MAX / 2 && !can_read(salvage, last + step)) {
        bad = last + step;
        step *= 2;
    }
    if (step >= INT64_MAX / 4 || last >= INT64_MAX / 2) {
        return 0;
    }
    int64_t good = last + step;
    while (good - bad > 1) {
        int64_t middle = bad + (good - bad) / 2;
        bool readable = can_read(salvage, middle);
        good = readable ? middle : good;
        bad = readable ? bad : middle;
    }
    return good;
}

static enum err_code copy_table(struct salvage *salvage, const struct table *table, struct err *err)
{
    enum err_code code = ERR_OK;
    int64_t from = INT64_MIN;
    int64_t last = 0;
    bool end = !open_table(salvage, table);
    while (code == ERR_OK && !end) {
        code = read_run(salvage, from, &last, &end, err);
        if (code == ERR_OK && !end) {
            from = table->has_rows ? beyond_damage(salvage, last) : 0;
            end = from == 0;
            last = from;
        }
    }
    close_table(salvage);
    return code;
}

/* Tables of today's schema; those of the search are made anew from what is salvaged. */
static const char tables_sql[] =
    "SELECT name, NOT wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
    " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'words%'";

static enum err_code read_tables(struct db *db, struct table **ret_tables, size_t *ret_count,
                                 struct err *err)
{
    struct table *tables = NULL;
    size_t count = 0;
    struct sqlite3_stmt *stmt = db_prepare(db, tables_sql, err);
    while (db_step(db, stmt, err)) {
        tables = xrealloc(tables, (count + 1) * sizeof(*tables));
        struct sv name = db_column_text(stmt, 0);
        (void)snprintf(tables[count].name, sizeof(tables[count].name), "%.*s", SV_ARG(name));
        tables[count++].has_rows = db_column_int(stmt, 1) != 0;
    }
    *ret_tables = tables;
    *ret_count = count;
    return db_result(db);
}

static enum err_code copy_all(struct salvage *salvage, const struct table *tables, size_t count,
                              struct err *err)
{
    enum err_code code = db_exec(salvage->to, "PRAGMA foreign_keys=OFF", err);
    if (code == ERR_OK) {
        code = db_begin(salvage->to, true, err);
    }
    if (code == ERR_OK) {
        db_expect_bytes(salvage->to, DB_ANY_BYTES);
    }
    for (size_t i = 0; code == ERR_OK && i < count; i++) {
        code = copy_table(salvage, &tables[i], err);
    }
    if (code == ERR_OK) {
        code = db_exec(salvage->to,
                       "UPDATE message SET indexed = 0; UPDATE session SET title_indexed = 0", err);
    }
    if (code) {
        db_rollback(salvage->to);
        return code;
    }
    code = db_commit(salvage->to, err);
    return code ? code : db_exec(salvage->to, "PRAGMA foreign_keys=ON", err);
}

enum err_code doctor__salvage(struct db *from, struct db *to, int64_t *ret_rows, struct err *err)
{
    struct salvage salvage = {.from = from, .to = to};
    struct table *tables = NULL;
    size_t count = 0;
    enum err_code code = read_tables(to, &tables, &count, err);
    if (code == ERR_OK) {
        code = copy_all(&salvage, tables, count, err);
    }
    free(tables);
    if (code == ERR_OK && salvage.rows == 0) {
        code = err_set(err, ERR_CORRUPT, "nothing can be read of '%s'", from->path);
    }
    if (code == ERR_OK) {
        *ret_rows = salvage.rows;
    }
    return code;
}
