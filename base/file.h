/*
 * Files and folders as weir wants them: 0600 and 0700 whatever the umask, closed on exec, read with
 * a cap.
 *
 * Threads: any. Paths are NUL-terminated; what gives a path gives it to the caller (free()).
 */
#ifndef WEIR_BASE_FILE_H
#define WEIR_BASE_FILE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* XDG base directories; a relative value is ignored as the specification says, then $HOME, then the
 * user database. */
enum xdg_dir { XDG_CONFIG, XDG_DATA, XDG_STATE, XDG_CACHE, XDG_RUNTIME };
/* ".../weir/NAME", nothing is created. ERR_NOT_FOUND when there is no home (and no runtime folder).
 */
enum err_code file_xdg_path(enum xdg_dir dir, const char *name, char **ret_path,
                            struct err *err) NODISCARD;

/* Makes the folder that holds `path`, and those above it that are missing, 0700. What exists keeps
 * its mode. ERR_CANNOT_CREATE whatever the reason; the text says which. */
enum err_code file_make_parent(const char *path, struct err *err) NODISCARD;
/* open() with O_CLOEXEC; a file it makes is 0600 in spite of the umask. ERR_NOT_FOUND,
 * ERR_READ_ONLY, ERR_IO … */
enum err_code file_open(const char *path, int flags, int *ret_fd, struct err *err) NODISCARD;
/* Appends the whole file to `out`; ERR_TOO_BIG past the buffer's maximum, ERR_INVALID for a folder
 * or a pipe. On failure `out` is as it was. */
enum err_code file_read(const char *path, struct buf *out, struct err *err) NODISCARD;
/* Replaces `path` by a temporary file and rename(), synced: readers see the old or the new content,
 * never a part. The new file is 0600; a link is followed and stays. */
enum err_code file_write_atomic(const char *path, struct sv content, struct err *err) NODISCARD;
/* Writes all of it, through EINTR and short writes. Gives 0 or an errno (EAGAIN too, where the
 * descriptor does not block). */
int file_write_all(int fd, const char *bytes, size_t length);
bool file_exists(const char *path);
/* A pipe, a device, a socket: is written to, since replacing it would take it away from everybody.
 */
bool file_is_special(const char *path);
/* What a symbolic link stands for; the path itself where it is none, or leads nowhere. For free().
 */
char *file_behind_link(const char *path) NODISCARD;
/* Readable or writable by group or others, not the user's own, or not there: unfit to hold a key.
 */
bool file_is_exposed(const char *path);

#endif
