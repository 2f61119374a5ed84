/* Swapping characters and words; capitals. */
#include <wctype.h>

#include "base/utf8.h"
#include "ui/editor_internal.h"

/* Puts `text` where [from, to) is, as one change; the insertion point goes behind it. */
static enum editor_result replace(struct editor *editor, size_t from, size_t to, struct sv text)
{
    if (sv_equal(text, sv_take(sv_skip(buf_sv(&editor->text), from), to - from))) {
        return text__go(editor, to);
    }
    undo__note(editor, EDIT_NONE);
    text__remove(editor, from, to);
    editor->cursor = from;
    return text__insert(editor, text) ? EDITOR_DONE : EDITOR_FULL;
}

static struct sv slice(const struct editor *editor, size_t from, size_t to)
{
    return sv_take(sv_skip(buf_sv(&editor->text), from), to - from);
}

/* Two pieces change places, with what is between them left where it is. */
static enum editor_result swap(struct editor *editor, const size_t border[4])
{
    struct buf swapped = BUF_INIT(EDITOR_TEXT_MAX);
    buf_append_sv(&swapped, slice(editor, border[2], border[3]));
    buf_append_sv(&swapped, slice(editor, border[1], border[2]));
    buf_append_sv(&swapped, slice(editor, border[0], border[1]));
    enum editor_result result = replace(editor, border[0], border[3], buf_sv(&swapped));
    buf_release(&swapped);
    return result;
}

/* The characters before and at the insertion point; at the end of a line the two before it. */
enum editor_result words__transpose_chars(struct editor *editor)
{
    size_t middle = editor->cursor;
    if (middle == text__line_end(editor)) {
        middle = text__left(editor, middle);
    }
    size_t from = text__left(editor, middle);
    if (middle <= text__line_start(editor) || from == middle) {
        return EDITOR_DONE;
    }
    return swap(editor, (size_t[]){from, middle, middle, text__right(editor, middle)});
}

/* The word at or before the insertion point and the one behind; at the end the last two. */
enum editor_result words__transpose_words(struct editor *editor)
{
    size_t end = text__word_right(editor, editor->cursor);
    size_t start = text__word_left(editor, end, false);
    size_t other = text__word_left(editor, start, false);
    size_t other_end = text__word_right(editor, other);
    if (other == start || other_end > start) {
        return EDITOR_DONE;
    }
    return swap(editor, (size_t[]){other, other_end, start, text__word_right(editor, start)});
}

enum how { UPPER, LOWER, CAPITAL };

static bool is_letter(uint32_t cp)
{
    return iswalpha((wint_t)cp) || iswdigit((wint_t)cp);
}

static enum editor_result change_case(struct editor *editor, enum how how)
{
    size_t end = text__word_right(editor, editor->cursor);
    struct sv word = slice(editor, editor->cursor, end);
    struct buf changed = BUF_INIT(EDITOR_TEXT_MAX);
    bool first = true;
    while (word.n) {
        uint32_t cp;
        size_t used = utf8_decode(word.p, word.n, &cp);
        bool large = how == UPPER || (how == CAPITAL && first);
        first = first && !is_letter(cp);
        cp = (uint32_t)(large ? towupper((wint_t)cp) : towlower((wint_t)cp));
        buf_append_cp(&changed, cp);
        word = sv_skip(word, used);
    }
    enum editor_result result = replace(editor, editor->cursor, end, buf_sv(&changed));
    buf_release(&changed);
    return result;
}

enum editor_result words__upper(struct editor *editor)
{
    return change_case(editor, UPPER);
}

enum editor_result words__lower(struct editor *editor)
{
    return change_case(editor, LOWER);
}

enum editor_result words__capital(struct editor *editor)
{
    return change_case(editor, CAPITAL);
}
