/*
 * Notes: reading and writing; store/undo.c takes changes back.
 *
 * A span is checked before the transaction, against the message as its readers see it: text that
 * was there stays there.
 */
#include "store/note.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "store/attempt_internal.h"
#include "store/journal_internal.h"
#include "store/message_service.h"
#include "store/review_internal.h"
#include "store/session_internal.h"
#include "store/sql_internal.h"

#define COLUMNS "SELECT n.uid, m.uid, n.part, n.first, n.last, n.text, n.created_at, n.changed_at"

static const char of_session_sql[] =
    COLUMNS " FROM session s CROSS JOIN branch b ON b.session = s.id"
            " CROSS JOIN message m ON m.branch = b.id"
            " CROSS JOIN note n INDEXED BY note_by_message ON n.message = m.id"
            " WHERE s.uid = ?1 AND m.deleted_at IS NULL";
static const char one_sql[] =
    COLUMNS " FROM note n CROSS JOIN message m ON m.id = n.message WHERE n.uid = ?1";
static const char find_sql[] =
    "SELECT uid FROM note WHERE uid >= ?1 AND uid < ?2 ORDER BY uid LIMIT 2";

void note_release(struct note *note)
{
    free(note->text);
    *note = (struct note){.text = NULL};
}

void note_list_release(struct note_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        note_release(&list->notes[i]);
    }
    free(list->notes);
    *list = (struct note_list){NULL, 0};
}

/* ---- reading ---- */

static size_t offset_at(struct sqlite3_stmt *stmt, int column)
{
    int64_t value = db_column_int(stmt, column);
    return value > 0 ? (size_t)value : 0;
}

static struct note read_note(struct sqlite3_stmt *stmt)
{
    int64_t part = db_column_is_null(stmt, 2) ? NOTE_WHOLE : db_column_int(stmt, 2);
    struct note note = {
        .id = db_column_id(stmt, 0),
        .place = {.message = db_column_id(stmt, 1),
                  .part = part >= 0 && part < INT32_MAX ? (int)part : NOTE_WHOLE,
                  .first = offset_at(stmt, 3),
                  .last = offset_at(stmt, 4)},
        .text = db_column_dup(stmt, 5),
        .created_us = db_column_int(stmt, 6),
        .changed_us = db_column_int(stmt, 7),
    };
    if (!note.text) {
        note.text = xstrdup("");
    }
    return note;
}

static void append(struct note_list *list, struct sqlite3_stmt *stmt)
{
    size_t count = list->count;
    list->notes = xgrow(list->notes, count, sizeof(*list->notes));
    list->notes[list->count++] = read_note(stmt);
}

enum err_code note_list_of_session(struct store *store, const struct ulid *session,
                                   struct note_list *ret_list, struct err *err)
{
    struct note_list list = {NULL, 0};
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK && db) {
        struct sqlite3_stmt *stmt = db_prepare(db, of_session_sql, err);
        db_bind_id(stmt, 1, session);
        while (db_step(db, stmt, err)) {
            append(&list, stmt);
        }
        code = db_result(db);
    }
    reader_give(store, db);
    if (code) {
        note_list_release(&list);
        return code;
    }
    *ret_list = list;
    return ERR_OK;
}

static enum err_code read_one(struct db *db, const struct ulid *id, struct note *ret_note,
                              struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, one_sql, err);
    db_bind_id(stmt, 1, id);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code : err_set(err, ERR_NOT_FOUND, "no note '%s'", id->text);
    }
    *ret_note = read_note(stmt);
    db_reset(stmt);
    return ERR_OK;
}

enum err_code note_find(struct store *store, struct sv what, struct note *ret_note, struct err *err)
{
    struct ulid id;
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK) {
        code = review__find_by_id(db, find_sql, "note", what, &id, err);
    }
    if (code == ERR_OK) {
        code = read_one(db, &id, ret_note, err);
    }
    reader_give(store, db);
    return code;
}

/* ---- checking ---- */

static enum err_code check_text(struct sv text, struct err *err)
{
    if (text.n > NOTE_MAX) {
        return err_set(err, ERR_TOO_BIG, "the note is longer than %d bytes", NOTE_MAX);
    }
    if (sv_trim(text).n == 0) {
        return err_set(err, ERR_INVALID, "the note is empty");
    }
    bool is_text = utf8_valid_prefix(text.p, text.n) == text.n && !memchr(text.p, 0, text.n);
    return is_text ? ERR_OK : err_set(err, ERR_INVALID, "the note is not valid UTF-8");
}

static enum err_code check_span(const struct message *message, const struct note_place *place,
                                struct err *err)
{
    if (place->part < 0) {
        return ERR_OK;
    }
    if ((size_t)place->part >= message->part_count) {
        return err_set(err, ERR_NOT_FOUND, "message '%s' has no part %d", place->message.text,
                       place->part);
    }
    const struct message_part *part = &message->parts[place->part];
    if (place->first >= place->last || place->last > part->text_n) {
        return err_set(err, ERR_INVALID, "bytes %zu to %zu are no span of a part of %zu bytes",
                       place->first, place->last, part->text_n);
    }
    if (utf8_cut(part->text, part->text_n, place->first) != place->first ||
        utf8_cut(part->text, part->text_n, place->last) != place->last) {
        return err_set(err, ERR_INVALID, "bytes %zu to %zu cut a character", place->first,
                       place->last);
    }
    return ERR_OK;
}

static enum err_code check_place(struct store *store, const struct note_place *place,
                                 struct err *err)
{
    struct message *message = NULL;
    enum err_code code = message_snapshot(store, &place->message, &message, err);
    if (code == ERR_OK) {
        code = check_span(message, place, err);
        message_free(message);
    }
    return code;
}

/* ---- changes ---- */

/* The id first, as session__written wants it: found in the transaction. */
struct noting {
    struct ulid session;
    struct ulid id;
    struct note_place place; /* of a new one */
    bool is_new;
    char *text; /* NULL: it is taken away */
};

static void free_noting(void *state)
{
    struct noting *self = state;
    if (self) {
        free(self->text);
        free(self);
    }
}

/* As the journal keeps it; NULL: there is none. Gives. */
static enum err_code look(struct db *db, const struct ulid *id, char **ret_json, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "SELECT " REVIEW__NOTE_JSON " FROM note WHERE uid = ?1", err);
    db_bind_id(stmt, 1, id);
    *ret_json = NULL;
    if (db_step(db, stmt, err)) {
        *ret_json = db_column_dup(stmt, 0);
        db_reset(stmt);
    }
    return db_result(db);
}

/* Which message it is, or is to be, on. */
static enum err_code find_message(struct noting *self, struct db *db, struct err *err)
{
    if (self->is_new) {
        return ERR_OK;
    }
    struct sqlite3_stmt *stmt = db_prepare(
        db, "SELECT m.uid FROM note n JOIN message m ON m.id = n.message WHERE n.uid = ?1", err);
    db_bind_id(stmt, 1, &self->id);
    if (!db_step(db, stmt, err)) {
        enum err_code code = db_result(db);
        return code ? code : err_set(err, ERR_NOT_FOUND, "no note '%s'", self->id.text);
    }
    self->place.message = db_column_id(stmt, 0);
    db_reset(stmt);
    return ERR_OK;
}

static enum err_code insert(const struct noting *self, struct db *db, int64_t row, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO note (uid, message, part, first, last, text, created_at,"
                   " changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
                   err);
    db_bind_id(stmt, 1, &self->id);
    db_bind_int(stmt, 2, row);
    if (self->place.part >= 0) {
        db_bind_int(stmt, 3, self->place.part);
        db_bind_int(stmt, 4, (int64_t)self->place.first);
        db_bind_int(stmt, 5, (int64_t)self->place.last);
    } else {
        db_bind_null(stmt, 3);
        db_bind_null(stmt, 4);
        db_bind_null(stmt, 5);
    }
    db_bind_text(stmt, 6, sv_from(self->text));
    db_bind_int(stmt, 7, clock_wall_us());
    return db_run(db, stmt, err);
}

static enum err_code change(const struct noting *self, struct db *db, int64_t row, struct err *err)
{
    if (self->is_new) {
        return insert(self, db, row, err);
    }
    if (!self->text) {
        return sql__run_text(db, "DELETE FROM note WHERE uid = ?1", sv_from(self->id.text), err);
    }
    struct sqlite3_stmt *stmt =
        db_prepare(db, "UPDATE note SET text = ?2, changed_at = ?3 WHERE uid = ?1", err);
    db_bind_id(stmt, 1, &self->id);
    db_bind_text(stmt, 2, sv_from(self->text));
    db_bind_int(stmt, 3, clock_wall_us());
    return db_run(db, stmt, err);
}

static enum err_code change_and_tell(const struct noting *self, struct db *db,
                                     const struct review_target *target, struct err *err)
{
    char *before = NULL;
    char *after = NULL;
    enum err_code code = look(db, &self->id, &before, err);
    if (code == ERR_OK) {
        code = change(self, db, target->row, err);
    }
    if (code == ERR_OK) {
        code = look(db, &self->id, &after, err);
    }
    if (code == ERR_OK) {
        const struct journal_change entry = {.action = JOURNAL_NOTE,
                                             .session = target->session,
                                             .target = self->place.message,
                                             .before = sv_from(before),
                                             .after = sv_from(after)};
        code = journal__add(db, &entry, err);
    }
    free(before);
    free(after);
    return code ? code : event_append(db, "note", target->session_row, target->row, err);
}

static enum err_code run_noting(void *state, struct db *db, struct err *err)
{
    struct noting *self = state;
    struct review_target target;
    enum err_code code = find_message(self, db, err);
    if (code == ERR_OK) {
        code = review__find(db, &self->place.message, &target, err);
    }
    if (code == ERR_OK) {
        self->session = target.session;
        code = change_and_tell(self, db, &target, err);
    }
    return code;
}

static const struct store_write write_noting = {
    .full = true, .run = run_noting, .written = session__written, .free_state = free_noting};

static enum err_code submit(struct store *store, struct noting *self, struct ulid *ret_id,
                            struct err *err)
{
    struct ulid id = self->id;
    enum err_code code = store_write(store, &write_noting, &self, err);
    if (code == ERR_OK && ret_id) {
        *ret_id = id;
    }
    free_noting(self);
    return code;
}

enum err_code note_add(struct store *store, const struct note_place *place, struct sv text,
                       struct ulid *ret_id, struct err *err)
{
    enum err_code code = check_text(text, err);
    if (code == ERR_OK) {
        code = check_place(store, place, err);
    }
    if (code) {
        return code;
    }
    struct noting *self = xcalloc(1, sizeof(*self));
    *self = (struct noting){
        .id = ulid_new(), .place = *place, .is_new = true, .text = xstrndup(text.p, text.n)};
    return submit(store, self, ret_id, err);
}

enum err_code note_edit(struct store *store, const struct ulid *note, struct sv text,
                        struct err *err)
{
    enum err_code code = check_text(text, err);
    if (code) {
        return code;
    }
    struct noting *self = xcalloc(1, sizeof(*self));
    *self = (struct noting){.id = *note, .text = xstrndup(text.p, text.n)};
    return submit(store, self, NULL, err);
}

enum err_code note_remove(struct store *store, const struct ulid *note, struct err *err)
{
    struct noting *self = xcalloc(1, sizeof(*self));
    self->id = *note;
    return submit(store, self, NULL, err);
}
