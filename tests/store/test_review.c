/* Notes, verdicts, the queue of what waits for one, the summary by model. On both backends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/journal.h"
#include "store/note.h"
#include "store/purge.h"
#include "store/review.h"
#include "store/trash.h"
#include "store/verdict.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

/* An answer that has ended, with that text. */
static struct turn answered(struct fixture *fixture, const char *text)
{
    struct turn turn = fixture_turn(fixture, "a prompt");
    fixture_apply(fixture, &turn.answer, fixture_text(0, text));
    fixture_apply(fixture, &turn.answer, fixture_finish(FINISH_END_TURN));
    assert_int_equal(message_flush_all(fixture->store, fixture_soon(), NULL, NULL), ERR_OK);
    return turn;
}

static struct ulid note(struct fixture *fixture, const struct note_place *place, const char *text)
{
    struct err err;
    struct ulid id;
    if (note_add(fixture->store, place, sv_from(text), &id, &err)) {
        fail_msg("%s", err.text);
    }
    return id;
}

static struct note_place on(const struct ulid *message)
{
    return (struct note_place){.message = *message, .part = NOTE_WHOLE};
}

/* Texts of a session's notes, one after the other. */
static void assert_notes(struct fixture *fixture, const struct ulid *session, const char *expected)
{
    struct note_list list;
    char text[256] = "";
    assert_int_equal(note_list_of_session(fixture->store, session, &list, NULL), ERR_OK);
    for (size_t i = 0; i < list.count; i++) {
        size_t n = strlen(text);
        (void)snprintf(text + n, sizeof(text) - n, "%s%s", i ? " | " : "", list.notes[i].text);
    }
    note_list_release(&list);
    assert_string_equal(text, expected);
}

static void assert_not_added(struct fixture *fixture, const struct note_place *place,
                             struct sv text, enum err_code expected)
{
    struct err err = {ERR_OK, ""};
    struct ulid id = {""};
    assert_int_equal(note_add(fixture->store, place, text, &id, &err), expected);
    assert_int_equal(err.code, expected);
    assert_true(err.text[0] != '\0');
    assert_false(ulid_is_set(&id));
}

static void undo(struct fixture *fixture, const struct ulid *session)
{
    struct err err;
    if (undo_last(fixture->store, session, NULL, &err)) {
        fail_msg("%s", err.text);
    }
}

/* ---- notes ---- */

static void note_add__stands_beside_a_message_or_a_span(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = answered(fixture, "a r\xc3\xa9sum\xc3\xa9 of it");
    struct note_place whole = on(&turn.answer);
    struct note_place span = {turn.answer, 0, 2, 10};
    struct ulid first = note(fixture, &whole, "two\nlines");
    struct ulid second = note(fixture, &span, "on a word");
    struct note_list list;
    assert_int_equal(note_list_of_session(fixture->store, &turn.session, &list, NULL), ERR_OK);
    assert_int_equal(list.count, 2);
    assert_true(ulid_equal(&list.notes[0].id, &first));
    assert_int_equal(list.notes[0].place.part, NOTE_WHOLE);
    assert_string_equal(list.notes[0].text, "two\nlines");
    assert_true(ulid_equal(&list.notes[1].id, &second));
    assert_true(ulid_equal(&list.notes[1].place.message, &turn.answer));
    assert_int_equal(list.notes[1].place.part, 0);
    assert_int_equal(list.notes[1].place.first, 2);
    assert_int_equal(list.notes[1].place.last, 10);
    assert_true(list.notes[1].created_us > 0);
    note_list_release(&list);
    note_list_release(&list);
}

static void note_add__refuses_what_is_no_text_or_no_span(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = answered(fixture, "r\xc3\xa9sum");
    struct note_place whole = on(&turn.answer);
    char *huge = xcalloc(1, NOTE_MAX + 2);
    memset(huge, 'x', NOTE_MAX + 1);
    assert_not_added(fixture, &whole, SV(""), ERR_INVALID);
    assert_not_added(fixture, &whole, SV(" \n\t"), ERR_INVALID);
    assert_not_added(fixture, &whole, SV("\xff"), ERR_INVALID);
    assert_not_added(fixture, &whole, sv_of("a\0b", 3), ERR_INVALID);
    assert_not_added(fixture, &whole, sv_from(huge), ERR_TOO_BIG);
    free(huge);
    static const struct {
        int part;
        size_t first, last;
        enum err_code code;
    } bad[] = {
        {1, 0, 1, ERR_NOT_FOUND}, {0, 0, 0, ERR_INVALID}, {0, 3, 1, ERR_INVALID},
        {0, 0, 7, ERR_INVALID},   {0, 2, 4, ERR_INVALID}, {0, 0, 2, ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct note_place place = {turn.answer, bad[i].part, bad[i].first, bad[i].last};
        assert_not_added(fixture, &place, SV("n"), bad[i].code);
    }
    struct ulid nobody = ulid_new();
    struct note_place nowhere = on(&nobody);
    assert_not_added(fixture, &nowhere, SV("n"), ERR_NOT_FOUND);
    assert_notes(fixture, &turn.session, "");
}

static void note_add__works_on_an_answer_that_still_runs(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = fixture_turn(fixture, "p");
    fixture_apply(fixture, &turn.answer, fixture_text(0, "so far"));
    struct note_place span = {turn.answer, 0, 3, 6};
    (void)note(fixture, &span, "n");
    fixture_apply(fixture, &turn.answer, fixture_text(0, " and on"));
    fixture_apply(fixture, &turn.answer, fixture_finish(FINISH_END_TURN));
    assert_notes(fixture, &turn.session, "n");
}

static void notes__change_and_every_change_can_be_undone(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = answered(fixture, "text");
    struct note_place span = {turn.answer, 0, 0, 4};
    struct ulid id = note(fixture, &span, "one");
    assert_int_equal(note_edit(fixture->store, &id, SV("two"), NULL), ERR_OK);
    assert_notes(fixture, &turn.session, "two");
    assert_int_equal(note_remove(fixture->store, &id, NULL), ERR_OK);
    assert_notes(fixture, &turn.session, "");
    assert_int_equal(note_remove(fixture->store, &id, NULL), ERR_NOT_FOUND);
    assert_int_equal(note_edit(fixture->store, &id, SV("x"), NULL), ERR_NOT_FOUND);
    undo(fixture, &turn.session);
    assert_notes(fixture, &turn.session, "two");
    struct note found;
    assert_int_equal(note_find(fixture->store, sv_from(id.text), &found, NULL), ERR_OK);
    assert_int_equal(found.place.last, 4);
    note_release(&found);
    undo(fixture, &turn.session);
    assert_notes(fixture, &turn.session, "one");
    undo(fixture, &turn.session);
    assert_notes(fixture, &turn.session, "");
}

static void undo__leaves_a_note_that_was_changed_again(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = answered(fixture, "text");
    struct note_place whole = on(&turn.answer);
    struct journal_list list;
    struct ulid id = note(fixture, &whole, "one");
    assert_int_equal(note_edit(fixture->store, &id, SV("two"), NULL), ERR_OK);
    assert_int_equal(journal_list(fixture->store, &turn.session, 0, 9, &list, NULL), ERR_OK);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.entries[1].action, JOURNAL_NOTE);
    assert_int_equal(undo_entry(fixture->store, list.entries[1].id, NULL, NULL), ERR_EXISTS);
    journal_list_release(&list);
    assert_notes(fixture, &turn.session, "two");
}

static void notes_and_messages__are_found_by_a_beginning_that_fits_one(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = answered(fixture, "text");
    struct note_place whole = on(&turn.answer);
    struct ulid one = note(fixture, &whole, "one");
    struct note found;
    char lower[27];
    for (size_t i = 0; i < sizeof(lower); i++) {
        char byte = one.text[i];
        lower[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte + 32) : byte;
    }
    assert_int_equal(note_find(fixture->store, sv_of(lower, 20), &found, NULL), ERR_OK);
    assert_true(ulid_equal(&found.id, &one));
    assert_string_equal(found.text, "one");
    note_release(&found);
    (void)note(fixture, &whole, "two");
    assert_int_equal(note_find(fixture->store, sv_of(one.text, 4), &found, NULL), ERR_AMBIGUOUS);
    assert_int_equal(note_find(fixture->store, SV("0000"), &found, NULL), ERR_NOT_FOUND);
    assert_int_equal(note_find(fixture->store, SV(""), &found, NULL), ERR_NOT_FOUND);
    assert_int_equal(note_find(fixture->store, SV("a b"), &found, NULL), ERR_NOT_FOUND);
    struct ulid message;
    assert_int_equal(review_message(fixture->store, SV("0"), &message, NULL), ERR_AMBIGUOUS);
    assert_int_equal(review_message(fixture->store, SV("z"), &message, NULL), ERR_NOT_FOUND);
    assert_int_equal(review_message(fixture->store, sv_from(turn.answer.text), &message, NULL),
                     ERR_OK);
    assert_true(ulid_equal(&message, &turn.answer));
}

static void deleted_messages__take_no_notes_and_show_none(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = answered(fixture, "text");
    struct note_place whole = on(&turn.answer);
    struct ulid id = note(fixture, &whole, "one");
    assert_int_equal(message_delete(fixture->store, &turn.answer, fixture_soon(), NULL), ERR_OK);
    assert_notes(fixture, &turn.session, "");
    struct err err;
    struct ulid other;
    assert_int_not_equal(note_add(fixture->store, &whole, SV("n"), &other, &err), ERR_OK);
    assert_int_equal(note_edit(fixture->store, &id, SV("x"), NULL), ERR_NOT_FOUND);
    struct journal_list list;
    assert_int_equal(journal_list(fixture->store, &turn.session, 0, 9, &list, NULL), ERR_OK);
    assert_int_equal(undo_entry(fixture->store, list.entries[0].id, NULL, NULL), ERR_OK);
    journal_list_release(&list);
    assert_notes(fixture, &turn.session, "one");
}

static void a_session_in_the_trash__takes_neither_notes_nor_verdicts(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = answered(fixture, "text");
    struct note_place whole = on(&turn.answer);
    struct ulid id = note(fixture, &whole, "one");
    assert_int_equal(session_delete(fixture->store, &turn.session, NULL), ERR_OK);
    assert_int_equal(note_edit(fixture->store, &id, SV("x"), NULL), ERR_GONE);
    struct verdict_change change = {.session = turn.session, .sets_rating = true, .rating = 1};
    assert_int_equal(verdict_set(fixture->store, &change, NULL), ERR_GONE);
    change.message = turn.answer;
    assert_int_equal(verdict_set(fixture->store, &change, NULL), ERR_GONE);
}

/* ---- verdicts ---- */

static void judge(struct fixture *fixture, const struct ulid *session, const struct ulid *message,
                  int rating, const char *word)
{
    struct err err;
    struct verdict_change change = {.sets_rating = rating >= 0,
                                    .rating = rating,
                                    .sets_word = word != NULL,
                                    .word = sv_from(word)};
    change.session = session ? *session : change.session;
    change.message = message ? *message : change.message;
    if (verdict_set(fixture->store, &change, &err)) {
        fail_msg("%s", err.text);
    }
}

/* "session 4 good, message - bad" */
static void assert_verdicts(struct fixture *fixture, const struct ulid *session,
                            const char *expected)
{
    struct verdict_list list;
    char text[256] = "";
    assert_int_equal(verdict_list(fixture->store, session, &list, NULL), ERR_OK);
    for (size_t i = 0; i < list.count; i++) {
        const struct verdict *verdict = &list.verdicts[i];
        size_t n = strlen(text);
        (void)snprintf(text + n, sizeof(text) - n, "%s%s %d %s", i ? ", " : "",
                       ulid_is_set(&verdict->message) ? "message" : "session", verdict->rating,
                       verdict->word ? verdict->word : "-");
        assert_true(verdict->decided_us > 0);
        assert_ptr_equal(verdict_of(&list, &verdict->message), verdict);
    }
    verdict_list_release(&list);
    assert_string_equal(text, expected);
}

static void verdict_set__changes_one_part_and_leaves_the_other(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = answered(fixture, "text");
    judge(fixture, NULL, &turn.answer, 2, NULL);
    judge(fixture, &turn.session, NULL, -1, "good");
    assert_verdicts(fixture, &turn.session, "session 0 good, message 2 -");
    judge(fixture, &turn.session, NULL, 5, NULL);
    judge(fixture, NULL, &turn.answer, -1, "not bad");
    assert_verdicts(fixture, &turn.session, "session 5 good, message 2 not bad");
    judge(fixture, NULL, &turn.answer, 0, NULL);
    assert_verdicts(fixture, &turn.session, "session 5 good, message 0 not bad");
    judge(fixture, NULL, &turn.answer, -1, "");
    assert_verdicts(fixture, &turn.session, "session 5 good");
}

static void verdict_set__refuses_what_is_no_verdict(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = answered(fixture, "text");
    struct verdict_change change = {.session = turn.session, .sets_rating = true, .rating = 6};
    assert_int_equal(verdict_set(fixture->store, &change, NULL), ERR_INVALID);
    change.rating = -1;
    assert_int_equal(verdict_set(fixture->store, &change, NULL), ERR_INVALID);
    change =
        (struct verdict_change){.session = turn.session, .sets_word = true, .word = SV("a\nb")};
    assert_int_equal(verdict_set(fixture->store, &change, NULL), ERR_INVALID);
    change.word = SV("0123456789012345678901234567890123456789012345678901234567890123456789");
    assert_int_equal(verdict_set(fixture->store, &change, NULL), ERR_TOO_BIG);
    change = (struct verdict_change){.session = ulid_new(), .sets_word = true, .word = SV("good")};
    assert_int_equal(verdict_set(fixture->store, &change, NULL), ERR_NOT_FOUND);
    change.message = ulid_new();
    assert_int_equal(verdict_set(fixture->store, &change, NULL), ERR_NOT_FOUND);
    assert_verdicts(fixture, &turn.session, "");
}

static void verdicts__are_undone_step_by_step(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = answered(fixture, "text");
    const struct {
        const struct ulid *session, *message;
        const char *texts[3];
    } kinds[] = {
        {&turn.session, NULL, {"session 3 bad", "session 3 -", ""}},
        {NULL, &turn.answer, {"message 3 bad", "message 3 -", ""}},
    };
    for (size_t i = 0; i < 2; i++) {
        judge(fixture, kinds[i].session, kinds[i].message, 3, NULL);
        judge(fixture, kinds[i].session, kinds[i].message, -1, "bad");
        judge(fixture, kinds[i].session, kinds[i].message, 0, "");
        assert_verdicts(fixture, &turn.session, "");
        for (size_t step = 0; step < 3; step++) {
            undo(fixture, &turn.session);
            assert_verdicts(fixture, &turn.session, kinds[i].texts[step]);
        }
    }
    struct err err;
    assert_int_equal(undo_last(fixture->store, &turn.session, NULL, &err), ERR_NOT_FOUND);
}

static void a_purge__takes_notes_and_verdicts_and_their_undo(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = answered(fixture, "text");
    struct note_place whole = on(&turn.answer);
    (void)note(fixture, &whole, "one");
    judge(fixture, NULL, &turn.answer, 3, NULL);
    assert_int_equal(message_delete(fixture->store, &turn.answer, fixture_soon(), NULL), ERR_OK);
    struct purge_report report = {0};
    assert_int_equal(purge_message(fixture->store, &turn.answer, &report, NULL), ERR_OK);
    purge_report_release(&report);
    fixture_assert_query(fixture, "SELECT count(*) FROM note", "0");
    fixture_assert_query(fixture, "SELECT count(*) FROM verdict", "0");
    fixture_assert_query(fixture, "SELECT count(*) FROM journal", "0");
}

/* ---- the queue ---- */

/* How many wait, in pages of `limit`; they come newest first. */
static size_t count_queue(struct fixture *fixture, size_t limit)
{
    struct review_query query = {.limit = limit};
    struct session_list list;
    size_t count = 0;
    int64_t before = INT64_MAX;
    do {
        assert_int_equal(review_queue(fixture->store, &query, &list, NULL), ERR_OK);
        for (size_t i = 0; i < list.count; i++) {
            assert_true(list.sessions[i].last_active_us <= before);
            before = list.sessions[i].last_active_us;
            query.cursor = session_cursor_of(&list.sessions[i], SESSIONS_SHOWN);
        }
        count += list.count;
        bool more = list.more;
        session_list_release(&list);
        if (!more) {
            return count;
        }
    } while (count < 100);
    return count;
}

static void review_queue__holds_what_was_active_since_its_verdict(void **state)
{
    struct fixture *fixture = *state;
    struct turn one = answered(fixture, "1");
    struct turn two = answered(fixture, "2");
    struct turn three = answered(fixture, "3");
    struct session_request empty = {.title = SV("nothing said")};
    struct ulid id;
    bool created;
    assert_int_equal(session_create(fixture->store, &empty, &id, &created, NULL), ERR_OK);
    assert_int_equal(count_queue(fixture, 1), 3);
    assert_int_equal(count_queue(fixture, 9), 3);
    judge(fixture, &two.session, NULL, -1, "good");
    judge(fixture, NULL, &one.answer, 3, NULL);
    assert_int_equal(count_queue(fixture, 1), 2);
    assert_int_equal(session_delete(fixture->store, &three.session, NULL), ERR_OK);
    assert_int_equal(count_queue(fixture, 1), 1);
    struct turn_request again = {
        .session = two.session, .prompt = SV("more"), .model = SV("demo/one")};
    struct turn turn;
    struct err err;
    if (turn_begin(fixture->store, &again, fixture_soon(), &turn, &err)) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(count_queue(fixture, 1), 2);
}

static void asked(struct fixture *fixture, const struct ulid *session, bool by_run)
{
    struct turn turn;
    struct err err;
    struct turn_request request = {
        .session = *session, .prompt = SV("p"), .model = SV("demo/one"), .by_run = by_run};
    if (turn_begin(fixture->store, &request, fixture_soon(), &turn, &err)) {
        fail_msg("%s", err.text);
    }
    fixture_apply(fixture, &turn.answer, fixture_finish(FINISH_END_TURN));
    assert_int_equal(message_flush_all(fixture->store, fixture_soon(), NULL, NULL), ERR_OK);
}

/* The queue has one session of each origin. */
static void assert_origins(struct fixture *fixture, const struct ulid *of_each)
{
    for (unsigned i = 0; i < SESSION_ORIGIN_COUNT; i++) {
        struct session_list list;
        const struct review_query query = {
            .of_one_origin = true, .origin = (enum session_origin)i, .limit = 9};
        assert_int_equal(review_queue(fixture->store, &query, &list, NULL), ERR_OK);
        assert_int_equal(list.count, 1);
        assert_true(ulid_equal(&list.sessions[0].id, &of_each[i]));
        assert_int_equal(list.sessions[0].origin, i);
        session_list_release(&list);
    }
}

static void review_queue__tells_runs_from_chats_and_imports(void **state)
{
    struct fixture *fixture = *state;
    struct session_request request = {.title = SV("t")};
    struct ulid of_each[SESSION_ORIGIN_COUNT];
    bool created;
    for (size_t i = 0; i < SESSION_ORIGIN_COUNT; i++) {
        assert_int_equal(session_create(fixture->store, &request, &of_each[i], &created, NULL),
                         ERR_OK);
        asked(fixture, &of_each[i], i == SESSION_OF_RUN);
        /* Who goes on with it changes nothing. */
        asked(fixture, &of_each[i], i != SESSION_OF_RUN);
    }
    fixture_execute(fixture, "UPDATE branch SET reason = 'import' WHERE id = 3");
    assert_origins(fixture, of_each);
    assert_int_equal(count_queue(fixture, 1), 3);
    for (unsigned i = 0; i < SESSION_ORIGIN_COUNT; i++) {
        const char *text = session_origin_text((enum session_origin)i);
        assert_int_equal(session_origin_parse(sv_from(text)), i);
    }
    assert_int_equal(session_origin_parse(SV("")), SESSION_ORIGIN_COUNT);
    assert_string_equal(session_origin_text(SESSION_ORIGIN_COUNT), "");
}

/* ---- the summary ---- */

static void review_summary__counts_answers_errors_times_cost_and_ratings(void **state)
{
    struct fixture *fixture = *state;
    struct turn turns[3];
    for (size_t i = 0; i < 3; i++) {
        turns[i] = answered(fixture, "text");
    }
    struct turn failed = fixture_turn(fixture, "p");
    struct stream_event error = {
        .kind = STREAM_ERROR, .reason = FINISH_ERROR, .error = ERR_SERVER, .text = SV("no")};
    fixture_apply(fixture, &failed.answer, error);
    (void)fixture_turn(fixture, "still running");
    assert_int_equal(message_flush_all(fixture->store, fixture_soon(), NULL, NULL), ERR_OK);
    judge(fixture, NULL, &turns[0].answer, 5, NULL);
    judge(fixture, &turns[1].session, NULL, 2, NULL);
    struct review_summary summary;
    struct err err;
    if (review_summary(fixture->store, NULL, 0, 0, &summary, &err)) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(summary.count, 1);
    const struct review_model *model = &summary.models[0];
    assert_int_equal(model->answers, 4);
    assert_int_equal(model->errors, 1);
    assert_int_equal(model->rated, 2);
    assert_int_equal(model->rating_sum, 7);
    assert_int_equal(model->unknown_costs, 4);
    assert_true(model->first_us >= 0);
    assert_true(model->duration_us >= model->first_us);
    review_summary_release(&summary);
    assert_int_equal(review_summary(fixture->store, &turns[1].session, 0, 0, &summary, NULL), 0);
    assert_int_equal(summary.models[0].answers, 1);
    assert_int_equal(summary.models[0].rating_sum, 2);
    review_summary_release(&summary);
    assert_int_equal(review_summary(fixture->store, NULL, 0, 1000, &summary, NULL), ERR_OK);
    assert_int_equal(summary.count, 0);
    review_summary_release(&summary);
}

static void review_summary__reads_beyond_a_page_and_takes_the_middle(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = answered(fixture, "text");
    (void)turn;
    /* 1,200 answers that took 1 to 1,200 ms; every second one by another model. */
    fixture_execute(
        fixture,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)"
        " INSERT INTO message (uid, branch, seq, role, model, reason, folded, created_at, ended_at)"
        " SELECT printf('0%025d', i), (SELECT max(id) FROM branch), 1000 + i, 'assistant',"
        " CASE i % 2 WHEN 0 THEN 'z/even' ELSE 'a/odd' END, 'end_turn', 1, 1000, 1000 + i * 1000"
        " FROM n");
    struct review_summary summary;
    assert_int_equal(review_summary(fixture->store, NULL, 0, 2000, &summary, NULL), ERR_OK);
    assert_int_equal(summary.count, 2);
    assert_string_equal(summary.models[0].name, "a/odd");
    assert_int_equal(summary.models[0].answers, 600);
    assert_int_equal(summary.models[0].duration_us, 599000);
    assert_int_equal(summary.models[0].first_us, -1);
    assert_int_equal(summary.models[1].duration_us, 600000);
    review_summary_release(&summary);
}

static void review_summary__knows_no_time_of_what_took_none(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = answered(fixture, "text");
    fixture_execute(fixture, "UPDATE message SET ended_at = created_at");
    fixture_execute(fixture, "UPDATE part SET began_at = (SELECT created_at FROM message"
                             " WHERE id = part.message)");
    struct review_summary summary;
    assert_int_equal(review_summary(fixture->store, &turn.session, 0, 0, &summary, NULL), ERR_OK);
    assert_int_equal(summary.models[0].answers, 1);
    assert_int_equal(summary.models[0].first_us, -1);
    assert_int_equal(summary.models[0].duration_us, -1);
    review_summary_release(&summary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(note_add__stands_beside_a_message_or_a_span),
        ON_BOTH(note_add__refuses_what_is_no_text_or_no_span),
        ON_BOTH(note_add__works_on_an_answer_that_still_runs),
        ON_BOTH(notes__change_and_every_change_can_be_undone),
        ON_BOTH(undo__leaves_a_note_that_was_changed_again),
        ON_BOTH(notes_and_messages__are_found_by_a_beginning_that_fits_one),
        ON_BOTH(deleted_messages__take_no_notes_and_show_none),
        ON_BOTH(a_session_in_the_trash__takes_neither_notes_nor_verdicts),
        ON_BOTH(verdict_set__changes_one_part_and_leaves_the_other),
        ON_BOTH(verdict_set__refuses_what_is_no_verdict),
        ON_BOTH(verdicts__are_undone_step_by_step),
        ON_BOTH(a_purge__takes_notes_and_verdicts_and_their_undo),
        ON_BOTH(review_queue__holds_what_was_active_since_its_verdict),
        cmocka_unit_test_setup_teardown(review_queue__tells_runs_from_chats_and_imports,
                                        fixture_setup_file, fixture_teardown),
        ON_BOTH(review_summary__counts_answers_errors_times_cost_and_ratings),
        cmocka_unit_test_setup_teardown(review_summary__knows_no_time_of_what_took_none,
                                        fixture_setup_file, fixture_teardown),
        cmocka_unit_test_setup_teardown(review_summary__reads_beyond_a_page_and_takes_the_middle,
                                        fixture_setup_file, fixture_teardown),
    };
    return cmocka_run_group_tests_name("review", tests, NULL, NULL);
}
