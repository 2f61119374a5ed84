/*
 * What the screen tells the terminal beside its cells, and what that answers: its background, whose
 * answer chooses the theme; whether it shows frames whole; the window's title; and that an answer
 * has ended while the window was out of focus.
 *
 * Nothing waits for an answer: the first frame is painted in the colours that the user gave to the
 * terminal, and one that comes late is left alone, so that nothing changes under the reader's eyes.
 */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/safe.h"
#include "base/utf8.h"
#include "ui/hyperlink.h"
#include "ui/term.h"
#include "ui/theme.h"
#include "ui/ui_internal.h"

#define ASK_BACKGROUND "\033]11;?\033\\"
#define ASK_SYNCHRONIZED "\033[?2026$p"
#define ANSWER_PATIENCE CLOCK_S(1)
#define TITLE_MAX 100u

static const struct ui_settings *settings_of(const struct ui *ui)
{
    return &ui->options->settings;
}

/* ---- the theme ---- */

const struct style_look *terminal__looks(const struct ui *ui, enum theme_background background)
{
    const struct ui_settings *settings = settings_of(ui);
    const struct style_look *chosen = settings->looks;
    if (chosen) {
        return chosen;
    }
    switch (background) {
    case THEME_DARK:
        return settings->dark ? settings->dark : theme_builtin(SV("dark"));
    case THEME_LIGHT:
        return settings->light ? settings->light : theme_builtin(SV("light"));
    case THEME_UNKNOWN:
        break;
    }
    return theme_builtin(SV("16"));
}

void terminal__ask(struct ui *ui)
{
    const struct ui_settings *settings = settings_of(ui);
    bool known = settings->looks || theme_background_of_rxvt(getenv("COLORFGBG"));
    ui->asked_us = clock_mono_us();
    if (!known) {
        term_say(SV(ASK_BACKGROUND));
    }
    term_say(SV(ASK_SYNCHRONIZED));
}

static void on_background(struct ui *ui, struct sv color)
{
    enum theme_background background = theme_background(color);
    if (settings_of(ui)->looks || background == THEME_UNKNOWN) {
        return;
    }
    paint_set_looks(ui->paint, terminal__looks(ui, background));
    ui->dirty = true;
}

void terminal__report(struct ui *ui, struct sv text)
{
    const struct sv background = SV("]11;");
    bool late = clock_mono_us() - ui->asked_us > ANSWER_PATIENCE;
    if (!ui->paint || late) {
        return;
    }
    if (sv_starts_with(text, background)) {
        on_background(ui, sv_skip(text, background.n));
    } else if (sv_equal_str(text, "[?2026;1$y") || sv_equal_str(text, "[?2026;2$y")) {
        paint_set_synchronized(ui->paint, true);
    }
}

/* ---- links ---- */

static const char *environment(const char *name)
{
    return getenv(name);
}

/* Text of another locale than UTF-8 is curses' to write. */
bool terminal__wants_links(const struct ui *ui)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 &&
           hyperlink_wanted(settings_of(ui)->links, environment);
}

/* ---- the window ---- */

void terminal__focus(struct ui *ui, bool has_it)
{
    ui->out_of_focus = !has_it;
}

/* One line of text that acts nowhere, of a length that windows show. */
static void append_name(const char *title, struct buf *out)
{
    struct buf safe = BUF_INIT(BUF_MAX_INTERNAL);
    safe_append(&safe, sv_from(title), SAFE_ONE_LINE);
    struct sv name = buf_sv(&safe);
    buf_append_sv(out,
                  name.n > TITLE_MAX ? sv_take(name, utf8_cut(name.p, name.n, TITLE_MAX)) : name);
    buf_release(&safe);
}

void terminal__title(struct ui *ui)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    if (settings_of(ui)->no_title) {
        return;
    }
    buf_append_str(&text, "\033]2;");
    if (ui->title && ui->title[0]) {
        append_name(ui->title, &text);
        buf_append_str(&text, " - ");
    }
    buf_append_str(&text, "weir\033\\");
    term_say(buf_sv(&text));
    buf_release(&text);
}

void terminal__set_title(struct ui *ui, const char *title)
{
    bool same = ui->title && title ? strcmp(ui->title, title) == 0 : ui->title == title;
    if (!same) {
        free(ui->title);
        ui->title = xstrdup(title);
        ui->dirty = true;
    }
    if (!same && ui->asked_us) {
        terminal__title(ui);
    }
}

/* ---- somebody looks elsewhere ---- */

void terminal__notify(struct ui *ui, const char *what)
{
    struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
    if (!ui->out_of_focus) {
        return;
    }
    switch (settings_of(ui)->notify) {
    case UI_NOTIFY_BELL:
        buf_append_byte(&text, '\a');
        break;
    case UI_NOTIFY_OSC9:
        buf_appendf(&text, "\033]9;weir: %s\033\\", what);
        break;
    case UI_NOTIFY_OSC777:
        buf_appendf(&text, "\033]777;notify;weir;%s\033\\", what);
        break;
    case UI_NOTIFY_NONE:
        break;
    }
    term_say(buf_sv(&text));
    buf_release(&text);
}

void terminal__toggle_wheel(struct ui *ui)
{
    ui->wheel = !ui->wheel;
    term_set_wheel(ui->wheel);
    view__line(ui, LINE_INFO, ui->wheel ? "the wheel scrolls here" : "the wheel is the terminal's");
}
