/* NDJSON splitter: lines whole and in order, wherever the input is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "app/ndjson.h"

#include <cmocka.h>

static void note(void *ctx, struct sv line)
{
    (void)buf_appendf(ctx, "<%.*s>", SV_ARG(line));
}

static void split(struct sv text, size_t cut, size_t max, struct buf *log)
{
    struct ndjson ndjson;
    struct err err = {0};
    ndjson_init(&ndjson, max, note, log);
    enum err_code code = ndjson_feed(&ndjson, sv_take(text, cut), &err);
    code = code ? code : ndjson_feed(&ndjson, sv_skip(text, cut), &err);
    if (code) {
        (void)buf_appendf(log, "%s", err_name(code));
    }
    ndjson_end(&ndjson);
    ndjson_release(&ndjson);
    ndjson_release(&ndjson);
}

static void feed__gives_the_same_lines_wherever_it_is_cut(void **state)
{
    (void)state;
    struct sv text = SV("{\"a\":1}\r\n\n \r\n{\"b\":\"\\n\"}\n\n{\"c\":3}");
    for (size_t cut = 0; cut <= text.n; cut++) {
        struct buf log = BUF_INIT(1000);
        split(text, cut, 100, &log);
        assert_string_equal(buf_cstr(&log), "<{\"a\":1}><{\"b\":\"\\n\"}><{\"c\":3}>");
        buf_release(&log);
    }
}

static void feed__refuses_a_line_above_the_maximum(void **state)
{
    (void)state;
    struct sv text = SV("1234\n12345\n1\n");
    for (size_t cut = 0; cut <= text.n; cut++) {
        struct buf log = BUF_INIT(1000);
        split(text, cut, 4, &log);
        assert_string_equal(buf_cstr(&log), "<1234>ERR_TOO_BIG");
        buf_release(&log);
    }
}

static void feed__takes_nothing_after_a_failure(void **state)
{
    (void)state;
    struct buf log = BUF_INIT(100);
    struct ndjson ndjson;
    ndjson_init(&ndjson, 2, note, &log);
    assert_int_equal(ndjson_feed(&ndjson, SV("abc"), NULL), ERR_TOO_BIG);
    assert_int_equal(ndjson_feed(&ndjson, SV("\nd\n"), NULL), ERR_TOO_BIG);
    ndjson_end(&ndjson);
    assert_int_equal(log.n, 0);
    ndjson_release(&ndjson);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(feed__gives_the_same_lines_wherever_it_is_cut),
        cmocka_unit_test(feed__refuses_a_line_above_the_maximum),
        cmocka_unit_test(feed__takes_nothing_after_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
