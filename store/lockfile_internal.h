/*
 * Lock files: advisory locks on whole files, held by an open file. Internal to this floor.
 *
 * The lock belongs to the open file description, not to the process: closing another descriptor of
 * the same file does not drop it, and two descriptors of one process exclude each other. It goes
 * when the last descriptor is closed, also when the process is killed.
 *
 * The files lie beside the database. Its path is resolved first, so that all processes meet on the
 * same file whichever link they came by.
 *
 * Threads: any.
 */
#ifndef WEIR_STORE_LOCKFILE_INTERNAL_H
#define WEIR_STORE_LOCKFILE_INTERNAL_H

#include "base/attr.h"
#include "base/err.h"

enum lock_mode { LOCK_NONE, LOCK_SHARED, LOCK_EXCLUSIVE };

/* Never waits. 0, EWOULDBLOCK (held by somebody else), or why it cannot be told. Changing the mode
 * may lose the lock held before. */
int lockfile_try(int fd, enum lock_mode mode) NODISCARD;

/* The resolved path of the database with `suffix` after it. Gives; free(). */
char *lockfile_beside(const char *db_path, const char *suffix) NODISCARD;

#endif
