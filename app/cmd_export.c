/* weir export: writes a session as Markdown or JSON. */
#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "app/export.h"
#include "app/opening.h"
#include "app/output.h"
#include "app/pages.h"
#include "app/records.h"
#include "app/version.h"
#include "base/clock.h"
#include "base/safe.h"

/* Of the JSON format; rises when a reader has to know. */
#define FORMAT_VERSION 1

static const struct option_spec options[] = {
    {"format", 'f', OPTION_TEXT, "FORMAT", "md or json (md)"},
    {"output", 'o', OPTION_TEXT, "FILE", "write to FILE, whole or not at all"},
    {.name = NULL},
};

/* One way to write a session. */
struct format {
    const char *name;
    void (*begin)(struct buf *out, const struct session *session);
    page_visit_fn *message;
    void (*end)(struct buf *out);
};

static void md_begin(struct buf *out, const struct session *session)
{
    char created[CLOCK_ISO_SIZE];
    clock_format_utc(session->created_us, created);
    buf_append_str(out, "# ");
    (void)safe_append(out, sv_from(session->title), SAFE_ONE_LINE);
    buf_appendf(out, "\n\nSession %s, begun %s.\n", session->handle, created);
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
    default:
        buf_append_sv(out, text);
        buf_append_str(out, text.p[text.n - 1] == '\n' ? "" : "\n");
    }
}

static void md_message(void *ctx, const struct message *message)
{
    struct buf *out = ctx;
    bool is_user = message->role == ROLE_USER;
    const char *who = is_user ? "You" : message->model ? message->model : role_text(message->role);
    buf_appendf(out, "\n## %s\n", who);
    for (size_t i = 0; i < message->part_count; i++) {
        md_part(out, &message->parts[i]);
    }
    bool is_whole = message->reason == FINISH_END_TURN || message->reason == FINISH_TOOL_USE;
    if (!is_user && !is_whole) {
        buf_appendf(out, "\n*(%s%s%s)*\n",
                    message->ended ? finish_reason_text(message->reason) : "still running",
                    message->detail ? ": " : "", message->detail ? message->detail : "");
    }
}

static void md_end(struct buf *out)
{
    (void)out;
}

static void json_begin(struct buf *out, const struct session *session)
{
    buf_append_byte(out, '{');
    record_text(out, "format", SV("weir-session"));
    record_int(out, "version", FORMAT_VERSION);
    record_text(out, "written_by", SV("weir " WEIR_VERSION));
    record_time(out, "exported_at", clock_wall_us());
    record_key(out, "session");
    record_session(out, session);
    record_key(out, "messages");
    buf_append_byte(out, '[');
}

static void json_message(void *ctx, const struct message *message)
{
    struct buf *out = ctx;
    buf_append_str(out, out->n && out->p[out->n - 1] == '[' ? "\n" : ",\n");
    record_message(out, message);
}

static void json_end(struct buf *out)
{
    buf_append_str(out, "\n]}\n");
}

static const struct format formats[] = {
    {"md", md_begin, md_message, md_end},
    {"json", json_begin, json_message, json_end},
};

static const struct format *format_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        if (strcmp(formats[i].name, name) == 0) {
            return &formats[i];
        }
    }
    return NULL;
}

static enum err_code find_format(const char *name, const struct format **ret_format,
                                 struct err *err)
{
    const struct format *format = format_find(name ? name : "md");
    if (!format) {
        return err_set(err, ERR_USAGE, "unknown format '%.40s', expected one of 'md', 'json'",
                       name);
    }
    *ret_format = format;
    return ERR_OK;
}

enum err_code export_session(const struct reading *reading, const char *what, const char *name,
                             struct buf *out, struct err *err)
{
    struct session_list list = {NULL, 0, false};
    const struct format *format = NULL;
    enum err_code code = find_format(name, &format, err);
    code = code ? code : reading_find(reading, what, &list, err);
    if (!code) {
        format->begin(out, &list.sessions[0]);
        code = pages_walk(reading->store, &list.sessions[0].id, format->message, out, err);
        format->end(out);
    }
    session_list_free(&list);
    if (!code && !buf_ok(out)) {
        code = err_set(err, ERR_TOO_BIG, "the session is too long for one export");
    }
    return code;
}

static int run(const struct global_options *global, const struct arguments *arguments)
{
    const char *name = argument_text(arguments, "format");
    const struct format *format;
    struct reading reading;
    struct err err = {0};
    if (arguments->rest_count != 1) {
        err_set(&err, ERR_USAGE, "expected one session: weir export SESSION");
        return command_fail(&err);
    }
    if (find_format(name, &format, &err) || reading_open(global, &reading, &err)) {
        return command_fail(&err);
    }
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    enum err_code code = export_session(&reading, arguments->rest[0], format->name, &out, &err);
    int exit_code = code ? command_fail(&err)
                         : output_result_to(argument_text(arguments, "output"), buf_sv(&out));
    buf_release(&out);
    reading_close(&reading);
    return exit_code;
}

const struct command command_export = {
    .name = "export",
    .operands = "SESSION",
    .summary = "write a session as Markdown or JSON",
    .details =
        "Markdown holds what was said; JSON holds everything that is stored, with a version\n"
        "number. Both go to stdout unless -o names a file.\n",
    .options = options,
    .run = run,
};
