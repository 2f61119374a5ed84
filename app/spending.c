/* Spending: counts what came since the last report, and puts a price on it. */
#include "app/spending.h"

/* What a price of an answer is noted for. */
#define EXPECTED_BYTES 1000000

void spending_begin(struct spending *spending, size_t request_bytes)
{
    *spending = (struct spending){.request_bytes = request_bytes, .reported = usage_unknown()};
}

void spending_take(struct spending *spending, const struct stream_event *event)
{
    switch (event->kind) {
    case STREAM_USAGE:
        spending->reported = event->usage;
        /* A report without output says nothing of what was written. */
        spending->answer_bytes = event->usage.output_tokens < 0 ? spending->answer_bytes : 0;
        break;
    case STREAM_TEXT:
    case STREAM_REASONING:
    case STREAM_TOOL_INPUT:
        spending->answer_bytes += event->text.n;
        break;
    default:
        break;
    }
}

static int64_t cost_of(const struct spending *spending, const struct model_facts *facts)
{
    struct usage usage = spending->reported;
    int64_t written = usage.output_tokens < 0 ? 0 : usage.output_tokens;
    written = money_add(written, model_tokens_of(spending->answer_bytes));
    if (usage.input_tokens < 0) {
        return model_estimate(facts, spending->request_bytes, written);
    }
    usage.output_tokens = written;
    return model_cost(facts, &usage);
}

bool spending_estimate(const struct spending *spending, const struct model_facts *facts,
                       struct usage *ret_usage)
{
    const struct usage *reported = &spending->reported;
    bool whole =
        reported->input_tokens >= 0 && reported->output_tokens >= 0 && spending->answer_bytes == 0;
    if (spending->request_bytes == 0 || reported->cost_micros != USAGE_UNKNOWN || whole) {
        return false;
    }
    int64_t cost = cost_of(spending, facts);
    if (cost <= 0) {
        return false;
    }
    *ret_usage = *reported;
    ret_usage->cost_micros = cost;
    ret_usage->cost_estimated = true;
    return true;
}

bool spending_expect(const struct spending *spending, const struct model_facts *facts,
                     struct expected_cost *ret_expected)
{
    int64_t request = model_estimate(facts, spending->request_bytes, 0);
    int64_t both = model_estimate(facts, spending->request_bytes, model_tokens_of(EXPECTED_BYTES));
    if (request == MONEY_UNKNOWN || both == MONEY_UNKNOWN || both == 0) {
        return false;
    }
    *ret_expected = (struct expected_cost){request, both - request};
    return true;
}
