/* Sessions: listing and finding, on rows that are there before the store is opened. */
#include "store/label.h"
#include "store/participant.h"
#include "store/session.h"
#include "tests/store/reading.h"

/* A session with everything that is looked for. Gives its branch. */
static int64_t put_named(struct db *db, const char *uid, const char *handle, const char *name,
                         int64_t active)
{
    struct ulid id = {""};
    assert_true(ulid_parse(sv_from(uid), &id));
    int64_t branch = put_session(db, &id, handle);
    put(db,
        "UPDATE session SET name = ?3, last_active_at = ?2 WHERE id ="
        " (SELECT session FROM branch WHERE id = ?1)",
        branch, active, name);
    return branch;
}

#define ID_A "01ARZ3NDEKTSV4RRFFQ69G5FAA"
#define ID_B "01ARZ3NDEKTSV4RRFFQ69G5FAB"
#define ID_C "01BRZ3NDEKTSV4RRFFQ69G5FAC"

static struct session_list list_of(struct store *store, const char *scope, size_t offset,
                                   size_t limit)
{
    struct session_list list = {NULL, 0, false};
    const struct session_filter filter = {.scope = scope};
    const struct session_window window = {.offset = offset, .limit = limit};
    assert_int_equal(session_list(store, &filter, &window, &list, NULL), ERR_OK);
    return list;
}

static struct reading open_three(void **state)
{
    struct reading reading = reading_open(*state);
    (void)put_named(reading.db, ID_A, "kqa", "holiday", 10);
    (void)put_named(reading.db, ID_B, "kqab", NULL, 30);
    (void)put_named(reading.db, ID_C, "x7c", "Übersicht", 20);
    must_exec(reading.db, "UPDATE session SET scope = '/home/a' WHERE handle <> 'kqab'");
    return reading;
}

static void assert_finds(struct reading *reading, const char *what, const char *uid)
{
    struct session_list list = {NULL, 0, false};
    struct err err = {ERR_OK, ""};
    if (session_find(reading->store, sv_from(what), &list, &err) != ERR_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(list.count, 1);
    assert_string_equal(list.sessions[0].id.text, uid);
    session_list_release(&list);
}

static void assert_does_not_find(struct reading *reading, struct sv what, enum err_code expected)
{
    struct session_list list = {NULL, 0, false};
    struct err err = {ERR_OK, ""};
    assert_int_equal(session_find(reading->store, what, &list, &err), expected);
    assert_int_equal(err.code, expected);
    assert_null(list.sessions);
}

static void find__takes_ids_names_handles_and_prefixes(void **state)
{
    struct reading reading = open_three(state);
    assert_finds(&reading, ID_B, ID_B);
    assert_finds(&reading, "01arz3ndektsv4rrffq69g5fab", ID_B);
    assert_finds(&reading, "holiday", ID_A);
    assert_finds(&reading, "Übersicht", ID_C);
    /* A whole handle is meant, also when another one begins with it. */
    assert_finds(&reading, "kqa", ID_A);
    assert_finds(&reading, "KQA", ID_A);
    assert_finds(&reading, "kqab", ID_B);
    assert_finds(&reading, "x", ID_C);
    assert_finds(&reading, "01b", ID_C);
    reading_close(&reading);
}

static void find__says_what_is_missing_and_what_is_ambiguous(void **state)
{
    struct reading reading = open_three(state);
    assert_does_not_find(&reading, SV("01ARZ3"), ERR_AMBIGUOUS);
    assert_does_not_find(&reading, SV("kq"), ERR_AMBIGUOUS);
    assert_does_not_find(&reading, SV("holi"), ERR_NOT_FOUND);
    assert_does_not_find(&reading, SV("HOLIDAY"), ERR_NOT_FOUND);
    assert_does_not_find(&reading, SV("none"), ERR_NOT_FOUND);
    assert_does_not_find(&reading, SV(""), ERR_NOT_FOUND);
    assert_does_not_find(&reading, SV("%"), ERR_NOT_FOUND);
    assert_does_not_find(&reading, SV("x\0y"), ERR_NOT_FOUND);
    reading_close(&reading);
}

static void find__is_ambiguous_between_an_id_and_a_handle(void **state)
{
    struct reading reading = reading_open(*state);
    (void)put_named(reading.db, ID_A, "kqa", NULL, 10);
    (void)put_named(reading.db, ID_C, "01a9", NULL, 10);
    assert_does_not_find(&reading, SV("01a"), ERR_AMBIGUOUS);
    reading_close(&reading);
}

static void find__prefers_a_name_to_a_handle(void **state)
{
    struct reading reading = reading_open(*state);
    (void)put_named(reading.db, ID_A, "kqa", NULL, 10);
    (void)put_named(reading.db, ID_C, "x7c", "kqa", 10);
    assert_finds(&reading, "kqa", ID_C);
    reading_close(&reading);
}

static void list__gives_the_newest_first_in_pages(void **state)
{
    struct reading reading = open_three(state);
    struct session_list list;
    list = list_of(reading.store, NULL, 0, 2);
    assert_int_equal(list.count, 2);
    assert_true(list.more);
    assert_string_equal(list.sessions[0].id.text, ID_B);
    assert_null(list.sessions[0].name);
    assert_string_equal(list.sessions[1].id.text, ID_C);
    session_list_release(&list);
    assert_null(list.sessions);
    session_list_release(&list);

    list = list_of(reading.store, NULL, 2, 2);
    assert_int_equal(list.count, 1);
    assert_false(list.more);
    assert_string_equal(list.sessions[0].handle, "kqa");
    assert_string_equal(list.sessions[0].name, "holiday");
    session_list_release(&list);

    list = list_of(reading.store, "/home/a", 0, SIZE_MAX);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.sessions[0].id.text, ID_C);
    session_list_release(&list);

    list = list_of(reading.store, "/elsewhere", 0, 5);
    assert_int_equal(list.count, 0);
    session_list_release(&list);
    list = list_of(reading.store, NULL, SIZE_MAX, 5);
    assert_int_equal(list.count, 0);
    session_list_release(&list);
    reading_close(&reading);
}

static void list__tells_what_the_session_row_says(void **state)
{
    struct reading reading = reading_open(*state);
    (void)put_named(reading.db, ID_A, "kqa", NULL, 10);
    must_exec(reading.db,
              "UPDATE session SET model = 'demo/one', message_count = 5, input_tokens = 7,"
              " output_tokens = 8, cost_micros = 9, state = 'failed', status = 'idle',"
              " title_by = 'model', scope = '/s', archived_at = NULL, ended_at = 11");
    struct session_list list = list_of(reading.store, NULL, 0, 10);
    assert_int_equal(list.count, 1);
    const struct session *session = &list.sessions[0];
    assert_string_equal(session->model, "demo/one");
    assert_string_equal(session->title, "a title");
    assert_string_equal(session->scope, "/s");
    assert_string_equal(session->state, "failed");
    assert_int_equal(session->status, SESSION_IDLE);
    assert_int_equal(session->title_by, TITLE_BY_MODEL);
    assert_int_equal(session->message_count, 5);
    assert_int_equal(session->input_tokens, 7);
    assert_int_equal(session->output_tokens, 8);
    assert_int_equal(session->cost_micros, 9);
    assert_int_equal(session->last_active_us, 10);
    assert_int_equal(session->ended_us, 11);
    assert_int_equal(session->archived_us, 0);
    session_list_release(&list);
    reading_close(&reading);
}

static void last__is_the_most_recently_active_of_the_scope(void **state)
{
    struct reading reading = open_three(state);
    struct ulid id = {""};
    assert_int_equal(session_last(reading.store, NULL, &id, NULL), ERR_OK);
    assert_string_equal(id.text, ID_B);
    assert_int_equal(session_last(reading.store, "/home/a", &id, NULL), ERR_OK);
    assert_string_equal(id.text, ID_C);
    assert_int_equal(session_last(reading.store, "/elsewhere", &id, NULL), ERR_NOT_FOUND);
    assert_string_equal(id.text, ID_C);
    reading_close(&reading);
}

static void reads__without_a_database_find_nothing(void **state)
{
    char *path = scratch_path(*state, "none.db");
    struct broker *broker = broker_new(NULL);
    struct store_options options = {.path = path, .broker = broker};
    struct store *store = NULL;
    struct session_list list = {NULL, 0, true};
    struct ulid id;
    assert_int_equal(store_open(&options, &store, NULL), ERR_OK);
    list = list_of(store, NULL, 0, 10);
    assert_int_equal(list.count, 0);
    assert_false(list.more);
    assert_int_equal(session_find(store, SV("x"), &list, NULL), ERR_NOT_FOUND);
    assert_int_equal(session_last(store, NULL, &id, NULL), ERR_NOT_FOUND);
    store_free(store);
    broker_free(broker);
    free(path);
}

/* Every kind of list, in both directions, and its count. */
static void read_all_lists(struct store *store)
{
    const struct session_filter filters[] = {
        {.scope = NULL},
        {.scope = "s"},
        {.label = "l"},
        {.model = "m"},
        {.set = SESSIONS_ARCHIVED},
        {.state = "done"},
        {.set = SESSIONS_DELETED},
    };
    for (size_t i = 0; i < COUNT_OF(filters); i++) {
        for (int newer = 0; newer < 2; newer++) {
            const struct session_window window = {.newer = newer, .limit = 9};
            struct session_list list;
            int64_t count = 0;
            assert_int_equal(session_list(store, &filters[i], &window, &list, NULL), ERR_OK);
            session_list_release(&list);
            assert_int_equal(session_count(store, &filters[i], &count, NULL), ERR_OK);
        }
    }
}

static void read_labels_and_people(struct store *store, const struct ulid *session)
{
    struct label_list labels;
    struct participant_list people;
    assert_int_equal(label_list(store, NULL, &labels, NULL), ERR_OK);
    label_list_release(&labels);
    assert_int_equal(label_list(store, session, &labels, NULL), ERR_OK);
    label_list_release(&labels);
    assert_int_equal(participant_list(store, session, &people, NULL), ERR_OK);
    participant_list_release(&people);
}

static void every_statement__follows_an_index(void **state)
{
    struct reading reading = open_three(state);
    struct ulid id;
    struct session session;
    read_all_lists(reading.store);
    assert_int_equal(session_last(reading.store, NULL, &id, NULL), ERR_OK);
    read_labels_and_people(reading.store, &id);
    assert_int_equal(session_get(reading.store, &id, &session, NULL), ERR_OK);
    session_release(&session);
    assert_int_equal(session_last(reading.store, "s", &id, NULL), ERR_NOT_FOUND);
    assert_finds(&reading, "x", ID_C);
    /* Six kinds of lists, each in three forms; two lasts, five ways to find and the row found, by
     * its id too; labels of one and of all, participants; the store's own besides. */
    assert_true(assert_plans_are_indexed(reading.store) >= 30);
    reading_close(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(find__takes_ids_names_handles_and_prefixes),
        SCRATCH_TEST(find__says_what_is_missing_and_what_is_ambiguous),
        SCRATCH_TEST(find__is_ambiguous_between_an_id_and_a_handle),
        SCRATCH_TEST(find__prefers_a_name_to_a_handle),
        SCRATCH_TEST(list__gives_the_newest_first_in_pages),
        SCRATCH_TEST(list__tells_what_the_session_row_says),
        SCRATCH_TEST(last__is_the_most_recently_active_of_the_scope),
        SCRATCH_TEST(reads__without_a_database_find_nothing),
        SCRATCH_TEST(every_statement__follows_an_index),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
