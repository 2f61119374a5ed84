/* The journal: writing and reading entries. Undoing them is in undo.c. */
#include "store/journal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/journal_internal.h"
#include "store/store_internal.h"

#define JOURNAL__ROW(name, text, said) [name] = {text, said},
static const struct {
    const char *text, *said;
} actions[] = {JOURNAL_ACTIONS(JOURNAL__ROW)};

const char *journal_action_text(enum journal_action action)
{
    return (unsigned)action < JOURNAL_ACTION_COUNT ? actions[action].text : "";
}

const char *journal_action_said(enum journal_action action)
{
    return (unsigned)action < JOURNAL_ACTION_COUNT ? actions[action].said : "";
}

/* JOURNAL_ACTION_COUNT: unknown. */
static enum journal_action parse(struct sv text)
{
    enum journal_action action = 0;
    while (action < JOURNAL_ACTION_COUNT && !sv_equal_str(text, actions[action].text)) {
        action++;
    }
    return action;
}

void journal_entry_release(struct journal_entry *entry)
{
    free(entry->before);
    free(entry->after);
    *entry = (struct journal_entry){.id = 0};
}

void journal_list_release(struct journal_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        journal_entry_release(&list->entries[i]);
    }
    free(list->entries);
    *list = (struct journal_list){NULL, 0};
}

enum err_code journal__add(struct db *db, const struct journal_change *change, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO journal (action, session, target, before, after, at)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                   err);
    db_bind_text(stmt, 1, sv_from(journal_action_text(change->action)));
    db_bind_id(stmt, 2, &change->session);
    db_bind_id(stmt, 3, &change->target);
    db_bind_text(stmt, 4, change->before);
    db_bind_text(stmt, 5, change->after);
    db_bind_int(stmt, 6, clock_wall_us());
    return db_run(db, stmt, err);
}

enum err_code journal__mark_undone(struct db *db, enum journal_action action,
                                   const struct ulid *target, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE journal SET undone_at = ?3 WHERE id = (SELECT id FROM journal"
                   " WHERE target = ?1 AND action = ?2 AND undone_at IS NULL"
                   " ORDER BY id DESC LIMIT 1)",
                   err);
    db_bind_id(stmt, 1, target);
    db_bind_text(stmt, 2, sv_from(journal_action_text(action)));
    db_bind_int(stmt, 3, clock_wall_us());
    return db_run(db, stmt, err);
}

struct journal_entry journal__read(struct sqlite3_stmt *stmt)
{
    return (struct journal_entry){
        .id = db_column_int(stmt, 0),
        .action = parse(db_column_text(stmt, 1)),
        .session = db_column_id(stmt, 2),
        .target = db_column_id(stmt, 3),
        .before = db_column_dup(stmt, 4),
        .after = db_column_dup(stmt, 5),
        .at_us = db_column_int(stmt, 6),
        .undone_us = db_column_int(stmt, 7),
    };
}

static enum err_code read_page(struct db *db, struct sqlite3_stmt *stmt, struct journal_list *list,
                               struct err *err)
{
    while (db_step(db, stmt, err)) {
        list->entries = xgrow(list->entries, list->count, sizeof(*list->entries));
        list->entries[list->count++] = journal__read(stmt);
    }
    return db_result(db);
}

/* wide: the last four are a page. */
enum err_code journal_list(struct store *store, const struct ulid *session, int64_t before,
                           size_t limit, struct journal_list *ret_list, struct err *err)
{
    struct db *db = NULL;
    struct journal_list list = {NULL, 0};
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        struct sqlite3_stmt *stmt =
            session
                ? db_prepare(db,
                             JOURNAL__COLUMNS "WHERE session = ?3 AND id < ?1"
                                              " ORDER BY id DESC LIMIT ?2",
                             err)
                : db_prepare(db, JOURNAL__COLUMNS "WHERE id < ?1 ORDER BY id DESC LIMIT ?2", err);
        db_bind_int(stmt, 1, before > 0 ? before : INT64_MAX);
        db_bind_int(stmt, 2, limit < INT64_MAX ? (int64_t)limit : INT64_MAX);
        if (session) {
            db_bind_id(stmt, 3, session);
        }
        code = read_page(db, stmt, &list, err);
    }
    reader_give(store, db);
    if (code) {
        journal_list_release(&list);
        return code;
    }
    *ret_list = list;
    return ERR_OK;
}
