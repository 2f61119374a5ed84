/*
 * Doctor: examining. A table of counts, and a few checks that are not one.
 */
#include "store/doctor.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "store/db_struct.h"
#include "store/doctor_internal.h"
#include "store/lockfile_internal.h"
#include "store/netfs_internal.h"
#include "store/store_internal.h"

/* Lines of an integrity check that are shown: one page of noise gives hundreds. */
#define LINES_SHOWN 10

const char *doctor_state_text(enum doctor_state state)
{
    static const char *const texts[] = {"fine", "note", "bad"};
    return (unsigned)state < COUNT_OF(texts) ? texts[state] : "";
}

void doctor_report_release(struct doctor_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        free(report->findings[i].text);
    }
    free(report->findings);
    *report = (struct doctor_report){NULL, 0};
}

enum doctor_state doctor_verdict(const struct doctor_report *report)
{
    enum doctor_state worst = DOCTOR_FINE;
    for (size_t i = 0; i < report->count; i++) {
        worst = report->findings[i].state > worst ? report->findings[i].state : worst;
    }
    return worst;
}

/* wide: printf. */
void doctor__add(struct doctor_report *report, const char *check, enum doctor_state state,
                 int64_t value, const char *format, ...)
{
    char text[ERR_TEXT_SIZE];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    report->findings = xrealloc(report->findings, (report->count + 1) * sizeof(*report->findings));
    report->findings[report->count++] = (struct doctor_finding){check, state, value, xstrdup(text)};
}

/* ---- the database's own checks ---- */

/* SQLite refuses a file with such faults at all, but for who may mend its schema. Nothing is
 * written. */
enum err_code doctor__open(const char *path, struct db **ret_db, struct err *err)
{
    struct db *db = NULL;
    enum err_code code = db_open(path, DB_READ, &db, err);
    if (code == ERR_OK) {
        (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
        code = db_exec(db, "PRAGMA writable_schema=ON", err);
    }
    if (code) {
        db_close(db);
        return code;
    }
    *ret_db = db;
    return ERR_OK;
}

/* A schema that cannot be read is passed over by a connection that may mend it, with the tables
 * that it names: whether a program can use the file only an ordinary one tells. */
static enum err_code read_schema(const char *path, struct err *err)
{
    struct db *db = NULL;
    enum err_code code = db_open(path, DB_READ, &db, err);
    if (code == ERR_OK) {
        code = db_exec(db, "SELECT count(*) FROM sqlite_schema", err);
    }
    db_close(db);
    return code;
}

bool doctor__is_whole(struct db *db, struct doctor_report *report)
{
    struct err err = {ERR_OK, ""};
    struct sqlite3_stmt *stmt = db_prepare(db, "PRAGMA integrity_check(1000)", &err);
    int64_t lines = 0;
    bool whole = false;
    while (db_step(db, stmt, &err)) {
        struct sv line = db_column_text(stmt, 0);
        whole = lines == 0 && sv_equal(line, SV("ok"));
        if (!whole && report && lines < LINES_SHOWN) {
            doctor__add(report, "integrity", DOCTOR_BAD, -1, "%.*s", SV_ARG(sv_take(line, 300)));
        }
        lines++;
    }
    if (db_result(db) && report) {
        doctor__add(report, "integrity", DOCTOR_BAD, -1, "%s", err.text);
    }
    whole = whole && db_result(db) == ERR_OK;
    if (whole && read_schema(db_path(db), &err)) {
        whole = false;
        if (report) {
            doctor__add(report, "integrity", DOCTOR_BAD, -1, "%s", err.text);
        }
    }
    return whole;
}

int64_t doctor__count_orphans(struct db *db)
{
    int64_t count = 0;
    struct sqlite3_stmt *stmt = db_prepare(db, "PRAGMA foreign_key_check", NULL);
    while (db_step(db, stmt, NULL)) {
        count++;
    }
    return db_result(db) ? -1 : count;
}

static void check_database(struct db *db, struct doctor_report *report)
{
    if (doctor__is_whole(db, report)) {
        doctor__add(report, "integrity", DOCTOR_FINE, -1, "every page and every index is sound");
    }
    int64_t orphans = doctor__count_orphans(db);
    doctor__add(report, "references", orphans == 0 ? DOCTOR_FINE : DOCTOR_BAD, orphans,
                orphans < 0 ? "cannot be checked" : "rows that refer to one that is not there");
}

/* ---- counts ---- */

static const struct count {
    const char *check;
    enum doctor_state state; /* when it is not 0 */
    const char *sql;
    const char *text;
} counts[] = {
    {"sessions", DOCTOR_FINE, "SELECT count(*) FROM session WHERE deleted_at IS NULL", "sessions"},
    {"messages", DOCTOR_FINE, "SELECT count(*) FROM message", "messages"},
    {"trash", DOCTOR_NOTE, "SELECT count(*) FROM session WHERE deleted_at IS NOT NULL",
     "sessions in the trash ('weir session purge --trash' removes them for good)"},
    {"trash", DOCTOR_NOTE, "SELECT count(*) FROM message WHERE deleted_at IS NOT NULL",
     "messages in the trash"},
    {"running", DOCTOR_NOTE, "SELECT count(*) FROM attempt WHERE state = 'running'",
     "answers that run, or that the next start ends as interrupted"},
    {"unfolded", DOCTOR_NOTE, "SELECT count(*) FROM message WHERE folded = 0 AND reason <> ''",
     "ended answers whose text is still in pieces (done in the background)"},
    {"pieces", DOCTOR_FINE,
     "SELECT count(*) FROM chunk JOIN message ON message.id = chunk.message WHERE folded = 0",
     "pieces of text on their way"},
    {"orphans", DOCTOR_NOTE,
     "SELECT count(*) FROM chunk WHERE message <> 0 AND NOT EXISTS"
     " (SELECT 1 FROM message m WHERE m.id = chunk.message)",
     "pieces of messages that are gone (swept in the background)"},
    {"index", DOCTOR_NOTE, "SELECT count(*) FROM message WHERE indexed <= 0 AND deleted_at IS NULL",
     "messages that the search does not know yet"},
    {"attachments", DOCTOR_NOTE,
     "SELECT count(*) FROM attachment a WHERE NOT EXISTS"
     " (SELECT 1 FROM part WHERE attachment = a.id)",
     "attachments that no message names ('weir session purge --trash' removes old ones)"},
    {"quarantine", DOCTOR_NOTE, "SELECT count(*) FROM quarantine",
     "rows that a repair has put aside"},
};

static void run_count(struct db *db, const struct count *count, struct doctor_report *report)
{
    struct err err = {ERR_OK, ""};
    struct sqlite3_stmt *stmt = db_prepare(db, count->sql, &err);
    if (!db_step(db, stmt, &err)) {
        doctor__add(report, count->check, DOCTOR_BAD, -1, "%s", err.text);
        return;
    }
    int64_t value = db_column_int(stmt, 0);
    db_reset(stmt);
    doctor__add(report, count->check, value ? count->state : DOCTOR_FINE, value, "%s", count->text);
}

static void check_rows(struct db *db, struct doctor_report *report)
{
    struct err err = {ERR_OK, ""};
    int version = 0;
    if (migrate_check(db, &version, &err)) {
        doctor__add(report, "schema", DOCTOR_BAD, -1, "%s", err.text);
        return;
    }
    bool current = version == migrate_version();
    doctor__add(report, "schema", current ? DOCTOR_FINE : DOCTOR_NOTE, version,
                current ? "is the version of this program"
                        : "is older: the next start brings it up to %d, after a copy",
                migrate_version());
    for (size_t i = 0; current && i < COUNT_OF(counts); i++) {
        run_count(db, &counts[i], report);
    }
    if (current) {
        doctor__check_sums(db, report);
    }
}

/* ---- files ---- */

static int64_t size_of(const char *path, const char *suffix)
{
    struct stat info;
    char *file = xasprintf("%s%s", path, suffix);
    int64_t size = stat(file, &info) == 0 ? (int64_t)info.st_size : -1;
    free(file);
    return size;
}

/* Locks of processes: those that are held, and those that killed ones left. */
static void check_locks(const char *path, struct doctor_report *report)
{
    int64_t alive = 0;
    int64_t stale = 0;
    char *folder = lockfile_beside(path, "-run");
    DIR *dir = opendir(folder);
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        struct ulid id = {""};
        if (ulid_parse(sv_from(entry->d_name), &id)) {
            bool gone = process_is_gone(path, &id);
            alive += !gone;
            stale += gone;
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
    free(folder);
    doctor__add(report, "processes", DOCTOR_FINE, alive, "processes use it");
    doctor__add(report, "locks", stale ? DOCTOR_NOTE : DOCTOR_FINE, stale,
                "lock files of processes that are gone (the next start removes them)");
}

/* What lies beside the database: text that waits to be brought in, copies, what a repair left. */
static const struct beside {
    const char *check;
    const char *mark; /* after the database's name */
    bool unread;      /* ends in ".damaged" */
    const char *text;
} besides[] = {
    {"unsaved", "-spill-", false, "files with text that the next start brings in"},
    {"unread", "-spill-", true, "files with text of which only a part could be brought in"},
    {"backups", ".bak-v", false,
     "copies from before upgrades (they hold what was purged since, too)"},
    {"damaged", ".damaged-", false, "damaged files that a repair has put aside"},
};

static int64_t count_beside(const char *path, const struct beside *beside)
{
    int64_t count = 0;
    const char *slash = strrchr(path, '/');
    char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
    char *beginning = xasprintf("%s%s", slash ? slash + 1 : path, beside->mark);
    DIR *dir = opendir(folder);
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        struct sv name = sv_from(entry->d_name);
        count += sv_starts_with(name, sv_from(beginning)) &&
                 sv_ends_with(name, SV(".damaged")) == beside->unread;
    }
    if (dir) {
        (void)closedir(dir);
    }
    free(beginning);
    free(folder);
    return count;
}

static void check_files(const char *path, struct doctor_report *report)
{
    bool exposed = file_is_exposed(path);
    bool network = netfs_holds(path);
    int64_t log = size_of(path, "-wal");
    doctor__add(report, "file", exposed ? DOCTOR_NOTE : DOCTOR_FINE, size_of(path, ""),
                exposed ? "bytes, and others can read or write it" : "bytes");
    doctor__add(report, "log", DOCTOR_FINE, log < 0 ? 0 : log, "bytes in the log");
    doctor__add(report, "network", network ? DOCTOR_NOTE : DOCTOR_FINE, -1,
                network ? "on a network file system: one process at a time"
                        : "on a local file system");
    check_locks(path, report);
    for (size_t i = 0; i < COUNT_OF(besides); i++) {
        int64_t count = count_beside(path, &besides[i]);
        doctor__add(report, besides[i].check, count ? DOCTOR_NOTE : DOCTOR_FINE, count, "%s",
                    besides[i].text);
    }
}

static enum err_code examine(const char *path, struct doctor_report *report, struct err *err)
{
    struct db *db = NULL;
    struct err why = {ERR_OK, ""};
    enum err_code code = doctor__open(path, &db, &why);
    int version = 0;
    if (code == ERR_OK) {
        code = migrate_check(db, &version, &why);
    }
    if (code && code != ERR_CORRUPT) {
        db_close(db);
        return err_set(err, code, "%s", why.text);
    }
    check_files(path, report);
    if (code) {
        doctor__add(report, "schema", DOCTOR_BAD, -1, "%s", why.text);
    } else if (version == 0) {
        doctor__add(report, "schema", DOCTOR_FINE, 0, "is empty: nothing was stored yet");
    } else {
        check_database(db, report);
        check_rows(db, report);
    }
    db_close(db);
    return ERR_OK;
}

enum err_code doctor_examine(const char *path, struct doctor_report *report, struct err *err)
{
    char *file = file_behind_link(path);
    enum err_code code = examine(file, report, err);
    free(file);
    return code;
}
