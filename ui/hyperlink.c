/* Which terminals have links, which addresses may be links, and the cells written once more. */
#include "ui/hyperlink.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

#define CURSOR_KEPT "\0337"
#define CURSOR_BACK "\0338"
#define VTE_FIRST 5000
#define KONSOLE_FIRST 201200
#define TMUX_MAJOR 3
#define TMUX_MINOR 4

/* ---- which terminals ---- */

static bool begins_with_one(const char *text, const char *const *beginnings, size_t count)
{
    for (size_t i = 0; text && i < count; i++) {
        if (strncmp(text, beginnings[i], strlen(beginnings[i])) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_from(const char *version, long first)
{
    return version && strtol(version, NULL, 10) >= first;
}

/* "3.4", "3.5a", "next-3.6". */
static bool is_tmux_with_links(const char *version)
{
    const char *number = version ? version + strcspn(version, "0123456789") : "";
    char *rest;
    long major = strtol(number, &rest, 10);
    long minor = *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
    return major > TMUX_MAJOR || (major == TMUX_MAJOR && minor >= TMUX_MINOR);
}

static bool is_known(const char *(*env)(const char *name))
{
    static const char *const names[] = {"xterm-kitty", "alacritty", "foot",         "wezterm",
                                        "contour",     "ghostty",   "xterm-ghostty"};
    static const char *const programs[] = {"iTerm.app", "WezTerm", "ghostty", "vscode"};
    static const char *const nothing[] = {"screen", "linux", "dumb"};
    const char *name = env("TERM");
    const char *program = env("TERM_PROGRAM");
    if (env("TMUX")) { /* the other names are those of the terminal around it */
        return program && strcmp(program, "tmux") == 0 &&
               is_tmux_with_links(env("TERM_PROGRAM_VERSION"));
    }
    if (!name || env("STY") || begins_with_one(name, nothing, COUNT_OF(nothing))) {
        return false;
    }
    return begins_with_one(name, names, COUNT_OF(names)) ||
           begins_with_one(program, programs, COUNT_OF(programs)) ||
           is_from(env("VTE_VERSION"), VTE_FIRST) ||
           is_from(env("KONSOLE_VERSION"), KONSOLE_FIRST) || env("WT_SESSION");
}

bool hyperlink_wanted(const char *wish, const char *(*env)(const char *name))
{
    if (wish && strcmp(wish, "always") == 0) {
        return true;
    }
    return !(wish && strcmp(wish, "never") == 0) && is_known(env);
}

/* ---- addresses ---- */

static bool has_scheme(struct sv address)
{
    static const char *const schemes[] = {"http://", "https://", "mailto:"};
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        size_t n = strlen(schemes[i]);
        if (address.n > n && sv_equal_nocase(sv_take(address, n), sv_from(schemes[i]))) {
            return true;
        }
    }
    return false;
}

/* C0 and DEL; C1 in UTF-8 would come out as %C2%9B, which nobody means either. */
static bool has_control(struct sv address)
{
    for (size_t i = 0; i < address.n; i++) {
        unsigned char byte = (unsigned char)address.p[i];
        unsigned char next = i + 1 < address.n ? (unsigned char)address.p[i + 1] : 0;
        if (byte < ' ' || byte == 0x7F || (byte == 0xC2 && next >= 0x80 && next < 0xA0)) {
            return true;
        }
    }
    return false;
}

bool hyperlink_append_uri(struct buf *out, struct sv address)
{
    size_t began = out->n;
    if (!has_scheme(address) || has_control(address) || address.n > HYPERLINK_URI_MAX) {
        return false;
    }
    bool fits = true;
    for (size_t i = 0; fits && i < address.n; i++) {
        unsigned char byte = (unsigned char)address.p[i];
        fits = byte > ' ' && byte < 0x7F ? buf_append_byte(out, (char)byte)
                                         : buf_appendf(out, "%%%02X", byte);
    }
    if (!fits || out->n - began > HYPERLINK_URI_MAX) {
        buf_truncate(out, began);
        return false;
    }
    return true;
}

/* ---- cells ---- */

struct writing {
    const struct grid *before, *after;
    const struct hyperlink_looks *looks;
    struct buf *out;
    int link, style; /* of what is written; -1: none yet */
    int row, column; /* where the terminal's cursor is known to be; row -1: nowhere */
};

/* Cells of one address light up together, wherever they stand: a hash of it names them (FNV-1a). */
static uint32_t name_of(struct sv uri)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < uri.n; i++) {
        hash = (hash ^ (unsigned char)uri.p[i]) * 16777619u;
    }
    return hash;
}

static void set_link(struct writing *w, int link)
{
    if (w->link == link) {
        return;
    }
    if (link > 0) {
        struct sv uri = grid_link_uri(w->after, (uint8_t)link);
        buf_appendf(w->out, "\033]8;id=%08lx;", (unsigned long)name_of(uri));
        buf_append_sv(w->out, uri);
        buf_append_str(w->out, "\033\\");
    } else if (w->link > 0) {
        buf_append_str(w->out, HYPERLINK_END);
    }
    w->link = link;
}

static void set_style(struct writing *w, int style)
{
    if (w->style != style) {
        buf_append_str(w->out, "\033[0");
        style_append_sgr(&w->looks->shown[style], w->looks->depth, w->out);
        buf_append_byte(w->out, 'm');
        w->style = style;
    }
}

static void write_cell(struct writing *w, const struct cell *cell, int row, int column)
{
    if (w->row < 0) {
        buf_append_str(w->out, CURSOR_KEPT);
    }
    if (w->row != row || w->column != column) {
        buf_appendf(w->out, "\033[%d;%dH", row + 1, column + 1);
    }
    set_link(w, cell->link);
    set_style(w, cell->style);
    buf_append(w->out, cell->text, cell->n);
    w->row = row;
    /* How wide anything else is, terminals do not agree on. */
    w->column = cell->n == 1 ? column + 1 : -1;
}

/* Its link would stay: curses does not write what looks the same, even where its style has another
 * name. */
static bool keeps_link(const struct cell *before, const struct cell *after)
{
    return before->link && before->n == after->n &&
           memcmp(before->text, after->text, after->n) == 0;
}

static void write_row(struct writing *w, int row)
{
    for (int column = 0; column < w->after->columns; column++) {
        const struct cell *cell = grid_at(w->after, row, column);
        if (cell->width && (cell->link || keeps_link(grid_at(w->before, row, column), cell))) {
            write_cell(w, cell, row, column);
        }
    }
}

void hyperlink_append_changes(const struct grid *before, const struct grid *after,
                              const struct hyperlink_looks *looks, struct buf *out)
{
    struct writing w = {before, after, looks, out, -1, -1, -1, -1};
    size_t row_size = (size_t)after->columns * sizeof(struct cell);
    bool same_links = sv_equal(buf_sv(&before->links), buf_sv(&after->links));
    if (row_size == 0 || (before->links.n == 0 && after->links.n == 0)) {
        return;
    }
    for (int row = 0; row < after->rows; row++) {
        bool same = memcmp(grid_at(before, row, 0), grid_at(after, row, 0), row_size) == 0;
        if (!same || !same_links) {
            write_row(&w, row);
        }
    }
    set_link(&w, 0);
    buf_append_str(out, w.row < 0 ? "" : CURSOR_BACK);
}
