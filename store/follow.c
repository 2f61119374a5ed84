/*
 * Follower: what other processes write to the database reaches this one's readers as updates like
 * any other.
 *
 * A thread of its own, asleep until a bell rings (bells_internal.h). It then reads, in one
 * snapshot, the messages and chunk rows above those it has seen; ids only rise, so nothing is read
 * twice. For each message that another process is writing it keeps an entry, and publishes:
 * creation, pieces, and the end. The end (and what was under way before it began to look) goes out
 * with a revision that no reader can have, so that readers ask for a snapshot and text that was
 * folded meanwhile is not missed.
 *
 * When a process has gone, the writer is asked to run the recovery for what it left.
 *
 * Own messages are known by their attempt's owner and passed over: the writer has published them.
 *
 * What is not text (deleted, restored, renamed, a branch that became current …) stands in the table
 * event. It does not say whose it is, so what is published is what the event has come to: told of
 * twice, it is harmless.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/wake.h"
#include "store/bells_internal.h"
#include "store/core_internal.h"
#include "store/message.h"

/* Where files cannot be watched. */
#define LOOK_EVERY_US CLOCK_MS(100)
#define LOOK_IDLE_US CLOCK_S(1)
/* Messages so young at the start may have come between a reader's first page and now. */
#define YOUNG_US CLOCK_S(10)

struct foreign {
    struct foreign *next;
    int64_t row;
    struct ulid id, session, turn;
    int64_t seq;
};

struct follower {
    struct store *store;
    pthread_t thread;
    struct wake wake;
    struct bells *bells; /* NULL: looks from time to time */
    bool ending;         /* guarded by store->lock */
    struct db *db;
    struct ulid self;
    int64_t last_message, last_chunk, last_event;
    struct foreign *foreign;
};

static void fill_head(struct message_update *update, const struct foreign *foreign)
{
    update->session = foreign->session;
    update->message = foreign->id;
    update->turn = foreign->turn;
    update->role = ROLE_ASSISTANT;
    update->seq = foreign->seq;
}

/* Published under the same lock as everything else of this store. */
static void publish(struct follower *follower, struct message_update *update)
{
    pthread_mutex_lock(&follower->store->publish_lock);
    update_publish(follower->store->broker, update);
    pthread_mutex_unlock(&follower->store->publish_lock);
    payload_unref(&update->payload);
}

/* Says no more than that there is something to ask for. */
static void publish_gap(struct follower *follower, const struct foreign *foreign,
                        enum update_kind kind)
{
    struct message_update *update = update_new(kind, 0, 0);
    fill_head(update, foreign);
    update->revision_before = update->revision = UINT32_MAX;
    publish(follower, update);
}

static size_t length_of(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static size_t room_of(const struct message *message)
{
    size_t room = length_of(message->detail) + length_of(message->model);
    for (size_t i = 0; i < message->part_count; i++) {
        const struct message_part *part = &message->parts[i];
        room += part->text_n + length_of(part->tool_id) + length_of(part->tool_name);
    }
    return room;
}

static void fill_whole(struct message_update *update, const struct message *message)
{
    update->session = message->session;
    update->message = message->id;
    update->turn = message->turn;
    update->role = message->role;
    update->seq = message->seq;
    update->revision = message->revision;
    update->reason = message->reason;
    update->usage = message->usage;
    update->error = message->error;
    update->detail = update_string(update, message->detail);
    update->model = update_string(update, message->model);
    for (size_t i = 0; i < message->part_count; i++) {
        const struct message_part *part = &message->parts[i];
        update->pieces[update->piece_count++] = (struct piece){
            .part = (uint32_t)i,
            .kind = part->kind,
            .text = update_text(update, sv_of(part->text, part->text_n)),
            .ended = part->ended,
            .tool_id = update_text(update, sv_from(part->tool_id)),
            .tool_name = update_text(update, sv_from(part->tool_name)),
        };
    }
}

static void publish_whole(struct follower *follower, int64_t row)
{
    struct message *message = NULL;
    struct err err;
    if (message_read(follower->db, row, &message, &err)) {
        log_write(LOG_WARN, "follow: %s", err.text);
        return;
    }
    struct message_update *update =
        update_new(UPDATE_CREATED, message->part_count, room_of(message));
    fill_whole(update, message);
    publish(follower, update);
    message_free(message);
}

static void remember(struct follower *follower, struct sqlite3_stmt *stmt)
{
    struct foreign *foreign = xcalloc(1, sizeof(*foreign));
    foreign->row = db_column_int(stmt, 0);
    foreign->id = db_column_id(stmt, 1);
    foreign->session = db_column_id(stmt, 2);
    foreign->turn = db_column_id(stmt, 3);
    foreign->seq = db_column_int(stmt, 4);
    foreign->next = follower->foreign;
    follower->foreign = foreign;
}

static struct foreign *find_foreign(const struct follower *follower, int64_t row)
{
    struct foreign *foreign = follower->foreign;
    while (foreign && foreign->row != row) {
        foreign = foreign->next;
    }
    return foreign;
}

#define MESSAGES_PER_READ 64
/* Of those before this one began to look, so many may have come after a reader's first page. */
#define EVENTS_AT_START 256

/*
 * Messages above `last_message` that another process made; those still running are remembered.
 * `since`: ones that were made before and have ended are passed over. False: there are more.
 */
static bool read_messages(struct follower *follower, int64_t since)
{
    struct err err;
    int64_t found[MESSAGES_PER_READ];
    size_t count = 0;
    size_t seen = 0;
    struct sqlite3_stmt *stmt = db_prepare(
        follower->db,
        "SELECT m.id, m.uid, s.uid, t.uid, m.seq, m.reason = '', m.created_at,"
        " coalesce((SELECT owner FROM attempt WHERE answer = m.id LIMIT 1),"
        "  (SELECT owner FROM attempt WHERE turn = m.turn ORDER BY id LIMIT 1))"
        " FROM message m JOIN branch b ON b.id = m.branch JOIN session s ON s.id = b.session"
        " LEFT JOIN turn t ON t.id = m.turn WHERE m.id > ?1 AND m.deleted_at IS NULL"
        " ORDER BY m.id LIMIT 64",
        &err);
    db_bind_int(stmt, 1, follower->last_message);
    for (; db_step(follower->db, stmt, &err); seen++) {
        int64_t row = db_column_int(stmt, 0);
        struct ulid owner = db_column_id(stmt, 7);
        bool running = db_column_int(stmt, 5);
        follower->last_message = row;
        if (ulid_equal(&owner, &follower->self)) {
            continue;
        }
        if (running && !find_foreign(follower, row)) {
            remember(follower, stmt);
        }
        if (running || db_column_int(stmt, 6) >= since) {
            found[count++] = row;
        }
    }
    for (size_t i = 0; i < count; i++) {
        publish_whole(follower, found[i]);
    }
    return seen < MESSAGES_PER_READ;
}

/* What a part is; who calls which tool is told where it begins. */
static void publish_piece(struct follower *follower, const struct foreign *foreign,
                          const struct piece *piece, struct sqlite3_stmt *part)
{
    bool begins = part && piece->offset == 0;
    struct sv tool_id = begins ? db_column_text(part, 1) : sv_from(NULL);
    struct sv tool_name = begins ? db_column_text(part, 2) : sv_from(NULL);
    struct message_update *update =
        update_new(UPDATE_CHANGED, 1, piece->text.n + tool_id.n + tool_name.n);
    fill_head(update, foreign);
    struct piece *copy = &update->pieces[update->piece_count++];
    *copy = *piece;
    copy->text = update_text(update, piece->text);
    copy->tool_id = update_text(update, tool_id);
    copy->tool_name = update_text(update, tool_name);
    if (part) {
        (void)part_kind_parse(db_column_text(part, 0), &copy->kind);
    }
    publish(follower, update);
}

static void publish_chunk(struct follower *follower, const struct foreign *foreign,
                          struct sqlite3_stmt *chunk)
{
    struct err err;
    const struct piece piece = {
        .part = (uint32_t)db_column_int(chunk, 2),
        .kind = PART_TEXT,
        .offset = (size_t)db_column_int(chunk, 3),
        .text = db_column_text(chunk, 4),
    };
    struct sqlite3_stmt *part = db_prepare(
        follower->db,
        "SELECT kind, tool_id, tool_name FROM part WHERE message = ?1 AND position = ?2", &err);
    db_bind_int(part, 1, foreign->row);
    db_bind_int(part, 2, piece.part);
    bool there = db_step(follower->db, part, &err);
    publish_piece(follower, foreign, &piece, there ? part : NULL);
    db_reset(part);
}

static void read_chunks(struct follower *follower)
{
    struct err err;
    struct sqlite3_stmt *stmt = db_prepare(
        follower->db,
        "SELECT id, message, part, byte_offset, text FROM chunk WHERE id > ?1 ORDER BY id", &err);
    db_bind_int(stmt, 1, follower->last_chunk);
    while (db_step(follower->db, stmt, &err)) {
        follower->last_chunk = db_column_int(stmt, 0);
        const struct foreign *foreign = find_foreign(follower, db_column_int(stmt, 1));
        if (foreign) {
            publish_chunk(follower, foreign, stmt);
        }
    }
}

enum fate { FATE_RUNNING, FATE_ENDED, FATE_DELETED };

static enum fate fate_of(struct follower *follower, const struct foreign *foreign)
{
    struct err err;
    struct sqlite3_stmt *stmt = db_prepare(
        follower->db, "SELECT reason = '' FROM message WHERE id = ?1 AND deleted_at IS NULL", &err);
    db_bind_int(stmt, 1, foreign->row);
    if (!db_step(follower->db, stmt, &err)) {
        return db_result(follower->db) ? FATE_RUNNING : FATE_DELETED;
    }
    bool running = db_column_int(stmt, 0);
    db_reset(stmt);
    return running ? FATE_RUNNING : FATE_ENDED;
}

static void read_fates(struct follower *follower)
{
    struct foreign **link = &follower->foreign;
    while (*link) {
        struct foreign *foreign = *link;
        enum fate fate = fate_of(follower, foreign);
        if (fate == FATE_RUNNING) {
            link = &foreign->next;
            continue;
        }
        publish_gap(follower, foreign, fate == FATE_ENDED ? UPDATE_CHANGED : UPDATE_DELETED);
        *link = foreign->next;
        free(foreign);
    }
}

/* ---- what is not text ---- */

static void publish_session(struct follower *follower, const struct ulid *session)
{
    struct err err;
    struct sqlite3_stmt *stmt = db_prepare(
        follower->db, "SELECT 1 FROM session WHERE uid = ?1 AND deleted_at IS NULL", &err);
    db_bind_id(stmt, 1, session);
    bool there = db_step(follower->db, stmt, &err);
    db_reset(stmt);
    pthread_mutex_lock(&follower->store->publish_lock);
    session_update_publish(follower->store->broker, session, !there);
    pthread_mutex_unlock(&follower->store->publish_lock);
}

/* Nothing follows a deletion: it was told here already, or the message is written here and the
 * writer tells of it. */
static bool is_told_here(struct follower *follower, const struct ulid *message)
{
    struct store *store = follower->store;
    pthread_mutex_lock(&store->lock);
    const struct live *live = idmap_get(&store->live, message);
    bool told = idmap_get(&store->gone, message) || (live && !live->ended);
    pthread_mutex_unlock(&store->lock);
    return told;
}

/* `row` 0: it was purged. What runs is told of by its fate. */
static void publish_fate(struct follower *follower, const struct foreign *message, bool deleted)
{
    if (find_foreign(follower, message->row)) {
        return;
    }
    if (message->row && !deleted) {
        publish_whole(follower, message->row);
    } else if (!is_told_here(follower, &message->id)) {
        publish_gap(follower, message, UPDATE_DELETED);
    }
}

/* Sessions that an event was of, each once as long as there are not too many. */
struct touched {
    struct ulid sessions[32];
    size_t count;
};

static void touch(struct follower *follower, struct touched *touched, const struct ulid *session)
{
    for (size_t i = 0; i < touched->count; i++) {
        if (ulid_equal(&touched->sessions[i], session)) {
            return;
        }
    }
    if (touched->count < COUNT_OF(touched->sessions)) {
        touched->sessions[touched->count++] = *session;
    }
    publish_session(follower, session);
}

/* `since`: those of before are passed over. */
static void read_events(struct follower *follower, int64_t since)
{
    struct touched touched = {.count = 0};
    struct err err;
    struct sqlite3_stmt *stmt = db_prepare(
        follower->db,
        "SELECT e.id, e.session, e.kind IN ('deleted', 'restored'), e.message, m.id,"
        " m.seq, m.deleted_at IS NOT NULL FROM event e LEFT JOIN message m"
        " ON m.uid = e.message WHERE e.id > ?1 AND e.at >= ?2 AND e.kind <> 'ended' ORDER BY e.id",
        &err);
    db_bind_int(stmt, 1, follower->last_event);
    db_bind_int(stmt, 2, since);
    while (db_step(follower->db, stmt, &err)) {
        struct foreign message = {.row = db_column_int(stmt, 4),
                                  .id = db_column_id(stmt, 3),
                                  .session = db_column_id(stmt, 1),
                                  .seq = db_column_int(stmt, 5)};
        follower->last_event = db_column_int(stmt, 0);
        if (db_column_int(stmt, 2) && ulid_is_set(&message.id)) {
            publish_fate(follower, &message, db_column_int(stmt, 6) != 0);
        }
        touch(follower, &touched, &message.session);
    }
}

/* One snapshot for all of it: an end is never seen without the text before it. */
static void look(struct follower *follower, int64_t since)
{
    struct err err;
    if (db_exec(follower->db, "BEGIN", &err)) {
        log_write(LOG_WARN, "follow: %s", err.text);
        return;
    }
    while (!read_messages(follower, since)) {
    }
    read_chunks(follower);
    read_events(follower, since);
    read_fates(follower);
    if (db_exec(follower->db, "COMMIT", &err)) {
        log_write(LOG_WARN, "follow: %s", err.text);
    }
}

/* ---- the thread ---- */

static int64_t highest(struct follower *follower, const char *sql)
{
    struct err err;
    struct sqlite3_stmt *stmt = db_prepare(follower->db, sql, &err);
    int64_t value = db_step(follower->db, stmt, &err) ? db_column_int(stmt, 0) : 0;
    db_reset(stmt);
    return value;
}

/* What runs elsewhere now: readers may have opened it in the middle, so they are told to look
 * again. */
static void catch_up(struct follower *follower)
{
    struct err err;
    follower->last_chunk = highest(follower, "SELECT max(id) FROM chunk");
    follower->last_message = highest(follower, "SELECT max(id) FROM message") - MESSAGES_PER_READ;
    follower->last_event = highest(follower, "SELECT max(id) FROM event") - EVENTS_AT_START;
    struct sqlite3_stmt *stmt =
        db_prepare(follower->db,
                   "SELECT m.id, m.uid, s.uid, t.uid, m.seq FROM attempt a"
                   " JOIN message m ON m.id = a.answer JOIN branch b ON b.id = m.branch"
                   " JOIN session s ON s.id = b.session JOIN turn t ON t.id = a.turn"
                   " WHERE a.state = 'running' AND a.owner <> ?1",
                   &err);
    db_bind_id(stmt, 1, &follower->self);
    while (db_step(follower->db, stmt, &err)) {
        remember(follower, stmt);
    }
    for (const struct foreign *foreign = follower->foreign; foreign; foreign = foreign->next) {
        publish_gap(follower, foreign, UPDATE_CHANGED);
    }
    look(follower, clock_wall_us() - YOUNG_US);
}

static int64_t next_look(const struct follower *follower)
{
    if (follower->bells && !bells_deaf(follower->bells)) {
        return CLOCK_NEVER;
    }
    return clock_mono_us() + (follower->foreign ? LOOK_EVERY_US : LOOK_IDLE_US);
}

static bool is_ending(struct follower *follower)
{
    pthread_mutex_lock(&follower->store->lock);
    bool ending = follower->ending;
    pthread_mutex_unlock(&follower->store->lock);
    return ending;
}

static void ask_for_recovery(struct follower *follower)
{
    pthread_mutex_lock(&follower->store->lock);
    follower->store->recovery_wanted = true;
    writer_wake(follower->store);
    pthread_mutex_unlock(&follower->store->lock);
}

/* What is written here may have been deleted there. */
static void ask_for_deletions(struct follower *follower)
{
    struct store *store = follower->store;
    size_t cursor = 0;
    pthread_mutex_lock(&store->lock);
    if (idmap_next(&store->live, &cursor)) {
        store->events_wanted = true;
        writer_wake(store);
    }
    pthread_mutex_unlock(&store->lock);
}

static void *follow_main(void *arg)
{
    struct follower *follower = arg;
    catch_up(follower);
    while (!is_ending(follower)) {
        struct pollfd fds[] = {
            {follower->wake.read_fd, POLLIN, 0},
            {follower->bells ? bells_fd(follower->bells) : -1, POLLIN, 0},
        };
        (void)poll(fds, COUNT_OF(fds), clock_poll_ms(next_look(follower)));
        wake_drain(&follower->wake);
        unsigned heard = follower->bells ? bells_listen(follower->bells) : BELLS_RANG;
        look(follower, 0);
        if (heard & BELLS_RANG) {
            ask_for_deletions(follower);
        }
        if ((heard & BELLS_LEFT || next_look(follower) != CLOCK_NEVER) && follower->foreign) {
            ask_for_recovery(follower);
        }
    }
    return NULL;
}

static void follower_free(struct follower *follower)
{
    while (follower->foreign) {
        struct foreign *next = follower->foreign->next;
        free(follower->foreign);
        follower->foreign = next;
    }
    bells_close(follower->bells);
    db_close(follower->db);
    wake_close(&follower->wake);
    free(follower);
}

enum err_code follow_start(struct store *store, struct err *err)
{
    struct follower *follower = xcalloc(1, sizeof(*follower));
    follower->store = store;
    follower->wake = (struct wake)WAKE_INIT;
    follower->self = *process_lock_id(store->process);
    enum err_code code = wake_open(&follower->wake, err);
    if (code == ERR_OK) {
        code = db_open(store->path, DB_READ, &follower->db, err);
    }
    if (code == ERR_OK) {
        struct err why;
        if (bells_open(process_lock_folder(store->process), &follower->self, &follower->bells,
                       &why)) {
            log_write(LOG_INFO, "%s: looking from time to time", why.text);
        }
        code = thread_start(&follower->thread, "weir-follow", follow_main, follower, err);
    }
    if (code) {
        follower_free(follower);
        return code;
    }
    store->follower = follower;
    return ERR_OK;
}

void follow_poke(struct store *store)
{
    if (store->follower) {
        wake_signal(&store->follower->wake);
    }
}

void follow_stop(struct store *store)
{
    struct follower *follower = store->follower;
    if (!follower) {
        return;
    }
    pthread_mutex_lock(&store->lock);
    follower->ending = true;
    pthread_mutex_unlock(&store->lock);
    wake_signal(&follower->wake);
    pthread_join(follower->thread, NULL);
    store->follower = NULL;
    follower_free(follower);
}
