/*
 * Database connection: opening and closing.
 *
 * Opening for reading touches the file as late as it can: settings that need no look at it are made
 * by sqlite3_db_config, the schema is read by the first statement.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "store/db_struct.h"
#include "store/lockfile_internal.h"
#include "store/netfs_internal.h"
#include "store/store_internal.h"

static pthread_once_t set_up = PTHREAD_ONCE_INIT;

/* How long opening for writing waits for others that start at the same moment. */
#define OPEN_WAIT_US CLOCK_S(5)

/*
 * Measured with SQLite 3.40 (WAL, NORMAL, 20,000 flushes of 13 bytes, each its own commit, a
 * checkpoint every 1,000): pages of 4,096 bytes write 84.3 MB at 12.0 µs a flush, 2,048 write
 * 43.2 MB at 10.2 µs, 1,024 write 22.8 MB at 9.5 µs. An answer of 8 MiB folded into its part costs
 * 15, 20 and 28 ms. 2,048 halves what is written for good at a small price for folding.
 */
#define PAGE_SIZE_PRAGMA "PRAGMA page_size=2048"

/* What is deleted is overwritten, so that a purge finds nothing left of it in free pages. */
#define WRITING_PRAGMAS                                                                            \
    "PRAGMA synchronous=NORMAL; PRAGMA journal_size_limit=67108864; PRAGMA secure_delete=ON"

/* Anything but a file would be waited for (a pipe) or harmed (a device). */
static enum err_code check_is_file(const char *path, enum db_mode mode, struct err *err)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        if (errno == ENOENT && mode == DB_WRITE) {
            return ERR_OK;
        }
        return err_set_errno(err, errno, "cannot open '%s'", path);
    }
    if (!S_ISREG(info.st_mode)) {
        return err_set(err, ERR_CORRUPT, "cannot open '%s': it is not a file", path);
    }
    return ERR_OK;
}

/*
 * Makes the file before SQLite does, which would leave its mode to the umask; the -wal and -shm
 * files get the mode of this one. Only ever a new one: closing a descriptor of a file that is open
 * in this process would drop SQLite's own locks on it.
 */
static enum err_code make_file(const char *path, struct err *err)
{
    struct err why = {ERR_OK, ""};
    int fd = -1;
    enum err_code code = file_make_parent(path, &why);
    if (code == ERR_OK) {
        code = file_open(path, O_RDWR | O_CREAT | O_EXCL, &fd, &why);
    }
    if (code == ERR_OK) {
        (void)close(fd);
        return ERR_OK;
    }
    if (code == ERR_EXISTS) {
        return ERR_OK;
    }
    if (code != ERR_DISK_FULL && code != ERR_READ_ONLY) {
        code = ERR_CANNOT_CREATE;
    }
    return err_set(err, code, "%s", why.text);
}

/* A name that SQLite cannot take for something else (":memory:", "file:x?mode=rwc"). */
static char *plain_name(const char *path)
{
    return path[0] == '/' ? xstrdup(path) : xasprintf("./%s", path);
}

/*
 * A clean database in a folder that cannot be written to: without -wal and -shm, which cannot be
 * made there, it opens only as one that nobody changes.
 */
static bool is_immutable(const char *path)
{
    char *folder = xstrdup(path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        slash[slash == folder ? 1 : 0] = '\0';
    }
    bool immutable = access(slash != NULL ? folder : ".", W_OK) != 0;
    if (immutable) {
        char *wal = xasprintf("%s-wal", path);
        immutable = access(wal, F_OK) != 0;
        free(wal);
    }
    free(folder);
    return immutable;
}

/* A URI of the path, with whatever means something in a URI escaped. */
static char *immutable_uri(const char *path)
{
    struct buf uri = BUF_INIT(BUF_MAX_INTERNAL);
    (void)buf_append_str(&uri, "file:");
    for (const char *p = path; *p != '\0'; p++) {
        if (strchr("%?#", *p) != NULL) {
            (void)buf_appendf(&uri, "%%%02X", (unsigned)(unsigned char)*p);
        } else {
            (void)buf_append_byte(&uri, *p);
        }
    }
    (void)buf_append_str(&uri, "?immutable=1");
    return buf_detach(&uri);
}

/* Nobody asks SQLite how much it has allocated. Counting that takes a lock for each allocation: a
 * fifteenth of the time to a first frame. */
static void set_up_sqlite(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum err_code open_handle(struct db *db, enum db_mode mode, struct err *err)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    char *name = NULL;
    if (mode == DB_WRITE) {
        flags |= SQLITE_OPEN_READWRITE;
        name = plain_name(db->path);
    } else if (is_immutable(db->path)) {
        flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
        char *plain = plain_name(db->path);
        name = immutable_uri(plain);
        free(plain);
    } else {
        flags |= SQLITE_OPEN_READONLY;
        name = plain_name(db->path);
    }
    int rc = sqlite3_open_v2(name, &db->handle, flags, NULL);
    free(name);
    if (db->handle == NULL) {
        return err_set(err, ERR_NO_MEMORY, "cannot open '%s': out of memory", db->path);
    }
    if (rc != SQLITE_OK) {
        return db__fail(db, rc, "open", err);
    }
    /* Asked for writing, SQLite opens a file that is read-only for reading. */
    if (mode == DB_WRITE && sqlite3_db_readonly(db->handle, "main") == 1) {
        return err_set(err, ERR_READ_ONLY, "cannot write '%s': read-only", db->path);
    }
    return ERR_OK;
}

/* None of these looks at the file. */
static enum err_code set_safe(struct db *db, struct err *err)
{
    (void)sqlite3_busy_handler(db->handle, db__busy, db);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    /* Under mmap an I/O error is a SIGBUS; temporary tables must not land in a shared folder. */
    return db_exec(db, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY",
                   err);
}

/*
 * Changing the journal mode takes locks that SQLite does not call the busy handler for, since two
 * who wait for each other there would wait for ever: whoever comes second tries again.
 */
static enum err_code set_journal(struct db *db, const char *pragma, bool *ret_wal, struct err *err)
{
    struct err why = {ERR_OK, ""};
    enum err_code code;
    do {
        struct sqlite3_stmt *stmt = db_prepare(db, pragma, &why);
        if (db_step(db, stmt, &why)) {
            *ret_wal = sv_equal_nocase(db_column_text(stmt, 0), SV("wal"));
            db_reset(stmt);
            return ERR_OK;
        }
        code = db_result(db);
        if (code == ERR_BUSY) {
            db__sleep_1ms();
        }
    } while (code == ERR_BUSY && clock_mono_us() < db->deadline);
    return err_set(err, code, "%s", why.text);
}

/* Where shared memory does not reach the others, one process may write. */
static enum err_code own_network_file(struct db *db, struct err *err)
{
    char *path = lockfile_beside(db->path, "-owner");
    enum err_code code = file_open(path, O_RDWR | O_CREAT, &db->owner_fd, err);
    free(path);
    if (code != ERR_OK) {
        return code;
    }
    int errnum = lockfile_try(db->owner_fd, LOCK_EXCLUSIVE);
    if (errnum == EWOULDBLOCK) {
        return err_set(err, ERR_BUSY,
                       "cannot write '%s': another process uses it, and it is on a network file "
                       "system",
                       db->path);
    }
    if (errnum != 0) {
        return err_set_errno(err, errnum, "cannot lock '%s'", db->path);
    }
    log_write(LOG_WARN, "'%s' is on a network file system: one process at a time", db->path);
    return ERR_OK;
}

/* Held exclusively, a database that was in WAL mode opens without shared memory. */
static enum err_code enter_network_file(struct db *db, struct err *err)
{
    enum err_code code = own_network_file(db, err);
    if (code != ERR_OK) {
        return code;
    }
    return db_exec(db, "PRAGMA locking_mode=EXCLUSIVE", err);
}

static enum err_code set_rollback_journal(struct db *db, struct err *err)
{
    bool wal = false;
    db->rollback_journal = true;
    enum err_code code = set_journal(db, "PRAGMA journal_mode=DELETE", &wal, err);
    if (code != ERR_OK) {
        return code;
    }
    /* The read after the change is what gives the lock back. */
    return db_exec(db, "PRAGMA locking_mode=NORMAL; SELECT count(*) FROM sqlite_schema", err);
}

static enum err_code set_write_ahead(struct db *db, struct err *err)
{
    bool wal = false;
    enum err_code code = set_journal(db, "PRAGMA journal_mode=WAL", &wal, err);
    db->rollback_journal = !wal;
    return code;
}

/* What is not ours, or beyond us, must stay as it is: not even a checkpoint at the close. */
static enum err_code check_untouched(struct db *db, struct err *err)
{
    int version;
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    enum err_code code = migrate_check(db, &version, err);
    if (code == ERR_OK) {
        (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    }
    return code;
}

static enum err_code prepare_writing(struct db *db, struct err *err)
{
    bool network = netfs_holds(db->path);
    enum err_code code = network ? enter_network_file(db, err) : ERR_OK;
    if (code == ERR_OK) {
        code = check_untouched(db, err);
    }
    if (code == ERR_OK) {
        code = db_exec(db, PAGE_SIZE_PRAGMA, err);
    }
    if (code == ERR_OK) {
        code = network ? set_rollback_journal(db, err) : set_write_ahead(db, err);
    }
    if (code == ERR_OK) {
        (void)sqlite3_wal_autocheckpoint(db->handle, 0);
        (void)sqlite3_wal_hook(db->handle, db__on_commit, db);
        code = db_exec(db, WRITING_PRAGMAS, err);
    }
    return code;
}

enum err_code db_open(const char *path, enum db_mode mode, struct db **ret_db, struct err *err)
{
    enum err_code code = check_is_file(path, mode, err);
    if (code == ERR_OK && mode == DB_WRITE) {
        code = make_file(path, err);
    }
    if (code != ERR_OK) {
        return code;
    }
    struct db *db = xcalloc(1, sizeof(*db));
    db->path = xstrdup(path);
    db->owner_fd = -1;
    db->reads = mode == DB_READ;
    db->deadline = clock_mono_us() + OPEN_WAIT_US;
    (void)pthread_once(&set_up, set_up_sqlite);
    code = open_handle(db, mode, err);
    if (code == ERR_OK) {
        code = set_safe(db, err);
    }
    if (code == ERR_OK && mode == DB_WRITE) {
        code = prepare_writing(db, err);
    }
    if (code != ERR_OK) {
        db_close(db);
        return code;
    }
    db->deadline = 0;
    *ret_db = db;
    return ERR_OK;
}

void db_close(struct db *db)
{
    if (db == NULL) {
        return;
    }
    for (size_t i = 0; i < db->cache_cap; i++) {
        (void)sqlite3_finalize(db->cache[i].stmt);
    }
    free(db->cache);
    (void)sqlite3_close_v2(db->handle);
    if (db->owner_fd >= 0) {
        (void)close(db->owner_fd);
    }
    free(db->path);
    free(db);
}
