/* The editor's keys, as a table; the prompts sent before; painting. */
#include "ui/editor.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/safe.h"
#include "base/utf8.h"
#include "ui/editor_internal.h"

struct editor *editor_new(void)
{
    struct editor *editor = xcalloc(1, sizeof(*editor));
    buf_init(&editor->text, EDITOR_TEXT_MAX);
    buf_init(&editor->killed, EDITOR_TEXT_MAX);
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
    for (size_t i = 0; i < editor->prompt_count; i++) {
        free(editor->prompts[i]);
    }
    free(editor->draft);
    layout_release(&editor->layout);
    buf_release(&editor->killed);
    buf_release(&editor->text);
    free(editor);
}

struct sv editor_text(const struct editor *editor)
{
    return buf_sv(&editor->text);
}

bool editor_is_empty(const struct editor *editor)
{
    return editor->text.n == 0;
}

static void leave_history(struct editor *editor)
{
    free(editor->draft);
    editor->draft = NULL;
    editor->prompt_at = editor->prompt_count;
}

void editor_remember(struct editor *editor, struct sv prompt)
{
    size_t count = editor->prompt_count;
    leave_history(editor);
    if (prompt.n == 0 || (count && sv_equal_str(prompt, editor->prompts[count - 1]))) {
        return;
    }
    if (count == EDITOR_PROMPTS_MAX) {
        free(editor->prompts[0]);
        count--;
        memmove(editor->prompts, editor->prompts + 1, count * sizeof(editor->prompts[0]));
    }
    editor->prompts[count] = xstrndup(prompt.p, prompt.n);
    editor->prompt_count = count + 1;
    editor->prompt_at = editor->prompt_count;
}

void editor_clear(struct editor *editor, bool keep)
{
    if (editor->text.n) {
        undo__note(editor, EDIT_NONE);
    }
    if (keep) {
        editor_remember(editor, buf_sv(&editor->text));
    }
    leave_history(editor);
    text__set(editor, SV(""));
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
    editor->cursor = editor->text.n == text.n ? text.n : cursor + text.n + 1;
}

/* Each of these is what one key does. */

static enum editor_result insert(struct editor *editor, struct sv text, enum edit edit)
{
    if (text.n > EDITOR_TEXT_MAX - editor->text.n) {
        return EDITOR_FULL;
    }
    undo__note(editor, edit);
    return text__insert(editor, text) ? EDITOR_DONE : EDITOR_FULL;
}

static enum editor_result break_line(struct editor *editor)
{
    return insert(editor, SV("\n"), EDIT_NONE);
}

static enum editor_result send(struct editor *editor)
{
    (void)editor;
    return EDITOR_SEND;
}

static enum editor_result move(struct editor *editor, size_t to)
{
    editor->cursor = to;
    editor->goal = -1;
    editor->last = EDIT_NONE;
    return EDITOR_DONE;
}

static enum editor_result left(struct editor *editor)
{
    return move(editor, text__left(editor));
}

static enum editor_result right(struct editor *editor)
{
    return move(editor, text__right(editor));
}

static enum editor_result line_start(struct editor *editor)
{
    return move(editor, text__line_start(editor));
}

static enum editor_result line_end(struct editor *editor)
{
    return move(editor, text__line_end(editor));
}

static enum editor_result word_left(struct editor *editor)
{
    return move(editor, text__word_left(editor, false));
}

static enum editor_result word_right(struct editor *editor)
{
    return move(editor, text__word_right(editor));
}

static enum editor_result erase(struct editor *editor, size_t from, size_t to)
{
    if (from < to) {
        undo__note(editor, EDIT_DELETE);
        text__remove(editor, from, to);
    }
    return EDITOR_DONE;
}

static enum editor_result backspace(struct editor *editor)
{
    return erase(editor, text__left(editor), editor->cursor);
}

static enum editor_result delete_right(struct editor *editor)
{
    return erase(editor, editor->cursor, text__right(editor));
}

/* Kills in a row add up, in the order of the text. */
static enum editor_result kill_range(struct editor *editor, size_t from, size_t to)
{
    if (from == to) {
        return EDITOR_DONE;
    }
    if (editor->last != EDIT_KILL) {
        buf_clear(&editor->killed);
    }
    size_t at = from < editor->cursor ? 0 : editor->killed.n;
    buf_insert(&editor->killed, at, editor->text.p + from, to - from);
    undo__note(editor, EDIT_KILL);
    text__remove(editor, from, to);
    return EDITOR_DONE;
}

static enum editor_result kill_line_end(struct editor *editor)
{
    size_t end = text__line_end(editor);
    bool at_end = end == editor->cursor && end < editor->text.n;
    return kill_range(editor, editor->cursor, at_end ? end + 1 : end);
}

static enum editor_result kill_line_start(struct editor *editor)
{
    return kill_range(editor, text__line_start(editor), editor->cursor);
}

static enum editor_result kill_blank_word(struct editor *editor)
{
    return kill_range(editor, text__word_left(editor, true), editor->cursor);
}

static enum editor_result kill_word_left(struct editor *editor)
{
    return kill_range(editor, text__word_left(editor, false), editor->cursor);
}

static enum editor_result kill_word_right(struct editor *editor)
{
    return kill_range(editor, editor->cursor, text__word_right(editor));
}

static enum editor_result yank(struct editor *editor)
{
    return insert(editor, buf_sv(&editor->killed), EDIT_NONE);
}

static enum editor_result undo(struct editor *editor)
{
    leave_history(editor);
    undo__take_back(editor);
    return EDITOR_DONE;
}

static void show_prompt(struct editor *editor, size_t at)
{
    if (editor->prompt_at == editor->prompt_count) {
        free(editor->draft);
        editor->draft = xstrndup(buf_cstr(&editor->text), editor->text.n);
    }
    editor->prompt_at = at;
    text__set(editor, sv_from(at == editor->prompt_count ? editor->draft : editor->prompts[at]));
}

static enum editor_result older_prompt(struct editor *editor)
{
    editor->last = EDIT_NONE;
    if (editor->prompt_at > 0) {
        show_prompt(editor, editor->prompt_at - 1);
    }
    return EDITOR_DONE;
}

static enum editor_result newer_prompt(struct editor *editor)
{
    editor->last = EDIT_NONE;
    if (editor->prompt_at < editor->prompt_count) {
        show_prompt(editor, editor->prompt_at + 1);
    }
    return EDITOR_DONE;
}

static enum editor_result up(struct editor *editor)
{
    editor->last = EDIT_NONE;
    return text__move_row(editor, -1) ? EDITOR_DONE : older_prompt(editor);
}

static enum editor_result down(struct editor *editor)
{
    editor->last = EDIT_NONE;
    return text__move_row(editor, 1) ? EDITOR_DONE : newer_prompt(editor);
}

struct binding {
    enum input_key key;
    uint32_t cp; /* INPUT_CHAR */
    unsigned modifiers;
    enum editor_result (*act)(struct editor *editor);
};

static const struct binding bindings[] = {
    {INPUT_ENTER, 0, 0, send},
    {INPUT_ENTER, 0, INPUT_ALT, break_line},
    {INPUT_ENTER, 0, INPUT_SHIFT, break_line},
    {INPUT_ENTER, 0, INPUT_CTRL, break_line},
    {INPUT_CHAR, 'j', INPUT_CTRL, break_line},
    {INPUT_LEFT, 0, 0, left},
    {INPUT_CHAR, 'b', INPUT_CTRL, left},
    {INPUT_RIGHT, 0, 0, right},
    {INPUT_CHAR, 'f', INPUT_CTRL, right},
    {INPUT_HOME, 0, 0, line_start},
    {INPUT_CHAR, 'a', INPUT_CTRL, line_start},
    {INPUT_END, 0, 0, line_end},
    {INPUT_CHAR, 'e', INPUT_CTRL, line_end},
    {INPUT_CHAR, 'b', INPUT_ALT, word_left},
    {INPUT_LEFT, 0, INPUT_CTRL, word_left},
    {INPUT_LEFT, 0, INPUT_ALT, word_left},
    {INPUT_CHAR, 'f', INPUT_ALT, word_right},
    {INPUT_RIGHT, 0, INPUT_CTRL, word_right},
    {INPUT_RIGHT, 0, INPUT_ALT, word_right},
    {INPUT_BACKSPACE, 0, 0, backspace},
    {INPUT_BACKSPACE, 0, INPUT_SHIFT, backspace},
    {INPUT_CHAR, 'h', INPUT_CTRL, backspace},
    {INPUT_DELETE, 0, 0, delete_right},
    {INPUT_CHAR, 'd', INPUT_CTRL, delete_right},
    {INPUT_CHAR, 'k', INPUT_CTRL, kill_line_end},
    {INPUT_CHAR, 'u', INPUT_CTRL, kill_line_start},
    {INPUT_CHAR, 'w', INPUT_CTRL, kill_blank_word},
    {INPUT_BACKSPACE, 0, INPUT_ALT, kill_word_left},
    {INPUT_BACKSPACE, 0, INPUT_CTRL, kill_word_left},
    {INPUT_CHAR, 'h', INPUT_CTRL | INPUT_ALT, kill_word_left},
    {INPUT_CHAR, 'd', INPUT_ALT, kill_word_right},
    {INPUT_DELETE, 0, INPUT_CTRL, kill_word_right},
    {INPUT_CHAR, 'y', INPUT_CTRL, yank},
    {INPUT_CHAR, '_', INPUT_CTRL, undo},
    {INPUT_CHAR, '/', INPUT_CTRL, undo},
    {INPUT_CHAR, '-', INPUT_CTRL, undo},
    {INPUT_UP, 0, 0, up},
    {INPUT_DOWN, 0, 0, down},
    {INPUT_CHAR, 'p', INPUT_CTRL, older_prompt},
    {INPUT_CHAR, 'n', INPUT_CTRL, newer_prompt},
};

enum editor_result editor_key(struct editor *editor, const struct input_event *event)
{
    if (event->key == INPUT_TEXT) {
        return insert(editor, event->text, EDIT_INSERT);
    }
    if (event->key == INPUT_PASTE) {
        return insert(editor, event->text, EDIT_NONE);
    }
    for (size_t i = 0; i < COUNT_OF(bindings); i++) {
        const struct binding *binding = &bindings[i];
        if (binding->key == event->key && binding->modifiers == event->modifiers &&
            (event->key != INPUT_CHAR || binding->cp == event->cp)) {
            return binding->act(editor);
        }
    }
    return EDITOR_IGNORED;
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
        struct sv line = layout_row(layout, text, editor->top + (size_t)i);
        layout_paint(layout, line, grid, row + i, column, STYLE_PLAIN);
    }
    int x =
        layout_column_of(layout, layout_row(layout, text, at), editor->cursor - layout->starts[at]);
    x = x > layout->width ? layout->width : x;
    grid_cursor(grid, row + (int)(at - editor->top), column + x);
}
