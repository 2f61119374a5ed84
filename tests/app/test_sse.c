/* SSE splitter: the rules of the format, every way to cut the input, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/sse.h"
#include "base/clock.h"

#include <cmocka.h>

#define BIG ((size_t)64 << 20)

/* Every event as "type=data|". */
static void record(void *ctx, struct sv type, struct sv data)
{
    struct buf *log = ctx;
    assert_true(buf_append_sv(log, type));
    assert_true(buf_append_byte(log, '='));
    assert_true(buf_append_sv(log, data));
    assert_true(buf_append_byte(log, '|'));
}

/* Feeds `input` in pieces that end at the two cuts. */
static void run_cut(struct sv input, size_t first, size_t second, struct buf *log)
{
    struct sse sse;
    sse_init(&sse, SSE_MAX_EVENT, record, log);
    assert_int_equal(sse_feed(&sse, sv_take(input, first), NULL), ERR_OK);
    assert_int_equal(sse_feed(&sse, sv_skip(sv_take(input, second), first), NULL), ERR_OK);
    assert_int_equal(sse_feed(&sse, sv_skip(input, second), NULL), ERR_OK);
    sse_end(&sse);
    sse_release(&sse);
}

static void run_bytes(struct sv input, struct buf *log)
{
    struct sse sse;
    sse_init(&sse, SSE_MAX_EVENT, record, log);
    for (size_t i = 0; i < input.n; i++) {
        /* A byte of its own on the heap: reading past it is seen by the sanitizer. */
        char *byte = malloc(1);
        assert_non_null(byte);
        *byte = input.p[i];
        assert_int_equal(sse_feed(&sse, sv_of(byte, 1), NULL), ERR_OK);
        free(byte);
    }
    sse_end(&sse);
    sse_release(&sse);
}

static void assert_log(const struct buf *log, const char *expected)
{
    assert_string_equal(buf_cstr(log), expected);
}

static const struct {
    struct sv input;
    const char *expected;
} cases[] = {
    {SV("data:x\n\n"), "message=x|"},
    {SV("data: x\n\n"), "message=x|"},
    {SV("data:  x\n\n"), "message= x|"},
    {SV("data\n\n"), "message=|"},
    {SV("data:\n\n"), "message=|"},
    {SV("data: \n\n"), "message=|"},
    {SV("data:a\ndata:b\n\n"), "message=a\nb|"},
    {SV("data:\ndata:\n\n"), "message=\n|"},
    {SV("data\ndata\n\n"), "message=\n|"},
    {SV(":\n\n"), ""},
    {SV(": ping\n\ndata:x\n\n"), "message=x|"},
    {SV("data:x\n: in between\ndata:y\n\n"), "message=x\ny|"},
    {SV("event: ping\n\ndata:x\n\n"), "message=x|"},
    {SV("event: one\ndata:x\n\ndata:y\n\n"), "one=x|message=y|"},
    {SV("event: a\nevent: b\ndata:x\n\n"), "b=x|"},
    {SV("data:x\nevent: after\n\n"), "after=x|"},
    {SV("event:\ndata:x\n\n"), "message=x|"},
    {SV("data:x\r\n\r\ndata:y\r\n\r\n"), "message=x|message=y|"},
    {SV("data:x\r\rdata:y\r\r"), "message=x|message=y|"},
    {SV("data:x\r\ndata:y\rdata:z\n\r\ndata:w\n\n"), "message=x\ny\nz|message=w|"},
    {SV("data:x\n\rdata:y\r\n\n"), "message=x|message=y|"},
    {SV("\xEF\xBB\xBF"
        "data:x\n\n"),
     "message=x|"},
    {SV("\xEF\xBB\xBF\xEF\xBB\xBF"
        "data:x\n\ndata:y\n\n"),
     "message=y|"},
    {SV("\xEF\xBB\xBF\ndata:x\n\n"), "message=x|"},
    {SV("\ndata:x\n\n"), "message=x|"},
    {SV("data:\xEF\xBB\xBFx\n\n"), "message=\xEF\xBB\xBFx|"},
    {SV("\n\n\n\n\ndata:x\n\n\n\n\r\n\r\rdata:y\n\n\n"), "message=x|message=y|"},
    {SV("id: 7\nretry: 100\nfoo: bar\nData: no\n data: no\ndata:x\n\n"), "message=x|"},
    {SV("data:a:b: c\n\n"), "message=a:b: c|"},
    {SV("data : x\n\n"), ""},
    {SV("data:\xE4\xBD\xA0\xF0\x9F\x98\x80\n\n"), "message=\xE4\xBD\xA0\xF0\x9F\x98\x80|"},
    {SV("error: {\"code\":500}\n\ndata:x\n\n"), "error={\"code\":500}|message=x|"},
    {SV("data:x"), "message=x|"},
    {SV("data:x\n"), "message=x|"},
    {SV("data:x\r"), "message=x|"},
    {SV("data:x\n\nevent: e"), "message=x|"},
    {SV("{\"error\":{\"message\":\"no\"}}"), "\n={\"error\":{\"message\":\"no\"}}|"},
    {SV("data:x\r\n\r\n[{\r\n  \"error\": {\r\n\r\n    data: 1\n}}\n]\n\n"),
     "message=x|\n=[{\n  \"error\": {\n\n    data: 1\n}}\n]\n|"},
    {SV("event: a\n{}\ndata:x\n\n"), "\n={}\ndata:x\n|"},
    {SV("data:x\n{}\n\n"), "message=x|"},
    {SV("<html>\n<p>no</p>\n\n"), ""},
    {SV(""), ""},
    {SV("\r"), ""},
    {SV("data:1\n\ndata:2\n\ndata:3\ndata:4\n\nevent: x\ndata:5\n\n"),
     "message=1|message=2|message=3\n4|x=5|"},
};

static void feed__follows_the_format_whatever_pairs_of_cuts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sv input = cases[i].input;
        assert_true(input.n < 300);
        for (size_t first = 0; first <= input.n; first++) {
            for (size_t second = first; second <= input.n; second++) {
                struct buf log = BUF_INIT(BIG);
                run_cut(input, first, second, &log);
                assert_log(&log, cases[i].expected);
                buf_release(&log);
            }
        }
    }
}

static void feed__gives_the_same_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf log = BUF_INIT(BIG);
        run_bytes(cases[i].input, &log);
        assert_log(&log, cases[i].expected);
        buf_release(&log);
    }
}

static void feed__keeps_bare_nul_bytes(void **state)
{
    (void)state;
    struct buf log = BUF_INIT(BIG);
    run_cut(SV("data:a\0b\n\n"), 7, 7, &log);
    assert_int_equal(log.n, strlen("message=") + 4);
    assert_memory_equal(log.p, "message=a\0b|", log.n);
    buf_release(&log);
}

static void feed__counts_comments_as_signs_of_life(void **state)
{
    (void)state;
    struct buf log = BUF_INIT(BIG);
    struct sse sse;
    sse_init(&sse, SSE_MAX_EVENT, record, &log);
    assert_int_equal(sse_feed(&sse, SV(":\n: OPENROUTER PROCESSING\n\n:"), NULL), ERR_OK);
    assert_int_equal(sse.comments, 2);
    assert_int_equal(sse_feed(&sse, SV(" x\n"), NULL), ERR_OK);
    assert_int_equal(sse.comments, 3);
    assert_int_equal(log.n, 0);
    sse_release(&sse);
    buf_release(&log);
}

struct size_log {
    size_t events;
    size_t bytes;
};

static void measure(void *ctx, struct sv type, struct sv data)
{
    struct size_log *log = ctx;
    (void)type;
    log->events++;
    log->bytes += data.n;
}

/* One data line of `size` bytes in all, then one more event; cut into pieces of `piece` bytes. */
static enum err_code feed_line(size_t size, size_t piece, struct size_log *log, size_t *ret_held)
{
    char *line = malloc(size + 2);
    assert_non_null(line);
    memset(line, 'x', size);
    memcpy(line, "data:", 5);
    memcpy(line + size, "\n\n", 2);
    struct sse sse;
    sse_init(&sse, SSE_MAX_EVENT, measure, log);
    enum err_code code = ERR_OK;
    *ret_held = 0;
    for (size_t at = 0; at < size + 2; at += piece) {
        enum err_code now = sse_feed(&sse, sv_take(sv_of(line + at, size + 2 - at), piece), NULL);
        code = code ? code : now;
        size_t held = sse.line.cap + sse.data.cap;
        *ret_held = held > *ret_held ? held : *ret_held;
    }
    enum err_code last = sse_feed(&sse, SV("data:y\n\n"), NULL);
    assert_int_equal(last, code);
    sse_end(&sse);
    sse_release(&sse);
    free(line);
    return code;
}

static void feed__takes_a_line_of_ten_megabytes(void **state)
{
    (void)state;
    static const size_t pieces[] = {4096, 16384, 1000003, (size_t)1 << 30};
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        struct size_log log = {0, 0};
        size_t held;
        assert_int_equal(feed_line(10000000, pieces[i], &log, &held), ERR_OK);
        assert_int_equal(log.events, 2);
        assert_int_equal(log.bytes, 10000000 - 5 + 1);
    }
}

static void feed__refuses_a_line_over_the_limit_with_bounded_memory(void **state)
{
    (void)state;
    static const size_t pieces[] = {4096, 16384, 1000003, (size_t)1 << 30};
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        struct size_log log = {0, 0};
        size_t held;
        assert_int_equal(feed_line(20000000, pieces[i], &log, &held), ERR_TOO_BIG);
        assert_int_equal(log.events, 0);
        assert_true(held <= 2 * SSE_MAX_EVENT + 2);
    }
}

static void feed__has_a_sharp_limit_for_lines(void **state)
{
    (void)state;
    static const size_t pieces[] = {65536, (size_t)1 << 30};
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        struct size_log log = {0, 0};
        size_t held;
        assert_int_equal(feed_line(SSE_MAX_EVENT, pieces[i], &log, &held), ERR_OK);
        assert_int_equal(feed_line(SSE_MAX_EVENT + 1, pieces[i], &log, &held), ERR_TOO_BIG);
    }
}

static void feed__refuses_an_event_of_many_lines_over_the_limit(void **state)
{
    (void)state;
    static const char input[] = "data:aaaa\ndata:bbbb\ndata:cccc\n\ndata:dddd\n\n";
    for (size_t cut = 0; cut < sizeof(input); cut++) {
        struct buf log = BUF_INIT(BIG);
        struct sse sse;
        struct err err = {.code = ERR_OK};
        sse_init(&sse, 14, record, &log); /* 4 + 1 + 4 + 1 + 4 */
        assert_int_equal(sse_feed(&sse, sv_of(input, cut), NULL), ERR_OK);
        assert_int_equal(sse_feed(&sse, sv_of(input + cut, sizeof(input) - 1 - cut), NULL), ERR_OK);
        assert_log(&log, "message=aaaa\nbbbb\ncccc|message=dddd|");
        sse_release(&sse);
        buf_clear(&log);

        sse_init(&sse, 13, record, &log);
        (void)!sse_feed(&sse, sv_of(input, cut), NULL);
        assert_int_equal(sse_feed(&sse, sv_of(input + cut, sizeof(input) - 1 - cut), &err),
                         ERR_TOO_BIG);
        assert_int_equal(err.code, ERR_TOO_BIG);
        sse_end(&sse);
        assert_int_equal(log.n, 0);
        sse_release(&sse);
        sse_release(&sse);
        buf_release(&log);
    }
}

/* A quadratic splitter would need minutes for this. */
static void feed__is_linear_in_short_lines(void **state)
{
    (void)state;
    static const char ends[] = {'\r', '\n'};
    size_t size = (size_t)8 << 20;
    char *input = malloc(size);
    assert_non_null(input);
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct size_log log = {0, 0};
        struct sse sse;
        memset(input, ends[i], size);
        sse_init(&sse, SSE_MAX_EVENT, measure, &log);
        int64_t began = clock_mono_us();
        assert_int_equal(sse_feed(&sse, sv_of(input, size), NULL), ERR_OK);
        assert_true(clock_mono_us() - began < CLOCK_S(10));
        sse_release(&sse);
    }
    free(input);
}

static void end__twice_gives_nothing_more(void **state)
{
    (void)state;
    struct buf log = BUF_INIT(BIG);
    struct sse sse;
    sse_init(&sse, SSE_MAX_EVENT, record, &log);
    assert_int_equal(sse_feed(&sse, SV("data:x"), NULL), ERR_OK);
    assert_int_equal(sse_feed(&sse, sv_of(NULL, 0), NULL), ERR_OK);
    sse_end(&sse);
    sse_end(&sse);
    assert_log(&log, "message=x|");
    sse_release(&sse);
    buf_release(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(feed__follows_the_format_whatever_pairs_of_cuts),
        cmocka_unit_test(feed__gives_the_same_byte_by_byte),
        cmocka_unit_test(feed__keeps_bare_nul_bytes),
        cmocka_unit_test(feed__counts_comments_as_signs_of_life),
        cmocka_unit_test(feed__takes_a_line_of_ten_megabytes),
        cmocka_unit_test(feed__refuses_a_line_over_the_limit_with_bounded_memory),
        cmocka_unit_test(feed__has_a_sharp_limit_for_lines),
        cmocka_unit_test(feed__refuses_an_event_of_many_lines_over_the_limit),
        cmocka_unit_test(feed__is_linear_in_short_lines),
        cmocka_unit_test(end__twice_gives_nothing_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
