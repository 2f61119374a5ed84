/* Sessions as callers need them: made once, resumed, changed in part, labelled, listed by what they
 * are. On both backends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "store/db_struct.h"
#include "store/label.h"
#include "store/participant.h"
#include "store/session.h"
#include "store/store_internal.h"
#include "tests/store/race.h"
#include "tests/store/scratch.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

static struct ulid create(struct fixture *fixture, const struct session_request *request)
{
    struct err err;
    struct ulid id;
    bool created = false;
    if (session_create(fixture->store, request, &id, &created, &err)) {
        fail_msg("%s", err.text);
    }
    assert_true(created);
    return id;
}

static struct session get(struct fixture *fixture, const struct ulid *id)
{
    struct err err;
    struct session session;
    if (session_get(fixture->store, id, &session, &err)) {
        fail_msg("%s", err.text);
    }
    return session;
}

static void update(struct fixture *fixture, const struct ulid *id,
                   const struct session_change *change)
{
    struct err err;
    if (session_update(fixture->store, id, change, &err)) {
        fail_msg("%s", err.text);
    }
}

static void assert_refused(struct fixture *fixture, const struct ulid *id,
                           const struct session_change *change, enum err_code expected)
{
    struct err err = {ERR_OK, ""};
    assert_int_equal(session_update(fixture->store, id, change, &err), expected);
    assert_int_equal(err.code, expected);
    assert_true(err.text[0] != '\0');
}

/* Handles of a list, one after the other, and "+" when there are more. Gives. */
static char *listed(struct fixture *fixture, const struct session_filter *filter,
                    const struct session_window *window)
{
    struct err err;
    struct session_list list;
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    if (session_list(fixture->store, filter, window, &list, &err)) {
        fail_msg("%s", err.text);
    }
    for (size_t i = 0; i < list.count; i++) {
        (void)buf_appendf(&text, "%s%s", i ? " " : "", list.sessions[i].name);
    }
    (void)buf_append_str(&text, list.more ? "+" : "");
    session_list_release(&list);
    return buf_detach(&text);
}

static void assert_listed(struct fixture *fixture, const struct session_filter *filter,
                          const char *expected)
{
    const struct session_window window = {.limit = 100};
    char *text = listed(fixture, filter, &window);
    assert_string_equal(text, expected);
    free(text);
    int64_t count = -1;
    int64_t words = *expected != '\0';
    for (const char *at = expected; *at; at++) {
        words += *at == ' ';
    }
    assert_int_equal(session_count(fixture->store, filter, &count, NULL), ERR_OK);
    assert_int_equal(count, words);
}

/* A statement on the writer's connection, as another part of the store would run it. */
struct statement {
    const char *sql;
};

static enum err_code run_statement(void *state, struct db *db, struct err *err)
{
    return db_exec(db, ((const struct statement *)state)->sql, err);
}

static void execute(struct fixture *fixture, const char *sql)
{
    static const struct store_write write = {.run = run_statement, .free_state = free};
    struct err err;
    struct statement *statement = xcalloc(1, sizeof(*statement));
    statement->sql = sql;
    if (store_write(fixture->store, &write, &statement, &err)) {
        fail_msg("%s", err.text);
    }
    free(statement);
}

/* ---- made and found ---- */

static void sb1__a_session_is_created_with_metadata_or_without_and_got_by_id(void **state)
{
    struct fixture *fixture = *state;
    struct session_request with = {.name = SV("n"), .metadata = SV("{\"a\": [1, \"\\u00e9\"]}")};
    struct session_request without = {.title = SV("T")};
    struct ulid id = create(fixture, &with);
    struct ulid other = create(fixture, &without);
    struct session session = get(fixture, &id);
    assert_string_equal(session.metadata, "{\"a\": [1, \"\\u00e9\"]}");
    assert_string_equal(session.name, "n");
    assert_string_equal(session.title, "");
    assert_int_equal(session.status, SESSION_ACTIVE);
    assert_string_equal(session.state, "");
    assert_int_equal(session.message_count, 0);
    session_release(&session);
    assert_null(session.name);
    session_release(&session);
    session = get(fixture, &other);
    assert_null(session.metadata);
    assert_int_equal(session.title_by, TITLE_BY_USER);
    session_release(&session);

    struct ulid unknown = ulid_new();
    struct err err;
    assert_int_equal(session_get(fixture->store, &unknown, &session, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, unknown.text));
}

static void sb1__what_is_no_json_object_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const wrong[] = {"[]", "1", "\"{}\"", "{", "{\"a\":}", "{} x", "null", " "};
    struct ulid id;
    bool created = true;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct session_request request = {.metadata = sv_from(wrong[i])};
        assert_int_equal(session_create(fixture->store, &request, &id, &created, NULL),
                         ERR_INVALID);
    }
    fixture_assert_query(fixture, "SELECT count(*) FROM session", "0");
}

static void create__refuses_texts_that_are_no_line(void **state)
{
    struct fixture *fixture = *state;
    char longer[SESSION_NAME_MAX + 2];
    memset(longer, 'x', sizeof(longer));
    const struct {
        struct sv name;
        enum err_code code;
    } wrong[] = {
        {SV("a\nb"), ERR_INVALID},  {SV("a\x1b[1m"), ERR_INVALID},
        {SV("\xff"), ERR_INVALID},  {SV(" a"), ERR_INVALID},
        {SV("a\0b"), ERR_INVALID},  {sv_of(longer, sizeof(longer) - 1), ERR_TOO_BIG},
        {SV("a\x7f"), ERR_INVALID},
    };
    struct ulid id;
    bool created = true;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct session_request request = {.name = wrong[i].name};
        assert_int_equal(session_create(fixture->store, &request, &id, &created, NULL),
                         wrong[i].code);
    }
    struct session_request whole = {.name = sv_of(longer, SESSION_NAME_MAX)};
    (void)create(fixture, &whole);
}

static void sb2__resuming_takes_the_newest_of_the_scope_or_makes_one(void **state)
{
    struct fixture *fixture = *state;
    struct ulid first, second;
    bool created = false;
    assert_int_equal(session_resume(fixture->store, SV("/a"), &first, &created, NULL), ERR_OK);
    assert_true(created);
    struct session_request other = {.scope = SV("/b")};
    (void)create(fixture, &other);
    execute(fixture, "UPDATE session SET last_active_at = 5");
    struct sv word = SV("w");
    struct label_change label = {.add = &word, .add_count = 1};
    assert_int_equal(label_update(fixture->store, &first, &label, NULL), ERR_OK);
    assert_int_equal(session_resume(fixture->store, SV("/a"), &second, &created, NULL), ERR_OK);
    assert_false(created);
    assert_true(ulid_equal(&first, &second));
    /* Active now, also where its label is listed; the other scope is left alone. */
    fixture_assert_query(fixture, "SELECT last_active_at > 5 FROM session WHERE scope = '/a'", "1");
    fixture_assert_query(fixture, "SELECT last_active_at FROM session WHERE scope = '/b'", "5");
    fixture_assert_query(fixture,
                         "SELECT l.last_active_at = s.last_active_at FROM label l, session s"
                         " WHERE s.scope = '/a'",
                         "1");
    /* One that has ended is over. */
    struct session_change ended = {.fields = SESSION_SET_STATUS, .status = SESSION_ENDED};
    update(fixture, &first, &ended);
    assert_int_equal(session_resume(fixture->store, SV("/a"), &second, &created, NULL), ERR_OK);
    assert_true(created);
    assert_false(ulid_equal(&first, &second));
}

static void sb3__a_turn_stores_its_messages_and_is_activity(void **state)
{
    struct fixture *fixture = *state;
    struct session_request request = {.name = SV("n")};
    struct ulid id = create(fixture, &request);
    execute(fixture, "UPDATE session SET last_active_at = 5");
    struct turn turn;
    struct turn_request prompt = {.session = id, .prompt = SV("hello"), .model = SV("test/model")};
    assert_int_equal(turn_begin(fixture->store, &prompt, fixture_soon(), &turn, NULL), ERR_OK);
    struct session session = get(fixture, &id);
    assert_true(session.last_active_us > 5);
    assert_int_equal(session.message_count, 2);
    assert_string_equal(session.model, "test/model");
    assert_string_equal(session.state, "running");
    session_release(&session);
}

static void se2__a_key_makes_one_session_in_its_scope(void **state)
{
    struct fixture *fixture = *state;
    struct session_request request = {.key = SV("k"), .name = SV("first")};
    struct ulid id = create(fixture, &request);
    struct ulid again;
    bool created = true;
    /* Whatever else is asked for: the row that owns the key is given. */
    struct session_request other = {.key = SV("k"), .name = SV("second"), .metadata = SV("{}")};
    assert_int_equal(session_create(fixture->store, &other, &again, &created, NULL), ERR_OK);
    assert_false(created);
    assert_true(ulid_equal(&id, &again));
    struct session session = get(fixture, &id);
    assert_string_equal(session.name, "first");
    assert_null(session.metadata);
    session_release(&session);
    other.scope = SV("/elsewhere");
    other.name = SV("third");
    (void)create(fixture, &other);
    /* Without a key each is new. */
    struct session_request none = {.title = SV("t")};
    (void)create(fixture, &none);
    (void)create(fixture, &none);
    fixture_assert_query(fixture, "SELECT count(*) FROM session", "4");
}

static enum err_code create_by_key(struct store *store, int who, const char *given, char text[64])
{
    struct ulid id;
    bool created = false;
    (void)who;
    struct session_request request = {.key = sv_from(given), .title = sv_from(given)};
    enum err_code code = session_create(store, &request, &id, &created, NULL);
    (void)snprintf(text, 64, "%s%s", created ? "+" : "-", code ? "" : id.text);
    return code;
}

static void se2__four_processes_with_one_key_make_one_session(void **state)
{
    char *path = scratch_path(*state, "race.db");
    struct race *race = race_open(path, create_by_key);
    for (int round = 0; round < race_rounds(); round++) {
        char key[32];
        int made = 0;
        struct race_result results[RACERS];
        (void)snprintf(key, sizeof(key), "key %d", round);
        race_round(race, key, results);
        for (int i = 0; i < RACERS; i++) {
            assert_int_equal(results[i].code, ERR_OK);
            assert_string_equal(results[i].text + 1, results[0].text + 1);
            made += results[i].text[0] == '+';
        }
        assert_int_equal(made, 1);
    }
    race_close(race);
    free(path);
}

/* ---- changed ---- */

static void se3__an_update_sets_only_what_is_given(void **state)
{
    struct fixture *fixture = *state;
    struct session_request request = {
        .name = SV("n"), .title = SV("t"), .metadata = SV("{\"a\":1}")};
    struct ulid id = create(fixture, &request);
    struct session_change change = {.fields = SESSION_SET_TITLE,
                                    .name = SV("not this"),
                                    .title = SV("new"),
                                    .title_by = TITLE_BY_USER,
                                    .status = SESSION_ENDED,
                                    .archived = true};
    update(fixture, &id, &change);
    struct session session = get(fixture, &id);
    assert_string_equal(session.title, "new");
    assert_string_equal(session.name, "n");
    assert_string_equal(session.metadata, "{\"a\":1}");
    assert_int_equal(session.status, SESSION_ACTIVE);
    assert_int_equal(session.archived_us, 0);
    session_release(&session);

    struct session_change sums = {.fields =
                                      SESSION_SET_SUMS | SESSION_SET_METADATA | SESSION_SET_NAME,
                                  .message_count = 7,
                                  .input_tokens = -1,
                                  .output_tokens = 9,
                                  .cost_micros = 1};
    update(fixture, &id, &sums);
    session = get(fixture, &id);
    assert_null(session.name);
    assert_null(session.metadata);
    assert_int_equal(session.message_count, 7);
    assert_int_equal(session.input_tokens, 0);
    assert_int_equal(session.output_tokens, 9);
    assert_int_equal(session.cost_micros, 1);
    session_release(&session);
}

static void se3__what_is_refused_changes_nothing_and_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct session_request one = {.name = SV("one"), .title = SV("t")};
    struct session_request two = {.name = SV("two")};
    struct ulid id = create(fixture, &one);
    struct ulid unknown = ulid_new();
    (void)create(fixture, &two);
    struct session_change taken = {.fields = SESSION_SET_NAME | SESSION_SET_TITLE,
                                   .name = SV("two"),
                                   .title = SV("x"),
                                   .title_by = TITLE_BY_USER};
    assert_refused(fixture, &id, &taken, ERR_EXISTS);
    assert_refused(fixture, &unknown, &taken, ERR_NOT_FOUND);
    struct session_change wrong = {.fields = SESSION_SET_TITLE | SESSION_SET_METADATA,
                                   .title = SV("x"),
                                   .title_by = TITLE_BY_USER,
                                   .metadata = SV("[]")};
    assert_refused(fixture, &id, &wrong, ERR_INVALID);
    struct session session = get(fixture, &id);
    assert_string_equal(session.title, "t");
    assert_string_equal(session.name, "one");
    session_release(&session);
    /* Its own name is nobody else's. */
    struct session_change same = {.fields = SESSION_SET_NAME, .name = SV("one")};
    update(fixture, &id, &same);
    execute(fixture, "UPDATE session SET deleted_at = 1 WHERE name = 'one'");
    assert_refused(fixture, &id, &same, ERR_GONE);
}

static void se3__a_title_is_replaced_by_its_own_author_or_a_later_one(void **state)
{
    struct fixture *fixture = *state;
    struct ulid id = fixture_turn(fixture, "a prompt").session;
    static const struct {
        enum title_author by;
        const char *title, *then;
    } steps[] = {
        {TITLE_BY_PROMPT, "p", "p"},       {TITLE_BY_MODEL, "m", "m"},
        {TITLE_BY_PROMPT, "q", "m"},       {TITLE_BY_MODEL, "m2", "m2"},
        {TITLE_BY_USER, "mine", "mine"},   {TITLE_BY_MODEL, "m", "mine"},
        {TITLE_BY_USER, "again", "again"},
    };
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct session_change change = {
            .fields = SESSION_SET_TITLE, .title = sv_from(steps[i].title), .title_by = steps[i].by};
        update(fixture, &id, &change);
        fixture_assert_query(fixture, "SELECT title FROM session", steps[i].then);
    }
    /* What the user did can be undone, what a model did is no act of the user's. */
    fixture_assert_query(fixture, "SELECT group_concat(before || '>' || after) FROM journal",
                         "model:m2>user:mine,user:mine>user:again");
}

static void count_event(void *ctx, const struct event *event)
{
    (void)event;
    (*(size_t *)ctx)++;
}

static void se3__a_change_is_published(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct subscription *inbox = NULL;
    struct subscription_options options = {.topics = TOPIC_SESSION};
    assert_int_equal(broker_subscribe(fixture->broker, &options, &inbox, &err), ERR_OK);
    struct session_request request = {.name = SV("n")};
    struct ulid id = create(fixture, &request);
    struct sv word = SV("w");
    struct label_change label = {.add = &word, .add_count = 1};
    struct session_change change = {.fields = SESSION_SET_ARCHIVED, .archived = true};
    update(fixture, &id, &change);
    assert_int_equal(label_update(fixture->store, &id, &label, NULL), ERR_OK);
    size_t count = 0;
    subscription_drain(inbox, 0, count_event, &count);
    assert_int_equal(count, 3);
    broker_unsubscribe(inbox);
}

static void se7__status_ends_and_begins_again(void **state)
{
    struct fixture *fixture = *state;
    struct session_request request = {.name = SV("n")};
    struct ulid id = create(fixture, &request);
    static const enum session_status statuses[] = {SESSION_ENDED, SESSION_IDLE, SESSION_ENDED,
                                                   SESSION_ACTIVE};
    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        struct session_change change = {.fields = SESSION_SET_STATUS, .status = statuses[i]};
        update(fixture, &id, &change);
        struct session session = get(fixture, &id);
        assert_int_equal(session.status, statuses[i]);
        assert_int_equal(session.ended_us != 0, statuses[i] == SESSION_ENDED);
        session_release(&session);
    }
    assert_string_equal(session_status_text(SESSION_ENDED), "ended");
    assert_string_equal(session_status_text(SESSION_STATUS_COUNT), "");
}

static void se7__a_session_counts_its_messages_and_tokens(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = fixture_turn(fixture, "q");
    struct usage usage = usage_unknown();
    usage.input_tokens = 11;
    usage.output_tokens = 7;
    struct stream_event event = {.kind = STREAM_USAGE, .usage = usage};
    fixture_apply(fixture, &turn.answer, event);
    fixture_end(fixture, &turn, FINISH_END_TURN);
    struct session session = get(fixture, &turn.session);
    assert_int_equal(session.message_count, 2);
    assert_int_equal(session.input_tokens, 11);
    assert_int_equal(session.output_tokens, 7);
    assert_int_equal(session.cost_micros, 0);
    assert_string_equal(session.state, "completed");
    session_release(&session);
}

/* ---- listed ---- */

/* a to f, the later ones more recently active; what tells them apart is in the statements. */
static void make_six(struct fixture *fixture)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct session_request request = {.name = sv_from(names[i]), .title = sv_from(names[i])};
        (void)create(fixture, &request);
    }
    execute(fixture, "UPDATE session SET last_active_at = 10 * id;"
                     "UPDATE session SET scope = '/s' WHERE name IN ('a', 'c', 'e');"
                     "UPDATE session SET model = 'p/m' WHERE name IN ('b', 'c');"
                     "UPDATE session SET state = 'failed' WHERE name IN ('c', 'd');"
                     "UPDATE session SET cost_micros = 100 WHERE name = 'd';"
                     "UPDATE session SET title = '100%_Title' WHERE name = 'b';"
                     "UPDATE session SET archived_at = 1 WHERE name = 'e';"
                     "UPDATE session SET deleted_at = 99, archived_at = 1 WHERE name = 'f';"
                     "INSERT INTO label SELECT id, 'work', last_active_at FROM session"
                     " WHERE name IN ('a', 'b', 'e', 'f')");
}

static void sb6__lists_are_of_one_scope_the_newest_first(void **state)
{
    struct fixture *fixture = *state;
    make_six(fixture);
    assert_listed(fixture, NULL, "d c b a");
    assert_listed(fixture, &(struct session_filter){.scope = "/s"}, "c a");
    assert_listed(fixture, &(struct session_filter){.scope = "/none"}, "");
    assert_listed(fixture, &(struct session_filter){.scope = ""}, "d b");
}

static void list__is_narrowed_by_all_that_is_given(void **state)
{
    struct fixture *fixture = *state;
    make_six(fixture);
    const struct {
        struct session_filter filter;
        const char *expected;
    } cases[] = {
        {{.label = "work"}, "b a"},
        {{.label = "Work"}, ""},
        {{.label = "work", .scope = "/s"}, "a"},
        {{.label = "work", .model = "p/m"}, "b"},
        {{.model = "p/m"}, "c b"},
        {{.model = "p/m", .scope = "/s"}, "c"},
        {{.state = "failed"}, "d c"},
        {{.state = "failed", .model = "p/m"}, "c"},
        {{.since_us = 20, .until_us = 40}, "c b"},
        {{.since_us = 41}, ""},
        {{.until_us = 10}, ""},
        {{.min_cost_micros = 100}, "d"},
        {{.min_cost_micros = 101}, ""},
        {{.title = "0%_t"}, "b"},
        {{.title = "%"}, "b"},
        {{.title = "C"}, "c"},
        {{.title = ""}, "d c b a"},
        {{.set = SESSIONS_ARCHIVED}, "e"},
        {{.set = SESSIONS_ARCHIVED, .label = "work"}, "e"},
        {{.set = SESSIONS_ARCHIVED, .label = "none"}, ""},
        {{.set = SESSIONS_DELETED}, "f"},
        {{.set = SESSIONS_DELETED, .label = "work", .since_us = 99}, "f"},
        {{.set = SESSIONS_DELETED, .since_us = 100}, ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_listed(fixture, &cases[i].filter, cases[i].expected);
    }
}

#define COMBINATIONS 32

/* Each bit of `which` gives one of the things that a list is narrowed by. */
static struct session_filter combination(unsigned which)
{
    return (struct session_filter){
        .scope = which & 1 ? "/s" : NULL,
        .label = which & 2 ? "work" : NULL,
        .model = which & 4 ? "p/m" : NULL,
        .state = which & 8 ? "failed" : NULL,
        .title = which & 16  ? "c"
                 : which & 8 ? NULL
                             : "0%_t",
    };
}

/* Whether a scope, label or model is looked through by itself, or all sessions are, is chosen by
 * how many it has. */
static void list__is_the_same_where_a_thousand_others_have_the_label(void **state)
{
    struct fixture *fixture = *state;
    const struct session_window window = {.limit = 100};
    char *before[COMBINATIONS];
    make_six(fixture);
    for (unsigned i = 0; i < COMBINATIONS; i++) {
        struct session_filter filter = combination(i);
        before[i] = listed(fixture, &filter, &window);
    }
    execute(fixture,
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)"
            " INSERT INTO session (uid, handle, name, title, scope, model, state, created_at,"
            " last_active_at) SELECT 'filler' || i, 'filler' || i, 'filler' || i, 'of no use',"
            " '/s', 'p/m', 'ended', 1, 1000 + i FROM n;"
            "INSERT INTO label SELECT id, 'work', last_active_at FROM session"
            " WHERE title = 'of no use'");
    for (unsigned i = 0; i < COMBINATIONS; i++) {
        struct session_filter filter = combination(i);
        assert_listed(fixture, &filter, before[i]);
        free(before[i]);
    }
}

/* Walks by cursors with that limit from one end to the other. Gives all that it saw. */
static char *walk(struct fixture *fixture, const struct session_filter *filter, bool newer,
                  size_t limit)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    struct session_window window = {.newer = newer, .limit = limit};
    bool more = true;
    while (more) {
        struct session_list list;
        assert_int_equal(session_list(fixture->store, filter, &window, &list, NULL), ERR_OK);
        more = list.more;
        for (size_t i = 0; i < list.count; i++) {
            size_t at = newer ? list.count - 1 - i : i;
            (void)buf_append_str(&text, list.sessions[at].name);
        }
        if (list.count > 0) {
            window.cursor =
                session_cursor_of(&list.sessions[newer ? 0 : list.count - 1], filter->set);
        }
        session_list_release(&list);
    }
    return buf_detach(&text);
}

static void list__goes_on_behind_a_cursor_in_both_directions(void **state)
{
    struct fixture *fixture = *state;
    make_six(fixture);
    execute(fixture, "UPDATE session SET deleted_at = NULL, archived_at = NULL;"
                     "UPDATE session SET last_active_at = 30 WHERE name IN ('b', 'c', 'd', 'e');"
                     "UPDATE label SET last_active_at ="
                     " (SELECT last_active_at FROM session s WHERE s.id = label.session)");
    const struct session_filter all = {.set = SESSIONS_SHOWN};
    const struct session_filter work = {.label = "work"};
    for (size_t limit = 1; limit < 7; limit++) {
        const struct {
            const struct session_filter *filter;
            bool newer;
            const char *expected;
        } ways[] = {
            {&all, false, "fbcdea"},
            {&all, true, "aedcbf"},
            {&work, false, "fbea"},
            {&work, true, "aebf"},
        };
        for (size_t i = 0; i < COUNT_OF(ways); i++) {
            char *seen = walk(fixture, ways[i].filter, ways[i].newer, limit);
            assert_string_equal(seen, ways[i].expected);
            free(seen);
        }
    }
    const struct session_window offset = {.offset = 4, .limit = 1};
    char *text = listed(fixture, NULL, &offset);
    assert_string_equal(text, "e+");
    free(text);
}

static void list__goes_on_where_the_cursors_session_is_gone(void **state)
{
    struct fixture *fixture = *state;
    make_six(fixture);
    struct session_window window = {.limit = 2, .cursor = {30, ulid_new()}};
    char *text = listed(fixture, NULL, &window);
    assert_string_equal(text, "c b+");
    free(text);
}

/* ---- labels, participants ---- */

static char *labels_of(struct fixture *fixture, const struct ulid *session)
{
    struct err err;
    struct label_list list;
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    if (label_list(fixture->store, session, &list, &err)) {
        fail_msg("%s", err.text);
    }
    for (size_t i = 0; i < list.count; i++) {
        (void)buf_appendf(&text, "%s:%lld ", list.labels[i].name,
                          (long long)list.labels[i].sessions);
    }
    label_list_release(&list);
    label_list_release(&list);
    return buf_detach(&text);
}

static void labels__are_added_removed_and_listed(void **state)
{
    struct fixture *fixture = *state;
    struct session_request request = {.name = SV("n")};
    struct session_request other = {.name = SV("o")};
    struct ulid id = create(fixture, &request);
    struct ulid archived = create(fixture, &other);
    const struct sv words[] = {SV("work"), SV("\u00e4rger"), SV("Work")};
    struct label_change add = {.add = words, .add_count = 3};
    assert_int_equal(label_update(fixture->store, &id, &add, NULL), ERR_OK);
    assert_int_equal(label_update(fixture->store, &id, &add, NULL), ERR_OK);
    struct label_change both = {
        .remove = &words[2], .remove_count = 1, .add = words, .add_count = 1};
    assert_int_equal(label_update(fixture->store, &id, &both, NULL), ERR_OK);
    assert_int_equal(label_update(fixture->store, &archived, &both, NULL), ERR_OK);
    struct session_change archive = {.fields = SESSION_SET_ARCHIVED, .archived = true};
    update(fixture, &archived, &archive);
    char *text = labels_of(fixture, &id);
    assert_string_equal(text, "work:0 \u00e4rger:0 ");
    free(text);
    text = labels_of(fixture, NULL);
    assert_string_equal(text, "work:1 \u00e4rger:1 ");
    free(text);
    /* What was there already, or was not there, is nothing to undo. */
    fixture_assert_query(fixture,
                         "SELECT group_concat(action || ':' || coalesce(before, after))"
                         " FROM journal WHERE action <> 'archive'",
                         "label:work,label:\u00e4rger,label:Work,unlabel:Work,label:work");
}

static void labels__that_are_refused_change_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct session_request request = {.name = SV("n")};
    struct ulid id = create(fixture, &request);
    struct ulid unknown = ulid_new();
    const struct sv words[] = {SV("fine"), SV("")};
    struct label_change change = {.add = words, .add_count = 2};
    assert_int_equal(label_update(fixture->store, &id, &change, NULL), ERR_INVALID);
    change.add_count = 1;
    assert_int_equal(label_update(fixture->store, &unknown, &change, NULL), ERR_NOT_FOUND);
    struct label_list list;
    assert_int_equal(label_list(fixture->store, &unknown, &list, NULL), ERR_NOT_FOUND);
    assert_int_equal(label_list(fixture->store, &id, &list, NULL), ERR_OK);
    assert_int_equal(list.count, 0);
    label_list_release(&list);
}

static void se4__participants_are_resolved_or_added_and_listed_in_order(void **state)
{
    struct fixture *fixture = *state;
    struct session_request request = {.name = SV("n")};
    struct ulid id = create(fixture, &request);
    static const struct {
        enum participant_kind kind;
        const char *name;
    } who[] = {
        {PARTICIPANT_USER, ""},
        {PARTICIPANT_MODEL, "p/one"},
        {PARTICIPANT_TOOL, "p/one"},
        {PARTICIPANT_MODEL, "p/two"},
    };
    int64_t numbers[COUNT_OF(who)];
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT_OF(who); i++) {
            int64_t number = 0;
            assert_int_equal(participant_resolve(fixture->store, &id, who[i].kind,
                                                 sv_from(who[i].name), &number, NULL),
                             ERR_OK);
            numbers[i] = round == 0 ? number : numbers[i];
            assert_int_equal(number, numbers[i]);
        }
    }
    struct participant_list list;
    assert_int_equal(participant_list(fixture->store, &id, &list, NULL), ERR_OK);
    assert_int_equal(list.count, COUNT_OF(who));
    for (size_t i = 0; i < list.count; i++) {
        assert_int_equal(list.participants[i].number, numbers[i]);
        assert_int_equal(list.participants[i].kind, who[i].kind);
        assert_string_equal(list.participants[i].external_id, who[i].name);
    }
    participant_list_release(&list);
    int64_t number = 0;
    struct ulid unknown = ulid_new();
    assert_int_equal(
        participant_resolve(fixture->store, &unknown, PARTICIPANT_USER, SV(""), &number, NULL),
        ERR_NOT_FOUND);
    assert_int_equal(participant_list(fixture->store, &unknown, &list, NULL), ERR_NOT_FOUND);
    assert_int_equal(
        participant_resolve(fixture->store, &id, PARTICIPANT_MODEL, SV("\xff"), &number, NULL),
        ERR_INVALID);
}

static void se4__each_message_knows_who_wrote_it(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = fixture_turn(fixture, "q");
    fixture_end(fixture, &turn, FINISH_END_TURN);
    struct turn_request next = {
        .session = turn.session, .prompt = SV("again"), .model = SV("test/other")};
    assert_int_equal(turn_begin(fixture->store, &next, fixture_soon(), &turn, NULL), ERR_OK);
    fixture_assert_query(fixture,
                         "SELECT group_concat(p.kind || ':' || p.external_id) FROM message m"
                         " JOIN participant p ON p.id = m.participant ORDER BY m.id",
                         "user:,model:test/model,user:,model:test/other");
    struct participant_list list;
    assert_int_equal(participant_list(fixture->store, &turn.session, &list, NULL), ERR_OK);
    assert_int_equal(list.count, 3);
    participant_list_release(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(sb1__a_session_is_created_with_metadata_or_without_and_got_by_id),
        ON_BOTH(sb1__what_is_no_json_object_is_refused),
        ON_BOTH(create__refuses_texts_that_are_no_line),
        ON_BOTH(sb2__resuming_takes_the_newest_of_the_scope_or_makes_one),
        ON_BOTH(sb3__a_turn_stores_its_messages_and_is_activity),
        ON_BOTH(se2__a_key_makes_one_session_in_its_scope),
        SCRATCH_TEST(se2__four_processes_with_one_key_make_one_session),
        ON_BOTH(se3__an_update_sets_only_what_is_given),
        ON_BOTH(se3__what_is_refused_changes_nothing_and_is_named),
        ON_BOTH(se3__a_title_is_replaced_by_its_own_author_or_a_later_one),
        ON_BOTH(se3__a_change_is_published),
        ON_BOTH(se7__status_ends_and_begins_again),
        ON_BOTH(se7__a_session_counts_its_messages_and_tokens),
        ON_BOTH(sb6__lists_are_of_one_scope_the_newest_first),
        ON_BOTH(list__is_narrowed_by_all_that_is_given),
        ON_BOTH(list__is_the_same_where_a_thousand_others_have_the_label),
        ON_BOTH(list__goes_on_behind_a_cursor_in_both_directions),
        ON_BOTH(list__goes_on_where_the_cursors_session_is_gone),
        ON_BOTH(labels__are_added_removed_and_listed),
        ON_BOTH(labels__that_are_refused_change_nothing),
        ON_BOTH(se4__participants_are_resolved_or_added_and_listed_in_order),
        ON_BOTH(se4__each_message_knows_who_wrote_it),
    };
    return cmocka_run_group_tests_name("session_rows", tests, NULL, NULL);
}
