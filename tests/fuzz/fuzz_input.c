/* Any bytes from a terminal: what comes out is valid, without controls, and does not depend on how
 * the bytes were cut. The first byte says where. */
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "ui/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void record(void *ctx, const struct input_event *event)
{
    struct buf *log = ctx;
    bool text = event->key == INPUT_TEXT || event->key == INPUT_PASTE;
    if (!text) {
        buf_appendf(log, "<%d %u %u>", (int)event->key, event->modifiers, (unsigned)event->cp);
        return;
    }
    const char *bytes = event->text.n ? event->text.p : "";
    if (utf8_valid_prefix(bytes, event->text.n) != event->text.n) {
        abort();
    }
    for (size_t i = 0; i < event->text.n; i++) {
        bool passes = event->key == INPUT_PASTE && (bytes[i] == '\n' || bytes[i] == '\t');
        if (((unsigned char)bytes[i] < 0x20 && !passes) || bytes[i] == 0x7F) {
            abort();
        }
    }
    buf_append_str(log, event->key == INPUT_PASTE ? "[" : "");
    buf_append_sv(log, event->text);
    buf_append_str(log, event->key == INPUT_PASTE ? "]" : "");
}

static void feed(const char *bytes, size_t size, size_t step, struct buf *log)
{
    struct input *input = input_new();
    for (size_t at = 0; at < size; at += step) {
        input_feed(input, bytes + at, size - at < step ? size - at : step, record, log);
    }
    while (input_patience(input) >= 0) {
        input_timeout(input, record, log);
    }
    input_free(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct buf whole = BUF_INIT(BUF_MAX_INTERNAL);
    struct buf cut = BUF_INIT(BUF_MAX_INTERNAL);
    const char *bytes = (const char *)data + 1;
    feed(bytes, size - 1, size, &whole);
    feed(bytes, size - 1, 1u + data[0] % 16u, &cut);
    if (!sv_equal(buf_sv(&whole), buf_sv(&cut))) {
        abort();
    }
    buf_release(&whole);
    buf_release(&cut);
    return 0;
}
