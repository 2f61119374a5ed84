/* What the store's benchmarks share: opening, beginning, feeding, printing. Each benchmark is one
 * program. */
#ifndef WEIR_TESTS_BENCH_STORE_BENCH_H
#define WEIR_TESTS_BENCH_STORE_BENCH_H

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/message_service.h"
#include "store/turn.h"

#define DELTA "thirteen byte"
#define DELTA_BYTES (sizeof(DELTA) - 1)

static inline void must(enum err_code code, const struct err *err)
{
    if (code) {
        fprintf(stderr, "bench: %s\n", err->text);
        exit(1);
    }
}

/* CPU time of the whole process. */
static inline int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts them. */
static inline double median(double *values, size_t count)
{
    qsort(values, count, sizeof(double), compare_doubles);
    return values[count / 2];
}

/* What a program has that uses SQLite and nothing else. */
static inline sqlite3 *bare_open(const char *folder, const char *name)
{
    sqlite3 *db = NULL;
    char *path = xasprintf("%s/%s", folder, name);
    static const char schema[] =
        "PRAGMA page_size=2048; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        "PRAGMA wal_autocheckpoint=0; CREATE TABLE chunk (id INTEGER PRIMARY KEY, text TEXT);"
        "CREATE TABLE whole (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO whole VALUES (1, '')";
    if (sqlite3_open(path, &db) || sqlite3_exec(db, schema, NULL, NULL, NULL)) {
        fprintf(stderr, "bench: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
    free(path);
    return db;
}

static inline struct store *open_store(const char *folder, const char *name, struct broker *broker,
                                       int64_t debounce)
{
    struct err err;
    struct store *store = NULL;
    char *path = xasprintf("%s/%s", folder, name);
    struct store_options options = {.path = path, .debounce_us = debounce, .broker = broker};
    must(store_open(&options, &store, &err), &err);
    must(store_start(store, &err), &err);
    must(store_wait_ready(store, clock_mono_us() + CLOCK_S(10), &err), &err);
    free(path);
    return store;
}

static inline struct ulid begin(struct store *store)
{
    struct err err;
    struct turn turn;
    struct turn_request request = {.prompt = SV("question")};
    must(turn_begin(store, &request, clock_mono_us() + CLOCK_S(10), &turn, &err), &err);
    return turn.answer;
}

static inline void apply(struct store *store, const struct ulid *id, struct sv text)
{
    struct err err;
    struct stream_event event = {.kind = STREAM_TEXT, .text = text};
    must(message_apply(store, id, &event, &err), &err);
}

static inline void flush(struct store *store, const struct ulid *id)
{
    struct err err;
    must(message_flush(store, id, clock_mono_us() + CLOCK_S(10), &err), &err);
}

static inline void print(const char *name, double value, const char *unit)
{
    printf("{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"%s\"}\n", name, value, unit);
    fflush(stdout);
}

#endif
