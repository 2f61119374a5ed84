/* Help, made of the table of commands. */
#include "app/command_internal.h"

#define NAME_COLUMN 14
#define HELP_COLUMN 30

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

static void append_exit_codes(struct buf *out)
{
    buf_appendf(out, "\nExit codes:\n%s", command__exit_codes());
}

static void general(struct buf *out)
{
    buf_append_str(out, general_help);
    buf_append_str(out, "\nCommands:\n");
    for (const struct command *const *command = commands(); *command; command++) {
        size_t from = out->n;
        buf_appendf(out, "  %s", (*command)->name);
        append_padded(out, from, NAME_COLUMN);
        buf_appendf(out, "%s\n", (*command)->summary);
    }
    buf_append_str(out, "\nOptions of every command:\n");
    append_options(out, global_option_specs());
    buf_append_str(out, "\n'weir COMMAND --help' tells more.\n");
    append_exit_codes(out);
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
        append_exit_codes(out);
    }
}
