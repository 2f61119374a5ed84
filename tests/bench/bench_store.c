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

#include "tests/bench/store_bench.h"

static int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
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

int main(void)
{
    char folder[] = "/tmp/weir-bench-XXXXXX";
    if (!mkdtemp(folder)) {
        perror("bench_store");
        return 1;
    }
    struct broker *broker = broker_new(NULL);
    struct store *store = open_store(folder, "weir.db", broker, CLOCK_S(3600));

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
