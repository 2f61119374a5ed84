/*
 * Budget: rows by period and bucket, changed inside the transactions of turns.
 *
 * A claim is looked at against four rows (day and month, total and model), and reserved in all
 * four; settling takes it out of the same four, by the days that the reservation names, and books
 * what was spent there.
 */
#include "store/budget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/attempt_internal.h"
#include "store/core_internal.h"

#define TOTAL "total"
#define FORM "model:%s"
#define PATIENCE_US CLOCK_S(10)

/* One of the four rows. */
struct cell {
    const char *period;
    const char *starts_on;
    const char *bucket;
    int64_t limit;
    const char *name; /* for the refusal */
};

struct budget_limits budget_unlimited(void)
{
    return (struct budget_limits){BUDGET_NO_LIMIT, BUDGET_NO_LIMIT, BUDGET_NO_LIMIT,
                                  BUDGET_NO_LIMIT};
}

void budget_list_release(struct budget_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->rows[i].bucket);
    }
    free(list->rows);
    *list = (struct budget_list){NULL, 0};
}

static void month_of(const char day[CLOCK_DAY_SIZE], char out[CLOCK_DAY_SIZE])
{
    memcpy(out, day, CLOCK_DAY_SIZE);
    memcpy(out + CLOCK_DAY_SIZE - 3, "01", 3);
}

/* ---- reserving ---- */

static enum err_code bind_cell(struct db *db, struct sqlite3_stmt *stmt, const struct cell *cell,
                               int64_t amount, struct err *err)
{
    db_bind_text(stmt, 1, sv_from(cell->period));
    db_bind_text(stmt, 2, sv_from(cell->starts_on));
    db_bind_text(stmt, 3, sv_from(cell->bucket));
    db_bind_int(stmt, 4, amount);
    return db_run(db, stmt, err);
}

static enum err_code read_used(struct db *db, const struct cell *cell, int64_t *ret_used,
                               struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db,
                                           "SELECT spent_micros + reserved_micros FROM budget"
                                           " WHERE period = ?1 AND starts_on = ?2 AND bucket = ?3",
                                           err);
    db_bind_text(stmt, 1, sv_from(cell->period));
    db_bind_text(stmt, 2, sv_from(cell->starts_on));
    db_bind_text(stmt, 3, sv_from(cell->bucket));
    int64_t used = 0;
    if (db_step(db, stmt, err)) {
        used = db_column_int(stmt, 0);
        db_reset(stmt);
    } else if (db_result(db)) {
        return db_result(db);
    }
    *ret_used = used;
    return ERR_OK;
}

static void format_money(int64_t micros, char out[32])
{
    snprintf(out, 32, "$%lld.%06lld", (long long)(micros / 1000000), (long long)(micros % 1000000));
    /* Cents are enough where nothing follows them. */
    for (size_t n = strlen(out); n > 0 && out[n - 1] == '0' && out[n - 3] != '.'; n--) {
        out[n - 1] = '\0';
    }
}

static enum err_code check_cell(struct db *db, const struct cell *cell, int64_t amount,
                                struct err *err)
{
    int64_t used = 0;
    if (cell->limit == BUDGET_NO_LIMIT) {
        return ERR_OK;
    }
    enum err_code code = read_used(db, cell, &used, err);
    if (code || (used <= cell->limit && amount <= cell->limit - used)) {
        return code;
    }
    char limit[32];
    char spent[32];
    char wanted[32];
    format_money(cell->limit, limit);
    format_money(used, spent);
    format_money(amount, wanted);
    return err_set(err, ERR_BUDGET,
                   "the %s budget of %s is reached: %s is spent or promised, this needs up to %s",
                   cell->name, limit, spent, wanted);
}

static enum err_code reserve_cell(struct db *db, const struct cell *cell, int64_t amount,
                                  struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO budget (period, starts_on, bucket, reserved_micros)"
                   " VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET"
                   " reserved_micros = reserved_micros + ?4",
                   err);
    return bind_cell(db, stmt, cell, amount, err);
}

/* As taking it back finds it: by the days in which it was made. */
struct reservation {
    char day[CLOCK_DAY_SIZE];
    char month[CLOCK_DAY_SIZE];
    char *model;
    int64_t amount;
};

static enum err_code insert_reservation(struct db *db, int64_t attempt,
                                        const struct reservation *made, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "INSERT INTO reservation VALUES (?1, ?2, ?3, ?4, ?5)", err);
    db_bind_int(stmt, 1, attempt);
    db_bind_text(stmt, 2, sv_from(made->day));
    db_bind_text(stmt, 3, sv_from(made->month));
    db_bind_text(stmt, 4, sv_from(made->model));
    db_bind_int(stmt, 5, made->amount);
    return db_run(db, stmt, err);
}

/* Takes model, which may be NULL. */
static enum err_code reserve(struct db *db, int64_t attempt, char *model,
                             const struct budget_claim *claim, struct err *err)
{
    struct reservation made = {.model = model ? model : xstrdup("")};
    made.amount = claim->amount_micros > 0 ? claim->amount_micros : 0;
    clock_local_day(clock_wall_us(), made.day);
    month_of(made.day, made.month);
    char *bucket = xasprintf(FORM, made.model);
    const struct cell cells[] = {
        {"daily", made.day, TOTAL, claim->limits.daily_micros, "daily"},
        {"monthly", made.month, TOTAL, claim->limits.monthly_micros, "monthly"},
        {"daily", made.day, bucket, claim->limits.model_daily_micros, "daily model"},
        {"monthly", made.month, bucket, claim->limits.model_monthly_micros, "monthly model"},
    };
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < COUNT_OF(cells); i++) {
        code = check_cell(db, &cells[i], made.amount, err);
    }
    for (size_t i = 0; code == ERR_OK && i < COUNT_OF(cells); i++) {
        code = reserve_cell(db, &cells[i], made.amount, err);
    }
    if (code == ERR_OK) {
        code = insert_reservation(db, attempt, &made, err);
    }
    free(bucket);
    free(made.model);
    return code;
}

struct reserve_job {
    struct job job;
    struct ulid attempt;
    struct budget_claim claim;
    budget_done_fn *done;
    void *ctx;
};

static enum err_code run_reserve(struct job *job, struct store *store UNUSED, struct db *db,
                                 struct err *err)
{
    const struct reserve_job *self = (struct reserve_job *)job;
    struct sqlite3_stmt *stmt = db_prepare(
        db, "SELECT id, coalesce(model, '') FROM attempt WHERE uid = ?1 AND state = 'running'",
        err);
    db_bind_id(stmt, 1, &self->attempt);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code
                    : err_set(err, ERR_NOT_FOUND, "no running attempt '%s'", self->attempt.text);
    }
    int64_t row = db_column_int(stmt, 0);
    char *model = db_column_dup(stmt, 1);
    db_reset(stmt);
    return reserve(db, row, model, &self->claim, err);
}

static void finish_reserve(struct job *job, struct store *store UNUSED, enum err_code code,
                           const struct err *err)
{
    struct reserve_job *self = (struct reserve_job *)job;
    self->done(self->ctx, code, err);
    free(self);
}

/* wide: the pair done, ctx is one thing */
enum err_code budget_reserve_then(struct store *store, const struct ulid *attempt,
                                  const struct budget_claim *claim, budget_done_fn *done, void *ctx,
                                  struct err *err)
{
    struct reserve_job *self = xcalloc(1, sizeof(*self));
    self->job = (struct job){
        .deadline_us = clock_mono_us() + PATIENCE_US, .run = run_reserve, .finish = finish_reserve};
    self->attempt = *attempt;
    self->claim = *claim;
    self->done = done;
    self->ctx = ctx;
    enum err_code code = job_submit(store, &self->job, err);
    if (code) {
        free(self);
    }
    return code;
}

/* ---- the form that waits ---- */

static enum err_code run_reserve_state(void *state, struct db *db, struct err *err)
{
    return run_reserve(state, NULL, db, err);
}

enum err_code budget_reserve(struct store *store, const struct ulid *attempt,
                             const struct budget_claim *claim, struct err *err)
{
    static const struct store_write write = {.run = run_reserve_state, .free_state = free};
    struct reserve_job *self = xcalloc(1, sizeof(*self));
    self->attempt = *attempt;
    self->claim = *claim;
    enum err_code code = store_write(store, &write, &self, err);
    free(self);
    return code;
}

/* ---- settling ---- */

static void copy_day(char out[CLOCK_DAY_SIZE], struct sv day)
{
    snprintf(out, CLOCK_DAY_SIZE, "%.*s", (int)(day.n < CLOCK_DAY_SIZE ? day.n : 0), day.p);
}

/* Without a reservation the call is booked now, and releases nothing. */
static enum err_code take_reservation(struct db *db, int64_t attempt, const char *model,
                                      struct reservation *ret, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db,
                                           "DELETE FROM reservation WHERE attempt = ?1"
                                           " RETURNING day, month, model, amount_micros",
                                           err);
    db_bind_int(stmt, 1, attempt);
    ret->amount = 0;
    ret->model = NULL;
    if (db_step(db, stmt, err)) {
        copy_day(ret->day, db_column_text(stmt, 0));
        copy_day(ret->month, db_column_text(stmt, 1));
        ret->model = db_column_dup(stmt, 2);
        ret->amount = db_column_int(stmt, 3);
        while (db_step(db, stmt, err)) {
        }
    } else {
        clock_local_day(clock_wall_us(), ret->day);
        month_of(ret->day, ret->month);
    }
    if (!ret->model) {
        ret->model = xstrdup(model ? model : "");
    }
    return db_result(db);
}

/* A total counts tokens as well. */
static enum err_code settle_cell(struct db *db, const struct cell *cell, int64_t reserved,
                                 const struct usage *usage, struct err *err)
{
    bool total = strcmp(cell->bucket, TOTAL) == 0;
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO budget (period, starts_on, bucket, spent_micros, calls,"
                   " input_tokens, output_tokens) VALUES (?1, ?2, ?3, ?5, 1, ?6, ?7)"
                   " ON CONFLICT DO UPDATE SET reserved_micros = max(0, reserved_micros - ?4),"
                   " spent_micros = spent_micros + ?5, calls = calls + 1,"
                   " input_tokens = input_tokens + ?6, output_tokens = output_tokens + ?7",
                   err);
    db_bind_int(stmt, 5, usage_or_0(usage->cost_micros));
    db_bind_int(stmt, 6, total ? usage_or_0(usage->input_tokens) : 0);
    db_bind_int(stmt, 7, total ? usage_or_0(usage->output_tokens) : 0);
    return bind_cell(db, stmt, cell, reserved, err);
}

enum err_code budget__settle(struct db *db, int64_t attempt, const char *model,
                             const struct attempt_end *end, struct err *err)
{
    struct reservation was;
    enum err_code code = take_reservation(db, attempt, model, &was, err);
    char *bucket = xasprintf(FORM, was.model);
    const struct cell cells[] = {
        {"daily", was.day, TOTAL, 0, NULL},
        {"monthly", was.month, TOTAL, 0, NULL},
        {"daily", was.day, bucket, 0, NULL},
        {"monthly", was.month, bucket, 0, NULL},
    };
    for (size_t i = 0; code == ERR_OK && i < COUNT_OF(cells); i++) {
        code = settle_cell(db, &cells[i], was.amount, &end->usage, err);
    }
    free(bucket);
    free(was.model);
    return code;
}

/* ---- tools ---- */

struct tool_count {
    char *tool;
    int64_t calls;
};

static void free_tool_count(void *state)
{
    struct tool_count *count = state;
    if (count) {
        free(count->tool);
        free(count);
    }
}

static enum err_code add_tool_calls(struct db *db, const struct tool_count *count,
                                    const struct cell *cell, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO budget (period, starts_on, bucket, tool_calls)"
                   " VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET"
                   " tool_calls = tool_calls + ?4",
                   err);
    return bind_cell(db, stmt, cell, count->calls, err);
}

static enum err_code run_tool_count(void *state, struct db *db, struct err *err)
{
    const struct tool_count *count = state;
    char day[CLOCK_DAY_SIZE];
    char month[CLOCK_DAY_SIZE];
    clock_local_day(clock_wall_us(), day);
    month_of(day, month);
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO budget_tool VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET"
                   " calls = calls + ?3",
                   err);
    db_bind_text(stmt, 1, sv_from(day));
    db_bind_text(stmt, 2, sv_from(count->tool));
    db_bind_int(stmt, 3, count->calls);
    enum err_code code = db_run(db, stmt, err);
    const struct cell cells[] = {{"daily", day, TOTAL, 0, NULL},
                                 {"monthly", month, TOTAL, 0, NULL}};
    for (size_t i = 0; code == ERR_OK && i < COUNT_OF(cells); i++) {
        code = add_tool_calls(db, count, &cells[i], err);
    }
    return code;
}

enum err_code budget_count_tool(struct store *store, const char *tool, int64_t calls,
                                struct err *err)
{
    static const struct store_write write = {.run = run_tool_count, .free_state = free_tool_count};
    if (calls <= 0) {
        return ERR_OK;
    }
    struct tool_count *count = xcalloc(1, sizeof(*count));
    count->tool = xstrdup(tool);
    count->calls = calls;
    enum err_code code = store_write(store, &write, &count, err);
    free_tool_count(count);
    return code;
}

/* ---- reading ---- */

static enum err_code read_tool_calls(struct db *db, const char *day, const char *tool,
                                     int64_t *ret_calls, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "SELECT calls FROM budget_tool WHERE starts_on = ?1 AND tool = ?2", err);
    db_bind_text(stmt, 1, sv_from(day));
    db_bind_text(stmt, 2, sv_from(tool));
    int64_t calls = 0;
    if (db_step(db, stmt, err)) {
        calls = db_column_int(stmt, 0);
        db_reset(stmt);
    } else if (db_result(db)) {
        return db_result(db);
    }
    *ret_calls = calls;
    return ERR_OK;
}

enum err_code budget_tool_calls(struct store *store, const char *day, const char *tool,
                                int64_t *ret_calls, struct err *err)
{
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        code = read_tool_calls(db, day, tool, ret_calls, err);
    } else if (code == ERR_OK) {
        *ret_calls = 0;
    }
    reader_give(store, db);
    return code;
}

static void append_row(struct budget_list *list, struct sqlite3_stmt *stmt)
{
    list->rows = xrealloc(list->rows, (list->count + 1) * sizeof(*list->rows));
    struct budget_row *row = &list->rows[list->count++];
    *row = (struct budget_row){
        .monthly = sv_equal_str(db_column_text(stmt, 0), "monthly"),
        .bucket = db_column_dup(stmt, 2),
        .spent_micros = db_column_int(stmt, 3),
        .reserved_micros = db_column_int(stmt, 4),
        .calls = db_column_int(stmt, 5),
        .input_tokens = db_column_int(stmt, 6),
        .output_tokens = db_column_int(stmt, 7),
        .tool_calls = db_column_int(stmt, 8),
    };
    copy_day(row->starts_on, db_column_text(stmt, 1));
}

/* One range of the primary key for each period. */
static enum err_code read_period(struct db *db, const char *period, const char *since,
                                 struct budget_list *list, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT period, starts_on, bucket, spent_micros, reserved_micros, calls,"
                   " input_tokens, output_tokens, tool_calls FROM budget"
                   " WHERE period = ?1 AND starts_on >= ?2 ORDER BY starts_on DESC, bucket DESC",
                   err);
    db_bind_text(stmt, 1, sv_from(period));
    db_bind_text(stmt, 2, since ? sv_from(since) : SV(""));
    while (db_step(db, stmt, err)) {
        append_row(list, stmt);
    }
    return db_result(db);
}

enum err_code budget_list(struct store *store, const char *since, struct budget_list *ret_list,
                          struct err *err)
{
    struct budget_list list = {NULL, 0};
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        code = read_period(db, "daily", since, &list, err);
    }
    if (code == ERR_OK && db) {
        code = read_period(db, "monthly", since, &list, err);
    }
    reader_give(store, db);
    if (code) {
        budget_list_release(&list);
        return code;
    }
    *ret_list = list;
    return ERR_OK;
}
