/* What an export takes out. */
#include "app/export_redact.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "store/attachment.h"

/* NULL stays NULL. */
static void redact_field(struct redactor *redactor, char **field)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    if (*field && redact_append(redactor, &out, sv_from(*field))) {
        free(*field);
        *field = buf_detach(&out);
    }
    buf_release(&out);
}

void export_redact_session(struct redactor *redactor, struct session *session)
{
    redact_field(redactor, &session->title);
    redact_field(redactor, &session->name);
}

void export_redact_branch(struct redactor *redactor, struct branch *branch)
{
    redact_field(redactor, &branch->name);
}

void export_redact_notes(struct redactor *redactor, struct note_list *notes)
{
    for (size_t i = 0; i < notes->count; i++) {
        redact_field(redactor, &notes->notes[i].text);
        /* Where it points to has moved. */
        notes->notes[i].place.part = NOTE_WHOLE;
    }
}

void export_redact_verdicts(struct redactor *redactor, struct verdict_list *verdicts)
{
    for (size_t i = 0; i < verdicts->count; i++) {
        redact_field(redactor, &verdicts->verdicts[i].word);
    }
}

static bool is_text(struct sv type)
{
    static const char *const endings[] = {"json", "xml", "yaml", "toml", "javascript", "x-sh"};
    if (sv_starts_with(type, SV("text/"))) {
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        struct sv ending = sv_from(endings[i]);
        if (type.n > ending.n && sv_equal(sv_skip(type, type.n - ending.n), ending)) {
            return true;
        }
    }
    return false;
}

static enum err_code cannot_search(struct sv type, struct err *err)
{
    return err_set(err, ERR_INVALID,
                   "an attachment of type '%.*s' cannot be searched for secrets: nothing was "
                   "written (--keep-attachments leaves such as they are)",
                   SV_ARG(sv_take(type, 100)));
}

enum err_code export_redact_bytes(const struct export_request *request, struct sv type,
                                  struct buf *bytes, char id[ATTACHMENT_ID_LENGTH + 1],
                                  struct err *err)
{
    struct sv text = buf_sv(bytes);
    if (!is_text(type) || utf8_valid_prefix(text.p, text.n) != text.n ||
        (text.n > 0 && memchr(text.p, 0, text.n))) {
        return request->keep_attachments ? ERR_OK : cannot_search(type, err);
    }
    struct buf out = BUF_INIT(2 * ATTACHMENT_MAX_BYTES);
    if (redact_append(request->redactor, &out, text)) {
        char before[ATTACHMENT_ID_LENGTH + 1];
        memcpy(before, id, sizeof(before));
        attachment_id(buf_sv(&out), id);
        redact_rename(request->redactor, before, id);
    }
    buf_release(bytes);
    *bytes = out;
    return ERR_OK;
}

/* Only its name is written, but for pictures, which are not searched. */
static enum err_code check_attachment(const struct export_request *request,
                                      const struct message_part *part, struct err *err)
{
    struct sv type = sv_from(part->tool_name ? part->tool_name : "");
    return request->keep_attachments || is_text(type) ? ERR_OK : cannot_search(type, err);
}

enum err_code export_redact_message(const struct export_request *request, struct message *message,
                                    struct err *err)
{
    enum err_code code = ERR_OK;
    redact_field(request->redactor, &message->detail);
    for (size_t i = 0; code == ERR_OK && i < message->part_count; i++) {
        struct message_part *part = &message->parts[i];
        redact_field(request->redactor, &part->text);
        part->text_n = strlen(part->text);
        if (part->kind == PART_ATTACHMENT) {
            code = check_attachment(request, part, err);
        } else {
            redact_field(request->redactor, &part->tool_name);
        }
    }
    return code;
}
