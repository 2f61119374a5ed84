/*
 * Faults under the store: the N-th call into the disk fails, for N = 1, 2, 3 … until nothing fails
 * any more; and the power goes.
 *
 * Whatever fails, and however often: the file stays sound, a prompt that was accepted is there,
 * text that was reported as saved is there, and nothing is lost once the disk works again.
 * WEIR_FAULT_STRIDE=1 takes every step (the default takes every seventh), WEIR_POWER_CUTS=1000 cuts
 * more often, WEIR_FAULT_KINDS=memory looks at allocations only.
 */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/branch.h"
#include "store/label.h"
#include "store/session.h"
#include "tests/store/faulty_vfs.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

/* Of those there are some thousands, of the others tens. */
#define MEMORY_STRIDE 31

static unsigned setting(const char *name, unsigned fallback)
{
    const char *value = getenv(name);
    return value ? (unsigned)strtoul(value, NULL, 10) : fallback;
}

static int64_t within(int milliseconds)
{
    return clock_mono_us() + CLOCK_MS(milliseconds);
}

/* What the scenario was told, against which the file is held afterwards. */
struct told {
    bool begun, saved, closed;
    struct turn turn;
};

static void play(const char *path, struct broker *broker, struct told *told)
{
    struct store *store = NULL;
    struct store_options options = {.path = path, .debounce_us = 1000, .broker = broker};
    if (store_open(&options, &store, NULL)) {
        return;
    }
    struct turn_request request = {.prompt = SV("the prompt"), .model = SV("test/model")};
    if (store_start(store, NULL) == ERR_OK &&
        turn_begin(store, &request, within(2000), &told->turn, NULL) == ERR_OK) {
        told->begun = true;
        struct stream_event text = fixture_text(0, "first ");
        assert_int_equal(message_apply(store, &told->turn.answer, &text, NULL), ERR_OK);
        told->saved = message_flush(store, &told->turn.answer, within(300), NULL) == ERR_OK;
        text = fixture_text(0, "second");
        assert_int_equal(message_apply(store, &told->turn.answer, &text, NULL), ERR_OK);
        struct stream_event finish = fixture_finish(FINISH_END_TURN);
        assert_int_equal(message_apply(store, &told->turn.answer, &finish, NULL), ERR_OK);
    }
    told->closed = store_close(store, within(500), NULL) == ERR_OK;
    store_free(store);
}

static void assert_sound(struct fixture *fixture)
{
    char *verdict = fixture_query(fixture, "PRAGMA integrity_check");
    assert_string_equal(verdict, "ok");
    free(verdict);
}

/* After a start on a disk that works. */
static void assert_kept(struct fixture *fixture, const struct told *told)
{
    struct err err;
    struct message *message = NULL;
    if (!told->begun) {
        return;
    }
    assert_int_equal(message_snapshot(fixture->store, &told->turn.prompt, &message, &err), ERR_OK);
    assert_string_equal(message->parts[0].text, "the prompt");
    message_free(message);
    assert_int_equal(message_snapshot(fixture->store, &told->turn.answer, &message, &err), ERR_OK);
    char *text = message_text(message, PART_TEXT);
    if (told->closed) {
        assert_string_equal(text, "first second");
    } else {
        assert_memory_equal("first second", text, strlen(text));
        assert_true(!told->saved || strlen(text) >= strlen("first "));
    }
    assert_true(message->ended);
    free(text);
    message_free(message);
}

static void reopen_and_check(struct fixture *fixture, const struct told *told)
{
    struct store_options options = {
        .path = fixture->path, .debounce_us = 1000, .broker = fixture->broker};
    struct err err;
    assert_sound(fixture);
    assert_int_equal(store_open(&options, &fixture->store, &err), ERR_OK);
    assert_int_equal(store_start(fixture->store, &err), ERR_OK);
    assert_int_equal(store_wait_ready(fixture->store, within(30000), &err), ERR_OK);
    assert_kept(fixture, told);
    assert_int_equal(store_close(fixture->store, within(30000), &err), ERR_OK);
    store_free(fixture->store);
    fixture->store = NULL;
}

static void close_first(struct fixture *fixture)
{
    struct err err;
    assert_int_equal(store_close(fixture->store, within(30000), &err), ERR_OK);
    store_free(fixture->store);
    fixture->store = NULL;
}

static void fail_each(unsigned kinds, int code, bool sticky)
{
    struct fixture fixture;
    fixture_open(&fixture, 1000);
    close_first(&fixture);
    unsigned stride = setting("WEIR_FAULT_STRIDE", 7);
    stride *= stride > 1 && kinds == FAULT_MEMORY ? MEMORY_STRIDE : 1;
    unsigned struck = 1;
    unsigned steps = 0;
    for (unsigned n = 1; struck > 0; n += stride, steps++) {
        struct told told = {.begun = false};
        fault_arm(kinds, n, code, sticky);
        play(fixture.path, fixture.broker, &told);
        struck = fault_struck();
        fault_arm(0, 0, 0, false);
        reopen_and_check(&fixture, &told);
    }
    print_message("%u steps\n", steps);
    assert_true(steps > 1);
    fixture_close(&fixture);
}

static void any_write_may_fail_once(void **state)
{
    (void)state;
    fail_each(FAULT_WRITE | FAULT_TRUNCATE, SQLITE_IOERR_WRITE, false);
}

static void any_sync_may_fail_once(void **state)
{
    (void)state;
    fail_each(FAULT_SYNC, SQLITE_IOERR_FSYNC, false);
}

static void any_read_may_fail_once(void **state)
{
    (void)state;
    fail_each(FAULT_READ, SQLITE_IOERR_READ, false);
}

static void any_lock_may_be_refused_once(void **state)
{
    (void)state;
    fail_each(FAULT_LOCK | FAULT_SHM, SQLITE_BUSY, false);
}

static void the_disk_may_be_full_from_any_write_on(void **state)
{
    (void)state;
    fail_each(FAULT_WRITE, SQLITE_FULL, true);
}

static void any_open_may_fail_once(void **state)
{
    (void)state;
    fail_each(FAULT_OPEN, SQLITE_CANTOPEN, false);
}

static void any_allocation_of_the_database_may_fail_once(void **state)
{
    (void)state;
    fail_each(FAULT_MEMORY, SQLITE_NOMEM, false);
}

/* Also what comes while the next try waits. */
static void what_is_shown_before_it_is_saved_says_why(void **state)
{
    (void)state;
    struct fixture fixture;
    struct inbox inbox = {0};
    fixture_open(&fixture, 1000);
    struct turn turn = fixture_turn(&fixture, "q");
    inbox_receive(&fixture, &turn.answer, 1, &inbox);
    fault_arm(FAULT_WRITE, 1, SQLITE_FULL, true);
    for (size_t i = 2; i < 12; i++) {
        fixture_apply(&fixture, &turn.answer, fixture_text(0, "word "));
        inbox_receive(&fixture, &turn.answer, i, &inbox);
        assert_int_equal(inbox.count, i);
        assert_true(inbox.updates[i - 1]->unsaved);
        assert_int_equal(inbox.updates[i - 1]->error, ERR_DISK_FULL);
    }
    fault_arm(0, 0, 0, false);
    inbox_release(&inbox);
    fixture_close(&fixture);
}

/* ---- power ---- */

/* `cut` becomes what a power cut leaves of `fixture`: see cut_to. */
static void open_recorded(struct fixture *fixture, struct fixture *cut)
{
    fixture_open(cut, 1000);
    close_first(cut);
    fault_record(true);
    fixture_open(fixture, 0);
}

static void close_recorded(struct fixture *fixture, struct fixture *cut)
{
    fixture_close(fixture);
    fixture_close(cut);
    fault_record(false);
}

static void cut_to(const struct fixture *from, const struct fixture *to, uint64_t seed)
{
    static const char *const endings[] = {"", "-wal"};
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        char *source = xasprintf("%s%s", from->path, endings[i]);
        char *target = xasprintf("%s%s", to->path, endings[i]);
        unlink(target);
        fault_cut(source, target, seed * 2 + i);
        free(source);
        free(target);
    }
    char *shm = xasprintf("%s-shm", to->path);
    unlink(shm);
    free(shm);
}

static void assert_survived(struct fixture *cut, const struct turn *ended, const struct turn *asked)
{
    struct store_options options = {.path = cut->path, .broker = cut->broker};
    struct err err;
    struct message *message = NULL;
    assert_sound(cut);
    assert_int_equal(store_open(&options, &cut->store, &err), ERR_OK);
    assert_int_equal(store_start(cut->store, &err), ERR_OK);
    assert_int_equal(store_wait_ready(cut->store, within(30000), &err), ERR_OK);
    if (ended) {
        assert_int_equal(message_snapshot(cut->store, &ended->answer, &message, &err), ERR_OK);
        char *text = message_text(message, PART_TEXT);
        assert_string_equal(text, "a whole answer");
        free(text);
        message_free(message);
    }
    assert_int_equal(message_snapshot(cut->store, &asked->prompt, &message, &err), ERR_OK);
    message_free(message);
    assert_int_equal(store_close(cut->store, within(30000), &err), ERR_OK);
    store_free(cut->store);
    cut->store = NULL;
}

static struct turn whole_answer(struct fixture *fixture)
{
    struct turn turn = fixture_turn(fixture, "q");
    struct stream_event finish = fixture_finish(FINISH_END_TURN);
    fixture_apply(fixture, &turn.answer, fixture_text(0, "a whole answer"));
    assert_int_equal(message_apply_wait(fixture->store, &turn.answer, &finish, within(30000), NULL),
                     ERR_OK);
    return turn;
}

static void a_power_cut_costs_at_most_the_tail_of_what_was_running(void **state)
{
    (void)state;
    unsigned cuts = setting("WEIR_POWER_CUTS", 25);
    struct fixture fixture;
    struct fixture cut;
    open_recorded(&fixture, &cut);
    struct turn ended = {0};
    for (unsigned i = 0; i < cuts; i++) {
        struct turn asked = fixture_turn(&fixture, "asked");
        for (unsigned piece = 0; piece < i % 7; piece++) {
            fixture_apply(&fixture, &asked.answer, fixture_text(0, "piece "));
        }
        cut_to(&fixture, &cut, i);
        assert_survived(&cut, i > 0 ? &ended : NULL, &asked);
        fixture_apply(&fixture, &asked.answer, fixture_finish(FINISH_CANCELED));
        ended = whole_answer(&fixture);
        cut_to(&fixture, &cut, i + cuts);
        assert_survived(&cut, &ended, &asked);
    }
    close_recorded(&fixture, &cut);
}

/* Changes by the user: each is called with another number. */

static struct turn changed; /* what is changed: a session with an ended answer */

static void name_it(struct fixture *fixture, unsigned number)
{
    char *name = xasprintf("name-%u", number);
    const struct session_change change = {.fields = SESSION_SET_NAME, .name = sv_from(name)};
    assert_int_equal(session_update(fixture->store, &changed.session, &change, NULL), ERR_OK);
    free(name);
}

static void label_it(struct fixture *fixture, unsigned number)
{
    char *name = xasprintf("label-%u", number);
    const struct sv label = sv_from(name);
    const struct label_change change = {.add = &label, .add_count = 1};
    assert_int_equal(label_update(fixture->store, &changed.session, &change, NULL), ERR_OK);
    free(name);
}

static void fork_it(struct fixture *fixture, unsigned number)
{
    struct ulid branch;
    char *name = xasprintf("branch-%u", number);
    assert_int_equal(branch_fork(fixture->store, &changed.answer, sv_from(name), &branch, NULL),
                     ERR_OK);
    free(name);
}

static void delete_one(struct fixture *fixture, unsigned number UNUSED)
{
    struct turn turn = whole_answer(fixture);
    assert_int_equal(message_delete(fixture->store, &turn.answer, within(30000), NULL), ERR_OK);
}

static void what_the_user_changed_survives_a_power_cut(void **state)
{
    (void)state;
    static const struct {
        void (*change)(struct fixture *fixture, unsigned number);
        const char *sql;
    } changes[] = {
        {name_it, "SELECT count(*) FROM session WHERE name = 'name-%u'"},
        {label_it, "SELECT count(*) FROM label WHERE name = 'label-%u'"},
        {fork_it, "SELECT count(*) FROM branch WHERE name = 'branch-%u'"},
        {delete_one, "SELECT count(*) = %u FROM message WHERE deleted_at IS NOT NULL"},
    };
    struct fixture fixture;
    struct fixture cut;
    open_recorded(&fixture, &cut);
    changed = whole_answer(&fixture);
    for (unsigned i = 0; i < 6 * COUNT_OF(changes); i++) {
        unsigned number = i / COUNT_OF(changes) + 1;
        char *sql = xasprintf(changes[i % COUNT_OF(changes)].sql, number);
        changes[i % COUNT_OF(changes)].change(&fixture, number);
        cut_to(&fixture, &cut, i);
        fixture_assert_query(&cut, sql, "1");
        free(sql);
    }
    close_recorded(&fixture, &cut);
}

int main(void)
{
    alarm(setting("WEIR_FAULT_SECONDS", 120));
    fault_install();
    const char *kinds = getenv("WEIR_FAULT_KINDS");
    const struct CMUnitTest memory[] = {
        cmocka_unit_test(any_allocation_of_the_database_may_fail_once),
    };
    if (kinds && strcmp(kinds, "memory") == 0) {
        return cmocka_run_group_tests(memory, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_write_may_fail_once),
        cmocka_unit_test(any_sync_may_fail_once),
        cmocka_unit_test(any_read_may_fail_once),
        cmocka_unit_test(any_lock_may_be_refused_once),
        cmocka_unit_test(any_open_may_fail_once),
        cmocka_unit_test(the_disk_may_be_full_from_any_write_on),
        cmocka_unit_test(any_allocation_of_the_database_may_fail_once),
        cmocka_unit_test(what_is_shown_before_it_is_saved_says_why),
        cmocka_unit_test(what_the_user_changed_survives_a_power_cut),
        cmocka_unit_test(a_power_cut_costs_at_most_the_tail_of_what_was_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
