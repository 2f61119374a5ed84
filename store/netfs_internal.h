/*
 * Network file systems: where SQLite's write-ahead log must not be used, since its index is shared
 * memory. Internal to this floor.
 *
 * Threads: any.
 */
#ifndef WEIR_STORE_NETFS_INTERNAL_H
#define WEIR_STORE_NETFS_INTERNAL_H

#include <stdbool.h>

/* Whether `path`, an existing file or folder, lies on one. False when it cannot be told. */
bool netfs_holds(const char *path);

#endif
