/*
 * Chat Completions: the dialects of its servers, one row each; what a row does not name is as at
 * OpenAI's older models, which most servers follow.
 *
 * Source: the services' references and what they were seen to refuse (as of 2026).
 */
#include <string.h>

#include "app/codec_encode.h"
#include "app/codec_openai_chat_internal.h"

#define BEARER "Authorization: Bearer "

/* The first one is spoken by servers that no row knows. */
static const struct chat_dialect dialects[] = {
    {.name = "generic", .max_tokens = "max_tokens", .key_header = BEARER},
    {.name = "openai",
     .domain = "openai.com",
     .max_tokens = "max_completion_tokens",
     .key_header = BEARER,
     .has_reasoners = true},
    {.name = "azure",
     .domain = "azure.com",
     .max_tokens = "max_completion_tokens",
     .key_header = "api-key: ",
     .has_reasoners = true,
     .has_deployments = true},
    {.name = "openrouter",
     .domain = "openrouter.ai",
     .max_tokens = "max_tokens",
     .key_header = BEARER,
     .effort = CHAT_EFFORT_OBJECT,
     .returns_details = true},
    {.name = "groq",
     .domain = "groq.com",
     .max_tokens = "max_completion_tokens",
     .key_header = BEARER,
     .has_reasoning_format = true},
    {.name = "deepseek",
     .domain = "deepseek.com",
     .max_tokens = "max_tokens",
     .key_header = BEARER,
     .effort = CHAT_EFFORT_SWITCH,
     .returns_reasoning = true,
     .has_no_schemas = true},
    {.name = "mistral",
     .domain = "mistral.ai",
     .max_tokens = "max_tokens",
     .key_header = BEARER,
     .prefill = CHAT_PREFILL_MARKED,
     .has_short_ids = true,
     .sends_usage_unasked = true},
    {.name = "google",
     .domain = "googleapis.com",
     .max_tokens = "max_tokens",
     .key_header = BEARER,
     .returns_details = true},
    {.name = "llama.cpp",
     .max_tokens = "max_tokens",
     .key_header = BEARER,
     .prefill = CHAT_PREFILL_PLAIN},
    {.name = "ollama", .max_tokens = "max_tokens", .key_header = BEARER},
    {.name = "vllm", .max_tokens = "max_tokens", .key_header = BEARER},
    {.name = "lmstudio", .max_tokens = "max_tokens", .key_header = BEARER},
};

static const struct chat_dialect *dialect_named(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(dialects); i++) {
        if (strcmp(dialects[i].name, name) == 0) {
            return &dialects[i];
        }
    }
    return NULL;
}

const struct chat_dialect *openai_chat__dialect(const struct chat_request *request)
{
    const struct chat_dialect *named = request->dialect ? dialect_named(request->dialect) : NULL;
    for (size_t i = 0; !named && i < COUNT_OF(dialects); i++) {
        if (dialects[i].domain && codec_host_is(request->host, sv_from(dialects[i].domain))) {
            named = &dialects[i];
        }
    }
    return named ? named : &dialects[0];
}

const char *codec_openai_dialect(size_t index)
{
    return index < COUNT_OF(dialects) ? dialects[index].name : NULL;
}
