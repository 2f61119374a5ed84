/*
 * Journal: what was changed and can be undone.
 *
 * Each change of the kinds below leaves an entry with what was there before and what came after, in
 * the transaction of the change. Undoing puts the former back where the latter still stands; what
 * was changed again since is left alone (ERR_EXISTS). Nothing expires by itself; a purge takes the
 * entries of what it purges.
 *
 * Threads: any but the screen's: undoing waits for the disk. Ownership: what is given is the
 * caller's (journal_entry_release, journal_list_release). After an undoing a session_update is
 * published. Errors: ERR_NOT_FOUND (no entry, nothing to undo, or what it was about is gone),
 * ERR_EXISTS (changed again since, a name that another session has now, undone already), and those
 * of every write.
 */
#ifndef WEIR_STORE_JOURNAL_H
#define WEIR_STORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/ulid.h"
#include "store/store.h"

/* Action, its text in the database, what a user reads; before and after. The target is the
 * session's id, or the message's where that is deleted, noted on or judged. */
#define JOURNAL_ACTIONS(X)                                                                         \
    X(JOURNAL_DELETE_SESSION, "delete_session",                                                    \
      "deleted the session")                                         /* its name or NULL; NULL */  \
    X(JOURNAL_DELETE_MESSAGE, "delete_message", "deleted a message") /* NULL; NULL */              \
    X(JOURNAL_NAME, "name", "named the session")                     /* names, NULL for none */    \
    X(JOURNAL_TITLE, "title", "changed the title")                   /* AUTHOR:TITLE, both */      \
    X(JOURNAL_LABEL, "label", "labelled the session")                /* NULL; label */             \
    X(JOURNAL_UNLABEL, "unlabel", "took a label away")               /* label; NULL */             \
    X(JOURNAL_ARCHIVE, "archive", "archived the session")            /* NULL; "archived" */        \
    X(JOURNAL_UNARCHIVE, "unarchive", "unarchived the session")      /* "archived"; NULL */        \
    X(JOURNAL_BRANCH, "branch", "went to another branch") /* ids of branches: also an edit */      \
    X(JOURNAL_NOTE, "note", "changed a note")             /* notes as JSON, NULL for none */       \
    X(JOURNAL_VERDICT, "verdict", "changed a verdict")    /* verdicts as JSON, NULL for none */

#define JOURNAL__ENUM(name, text, said) name,
enum journal_action { JOURNAL_ACTIONS(JOURNAL__ENUM) JOURNAL_ACTION_COUNT };
#undef JOURNAL__ENUM

/* "" for values out of range. */
const char *journal_action_text(enum journal_action action);
const char *journal_action_said(enum journal_action action);

struct journal_entry {
    int64_t id;
    enum journal_action action;
    struct ulid session, target;
    char *before, *after; /* or NULL */
    int64_t at_us, undone_us;
};
void journal_entry_release(struct journal_entry *entry); /* what it points to; zeroed afterwards */

struct journal_list {
    struct journal_entry *entries;
    size_t count;
};
void journal_list_release(struct journal_list *list); /* zeroed afterwards */

/* Newest first, of one session (NULL: of all), older than entry `before` (0: the newest). wide: the
 * last four are a page. */
enum err_code journal_list(struct store *store, const struct ulid *session, int64_t before,
                           size_t limit, struct journal_list *ret_list, struct err *err) NODISCARD;

/* The newest change that is not undone, of one session (NULL: of all). `ret_entry` may be NULL. */
enum err_code undo_last(struct store *store, const struct ulid *session,
                        struct journal_entry *ret_entry, struct err *err) NODISCARD;
enum err_code undo_entry(struct store *store, int64_t id, struct journal_entry *ret_entry,
                         struct err *err) NODISCARD;

#endif
