/*
 * Completion of the command line, and the man pages of the commands: both made from the table of
 * commands.
 *
 * The scripts that `weir completions` prints for bash, zsh and fish hold no words: they ask weir
 * itself, by `weir __complete WORD...`, for what may stand in the place of the last word (which may
 * be empty). Each answer is a line: the word, and, after a tab, what it is. A line of nothing but a
 * colon asks for names of files. What cannot be read completes nothing; no server is asked.
 *
 * `weir __man` prints the names of the commands, `weir __man COMMAND` the page of one, in mdoc.
 *
 * Threads: main.
 */
#ifndef WEIR_APP_COMPLETING_H
#define WEIR_APP_COMPLETING_H

#include <stdbool.h>
#include <stddef.h>

#include "app/command.h"
#include "base/buf.h"

/* True: it was one of the two, and was done; `*ret_exit_code` is what main returns. */
bool completing_main(int argc, char **argv, int *ret_exit_code);

/* Appends the page of a command. */
void manual_append(const struct command *command, struct buf *out);

#endif
