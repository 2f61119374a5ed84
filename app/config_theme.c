/* Themes of the config. */
#include "app/config_theme.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/nearest.h"
#include "ui/theme.h"

#define AUTO "auto"

static struct config_theme *entry(struct config_ui *ui, struct sv name)
{
    for (size_t i = 0; i < ui->theme_count; i++) {
        if (sv_equal_str(name, ui->themes[i].name)) {
            return &ui->themes[i];
        }
    }
    ui->themes = xrealloc(ui->themes, (ui->theme_count + 1) * sizeof(*ui->themes));
    struct config_theme *theme = &ui->themes[ui->theme_count++];
    *theme = (struct config_theme){.name = xstrndup(name.p, name.n)};
    return theme;
}

static enum err_code unknown_style(struct sv name, struct err *err)
{
    struct nearest nearest = nearest_start(name);
    for (unsigned i = 0; i < STYLE_COUNT; i++) {
        nearest_offer(&nearest, style_name((enum style)i));
    }
    return err_set(err, ERR_CONFIG, "is no style of the screen%s%s%s",
                   nearest.best ? " (did you mean '" : "", nearest.best ? nearest.best : "",
                   nearest.best ? "'?)" : "");
}

enum err_code config_take_look(struct config_ui *ui, const struct toml_item *item, struct err *err)
{
    struct sv name = item->path[item->depth - 1];
    enum style style;
    if (item->type != TOML_TEXT) {
        return err_set(err, ERR_CONFIG, "must be a text such as \"bold red\"");
    }
    struct config_theme *theme = entry(ui, item->path[1]);
    if (sv_equal_str(name, "base")) {
        free(theme->base);
        theme->base = xstrndup(item->text.p, item->text.n);
        theme->base_line = item->line;
        return ERR_OK;
    }
    if (!style_parse(name, &style)) {
        return unknown_style(name, err);
    }
    enum err_code code = theme_parse_look(item->text, &theme->looks[style], err);
    theme->has[style] = code == ERR_OK;
    return code;
}

static struct config_theme *find_own(const struct config_ui *ui, const char *name)
{
    for (size_t i = 0; i < ui->theme_count; i++) {
        if (strcmp(ui->themes[i].name, name) == 0) {
            return &ui->themes[i];
        }
    }
    return NULL;
}

/* One of the config goes before one that is built in. NULL: there is none. */
static const struct style_look *find(const struct config_ui *ui, const char *name)
{
    const struct config_theme *own = find_own(ui, name);
    return own ? own->looks : theme_builtin(sv_from(name));
}

static enum err_code unknown_theme(const struct config_ui *ui, const char *name, struct err *err)
{
    struct nearest nearest = nearest_start(sv_from(name));
    for (const char *const *known = theme_names(); *known; known++) {
        nearest_offer(&nearest, *known);
    }
    for (size_t i = 0; i < ui->theme_count; i++) {
        nearest_offer(&nearest, ui->themes[i].name);
    }
    return err_set(err, ERR_CONFIG, "there is no theme '%s'%s%s%s", name,
                   nearest.best ? " (did you mean '" : "", nearest.best ? nearest.best : "",
                   nearest.best ? "'?)" : "");
}

static void take_over(struct config_theme *theme, const struct style_look *base)
{
    for (size_t i = 0; i < STYLE_COUNT; i++) {
        theme->looks[i] = theme->has[i] ? theme->looks[i] : base[i];
    }
    theme->whole = true;
}

/* What a theme leaves out is as in the one that it begins with, which is made whole before it.
 * `depth`: how many themes wait for this one. `ret_line`: where the one stands that fails. */
static enum err_code make_whole(struct config_ui *ui, struct config_theme *theme, size_t depth,
                                unsigned *ret_line, struct err *err)
{
    const char *name = theme->base ? theme->base : theme->name;
    bool same = strcmp(name, theme->name) == 0;
    struct config_theme *own = same ? NULL : find_own(ui, name);
    const struct style_look *built_in = theme_builtin(sv_from(name));
    if (theme->whole) {
        return ERR_OK;
    }
    *ret_line = theme->base_line;
    if (depth > ui->theme_count) {
        return err_set(err, ERR_CONFIG, "[theme.%s] begins with itself", theme->name);
    }
    if (own) {
        enum err_code code = make_whole(ui, own, depth + 1, ret_line, err);
        if (!code) {
            take_over(theme, own->looks);
        }
        return code;
    }
    if (!built_in && theme->base) {
        (void)unknown_theme(ui, name, err);
        return err_prefix(err, "[theme.%s]", theme->name);
    }
    take_over(theme, built_in ? built_in : theme_builtin(SV("16")));
    return ERR_OK;
}

enum err_code config_check_themes(struct config_ui *ui, unsigned *ret_line, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < ui->theme_count; i++) {
        code = make_whole(ui, &ui->themes[i], 0, ret_line, err);
    }
    if (!code && ui->theme && strcmp(ui->theme, AUTO) != 0 && !find(ui, ui->theme)) {
        *ret_line = ui->theme_line;
        code = unknown_theme(ui, ui->theme, err);
    }
    return code;
}

static enum ui_notify notify_of(const char *word)
{
    static const struct {
        const char *word;
        enum ui_notify notify;
    } known[] = {{"none", UI_NOTIFY_NONE}, {"osc9", UI_NOTIFY_OSC9}, {"osc777", UI_NOTIFY_OSC777}};
    for (size_t i = 0; word && i < COUNT_OF(known); i++) {
        if (strcmp(word, known[i].word) == 0) {
            return known[i].notify;
        }
    }
    return UI_NOTIFY_BELL;
}

struct ui_settings config_ui_settings(const struct config_ui *ui)
{
    bool is_auto = !ui->theme || strcmp(ui->theme, AUTO) == 0;
    bool all = !ui->colors || strcmp(ui->colors, AUTO) == 0;
    return (struct ui_settings){
        .looks = is_auto ? NULL : find(ui, ui->theme),
        .dark = find(ui, "dark"),
        .light = find(ui, "light"),
        .colors = all ? NULL : ui->colors,
        .links = ui->links,
        .no_wheel = !ui->wheel,
        .no_title = !ui->title,
        .notify = notify_of(ui->notify),
    };
}

void config_ui_release(struct config_ui *ui)
{
    for (size_t i = 0; i < ui->theme_count; i++) {
        free(ui->themes[i].name);
        free(ui->themes[i].base);
    }
    free(ui->themes);
    free(ui->theme);
    free(ui->colors);
    free(ui->notify);
    free(ui->links);
    *ui = (struct config_ui){.themes = NULL};
}
