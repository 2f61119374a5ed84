/* Search: what is found, in what order, with what around it; and what is not found any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "store/label.h"
#include "store/search.h"
#include "tests/store/searching.h"

#include <cmocka.h>

/* What is marked in the first hit, each in brackets. */
static void assert_marked(struct fixture *fixture, const char *text, const char *marked)
{
    struct search_result result = find(fixture, text);
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    assert_true(result.count > 0);
    const struct search_hit *hit = &result.hits[0];
    for (size_t i = 0; i < hit->span_count; i++) {
        buf_appendf(&out, "[%.*s]", (int)(hit->spans[i].last - hit->spans[i].first),
                    hit->snippet + hit->spans[i].first);
    }
    assert_string_equal(buf_cstr(&out), marked);
    buf_release(&out);
    search_result_release(&result);
}

/* ---- finding ---- */

static void search__ranks_titles_before_prompts_before_answers(void **state)
{
    struct fixture *fixture = *state;
    struct turn other = said(fixture, NULL, "one thing", "about the falcon of it");
    struct turn asked = said(fixture, NULL, "where is that falcon gone", "away");
    struct turn named = said(fixture, NULL, "two", "three");
    entitle(fixture, &named.session, "a falcon again");
    settle(fixture);
    struct search_result result = find(fixture, "FALCON");
    /* The prompt is the title of its session as well. */
    assert_int_equal(result.count, 4);
    assert_int_equal(result.hits[0].place, SEARCH_TITLE);
    assert_string_equal(result.hits[0].session.text, named.session.text);
    assert_false(ulid_is_set(&result.hits[0].message));
    assert_int_equal(result.hits[1].place, SEARCH_TITLE);
    assert_int_equal(result.hits[2].place, SEARCH_PROMPT);
    assert_string_equal(result.hits[2].message.text, asked.prompt.text);
    assert_int_equal(result.hits[2].role, ROLE_USER);
    assert_int_equal(result.hits[3].place, SEARCH_ANSWER);
    assert_string_equal(result.hits[3].message.text, other.answer.text);
    assert_string_equal(result.hits[3].model, "test/model");
    assert_string_equal(result.hits[3].snippet, "about the falcon of it");
    assert_false(result.more || result.only_newest || result.wordless);
    search_result_release(&result);
}

static void search__gives_the_newest_of_equals_first_page_by_page(void **state)
{
    struct fixture *fixture = *state;
    struct search_query query = {.text = SV("equal"), .limit = 2};
    enum role role = ROLE_USER;
    struct turn turn = said(fixture, NULL, "equal words", "x");
    for (int i = 0; i < 4; i++) {
        turn = said(fixture, &turn.session, "equal words", "x");
    }
    settle(fixture);
    query.role = &role;
    struct search_result first = run(fixture, &query);
    assert_int_equal(first.count, 2);
    assert_true(first.more);
    assert_string_equal(first.hits[0].message.text, turn.prompt.text);
    query.offset = 2;
    struct search_result second = run(fixture, &query);
    assert_int_equal(second.count, 2);
    assert_true(second.more);
    assert_string_not_equal(second.hits[0].message.text, first.hits[1].message.text);
    query.offset = 4;
    struct search_result third = run(fixture, &query);
    assert_int_equal(third.count, 1);
    assert_false(third.more);
    search_result_release(&first);
    search_result_release(&second);
    search_result_release(&third);
}

static void queries__know_phrases_exclusions_and_beginnings(void **state)
{
    struct fixture *fixture = *state;
    (void)said(fixture, NULL, "p", "the quick brown fox jumps");
    (void)said(fixture, NULL, "p", "the brown quick foxglove");
    settle(fixture);
    assert_found(fixture, "quick brown", 2);
    assert_found(fixture, "\"quick brown\"", 1);
    assert_found(fixture, "quick-brown", 1);
    assert_found(fixture, "fox", 1);
    assert_found(fixture, "fox*", 2);
    assert_found(fixture, "\"quick fox\"*", 1);
    assert_found(fixture, "quick -jumps", 1);
    assert_found(fixture, "quick -\"brown fox\" -nothing", 1);
    assert_found(fixture, "quick jumps*", 1);
    assert_found(fixture, "quick absent", 0);
    assert_marked(fixture, "\"quick brown\" jum*", "[quick brown][jumps]");
}

static void queries__are_never_wrong(void **state)
{
    struct fixture *fixture = *state;
    static const char *const hostile[] = {
        "\"",
        "\"\"",
        "*",
        "-",
        "--",
        "-*",
        "a\"b",
        "\"a",
        "a*b*",
        "(",
        ")",
        "a OR b",
        "AND",
        "NOT",
        "NOT a",
        "NEAR(a b, 2)",
        "^a",
        "col:a",
        "title:a",
        "{a b}:c",
        "a + b",
        "a\\",
        "'; DROP",
        "%_",
        "\xFF",
        "\xC3",
        "-\"",
        "-\"a",
        "\"a\"*\"b",
        "a AND",
        "OR",
        "\x01\x02",
        "\"- *",
        "\"*\"*",
        "-a",
        "-a -b",
        "a NOT b",
        "rank:1",
        "words",
        "\xED\xA0\x80",
        "🏳️‍🌈",
        "e\xCC\x81",
        "\xCC\x81",
        "ẞ",
    };
    (void)said(fixture, NULL, "a", "b");
    settle(fixture);
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        struct search_result result = find(fixture, hostile[i]);
        search_result_release(&result);
    }
    const struct search_query nul = {.text = {"a\0\"b", 4}, .limit = 5};
    struct search_result result = run(fixture, &nul);
    search_result_release(&result);
    assert_found(fixture, "", 0);
    result = find(fixture, "-a ...");
    assert_true(result.wordless);
    search_result_release(&result);
}

static void queries__that_are_too_long_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct search *search = NULL;
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    for (int i = 0; i < SEARCH_TERMS_MAX; i++) {
        buf_append_str(&text, i % 2 ? "a " : "-b ");
    }
    struct search_query query = {.text = buf_sv(&text), .limit = 5};
    struct search_result result = run(fixture, &query);
    search_result_release(&result);
    buf_append_str(&text, "c");
    query.text = buf_sv(&text);
    assert_int_equal(search_new(fixture->store, &query, &search, NULL), ERR_TOO_BIG);
    buf_clear(&text);
    while (text.n <= SEARCH_QUERY_MAX) {
        buf_append_byte(&text, 'x');
    }
    query.text = buf_sv(&text);
    assert_int_equal(search_new(fixture->store, &query, &search, NULL), ERR_TOO_BIG);
    query.text = sv_take(query.text, SEARCH_QUERY_MAX);
    result = run(fixture, &query);
    search_result_release(&result);
    /* One phrase of more than a thousand pairs. */
    buf_clear(&text);
    while (text.n + 3 <= SEARCH_QUERY_MAX) {
        buf_append_str(&text, text.n % 2 ? "中" : "文");
    }
    query.text = buf_sv(&text);
    result = run(fixture, &query);
    search_result_release(&result);
    buf_release(&text);
}

static void search__finds_inside_sentences_without_spaces(void **state)
{
    struct fixture *fixture = *state;
    (void)said(fixture, NULL, "p", "我们今天讨论数据库索引。");
    (void)said(fixture, NULL, "p", "カタカナとひらがなの文");
    (void)said(fixture, NULL, "p", "데이터베이스를 사용합니다");
    (void)said(fixture, NULL, "p", "ฐานข้อมูลภาษาไทย");
    (void)said(fixture, NULL, "p", "ship it 🚀 now, 🤖 friend; naïve Café");
    settle(fixture);
    assert_found(fixture, "数据库", 1);
    assert_found(fixture, "据", 1);
    assert_found(fixture, "引", 1);
    assert_found(fixture, "今天 索引", 1);
    assert_found(fixture, "\"索引 数据\"", 0);
    assert_found(fixture, "数库", 0);
    assert_found(fixture, "ひらがな", 1);
    assert_found(fixture, "베이스", 1);
    assert_found(fixture, "ข้อมูล", 1);
    assert_found(fixture, "🚀", 1);
    assert_found(fixture, "🤖", 1);
    assert_found(fixture, "🦀", 0);
    assert_found(fixture, "naive CAFÉ", 1);
    assert_marked(fixture, "数据库", "[数据库]");
    assert_marked(fixture, "据", "[据]");
    assert_marked(fixture, "cafe 🚀", "[🚀][Café]");
}

static void search__is_narrowed(void **state)
{
    struct fixture *fixture = *state;
    enum role assistant = ROLE_ASSISTANT;
    struct turn one = said(fixture, NULL, "needle", "needle");
    struct turn two = said(fixture, NULL, "needle", "needle");
    const struct sv blue = SV("blue");
    const struct label_change label = {.add = &blue, .add_count = 1};
    assert_int_equal(label_update(fixture->store, &two.session, &label, NULL), ERR_OK);
    settle(fixture);
    static const struct {
        struct search_query query;
        size_t count;
    } cases[] = {
        {{.text = SV("needle")}, 6},
        {{.text = SV("needle"), .label = "blue"}, 3},
        {{.text = SV("needle"), .label = "red"}, 0},
        {{.text = SV("needle"), .label = "blue", .model = "test/model"}, 3},
        {{.text = SV("needle"), .label = "blue", .model = "test/other"}, 0},
        {{.text = SV("needle"), .label = "blue", .since_us = 1}, 3},
        {{.text = SV("needle"), .label = "blue", .until_us = 1}, 0},
        {{.text = SV("needle"), .model = "test/model"}, 6},
        {{.text = SV("needle"), .model = "test/other"}, 0},
        {{.text = SV("needle"), .since_us = 1}, 6},
        {{.text = SV("needle"), .until_us = 1}, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct search_query query = cases[i].query;
        query.limit = 50;
        struct search_result result = run(fixture, &query);
        assert_int_equal(result.count, cases[i].count);
        search_result_release(&result);
    }
    struct search_query query = {.text = SV("needle"), .session = one.session, .limit = 50};
    struct search_result result = run(fixture, &query);
    assert_int_equal(result.count, 3);
    search_result_release(&result);
    query.role = &assistant;
    result = run(fixture, &query);
    assert_int_equal(result.count, 1);
    assert_string_equal(result.hits[0].message.text, one.answer.text);
    search_result_release(&result);
    const struct {
        const struct ulid *session;
        const enum role *role;
        size_t count;
    } of_label[] = {
        {&one.session, NULL, 0}, {&two.session, NULL, 3}, {&two.session, &assistant, 1}};
    for (size_t i = 0; i < COUNT_OF(of_label); i++) {
        query = (struct search_query){.text = SV("needle"),
                                      .label = "blue",
                                      .session = *of_label[i].session,
                                      .role = of_label[i].role,
                                      .limit = 50};
        result = run(fixture, &query);
        assert_int_equal(result.count, of_label[i].count);
        search_result_release(&result);
    }
}

static void snippets__show_where_most_of_the_words_are(void **state)
{
    struct fixture *fixture = *state;
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    buf_append_str(&text, "alpha alone. ");
    for (int i = 0; i < 100; i++) {
        buf_append_str(&text, "füllwörter ");
    }
    buf_append_str(&text, "then alpha and omega. ");
    for (int i = 0; i < 100; i++) {
        buf_append_str(&text, "füllwörter ");
    }
    (void)said(fixture, NULL, "p", buf_cstr(&text));
    settle(fixture);
    assert_marked(fixture, "alpha omega", "[alpha][omega]");
    struct search_result result = find(fixture, "alpha omega");
    assert_true(result.hits[0].cut_before && result.hits[0].cut_after);
    assert_non_null(strstr(result.hits[0].snippet, "then alpha and omega. f"));
    assert_true(strlen(result.hits[0].snippet) <= 200);
    search_result_release(&result);
    buf_release(&text);
}

static void search__finds_a_long_message_once(void **state)
{
    struct fixture *fixture = *state;
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    buf_append_str(&text, "common ");
    while (text.n < 300000) {
        buf_appendf(&text, "word%zu common ", text.n);
    }
    buf_append_str(&text, "lastofall");
    (void)said(fixture, NULL, "p", buf_cstr(&text));
    settle(fixture);
    assert_found(fixture, "common", 1);
    assert_found(fixture, "lastofall", 1);
    assert_marked(fixture, "lastofall", "[lastofall]");
    char *slices = fixture_query(fixture, "SELECT max(indexed) FROM message");
    assert_int_equal(strtol(slices, NULL, 10), 300000 / 32768 + 1);
    free(slices);
    buf_release(&text);
}

/* ---- at once with others ---- */

static void search__can_be_cancelled_before_it_runs(void **state)
{
    struct fixture *fixture = *state;
    const struct search_query query = {.text = SV("x"), .limit = 5};
    struct search *search = NULL;
    struct search_result result;
    struct err err;
    assert_int_equal(search_new(fixture->store, &query, &search, NULL), ERR_OK);
    search_cancel(search);
    assert_int_equal(search_run(search, &result, &err), ERR_CANCELLED);
    assert_string_equal(err.text, "the search was cancelled");
    search_cancel(search);
    search_free(search);
    search_free(NULL);
    assert_found(fixture, "x", 0);
}

/* So many messages with that word, made and indexed by hand; the oldest would be the best. */
static void fill_with_common(struct fixture *fixture, int count)
{
    (void)said(fixture, NULL, "p", "a");
    settle(fixture);
    char *sql = xasprintf(
        "WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT INTO message (id, uid, branch, seq, role, model, reason, folded, indexed,"
        " created_at, ended_at) SELECT i, printf('%%026d', i), 1, 100 + i, 'assistant',"
        " 'test/model', 'end_turn', 1, 1, i, i FROM n;"
        "INSERT INTO part (message, position, kind, began_at, text) SELECT id, 0, 'text',"
        " 1, iif(id = 10, 'common', 'common and much more') FROM message WHERE id >= 10;"
        "INSERT INTO words (rowid, answer)"
        " SELECT p.message << 12, p.text FROM part p WHERE p.message >= 10",
        9 + count);
    fixture_execute(fixture, sql);
    free(sql);
}

static void *cancel(void *search)
{
    clock_sleep_us(2000);
    search_cancel(search);
    return NULL;
}

/* However the two meet, the run ends, and what comes after it is not disturbed. */
static void search__can_be_cancelled_while_it_runs(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct search_query query = {
        .text = SV("common -absent*"), .model = "test/model", .limit = SEARCH_LIMIT_MAX};
    int cancelled = 0;
    fixture_open(&fixture, 0);
    fill_with_common(&fixture, 20000);
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        struct search *search = NULL;
        struct search_result result = {.count = 0};
        assert_int_equal(search_new(fixture.store, &query, &search, NULL), ERR_OK);
        assert_int_equal(pthread_create(&thread, NULL, cancel, search), 0);
        enum err_code code = search_run(search, &result, NULL);
        assert_true(code == ERR_OK || code == ERR_CANCELLED);
        cancelled += code == ERR_CANCELLED;
        assert_int_equal(pthread_join(thread, NULL), 0);
        search_result_release(&result);
        search_free(search);
    }
    assert_true(cancelled > 0);
    assert_found(&fixture, "\"common\"", 50);
    fixture_close(&fixture);
}

static void search__ranks_only_the_newest_of_very_many(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 0);
    fill_with_common(&fixture, SEARCH_RANKED);
    struct search_result all = find(&fixture, "common");
    assert_false(all.only_newest);
    assert_string_equal(all.hits[0].snippet, "common");
    search_result_release(&all);
    (void)said(&fixture, NULL, "p", "a common thing");
    settle(&fixture);
    struct search_result newest = find(&fixture, "common");
    assert_true(newest.only_newest && newest.more);
    assert_int_equal(newest.count, 50);
    assert_string_not_equal(newest.hits[0].snippet, "common");
    search_result_release(&newest);
    assert_found(&fixture, "common -absent", 50);
    fixture_close(&fixture);
}

/* The text with brackets around what is marked, and one more on either side of the best. */
static char *marked(const char *query, const char *text)
{
    struct search_marker *marker = search_marker_new(sv_from(query));
    struct search_span spans[8];
    struct search_span best = {SIZE_MAX, 0};
    struct buf out = BUF_INIT(1000);
    assert_non_null(marker);
    size_t count = search_mark(marker, sv_from(text), spans, COUNT_OF(spans));
    bool found = search_mark_best(marker, sv_from(text), &best) > 0;
    assert_int_equal(found, count > 0);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_best = spans[i].first <= best.first && best.first < spans[i].last;
        buf_appendf(&out, "%.*s%s%.*s%s", (int)(spans[i].first - at), text + at,
                    is_best ? "[[" : "[", (int)(spans[i].last - spans[i].first),
                    text + spans[i].first, is_best ? "]]" : "]");
        at = spans[i].last;
    }
    buf_append_str(&out, text + at);
    char *copy = xstrdup(buf_cstr(&out));
    buf_release(&out);
    search_marker_free(marker);
    return copy;
}

static void a_marker__finds_what_a_query_finds(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"heron*", "The Herons, a heron; no her on.", "The [[Herons]], a [heron]; no her on."},
        {"heron", "herons, HÉRON", "herons, [[HÉRON]]"},
        {"\"the end\"", "the very end is the end.", "the very end is [[the end]]."},
        {"reed -heron", "a heron in the reed", "a heron in the [[reed]]"},
        {"東京", "日本の東京都です", "日本の[[東京]]都です"},
        {"a b", "a a a b", "[[a]] [a] [a] [b]"},
        {"none", "nothing of it", "nothing of it"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *out = marked(cases[i][0], cases[i][1]);
        assert_string_equal(out, cases[i][2]);
        free(out);
    }
}

static void a_marker__leads_to_where_most_of_the_words_are(void **state)
{
    (void)state;
    struct search_marker *marker = search_marker_new(SV("alpha omega"));
    struct search_span span = {0, 0};
    char text[2001];
    memset(text, '.', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memcpy(text + 10, " alpha ", 7);
    memcpy(text + 1000, " alpha omega ", 13);
    assert_int_equal(search_mark_best(marker, sv_from(text), &span), 2);
    assert_int_equal(span.first, 1001);
    assert_int_equal(search_marker_words(marker), 2);
    assert_int_equal(search_mark_best(marker, SV("nothing"), &span), 0);
    search_marker_free(marker);
    assert_null(search_marker_new(SV(" - ! ")));
    assert_null(search_marker_new(SV("-only -exclusions")));
}

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        ON_BOTH(search__ranks_titles_before_prompts_before_answers),
        ON_BOTH(search__gives_the_newest_of_equals_first_page_by_page),
        ON_BOTH(queries__know_phrases_exclusions_and_beginnings),
        ON_BOTH(queries__are_never_wrong),
        ON_BOTH(queries__that_are_too_long_are_refused),
        ON_BOTH(search__finds_inside_sentences_without_spaces),
        ON_BOTH(search__is_narrowed),
        ON_BOTH(snippets__show_where_most_of_the_words_are),
        cmocka_unit_test(a_marker__finds_what_a_query_finds),
        cmocka_unit_test(a_marker__leads_to_where_most_of_the_words_are),
        ON_BOTH(search__finds_a_long_message_once),
        ON_BOTH(search__can_be_cancelled_before_it_runs),
        cmocka_unit_test(search__can_be_cancelled_while_it_runs),
        cmocka_unit_test(search__ranks_only_the_newest_of_very_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
