/*
 * A store in a folder of its own, with one subscriber that keeps what it is given. For the tests of
 * this floor.
 *
 * What the store promises holds for both of its backends, so a test of that runs on both: it takes
 * its fixture from *state and is listed with ON_BOTH. While it runs, one reader holds a snapshot,
 * which neither stops the writer nor sees what it commits.
 */
#ifndef WEIR_TESTS_STORE_FIXTURE_H
#define WEIR_TESTS_STORE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pubsub/broker.h"
#include "store/message_service.h"
#include "store/store.h"
#include "store/turn.h"
#include "store/update.h"

struct fixture {
    char *folder;
    char *path; /* NULL: a private store */
    struct db *held;
    struct broker *broker;
    struct store *store;
    struct subscription *inbox;
};

/* debounce in µs; ready for writing when it returns. */
void fixture_open(struct fixture *fixture, int64_t debounce_us);
void fixture_open_private(struct fixture *fixture, int64_t debounce_us);
void fixture_close(struct fixture *fixture);
/* Closes the store and opens it again on the same file. */
void fixture_reopen(struct fixture *fixture);

/* A turn that is begun, in a new session or as the request says; its answer is told to end. */
struct turn fixture_turn(struct fixture *fixture, const char *prompt);
struct turn fixture_begin(struct fixture *fixture, const struct turn_request *request);
void fixture_end(struct fixture *fixture, const struct turn *turn, enum finish_reason reason);
struct stream_event fixture_text(uint32_t part, const char *text);
struct stream_event fixture_finish(enum finish_reason reason);
void fixture_apply(struct fixture *fixture, const struct ulid *message, struct stream_event event);

/* What the inbox was given about `message`, oldest first, waiting up to 2 s for `count` of them.
 * References are kept. */
struct inbox {
    const struct message_update *updates[256];
    size_t count;
};
void inbox_receive(struct fixture *fixture, const struct ulid *message, size_t count,
                   struct inbox *inbox);
void inbox_release(struct inbox *inbox);

/* Holds the write lock from a connection of its own for that long, on a thread of its own. Held
 * when it returns; the end is waited for and everything given back by fixture_unlock. */
struct db_lock;
struct db_lock *fixture_lock(struct fixture *fixture, int64_t us);
/* When it was released. */
int64_t fixture_unlock(struct db_lock *lock);
/* How many files of the store's folder hold the word anywhere in their bytes. */
int fixture_files_with(const struct fixture *fixture, const char *word);
/* Runs SQL as another process would. */
void fixture_execute(struct fixture *fixture, const char *sql);

/* A deadline that only a hang passes. */
int64_t fixture_soon(void);

/* One value by SQL, on a connection of its own or, of a private store, one of the store's; "" for
 * no row. Gives. */
char *fixture_query(struct fixture *fixture, const char *sql);
/* The message's text as the disk has it: parts and chunks, in order. Gives. */
char *fixture_stored_text(struct fixture *fixture, const struct ulid *message);

void fixture_assert_stored(struct fixture *fixture, const struct ulid *message, const char *text);
void fixture_assert_query(struct fixture *fixture, const char *sql, const char *expected);

int fixture_setup_file(void **state);
int fixture_setup_private(void **state);
int fixture_teardown(void **state);
#define ON_BOTH(test)                                                                              \
    {#test "__in_a_file", test, fixture_setup_file, fixture_teardown, NULL},                       \
    {                                                                                              \
#test "__in_a_private_store", test, fixture_setup_private, fixture_teardown, NULL          \
    }

#endif
