/*
 * Input: bytes of a terminal in, key presses, text and pastes out.
 *
 * Knows UTF-8, control keys, Alt as an ESC before the key (before Ctrl with
 * a letter it is the key Esc), CSI and SS3 keys with modifiers (xterm,
 * rxvt, Linux console), xterm's modifyOtherKeys (CSI 27;m;c~), kitty's CSI u, focus reports and
 * bracketed paste. Answers to OSC 11 and DECRQM come as reports; whatever else a terminal sends
 * (unknown CSI, OSC, DCS, APC, PM, SOS) is swallowed and never becomes text. What comes out does
 * not depend on how the bytes were cut.
 *
 * Sources: ECMA-48 5.4; ctlseqs.txt of xterm; the kitty keyboard protocol.
 *
 * A lone ESC can only be told by waiting: the owner calls input_timeout when input_patience has
 * passed without more bytes.
 *
 * Threads: values of their owner. Ownership: an event's text is valid during the handler's run.
 */
#ifndef WEIR_UI_INPUT_H
#define WEIR_UI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/sv.h"

/* A longer paste is cut there, and says so. */
#define INPUT_PASTE_MAX ((size_t)32 << 20)

enum input_key {
    INPUT_TEXT,  /* text: valid UTF-8 without control characters, as typed */
    INPUT_PASTE, /* text: valid UTF-8; of the control characters only newline and tab are left */
    INPUT_CHAR,  /* cp with Ctrl or Alt; letters in lower case */
    INPUT_ENTER,
    INPUT_TAB,
    INPUT_BACKSPACE,
    INPUT_ESCAPE,
    INPUT_UP,
    INPUT_DOWN,
    INPUT_LEFT,
    INPUT_RIGHT,
    INPUT_HOME,
    INPUT_END,
    INPUT_PAGE_UP,
    INPUT_PAGE_DOWN,
    INPUT_INSERT,
    INPUT_DELETE,
    INPUT_FUNCTION, /* cp: its number */
    INPUT_FOCUS_IN,
    INPUT_FOCUS_OUT,
    INPUT_REPORT, /* text: an answer of the terminal, "]11;rgb:..." or "[?2026;2$y" */
};

enum input_modifier { INPUT_SHIFT = 1, INPUT_ALT = 2, INPUT_CTRL = 4, INPUT_SUPER = 8 };

struct input_event {
    enum input_key key;
    unsigned modifiers;
    uint32_t cp;
    struct sv text;
    bool cut; /* INPUT_PASTE: it was longer */
};

typedef void input_handler(void *ctx, const struct input_event *event);

struct input;

struct input *input_new(void) NODISCARD;
void input_free(struct input *input); /* NULL is fine */
/* Forgets what is unfinished. A handler may call it: the bytes that follow are read as if they came
 * after. */
void input_reset(struct input *input);
/* The handler may not call back into this input, but for input_reset. */
void input_feed(struct input *input, const char *bytes, size_t length, input_handler *handler,
                void *ctx);
/* How long to wait for more bytes before input_timeout, in µs after the last ones; < 0: nothing is
 * unfinished that time could end. */
int64_t input_patience(const struct input *input);
/* No more bytes came: a lone ESC is the key, a broken sequence is dropped. */
void input_timeout(struct input *input, input_handler *handler, void *ctx);

#endif
