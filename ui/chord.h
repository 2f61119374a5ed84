/*
 * Chord: one key press as a value, and as text.
 *
 * Text: modifiers, each with a dash ("C-" Ctrl, "M-" or "A-" Alt, "S-" Shift), then one character
 * or a name: Enter, Tab, Backspace, Esc, Space, Up, Down, Left, Right, Home, End, PgUp, PgDn,
 * Insert, Delete, F1 to F24. Names and letters are read in any case.
 *
 * Threads: values.
 */
#ifndef WEIR_UI_CHORD_H
#define WEIR_UI_CHORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sv.h"
#include "ui/input.h"

struct chord {
    enum input_key key; /* INPUT_CHAR for every character, with and without modifiers */
    uint32_t cp;        /* INPUT_CHAR: letters in lower case; INPUT_FUNCTION */
    unsigned modifiers;
};

bool chord_equal(const struct chord *a, const struct chord *b);
/* False: no key press that text can name. */
bool chord_parse(struct sv text, struct chord *ret_chord);
void chord_format(const struct chord *chord, struct buf *out);
/* False: no key press (focus, a paste), or text of more than one character. */
bool chord_of_event(const struct input_event *event, struct chord *ret_chord);
/* The same press as another terminal would tell of it: `index` 0, 1 … until false. Some say
 * Shift and the key's own character, some the character that Shift makes of it. */
bool chord_variant(const struct chord *chord, unsigned index, struct chord *ret_chord);
/* A character without Ctrl or Alt: typed text, which cannot begin a binding. */
bool chord_is_text(const struct chord *chord);

#endif
