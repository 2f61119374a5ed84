/* Window: who is asked what, what is read out of the answers, and who learns of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "app/engine_internal.h"
#include "app/window.h"

#include <cmocka.h>

static struct window_question asks(const char *dialect, const char *base_url, unsigned step)
{
    return (struct window_question){dialect, base_url, "qwen3", step};
}

static void assert_where(const struct window_question *question, const char *url, const char *body)
{
    struct buf where = BUF_INIT(1000);
    struct buf post = BUF_INIT(1000);
    assert_true(window_ask_where(question, &where, &post));
    assert_string_equal(buf_cstr(&where), url);
    assert_string_equal(buf_cstr(&post), body);
    buf_release(&where);
    buf_release(&post);
}

static void question__goes_to_the_host_whatever_protocol_the_base_url_is_of(void **state)
{
    (void)state;
    static const char *const bases[] = {"http://h:1", "http://h:1/", "http://h:1/v1",
                                        "http://h:1/v1/"};
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        struct window_question first = asks("ollama", bases[i], 0);
        struct window_question second = asks("ollama", bases[i], 1);
        struct window_question other = asks("llama.cpp", bases[i], 0);
        assert_where(&first, "http://h:1/api/ps", "");
        assert_where(&second, "http://h:1/api/show", "{\"model\":\"qwen3\"}");
        assert_where(&other, "http://h:1/props", "");
    }
}

static void question__ends_and_is_not_put_to_others(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(1000);
    const struct window_question none[] = {asks("ollama", "http://h", 2),
                                           asks("llama.cpp", "http://h", 1),
                                           asks("vllm", "http://h", 0), asks(NULL, "http://h", 0)};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_false(window_ask_where(&none[i], &out, &out));
        assert_int_equal(window_told(&none[i], SV("{\"n_ctx\":1}")), -1);
    }
    assert_int_equal(out.n, 0);
    buf_release(&out);
}

static int64_t loaded(const char *answer)
{
    struct window_question question = asks("ollama", "http://h", 0);
    return window_told(&question, sv_from(answer));
}

static void loaded__is_that_of_the_model_itself(void **state)
{
    (void)state;
    assert_int_equal(loaded("{\"models\":[{\"name\":\"other:latest\",\"context_length\":1},"
                            "{\"name\":\"Qwen3:latest\",\"context_length\":4096}]}"),
                     4096);
    assert_int_equal(loaded("{\"models\":[{\"model\":\"qwen3\",\"context_length\":8192}]}"), 8192);
    assert_int_equal(loaded("{\"models\":[{\"name\":\"qwen3:8b\",\"context_length\":4096}]}"), -1);
    assert_int_equal(loaded("{\"models\":[{\"name\":\"qwen3-x\",\"context_length\":4096}]}"), -1);
}

static void loaded__is_unknown_where_it_is_not_said(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "",
        "nonsense",
        "[]",
        "{\"models\":null}",
        "{\"models\":[null,7]}",
        "{\"models\":[{\"name\":\"qwen3\"}]}",
        "{\"models\":[{\"name\":\"qwen3\",\"context_length\":0}]}",
        "{\"models\":[{\"name\":\"qwen3\",\"context_length\":-5}]}",
        "{\"models\":[{\"name\":\"qwen3\",\"context_length\":\"9\"}]}",
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        assert_int_equal(loaded(answers[i]), -1);
    }
}

static void parameters__name_it_on_a_line_of_its_own(void **state)
{
    (void)state;
    struct window_question question = asks("ollama", "http://h", 1);
    assert_int_equal(window_told(&question, SV("{\"parameters\":\"stop    \\\"num_ctx 3\\\"\\n"
                                               "num_ctx                        8192\\ntop_k 4\"}")),
                     8192);
    /* What it was trained for is not what it is run with. */
    assert_int_equal(window_told(&question, SV("{\"parameters\":\"num_ctx_x 5\\nnum_ctx -1\","
                                               "\"model_info\":{\"a.context_length\":99}}")),
                     -1);
}

static void properties__of_llama_cpp_are_read(void **state)
{
    (void)state;
    struct window_question question = asks("llama.cpp", "http://h", 0);
    assert_int_equal(
        window_told(&question, SV("{\"default_generation_settings\":{\"n_ctx\":2048}}")), 2048);
    static const char *const others[] = {"{\"n_ctx\":2048}", "not found",
                                         "{\"default_generation_settings\":7}",
                                         "{\"default_generation_settings\":{\"n_ctx\":0}}"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(window_told(&question, sv_from(others[i])), -1);
    }
}

static uint64_t notices_after(struct engine *engine, const char *label, int64_t tokens)
{
    window_learn(engine, label, tokens);
    assert_int_equal(window_known(engine, label), tokens);
    return broker_counters(engine->broker).published;
}

static void learned__is_published_only_when_it_is_news(void **state)
{
    (void)state;
    struct engine engine = {.lock = PTHREAD_MUTEX_INITIALIZER, .broker = broker_new(NULL)};
    assert_int_equal(notices_after(&engine, "ollama/qwen3", 72), 1);
    assert_int_equal(notices_after(&engine, "ollama/qwen3", 72), 1);
    assert_int_equal(notices_after(&engine, "ollama/llama", 72), 2);
    assert_int_equal(notices_after(&engine, "ollama/qwen3", 36), 3);
    assert_int_equal(notices_after(&engine, "ollama/qwen3", 72), 4);
    window_forget(&engine);
    assert_int_equal(window_known(&engine, "ollama/qwen3"), -1);
    broker_free(engine.broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(question__goes_to_the_host_whatever_protocol_the_base_url_is_of),
        cmocka_unit_test(question__ends_and_is_not_put_to_others),
        cmocka_unit_test(loaded__is_that_of_the_model_itself),
        cmocka_unit_test(loaded__is_unknown_where_it_is_not_said),
        cmocka_unit_test(parameters__name_it_on_a_line_of_its_own),
        cmocka_unit_test(properties__of_llama_cpp_are_read),
        cmocka_unit_test(learned__is_published_only_when_it_is_news),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
