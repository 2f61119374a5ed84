/* Any bytes as an answer in the protocol 'ollama'; see tests/fuzz/codec_rules.h. */
#include "tests/fuzz/codec_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return rules_check(&codec_ollama, data, size);
}
