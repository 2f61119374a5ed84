/* weir doctor: is the database sound; repairs it, copies it. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/command.h"
#include "app/opening.h"
#include "app/output.h"
#include "app/records.h"
#include "base/file.h"
#include "base/safe.h"
#include "store/doctor.h"

/* Damage that is still there, as for every command that meets it. */
#define EXIT_DAMAGED 74

static const struct option_spec options[] = {
    {"json", 0, OPTION_FLAG, NULL, "one JSON document"},
    {"repair", 0, OPTION_FLAG, NULL, "mend what is damaged; nothing is deleted"},
    {"backup", 0, OPTION_TEXT, "FILE", "copy the database to FILE, a new one, while others use it"},
    {.name = NULL},
};

/* Numbers stand in a column, so that what they count reads as its name, also where it is one. */
static void append_line(struct buf *out, const struct doctor_finding *finding)
{
    buf_appendf(out, "%-5s %-11s ", doctor_state_text(finding->state), finding->check);
    if (finding->value >= 0) {
        buf_appendf(out, "%9lld  ", (long long)finding->value);
    } else {
        buf_appendf(out, "%9s  ", "-");
    }
    (void)safe_append(out, sv_from(finding->text), SAFE_ONE_LINE);
    buf_append_byte(out, '\n');
}

static void append_record(struct buf *out, const struct doctor_finding *finding)
{
    buf_append_byte(out, '{');
    record_text(out, "check", sv_from(finding->check));
    record_text(out, "state", sv_from(doctor_state_text(finding->state)));
    record_known(out, "value", finding->value);
    record_text(out, "text", sv_from(finding->text));
    buf_append_byte(out, '}');
}

static void append_report(struct buf *out, const char *path, const struct doctor_report *report,
                          bool json)
{
    if (json) {
        buf_append_byte(out, '{');
        record_text(out, "database", sv_from(path));
        record_text(out, "state", sv_from(doctor_state_text(doctor_verdict(report))));
        record_key(out, "findings");
        buf_append_byte(out, '[');
    } else {
        (void)safe_append(out, sv_from(path), SAFE_ONE_LINE);
        buf_append_byte(out, '\n');
    }
    for (size_t i = 0; i < report->count; i++) {
        if (json) {
            buf_append_str(out, i ? ",\n" : "");
            append_record(out, &report->findings[i]);
        } else {
            append_line(out, &report->findings[i]);
        }
    }
    buf_append_str(out, json ? "]}\n" : "");
}

static void tell_copy(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0) {
        output_remark("copied to %s, %lld bytes", path, (long long)info.st_size);
    }
}

static enum err_code work(const struct arguments *arguments, const char *path,
                          struct doctor_report *report, struct err *err)
{
    const char *backup = argument_text(arguments, "backup");
    enum err_code code = ERR_OK;
    if (argument_flag(arguments, "repair")) {
        code = doctor_repair(path, report, err);
    }
    if (!code) {
        code = doctor_examine(path, report, err);
    }
    if (!code && backup) {
        code = doctor_backup(path, backup, err);
        if (!code) {
            tell_copy(backup);
        }
    }
    return code;
}

static int examine(const struct arguments *arguments, const char *path)
{
    struct doctor_report report = {NULL, 0};
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    struct err err = {0};
    enum err_code code = work(arguments, path, &report, &err);
    int exit_code = code ? command_fail(&err) : 0;
    if (report.count > 0) {
        append_report(&out, path, &report, argument_flag(arguments, "json"));
        int printed = output_result(buf_sv(&out));
        exit_code = exit_code ? exit_code : printed;
    }
    if (!exit_code && doctor_verdict(&report) == DOCTOR_BAD) {
        output_remark("the database is damaged; 'weir doctor --repair' saves what can be read");
        exit_code = EXIT_DAMAGED;
    }
    buf_release(&out);
    doctor_report_release(&report);
    return exit_code;
}

static int run(const struct global_options *global, const struct arguments *arguments)
{
    struct config *config = NULL;
    char *path = NULL;
    struct err err = {0};
    if (arguments->rest_count > 0) {
        err_set(&err, ERR_USAGE, "'weir doctor' takes no operand");
        return command_fail(&err);
    }
    enum err_code code = open_config_tolerantly(global, &config, &err);
    code = code ? code : database_path(global, config, &path, &err);
    if (!code && !file_exists(path)) {
        code = err_set(&err, ERR_NOT_FOUND, "there is no database '%s' yet", path);
    }
    int exit_code = code ? command_fail(&err) : examine(arguments, path);
    free(path);
    config_free(config);
    return exit_code;
}

const struct command command_doctor = {
    .name = "doctor",
    .operands = "",
    .summary = "examine the database, repair it, copy it",
    .details =
        "Without an option it only reads, also while others write. Each line is fine, a note, or\n"
        "bad. --repair needs the database for itself. It puts what fits to nothing into a table\n"
        "of its own, and makes a damaged file anew from what can be read; the damaged one is\n"
        "kept beside it. Exit codes: 0 sound, 65 no database, or FILE is there already; 74\n"
        "damaged, 75 others use it, 78 written by a newer version.\n",
    .options = options,
    .run = run,
};
