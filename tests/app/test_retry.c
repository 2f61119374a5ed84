/* Retry: every form in which servers say when to come back, and the wait that grows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "app/retry.h"
#include "base/buf.h"
#include "base/clock.h"

#include <cmocka.h>

/* 2026-11-21T07:24:05Z */
#define NOW_S INT64_C(1795245845)
#define NOW CLOCK_S(NOW_S)

static int64_t wait_after(const char *const *lines)
{
    struct retry_head head;
    retry_head_init(&head);
    for (; *lines; lines++) {
        struct sv line = sv_from(*lines);
        size_t colon = sv_find(line, ':');
        retry_head_take(&head, sv_take(line, colon), sv_trim(sv_skip(line, colon + 1)));
    }
    return retry_head_wait_us(&head, NOW);
}

#define WAIT(...) wait_after((const char *const[]){__VA_ARGS__, NULL})

static void retry_after__is_read_in_every_form(void **state)
{
    (void)state;
    assert_int_equal(WAIT("Retry-After: 0"), 0);
    assert_int_equal(WAIT("retry-after: 17"), CLOCK_S(17));
    assert_int_equal(WAIT("RETRY-AFTER: 1.5"), CLOCK_MS(1500));
    assert_int_equal(WAIT("Retry-After: 2s"), CLOCK_S(2));
    assert_int_equal(WAIT("Retry-After: Sat, 21 Nov 2026 07:24:35 GMT"), CLOCK_S(30));
    assert_int_equal(WAIT("Retry-After: Saturday, 21-Nov-26 07:24:35 GMT"), CLOCK_S(30));
    assert_int_equal(WAIT("Retry-After: Sat Nov 21 07:25:05 2026"), CLOCK_S(60));
    assert_int_equal(WAIT("Retry-After: Sun Nov  1 07:25:05 2026"), 0);
    assert_int_equal(WAIT("retry-after-ms: 120"), CLOCK_MS(120));
    assert_int_equal(WAIT("retry-after-ms: 120.5"), 120500);
    assert_int_equal(WAIT("retry-after: 17", "retry-after-ms: 120"), CLOCK_MS(120));
}

static void retry_after__that_makes_no_sense_was_not_said(void **state)
{
    (void)state;
    static const char *const lines[] = {"Retry-After:",
                                        "Retry-After: -5",
                                        "Retry-After: soon",
                                        "Retry-After: 1x",
                                        "Retry-After: .",
                                        "Retry-After: Sat, 41 Nov 2026 07:24:35 GMT",
                                        "Retry-After: Sat, 21 Nox 2026 07:24:35 GMT",
                                        "Retry-After: 2026-13-21T07:24:35Z",
                                        "Retry-After: 2026-11-21T07:24:35",
                                        "Retry-After: 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7",
                                        "retry-after-ms: x",
                                        "x-other: 7"};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        assert_int_equal(WAIT(lines[i]), -1);
    }
}

static void retry_after__is_bounded_however_large(void **state)
{
    (void)state;
    assert_int_equal(WAIT("Retry-After: 100000000"), CLOCK_S(RETRY_WAIT_MAX_S));
    assert_int_equal(WAIT("Retry-After: 99999999999999999999999999"), CLOCK_S(RETRY_WAIT_MAX_S));
    assert_int_equal(WAIT("Retry-After: Sat, 21 Nov 2099 07:24:35 GMT"), CLOCK_S(RETRY_WAIT_MAX_S));
}

static void a_date__is_meant_by_the_servers_own_clock(void **state)
{
    (void)state;
    assert_int_equal(
        WAIT("Date: Sat, 21 Nov 2026 05:00:00 GMT", "Retry-After: Sat, 21 Nov 2026 05:00:07 GMT"),
        CLOCK_S(7));
    assert_int_equal(WAIT("Date: nonsense", "Retry-After: Sat, 21 Nov 2026 07:24:12 GMT"),
                     CLOCK_S(7));
}

static void limits__count_where_nothing_remains(void **state)
{
    (void)state;
    assert_int_equal(WAIT("x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 6m1s"),
                     CLOCK_S(361));
    assert_int_equal(WAIT("x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 120ms",
                          "x-ratelimit-remaining-tokens: 0", "x-ratelimit-reset-tokens: 7.5s"),
                     CLOCK_MS(7500));
    assert_int_equal(WAIT("x-ratelimit-remaining-requests: 9", "x-ratelimit-reset-requests: 6m1s"),
                     -1);
    assert_int_equal(WAIT("anthropic-ratelimit-input-tokens-remaining: 0",
                          "anthropic-ratelimit-input-tokens-reset: 2026-11-21T07:24:15Z",
                          "anthropic-ratelimit-tokens-reset: 2026-11-21T09:24:15Z"),
                     CLOCK_S(10));
    assert_int_equal(WAIT("X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1795245875000"),
                     CLOCK_S(30));
    assert_int_equal(WAIT("ratelimit-remaining: 0", "ratelimit-reset: 1795245850"), CLOCK_S(5));
    assert_int_equal(WAIT("ratelimit-remaining: 0", "ratelimit-reset: 5", "retry-after: 2"),
                     CLOCK_S(2));
}

static void moments__of_rfc3339_have_offsets_and_fractions(void **state)
{
    (void)state;
    struct retry_when when;
    static const char *const same[] = {"2026-11-21T07:24:05Z", "2026-11-21t07:24:05.25z",
                                       "2026-11-21T08:54:05+01:30", "2026-11-20 23:24:05-08:00"};
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        assert_true(retry_when_parse(sv_from(same[i]), &when));
        assert_int_equal(when.at_us, NOW);
        assert_int_equal(when.span_us, -1);
    }
}

static void advice__is_yes_no_or_unsaid(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        enum retry_advice advice;
    } cases[] = {{"true", RETRY_YES}, {"False", RETRY_NO}, {"maybe", RETRY_UNSAID}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct retry_head head;
        retry_head_init(&head);
        assert_int_equal(head.advice, RETRY_UNSAID);
        retry_head_take(&head, SV("X-Should-Retry"), sv_from(cases[i].value));
        assert_int_equal(head.advice, cases[i].advice);
    }
}

static void backoff__doubles_up_to_eight_seconds_and_spreads(void **state)
{
    (void)state;
    static const int64_t most_ms[] = {500, 1000, 2000, 4000, 8000, 8000, 8000};
    for (unsigned i = 0; i < COUNT_OF(most_ms); i++) {
        assert_int_equal(retry_backoff_us(i + 1, 0), CLOCK_MS(most_ms[i]));
        assert_int_equal(retry_backoff_us(i + 1, UINT32_MAX), CLOCK_MS(most_ms[i] / 2));
        int64_t middle = retry_backoff_us(i + 1, UINT32_MAX / 2);
        assert_in_range(middle, CLOCK_MS(most_ms[i] / 2) + 1, CLOCK_MS(most_ms[i]) - 1);
    }
    assert_int_equal(retry_backoff_us(UINT32_MAX, 0), CLOCK_S(8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry_after__is_read_in_every_form),
        cmocka_unit_test(retry_after__that_makes_no_sense_was_not_said),
        cmocka_unit_test(retry_after__is_bounded_however_large),
        cmocka_unit_test(a_date__is_meant_by_the_servers_own_clock),
        cmocka_unit_test(limits__count_where_nothing_remains),
        cmocka_unit_test(moments__of_rfc3339_have_offsets_and_fractions),
        cmocka_unit_test(advice__is_yes_no_or_unsaid),
        cmocka_unit_test(backoff__doubles_up_to_eight_seconds_and_spreads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
