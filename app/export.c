/* The table of formats, and the way of a session through one of them. */
#include "app/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/codec_encode.h"
#include "app/export_redact.h"
#include "app/json.h"
#include "base/alloc.h"
#include "base/file.h"
#include "store/attachment.h"
#include "store/history.h"

#define PAGE_MESSAGES 100

static const struct export_format *const formats[] = {
    &export_md, &export_html, &export_json, &export_jsonl, &export_txt,
};

enum err_code export_find_format(const char *name, const struct export_format **ret_format,
                                 struct err *err)
{
    struct buf names = BUF_INIT(256);
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        if (!name || strcmp(formats[i]->name, name) == 0) {
            *ret_format = formats[i];
            buf_release(&names);
            return ERR_OK;
        }
        buf_appendf(&names, "%s'%s'", i ? ", " : "", formats[i]->name);
    }
    enum err_code code = err_set(err, ERR_USAGE, "unknown format '%.40s', expected one of %s", name,
                                 buf_cstr(&names));
    buf_release(&names);
    return code;
}

struct writing {
    const struct export_request *request;
    struct sink *sink;
    struct ulid session;
    enum archive_kind next; /* the section that has not begun */
    struct note_list notes; /* of the session; those of one message stand together */
    struct verdict_list verdicts;
};

/* ---- records ---- */

/* Its bytes beside the export, under its id; what is there already has them. */
static enum err_code put_beside(struct writing *self, struct sv id, struct sv bytes,
                                struct err *err)
{
    char *path = xasprintf("%s/%.*s", self->request->attachments, SV_ARG(id));
    enum err_code code = self->request->rehearses ? ERR_OK : file_make_parent(path, err);
    if (code == ERR_OK && !self->request->rehearses && !file_exists(path)) {
        code = file_write_atomic(path, bytes, err);
    }
    free(path);
    return code;
}

static enum err_code add_bytes(struct writing *self, struct sv json, struct buf *out,
                               struct err *err)
{
    struct buf bytes = BUF_INIT(ATTACHMENT_MAX_BYTES);
    const struct export_request *request = self->request;
    struct sv before = sv_take(sv_skip(json_raw_get(json, SV("id")), 1), ATTACHMENT_ID_LENGTH);
    struct sv type = json_raw_get(json, SV("type"));
    char id[ATTACHMENT_ID_LENGTH + 1];
    (void)snprintf(id, sizeof(id), "%.*s", SV_ARG(before));
    enum err_code code = attachment_read(request->store, before, &bytes, err);
    if (code == ERR_OK && request->redactor) {
        struct sv plain = sv_take(sv_skip(type, 1), type.n > 2 ? type.n - 2 : 0);
        code = export_redact_bytes(request, plain, &bytes, id, err);
    }
    buf_appendf(out, "{\"id\":\"%s\",\"type\":%.*s,\"bytes\":%zu", id, SV_ARG(type), bytes.n);
    if (code == ERR_OK && request->attachments) {
        code = put_beside(self, sv_from(id), buf_sv(&bytes), err);
    } else if (code == ERR_OK) {
        buf_append_str(out, ",\"data\":\"");
        codec_append_base64(out, buf_sv(&bytes));
        buf_append_byte(out, '"');
    }
    buf_append_byte(out, '}');
    buf_release(&bytes);
    return code;
}

/* The sections up to and including this one begin. */
static bool begin_sections(struct writing *self, enum archive_kind upto)
{
    bool first = self->next <= upto;
    for (; self->next < upto; self->next++) {
        if (self->next != ARCHIVE_SESSION) {
            self->request->format->record(&self->sink->out, self->next, SV(""), true);
        }
    }
    self->next = self->next == upto ? upto + 1 : self->next;
    return first;
}

static enum err_code visit_record(void *ctx, enum archive_kind kind, struct sv json,
                                  struct err *err)
{
    struct writing *self = ctx;
    struct buf whole = BUF_INIT(BUF_MAX_INTERNAL);
    bool first = begin_sections(self, kind);
    enum err_code code = ERR_OK;
    if (kind == ARCHIVE_ATTACHMENT) {
        code = add_bytes(self, json, &whole, err);
        json = buf_sv(&whole);
    } else if (self->request->redactor) {
        redact_json(self->request->redactor, &whole, json);
        json = buf_sv(&whole);
        code = buf_ok(&whole) ? ERR_OK : err_set(err, ERR_TOO_BIG, "a record is too long");
    }
    if (code == ERR_OK) {
        self->request->format->record(&self->sink->out, kind, json, first);
        code = sink_flush(self->sink, false, err);
    }
    buf_release(&whole);
    return code;
}

static enum err_code write_records(struct writing *self, struct err *err)
{
    const struct export_request *request = self->request;
    const struct archive_query query = {.session = self->session,
                                        .branch = request->branch,
                                        .first_seq = request->first_seq,
                                        .last_seq = request->last_seq};
    enum err_code code = archive_read(request->store, &query, visit_record, self, err);
    if (code == ERR_OK) {
        (void)begin_sections(self, ARCHIVE_KIND_COUNT);
    }
    return code;
}

/* ---- messages ---- */

static void write_message(struct writing *self, const struct message *message)
{
    struct export_entry entry = {.message = message,
                                 .verdict = verdict_of(&self->verdicts, &message->id),
                                 .store = self->request->store};
    for (size_t i = 0; i < self->notes.count; i++) {
        if (ulid_equal(&self->notes.notes[i].place.message, &message->id)) {
            entry.notes = entry.notes ? entry.notes : &self->notes.notes[i];
            entry.note_count++;
        }
    }
    self->request->format->message(&self->sink->out, &entry);
}

static enum err_code write_page(struct writing *self, struct history_query *query, bool *ret_more,
                                struct err *err)
{
    struct history_page page = {.messages = NULL};
    enum err_code code = history_page(self->request->store, query, &page, err);
    *ret_more = code == ERR_OK && page.more && page.count > 0;
    for (size_t i = 0; code == ERR_OK && i < page.count; i++) {
        struct message *message = page.messages[i];
        query->seq = message->seq;
        if (self->request->last_seq && message->seq > self->request->last_seq) {
            *ret_more = false;
            break;
        }
        if (self->request->redactor) {
            code = export_redact_message(self->request, message, err);
        }
        if (code == ERR_OK) {
            write_message(self, message);
            code = sink_flush(self->sink, false, err);
        }
    }
    history_page_release(&page);
    return code;
}

/* Messages behind `after` only. */
static enum err_code write_branch(struct writing *self, const struct ulid *branch, int64_t after,
                                  struct err *err)
{
    int64_t first = self->request->first_seq - 1;
    bool more = true;
    struct history_query query = {.session = self->session,
                                  .branch = *branch,
                                  .start = HISTORY_SEQ,
                                  .seq = first > after ? first : after,
                                  .newer = true,
                                  .limit = PAGE_MESSAGES};
    enum err_code code = ERR_OK;
    while (code == ERR_OK && more) {
        code = write_page(self, &query, &more, err);
    }
    return code;
}

static enum err_code write_branches(struct writing *self, struct err *err)
{
    struct branch_list list = {NULL, 0};
    enum err_code code = branch_list(self->request->store, &self->session, &list, err);
    for (size_t i = 0; code == ERR_OK && i < list.count; i++) {
        const struct export_format *format = self->request->format;
        struct branch *branch = &list.branches[i];
        if (self->request->redactor) {
            export_redact_branch(self->request->redactor, branch);
        }
        if (list.count > 1 && format->branch) {
            format->branch(&self->sink->out, branch);
        }
        code = write_branch(self, &branch->id, branch->fork_seq, err);
        if (list.count > 1 && format->branch_end) {
            format->branch_end(&self->sink->out);
        }
    }
    branch_list_release(&list);
    return code;
}

static enum err_code write_messages(struct writing *self, struct err *err)
{
    struct session session = {.title = NULL};
    struct store *store = self->request->store;
    enum err_code code = session_get(store, &self->session, &session, err);
    code = code ? code : note_list_of_session(store, &self->session, &self->notes, err);
    code = code ? code : verdict_list(store, &self->session, &self->verdicts, err);
    if (code == ERR_OK && self->request->redactor) {
        export_redact_session(self->request->redactor, &session);
        export_redact_notes(self->request->redactor, &self->notes);
        export_redact_verdicts(self->request->redactor, &self->verdicts);
    }
    if (code == ERR_OK) {
        const struct ulid whole = {""};
        self->request->format->session_begin(&self->sink->out, &session,
                                             verdict_of(&self->verdicts, &whole));
        code = self->request->all_branches ? write_branches(self, err)
                                           : write_branch(self, &self->request->branch, 0, err);
    }
    note_list_release(&self->notes);
    verdict_list_release(&self->verdicts);
    session_release(&session);
    return code;
}

static void call(void (*function)(struct buf *out), struct buf *out)
{
    if (function) {
        function(out);
    }
}

enum err_code export_write(const struct export_request *request, const struct ulid *sessions,
                           size_t count, struct sink *sink, struct err *err)
{
    const struct export_format *format = request->format;
    enum err_code code = ERR_OK;
    call(format->begin, &sink->out);
    for (size_t i = 0; code == ERR_OK && i < count; i++) {
        struct writing self = {.request = request, .sink = sink, .session = sessions[i]};
        if (i > 0) {
            call(format->between, &sink->out);
        }
        code = format->record ? write_records(&self, err) : write_messages(&self, err);
        call(format->session_end, &sink->out);
    }
    call(format->end, &sink->out);
    return code ? code : sink_flush(sink, true, err);
}

enum err_code export_session(const struct reading *reading, const char *what, const char *name,
                             struct buf *out, struct err *err)
{
    struct session_list list = {NULL, 0, false};
    struct export_request request = {.store = reading->store};
    struct sink sink;
    enum err_code code = export_find_format(name, &request.format, err);
    code = code ? code : named_session(reading->store, what, &list, err);
    sink_init_memory(&sink, out->max);
    if (code == ERR_OK) {
        code = export_write(&request, &list.sessions[0].id, 1, &sink, err);
    }
    if (code == ERR_OK && !buf_append_sv(out, buf_sv(&sink.out))) {
        code = err_set(err, ERR_TOO_BIG, "the session is too long for one export");
    }
    sink_close(&sink);
    session_list_release(&list);
    return code;
}
