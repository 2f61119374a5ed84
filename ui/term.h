/*
 * Term: the terminal's modes, its size, and the signals that concern them.
 *
 * Modes: raw, bracketed paste, keys with modifiers reported (kitty's and xterm's ways), the wheel
 * as arrow keys. All are taken back by ui_restore_terminal (ui/ui.h), whose parts are prepared
 * here, so that it can run in a signal handler.
 *
 * State is file-static, as the terminal and signal handlers are the process's.
 *
 * Threads: the one that owns the terminal, but for ui_restore_terminal.
 */
#ifndef WEIR_UI_TERM_H
#define WEIR_UI_TERM_H

#include <stdbool.h>

#include "base/err.h"
#include "base/sv.h"
#include "base/wake.h"

struct term_modes {
    bool wheel; /* comes as arrow keys */
    bool focus; /* that the window has it or lost it is reported */
    bool title; /* is put back at the end */
};
/* stdin and stdout: raw mode. ERR_UNSUPPORTED: one of them is no terminal. */
enum err_code term_open(const struct term_modes *modes, struct err *err) NODISCARD;
/* The terminal goes on to edit lines, but Ctrl-C ends a line, as its last byte, and stops nothing.
 * Its screen is left alone. */
void term_open_lines(void);
/* The wheel scrolls from now on, or is the terminal's own. */
void term_set_wheel(bool wheel);
/* Writes sequences that a console which does not know them would print: not to such a one. */
void term_say(struct sv sequences);
/* What curses says for entering and leaving the full screen; longer than 200 bytes are not used. */
void term_set_sequences(struct sv enter, struct sv leave);
/* Switches the modes on. The full screen is curses' own work at the start. */
void term_announce(void);
/* As after term_open and term_announce, full screen included; after a stop or a restore. */
void term_reopen(void);
/* The modes are on: nobody has restored the terminal. */
bool term_is_open(void);
/* At least 1 and at most 1,000 each; 24 by 80 where the terminal does not know. */
void term_size(int *ret_rows, int *ret_columns);

enum term_signal { TERM_RESIZED = 1, TERM_CONTINUED = 2, TERM_STOP_ASKED = 4, TERM_CHILD = 8 };

/* SIGWINCH, SIGCONT, SIGTSTP and SIGCHLD wake `wake`, which outlives term_signals_close. */
void term_signals_open(const struct wake *wake);
void term_signals_close(void);
/* Bits of what came since the last call. */
unsigned term_signals_take(void);
/* Stops the process group as Ctrl-Z would; returns when it goes on, or at once where nothing could
 * make it go on again. */
void term_stop(void);

#endif
