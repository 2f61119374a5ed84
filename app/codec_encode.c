/* Encoding: URLs. */
#include "app/codec_encode.h"

#include <string.h>

bool codec_host_is(const char *host, struct sv domain)
{
    struct sv name = sv_from(host);
    if (!sv_ends_with(name, domain)) {
        return false;
    }
    return name.n == domain.n || name.p[name.n - domain.n - 1] == '.';
}

static bool is_unreserved(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("-._~", c));
}

void codec_append_segment(struct buf *out, struct sv text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (is_unreserved(text.p[i])) {
            (void)buf_append_byte(out, text.p[i]);
        } else {
            (void)buf_appendf(out, "%%%02X", (unsigned)(unsigned char)text.p[i]);
        }
    }
}
