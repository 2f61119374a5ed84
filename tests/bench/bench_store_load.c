/*
 * Figures of the message service under load: many streams, a long answer, its end, many answers.
 *
 * One JSON object a line. Bytes are those handed to write() by the whole process (/proc/self/io).
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/update.h"
#include "tests/bench/store_bench.h"

#define STREAMS 64
#define STREAM_SECONDS 3
#define STREAM_RATE 100
#define STREAM_DELTAS (STREAM_SECONDS * STREAM_RATE)

static char folder[] = "/tmp/weir-bench-XXXXXX";

static void finish(struct store *store, const struct ulid *id)
{
    struct err err;
    struct stream_event event = {.kind = STREAM_FINISH, .reason = FINISH_END_TURN};
    must(message_apply_wait(store, id, &event, clock_mono_us() + CLOCK_S(10), &err), &err);
}

static int64_t bytes_written(void)
{
    char line[128];
    long long value = 0;
    FILE *file = fopen("/proc/self/io", "r");
    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "wchar: %lld", &value) == 1) {
            break;
        }
    }
    if (file) {
        fclose(file);
    }
    return value;
}

/* ---- many streams ---- */

struct streams {
    struct ulid ids[STREAMS];
    int64_t came[STREAMS][STREAM_DELTAS];
    int64_t *latencies;
    size_t count;
};

static void on_update(void *ctx, const struct event *event)
{
    struct streams *streams = ctx;
    const struct message_update *update = (const struct message_update *)event->payload;
    int64_t now = clock_mono_us();
    for (size_t i = 0; i < STREAMS; i++) {
        if (update->piece_count > 0 && ulid_equal(&streams->ids[i], &update->message)) {
            const struct piece *piece = &update->pieces[0];
            size_t end = (piece->offset + piece->text.n) / DELTA_BYTES;
            for (size_t at = piece->offset / DELTA_BYTES; at < end && at < STREAM_DELTAS; at++) {
                streams->latencies[streams->count++] = now - streams->came[i][at];
            }
        }
    }
}

static void sleep_until(int64_t when, struct subscription *inbox, struct streams *streams)
{
    int64_t left = 0;
    while ((left = when - clock_mono_us()) > 0) {
        struct pollfd fd = {subscription_fd(inbox), POLLIN, 0};
        struct timespec wait = {left / 1000000, (left % 1000000) * 1000};
        ppoll(&fd, 1, &wait, NULL);
        subscription_drain(inbox, 0, on_update, streams);
    }
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void bench_streams(struct broker *broker)
{
    struct err err;
    struct subscription *inbox = NULL;
    struct subscription_options options = {.topics = TOPIC_MESSAGE, .lossy_events = 100000};
    struct streams *streams = xcalloc(1, sizeof(*streams));
    streams->latencies = xcalloc(STREAMS * STREAM_DELTAS, sizeof(int64_t));
    must(broker_subscribe(broker, &options, &inbox, &err), &err);
    struct store *store = open_store(folder, "streams.db", broker, -1);
    for (size_t i = 0; i < STREAMS; i++) {
        streams->ids[i] = begin(store);
    }
    uint64_t before = message_service_stats(store).transactions;
    int64_t start = clock_mono_us();
    for (int at = 0; at < STREAM_DELTAS; at++) {
        for (size_t i = 0; i < STREAMS; i++) {
            streams->came[i][at] = clock_mono_us();
            apply(store, &streams->ids[i], SV(DELTA));
        }
        sleep_until(start + (int64_t)(at + 1) * 1000000 / STREAM_RATE, inbox, streams);
    }
    double seconds = (double)(clock_mono_us() - start) / 1e6;
    uint64_t transactions = message_service_stats(store).transactions - before;
    sleep_until(clock_mono_us() + CLOCK_MS(200), inbox, streams);
    qsort(streams->latencies, streams->count, sizeof(int64_t), compare);
    print("streams_64_transactions_per_s", (double)transactions / seconds, "1/s");
    print("streams_64_seen", (double)streams->count / (STREAMS * STREAM_DELTAS), "of all");
    print("streams_64_saved_p50_ms", (double)streams->latencies[streams->count / 2] / 1000, "ms");
    print("streams_64_saved_p99_ms", (double)streams->latencies[streams->count * 99 / 100] / 1000,
          "ms");
    store_free(store);
    broker_unsubscribe(inbox);
    free(streams->latencies);
    free(streams);
}

/* ---- one long answer ---- */

static void bench_bytes(struct broker *broker)
{
    struct store *store = open_store(folder, "bytes.db", broker, CLOCK_S(3600));
    struct ulid id = begin(store);
    int64_t before = bytes_written();
    for (int i = 0; i < 20000; i++) {
        apply(store, &id, SV(DELTA));
        flush(store, &id);
    }
    print("written_260kb_in_20000_ticks_mb", (double)(bytes_written() - before) / 1e6, "MB");
    store_free(store);
}

/* The same answer, its whole row written at every tick: a hundredth of the ticks, spread over its
 * growth. */
static void bench_bytes_of_rewriting(void)
{
    enum { TICKS = 200, SHARE = 100 };
    sqlite3 *db = bare_open(folder, "rewritten.db");
    sqlite3_stmt *stmt = NULL;
    size_t step = 20000 / TICKS * DELTA_BYTES;
    char *text = xcalloc(1, TICKS * step + 1);
    memset(text, 'x', TICKS * step);
    sqlite3_prepare_v2(db, "UPDATE whole SET text = ?1 WHERE id = 1", -1, &stmt, NULL);
    int64_t before = bytes_written();
    for (int i = 1; i <= TICKS; i++) {
        sqlite3_bind_text(stmt, 1, text, (int)((size_t)i * step), SQLITE_STATIC);
        sqlite3_step(stmt);
        sqlite3_reset(stmt);
        if (i % (TICKS / 10) == 0) {
            sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        }
    }
    double all = (double)(bytes_written() - before) * SHARE;
    print("written_260kb_rewritten_20000_times_mb", all / 1e6, "MB");
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    free(text);
}

static void wait_for_background(struct store *store)
{
    while (message_service_stats(store).live > 0) {
        usleep(200);
    }
}

static void bench_fold(struct broker *broker)
{
    struct store *store = open_store(folder, "end.db", broker, -1);
    struct ulid id = begin(store);
    for (int i = 0; i < 80000; i++) {
        apply(store, &id, SV(DELTA));
    }
    usleep(200000);
    int64_t began = clock_mono_us();
    finish(store, &id);
    wait_for_background(store);
    print("end_of_1mb_folded_ms", (double)(clock_mono_us() - began) / 1000, "ms");
    store_free(store);
}

/* ---- many answers ---- */

static double resident_mb(void)
{
    long pages = 0;
    long resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &pages, &resident) != 2) {
        resident = 0;
    }
    if (file) {
        fclose(file);
    }
    return (double)(resident * sysconf(_SC_PAGESIZE)) / 1e6;
}

static void answers(struct store *store, int count, struct sv text)
{
    for (int i = 0; i < count; i++) {
        struct ulid id = begin(store);
        apply(store, &id, text);
        finish(store, &id);
    }
    wait_for_background(store);
}

static void bench_memory(struct broker *broker, int count)
{
    struct store *store = open_store(folder, "memory.db", broker, -1);
    print("resident_with_an_empty_store_mb", resident_mb(), "MB");
    size_t bytes = 100000;
    char *text = xcalloc(1, bytes + 1);
    memset(text, 'x', bytes);
    answers(store, count / 10, sv_of(text, bytes));
    double before = resident_mb();
    answers(store, count, sv_of(text, bytes));
    print("growth_after_finished_100kb_messages_mb", resident_mb() - before, "MB");
    print("finished_100kb_messages", count, "messages");
    free(text);
    store_free(store);
}

int main(int argc, char **argv)
{
    if (!mkdtemp(folder)) {
        perror("bench_store_load");
        return 1;
    }
    struct broker *broker = broker_new(NULL);
    bench_streams(broker);
    bench_bytes(broker);
    bench_bytes_of_rewriting();
    bench_fold(broker);
    bool all = argc > 1 && strcmp(argv[1], "--all") == 0;
    bench_memory(broker, all ? 10000 : 1000);
    broker_free(broker);
    fflush(stdout);
    execlp("rm", "rm", "-rf", folder, (char *)NULL);
    return 1;
}
