/*
 * HTML: one file that needs nothing else, loads nothing and runs nothing.
 *
 * The policy in its head allows the one style sheet below, by its hash, and pictures that stand in
 * the file itself. Reasoning, tools, notes and branches are folded by the browser's own means.
 */
#include <string.h>
#include <strings.h>

#include "app/codec_encode.h"
#include "app/export.h"
#include "app/html.h"
#include "store/attachment.h"

/* Colours are named once for light and once for dark; what is code has the names of ui/style.h. */
static const char sheet[] =
    ":root{color-scheme:light dark;--back:#fff;--text:#1c1c1c;--dim:#666;--line:#ddd;--box:#f5f5f2;"
    "--user:#e8f0fa;--link:#0b57b0;--note:#fff6d6;--keyword:#7a2a8c;--type:#0a6a6a;--name:#1f4fa0;"
    "--string:#2b6b1f;--number:#9a4a00;--comment:#6b6b6b;--added:#1b6b2b;--removed:#a02020}"
    "@media(prefers-color-scheme:dark){:root{--back:#161618;--text:#e4e4e4;--dim:#9a9a9a;"
    "--line:#333;--box:#202024;--user:#1d2a3a;--link:#8ab8ff;--note:#38321a;--keyword:#d79ae8;"
    "--type:#6fd0d0;--name:#8fb8ff;--string:#9fd68a;--number:#e8a86a;--comment:#8f8f8f;"
    "--added:#8fd69a;--removed:#f09090}}"
    "body{margin:0 auto;padding:1rem;max-width:50rem;background:var(--back);color:var(--text);"
    "font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
    "header{color:var(--dim);font-size:.85rem}article{margin:1.5rem 0}"
    "a{color:var(--link)}h1{font-size:1.5rem}h2{font-size:1.2rem}"
    "article.user{background:var(--user);padding:.5rem 1rem;border-radius:.5rem}"
    ".plain{white-space:pre-wrap;tab-size:4}pre{tab-size:4;background:var(--box);padding:.75rem;"
    "overflow-x:auto;"
    "border-radius:.4rem}code{font:.9em ui-monospace,monospace}"
    "blockquote{margin-left:0;padding-left:1rem;border-left:3px solid var(--line)}"
    "table{border-collapse:collapse;display:block;overflow-x:auto}"
    "th,td{border:1px solid var(--line);padding:.3rem .6rem}"
    ".left{text-align:left}.center{text-align:center}.right{text-align:right}"
    "details{margin:.5rem 0;border-left:3px solid var(--line);padding-left:1rem}"
    "summary{cursor:pointer;color:var(--dim)}details.note{background:var(--note)}"
    "img{max-width:100%}.state{color:var(--dim);font-style:italic}"
    ".block-keyword{color:var(--keyword)}.block-type{color:var(--type)}"
    ".block-name{color:var(--name)}.block-string{color:var(--string)}"
    ".block-number{color:var(--number)}.block-comment{color:var(--comment);font-style:italic}"
    ".block-added{color:var(--added)}.block-removed{color:var(--removed)}";

static int digit_of(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* As a policy names a style sheet. Source: CSP level 3, 2.3.1. */
static void append_hash(struct buf *out)
{
    char hex[ATTACHMENT_ID_LENGTH + 1], bytes[ATTACHMENT_ID_LENGTH / 2];
    attachment_id(sv_from(sheet), hex);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)(digit_of(hex[2 * i]) << 4 | digit_of(hex[2 * i + 1]));
    }
    buf_append_str(out, "'sha256-");
    codec_append_base64(out, sv_of(bytes, sizeof(bytes)));
    buf_append_byte(out, '\'');
}

static void begin(struct buf *out)
{
    buf_append_str(out,
                   "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                   "img-src data:; base-uri 'none'; form-action 'none'; style-src ");
    append_hash(out);
    buf_append_str(out, "\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
                        "<meta name=\"viewport\" content=\"width=device-width\">\n"
                        "<title>weir export</title>\n<style>");
    buf_append_str(out, sheet);
    buf_append_str(out, "</style>\n</head>\n<body>\n");
}

static void end(struct buf *out)
{
    buf_append_str(out, "</body>\n</html>\n");
}

static void append_verdict(struct buf *out, const struct verdict *verdict)
{
    if (!verdict) {
        return;
    }
    buf_appendf(out, "<p class=\"state\">Verdict:%s", verdict->word ? " " : "");
    html_line(out, sv_from(verdict->word ? verdict->word : ""));
    if (verdict->rating > 0) {
        buf_appendf(out, " %d of %d", verdict->rating, VERDICT_RATING_MAX);
    }
    buf_append_str(out, "</p>\n");
}

static void session_begin(struct buf *out, const struct session *session,
                          const struct verdict *verdict)
{
    struct buf title = BUF_INIT(BUF_MAX_INTERNAL);
    export_append_title(&title, session);
    buf_append_str(out, "<section>\n<h1>");
    html_line(out, buf_sv(&title));
    buf_release(&title);
    buf_appendf(out, "</h1>\n<header>Session %s, begun ", session->handle);
    export_append_time(out, session->created_us);
    buf_append_str(out, "</header>\n");
    append_verdict(out, verdict);
}

static void session_end(struct buf *out)
{
    buf_append_str(out, "</section>\n");
}

static void branch_begin(struct buf *out, const struct branch *branch)
{
    buf_appendf(out, "<details class=\"branch\"%s>\n<summary>Branch ",
                branch->current ? " open" : "");
    html_line(out, sv_from(branch->name ? branch->name : branch->id.text));
    if (ulid_is_set(&branch->parent)) {
        buf_appendf(out, ", after message %lld of its parent", (long long)branch->fork_seq);
    }
    buf_append_str(out, branch->current ? " (the current one)" : "");
    buf_append_str(out, "</summary>\n");
}

static void branch_end(struct buf *out)
{
    buf_append_str(out, "</details>\n");
}

/* ---- parts ---- */

static bool is_picture(const char *type)
{
    static const char *const types[] = {"image/png", "image/jpeg", "image/gif", "image/webp"};
    for (size_t i = 0; type && i < COUNT_OF(types); i++) {
        if (strcasecmp(type, types[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void append_attachment(struct buf *out, const struct message_part *part,
                              const struct export_entry *entry)
{
    struct buf bytes = BUF_INIT(ATTACHMENT_MAX_BYTES);
    struct sv id = sv_from(part->tool_id ? part->tool_id : "");
    buf_append_str(out, "<p class=\"state\">Attached: ");
    html_line(out, sv_of(part->text, part->text_n));
    if (is_picture(part->tool_name) && attachment_read(entry->store, id, &bytes, NULL) == ERR_OK) {
        buf_append_str(out, "<br><img alt=\"\" src=\"data:");
        html_line(out, sv_from(part->tool_name));
        buf_append_str(out, ";base64,");
        codec_append_base64(out, buf_sv(&bytes));
        buf_append_str(out, "\">");
    }
    buf_append_str(out, "</p>\n");
    buf_release(&bytes);
}

static void open_folded(struct buf *out, const char *title, const char *name)
{
    buf_appendf(out, "<details>\n<summary>%s", title);
    html_line(out, sv_from(name ? name : ""));
    buf_append_str(out, "</summary>\n");
}

static void append_plain(struct buf *out, struct sv text, const char *tag, const char *class)
{
    buf_appendf(out, "<%s class=\"%s\">", tag, class);
    html_text(out, text);
    buf_appendf(out, "</%s>\n", tag);
}

static void append_part(struct buf *out, const struct message_part *part,
                        const struct export_entry *entry)
{
    struct sv text = sv_of(part->text, part->text_n);
    switch (part->kind) {
    case PART_TEXT:
        if (entry->message->role == ROLE_USER) {
            append_plain(out, text, "div", "plain");
        } else {
            html_markdown(out, text);
        }
        return;
    case PART_REASONING:
        open_folded(out, "Reasoning", NULL);
        html_markdown(out, text);
        break;
    case PART_TOOL_CALL:
        open_folded(out, "Tool call: ", part->tool_name);
        html_code(out, SV("json"), text);
        break;
    case PART_TOOL_RESULT:
        open_folded(out, "Tool result", NULL);
        html_code(out, SV(""), text);
        break;
    case PART_ATTACHMENT:
        append_attachment(out, part, entry);
        return;
    case PART_STATUS:
        append_plain(out, text, "p", "state");
        return;
    default:
        return;
    }
    buf_append_str(out, "</details>\n");
}

/* ---- a message ---- */

static void append_head(struct buf *out, const struct message *message)
{
    bool is_user = message->role == ROLE_USER;
    buf_appendf(out, "<article class=\"%s\" id=\"%s\">\n<header>%lld · ", role_text(message->role),
                message->id.text, (long long)message->seq);
    html_line(out, sv_from(is_user          ? "You"
                           : message->model ? message->model
                                            : role_text(message->role)));
    buf_append_str(out, " · ");
    export_append_time(out, message->created_us);
    buf_append_str(out, "</header>\n");
}

static void append_end(struct buf *out, const struct message *message)
{
    struct buf ending = BUF_INIT(BUF_MAX_INTERNAL);
    if (export_append_ending(&ending, message, "", "")) {
        buf_append_str(out, "<p class=\"state\">");
        html_line(out, buf_sv(&ending));
        buf_append_str(out, "</p>\n");
    }
    buf_release(&ending);
}

static void append_note(struct buf *out, const struct note *note, const struct message *message)
{
    const struct note_place *place = &note->place;
    buf_append_str(out, "<details class=\"note\" open>\n<summary>Note</summary>\n");
    if (place->part >= 0 && (size_t)place->part < message->part_count) {
        struct sv text =
            sv_of(message->parts[place->part].text, message->parts[place->part].text_n);
        buf_append_str(out, "<blockquote>");
        html_text(out, sv_skip(sv_take(text, place->last), place->first));
        buf_append_str(out, "</blockquote>\n");
    }
    append_plain(out, sv_from(note->text), "div", "plain");
    buf_append_str(out, "</details>\n");
}

static void append_message(struct buf *out, const struct export_entry *entry)
{
    const struct message *message = entry->message;
    append_head(out, message);
    for (size_t i = 0; i < message->part_count; i++) {
        if (message->parts[i].text_n > 0 || message->parts[i].kind == PART_TOOL_CALL) {
            append_part(out, &message->parts[i], entry);
        }
    }
    append_end(out, message);
    append_verdict(out, entry->verdict);
    for (size_t i = 0; i < entry->note_count; i++) {
        append_note(out, &entry->notes[i], message);
    }
    buf_append_str(out, "</article>\n");
}

const struct export_format export_html = {
    .name = "html",
    .begin = begin,
    .session_begin = session_begin,
    .branch = branch_begin,
    .message = append_message,
    .branch_end = branch_end,
    .session_end = session_end,
    .end = end,
};
