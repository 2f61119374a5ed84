/* Key presses as text: names, modifiers, and what terminals disagree about. */
#include "ui/chord.h"

#include <string.h>

#include "base/utf8.h"

static const struct {
    const char *name;
    enum input_key key;
    uint32_t cp;
} names[] = {
    {"Enter", INPUT_ENTER, 0},
    {"Tab", INPUT_TAB, 0},
    {"Backspace", INPUT_BACKSPACE, 0},
    {"Esc", INPUT_ESCAPE, 0},
    {"Space", INPUT_CHAR, ' '},
    {"Up", INPUT_UP, 0},
    {"Down", INPUT_DOWN, 0},
    {"Left", INPUT_LEFT, 0},
    {"Right", INPUT_RIGHT, 0},
    {"Home", INPUT_HOME, 0},
    {"End", INPUT_END, 0},
    {"PgUp", INPUT_PAGE_UP, 0},
    {"PgDn", INPUT_PAGE_DOWN, 0},
    {"Insert", INPUT_INSERT, 0},
    {"Delete", INPUT_DELETE, 0},
    {"Return", INPUT_ENTER, 0},
    {"Escape", INPUT_ESCAPE, 0},
    {"PageUp", INPUT_PAGE_UP, 0},
    {"PageDown", INPUT_PAGE_DOWN, 0},
};

static const struct {
    char letter;
    unsigned modifier;
} modifiers[] = {{'C', INPUT_CTRL}, {'M', INPUT_ALT}, {'A', INPUT_ALT}, {'S', INPUT_SHIFT}};

/* What Shift makes of the keys of a US keyboard; other layouts fall back to the key itself. */
static const char unshifted[] = "`1234567890-=[]\\;',./";
static const char shifted[] = "~!@#$%^&*()_+{}|:\"<>?";

bool chord_equal(const struct chord *a, const struct chord *b)
{
    return a->key == b->key && a->cp == b->cp && a->modifiers == b->modifiers;
}

static uint32_t lower(uint32_t cp)
{
    return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
}

/* Takes "C-" and the like off the front; false when there is none. */
static bool take_modifier(struct sv *text, unsigned *modifiers_so_far)
{
    for (size_t i = 0; text->n > 2 && text->p[1] == '-' && i < COUNT_OF(modifiers); i++) {
        if (lower((unsigned char)text->p[0]) == lower((unsigned char)modifiers[i].letter)) {
            *modifiers_so_far |= modifiers[i].modifier;
            *text = sv_skip(*text, 2);
            return true;
        }
    }
    return false;
}

static bool parse_function(struct sv text, struct chord *ret_chord)
{
    uint64_t number;
    if (text.n < 2 || lower((unsigned char)text.p[0]) != 'f' ||
        !sv_to_u64(sv_skip(text, 1), &number) || number < 1 || number > 24) {
        return false;
    }
    *ret_chord = (struct chord){.key = INPUT_FUNCTION, .cp = (uint32_t)number};
    return true;
}

static bool parse_name(struct sv text, struct chord *ret_chord)
{
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (sv_equal_nocase(text, sv_from(names[i].name))) {
            *ret_chord = (struct chord){.key = names[i].key, .cp = names[i].cp};
            return true;
        }
    }
    return parse_function(text, ret_chord);
}

static bool parse_character(struct sv text, struct chord *ret_chord)
{
    uint32_t cp;
    if (text.n == 0 || utf8_decode(text.p, text.n, &cp) != text.n || cp <= ' ' || cp == 0x7F ||
        (cp >= 0x80 && cp < 0xA0) || utf8_valid_prefix(text.p, text.n) != text.n) {
        return false;
    }
    *ret_chord = (struct chord){.key = INPUT_CHAR, .cp = lower(cp)};
    return true;
}

bool chord_parse(struct sv text, struct chord *ret_chord)
{
    unsigned found = 0;
    struct chord chord;
    while (take_modifier(&text, &found)) {
    }
    if (!parse_name(text, &chord) && !parse_character(text, &chord)) {
        return false;
    }
    chord.modifiers = found;
    *ret_chord = chord;
    return true;
}

static const char *name_of(const struct chord *chord)
{
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        bool same_cp = names[i].key != INPUT_CHAR || names[i].cp == chord->cp;
        if (names[i].key == chord->key && same_cp) {
            return names[i].name;
        }
    }
    return NULL;
}

void chord_format(const struct chord *chord, struct buf *out)
{
    buf_append_str(out, chord->modifiers & INPUT_CTRL ? "C-" : "");
    buf_append_str(out, chord->modifiers & INPUT_ALT ? "M-" : "");
    buf_append_str(out, chord->modifiers & INPUT_SHIFT ? "S-" : "");
    const char *name = name_of(chord);
    if (name) {
        buf_append_str(out, name);
    } else if (chord->key == INPUT_FUNCTION) {
        buf_appendf(out, "F%u", (unsigned)chord->cp);
    } else {
        buf_append_cp(out, chord->cp);
    }
}

bool chord_of_event(const struct input_event *event, struct chord *ret_chord)
{
    uint32_t cp;
    switch (event->key) {
    case INPUT_PASTE:
    case INPUT_FOCUS_IN:
    case INPUT_FOCUS_OUT:
    case INPUT_REPORT:
        return false;
    case INPUT_TEXT:
        if (event->text.n == 0 || utf8_decode(event->text.p, event->text.n, &cp) != event->text.n) {
            return false;
        }
        *ret_chord = (struct chord){.key = INPUT_CHAR, .cp = cp};
        return true;
    case INPUT_CHAR: {
        bool upper = lower(event->cp) != event->cp;
        *ret_chord = (struct chord){INPUT_CHAR, lower(event->cp),
                                    event->modifiers | (upper ? INPUT_SHIFT : 0)};
        return true;
    }
    default:
        *ret_chord = (struct chord){event->key, event->key == INPUT_FUNCTION ? event->cp : 0,
                                    event->modifiers};
        return true;
    }
}

bool chord_variant(const struct chord *chord, unsigned index, struct chord *ret_chord)
{
    bool with_shift = chord->key == INPUT_CHAR && (chord->modifiers & INPUT_SHIFT);
    const char *at =
        with_shift && chord->cp && chord->cp < 0x80 ? strchr(unshifted, (int)chord->cp) : NULL;
    *ret_chord = *chord;
    if (index == 0) {
        return true;
    }
    ret_chord->modifiers &= ~(unsigned)INPUT_SHIFT;
    if (index == 1 && at) {
        ret_chord->cp = (unsigned char)shifted[at - unshifted];
        return true;
    }
    return with_shift && index == (at ? 2u : 1u);
}

bool chord_is_text(const struct chord *chord)
{
    return chord->key == INPUT_CHAR && !(chord->modifiers & ~(unsigned)INPUT_SHIFT);
}
