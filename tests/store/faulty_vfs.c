#include "tests/store/faulty_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"

#define SECTOR 512

struct faulty_file {
    sqlite3_file base;
    struct disk *disk; /* NULL: not one of those that are recorded */
    sqlite3_file *real;
};

/* What the disk certainly holds of a file, and what was written since the last sync. */
struct pending_write {
    sqlite3_int64 offset;
    int length; /* -1: truncated to `offset` */
    char *bytes;
};

struct disk {
    struct disk *next;
    char *path;
    char *synced;
    size_t synced_n;
    struct pending_write *writes;
    size_t count, cap;
};

static struct {
    pthread_mutex_t lock; /* Guards: all below. Leaf. */
    sqlite3_vfs *real;
    unsigned kinds, countdown, struck;
    int code;
    bool sticky, recording;
    struct disk *disks;
} faults = {.lock = PTHREAD_MUTEX_INITIALIZER};

void fault_arm(unsigned kinds, unsigned nth, int code, bool sticky)
{
    pthread_mutex_lock(&faults.lock);
    faults.kinds = kinds;
    faults.countdown = nth;
    faults.code = code;
    faults.sticky = sticky;
    faults.struck = 0;
    pthread_mutex_unlock(&faults.lock);
}

unsigned fault_struck(void)
{
    pthread_mutex_lock(&faults.lock);
    unsigned struck = faults.struck;
    pthread_mutex_unlock(&faults.lock);
    return struck;
}

/* SQLITE_OK, or what this call is to fail with. */
static int strike(unsigned kind)
{
    int code = SQLITE_OK;
    pthread_mutex_lock(&faults.lock);
    if (faults.countdown > 0 && (faults.kinds & kind)) {
        if (faults.countdown > 1) {
            faults.countdown--;
        } else {
            faults.countdown = faults.sticky ? 1 : 0;
            faults.struck++;
            code = faults.code;
        }
    }
    pthread_mutex_unlock(&faults.lock);
    return code;
}

/* ---- the record of what is not synced ---- */

static struct disk *find_disk(const char *path)
{
    struct disk *disk = faults.disks;
    while (disk && strcmp(disk->path, path) != 0) {
        disk = disk->next;
    }
    return disk;
}

static void read_synced(struct disk *disk)
{
    FILE *file = fopen(disk->path, "rb");
    if (!file) {
        return;
    }
    fseek(file, 0, SEEK_END);
    disk->synced_n = (size_t)ftell(file);
    rewind(file);
    disk->synced = xrealloc(disk->synced, disk->synced_n + 1);
    disk->synced_n = fread(disk->synced, 1, disk->synced_n, file);
    fclose(file);
}

static struct disk *disk_for(const char *path)
{
    pthread_mutex_lock(&faults.lock);
    struct disk *disk = faults.recording && path ? find_disk(path) : NULL;
    if (faults.recording && path && !disk) {
        disk = xcalloc(1, sizeof(*disk));
        disk->path = xstrdup(path);
        disk->next = faults.disks;
        faults.disks = disk;
        read_synced(disk);
    }
    pthread_mutex_unlock(&faults.lock);
    return disk;
}

static void note(struct disk *disk, const void *bytes, int length, sqlite3_int64 offset)
{
    if (!disk) {
        return;
    }
    pthread_mutex_lock(&faults.lock);
    if (disk->count == disk->cap) {
        disk->cap = disk->cap ? disk->cap * 2 : 64;
        disk->writes = xrealloc(disk->writes, disk->cap * sizeof(*disk->writes));
    }
    struct pending_write *write = &disk->writes[disk->count++];
    *write = (struct pending_write){.offset = offset, .length = length};
    if (length > 0) {
        write->bytes = xstrndup("", 0);
        write->bytes = xrealloc(write->bytes, (size_t)length);
        memcpy(write->bytes, bytes, (size_t)length);
    }
    pthread_mutex_unlock(&faults.lock);
}

struct image {
    char *bytes;
    size_t n;
};

/* Room for all of them at once: a log of megabytes is not to be copied for each sector. */
static void image_reserve(struct image *image, const struct disk *disk)
{
    size_t end = image->n;
    for (size_t i = 0; i < disk->count; i++) {
        const struct pending_write *write = &disk->writes[i];
        size_t last = (size_t)write->offset + (size_t)(write->length > 0 ? write->length : 0);
        end = last > end ? last : end;
    }
    image->bytes = xrealloc(image->bytes, end + 1);
}

static void image_write(struct image *image, const char *bytes, size_t length, size_t offset)
{
    if (offset + length > image->n) {
        memset(image->bytes + image->n, 0, offset + length - image->n);
        image->n = offset + length;
    }
    memcpy(image->bytes + offset, bytes, length);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* `seed` NULL: all of it. Otherwise each sector by a coin. */
static void image_apply(struct image *image, const struct pending_write *write, uint64_t *seed)
{
    if (write->length < 0) {
        if ((!seed || next_random(seed) & 1) && (size_t)write->offset < image->n) {
            image->n = (size_t)write->offset;
        }
        return;
    }
    for (int at = 0; at < write->length;) {
        int in_sector = SECTOR - (int)((write->offset + at) % SECTOR);
        int length = write->length - at < in_sector ? write->length - at : in_sector;
        if (!seed || next_random(seed) & 1) {
            image_write(image, write->bytes + at, (size_t)length, (size_t)(write->offset + at));
        }
        at += length;
    }
}

static void settle_synced(struct disk *disk)
{
    if (!disk) {
        return;
    }
    pthread_mutex_lock(&faults.lock);
    struct image image = {disk->synced, disk->synced_n};
    image_reserve(&image, disk);
    for (size_t i = 0; i < disk->count; i++) {
        image_apply(&image, &disk->writes[i], NULL);
        free(disk->writes[i].bytes);
    }
    disk->count = 0;
    disk->synced = image.bytes;
    disk->synced_n = image.n;
    pthread_mutex_unlock(&faults.lock);
}

static void drop_disks(void)
{
    while (faults.disks) {
        struct disk *disk = faults.disks;
        faults.disks = disk->next;
        for (size_t i = 0; i < disk->count; i++) {
            free(disk->writes[i].bytes);
        }
        free(disk->writes);
        free(disk->synced);
        free(disk->path);
        free(disk);
    }
}

/* Files have to be closed when the recording is switched off. */
void fault_record(bool on)
{
    pthread_mutex_lock(&faults.lock);
    faults.recording = on;
    if (!on) {
        drop_disks();
    }
    pthread_mutex_unlock(&faults.lock);
}

bool fault_cut(const char *from, const char *to, uint64_t seed)
{
    pthread_mutex_lock(&faults.lock);
    const struct disk *disk = find_disk(from);
    if (disk) {
        uint64_t state = seed * 2654435761u + 88172645463325252u;
        struct image image = {NULL, disk->synced_n};
        image_reserve(&image, disk);
        if (disk->synced_n > 0) {
            memcpy(image.bytes, disk->synced, disk->synced_n);
        }
        for (size_t i = 0; i < disk->count; i++) {
            image_apply(&image, &disk->writes[i], &state);
        }
        FILE *file = fopen(to, "wb");
        if (file) {
            fwrite(image.bytes, 1, image.n, file);
            fclose(file);
        }
        free(image.bytes);
    }
    pthread_mutex_unlock(&faults.lock);
    return disk != NULL;
}

/* ---- the file methods ---- */

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct faulty_file *)file)->real;
}

static int f_close(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    int rc = real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
    free(real);
    return rc;
}

static int f_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset)
{
    int rc = strike(FAULT_READ);
    return rc ? rc : real_of(file)->pMethods->xRead(real_of(file), bytes, length, offset);
}

static int f_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset)
{
    int rc = strike(FAULT_WRITE);
    if (rc == SQLITE_OK) {
        rc = real_of(file)->pMethods->xWrite(real_of(file), bytes, length, offset);
    }
    if (rc == SQLITE_OK) {
        note(((struct faulty_file *)file)->disk, bytes, length, offset);
    }
    return rc;
}

static int f_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = strike(FAULT_TRUNCATE);
    if (rc == SQLITE_OK) {
        rc = real_of(file)->pMethods->xTruncate(real_of(file), size);
    }
    if (rc == SQLITE_OK) {
        note(((struct faulty_file *)file)->disk, NULL, -1, size);
    }
    return rc;
}

static int f_sync(sqlite3_file *file, int flags)
{
    int rc = strike(FAULT_SYNC);
    if (rc == SQLITE_OK) {
        settle_synced(((struct faulty_file *)file)->disk);
    }
    return rc ? rc : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int f_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int f_lock(sqlite3_file *file, int level)
{
    int rc = strike(FAULT_LOCK);
    return rc ? rc : real_of(file)->pMethods->xLock(real_of(file), level);
}

static int f_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int f_check_lock(sqlite3_file *file, int *held)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), held);
}

static int f_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int f_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

/* The real one promises that a sector is never torn by power loss, which this disk does not keep.
 */
static int f_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file)) &
           ~SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int f_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **map)
{
    int rc = strike(FAULT_SHM);
    return rc ? rc : real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, map);
}

static int f_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    int rc = flags & SQLITE_SHM_UNLOCK ? SQLITE_OK : strike(FAULT_SHM);
    return rc ? rc : real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void f_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int f_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = f_close,
    .xRead = f_read,
    .xWrite = f_write,
    .xTruncate = f_truncate,
    .xSync = f_sync,
    .xFileSize = f_size,
    .xLock = f_lock,
    .xUnlock = f_unlock,
    .xCheckReservedLock = f_check_lock,
    .xFileControl = f_control,
    .xSectorSize = f_sector,
    .xDeviceCharacteristics = f_characteristics,
    .xShmMap = f_shm_map,
    .xShmLock = f_shm_lock,
    .xShmBarrier = f_shm_barrier,
    .xShmUnmap = f_shm_unmap,
};

static int v_open(sqlite3_vfs *vfs UNUSED, sqlite3_filename name, sqlite3_file *file, int flags,
                  int *ret_flags)
{
    struct faulty_file *faulty = (struct faulty_file *)file;
    memset(faulty, 0, sizeof(*faulty));
    int rc = strike(FAULT_OPEN);
    if (rc) {
        return rc;
    }
    faulty->real = xcalloc(1, (size_t)faults.real->szOsFile);
    rc = faults.real->xOpen(faults.real, name, faulty->real, flags, ret_flags);
    if (rc != SQLITE_OK) {
        free(faulty->real);
        return rc;
    }
    faulty->disk = disk_for(name);
    faulty->base.pMethods = &methods;
    return SQLITE_OK;
}

static int v_delete(sqlite3_vfs *vfs UNUSED, const char *name, int sync)
{
    return faults.real->xDelete(faults.real, name, sync);
}

static int v_access(sqlite3_vfs *vfs UNUSED, const char *name, int flags, int *result)
{
    return faults.real->xAccess(faults.real, name, flags, result);
}

static int v_full_path(sqlite3_vfs *vfs UNUSED, const char *name, int size, char *out)
{
    return faults.real->xFullPathname(faults.real, name, size, out);
}

/* ---- memory ---- */

static sqlite3_mem_methods memory;

static void *m_malloc(int size)
{
    return strike(FAULT_MEMORY) ? NULL : memory.xMalloc(size);
}

static void *m_realloc(void *old, int size)
{
    return strike(FAULT_MEMORY) ? NULL : memory.xRealloc(old, size);
}

/* Without the memory that each connection sets aside, so that each allocation may be refused. */
static void install_memory(void)
{
    static sqlite3_mem_methods failing;
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory);
    failing = memory;
    failing.xMalloc = m_malloc;
    failing.xRealloc = m_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
}

void fault_install(void)
{
    static sqlite3_vfs vfs;
    install_memory();
    sqlite3_initialize();
    faults.real = sqlite3_vfs_find(NULL);
    vfs = *faults.real;
    vfs.zName = "faulty";
    vfs.szOsFile = (int)sizeof(struct faulty_file);
    vfs.xOpen = v_open;
    vfs.xDelete = v_delete;
    vfs.xAccess = v_access;
    vfs.xFullPathname = v_full_path;
    sqlite3_vfs_register(&vfs, 1);
}
