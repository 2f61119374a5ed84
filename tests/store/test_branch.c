/* Branches: listed, switched, forked, copied; siblings; pages of each. On both backends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "store/branch.h"
#include "store/db_struct.h"
#include "store/history.h"
#include "store/label.h"
#include "store/participant.h"
#include "store/session.h"
#include "store/store_internal.h"
#include "tests/store/race.h"
#include "tests/store/scratch.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

/* A turn that has its answer. */
static struct turn say(struct store *store, const struct turn_request *request, const char *answer)
{
    struct err err;
    struct turn turn;
    struct stream_event text = fixture_text(0, answer);
    struct stream_event end = fixture_finish(FINISH_END_TURN);
    if (turn_begin(store, request, fixture_soon(), &turn, &err) ||
        message_apply(store, &turn.answer, &text, &err) ||
        message_apply_wait(store, &turn.answer, &end, fixture_soon(), &err)) {
        fail_msg("%s", err.text);
    }
    return turn;
}

static struct turn talk(struct fixture *fixture, const struct ulid *session, const char *prompt,
                        const char *answer)
{
    struct turn_request request = {.prompt = sv_from(prompt), .model = SV("p/m")};
    if (session) {
        request.session = *session;
    }
    return say(fixture->store, &request, answer);
}

static struct turn edit(struct fixture *fixture, const struct ulid *at, const char *prompt,
                        const char *answer)
{
    struct turn_request request = {
        .kind = TURN_EDIT, .at = *at, .prompt = sv_from(prompt), .model = SV("p/m")};
    return say(fixture->store, &request, answer);
}

static struct turn again(struct fixture *fixture, const struct ulid *at, const char *answer)
{
    struct turn_request request = {.kind = TURN_AGAIN, .at = *at, .model = SV("p/m")};
    return say(fixture->store, &request, answer);
}

/* The words of a branch (NULL: the current one), one after the other. Gives. */
static char *words(struct fixture *fixture, const struct ulid *session, const struct ulid *branch)
{
    struct err err;
    struct history_lines lines;
    struct history_query query = {.session = *session, .limit = 1000};
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    if (branch) {
        query.branch = *branch;
    }
    if (history_lines(fixture->store, &query, &lines, &err)) {
        fail_msg("%s", err.text);
    }
    for (size_t i = 0; i < lines.count; i++) {
        (void)buf_appendf(&text, "%s%s", i ? " " : "", lines.lines[i].text);
    }
    history_lines_release(&lines);
    return buf_detach(&text);
}

static void assert_words(struct fixture *fixture, const struct ulid *session,
                         const struct ulid *branch, const char *expected)
{
    char *text = words(fixture, session, branch);
    assert_string_equal(text, expected);
    free(text);
}

/* A statement on the writer's connection, as another part of the store would run it. */
static enum err_code run_sql(void *state, struct db *db, struct err *err)
{
    return db_exec(db, state, err);
}

static void execute(struct fixture *fixture, const char *sql)
{
    static const struct store_write write = {.run = run_sql, .free_state = free};
    struct err err;
    char *text = xstrdup(sql);
    if (store_write(fixture->store, &write, &text, &err)) {
        fail_msg("%s", err.text);
    }
    free(text);
}

/* The background moves the text of an answer to where it stays; it is on its way until then. */
static void wait_for_folding(struct fixture *fixture)
{
    int64_t deadline = fixture_soon();
    bool folded = false;
    while (!folded && clock_mono_us() < deadline) {
        char *left = fixture_query(fixture, "SELECT count(*) FROM message WHERE folded = 0");
        folded = strcmp(left, "0") == 0;
        free(left);
        clock_sleep_us(folded ? 0 : 1000);
    }
    assert_true(folded);
}

static void assert_siblings(struct fixture *fixture, const struct ulid *message,
                            const struct ulid *const *expected, size_t count)
{
    struct err err;
    struct sibling_list list;
    if (branch_siblings(fixture->store, message, &list, &err)) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(list.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(list.siblings[i].message.text, expected[i]->text);
    }
    assert_string_equal(list.siblings[list.at].message.text, message->text);
    sibling_list_release(&list);
    sibling_list_release(&list);
}

static void list__names_each_branch_with_its_parent_and_fork(void **state)
{
    struct fixture *fixture = *state;
    struct turn first = talk(fixture, NULL, "q1", "a1");
    struct turn second = talk(fixture, &first.session, "q2", "a2");
    struct turn third = edit(fixture, &second.prompt, "q3", "a3");
    struct branch_list list;
    assert_int_equal(branch_list(fixture->store, &first.session, &list, NULL), ERR_OK);
    assert_int_equal(list.count, 2);
    assert_false(ulid_is_set(&list.branches[0].parent));
    assert_int_equal(list.branches[0].fork_seq, 0);
    assert_int_equal(list.branches[0].last_seq, 4);
    assert_false(list.branches[0].current);
    assert_string_equal(list.branches[1].id.text, third.branch.text);
    assert_string_equal(list.branches[1].parent.text, list.branches[0].id.text);
    assert_int_equal(list.branches[1].fork_seq, 2);
    assert_int_equal(list.branches[1].last_seq, 4);
    assert_string_equal(list.branches[1].reason, "edit");
    assert_null(list.branches[1].name);
    assert_true(list.branches[1].current);
    branch_list_release(&list);
    branch_list_release(&list);
    struct ulid unknown = ulid_new();
    assert_int_equal(branch_list(fixture->store, &unknown, &list, NULL), ERR_NOT_FOUND);
}

static void siblings__stand_at_the_same_place_after_the_same_messages(void **state)
{
    struct fixture *fixture = *state;
    struct turn one = talk(fixture, NULL, "q1", "a1");
    struct turn two = talk(fixture, &one.session, "q2", "a2");
    struct turn three = talk(fixture, &one.session, "q3", "a3");
    /* Two other prompts for the second, one of them in the place of the other. */
    struct turn edited = edit(fixture, &two.prompt, "e1", "b1");
    struct turn twice = edit(fixture, &edited.prompt, "e2", "b2");
    /* Another answer to the first edit. */
    struct turn other = again(fixture, &edited.answer, "b3");
    /* And the first prompt of all in another form. */
    struct turn start = edit(fixture, &one.prompt, "s", "c");
    const struct ulid *const prompts[] = {&two.prompt, &edited.prompt, &twice.prompt};
    for (size_t i = 0; i < COUNT_OF(prompts); i++) {
        assert_siblings(fixture, prompts[i], prompts, COUNT_OF(prompts));
    }
    const struct ulid *const answers[] = {&edited.answer, &other.answer};
    assert_siblings(fixture, answers[0], answers, 2);
    assert_siblings(fixture, answers[1], answers, 2);
    const struct ulid *const starts[] = {&one.prompt, &start.prompt};
    assert_siblings(fixture, starts[0], starts, 2);
    assert_siblings(fixture, starts[1], starts, 2);
    /* The same seq, but after something else. */
    const struct ulid *const alone[] = {&three.prompt};
    assert_siblings(fixture, alone[0], alone, 1);
    const struct ulid *const second[] = {&two.answer};
    assert_siblings(fixture, second[0], second, 1);
    /* What is deleted is none. */
    char *sql = xasprintf("UPDATE message SET deleted_at = 1 WHERE uid = '%s'", edited.prompt.text);
    execute(fixture, sql);
    free(sql);
    const struct ulid *const left[] = {&two.prompt, &twice.prompt};
    assert_siblings(fixture, left[1], left, 2);
    struct sibling_list list;
    assert_int_equal(branch_siblings(fixture->store, &edited.prompt, &list, NULL), ERR_NOT_FOUND);
}

static void switch__shows_the_other_branch_and_goes_on_there(void **state)
{
    struct fixture *fixture = *state;
    struct turn one = talk(fixture, NULL, "q1", "a1");
    struct turn two = edit(fixture, &one.prompt, "e1", "b1");
    assert_words(fixture, &one.session, NULL, "e1 b1");
    assert_words(fixture, &one.session, &one.branch, "q1 a1");
    assert_int_equal(branch_switch(fixture->store, &one.session, &one.branch, &two.branch, NULL),
                     ERR_OK);
    (void)talk(fixture, &one.session, "q2", "a2");
    assert_words(fixture, &one.session, NULL, "q1 a1 q2 a2");
    assert_words(fixture, &one.session, &two.branch, "e1 b1");
    fixture_assert_query(fixture,
                         "SELECT count(*) FROM journal WHERE action = 'branch' AND"
                         " after = (SELECT uid FROM branch ORDER BY id LIMIT 1)",
                         "1");
}

static void switch__refuses_what_is_not_there_or_not_expected(void **state)
{
    struct fixture *fixture = *state;
    struct turn one = talk(fixture, NULL, "q1", "a1");
    struct turn two = edit(fixture, &one.prompt, "e1", "b1");
    struct turn other = talk(fixture, NULL, "x", "y");
    struct ulid unknown = ulid_new();
    struct ulid none = {""};
    struct store *store = fixture->store;
    assert_int_equal(branch_switch(store, &one.session, &one.branch, &one.branch, NULL),
                     ERR_EXISTS);
    assert_int_equal(branch_switch(store, &one.session, &unknown, NULL, NULL), ERR_NOT_FOUND);
    assert_int_equal(branch_switch(store, &one.session, &other.branch, NULL, NULL), ERR_NOT_FOUND);
    assert_int_equal(branch_switch(store, &unknown, &one.branch, NULL, NULL), ERR_NOT_FOUND);
    assert_int_equal(branch_switch(store, &one.session, &none, NULL, NULL), ERR_INVALID);
    assert_words(fixture, &one.session, NULL, "e1 b1");
    assert_int_equal(branch_switch(store, &one.session, &two.branch, NULL, NULL), ERR_OK);
}

/* "SESSION BRANCH": switches from that one to its own, the who-th besides it. */
static enum err_code switch_away(struct store *store, int who, const char *given, char text[64])
{
    struct ulid session, from;
    struct branch_list list;
    if (!ulid_parse(sv_of(given, ULID_LENGTH), &session) ||
        !ulid_parse(sv_of(given + ULID_LENGTH + 1, ULID_LENGTH), &from) ||
        branch_list(store, &session, &list, NULL)) {
        return ERR_INTERNAL;
    }
    size_t at = 0;
    for (int passed = 0; passed < who || ulid_equal(&list.branches[at].id, &from); at++) {
        passed += !ulid_equal(&list.branches[at].id, &from);
    }
    struct ulid to = list.branches[at].id;
    branch_list_release(&list);
    (void)snprintf(text, 64, "%s", to.text);
    return branch_switch(store, &session, &to, &from, NULL);
}

static void switch__by_four_processes_at_once_has_one_winner(void **state)
{
    char *path = scratch_path(*state, "race.db");
    struct race *race = race_open(path, switch_away);
    struct broker *broker = broker_new(NULL);
    struct fixture fixture = {.path = path, .broker = broker};
    struct store_options options = {.path = path, .debounce_us = 0, .broker = broker};
    assert_int_equal(store_open(&options, &fixture.store, NULL), ERR_OK);
    assert_int_equal(store_start(fixture.store, NULL), ERR_OK);
    struct turn turn = talk(&fixture, NULL, "q", "a");
    struct ulid current = turn.branch;
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(branch_fork(fixture.store, &turn.answer, SV(""), &current, NULL), ERR_OK);
    }
    for (int round = 0; round < race_rounds(); round++) {
        char given[64];
        struct race_result results[RACERS];
        int won = 0;
        (void)snprintf(given, sizeof(given), "%s %s", turn.session.text, current.text);
        race_round(race, given, results);
        for (int i = 0; i < RACERS; i++) {
            assert_true(results[i].code == ERR_OK || results[i].code == ERR_EXISTS);
            if (results[i].code == ERR_OK) {
                won++;
                assert_true(ulid_parse(sv_from(results[i].text), &current));
            }
        }
        assert_int_equal(won, 1);
        char *now =
            fixture_query(&fixture, "SELECT b.uid FROM session s JOIN branch b ON b.id = s.branch");
        assert_string_equal(now, current.text);
        free(now);
    }
    race_close(race);
    store_free(fixture.store);
    broker_free(broker);
    free(path);
}

static void fork__goes_on_from_a_message_on_a_branch_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    struct turn one = talk(fixture, NULL, "q1", "a1");
    (void)talk(fixture, &one.session, "q2", "a2");
    struct ulid branch, second;
    assert_int_equal(branch_fork(fixture->store, &one.answer, SV("aside"), &branch, NULL), ERR_OK);
    assert_words(fixture, &one.session, NULL, "q1 a1");
    (void)talk(fixture, &one.session, "q3", "a3");
    assert_words(fixture, &one.session, &branch, "q1 a1 q3 a3");
    assert_words(fixture, &one.session, &one.branch, "q1 a1 q2 a2");
    assert_int_equal(branch_fork(fixture->store, &one.answer, SV("aside"), &second, NULL),
                     ERR_EXISTS);
    assert_int_equal(branch_fork(fixture->store, &one.session, SV(""), &second, NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(branch_fork(fixture->store, &one.answer, SV("a\nb"), &second, NULL),
                     ERR_INVALID);
    fixture_assert_query(fixture, "SELECT group_concat(coalesce(name, '-')) FROM branch",
                         "-,aside");
}

static void copy__is_a_session_of_its_own_with_the_same_messages(void **state)
{
    struct fixture *fixture = *state;
    struct turn one = talk(fixture, NULL, "q1", "a1");
    struct turn_attachment file = {SV("id"), SV("file.txt"), SV("text/plain")};
    struct turn_request request = {.session = one.session,
                                   .prompt = SV("q2"),
                                   .model = SV("p/n"),
                                   .attachments = &file,
                                   .attachment_count = 1};
    struct turn two = say(fixture->store, &request, "a2");
    struct turn_request more = {.kind = TURN_CONTINUE, .at = two.answer, .model = SV("p/n")};
    struct turn continued = say(fixture->store, &more, "a3");
    struct sv word = SV("w");
    struct label_change label = {.add = &word, .add_count = 1};
    assert_int_equal(label_update(fixture->store, &one.session, &label, NULL), ERR_OK);
    struct branch_copy copy = {.session = one.session, .name = SV("copy")};
    struct ulid id;
    struct err err;
    if (branch_copy(fixture->store, &copy, &id, &err)) {
        fail_msg("%s", err.text);
    }
    assert_words(fixture, &id, NULL, "q1 a1 q2 a2 a3");
    struct session session;
    assert_int_equal(session_get(fixture->store, &id, &session, NULL), ERR_OK);
    assert_string_equal(session.title, "q1");
    assert_string_equal(session.name, "copy");
    assert_int_equal(session.message_count, 5);
    assert_int_equal(session.deleted_us, 0);
    session_release(&session);
    wait_for_folding(fixture);
    /* The same in all that tells messages apart but their ids. */
    fixture_assert_query(
        fixture,
        "SELECT count(*) FROM (SELECT m.seq, m.role, m.model, m.reason, m.revision, m.created_at,"
        " m.ended_at, p.position, p.kind, p.tool_id, p.tool_name, p.text FROM message m JOIN part p"
        " ON p.message = m.id GROUP BY m.seq, m.role, m.model, m.reason, m.revision, m.created_at,"
        " m.ended_at, p.position, p.kind, p.tool_id, p.tool_name, p.text HAVING count(*) = 2)",
        "6");
    fixture_assert_query(fixture, "SELECT count(DISTINCT turn) FROM message", "4");
    fixture_assert_query(fixture, "SELECT count(*) FROM label", "2");
    fixture_assert_query(fixture,
                         "SELECT group_concat(c.seq || '>' || m.seq) FROM message m JOIN message c"
                         " ON c.id = m.continues AND c.branch = m.branch ORDER BY m.id",
                         "4>5,4>5");
    /* What happens to one does not touch the other. */
    (void)talk(fixture, &id, "x", "y");
    assert_words(fixture, &one.session, NULL, "q1 a1 q2 a2 a3");
    (void)continued;

    copy.message = one.answer;
    copy.name = SV("");
    assert_int_equal(branch_copy(fixture->store, &copy, &id, NULL), ERR_OK);
    assert_words(fixture, &id, NULL, "q1 a1");
}

/* Another answer runs, and the turn with it; what is copied has ended. */
static void copy__of_a_session_that_runs_does_not_run(void **state)
{
    struct fixture *fixture = *state;
    struct ulid id;
    struct turn one = talk(fixture, NULL, "one", "1");
    struct turn_request request = {.kind = TURN_AGAIN, .at = one.answer, .model = SV("p/m")};
    (void)fixture_begin(fixture, &request);
    struct branch_copy copy = {.session = one.session, .branch = one.branch};
    assert_int_equal(branch_copy(fixture->store, &copy, &id, NULL), ERR_OK);
    assert_words(fixture, &id, NULL, "one 1");
    fixture_assert_query(fixture,
                         "SELECT s.state || ' ' || t.state || (t.ended_at > 0) || message_count"
                         " FROM session s JOIN turn t ON t.branch = s.branch"
                         " ORDER BY s.id DESC LIMIT 1",
                         "completed completed12");
    copy.branch = (struct ulid){""};
    copy.message = one.prompt;
    assert_int_equal(branch_copy(fixture->store, &copy, &id, NULL), ERR_OK);
    fixture_assert_query(fixture,
                         "SELECT s.state || ' ' || t.state || message_count"
                         " FROM session s JOIN turn t ON t.branch = s.branch"
                         " ORDER BY s.id DESC LIMIT 1",
                         "interrupted interrupted1");
}

static void copy__refuses_what_it_cannot_copy_whole(void **state)
{
    struct fixture *fixture = *state;
    struct turn one = talk(fixture, NULL, "q1", "a1");
    struct turn other = talk(fixture, NULL, "x", "y");
    struct session_change name = {.fields = SESSION_SET_NAME, .name = SV("taken")};
    assert_int_equal(session_update(fixture->store, &one.session, &name, NULL), ERR_OK);
    struct ulid id;
    struct branch_copy copy = {.session = one.session, .name = SV("taken")};
    assert_int_equal(branch_copy(fixture->store, &copy, &id, NULL), ERR_EXISTS);
    copy.name = SV("");
    copy.message = other.answer;
    assert_int_equal(branch_copy(fixture->store, &copy, &id, NULL), ERR_NOT_FOUND);
    copy.message = (struct ulid){""};
    copy.session = ulid_new();
    assert_int_equal(branch_copy(fixture->store, &copy, &id, NULL), ERR_NOT_FOUND);
    copy.session = one.session;
    struct turn_request request = {.session = one.session, .prompt = SV("q2"), .model = SV("p/m")};
    (void)fixture_begin(fixture, &request);
    assert_int_equal(branch_copy(fixture->store, &copy, &id, NULL), ERR_EXISTS);
    fixture_assert_query(fixture, "SELECT count(*) FROM session", "2");
    copy.message = one.answer;
    assert_int_equal(branch_copy(fixture->store, &copy, &id, NULL), ERR_OK);
}

static void copy__of_a_long_branch_goes_in_steps(void **state)
{
    struct fixture *fixture = *state;
    struct turn one = talk(fixture, NULL, "q1", "a1");
    execute(fixture,
            "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
            " INSERT INTO message (uid, branch, seq, role, reason, folded, created_at, ended_at)"
            " SELECT printf('%026d', i), 1, i, 'user', 'end_turn', 1, 5, 5 FROM n;"
            " INSERT INTO part (message, position, kind, began_at, ended_at, text)"
            " SELECT id, 0, 'text', 5, 5, 'w' || seq FROM message WHERE seq > 2");
    struct branch_copy copy = {.session = one.session};
    struct ulid id;
    assert_int_equal(branch_copy(fixture->store, &copy, &id, NULL), ERR_OK);
    char *from = words(fixture, &one.session, NULL);
    char *to = words(fixture, &id, NULL);
    assert_string_equal(from, to);
    assert_non_null(strstr(to, "w2000"));
    free(from);
    free(to);
}

static void copy__of_a_long_answer_goes_in_pieces(void **state)
{
    struct fixture *fixture = *state;
    size_t bytes = (size_t)3 << 20;
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    for (size_t i = 0; text.n < bytes; i++) {
        (void)buf_appendf(&text, "%zu \u00e4 ", i);
    }
    struct turn turn = talk(fixture, NULL, "q", buf_cstr(&text));
    wait_for_folding(fixture);
    struct branch_copy copy = {.session = turn.session};
    struct ulid id;
    assert_int_equal(branch_copy(fixture->store, &copy, &id, NULL), ERR_OK);
    buf_release(&text);
    char *from = words(fixture, &turn.session, NULL);
    char *to = words(fixture, &id, NULL);
    assert_true(strlen(from) > bytes);
    assert_true(strcmp(from, to) == 0);
    fixture_assert_query(fixture,
                         "SELECT count(*) FROM message WHERE folded AND reason = 'end_turn'", "4");
    fixture_assert_query(fixture, "SELECT max(length(CAST(text AS BLOB))) <= 524288 FROM part",
                         "1");
    free(from);
    free(to);
}

/* ---- pages ---- */

/* Six messages on the current branch, of which the first two are its parent's. */
static struct turn six_messages(struct fixture *fixture)
{
    struct turn one = talk(fixture, NULL, "1", "2");
    struct turn old = talk(fixture, &one.session, "x", "y");
    struct turn two = edit(fixture, &old.prompt, "3", "4");
    (void)talk(fixture, &one.session, "5", "6");
    (void)two;
    return one;
}

/* The words of a page, "+" when more follow. Sets the cursor of the next one. */
static void assert_page(struct fixture *fixture, struct history_query *query, const char *expected)
{
    struct err err;
    struct history_page page;
    struct history_lines lines;
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    if (history_page(fixture->store, query, &page, &err) ||
        history_lines(fixture->store, query, &lines, &err)) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(page.count, lines.count);
    assert_int_equal(page.more, lines.more);
    assert_string_equal(page.next.text, lines.next.text);
    for (size_t i = 0; i < page.count; i++) {
        char *said = message_text(page.messages[i], PART_TEXT);
        assert_string_equal(said, lines.lines[i].text);
        assert_string_equal(page.messages[i]->id.text, lines.lines[i].id.text);
        assert_int_equal(page.messages[i]->seq, lines.lines[i].seq);
        assert_int_equal(page.messages[i]->role, lines.lines[i].role);
        assert_int_equal(page.messages[i]->created_us, lines.lines[i].created_us);
        (void)buf_append_str(&text, said);
        free(said);
    }
    (void)buf_append_str(&text, page.more ? "+" : "");
    assert_string_equal(buf_cstr(&text), expected);
    assert_int_equal(ulid_is_set(&page.next), page.more && page.count > 0);
    query->start = HISTORY_MESSAGE;
    query->message = page.next;
    buf_release(&text);
    history_page_release(&page);
    history_lines_release(&lines);
    history_lines_release(&lines);
}

static void sb4__the_newest_n_behind_an_offset_come_oldest_first(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = six_messages(fixture);
    static const struct {
        size_t offset, limit;
        const char *expected;
    } pages[] = {
        {0, 2, "56+"},  {2, 2, "34+"},           {4, 2, "12"},
        {1, 3, "345+"}, {3, 2, "23+"},           {5, 9, "1"},
        {6, 1, ""},     {0, 9, "123456"},        {SIZE_MAX, 1, ""},
        {4, 1, "2+"},   {0, SIZE_MAX, "123456"},
    };
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        struct history_query query = {
            .session = turn.session, .offset = pages[i].offset, .limit = pages[i].limit};
        assert_page(fixture, &query, pages[i].expected);
    }
    struct history_query newer = {.session = turn.session, .newer = true, .offset = 3, .limit = 2};
    assert_page(fixture, &newer, "45+");
}

static void se6__pages_go_on_behind_a_message_while_more_follow(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = six_messages(fixture);
    struct history_query older = {.session = turn.session, .limit = 2};
    assert_page(fixture, &older, "56+");
    assert_page(fixture, &older, "34+");
    assert_page(fixture, &older, "12");
    struct history_query newer = {.session = turn.session, .newer = true, .limit = 4};
    assert_page(fixture, &newer, "1234+");
    assert_page(fixture, &newer, "56");
    /* The same on a branch that is not current. */
    struct history_query other = {.session = turn.session, .branch = turn.branch, .limit = 3};
    assert_page(fixture, &other, "2xy+");
    assert_page(fixture, &other, "1");
}

static void se6__a_message_of_another_branch_is_no_cursor(void **state)
{
    struct fixture *fixture = *state;
    struct turn one = talk(fixture, NULL, "1", "2");
    struct turn two = edit(fixture, &one.prompt, "e", "b");
    struct history_page page;
    struct history_query query = {
        .session = one.session, .start = HISTORY_MESSAGE, .message = one.answer, .limit = 5};
    assert_int_equal(history_page(fixture->store, &query, &page, NULL), ERR_NOT_FOUND);
    query.branch = one.branch;
    assert_page(fixture, &query, "1");
    query.message = ulid_new();
    assert_int_equal(history_page(fixture->store, &query, &page, NULL), ERR_NOT_FOUND);
    query.message = two.answer;
    query.branch = ulid_new();
    assert_int_equal(history_page(fixture->store, &query, &page, NULL), ERR_NOT_FOUND);
}

static void pages__leave_out_what_is_deleted(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = six_messages(fixture);
    execute(fixture, "UPDATE message SET deleted_at = 1 WHERE seq IN (2, 5)");
    struct history_query query = {.session = turn.session, .limit = 2};
    assert_page(fixture, &query, "46+");
    assert_page(fixture, &query, "13");
    struct history_query offset = {.session = turn.session, .offset = 1, .limit = 2};
    assert_page(fixture, &offset, "34+");
    /* A deleted one is still a place. */
    struct history_query behind = {.session = turn.session,
                                   .start = HISTORY_MESSAGE,
                                   .message = turn.answer,
                                   .newer = true,
                                   .limit = 2};
    assert_page(fixture, &behind, "34+");
}

static void pages__say_which_message_goes_on_with_another(void **state)
{
    struct fixture *fixture = *state;
    struct turn one = talk(fixture, NULL, "q", "half");
    struct turn_request more = {.kind = TURN_CONTINUE, .at = one.answer, .model = SV("p/m")};
    struct turn two = fixture_begin(fixture, &more);
    for (int ended = 0; ended < 2; ended++) {
        struct history_page page;
        struct history_query query = {.session = one.session, .limit = 5};
        assert_int_equal(history_page(fixture->store, &query, &page, NULL), ERR_OK);
        assert_int_equal(page.count, 3);
        assert_false(ulid_is_set(&page.messages[1]->continues));
        assert_string_equal(page.messages[2]->continues.text, one.answer.text);
        history_page_release(&page);
        if (!ended) {
            struct stream_event end = fixture_finish(FINISH_END_TURN);
            assert_int_equal(
                message_apply_wait(fixture->store, &two.answer, &end, fixture_soon(), NULL),
                ERR_OK);
        }
    }
}

/* ---- what slim pages read ---- */

struct columns {
    struct buf read;
};

/* wide: what SQLite calls. */
static int note_column(void *ctx, int action, const char *table, const char *column,
                       const char *database, const char *trigger)
{
    struct columns *columns = ctx;
    (void)database;
    (void)trigger;
    if (action == SQLITE_READ) {
        (void)buf_appendf(&columns->read, "%s.%s ", table, column);
    }
    return SQLITE_OK;
}

static void sb5__slim_history_reads_no_heavy_column(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = talk(fixture, NULL, "q", "a");
    struct db *readers[8];
    size_t count = 0;
    struct columns columns = {BUF_INIT(BUF_MAX_INTERNAL)};
    wait_for_folding(fixture);
    for (; count < 3; count++) {
        assert_int_equal(reader_take(fixture->store, &readers[count], NULL), ERR_OK);
        sqlite3_set_authorizer(readers[count]->handle, note_column, &columns);
    }
    for (size_t i = 0; i < count; i++) {
        reader_give(fixture->store, readers[i]);
    }
    assert_words(fixture, &turn.session, NULL, "q a");
    assert_non_null(strstr(buf_cstr(&columns.read), "part.text "));
    static const char *const heavy[] = {
        "message.error", "message.detail",   "message.model", "part.tool", "part.attachment",
        "usage.",        "session.metadata", "chunk.",        "attempt.",  "part.began_at",
    };
    for (size_t i = 0; i < COUNT_OF(heavy); i++) {
        assert_null(strstr(buf_cstr(&columns.read), heavy[i]));
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(reader_take(fixture->store, &readers[i], NULL), ERR_OK);
        sqlite3_set_authorizer(readers[i]->handle, NULL, NULL);
    }
    for (size_t i = 0; i < count; i++) {
        reader_give(fixture->store, readers[i]);
    }
    buf_release(&columns.read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(list__names_each_branch_with_its_parent_and_fork),
        ON_BOTH(siblings__stand_at_the_same_place_after_the_same_messages),
        ON_BOTH(switch__shows_the_other_branch_and_goes_on_there),
        ON_BOTH(switch__refuses_what_is_not_there_or_not_expected),
        SCRATCH_TEST(switch__by_four_processes_at_once_has_one_winner),
        ON_BOTH(fork__goes_on_from_a_message_on_a_branch_of_its_own),
        ON_BOTH(copy__is_a_session_of_its_own_with_the_same_messages),
        ON_BOTH(copy__of_a_session_that_runs_does_not_run),
        ON_BOTH(copy__refuses_what_it_cannot_copy_whole),
        ON_BOTH(copy__of_a_long_branch_goes_in_steps),
        ON_BOTH(copy__of_a_long_answer_goes_in_pieces),
        ON_BOTH(sb4__the_newest_n_behind_an_offset_come_oldest_first),
        ON_BOTH(sb5__slim_history_reads_no_heavy_column),
        ON_BOTH(se6__pages_go_on_behind_a_message_while_more_follow),
        ON_BOTH(se6__a_message_of_another_branch_is_no_cursor),
        ON_BOTH(pages__leave_out_what_is_deleted),
        ON_BOTH(pages__say_which_message_goes_on_with_another),
    };
    return cmocka_run_group_tests_name("branch", tests, NULL, NULL);
}
