/*
 * Repair. A sound file whose rows do not fit together is mended in place; of a damaged one all that
 * can be read goes into a new file, which takes its place, and the damaged one stays beside it.
 *
 * Every process holds the migration lock shared for as long as it uses the database; a repair
 * holds it exclusively, so it is alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/db_internal.h"
#include "store/doctor_internal.h"
#include "store/store_internal.h"

#define LOCK_PATIENCE_US CLOCK_S(1)

/* ---- a damaged file ---- */

/* "PATH.damaged-20261121T072405.123456": two repairs do not meet. */
static char *damaged_name(const char *path)
{
    char at[CLOCK_ISO_SIZE];
    char stamp[CLOCK_ISO_SIZE] = "";
    clock_format_utc(clock_wall_us(), at);
    for (size_t i = 0, n = 0; i < 26; i++) {
        if (at[i] != '-' && at[i] != ':') {
            stamp[n++] = at[i];
        }
    }
    return xasprintf("%s.damaged-%s", path, stamp);
}

/* The log first: beside the new file it would be taken for that one's. */
static enum err_code move_log(const char *path, const char *damaged, struct err *err)
{
    static const char *const suffixes[] = {"-wal", "-shm"};
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < COUNT_OF(suffixes); i++) {
        char *from = xasprintf("%s%s", path, suffixes[i]);
        char *to = xasprintf("%s%s", damaged, suffixes[i]);
        if (rename(from, to) != 0 && errno != ENOENT) {
            code = err_set_errno(err, errno, "cannot rename '%s'", from);
        }
        free(from);
        free(to);
    }
    return code;
}

/* At no moment is there no database, which the next start would take for a new one. */
static enum err_code put_in_place(const char *repaired, const char *path, const char *damaged,
                                  struct err *err)
{
    if (link(path, damaged) != 0) {
        return err_set_errno(err, errno, "cannot keep '%s' as '%s'", path, damaged);
    }
    enum err_code code = move_log(path, damaged, err);
    if (code == ERR_OK && rename(repaired, path) != 0) {
        code = err_set_errno(err, errno, "cannot replace '%s'", path);
    }
    return code;
}

static void remove_new(const char *repaired)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        char *file = xasprintf("%s%s", repaired, suffixes[i]);
        (void)unlink(file);
        free(file);
    }
}

/* Rows first, then what is kept beside them. */
static enum err_code fit_together(struct db *db, struct doctor_report *report, struct err *err)
{
    int64_t aside = 0;
    int64_t mended = 0;
    enum err_code code = doctor__quarantine(db, &aside, err);
    if (code == ERR_OK) {
        code = doctor__mend_sums(db, &mended, err);
    }
    if (code == ERR_OK) {
        doctor__add(report, "repair", DOCTOR_NOTE, aside, "references or rows are in quarantine");
        doctor__add(report, "repair", DOCTOR_NOTE, mended, "counts or states were set right");
    }
    return code;
}

static enum err_code fill_new(struct db *from, struct db *to, struct doctor_report *report,
                              struct err *err)
{
    int64_t rows = 0;
    enum err_code code = doctor__salvage(from, to, &rows, err);
    if (code == ERR_OK) {
        doctor__add(report, "repair", DOCTOR_NOTE, rows, "rows could be read");
        code = fit_together(to, report, err);
    }
    if (code == ERR_OK && !doctor__is_whole(to, NULL)) {
        code = err_set(err, ERR_INTERNAL, "the repaired file is not sound");
    }
    return code ? code : db_checkpoint(to, true, err);
}

static enum err_code make_new(struct db *from, const char *repaired, struct doctor_report *report,
                              struct err *err)
{
    struct db *to = NULL;
    remove_new(repaired);
    enum err_code code = db_open(repaired, DB_WRITE, &to, err);
    if (code == ERR_OK) {
        code = migrate_run(to, repaired, err);
    }
    if (code == ERR_OK) {
        code = fill_new(from, to, report, err);
    }
    db_close(to);
    return code;
}

static enum err_code rebuild(const char *path, struct doctor_report *report, struct err *err)
{
    struct db *from = NULL;
    char *repaired = xasprintf("%s.repaired", path);
    char *damaged = damaged_name(path);
    enum err_code code = doctor__open(path, &from, err);
    if (code == ERR_OK) {
        code = make_new(from, repaired, report, err);
    }
    db_close(from);
    if (code == ERR_OK) {
        code = put_in_place(repaired, path, damaged, err);
    }
    if (code == ERR_OK) {
        doctor__add(report, "repair", DOCTOR_NOTE, -1, "the damaged file is kept as '%s'", damaged);
    } else {
        remove_new(repaired);
    }
    free(repaired);
    free(damaged);
    return code;
}

/* ---- a sound file whose rows do not fit together ---- */

static enum err_code mend_rows(const char *path, struct doctor_report *report, struct err *err)
{
    struct db *db = NULL;
    enum err_code code = db_open(path, DB_WRITE, &db, err);
    if (code == ERR_OK) {
        code = fit_together(db, report, err);
    }
    db_close(db);
    return code;
}

enum ailment { AILS_NOTHING, AILS_ROWS, AILS_FILE };

static bool fits_together(struct db *db, int version)
{
    struct doctor_report report = {NULL, 0};
    if (version == migrate_version()) {
        doctor__check_sums(db, &report);
    }
    bool agree = doctor_verdict(&report) != DOCTOR_BAD;
    doctor_report_release(&report);
    return agree && doctor__count_orphans(db) == 0;
}

/* An older file is repaired by the version that wrote it, or upgraded first. */
static enum err_code look(const char *path, enum ailment *ret_ailment, struct err *err)
{
    struct db *db = NULL;
    int version = 0;
    *ret_ailment = AILS_NOTHING;
    enum err_code code = doctor__open(path, &db, err);
    if (code == ERR_OK) {
        code = migrate_check(db, &version, err);
    }
    if (code == ERR_OK && version != 0) {
        bool whole = doctor__is_whole(db, NULL);
        *ret_ailment = !whole ? AILS_FILE : fits_together(db, version) ? AILS_NOTHING : AILS_ROWS;
    }
    db_close(db);
    if (code == ERR_OK && *ret_ailment != AILS_NOTHING && version != migrate_version()) {
        code = err_set(err, ERR_UNSUPPORTED, "'%s' has an older form: start weir first", path);
    }
    return code;
}

static enum err_code repair_alone(const char *path, struct doctor_report *report, struct err *err)
{
    enum ailment ailment = AILS_NOTHING;
    enum err_code code = look(path, &ailment, err);
    if (code) {
        return code;
    }
    switch (ailment) {
    case AILS_FILE:
        return rebuild(path, report, err);
    case AILS_ROWS:
        return mend_rows(path, report, err);
    default:
        doctor__add(report, "repair", DOCTOR_FINE, -1, "nothing to repair");
        return ERR_OK;
    }
}

static enum err_code repair(const char *path, struct doctor_report *report, struct err *err)
{
    int fd = -1;
    if (!file_exists(path)) {
        return err_set(err, ERR_NOT_FOUND, "there is no database '%s'", path);
    }
    enum err_code code = migration_lock_shared(path, &fd, err);
    if (code == ERR_OK) {
        code = migration_lock_upgrade(fd, clock_mono_us() + LOCK_PATIENCE_US, err);
    }
    if (code == ERR_BUSY) {
        code = err_set(err, code, "cannot repair '%s': other processes use it", path);
    }
    if (code == ERR_OK) {
        code = repair_alone(path, report, err);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return code;
}

enum err_code doctor_repair(const char *path, struct doctor_report *report, struct err *err)
{
    char *file = file_behind_link(path);
    enum err_code code = repair(file, report, err);
    free(file);
    return code;
}
