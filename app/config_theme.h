/*
 * [ui] and [theme.NAME] of the config: how the screen looks (ui/theme.h) and what it tells the
 * terminal.
 *
 * Threads: values of a config, read-only after loading. Ownership: the config's.
 */
#ifndef WEIR_APP_CONFIG_THEME_H
#define WEIR_APP_CONFIG_THEME_H

#include <stdbool.h>
#include <stddef.h>

#include "app/toml.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/sv.h"
#include "ui/ui.h"

struct config_theme {
    char *name;
    char *base; /* the theme that it begins with; NULL: "16", or the one built in of its name */
    unsigned base_line; /* where that is said */
    bool has[STYLE_COUNT];
    bool whole; /* has looks for all; after config_check_themes */
    struct style_look looks[STYLE_COUNT];
};

struct config_ui {
    char *theme;         /* NULL: by the background */
    unsigned theme_line; /* where that is said */
    char *colors;        /* NULL or "auto": all that the terminal has */
    char *notify;        /* NULL: "bell" */
    char *links;         /* NULL: "auto" */
    bool wheel, title;
    struct config_theme *themes;
    size_t theme_count;
};

/* Takes `theme.NAME.STYLE` and `theme.NAME.base`. ERR_CONFIG: the text is what is wrong with it, to
 * stand behind the key's name. */
enum err_code config_take_look(struct config_ui *ui, const struct toml_item *item,
                               struct err *err) NODISCARD;
/* After all of them. Again where the environment may have changed them. ERR_CONFIG: a
 * theme is named that is not there, in that line. */
enum err_code config_check_themes(struct config_ui *ui, unsigned *ret_line,
                                  struct err *err) NODISCARD;
/* Borrows the config's looks. */
struct ui_settings config_ui_settings(const struct config_ui *ui);
void config_ui_release(struct config_ui *ui);

#endif
