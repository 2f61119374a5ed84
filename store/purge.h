/*
 * Purge: what was deleted goes for good, from every place where it stood.
 *
 * That is: rows of messages, parts, pieces of text on their way, turns, requests, notes, verdicts,
 * labels, the journal, drafts, the queue, claims on it, words of the search, attachments that
 * nothing else names; the pages that it took are overwritten, and the log is emptied into the
 * database and cut to nothing. What was spent stays in the sums of the budget. Not reached: what
 * upgrades and repairs left, which purge_backups names and removes (copies of the database, damaged
 * files beside it, the quarantine in it), copies that the user made, and what the file system or
 * the drive keeps of overwritten blocks.
 *
 * What is not in the trash is put there first. It goes in steps of at most 10 ms, with rests as
 * long as they worked, so that an answer that runs elsewhere is not held up; only a single part of
 * many megabytes takes longer. A purge that was interrupted has taken a part; asked again it goes
 * on.
 *
 * Threads: any but the screen's. Ownership: the report is the caller's: zeroed before the first
 * call, added to by each, given back by purge_report_release. Errors: ERR_NOT_FOUND, ERR_EXISTS (a
 * branch of another session stands on it), those of session_delete, and those of every write.
 */
#ifndef WEIR_STORE_PURGE_H
#define WEIR_STORE_PURGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/ulid.h"
#include "store/attachment.h"
#include "store/store.h"

struct purge_report {
    uint64_t sessions, messages;
    uint64_t bytes; /* of text */
    struct attachment_sum attachments;
    bool log_left;  /* somebody reads: the log still has it, and is emptied when they are done */
    char **backups; /* paths of copies that may hold it */
    size_t backup_count;
    uint64_t quarantined; /* rows that a repair has put aside, which may hold it */
    bool backups_removed; /* both */
};
void purge_report_release(struct purge_report *report); /* zeroed afterwards */

enum err_code purge_session(struct store *store, const struct ulid *session,
                            struct purge_report *report, struct err *err) NODISCARD;
enum err_code purge_message(struct store *store, const struct ulid *message,
                            struct purge_report *report, struct err *err) NODISCARD;
/* All that lies in the trash, and attachments that no message has named for an hour. */
enum err_code purge_trash(struct store *store, struct purge_report *report,
                          struct err *err) NODISCARD;
/* What upgrades and repairs left: copies (`PATH.bak-vN`), damaged files and text that could not be
 * brought in (`PATH.damaged-…`, `PATH-spill-….damaged`), files of a repair that was killed
 * (`PATH.repaired`), rows in quarantine. Removes them if asked to. */
enum err_code purge_backups(struct store *store, bool remove, struct purge_report *report,
                            struct err *err) NODISCARD;

#endif
