/*
 * Reading a session as records of JSON.
 *
 * SQLite writes the JSON, so that what stands in a row and what stands in the record are one list.
 * Each page is read at once and the connection given back before anything is handed out: a reader
 * that waits for a slow disk must not hold up the writer's checkpoints.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "store/archive.h"
#include "store/branch_internal.h"
#include "store/message.h"
#include "store/store_internal.h"

#define PAGE_ROWS 256
#define PAGE_BYTES ((size_t)1 << 20)

static const char *const kind_texts[] = {
#define KIND_TEXT(name, text) text,
    ARCHIVE_KINDS(KIND_TEXT)
#undef KIND_TEXT
};

const char *archive_kind_text(enum archive_kind kind)
{
    return (unsigned)kind < ARCHIVE_KIND_COUNT ? kind_texts[kind] : "";
}

enum archive_kind archive_kind_parse(struct sv text)
{
    enum archive_kind kind = 0;
    while (kind < ARCHIVE_KIND_COUNT && !sv_equal_str(text, kind_texts[kind])) {
        kind++;
    }
    return kind;
}

/* Each gives the cursor to go on behind, and the record. ?1: the session or branch, ?2: the cursor,
 * ?3: the last seq. */
static const char session_sql[] =
    "SELECT s.id, json_object('id', s.uid, 'handle', s.handle, 'name', s.name, 'title', s.title,"
    " 'title_by', s.title_by, 'scope', s.scope, 'key', s.key, 'metadata', s.metadata,"
    " 'status', s.status, 'state', s.state, 'model', s.model,"
    " 'branch', (SELECT uid FROM branch WHERE id = s.branch),"
    " 'message_count', s.message_count, 'input_tokens', s.input_tokens,"
    " 'output_tokens', s.output_tokens, 'cost_micros', s.cost_micros,"
    " 'created_at', s.created_at, 'last_active_at', s.last_active_at, 'ended_at', s.ended_at,"
    " 'archived_at', s.archived_at, 'labels', json((SELECT json_group_array(name) FROM"
    " (SELECT name FROM label WHERE session = s.id ORDER BY name))),"
    " 'verdict', json((SELECT json_object('rating', rating, 'verdict', verdict,"
    " 'decided_at', decided_at) FROM verdict WHERE session = s.id AND message IS NULL)))"
    " FROM session s WHERE s.id = ?1 AND s.id > ?2";
static const char attachments_sql[] =
    "SELECT a.id, json_object('id', a.sha256, 'type', a.type, 'bytes', a.bytes) FROM attachment a"
    " WHERE a.whole = 1 AND ?2 = 0 AND EXISTS (SELECT 1 FROM part p"
    " JOIN message m ON m.id = p.message JOIN branch b ON b.id = m.branch"
    " WHERE p.attachment = a.id AND b.session = ?1 AND m.deleted_at IS NULL)"
    " ORDER BY a.sha256";
static const char participants_sql[] =
    "SELECT id, json_object('kind', kind, 'external_id', external_id, 'created_at', created_at)"
    " FROM participant WHERE session = ?1 AND id > ?2 ORDER BY id LIMIT 256";
static const char branches_sql[] =
    "SELECT b.id, json_object('id', b.uid, 'parent', (SELECT uid FROM branch WHERE id = b.parent),"
    " 'fork_seq', b.fork_seq, 'name', b.name, 'reason', b.reason, 'created_at', b.created_at)"
    " FROM branch b WHERE b.id = ?1 AND b.id > ?2";
static const char turns_sql[] =
    "SELECT t.id, json_object('id', t.uid, 'branch', b.uid, 'state', t.state,"
    " 'created_at', t.created_at, 'ended_at', t.ended_at, 'unanswered', t.unanswered,"
    " 'deleted_at', t.deleted_at, 'checkpoint', t.checkpoint, 'requests', json((SELECT"
    " json_group_array(json(j)) FROM (SELECT json_object('scope', scope, 'key', key,"
    " 'fingerprint', fingerprint, 'created_at', created_at) AS j FROM request WHERE turn = t.id"
    " ORDER BY id))))"
    " FROM turn t JOIN branch b ON b.id = t.branch"
    " WHERE t.branch = ?1 AND t.id > ?2 ORDER BY t.id LIMIT 256";
static const char replacements_sql[] =
    "SELECT t.id, json_object('turn', t.uid, 'by', r.uid) FROM turn t"
    " JOIN turn r ON r.id = t.replaced_by WHERE t.branch = ?1 AND t.id > ?2"
    " ORDER BY t.id LIMIT 256";
static const char attempts_sql[] =
    "SELECT a.id, json_object('id', a.uid, 'turn', t.uid, 'branch', b.uid,"
    " 'answer', (SELECT uid FROM message WHERE id = a.answer AND deleted_at IS NULL),"
    " 'state', a.state, 'response_id', a.response_id, 'error', a.error,"
    " 'detail', CASE WHEN a.state <> 'running' THEN a.detail END, 'model', a.model, 'position', "
    "a.position, 'began_at', a.began_at, 'ended_at', a.ended_at)"
    " FROM attempt a JOIN turn t ON t.id = a.turn JOIN branch b ON b.id = a.branch"
    " WHERE a.branch = ?1 AND a.id > ?2 ORDER BY a.id LIMIT 256";
/* Without its parts, which are appended. Third: they are in one place. Fourth: the row. */
static const char messages_sql[] =
    "SELECT m.seq, json_object('id', m.uid, 'branch', b.uid, 'seq', m.seq, 'turn', t.uid,"
    " 'role', m.role, 'model', m.model,"
    " 'participant', json(CASE WHEN p.id IS NOT NULL THEN"
    "  json_object('kind', p.kind, 'external_id', p.external_id) END),"
    " 'reason', m.reason, 'error', m.error, 'detail', m.detail, 'action', m.action,"
    " 'continues', (SELECT uid FROM message WHERE id = m.continues AND deleted_at IS NULL),"
    " 'created_at', m.created_at, 'ended_at', m.ended_at,"
    " 'usage', json(CASE WHEN u.message IS NOT NULL THEN"
    "  json_object('input_tokens', u.input_tokens, 'output_tokens', u.output_tokens,"
    "  'cache_read_tokens', u.cache_read_tokens, 'cache_write_tokens', u.cache_write_tokens,"
    "  'reasoning_tokens', u.reasoning_tokens, 'cost_micros', u.cost_micros, 'at', u.at,"
    "  'model', u.model, 'estimated', u.estimated) END),"
    " 'notes', json((SELECT json_group_array(json(j)) FROM (SELECT json_object('id', uid,"
    "  'part', part, 'first', first, 'last', last, 'text', text, 'created_at', created_at,"
    "  'changed_at', changed_at) AS j FROM note WHERE message = m.id ORDER BY id))),"
    " 'verdict', json((SELECT json_object('rating', rating, 'verdict', verdict,"
    "  'decided_at', decided_at) FROM verdict WHERE message = m.id))),"
    " m.folded AND NOT EXISTS (SELECT 1 FROM segment WHERE message = m.id), m.id"
    " FROM message m JOIN branch b ON b.id = m.branch LEFT JOIN turn t ON t.id = m.turn"
    " LEFT JOIN participant p ON p.id = m.participant LEFT JOIN usage u ON u.message = m.id"
    " WHERE m.branch = ?1 AND m.seq > ?2 AND m.seq <= ?3 AND m.deleted_at IS NULL"
    " ORDER BY m.seq LIMIT 256";
#define PART_MEMBERS                                                                               \
    "SELECT json_object('position', position, 'kind', kind, 'tool_id', tool_id,"                   \
    " 'tool_name', tool_name, 'began_at', began_at, 'ended_at', ended_at, 'text', "
static const char parts_sql[] = PART_MEMBERS "text) FROM part WHERE message = ?1 ORDER BY position";
static const char part_sql[] =
    PART_MEMBERS "?3) FROM part WHERE message = ?1 ORDER BY position LIMIT 1 OFFSET ?2";

enum scope { OF_SESSION, OF_BRANCH };

static const struct section {
    const char *sql;
    enum scope scope;
} sections[ARCHIVE_KIND_COUNT] = {
    [ARCHIVE_SESSION] = {session_sql, OF_SESSION},
    [ARCHIVE_ATTACHMENT] = {attachments_sql, OF_SESSION},
    [ARCHIVE_PARTICIPANT] = {participants_sql, OF_SESSION},
    [ARCHIVE_BRANCH] = {branches_sql, OF_BRANCH},
    [ARCHIVE_TURN] = {turns_sql, OF_BRANCH},
    [ARCHIVE_REPLACEMENT] = {replacements_sql, OF_BRANCH},
    [ARCHIVE_MESSAGE] = {messages_sql, OF_BRANCH},
    [ARCHIVE_ATTEMPT] = {attempts_sql, OF_BRANCH},
};

struct reading {
    struct store *store;
    const struct archive_query *query;
    archive_visit_fn *visit;
    void *ctx;
    int64_t session;
    struct branch_range *branches; /* oldest first */
    size_t branch_count;
    struct buf page;
    size_t *ends; /* of the records in it */
    size_t count;
};

/* ---- which rows ---- */

static enum err_code find_all_branches(struct reading *self, struct db *db, struct err *err)
{
    struct sqlite3_stmt *stmt =
        db_prepare(db, "SELECT id FROM branch WHERE session = ?1 ORDER BY id", err);
    db_bind_int(stmt, 1, self->session);
    while (db_step(db, stmt, err)) {
        self->branches =
            xrealloc(self->branches, (self->branch_count + 1) * sizeof(*self->branches));
        self->branches[self->branch_count++] =
            (struct branch_range){db_column_int(stmt, 0), -1, INT64_MAX};
    }
    return db_result(db);
}

static enum err_code find_path(struct reading *self, struct db *db, int64_t branch, struct err *err)
{
    struct branch_path path = {NULL, 0};
    enum err_code code = branch__path(db, branch, &path, err);
    if (code) {
        return code;
    }
    self->branches = xcalloc(path.count + 1, sizeof(*self->branches));
    for (size_t i = 0; i < path.count; i++) {
        self->branches[i] = path.ranges[path.count - 1 - i];
    }
    self->branch_count = path.count;
    branch__path_release(&path);
    return ERR_OK;
}

static enum err_code find_rows(struct reading *self, struct err *err)
{
    struct db *db = NULL;
    int64_t branch = 0;
    enum err_code code = reader_take(self->store, &db, err);
    if (code == ERR_OK) {
        code = db ? branch__find(db, &self->query->session, &self->query->branch, &self->session,
                                 &branch, err)
                  : err_set(err, ERR_NOT_FOUND, "no session '%s'", self->query->session.text);
    }
    if (code == ERR_OK) {
        code = ulid_is_set(&self->query->branch) ? find_path(self, db, branch, err)
                                                 : find_all_branches(self, db, err);
    }
    reader_give(self->store, db);
    return code;
}

/* ---- a record ---- */

/* What a part's text is, where it lies in several places. */
static enum err_code append_scattered(struct reading *self, struct db *db, int64_t row,
                                      struct err *err)
{
    struct message *message = NULL;
    enum err_code code = message_read(db, row, &message, err);
    if (code) {
        return code;
    }
    struct sqlite3_stmt *stmt = db_prepare(db, part_sql, err);
    for (size_t i = 0; code == ERR_OK && i < message->part_count; i++) {
        const struct message_part *part = &message->parts[i];
        db_bind_int(stmt, 1, row);
        db_bind_int(stmt, 2, (int64_t)i);
        db_bind_text(stmt, 3, sv_of(part->text, part->text_n));
        if (!db_step(db, stmt, err)) {
            code = db_result(db);
            break;
        }
        buf_append_str(&self->page, i ? "," : "");
        buf_append_sv(&self->page, db_column_text(stmt, 0));
        db_reset(stmt);
    }
    message_free(message);
    return code;
}

static enum err_code append_together(struct reading *self, struct db *db, int64_t row,
                                     struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, parts_sql, err);
    db_bind_int(stmt, 1, row);
    for (bool first = true; db_step(db, stmt, err); first = false) {
        buf_append_str(&self->page, first ? "" : ",");
        buf_append_sv(&self->page, db_column_text(stmt, 0));
    }
    return db_result(db);
}

static enum err_code append_parts(struct reading *self, struct db *db, struct sqlite3_stmt *head,
                                  struct err *err)
{
    int64_t row = db_column_int(head, 3);
    /* Without the brace that closes the message. */
    buf_truncate(&self->page, self->page.n > 0 ? self->page.n - 1 : 0);
    buf_append_str(&self->page, ",\"parts\":[");
    enum err_code code = db_column_int(head, 2) ? append_together(self, db, row, err)
                                                : append_scattered(self, db, row, err);
    buf_append_str(&self->page, "]}");
    return code;
}

/* ---- a page ---- */

static enum err_code fill_page(struct reading *self, enum archive_kind kind, struct db *db,
                               struct branch_range *range, struct err *err)
{
    struct sqlite3_stmt *stmt = db_prepare(db, sections[kind].sql, err);
    int64_t after = range->after;
    if (kind == ARCHIVE_MESSAGE) {
        int64_t last = self->query->last_seq ? self->query->last_seq : INT64_MAX - 1;
        int64_t first = self->query->first_seq - 1;
        after = first > after ? first : after;
        db_bind_int(stmt, 3, last < range->before ? last : range->before - 1);
    }
    db_bind_int(stmt, 1, range->branch);
    db_bind_int(stmt, 2, after);
    enum err_code code = ERR_OK;
    while (code == ERR_OK && db_step(db, stmt, err)) {
        range->after = db_column_int(stmt, 0);
        buf_append_sv(&self->page, db_column_text(stmt, 1));
        code = kind == ARCHIVE_MESSAGE ? append_parts(self, db, stmt, err) : ERR_OK;
        self->ends = xrealloc(self->ends, (self->count + 1) * sizeof(*self->ends));
        self->ends[self->count++] = self->page.n;
        if (code || (kind != ARCHIVE_ATTACHMENT && self->page.n > PAGE_BYTES)) {
            db_reset(stmt);
            return code;
        }
    }
    return code ? code : db_result(db);
}

static enum err_code read_page(struct reading *self, enum archive_kind kind,
                               struct branch_range *range, struct err *err)
{
    struct db *db = NULL;
    buf_clear(&self->page);
    self->count = 0;
    enum err_code code = reader_take(self->store, &db, err);
    if (code == ERR_OK) {
        code = db ? fill_page(self, kind, db, range, err)
                  : err_set(err, ERR_NOT_FOUND, "the database is gone");
    }
    reader_give(self->store, db);
    return code || buf_ok(&self->page)
               ? code
               : err_set(err, ERR_TOO_BIG, "a message of session %s is too long for one record",
                         self->query->session.text);
}

static enum err_code read_range(struct reading *self, enum archive_kind kind,
                                struct branch_range range, struct err *err)
{
    enum err_code code = ERR_OK;
    do {
        code = read_page(self, kind, &range, err);
        for (size_t i = 0; code == ERR_OK && i < self->count; i++) {
            size_t from = i > 0 ? self->ends[i - 1] : 0;
            code =
                self->visit(self->ctx, kind, sv_of(self->page.p + from, self->ends[i] - from), err);
        }
    } while (code == ERR_OK && self->count > 0 && kind != ARCHIVE_ATTACHMENT);
    return code;
}

static enum err_code read_section(struct reading *self, enum archive_kind kind, struct err *err)
{
    if (sections[kind].scope == OF_SESSION) {
        return read_range(self, kind, (struct branch_range){self->session, 0, 0}, err);
    }
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < self->branch_count; i++) {
        struct branch_range range = self->branches[i];
        /* Only messages are cut at a fork: rows of the other kinds are numbered otherwise. */
        range.after = kind == ARCHIVE_MESSAGE ? range.after : 0;
        code = read_range(self, kind, range, err);
    }
    return code;
}

enum err_code archive_read(struct store *store, const struct archive_query *query,
                           archive_visit_fn *visit, void *ctx, struct err *err)
{
    struct reading self = {.store = store,
                           .query = query,
                           .visit = visit,
                           .ctx = ctx,
                           .page = BUF_INIT(BUF_MAX_INTERNAL)};
    enum err_code code = find_rows(&self, err);
    for (enum archive_kind kind = 0; code == ERR_OK && kind < ARCHIVE_KIND_COUNT; kind++) {
        code = read_section(&self, kind, err);
    }
    free(self.branches);
    free(self.ends);
    buf_release(&self.page);
    return code;
}
