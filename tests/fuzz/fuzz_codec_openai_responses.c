/* Any bytes as an answer of OpenAI Responses; see tests/fuzz/codec_rules.h. */
#include "tests/fuzz/codec_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return rules_check(&codec_openai_responses, data, size);
}
