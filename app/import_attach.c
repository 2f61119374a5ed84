/* What is attached, as imports bring it. */
#include <string.h>

#include "app/import.h"

static int digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

bool import_decode(struct buf *out, struct sv text)
{
    uint32_t bits = 0;
    size_t n = 0;
    while (text.n > 0 && text.p[text.n - 1] == '=') {
        text.n--;
    }
    for (size_t i = 0; i < text.n; i++) {
        int digit = digit_of(text.p[i]);
        if (digit < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)digit;
        n += 6;
        if (n >= 8) {
            n -= 8;
            (void)buf_append_byte(out, (char)(bits >> n & 255));
        }
    }
    return buf_ok(out);
}

enum err_code import_attachment(struct import *import, struct sv type, struct sv bytes,
                                char ret_id[ATTACHMENT_ID_LENGTH + 1], struct err *err)
{
    struct attachment added;
    attachment_id(bytes, ret_id);
    if (!import->options->store || import->skips) {
        return ERR_OK;
    }
    enum err_code code =
        attachment_add(import->options->store, type.n > 0 ? type : SV("application/octet-stream"),
                       bytes, &added, err);
    if (code == ERR_INVALID || code == ERR_TOO_BIG) {
        import_refuse(import, "an attachment", err ? err->text : "it cannot be stored");
        return ERR_OK;
    }
    return code;
}
