/* The private store's file: a folder of its own for as long as connections are being opened, then
 * nothing with a name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/core_internal.h"

enum err_code private_make(char **ret_path, struct err *err)
{
    const char *folder = getenv("TMPDIR");
    char *path = xasprintf("%s/weir-XXXXXX", folder && folder[0] == '/' ? folder : "/tmp");
    if (!mkdtemp(path)) {
        enum err_code code = err_set_errno(err, errno, "cannot make a folder like '%s'", path);
        free(path);
        return code;
    }
    *ret_path = xasprintf("%s/weir.db", path);
    free(path);
    return ERR_OK;
}

void private_remove(const char *path)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        char *file = xasprintf("%s%s", path, endings[i]);
        unlink(file);
        free(file);
    }
    char *folder = xstrdup(path);
    *strrchr(folder, '/') = '\0';
    rmdir(folder);
    free(folder);
}
