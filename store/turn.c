/*
 * Turn: one job of the writer's that stores a user's message and opens the message of the answer.
 *
 * The answer becomes live, and both are published, only after the commit: nobody sees what is not
 * on the disk.
 */
#include "store/turn.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/turn_internal.h"

static void free_job(struct turn_job *self)
{
    free(self->scope);
    free(self->prompt);
    free(self->model);
    free(self->key_scope);
    free(self->key);
    free(self->fingerprint);
    free(self->attachments);
    free(self);
}

/* ---- the job ---- */

/* A turn of the caller's name that is there already: nothing is written. */
static enum err_code find_named(struct turn_job *self, struct db *db, bool *ret_done,
                                struct err *err)
{
    *ret_done = false;
    if (!ulid_is_set(&self->id)) {
        return ERR_OK;
    }
    enum err_code code = turn_read(db, &self->id, &self->turn, err);
    *ret_done = code == ERR_OK;
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code run_turn(struct job *job, struct store *store, struct db *db, struct err *err)
{
    struct turn_job *self = (struct turn_job *)job;
    struct ulid at = self->at;
    bool done = false;
    self->now_us = clock_wall_us();
    self->turn = (struct turn){.outcome = TURN_BEGUN};
    self->act = self->kind;
    self->busy = false;
    enum err_code code = find_named(self, db, &done, err);
    if (code == ERR_OK && !done) {
        code = turn__look_up(self, db, &done, err);
    }
    if (code || done) {
        return code;
    }
    self->turn = (struct turn){.outcome = self->unanswered ? TURN_UNANSWERED : TURN_BEGUN};
    code = turn__place(self, db, err);
    if (code == ERR_OK) {
        code = turn__write(self, db, process_lock_id(store->process), err);
    }
    if (code == ERR_OK) {
        code = turn__keep_key(self, db, err);
    }
    self->at = at;
    return code;
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
    live->seq = self->answer_seq;
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
    update->seq = self->prompt_seq;
    update->revision = turn__prompt_revision(self);
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
    update->seq = self->answer_seq;
    update->model = update_string(update, self->model);
    return update;
}

/* The answer becomes live, then both are told of. */
static void publish_turn(struct store *store, struct turn_job *self)
{
    bool answered = ulid_is_set(&self->turn.answer);
    pthread_mutex_lock(&store->publish_lock);
    if (answered) {
        pthread_mutex_lock(&store->lock);
        struct live *live = make_live(self);
        idmap_put(&store->live, &live->id, live);
        pthread_mutex_unlock(&store->lock);
    }
    session_update_publish(store->broker, &self->turn.session, false);
    if (turn__has_prompt(self)) {
        publish_created(store, self, prompt_created(self));
    }
    if (answered) {
        publish_created(store, self, answer_created(self));
    }
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

static void copy_key(struct turn_job *self, const struct turn_key *key)
{
    if (key->key.n > 0) {
        self->key = xstrndup(key->key.p, key->key.n);
        self->key_scope = xstrndup(key->scope.p ? key->scope.p : "", key->scope.n);
        self->fingerprint =
            xstrndup(key->fingerprint.p ? key->fingerprint.p : "", key->fingerprint.n);
    }
}

static struct turn_job *job_new(const struct turn_request *request, int64_t deadline_us)
{
    struct turn_job *self = xcalloc(1, sizeof(*self));
    self->job = (struct job){
        .full = true, .deadline_us = deadline_us, .run = run_turn, .finish = finish_turn};
    self->kind = request->kind;
    self->id = request->id;
    self->session = request->session;
    self->at = request->at;
    self->scope = sv_dup_or_null(request->scope);
    self->prompt = xstrndup(request->prompt.p ? request->prompt.p : "", request->prompt.n);
    self->prompt_n = request->prompt.n;
    self->model = sv_dup_or_null(request->model);
    self->unanswered = request->unanswered;
    self->by_run = request->by_run;
    copy_key(self, &request->key);
    copy_attachments(self, request);
    return self;
}

/* wide: begun and ctx are one thing */
static enum err_code submit(struct store *store, const struct turn_request *request,
                            int64_t deadline_us, turn_begun_fn *begun, void *ctx, struct err *err)
{
    bool needs_at = request->kind != TURN_NEW;
    if (needs_at != ulid_is_set(&request->at) ||
        (request->unanswered && request->kind > TURN_EDIT)) {
        return err_set(err, ERR_INVALID, "a turn of this kind is asked for otherwise");
    }
    struct turn_job *self = job_new(request, deadline_us);
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
    if (abandoned && code == ERR_OK && turn->outcome == TURN_BEGUN && !turn->existed) {
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
