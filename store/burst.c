/* Bursts: each function is one statement, all of them one transaction. */
#include "store/burst.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/attempt_internal.h"
#include "store/branch_internal.h"
#include "store/core_internal.h"
#include "store/participant_internal.h"
#include "store/session_internal.h"
#include "store/sql_internal.h"

struct burst {
    struct ulid turn;
    struct burst_item *items;
    size_t count;
    /* What run found. */
    struct ulid session;
    int64_t session_row, branch_row, turn_row, seq;
};

/* One of them, while it is written. */
struct writing {
    struct burst *burst;
    const struct burst_item *item;
    int64_t row, author;
};

static void free_items(struct burst_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        message_free(items[i].message);
        free(items[i].response_id);
        free(items[i].action);
    }
}

static void free_burst(void *state)
{
    struct burst *burst = state;
    if (burst) {
        free_items(burst->items, burst->count);
        free(burst->items);
        free(burst);
    }
}

/* ---- rows ---- */

static enum err_code find_turn(struct burst *burst, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT t.id, t.branch, s.id, s.uid, EXISTS (SELECT 1 FROM attempt a WHERE"
                   " a.branch = t.branch AND a.state = 'running') FROM turn t JOIN branch b"
                   " ON b.id = t.branch JOIN session s ON s.id = b.session WHERE t.uid = ?1"
                   " AND s.deleted_at IS NULL",
                   err);
    db_bind_id(stmt, 1, &burst->turn);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code : err_set(err, ERR_NOT_FOUND, "no turn '%s'", burst->turn.text);
    }
    burst->turn_row = db_column_int(stmt, 0);
    burst->branch_row = db_column_int(stmt, 1);
    burst->session_row = db_column_int(stmt, 2);
    burst->session = db_column_id(stmt, 3);
    bool running = db_column_int(stmt, 4) != 0;
    db_reset(stmt);
    return running ? err_set(err, ERR_EXISTS, "an answer is running in this session")
                   : branch__next_seq(db, burst->branch_row, &burst->seq, err);
}

/* Parts began and ended, and so did the message. */
static int64_t revision_of(const struct message *message)
{
    return 1 + 2 * (int64_t)message->part_count;
}

static enum err_code find_author(struct writing *writing, struct db *db, struct err *err)
{
    const struct message *message = writing->item->message;
    struct participant_key key = {PARTICIPANT_MODEL, sv_from(message->model), message->created_us};
    return participant__resolve(db, writing->burst->session_row, &key, &writing->author, err);
}

static enum err_code insert_message(struct writing *writing, struct db *db, struct err *err)
{
    const struct message *message = writing->item->message;
    struct sqlite3_stmt *stmt = db_prepare(
        db,
        "INSERT INTO message (id, uid, branch, seq, turn, role, model, reason, error, detail,"
        " revision, folded, created_at, ended_at, continues, action, participant)"
        " VALUES (" SQL__MESSAGE_ROW
        ", ?1, ?2, ?3, ?4, 'assistant', ?5, ?6, ?7, ?8, ?9, 1, ?10, ?11,"
        " (SELECT id FROM message WHERE uid = ?12), ?13, ?14)",
        err);
    db_bind_id(stmt, 1, &message->id);
    db_bind_int(stmt, 2, writing->burst->branch_row);
    db_bind_int(stmt, 3, writing->burst->seq++);
    db_bind_int(stmt, 4, writing->burst->turn_row);
    db_bind_text(stmt, 5, sv_from(message->model));
    db_bind_text(stmt, 6, sv_from(finish_reason_text(message->reason)));
    db_bind_error(stmt, 7, message->error);
    db_bind_text(stmt, 8, sv_from(message->detail));
    db_bind_int(stmt, 9, revision_of(message));
    db_bind_int(stmt, 10, message->created_us);
    db_bind_int(stmt, 11, message->ended_us);
    db_bind_id(stmt, 12, &writing->item->continues);
    db_bind_text(stmt, 13, sv_from(writing->item->action));
    db_bind_int(stmt, 14, writing->author);
    enum err_code code = db_run(db, stmt, err);
    writing->row = db_last_id(db);
    return code;
}

static enum err_code check_continued(struct writing *writing, struct db *db, struct err *err)
{
    if (!ulid_is_set(&writing->item->continues)) {
        return ERR_OK;
    }
    struct sqlite3_stmt *stmt =
        db_prepare(db, "SELECT continues IS NULL FROM message WHERE id = ?1", err);
    db_bind_int(stmt, 1, writing->row);
    bool missing = db_step(db, stmt, err) && db_column_int(stmt, 0) != 0;
    db_reset(stmt);
    return missing ? err_set(err, ERR_NOT_FOUND, "no message '%s' to go on with",
                             writing->item->continues.text)
                   : db_result(db);
}

static enum err_code insert_parts(struct writing *writing, struct db *db, struct err *err)
{
    const struct message *message = writing->item->message;
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < message->part_count; i++) {
        const struct message_part *part = &message->parts[i];
        struct sqlite3_stmt *stmt =
            db_prepare(db,
                       "INSERT INTO part (message, position, kind, tool_id, tool_name, began_at,"
                       " ended_at, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                       err);
        db_bind_int(stmt, 1, writing->row);
        db_bind_int(stmt, 2, (int64_t)i);
        db_bind_text(stmt, 3, sv_from(part_kind_text(part->kind)));
        db_bind_text(stmt, 4, sv_from(part->tool_id));
        db_bind_text(stmt, 5, sv_from(part->tool_name));
        db_bind_int(stmt, 6, part->began_us ? part->began_us : message->created_us);
        db_bind_int(stmt, 7, part->ended_us ? part->ended_us : message->ended_us);
        db_bind_text(stmt, 8, sv_of(part->text, part->text_n));
        db_expect_bytes(db, part->text_n);
        code = db_run(db, stmt, err);
    }
    return code;
}

/* It has ended already. Nothing is booked: whoever brings it has paid for it elsewhere, or has said
 * so before. */
static enum err_code insert_attempt(struct writing *writing, struct db *db, struct err *err)
{
    const struct message *message = writing->item->message;
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO attempt (uid, turn, branch, answer, state, owner, response_id,"
                   " error, detail, began_at, ended_at, model)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, '', ?6, ?7, ?8, ?9, ?10, ?11)",
                   err);
    struct ulid id = ulid_new();
    db_bind_id(stmt, 1, &id);
    db_bind_int(stmt, 2, writing->burst->turn_row);
    db_bind_int(stmt, 3, writing->burst->branch_row);
    db_bind_int(stmt, 4, writing->row);
    db_bind_text(stmt, 5, sv_from(run_state_text(run_state_of_finish(message->reason))));
    db_bind_text(stmt, 6, sv_from(writing->item->response_id));
    db_bind_error(stmt, 7, message->error);
    db_bind_text(stmt, 8, sv_from(message->detail));
    db_bind_int(stmt, 9, message->created_us);
    db_bind_int(stmt, 10, message->ended_us);
    db_bind_text(stmt, 11, sv_from(message->model));
    enum err_code code = db_run(db, stmt, err);
    return code ? code : usage_insert(db, writing->row, &message->usage, message->ended_us, err);
}

static enum err_code write_one(struct writing *writing, struct db *db, struct err *err)
{
    enum err_code (*const steps[])(struct writing *, struct db *, struct err *) = {
        find_author, insert_message, check_continued, insert_parts, insert_attempt,
    };
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < COUNT_OF(steps); i++) {
        code = steps[i](writing, db, err);
    }
    return code ? code
                : event_append(db, "created", writing->burst->session_row, writing->row, err);
}

static enum err_code count_in_session(struct burst *burst, struct db *db, struct err *err)
{
    const struct message *last = burst->items[burst->count - 1].message;
    int64_t input = 0;
    int64_t output = 0;
    int64_t cost = 0;
    for (size_t i = 0; i < burst->count; i++) {
        const struct usage *usage = &burst->items[i].message->usage;
        input += usage_or_0(usage->input_tokens);
        output += usage_or_0(usage->output_tokens);
        cost += usage_or_0(usage->cost_micros);
    }
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE session SET state = ?2, message_count = message_count + ?3,"
                   " model = coalesce(?4, model), input_tokens = input_tokens + ?5,"
                   " output_tokens = output_tokens + ?6, cost_micros = cost_micros + ?7"
                   " WHERE id = ?1",
                   err);
    db_bind_int(stmt, 1, burst->session_row);
    db_bind_text(stmt, 2, sv_from(run_state_text(run_state_of_finish(last->reason))));
    db_bind_int(stmt, 3, (int64_t)burst->count);
    db_bind_text(stmt, 4, sv_from(last->model));
    db_bind_int(stmt, 5, input);
    db_bind_int(stmt, 6, output);
    db_bind_int(stmt, 7, cost);
    enum err_code code = db_run(db, stmt, err);
    return code ? code : session__touch(db, burst->session_row, last->ended_us, err);
}

static enum err_code end_turn(struct burst *burst, struct db *db, struct err *err)
{
    const struct message *last = burst->items[burst->count - 1].message;
    struct sqlite3_stmt *stmt = db_prepare(
        db, "UPDATE turn SET state = ?2, ended_at = ?3, unanswered = 0 WHERE id = ?1", err);
    db_bind_int(stmt, 1, burst->turn_row);
    db_bind_text(stmt, 2, sv_from(run_state_text(run_state_of_finish(last->reason))));
    db_bind_int(stmt, 3, last->ended_us);
    enum err_code code = db_run(db, stmt, err);
    return code ? code : count_in_session(burst, db, err);
}

static enum err_code run_burst(void *state, struct db *db, struct err *err)
{
    struct burst *burst = state;
    enum err_code code = find_turn(burst, db, err);
    for (size_t i = 0; code == ERR_OK && i < burst->count; i++) {
        struct writing writing = {.burst = burst, .item = &burst->items[i]};
        code = write_one(&writing, db, err);
    }
    return code ? code : end_turn(burst, db, err);
}

/* ---- publishing ---- */

/* Readers ask for what they do not know: a session that changed is read again. */
static void publish(void *state, struct store *store)
{
    const struct burst *burst = state;
    session_update_publish(store->broker, &burst->session, false);
}

/* ---- the call ---- */

/* What was left out is filled in; what has not ended is not finished. */
static enum err_code prepare(struct burst_item *items, size_t count, struct err *err)
{
    size_t bytes = 0;
    int64_t now = clock_wall_us();
    for (size_t i = 0; i < count; i++) {
        struct message *message = items[i].message;
        for (size_t part = 0; part < message->part_count; part++) {
            bytes += message->parts[part].text_n;
        }
        message->id = ulid_is_set(&message->id) ? message->id : ulid_new();
        message->created_us = message->created_us ? message->created_us : now;
        message->ended_us = message->ended_us ? message->ended_us : message->created_us;
        message->reason = message->reason == FINISH_NONE ? FINISH_UNKNOWN : message->reason;
    }
    return bytes > BURST_MAX_BYTES
               ? err_set(err, ERR_TOO_BIG, "messages of %zu bytes at once are too large", bytes)
               : ERR_OK;
}

enum err_code burst_insert(struct store *store, const struct ulid *turn, struct burst_item *items,
                           size_t count, struct err *err)
{
    static const struct store_write write = {
        .full = true, .run = run_burst, .written = publish, .free_state = free_burst};
    enum err_code code = prepare(items, count, err);
    if (code || count == 0) {
        free_items(items, count);
        return code;
    }
    struct burst *burst = xcalloc(1, sizeof(*burst));
    burst->turn = *turn;
    burst->items = xcalloc(count, sizeof(*items));
    memcpy(burst->items, items, count * sizeof(*items));
    burst->count = count;
    code = store_write(store, &write, &burst, err);
    free_burst(burst);
    return code;
}
