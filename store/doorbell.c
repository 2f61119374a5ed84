/*
 * Doorbell: a file of one byte. Writing it wakes whoever has it under inotify or kqueue; watching
 * the database's own files would miss the last commit, whose log is written before it is visible.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "store/lockfile_internal.h"
#include "store/store_internal.h"

int doorbell_open(const char *db_path)
{
    int fd = -1;
    char *path = lockfile_beside(db_path, "-bell");
    if (file_open(path, O_WRONLY | O_CREAT, &fd, NULL) != ERR_OK) {
        fd = -1;
    }
    free(path);
    return fd;
}

void doorbell_ring(int fd)
{
    if (fd < 0) {
        return;
    }
    /* A full disk does not matter: the byte is there since the first ring. */
    ssize_t written = pwrite(fd, "", 1, 0);
    (void)written;
}
