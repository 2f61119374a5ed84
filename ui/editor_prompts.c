/* The prompts sent before: those of this session, and what was cleared, for Up and Down. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ui/editor_internal.h"

void prompts__leave(struct editor *editor)
{
    free(editor->draft);
    editor->draft = NULL;
    editor->prompt_at = editor->prompt_count;
}

void prompts__release(struct editor *editor)
{
    while (editor->prompt_count) {
        free(editor->prompts[--editor->prompt_count]);
    }
    prompts__leave(editor);
}

void editor_remember(struct editor *editor, struct sv prompt)
{
    size_t count = editor->prompt_count;
    prompts__leave(editor);
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

static void show(struct editor *editor, size_t at)
{
    if (editor->prompt_at == editor->prompt_count) {
        free(editor->draft);
        editor->draft = xstrndup(buf_cstr(&editor->text), editor->text.n);
    }
    editor->prompt_at = at;
    text__set(editor, sv_from(at == editor->prompt_count ? editor->draft : editor->prompts[at]));
}

enum editor_result prompts__older(struct editor *editor)
{
    editor->last = EDIT_NONE;
    if (editor->prompt_at > 0) {
        show(editor, editor->prompt_at - 1);
    }
    return EDITOR_DONE;
}

enum editor_result prompts__newer(struct editor *editor)
{
    editor->last = EDIT_NONE;
    if (editor->prompt_at < editor->prompt_count) {
        show(editor, editor->prompt_at + 1);
    }
    return EDITOR_DONE;
}

enum editor_result prompts__up(struct editor *editor)
{
    editor->last = EDIT_NONE;
    return text__move_row(editor, -1) ? EDITOR_DONE : prompts__older(editor);
}

enum editor_result prompts__down(struct editor *editor)
{
    editor->last = EDIT_NONE;
    return text__move_row(editor, 1) ? EDITOR_DONE : prompts__newer(editor);
}

bool editor_is_at_top(struct editor *editor)
{
    return layout_row_at(text__layout(editor), editor->cursor) == 0;
}

enum editor_result prompts__last_word(struct editor *editor)
{
    struct sv prompt = {NULL, 0};
    if (editor->prompt_at > 0) {
        prompt = sv_trim(sv_from(editor->prompts[editor->prompt_at - 1]));
    }
    size_t from = prompt.n;
    while (from > 0 && prompt.p[from - 1] != ' ' && prompt.p[from - 1] != '\n') {
        from--;
    }
    return text__put(editor, sv_skip(prompt, from), EDIT_NONE);
}
