/*
 * Any bytes as text for a terminal. The first byte chooses the flags, the second where the text is
 * cut: what comes out is the same either way, valid UTF-8, and holds no control character.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/safe.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_output(struct sv text)
{
    if (utf8_valid_prefix(text.p, text.n) != text.n) {
        abort();
    }
    for (size_t i = 0; i < text.n; i++) {
        unsigned char byte = (unsigned char)text.p[i];
        bool is_c1 = byte == 0xC2 && i + 1 < text.n && (unsigned char)text.p[i + 1] < 0xA0;
        if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F || is_c1) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    unsigned flags = data[0] & (SAFE_MARK_INVISIBLE | SAFE_ONE_LINE);
    struct sv text = sv_of((const char *)data + 2, size - 2);
    struct buf whole;
    struct buf pieces;
    buf_init(&whole, 1 << 20);
    buf_init(&pieces, 1 << 20);
    bool fits = safe_append(&whole, text, flags);

    struct safe_stream stream;
    safe_init(&stream, flags);
    bool also_fits = safe_feed(&stream, sv_take(text, data[1]), &pieces) &&
                     safe_feed(&stream, sv_skip(text, data[1]), &pieces) &&
                     safe_end(&stream, &pieces);
    if (fits != also_fits || (fits && !sv_equal(buf_sv(&whole), buf_sv(&pieces)))) {
        abort();
    }
    check_output(buf_sv(&whole));
    buf_release(&whole);
    buf_release(&pieces);
    return 0;
}
