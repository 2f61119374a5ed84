/* Recordings: what is written is read back; what somebody else wrote is checked; players play it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/player.h"
#include "app/recorder.h"
#include "app/recording.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"

#include <cmocka.h>

static const struct recording_head head = {.model = {"p/m", sizeof("p/m") - 1},
                                           .prompt = {"why?\n", sizeof("why?\n") - 1}};

static struct recording *reading(const char *text)
{
    struct buf copy = BUF_INIT(RECORDING_MAX);
    (void)buf_append_str(&copy, text);
    struct recording *recording = recording_of_text("r", &copy);
    buf_release(&copy);
    return recording;
}

static const struct stream_event events[] = {
    {.kind = STREAM_STARTED,
     .id = {"id-1", sizeof("id-1") - 1},
     .name = {"m-1", sizeof("m-1") - 1}},
    {.kind = STREAM_PART_OPEN, .part = 0, .part_kind = PART_REASONING},
    {.kind = STREAM_REASONING,
     .part = 0,
     .text = {"hm \"\xe2\x80\xa8\" \t\x01", sizeof("hm \"\xe2\x80\xa8\" \t\x01") - 1}},
    {.kind = STREAM_REASONING_END, .part = 0},
    {.kind = STREAM_TEXT,
     .part = 1,
     .text = {"\xe9\x95\xb7\xe6\xb1\x9f", sizeof("\xe9\x95\xb7\xe6\xb1\x9f") - 1}},
    {.kind = STREAM_TOOL_CALL,
     .part = 2,
     .id = {"c", sizeof("c") - 1},
     .name = {"read", sizeof("read") - 1}},
    {.kind = STREAM_TOOL_INPUT, .part = 2, .text = {"{\"a\":", sizeof("{\"a\":") - 1}},
    {.kind = STREAM_TOOL_CALL_END, .part = 2},
    {.kind = STREAM_TOOL_RESULT,
     .part = 3,
     .id = {"c", sizeof("c") - 1},
     .text = {"r", sizeof("r") - 1}},
    {.kind = STREAM_NATIVE,
     .part = 4,
     .id = {"0", sizeof("0") - 1},
     .text = {"{\"x\":1}", sizeof("{\"x\":1}") - 1}},
    {.kind = STREAM_POSITION, .text = {"p7", sizeof("p7") - 1}},
    {.kind = STREAM_USAGE, .usage = {1, 2, -1, 4, 0, 6, false}},
    {.kind = STREAM_WAITING,
     .error = ERR_RATE_LIMIT,
     .text = {"slow down", sizeof("slow down") - 1},
     .retryable = true,
     .attempt = 1,
     .attempts = 4,
     .wait_us = 1500000},
    {.kind = STREAM_FINISH, .reason = FINISH_MAX_TOKENS, .text = {"length", sizeof("length") - 1}},
    {.kind = STREAM_ERROR,
     .reason = FINISH_INTERRUPTED,
     .error = ERR_PROTOCOL,
     .text = {"broke", sizeof("broke") - 1},
     .retryable = true},
};

static void assert_same(const struct stream_event *a, const struct stream_event *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->part, b->part);
    assert_int_equal(a->part_kind, b->part_kind);
    assert_true(sv_equal(a->text, b->text));
    assert_true(sv_equal(a->id, b->id));
    assert_true(sv_equal(a->name, b->name));
    assert_int_equal(a->reason, b->reason);
    assert_int_equal(a->error, b->error);
    assert_int_equal(a->retryable, b->retryable);
    assert_int_equal(a->attempt, b->attempt);
    assert_int_equal(a->attempts, b->attempts);
    assert_int_equal(a->wait_us, b->wait_us);
    if (a->kind == STREAM_USAGE) {
        assert_true(usage_equal(&a->usage, &b->usage));
    }
}

static void every_event__is_read_as_it_was_written(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(RECORDING_MAX);
    recording_append_head(&out, &head);
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        recording_append_event(&out, (int64_t)i * 10, &events[i]);
    }
    struct recording *recording = reading(buf_cstr(&out));
    struct recording_item item;
    bool more = false;
    assert_int_equal(recording_next(recording, &item, &more, NULL), ERR_OK);
    assert_true(more && item.is_head);
    assert_true(sv_equal(item.head.model, head.model));
    assert_true(sv_equal(item.head.prompt, head.prompt));
    assert_int_equal(item.head.turn.n, 0);
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        struct err err = {ERR_OK, ""};
        if (recording_next(recording, &item, &more, &err)) {
            fail_msg("%s", err.text);
        }
        assert_true(more && !item.is_head);
        assert_int_equal(item.at_us, i * 10);
        assert_same(&item.event, &events[i]);
    }
    assert_int_equal(recording_next(recording, &item, &more, NULL), ERR_OK);
    assert_false(more);
    recording_close(recording);
    buf_release(&out);
}

static void a_line_that_is_none__is_refused_by_its_number(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "no json",
        "[]",
        "{}",
        "{\"type\":\"odd\",\"at_us\":1}",
        "{\"type\":\"text\",\"part\":0,\"text\":\"x\"}",
        "{\"type\":\"text\",\"at_us\":1,\"text\":\"x\"}",
        "{\"type\":\"text\",\"at_us\":1,\"part\":-1,\"text\":\"x\"}",
        "{\"type\":\"text\",\"at_us\":1,\"part\":5000000000,\"text\":\"x\"}",
        "{\"type\":\"text\",\"at_us\":-1,\"part\":0,\"text\":\"x\"}",
        "{\"type\":\"part_open\",\"at_us\":1,\"part\":0,\"part_kind\":\"odd\"}",
        "{\"type\":\"finish\",\"at_us\":1,\"reason\":\"odd\"}",
        "{\"type\":\"finish\",\"at_us\":1,\"reason\":\"\"}",
        "{\"type\":\"error\",\"at_us\":1,\"reason\":\"error\",\"code\":\"odd\"}",
        "{\"type\":\"waiting\",\"at_us\":1,\"code\":\"server\",\"attempt\":\"1\"}",
        "{\"type\":\"recording\"}",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = {ERR_OK, ""};
        struct recording_item item;
        bool more = true;
        char *text = xasprintf("\n%s\n{\"type\":\"reasoning_end\",\"at_us\":3,\"part\":1}", bad[i]);
        struct recording *recording = reading(text);
        if (recording_next(recording, &item, &more, &err) != ERR_INVALID || more) {
            fail_msg("taken: %s", bad[i]);
        }
        assert_non_null(strstr(err.text, "r:2: "));
        assert_int_equal(recording_next(recording, &item, &more, &err), ERR_OK);
        assert_true(more);
        assert_int_equal(item.event.part, 1);
        recording_close(recording);
        free(text);
    }
    struct recording *newer = reading("{\"type\":\"recording\",\"version\":2}");
    struct recording_item item;
    bool more = true;
    assert_int_equal(recording_next(newer, &item, &more, NULL), ERR_UNSUPPORTED);
    recording_close(newer);
}

static void times__never_fall_and_bad_text_is_repaired(void **state)
{
    (void)state;
    struct recording *recording =
        reading("{\"type\":\"text\",\"at_us\":9,\"part\":0,\"text\":\"a\\u0000\\ud800\xff\"}\n"
                "{\"type\":\"text\",\"at_us\":4,\"part\":0,\"text\":null}\n");
    struct recording_item item;
    bool more = true;
    assert_int_equal(recording_next(recording, &item, &more, NULL), ERR_OK);
    assert_true(sv_equal_str(item.event.text, "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"));
    assert_int_equal(recording_next(recording, &item, &more, NULL), ERR_OK);
    assert_int_equal(item.at_us, 9);
    assert_int_equal(item.event.text.n, 0);
    recording_close(recording);
}

/* ---- files, the recorder, the player ---- */

static char *scratch_file(const char *name)
{
    char folder[] = "/tmp/weir-recording-XXXXXX";
    assert_non_null(mkdtemp(folder));
    return xasprintf("%s/deep/%s", folder, name);
}

static void drop(char *path)
{
    (void)unlink(path);
    for (int i = 0; i < 2; i++) {
        *strrchr(path, '/') = '\0';
        (void)rmdir(path);
    }
    free(path);
}

static int64_t soon(void)
{
    return clock_mono_us() + CLOCK_S(20);
}

static void recorder__writes_what_it_took_and_players_play_it(void **state)
{
    (void)state;
    char *path = scratch_file("r.jsonl");
    struct recorder *recorder = recorder_new();
    for (int turn = 0; turn < 2; turn++) {
        /* The second one replaces the first. */
        struct recorder_track *track = recorder_begin(recorder, path, true, &head);
        assert_non_null(track);
        for (size_t i = 0; i < COUNT_OF(events) - 1; i++) {
            recorder_take(track, &events[i]);
        }
        recorder_end(track);
        recorder_flush(recorder, soon());
    }
    recorder_free(recorder, soon());

    struct err err;
    struct player *player = NULL;
    setenv("WEIR_REPLAY_SPEED", "0", 1);
    if (player_of_recording(path, NULL, 0, &player, &err)) {
        fail_msg("%s", err.text);
    }
    struct stream_event event;
    int64_t delay = -1;
    for (size_t i = 0; i < COUNT_OF(events) - 1; i++) {
        if (events[i].kind == STREAM_WAITING) {
            continue;
        }
        assert_true(player_next(player, &delay, &event));
        assert_int_equal(delay, 0);
        if (event.kind == STREAM_USAGE) {
            assert_int_equal(event.usage.cost_micros, 0);
            event.usage.cost_micros = events[i].usage.cost_micros;
        }
        assert_same(&event, &events[i]);
    }
    assert_false(player_next(player, &delay, &event));
    player_free(player);
    drop(path);
}

static void a_recorder_that_cannot_write__lets_the_answer_go_on(void **state)
{
    (void)state;
    struct recorder *recorder = recorder_new();
    struct recorder_track *track = recorder_begin(recorder, "/proc/none/r.jsonl", true, &head);
    recorder_take(track, &events[0]);
    recorder_flush(recorder, soon());
    recorder_take(track, &events[1]);
    recorder_end(track);
    struct recorder_track *open = recorder_begin(recorder, "/dev/full", false, &head);
    recorder_take(open, &events[0]);
    recorder_free(recorder, soon());
    recorder_take(NULL, &events[0]);
    recorder_end(NULL);
    recorder_flush(NULL, 0);
    recorder_free(NULL, 0);
    assert_int_equal(recorder_check("/proc/none/r.jsonl", NULL), ERR_NOT_FOUND);
}

static char *written(const char *text)
{
    struct err err;
    char *path = scratch_file("w.jsonl");
    if (file_make_parent(path, &err) || file_write_atomic(path, sv_from(text), &err)) {
        fail_msg("%s", err.text);
    }
    return path;
}

#define HEAD "{\"type\":\"recording\",\"version\":1}\n"
#define TEXT(word) "{\"type\":\"text\",\"at_us\":1000,\"part\":0,\"text\":\"" word "\"}\n"
#define END "{\"type\":\"finish\",\"at_us\":3000,\"reason\":\"end_turn\"}\n"

static void assert_plays(const char *path, size_t prompts, const char *text, enum err_code code)
{
    struct err err;
    struct player *player = NULL;
    struct message message = {.role = ROLE_USER};
    struct message *const messages[] = {&message, &message, &message};
    if (player_of_recording(path, messages, prompts, &player, &err)) {
        fail_msg("%s", err.text);
    }
    struct stream_event event;
    int64_t delay = 0;
    int64_t sum = 0;
    struct buf said = BUF_INIT(BUF_MAX_INTERNAL);
    while (player_next(player, &delay, &event)) {
        sum += delay;
        (void)buf_append_sv(&said, event.kind == STREAM_TEXT ? event.text : SV(""));
    }
    assert_string_equal(buf_cstr(&said), text);
    assert_true(stream_event_is_last(&event));
    assert_int_equal(event.error, code);
    assert_int_equal(event.reason, code == ERR_OK         ? FINISH_END_TURN
                                   : code == ERR_PROTOCOL ? FINISH_INTERRUPTED
                                                          : FINISH_ERROR);
    assert_int_equal(sum, code == ERR_OK ? 1500 : 500);
    buf_release(&said);
    player_free(player);
}

static void player__plays_the_turn_of_the_prompt_at_the_speed(void **state)
{
    (void)state;
    setenv("WEIR_REPLAY_SPEED", "2", 1);
    char *path = written(HEAD TEXT("one") END HEAD TEXT("two") END);
    assert_plays(path, 1, "one", ERR_OK);
    assert_plays(path, 2, "two", ERR_OK);
    assert_plays(path, 3, "one", ERR_OK);
    drop(path);
    path = written(HEAD TEXT("cut"));
    assert_plays(path, 1, "cut", ERR_PROTOCOL);
    drop(path);
    path = written(HEAD TEXT("cut") HEAD TEXT("b") END);
    assert_plays(path, 1, "cut", ERR_PROTOCOL);
    drop(path);
    path = written(HEAD TEXT("odd") "{\"type\":\"text\"\n" END);
    assert_plays(path, 1, "odd", ERR_INVALID);
    drop(path);
}

static void player__refuses_what_is_no_recording(void **state)
{
    (void)state;
    struct player *player = NULL;
    static const char *const bad[] = {"", "no", TEXT("without a head")};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char *path = written(bad[i]);
        assert_int_equal(player_of_recording(path, NULL, 0, &player, NULL), ERR_INVALID);
        drop(path);
    }
    assert_int_equal(player_of_recording("/proc/none", NULL, 0, &player, NULL), ERR_NOT_FOUND);
    assert_null(player);
    player_free(NULL);
}

static void speeds__are_numbers_from_0_to_1000(void **state)
{
    (void)state;
    double speed = 7;
    static const char *const bad[] = {"", "-1", "x", "1x", "1001", "nan", "inf"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(player_speed_parse(bad[i], &speed));
    }
    assert_false(player_speed_parse(NULL, &speed));
    assert_true(speed == 7);
    assert_true(player_speed_parse("0.5", &speed));
    assert_int_equal(player_pause(1000, speed), 2000);
    assert_int_equal(player_pause(1000, 0), 0);
    assert_int_equal(player_pause(INT64_MAX, 0.0001), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event__is_read_as_it_was_written),
        cmocka_unit_test(a_line_that_is_none__is_refused_by_its_number),
        cmocka_unit_test(times__never_fall_and_bad_text_is_repaired),
        cmocka_unit_test(recorder__writes_what_it_took_and_players_play_it),
        cmocka_unit_test(a_recorder_that_cannot_write__lets_the_answer_go_on),
        cmocka_unit_test(player__plays_the_turn_of_the_prompt_at_the_speed),
        cmocka_unit_test(player__refuses_what_is_no_recording),
        cmocka_unit_test(speeds__are_numbers_from_0_to_1000),
    };
    return cmocka_run_group_tests_name("recording", tests, NULL, NULL);
}
