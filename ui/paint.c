/* curses: newterm, add_wch, doupdate. It installs signal handlers of its own, which are undone. */
#include "ui/paint.h"

#include <curses.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/utf8.h"
#include "ui/hyperlink.h"

#define FRAME_BEGINS "\033[?2026h"
#define FRAME_ENDS "\033[?2026l"
/* What is less than that reaches the terminal in one piece anyhow. */
#define WHOLE_FROM_ROWS 4

/* What curses is told for a style. */
struct look {
    attr_t attributes;
    short pair; /* 0: the terminal's own colours */
};

struct paint {
    SCREEN *screen;
    struct grid painted;
    bool known; /* `painted` is what the terminal shows */
    bool synchronized;
    bool links;
    const char *stand_in; /* or NULL */
    enum style_depth depth;
    struct look looks[STYLE_COUNT];
    struct style_shown shown[STYLE_COUNT];
};

static const int curses_signals[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};

static bool wants_exact(const struct paint_options *options)
{
    const char *says = getenv("COLORTERM");
    if (options->depth) {
        return strcmp(options->depth, "true") == 0;
    }
    return says && (strcmp(says, "truecolor") == 0 || strcmp(says, "24bit") == 0);
}

/* The description of the terminal with exact colours, "xterm-direct"; NULL where nobody knows it.
 */
static SCREEN *open_exact(const struct paint_options *options)
{
    const char *name = getenv("TERM");
    if (!name || !wants_exact(options)) {
        return NULL;
    }
    struct sv base = sv_from(name);
    const struct sv ending = SV("-256color");
    base = sv_ends_with(base, ending) ? sv_take(base, base.n - ending.n) : base;
    char *direct = xasprintf("%.*s-direct", SV_ARG(base));
    SCREEN *screen = newterm(direct, stdout, stdin);
    free(direct);
    return screen;
}

/* Terminals that are away from home, as through ssh: what they are called is not known there, but
 * what they do is. */
static const struct stand_in {
    const char *part; /* of the name */
    const char *names[2];
} stand_ins[] = {
    {"screen", {"screen-256color", "screen"}}, {"tmux", {"screen-256color", "screen"}},
    {"xterm", {"xterm-256color", "xterm"}},    {"256color", {"xterm-256color", "xterm"}},
    {"direct", {"xterm-256color", "xterm"}},   {"kitty", {"xterm-256color", "xterm"}},
    {"ghostty", {"xterm-256color", "xterm"}},  {"alacritty", {"xterm-256color", "xterm"}},
    {"foot", {"xterm-256color", "xterm"}},     {"wezterm", {"xterm-256color", "xterm"}},
    {"rxvt", {"xterm-256color", "xterm"}},     {"konsole", {"xterm-256color", "xterm"}},
    {"vte", {"xterm-256color", "xterm"}},      {"gnome", {"xterm-256color", "xterm"}},
    {"iterm", {"xterm-256color", "xterm"}},    {"contour", {"xterm-256color", "xterm"}},
    {"mintty", {"xterm-256color", "xterm"}},
};

static SCREEN *open_stand_in(const char **ret_name)
{
    const char *name = getenv("TERM");
    for (size_t i = 0; name && i < COUNT_OF(stand_ins); i++) {
        for (size_t j = 0; j < 2 && strstr(name, stand_ins[i].part); j++) {
            SCREEN *screen = newterm(stand_ins[i].names[j], stdout, stdin);
            if (screen) {
                *ret_name = stand_ins[i].names[j];
                return screen;
            }
        }
    }
    return NULL;
}

/* newterm() takes some signals for itself; they belong to others here. */
static SCREEN *open_screen(const struct paint_options *options, const char **ret_stand_in)
{
    struct sigaction before[COUNT_OF(curses_signals)];
    for (size_t i = 0; i < COUNT_OF(curses_signals); i++) {
        sigaction(curses_signals[i], NULL, &before[i]);
    }
    SCREEN *screen = open_exact(options);
    screen = screen ? screen : newterm(NULL, stdout, stdin);
    screen = screen ? screen : open_stand_in(ret_stand_in);
    for (size_t i = 0; i < COUNT_OF(curses_signals); i++) {
        sigaction(curses_signals[i], &before[i], NULL);
    }
    return screen;
}

static const char *capability(const char *name)
{
    const char *value = tigetstr(name);
    return value == (const char *)-1 ? NULL : value;
}

static attr_t attributes_of(unsigned attributes)
{
    static const struct {
        enum style_attribute attribute;
        attr_t curses;
    } known[] = {
        {STYLE_BOLD, A_BOLD},       {STYLE_FAINT, A_DIM},     {STYLE_UNDERLINE, A_UNDERLINE},
        {STYLE_REVERSE, A_REVERSE}, {STYLE_ITALIC, A_ITALIC},
    };
    attr_t out = A_NORMAL;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        out |= attributes & known[i].attribute ? known[i].curses : A_NORMAL;
    }
    if ((out & A_ITALIC) && !capability("sitm")) {
        out = (out & ~(attr_t)A_ITALIC) | A_UNDERLINE;
    }
    return out;
}

/* Gives the colours a pair of their own. False: there is none left. */
static bool open_pair(short pair, const struct style_shown *shown)
{
#if defined(NCURSES_EXT_COLORS) && NCURSES_EXT_COLORS
    return init_extended_pair(pair, shown->foreground, shown->background) != ERR;
#else
    return init_pair(pair, (short)shown->foreground, (short)shown->background) != ERR;
#endif
}

static enum style_depth depth_of(const struct paint_options *options)
{
    enum style_depth depth = style_depth(options->color, getenv("NO_COLOR"), tigetnum("colors"));
    enum style_depth most;
    if (options->depth && style_parse_depth(options->depth, &most) && most < depth) {
        depth = most;
    }
    bool none = depth != STYLE_MONO && (start_color() == ERR || use_default_colors() == ERR);
    return none ? STYLE_MONO : depth;
}

/* Finds out what each style is on this terminal. */
void paint_set_looks(struct paint *paint, const struct style_look *looks)
{
    for (short i = 0; i < STYLE_COUNT; i++) {
        struct style_shown shown = style_resolve(&looks[i], paint->depth);
        bool colored = shown.foreground >= 0 || shown.background >= 0;
        paint->shown[i] = shown;
        paint->looks[i].attributes = attributes_of(shown.attributes);
        paint->looks[i].pair = colored && open_pair(i, &shown) ? i : 0;
    }
    paint->known = false;
}

void paint_set_synchronized(struct paint *paint, bool synchronized)
{
    paint->synchronized = synchronized;
}

enum err_code paint_open(const struct paint_options *options, struct paint **ret_paint,
                         struct err *err)
{
    const char *name = getenv("TERM");
    const char *stand_in = NULL;
    SCREEN *screen = open_screen(options, &stand_in);
    if (!screen) {
        return err_set(err, ERR_UNSUPPORTED,
                       "cannot use the terminal: TERM is '%s', which is not described on this "
                       "machine; TERM=xterm-256color often does",
                       name ? name : "");
    }
    if (!capability("cup")) {
        delscreen(screen);
        return err_set(err, ERR_UNSUPPORTED,
                       "cannot use the terminal: '%s' has no cursor addressing", name ? name : "");
    }
    struct paint *paint = xcalloc(1, sizeof(*paint));
    paint->screen = screen;
    paint->depth = depth_of(options);
    paint->links = options->links;
    paint->stand_in = stand_in;
    paint_set_looks(paint, options->looks);
    typeahead(-1); /* a frame is not put off because a key waits */
    noecho();
    nonl();
    raw();
    scrollok(stdscr, FALSE);
    leaveok(stdscr, FALSE);
    if (paint->links) {
        idcok(stdscr, FALSE); /* cells that move would take their links along */
    }
    curs_set(1);
    *ret_paint = paint;
    return ERR_OK;
}

const char *paint_stand_in(const struct paint *paint)
{
    return paint->stand_in;
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

void paint_sequences(const struct paint *paint, struct buf *enter, struct buf *leave)
{
    append_capability(enter, "smcup");
    buf_append_str(leave, paint->links ? HYPERLINK_END : "");
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
    const struct look *look = &paint->looks[cell->style];
    struct sv text = sv_of(cell->text, cell->n);
    while (text.n) {
        wchar_t characters[CCHARW_MAX + 1];
        cchar_t out;
        int width = next_character(&text, characters);
        if (setcchar(&out, characters, look->attributes, look->pair, NULL) == OK) {
            mvadd_wch(row, column, &out);
        }
        column += width;
    }
}

/* Rows that are as before cost one comparison: equal screens are equal bytes (ui/grid.h). Gives how
 * many rows are not. */
static int paint_changed(struct paint *paint, const struct grid *grid)
{
    int changed = 0;
    size_t row_size = (size_t)grid->columns * sizeof(struct cell);
    for (int row = 0; row < grid->rows && row_size > 0; row++) {
        const struct cell *cells = grid_at(grid, row, 0);
        struct cell *before = grid_at(&paint->painted, row, 0);
        if (memcmp(cells, before, row_size) == 0) {
            continue;
        }
        for (int column = 0; column < grid->columns; column++) {
            const struct cell *cell = &cells[column];
            if (cell->width && !grid_equal_cell(cell, &before[column])) {
                paint_cell(paint, cell, row, column);
            }
        }
        memcpy(before, cells, row_size);
        changed++;
    }
    return changed;
}

static void write_text(struct sv text)
{
    file_write_all(STDOUT_FILENO, text.p, text.n);
}

void paint_frame(struct paint *paint, const struct grid *grid)
{
    bool fits = paint->painted.rows == grid->rows && paint->painted.columns == grid->columns;
    if (!fits || !paint->known) {
        erase(); /* now what curses holds are blanks */
        if (paint->painted.links.n) {
            clearok(curscr, TRUE); /* what looks the same would keep its link */
        }
        grid_resize(&paint->painted, grid->rows, grid->columns);
    }
    struct buf links = BUF_INIT(BUF_MAX_INTERNAL);
    if (paint->links) {
        const struct hyperlink_looks looks = {paint->shown, paint->depth};
        hyperlink_append_changes(&paint->painted, grid, &looks, &links);
        grid_copy_links(&paint->painted, grid);
    }
    int changed = paint_changed(paint, grid);
    bool whole = (changed >= WHOLE_FROM_ROWS || links.n) && paint->synchronized;
    paint->known = true;
    move(grid->cursor_row, grid->cursor_column);
    wnoutrefresh(stdscr);
    if (whole) {
        write_text(SV(FRAME_BEGINS));
    }
    doupdate();
    write_text(buf_sv(&links));
    buf_release(&links);
    if (whole) {
        write_text(SV(FRAME_ENDS));
    }
}

/* ---- without curses ---- */

static void append_lines_style(const struct paint *paint, unsigned style, struct buf *out)
{
    buf_append_str(out, "\033[0");
    style_append_sgr(&paint->shown[style], paint->depth, out);
    buf_append_byte(out, 'm');
}

static int last_written(const struct grid *grid, int row)
{
    int column = grid->columns - 1;
    while (column >= 0 && grid_at(grid, row, column)->n == 1 &&
           grid_at(grid, row, column)->text[0] == ' ') {
        column--;
    }
    return column;
}

void paint_as_lines(const struct paint *paint, const struct grid *grid, struct buf *out)
{
    for (int row = 0; row < grid->rows; row++) {
        int last = last_written(grid, row);
        int style = STYLE_PLAIN;
        for (int column = 0; column <= last; column++) {
            const struct cell *cell = grid_at(grid, row, column);
            if (cell->width && cell->style != style) {
                style = cell->style;
                append_lines_style(paint, cell->style, out);
            }
            buf_append(out, cell->text, cell->width ? cell->n : 0);
        }
        buf_append_str(out, style == STYLE_PLAIN ? "" : "\033[0m");
        buf_append_byte(out, '\n');
    }
}
