/*
 * Usage of messages: one row for each, and sums of them.
 *
 * A report reads one range of the index by time and adds each row to the group of its name: nothing
 * is sorted by the database, and no more than the groups is held in memory.
 */
#include "store/usage.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/attempt_internal.h"

static void bind_known(struct sqlite3_stmt *stmt, int at, int64_t value)
{
    if (value == USAGE_UNKNOWN) {
        db_bind_null(stmt, at);
    } else {
        db_bind_int(stmt, at, value);
    }
}

/* The first one to be written is what was booked; a later writer changes nothing. */
enum err_code usage_insert(struct db *db, int64_t message, const struct usage *usage, int64_t at_us,
                           struct err *err)
{
    if (!usage_is_known(usage)) {
        return ERR_OK;
    }
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT OR IGNORE INTO usage (message, input_tokens, output_tokens,"
                   " cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_micros, at,"
                   " model, session, estimated)"
                   " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, m.model, b.session, ?9"
                   " FROM message m JOIN branch b ON b.id = m.branch WHERE m.id = ?1",
                   err);
    db_bind_int(stmt, 1, message);
    bind_known(stmt, 2, usage->input_tokens);
    bind_known(stmt, 3, usage->output_tokens);
    bind_known(stmt, 4, usage->cache_read_tokens);
    bind_known(stmt, 5, usage->cache_write_tokens);
    bind_known(stmt, 6, usage->reasoning_tokens);
    bind_known(stmt, 7, usage->cost_micros);
    db_bind_int(stmt, 8, at_us);
    db_bind_int(stmt, 9, usage->cost_estimated);
    return db_run(db, stmt, err);
}

/* ---- reports ---- */

#define COLUMNS                                                                                    \
    "u.input_tokens, u.output_tokens, u.cache_read_tokens, u.cache_write_tokens,"                  \
    " u.reasoning_tokens, u.cost_micros, u.estimated"
#define RANGE " WHERE u.at >= ?1 AND u.at < ?2"

/* The name comes last; a time stands for its day. */
static const char *const group_sql[] = {
    [USAGE_BY_DAY] = "SELECT " COLUMNS ", u.at FROM usage u" RANGE,
    [USAGE_BY_MODEL] = "SELECT " COLUMNS ", coalesce(u.model, '') FROM usage u" RANGE,
    [USAGE_BY_SESSION] =
        "SELECT " COLUMNS ", s.uid FROM usage u JOIN session s ON s.id = u.session" RANGE,
    [USAGE_BY_LABEL] =
        "SELECT " COLUMNS ", l.name FROM usage u JOIN label l ON l.session = u.session" RANGE,
};
#define NAME_COLUMN 7

struct summing {
    enum usage_group group;
    struct usage_row **rows; /* by name */
    size_t count;
};

void usage_report_release(struct usage_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        free(report->rows[i].name);
    }
    free(report->rows);
    *report = (struct usage_report){.rows = NULL};
}

static void add(struct usage_row *row, struct sqlite3_stmt *stmt)
{
    row->messages++;
    row->input_tokens += db_column_int(stmt, 0);
    row->output_tokens += db_column_int(stmt, 1);
    row->cache_read_tokens += db_column_int(stmt, 2);
    row->cache_write_tokens += db_column_int(stmt, 3);
    row->reasoning_tokens += db_column_int(stmt, 4);
    row->cost_micros += db_column_int(stmt, 5);
    row->unknown_costs += db_column_is_null(stmt, 5);
    row->estimated_costs += db_column_int(stmt, 6) != 0;
}

static char *name_of(enum usage_group group, struct sqlite3_stmt *stmt)
{
    char day[CLOCK_DAY_SIZE];
    if (group != USAGE_BY_DAY) {
        return db_column_dup(stmt, NAME_COLUMN);
    }
    clock_local_day(db_column_int(stmt, NAME_COLUMN), day);
    return xstrdup(day);
}

/* Where the name is, or belongs. */
static size_t place_of(const struct summing *summing, const char *name)
{
    size_t low = 0;
    size_t high = summing->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(summing->rows[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Takes the name. */
static struct usage_row *find_or_make(struct summing *summing, char *name)
{
    size_t at = place_of(summing, name);
    if (at < summing->count && strcmp(summing->rows[at]->name, name) == 0) {
        free(name);
        return summing->rows[at];
    }
    size_t count = summing->count++;
    summing->rows = xgrow(summing->rows, count, sizeof(struct usage_row *));
    memmove(&summing->rows[at + 1], &summing->rows[at], (count - at) * sizeof(struct usage_row *));
    struct usage_row *row = xcalloc(1, sizeof(*row));
    row->name = name;
    summing->rows[at] = row;
    return row;
}

static void move_out(struct summing *summing, struct usage_report *report)
{
    report->count = summing->count;
    report->rows = xcalloc(report->count > 0 ? report->count : 1, sizeof(*report->rows));
    for (size_t i = 0; i < report->count; i++) {
        report->rows[i] = *summing->rows[i];
        free(summing->rows[i]);
    }
    free(summing->rows);
}

static enum err_code read_groups(struct db *db, struct summing *summing, int64_t since_us,
                                 int64_t until_us, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, group_sql[summing->group], err);
    db_bind_int(stmt, 1, since_us);
    db_bind_int(stmt, 2, until_us);
    while (db_step(db, stmt, err)) {
        add(find_or_make(summing, name_of(summing->group, stmt)), stmt);
    }
    return db_result(db);
}

/* Apart from the groups: a message may be in several of them, or in none. */
static enum err_code read_total(struct db *db, struct usage_row *total, int64_t since_us,
                                int64_t until_us, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, group_sql[USAGE_BY_DAY], err);
    db_bind_int(stmt, 1, since_us);
    db_bind_int(stmt, 2, until_us);
    while (db_step(db, stmt, err)) {
        add(total, stmt);
    }
    return db_result(db);
}

/* wide: as the header says. */
enum err_code usage_report(struct store *store, enum usage_group group, int64_t since_us,
                           int64_t until_us, struct usage_report *ret_report, struct err *err)
{
    struct summing summing = {.group = group};
    struct usage_report report = {.rows = NULL};
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        code = read_groups(db, &summing, since_us, until_us, err);
    }
    if (code == ERR_OK && db) {
        code = read_total(db, &report.total, since_us, until_us, err);
    }
    reader_give(store, db);
    move_out(&summing, &report);
    if (code) {
        usage_report_release(&report);
        return code;
    }
    *ret_report = report;
    return ERR_OK;
}

bool usage_is_estimated(struct store *store, const struct ulid *session)
{
    struct db *db = NULL;
    bool estimated = false;
    if (reader_take(store, &db, NULL) == ERR_OK && db) {
        struct sqlite3_stmt *stmt =
            db_prepare(db,
                       "SELECT 1 FROM session s CROSS JOIN branch b ON b.session = s.id"
                       " CROSS JOIN message m ON m.branch = b.id"
                       " CROSS JOIN usage u ON u.message = m.id"
                       " WHERE s.uid = ?1 AND u.estimated AND u.cost_micros > 0 LIMIT 1",
                       NULL);
        db_bind_id(stmt, 1, session);
        estimated = db_step(db, stmt, NULL);
        db_reset(stmt);
    }
    reader_give(store, db);
    return estimated;
}
