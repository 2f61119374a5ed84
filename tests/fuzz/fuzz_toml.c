/* Any bytes as a configuration: the walk ends, and what it shows is inside the document. */
#include <stdint.h>
#include <stdlib.h>

#include "app/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err_code look_at(void *ctx, const struct toml_item *item, struct err *err)
{
    (void)err;
    size_t *bytes = ctx;
    if (item->depth < 1 || item->depth > TOML_DEPTH_MAX || item->line < 1) {
        abort();
    }
    for (size_t i = 0; i < item->depth; i++) {
        *bytes += item->path[i].n;
    }
    for (size_t i = 0; i < item->text_count; i++) {
        *bytes += item->texts[i].n;
    }
    return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    size_t bytes = 0;
    enum err_code code = toml_walk("fuzz", sv_of((const char *)data, size), look_at, &bytes, &err);
    if (code != ERR_OK && (err.code != code || !err.text[0])) {
        abort();
    }
    return 0;
}
