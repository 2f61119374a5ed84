/* The list, its filter, its selection. */
#include "ui/picker.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ui/found.h"

#define NOTE_COLUMN_MAX 40
#define LINE_MAX_BYTES ((size_t)4 << 10)
#define SEPARATOR " · "

struct picker {
    const struct picker_kind *kind;
    void *ctx;
    struct editor *editor;
    struct choices choices;
    size_t *shown; /* indices of those that fit the filter */
    size_t shown_count;
    size_t selected; /* index in `shown` */
    size_t top;      /* first one in view */
    size_t anchor;   /* where the range begins, while `ranges` */
    bool ranges;     /* more than what is selected is chosen */
    bool marked;     /* by picker_mark: all that moves changes the range */
    int page;        /* rows of the list when it was painted last */
};

static void filter(struct picker *picker)
{
    struct sv text = editor_text(picker->editor);
    picker->shown_count = 0;
    for (size_t i = 0; i < picker->choices.count; i++) {
        if (picker->kind->by_search || choice_matches(&picker->choices.items[i], text)) {
            picker->shown[picker->shown_count++] = i;
        }
    }
    if (picker->selected >= picker->shown_count) {
        picker->selected = picker->shown_count ? picker->shown_count - 1 : 0;
    }
    picker->ranges = picker->marked = false;
}

void picker_reload(struct picker *picker)
{
    const struct picker_kind *kind = picker->kind;
    choices_release(&picker->choices);
    kind->load(picker->ctx, kind->by_search ? editor_text(picker->editor) : SV(""),
               &picker->choices);
    picker->shown = xrealloc(picker->shown, (picker->choices.count + 1) * sizeof(picker->shown[0]));
    filter(picker);
}

struct picker *picker_new(const struct picker_kind *kind, void *ctx, struct sv text)
{
    struct picker *picker = xcalloc(1, sizeof(*picker));
    picker->kind = kind;
    picker->ctx = ctx;
    picker->editor = editor_new();
    picker->page = 1;
    (void)editor_replace(picker->editor, text);
    picker_reload(picker);
    picker_select(picker, text.n ? 0 : picker->choices.start);
    return picker;
}

void picker_free(struct picker *picker)
{
    if (picker) {
        editor_free(picker->editor);
        choices_release(&picker->choices);
        free(picker->shown);
        free(picker);
    }
}

const struct picker_kind *picker_kind(const struct picker *picker)
{
    return picker->kind;
}

const struct choice *picker_chosen(const struct picker *picker)
{
    return picker->shown_count ? &picker->choices.items[picker->shown[picker->selected]] : NULL;
}

size_t picker_count(const struct picker *picker)
{
    return picker->shown_count;
}

const struct choice *picker_entry(const struct picker *picker, size_t number)
{
    return &picker->choices.items[picker->shown[number]];
}

void picker_select(struct picker *picker, size_t number)
{
    picker->selected = number < picker->shown_count ? number : picker->selected;
}

void picker_mark(struct picker *picker)
{
    picker->marked = !picker->marked && picker->shown_count > 0;
    picker->ranges = picker->marked;
    picker->anchor = picker->selected;
}

bool picker_range(const struct picker *picker, size_t *ret_first, size_t *ret_last)
{
    if (!picker->ranges) {
        return false;
    }
    bool down = picker->anchor < picker->selected;
    *ret_first = down ? picker->anchor : picker->selected;
    *ret_last = down ? picker->selected : picker->anchor;
    return true;
}

/* Before a key moves the selection. */
static void follow_range(struct picker *picker, enum action action)
{
    bool extends = action == ACTION_SCROLL_UP || action == ACTION_SCROLL_DOWN;
    if (!picker->kind->choose_range || picker->marked) {
        return;
    }
    if (extends && !picker->ranges) {
        picker->anchor = picker->selected;
    }
    picker->ranges = extends;
}

static bool is_chosen(const struct picker *picker, size_t which)
{
    size_t first;
    size_t last;
    return which == picker->selected ||
           (picker_range(picker, &first, &last) && which >= first && which <= last);
}

struct editor *picker_editor(struct picker *picker)
{
    return picker->editor;
}

static void select_by(struct picker *picker, int step)
{
    size_t last = picker->shown_count ? picker->shown_count - 1 : 0;
    size_t by = (size_t)(step < 0 ? -step : step);
    if (step < 0) {
        picker->selected -= by < picker->selected ? by : picker->selected;
    } else {
        picker->selected = by < last - picker->selected ? picker->selected + by : last;
    }
}

/* After the filter has changed the best entry is the first one. */
static void refilter(struct picker *picker)
{
    picker->selected = 0;
    picker->top = 0;
    if (picker->kind->by_search) {
        picker_reload(picker);
    } else {
        filter(picker);
    }
}

static bool own_key(struct picker *picker, const struct chord *chord)
{
    struct chord own;
    const struct picker_key *key = picker->kind->keys;
    for (; chord && key && key->key; key++) {
        if (chord_parse(sv_from(key->key), &own) && chord_equal(&own, chord)) {
            static const struct choice none = {NULL, NULL, NULL};
            const struct choice *choice = picker_chosen(picker);
            if (key->act(picker->ctx, choice ? choice : &none)) {
                picker_reload(picker);
            }
            return true;
        }
    }
    return false;
}

/* Steps that keys make in the list; 0: none. */
static int step_of(const struct picker *picker, enum action action)
{
    switch (action) {
    case ACTION_UP:
    case ACTION_PALETTE: /* C-p beside C-n */
    case ACTION_OLDER_PROMPT:
    case ACTION_SCROLL_UP:
        return -1;
    case ACTION_DOWN:
    case ACTION_NEWER_PROMPT:
    case ACTION_SCROLL_DOWN:
    case ACTION_COMPLETE:
        return 1;
    case ACTION_PAGE_UP:
        return -picker->page;
    case ACTION_PAGE_DOWN:
        return picker->page;
    default:
        return 0;
    }
}

enum picker_result picker_act(struct picker *picker, enum action action, const struct chord *chord)
{
    if (own_key(picker, chord)) {
        return PICKER_STAYS;
    }
    int step = step_of(picker, action);
    if (step) {
        follow_range(picker, action);
        select_by(picker, step);
        return PICKER_STAYS;
    }
    switch (action) {
    case ACTION_SEND:
        return picker_chosen(picker) && picker->kind->choose ? PICKER_CHOSEN : PICKER_CLOSED;
    case ACTION_CANCEL:
    case ACTION_INTERRUPT:
        return PICKER_CLOSED;
    case ACTION_NEW_LINE:
        return PICKER_STAYS;
    default:
        if (editor_act(picker->editor, action) == EDITOR_DONE) {
            refilter(picker);
        }
        return PICKER_STAYS;
    }
}

enum picker_result picker_insert(struct picker *picker, struct sv text)
{
    /* A filter is one short line. */
    struct sv line = sv_take(text, sv_find(text, '\n'));
    if (line.n <= LINE_MAX_BYTES && editor_insert(picker->editor, line) == EDITOR_DONE) {
        refilter(picker);
    }
    return PICKER_STAYS;
}

/* The count and the keys. `own`: how many of the kind's own; those of every list: Enter and Esc. */
static void append_head(const struct picker *picker, bool enter, bool esc, size_t own,
                        struct buf *out)
{
    const struct picker_kind *kind = picker->kind;
    if (!kind->asks) {
        buf_appendf(out, " (%zu)", picker->shown_count);
    }
    if (enter && kind->verb && kind->choose) {
        buf_appendf(out, SEPARATOR "Enter %s", kind->verb);
    }
    if (esc) {
        buf_append_str(out, SEPARATOR "Esc goes back");
    }
    for (size_t i = 0; i < own; i++) {
        buf_appendf(out, SEPARATOR "%s %s", kind->keys[i].key, kind->keys[i].help);
    }
}

/* Where not all has room, what is obvious goes first: Esc, then Enter, then the last keys. */
static void paint_head(struct picker *picker, struct grid *grid, int row)
{
    const struct picker_kind *kind = picker->kind;
    int column = grid_text(grid, row, 0, sv_from(kind->title), STYLE_USER);
    size_t room = grid->columns > column ? (size_t)(grid->columns - column) : 0;
    struct buf line = BUF_INIT(LINE_MAX_BYTES);
    bool enter = true;
    bool esc = true;
    size_t own = 0;
    while (kind->keys && kind->keys[own].key) {
        own++;
    }
    append_head(picker, enter, esc, own, &line);
    while (width_of(buf_sv(&line), 0) > room && (enter || own)) {
        own -= !esc && !enter;
        enter = enter && esc;
        esc = false;
        buf_clear(&line);
        append_head(picker, enter, esc, own, &line);
    }
    grid_text(grid, row, column, buf_sv(&line), STYLE_DIM);
    buf_release(&line);
}

/* Where the notes begin: behind the longest text in view, as far as that is sensible. */
static int note_column(const struct picker *picker, size_t end, int columns)
{
    size_t limit = (size_t)columns * 2 / 5;
    size_t widest = 0;
    if (picker->kind->text_first) {
        return 0;
    }
    for (size_t i = picker->top; i < end; i++) {
        size_t width = width_of(sv_from(picker->choices.items[picker->shown[i]].text), 0);
        widest = width > widest ? width : widest;
    }
    limit = limit < NOTE_COLUMN_MAX ? limit : NOTE_COLUMN_MAX;
    return (int)(widest < limit ? widest : limit) + 4;
}

/* wide: grid and row are one place. */
static void paint_entry(struct picker *picker, struct grid *grid, int row, size_t which, int notes,
                        const struct search_marker *marker)
{
    const struct choice *choice = &picker->choices.items[picker->shown[which]];
    bool selected = which == picker->selected;
    struct grid_place text = {row, 0};
    text.column = grid_text(grid, row, 0, selected ? SV("> ") : SV("  "), STYLE_PROMPT);
    struct grid_place note = {row, 0};
    note.column = grid_text(grid, row, text.column, sv_from(choice->text), STYLE_PLAIN);
    note.column = note.column + 2 > notes ? note.column + 2 : notes;
    if (choice->note) {
        grid_text(grid, row, note.column, sv_from(choice->note), STYLE_DIM);
    }
    if (is_chosen(picker, which)) {
        grid_style_row(grid, row, STYLE_STATUS);
    }
    enum style found = selected ? STYLE_FOUND_HERE : STYLE_FOUND;
    found_mark(marker, sv_from(choice->text), grid, &text, found);
    found_mark(marker, sv_from(choice->note), grid, &note, found);
}

static void paint_preview(struct picker *picker, struct grid *grid, int row)
{
    const struct choice *choice = picker_chosen(picker);
    struct buf line = BUF_INIT(LINE_MAX_BYTES);
    if (choice && picker->kind->preview) {
        picker->kind->preview(picker->ctx, choice, &line);
        grid_text(grid, row, 0, buf_sv(&line), STYLE_DIM);
    }
    buf_release(&line);
}

static void keep_in_view(struct picker *picker, size_t rows)
{
    if (picker->selected < picker->top) {
        picker->top = picker->selected;
    } else if (picker->selected >= picker->top + rows) {
        picker->top = picker->selected - rows + 1;
    }
}

const char *picker_why_empty(struct picker *picker)
{
    const struct picker_kind *kind = picker->kind;
    return kind->why_empty ? kind->why_empty(picker->ctx, editor_text(picker->editor))
                           : kind->empty;
}

void picker_paint(struct picker *picker, struct grid *grid, int row, int rows)
{
    bool head = rows > 2;
    bool preview = rows > 4 && picker->kind->preview;
    if (head) {
        paint_head(picker, grid, row);
    }
    if (preview) {
        paint_preview(picker, grid, row + rows - 1);
    }
    row += head;
    rows -= head + preview;
    if (rows < 1) {
        return;
    }
    picker->page = rows;
    keep_in_view(picker, (size_t)rows);
    if (picker->shown_count == 0) {
        grid_text(grid, row, 2, sv_from(picker_why_empty(picker)), STYLE_DIM);
    }
    size_t end = picker->top + (size_t)rows;
    end = end < picker->shown_count ? end : picker->shown_count;
    int notes = note_column(picker, end, grid->columns);
    struct search_marker *marker =
        picker->kind->marker ? picker->kind->marker(editor_text(picker->editor)) : NULL;
    for (size_t i = picker->top; i < end; i++) {
        paint_entry(picker, grid, row + (int)(i - picker->top), i, notes, marker);
    }
    search_marker_free(marker);
}
