/*
 * A copy of the database while others write. The source is read in one transaction, so that what
 * is copied is one moment's and no writer makes the copy begin again; in the log's mode a reader
 * holds nobody up. In steps, so that the disk is not taken by it alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/db_struct.h"
#include "store/doctor.h"
#include "store/store_internal.h"

/* 512 KiB: a step takes a few ms. */
#define PAGES_PER_STEP 256
/* How long a lock on the source is waited for, on a network file system. */
#define PATIENCE_US CLOCK_S(30)

static bool is_same_file(const char *a, const char *b)
{
    struct stat first;
    struct stat second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

static enum err_code copy_pages(struct db *from, sqlite3 *to, const char *name, struct err *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from->handle, "main");
    int64_t until = clock_mono_us() + PATIENCE_US;
    int rc = backup ? SQLITE_OK : sqlite3_errcode(to);
    while (backup && (rc == SQLITE_OK || (rc == SQLITE_BUSY && clock_mono_us() < until))) {
        int64_t began = clock_mono_us();
        rc = sqlite3_backup_step(backup, PAGES_PER_STEP);
        if (rc == SQLITE_OK || rc == SQLITE_BUSY) {
            store_rest(began);
        }
    }
    int errnum = sqlite3_system_errno(to);
    int finished = sqlite3_backup_finish(backup);
    rc = rc == SQLITE_DONE ? finished : rc;
    if (rc == SQLITE_OK) {
        return ERR_OK;
    }
    if ((rc & 0xff) == SQLITE_FULL || errnum == ENOSPC) {
        return err_set(err, ERR_DISK_FULL, "cannot write '%s': disk is full", name);
    }
    enum err_code code = (rc & 0xff) == SQLITE_BUSY      ? ERR_BUSY
                         : (rc & 0xff) == SQLITE_CORRUPT ? ERR_CORRUPT
                                                         : ERR_IO;
    return err_set(err, code, "cannot copy to '%s': %s", name, sqlite3_errstr(rc));
}

/* The file is there already, empty and 0600. */
static enum err_code copy_into(struct db *from, const char *name, struct err *err)
{
    sqlite3 *to = NULL;
    char *plain = name[0] == '/' ? xstrdup(name) : xasprintf("./%s", name);
    int rc = sqlite3_open_v2(plain, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_PRIVATECACHE, NULL);
    free(plain);
    enum err_code code = rc == SQLITE_OK
                             ? copy_pages(from, to, name, err)
                             : err_set(err, ERR_CANNOT_CREATE, "cannot write '%s'", name);
    (void)sqlite3_close_v2(to);
    return code;
}

static enum err_code sync_file(const char *name, struct err *err)
{
    int fd = -1;
    enum err_code code = file_open(name, O_RDONLY, &fd, err);
    if (code == ERR_OK && fsync(fd) != 0) {
        code = err_set_errno(err, errno, "cannot write '%s'", name);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return code;
}

static enum err_code copy_moment(struct db *from, const char *partial, struct err *err)
{
    /* The first read is what fixes the moment. */
    enum err_code code = db_exec(from, "BEGIN; SELECT count(*) FROM sqlite_schema", err);
    if (code == ERR_OK) {
        code = copy_into(from, partial, err);
    }
    db_rollback(from);
    return code ? code : sync_file(partial, err);
}

static enum err_code back_up(struct db *from, const char *to, struct err *err)
{
    int fd = -1;
    struct stat info;
    if (lstat(to, &info) == 0) {
        return err_set(err, ERR_EXISTS, "'%s' is there already: nothing was copied", to);
    }
    char *partial = xasprintf("%s.partial", to);
    (void)unlink(partial);
    enum err_code code = file_open(partial, O_RDWR | O_CREAT | O_EXCL, &fd, err);
    if (code == ERR_OK) {
        (void)close(fd);
        code = copy_moment(from, partial, err);
        if (code == ERR_OK && rename(partial, to) != 0) {
            code = err_set_errno(err, errno, "cannot write '%s'", to);
        }
        if (code) {
            (void)unlink(partial);
        }
    }
    free(partial);
    return code;
}

enum err_code doctor_backup(const char *path, const char *to, struct err *err)
{
    struct db *db = NULL;
    int version = 0;
    if (is_same_file(path, to)) {
        return err_set(err, ERR_INVALID, "'%s' is the database itself", to);
    }
    enum err_code code = db_open(path, DB_READ, &db, err);
    if (code == ERR_OK) {
        code = migrate_check(db, &version, err);
    }
    if (code == ERR_OK) {
        code = back_up(db, to, err);
    }
    db_close(db);
    return code;
}
