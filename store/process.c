/*
 * Who is alive: lock files of processes, and the lock that keeps a migration alone.
 *
 * A process's file is made under another name and renamed once it is locked. So a file with an id
 * for its name is locked for as long as its process lives, and one that is missing has no process:
 * it ended in good order, or its remains were cleared away.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/lockfile_internal.h"
#include "store/store_internal.h"

#define RUN_FOLDER "-run"
#define UNFINISHED ".new"

/* How long a process that starts waits for one that migrates. */
#define SHARED_WAIT_US CLOCK_S(5)

/* Somebody who clears away may take the unfinished file; more often than this it is no accident. */
#define TAKE_TRIES 20

struct process_lock {
    struct ulid id;
    char *folder;
    char *path;
    int fd;
    off_t bell; /* where the byte is that a ring writes again: the newline after the number */
};

static char *process_file(const char *db_path, const struct ulid *owner)
{
    char *folder = lockfile_beside(db_path, RUN_FOLDER);
    char *path = xasprintf("%s/%s", folder, owner->text);
    free(folder);
    return path;
}

/* Where the number does not fit on the disk any more, the process is held by its lock alone. */
static void write_number(struct process_lock *lock)
{
    char number[24];
    int n = snprintf(number, sizeof(number), "%ld\n", (long)getpid());
    bool whole = pwrite(lock->fd, number, (size_t)n, 0) == n;
    lock->bell = whole ? n - 1 : 0;
}

/* Opens, locks and names the file. ERR_BUSY, ERR_NOT_FOUND: it was cleared away in between. */
static enum err_code make_lock(struct process_lock *lock, struct err *err)
{
    char *unfinished = xasprintf("%s" UNFINISHED, lock->path);
    enum err_code code = file_open(unfinished, O_RDWR | O_CREAT | O_EXCL, &lock->fd, err);
    if (code != ERR_OK) {
        free(unfinished);
        return code;
    }
    int errnum = lockfile_try(lock->fd, LOCK_EXCLUSIVE);
    write_number(lock);
    if (errnum == 0 && rename(unfinished, lock->path) != 0) {
        errnum = errno;
    }
    if (errnum != 0) {
        code = err_set_errno(err, errnum, "cannot lock '%s'", lock->path);
        (void)unlink(unfinished);
        (void)close(lock->fd);
        lock->fd = -1;
    }
    free(unfinished);
    return code;
}

static bool is_held(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno != ENOENT;
    }
    /* Shared: two who ask at once must not take each other for the owner. */
    bool held = lockfile_try(fd, LOCK_SHARED) != 0;
    (void)close(fd);
    return held;
}

/* Removes what processes left that were killed. Their attempts are found by the missing file. */
static void clear_away(const char *folder)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        struct ulid id;
        if (!ulid_parse(sv_take(sv_from(entry->d_name), ULID_LENGTH), &id)) {
            continue;
        }
        char *path = xasprintf("%s/%s", folder, entry->d_name);
        if (!is_held(path)) {
            (void)unlink(path);
        }
        free(path);
    }
    (void)closedir(dir);
}

enum err_code process_lock_take(const char *db_path, struct process_lock **ret_lock,
                                struct err *err)
{
    struct process_lock *lock = xcalloc(1, sizeof(*lock));
    lock->fd = -1;
    lock->id = ulid_new();
    lock->folder = lockfile_beside(db_path, RUN_FOLDER);
    lock->path = xasprintf("%s/%s", lock->folder, lock->id.text);
    enum err_code code = file_make_parent(lock->path, err);
    struct err why = {ERR_OK, ""};
    for (int i = 0; code == ERR_OK && lock->fd < 0 && i < TAKE_TRIES; i++) {
        enum err_code made = make_lock(lock, &why);
        if (made != ERR_OK && made != ERR_BUSY && made != ERR_NOT_FOUND) {
            break;
        }
    }
    if (code == ERR_OK && lock->fd < 0) {
        code = err_set(err, why.code, "%s", why.text);
    }
    if (code != ERR_OK) {
        process_lock_release(lock);
        return code;
    }
    clear_away(lock->folder);
    *ret_lock = lock;
    return ERR_OK;
}

void process_lock_release(struct process_lock *lock)
{
    if (lock == NULL) {
        return;
    }
    if (lock->fd >= 0) {
        (void)unlink(lock->path);
        (void)close(lock->fd);
    }
    free(lock->folder);
    free(lock->path);
    free(lock);
}

const struct ulid *process_lock_id(const struct process_lock *lock)
{
    return &lock->id;
}

void process_lock_ring(const struct process_lock *lock)
{
    if (lock != NULL) {
        /* A full disk does not matter: the byte is there since the file was made. */
        ssize_t written = pwrite(lock->fd, "\n", 1, lock->bell);
        (void)written;
    }
}

const char *process_lock_folder(const struct process_lock *lock)
{
    return lock->folder;
}

bool process_is_gone(const char *db_path, const struct ulid *owner)
{
    if (!ulid_is_set(owner)) {
        return false;
    }
    char *path = process_file(db_path, owner);
    bool gone = !is_held(path);
    free(path);
    return gone;
}

long process_pid(const char *db_path, const struct ulid *owner)
{
    char text[24] = "";
    char *path = process_file(db_path, owner);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    free(path);
    if (fd < 0) {
        return 0;
    }
    ssize_t n = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    uint64_t number = 0;
    bool sound = n > 0 && sv_to_u64(sv_trim(sv_of(text, (size_t)n)), &number);
    return sound && number <= INT32_MAX ? (long)number : 0;
}

void process_forget(const char *db_path, const struct ulid *owner)
{
    if (!process_is_gone(db_path, owner)) {
        return;
    }
    char *path = process_file(db_path, owner);
    (void)unlink(path);
    free(path);
}

/* Migration lock */

static void sleep_1ms(void)
{
    struct timespec ms = {.tv_nsec = 1000000};
    (void)nanosleep(&ms, NULL);
}

/* 0, EWOULDBLOCK once the deadline has passed, or why it cannot be told. Tries at least once. */
static int lock_until(int fd, enum lock_mode mode, int64_t deadline_us)
{
    int errnum = lockfile_try(fd, mode);
    while (errnum == EWOULDBLOCK && clock_mono_us() < deadline_us) {
        sleep_1ms();
        errnum = lockfile_try(fd, mode);
    }
    return errnum;
}

enum err_code migration_lock_shared(const char *db_path, int *ret_fd, struct err *err)
{
    int fd = -1;
    char *path = lockfile_beside(db_path, "-lock");
    enum err_code code = file_open(path, O_RDWR | O_CREAT, &fd, err);
    free(path);
    if (code != ERR_OK) {
        return code;
    }
    int errnum = lock_until(fd, LOCK_SHARED, clock_mono_us() + SHARED_WAIT_US);
    if (errnum == 0) {
        *ret_fd = fd;
        return ERR_OK;
    }
    (void)close(fd);
    if (errnum == EWOULDBLOCK) {
        return err_set(err, ERR_BUSY, "cannot open '%s': another process upgrades it", db_path);
    }
    return err_set_errno(err, errnum, "cannot lock '%s'", db_path);
}

enum err_code migration_lock_upgrade(int fd, int64_t deadline_us, struct err *err)
{
    /* Given up first: two who keep their shared lock and wait for the other's would both wait for
     * ever. */
    int errnum = lockfile_try(fd, LOCK_NONE);
    if (errnum == 0) {
        errnum = lock_until(fd, LOCK_EXCLUSIVE, deadline_us);
    }
    if (errnum == 0) {
        return ERR_OK;
    }
    migration_lock_downgrade(fd);
    if (errnum == EWOULDBLOCK) {
        return err_set(err, ERR_BUSY, "cannot upgrade the database: other processes use it");
    }
    return err_set_errno(err, errnum, "cannot lock the database");
}

void migration_lock_downgrade(int fd)
{
    /* Cannot be refused for long: who holds it exclusively either migrates or has just looked. */
    (void)lock_until(fd, LOCK_SHARED, clock_mono_us() + SHARED_WAIT_US);
}
