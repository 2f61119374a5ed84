/* Undo by whole texts: prompts are short, runs of typing are one entry, and bytes are bounded. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ui/editor_internal.h"

static void drop_oldest(struct editor *editor)
{
    editor->undo_bytes -= editor->undo[0].n;
    free(editor->undo[0].text);
    editor->undo_count--;
    memmove(editor->undo, editor->undo + 1, editor->undo_count * sizeof(editor->undo[0]));
}

void undo__note(struct editor *editor, enum edit edit)
{
    bool goes_on = edit == editor->last && edit != EDIT_NONE;
    editor->last = edit;
    if (goes_on) {
        return;
    }
    while (editor->undo_count && (editor->undo_count == EDITOR_UNDO_MAX ||
                                  editor->undo_bytes + editor->text.n > EDITOR_UNDO_BYTES)) {
        drop_oldest(editor);
    }
    editor->undo[editor->undo_count++] = (struct undo_entry){
        .text = xstrndup(buf_cstr(&editor->text), editor->text.n),
        .n = editor->text.n,
        .cursor = editor->cursor,
    };
    editor->undo_bytes += editor->text.n;
}

void undo__take_back(struct editor *editor)
{
    editor->last = EDIT_NONE;
    while (editor->undo_count) {
        struct undo_entry *entry = &editor->undo[--editor->undo_count];
        struct sv text = sv_of(entry->text, entry->n);
        bool differs = !sv_equal(text, buf_sv(&editor->text));
        if (differs) {
            text__set(editor, text);
            editor->cursor = entry->cursor;
        }
        editor->undo_bytes -= entry->n;
        free(entry->text);
        if (differs) {
            return;
        }
    }
}

void undo__release(struct editor *editor)
{
    while (editor->undo_count) {
        free(editor->undo[--editor->undo_count].text);
    }
    editor->undo_bytes = 0;
}
