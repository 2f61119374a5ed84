/* NDJSON splitter: a line that lies whole in the input is given where it lies. */
#include "app/ndjson.h"

#include <string.h>

void ndjson_init(struct ndjson *ndjson, size_t max_line, ndjson_line_fn *handler, void *ctx)
{
    *ndjson = (struct ndjson){.handler = handler, .ctx = ctx};
    buf_init(&ndjson->line, max_line);
}

void ndjson_release(struct ndjson *ndjson)
{
    if (ndjson) {
        buf_release(&ndjson->line);
    }
}

static void give(struct ndjson *ndjson, struct sv line)
{
    struct sv text = sv_trim(line);
    if (text.n) {
        ndjson->handler(ndjson->ctx, text);
    }
}

/* The line ends with `tail`. */
static void take_end(struct ndjson *ndjson, struct sv tail)
{
    if (tail.n > ndjson->line.max || (ndjson->line.n && !buf_append_sv(&ndjson->line, tail))) {
        ndjson->failed = true;
    } else if (ndjson->line.n) {
        give(ndjson, buf_sv(&ndjson->line));
        buf_clear(&ndjson->line);
    } else {
        give(ndjson, tail);
    }
}

enum err_code ndjson_feed(struct ndjson *ndjson, struct sv bytes, struct err *err)
{
    while (bytes.n && !ndjson->failed) {
        size_t end = sv_find(bytes, '\n');
        if (end < bytes.n) {
            take_end(ndjson, sv_take(bytes, end));
        } else if (!buf_append_sv(&ndjson->line, bytes)) {
            ndjson->failed = true;
        }
        bytes = sv_skip(bytes, end + 1);
    }
    if (ndjson->failed) {
        size_t max = ndjson->line.max;
        ndjson_release(ndjson);
        return err_set(err, ERR_TOO_BIG, "one line of the stream is larger than %zu bytes", max);
    }
    return ERR_OK;
}

void ndjson_end(struct ndjson *ndjson)
{
    if (!ndjson->failed && ndjson->line.n) {
        give(ndjson, buf_sv(&ndjson->line));
        buf_clear(&ndjson->line);
    }
}
