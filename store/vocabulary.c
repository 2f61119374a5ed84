/*
 * The words of a conversation, from the tables of the header.
 */
#include "store/vocabulary.h"

#include <stddef.h>

#include "base/attr.h"

#define TEXT_ROW(name, text) [name] = text,
static const char *const roles[] = {ROLES(TEXT_ROW)};
static const char *const part_kinds[] = {PART_KINDS(TEXT_ROW)};
static const char *const finish_reasons[] = {FINISH_REASONS(TEXT_ROW)};
static const char *const run_states[] = {RUN_STATES(TEXT_ROW)};
#undef TEXT_ROW

static const char *text_of(const char *const *words, size_t count, size_t at)
{
    return at < count ? words[at] : "";
}

/* `count` when there is no such word. */
static size_t find(const char *const *words, size_t count, struct sv text)
{
    size_t at = 0;
    while (at < count && !sv_equal_str(text, words[at])) {
        at++;
    }
    return at;
}

const char *role_text(enum role role)
{
    return text_of(roles, COUNT_OF(roles), (size_t)role);
}

const char *part_kind_text(enum part_kind kind)
{
    return text_of(part_kinds, COUNT_OF(part_kinds), (size_t)kind);
}

const char *finish_reason_text(enum finish_reason reason)
{
    return text_of(finish_reasons, COUNT_OF(finish_reasons), (size_t)reason);
}

const char *finish_reason_said(enum finish_reason reason)
{
    return reason == FINISH_CANCELED ? run_state_text(RUN_CANCELLED) : finish_reason_text(reason);
}

const char *run_state_text(enum run_state state)
{
    return text_of(run_states, COUNT_OF(run_states), (size_t)state);
}

bool role_parse(struct sv text, enum role *ret_role)
{
    size_t at = find(roles, COUNT_OF(roles), text);
    if (at == COUNT_OF(roles)) {
        return false;
    }
    *ret_role = (enum role)at;
    return true;
}

bool part_kind_parse(struct sv text, enum part_kind *ret_kind)
{
    size_t at = find(part_kinds, COUNT_OF(part_kinds), text);
    if (at == COUNT_OF(part_kinds)) {
        return false;
    }
    *ret_kind = (enum part_kind)at;
    return true;
}

bool finish_reason_parse(struct sv text, enum finish_reason *ret_reason)
{
    size_t at = find(finish_reasons, COUNT_OF(finish_reasons), text);
    if (at == COUNT_OF(finish_reasons)) {
        return false;
    }
    *ret_reason = (enum finish_reason)at;
    return true;
}

bool run_state_parse(struct sv text, enum run_state *ret_state)
{
    size_t at = find(run_states, COUNT_OF(run_states), text);
    if (at == COUNT_OF(run_states)) {
        return false;
    }
    *ret_state = (enum run_state)at;
    return true;
}

enum run_state run_state_of_finish(enum finish_reason reason)
{
    switch (reason) {
    case FINISH_NONE:
        return RUN_RUNNING;
    case FINISH_CANCELED:
        return RUN_CANCELLED;
    case FINISH_ERROR:
        return RUN_FAILED;
    case FINISH_INTERRUPTED:
        return RUN_INTERRUPTED;
    default:
        /* The server said that this was all of it, whatever its reason: a refusal is an answer. */
        return RUN_COMPLETED;
    }
}

struct usage usage_unknown(void)
{
    return (struct usage){
        .input_tokens = USAGE_UNKNOWN,
        .output_tokens = USAGE_UNKNOWN,
        .cache_read_tokens = USAGE_UNKNOWN,
        .cache_write_tokens = USAGE_UNKNOWN,
        .reasoning_tokens = USAGE_UNKNOWN,
        .cost_micros = USAGE_UNKNOWN,
    };
}

bool usage_is_known(const struct usage *usage)
{
    return usage->input_tokens != USAGE_UNKNOWN || usage->output_tokens != USAGE_UNKNOWN ||
           usage->cache_read_tokens != USAGE_UNKNOWN ||
           usage->cache_write_tokens != USAGE_UNKNOWN || usage->reasoning_tokens != USAGE_UNKNOWN ||
           usage->cost_micros != USAGE_UNKNOWN;
}

static int64_t sane(int64_t count)
{
    return count < 0 || count > USAGE_MOST ? USAGE_UNKNOWN : count;
}

struct usage usage_sane(const struct usage *usage)
{
    struct usage known = {
        .input_tokens = sane(usage->input_tokens),
        .output_tokens = sane(usage->output_tokens),
        .cache_read_tokens = sane(usage->cache_read_tokens),
        .cache_write_tokens = sane(usage->cache_write_tokens),
        .reasoning_tokens = sane(usage->reasoning_tokens),
        .cost_micros = sane(usage->cost_micros),
    };
    known.cost_estimated = usage->cost_estimated && known.cost_micros != USAGE_UNKNOWN;
    return known;
}

bool usage_equal(const struct usage *a, const struct usage *b)
{
    return a->input_tokens == b->input_tokens && a->output_tokens == b->output_tokens &&
           a->cache_read_tokens == b->cache_read_tokens &&
           a->cache_write_tokens == b->cache_write_tokens &&
           a->reasoning_tokens == b->reasoning_tokens && a->cost_micros == b->cost_micros &&
           a->cost_estimated == b->cost_estimated;
}

int64_t usage_or_0(int64_t count)
{
    return count == USAGE_UNKNOWN ? 0 : count;
}
