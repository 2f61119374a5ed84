/* Plain text: who said what, nothing else. */
#include <stdlib.h>
#include <string.h>

#include "app/export.h"
#include "base/clock.h"
#include "base/safe.h"

static void session_begin(struct buf *out, const struct session *session,
                          const struct verdict *verdict)
{
    (void)verdict;
    char created[CLOCK_ISO_SIZE];
    clock_format_utc(session->created_us, created);
    (void)safe_append(out, sv_from(session->title), SAFE_ONE_LINE);
    buf_appendf(out, "\nSession %s, begun %s.\n", session->handle, created);
}

static void message(struct buf *out, const struct export_entry *entry)
{
    const struct message *message = entry->message;
    bool is_user = message->role == ROLE_USER;
    char *text = message_text(message, PART_TEXT);
    size_t n = strlen(text);
    if (n > 0) {
        buf_appendf(out, "\n%s:\n", is_user ? "You" : message->model ? message->model : "Answer");
        buf_append_str(out, text);
        buf_append_str(out, text[n - 1] == '\n' ? "" : "\n");
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
