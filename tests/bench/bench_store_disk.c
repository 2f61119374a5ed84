/*
 * Figures of the message service that depend on the disk and on who else writes: the end of a long
 * answer beside a sync of its own, text beside a bulk writer in another process, beside an import
 * of weir's and without either, many streams beside one write for each delta. Contenders take
 * turns; medians. One JSON object a line.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/update.h"
#include "tests/bench/store_bench.h"

#define ROUNDS 9
#define END_BYTES 4096
#define PEER_DELTAS 400
#define PEER_DELTAS_SHORT 100
#define STREAMS 64
#define STREAM_TICKS 200

static char folder[] = "/tmp/weir-bench-XXXXXX";
static const char *weir; /* the program, two folders above this one */

/* ---- the end of a 1 MB answer ---- */

static double ms_since(int64_t began)
{
    return (double)(clock_mono_us() - began) / 1000;
}

static double end_of_1mb(struct store *store)
{
    struct err err;
    struct ulid id = begin(store);
    struct stream_event event = {.kind = STREAM_FINISH, .reason = FINISH_END_TURN};
    for (int i = 0; i < 80000; i++) {
        apply(store, &id, SV(DELTA));
    }
    flush(store, &id);
    apply(store, &id, SV(DELTA));
    int64_t began = clock_mono_us();
    must(message_apply_wait(store, &id, &event, clock_mono_us() + CLOCK_S(10), &err), &err);
    double taken = ms_since(began);
    while (message_service_stats(store).live > 0) {
        usleep(200);
    }
    return taken;
}

/* As much as that commit writes, and nothing but its sync. */
static double bare_sync(int fd)
{
    static const char bytes[END_BYTES];
    ssize_t written = write(fd, bytes, sizeof(bytes));
    int64_t began = clock_mono_us();
    if (written != (ssize_t)sizeof(bytes) || fdatasync(fd)) {
        perror("bench_store_disk");
        exit(1);
    }
    return ms_since(began);
}

static void bench_end(struct broker *broker)
{
    double ends[ROUNDS];
    double syncs[ROUNDS];
    char *path = xasprintf("%s/sync", folder);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    struct store *store = open_store(folder, "end.db", broker, -1);
    for (int i = 0; i < ROUNDS; i++) {
        syncs[i] = bare_sync(fd);
        ends[i] = end_of_1mb(store);
    }
    double sync = median(syncs, ROUNDS);
    double end = median(ends, ROUNDS);
    print("end_of_1mb_ms", end, "ms");
    print("end_of_1mb_bare_sync_ms", sync, "ms");
    print("end_of_1mb_without_its_sync_ms", end - sync, "ms");
    store_free(store);
    close(fd);
    free(path);
}

/* ---- beside a bulk writer ---- */

/* Another process: transactions of 10 ms, and as long a rest after each, until it is killed. */
static NORETURN void write_in_bulk(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_open(path, &db);
    sqlite3_busy_timeout(db, 10000);
    sqlite3_exec(db, "PRAGMA wal_autocheckpoint=0; CREATE TABLE IF NOT EXISTS bulk (text TEXT)",
                 NULL, NULL, NULL);
    for (;;) {
        sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        int64_t until = clock_mono_us() + CLOCK_MS(10);
        while (clock_mono_us() < until) {
            sqlite3_exec(db, "INSERT INTO bulk VALUES (hex(randomblob(100)))", NULL, NULL, NULL);
        }
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
        clock_sleep_us(CLOCK_MS(10));
    }
}

/* From a delta to its commit, one after the other. The window is part of it. */
static double p99_of_flush(struct store *store, int count)
{
    static double delays[PEER_DELTAS];
    struct ulid id = begin(store);
    for (int i = 0; i < count; i++) {
        uint64_t before = message_service_stats(store).transactions;
        int64_t began = clock_mono_us();
        apply(store, &id, SV(DELTA));
        while (message_service_stats(store).transactions == before) {
            clock_sleep_us(200);
        }
        delays[i] = ms_since(began);
    }
    qsort(delays, (size_t)count, sizeof(double), compare_doubles);
    return delays[count * 99 / 100];
}

/* Conversations without end, each of 20 messages of 2 KB. */
static NORETURN void talk(int fd)
{
    struct buf line = BUF_INIT(BUF_MAX_INTERNAL);
    char text[2048];
    memset(text, 'x', sizeof(text));
    for (int number = 0;; number++) {
        buf_clear(&line);
        buf_appendf(&line, "{\"id\":\"%d\",\"conversations\":[", number);
        for (int i = 0; i < 20; i++) {
            buf_appendf(&line, "%s{\"from\":\"%s\",\"value\":\"%.*s\"}", i ? "," : "",
                        i % 2 ? "gpt" : "human", (int)sizeof(text), text);
        }
        buf_append_str(&line, "]}\n");
        for (size_t at = 0; at < line.n;) {
            ssize_t n = write(fd, line.p + at, line.n - at);
            if (n < 0) {
                _exit(1);
            }
            at += (size_t)n;
        }
    }
}

static NORETURN void import_from(int fd, const char *path)
{
    int nowhere = open("/dev/null", O_WRONLY);
    dup2(fd, STDIN_FILENO);
    dup2(nowhere, STDOUT_FILENO);
    execl(weir, weir, "--db", path, "import", "-", (char *)NULL);
    perror(weir);
    _exit(1);
}

static int64_t count_messages(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    int64_t count = -1;
    sqlite3_open(path, &db);
    sqlite3_prepare_v2(db, "SELECT count(*) FROM message", -1, &stmt, NULL);
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        count = sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return count;
}

static void end_child(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static double beside_an_import(struct store *store, const char *path, int count)
{
    int ends[2];
    if (pipe(ends)) {
        perror("pipe");
        exit(1);
    }
    pid_t talker = fork();
    if (talker == 0) {
        talk(ends[1]);
    }
    pid_t peer = fork();
    if (peer == 0) {
        close(ends[1]);
        import_from(ends[0], path);
    }
    close(ends[0]);
    close(ends[1]);
    clock_sleep_us(CLOCK_MS(200));
    int64_t before = count_messages(path), began = clock_mono_us();
    double p99 = p99_of_flush(store, count);
    double seconds = (double)(clock_mono_us() - began) / 1e6;
    print("import_meanwhile_messages_per_second", (double)(count_messages(path) - before) / seconds,
          "per_second");
    end_child(peer);
    end_child(talker);
    return p99;
}

static void bench_peer(struct broker *broker, int count)
{
    struct store *store = open_store(folder, "peer.db", broker, -1);
    char *path = xasprintf("%s/peer.db", folder);
    double alone = p99_of_flush(store, count);
    print("flush_beside_an_import_p99_ms", beside_an_import(store, path, count), "ms");
    pid_t peer = fork();
    if (peer == 0) {
        write_in_bulk(path);
    }
    clock_sleep_us(CLOCK_MS(100));
    print("flush_beside_a_bulk_writer_p99_ms", p99_of_flush(store, count), "ms");
    print("flush_alone_p99_ms", alone, "ms");
    end_child(peer);
    store_free(store);
    free(path);
}

/* ---- many streams ---- */

static double us_per_delta(struct store *store, const struct ulid ids[STREAMS])
{
    int64_t began = cpu_ns();
    int64_t next = clock_mono_us();
    for (int tick = 0; tick < STREAM_TICKS; tick++) {
        for (int i = 0; i < STREAMS; i++) {
            apply(store, &ids[i], SV(DELTA));
        }
        next += CLOCK_MS(10);
        clock_sleep_us(next - clock_mono_us());
    }
    return (double)(cpu_ns() - began) / 1000 / STREAMS / STREAM_TICKS;
}

static double us_per_bare_delta(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    sqlite3_prepare_v2(db, "INSERT INTO chunk (text) VALUES (?1)", -1, &stmt, NULL);
    int64_t began = cpu_ns();
    for (int i = 0; i < STREAMS * STREAM_TICKS; i++) {
        sqlite3_bind_text(stmt, 1, DELTA, DELTA_BYTES, SQLITE_STATIC);
        sqlite3_step(stmt);
        sqlite3_reset(stmt);
    }
    double taken = (double)(cpu_ns() - began) / 1000 / STREAMS / STREAM_TICKS;
    sqlite3_finalize(stmt);
    sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return taken;
}

static void bench_streams(struct broker *broker)
{
    enum { TURNS = 3 };
    double ours[TURNS];
    double bare[TURNS];
    struct ulid ids[STREAMS];
    sqlite3 *db = bare_open(folder, "bare.db");
    struct store *store = open_store(folder, "streams.db", broker, -1);
    for (int i = 0; i < STREAMS; i++) {
        ids[i] = begin(store);
    }
    for (int i = 0; i < TURNS; i++) {
        ours[i] = us_per_delta(store, ids);
        bare[i] = us_per_bare_delta(db);
    }
    print("streams_64_cpu_per_delta_us", median(ours, TURNS), "us");
    print("streams_64_cpu_per_delta_one_write_each_us", median(bare, TURNS), "us");
    store_free(store);
    sqlite3_close(db);
}

int main(int argc, char **argv)
{
    if (!mkdtemp(folder)) {
        perror("bench_store_disk");
        return 1;
    }
    const char *slash = strrchr(argv[0], '/');
    weir = xasprintf("%.*s../../weir", slash ? (int)(slash - argv[0] + 1) : 0, argv[0]);
    struct broker *broker = broker_new(NULL);
    bench_end(broker);
    bool all = argc > 1 && strcmp(argv[1], "--all") == 0;
    bench_peer(broker, all ? PEER_DELTAS : PEER_DELTAS_SHORT);
    bench_streams(broker);
    broker_free(broker);
    fflush(stdout);
    execlp("rm", "rm", "-rf", folder, (char *)NULL);
    return 1;
}
