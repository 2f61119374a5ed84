/* Turns that stand in the place of others: edited, answered again, continued, asked for by a key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "store/history.h"
#include "tests/store/race.h"
#include "tests/store/scratch.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

static enum err_code refused(struct fixture *fixture, const struct turn_request *request)
{
    struct err err;
    struct turn turn;
    enum err_code code = turn_begin(fixture->store, request, fixture_soon(), &turn, &err);
    assert_int_not_equal(code, ERR_OK);
    assert_true(err.text[0] != '\0');
    return code;
}

static void answer(struct fixture *fixture, const struct turn *turn, const char *text,
                   enum finish_reason reason)
{
    fixture_apply(fixture, &turn->answer, fixture_text(0, text));
    fixture_end(fixture, turn, reason);
}

static struct turn answered(struct fixture *fixture, const struct turn_request *request,
                            const char *text)
{
    struct turn turn = fixture_begin(fixture, request);
    answer(fixture, &turn, text, FINISH_END_TURN);
    return turn;
}

/* The texts of the current branch, one after the other. */
static void assert_history(struct fixture *fixture, const struct ulid *session, const char *texts)
{
    struct history_page page;
    struct buf all = BUF_INIT(1 << 16);
    assert_int_equal(history_after(fixture->store, session, -1, 100, &page, NULL), ERR_OK);
    for (size_t i = 0; i < page.count; i++) {
        char *text = message_text(page.messages[i], PART_TEXT);
        (void)buf_appendf(&all, "%s%s", i > 0 ? "|" : "", text);
        free(text);
    }
    (void)buf_append_byte(&all, '\0');
    assert_string_equal(all.p, texts);
    buf_release(&all);
    history_page_release(&page);
}

static void an_edit__stands_on_a_branch_of_its_own_and_the_old_one_stays(void **state)
{
    struct fixture *fixture = *state;
    struct turn_request request = {.prompt = SV("one"), .model = SV("p/m")};
    struct turn first = answered(fixture, &request, "1");
    request = (struct turn_request){.session = first.session, .prompt = SV("two")};
    struct turn second = answered(fixture, &request, "2");
    request =
        (struct turn_request){.kind = TURN_EDIT, .at = second.prompt, .prompt = SV("two, better")};
    struct turn edited = answered(fixture, &request, "2b");
    assert_string_equal(edited.session.text, first.session.text);
    assert_string_not_equal(edited.branch.text, first.branch.text);
    assert_string_not_equal(edited.id.text, second.id.text);
    assert_history(fixture, &first.session, "one|1|two, better|2b");
    fixture_assert_query(fixture, "SELECT count(*) FROM message", "6");
    fixture_assert_query(fixture, "SELECT reason FROM branch WHERE parent IS NOT NULL", "edit");
    /* The first prompt of all can be edited, too. */
    request = (struct turn_request){.kind = TURN_EDIT, .at = first.prompt, .prompt = SV("other")};
    answered(fixture, &request, "o");
    assert_history(fixture, &first.session, "other|o");
}

static void another_answer__is_another_attempt_of_the_same_turn(void **state)
{
    struct fixture *fixture = *state;
    struct turn_request request = {.prompt = SV("one")};
    struct turn first = answered(fixture, &request, "1");
    request = (struct turn_request){.kind = TURN_AGAIN, .at = first.answer, .model = SV("p/n")};
    struct turn again = fixture_begin(fixture, &request);
    assert_string_equal(again.id.text, first.id.text);
    assert_string_equal(again.prompt.text, first.prompt.text);
    assert_string_not_equal(again.attempt.text, first.attempt.text);
    fixture_assert_query(fixture, "SELECT state FROM turn", "running");
    answer(fixture, &again, "1b", FINISH_END_TURN);
    assert_history(fixture, &first.session, "one|1b");
    /* Asked for at the prompt it is the same. */
    request.at = first.prompt;
    answered(fixture, &request, "1c");
    assert_history(fixture, &first.session, "one|1c");
    fixture_assert_query(fixture, "SELECT group_concat(state) FROM attempt",
                         "completed,completed,completed");
    fixture_assert_query(fixture,
                         "SELECT count(*) || ' ' || (SELECT count(*) FROM branch) FROM"
                         " turn",
                         "1 3");
}

static void two_answers_at_once__end_the_turn_with_the_last_of_them(void **state)
{
    struct fixture *fixture = *state;
    struct turn_request request = {.prompt = SV("one")};
    struct turn first = fixture_begin(fixture, &request);
    request = (struct turn_request){.kind = TURN_AGAIN, .at = first.prompt};
    struct turn second = fixture_begin(fixture, &request);
    answer(fixture, &first, "a", FINISH_CANCELED);
    fixture_assert_query(fixture, "SELECT state FROM turn", "running");
    answer(fixture, &second, "b", FINISH_END_TURN);
    fixture_assert_query(fixture, "SELECT state FROM turn", "completed");
}

static void sb10__a_cut_answer_is_continued_in_a_message_that_points_to_it(void **state)
{
    struct fixture *fixture = *state;
    struct turn_request request = {.prompt = SV("count")};
    struct turn first = fixture_begin(fixture, &request);
    answer(fixture, &first, "1 2", FINISH_MAX_TOKENS);
    request = (struct turn_request){.kind = TURN_CONTINUE, .at = first.answer};
    struct turn more = answered(fixture, &request, "3 4");
    assert_string_equal(more.branch.text, first.branch.text);
    assert_history(fixture, &first.session, "count|1 2|3 4");
    fixture_assert_query(fixture,
                         "SELECT b.reason || ' ' || a.seq || ' ' || b.seq FROM message b JOIN"
                         " message a ON b.continues = a.id",
                         "end_turn 2 3");
    /* What is not the last any more is continued beside what followed. */
    struct turn beside = answered(fixture, &request, "III");
    assert_string_not_equal(beside.branch.text, first.branch.text);
    assert_history(fixture, &first.session, "count|1 2|III");
}

static void what_cannot_be_followed__is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct turn_request request = {.prompt = SV("q")};
    struct turn first = fixture_begin(fixture, &request);
    struct turn_request cases[] = {
        {.kind = TURN_EDIT, .at = first.answer},     /* no prompt */
        {.kind = TURN_CONTINUE, .at = first.prompt}, /* no answer */
        {.kind = TURN_CONTINUE, .at = first.answer}, /* still running */
        {.kind = TURN_EDIT},                         /* of what? */
        {.kind = TURN_NEW, .at = first.prompt},
        {.kind = TURN_AGAIN, .at = first.prompt, .unanswered = true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(refused(fixture, &cases[i]), ERR_INVALID);
    }
    request = (struct turn_request){.kind = TURN_AGAIN, .at = ulid_new()};
    assert_int_equal(refused(fixture, &request), ERR_NOT_FOUND);
    fixture_assert_query(fixture, "SELECT count(*) FROM message", "2");
}

static struct turn_request keyed(const char *key, const char *fingerprint)
{
    return (struct turn_request){.prompt = SV("q"),
                                 .key = {.key = sv_from(key), .fingerprint = sv_from(fingerprint)}};
}

static void sb7__a_key_replays_what_was_answered_and_tries_again_what_was_not(void **state)
{
    struct fixture *fixture = *state;
    struct turn_request request = keyed("k", "f");
    struct turn first = fixture_begin(fixture, &request);
    assert_int_equal(first.outcome, TURN_BEGUN);
    struct turn second = fixture_begin(fixture, &request);
    assert_int_equal(second.outcome, TURN_RUNNING);
    assert_string_equal(second.answer.text, first.answer.text);
    answer(fixture, &first, "half", FINISH_INTERRUPTED);

    struct turn third = fixture_begin(fixture, &request);
    assert_int_equal(third.outcome, TURN_BEGUN);
    assert_string_equal(third.id.text, first.id.text);
    assert_string_equal(third.prompt.text, first.prompt.text);
    assert_string_not_equal(third.answer.text, first.answer.text);
    answer(fixture, &third, "whole", FINISH_END_TURN);

    struct turn fourth = fixture_begin(fixture, &request);
    assert_int_equal(fourth.outcome, TURN_REPLAY);
    assert_string_equal(fourth.answer.text, third.answer.text);
    assert_history(fixture, &first.session, "q|whole");
    fixture_assert_query(fixture, "SELECT count(*) FROM message WHERE role = 'user'", "1");

    request = keyed("k", "g");
    assert_int_equal(refused(fixture, &request), ERR_INVALID);
    /* The same key in another scope is another one. */
    request.key.scope = sv_from(first.session.text);
    assert_int_equal(fixture_begin(fixture, &request).outcome, TURN_BEGUN);
}

static void sb8__a_prompt_may_stay_without_an_answer(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct turn_request request = keyed("k", "f");
    request.unanswered = true;
    struct turn first = fixture_begin(fixture, &request);
    assert_int_equal(first.outcome, TURN_UNANSWERED);
    assert_false(ulid_is_set(&first.answer));
    assert_int_equal(fixture_begin(fixture, &request).outcome, TURN_UNANSWERED);
    assert_int_equal(turn_mark_unanswered(fixture->store, &first.id, &err), ERR_OK);
    assert_int_equal(turn_mark_unanswered(fixture->store, &first.id, &err), ERR_OK);
    fixture_assert_query(fixture, "SELECT state FROM turn", "completed");

    /* It may be answered after all, at its place. */
    request = (struct turn_request){.kind = TURN_AGAIN, .at = first.prompt};
    struct turn late = answered(fixture, &request, "a");
    assert_string_equal(late.branch.text, first.branch.text);
    assert_history(fixture, &first.session, "q|a");
    assert_int_equal(turn_mark_unanswered(fixture->store, &first.id, &err), ERR_EXISTS);
    struct ulid unknown = ulid_new();
    assert_int_equal(turn_mark_unanswered(fixture->store, &unknown, &err), ERR_NOT_FOUND);

    /* A cancelled answer without a word is none. */
    request = (struct turn_request){.session = first.session, .prompt = SV("r")};
    struct turn empty = fixture_begin(fixture, &request);
    assert_int_equal(turn_mark_unanswered(fixture->store, &empty.id, &err), ERR_EXISTS);
}

static void sc3__turns_are_found_by_key_the_latest_and_the_running_one(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct turn found;
    struct turn_request request = keyed("k", "f");
    struct turn first = fixture_begin(fixture, &request);
    assert_int_equal(turn_find_key(fixture->store, &request.key, &found, &err), ERR_OK);
    assert_string_equal(found.id.text, first.id.text);
    assert_int_equal(turn_find_latest(fixture->store, &first.session, true, &found, &err), ERR_OK);
    assert_string_equal(found.answer.text, first.answer.text);
    answer(fixture, &first, "a", FINISH_END_TURN);
    assert_int_equal(turn_find_latest(fixture->store, &first.session, true, &found, &err),
                     ERR_NOT_FOUND);
    request = (struct turn_request){.session = first.session, .prompt = SV("r")};
    struct turn second = answered(fixture, &request, "b");
    assert_int_equal(turn_find_latest(fixture->store, &first.session, false, &found, &err), ERR_OK);
    assert_string_equal(found.id.text, second.id.text);
    struct ulid unknown = ulid_new();
    assert_int_equal(turn_replace(fixture->store, &second.id, &unknown, &err), ERR_NOT_FOUND);
    assert_int_equal(turn_find_latest(fixture->store, &first.session, false, &found, &err), ERR_OK);
    assert_string_equal(found.id.text, second.id.text);
    assert_int_equal(turn_replace(fixture->store, &second.id, &first.id, &err), ERR_OK);
    assert_int_equal(turn_find_latest(fixture->store, &first.session, false, &found, &err), ERR_OK);
    assert_string_equal(found.id.text, first.id.text);
    fixture_assert_query(fixture, "SELECT count(*) FROM turn WHERE replaced_by = 1", "1");
    request.key.key = SV("other");
    assert_int_equal(turn_find_key(fixture->store, &request.key, &found, &err), ERR_NOT_FOUND);
}

static void se8__a_checkpoint_is_kept_with_its_turn(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    char *text = NULL;
    struct turn turn = fixture_turn(fixture, "q");
    assert_int_equal(turn_get_checkpoint(fixture->store, &turn.id, &text, &err), ERR_OK);
    assert_null(text);
    assert_int_equal(turn_put_checkpoint(fixture->store, &turn.id, SV("{\"step\":3}"), &err),
                     ERR_OK);
    assert_int_equal(turn_get_checkpoint(fixture->store, &turn.id, &text, &err), ERR_OK);
    assert_string_equal(text, "{\"step\":3}");
    free(text);
    struct ulid unknown = ulid_new();
    assert_int_equal(turn_put_checkpoint(fixture->store, &unknown, SV("x"), &err), ERR_NOT_FOUND);
    assert_int_equal(turn_get_checkpoint(fixture->store, &unknown, &text, &err), ERR_NOT_FOUND);
}

static void the_session__counts_what_happened_in_it(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn = fixture_turn(fixture, "q");
    fixture_assert_query(fixture, "SELECT message_count || state || status FROM session",
                         "2runningactive");
    struct stream_event usage = {.kind = STREAM_USAGE, .usage = usage_unknown()};
    usage.usage.input_tokens = 10;
    usage.usage.cost_micros = 7;
    fixture_apply(fixture, &turn.answer, usage);
    answer(fixture, &turn, "a", FINISH_END_TURN);
    fixture_assert_query(fixture,
                         "SELECT state || input_tokens || output_tokens || cost_micros FROM"
                         " session",
                         "completed1007");
    fixture_assert_query(fixture, "SELECT group_concat(kind) FROM event", "created,created,ended");
    fixture_assert_query(fixture, "SELECT count(*) FROM usage WHERE at > 0 AND session = 1", "1");
}

/* ---- four processes ---- */

/* `given` is a key, or "cut": who has begun a turn of it loses its answer. */
static enum err_code ask_with_one_key(struct store *store, int who UNUSED, const char *given,
                                      char text[64])
{
    static struct turn mine;
    struct turn turn;
    struct err err;
    if (strcmp(given, "cut") == 0) {
        struct stream_event event = fixture_finish(FINISH_INTERRUPTED);
        struct ulid answer = mine.answer;
        mine = (struct turn){.existed = false};
        return ulid_is_set(&answer)
                   ? message_apply_wait(store, &answer, &event, fixture_soon(), &err)
                   : ERR_OK;
    }
    struct turn_request request = keyed(given, "f");
    enum err_code code = turn_begin(store, &request, fixture_soon(), &turn, &err);
    if (code == ERR_OK) {
        mine = turn.outcome == TURN_BEGUN ? turn : mine;
        snprintf(text, 64, "%s", turn.outcome == TURN_BEGUN ? "begun" : "running");
        return turn.outcome == TURN_BEGUN || turn.outcome == TURN_RUNNING ? ERR_OK : ERR_INTERNAL;
    }
    return code;
}

static int count_text(const struct race_result results[RACERS], const char *text)
{
    int count = 0;
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(results[i].code, ERR_OK);
        count += strcmp(results[i].text, text) == 0;
    }
    return count;
}

static void sb7__of_four_processes_with_one_key_one_begins_the_turn(void **state)
{
    struct race_result results[RACERS];
    char *path = scratch_path(*state, "race.db");
    struct race *race = race_open(path, ask_with_one_key);
    for (int round = 0; round < race_rounds(); round++) {
        char key[16];
        snprintf(key, sizeof(key), "k%d", round);
        race_round(race, key, results);
        assert_int_equal(count_text(results, "begun"), 1);
        assert_int_equal(count_text(results, "running"), RACERS - 1);
        /* And of four that try again what was cut. */
        race_round(race, "cut", results);
        race_round(race, key, results);
        assert_int_equal(count_text(results, "begun"), 1);
    }
    race_close(race);
    free(path);
}

/* `given` is "make" (a session, by the first of them), a session, or "end": of what was begun. */
static enum err_code run_on_one_branch(struct store *store, int who, const char *given,
                                       char text[64])
{
    static struct turn mine;
    struct err err;
    struct turn_request request = {.prompt = SV("q")};
    if (strcmp(given, "make") == 0) {
        request.unanswered = true;
        enum err_code code =
            who == 0 ? turn_begin(store, &request, fixture_soon(), &mine, &err) : ERR_OK;
        snprintf(text, 64, "%s", mine.session.text);
        return code;
    }
    if (ulid_parse(sv_from(given), &request.session)) {
        mine = (struct turn){.existed = false};
        enum err_code code = turn_begin(store, &request, fixture_soon(), &mine, &err);
        snprintf(text, 64, "%s", code == ERR_OK ? "begun" : "busy");
        return code == ERR_BUSY ? ERR_OK : code;
    }
    struct stream_event event = fixture_finish(FINISH_END_TURN);
    return ulid_is_set(&mine.answer)
               ? message_apply_wait(store, &mine.answer, &event, fixture_soon(), &err)
               : ERR_OK;
}

static void of_four_processes_on_one_branch__one_runs(void **state)
{
    struct race_result results[RACERS];
    char *path = scratch_path(*state, "race.db");
    struct race *race = race_open(path, run_on_one_branch);
    race_round(race, "make", results);
    struct race_result made = results[0];
    for (int round = 0; round < race_rounds(); round++) {
        race_round(race, made.text, results);
        assert_int_equal(count_text(results, "begun"), 1);
        assert_int_equal(count_text(results, "busy"), RACERS - 1);
        race_round(race, "end", results);
    }
    race_close(race);
    free(path);
}

int main(void)
{
    alarm(300);
    const struct CMUnitTest tests[] = {
        ON_BOTH(an_edit__stands_on_a_branch_of_its_own_and_the_old_one_stays),
        ON_BOTH(another_answer__is_another_attempt_of_the_same_turn),
        ON_BOTH(two_answers_at_once__end_the_turn_with_the_last_of_them),
        ON_BOTH(sb10__a_cut_answer_is_continued_in_a_message_that_points_to_it),
        ON_BOTH(what_cannot_be_followed__is_refused),
        ON_BOTH(sb7__a_key_replays_what_was_answered_and_tries_again_what_was_not),
        ON_BOTH(sb8__a_prompt_may_stay_without_an_answer),
        ON_BOTH(sc3__turns_are_found_by_key_the_latest_and_the_running_one),
        ON_BOTH(se8__a_checkpoint_is_kept_with_its_turn),
        ON_BOTH(the_session__counts_what_happened_in_it),
        SCRATCH_TEST(sb7__of_four_processes_with_one_key_one_begins_the_turn),
        SCRATCH_TEST(of_four_processes_on_one_branch__one_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
