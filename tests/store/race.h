/*
 * Races of several processes on one database: each has a store of its own on the same file, waits
 * for the word, and acts. For tests that have to see exactly one winner.
 *
 * The processes are made by race_open, before this one opens a store: a process that has threads
 * does not fork here.
 */
#ifndef WEIR_TESTS_STORE_RACE_H
#define WEIR_TESTS_STORE_RACE_H

#include "base/err.h"
#include "store/store.h"

#define RACERS 4

/* What one of them came to. */
struct race_result {
    enum err_code code;
    char text[64]; /* what the act wrote there */
};

/* What process `who` (0 to RACERS - 1) does in a round. `given` is the text of race_round. */
typedef enum err_code race_act(struct store *store, int who, const char *given, char text[64]);

struct race;
struct race *race_open(const char *path, race_act *act);
/* Lets all of them go at once and waits for all. `given`: up to 63 bytes. */
void race_round(struct race *race, const char *given, struct race_result results[RACERS]);
void race_close(struct race *race);

/* Rounds: 200, or WEIR_RACES of them. */
int race_rounds(void);

#endif
