/* A recording played into a store: its pace, its steps, its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/playback.h"
#include "base/clock.h"
#include "store/history.h"
#include "store/session.h"

#include <cmocka.h>

#define SOON (clock_mono_us() + CLOCK_S(10))
#define PAUSE_US CLOCK_MS(1)

struct stage {
    struct broker *broker;
    struct store *store;
    struct ulid session;
    struct recording *recording;
    struct playback *playback;
};

static const struct stream_event plain = {.usage = {-1, -1, -1, -1, -1, -1, false},
                                          .kind = STREAM_TEXT};

static void append_text(struct buf *out, int64_t at_us, const char *text)
{
    struct stream_event event = plain;
    event.text = sv_from(text);
    recording_append_event(out, at_us, &event);
}

static void append_finish(struct buf *out, int64_t at_us)
{
    struct stream_event event = plain;
    event.kind = STREAM_FINISH;
    event.reason = FINISH_END_TURN;
    recording_append_event(out, at_us, &event);
}

static void append_head(struct buf *out, const char *prompt)
{
    const struct recording_head head = {.model = SV("a/model"), .prompt = sv_from(prompt)};
    recording_append_head(out, &head);
}

/* Takes the text. */
static enum err_code open_stage(struct stage *stage, struct buf *text, double speed, bool paused)
{
    struct err err;
    bool created;
    const struct session_request request = {.title = SV("t")};
    stage->broker = broker_new(NULL);
    const struct store_options options = {.broker = stage->broker};
    if (store_open(&options, &stage->store, &err) || store_start(stage->store, &err) ||
        store_wait_ready(stage->store, SOON, &err) ||
        session_create(stage->store, &request, &stage->session, &created, &err)) {
        fail_msg("%s", err.text);
    }
    stage->recording = recording_of_text("r", text);
    const struct playback_options what = {.store = stage->store,
                                          .session = stage->session,
                                          .recording = stage->recording,
                                          .speed = speed,
                                          .paused = paused};
    return playback_new(&what, &stage->playback, &err);
}

static void start(struct stage *stage)
{
    struct err err;
    assert_int_equal(playback_start(stage->playback, &err), ERR_OK);
}

/* Takes the text. */
static void play(struct stage *stage, struct buf *text, double speed, bool paused)
{
    assert_int_equal(open_stage(stage, text, speed, paused), ERR_OK);
    start(stage);
}

static void close_stage(struct stage *stage)
{
    playback_free(stage->playback);
    recording_close(stage->recording);
    assert_int_equal(store_close(stage->store, SOON, NULL), ERR_OK);
    store_free(stage->store);
    broker_free(stage->broker);
}

/* All texts, one after the other: "prompt|answer|"; an answer that has not ended has a '+'. */
static void append_said(struct stage *stage, struct buf *out)
{
    struct history_page page = {.messages = NULL};
    assert_int_equal(history_after(stage->store, &stage->session, -1, 50, &page, NULL), ERR_OK);
    for (size_t i = 0; i < page.count; i++) {
        char *text = message_text(page.messages[i], PART_TEXT);
        buf_appendf(out, "%s%s|", text, page.messages[i]->ended ? "" : "+");
        free(text);
    }
    history_page_release(&page);
}

static void assert_comes_to(struct stage *stage, const char *expected)
{
    struct buf said = BUF_INIT(BUF_MAX_INTERNAL);
    int64_t deadline = SOON;
    do {
        buf_clear(&said);
        append_said(stage, &said);
        usleep(PAUSE_US);
    } while (strcmp(buf_cstr(&said), expected) != 0 && clock_mono_us() < deadline);
    assert_string_equal(buf_cstr(&said), expected);
    buf_release(&said);
}

static void await_end(struct stage *stage)
{
    int64_t deadline = SOON;
    while (!playback_state(stage->playback).over && clock_mono_us() < deadline) {
        usleep(PAUSE_US);
    }
    assert_true(playback_state(stage->playback).over);
}

static void playback__gives_all_answers_and_says_where_it_is(void **state)
{
    (void)state;
    struct stage stage = {.store = NULL};
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    append_head(&text, "one?");
    append_text(&text, CLOCK_S(1), "first ");
    append_text(&text, CLOCK_S(2), "answer");
    append_finish(&text, CLOCK_S(3));
    append_head(&text, "two?");
    append_text(&text, CLOCK_S(1), "second");
    append_finish(&text, CLOCK_S(1));
    assert_int_equal(open_stage(&stage, &text, 0, false), ERR_OK);
    struct ui_replay before = playback_state(stage.playback);
    assert_int_equal(before.length_us, CLOCK_S(4) + PLAYBACK_REST_US);
    assert_int_equal(before.answers, 2);
    assert_false(before.over);
    start(&stage);
    assert_comes_to(&stage, "one?|first answer|two?|second|");
    await_end(&stage);
    struct ui_replay after = playback_state(stage.playback);
    assert_int_equal(after.position_us, before.length_us);
    assert_int_equal(after.answer, 2);
    assert_int_equal(playback_stop(stage.playback, NULL), ERR_OK);
    close_stage(&stage);
}

static void a_step__brings_one_piece_that_shows(void **state)
{
    (void)state;
    struct stage stage = {.store = NULL};
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    struct stream_event silent = plain;
    silent.kind = STREAM_PART_OPEN;
    append_head(&text, "p");
    recording_append_event(&text, 0, &silent);
    append_text(&text, CLOCK_S(1), "a");
    append_text(&text, CLOCK_S(3600), "b");
    append_finish(&text, CLOCK_S(7200));
    play(&stage, &text, 1, true);
    assert_comes_to(&stage, "");
    playback_act(stage.playback, UI_REPLAY_STEP);
    assert_comes_to(&stage, "p|+|");
    playback_act(stage.playback, UI_REPLAY_STEP);
    assert_comes_to(&stage, "p|a+|");
    playback_act(stage.playback, UI_REPLAY_STEP);
    assert_comes_to(&stage, "p|ab+|");
    struct ui_replay at = playback_state(stage.playback);
    assert_true(at.paused);
    assert_int_equal(at.position_us, CLOCK_S(3600));
    close_stage(&stage);
}

static void speed__changes_while_it_plays_and_a_pause_holds_the_clock(void **state)
{
    (void)state;
    struct stage stage = {.store = NULL};
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    append_head(&text, "p");
    append_text(&text, 0, "a");
    append_text(&text, CLOCK_S(60), "b");
    append_finish(&text, CLOCK_S(60));
    play(&stage, &text, 1, false);
    assert_comes_to(&stage, "p|a+|");
    playback_act(stage.playback, UI_REPLAY_PAUSE);
    int64_t at_us = playback_state(stage.playback).position_us;
    usleep(20 * PAUSE_US);
    assert_int_equal(playback_state(stage.playback).position_us, at_us);
    playback_act(stage.playback, UI_REPLAY_PAUSE);
    for (int i = 0; i < 20; i++) {
        playback_act(stage.playback, UI_REPLAY_FASTER);
    }
    assert_true(playback_state(stage.playback).speed >= PLAYBACK_SPEED_MOST);
    assert_comes_to(&stage, "p|ab|");
    close_stage(&stage);
}

static void an_answer_without_a_prompt__goes_on_with_the_one_before(void **state)
{
    (void)state;
    struct stage stage = {.store = NULL};
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    append_head(&text, "p");
    append_text(&text, 0, "cut");
    append_finish(&text, 0);
    append_head(&text, "");
    append_text(&text, 0, "more");
    append_finish(&text, 0);
    play(&stage, &text, 0, false);
    assert_comes_to(&stage, "p|cut|more|");
    close_stage(&stage);
}

static void a_damaged_recording__is_played_up_to_there_and_told(void **state)
{
    (void)state;
    struct stage stage = {.store = NULL};
    struct err err = {0};
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    append_head(&text, "p");
    append_text(&text, 0, "a");
    buf_append_str(&text, "nonsense\n");
    play(&stage, &text, 0, false);
    await_end(&stage);
    assert_comes_to(&stage, "p|a|");
    assert_int_equal(playback_stop(stage.playback, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "r:3"));
    close_stage(&stage);
}

static void what_holds_no_answer__is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "nonsense\n"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct stage stage = {.store = NULL};
        struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
        buf_append_str(&text, texts[i]);
        assert_int_equal(open_stage(&stage, &text, 0, false), ERR_INVALID);
        close_stage(&stage);
    }
}

static void playback__ends_at_once_also_when_the_store_closes_first(void **state)
{
    (void)state;
    struct stage stage = {.store = NULL};
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    append_head(&text, "p");
    append_text(&text, 0, "a");
    append_text(&text, CLOCK_S(3600), "b");
    play(&stage, &text, 1, false);
    assert_comes_to(&stage, "p|a+|");
    assert_int_equal(store_close(stage.store, SOON, NULL), ERR_OK);
    int64_t began = clock_mono_us();
    assert_int_equal(playback_stop(stage.playback, NULL), ERR_OK);
    assert_true(clock_mono_us() - began < CLOCK_S(5));
    close_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(playback__gives_all_answers_and_says_where_it_is),
        cmocka_unit_test(a_step__brings_one_piece_that_shows),
        cmocka_unit_test(speed__changes_while_it_plays_and_a_pause_holds_the_clock),
        cmocka_unit_test(an_answer_without_a_prompt__goes_on_with_the_one_before),
        cmocka_unit_test(a_damaged_recording__is_played_up_to_there_and_told),
        cmocka_unit_test(what_holds_no_answer__is_refused),
        cmocka_unit_test(playback__ends_at_once_also_when_the_store_closes_first),
    };
    return cmocka_run_group_tests_name("playback", tests, NULL, NULL);
}
