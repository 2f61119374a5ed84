/* curses: newterm, add_wch, doupdate. It installs signal handlers of its own, which are undone. */
#include "ui/paint.h"

#include <curses.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/utf8.h"

struct paint {
    SCREEN *screen;
    struct grid painted;
    bool known; /* `painted` is what the terminal shows */
    bool colored;
};

struct look {
    attr_t attributes;
    short foreground; /* of 16 colours; -1: the terminal's own */
};

static const struct look looks[STYLE_COUNT] = {
    [STYLE_PLAIN] = {A_NORMAL, -1},
    [STYLE_DIM] = {A_DIM, -1},
    [STYLE_USER] = {A_BOLD, COLOR_CYAN},
    [STYLE_MODEL] = {A_BOLD, COLOR_GREEN},
    [STYLE_STATE] = {A_NORMAL, COLOR_YELLOW},
    [STYLE_ERROR] = {A_BOLD, COLOR_RED},
    [STYLE_NOTICE] = {A_NORMAL, COLOR_YELLOW},
    [STYLE_STATUS] = {A_REVERSE, -1},
    [STYLE_PROMPT] = {A_BOLD, COLOR_CYAN},
};

static const int curses_signals[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};

/* newterm() takes some signals for itself; they belong to others here. */
static SCREEN *open_screen(void)
{
    struct sigaction before[COUNT_OF(curses_signals)];
    for (size_t i = 0; i < COUNT_OF(curses_signals); i++) {
        sigaction(curses_signals[i], NULL, &before[i]);
    }
    SCREEN *screen = newterm(NULL, stdout, stdin);
    for (size_t i = 0; i < COUNT_OF(curses_signals); i++) {
        sigaction(curses_signals[i], &before[i], NULL);
    }
    return screen;
}

static bool wants_color(const char *color)
{
    if (color && strcmp(color, "always") == 0) {
        return true;
    }
    const char *no_color = getenv("NO_COLOR");
    return !(color && strcmp(color, "never") == 0) && !(no_color && no_color[0]);
}

static bool open_colors(const char *color)
{
    if (!wants_color(color) || !has_colors() || start_color() == ERR ||
        use_default_colors() == ERR) {
        return false;
    }
    for (short i = 0; i < STYLE_COUNT; i++) {
        if (looks[i].foreground >= 0 && init_pair(i, looks[i].foreground, -1) == ERR) {
            return false;
        }
    }
    return true;
}

static const char *capability(const char *name)
{
    const char *value = tigetstr(name);
    return value == (const char *)-1 ? NULL : value;
}

enum err_code paint_open(const char *color, struct paint **ret_paint, struct err *err)
{
    const char *name = getenv("TERM");
    SCREEN *screen = open_screen();
    if (!screen) {
        return err_set(err, ERR_UNSUPPORTED, "cannot use the terminal: TERM is '%s'",
                       name ? name : "");
    }
    if (!capability("cup")) {
        delscreen(screen);
        return err_set(err, ERR_UNSUPPORTED,
                       "cannot use the terminal: '%s' has no cursor addressing", name ? name : "");
    }
    struct paint *paint = xcalloc(1, sizeof(*paint));
    paint->screen = screen;
    paint->colored = open_colors(color);
    typeahead(-1); /* a frame is not put off because a key waits */
    noecho();
    nonl();
    raw();
    scrollok(stdscr, FALSE);
    leaveok(stdscr, FALSE);
    curs_set(1);
    *ret_paint = paint;
    return ERR_OK;
}

void paint_close(struct paint *paint)
{
    if (paint) {
        delscreen(paint->screen);
        grid_release(&paint->painted);
        free(paint);
    }
}

/* Without the pauses that terminfo asks for, "$<5>": terminals that need them are gone. */
static void append_capability(struct buf *out, const char *name)
{
    const char *value = capability(name);
    while (value && *value) {
        const char *end = value[0] == '$' && value[1] == '<' ? strchr(value, '>') : NULL;
        if (end) {
            value = end + 1;
        } else {
            buf_append_byte(out, *value++);
        }
    }
}

void paint_sequences(struct buf *enter, struct buf *leave)
{
    append_capability(enter, "smcup");
    append_capability(leave, "sgr0");
    append_capability(leave, "op");
    append_capability(leave, "cnorm");
    append_capability(leave, "rmcup");
}

void paint_resize(struct paint *paint, int rows, int columns)
{
    resizeterm(rows, columns);
    paint->known = false;
}

void paint_forget(struct paint *paint)
{
    paint->known = false;
    clearok(curscr, TRUE);
}

/* Takes a spacing character and the marks on it off the front; gives the columns they take. */
static int next_character(struct sv *text, wchar_t out[CCHARW_MAX + 1])
{
    int width = 0;
    int n = 0;
    while (text->n && n < CCHARW_MAX) {
        uint32_t cp;
        size_t used = utf8_decode(text->p, text->n, &cp);
        int columns = wcwidth((wchar_t)cp);
        if (n > 0 && columns != 0) {
            break;
        }
        out[n++] = (wchar_t)cp;
        width += columns > 0 ? columns : 0;
        *text = sv_skip(*text, used);
    }
    out[n] = 0;
    return width;
}

static void paint_cell(const struct paint *paint, const struct cell *cell, int row, int column)
{
    const struct look *look = &looks[cell->style];
    short pair = paint->colored && look->foreground >= 0 ? cell->style : 0;
    struct sv text = sv_of(cell->text, cell->n);
    while (text.n) {
        wchar_t characters[CCHARW_MAX + 1];
        cchar_t out;
        int width = next_character(&text, characters);
        if (setcchar(&out, characters, look->attributes, pair, NULL) == OK) {
            mvadd_wch(row, column, &out);
        }
        column += width;
    }
}

static void paint_changed(struct paint *paint, const struct grid *grid)
{
    for (int row = 0; row < grid->rows; row++) {
        for (int column = 0; column < grid->columns; column++) {
            const struct cell *cell = grid_at(grid, row, column);
            struct cell *old = grid_at(&paint->painted, row, column);
            bool same = paint->known && grid_equal_cell(cell, old);
            *old = *cell;
            if (!same && cell->width) {
                paint_cell(paint, cell, row, column);
            }
        }
    }
}

void paint_frame(struct paint *paint, const struct grid *grid)
{
    if (paint->painted.rows != grid->rows || paint->painted.columns != grid->columns) {
        grid_resize(&paint->painted, grid->rows, grid->columns);
        paint->known = false;
    }
    if (!paint->known) {
        erase();
    }
    paint_changed(paint, grid);
    paint->known = true;
    move(grid->cursor_row, grid->cursor_column);
    wnoutrefresh(stdscr);
    doupdate();
}
