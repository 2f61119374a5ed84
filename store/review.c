/*
 * Review: the queue, and the summary by model.
 *
 * The queue walks the index of the list of sessions, with one look at an index for each session.
 * The summary reads answers by number, a page at a time, so that no snapshot is held for long; of
 * each model it keeps the times of all answers, for the medians.
 */
#include "store/review.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/session_internal.h"
#include "store/vocabulary.h"

#define PAGE 500

static const char queue_sql[] =
    SESSION__COLUMNS("NULL") " FROM session s INDEXED BY session_shown WHERE " SESSION__SHOWN
                             " AND s.last_active_at <= ?2 AND (s.last_active_at < ?2 OR s.id > ?3)"
                             " AND s.message_count > 0"
                             " AND (?4 IS NULL OR ?4 = " SESSION__ORIGIN
                             ") AND NOT EXISTS (SELECT 1 FROM verdict v"
                             " WHERE v.session = s.id AND v.message IS NULL"
                             " AND v.decided_at >= s.last_active_at)"
                             " ORDER BY s.last_active_at DESC, s.id LIMIT ?1";

#define ANSWER                                                                                     \
    "SELECT m.id, coalesce(m.model, ''), m.reason, m.created_at, p.began_at, m.ended_at,"          \
    " u.input_tokens, u.output_tokens, u.cost_micros, coalesce(v.rating,"                          \
    " (SELECT w.rating FROM verdict w WHERE w.session = s.id AND w.message IS NULL))"
#define JOINS                                                                                      \
    " LEFT JOIN part p ON p.message = m.id AND p.position = 0"                                     \
    " LEFT JOIN usage u ON u.message = m.id LEFT JOIN verdict v ON v.message = m.id"
#define WANTED                                                                                     \
    " AND m.role = 'assistant' AND m.reason <> '' AND m.deleted_at IS NULL"                        \
    " AND s.deleted_at IS NULL"

/* ?1: all that come after this number; ?2: at most so many; ?3: a session. */
static const char of_all_sql[] = ANSWER " FROM message m CROSS JOIN branch b ON b.id = m.branch"
                                        " CROSS JOIN session s ON s.id = b.session" JOINS
                                        " WHERE m.id > ?1" WANTED " ORDER BY m.id LIMIT ?2";
static const char of_session_sql[] =
    ANSWER " FROM session s CROSS JOIN branch b ON b.session = s.id"
           " CROSS JOIN message m ON m.branch = b.id" JOINS " WHERE s.uid = ?3" WANTED;

/* ---- the queue ---- */

static enum err_code read_queue(struct db *db, const struct review_query *query,
                                struct session_list *list, struct err *err)
{
    const struct session_cursor *cursor = &query->cursor;
    size_t limit = query->limit;
    bool is_set = ulid_is_set(&cursor->id);
    int64_t row = 0;
    if (is_set) {
        struct sqlite3_stmt *find = db_prepare(db, "SELECT id FROM session WHERE uid = ?1", err);
        db_bind_id(find, 1, &cursor->id);
        if (db_step(db, find, err)) {
            row = db_column_int(find, 0);
            db_reset(find);
        } else if (db_result(db)) {
            return db_result(db);
        }
    }
    struct sqlite3_stmt *stmt = db_prepare(db, queue_sql, err);
    db_bind_int(stmt, 1, limit < INT64_MAX ? (int64_t)limit + 1 : INT64_MAX);
    db_bind_int(stmt, 2, is_set ? cursor->at_us : INT64_MAX);
    db_bind_int(stmt, 3, row);
    db_bind_text(stmt, 4,
                 sv_from(query->of_one_origin ? session_origin_text(query->origin) : NULL));
    return session__read_all(db, stmt, limit, list, err);
}

enum err_code review_queue(struct store *store, const struct review_query *query,
                           struct session_list *ret_list, struct err *err)
{
    struct session_list list = {NULL, 0, false};
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        code = read_queue(db, query, &list, err);
    }
    reader_give(store, db);
    if (code) {
        session_list_release(&list);
        return code;
    }
    *ret_list = list;
    return ERR_OK;
}

/* ---- the summary ---- */

struct times {
    int64_t *items;
    size_t count;
};

/* A model on the way. */
struct tally {
    struct review_model model;
    struct times first, duration;
};

struct tallies {
    struct tally *items; /* by name */
    size_t count;
    int64_t since_us, until_us;
    int64_t last_row;
};

void review_summary_release(struct review_summary *summary)
{
    for (size_t i = 0; i < summary->count; i++) {
        free(summary->models[i].name);
    }
    free(summary->models);
    *summary = (struct review_summary){NULL, 0};
}

static void add_time(struct times *times, int64_t us)
{
    times->items = xgrow(times->items, times->count, sizeof(*times->items));
    times->items[times->count++] = us;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The lower one of the two in the middle, which is a time that was. Frees. */
static int64_t median(struct times *times)
{
    int64_t value = -1;
    if (times->count > 0) {
        qsort(times->items, times->count, sizeof(*times->items), compare);
        value = times->items[(times->count - 1) / 2];
    }
    free(times->items);
    return value;
}

/* Few models, many answers: mostly it is found at once. */
static struct tally *tally_of(struct tallies *tallies, struct sv name)
{
    size_t at = 0;
    while (at < tallies->count && !sv_equal_str(name, tallies->items[at].model.name)) {
        at++;
    }
    if (at == tallies->count) {
        tallies->items = xrealloc(tallies->items, ++tallies->count * sizeof(*tallies->items));
        tallies->items[at] = (struct tally){.model.name = xstrndup(name.p, name.n)};
    }
    return &tallies->items[at];
}

static bool is_error(struct sv reason)
{
    return sv_equal_str(reason, finish_reason_text(FINISH_ERROR)) ||
           sv_equal_str(reason, finish_reason_text(FINISH_INTERRUPTED));
}

static void add_usage(struct review_model *model, struct sqlite3_stmt *stmt)
{
    model->input_tokens += db_column_int(stmt, 6);
    model->output_tokens += db_column_int(stmt, 7);
    model->cost_micros += db_column_int(stmt, 8);
    model->unknown_costs += db_column_is_null(stmt, 8);
    model->rated += !db_column_is_null(stmt, 9);
    model->rating_sum += db_column_int(stmt, 9);
}

/* Times that are not known are left out: of what came from a file that knows one moment of it, and
 * of a clock that was set back. */
static void add_answer(struct tallies *tallies, struct sqlite3_stmt *stmt)
{
    int64_t began = db_column_int(stmt, 3);
    int64_t first = db_column_int(stmt, 4);
    int64_t ended = db_column_int(stmt, 5);
    tallies->last_row = db_column_int(stmt, 0);
    if (began < tallies->since_us || (tallies->until_us > 0 && began >= tallies->until_us)) {
        return;
    }
    struct tally *tally = tally_of(tallies, db_column_text(stmt, 1));
    bool failed = is_error(db_column_text(stmt, 2));
    tally->model.answers++;
    tally->model.errors += failed;
    add_usage(&tally->model, stmt);
    if (first > began) {
        add_time(&tally->first, first - began);
    }
    if (ended > began && !failed) {
        add_time(&tally->duration, ended - began);
    }
}

static enum err_code read_answers(struct db *db, struct tallies *tallies,
                                  const struct ulid *session, size_t *ret_count, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, session ? of_session_sql : of_all_sql, err);
    if (session) {
        db_bind_id(stmt, 3, session);
    } else {
        db_bind_int(stmt, 1, tallies->last_row);
        db_bind_int(stmt, 2, PAGE);
    }
    for (*ret_count = 0; db_step(db, stmt, err); (*ret_count)++) {
        add_answer(tallies, stmt);
    }
    return db_result(db);
}

static enum err_code read_page(struct store *store, struct tallies *tallies,
                               const struct ulid *session, bool *ret_more, struct err *err)
{
    size_t count = 0;
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        code = read_answers(db, tallies, session, &count, err);
    }
    reader_give(store, db);
    *ret_more = !session && count == PAGE;
    return code;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct review_model *)a)->name, ((const struct review_model *)b)->name);
}

/* Frees what is left on the way. */
static struct review_summary finish(struct tallies *tallies)
{
    struct review_summary summary = {xcalloc(tallies->count + 1, sizeof(*summary.models)),
                                     tallies->count};
    for (size_t i = 0; i < tallies->count; i++) {
        struct tally *tally = &tallies->items[i];
        summary.models[i] = tally->model;
        summary.models[i].first_us = median(&tally->first);
        summary.models[i].duration_us = median(&tally->duration);
    }
    free(tallies->items);
    qsort(summary.models, summary.count, sizeof(*summary.models), by_name);
    return summary;
}

/* wide: as the header says. */
enum err_code review_summary(struct store *store, const struct ulid *session, int64_t since_us,
                             int64_t until_us, struct review_summary *ret_summary, struct err *err)
{
    struct tallies tallies = {.since_us = since_us, .until_us = until_us};
    enum err_code code = ERR_OK;
    bool more = true;
    while (code == ERR_OK && more) {
        code = read_page(store, &tallies, session, &more, err);
    }
    struct review_summary summary = finish(&tallies);
    if (code) {
        review_summary_release(&summary);
        return code;
    }
    *ret_summary = summary;
    return ERR_OK;
}
