/*
 * Bells: how one process hears that another one has committed, or is gone. Internal to this floor.
 *
 * Every process has a file of its own beside the database, its process lock, and writes a byte to
 * it after each commit. Who follows others watches their files, and the folder for files that come;
 * its own it does not watch, so that its own commits wake nobody. When a process ends, however it
 * ends, its file is closed, and that is seen too.
 *
 * Where files cannot be watched, bells_open gives ERR_UNSUPPORTED and the follower looks from time
 * to time.
 *
 * Threads: one owner. Source: inotify(7).
 */
#ifndef WEIR_STORE_BELLS_INTERNAL_H
#define WEIR_STORE_BELLS_INTERNAL_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/ulid.h"

struct bells;

enum bells_heard { BELLS_SILENT = 0, BELLS_RANG = 1, BELLS_LEFT = 2 };

/* `folder` holds the process locks; `self` is not watched. */
enum err_code bells_open(const char *folder, const struct ulid *self, struct bells **ret_bells,
                         struct err *err) NODISCARD;
void bells_close(struct bells *bells); /* NULL is fine */
int bells_fd(const struct bells *bells);
/* What was heard since the last call: bits. Never waits. */
unsigned bells_listen(struct bells *bells);
/* A file could not be watched (there are only so many watches): not every process is heard. */
bool bells_deaf(const struct bells *bells);

#endif
