/*
 * The parser of the command line, and help: shared by command*.c, completing.c and manual.c, which
 * make completions and man pages of the same tables.
 *
 * Threads: main. Ownership: views into argv, but for `rest`.
 */
#ifndef WEIR_APP_COMMAND_INTERNAL_H
#define WEIR_APP_COMMAND_INTERNAL_H

#include "app/command.h"
#include "base/buf.h"

struct command_line {
    const struct command *command; /* NULL: none was named, and --help or --version was given */
    struct global_options global;
    struct arguments arguments;
    const char **rest;               /* what arguments.rest points to; free() */
    struct option_mention *mentions; /* and arguments.mentions */
    bool help, version;
    bool is_implied; /* the command was not named */
};

/* ERR_USAGE: the text says what is wrong; `ret->command` is the command it concerns, or NULL. */
enum err_code command__parse(int argc, char **argv, struct command_line *ret,
                             struct err *err) NODISCARD;
void command_line_release(struct command_line *line);
/* Appends the help of one command, or of all (NULL). */
void command__help(const struct command *command, struct buf *out);

/* What the exit codes mean, some lines of text. */
const char *command__exit_codes(void);

/* Options that every command takes; ended by a NULL name. */
const struct option_spec *global_option_specs(void);

#endif
