/* Words of looks, and what is behind the text. */
#include "ui/theme.h"

#include <string.h>

#include "base/attr.h"

#define MONO_PREFIX SV("mono-")
#define BRIGHT_PREFIX SV("bright-")
#define DIGITS_MAX 4
/* Of 255: a background above it is light. */
#define LIGHT_FROM 128

static const struct {
    const char *name;
    enum style_attribute attribute;
} attributes[] = {
    {"bold", STYLE_BOLD},           {"faint", STYLE_FAINT},     {"italic", STYLE_ITALIC},
    {"underline", STYLE_UNDERLINE}, {"reverse", STYLE_REVERSE},
};

static const char *const colors[8] = {"black", "red",     "green", "yellow",
                                      "blue",  "magenta", "cyan",  "white"};

static bool parse_attribute(struct sv word, unsigned *ret)
{
    bool mono = sv_starts_with(word, MONO_PREFIX);
    word = sv_skip(word, mono ? MONO_PREFIX.n : 0);
    for (size_t i = 0; i < COUNT_OF(attributes); i++) {
        if (sv_equal_str(word, attributes[i].name)) {
            *ret = mono ? STYLE_ONLY_MONO((unsigned)attributes[i].attribute)
                        : (unsigned)attributes[i].attribute;
            return true;
        }
    }
    return false;
}

/* The value of hexadecimal digits; -1: they are none. */
static int32_t hex(struct sv digits)
{
    static const char known[] = "0123456789abcdef";
    int32_t value = 0;
    for (size_t i = 0; i < digits.n; i++) {
        char digit = digits.p[i];
        digit = digit >= 'A' && digit <= 'F' ? (char)(digit - 'A' + 'a') : digit;
        const char *at = digit ? strchr(known, digit) : NULL;
        if (!at) {
            return -1;
        }
        value = value * 16 + (int32_t)(at - known);
    }
    return digits.n ? value : -1;
}

static bool parse_named(struct sv word, struct style_color *ret)
{
    bool bright = sv_starts_with(word, BRIGHT_PREFIX);
    word = sv_skip(word, bright ? BRIGHT_PREFIX.n : 0);
    for (int8_t i = 0; i < 8; i++) {
        if (sv_equal_str(word, colors[i])) {
            *ret = (struct style_color){(int8_t)(i + (bright ? 8 : 0)), STYLE_NO_RGB};
            return true;
        }
    }
    return false;
}

static bool parse_color(struct sv word, struct style_color *ret)
{
    uint64_t number;
    if (sv_equal_str(word, "default")) {
        *ret = (struct style_color){-1, STYLE_NO_RGB};
        return true;
    }
    if (word.n == 7 && word.p[0] == '#' && hex(sv_skip(word, 1)) >= 0) {
        *ret = style_color_of_rgb(hex(sv_skip(word, 1)));
        return true;
    }
    if (word.n <= 3 && sv_to_u64(word, &number) && number < 256) {
        *ret = style_color_of_number((int)number);
        return true;
    }
    return parse_named(word, ret);
}

static struct sv next_word(struct sv *rest)
{
    *rest = sv_trim(*rest);
    struct sv word = sv_take(*rest, sv_find(*rest, ' '));
    *rest = sv_skip(*rest, word.n);
    return word;
}

enum err_code theme_parse_look(struct sv text, struct style_look *ret_look, struct err *err)
{
    struct style_look look = {0, {-1, STYLE_NO_RGB}, {-1, STYLE_NO_RGB}};
    bool behind = false;
    for (struct sv word = next_word(&text); word.n; word = next_word(&text)) {
        unsigned attribute = 0;
        bool on = sv_equal_str(word, "on");
        bool good = on ? !behind
                       : parse_color(word, behind ? &look.background : &look.foreground) ||
                             (!behind &&
                              (parse_attribute(word, &attribute) || sv_equal_str(word, "plain")));
        if (!good) {
            return err_set(err, ERR_CONFIG,
                           "has a look with '%.*s', which is no colour and no attribute",
                           SV_ARG(word));
        }
        look.attributes = (uint16_t)(look.attributes | attribute);
        behind = on;
    }
    if (behind) {
        return err_set(err, ERR_CONFIG, "has a look that ends with 'on'");
    }
    *ret_look = look;
    return ERR_OK;
}

/* One channel, as 0 to 255; -1: it is none. */
static int channel(struct sv digits)
{
    int32_t value = digits.n <= DIGITS_MAX ? hex(digits) : -1;
    int32_t most = (1 << (4 * digits.n)) - 1;
    return value < 0 ? -1 : (int)(value * 255 / most);
}

enum theme_background theme_background(struct sv color)
{
    static const int weights[3] = {299, 587, 114}; /* of ITU-R BT.601, in thousandths */
    struct sv rest = sv_skip(color, 4);
    int brightness = 0;
    if (!sv_starts_with(color, SV("rgb:"))) {
        return THEME_UNKNOWN;
    }
    for (int i = 0; i < 3; i++) {
        struct sv digits = sv_take(rest, sv_find(rest, '/'));
        bool last = digits.n == rest.n;
        int value = channel(digits);
        if (value < 0 || last != (i == 2)) {
            return THEME_UNKNOWN;
        }
        brightness += weights[i] * value;
        rest = sv_skip(rest, digits.n + 1);
    }
    return brightness >= LIGHT_FROM * 1000 ? THEME_LIGHT : THEME_DARK;
}

enum theme_background theme_background_of_rxvt(const char *value)
{
    const char *last = value ? strrchr(value, ';') : NULL;
    uint64_t number;
    if (!last || !sv_to_u64(sv_from(last + 1), &number) || number > 15) {
        return THEME_UNKNOWN;
    }
    return number == 7 || number >= 9 ? THEME_LIGHT : THEME_DARK;
}
