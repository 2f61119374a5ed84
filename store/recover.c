/*
 * Recovery: ends what dead processes left running.
 *
 * Each attempt is ended in a transaction of its own, by compare-and-set on its state, so that of
 * several processes that start at once exactly one ends it, counts it and books what it has
 * probably cost.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/attempt_internal.h"
#include "store/message.h"
#include "store/store_internal.h"

static const char running_sql[] = "SELECT id, answer, owner FROM attempt WHERE state = 'running'";
static const char end_parts_sql[] =
    "UPDATE part SET ended_at = ?2 WHERE message = ?1 AND ended_at IS NULL";
/* ?3: structural changes, the ended parts and the end itself. */
static const char end_message_sql[] =
    "UPDATE message SET reason = 'interrupted', error = 'ERR_INTERRUPTED',"
    " detail = 'the program ended before the answer did', ended_at = ?2, revision = revision + ?3,"
    " chunk_last = (SELECT max(id) FROM chunk) WHERE id = ?1 AND reason = ''";
struct abandoned {
    int64_t attempt;
    int64_t answer; /* 0: none */
    struct ulid owner;
};

struct abandoned_list {
    struct abandoned *items;
    size_t count;
};

static void append(struct abandoned_list *list, struct abandoned item)
{
    list->items = xrealloc(list->items, (list->count + 1) * sizeof(*list->items));
    list->items[list->count++] = item;
}

static enum err_code find_running(struct db *db, struct abandoned_list *list, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, running_sql, err);
    while (db_step(db, stmt, err)) {
        append(list, (struct abandoned){
                         .attempt = db_column_int(stmt, 0),
                         .answer = db_column_int(stmt, 1),
                         .owner = db_column_id(stmt, 2),
                     });
    }
    return db_result(db);
}

static enum err_code run_ending(struct db *db, const char *sql, int64_t row, int64_t now,
                                struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sql, err);
    db_bind_int(stmt, 1, row);
    db_bind_int(stmt, 2, now);
    return db_run(db, stmt, err);
}

static enum err_code end_message(struct db *db, int64_t row, int64_t now, struct err *err)
{
    enum err_code code = run_ending(db, end_parts_sql, row, now, err);
    if (code != ERR_OK) {
        return code;
    }
    int64_t changes = db_changes(db) + 1;
    struct sqlite3_stmt *stmt = db_prepare(db, end_message_sql, err);
    db_bind_int(stmt, 1, row);
    db_bind_int(stmt, 2, now);
    db_bind_int(stmt, 3, changes);
    return db_run(db, stmt, err);
}

/* What is stored of an answer. */
struct stored {
    uint64_t bytes;
    uint64_t written; /* of them, by the model itself */
};

/* `*ret_won` is false when another process has ended it meanwhile. */
static enum err_code end_in_transaction(struct db *db, const struct abandoned *item,
                                        const struct stored *stored, bool *ret_won, struct err *err)
{
    struct attempt_end end = {
        .attempt = item->attempt,
        .state = RUN_INTERRUPTED,
        .error = ERR_INTERRUPTED,
        .usage = usage_unknown(),
        .at_us = clock_wall_us(),
    };
    bool won = false;
    enum err_code code = expected_cost__find(db, item->attempt, stored->written, &end.usage, err);
    if (code == ERR_OK) {
        code = attempt_end(db, &end, &won, err);
    }
    if (code == ERR_OK && won && item->answer != 0) {
        code = end_message(db, item->answer, end.at_us, err);
    }
    if (code == ERR_OK && won && item->answer != 0) {
        code = usage_insert(db, item->answer, &end.usage, end.at_us, err);
    }
    *ret_won = code == ERR_OK && won;
    return code;
}

static enum err_code end_one(struct db *db, const struct abandoned *item,
                             const struct stored *stored, bool *ret_won, struct err *err)
{
    enum err_code code = db_begin(db, true, err);
    if (code != ERR_OK) {
        return code;
    }
    code = end_in_transaction(db, item, stored, ret_won, err);
    if (code != ERR_OK) {
        db_rollback(db);
        return code;
    }
    return db_commit(db, err);
}

static bool is_written(enum part_kind kind)
{
    return kind == PART_TEXT || kind == PART_REASONING || kind == PART_TOOL_CALL;
}

/* What cannot be read counts as nothing. Its process is gone, so nothing is added to it. */
static struct stored read_stored(struct db *db, int64_t row)
{
    struct err err = {ERR_OK, ""};
    struct message *message = NULL;
    struct stored stored = {0, 0};
    if (row == 0) {
        return stored;
    }
    if (message_read(db, row, &message, &err) != ERR_OK) {
        log_write(LOG_WARN, "recovered answer: %s", err.text);
        return stored;
    }
    for (size_t i = 0; i < message->part_count; i++) {
        stored.bytes += message->parts[i].text_n;
        stored.written += is_written(message->parts[i].kind) ? message->parts[i].text_n : 0;
    }
    message_free(message);
    return stored;
}

/* wide: the two counts are one result. */
enum err_code recover_run(struct db *db, const char *db_path, const struct ulid *self,
                          unsigned *ret_answers, uint64_t *ret_bytes, struct err *err)
{
    struct abandoned_list list = {NULL, 0};
    unsigned answers = 0;
    uint64_t bytes = 0;
    enum err_code code = find_running(db, &list, err);
    for (size_t i = 0; code == ERR_OK && i < list.count; i++) {
        const struct abandoned *item = &list.items[i];
        bool won = false;
        if (ulid_equal(&item->owner, self) || !process_is_gone(db_path, &item->owner)) {
            continue;
        }
        struct stored stored = read_stored(db, item->answer);
        code = end_one(db, item, &stored, &won, err);
        if (code == ERR_OK && won) {
            answers += item->answer != 0;
            bytes += stored.bytes;
        }
    }
    for (size_t i = 0; code == ERR_OK && i < list.count; i++) {
        process_forget(db_path, &list.items[i].owner);
    }
    free(list.items);
    if (code == ERR_OK) {
        *ret_answers = answers;
        *ret_bytes = bytes;
    }
    return code;
}
