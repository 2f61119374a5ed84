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
    char created[CLOCK_ISO_SIZE];
    clock_format_utc(session->created_us, created);
    export_append_title(out, session);
    buf_appendf(out, "\nSession %s, begun %s.\n", session->handle, created);
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
    if (!export_append_attached(out, message, entry->store) && n == 0) {
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
