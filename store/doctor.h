/*
 * Doctor: is the database sound, what lies in it that should not, and what can be done about it.
 *
 * All of it works on the file, not on an open store, since a damaged one does not open. Examining
 * only reads. A repair deletes nothing: what cannot be kept where it was goes into the table
 * quarantine, counts and states are set to what the rows say, and a file that had to be made anew
 * stays beside the new one, under another name. A backup is a copy of one moment, made while others
 * write.
 *
 * Threads: any but the screen's. Ownership: reports are the caller's: zeroed before the first call,
 * added to by each, doctor_report_release. Errors: ERR_NOT_FOUND (no database), ERR_NEWER, ERR_BUSY
 * (a repair: other processes use it), ERR_CORRUPT (nothing could be read), ERR_INVALID (a backup
 * onto the database itself), ERR_CANNOT_CREATE, ERR_READ_ONLY, ERR_DISK_FULL, ERR_IO.
 */
#ifndef WEIR_STORE_DOCTOR_H
#define WEIR_STORE_DOCTOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

enum doctor_state {
    DOCTOR_FINE,
    DOCTOR_NOTE, /* worth knowing, nothing is wrong */
    DOCTOR_BAD,  /* damage */
};
/* "fine", "note", "bad"; "" for values out of range. */
const char *doctor_state_text(enum doctor_state state);

struct doctor_finding {
    const char *check; /* a literal: "integrity", "log", … */
    enum doctor_state state;
    int64_t value; /* a count, or bytes; -1: none */
    char *text;    /* one line */
};
struct doctor_report {
    struct doctor_finding *findings;
    size_t count;
};
void doctor_report_release(struct doctor_report *report); /* zeroed afterwards */
/* The worst of them. */
enum doctor_state doctor_verdict(const struct doctor_report *report);

/* ERR_OK also for a damaged file: the report says so. */
enum err_code doctor_examine(const char *path, struct doctor_report *report,
                             struct err *err) NODISCARD;
/* Says what it did. Nobody else may use the database meanwhile. Of a sound one nothing changes. */
enum err_code doctor_repair(const char *path, struct doctor_report *report,
                            struct err *err) NODISCARD;
/* `to` is there once the copy is whole, 0600; ERR_EXISTS: it was before, and is left as it is. In
 * steps, with rests; nobody waits for it. */
enum err_code doctor_backup(const char *path, const char *to, struct err *err) NODISCARD;

#endif
