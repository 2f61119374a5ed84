/* The table of commands, help made from it, and what main does with a command line. */
#include "app/command.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command_internal.h"
#include "app/completing.h"
#include "app/output.h"
#include "app/version.h"
#include "base/log.h"

#define NAME_COLUMN 14
#define HELP_COLUMN 30

static const struct command *const table[] = {
    &command_chat,
    &command_run,
    &command_session,
    &command_search,
    &command_export,
    &command_import,
    &command_usage,
    &command_budget,
    &command_config,
    &command_models,
    &command_review,
    &command_replay,
    &command_doctor,
    &command_watch,
    &command_completions,
    &command_trust,
    NULL,
};

static const char general_help[] =
    "weir: a chat client for language models whose answers are never lost\n"
    "\n"
    "usage: weir                      the screen; opens the last session\n"
    "       weir -p PROMPT...         the same as weir run PROMPT...\n"
    "       weir COMMAND [OPTIONS] [OPERANDS]\n"
    "\n"
    "Examples:\n"
    "  git diff | weir run 'review this'        ask, with what comes through the pipe\n"
    "  weir run -c 'shorter'                    go on with the last session\n"
    "  weir search 'TLS handshake'              find what was said\n"
    "  weir export --format html -o all.html --all\n";

static const char exit_help[] =
    "\nExit codes:\n"
    "  0    done\n"
    "  1    unexpected failure\n"
    "  2    wrong usage\n"
    "  3    the answer was cut at the token limit; it is stored and printed\n"
    "  4    refused by the model or a filter\n"
    "  5    budget reached: nothing was sent, or --max-cost stopped it\n"
    "  6    not what was asked for: the answer fails the schema, or has no code block\n"
    "  65   bad input: no such session, a file that cannot be used, a request that the\n"
    "       provider rejected, a request id that was used for something else\n"
    "  69   provider unreachable or failing\n"
    "  73   the data folder cannot be made or written to\n"
    "  74   the store or the output failed: full, input or output error, damaged\n"
    "  75   busy: rate limit, session or request id running elsewhere, database locked\n"
    "  76   the stream broke: what came is stored as interrupted\n"
    "  77   authentication refused, or no key\n"
    "  78   configuration invalid or missing, or a database of a newer version\n"
    "  124  time limit\n"
    "  129  SIGHUP\n"
    "  130  SIGINT, or cancelled from elsewhere\n"
    "  141  the reader of stdout went away\n"
    "  143  SIGTERM; what came before any of these four is stored\n";

const char *command__exit_codes(void)
{
    return exit_help + sizeof "\nExit codes:";
}

const struct command *const *commands(void)
{
    return table;
}

static size_t index_of(const struct arguments *arguments, const char *name)
{
    size_t i = 0;
    while (arguments->specs && arguments->specs[i].name &&
           strcmp(arguments->specs[i].name, name) != 0) {
        i++;
    }
    return i;
}

const char *argument_text(const struct arguments *arguments, const char *name)
{
    size_t i = index_of(arguments, name);
    return i < COUNT_OF(arguments->values) ? arguments->values[i] : NULL;
}

bool argument_flag(const struct arguments *arguments, const char *name)
{
    return argument_text(arguments, name) != NULL;
}

const char *argument_next(const struct arguments *arguments, const char *name, size_t *at)
{
    while (*at < arguments->mention_count) {
        const struct option_mention *mention = &arguments->mentions[(*at)++];
        if (strcmp(mention->spec->name, name) == 0) {
            return mention->value;
        }
    }
    return NULL;
}

static void append_padded(struct buf *out, size_t from, size_t column)
{
    do {
        buf_append_byte(out, ' ');
    } while (out->n - from < column);
}

static void append_options(struct buf *out, const struct option_spec *specs)
{
    for (; specs && specs->name; specs++) {
        size_t from = out->n;
        buf_append_str(out, "  ");
        if (specs->letter) {
            buf_appendf(out, "-%c, ", specs->letter);
        } else {
            buf_append_str(out, "    ");
        }
        buf_appendf(out, "--%s%s%s", specs->name, specs->value ? " " : "",
                    specs->value ? specs->value : "");
        append_padded(out, from, HELP_COLUMN);
        buf_appendf(out, "%s\n", specs->help);
    }
}

static void general(struct buf *out)
{
    buf_append_str(out, general_help);
    buf_append_str(out, "\nCommands:\n");
    for (const struct command *const *command = table; *command; command++) {
        size_t from = out->n;
        buf_appendf(out, "  %s", (*command)->name);
        append_padded(out, from, NAME_COLUMN);
        buf_appendf(out, "%s\n", (*command)->summary);
    }
    buf_append_str(out, "\nOptions of every command:\n");
    append_options(out, global_option_specs());
    buf_append_str(out, "\n'weir COMMAND --help' tells more.\n");
    buf_append_str(out, exit_help);
}

void command__help(const struct command *command, struct buf *out)
{
    if (!command) {
        general(out);
        return;
    }
    bool has_operands = command->operands && *command->operands;
    buf_appendf(out, "usage: weir %s [OPTIONS]%s%s\n\n%s.\n", command->name,
                has_operands ? " " : "", has_operands ? command->operands : "", command->summary);
    if (command->details) {
        buf_appendf(out, "\n%s", command->details);
    }
    if (command->options && command->options->name) {
        buf_append_str(out, "\nOptions:\n");
        append_options(out, command->options);
    }
    buf_append_str(out, "\nOptions of every command:\n");
    append_options(out, global_option_specs());
    if (command == &command_run) {
        buf_append_str(out, exit_help);
    }
}

static int show_help(const struct command *command)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    command__help(command, &out);
    int exit_code = output_paged(buf_sv(&out));
    buf_release(&out);
    return exit_code;
}

int exit_code_of(enum err_code code)
{
    static const int codes[ERR_COUNT] = {
        [ERR_OK] = 0,           [ERR_INTERNAL] = 1,
        [ERR_NO_MEMORY] = 1,    [ERR_USAGE] = 2,
        [ERR_CONFIG] = 78,      [ERR_NOT_CONFIGURED] = 78,
        [ERR_INVALID] = 65,     [ERR_TOO_BIG] = 65,
        [ERR_UNSUPPORTED] = 1,  [ERR_NOT_FOUND] = 65,
        [ERR_AMBIGUOUS] = 65,   [ERR_EXISTS] = 65,
        [ERR_GONE] = 65,        [ERR_CLOSED] = 1,
        [ERR_BUSY] = 75,        [ERR_TIMEOUT] = 124,
        [ERR_CANCELLED] = 130,  [ERR_INTERRUPTED] = 76,
        [ERR_IO] = 74,          [ERR_DISK_FULL] = 74,
        [ERR_READ_ONLY] = 73,   [ERR_CANNOT_CREATE] = 73,
        [ERR_CORRUPT] = 74,     [ERR_NEWER] = 78,
        [ERR_UNREACHABLE] = 69, [ERR_SERVER] = 69,
        [ERR_RATE_LIMIT] = 75,  [ERR_AUTH] = 77,
        [ERR_REJECTED] = 65,    [ERR_PROTOCOL] = 76,
        [ERR_REFUSED] = 4,      [ERR_BUDGET] = 5,
        [ERR_UNFIT] = 6,
    };
    return (unsigned)code < ERR_COUNT ? codes[code] : 1;
}

int command_fail(const struct err *err)
{
    output_remark("%s", err->text[0] ? err->text : err_text(err->code));
    return exit_code_of(err->code);
}

static int wrong_usage(const struct command_line *line, const struct err *err)
{
    int exit_code = command_fail(err);
    output_remark("'weir%s%s --help' tells more", line->command ? " " : "",
                  line->command ? line->command->name : "");
    return exit_code;
}

int command_main(int argc, char **argv)
{
    struct command_line line;
    struct err err = {0};
    int exit_code = 0;
    if (completing_main(argc, argv, &exit_code)) {
        return exit_code;
    }
    if (command__parse(argc, argv, &line, &err)) {
        exit_code = wrong_usage(&line, &err);
    } else if (line.help) {
        exit_code = show_help(line.command);
    } else if (line.version) {
        exit_code = output_result(SV("weir " WEIR_VERSION "\n"));
    } else {
        if (line.global.verbose) {
            log_to_fd(STDERR_FILENO, LOG_DEBUG);
        }
        exit_code = line.command->run(&line.global, &line.arguments);
    }
    command_line_release(&line);
    return exit_code;
}
