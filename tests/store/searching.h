/*
 * Short forms for tests of the search and its index.
 */
#ifndef WEIR_TESTS_STORE_SEARCHING_H
#define WEIR_TESTS_STORE_SEARCHING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "store/search.h"
#include "store/session.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

/* A turn of its own, or in the given session, that has ended. */
static UNUSED struct turn said(struct fixture *fixture, const struct ulid *session,
                               const char *prompt, const char *answer)
{
    struct turn turn;
    struct stream_event finish = fixture_finish(FINISH_END_TURN);
    struct turn_request request = {.prompt = sv_from(prompt), .model = SV("test/model")};
    if (session) {
        request.session = *session;
    }
    assert_int_equal(turn_begin(fixture->store, &request, fixture_soon(), &turn, NULL), ERR_OK);
    fixture_apply(fixture, &turn.answer, fixture_text(0, answer));
    assert_int_equal(
        message_apply_wait(fixture->store, &turn.answer, &finish, fixture_soon(), NULL), ERR_OK);
    return turn;
}

static UNUSED void entitle(struct fixture *fixture, const struct ulid *session, const char *title)
{
    const struct session_change change = {
        .fields = SESSION_SET_TITLE, .title = sv_from(title), .title_by = TITLE_BY_USER};
    assert_int_equal(session_update(fixture->store, session, &change, NULL), ERR_OK);
}

static UNUSED struct search_result run(struct fixture *fixture, const struct search_query *query)
{
    struct search *search = NULL;
    struct search_result result;
    struct err err = {ERR_OK, ""};
    if (search_new(fixture->store, query, &search, &err) || search_run(search, &result, &err)) {
        fail_msg("'%.*s': %s", SV_ARG(query->text), err.text);
    }
    search_free(search);
    assert_true(result.count <= query->limit);
    for (size_t i = 0; i < result.count; i++) {
        const struct search_hit *hit = &result.hits[i];
        size_t n = strlen(hit->snippet);
        assert_int_equal(utf8_valid_prefix(hit->snippet, n), n);
        for (size_t k = 0; k < hit->span_count; k++) {
            assert_true(hit->spans[k].first < hit->spans[k].last && hit->spans[k].last <= n);
        }
    }
    return result;
}

/* Every message and title is known to the search. */
static UNUSED void settle(struct fixture *fixture)
{
    const struct search_query query = {.text = SV("x"), .limit = 1};
    int64_t until = fixture_soon();
    bool waits = true;
    while (waits) {
        struct search_result result = run(fixture, &query);
        char *titles =
            fixture_query(fixture, "SELECT count(*) FROM session WHERE title_indexed = 0");
        waits = result.pending > 0 || strcmp(titles, "0") != 0;
        search_result_release(&result);
        free(titles);
        assert_true(clock_mono_us() < until);
        clock_sleep_us(waits ? 500 : 0);
    }
}

static UNUSED struct search_result find(struct fixture *fixture, const char *text)
{
    const struct search_query query = {.text = sv_from(text), .limit = 50};
    return run(fixture, &query);
}

static UNUSED void assert_found(struct fixture *fixture, const char *text, size_t count)
{
    struct search_result result = find(fixture, text);
    if (result.count != count) {
        fail_msg("'%s' was found %zu times, not %zu", text, result.count, count);
    }
    search_result_release(&result);
}

#endif
