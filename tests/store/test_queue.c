/* The queue of prompts: order, changes, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "store/queue.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

static struct ulid add(struct fixture *fixture, const struct ulid *session, const char *text)
{
    struct ulid id;
    struct err err = {ERR_OK, ""};
    if (queue_add(fixture->store, session, sv_from(text), &id, &err)) {
        fail_msg("%s", err.text);
    }
    return id;
}

static void assert_waiting(struct fixture *fixture, const struct ulid *session, const char *texts)
{
    struct queue_list list;
    struct buf all = BUF_INIT(BUF_MAX_INTERNAL);
    assert_int_equal(queue_list(fixture->store, session, &list, NULL), ERR_OK);
    for (size_t i = 0; i < list.count; i++) {
        buf_appendf(&all, "%s;", list.items[i].text);
    }
    assert_string_equal(buf_cstr(&all), texts);
    buf_release(&all);
    queue_list_release(&list);
}

static void add__keeps_the_order_across_a_new_start(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 0);
    struct ulid session = fixture_turn(&fixture, "q").session;
    add(&fixture, &session, "one");
    struct ulid two = add(&fixture, &session, "two");
    add(&fixture, &session, "three");
    assert_waiting(&fixture, &session, "one;two;three;");
    fixture_reopen(&fixture);
    assert_waiting(&fixture, &session, "one;two;three;");
    assert_int_equal(queue_remove(fixture.store, &two, NULL), ERR_OK);
    assert_int_equal(queue_remove(fixture.store, &two, NULL), ERR_NOT_FOUND);
    assert_waiting(&fixture, &session, "one;three;");
    fixture_close(&fixture);
}

static void add__refuses_what_cannot_be_sent(void **state)
{
    (void)state;
    struct fixture fixture;
    struct ulid id;
    fixture_open(&fixture, 0);
    struct ulid session = fixture_turn(&fixture, "q").session;
    struct ulid nobody = ulid_new();
    assert_int_equal(queue_add(fixture.store, &session, SV(""), &id, NULL), ERR_INVALID);
    assert_int_equal(queue_add(fixture.store, &session, SV("\xc3"), &id, NULL), ERR_INVALID);
    assert_int_equal(queue_add(fixture.store, &nobody, SV("x"), &id, NULL), ERR_NOT_FOUND);
    assert_waiting(&fixture, &nobody, "");
    fixture_execute(&fixture, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                              " WHERE i < 1000) INSERT INTO queue (uid, session, text, created_at)"
                              " SELECT 'u' || i, 1, 'x', 1 FROM n");
    assert_int_equal(queue_add(fixture.store, &session, SV("x"), &id, NULL), ERR_TOO_BIG);
    fixture_close(&fixture);
}

struct told {
    pthread_mutex_t lock;
    pthread_cond_t told;
    int count;
    enum err_code code;
};

static void tell(void *ctx, enum err_code code, const struct err *err)
{
    (void)err;
    struct told *told = ctx;
    pthread_mutex_lock(&told->lock);
    told->count++;
    told->code = code;
    pthread_cond_broadcast(&told->told);
    pthread_mutex_unlock(&told->lock);
}

static enum err_code wait_told(struct told *told, int count)
{
    pthread_mutex_lock(&told->lock);
    while (told->count < count) {
        assert_true(clock_cond_wait(&told->told, &told->lock, fixture_soon()));
    }
    pthread_mutex_unlock(&told->lock);
    return told->code;
}

static void change_then__never_waits_and_tells(void **state)
{
    (void)state;
    struct fixture fixture;
    struct told told = {.lock = PTHREAD_MUTEX_INITIALIZER};
    clock_cond_init(&told.told);
    fixture_open(&fixture, 0);
    struct queue_change change = {
        .act = QUEUE_ADD, .session = fixture_turn(&fixture, "q").session, .text = SV("one")};
    struct db_lock *lock = fixture_lock(&fixture, CLOCK_MS(150));
    assert_int_equal(queue_change_then(fixture.store, &change, tell, &told, NULL), ERR_OK);
    int64_t returned = clock_mono_us();
    assert_true(returned < fixture_unlock(lock));
    assert_int_equal(wait_told(&told, 1), ERR_OK);
    assert_waiting(&fixture, &change.session, "one;");
    change.session = ulid_new();
    assert_int_equal(queue_change_then(fixture.store, &change, tell, &told, NULL), ERR_OK);
    assert_int_equal(wait_told(&told, 2), ERR_NOT_FOUND);
    fixture_close(&fixture);
    pthread_cond_destroy(&told.told);
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(add__keeps_the_order_across_a_new_start),
        cmocka_unit_test(add__refuses_what_cannot_be_sent),
        cmocka_unit_test(change_then__never_waits_and_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
