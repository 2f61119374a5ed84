/*
 * Figures of the message service: what a delta costs, what a tick costs, and whether either grows
 * with the text.
 *
 * One JSON object a line. CPU time is that of the whole process, divided by the number of ticks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/message_service.h"
#include "store/turn.h"

#define DELTA "thirteen byte"

static int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void must(enum err_code code, const struct err *err)
{
    if (code) {
        fprintf(stderr, "bench_store: %s\n", err->text);
        exit(1);
    }
}

static struct store *open_store(const char *path, struct broker *broker, int64_t debounce)
{
    struct err err;
    struct store *store = NULL;
    struct store_options options = {.path = path, .debounce_us = debounce, .broker = broker};
    must(store_open(&options, &store, &err), &err);
    must(store_start(store, &err), &err);
    must(store_wait_ready(store, clock_mono_us() + CLOCK_S(10), &err), &err);
    return store;
}

static struct ulid begin(struct store *store)
{
    struct err err;
    struct turn turn;
    struct turn_request request = {.prompt = SV("question")};
    must(turn_begin(store, &request, clock_mono_us() + CLOCK_S(10), &turn, &err), &err);
    return turn.answer;
}

static void apply(struct store *store, const struct ulid *id, struct sv text)
{
    struct err err;
    struct stream_event event = {.kind = STREAM_TEXT, .text = text};
    must(message_apply(store, id, &event, &err), &err);
}

static void flush(struct store *store, const struct ulid *id)
{
    struct err err;
    must(message_flush(store, id, clock_mono_us() + CLOCK_S(10), &err), &err);
}

static void grow_to(struct store *store, const struct ulid *id, size_t bytes)
{
    char *text = xcalloc(1, bytes + 1);
    memset(text, 'x', bytes);
    apply(store, id, sv_of(text, bytes));
    flush(store, id);
    free(text);
}

static double ns_per_append(struct store *store, const struct ulid *id, int count)
{
    int64_t began = cpu_ns();
    for (int i = 0; i < count; i++) {
        apply(store, id, SV(DELTA));
    }
    return (double)(cpu_ns() - began) / count;
}

static double us_per_tick(struct store *store, const struct ulid *id, int count)
{
    int64_t began = cpu_ns();
    for (int i = 0; i < count; i++) {
        apply(store, id, SV(DELTA));
        flush(store, id);
    }
    return (double)(cpu_ns() - began) / count / 1000;
}

static void print(const char *name, double value, const char *unit)
{
    printf("{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"%s\"}\n", name, value, unit);
}

int main(void)
{
    char folder[] = "/tmp/weir-bench-XXXXXX";
    if (!mkdtemp(folder)) {
        perror("bench_store");
        return 1;
    }
    char *path = xasprintf("%s/weir.db", folder);
    struct broker *broker = broker_new(NULL);
    struct store *store = open_store(path, broker, CLOCK_S(3600));

    struct ulid small = begin(store);
    print("append_ns", ns_per_append(store, &small, 1000000), "ns");
    flush(store, &small);
    struct ulid short_text = begin(store);
    grow_to(store, &short_text, 1000);
    us_per_tick(store, &short_text, 500);
    double tick_1k = us_per_tick(store, &short_text, 3000);
    struct ulid long_text = begin(store);
    grow_to(store, &long_text, 1000000);
    double tick_1m = us_per_tick(store, &long_text, 3000);
    print("tick_1kb_us", tick_1k, "us");
    print("tick_1mb_us", tick_1m, "us");
    print("tick_1mb_over_1kb", tick_1m / tick_1k, "ratio");

    store_free(store);
    broker_free(broker);
    fflush(stdout);
    char *command[] = {"rm", "-rf", folder, NULL};
    execvp("rm", command);
    return 1;
}
