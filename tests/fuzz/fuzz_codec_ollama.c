/* Any bytes as an answer in the protocol 'ollama': it ends once, and all of its texts are valid. */
#include "app/codec.h"
#include "tests/fuzz/codec_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    codec_fuzz(&codec_ollama, data, size);
    return 0;
}
