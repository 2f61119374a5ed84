/*
 * Usage of Chat Completions and its dialects. The input they report includes what came from the
 * cache and what went into it; ours does not.
 */
#include "app/codec_openai_chat_internal.h"
#include "app/json.h"

static int64_t first_known(int64_t a, int64_t b)
{
    return a != USAGE_UNKNOWN ? a : b;
}

static int64_t cache_read(const cJSON *usage, const cJSON *details)
{
    int64_t count = json_get_count(details, "cached_tokens");
    count = first_known(count, json_get_count(usage, "prompt_cache_hit_tokens")); /* DeepSeek */
    return first_known(count, json_get_count(usage, "num_cached_tokens"));        /* Mistral */
}

/* OpenRouter says what it charged, in dollars. */
static int64_t cost_of(const cJSON *usage)
{
    const cJSON *cost = json_get(usage, "cost");
    bool sane = cJSON_IsNumber(cost) && cost->valuedouble >= 0 && cost->valuedouble < 1e9;
    return sane ? (int64_t)(cost->valuedouble * 1e6 + 0.5) : USAGE_UNKNOWN;
}

struct usage openai_chat__usage(const cJSON *usage)
{
    struct usage result = usage_unknown();
    const cJSON *details = json_get(usage, "prompt_tokens_details");
    if (!cJSON_IsObject(details)) {
        details = json_get(usage, "prompt_token_details"); /* Mistral's spelling */
    }
    result.cache_read_tokens = cache_read(usage, details);
    result.cache_write_tokens = json_get_count(details, "cache_write_tokens");
    int64_t uncached =
        codec_tokens_without(json_get_count(usage, "prompt_tokens"), result.cache_read_tokens);
    result.input_tokens = codec_tokens_without(uncached, result.cache_write_tokens);
    result.output_tokens = json_get_count(usage, "completion_tokens");
    result.reasoning_tokens =
        json_get_count(json_get(usage, "completion_tokens_details"), "reasoning_tokens");
    result.cost_micros = cost_of(usage);
    return result;
}
