/* Demo: every answer is well-formed as a stream, and shows what its key word says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/demo.h"
#include "app/demo_tour.h"
#include "base/clock.h"
#include "base/utf8.h"

#include <cmocka.h>

/* What came of one answer. */
struct answer {
    struct buf text, reasoning, arguments;
    struct stream_event last;
    int64_t duration_us;
    size_t pieces, tool_calls, tool_ends, reasoning_ends, usages;
};

static void release(struct answer *answer)
{
    buf_release(&answer->text);
    buf_release(&answer->reasoning);
    buf_release(&answer->arguments);
}

static void take(struct answer *answer, const struct stream_event *event)
{
    assert_int_equal(utf8_valid_prefix(event->text.p, event->text.n), event->text.n);
    switch (event->kind) {
    case STREAM_TEXT:
        buf_append_sv(&answer->text, event->text);
        break;
    case STREAM_REASONING:
        buf_append_sv(&answer->reasoning, event->text);
        break;
    case STREAM_TOOL_INPUT:
        buf_append_sv(&answer->arguments, event->text);
        break;
    case STREAM_USAGE:
        answer->usages++;
        assert_true(usage_is_known(&event->usage));
        assert_int_equal(event->usage.output_tokens, answer->pieces);
        break;
    default:
        break;
    }
    answer->pieces += event->kind == STREAM_TEXT || event->kind == STREAM_REASONING ||
                      event->kind == STREAM_TOOL_INPUT;
    answer->tool_calls += event->kind == STREAM_TOOL_CALL;
    answer->tool_ends += event->kind == STREAM_TOOL_CALL_END;
    answer->reasoning_ends += event->kind == STREAM_REASONING_END;
}

static struct answer play(const char *const *prompts, size_t count)
{
    struct message *messages[16];
    for (size_t i = 0; i < count; i++) {
        messages[i] = message_new();
        messages[i]->role = i % 2 ? ROLE_ASSISTANT : ROLE_USER;
        message_add_part(messages[i], PART_TEXT, sv_from(prompts[i]));
    }
    struct demo_player *player = demo_player_new(messages, count);
    struct answer answer = {
        .text = BUF_INIT(1 << 20), .reasoning = BUF_INIT(1 << 20), .arguments = BUF_INIT(1 << 20)};
    int64_t delay = 0;
    struct stream_event event;
    bool first = true;
    while (demo_player_next(player, &delay, &event)) {
        assert_true(delay >= 0);
        assert_int_equal(event.kind == STREAM_STARTED, first);
        assert_false(stream_event_is_last(&answer.last));
        first = false;
        answer.duration_us += delay;
        take(&answer, &event);
        answer.last = event;
    }
    assert_true(stream_event_is_last(&answer.last));
    assert_false(demo_player_next(player, &delay, &event));
    demo_player_free(player);
    for (size_t i = 0; i < count; i++) {
        message_free(messages[i]);
    }
    return answer;
}

static struct answer ask(const char *prompt)
{
    return play(&prompt, 1);
}

static void shows(const char *prompt, const char *expected)
{
    struct answer answer = ask(prompt);
    if (!strstr(buf_cstr(&answer.text), expected)) {
        fail_msg("'%s' does not show '%s'", prompt, expected);
    }
    assert_int_equal(answer.usages, answer.last.kind == STREAM_FINISH ? 1 : 0);
    release(&answer);
}

static void answers__show_what_the_word_says(void **state)
{
    (void)state;
    shows("show me some code, please", "```c\n");
    shows("TABLE", "|---");
    shows("cjk", "日本語");
    shows("emoji!", "👨\u200d👩\u200d👧\u200d👦");
    shows("help", "offline demo");
    shows("why is the sky blue?", "Welcome to weir");
    shows("decode tablets", "Welcome to weir");
    shows("", "Welcome to weir");
    shows("first emoji, then code", "ZWJ");
}

static void answers__think_first_and_end_it(void **state)
{
    (void)state;
    struct answer answer = ask("think");
    assert_true(answer.reasoning.n > 200);
    assert_int_equal(answer.reasoning_ends, 1);
    assert_int_equal(answer.last.kind, STREAM_FINISH);
    assert_int_equal(answer.last.reason, FINISH_END_TURN);
    release(&answer);
}

static void answers__can_be_long(void **state)
{
    (void)state;
    struct answer answer = ask("long");
    assert_true(answer.text.n >= 40 * 1024);
    assert_true(answer.duration_us < CLOCK_S(60));
    release(&answer);
}

static void answers__can_fail_and_ask_for_tools(void **state)
{
    (void)state;
    struct answer answer = ask("error");
    assert_int_equal(answer.last.kind, STREAM_ERROR);
    assert_int_equal(answer.last.reason, FINISH_ERROR);
    assert_true(answer.last.text.n > 0);
    assert_true(answer.text.n > 0);
    release(&answer);
    answer = ask("tool");
    assert_int_equal(answer.tool_calls, 1);
    assert_int_equal(answer.tool_ends, 1);
    assert_int_equal(buf_cstr(&answer.arguments)[0], '{');
    assert_int_equal(answer.last.reason, FINISH_TOOL_USE);
    release(&answer);
}

static void tour__goes_on_with_every_prompt_without_a_key_word(void **state)
{
    (void)state;
    const char *const talk[] = {"hi", "…",    "code", "…",    "next", "…",   "next",
                                "…",  "next", "…",    "next", "…",    "next"};
    static const char *const titles[] = {"Welcome to weir",    "```c",
                                         "Connecting a model", "What is kept",
                                         "weir in scripts",    "That was the tour",
                                         "That was the tour"};
    for (size_t i = 0; i < COUNT_OF(titles); i++) {
        struct answer answer = play(talk, 2 * i + 1);
        if (!strstr(buf_cstr(&answer.text), titles[i])) {
            fail_msg("prompt %zu does not give '%s'", i, titles[i]);
        }
        release(&answer);
    }
}

static void pace__is_that_of_a_model_and_can_be_switched_off(void **state)
{
    (void)state;
    struct answer answer = ask("table");
    int64_t usual = answer.duration_us;
    int64_t each = usual / (int64_t)answer.pieces;
    assert_true(each > CLOCK_MS(10) && each < CLOCK_MS(30));
    release(&answer);
    setenv("WEIR_DEMO_SPEED", "2", 1);
    answer = ask("table");
    assert_true(llabs((long long)(answer.duration_us - usual / 2)) < CLOCK_MS(2));
    release(&answer);
    setenv("WEIR_DEMO_SPEED", "0", 1);
    answer = ask("table");
    assert_int_equal(answer.duration_us, 0);
    release(&answer);
    unsetenv("WEIR_DEMO_SPEED");
}

static void welcome__fits_a_terminal(void **state)
{
    (void)state;
    struct sv rest = sv_from(demo_welcome());
    struct sv line;
    while (sv_next_line(&rest, &line)) {
        assert_true(line.n <= 80);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers__show_what_the_word_says),
        cmocka_unit_test(answers__think_first_and_end_it),
        cmocka_unit_test(answers__can_be_long),
        cmocka_unit_test(answers__can_fail_and_ask_for_tools),
        cmocka_unit_test(tour__goes_on_with_every_prompt_without_a_key_word),
        cmocka_unit_test(pace__is_that_of_a_model_and_can_be_switched_off),
        cmocka_unit_test(welcome__fits_a_terminal),
    };
    unsetenv("WEIR_DEMO_SPEED");
    alarm(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
