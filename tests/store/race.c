#include "tests/store/race.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/sv.h"

#include <cmocka.h>

#define ROUNDS_DEFAULT 200
#define RACE_SECONDS 120u

struct racer {
    pid_t pid;
    int orders;  /* 64 bytes each */
    int results; /* a struct race_result each */
};

struct race {
    struct racer racers[RACERS];
    bool ready; /* all have their stores open */
};

int race_rounds(void)
{
    uint64_t rounds = 0;
    return sv_to_u64(sv_from(getenv("WEIR_RACES")), &rounds) && rounds > 0 && rounds < 100000
               ? (int)rounds
               : ROUNDS_DEFAULT;
}

/* Its store is opened by the first order: who made it has prepared the file by then. */
static struct store *open_own(const char *path)
{
    struct err err;
    struct store *store = NULL;
    struct store_options options = {.path = path, .debounce_us = 0, .broker = broker_new(NULL)};
    if (store_open(&options, &store, &err) || store_start(store, &err) ||
        store_wait_ready(store, clock_mono_us() + CLOCK_S(10), &err)) {
        fprintf(stderr, "race: %s\n", err.text);
        _exit(1);
    }
    return store;
}

static void live(const char *path, race_act *act, int who, int orders, int results)
{
    char given[64];
    struct store *store = NULL;
    alarm(RACE_SECONDS);
    while (read(orders, given, sizeof(given)) == sizeof(given)) {
        struct race_result result = {ERR_OK, ""};
        store = store ? store : open_own(path);
        if (given[0]) {
            result.code = act(store, who, given, result.text);
        }
        if (write(results, &result, sizeof(result)) != sizeof(result)) {
            _exit(1);
        }
    }
    store_free(store);
    _exit(0);
}

static void start(struct race *race, int who, const char *path, race_act *act)
{
    int orders[2];
    int results[2];
    assert_int_equal(pipe(orders), 0);
    assert_int_equal(pipe(results), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        /* Those of the earlier ones would keep them from seeing the end. */
        for (int i = 0; i < who; i++) {
            close(race->racers[i].orders);
            close(race->racers[i].results);
        }
        close(orders[1]);
        close(results[0]);
        live(path, act, who, orders[0], results[1]);
    }
    close(orders[0]);
    close(results[1]);
    race->racers[who] = (struct racer){pid, orders[1], results[0]};
}

struct race *race_open(const char *path, race_act *act)
{
    struct race *race = xcalloc(1, sizeof(*race));
    for (int i = 0; i < RACERS; i++) {
        start(race, i, path, act);
    }
    return race;
}

static void order(struct race *race, const char *given, struct race_result results[RACERS])
{
    char text[64] = "";
    (void)snprintf(text, sizeof(text), "%s", given);
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(write(race->racers[i].orders, text, sizeof(text)), sizeof(text));
    }
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(read(race->racers[i].results, &results[i], sizeof(results[i])),
                         sizeof(results[i]));
    }
}

void race_round(struct race *race, const char *given, struct race_result results[RACERS])
{
    if (!race->ready) {
        order(race, "", results);
        race->ready = true;
    }
    order(race, given, results);
}

void race_close(struct race *race)
{
    for (int i = 0; i < RACERS; i++) {
        int status = 0;
        close(race->racers[i].orders);
        close(race->racers[i].results);
        assert_int_equal(waitpid(race->racers[i].pid, &status, 0), race->racers[i].pid);
        assert_int_equal(status, 0);
    }
    free(race);
}
