/*
 * Search in the prompts sent before, one character at a time.
 *
 * Matches are kept in the order in which they are shown, each text once: first what the editor
 * remembers, then what the owner's `more` brings, a few at a time and only when one goes that far.
 * Another needle begins anew.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "ui/editor_internal.h"

static void forget_found(struct search *search)
{
    while (search->found_count) {
        free(search->found[--search->found_count]);
    }
    search->at = 0;
}

void search__release(struct editor *editor)
{
    struct search *search = &editor->search;
    forget_found(search);
    buf_release(&search->needle);
    free(search->before);
    *search = (struct search){.active = false};
}

static bool is_lower_ascii(struct sv text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] >= 'A' && text.p[i] <= 'Z') {
            return false;
        }
    }
    return true;
}

/* Case counts where the needle has capitals. */
static bool holds(const char *prompt, const struct buf *needle)
{
    bool exact = !is_lower_ascii(buf_sv(needle));
    return needle->n == 0 || (exact ? strstr(prompt, buf_cstr(needle)) != NULL
                                    : strcasestr(prompt, buf_cstr(needle)) != NULL);
}

static void add(void *ctx, struct sv prompt)
{
    struct search *search = ctx;
    char *copy = xstrndup(prompt.p, prompt.n);
    bool wanted = search->found_count < EDITOR_FOUND_MAX && holds(copy, &search->needle);
    for (size_t i = 0; wanted && i < search->found_count; i++) {
        wanted = !sv_equal_str(prompt, search->found[i]);
    }
    if (wanted) {
        search->found[search->found_count++] = copy;
    } else {
        free(copy);
    }
}

static void find_remembered(struct editor *editor)
{
    struct search *search = &editor->search;
    for (size_t i = editor->prompt_count; i > 0; i--) {
        add(search, sv_from(editor->prompts[i - 1]));
    }
}

/* Brings matches until there is one at `at`, or no more, or for as long as a key may take. */
static bool reach(struct search *search, size_t at)
{
    for (unsigned i = 0; i < EDITOR_MORE_MAX && at >= search->found_count && !search->ended; i++) {
        search->ended = search->found_count == EDITOR_FOUND_MAX || !search->more ||
                        !search->more(search->ctx, &search->cursor, add, search);
    }
    return at < search->found_count;
}

static void show(struct editor *editor)
{
    struct search *search = &editor->search;
    if (search->needle.n && search->at < search->found_count) {
        text__set(editor, sv_from(search->found[search->at]));
        const char *at = strcasestr(search->found[search->at], buf_cstr(&search->needle));
        editor->cursor = 0;
        text__go(editor, at ? (size_t)(at - search->found[search->at]) : editor->text.n);
    }
}

static void begin_anew(struct editor *editor)
{
    struct search *search = &editor->search;
    forget_found(search);
    search->cursor = 0;
    search->ended = false;
    if (search->needle.n) {
        find_remembered(editor);
        reach(search, 0);
    }
    show(editor);
}

void editor_search_begin(struct editor *editor, editor_more_fn *more, void *ctx)
{
    search__release(editor);
    prompts__leave(editor);
    editor->finding = 0;
    undo__note(editor, EDIT_NONE);
    editor->search = (struct search){
        .active = true,
        .more = more,
        .ctx = ctx,
        .needle = BUF_INIT(EDITOR_NEEDLE_MAX),
        .before = xstrndup(buf_cstr(&editor->text), editor->text.n),
        .before_cursor = editor->cursor,
    };
}

bool editor_is_searching(const struct editor *editor)
{
    return editor->search.active;
}

struct sv editor_search_needle(const struct editor *editor)
{
    return buf_sv(&editor->search.needle);
}

bool editor_search_failed(const struct editor *editor)
{
    return editor->search.needle.n > 0 && editor->search.found_count == 0;
}

void editor_search_type(struct editor *editor, struct sv text)
{
    if (buf_append_sv(&editor->search.needle, text)) {
        begin_anew(editor);
    } else {
        editor->search.needle.overflow = false;
    }
}

void editor_search_erase(struct editor *editor)
{
    struct buf *needle = &editor->search.needle;
    if (needle->n) {
        buf_truncate(needle, utf8_prev(needle->p, needle->n));
        begin_anew(editor);
    }
}

void editor_search_step(struct editor *editor, int step)
{
    struct search *search = &editor->search;
    if (step < 0) {
        search->at -= search->at > 0;
    } else if (search->needle.n && reach(search, search->at + (search->found_count > 0))) {
        search->at += search->at + 1 < search->found_count;
    }
    show(editor);
}

void editor_search_end(struct editor *editor, bool accept)
{
    struct search *search = &editor->search;
    if (search->active && !accept) {
        text__set(editor, sv_from(search->before));
        editor->cursor = search->before_cursor;
    }
    editor->last = EDIT_NONE;
    search__release(editor);
}
