/*
 * weir session new, rename, set, label, unlabel, archive, unarchive, fork, branches and switch:
 * verbs of one command, in a file of their own.
 *
 * Threads: main.
 */
#ifndef WEIR_APP_CMD_SESSION_CHANGE_H
#define WEIR_APP_CMD_SESSION_CHANGE_H

#include <stdbool.h>

#include "app/command.h"

/* Rows of the command's table of options. */
#define SESSION_CHANGE_OPTIONS                                                                     \
    {"name", 0, OPTION_TEXT, "NAME", "new, fork: its name"},                                       \
        {"title", 0, OPTION_TEXT, "TITLE", "new, set: its title; list: those whose title has it"}, \
        {"metadata", 0, OPTION_TEXT, "JSON", "new, set: an object of your own, '' for none"},      \
        {"status", 0, OPTION_TEXT, "STATUS", "set: active, idle or ended"},                        \
        {"no-answer", 0, OPTION_FLAG, NULL, "set: its last prompt is to stay without an answer"},  \
        {"key", 0, OPTION_TEXT, "KEY", "new: made once for this key, then given again"},           \
        {"resume", 0, OPTION_FLAG, NULL, "new: only if the scope has none that goes on"},          \
        {"at", 0, OPTION_TEXT, "MESSAGE", "fork: after that message, by number or id"},            \
    {                                                                                              \
        "branch", 0, OPTION_FLAG, NULL, "fork: a branch of the same session"                       \
    }

#define SESSION_CHANGES                                                                            \
    "new, rename, set, label, unlabel, archive, unarchive, fork, branches, switch"

#define SESSION_CHANGE_DETAILS                                                                     \
    "  new | rename SESSION [NAME] | set SESSION | archive or unarchive SESSION...\n"              \
    "  label SESSION [LABEL...] | label | unlabel SESSION LABEL...\n"                              \
    "  fork SESSION | branches SESSION | switch SESSION BRANCH\n"                                  \
    "\n"                                                                                           \
    "'fork' copies a session up to a message into one of its own; with --branch it begins\n"       \
    "another branch of the same one. 'branches' lists them, 'switch' goes to one of them, by\n"    \
    "number, name or id. 'label' without a label lists them.\n"

bool cmd_session_change_does(const char *verb);
/* Gives the exit code. */
int cmd_session_change_run(const struct global_options *global, const struct arguments *arguments);

#endif
