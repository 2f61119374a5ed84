/*
 * Attachments. A row is made first, not whole; its pieces follow; `whole` is set in the transaction
 * that finds all of them there. So several processes may add the same content at once, and a
 * collection that comes in between only makes the addition go over it again.
 */
#include "store/attachment.h"

#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "store/core_internal.h"
#include "store/sql_internal.h"

#define PIECE_BYTES ((size_t)256 << 10)
/* How often an addition goes over content that a collection takes away meanwhile. */
#define ADD_TRIES 5

struct add_state {
    struct attachment attachment;
    int64_t position; /* of the piece */
    char *data;       /* NULL: the beginning or the end */
    size_t data_n;
    bool whole, missing;
};

void attachment_id(struct sv bytes, char ret_id[ATTACHMENT_ID_LENGTH + 1])
{
    SHA2_CTX sha;
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256Init(&sha);
    SHA256Update(&sha, (const uint8_t *)(bytes.p ? bytes.p : ""), bytes.n);
    SHA256Final(digest, &sha);
    for (size_t i = 0; i < sizeof(digest); i++) {
        (void)snprintf(ret_id + 2 * i, 3, "%02x", digest[i]);
    }
}

static void free_add(void *arg)
{
    struct add_state *self = arg;
    if (self) {
        free(self->data);
        free(self);
    }
}

/* Adding */

/* The time is set anew, so that content that nobody names yet is not collected. */
static enum err_code run_begin(void *arg, struct db *db, struct err *err)
{
    struct add_state *self = arg;
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT INTO attachment (sha256, type, bytes, created_at)"
                   " VALUES (?1, ?2, ?3, ?4)"
                   " ON CONFLICT (sha256) DO UPDATE SET created_at = excluded.created_at"
                   " RETURNING whole, type",
                   err);
    db_bind_text(stmt, 1, sv_from(self->attachment.id));
    db_bind_text(stmt, 2, sv_from(self->attachment.type));
    db_bind_int(stmt, 3, (int64_t)self->attachment.bytes);
    db_bind_int(stmt, 4, clock_wall_us());
    if (!db_step(db, stmt, err)) {
        return db_result(db) ? db_result(db) : err_set(err, ERR_INTERNAL, "no row came back");
    }
    self->whole = db_column_int(stmt, 0) != 0;
    struct sv type = db_column_text(stmt, 1);
    (void)snprintf(self->attachment.type, sizeof(self->attachment.type), "%.*s", SV_ARG(type));
    return db_run(db, stmt, err);
}

static enum err_code run_piece(void *arg, struct db *db, struct err *err)
{
    struct add_state *self = arg;
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "INSERT OR IGNORE INTO attachment_piece (attachment, position, data)"
                   " SELECT id, ?2, CAST(?3 AS BLOB) FROM attachment WHERE sha256 = ?1",
                   err);
    db_bind_text(stmt, 1, sv_from(self->attachment.id));
    db_bind_int(stmt, 2, self->position);
    db_bind_text(stmt, 3, sv_of(self->data, self->data_n));
    return db_run(db, stmt, err);
}

/* ?2: how many pieces there have to be. */
static enum err_code run_end(void *arg, struct db *db, struct err *err)
{
    struct add_state *self = arg;
    struct sqlite3_stmt *stmt =
        db_prepare(db,
                   "UPDATE attachment SET whole = 1 WHERE sha256 = ?1 AND ?2 ="
                   " (SELECT count(*) FROM attachment_piece p WHERE p.attachment = attachment.id)",
                   err);
    db_bind_text(stmt, 1, sv_from(self->attachment.id));
    db_bind_int(stmt, 2, self->position);
    enum err_code code = db_run(db, stmt, err);
    self->missing = code == ERR_OK && db_changes(db) == 0;
    return code;
}

static const struct store_write begin_write = {.run = run_begin, .free_state = free_add};
static const struct store_write piece_write = {.run = run_piece, .free_state = free_add};
static const struct store_write end_write = {.full = true, .run = run_end, .free_state = free_add};

static enum err_code add_pieces(struct store *store, struct add_state **self, struct sv bytes,
                                struct err *err)
{
    enum err_code code = ERR_OK;
    (*self)->position = 0;
    for (size_t at = 0; code == ERR_OK && at < bytes.n; at += PIECE_BYTES) {
        struct sv piece = sv_take(sv_skip(bytes, at), PIECE_BYTES);
        free((*self)->data);
        (*self)->data = xstrndup(piece.p, piece.n);
        (*self)->data_n = piece.n;
        code = store_write_step(store, &piece_write, self, err);
        if (code == ERR_OK) {
            (*self)->position++;
        }
    }
    return code;
}

static enum err_code add_once(struct store *store, struct add_state **self, struct sv bytes,
                              struct err *err)
{
    enum err_code code = store_write(store, &begin_write, self, err);
    if (code || (*self)->whole) {
        return code;
    }
    code = add_pieces(store, self, bytes, err);
    return code ? code : store_write(store, &end_write, self, err);
}

static enum err_code check_new(struct sv type, struct sv bytes, struct err *err)
{
    bool sound = type.n > 0 && type.n < sizeof(((struct attachment *)NULL)->type) &&
                 utf8_valid_prefix(type.p, type.n) == type.n && sv_find(type, '\0') == type.n;
    if (!sound) {
        return err_set(err, ERR_INVALID, "an attachment needs a media type of 1 to 127 bytes");
    }
    return bytes.n <= ATTACHMENT_MAX_BYTES
               ? ERR_OK
               : err_set(err, ERR_TOO_BIG, "an attachment of over 32 MiB is not kept");
}

enum err_code attachment_add(struct store *store, struct sv type, struct sv bytes,
                             struct attachment *ret_attachment, struct err *err)
{
    enum err_code code = check_new(type, bytes, err);
    if (code) {
        return code;
    }
    struct add_state *self = xcalloc(1, sizeof(*self));
    attachment_id(bytes, self->attachment.id);
    (void)snprintf(self->attachment.type, sizeof(self->attachment.type), "%.*s", SV_ARG(type));
    self->attachment.bytes = bytes.n;
    int tries = 0;
    do {
        self->missing = false;
        code = add_once(store, &self, bytes, err);
    } while (code == ERR_OK && self->missing && ++tries < ADD_TRIES);
    if (code == ERR_OK && self->missing) {
        code = err_set(err, ERR_BUSY, "the attachment is being removed by another process");
    }
    if (code == ERR_OK) {
        *ret_attachment = self->attachment;
    }
    free_add(self);
    return code;
}

/* Reading */

static enum err_code find(struct db *db, struct sv id, struct attachment *attachment,
                          int64_t *ret_row, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(
        db, "SELECT id, type, bytes FROM attachment WHERE sha256 = ?1 AND whole = 1", err);
    db_bind_text(stmt, 1, id);
    if (!db_step(db, stmt, err)) {
        return db_result(db) ? db_result(db)
                             : err_set(err, ERR_NOT_FOUND, "no attachment '%.*s'",
                                       SV_ARG(sv_take(id, ATTACHMENT_ID_LENGTH)));
    }
    *ret_row = db_column_int(stmt, 0);
    struct sv type = db_column_text(stmt, 1);
    (void)snprintf(attachment->id, sizeof(attachment->id), "%.*s", SV_ARG(id));
    (void)snprintf(attachment->type, sizeof(attachment->type), "%.*s", SV_ARG(type));
    attachment->bytes = (size_t)db_column_int(stmt, 2);
    db_reset(stmt);
    return ERR_OK;
}

static enum err_code read_pieces(struct db *db, int64_t row, struct buf *out, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(
        db, "SELECT data FROM attachment_piece WHERE attachment = ?1 ORDER BY position", err);
    db_bind_int(stmt, 1, row);
    while (db_step(db, stmt, err)) {
        if (!buf_append_sv(out, db_column_text(stmt, 0))) {
            db_reset(stmt);
            return err_set(err, ERR_TOO_BIG, "the attachment is too large");
        }
    }
    return db_result(db);
}

static enum err_code read_checked(struct db *db, struct sv id, struct buf *out, struct err *err)
{
    struct attachment attachment = {.bytes = 0};
    int64_t row = 0;
    size_t before = out->n;
    enum err_code code = find(db, id, &attachment, &row, err);
    if (code == ERR_OK && attachment.bytes > out->max - before) {
        return err_set(err, ERR_TOO_BIG, "the attachment is too large");
    }
    if (code == ERR_OK) {
        code = read_pieces(db, row, out, err);
    }
    if (code == ERR_OK) {
        char found[ATTACHMENT_ID_LENGTH + 1];
        attachment_id(sv_skip(buf_sv(out), before), found);
        if (strcmp(found, attachment.id) != 0) {
            code = err_set(err, ERR_CORRUPT, "attachment '%s' is damaged", attachment.id);
        }
    }
    if (code) {
        buf_truncate(out, before);
    }
    return code;
}

static enum err_code no_attachment(struct sv id, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "no attachment '%.*s'",
                   SV_ARG(sv_take(id, ATTACHMENT_ID_LENGTH)));
}

enum err_code attachment_find(struct store *store, struct sv id, struct attachment *ret_attachment,
                              struct err *err)
{
    struct db *db = NULL;
    struct attachment attachment = {.bytes = 0};
    int64_t row = 0;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK) {
        code = db ? find(db, id, &attachment, &row, err) : no_attachment(id, err);
    }
    reader_give(store, db);
    if (code == ERR_OK) {
        *ret_attachment = attachment;
    }
    return code;
}

enum err_code attachment_read(struct store *store, struct sv id, struct buf *out, struct err *err)
{
    struct db *db = NULL;
    enum err_code code = reader_take(store, &db, err);
    if (code == ERR_OK) {
        code = db ? read_checked(db, id, out, err) : no_attachment(id, err);
    }
    reader_give(store, db);
    return code;
}
