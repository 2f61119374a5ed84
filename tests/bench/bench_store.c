/*
 * Figures of the message service: what a delta costs, what a tick costs, and whether either grows
 * with the text. Beside them the least that a program can do: append to a buffer, insert a row with
 * SQLite, rewrite a message's row.
 *
 * Rounds of all contenders take turns, so that what else the machine does hits all alike; medians
 * of the rounds. One JSON object a line. CPU time is that of the whole process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "tests/bench/store_bench.h"

#define ROUNDS 9
#define APPENDS 100000
#define TICKS 400
#define LONG_TEXT 260000

static void grow_to(struct store *store, const struct ulid *id, size_t bytes)
{
    char *text = xcalloc(1, bytes + 1);
    memset(text, 'x', bytes);
    apply(store, id, sv_of(text, bytes));
    flush(store, id);
    free(text);
}

static double ns_per_append(struct store *store, const struct ulid *id)
{
    int64_t began = cpu_ns();
    for (int i = 0; i < APPENDS; i++) {
        apply(store, id, SV(DELTA));
    }
    return (double)(cpu_ns() - began) / APPENDS;
}

static double us_per_tick(struct store *store, const struct ulid *id)
{
    int64_t began = cpu_ns();
    for (int i = 0; i < TICKS; i++) {
        apply(store, id, SV(DELTA));
        flush(store, id);
    }
    return (double)(cpu_ns() - began) / TICKS / 1000;
}

/* ---- the least ---- */

static double ns_per_bare_append(void)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    int64_t began = cpu_ns();
    for (int i = 0; i < APPENDS; i++) {
        pthread_mutex_lock(&lock);
        buf_append_sv(&text, SV(DELTA));
        pthread_mutex_unlock(&lock);
    }
    double taken = (double)(cpu_ns() - began) / APPENDS;
    buf_release(&text);
    return taken;
}

/* `grows`: each write is longer than the one before, as the row of an answer that is rewritten is.
 */
static double us_per_bare(sqlite3 *db, const char *sql, struct sv text, bool grows)
{
    sqlite3_stmt *stmt = NULL;
    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    int64_t began = cpu_ns();
    for (int i = 0; i < TICKS; i++) {
        size_t less = grows ? (size_t)(TICKS - i) * DELTA_BYTES : 0;
        sqlite3_bind_text(stmt, 1, text.p, (int)(text.n - less), SQLITE_STATIC);
        sqlite3_step(stmt);
        sqlite3_reset(stmt);
    }
    double taken = (double)(cpu_ns() - began) / TICKS / 1000;
    sqlite3_finalize(stmt);
    sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return taken;
}

/* ---- all of them ---- */

enum contender { APPEND, BARE_APPEND, TICK_1KB, TICK_1MB, BARE_INSERT, BARE_REWRITE, CONTENDERS };

static void print_all(double seen[CONTENDERS][ROUNDS])
{
    static const char *const names[] = {"append_ns",           "append_bare_buffer_ns",
                                        "tick_1kb_us",         "tick_1mb_us",
                                        "tick_bare_insert_us", "tick_bare_rewrite_260kb_us"};
    static const char *const units[] = {"ns", "ns", "us", "us", "us", "us"};
    for (int i = 0; i < CONTENDERS; i++) {
        print(names[i], median(seen[i], ROUNDS), units[i]);
    }
    double tick = seen[TICK_1KB][ROUNDS / 2];
    print("tick_1mb_over_1kb", seen[TICK_1MB][ROUNDS / 2] / tick, "ratio");
    print("tick_over_bare_insert", tick / seen[BARE_INSERT][ROUNDS / 2], "ratio");
}

static void measure(const char *folder, struct store *store)
{
    double seen[CONTENDERS][ROUNDS];
    sqlite3 *bare = bare_open(folder, "bare.db");
    char *text = xcalloc(1, LONG_TEXT + 1);
    memset(text, 'x', LONG_TEXT);
    struct ulid fed = begin(store);
    struct ulid small = begin(store);
    struct ulid large = begin(store);
    grow_to(store, &small, 1000);
    grow_to(store, &large, 1000000);
    for (int i = 0; i < ROUNDS; i++) {
        seen[APPEND][i] = ns_per_append(store, &fed);
        flush(store, &fed);
        seen[BARE_APPEND][i] = ns_per_bare_append();
        seen[TICK_1KB][i] = us_per_tick(store, &small);
        seen[BARE_INSERT][i] =
            us_per_bare(bare, "INSERT INTO chunk (text) VALUES (?1)", SV(DELTA), false);
        seen[TICK_1MB][i] = us_per_tick(store, &large);
        seen[BARE_REWRITE][i] = us_per_bare(bare, "UPDATE whole SET text = ?1 WHERE id = 1",
                                            sv_of(text, LONG_TEXT), true);
    }
    print_all(seen);
    sqlite3_close(bare);
    free(text);
}

int main(void)
{
    char folder[] = "/tmp/weir-bench-XXXXXX";
    if (!mkdtemp(folder)) {
        perror("bench_store");
        return 1;
    }
    struct broker *broker = broker_new(NULL);
    struct store *store = open_store(folder, "weir.db", broker, CLOCK_S(3600));
    measure(folder, store);
    store_free(store);
    broker_free(broker);
    execlp("rm", "rm", "-rf", folder, (char *)NULL);
    return 1;
}
