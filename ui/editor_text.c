/* Changes to the editor's text and positions in it. */
#include <string.h>

#include "base/safe.h"
#include "base/utf8.h"
#include "ui/editor_internal.h"

void text__set(struct editor *editor, struct sv text)
{
    buf_clear(&editor->text);
    buf_append_sv(&editor->text, text);
    editor->cursor = editor->text.n;
    editor->goal = -1;
    layout_changed(&editor->layout, 0);
}

/* Start of the line that holds `at`. */
static size_t line_start(const struct editor *editor, size_t at)
{
    while (at > 0 && editor->text.p[at - 1] != '\n') {
        at--;
    }
    return at;
}

/* The first border of a cluster that is not before `at`. */
static size_t border_at(const struct editor *editor, size_t at)
{
    struct sv text = buf_sv(&editor->text);
    size_t border = line_start(editor, at);
    while (border < at) {
        struct cluster cluster;
        width_next(sv_skip(text, border), SAFE_MARK_INVISIBLE, &cluster);
        border += cluster.used;
    }
    return border;
}

/* What is inserted may join the clusters around it: the insertion point goes behind that one. */
static void settle_cursor(struct editor *editor)
{
    editor->cursor = border_at(editor, editor->cursor);
}

bool text__insert(struct editor *editor, struct sv text)
{
    if (text.n > EDITOR_TEXT_MAX - editor->text.n ||
        !buf_insert(&editor->text, editor->cursor, text.p, text.n)) {
        return false;
    }
    layout_changed(&editor->layout, editor->cursor);
    editor->cursor += text.n;
    editor->goal = -1;
    settle_cursor(editor);
    return true;
}

void text__remove(struct editor *editor, size_t from, size_t to)
{
    buf_remove(&editor->text, from, to - from);
    layout_changed(&editor->layout, from);
    editor->cursor = from;
    editor->goal = -1;
    settle_cursor(editor);
}

size_t text__line_start(const struct editor *editor)
{
    return line_start(editor, editor->cursor);
}

size_t text__line_end(const struct editor *editor)
{
    struct sv rest = sv_skip(buf_sv(&editor->text), editor->cursor);
    return editor->cursor + sv_find(rest, '\n');
}

size_t text__left(const struct editor *editor)
{
    size_t start = text__line_start(editor);
    if (start == editor->cursor) {
        return start > 0 ? start - 1 : 0;
    }
    return width_before(buf_sv(&editor->text), start, editor->cursor, SAFE_MARK_INVISIBLE);
}

size_t text__right(const struct editor *editor)
{
    if (editor->cursor == editor->text.n) {
        return editor->cursor;
    }
    struct cluster cluster;
    width_next(sv_skip(buf_sv(&editor->text), editor->cursor), SAFE_MARK_INVISIBLE, &cluster);
    return editor->cursor + cluster.used;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n';
}

/* Letters, digits and everything outside ASCII. */
static bool is_word(char byte)
{
    unsigned char c = (unsigned char)byte;
    return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

size_t text__word_left(const struct editor *editor, bool by_blanks)
{
    const char *p = editor->text.p;
    size_t at = editor->cursor;
    while (at > 0 && (by_blanks ? is_blank(p[at - 1]) : !is_word(p[at - 1]))) {
        at--;
    }
    while (at > 0 && (by_blanks ? !is_blank(p[at - 1]) : is_word(p[at - 1]))) {
        at--;
    }
    return border_at(editor, at);
}

size_t text__word_right(const struct editor *editor)
{
    const char *p = editor->text.p;
    size_t at = editor->cursor;
    while (at < editor->text.n && !is_word(p[at])) {
        at++;
    }
    while (at < editor->text.n && is_word(p[at])) {
        at++;
    }
    return border_at(editor, at);
}

/* The last column is kept free, so that the cursor has a place behind a full row. */
const struct layout *text__layout(struct editor *editor)
{
    int width = editor->columns > 1 ? editor->columns - 1 : 1;
    layout_update(&editor->layout, buf_sv(&editor->text), width);
    return &editor->layout;
}

bool text__move_row(struct editor *editor, int step)
{
    const struct layout *layout = text__layout(editor);
    struct sv text = buf_sv(&editor->text);
    size_t row = layout_row_at(layout, editor->cursor);
    if (step < 0 ? row == 0 : row + 1 >= layout->count) {
        return false;
    }
    struct sv here = layout_row(layout, text, row);
    if (editor->goal < 0) {
        editor->goal = layout_column_of(layout, here, editor->cursor - layout->starts[row]);
    }
    row = step < 0 ? row - 1 : row + 1;
    struct sv there = layout_row(layout, text, row);
    size_t offset = layout_offset_at(layout, there, editor->goal);
    bool beyond = offset == there.n && row + 1 < layout->count;
    if (beyond) {
        offset = width_before(there, 0, there.n, SAFE_MARK_INVISIBLE);
    }
    editor->cursor = layout->starts[row] + offset;
    return true;
}
