/* Files and folders: private modes, whole reads and writes, replacement by rename. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#define PRIVATE_FILE 0600
#define PRIVATE_FOLDER 0700

static const struct {
    const char *variable;
    const char *under_home; /* NULL: nothing stands in for the variable */
} xdg[] = {
    [XDG_CONFIG] = {"XDG_CONFIG_HOME", ".config"},
    [XDG_DATA] = {"XDG_DATA_HOME", ".local/share"},
    [XDG_STATE] = {"XDG_STATE_HOME", ".local/state"},
    [XDG_CACHE] = {"XDG_CACHE_HOME", ".cache"},
    [XDG_RUNTIME] = {"XDG_RUNTIME_DIR", NULL},
};

/* The home folder as text for free(), or NULL. */
static char *home_folder(void)
{
    const char *home = getenv("HOME");
    if (home && home[0] == '/') {
        return xstrdup(home);
    }
    struct passwd entry;
    struct passwd *found = NULL;
    size_t size = 16384;
    char *space = xmalloc(size);
    char *result = NULL;
    if (getpwuid_r(getuid(), &entry, space, size, &found) == 0 && found && found->pw_dir &&
        found->pw_dir[0] == '/') {
        result = xstrdup(found->pw_dir);
    }
    free(space);
    return result;
}

enum err_code file_xdg_path(enum xdg_dir dir, const char *name, char **ret_path, struct err *err)
{
    const char *rest = name ? name : "";
    const char *slash = rest[0] ? "/" : "";
    const char *base = getenv(xdg[dir].variable);
    if (base && base[0] == '/') {
        *ret_path = xasprintf("%s/weir%s%s", base, slash, rest);
        return ERR_OK;
    }
    if (!xdg[dir].under_home) {
        return err_set(err, ERR_NOT_FOUND, "no runtime folder: %s is not set", xdg[dir].variable);
    }
    char *home = home_folder();
    if (!home) {
        return err_set(err, ERR_NOT_FOUND, "no home folder: neither %s nor HOME is set",
                       xdg[dir].variable);
    }
    *ret_path = xasprintf("%s/%s/weir%s%s", home, xdg[dir].under_home, slash, rest);
    free(home);
    return ERR_OK;
}

/* Gives 0 or an errno. Looks before it makes: on a read-only or guarded parent mkdir() fails with
 * EROFS or EACCES even where the folder is there. */
static int make_folder(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0) {
        return S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
    }
    if (mkdir(path, PRIVATE_FOLDER) == 0) {
        return chmod(path, PRIVATE_FOLDER) == 0 ? 0 : errno;
    }
    int failure = errno;
    if (failure == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        return 0; /* Another process was faster. */
    }
    return failure;
}

enum err_code file_make_parent(const char *path, struct err *err)
{
    char *folder = xstrdup(path);
    enum err_code code = ERR_OK;
    for (char *slash = strchr(folder + (folder[0] == '/'), '/'); slash && !code;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int failure = make_folder(folder);
        if (failure) {
            code = err_set_errno(err, failure, "cannot make folder '%s'", folder);
        }
        *slash = '/';
    }
    free(folder);
    if (code) {
        code = ERR_CANNOT_CREATE;
        if (err) {
            err->code = code;
        }
    }
    return code;
}

static int open_retrying(const char *path, int flags)
{
    int fd;
    do {
        fd = open(path, flags, PRIVATE_FILE);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/* Makes the file or fails with EEXIST. */
static int open_new(const char *path, int flags)
{
    int fd = open_retrying(path, flags | O_CREAT | O_EXCL);
    if (fd >= 0 && fchmod(fd, PRIVATE_FILE) < 0) {
        int failure = errno;
        close(fd);
        errno = failure;
        return -1;
    }
    return fd;
}

/* Whether this call makes the file must be known, since only then its mode is ours to set. The last
 * try is for a link whose target is missing, which exists and yet cannot be opened. */
static int open_or_make(const char *path, int flags)
{
    for (int tries = 0; tries < 3; tries++) {
        int fd = open_retrying(path, flags & ~O_CREAT);
        if (fd >= 0 || errno != ENOENT) {
            return fd;
        }
        fd = open_new(path, flags);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
    return open_retrying(path, flags);
}

enum err_code file_open(const char *path, int flags, int *ret_fd, struct err *err)
{
    int fd;
    flags |= O_CLOEXEC;
    if ((flags & O_CREAT) && (flags & O_EXCL)) {
        fd = open_new(path, flags);
    } else if (flags & O_CREAT) {
        fd = open_or_make(path, flags);
    } else {
        fd = open_retrying(path, flags);
    }
    if (fd < 0) {
        return err_set_errno(err, errno, "cannot open '%s'", path);
    }
    *ret_fd = fd;
    return ERR_OK;
}

/* Only what has an end and never waits: files, and devices such as /dev/null. */
static enum err_code check_readable(int fd, const char *path, struct err *err)
{
    struct stat info;
    if (fstat(fd, &info) < 0) {
        return err_set_errno(err, errno, "cannot read '%s'", path);
    }
    if (S_ISDIR(info.st_mode)) {
        return err_set(err, ERR_INVALID, "cannot read '%s': it is a folder", path);
    }
    if (!S_ISREG(info.st_mode) && !S_ISCHR(info.st_mode)) {
        return err_set(err, ERR_INVALID, "cannot read '%s': it is not a file", path);
    }
    return ERR_OK;
}

static enum err_code read_all(int fd, const char *path, struct buf *out, struct err *err)
{
    char bytes[16384];
    for (;;) {
        ssize_t got = read(fd, bytes, sizeof(bytes));
        if (got == 0) {
            return ERR_OK;
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_set_errno(err, errno, "cannot read '%s'", path);
        }
        if (!buf_ok(out) || (size_t)got > out->max - out->n) {
            return err_set(err, ERR_TOO_BIG, "cannot read '%s': larger than %zu bytes", path,
                           out->max);
        }
        buf_append(out, bytes, (size_t)got);
    }
}

enum err_code file_read(const char *path, struct buf *out, struct err *err)
{
    int fd = -1;
    size_t before = out->n;
    /* Without O_NONBLOCK a pipe without a writer would hold the open() for good. */
    enum err_code code = file_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd, err);
    if (code) {
        return code;
    }
    code = check_readable(fd, path, err);
    if (!code) {
        code = read_all(fd, path, out, err);
    }
    if (code) {
        buf_truncate(out, before);
    }
    close(fd);
    return code;
}

int file_write_all(int fd, const char *bytes, size_t length)
{
    size_t done = 0;
    while (done < length) {
        ssize_t written = write(fd, bytes + done, length - done);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return written < 0 ? errno : EIO;
        }
        done += (size_t)written;
    }
    return 0;
}

/* Gives 0 or an errno. Some file systems have nothing to sync and say EINVAL. */
static int sync_fd(int fd)
{
    int result;
    do {
        result = fsync(fd);
    } while (result < 0 && errno == EINTR);
    return result == 0 || errno == EINVAL ? 0 : errno;
}

/* A rename is only on the disk once its folder is. */
static int sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder =
        slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup(".");
    int fd = open_retrying(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (fd < 0) {
        return errno == EACCES ? 0 : errno; /* A folder that may be written but not listed. */
    }
    int failure = sync_fd(fd);
    close(fd);
    return failure;
}

/* Writes `content` to the fresh file `fd` and closes it. Gives 0 or an errno. */
static int fill(int fd, struct sv content)
{
    int failure = fchmod(fd, PRIVATE_FILE) < 0 ? errno : 0;
    if (!failure) {
        failure = file_write_all(fd, content.p, content.n);
    }
    if (!failure) {
        failure = sync_fd(fd);
    }
    if (close(fd) < 0 && !failure && errno != EINTR) {
        failure = errno;
    }
    return failure;
}

static int replace_file(const char *target, struct sv content)
{
    char *temporary = xasprintf("%s.XXXXXX", target);
    int fd = mkostemp(temporary, O_CLOEXEC);
    int failure = fd < 0 ? errno : fill(fd, content);
    if (!failure && rename(temporary, target) < 0) {
        failure = errno;
    }
    if (failure && fd >= 0) {
        unlink(temporary);
    }
    free(temporary);
    return failure ? failure : sync_folder_of(target);
}

enum err_code file_write_atomic(const char *path, struct sv content, struct err *err)
{
    /* A link stays a link: what it points to is replaced. */
    char *target = realpath(path, NULL);
    int failure = replace_file(target ? target : path, content);
    free(target);
    if (failure) {
        return err_set_errno(err, failure, "cannot write '%s'", path);
    }
    return ERR_OK;
}

bool file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

bool file_is_special(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

char *file_behind_link(const char *path)
{
    struct stat info;
    bool is_link = lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
    char *behind = is_link ? realpath(path, NULL) : NULL;
    return behind ? behind : xstrdup(path);
}

bool file_is_exposed(const char *path)
{
    struct stat info;
    if (stat(path, &info) < 0) {
        return true;
    }
    return info.st_uid != geteuid() || (info.st_mode & (S_IRGRP | S_IROTH | S_IWGRP | S_IWOTH));
}
