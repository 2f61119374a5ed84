/* weir export: sessions as Markdown, HTML, JSON, JSON lines or plain text. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/command.h"
#include "app/config.h"
#include "app/export.h"
#include "app/opening.h"
#include "app/output.h"
#include "base/alloc.h"

#define LIST_PAGE 200

static const struct option_spec options[] = {
    {"format", 'f', OPTION_TEXT, "FORMAT",
     "md, html, json, jsonl or txt; else as FILE ends, else md"},
    {"output", 'o', OPTION_TEXT, "FILE", "write to FILE, whole or not at all; a folder: one each"},
    {"all", 0, OPTION_FLAG, NULL, "every session that is not in the trash"},
    {"branch", 0, OPTION_TEXT, "BRANCH",
     "this one (number, name, id) instead of the current, or: all"},
    {"from", 0, OPTION_TEXT, "N", "from this message on: its number in the branch"},
    {"to", 0, OPTION_TEXT, "N", "up to this message"},
    {"attachments", 0, OPTION_TEXT, "DIR", "JSON: put what is attached into DIR, not inline"},
    {"redact", 0, OPTION_FLAG, NULL, "take out keys, addresses, home folders, your patterns"},
    {"check", 0, OPTION_FLAG, NULL, "write nothing, and tell what --redact would take out"},
    {"keep-attachments", 0, OPTION_FLAG, NULL, "--redact: leave what cannot be searched"},
    {.name = NULL},
};

struct chosen {
    struct ulid *ids;
    char (*handles)[16];
    size_t count;
};

static void choose(struct chosen *chosen, const struct session *session)
{
    chosen->ids = xrealloc(chosen->ids, (chosen->count + 1) * sizeof(*chosen->ids));
    chosen->handles = xrealloc(chosen->handles, (chosen->count + 1) * sizeof(*chosen->handles));
    memcpy(chosen->handles[chosen->count], session->handle, sizeof(*chosen->handles));
    chosen->ids[chosen->count++] = session->id;
}

static enum err_code choose_set(const struct reading *reading, enum session_set set,
                                struct chosen *chosen, struct err *err)
{
    struct session_filter filter = {.set = set};
    struct session_window window = {.limit = LIST_PAGE};
    bool more = true;
    while (more) {
        struct session_list list = {NULL, 0, false};
        enum err_code code = session_list(reading->store, &filter, &window, &list, err);
        if (code) {
            return code;
        }
        for (size_t i = 0; i < list.count; i++) {
            choose(chosen, &list.sessions[i]);
        }
        more = list.more && list.count > 0;
        if (more) {
            window.cursor = session_cursor_of(&list.sessions[list.count - 1], set);
        }
        session_list_release(&list);
    }
    return ERR_OK;
}

static enum err_code choose_sessions(const struct reading *reading,
                                     const struct arguments *arguments, struct chosen *chosen,
                                     struct err *err)
{
    bool all = argument_flag(arguments, "all");
    if (all == (arguments->rest_count > 0)) {
        return err_set(err, ERR_USAGE, "expected sessions, or --all: weir export SESSION...");
    }
    enum err_code code = ERR_OK;
    if (all) {
        code = choose_set(reading, SESSIONS_SHOWN, chosen, err);
        return code ? code : choose_set(reading, SESSIONS_ARCHIVED, chosen, err);
    }
    for (size_t i = 0; code == ERR_OK && i < arguments->rest_count; i++) {
        struct session_list list = {NULL, 0, false};
        code = named_session(reading->store, arguments->rest[i], &list, err);
        if (code == ERR_OK) {
            choose(chosen, &list.sessions[0]);
        }
        session_list_release(&list);
    }
    return code;
}

static enum err_code read_number(const struct arguments *arguments, const char *name,
                                 int64_t *number, struct err *err)
{
    const char *text = argument_text(arguments, name);
    uint64_t value = 0;
    if (text && (!sv_to_u64(sv_from(text), &value) || value < 1 || value > INT32_MAX)) {
        return err_set(err, ERR_USAGE, "--%s takes the number of a message, not '%s'", name, text);
    }
    *number = (int64_t)value;
    return ERR_OK;
}

/* NULL: it is not said, and FILE ends in none. */
static const char *format_name(const struct arguments *arguments)
{
    const struct export_format *format = NULL;
    const char *name = argument_text(arguments, "format");
    const char *path = argument_text(arguments, "output");
    const char *slash = path ? strrchr(path, '/') : NULL;
    const char *dot = path ? strrchr(slash ? slash : path, '.') : NULL;
    if (name || !dot) {
        return name;
    }
    return export_find_format(dot + 1, &format, NULL) == ERR_OK ? dot + 1 : NULL;
}

static enum err_code read_request(const struct arguments *arguments, struct export_request *request,
                                  struct err *err)
{
    const char *branch = argument_text(arguments, "branch");
    request->attachments = argument_text(arguments, "attachments");
    request->keep_attachments = argument_flag(arguments, "keep-attachments");
    request->all_branches = branch && strcmp(branch, "all") == 0;
    if (branch && !request->all_branches && arguments->rest_count != 1) {
        return err_set(err, ERR_USAGE, "--branch '%s' is of one session: weir export SESSION",
                       branch);
    }
    enum err_code code = export_find_format(format_name(arguments), &request->format, err);
    code = code ? code : read_number(arguments, "from", &request->first_seq, err);
    code = code ? code : read_number(arguments, "to", &request->last_seq, err);
    if (code == ERR_OK && request->last_seq && request->last_seq < request->first_seq) {
        code = err_set(err, ERR_USAGE, "--to is before --from");
    }
    if (code == ERR_OK && request->attachments && !request->format->record) {
        code = err_set(err, ERR_USAGE, "--attachments is for json and jsonl, not for %s",
                       request->format->name);
    }
    return code;
}

/* `chosen` has been read. */
static enum err_code find_branch(const struct arguments *arguments, struct export_request *request,
                                 const struct chosen *chosen, struct err *err)
{
    const char *branch = argument_text(arguments, "branch");
    return !branch || request->all_branches
               ? ERR_OK
               : branch_find(request->store, chosen->ids, sv_from(branch), &request->branch, err);
}

static enum err_code write_one(const struct export_request *request, const struct ulid *sessions,
                               size_t count, const char *path, struct err *err)
{
    struct sink sink;
    enum err_code code = sink_open(&sink, path, err);
    code = code ? code : export_write(request, sessions, count, &sink, err);
    code = code ? code : sink_commit(&sink, err);
    sink_close(&sink);
    return code;
}

static enum err_code write_folder(const struct export_request *request, const struct chosen *chosen,
                                  const char *folder, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < chosen->count; i++) {
        char *path = xasprintf("%s/%s.%s", folder, chosen->handles[i], request->format->name);
        code = write_one(request, &chosen->ids[i], 1, path, err);
        free(path);
    }
    return code;
}

static enum err_code export_all(const struct export_request *request, const struct chosen *chosen,
                                const char *path, struct err *err)
{
    struct stat info;
    bool is_folder = path && stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    return is_folder ? write_folder(request, chosen, path, err)
                     : write_one(request, chosen->ids, chosen->count, path, err);
}

/* ---- redaction ---- */

/* All of it once before anything is written: what stops it leaves nothing behind, and a secret that
 * one text gives away is known when those before it are written. */
static enum err_code rehearse(const struct export_request *request, const struct chosen *chosen,
                              struct err *err)
{
    struct export_request rehearsal = *request;
    struct sink sink;
    rehearsal.rehearses = true;
    sink_init_nowhere(&sink);
    enum err_code code = export_write(&rehearsal, chosen->ids, chosen->count, &sink, err);
    sink_close(&sink);
    return code;
}

static enum err_code print_check(const struct redactor *redactor, struct err *err)
{
    struct sink sink;
    struct redact_hit hit;
    enum err_code code = sink_open(&sink, NULL, err);
    for (size_t i = 0; code == ERR_OK && redactor_hit(redactor, i, &hit); i++) {
        buf_appendf(&sink.out, "%-14s %zu time%s  %s%s\n", hit.name, hit.count,
                    hit.count == 1 ? " " : "s", hit.sample, hit.sample[0] ? "…" : "");
    }
    code = code ? code : sink_commit(&sink, err);
    sink_close(&sink);
    return code;
}

static void report(const struct redactor *redactor, bool quiet)
{
    if (quiet) {
        return;
    }
    size_t secrets[REDACT_KIND_COUNT] = {0}, places[REDACT_KIND_COUNT] = {0};
    struct redact_hit hit;
    for (size_t i = 0; redactor_hit(redactor, i, &hit); i++) {
        secrets[hit.kind] += hit.count > 0;
        places[hit.kind] += hit.count;
    }
    for (enum redact_kind kind = 0; kind < REDACT_KIND_COUNT; kind++) {
        if (secrets[kind] > 0) {
            output_remark("taken out: %zu in %zu place%s: %s", secrets[kind], places[kind],
                          places[kind] == 1 ? "" : "s", redact_kind_text(kind));
        }
    }
    if (redactor_removed(redactor) > 0) {
        output_remark("taken out: %zu of the provider's own items, which cannot be searched",
                      redactor_removed(redactor));
    }
    output_remark("read what is left: a secret that looks like a word is not found");
}

static enum err_code export_redacted(const struct export_request *request,
                                     const struct chosen *chosen, const char *path, bool quiet,
                                     struct err *err)
{
    enum err_code code = rehearse(request, chosen, err);
    if (code == ERR_OK) {
        redactor_forget_counts(request->redactor);
        code = export_all(request, chosen, path, err);
    }
    if (code == ERR_OK) {
        report(request->redactor, quiet);
    }
    return code;
}

/* All that would be taken out is told, with the places that only the second time finds; and then
 * whether something would stop it. */
static enum err_code preview(const struct export_request *request, const struct chosen *chosen,
                             bool quiet, struct err *err)
{
    struct export_request all = *request;
    all.keep_attachments = true;
    enum err_code code = rehearse(&all, chosen, err);
    redactor_forget_counts(request->redactor);
    code = code ? code : rehearse(&all, chosen, err);
    code = code ? code : print_check(request->redactor, err);
    if (code == ERR_OK) {
        report(request->redactor, quiet);
    }
    return code || request->keep_attachments ? code : rehearse(request, chosen, err);
}

/* What is wrong in the config stops it: its patterns are part of it. */
static enum err_code make_redactor(const struct global_options *global,
                                   struct redactor **ret_redactor, struct err *err)
{
    struct config *config = NULL;
    enum err_code code = open_config(global, &config, err);
    code = code ? code : open_redactor(config, ret_redactor, err);
    config_free(config);
    return code;
}

static int run(const struct global_options *global, const struct arguments *arguments)
{
    struct export_request request = {.store = NULL};
    struct chosen chosen = {NULL, NULL, 0};
    struct reading reading;
    struct err err = {0};
    const char *path = argument_text(arguments, "output");
    bool redacts = argument_flag(arguments, "redact") || argument_flag(arguments, "check");
    if (read_request(arguments, &request, &err) ||
        (redacts && make_redactor(global, &request.redactor, &err))) {
        return command_fail(&err);
    }
    if (reading_open(global, &reading, &err)) {
        redactor_free(request.redactor);
        return command_fail(&err);
    }
    request.store = reading.store;
    enum err_code code = choose_sessions(&reading, arguments, &chosen, &err);
    code = code ? code : find_branch(arguments, &request, &chosen, &err);
    if (code == ERR_OK && argument_flag(arguments, "check")) {
        code = preview(&request, &chosen, global->quiet, &err);
    } else if (code == ERR_OK && redacts) {
        code = export_redacted(&request, &chosen, path, global->quiet, &err);
    } else if (code == ERR_OK) {
        code = export_all(&request, &chosen, path, &err);
    }
    redactor_free(request.redactor);
    free(chosen.ids);
    free(chosen.handles);
    reading_close(&reading);
    return code == ERR_CLOSED ? EXIT_READER_GONE : code ? command_fail(&err) : 0;
}

const struct command command_export = {
    .name = "export",
    .operands = "SESSION...",
    .summary = "write sessions as Markdown, HTML, JSON or plain text",
    .details =
        "Markdown, HTML and plain text hold what was said; an HTML file needs nothing else, runs\n"
        "nothing and loads nothing. JSON and JSON lines hold everything that is\n"
        "stored, on all branches, and 'weir import' takes them back. All of it goes to stdout\n"
        "unless -o names a file, or a folder for one file of each session. Without --format the\n"
        "end of FILE tells it (talk.html, all.json); what tells nothing is Markdown.\n",
    .options = options,
    .run = run,
};
