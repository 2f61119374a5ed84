/* What is wrong with a line of the config, always with the file, the line and the key. */
#include <stdlib.h>

#include "app/config_internal.h"
#include "base/alloc.h"

/* "store.path", as it stands in the document. */
static void append_path(struct buf *out, const struct toml_item *item)
{
    for (size_t i = 0; i < item->depth; i++) {
        buf_append_str(out, i ? "." : "");
        buf_append_sv(out, item->path[i]);
    }
}

static const char *type_text(enum toml_type type)
{
    static const char *const texts[] = {
        [TOML_TEXT] = "a text",    [TOML_INTEGER] = "a whole number",
        [TOML_FLOAT] = "a number", [TOML_BOOLEAN] = "true or false",
        [TOML_DATE] = "a date",    [TOML_TEXTS] = "an array of texts",
        [TOML_ARRAY] = "an array", [TOML_TABLE] = "a table",
    };
    return texts[type];
}

/* "NAME:LINE: 'path' WHAT" */
enum err_code config__complain(const struct loader *loader, const struct toml_item *item,
                               const char *what, struct err *err)
{
    struct buf path = BUF_INIT(BUF_MAX_INTERNAL);
    append_path(&path, item);
    err_set(err, ERR_CONFIG, "%s:%u: '%s' %s", loader->name, item->line, buf_cstr(&path), what);
    buf_release(&path);
    return ERR_CONFIG;
}

enum err_code config__complain_type(const struct loader *loader, const struct toml_item *item,
                                    const char *expected, struct err *err)
{
    char *what = xasprintf("must be %s, not %s", expected, type_text(item->type));
    enum err_code code = config__complain(loader, item, what, err);
    free(what);
    return code;
}

enum err_code config__complain_value(const struct loader *loader, const struct toml_item *item,
                                     const char *expected, struct err *err)
{
    char *what = item->type == TOML_TEXT
                     ? xasprintf("is \"%.*s\", expected %s", SV_ARG(item->text), expected)
                     : xasprintf("is %.15g, expected %s", item->number, expected);
    enum err_code code = config__complain(loader, item, what, err);
    free(what);
    return code;
}

enum err_code config__complain_unknown(const struct loader *loader, const struct toml_item *item,
                                       struct err *err)
{
    struct buf path = BUF_INIT(BUF_MAX_INTERNAL);
    append_path(&path, item);
    char *near = config_key_suggest(item->path, item->depth);
    err_set(err, ERR_CONFIG, "%s:%u: unknown key '%s'%s%s%s", loader->name, item->line,
            buf_cstr(&path), near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    free(near);
    buf_release(&path);
    return ERR_CONFIG;
}
