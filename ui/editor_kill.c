/* Deleting, cutting into a ring of what was cut, and putting in from it. */
#include <string.h>

#include "ui/editor_internal.h"

static enum editor_result erase(struct editor *editor, size_t from, size_t to)
{
    if (from < to) {
        undo__note(editor, EDIT_DELETE);
        text__remove(editor, from, to);
    }
    return EDITOR_DONE;
}

enum editor_result kill__delete_left(struct editor *editor)
{
    return erase(editor, text__left(editor, editor->cursor), editor->cursor);
}

enum editor_result kill__delete_right(struct editor *editor)
{
    return erase(editor, editor->cursor, text__right(editor, editor->cursor));
}

enum editor_result kill__delete_blanks(struct editor *editor)
{
    const char *p = editor->text.p;
    size_t from = editor->cursor;
    size_t to = editor->cursor;
    while (from > 0 && (p[from - 1] == ' ' || p[from - 1] == '\t')) {
        from--;
    }
    while (to < editor->text.n && (p[to] == ' ' || p[to] == '\t')) {
        to++;
    }
    editor->last = EDIT_NONE;
    return erase(editor, from, to);
}

/* A new first entry of the ring, empty; the oldest one goes when it is full. */
static void push_kill(struct editor *editor)
{
    if (editor->kill_count == EDITOR_KILLS_MAX) {
        buf_release(&editor->kills[--editor->kill_count]);
    }
    memmove(editor->kills + 1, editor->kills, editor->kill_count * sizeof(editor->kills[0]));
    buf_init(&editor->kills[0], EDITOR_TEXT_MAX);
    editor->kill_count++;
}

/* Cuts in a row add up, in the order of the text. */
static enum editor_result kill_range(struct editor *editor, size_t from, size_t to)
{
    if (from == to) {
        return EDITOR_DONE;
    }
    if (editor->last != EDIT_KILL || editor->kill_count == 0) {
        push_kill(editor);
    }
    struct buf *kill = &editor->kills[0];
    buf_insert(kill, from < editor->cursor ? 0 : kill->n, editor->text.p + from, to - from);
    undo__note(editor, EDIT_KILL);
    text__remove(editor, from, to);
    return EDITOR_DONE;
}

enum editor_result kill__line_end(struct editor *editor)
{
    size_t end = text__line_end(editor);
    bool at_end = end == editor->cursor && end < editor->text.n;
    return kill_range(editor, editor->cursor, at_end ? end + 1 : end);
}

enum editor_result kill__line_start(struct editor *editor)
{
    return kill_range(editor, text__line_start(editor), editor->cursor);
}

enum editor_result kill__blank_word(struct editor *editor)
{
    return kill_range(editor, text__word_left(editor, editor->cursor, true), editor->cursor);
}

enum editor_result kill__word_left(struct editor *editor)
{
    return kill_range(editor, text__word_left(editor, editor->cursor, false), editor->cursor);
}

enum editor_result kill__word_right(struct editor *editor)
{
    return kill_range(editor, editor->cursor, text__word_right(editor, editor->cursor));
}

static enum editor_result put_in(struct editor *editor, size_t which)
{
    editor->kill_at = which;
    editor->yank_from = editor->cursor;
    return text__insert(editor, buf_sv(&editor->kills[which])) ? EDITOR_DONE : EDITOR_FULL;
}

enum editor_result kill__yank(struct editor *editor)
{
    if (editor->kill_count == 0) {
        return EDITOR_DONE;
    }
    undo__note(editor, EDIT_YANK);
    return put_in(editor, 0);
}

/* Only right after what was put in, which it takes out again. */
enum editor_result kill__yank_pop(struct editor *editor)
{
    if (editor->last != EDIT_YANK || editor->kill_count < 2 || editor->yank_from > editor->cursor) {
        return EDITOR_DONE;
    }
    undo__note(editor, EDIT_YANK);
    text__remove(editor, editor->yank_from, editor->cursor);
    return put_in(editor, (editor->kill_at + 1) % editor->kill_count);
}

void kill__release(struct editor *editor)
{
    while (editor->kill_count) {
        buf_release(&editor->kills[--editor->kill_count]);
    }
}
