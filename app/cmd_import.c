/* weir import: sessions from exports of weir and of others. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/command.h"
#include "app/import.h"
#include "app/opening.h"
#include "app/output.h"
#include "app/records.h"
#include "base/alloc.h"

#define REMARKS_MAX 20

static const struct option_spec options[] = {
    {"dry-run", 0, OPTION_FLAG, NULL, "read all of it, count, and store nothing"},
    {"json", 0, OPTION_FLAG, NULL, "one JSON object for each file"},
    {"attachments", 0, OPTION_TEXT, "DIR", "where 'weir export --attachments' put them"},
    {.name = NULL},
};

struct remarks {
    size_t count;
};

/* A file full of damage must not fill the terminal. */
static void remark(void *ctx, const char *text)
{
    struct remarks *remarks = ctx;
    remarks->count++;
    if (remarks->count <= REMARKS_MAX) {
        output_remark("%s", text);
    } else if (remarks->count == REMARKS_MAX + 1) {
        output_remark("more records are left out");
    }
}

static void append_line(struct buf *out, const char *path, const struct import_counts *counts,
                        bool dry)
{
    buf_appendf(out, "%s (%s): %llu session%s, %llu message%s %s, %llu known, %llu left out\n",
                path, counts->format, (unsigned long long)counts->sessions,
                counts->sessions == 1 ? "" : "s", (unsigned long long)counts->messages,
                counts->messages == 1 ? "" : "s", dry ? "found" : "added",
                (unsigned long long)counts->known, (unsigned long long)counts->refused);
}

static void append_record(struct buf *out, const char *path, const struct import_counts *counts,
                          bool dry)
{
    buf_append_byte(out, '{');
    record_text(out, "file", sv_from(path));
    record_text(out, "format", sv_from(counts->format));
    record_bool(out, "dry_run", dry);
    record_int(out, "sessions", (int64_t)counts->sessions);
    record_int(out, "messages", (int64_t)counts->messages);
    record_int(out, "known", (int64_t)counts->known);
    record_int(out, "refused", (int64_t)counts->refused);
    buf_append_str(out, "}\n");
}

struct importing {
    const struct import_options *what;
    const struct arguments *arguments;
    struct buf *out;
    int exit_code; /* of a file that was skipped */
    bool took;     /* something of the files is in the store now, or was before */
    bool left_out; /* something is not */
};

static enum err_code import_one(struct importing *self, const char *path, struct err *err)
{
    bool dry = argument_flag(self->arguments, "dry-run");
    struct import_counts counts = {.format = ""};
    enum err_code code = import_file(self->what, path, &counts, err);
    self->took = self->took || counts.sessions + counts.messages + counts.known > 0;
    self->left_out = self->left_out || counts.refused > 0;
    if (code == ERR_OK && argument_flag(self->arguments, "json")) {
        append_record(self->out, path, &counts, dry);
    } else if (code == ERR_OK) {
        append_line(self->out, path, &counts, dry);
    }
    return code;
}

/* ---- folders ---- */

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool has_mode(const char *path, mode_t type)
{
    struct stat info;
    return stat(path, &info) == 0 && (info.st_mode & S_IFMT) == type;
}

/* What is not there, or what no importer knows, holds up none of the others: it is told and
 * skipped. */
static enum err_code import_told(struct importing *self, const char *path, struct err *err)
{
    struct err own = {0};
    enum err_code code = import_one(self, path, &own);
    if (code == ERR_INVALID || code == ERR_NOT_FOUND) {
        self->exit_code = command_fail(&own);
        return ERR_OK;
    }
    return code ? err_set(err, code, "%s", own.text) : ERR_OK;
}

/* Its own files, by name; none of those in folders below it. */
static enum err_code import_folder(struct importing *self, const char *folder, struct err *err)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_shown, alphasort);
    if (count < 0) {
        return err_set_errno(err, errno, "cannot read '%s'", folder);
    }
    size_t length = strlen(folder);
    const char *slash = length > 0 && folder[length - 1] == '/' ? "" : "/";
    enum err_code code = ERR_OK;
    for (int i = 0; i < count; i++) {
        char *path = xasprintf("%s%s%s", folder, slash, entries[i]->d_name);
        if (code == ERR_OK && has_mode(path, S_IFREG)) {
            code = import_told(self, path, err);
        }
        free(path);
        free(entries[i]);
    }
    free(entries);
    return code;
}

static enum err_code import_all(struct importing *self, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < self->arguments->rest_count; i++) {
        const char *path = self->arguments->rest[i];
        code =
            has_mode(path, S_IFDIR) ? import_folder(self, path, err) : import_told(self, path, err);
    }
    return code;
}

/* A script has to see that there is nothing, where what was left out is all that there was. */
static int outcome(const struct importing *self)
{
    struct err err = {0};
    if (self->exit_code || self->took || !self->left_out) {
        return self->exit_code;
    }
    err_set(&err, ERR_INVALID, "nothing came in: all of it was left out");
    return command_fail(&err);
}

static int run(const struct global_options *global, const struct arguments *arguments)
{
    struct remarks remarks = {0};
    struct reading reading = {.store = NULL};
    struct err err = {0};
    bool dry = argument_flag(arguments, "dry-run");
    if (arguments->rest_count == 0) {
        err_set(&err, ERR_USAGE, "expected a file or a folder: weir import FILE...");
        return command_fail(&err);
    }
    if (!dry && writing_open(global, &reading, &err)) {
        return command_fail(&err);
    }
    const struct import_options what = {.store = reading.store,
                                        .attachments = argument_text(arguments, "attachments"),
                                        .remark = remark,
                                        .ctx = &remarks};
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    struct importing self = {.what = &what, .arguments = arguments, .out = &out};
    enum err_code code = import_all(&self, &err);
    int exit_code = output_result(buf_sv(&out));
    exit_code = exit_code ? exit_code : outcome(&self);
    buf_release(&out);
    if (!dry) {
        reading_close(&reading);
    }
    return code ? command_fail(&err) : exit_code;
}

const struct command command_import = {
    .name = "import",
    .operands = "FILE...",
    .summary = "take in sessions from weir, ChatGPT, ShareGPT or crush",
    .details =
        "What FILE is shows in its beginning; - is standard input, and a folder stands for the "
        "files\n"
        "in it, those that are hidden and folders below it left out. Taken in are JSON and JSON\n"
        "lines of 'weir export', the conversations.json of a ChatGPT account export, ShareGPT\n"
        "JSON, and the database of crush (crush.db). What is there already is left alone, so\n"
        "importing again adds only what is new. A record that is damaged is told and left out,\n"
        "and so is a file that is none of these; where nothing else was there, the exit code is "
        "65.\n",
    .options = options,
    .run = run,
};
