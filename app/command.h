/*
 * Commands: one file each, one entry each in the table of command.c. Help, man pages and
 * completions come from the table.
 *
 * Exit codes (a contract, scripts depend on it): 0 done; 1 unexpected failure; 2 wrong usage; 3
 * answer cut at the token limit; 4 refused by the model; 5 budget reached; 6 not what was asked
 * for; 65 bad input; 69 provider unreachable; 73, 74 the store; 75 busy; 76 the stream broke; 77
 * authentication refused; 78 configuration; 124 time limit; 128+n signals.
 */
#ifndef WEIR_APP_COMMAND_H
#define WEIR_APP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_NUMBER,
    OPTION_LIST, /* may be given several times: argument_next */
};

struct option_spec {
    const char *name; /* without dashes; NULL ends the table */
    char letter;      /* 0: none */
    enum option_kind kind;
    const char *value; /* name of the argument in help, or NULL */
    const char *help;  /* one line */
};

/* One mention of an option of kind OPTION_LIST. */
struct option_mention {
    const struct option_spec *spec;
    const char *value;
};

/* What the command line said. Views into argv, which lives as long as the process. */
struct arguments {
    const struct option_spec *specs;
    const char *values[40];  /* by index in specs: text, "" for a flag that is set, NULL when it was
                                not given */
    const char *const *rest; /* operands */
    size_t rest_count;
    const struct option_mention *mentions; /* in their order */
    size_t mention_count;
};

/* By the option's long name; of several mentions the last. */
const char *argument_text(const struct arguments *arguments, const char *name);
bool argument_flag(const struct arguments *arguments, const char *name);
/* The next value of an OPTION_LIST; `*at` is 0 at first. NULL: there are no more. */
const char *argument_next(const struct arguments *arguments, const char *name, size_t *at);

/* Options that every command takes. */
struct global_options {
    const char *config_path, *db_path, *color;
    bool verbose, quiet;
};

struct command {
    const char *name;
    const char *operands; /* "[PROMPT…]" */
    const char *summary;  /* one line */
    const char *details;  /* paragraphs and examples for --help */
    const struct option_spec *options;
    /* Gives the exit code. */
    int (*run)(const struct global_options *global, const struct arguments *arguments);
};

extern const struct command command_chat, command_run, command_session, command_export,
    command_import, command_config, command_usage, command_budget, command_models, command_doctor,
    command_watch, command_completions, command_trust, command_search, command_review,
    command_replay;
/* Ended by NULL. */
const struct command *const *commands(void);

/* Parses and runs; what main returns. */
int command_main(int argc, char **argv);

#define EXIT_TERMINAL_GONE 129
#define EXIT_READER_GONE 141
/* The exit code for an error of the program. */
int exit_code_of(enum err_code code);
/* "weir: TEXT" on stderr, made safe; gives the exit code. */
int command_fail(const struct err *err);

#endif
