/* From names in a prompt to attachments. */
#include "app/chat_attach.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "ui/mention.h"

#define PUNCTUATION ".,;:!?)]}'"

static char *path_of(struct sv name)
{
    const char *home = getenv("HOME");
    if (sv_starts_with(name, SV("~/")) && home) {
        return xasprintf("%s/%.*s", home, SV_ARG(sv_skip(name, 2)));
    }
    /* "-" alone would be stdin. */
    return sv_equal_str(name, "-") ? xstrdup("./-") : xstrndup(name.p, name.n);
}

/* A file, or a folder whose name says so: other things than these may wait for ever when they are
 * read. */
static bool is_meant(const char *path)
{
    struct stat info;
    size_t n = strlen(path);
    if (stat(path, &info) != 0) {
        return false;
    }
    return S_ISREG(info.st_mode) || (S_ISDIR(info.st_mode) && n > 1 && path[n - 1] == '/');
}

/* For free(); NULL: there is no such file. */
static char *find(struct sv name)
{
    for (;;) {
        char *path = path_of(name);
        if (is_meant(path)) {
            return path;
        }
        free(path);
        if (name.n < 2 || !strchr(PUNCTUATION, name.p[name.n - 1])) {
            return NULL;
        }
        name = sv_take(name, name.n - 1);
    }
}

/* The same content twice is one attachment. */
static void drop_repeated(struct headless_attachments *attachments, size_t from)
{
    size_t kept = from;
    for (size_t i = from; i < attachments->count; i++) {
        bool repeated = false;
        for (size_t k = 0; k < kept && !repeated; k++) {
            repeated = strcmp(attachments->ids[k], attachments->ids[i]) == 0 &&
                       strcmp(attachments->names[k], attachments->names[i]) == 0;
        }
        if (repeated) {
            attachments->bytes -= attachments->contents[i].n;
            buf_release(&attachments->contents[i]);
            free(attachments->names[i]);
            free(attachments->ids[i]);
            continue;
        }
        attachments->items[kept] = attachments->items[i];
        attachments->contents[kept] = attachments->contents[i];
        attachments->names[kept] = attachments->names[i];
        attachments->ids[kept] = attachments->ids[i];
        kept++;
    }
    attachments->count = kept;
}

static void remark_on(struct sv name, char **ret_remark)
{
    bool looks_like_one = sv_find(name, '/') < name.n;
    if (looks_like_one && !*ret_remark) {
        *ret_remark = xasprintf("not attached: there is no file '%.*s'", SV_ARG(name));
    }
}

static enum err_code attach_one(struct headless_attachments *attachments,
                                const struct mention *mention, char **ret_remark, struct err *err)
{
    char *path = mention->quoted ? path_of(mention->path) : find(mention->path);
    if (!path) {
        remark_on(mention->path, ret_remark);
        return ERR_OK;
    }
    enum err_code code = ERR_OK;
    size_t before = attachments->count;
    if (mention->quoted && !is_meant(path)) {
        code = err_set(err, ERR_INVALID, "cannot attach '%s': there is no such file", path);
    }
    code = code ? code : headless_attach(attachments, path, NULL, err);
    drop_repeated(attachments, before);
    free(path);
    return code;
}

enum err_code chat_attach(struct store *store, struct sv prompt,
                          struct headless_attachments *attachments, char **ret_remark,
                          struct err *err)
{
    struct mention mention;
    enum err_code code = ERR_OK;
    size_t at = 0;
    *ret_remark = NULL;
    attachments->is_screen = true;
    while (!code && mention_next(prompt, &at, &mention)) {
        code = attach_one(attachments, &mention, ret_remark, err);
    }
    return code ? code : headless_attach_store(attachments, store, err);
}
