/* Names, and what becomes of a look on a terminal of few colours. */
#include "ui/style.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

/* The cube of 6 x 6 x 6 colours begins behind the 16 named ones, the greys behind the cube. */
#define CUBE_FIRST 16
#define CUBE_SIDE 6
#define GREY_FIRST 232
#define GREYS 24
/* Terminals that are given values take those below it as numbers of named colours. */
#define NAMES_OF_TRUE 8

static const char *const names[STYLE_COUNT] = {
#define STYLE__NAME(name, text) [name] = text,
    STYLES(STYLE__NAME)
#undef STYLE__NAME
};

const char *style_name(enum style style)
{
    return (unsigned)style < STYLE_COUNT ? names[style] : "";
}

bool style_parse(struct sv name, enum style *ret_style)
{
    for (unsigned i = 0; i < STYLE_COUNT; i++) {
        if (sv_equal_str(name, names[i])) {
            *ret_style = (enum style)i;
            return true;
        }
    }
    return false;
}

enum style_depth style_depth(const char *wish, const char *no_color, int colors)
{
    bool always = wish && strcmp(wish, "always") == 0;
    bool never = wish && strcmp(wish, "never") == 0;
    if (never || (!always && no_color && no_color[0]) || colors < 8) {
        return STYLE_MONO;
    }
    if (colors >= 1 << 24) {
        return STYLE_TRUE;
    }
    return colors >= 256 ? STYLE_256 : colors >= 16 ? STYLE_16 : STYLE_8;
}

bool style_parse_depth(const char *name, enum style_depth *ret_depth)
{
    static const char *const depths[] = {
        [STYLE_MONO] = "none", [STYLE_8] = "8",       [STYLE_16] = "16",
        [STYLE_256] = "256",   [STYLE_TRUE] = "true",
    };
    for (size_t i = 0; i < COUNT_OF(depths); i++) {
        if (strcmp(name, depths[i]) == 0) {
            *ret_depth = (enum style_depth)i;
            return true;
        }
    }
    return false;
}

static int channel(int32_t rgb, int index)
{
    return (rgb >> (16 - 8 * index)) & 0xFF;
}

/* The level of the cube that is nearest: 0, 95, 135, ... 255. */
static int cube_level(int value)
{
    return value < 48 ? 0 : value < 115 ? 1 : (value - 35) / 40;
}

static int cube_value(int level)
{
    return level ? 55 + 40 * level : 0;
}

static int square(int value)
{
    return value * value;
}

/* The nearest of the cube and of the greys. */
static int32_t nearest_of_256(int32_t rgb)
{
    int number = 0;
    int cube_error = 0;
    int grey_error = 0;
    int sum = channel(rgb, 0) + channel(rgb, 1) + channel(rgb, 2);
    int grey = (sum / 3 - 3) / 10;
    grey = grey < 0 ? 0 : grey >= GREYS ? GREYS - 1 : grey;
    for (int i = 0; i < 3; i++) {
        int level = cube_level(channel(rgb, i));
        number = number * CUBE_SIDE + level;
        cube_error += square(channel(rgb, i) - cube_value(level));
        grey_error += square(channel(rgb, i) - (8 + 10 * grey));
    }
    return grey_error < cube_error ? GREY_FIRST + grey : CUBE_FIRST + number;
}

/* The exact value of a named colour, as xterm has it. */
static int32_t value_of_named(int named)
{
    static const int32_t values[16] = {0x000000, 0xCD0000, 0x00CD00, 0xCDCD00, 0x0000EE, 0xCD00CD,
                                       0x00CDCD, 0xE5E5E5, 0x7F7F7F, 0xFF0000, 0x00FF00, 0xFFFF00,
                                       0x5C5CFF, 0xFF00FF, 0x00FFFF, 0xFFFFFF};
    return values[named & 15];
}

static int32_t resolve_color(const struct style_color *color, enum style_depth depth)
{
    if (depth == STYLE_MONO || (color->named < 0 && color->rgb < 0)) {
        return -1;
    }
    if (depth == STYLE_TRUE && color->rgb >= 0) {
        return color->rgb < NAMES_OF_TRUE ? 0 : color->rgb;
    }
    if (depth == STYLE_TRUE) {
        return color->named < NAMES_OF_TRUE ? color->named : value_of_named(color->named);
    }
    if (depth == STYLE_256 && color->rgb >= 0) {
        return nearest_of_256(color->rgb);
    }
    return depth == STYLE_8 && color->named >= 8 ? color->named - 8 : color->named;
}

struct style_shown style_resolve(const struct style_look *look, enum style_depth depth)
{
    unsigned always = look->attributes & 0xFFu;
    unsigned mono = look->attributes >> STYLE_ONLY_MONO_SHIFT;
    return (struct style_shown){
        .attributes = always | (depth == STYLE_MONO ? mono : 0),
        .foreground = resolve_color(&look->foreground, depth),
        .background = resolve_color(&look->background, depth),
    };
}

struct style_color style_color_of_rgb(int32_t rgb)
{
    struct style_color color = {0, rgb};
    int least = INT32_MAX;
    for (int i = 0; i < 16; i++) {
        int error = 0;
        for (int k = 0; k < 3; k++) {
            error += square(channel(rgb, k) - channel(value_of_named(i), k));
        }
        if (error < least) {
            least = error;
            color.named = (int8_t)i;
        }
    }
    return color;
}

struct style_color style_color_of_number(int number)
{
    if (number < CUBE_FIRST) {
        return (struct style_color){(int8_t)number, STYLE_NO_RGB};
    }
    int32_t rgb = 0;
    for (int i = 0, side = CUBE_SIDE * CUBE_SIDE; i < 3; i++, side /= CUBE_SIDE) {
        bool grey = number >= GREY_FIRST;
        int value = grey ? 8 + 10 * (number - GREY_FIRST)
                         : cube_value((number - CUBE_FIRST) / side % CUBE_SIDE);
        rgb = rgb << 8 | value;
    }
    return style_color_of_rgb(rgb);
}

static void append_color(int32_t color, enum style_depth depth, bool behind, struct buf *out)
{
    int first = behind ? 40 : 30;
    if (color < 0) {
        return;
    }
    if (depth == STYLE_TRUE && color >= NAMES_OF_TRUE) {
        buf_appendf(out, ";%d;2;%d;%d;%d", first + 8, channel(color, 0), channel(color, 1),
                    channel(color, 2));
    } else if (color < 8) {
        buf_appendf(out, ";%d", first + (int)color);
    } else if (color < CUBE_FIRST) {
        buf_appendf(out, ";%d", first + 60 + (int)color - 8);
    } else {
        buf_appendf(out, ";%d;5;%d", first + 8, (int)color);
    }
}

void style_append_sgr(const struct style_shown *shown, enum style_depth depth, struct buf *out)
{
    static const struct {
        enum style_attribute attribute;
        const char *parameter;
    } known[] = {{STYLE_BOLD, ";1"},
                 {STYLE_FAINT, ";2"},
                 {STYLE_ITALIC, ";3"},
                 {STYLE_UNDERLINE, ";4"},
                 {STYLE_REVERSE, ";7"}};
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        buf_append_str(out, shown->attributes & known[i].attribute ? known[i].parameter : "");
    }
    append_color(shown->foreground, depth, false, out);
    append_color(shown->background, depth, true, out);
}
