/*
 * Where keys go, and what the screen's own actions do.
 *
 * A press is one chord (or the second of two), a chord is an action (ui/keymap.h). Whoever is open
 * takes it first: a picker, then the search, then the completion; then the screen's table here, and
 * the editor at last.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "store/prompts.h"
#include "ui/ui_internal.h"

/* As many equal arrow keys in one read are the wheel: terminals turn a notch into three or more,
 * and nobody's fingers are that fast. */
#define WHEEL_ARROWS 3

static void hint(struct ui *ui, const char *text)
{
    view__line(ui, LINE_INFO, text);
}

/* What was searched for is marked until then. */
static void cancel(struct ui *ui)
{
    transcript_mark(ui->transcript, NULL);
    if (complete_count(ui->complete)) {
        complete_close(ui->complete);
    } else if (ulid_is_set(&ui->edit_at)) {
        ui->edit_at = (struct ulid){""};
        hint(ui, "what you wrote stays, as a new prompt");
    } else {
        leave__stop_answer(ui);
    }
}

static void scroll(struct ui *ui, int rows)
{
    view__arrange(ui);
    int moved = transcript_scroll(ui->transcript, rows);
    if (rows < 0 && moved > rows) {
        events__fill_view(ui);
        transcript_scroll(ui->transcript, rows - moved);
    }
    ui->dirty = true;
}

static void leave(struct ui *ui)
{
    leave__offer(ui, "press it");
}

static void page_up(struct ui *ui)
{
    scroll(ui, -view__page(ui));
}

static void page_down(struct ui *ui)
{
    scroll(ui, view__page(ui));
}

static void row_up(struct ui *ui)
{
    scroll(ui, -1);
}

static void row_down(struct ui *ui)
{
    scroll(ui, 1);
}

static void follow(struct ui *ui)
{
    transcript_mark(ui->transcript, NULL);
    transcript_follow(ui->transcript);
}

static void open_palette(struct ui *ui)
{
    pickers__open(ui, &picker_of_commands);
}

static void open_help(struct ui *ui)
{
    pickers__open(ui, &picker_of_keys);
}

static void open_sessions(struct ui *ui)
{
    pickers__open(ui, &picker_of_sessions);
}

static void open_models(struct ui *ui)
{
    pickers__open(ui, &picker_of_models);
}

static void open_find(struct ui *ui)
{
    pickers__open(ui, &picker_of_here);
}

static void open_search(struct ui *ui)
{
    pickers__open(ui, &picker_of_everywhere);
}

static void open_branches(struct ui *ui)
{
    pickers__open(ui, &picker_of_branches);
}

/* An editor_more_fn over all sessions. */
static bool more_prompts(void *ctx, int64_t *cursor, editor_add_fn *add, void *add_ctx)
{
    const struct ui *ui = ctx;
    bool more = false;
    return prompts_before(ui->options->store, cursor, add, add_ctx, &more, NULL) == ERR_OK && more;
}

static void search(struct ui *ui)
{
    complete_close(ui->complete);
    editor_search_begin(ui->editor, more_prompts, ui);
}

static void follow_word(struct ui *ui, bool asked)
{
    complete_update(ui->complete, editor_text(ui->editor), editor_cursor(ui->editor), asked);
}

/* A command goes on with a blank, a folder with what is in it. */
static void accept_completion(struct ui *ui)
{
    struct complete_word word;
    bool moved;
    const struct choice *choice = complete_selected(ui->complete, &word, &moved);
    if (!choice) {
        return;
    }
    struct sv text = sv_from(choice->text);
    bool open_end = sv_ends_with(text, SV("/")) && word.kind == COMPLETE_FILE;
    bool quoted = word.kind == COMPLETE_FILE && sv_find(text, ' ') < text.n;
    char *with = quoted ? xasprintf("\"%s\"", choice->text) : xstrdup(choice->text);
    char *whole = xasprintf("%s%s", with, open_end || word.kind == COMPLETE_MODEL ? "" : " ");
    (void)editor_splice(ui->editor, word.from, word.to, sv_from(whole));
    free(with);
    free(whole);
    follow_word(ui, false);
    if (!open_end) {
        complete_close(ui->complete);
    }
}

static void complete(struct ui *ui)
{
    if (complete_count(ui->complete) == 0) {
        follow_word(ui, true);
        if (complete_count(ui->complete) != 1) {
            return;
        }
    }
    accept_completion(ui);
}

static void fold(struct ui *ui)
{
    transcript_toggle_folds(ui->transcript);
}

static void (*const acts[ACTION_COUNT])(struct ui *ui) = {
    [ACTION_CANCEL] = cancel,
    [ACTION_INTERRUPT] = leave__interrupt,
    [ACTION_LEAVE] = leave,
    [ACTION_SUSPEND] = ui__suspend,
    [ACTION_REPAINT] = ui__repaint,
    [ACTION_PALETTE] = open_palette,
    [ACTION_HELP] = open_help,
    [ACTION_SESSIONS] = open_sessions,
    [ACTION_MODELS] = open_models,
    [ACTION_FIND] = open_find,
    [ACTION_SEARCH_ALL] = open_search,
    [ACTION_NEW_SESSION] = commands__new_session,
    [ACTION_COPY_ANSWER] = take__copy_answer,
    [ACTION_FOLD] = fold,
    [ACTION_SELECT] = select__enter,
    [ACTION_BRANCHES] = open_branches,
    [ACTION_PAGE_UP] = page_up,
    [ACTION_PAGE_DOWN] = page_down,
    [ACTION_SCROLL_UP] = row_up,
    [ACTION_SCROLL_DOWN] = row_down,
    [ACTION_FOLLOW] = follow,
    [ACTION_EDIT_OUTSIDE] = outside__edit,
    [ACTION_COMPLETE] = complete,
    [ACTION_SEARCH_OLDER] = search,
    [ACTION_WHEEL] = terminal__toggle_wheel,
};

void keys__act(struct ui *ui, enum action action)
{
    if (acts[action]) {
        acts[action](ui);
    }
}

/* Actions that mean something else where the prompt is empty. True: done. */
static bool act_in_empty(struct ui *ui, enum action action, const struct chord *chord)
{
    if (!editor_is_empty(ui->editor)) {
        return false;
    }
    if (action == ACTION_DELETE_RIGHT && (chord->modifiers & INPUT_CTRL)) {
        leave__offer(ui, "press Ctrl-D");
    } else if (action == ACTION_LINE_END && chord->key == INPUT_END) {
        follow(ui);
    } else {
        return false;
    }
    return true;
}

static void tell(struct ui *ui, enum editor_result result)
{
    if (result == EDITOR_SEND) {
        prompt__submit(ui);
    } else if (result == EDITOR_FULL) {
        hint(ui, "too long: that was not inserted");
    }
}

static void act(struct ui *ui, enum action action, const struct chord *chord)
{
    if (acts[action]) {
        acts[action](ui);
    } else if (action == ACTION_UP && editor_is_at_top(ui->editor) && prompt__take_back(ui)) {
        complete_close(ui->complete);
    } else if (!act_in_empty(ui, action, chord)) {
        tell(ui, editor_act(ui->editor, action));
        follow_word(ui, false);
    }
}

/* The list is open and takes the keys that move in it and choose. */
static bool act_in_completion(struct ui *ui, enum action action)
{
    struct complete_word word;
    bool moved;
    if (!complete_selected(ui->complete, &word, &moved)) {
        return false;
    }
    switch (action) {
    case ACTION_UP:
    case ACTION_PALETTE:
        complete_select(ui->complete, -1);
        return true;
    case ACTION_DOWN:
    case ACTION_NEWER_PROMPT:
        complete_select(ui->complete, 1);
        return true;
    case ACTION_SEND:
        /* A command needs no second Enter; a file only where it was chosen. */
        if (word.kind == COMPLETE_COMMAND || word.kind == COMPLETE_MODEL) {
            accept_completion(ui);
            return false;
        }
        if (moved) {
            accept_completion(ui);
        }
        complete_close(ui->complete);
        return moved;
    default:
        return false;
    }
}

/* Keys of the search: its own, those that end it, and all others, which end it and do their work.
 * True: done. */
static bool act_in_search(struct ui *ui, enum action action)
{
    struct editor *editor = ui->editor;
    switch (action) {
    case ACTION_SEARCH_OLDER:
        editor_search_step(editor, 1);
        return true;
    case ACTION_SEARCH_NEWER:
        editor_search_step(editor, -1);
        return true;
    case ACTION_DELETE_LEFT:
        editor_search_erase(editor);
        return true;
    case ACTION_INTERRUPT:
    case ACTION_EDIT_OUTSIDE: /* C-g, as readline has it */
        editor_search_end(editor, false);
        return true;
    case ACTION_CANCEL:
    case ACTION_COMPLETE:
        editor_search_end(editor, true);
        return true;
    default:
        editor_search_end(editor, true);
        return false;
    }
}

static void on_action(struct ui *ui, enum action action, const struct chord *chord)
{
    if (editor_is_searching(ui->editor) && act_in_search(ui, action)) {
        return;
    }
    if (!act_in_completion(ui, action)) {
        act(ui, action, chord);
    }
}

static void type_text(struct ui *ui, struct sv text)
{
    if (editor_is_searching(ui->editor)) {
        editor_search_type(ui->editor, text);
        return;
    }
    tell(ui, editor_insert(ui->editor, text));
    follow_word(ui, false);
}

static void paste(struct ui *ui, const struct input_event *event)
{
    if (editor_is_searching(ui->editor)) {
        editor_search_end(ui->editor, true);
    }
    tell(ui, editor_paste(ui->editor, event->text));
    complete_close(ui->complete);
    if (event->cut) {
        hint(ui, "the paste was too long and was cut");
    }
}

/* Text that came in one piece is taken apart where only its first character is meant: as the second
 * chord of two, or as what is looked for. Gives what is left. */
static struct sv first_character(struct sv *text)
{
    struct sv one = sv_take(*text, utf8_next(text->p, text->n, 0));
    *text = sv_skip(*text, one.n);
    return one;
}

/* `has_chord`: the event is one press. */
static void on_press(struct ui *ui, const struct input_event *event, bool has_chord,
                     const struct chord *chord)
{
    bool looked_up = has_chord && (ui->has_first || event->key != INPUT_TEXT);
    enum action action =
        looked_up ? keymap_find(ui->keymap, ui->has_first ? &ui->first : NULL, chord) : ACTION_NONE;
    bool second = ui->has_first;
    ui->has_first = action == ACTION_PREFIX;
    ui->first = has_chord ? *chord : ui->first;
    if (ui->has_first || (second && looked_up && action == ACTION_NONE)) {
        return; /* the first of two, or two that mean nothing */
    }
    if (ui->review) {
        review__key(ui, event, action);
    } else if (ui->picker) {
        pickers__key(ui, event, action, has_chord ? chord : NULL);
    } else if (replay__is_on(ui)) {
        replay__key(ui, action, has_chord && !second ? chord : NULL);
    } else if (ui->selecting && has_chord && select__key(ui, action, chord)) {
        return;
    } else if (event->key == INPUT_PASTE) {
        paste(ui, event);
    } else if (action != ACTION_NONE) {
        on_action(ui, action, chord);
    } else if (event->key == INPUT_TEXT) {
        type_text(ui, event->text);
    }
}

/* What is typed is no text. */
static bool takes_single_keys(const struct ui *ui)
{
    return ui->has_first || ui->selecting || ui->review || (replay__is_on(ui) && !ui->picker);
}

static void on_key(struct ui *ui, const struct input_event *event)
{
    struct chord chord;
    if (event->key == INPUT_FOCUS_IN || event->key == INPUT_FOCUS_OUT) {
        terminal__focus(ui, event->key == INPUT_FOCUS_IN);
        return;
    }
    if (event->key == INPUT_REPORT) {
        terminal__report(ui, event->text);
        return;
    }
    if (ui->leave) {
        return;
    }
    bool leaves = event->key == INPUT_CHAR && (event->cp == 'c' || event->cp == 'd');
    ui->quit_until_us = leaves ? ui->quit_until_us : 0;
    ui->dirty = true;
    ui->unseen = ui->selecting && view__shows_line(ui);
    if (ui->line_kind == LINE_INFO) {
        view__line(ui, LINE_NONE, NULL);
    }
    struct input_event now = *event;
    while (takes_single_keys(ui) && now.key == INPUT_TEXT && now.text.n) {
        struct sv rest = now.text;
        now.text = first_character(&rest);
        on_press(ui, &now, chord_of_event(&now, &chord), &chord);
        now.text = rest;
    }
    if (now.key != INPUT_TEXT || now.text.n) {
        on_press(ui, &now, chord_of_event(&now, &chord), &chord);
    }
}

/* Arrow keys were held back until it was clear how many came together. */
static void release_arrows(struct ui *ui)
{
    int count = ui->arrow_count;
    ui->arrow_count = 0;
    if (count >= WHEEL_ARROWS && !ui->picker && !ui->review) {
        scroll(ui, ui->arrow == INPUT_UP ? -count : count);
        return;
    }
    for (int i = 0; i < count; i++) {
        on_key(ui, &(struct input_event){.key = ui->arrow});
    }
}

static void on_input(void *ctx, const struct input_event *event)
{
    struct ui *ui = ctx;
    bool arrow = (event->key == INPUT_UP || event->key == INPUT_DOWN) && event->modifiers == 0;
    if (!arrow || (ui->arrow_count && ui->arrow != event->key)) {
        release_arrows(ui);
    }
    if (arrow) {
        ui->arrow = event->key;
        ui->arrow_count++;
    } else {
        on_key(ui, event);
    }
}

static void after_input(struct ui *ui)
{
    int64_t patience = input_patience(ui->input);
    release_arrows(ui);
    ui->input_deadline_us = patience < 0 ? CLOCK_NEVER : clock_mono_us() + patience;
}

void keys__feed(struct ui *ui, const char *bytes, size_t length)
{
    input_feed(ui->input, bytes, length, on_input, ui);
    after_input(ui);
}

void keys__timeout(struct ui *ui)
{
    if (clock_mono_us() >= ui->input_deadline_us) {
        input_timeout(ui->input, on_input, ui);
        after_input(ui);
    }
}
