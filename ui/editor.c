/* The editor as its owner sees it: actions by a table, the whole text, painting. */
#include "ui/editor.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/safe.h"
#include "ui/editor_internal.h"

struct editor *editor_new(void)
{
    struct editor *editor = xcalloc(1, sizeof(*editor));
    buf_init(&editor->text, EDITOR_TEXT_MAX);
    editor->goal = -1;
    editor->layout.flags = SAFE_MARK_INVISIBLE;
    return editor;
}

void editor_free(struct editor *editor)
{
    if (!editor) {
        return;
    }
    undo__release(editor);
    kill__release(editor);
    search__release(editor);
    prompts__release(editor);
    chips_release(&editor->chips);
    layout_release(&editor->layout);
    buf_release(&editor->text);
    free(editor);
}

struct sv editor_text(const struct editor *editor)
{
    return buf_sv(&editor->text);
}

void editor_expand(const struct editor *editor, struct buf *out)
{
    chips_expand(&editor->chips, buf_sv(&editor->text), out);
}

size_t editor_cursor(const struct editor *editor)
{
    return editor->cursor;
}

unsigned editor_revision(const struct editor *editor)
{
    return editor->revision;
}

void editor_draft(const struct editor *editor, struct buf *out, size_t *ret_cursor)
{
    struct sv text = buf_sv(&editor->text);
    size_t cursor = editor->cursor;
    if (editor->search.active) {
        text = sv_from(editor->search.before);
        cursor = editor->search.before_cursor;
    } else if (editor->draft) {
        text = sv_from(editor->draft);
        cursor = text.n;
    }
    chips_expand(&editor->chips, sv_take(text, cursor), out);
    *ret_cursor = out->n;
    chips_expand(&editor->chips, sv_skip(text, cursor), out);
}

void editor_restore(struct editor *editor, struct sv text, size_t cursor)
{
    editor_search_end(editor, false);
    prompts__leave(editor);
    undo__release(editor);
    text__set(editor, sv_take(text, EDITOR_TEXT_MAX));
    text__go(editor, cursor);
}

bool editor_is_empty(const struct editor *editor)
{
    return editor->text.n == 0;
}

void editor_clear(struct editor *editor, bool keep)
{
    struct buf sent = BUF_INIT(EDITOR_TEXT_MAX);
    if (editor->text.n) {
        undo__note(editor, EDIT_NONE);
    }
    if (keep) {
        editor_expand(editor, &sent);
        editor_remember(editor, buf_sv(&sent));
    }
    buf_release(&sent);
    prompts__leave(editor);
    text__set(editor, SV(""));
    editor->finding = 0;
    editor->last = EDIT_NONE;
}

void editor_put_back(struct editor *editor, struct sv text)
{
    size_t cursor = editor->cursor;
    undo__note(editor, EDIT_NONE);
    editor->cursor = 0;
    bool fits = editor->text.n == 0 || text__insert(editor, SV("\n"));
    editor->cursor = 0;
    if (!fits || !text__insert(editor, text)) {
        editor_remember(editor, text); /* still to be had by Up */
        return;
    }
    text__go(editor, editor->text.n == text.n ? text.n : cursor + text.n + 1);
}

enum editor_result editor_splice(struct editor *editor, size_t from, size_t to, struct sv text)
{
    if (text.n > EDITOR_TEXT_MAX - (editor->text.n - (to - from))) {
        return EDITOR_FULL;
    }
    prompts__leave(editor);
    undo__note(editor, EDIT_NONE);
    text__remove(editor, from, to);
    editor->cursor = from;
    return text__insert(editor, text) ? EDITOR_DONE : EDITOR_FULL;
}

enum editor_result editor_replace(struct editor *editor, struct sv text)
{
    return editor_splice(editor, 0, editor->text.n, text);
}

enum editor_result editor_insert(struct editor *editor, struct sv text)
{
    if (editor->finding) {
        return text__found(editor, text);
    }
    return text__put(editor, text, EDIT_INSERT);
}

/* Room for one more: labels that only undo could bring back lose their content, so undo and what
 * was cut go with them. */
static void make_room(struct editor *editor)
{
    chips_keep(&editor->chips, buf_sv(&editor->text));
    undo__release(editor);
    kill__release(editor);
}

/* Whether what would be sent still fits. */
static bool fits(const struct editor *editor, struct sv more)
{
    struct buf whole = BUF_INIT(EDITOR_TEXT_MAX - more.n);
    bool yes =
        more.n <= EDITOR_TEXT_MAX && chips_expand(&editor->chips, buf_sv(&editor->text), &whole);
    buf_release(&whole);
    return yes;
}

enum editor_result editor_paste(struct editor *editor, struct sv text)
{
    editor->finding = 0;
    if (!chip_is_worth_it(text)) {
        return text__put(editor, text, EDIT_NONE);
    }
    if (!fits(editor, text)) {
        return EDITOR_FULL;
    }
    if (editor->chips.count == CHIPS_MAX) {
        make_room(editor);
    }
    const char *label = chips_add(&editor->chips, text);
    return text__put(editor, label ? sv_from(label) : text, EDIT_NONE);
}

/* The label at the insertion point, or the last one before it, becomes text. */
static enum editor_result unfold_paste(struct editor *editor)
{
    struct sv text = buf_sv(&editor->text);
    const struct chip *chip = NULL;
    const struct chip *next;
    size_t found = text.n;
    size_t at = 0;
    while ((at = chips_find(&editor->chips, text, at, &next)) < text.n &&
           (!chip || at <= editor->cursor)) {
        chip = next;
        found = at;
        at += next->label_n;
    }
    if (!chip) {
        return EDITOR_DONE;
    }
    return editor_splice(editor, found, found + chip->label_n, buf_sv(&chip->content));
}

static enum editor_result new_line(struct editor *editor)
{
    return text__put(editor, SV("\n"), EDIT_NONE);
}

static enum editor_result insert_tab(struct editor *editor)
{
    return text__put(editor, SV("\t"), EDIT_INSERT);
}

static enum editor_result send(struct editor *editor)
{
    (void)editor;
    return EDITOR_SEND;
}

static editor_action *const actions[ACTION_COUNT] = {
    [ACTION_SEND] = send,
    [ACTION_NEW_LINE] = new_line,
    [ACTION_LEFT] = text__go_left,
    [ACTION_RIGHT] = text__go_right,
    [ACTION_WORD_LEFT] = text__go_word_left,
    [ACTION_WORD_RIGHT] = text__go_word_right,
    [ACTION_LINE_START] = text__go_line_start,
    [ACTION_LINE_END] = text__go_line_end,
    [ACTION_TEXT_START] = text__go_start,
    [ACTION_TEXT_END] = text__go_end,
    [ACTION_UP] = prompts__up,
    [ACTION_DOWN] = prompts__down,
    [ACTION_FIND_RIGHT] = text__find_right,
    [ACTION_FIND_LEFT] = text__find_left,
    [ACTION_OLDER_PROMPT] = prompts__older,
    [ACTION_NEWER_PROMPT] = prompts__newer,
    [ACTION_DELETE_LEFT] = kill__delete_left,
    [ACTION_DELETE_RIGHT] = kill__delete_right,
    [ACTION_DELETE_BLANKS] = kill__delete_blanks,
    [ACTION_KILL_LINE_END] = kill__line_end,
    [ACTION_KILL_LINE_START] = kill__line_start,
    [ACTION_KILL_BLANK_WORD] = kill__blank_word,
    [ACTION_KILL_WORD_LEFT] = kill__word_left,
    [ACTION_KILL_WORD_RIGHT] = kill__word_right,
    [ACTION_YANK] = kill__yank,
    [ACTION_YANK_POP] = kill__yank_pop,
    [ACTION_LAST_WORD] = prompts__last_word,
    [ACTION_TRANSPOSE_CHARS] = words__transpose_chars,
    [ACTION_TRANSPOSE_WORDS] = words__transpose_words,
    [ACTION_UPPER] = words__upper,
    [ACTION_LOWER] = words__lower,
    [ACTION_CAPITAL] = words__capital,
    [ACTION_INSERT_TAB] = insert_tab,
    [ACTION_UNDO] = undo__take_back,
    [ACTION_REDO] = undo__make_again,
    [ACTION_REVERT] = undo__revert,
    [ACTION_UNFOLD_PASTE] = unfold_paste,
};

enum editor_result editor_act(struct editor *editor, enum action action)
{
    editor->finding = 0;
    return actions[action] ? actions[action](editor) : EDITOR_IGNORED;
}

int editor_rows(struct editor *editor, int columns)
{
    editor->columns = columns < 1 ? 1 : columns;
    size_t rows = text__layout(editor)->count;
    return rows > INT16_MAX ? INT16_MAX : (int)rows;
}

/* Scrolls so that the insertion point is among `rows` rows, and no row below the text is wasted. */
static void keep_in_view(struct editor *editor, size_t row, size_t rows)
{
    size_t count = editor->layout.count;
    if (editor->top + rows > count) {
        editor->top = count > rows ? count - rows : 0;
    }
    if (row < editor->top) {
        editor->top = row;
    } else if (row >= editor->top + rows) {
        editor->top = row - rows + 1;
    }
}

/* Labels of pastes in the row look unlike typed text. */
static void mark_labels(const struct editor *editor, struct grid *grid, int row, int column,
                        size_t which)
{
    struct sv text = buf_sv(&editor->text);
    struct sv line = layout_row(&editor->layout, text, which);
    size_t start = editor->layout.starts[which];
    struct sv near = sv_take(text, start + line.n + CHIP_LABEL_MAX);
    const struct chip *chip;
    size_t at = start;
    while ((at = chips_find(&editor->chips, near, at, &chip)) < start + line.n) {
        size_t to = at + chip->label_n - start;
        int left = column + layout_column_of(&editor->layout, line, at > start ? at - start : 0);
        int right = column + layout_column_of(&editor->layout, line, to < line.n ? to : line.n);
        for (int x = left; x < right && x < grid->columns && row < grid->rows; x++) {
            grid_at(grid, row, x)->style = STYLE_NOTICE;
        }
        at += chip->label_n;
    }
}

static void paint_row(struct editor *editor, struct grid *grid, int row, int column, size_t which)
{
    struct sv line = layout_row(&editor->layout, buf_sv(&editor->text), which);
    layout_paint(&editor->layout, line, grid, row, column, STYLE_PLAIN);
    mark_labels(editor, grid, row, column, which);
}

void editor_paint(struct editor *editor, struct grid *grid, int row, int rows, int column)
{
    if (rows < 1) {
        return;
    }
    const struct layout *layout = text__layout(editor);
    struct sv text = buf_sv(&editor->text);
    size_t at = layout_row_at(layout, editor->cursor);
    keep_in_view(editor, at, (size_t)rows);
    for (int i = 0; i < rows && editor->top + (size_t)i < layout->count; i++) {
        paint_row(editor, grid, row + i, column, editor->top + (size_t)i);
    }
    int x =
        layout_column_of(layout, layout_row(layout, text, at), editor->cursor - layout->starts[at]);
    x = x > layout->width ? layout->width : x;
    grid_cursor(grid, row + (int)(at - editor->top), column + x);
}
