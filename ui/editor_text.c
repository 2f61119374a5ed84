/* Changes to the editor's text and positions in it. */
#include <string.h>

#include "base/safe.h"
#include "base/utf8.h"
#include "ui/editor_internal.h"

void text__set(struct editor *editor, struct sv text)
{
    editor->revision++;
    buf_clear(&editor->text);
    buf_append_sv(&editor->text, text);
    editor->cursor = editor->text.n;
    editor->goal = -1;
    layout_changed(&editor->layout, 0);
}

/* Start of the line that holds `at`. */
static size_t line_start(const struct editor *editor, size_t at)
{
    const char *newline = at ? memrchr(editor->text.p, '\n', at) : NULL;
    return newline ? (size_t)(newline - editor->text.p) + 1 : 0;
}

/* A border of clusters that is surely one, not behind `at`: between two ASCII characters, or at the
 * start of a line. */
static size_t sure_border(const struct editor *editor, size_t at)
{
    const char *p = editor->text.p;
    while (at > 0 && p[at - 1] != '\n' &&
           (((unsigned char)p[at - 1] & 0x80) || p[at - 1] == '\r' || at == editor->text.n ||
            ((unsigned char)p[at] & 0x80))) {
        at--;
    }
    return at;
}

/* The label that holds the byte at `at`, or of which `at` is the start: its start, or text.n. */
static size_t chip_around(const struct editor *editor, size_t at, size_t *ret_end)
{
    const struct chip *chip;
    struct sv text = buf_sv(&editor->text);
    /* A label lies in one line, and ends soon: no more than that is looked at. */
    struct sv near = sv_take(text, at + CHIP_LABEL_MAX);
    size_t start = chips_find(&editor->chips, near, at, &chip);
    if (start >= near.n || start > at) {
        return text.n;
    }
    *ret_end = start + chip->label_n;
    return start;
}

/* The first border that is not before `at`. */
static size_t border_at(const struct editor *editor, size_t at)
{
    struct sv text = buf_sv(&editor->text);
    size_t end;
    size_t start = chip_around(editor, at, &end);
    if (start < text.n && start < at) {
        return end;
    }
    size_t border = sure_border(editor, at);
    while (border < at) {
        struct cluster cluster;
        width_next(sv_skip(text, border), SAFE_MARK_INVISIBLE, &cluster);
        border += cluster.used;
    }
    return border;
}

/* The last border that is not behind `at`. */
static size_t border_before(const struct editor *editor, size_t at)
{
    size_t end;
    size_t start = chip_around(editor, at, &end);
    if (start < editor->text.n) {
        return start;
    }
    size_t border = border_at(editor, at);
    return border == at ? at : text__left(editor, border);
}

bool text__insert(struct editor *editor, struct sv text)
{
    if (text.n > EDITOR_TEXT_MAX - editor->text.n ||
        !buf_insert(&editor->text, editor->cursor, text.p, text.n)) {
        return false;
    }
    editor->revision++;
    layout_changed(&editor->layout, editor->cursor);
    /* What is inserted may join the clusters around it: the insertion point goes behind that one.
     */
    editor->cursor = border_at(editor, editor->cursor + text.n);
    editor->goal = -1;
    return true;
}

void text__remove(struct editor *editor, size_t from, size_t to)
{
    editor->revision++;
    buf_remove(&editor->text, from, to - from);
    layout_changed(&editor->layout, from);
    editor->cursor = border_at(editor, from);
    editor->goal = -1;
}

enum editor_result text__put(struct editor *editor, struct sv text, enum edit edit)
{
    if (text.n > EDITOR_TEXT_MAX - editor->text.n) {
        return EDITOR_FULL;
    }
    undo__note(editor, edit);
    return text__insert(editor, text) ? EDITOR_DONE : EDITOR_FULL;
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

size_t text__left(const struct editor *editor, size_t at)
{
    size_t end;
    if (at == 0) {
        return 0;
    }
    size_t chip = chip_around(editor, at - 1, &end);
    if (chip < editor->text.n && end == at) {
        return chip;
    }
    if (editor->text.p[at - 1] == '\n') {
        return at - 1;
    }
    size_t from = sure_border(editor, at - 1);
    return width_before(buf_sv(&editor->text), from, at, SAFE_MARK_INVISIBLE);
}

size_t text__right(const struct editor *editor, size_t at)
{
    size_t end;
    struct cluster cluster;
    if (at >= editor->text.n) {
        return editor->text.n;
    }
    if (chip_around(editor, at, &end) == at) {
        return end;
    }
    width_next(sv_skip(buf_sv(&editor->text), at), SAFE_MARK_INVISIBLE, &cluster);
    return at + cluster.used;
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

size_t text__word_left(const struct editor *editor, size_t at, bool by_blanks)
{
    const char *p = editor->text.p;
    size_t chip = text__left(editor, at);
    if (at - chip > 1 && p[at - 1] == ']') {
        return chip; /* a label is one word */
    }
    while (at > 0 && (by_blanks ? is_blank(p[at - 1]) : !is_word(p[at - 1]))) {
        at--;
    }
    while (at > 0 && (by_blanks ? !is_blank(p[at - 1]) : is_word(p[at - 1]))) {
        at--;
    }
    return border_before(editor, at);
}

size_t text__word_right(const struct editor *editor, size_t at)
{
    const char *p = editor->text.p;
    while (at < editor->text.n && !is_word(p[at])) {
        at++;
    }
    while (at < editor->text.n && is_word(p[at])) {
        at++;
    }
    return border_at(editor, at);
}

enum editor_result text__go(struct editor *editor, size_t at)
{
    editor->cursor = border_at(editor, at > editor->text.n ? editor->text.n : at);
    editor->goal = -1;
    editor->last = EDIT_NONE;
    return EDITOR_DONE;
}

enum editor_result text__go_left(struct editor *editor)
{
    return text__go(editor, text__left(editor, editor->cursor));
}

enum editor_result text__go_right(struct editor *editor)
{
    return text__go(editor, text__right(editor, editor->cursor));
}

enum editor_result text__go_word_left(struct editor *editor)
{
    return text__go(editor, text__word_left(editor, editor->cursor, false));
}

enum editor_result text__go_word_right(struct editor *editor)
{
    return text__go(editor, text__word_right(editor, editor->cursor));
}

enum editor_result text__go_line_start(struct editor *editor)
{
    return text__go(editor, text__line_start(editor));
}

enum editor_result text__go_line_end(struct editor *editor)
{
    return text__go(editor, text__line_end(editor));
}

enum editor_result text__go_start(struct editor *editor)
{
    return text__go(editor, 0);
}

enum editor_result text__go_end(struct editor *editor)
{
    return text__go(editor, editor->text.n);
}

enum editor_result text__find_right(struct editor *editor)
{
    editor->finding = 1;
    return EDITOR_DONE;
}

enum editor_result text__find_left(struct editor *editor)
{
    editor->finding = -1;
    return EDITOR_DONE;
}

enum editor_result text__found(struct editor *editor, struct sv character)
{
    struct sv text = buf_sv(&editor->text);
    bool to_right = editor->finding > 0;
    editor->finding = 0;
    size_t at = editor->cursor;
    while (to_right ? at < text.n : at > 0) {
        at = to_right ? text__right(editor, at) : text__left(editor, at);
        if (sv_starts_with(sv_skip(text, at), character)) {
            return text__go(editor, at);
        }
    }
    return EDITOR_DONE;
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
    size_t at = layout->starts[row] + offset;
    editor->cursor = step < 0 ? border_before(editor, at) : border_at(editor, at);
    return true;
}
