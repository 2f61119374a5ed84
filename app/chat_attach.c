/* From names in a prompt to attachments. */
#include "app/chat_attach.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/chat_missing.h"
#include "base/alloc.h"
#include "ui/mention.h"

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
    for (; name.n; name = chat_name_without_mark(name)) {
        char *path = chat_path_of(name);
        if (is_meant(path)) {
            return path;
        }
        free(path);
    }
    return NULL;
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

static enum err_code attach_one(struct headless_attachments *attachments,
                                const struct mention *mention, struct chat_missing *missing,
                                struct err *err)
{
    char *path = mention->quoted ? chat_path_of(mention->path) : find(mention->path);
    if (!path) {
        chat_missing_note(missing, mention->path);
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
    struct chat_missing missing;
    enum err_code code = ERR_OK;
    size_t at = 0;
    chat_missing_init(&missing);
    attachments->is_screen = true;
    while (!code && mention_next(prompt, &at, &mention)) {
        code = attach_one(attachments, &mention, &missing, err);
    }
    *ret_remark = chat_missing_text(&missing);
    chat_missing_release(&missing);
    return code ? code : headless_attach_store(attachments, store, err);
}
