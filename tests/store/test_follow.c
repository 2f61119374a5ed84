/* Following other processes: real ones, forked before any thread exists, on one database file. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "store/journal.h"
#include "store/purge.h"
#include "store/queue.h"
#include "store/session.h"
#include "store/trash.h"
#include "tests/store/store_fixture.h"

#include <cmocka.h>

/* ---- the other process: obeys single letters on a pipe ---- */

struct other {
    pid_t pid;
    int orders;
    int replies;
    char folder[32];
    char path[64];
};

static void obey(struct store *store, struct turn *turn, char order)
{
    struct err err;
    struct turn_request request = {.prompt = SV("asked elsewhere"), .model = SV("test/model")};
    struct stream_event text = fixture_text(0, "0123456789");
    struct stream_event finish = fixture_finish(FINISH_END_TURN);
    const struct stream_event call = {
        .kind = STREAM_TOOL_CALL, .id = SV("call-1"), .name = SV("weather")};
    const struct stream_event input = {.kind = STREAM_TOOL_INPUT, .text = SV("{\"at\": 1}")};
    struct purge_report report = {.sessions = 0};
    const struct session_change title = {
        .fields = SESSION_SET_TITLE, .title = SV("another"), .title_by = TITLE_BY_USER};
    struct ulid queued;
    enum err_code code = ERR_OK;
    switch (order) {
    case 't':
        code = turn_begin(store, &request, clock_mono_us() + CLOCK_S(5), turn, &err);
        break;
    case 'd':
        code = message_apply_wait(store, &turn->answer, &text, clock_mono_us() + CLOCK_S(5), &err);
        break;
    case 'c':
        code = message_apply(store, &turn->answer, &call, &err);
        code = code ? code
                    : message_apply_wait(store, &turn->answer, &input, clock_mono_us() + CLOCK_S(5),
                                         &err);
        break;
    case 'D':
        code = session_delete(store, &turn->session, &err);
        break;
    case 'p':
        code = purge_message(store, &turn->answer, &report, &err);
        purge_report_release(&report);
        break;
    case 'n':
        request.session = turn->session;
        code = turn_begin(store, &request, clock_mono_us() + CLOCK_S(5), turn, &err);
        break;
    case 'a':
        request = (struct turn_request){
            .kind = TURN_AGAIN, .at = turn->prompt, .model = SV("test/model")};
        code = turn_begin(store, &request, clock_mono_us() + CLOCK_S(5), turn, &err);
        break;
    case 'r':
        code = session_update(store, &turn->session, &title, &err);
        break;
    case 'u':
        code = undo_last(store, &turn->session, NULL, &err);
        break;
    case 'w':
        code = queue_add(store, &turn->session, SV("next"), &queued, &err);
        break;
    case 'm':
        code = message_delete(store, &turn->answer, clock_mono_us() + CLOCK_S(5), &err);
        break;
    case 'M':
        code = message_restore(store, &turn->answer, &err);
        break;
    case 'X':
        code = session_delete(store, &turn->session, &err);
        break;
    case 'R':
        code = session_restore(store, &turn->session, NULL, &err);
        break;
    case 'e':
        code =
            message_apply_wait(store, &turn->answer, &finish, clock_mono_us() + CLOCK_S(5), &err);
        break;
    default:
        break;
    }
    if (code) {
        _exit(3);
    }
}

static void other_main(const char *path, int orders, int replies)
{
    struct broker *broker = broker_new(NULL);
    struct store *store = NULL;
    struct store_options options = {.path = path, .debounce_us = 1000, .broker = broker};
    struct turn turn = {0};
    char order = 0;
    alarm(60);
    if (store_open(&options, &store, NULL) || store_start(store, NULL)) {
        _exit(2);
    }
    while (read(orders, &order, 1) == 1 && order != 'q') {
        if (order == 'D' && read(orders, &turn.session, sizeof(turn.session)) < 1) {
            _exit(5);
        }
        obey(store, &turn, order);
        if (write(replies, &turn, sizeof(turn)) != sizeof(turn)) {
            _exit(4);
        }
    }
    store_free(store);
    _exit(0);
}

static void other_start(struct other *other)
{
    int orders[2];
    int replies[2];
    memcpy(other->folder, "/tmp/weir-test-XXXXXX", sizeof("/tmp/weir-test-XXXXXX"));
    assert_non_null(mkdtemp(other->folder));
    snprintf(other->path, sizeof(other->path), "%s/weir.db", other->folder);
    assert_int_equal(pipe(orders), 0);
    assert_int_equal(pipe(replies), 0);
    other->pid = fork();
    if (other->pid == 0) {
        close(orders[1]);
        close(replies[0]);
        other_main(other->path, orders[0], replies[1]);
    }
    close(orders[0]);
    close(replies[1]);
    other->orders = orders[1];
    other->replies = replies[0];
}

static struct turn other_do(struct other *other, char order)
{
    struct turn turn = {0};
    assert_int_equal(write(other->orders, &order, 1), 1);
    assert_int_equal(read(other->replies, &turn, sizeof(turn)), sizeof(turn));
    return turn;
}

static void other_delete(struct other *other, const struct ulid *session)
{
    char reply[sizeof(struct turn)];
    assert_int_equal(write(other->orders, "D", 1), 1);
    assert_int_equal(write(other->orders, session, sizeof(*session)), sizeof(*session));
    assert_int_equal(read(other->replies, reply, sizeof(reply)), sizeof(reply));
}

/* All of them are forked before this process has its first thread, which the thread sanitizer
 * insists on. */
static struct other others[10];

static void other_end(struct other *other, int signal)
{
    if (signal) {
        kill(other->pid, signal);
    } else {
        assert_int_equal(write(other->orders, "q", 1), 1);
    }
    close(other->orders);
    waitpid(other->pid, NULL, 0);
    close(other->replies);
}

/* ---- this process: a reader as a screen is ---- */

struct reader {
    struct broker *broker;
    struct store *store;
    struct subscription *inbox;
    struct ulid message;
    struct buf text;
    uint32_t revision;
    bool created, ended, deleted;
    unsigned creations;
    struct ulid session;
    unsigned session_updates;
    bool session_deleted;
    enum finish_reason reason;
    char tool[16]; /* of its first part, as an update said */
};

static void look_again(struct reader *reader)
{
    struct err err;
    struct message *message = NULL;
    if (message_snapshot(reader->store, &reader->message, &message, &err)) {
        fail_msg("%s", err.text);
    }
    buf_clear(&reader->text);
    if (message->part_count > 0) {
        buf_append(&reader->text, message->parts[0].text, message->parts[0].text_n);
    }
    reader->ended = message->ended;
    reader->reason = message->reason;
    reader->revision = message->revision;
    message_free(message);
}

static void on_session(struct reader *reader, const struct session_update *update)
{
    if (ulid_equal(&update->session, &reader->session)) {
        reader->session_updates++;
        reader->session_deleted = update->deleted;
    }
}

static void on_event(void *ctx, const struct event *event)
{
    struct reader *reader = ctx;
    if (event->topic == TOPIC_SESSION) {
        on_session(reader, (const struct session_update *)event->payload);
        return;
    }
    const struct message_update *update = (const struct message_update *)event->payload;
    if (!ulid_equal(&update->message, &reader->message)) {
        return;
    }
    reader->created = reader->created || update->kind == UPDATE_CREATED;
    reader->creations += update->kind == UPDATE_CREATED;
    reader->deleted = update->kind == UPDATE_DELETED;
    if (reader->deleted) {
        return;
    }
    bool gap = update->revision_before > reader->revision;
    for (size_t i = 0; i < update->piece_count; i++) {
        const struct piece *piece = &update->pieces[i];
        if (piece->part == 0 && piece->kind == PART_TOOL_CALL && piece->offset == 0) {
            snprintf(reader->tool, sizeof(reader->tool), "%.*s", SV_ARG(piece->tool_name));
        }
        gap = gap || piece->offset > reader->text.n;
        if (!gap && piece->offset + piece->text.n > reader->text.n) {
            buf_append_sv(&reader->text, sv_skip(piece->text, reader->text.n - piece->offset));
        }
    }
    if (gap) {
        look_again(reader);
    }
}

static void reader_open(struct reader *reader, const char *path)
{
    struct err err;
    *reader = (struct reader){.broker = broker_new(NULL), .text = BUF_INIT(1 << 20)};
    struct subscription_options topics = {.topics = TOPIC_MESSAGE | TOPIC_SESSION};
    assert_int_equal(broker_subscribe(reader->broker, &topics, &reader->inbox, &err), ERR_OK);
    struct store_options options = {.path = path, .follow = true, .broker = reader->broker};
    if (store_open(&options, &reader->store, &err) || store_start(reader->store, &err) ||
        store_wait_ready(reader->store, clock_mono_us() + CLOCK_S(10), &err)) {
        fail_msg("%s", err.text);
    }
}

static void reader_close(struct reader *reader)
{
    store_free(reader->store);
    broker_unsubscribe(reader->inbox);
    broker_free(reader->broker);
    buf_release(&reader->text);
}

/* What comes next, waited for until then. */
static void reader_take(struct reader *reader, int64_t deadline)
{
    struct pollfd fd = {subscription_fd(reader->inbox), POLLIN, 0};
    poll(&fd, 1, clock_poll_ms(deadline));
    subscription_drain(reader->inbox, 0, on_event, reader);
}

static void reader_wait_created(struct reader *reader)
{
    int64_t deadline = clock_mono_us() + CLOCK_S(5);
    while (!reader->created && clock_mono_us() < deadline) {
        reader_take(reader, deadline);
    }
    assert_true(reader->created);
}

/* Until so much text is there and the message has (or has not) ended. */
static void reader_wait(struct reader *reader, size_t bytes, bool ended)
{
    int64_t deadline = clock_mono_us() + CLOCK_S(5);
    while ((reader->text.n < bytes || reader->ended != ended) && clock_mono_us() < deadline) {
        reader_take(reader, deadline);
    }
    assert_int_equal(reader->text.n, bytes);
    assert_int_equal(reader->ended, ended);
}

static void remove_folder(const struct other *other)
{
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", other->folder, (char *)NULL);
        _exit(1);
    }
    waitpid(pid, NULL, 0);
}

static void end_both(struct other *other, struct reader *reader)
{
    other_end(other, 0);
    reader_close(reader);
    remove_folder(other);
}

static void another_processs_answer_is_seen_live(void **state)
{
    (void)state;
    struct other *other = &others[0];
    struct reader reader;
    other_do(other, 'x');
    reader_open(&reader, other->path);
    struct turn turn = other_do(other, 't');
    reader.message = turn.answer;
    for (size_t i = 1; i <= 5; i++) {
        other_do(other, 'd');
        reader_wait(&reader, i * 10, false);
    }
    assert_true(reader.created);
    other_do(other, 'e');
    reader_wait(&reader, 50, true);
    assert_int_equal(reader.reason, FINISH_END_TURN);
    end_both(other, &reader);
}

static void an_answer_that_was_under_way_is_followed_from_the_middle(void **state)
{
    (void)state;
    struct other *other = &others[1];
    struct reader reader;
    struct turn turn = other_do(other, 't');
    other_do(other, 'd');
    reader_open(&reader, other->path);
    reader.message = turn.answer;
    reader_wait(&reader, 10, false);
    other_do(other, 'd');
    reader_wait(&reader, 20, false);
    other_do(other, 'e');
    reader_wait(&reader, 20, true);
    end_both(other, &reader);
}

static void the_death_of_an_owner_is_noticed_and_repaired(void **state)
{
    (void)state;
    struct other *other = &others[2];
    struct reader reader;
    other_do(other, 'x');
    reader_open(&reader, other->path);
    struct turn turn = other_do(other, 't');
    reader.message = turn.answer;
    other_do(other, 'd');
    reader_wait(&reader, 10, false);
    other_end(other, SIGKILL);
    reader_wait(&reader, 10, true);
    assert_int_equal(reader.reason, FINISH_INTERRUPTED);
    reader_close(&reader);
    remove_folder(other);
}

/* The number of its row is the highest there is; the next message must not get it. */
static void what_comes_after_a_purge_of_the_newest_message_is_seen_live(void **state)
{
    (void)state;
    struct other *other = &others[3];
    struct reader reader;
    struct turn turn = other_do(other, 't');
    other_do(other, 'd');
    other_do(other, 'e');
    reader_open(&reader, other->path);
    reader.message = turn.answer;
    reader_wait(&reader, 10, false);
    buf_clear(&reader.text);
    reader.revision = 0;
    reader.created = false;
    other_do(other, 'p');
    turn = other_do(other, 'n');
    reader.message = turn.prompt;
    reader_wait(&reader, strlen("asked elsewhere"), false);
    assert_true(reader.created);
    end_both(other, &reader);
}

static void who_writes_an_answer_learns_that_another_process_deleted_its_session(void **state)
{
    (void)state;
    struct other *other = &others[4];
    struct reader reader;
    struct err err;
    struct turn turn;
    struct turn_request request = {.prompt = SV("asked here"), .model = SV("test/model")};
    struct stream_event text = fixture_text(0, "0123456789");
    other_do(other, 'x');
    reader_open(&reader, other->path);
    int64_t soon = clock_mono_us() + CLOCK_S(5);
    assert_int_equal(turn_begin(reader.store, &request, soon, &turn, &err), ERR_OK);
    assert_int_equal(message_apply_wait(reader.store, &turn.answer, &text, soon, &err), ERR_OK);
    other_delete(other, &turn.session);
    enum err_code code = ERR_OK;
    while (code == ERR_OK && clock_mono_us() < soon) {
        code = message_apply(reader.store, &turn.answer, &text, &err);
        clock_sleep_us(CLOCK_MS(1));
    }
    assert_int_equal(code, ERR_GONE);
    assert_int_equal(session_restore(reader.store, &turn.session, NULL, &err), ERR_OK);
    reader.message = turn.answer;
    look_again(&reader);
    assert_true(reader.ended);
    assert_int_equal(reader.reason, FINISH_CANCELED);
    assert_true(reader.text.n >= 10);
    end_both(other, &reader);
}

/* ---- what is not text ---- */

/* Until the session was told of. */
static void session_wait(struct reader *reader, bool deleted)
{
    int64_t deadline = clock_mono_us() + CLOCK_S(5);
    while ((reader->session_updates == 0 || reader->session_deleted != deleted) &&
           clock_mono_us() < deadline) {
        reader_take(reader, deadline);
    }
    assert_true(reader->session_updates > 0);
    assert_int_equal(reader->session_deleted, deleted);
    reader->session_updates = 0;
}

static void what_another_process_changes_of_a_session_is_told_here(void **state)
{
    (void)state;
    struct other *other = &others[5];
    struct reader reader;
    struct turn turn = other_do(other, 't');
    other_do(other, 'e');
    reader_open(&reader, other->path);
    reader.session = turn.session;
    other_do(other, 'n');
    other_do(other, 'e');
    session_wait(&reader, false);
    subscription_drain(reader.inbox, 0, on_event, &reader);
    /* Renamed, undone, a prompt that waits, another branch; deleted, restored. */
    static const char orders[] = "ruwa";
    for (const char *order = orders; *order; order++) {
        reader.session_updates = 0;
        other_do(other, *order);
        session_wait(&reader, false);
    }
    other_do(other, 'e');
    other_do(other, 'X');
    session_wait(&reader, true);
    other_do(other, 'R');
    session_wait(&reader, false);
    end_both(other, &reader);
}

static void message_wait(struct reader *reader, bool deleted)
{
    int64_t deadline = clock_mono_us() + CLOCK_S(5);
    while (reader->deleted != deleted && clock_mono_us() < deadline) {
        reader_take(reader, deadline);
    }
    assert_int_equal(reader->deleted, deleted);
}

static void a_message_that_another_process_deletes_goes_here_and_comes_back(void **state)
{
    (void)state;
    struct other *other = &others[6];
    struct reader reader;
    struct turn turn = other_do(other, 't');
    other_do(other, 'd');
    other_do(other, 'e');
    reader_open(&reader, other->path);
    reader.message = turn.answer;
    other_do(other, 'm');
    message_wait(&reader, true);
    buf_clear(&reader.text);
    other_do(other, 'M');
    message_wait(&reader, false);
    assert_int_equal(reader.text.n, 10);
    end_both(other, &reader);
}

/* A screen says who is called, not only at the end. */
static void a_tool_that_another_process_calls_has_its_name_from_the_first_piece_on(void **state)
{
    (void)state;
    struct other *other = &others[8];
    struct reader reader;
    other_do(other, 'x');
    reader_open(&reader, other->path);
    reader.message = other_do(other, 't').answer;
    reader_wait_created(&reader);
    other_do(other, 'c');
    reader_wait(&reader, strlen("{\"at\": 1}"), false);
    assert_string_equal(reader.tool, "weather");
    end_both(other, &reader);
}

/* The same of one that is seen for the first time when it is there. */
static void a_tool_call_that_is_found_is_told_whole(void **state)
{
    (void)state;
    struct other *other = &others[9];
    struct reader reader;
    struct turn turn = other_do(other, 't');
    other_do(other, 'c');
    reader_open(&reader, other->path);
    reader.message = turn.answer;
    reader_wait(&reader, strlen("{\"at\": 1}"), false);
    reader_wait_created(&reader); /* the text may have come by a look before that */
    assert_string_equal(reader.tool, "weather");
    end_both(other, &reader);
}

static void on_event_of_two(void *ctx, const struct event *event)
{
    struct reader **both = ctx;
    on_event(both[0], event);
    on_event(both[1], event);
}

static void of_two_processes_that_answer_one_prompt_each_follows_the_other(void **state)
{
    (void)state;
    struct other *other = &others[7];
    struct reader reader;
    struct err err;
    struct turn own;
    struct turn turn = other_do(other, 't');
    other_do(other, 'e');
    reader_open(&reader, other->path);
    struct turn_request again = {.kind = TURN_AGAIN, .at = turn.prompt, .model = SV("test/model")};
    int64_t soon = clock_mono_us() + CLOCK_S(5);
    assert_int_equal(turn_begin(reader.store, &again, soon, &own, &err), ERR_OK);
    reader.message = own.answer;
    subscription_drain(reader.inbox, 0, on_event, &reader);
    assert_int_equal(reader.creations, 1);
    turn = other_do(other, 'a');
    /* Once the other answer is here, all before it has been looked at. */
    struct reader second = reader;
    second.message = turn.answer;
    second.text = (struct buf)BUF_INIT(1 << 20);
    second.revision = second.creations = 0;
    while (second.creations == 0 && clock_mono_us() < soon) {
        struct pollfd fd = {subscription_fd(reader.inbox), POLLIN, 0};
        poll(&fd, 1, clock_poll_ms(soon));
        struct reader *both[] = {&reader, &second};
        subscription_drain(reader.inbox, 0, on_event_of_two, both);
    }
    assert_int_equal(second.creations, 1);
    assert_int_equal(reader.creations, 1);
    buf_release(&second.text);
    end_both(other, &reader);
}

int main(void)
{
    alarm(60);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        other_start(&others[i]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_processs_answer_is_seen_live),
        cmocka_unit_test(an_answer_that_was_under_way_is_followed_from_the_middle),
        cmocka_unit_test(the_death_of_an_owner_is_noticed_and_repaired),
        cmocka_unit_test(what_comes_after_a_purge_of_the_newest_message_is_seen_live),
        cmocka_unit_test(who_writes_an_answer_learns_that_another_process_deleted_its_session),
        cmocka_unit_test(what_another_process_changes_of_a_session_is_told_here),
        cmocka_unit_test(a_message_that_another_process_deletes_goes_here_and_comes_back),
        cmocka_unit_test(a_tool_that_another_process_calls_has_its_name_from_the_first_piece_on),
        cmocka_unit_test(a_tool_call_that_is_found_is_told_whole),
        cmocka_unit_test(of_two_processes_that_answer_one_prompt_each_follows_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
