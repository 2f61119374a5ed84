/* The default looks, and what becomes of a look on a terminal of few colours. */
#include "ui/style.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

#define OWN                                                                                        \
    {                                                                                              \
        -1, STYLE_NO_RGB                                                                           \
    }
#define NAMED(number)                                                                              \
    {                                                                                              \
        number, STYLE_NO_RGB                                                                       \
    }

enum { RED = 1, GREEN, YELLOW, MAGENTA = 5, CYAN, BRIGHT_BLUE = 12 };

/* The cube of 6 x 6 x 6 colours begins behind the 16 named ones, the greys behind the cube. */
#define CUBE_FIRST 16
#define CUBE_SIDE 6
#define GREY_FIRST 232
#define GREYS 24

static const char *const names[STYLE_COUNT] = {
#define STYLE__NAME(name, text) [name] = text,
    STYLES(STYLE__NAME)
#undef STYLE__NAME
};

static const struct style_look defaults[STYLE_COUNT] = {
    [STYLE_PLAIN] = {0, OWN, OWN},
    [STYLE_DIM] = {STYLE_FAINT, OWN, OWN},
    [STYLE_USER] = {STYLE_BOLD, NAMED(CYAN), OWN},
    [STYLE_MODEL] = {STYLE_BOLD, NAMED(GREEN), OWN},
    [STYLE_STATE] = {0, NAMED(YELLOW), OWN},
    [STYLE_ERROR] = {STYLE_BOLD, NAMED(RED), OWN},
    [STYLE_NOTICE] = {0, NAMED(YELLOW), OWN},
    [STYLE_STATUS] = {STYLE_REVERSE, OWN, OWN},
    [STYLE_PROMPT] = {STYLE_BOLD, NAMED(CYAN), OWN},
    [STYLE_FOLDED] = {STYLE_FAINT, OWN, OWN},
    [STYLE_REASONING] = {STYLE_FAINT, OWN, OWN},
    [STYLE_HEADING_1] = {STYLE_BOLD | STYLE_UNDERLINE, NAMED(MAGENTA), OWN},
    [STYLE_HEADING_2] = {STYLE_BOLD | STYLE_ONLY_MONO(STYLE_UNDERLINE), NAMED(MAGENTA), OWN},
    [STYLE_HEADING] = {STYLE_BOLD, OWN, OWN},
    [STYLE_STRONG] = {STYLE_BOLD, OWN, OWN},
    [STYLE_EMPHASIS] = {STYLE_ITALIC, OWN, OWN},
    [STYLE_STRONG_EMPHASIS] = {STYLE_BOLD | STYLE_ITALIC, OWN, OWN},
    [STYLE_STRIKE] = {STYLE_FAINT, OWN, OWN},
    [STYLE_CODE] = {STYLE_ONLY_MONO(STYLE_BOLD), NAMED(CYAN), OWN},
    [STYLE_LINK] = {STYLE_UNDERLINE, NAMED(BRIGHT_BLUE), OWN},
    [STYLE_LINK_HOST] = {STYLE_FAINT, OWN, OWN},
    [STYLE_IMAGE] = {0, NAMED(MAGENTA), OWN},
    [STYLE_MATH] = {0, NAMED(YELLOW), OWN},
    [STYLE_MARKER] = {0, NAMED(CYAN), OWN},
    [STYLE_DONE] = {0, NAMED(GREEN), OWN},
    [STYLE_QUOTE] = {STYLE_FAINT, OWN, OWN},
    [STYLE_RULE] = {STYLE_FAINT, OWN, OWN},
    [STYLE_TABLE_HEAD] = {STYLE_BOLD, OWN, OWN},
    [STYLE_TABLE_LINE] = {STYLE_FAINT, OWN, OWN},
    [STYLE_BLOCK_LABEL] = {STYLE_FAINT, OWN, OWN},
    [STYLE_BLOCK] = {0, OWN, OWN},
    [STYLE_BLOCK_KEYWORD] = {STYLE_ONLY_MONO(STYLE_BOLD), NAMED(MAGENTA), OWN},
    [STYLE_BLOCK_TYPE] = {0, NAMED(CYAN), OWN},
    [STYLE_BLOCK_NAME] = {0, NAMED(BRIGHT_BLUE), OWN},
    [STYLE_BLOCK_STRING] = {0, NAMED(GREEN), OWN},
    [STYLE_BLOCK_NUMBER] = {0, NAMED(YELLOW), OWN},
    [STYLE_BLOCK_COMMENT] = {STYLE_FAINT, OWN, OWN},
    [STYLE_BLOCK_ADDED] = {0, NAMED(GREEN), OWN},
    [STYLE_BLOCK_REMOVED] = {0, NAMED(RED), OWN},
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

const struct style_look *style_default_looks(void)
{
    return defaults;
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

/* The exact value of a named colour, as xterm has it: where all colours are shown, numbers are
 * values. */
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
    if (depth == STYLE_TRUE) {
        return color->rgb >= 0 ? color->rgb : value_of_named(color->named);
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
