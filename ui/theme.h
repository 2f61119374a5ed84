/*
 * Themes: looks of all styles under one name, as data.
 *
 * Built in are "16" (the sixteen colours that a terminal lets its user choose, for any background),
 * "dark" and "light" (exact colours), "high-contrast" and "mono". A config may define others, each
 * from one of these or one defined before it, look by look.
 *
 * A look is words: "bold", "faint", "italic", "underline", "reverse" and a colour, in any order;
 * "on" before a colour makes it the background. Colours: "black", "red", "green", "yellow", "blue",
 * "magenta", "cyan", "white", each with "bright-" before it, a number below 256, "#rrggbb", or
 * "default", the terminal's own. An attribute with "mono-" before it is for terminals without
 * colours alone. "plain" is none of all.
 *
 * Threads: pure, constant tables. Sources: OSC 10 and 11, ctlseqs.txt of xterm (what
 * theme_background reads); COLORFGBG as rxvt sets it.
 */
#ifndef WEIR_UI_THEME_H
#define WEIR_UI_THEME_H

#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "ui/style.h"

/* STYLE_COUNT looks. NULL: none of that name is built in. */
const struct style_look *theme_builtin(struct sv name);
/* The names, each once, ended by NULL. */
const char *const *theme_names(void);

/* ERR_CONFIG: a word means nothing, said to stand behind the look's name; the look is untouched. */
enum err_code theme_parse_look(struct sv text, struct style_look *ret_look,
                               struct err *err) NODISCARD;

enum theme_background { THEME_UNKNOWN, THEME_DARK, THEME_LIGHT };

/* Of a terminal's answer to OSC 11: "rgb:RRRR/GGGG/BBBB", with one to four digits each. */
enum theme_background theme_background(struct sv color);
/* Of COLORFGBG, "15;0"; NULL is fine. */
enum theme_background theme_background_of_rxvt(const char *value);

#endif
