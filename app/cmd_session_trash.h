/*
 * weir session delete, restore, purge and undo: verbs of one command, in a file of their own.
 *
 * Threads: main.
 */
#ifndef WEIR_APP_CMD_SESSION_TRASH_H
#define WEIR_APP_CMD_SESSION_TRASH_H

#include <stdbool.h>

#include "app/command.h"

/* Rows of the command's table of options. */
#define SESSION_TRASH_OPTIONS                                                                      \
    {"message", 0, OPTION_FLAG, NULL,                                                              \
     "delete, restore, purge: ids of messages; list --trash: messages"},                           \
        {"trash", 0, OPTION_FLAG, NULL, "list: those in the trash; purge: all that lies there"},   \
        {"force", 0, OPTION_FLAG, NULL, "purge: also what is not in the trash"},                   \
        {"backups", 0, OPTION_FLAG, NULL, "purge: also what upgrades and repairs left"},           \
        {"entry", 0, OPTION_NUMBER, "N", "undo: this change, of those that 'undo --list' shows"},  \
    {                                                                                              \
        "list", 0, OPTION_FLAG, NULL, "undo: show what can be undone"                              \
    }

#define SESSION_TRASH_DETAILS                                                                      \
    "\n"                                                                                           \
    "'delete' puts sessions into the trash, 'restore' takes them out. Nothing there expires.\n"    \
    "'undo' takes the last change back (delete, rename, label, archive, edit), of one session\n"   \
    "or of all. 'purge' removes for good: every row, word and file, the pages of the database\n"   \
    "that held them, and its log. It cannot be undone.\n"

bool cmd_session_trash_does(const char *verb);
/* Gives the exit code. */
int cmd_session_trash_run(const struct global_options *global, const struct arguments *arguments);

#endif
