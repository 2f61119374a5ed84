/* Sessions and messages of other programs as records. */
#include "app/import_foreign.h"

#include "app/json.h"
#include "app/records.h"

enum err_code foreign_session(struct import *import, const struct foreign_session *session,
                              struct err *err)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    buf_append_byte(&out, '{');
    record_id(&out, "id", &session->id);
    record_text(&out, "title", sv_take(session->title, 4096));
    record_text(&out, "title_by", SV("model"));
    record_text(&out, "state", SV("completed"));
    record_text(&out, "model", sv_or_null(session->model));
    record_id(&out, "branch", &session->branch);
    record_int(&out, "created_at", session->created_us);
    record_int(&out, "last_active_at", session->active_us);
    record_text(&out, "metadata", sv_or_null(session->metadata));
    record_known(&out, "archived_at", session->archived ? session->active_us : -1);
    if (session->messages > 0) {
        record_int(&out, "message_count", session->messages);
        record_int(&out, "input_tokens", session->in);
        record_int(&out, "output_tokens", session->out);
        record_int(&out, "cost_micros", session->cost_micros);
    }
    buf_append_byte(&out, '}');
    enum err_code code = import_session(import, buf_sv(&out), err);
    buf_release(&out);
    return code;
}

enum err_code foreign_branch(struct import *import, const struct foreign_branch *branch,
                             struct err *err)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    bool is_first = !ulid_is_set(&branch->parent);
    buf_append_byte(&out, '{');
    record_id(&out, "id", &branch->id);
    record_id(&out, "parent", &branch->parent);
    record_known(&out, "fork_seq", is_first ? -1 : branch->fork_seq);
    record_text(&out, "reason", SV("import"));
    record_int(&out, "created_at", branch->created_us);
    buf_append_byte(&out, '}');
    enum err_code code = import_put(import, ARCHIVE_BRANCH, buf_sv(&out), err);
    buf_release(&out);
    return code;
}

static void append_part(struct buf *out, const struct foreign_part *part, int64_t at_us)
{
    buf_append_byte(out, '{');
    record_text(out, "kind", sv_from(part_kind_text(part->kind)));
    record_text(out, "tool_id", part->tool_id);
    record_text(out, "tool_name", part->tool_name);
    record_int(out, "began_at", at_us);
    record_int(out, "ended_at", at_us);
    record_text(out, "text", part->text.p ? part->text : SV(""));
    buf_append_byte(out, '}');
}

enum err_code foreign_message(struct import *import, const struct foreign_message *message,
                              struct err *err)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    buf_append_byte(&out, '{');
    record_id(&out, "id", &message->id);
    record_id(&out, "branch", &message->branch);
    record_int(&out, "seq", message->seq);
    record_text(&out, "role", sv_from(role_text(message->role)));
    record_text(&out, "model", sv_or_null(message->model));
    record_text(&out, "reason",
                sv_from(finish_reason_text(message->reason ? message->reason : FINISH_END_TURN)));
    record_text(&out, "detail", sv_or_null(message->detail));
    record_int(&out, "created_at", message->created_us);
    record_int(&out, "ended_at", message->created_us);
    record_key(&out, "parts");
    buf_append_byte(&out, '[');
    for (size_t i = 0; i < message->part_count; i++) {
        buf_append_str(&out, i ? "," : "");
        append_part(&out, &message->parts[i], message->created_us);
    }
    buf_append_str(&out, "]}");
    enum err_code code = import_put(import, ARCHIVE_MESSAGE, buf_sv(&out), err);
    buf_release(&out);
    return code;
}
