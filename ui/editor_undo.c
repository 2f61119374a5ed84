/* Undo by whole texts: prompts are short, a word that was typed is one entry, bytes are bounded. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ui/editor_internal.h"

static void drop_oldest(struct undo_stack *stack)
{
    stack->bytes -= stack->entries[0].n;
    free(stack->entries[0].text);
    stack->count--;
    memmove(stack->entries, stack->entries + 1, stack->count * sizeof(stack->entries[0]));
}

static void push(struct undo_stack *stack, const struct editor *editor)
{
    while (stack->count &&
           (stack->count == EDITOR_UNDO_MAX || stack->bytes + editor->text.n > EDITOR_UNDO_BYTES)) {
        drop_oldest(stack);
    }
    stack->entries[stack->count++] = (struct undo_entry){
        .text = xstrndup(buf_cstr(&editor->text), editor->text.n),
        .n = editor->text.n,
        .cursor = editor->cursor,
    };
    stack->bytes += editor->text.n;
}

static void empty(struct undo_stack *stack)
{
    while (stack->count) {
        free(stack->entries[--stack->count].text);
    }
    stack->bytes = 0;
}

/* A blank before the insertion point: what is typed now is another word. */
static bool begins_word(const struct editor *editor)
{
    char before = editor->cursor ? editor->text.p[editor->cursor - 1] : '\0';
    return before == ' ' || before == '\n';
}

void undo__note(struct editor *editor, enum edit edit)
{
    bool goes_on = edit == editor->last && edit != EDIT_NONE && edit != EDIT_YANK;
    editor->last = edit;
    empty(&editor->redo);
    if (!goes_on || (edit == EDIT_INSERT && begins_word(editor))) {
        push(&editor->undo, editor);
    }
}

/* Takes the text that differs from what is there off one stack; it goes to the other one. */
static bool step(struct editor *editor, struct undo_stack *from, struct undo_stack *to)
{
    editor->last = EDIT_NONE;
    while (from->count) {
        struct undo_entry *entry = &from->entries[--from->count];
        struct sv text = sv_of(entry->text, entry->n);
        bool differs = !sv_equal(text, buf_sv(&editor->text));
        if (differs) {
            push(to, editor);
            text__set(editor, text);
            editor->cursor = entry->cursor;
        }
        from->bytes -= entry->n;
        free(entry->text);
        if (differs) {
            return true;
        }
    }
    return false;
}

enum editor_result undo__take_back(struct editor *editor)
{
    prompts__leave(editor);
    step(editor, &editor->undo, &editor->redo);
    return EDITOR_DONE;
}

enum editor_result undo__make_again(struct editor *editor)
{
    prompts__leave(editor);
    step(editor, &editor->redo, &editor->undo);
    return EDITOR_DONE;
}

/* Back to where the prompt was empty, or as far as is known. */
enum editor_result undo__revert(struct editor *editor)
{
    prompts__leave(editor);
    while (editor->text.n && step(editor, &editor->undo, &editor->redo)) {
    }
    return EDITOR_DONE;
}

void undo__release(struct editor *editor)
{
    empty(&editor->undo);
    empty(&editor->redo);
}
