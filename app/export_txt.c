/* Plain text: who said what, nothing else. */
#include <stdlib.h>
#include <string.h>

#include "app/export.h"
#include "base/clock.h"
#include "base/safe.h"
#include "store/attachment.h"

static void session_begin(struct buf *out, const struct session *session,
                          const struct verdict *verdict)
{
    (void)verdict;
    export_append_title(out, session);
    buf_appendf(out, "\nSession %s, begun ", session->handle);
    export_append_time(out, session->created_us);
    buf_append_str(out, ".\n");
}

void export_append_time(struct buf *out, int64_t wall_us)
{
    char iso[CLOCK_ISO_SIZE];
    clock_format_utc(wall_us, iso);
    buf_appendf(out, "%.10s %.5s UTC", iso, iso + sizeof("2026-11-21T") - 1);
}

bool export_append_ending(struct buf *out, const struct message *message, const char *before,
                          const char *behind)
{
    bool is_whole = message->reason == FINISH_END_TURN || message->reason == FINISH_TOOL_USE;
    if (message->role == ROLE_USER || is_whole) {
        return false;
    }
    buf_append_str(out, before);
    buf_append_str(out, message->ended ? finish_reason_said(message->reason) : "still running");
    if (message->detail && message->detail[0]) {
        buf_append_str(out, ": ");
        (void)safe_append(out, sv_from(message->detail), SAFE_ONE_LINE);
    }
    buf_append_str(out, behind);
    return true;
}

void export_append_title(struct buf *out, const struct session *session)
{
    if (sv_trim(sv_from(session->title)).n > 0) {
        (void)safe_append(out, sv_from(session->title), SAFE_ONE_LINE);
    } else {
        buf_appendf(out, "Session %s", session->handle);
    }
}

bool export_append_attached(struct buf *out, const struct message *message, struct store *store)
{
    bool is_any = false;
    for (size_t i = 0; i < message->part_count; i++) {
        const struct message_part *part = &message->parts[i];
        struct attachment attachment;
        if (part->kind != PART_ATTACHMENT) {
            continue;
        }
        is_any = true;
        buf_append_str(out, "[attached: ");
        (void)safe_append(out, sv_of(part->text, part->text_n), SAFE_ONE_LINE);
        if (part->tool_id &&
            attachment_find(store, sv_from(part->tool_id), &attachment, NULL) == ERR_OK) {
            buf_appendf(out, ", %zu byte%s", attachment.bytes, attachment.bytes == 1 ? "" : "s");
        }
        buf_append_str(out, "]\n");
    }
    return is_any;
}

static void message(struct buf *out, const struct export_entry *entry)
{
    const struct message *message = entry->message;
    bool is_user = message->role == ROLE_USER;
    char *text = message_text(message, PART_TEXT);
    size_t n = strlen(text);
    size_t before = out->n;
    buf_appendf(out, "\n%s:\n", is_user ? "You" : message->model ? message->model : "Answer");
    buf_append_str(out, text);
    buf_append_str(out, n == 0 || text[n - 1] == '\n' ? "" : "\n");
    bool is_attached = export_append_attached(out, message, entry->store);
    bool is_cut = export_append_ending(out, message, "[", "]\n");
    if (!is_attached && !is_cut && n == 0) {
        buf_truncate(out, before);
    }
    free(text);
}

static void branch(struct buf *out, const struct branch *branch)
{
    buf_appendf(out, "\n== Branch %s%s ==\n", branch->id.text, branch->current ? " (current)" : "");
}

static void between(struct buf *out)
{
    buf_append_str(out, "\n\n");
}

const struct export_format export_txt = {
    .name = "txt",
    .session_begin = session_begin,
    .branch = branch,
    .message = message,
    .between = between,
};
