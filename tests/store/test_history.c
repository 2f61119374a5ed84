/* History: pages of a branch's path, on rows that are there before the store is opened. */
#include "base/clock.h"
#include "store/branch.h"
#include "store/history.h"
#include "tests/store/reading.h"

/* A new branch of the same session that shares its parent's messages up to fork_seq, made current.
 */
static int64_t put_fork(struct db *db, int64_t parent, int64_t fork_seq)
{
    int64_t branch = put(db,
                         "INSERT INTO branch (session, parent, fork_seq, created_at)"
                         " SELECT session, id, ?2, 1 FROM branch WHERE id = ?1",
                         parent, fork_seq, NULL);
    put(db, "UPDATE session SET branch = ?1 WHERE id = (SELECT session FROM branch WHERE id = ?1)",
        branch, 0, NULL);
    return branch;
}

static void put_prompts(struct db *db, int64_t branch, int64_t first, int64_t count,
                        const char *text)
{
    must_exec(db, "BEGIN");
    for (int64_t i = 0; i < count; i++) {
        (void)put_prompt(db, branch, first + i, text);
    }
    must_exec(db, "COMMIT");
}

/* The page as "seq:text seq:text", and "+" when there is more. Gives. */
static char *page_text(struct history_page *page)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    for (size_t i = 0; i < page->count; i++) {
        char *words = message_text(page->messages[i], PART_TEXT);
        (void)buf_appendf(&text, "%s%lld:%s", i > 0 ? " " : "", (long long)page->messages[i]->seq,
                          words);
        free(words);
    }
    (void)buf_append_str(&text, page->more ? "+" : "");
    return buf_detach(&text);
}

struct want {
    bool before;
    int64_t seq;
    size_t limit;
    const char *text;
};

static void assert_pages(struct reading *reading, const struct ulid *session,
                         const struct want *wants, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct history_page page = {.messages = NULL};
        struct err err = {ERR_OK, ""};
        enum err_code code =
            wants[i].before
                ? history_before(reading->store, session, wants[i].seq, wants[i].limit, &page, &err)
                : history_after(reading->store, session, wants[i].seq, wants[i].limit, &page, &err);
        assert_int_equal(code, ERR_OK);
        char *text = page_text(&page);
        assert_string_equal(text, wants[i].text);
        free(text);
        history_page_release(&page);
        assert_null(page.messages);
        history_page_release(&page);
    }
}

static void pages__go_both_ways_in_order(void **state)
{
    struct reading reading = reading_open(*state);
    struct ulid session = ulid_new();
    put_prompts(reading.db, put_session(reading.db, &session, "h1"), 0, 5, "a");
    static const struct want wants[] = {
        {true, INT64_MAX, 2, "3:a 4:a+"},
        {true, 3, 2, "1:a 2:a+"},
        {true, 1, 2, "0:a"},
        {true, 0, 2, ""},
        {true, 2, 2, "0:a 1:a"},
        {true, INT64_MAX, SIZE_MAX, "0:a 1:a 2:a 3:a 4:a"},
        {true, INT64_MAX, 0, "+"},
        {false, -1, 2, "0:a 1:a+"},
        {false, 1, 3, "2:a 3:a 4:a"},
        {false, 4, 3, ""},
        {false, INT64_MAX, 3, ""},
    };
    assert_pages(&reading, &session, wants, COUNT_OF(wants));
    reading_close(&reading);
}

static void pages__follow_the_current_branch_through_its_forks(void **state)
{
    struct reading reading = reading_open(*state);
    struct ulid session = ulid_new();
    int64_t a = put_session(reading.db, &session, "h1");
    put_prompts(reading.db, a, 0, 6, "a");
    int64_t b = put_fork(reading.db, a, 3);
    put_prompts(reading.db, b, 4, 4, "b");
    /* Never written by us: what is shared comes from the parent alone. */
    put_prompts(reading.db, b, 2, 1, "stray");
    /* Below where its parent forked: of b's own there is nothing in it. */
    int64_t c = put_fork(reading.db, b, 1);
    put_prompts(reading.db, c, 2, 2, "c");
    static const struct want of_c[] = {
        {true, INT64_MAX, 9, "0:a 1:a 2:c 3:c"},
        {true, 3, 2, "1:a 2:c+"},
        {false, -1, 3, "0:a 1:a 2:c+"},
        {false, 0, 2, "1:a 2:c+"},
    };
    assert_pages(&reading, &session, of_c, COUNT_OF(of_c));
    put(reading.db, "UPDATE session SET branch = ?1", b, 0, NULL);
    static const struct want of_b[] = {
        {true, INT64_MAX, 5, "3:a 4:b 5:b 6:b 7:b+"},
        {true, 5, 9, "0:a 1:a 2:a 3:a 4:b"},
        {false, 2, 3, "3:a 4:b 5:b+"},
        {false, 5, 3, "6:b 7:b"},
    };
    assert_pages(&reading, &session, of_b, COUNT_OF(of_b));
    reading_close(&reading);
}

static void pages__hold_text_that_is_not_folded_yet(void **state)
{
    struct reading reading = reading_open(*state);
    struct ulid session = ulid_new();
    int64_t branch = put_session(reading.db, &session, "h1");
    put_prompts(reading.db, branch, 0, 1, "q");
    int64_t row = put_answer(reading.db, branch, 1);
    put_part(reading.db, row, 0, "text");
    put_chunk(reading.db, row, 0, 0, "half ");
    put_chunk(reading.db, row, 0, 5, "written");
    /* Nobody's in this process, so the database is asked. */
    static const struct want wants[] = {{true, INT64_MAX, 9, "0:q 1:half written"}};
    assert_pages(&reading, &session, wants, COUNT_OF(wants));
    reading_close(&reading);
}

static void pages__of_no_session_are_not_found(void **state)
{
    struct reading reading = reading_open(*state);
    struct history_page page = {.messages = NULL};
    struct ulid session = ulid_new();
    struct err err = {ERR_OK, ""};
    assert_int_equal(history_before(reading.store, &session, INT64_MAX, 5, &page, &err),
                     ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, session.text));
    assert_null(page.messages);
    reading_close(&reading);
}

static void a_path__that_goes_in_a_circle_ends(void **state)
{
    struct reading reading = reading_open(*state);
    struct ulid session = ulid_new();
    int64_t a = put_session(reading.db, &session, "h1");
    put_prompts(reading.db, a, 0, 3, "a");
    int64_t b = put_fork(reading.db, a, 1);
    put(reading.db, "UPDATE branch SET parent = ?2, fork_seq = 1 WHERE id = ?1", a, b, NULL);
    struct history_page page = {.messages = NULL};
    (void)!history_before(reading.store, &session, INT64_MAX, 5, &page, NULL);
    history_page_release(&page);
    reading_close(&reading);
}

static int64_t time_of_page(struct reading *reading, const struct ulid *session)
{
    int64_t best = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        struct history_page page = {.messages = NULL};
        int64_t began = clock_mono_us();
        assert_int_equal(history_before(reading->store, session, INT64_MAX, 20, &page, NULL),
                         ERR_OK);
        int64_t took = clock_mono_us() - began;
        assert_int_equal(page.count, 20);
        history_page_release(&page);
        best = took < best ? took : best;
    }
    return best;
}

static void a_page__costs_the_same_however_long_the_session_is(void **state)
{
    struct reading reading = reading_open(*state);
    struct ulid small = ulid_new();
    struct ulid large = ulid_new();
    put_prompts(reading.db, put_session(reading.db, &small, "h1"), 0, 50, "a");
    put_prompts(reading.db, put_session(reading.db, &large, "h2"), 0, 20000, "a");
    int64_t small_us = time_of_page(&reading, &small);
    assert_in_range(time_of_page(&reading, &large), 0, 5 * small_us + CLOCK_MS(2));
    reading_close(&reading);
}

static void read_branches(struct store *store, const struct ulid *session,
                          const struct ulid *message)
{
    struct branch_list branches;
    struct sibling_list siblings;
    struct history_lines lines;
    struct history_query query = {.session = *session,
                                  .start = HISTORY_MESSAGE,
                                  .message = *message,
                                  .offset = 9,
                                  .limit = 5};
    assert_int_equal(branch_list(store, session, &branches, NULL), ERR_OK);
    query.branch = branches.branches[0].id;
    branch_list_release(&branches);
    assert_int_equal(branch_siblings(store, message, &siblings, NULL), ERR_OK);
    sibling_list_release(&siblings);
    assert_int_equal(history_lines(store, &query, &lines, NULL), ERR_OK);
    history_lines_release(&lines);
}

static void every_statement__follows_an_index(void **state)
{
    struct reading reading = reading_open(*state);
    struct ulid session = ulid_new();
    int64_t branch = put_session(reading.db, &session, "h1");
    struct history_page page;
    (void)put_prompt(reading.db, branch, 0, "q");
    int64_t row = put_answer(reading.db, branch, 1);
    put_part(reading.db, row, 0, "text");
    put_chunk(reading.db, row, 0, 0, "x");
    must_exec(reading.db, "UPDATE branch SET uid = '01ARZ3NDEKTSV4RRFFQ69G5FAA'");
    assert_int_equal(history_before(reading.store, &session, INT64_MAX, 5, &page, NULL), ERR_OK);
    read_branches(reading.store, &session, &page.messages[1]->id);
    history_page_release(&page);
    assert_int_equal(history_after(reading.store, &session, -1, 5, &page, NULL), ERR_OK);
    history_page_release(&page);
    struct history_lines lines;
    struct history_query query = {.session = session, .limit = 5};
    assert_int_equal(history_lines(reading.store, &query, &lines, NULL), ERR_OK);
    history_lines_release(&lines);
    /* The session, its branch, both directions, what is skipped, a cursor's place; a message's
     * head, usage, parts and chunks; a line and its text; the branches, and three for siblings. */
    assert_true(assert_plans_are_indexed(reading.store) >= 17);
    reading_close(&reading);
}

static void a_warm_reader__has_prepared_what_a_page_asks(void **state)
{
    struct reading reading = reading_open(*state);
    struct ulid session = ulid_new();
    struct history_page page;
    (void)put_prompt(reading.db, put_session(reading.db, &session, "h1"), 0, "q");
    int before = assert_plans_are_indexed(reading.store);
    /* More often than there are connections, which are given back. */
    for (int i = 0; i < 10; i++) {
        history_warm(reading.store);
    }
    /* A branch, its path, a cursor's place, a page, a message. */
    assert_int_equal(assert_plans_are_indexed(reading.store), before + 5);
    assert_int_equal(history_before(reading.store, &session, INT64_MAX, 5, &page, NULL), ERR_OK);
    assert_int_equal(page.count, 1);
    history_page_release(&page);
    reading_close(&reading);
}

static void warming__a_store_without_a_database_does_nothing(void **state)
{
    char *path = scratch_path(*state, "none.db");
    struct broker *broker = broker_new(NULL);
    struct store *store = NULL;
    const struct store_options options = {.path = path, .broker = broker};
    assert_int_equal(store_open(&options, &store, NULL), ERR_OK);
    history_warm(store);
    store_free(store);
    broker_free(broker);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(pages__go_both_ways_in_order),
        SCRATCH_TEST(pages__follow_the_current_branch_through_its_forks),
        SCRATCH_TEST(pages__hold_text_that_is_not_folded_yet),
        SCRATCH_TEST(pages__of_no_session_are_not_found),
        SCRATCH_TEST(a_path__that_goes_in_a_circle_ends),
        SCRATCH_TEST(a_page__costs_the_same_however_long_the_session_is),
        SCRATCH_TEST(every_statement__follows_an_index),
        SCRATCH_TEST(a_warm_reader__has_prepared_what_a_page_asks),
        SCRATCH_TEST(warming__a_store_without_a_database_does_nothing),
    };
    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
