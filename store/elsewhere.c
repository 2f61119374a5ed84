/*
 * Deletions by other processes of what is written here: they have ended the message in the
 * database, and whoever feeds it here has to learn of it, or goes on for nobody.
 *
 * Deletions stand in the table event. With each transaction of deltas the writer looks whether
 * something new does, which is one look at the end of a b-tree; where other processes are followed,
 * their bells ask for it too. What had been written until then lies in the trash with the rest;
 * from then on the message refuses text.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "store/core_internal.h"
#include "store/sql_internal.h"

static const char last_sql[] = "SELECT max(id) FROM event WHERE id >= ?1";
static const char deletions_sql[] =
    "SELECT session, message FROM event WHERE id > ?1 AND kind = 'deleted'";
/* Restored meanwhile, or begun after that, it runs on. */
static const char ended_sql[] =
    "SELECT NOT EXISTS (SELECT 1 FROM message WHERE id = ?1 AND reason = '')";

struct deletion {
    struct ulid session, message; /* message unset: the whole session */
};

/* Answers that a deletion means. Only this thread takes messages out of memory, so they stay. */
struct victims {
    struct live **items;
    size_t count;
};

static bool is_meant(const struct live *live, const struct deletion *deletion)
{
    return !live->gone && !live->ended &&
           (ulid_is_set(&deletion->message) ? ulid_equal(&live->id, &deletion->message)
                                            : ulid_equal(&live->session, &deletion->session));
}

static void add_meant(struct store *store, const struct deletion *deletion, struct victims *victims)
{
    struct live *live = NULL;
    size_t cursor = 0;
    pthread_mutex_lock(&store->lock);
    while ((live = idmap_next(&store->live, &cursor))) {
        if (is_meant(live, deletion)) {
            victims->items = xrealloc(victims->items, (victims->count + 1) * sizeof(struct live *));
            victims->items[victims->count++] = live;
        }
    }
    pthread_mutex_unlock(&store->lock);
}

/* Text that came after the end that the other process wrote is folded with the rest. */
static enum err_code keep_text(struct store *store, int64_t row, struct err *err)
{
    enum err_code code = db_begin(store->db, false, err);
    if (code) {
        return code;
    }
    code = batch_extend_ended(store->db, row, err);
    if (code) {
        db_rollback(store->db);
        return code;
    }
    return db_commit(store->db, err);
}

static void withdraw(struct store *store, struct live *live)
{
    int64_t ended = 0;
    struct err err;
    enum err_code code = sql__value_of_row(store->db, ended_sql, live->row, &ended, &err);
    pthread_mutex_lock(&store->lock);
    bool meant = code == ERR_OK && ended && !live->gone;
    live->gone = live->gone || meant;
    pthread_mutex_unlock(&store->lock);
    if (!meant) {
        return;
    }
    code = keep_text(store, live->row, &err);
    log_write(LOG_INFO, "message '%s' was deleted by another process%s%s", live->id.text,
              code ? "; its last text is not kept: " : "", code ? err.text : "");
    message_withdraw(store, live);
}

int64_t elsewhere_last_event(struct store *store)
{
    int64_t last = 0;
    struct err err;
    if (sql__value_of_row(store->db, last_sql, store->event_seen, &last, &err)) {
        log_write(LOG_WARN, "events: %s", err.text);
        return store->event_seen;
    }
    return last > store->event_seen ? last : store->event_seen;
}

void elsewhere_look(struct store *store)
{
    struct victims victims = {NULL, 0};
    struct err err;
    int64_t last = elsewhere_last_event(store);
    struct sqlite3_stmt *stmt = db_prepare(store->db, deletions_sql, &err);
    db_bind_int(stmt, 1, store->event_seen);
    while (db_step(store->db, stmt, &err)) {
        struct deletion deletion = {db_column_id(stmt, 0), db_column_id(stmt, 1)};
        add_meant(store, &deletion, &victims);
    }
    if (db_result(store->db) == ERR_OK) {
        store->event_seen = last;
    }
    /* One that two deletions mean is in the list twice, and gone from memory after the first. */
    for (size_t i = 0; i < victims.count; i++) {
        struct live *live = victims.items[i];
        for (size_t j = i + 1; j < victims.count; j++) {
            victims.items[j] = victims.items[j] == live ? NULL : victims.items[j];
        }
        if (live) {
            withdraw(store, live);
        }
    }
    free(victims.items);
}
