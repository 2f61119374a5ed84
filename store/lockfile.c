/*
 * Lock files. Open file description locks where there are any (Linux), else flock, which has the
 * same owner.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/lockfile_internal.h"

#if defined(F_OFD_SETLK)

int lockfile_try(int fd, enum lock_mode mode)
{
    static const short types[] = {F_UNLCK, F_RDLCK, F_WRLCK};
    struct flock lock = {.l_type = types[mode], .l_whence = SEEK_SET};
    int rc;
    do {
        rc = fcntl(fd, F_OFD_SETLK, &lock);
    } while (rc != 0 && errno == EINTR);
    if (rc == 0) {
        return 0;
    }
    return errno == EACCES || errno == EAGAIN ? EWOULDBLOCK : errno;
}

#else

int lockfile_try(int fd, enum lock_mode mode)
{
    static const int operations[] = {LOCK_UN, LOCK_SH | LOCK_NB, LOCK_EX | LOCK_NB};
    int rc;
    do {
        rc = flock(fd, operations[mode]);
    } while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : errno;
}

#endif

/* A database that is not there yet is resolved by its folder. */
static char *resolve_by_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash != NULL ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
    char *resolved = realpath(folder, NULL);
    char *full = NULL;
    if (resolved != NULL) {
        full = xasprintf("%s/%s", resolved, slash != NULL ? slash + 1 : path);
    }
    free(resolved);
    free(folder);
    return full;
}

char *lockfile_beside(const char *db_path, const char *suffix)
{
    char *resolved = realpath(db_path, NULL);
    if (resolved == NULL) {
        resolved = resolve_by_folder(db_path);
    }
    char *beside = xasprintf("%s%s", resolved != NULL ? resolved : db_path, suffix);
    free(resolved);
    return beside;
}
