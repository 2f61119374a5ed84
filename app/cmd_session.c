/* weir session: lists sessions, shows one; what changes them is in files of its own. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/cmd_session_change.h"
#include "app/cmd_session_trash.h"
#include "app/command.h"
#include "app/day.h"
#include "app/export.h"
#include "app/money.h"
#include "app/opening.h"
#include "app/output.h"
#include "app/pages.h"
#include "app/records.h"
#include "base/clock.h"
#include "base/safe.h"
#include "store/trash.h"
#include "ui/width.h"

#define LIST_DEFAULT 50
#define LIST_MOST 100000

static const struct option_spec options[] = {
    {"json", 0, OPTION_FLAG, NULL, "one JSON document"},
    {"limit", 'l', OPTION_NUMBER, "N", "list at most N sessions (50)"},
    {"offset", 0, OPTION_NUMBER, "N", "leave out the N most recent ones"},
    {"label", 0, OPTION_TEXT, "LABEL", "list: those that have this label; new: give it one"},
    {"model", 0, OPTION_TEXT, "MODEL", "list: those that ask PROVIDER/MODEL"},
    {"state", 0, OPTION_TEXT, "STATE",
     "list: running, completed, failed, cancelled or interrupted last"},
    {"scope", 0, OPTION_TEXT, "SCOPE", "list: those of this scope; new: make it in this one"},
    {"since", 0, OPTION_TEXT, "DAY",
     "list: active from that local day on: 2026-11-21, today, or 7d"},
    {"until", 0, OPTION_TEXT, "DAY", "list: active up to the end of that day"},
    {"min-cost", 0, OPTION_TEXT, "MONEY", "list: those that cost so many US dollars or more"},
    {"archived", 0, OPTION_FLAG, NULL, "list: those that are archived"},
    SESSION_CHANGE_OPTIONS,
    SESSION_TRASH_OPTIONS,
    {.name = NULL},
};

/* "2026-11-21 07:24" in local time. */
static void append_time(struct buf *out, int64_t wall_us)
{
    char text[CLOCK_LOCAL_SIZE];
    clock_format_local(wall_us, "%Y-%m-%d %H:%M", text);
    buf_appendf(out, "%-16s", text);
}

/* 0: stdout is no terminal, where lines have an end. */
static size_t terminal_columns(void)
{
    struct winsize size;
    bool is_known = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    return is_known ? size.ws_col : 0;
}

/* The line that began at `from`, with an ellipsis where it is too long. `columns` 0: any length. */
static void cut_line(struct buf *out, size_t from, size_t columns)
{
    struct sv line = sv_skip(buf_sv(out), from);
    struct cluster cluster;
    size_t width = 0, at = 0, fits = 0;
    for (; at < line.n && width <= columns; at += cluster.used) {
        fits = width < columns ? at : fits;
        width_next(sv_skip(line, at), SAFE_DEFAULT, &cluster);
        width += cluster.width;
    }
    if (columns > 0 && width > columns) {
        buf_truncate(out, from + fits);
        buf_append_str(out, "…");
    }
}

static void append_line(struct buf *out, const struct session *session, size_t columns)
{
    size_t from = out->n;
    buf_appendf(out, "%-10s ", session->handle);
    append_time(out, session->last_active_us);
    buf_appendf(out, " %5lld  ", (long long)session->message_count);
    if (session->name) {
        (void)safe_append(out, sv_from(session->name), SAFE_ONE_LINE);
        buf_append_str(out, ": ");
    }
    (void)safe_append(out, sv_from(session_title_said(session->title)), SAFE_ONE_LINE);
    cut_line(out, from, columns);
    buf_append_byte(out, '\n');
}

static void append_list(struct buf *out, const struct session_list *list, bool json)
{
    size_t columns = terminal_columns();
    buf_append_str(out, json ? "[" : "");
    for (size_t i = 0; i < list->count; i++) {
        if (json) {
            buf_append_str(out, i ? ",\n" : "");
            record_session(out, &list->sessions[i]);
        } else {
            append_line(out, &list->sessions[i], columns);
        }
    }
    buf_append_str(out, json ? "]\n" : "");
}

static size_t number(const struct arguments *arguments, const char *name, size_t otherwise)
{
    const char *text = argument_text(arguments, name);
    double value = text ? strtod(text, NULL) : (double)otherwise;
    return value < LIST_MOST ? (size_t)value : LIST_MOST;
}

static enum err_code read_filter(const struct arguments *arguments, struct session_filter *filter,
                                 struct err *err)
{
    const char *money = argument_text(arguments, "min-cost");
    bool trash = argument_flag(arguments, "trash");
    *filter = (struct session_filter){
        .set = trash ? SESSIONS_DELETED
                     : (argument_flag(arguments, "archived") ? SESSIONS_ARCHIVED : SESSIONS_SHOWN),
        .label = argument_text(arguments, "label"),
        .model = argument_text(arguments, "model"),
        .state = argument_text(arguments, "state"),
        .scope = argument_text(arguments, "scope"),
        .title = argument_text(arguments, "title"),
    };
    enum run_state state;
    if (filter->state && !run_state_parse(sv_from(filter->state), &state)) {
        return err_set(err, ERR_USAGE,
                       "--state takes running, completed, failed, cancelled or interrupted,"
                       " not '%s'",
                       filter->state);
    }
    if (money && !money_parse(sv_from(money), MONEY_PLACES, &filter->min_cost_micros)) {
        return err_set(err, ERR_USAGE, "--min-cost takes an amount such as 0.25, not '%s'", money);
    }
    return day_range(arguments, &filter->since_us, &filter->until_us, err);
}

/* One that was deleted by itself. */
static void append_trashed(struct buf *out, const struct trashed *trashed, bool json)
{
    if (json) {
        buf_append_byte(out, '{');
        record_id(out, "session_id", &trashed->session);
        record_id(out, "message_id", &trashed->message);
        record_text(out, "role", sv_from(role_text(trashed->role)));
        record_time(out, "deleted_at", trashed->deleted_us);
        record_text(out, "beginning", sv_from(trashed->beginning));
        buf_append_byte(out, '}');
        return;
    }
    size_t from = out->n;
    buf_appendf(out, "%s ", trashed->message.text);
    append_time(out, trashed->deleted_us);
    buf_appendf(out, "  %s: ", role_text(trashed->role));
    (void)safe_append(out, sv_from(trashed->beginning), SAFE_ONE_LINE);
    cut_line(out, from, terminal_columns());
    buf_append_byte(out, '\n');
}

static enum err_code list_trashed(const struct reading *reading, const struct arguments *arguments,
                                  struct buf *out, struct err *err)
{
    struct trashed_list list = {NULL, 0};
    bool json = argument_flag(arguments, "json");
    if (!argument_flag(arguments, "trash")) {
        return err_set(err, ERR_USAGE, "a list of messages is one of the trash: --trash");
    }
    enum err_code code =
        trash_messages(reading->store, number(arguments, "limit", LIST_DEFAULT), &list, err);
    if (!code) {
        buf_append_str(out, json ? "[" : "");
        for (size_t i = 0; i < list.count; i++) {
            buf_append_str(out, json && i ? ",\n" : "");
            append_trashed(out, &list.items[i], json);
        }
        buf_append_str(out, json ? "]\n" : "");
    }
    trashed_list_release(&list);
    return code;
}

static enum err_code list_sessions(const struct reading *reading, const struct arguments *arguments,
                                   struct buf *out, struct err *err)
{
    struct session_list list = {NULL, 0, false};
    struct session_filter filter;
    const struct session_window window = {.offset = number(arguments, "offset", 0),
                                          .limit = number(arguments, "limit", LIST_DEFAULT)};
    enum err_code code = read_filter(arguments, &filter, err);
    code = code ? code : session_list(reading->store, &filter, &window, &list, err);
    if (!code) {
        append_list(out, &list, argument_flag(arguments, "json"));
    }
    session_list_release(&list);
    return code;
}

/* How an answer ended that is not whole. */
static void append_end(struct buf *out, const struct message *message)
{
    bool is_whole = message->reason == FINISH_END_TURN || message->reason == FINISH_TOOL_USE;
    if (message->role != ROLE_ASSISTANT || (message->ended && is_whole)) {
        return;
    }
    const char *how = message->ended ? finish_reason_said(message->reason) : "still running";
    buf_appendf(out, "[%s%s", how, message->detail ? ": " : "");
    (void)safe_append(out, sv_from(message->detail), SAFE_ONE_LINE);
    buf_append_str(out, "]\n\n");
}

struct showing {
    struct store *store;
    struct buf *out;
};

/* What a message said, as plain text under its role, and the names of what is attached. */
static void append_plain(void *ctx, const struct message *message)
{
    const struct showing *self = ctx;
    struct buf *out = self->out;
    buf_appendf(out, "%s%s%s%s\n", role_text(message->role), message->model ? " (" : "",
                message->model ? message->model : "", message->model ? ")" : "");
    char *text = message_text(message, PART_TEXT);
    buf_append_str(out, text);
    size_t length = strlen(text);
    buf_append_str(out, length == 0 || text[length - 1] == '\n' ? "" : "\n");
    bool has_more = export_append_attached(out, message, self->store);
    buf_append_str(out, length > 0 || has_more ? "\n" : "");
    free(text);
    append_end(out, message);
}

static void append_record(void *ctx, const struct message *message)
{
    struct buf *out = ((const struct showing *)ctx)->out;
    bool is_first = out->n > 0 && out->p[out->n - 1] == '[';
    buf_append_str(out, is_first ? "" : ",\n");
    record_message(out, message);
}

static enum err_code show_session(const struct reading *reading, const struct arguments *arguments,
                                  struct buf *out, struct err *err)
{
    struct session_list list = {NULL, 0, false};
    bool json = argument_flag(arguments, "json");
    enum err_code code = named_session(reading->store, arguments->rest[1], &list, err);
    if (!code && json) {
        buf_append_str(out, "{\"session\":");
        record_session(out, &list.sessions[0]);
        buf_append_str(out, ",\"messages\":[");
    }
    if (!code) {
        struct showing showing = {.store = reading->store, .out = out};
        code = pages_walk(reading->store, &list.sessions[0].id, json ? append_record : append_plain,
                          &showing, err);
    }
    buf_append_str(out, json ? "]}\n" : "");
    if (!code && !buf_ok(out)) {
        code = err_set(err, ERR_TOO_BIG, "the session is too long to be shown at once");
    }
    session_list_release(&list);
    return code;
}

/* Of the verbs of this file. `count` has the verb in it, where there is one. */
static enum err_code check(const char *verb, size_t count, struct err *err)
{
    if (strcmp(verb, "show") == 0) {
        return count == 2 ? ERR_OK
                          : err_set(err, ERR_USAGE, "'weir session show' needs one SESSION");
    }
    if (strcmp(verb, "list") == 0) {
        return count <= 1 ? ERR_OK
                          : err_set(err, ERR_USAGE, "'weir session list' takes no operand");
    }
    return err_set(err, ERR_USAGE,
                   "expected 'weir session' and one of: list, show, " SESSION_CHANGES
                   ", delete, restore, purge, undo");
}

static int run(const struct global_options *global, const struct arguments *arguments)
{
    const char *verb = arguments->rest_count ? arguments->rest[0] : "list";
    bool is_list = strcmp(verb, "list") == 0;
    struct reading reading;
    struct err err = {0};
    if (cmd_session_trash_does(verb)) {
        return cmd_session_trash_run(global, arguments);
    }
    if (cmd_session_change_does(verb)) {
        return cmd_session_change_run(global, arguments);
    }
    if (check(verb, arguments->rest_count, &err) || reading_open(global, &reading, &err)) {
        return command_fail(&err);
    }
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    bool messages = argument_flag(arguments, "message");
    enum err_code code = !is_list   ? show_session(&reading, arguments, &out, &err)
                         : messages ? list_trashed(&reading, arguments, &out, &err)
                                    : list_sessions(&reading, arguments, &out, &err);
    reading_close(&reading);
    int exit_code = code ? command_fail(&err) : output_paged(buf_sv(&out));
    buf_release(&out);
    return exit_code;
}

const struct command command_session = {
    .name = "session",
    .operands = "VERB [SESSION] ...",
    .summary = "list, show, make, name, label, archive, fork, delete and restore sessions",
    .details = "  list | show SESSION | delete, restore or purge SESSION... | undo "
               "[SESSION]\n" SESSION_CHANGE_DETAILS "\n"
               "A session is named by its handle (such as ax0p), its name, its id, the ID of "
               "--session-id,\n"
               "or the beginning of handle or id, as long as it fits one session "
               "only.\n" SESSION_TRASH_DETAILS,
    .options = options,
    .run = run,
};
