/* Markdown: what was said, fit to be read as it is. */
#include "app/export.h"
#include "app/export_md_end.h"
#include "base/safe.h"

/* On a paragraph of its own. */
static void append_verdict(struct buf *out, const struct verdict *verdict)
{
    if (verdict) {
        buf_append_str(out, "\n*Verdict:");
        buf_appendf(out, "%s%s", verdict->word ? " " : "", verdict->word ? verdict->word : "");
        if (verdict->rating > 0) {
            buf_appendf(out, " %d of %d", verdict->rating, VERDICT_RATING_MAX);
        }
        buf_append_str(out, "*\n");
    }
}

static void md_begin(struct buf *out, const struct session *session, const struct verdict *verdict)
{
    buf_append_str(out, "# ");
    export_append_title(out, session);
    buf_appendf(out, "\n\nSession %s, begun ", session->handle);
    export_append_time(out, session->created_us);
    buf_append_str(out, ".\n");
    append_verdict(out, verdict);
}

/* A fence that the text cannot close. */
static void append_fenced(struct buf *out, struct sv text, const char *info)
{
    size_t longest = 2;
    size_t run = 0;
    for (size_t i = 0; i < text.n; i++) {
        run = text.p[i] == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    for (int end = 0; end < 2; end++) {
        for (size_t i = 0; i <= longest; i++) {
            buf_append_byte(out, '`');
        }
        if (end == 0) {
            buf_appendf(out, "%s\n", info);
            buf_append_sv(out, text);
            buf_append_str(out, text.n && text.p[text.n - 1] == '\n' ? "" : "\n");
        }
    }
    buf_append_byte(out, '\n');
}

static void append_quoted(struct buf *out, struct sv text)
{
    struct sv line;
    while (sv_next_line(&text, &line)) {
        buf_append_str(out, line.n ? "> " : ">");
        buf_append_sv(out, line);
        buf_append_byte(out, '\n');
    }
}

/* Its name as code, which a grave in it does not end. */
static void append_attached(struct buf *out, struct sv name)
{
    const char *fence = sv_find(name, '`') < name.n ? "``" : "`";
    const char *space = fence[1] ? " " : "";
    buf_appendf(out, "Attached: %s%s", fence, space);
    (void)safe_append(out, name, SAFE_ONE_LINE);
    buf_appendf(out, "%s%s\n", space, fence);
}

static void md_part(struct buf *out, const struct message_part *part)
{
    struct sv text = sv_of(part->text, part->text_n);
    if (part->kind == PART_NATIVE || (text.n == 0 && part->kind != PART_TOOL_CALL)) {
        return;
    }
    buf_append_byte(out, '\n');
    switch (part->kind) {
    case PART_REASONING:
        buf_append_str(out, "> *Reasoning*\n>\n");
        append_quoted(out, text);
        return;
    case PART_TOOL_CALL:
        buf_appendf(out, "*Tool call: %s*\n\n", part->tool_name ? part->tool_name : "");
        append_fenced(out, text, "json");
        return;
    case PART_TOOL_RESULT:
        buf_append_str(out, "*Tool result*\n\n");
        append_fenced(out, text, "");
        return;
    case PART_STATUS:
        append_quoted(out, text);
        return;
    case PART_ATTACHMENT:
        append_attached(out, text);
        return;
    default:
        buf_append_sv(out, text);
        buf_append_str(out, text.p[text.n - 1] == '\n' ? "" : "\n");
        export_append_md_end(out, text);
    }
}

/* With the words that it is on, as far as they are of one line. */
static void append_note(struct buf *out, const struct note *note, const struct message *message)
{
    const struct note_place *place = &note->place;
    buf_append_str(out, "\n> *Note*");
    if (place->part >= 0 && (size_t)place->part < message->part_count) {
        struct sv text =
            sv_of(message->parts[place->part].text, message->parts[place->part].text_n);
        struct sv line = sv_skip(sv_take(text, place->last), place->first);
        buf_append_str(out, " on \"");
        (void)safe_append(out, sv_take(line, sv_find(line, '\n')), SAFE_ONE_LINE);
        buf_append_str(out, "\":");
    }
    buf_append_str(out, "\n>\n");
    append_quoted(out, sv_from(note->text));
}

static void md_message(struct buf *out, const struct export_entry *entry)
{
    const struct message *message = entry->message;
    bool is_user = message->role == ROLE_USER;
    const char *who = is_user ? "You" : message->model ? message->model : role_text(message->role);
    buf_appendf(out, "\n## %s\n", who);
    for (size_t i = 0; i < message->part_count; i++) {
        md_part(out, &message->parts[i]);
    }
    export_append_ending(out, message, "\n*(", ")*\n");
    append_verdict(out, entry->verdict);
    for (size_t i = 0; i < entry->note_count; i++) {
        append_note(out, &entry->notes[i], message);
    }
}

static void md_branch(struct buf *out, const struct branch *branch)
{
    buf_appendf(out, "\n# Branch %s", branch->id.text);
    if (branch->name) {
        buf_append_str(out, ": ");
        (void)safe_append(out, sv_from(branch->name), SAFE_ONE_LINE);
    }
    if (ulid_is_set(&branch->parent)) {
        buf_appendf(out, ", after message %lld of its parent", (long long)branch->fork_seq);
    }
    buf_append_str(out, branch->current ? " (the current one)\n" : "\n");
}

static void md_between(struct buf *out)
{
    buf_append_str(out, "\n---\n\n");
}

const struct export_format export_md = {
    .name = "md",
    .session_begin = md_begin,
    .branch = md_branch,
    .message = md_message,
    .between = md_between,
};
