/* What every decoder says through: what it leaves out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "app/codec_out.h"

#include <cmocka.h>

static void count(void *ctx, const struct stream_event *event)
{
    size_t *events = ctx;
    assert_int_equal(event->kind, STREAM_USAGE);
    (*events)++;
}

/* The same figures, whatever lies between and behind the members. */
static struct usage *fill(struct usage *usage, int byte)
{
    memset(usage, byte, sizeof(*usage));
    usage->input_tokens = 1;
    usage->output_tokens = 2;
    usage->cache_read_tokens = 3;
    usage->cache_write_tokens = 4;
    usage->reasoning_tokens = 5;
    usage->cost_micros = 6;
    usage->cost_estimated = false;
    return usage;
}

static void usage__is_said_again_only_when_it_is_another(void **state)
{
    (void)state;
    struct codec_out out;
    struct usage usage;
    size_t events = 0;
    codec_out_init(&out, count, &events);
    codec_out_usage(&out, fill(&usage, 0));
    codec_out_usage(&out, fill(&usage, 0xff));
    assert_int_equal(events, 1);
    int64_t *const figures[] = {&usage.input_tokens,      &usage.output_tokens,
                                &usage.cache_read_tokens, &usage.cache_write_tokens,
                                &usage.reasoning_tokens,  &usage.cost_micros};
    for (size_t i = 0; i < COUNT_OF(figures); i++) {
        *figures[i] += 10;
        codec_out_usage(&out, &usage);
        assert_int_equal(events, i + 2);
    }
    usage.cost_estimated = true;
    codec_out_usage(&out, &usage);
    assert_int_equal(events, COUNT_OF(figures) + 2);
}

static void usage__of_which_nothing_is_known_is_not_said(void **state)
{
    (void)state;
    struct codec_out out;
    struct usage usage = usage_unknown();
    size_t events = 0;
    codec_out_init(&out, count, &events);
    codec_out_usage(&out, &usage);
    assert_int_equal(events, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage__is_said_again_only_when_it_is_another),
        cmocka_unit_test(usage__of_which_nothing_is_known_is_not_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
