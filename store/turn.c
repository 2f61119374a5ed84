/*
 * Turn: one job of the writer's that stores a user's message and opens the message of the answer.
 *
 * The answer becomes live, and both are published, only after the commit: nobody sees what is not
 * on the disk.
 */
#include "store/turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "store/core_internal.h"

#define TITLE_BYTES 120
/* "2026-11-21T07:24:05": a reader wants no more. */
#define SECONDS_LENGTH 19
#define HANDLE_FIRST 4
#define HANDLE_LAST 10

struct turn_job {
    struct job job;
    struct ulid session;
    bool new_session;
    char *scope;
    char *prompt;
    size_t prompt_n;
    char *model;
    struct turn_attachment *attachments; /* complete ones; their texts follow in the same block */
    size_t attachment_count;
    turn_begun_fn *begun;
    void *ctx;
    /* What run found and made. */
    struct ulid id; /* the caller's, or unset */
    struct turn turn;
    int64_t session_row, branch_row, turn_row, attempt_row, prompt_row, answer_row;
    int64_t seq;
    int64_t now_us;
    bool busy; /* refused because an answer runs */
};

static void free_job(struct turn_job *self)
{
    free(self->scope);
    free(self->prompt);
    free(self->model);
    free(self->attachments);
    free(self);
}

/* ---- rows; each function is one statement ---- */

/* The random tail of the id, as many letters as it takes to be alone. */
static bool handle_is_free(struct db *db, struct sv handle, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, "SELECT 1 FROM session WHERE handle = ?1", err);
    db_bind_text(stmt, 1, handle);
    bool taken = db_step(db, stmt, err);
    db_reset(stmt);
    return !taken;
}

static struct sv make_handle(struct db *db, const struct ulid *id, char out[HANDLE_LAST + 1],
                             struct err *err)
{
    size_t length = HANDLE_FIRST;
    for (; length <= HANDLE_LAST; length++) {
        const char *tail = id->text + ULID_LENGTH - length;
        for (size_t i = 0; i < length; i++) {
            out[i] = tail[i] >= 'A' ? (char)(tail[i] - 'A' + 'a') : tail[i];
        }
        if (handle_is_free(db, sv_of(out, length), err)) {
            break;
        }
    }
    return sv_of(out, length < HANDLE_LAST ? length : HANDLE_LAST);
}

/* The prompt's first line that says something, cut at a code point. */
static struct sv title_of(const struct turn_job *self)
{
    struct sv rest = sv_trim(sv_of(self->prompt, self->prompt_n));
    struct sv line = {NULL, 0};
    if (!sv_next_line(&rest, &line)) {
        return SV("");
    }
    line = sv_trim(line);
    return sv_take(line, utf8_cut(line.p, line.n, TITLE_BYTES));
}

static enum err_code insert_session(struct turn_job *self, struct db *db, struct err *err)
{
    char handle[HANDLE_LAST + 1];
    self->turn.session = ulid_new();
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO session (uid, handle, title, scope, created_at, last_active_at)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                   err);
    db_bind_id(stmt, 1, &self->turn.session);
    db_bind_text(stmt, 2, make_handle(db, &self->turn.session, handle, err));
    db_bind_text(stmt, 3, title_of(self));
    db_bind_text(stmt, 4, self->scope ? sv_from(self->scope) : SV(""));
    db_bind_int(stmt, 5, self->now_us);
    enum err_code code = db_run(db, stmt, err);
    self->session_row = db_last_id(db);
    return code;
}

static enum err_code insert_branch(struct turn_job *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "INSERT INTO branch (session, created_at) VALUES (?1, ?2)", err);
    db_bind_int(stmt, 1, self->session_row);
    db_bind_int(stmt, 2, self->now_us);
    enum err_code code = db_run(db, stmt, err);
    self->branch_row = db_last_id(db);
    return code;
}

static enum err_code touch_session(struct turn_job *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "UPDATE session SET last_active_at = ?2, branch = ?3 WHERE id = ?1", err);
    db_bind_int(stmt, 1, self->session_row);
    db_bind_int(stmt, 2, self->now_us);
    db_bind_int(stmt, 3, self->branch_row);
    return db_run(db, stmt, err);
}

static enum err_code find_session(struct turn_job *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "SELECT id, branch FROM session WHERE uid = ?1", err);
    self->turn.session = self->session;
    self->session_row = 0;
    db_bind_id(stmt, 1, &self->session);
    if (db_step(db, stmt, err)) {
        self->session_row = db_column_int(stmt, 0);
        self->branch_row = db_column_int(stmt, 1);
    } else if (db_result(db)) {
        return db_result(db);
    }
    db_reset(stmt);
    return self->session_row ? ERR_OK
                             : err_set(err, ERR_NOT_FOUND, "no session '%s'", self->session.text);
}

/* Not ERR_BUSY, which the database says as well: waiting a moment would not help here. */
static enum err_code refuse_busy(struct db *db, const struct ulid *owner, int64_t since,
                                 struct err *err)
{
    char when[CLOCK_ISO_SIZE];
    char where[40] = "";
    long pid = process_pid(db_path(db), owner);
    if (pid > 0) {
        snprintf(where, sizeof(where), ", in process %ld", pid);
    }
    clock_format_utc(since, when);
    memcpy(when + SECONDS_LENGTH, "Z", 2);
    return err_set(err, ERR_EXISTS, "an answer is already running in this session%s, since %s",
                   where, when);
}

/* One answer at a time on a branch. */
static enum err_code check_idle(struct turn_job *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(
        db, "SELECT began_at, owner FROM attempt WHERE branch = ?1 AND state = 'running'", err);
    db_bind_int(stmt, 1, self->branch_row);
    if (!db_step(db, stmt, err)) {
        return db_result(db);
    }
    int64_t since = db_column_int(stmt, 0);
    struct ulid owner = db_column_id(stmt, 1);
    db_reset(stmt);
    self->busy = true;
    return refuse_busy(db, &owner, since, err);
}

static enum err_code next_seq(struct turn_job *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "SELECT coalesce((SELECT max(seq) FROM message WHERE branch = ?1),"
                   " (SELECT fork_seq FROM branch WHERE id = ?1), 0) + 1",
                   err);
    db_bind_int(stmt, 1, self->branch_row);
    if (db_step(db, stmt, err)) {
        self->seq = db_column_int(stmt, 0);
    }
    db_reset(stmt);
    return db_result(db);
}

static enum err_code insert_turn(struct turn_job *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "INSERT INTO turn (uid, branch, created_at) VALUES (?1, ?2, ?3)", err);
    self->turn.id = ulid_is_set(&self->id) ? self->id : ulid_new();
    db_bind_id(stmt, 1, &self->turn.id);
    db_bind_int(stmt, 2, self->branch_row);
    db_bind_int(stmt, 3, self->now_us);
    enum err_code code = db_run(db, stmt, err);
    self->turn_row = db_last_id(db);
    return code;
}

/* Each part began and ended, and so did the message. */
static uint32_t prompt_revision(const struct turn_job *self)
{
    return 3 + 2 * (uint32_t)self->attachment_count;
}

static enum err_code insert_prompt(struct turn_job *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO message (uid, branch, seq, turn, role, reason, revision, folded,"
                   " created_at, ended_at)"
                   " VALUES (?1, ?2, ?3, ?4, 'user', 'end_turn', ?6, 1, ?5, ?5)",
                   err);
    self->turn.prompt = ulid_new();
    db_bind_id(stmt, 1, &self->turn.prompt);
    db_bind_int(stmt, 2, self->branch_row);
    db_bind_int(stmt, 3, self->seq);
    db_bind_int(stmt, 4, self->turn_row);
    db_bind_int(stmt, 5, self->now_us);
    db_bind_int(stmt, 6, prompt_revision(self));
    enum err_code code = db_run(db, stmt, err);
    self->prompt_row = db_last_id(db);
    return code;
}

static enum err_code insert_prompt_text(struct turn_job *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO part (message, position, kind, began_at, ended_at, text)"
                   " VALUES (?1, 0, 'text', ?2, ?2, ?3)",
                   err);
    db_bind_int(stmt, 1, self->prompt_row);
    db_bind_int(stmt, 2, self->now_us);
    db_bind_text(stmt, 3, sv_of(self->prompt, self->prompt_n));
    return db_run(db, stmt, err);
}

static enum err_code insert_attachments(struct turn_job *self, struct db *db, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < self->attachment_count; i++) {
        struct sqlite3_stmt *stmt =
            db_prepare(db,
                       "INSERT INTO part (message, position, kind, tool_id, tool_name, began_at,"
                       " ended_at, text) VALUES (?1, ?2, 'attachment', ?3, ?4, ?5, ?5, ?6)",
                       err);
        db_bind_int(stmt, 1, self->prompt_row);
        db_bind_int(stmt, 2, (int64_t)i + 1);
        db_bind_text(stmt, 3, self->attachments[i].id);
        db_bind_text(stmt, 4, self->attachments[i].type);
        db_bind_int(stmt, 5, self->now_us);
        db_bind_text(stmt, 6, self->attachments[i].title);
        code = db_run(db, stmt, err);
    }
    return code;
}

static enum err_code insert_answer(struct turn_job *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO message (uid, branch, seq, turn, role, model, chunk_first,"
                   " created_at) VALUES (?1, ?2, ?3, ?4, 'assistant', ?5,"
                   " (SELECT coalesce(max(id), 0) + 1 FROM chunk), ?6)",
                   err);
    self->turn.answer = ulid_new();
    db_bind_id(stmt, 1, &self->turn.answer);
    db_bind_int(stmt, 2, self->branch_row);
    db_bind_int(stmt, 3, self->seq + 1);
    db_bind_int(stmt, 4, self->turn_row);
    db_bind_text(stmt, 5, sv_from(self->model));
    db_bind_int(stmt, 6, self->now_us);
    enum err_code code = db_run(db, stmt, err);
    self->answer_row = db_last_id(db);
    return code;
}

static enum err_code insert_attempt(struct turn_job *self, struct db *db, const struct ulid *owner,
                                    struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO attempt (uid, turn, branch, answer, owner, began_at)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                   err);
    self->turn.attempt = ulid_new();
    db_bind_id(stmt, 1, &self->turn.attempt);
    db_bind_int(stmt, 2, self->turn_row);
    db_bind_int(stmt, 3, self->branch_row);
    db_bind_int(stmt, 4, self->answer_row);
    db_bind_id(stmt, 5, owner);
    db_bind_int(stmt, 6, self->now_us);
    enum err_code code = db_run(db, stmt, err);
    self->attempt_row = db_last_id(db);
    return code;
}

/* ---- the job ---- */

static enum err_code open_session(struct turn_job *self, struct db *db, struct err *err)
{
    enum err_code code =
        self->new_session ? insert_session(self, db, err) : find_session(self, db, err);
    if (code == ERR_OK && self->new_session) {
        code = insert_branch(self, db, err);
    }
    if (code == ERR_OK) {
        code = touch_session(self, db, err);
    }
    return code ? code : check_idle(self, db, err);
}

static enum err_code run_turn(struct job *job, struct store *store, struct db *db, struct err *err)
{
    struct turn_job *self = (struct turn_job *)job;
    self->now_us = clock_wall_us();
    self->turn = (struct turn){.existed = false};
    self->busy = false;
    if (ulid_is_set(&self->id)) {
        enum err_code code = turn_read(db, &self->id, &self->turn, err);
        if (code != ERR_NOT_FOUND) {
            return code;
        }
    }
    enum err_code (*const steps[])(struct turn_job *, struct db *, struct err *) = {
        open_session,       next_seq,           insert_turn,   insert_prompt,
        insert_prompt_text, insert_attachments, insert_answer,
    };
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        enum err_code code = steps[i](self, db, err);
        if (code) {
            return code;
        }
    }
    return insert_attempt(self, db, process_lock_id(store->process), err);
}

static struct live *make_live(struct turn_job *self)
{
    struct live *live = live_new();
    live->id = self->turn.answer;
    live->session = self->turn.session;
    live->turn = self->turn.id;
    live->attempt = self->turn.attempt;
    live->row = self->answer_row;
    live->turn_row = self->turn_row;
    live->attempt_row = self->attempt_row;
    live->seq = self->seq + 1;
    live->role = ROLE_ASSISTANT;
    live->model = xstrdup(self->model);
    live->created_us = self->now_us;
    return live;
}

/* Takes the update. */
static void publish_created(struct store *store, const struct turn_job *self,
                            struct message_update *update)
{
    update->session = self->turn.session;
    update->turn = self->turn.id;
    update_publish(store->broker, update);
    payload_unref(&update->payload);
}

static struct message_update *prompt_created(const struct turn_job *self)
{
    size_t room = self->prompt_n;
    for (size_t i = 0; i < self->attachment_count; i++) {
        const struct turn_attachment *attachment = &self->attachments[i];
        room += attachment->id.n + attachment->type.n + attachment->title.n;
    }
    struct message_update *update = update_new(UPDATE_CREATED, 1 + self->attachment_count, room);
    update->message = self->turn.prompt;
    update->role = ROLE_USER;
    update->seq = self->seq;
    update->revision = prompt_revision(self);
    update->reason = FINISH_END_TURN;
    update->pieces[update->piece_count++] = (struct piece){
        .kind = PART_TEXT,
        .text = update_text(update, sv_of(self->prompt, self->prompt_n)),
        .ended = true,
    };
    for (size_t i = 0; i < self->attachment_count; i++) {
        update->pieces[update->piece_count++] = (struct piece){
            .part = (uint32_t)i + 1,
            .kind = PART_ATTACHMENT,
            .text = update_text(update, self->attachments[i].title),
            .ended = true,
            .tool_id = update_text(update, self->attachments[i].id),
            .tool_name = update_text(update, self->attachments[i].type),
        };
    }
    return update;
}

static struct message_update *answer_created(const struct turn_job *self)
{
    struct message_update *update =
        update_new(UPDATE_CREATED, 0, self->model ? strlen(self->model) + 1 : 0);
    update->message = self->turn.answer;
    update->role = ROLE_ASSISTANT;
    update->seq = self->seq + 1;
    update->model = update_string(update, self->model);
    return update;
}

/* The answer becomes live, then both are told of. */
static void publish_turn(struct store *store, struct turn_job *self)
{
    pthread_mutex_lock(&store->publish_lock);
    pthread_mutex_lock(&store->lock);
    struct live *live = make_live(self);
    idmap_put(&store->live, &live->id, live);
    pthread_mutex_unlock(&store->lock);
    session_update_publish(store->broker, &self->turn.session, false);
    publish_created(store, self, prompt_created(self));
    publish_created(store, self, answer_created(self));
    pthread_mutex_unlock(&store->publish_lock);
}

static void finish_turn(struct job *job, struct store *store, enum err_code code,
                        const struct err *err)
{
    struct turn_job *self = (struct turn_job *)job;
    struct err own;
    if (code == ERR_OK && !self->turn.existed) {
        publish_turn(store, self);
    } else if (code == ERR_EXISTS) {
        /* All ids are new, so what the database finds there already, or misses, is damage. */
        code = err_set(&own, self->busy ? ERR_BUSY : ERR_CORRUPT, "%s", err->text);
        err = &own;
    }
    self->begun(self->ctx, &self->turn, code, err);
    free_job(self);
}

static struct sv copy_text(char **at, struct sv text)
{
    struct sv copy = sv_of(*at, text.n);
    memcpy(*at, text.p, text.n);
    *at += text.n;
    return copy;
}

static bool is_complete(const struct turn_attachment *attachment)
{
    return attachment->id.n > 0 && attachment->title.n > 0 && attachment->type.n > 0;
}

static void copy_attachments(struct turn_job *self, const struct turn_request *request)
{
    size_t bytes = request->attachment_count * sizeof(struct turn_attachment);
    size_t texts = bytes;
    for (size_t i = 0; i < request->attachment_count; i++) {
        const struct turn_attachment *from = &request->attachments[i];
        bytes += from->id.n + from->title.n + from->type.n;
    }
    if (bytes == 0) {
        return;
    }
    self->attachments = xcalloc(1, bytes);
    char *at = (char *)self->attachments + texts;
    for (size_t i = 0; i < request->attachment_count; i++) {
        const struct turn_attachment *from = &request->attachments[i];
        if (is_complete(from)) {
            self->attachments[self->attachment_count++] = (struct turn_attachment){
                copy_text(&at, from->id), copy_text(&at, from->title), copy_text(&at, from->type)};
        }
    }
}

/* wide: begun and ctx are one thing */
static enum err_code submit(struct store *store, const struct turn_request *request,
                            int64_t deadline_us, turn_begun_fn *begun, void *ctx, struct err *err)
{
    struct turn_job *self = xcalloc(1, sizeof(*self));
    self->job = (struct job){
        .full = true, .deadline_us = deadline_us, .run = run_turn, .finish = finish_turn};
    self->id = request->id;
    self->session = request->session;
    self->new_session = !ulid_is_set(&request->session);
    self->scope = request->scope.n > 0 ? xstrndup(request->scope.p, request->scope.n) : NULL;
    self->prompt = xstrndup(request->prompt.p ? request->prompt.p : "", request->prompt.n);
    self->prompt_n = request->prompt.n;
    self->model = request->model.n > 0 ? xstrndup(request->model.p, request->model.n) : NULL;
    copy_attachments(self, request);
    self->begun = begun;
    self->ctx = ctx;
    enum err_code code = job_submit(store, &self->job, err);
    if (code) {
        free_job(self);
    }
    return code;
}

#define PATIENCE_US CLOCK_S(10)

enum err_code turn_begin_then(struct store *store, const struct turn_request *request,
                              turn_begun_fn *begun, void *ctx, struct err *err)
{
    return submit(store, request, clock_mono_us() + PATIENCE_US, begun, ctx, err);
}

/* ---- the form that waits ---- */

struct begun_wait {
    struct store *store;
    bool finished, abandoned;
    struct turn turn;
    enum err_code code;
    struct err err;
};

/* Who asked has given up; nobody is going to answer. */
static void end_unwanted(struct store *store, const struct turn *turn)
{
    struct err err;
    struct stream_event event = {.kind = STREAM_FINISH, .reason = FINISH_INTERRUPTED};
    if (message_apply_then(store, &turn->answer, &event, NULL, NULL, &err)) {
        log_write(LOG_WARN, "a turn that nobody waits for stays open: %s", err.text);
    }
}

static void on_begun(void *ctx, const struct turn *turn, enum err_code code, const struct err *err)
{
    struct begun_wait *wait = ctx;
    struct store *store = wait->store;
    pthread_mutex_lock(&store->lock);
    wait->finished = true;
    wait->code = code;
    if (code == ERR_OK) {
        wait->turn = *turn;
    } else {
        wait->err = *err;
    }
    bool abandoned = wait->abandoned;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
    if (abandoned && code == ERR_OK) {
        end_unwanted(store, turn);
    }
    if (abandoned) {
        free(wait);
    }
}

enum err_code turn_begin(struct store *store, const struct turn_request *request,
                         int64_t deadline_us, struct turn *ret_turn, struct err *err)
{
    struct begun_wait *wait = xcalloc(1, sizeof(*wait));
    wait->store = store;
    enum err_code code = submit(store, request, deadline_us, on_begun, wait, err);
    if (code) {
        free(wait);
        return code;
    }
    pthread_mutex_lock(&store->lock);
    while (!wait->finished && clock_cond_wait(&store->changed, &store->lock, deadline_us)) {
    }
    wait->abandoned = !wait->finished;
    bool finished = wait->finished;
    pthread_mutex_unlock(&store->lock);
    if (!finished) {
        return err_set(err, ERR_TIMEOUT, "the prompt is not stored yet");
    }
    code = wait->code;
    if (code == ERR_OK) {
        *ret_turn = wait->turn;
    } else {
        err_set(err, code, "%s", wait->err.text);
    }
    free(wait);
    return code;
}
