/* The status line: model · state · tokens · a hint, of facts that others hold. */
#include "ui/status.h"

#include "base/clock.h"

#define SEPARATOR " · "

bool status_is_busy(const struct status_facts *facts)
{
    return facts->sending || facts->answer.running;
}

static bool waits_for_retry(const struct status_facts *facts)
{
    return facts->answer.retry_us > facts->now_us;
}

static bool is_silent(const struct status_facts *facts)
{
    return facts->answer.changed_us &&
           facts->now_us - facts->answer.changed_us >= facts->silence_us;
}

/* The state counts seconds since this moment, or (for a retry) until it; 0: it counts none. */
static int64_t counted_from(const struct status_facts *facts)
{
    if (facts->cancelling || !facts->answer.running) {
        return 0;
    }
    if (facts->answer.content) {
        return is_silent(facts) ? facts->answer.changed_us : 0;
    }
    return waits_for_retry(facts) ? facts->answer.retry_us : facts->waiting_since_us;
}

static void busy_state(const struct status_facts *facts, struct buf *out)
{
    const struct transcript_status *answer = &facts->answer;
    int64_t from = counted_from(facts);
    if (facts->cancelling) {
        buf_append_str(out, "cancelling");
    } else if (!answer->running) {
        buf_append_str(out, "sending");
    } else if (answer->content && is_silent(facts)) {
        buf_appendf(out, "nothing new for %lld s", (long long)((facts->now_us - from) / 1000000));
    } else if (answer->content) {
        buf_append_str(out, "streaming");
    } else if (waits_for_retry(facts)) {
        int64_t left = (answer->retry_us - facts->now_us + 999999) / 1000000;
        buf_appendf(out, "retry %u of %u in %lld s: %s", answer->retry, answer->retries,
                    (long long)left, answer->why);
    } else if (from) {
        buf_appendf(out, "waiting %lld s", (long long)((facts->now_us - from) / 1000000));
    } else {
        buf_append_str(out, "waiting");
    }
}

static const char *idle_state(const struct transcript_status *answer)
{
    if (!answer->ended) {
        return "ready";
    }
    switch (answer->reason) {
    case FINISH_CANCELED:
        return "cancelled";
    case FINISH_INTERRUPTED:
        return "interrupted";
    case FINISH_ERROR:
        return "failed";
    default:
        return "ready";
    }
}

static void append_unsaved(const struct status_facts *facts, struct buf *out)
{
    const char *why = facts->store_trouble;
    if (!why && facts->answer.unsaved) {
        why = facts->answer.retry_us ? "" : facts->answer.why;
    }
    if (why) {
        buf_appendf(out, SEPARATOR "not saved yet%s%s", why[0] ? ": " : "", why);
    }
}

static void append_tokens(const struct usage *usage, struct buf *out)
{
    if (usage->input_tokens >= 0) {
        buf_appendf(out, SEPARATOR "%lld in", (long long)usage->input_tokens);
    }
    if (usage->output_tokens >= 0) {
        buf_appendf(out, SEPARATOR "%lld out", (long long)usage->output_tokens);
    }
}

static int64_t known(int64_t count)
{
    return count > 0 ? count : 0;
}

/* How full the model's window is after the latest answer: what the cache gave stands in it, too. */
static void append_context(const struct status_facts *facts, struct buf *out)
{
    const struct usage *usage = &facts->answer.usage;
    if (facts->context <= 0 || usage->input_tokens < 0) {
        return;
    }
    int64_t used = usage->input_tokens + known(usage->cache_read_tokens) +
                   known(usage->cache_write_tokens) + known(usage->output_tokens);
    long long percent = used < facts->context ? (long long)(used * 100 / facts->context) : 100;
    long long window = (long long)(facts->context / 1000);
    if (window > 0) {
        buf_appendf(out, SEPARATOR "%lld%% of %lldk", percent, window);
    } else {
        buf_appendf(out, SEPARATOR "%lld%% of %lld", percent, (long long)facts->context);
    }
}

static void append_cost(const struct status_facts *facts, struct buf *out)
{
    int64_t micros = facts->cost_micros;
    const char *about = facts->cost_estimated ? "~" : "";
    if (micros >= 1000000) {
        buf_appendf(out, SEPARATOR "%s$%lld.%02lld", about, (long long)(micros / 1000000),
                    (long long)(micros % 1000000 / 10000));
    } else if (micros > 0) {
        buf_appendf(out, SEPARATOR "%s$0.%04lld", about, (long long)((micros + 99) / 100));
    }
}

static void append_others(const struct status_facts *facts, struct buf *out)
{
    if (facts->others_ended) {
        buf_appendf(out, SEPARATOR "elsewhere: %u answered", facts->others_ended);
    }
    if (facts->others_failed) {
        buf_appendf(out, "%s%u failed",
                    facts->others_ended ? ", " : SEPARATOR "elsewhere: ", facts->others_failed);
    }
}

const char *status_hint(const struct status_facts *facts)
{
    if (!facts->follows) {
        return "Ctrl-End goes to the end";
    }
    if (!status_is_busy(facts)) {
        return "/help";
    }
    return facts->elsewhere ? "another process answers" : "Esc cancels";
}

void status_text(const struct status_facts *facts, struct buf *out)
{
    if (facts->model && facts->model[0]) {
        buf_appendf(out, "%s" SEPARATOR, facts->model);
    }
    if (status_is_busy(facts)) {
        busy_state(facts, out);
    } else {
        buf_append_str(out, idle_state(&facts->answer));
    }
    append_unsaved(facts, out);
    append_others(facts, out);
    append_tokens(&facts->answer.usage, out);
    append_context(facts, out);
    append_cost(facts, out);
    buf_appendf(out, SEPARATOR "%s", status_hint(facts));
}

int64_t status_next_change(const struct status_facts *facts)
{
    int64_t from = counted_from(facts);
    int64_t now = facts->now_us;
    if (from == 0 && status_is_busy(facts) && !facts->cancelling && facts->answer.content &&
        facts->answer.changed_us) {
        return facts->answer.changed_us + facts->silence_us;
    }
    if (from == 0) {
        return CLOCK_NEVER;
    }
    int64_t apart = from > now ? (from - now) % 1000000 : 1000000 - (now - from) % 1000000;
    return now + (apart ? apart : 1000000);
}
