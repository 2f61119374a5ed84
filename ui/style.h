/*
 * Style: what a text on the screen is, and how that looks.
 *
 * A cell names its style; the theme gives each style colours and attributes; a terminal shows as
 * much of that as it can. A theme is data: one struct style_look for each name of the table below,
 * which is also how configurations call them.
 *
 * A colour is one of the 16 that every terminal lets its user choose, and may have an exact value
 * beside it, for terminals that show 256 colours or all. Where there is no colour at all, and with
 * NO_COLOR, attributes have to say it alone: STYLE_ONLY_MONO ones are used there and nowhere else.
 *
 * Threads: values and constant tables.
 */
#ifndef WEIR_UI_STYLE_H
#define WEIR_UI_STYLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sv.h"

#define STYLES(X)                                                                                  \
    X(STYLE_PLAIN, "plain")                                                                        \
    X(STYLE_DIM, "dim")                                                                            \
    X(STYLE_USER, "user")                                                                          \
    X(STYLE_MODEL, "model")                                                                        \
    X(STYLE_STATE, "state") /* how an answer ended */                                              \
    X(STYLE_ERROR, "error")                                                                        \
    X(STYLE_NOTICE, "notice")                                                                      \
    X(STYLE_STATUS, "status")                                                                      \
    X(STYLE_PROMPT, "prompt")                                                                      \
    X(STYLE_FOLDED, "folded") /* the line that stands for what is folded away */                   \
    X(STYLE_REASONING, "reasoning")                                                                \
    X(STYLE_HEADING_1, "heading-1")                                                                \
    X(STYLE_HEADING_2, "heading-2")                                                                \
    X(STYLE_HEADING, "heading") /* of the third level and below */                                 \
    X(STYLE_STRONG, "strong")                                                                      \
    X(STYLE_EMPHASIS, "emphasis")                                                                  \
    X(STYLE_STRONG_EMPHASIS, "strong-emphasis")                                                    \
    X(STYLE_STRIKE, "strike")                                                                      \
    X(STYLE_CODE, "code") /* inside a line */                                                      \
    X(STYLE_LINK, "link")                                                                          \
    X(STYLE_LINK_HOST, "link-host") /* where a link leads, behind its text */                      \
    X(STYLE_IMAGE, "image")                                                                        \
    X(STYLE_MATH, "math")                                                                          \
    X(STYLE_MARKER, "marker") /* of a list's item */                                               \
    X(STYLE_DONE, "done")     /* the mark of a task that is done */                                \
    X(STYLE_QUOTE, "quote")   /* the bar beside a quotation */                                     \
    X(STYLE_RULE, "rule")                                                                          \
    X(STYLE_TABLE_HEAD, "table-head")                                                              \
    X(STYLE_TABLE_LINE, "table-line")                                                              \
    X(STYLE_BLOCK_LABEL, "block-label") /* the language above a block of code */                   \
    X(STYLE_BLOCK, "block")             /* text of a block of code, and what has no other style */ \
    X(STYLE_BLOCK_KEYWORD, "block-keyword")                                                        \
    X(STYLE_BLOCK_TYPE, "block-type")                                                              \
    X(STYLE_BLOCK_NAME, "block-name")                                                              \
    X(STYLE_BLOCK_STRING, "block-string")                                                          \
    X(STYLE_BLOCK_NUMBER, "block-number")                                                          \
    X(STYLE_BLOCK_COMMENT, "block-comment")                                                        \
    X(STYLE_BLOCK_ADDED, "block-added")                                                            \
    X(STYLE_BLOCK_REMOVED, "block-removed")                                                        \
    X(STYLE_FOUND, "found")           /* what was searched for */                                  \
    X(STYLE_FOUND_HERE, "found-here") /* where the search has led */

#define STYLE__ENUM(name, text) name,
enum style { STYLES(STYLE__ENUM) STYLE_COUNT };
#undef STYLE__ENUM

/* "" for values out of range. */
const char *style_name(enum style style);
/* False, and *ret untouched, for unknown names. */
bool style_parse(struct sv name, enum style *ret_style);

enum style_attribute {
    STYLE_BOLD = 1,
    STYLE_FAINT = 2,
    STYLE_ITALIC = 4, /* underlined where the terminal has no italics */
    STYLE_UNDERLINE = 8,
    STYLE_REVERSE = 16,
    STYLE_ONLY_MONO_SHIFT = 8,
};
/* Attributes for terminals without colours. */
#define STYLE_ONLY_MONO(attributes) ((attributes) << STYLE_ONLY_MONO_SHIFT)

#define STYLE_NO_RGB (-1)

struct style_color {
    int8_t named; /* one of the 16; -1: the terminal's own */
    int32_t rgb;  /* 0xRRGGBB, or STYLE_NO_RGB: only the named one */
};

struct style_look {
    uint16_t attributes;
    struct style_color foreground, background;
};

/* An exact value, with the named colour nearest to it. */
struct style_color style_color_of_rgb(int32_t rgb);
/* One of the 256, which are the 16 named ones, a cube, and greys. */
struct style_color style_color_of_number(int number);

/* How many colours a terminal shows. */
enum style_depth { STYLE_MONO, STYLE_8, STYLE_16, STYLE_256, STYLE_TRUE };

/*
 * `wish`: "always", "never", or anything else (NULL too): colours unless `no_color`, the value of
 * NO_COLOR, is set and not empty. `colors`: what the terminal says that it has.
 */
enum style_depth style_depth(const char *wish, const char *no_color, int colors);
/* "none", "8", "16", "256", "true". False: none of them. */
bool style_parse_depth(const char *name, enum style_depth *ret_depth);

/* A look as a terminal of that depth shows it. Colours: -1 is its own, else the colour's number
 * (below 8, 16, 256), or for STYLE_TRUE 0xRRGGBB, where 1 to 7 are named ones. */
struct style_shown {
    unsigned attributes;
    int32_t foreground, background;
};
/* Appends it as parameters of SGR, each behind a semicolon (ECMA-48 8.3.117). */
void style_append_sgr(const struct style_shown *shown, enum style_depth depth, struct buf *out);
struct style_shown style_resolve(const struct style_look *look, enum style_depth depth);

#endif
