/* What keys do beside editing: sending, commands, cancelling, scrolling, leaving. */
#include <stdlib.h>

#include "base/clock.h"
#include "ui/ui_internal.h"

#define QUIT_PATIENCE CLOCK_S(2)
/* As many equal arrow keys in one read are the wheel: terminals turn a notch into three or more,
 * and nobody's fingers are that fast. */
#define WHEEL_ARROWS 3

static void hint(struct ui *ui, const char *text)
{
    view__line(ui, LINE_INFO, text);
}

static bool is_busy(const struct ui *ui)
{
    struct status_facts facts = view__facts(ui);
    return status_is_busy(&facts);
}

static void cancel(struct ui *ui)
{
    if (!is_busy(ui)) {
        return;
    }
    ui->cancelling = true;
    if (ui->sending) {
        ui->cancel_on_begun = true;
    } else {
        ui->options->host.cancel(ui->options->host.ctx, &ui->session);
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

static void command_new(struct ui *ui)
{
    if (ui->sending) {
        hint(ui, "a prompt is being stored; try again in a moment");
        return;
    }
    events__show_session(ui, &(struct ulid){""});
    ui->cancelling = false;
    ui->waiting_since_us = 0;
}

static void command_help(struct ui *ui)
{
    ui->help = true;
}

static void command_quit(struct ui *ui)
{
    ui__leave(ui, ERR_OK);
}

static const struct {
    const char *name;
    void (*run)(struct ui *ui);
} commands[] = {
    {"/new", command_new},
    {"/help", command_help},
    {"/quit", command_quit},
};

static void run_command(struct ui *ui, struct sv text)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (sv_equal_str(text, commands[i].name)) {
            editor_clear(ui->editor, true);
            commands[i].run(ui);
            return;
        }
    }
    hint(ui, "unknown command; /help lists them, // at the beginning sends a slash");
}

static void send_prompt(struct ui *ui, struct sv prompt)
{
    const struct ui_host *host = &ui->options->host;
    struct err err = {0};
    buf_clear(&ui->sent);
    buf_append_sv(&ui->sent, prompt);
    enum err_code code = host->send(host->ctx, &ui->session, buf_sv(&ui->sent), &err);
    if (code) {
        view__line(ui, LINE_PROBLEM, err.text[0] ? err.text : err_text(code));
        return;
    }
    editor_clear(ui->editor, true);
    view__line(ui, LINE_NONE, NULL);
    ui->sending = true;
    ui->cancelling = false;
    ui->waiting_since_us = clock_mono_us();
    transcript_follow(ui->transcript);
}

/* The question is answered by a prompt that says nothing else: a single key would be pressed by
 * everybody whose prompt happens to begin with it. */
static bool answers_offer(struct ui *ui, struct sv text)
{
    bool yes = sv_equal_nocase(text, SV("y")) || sv_equal_nocase(text, SV("yes"));
    bool no = sv_equal_nocase(text, SV("n")) || sv_equal_nocase(text, SV("no"));
    if (!ui->offer || ui->line || !(yes || no)) {
        return false;
    }
    free(ui->offer);
    ui->offer = NULL;
    editor_clear(ui->editor, false);
    ui->options->host.answer_offer(ui->options->host.ctx, yes);
    return true;
}

static void submit(struct ui *ui)
{
    struct sv text = editor_text(ui->editor);
    struct sv trimmed = sv_trim(text);
    if (trimmed.n == 0 || answers_offer(ui, trimmed)) {
        return;
    }
    bool escaped = sv_starts_with(text, SV("//"));
    if (!escaped && text.p[0] == '/') {
        run_command(ui, trimmed);
    } else if (is_busy(ui)) {
        hint(ui, "an answer is on its way: Esc cancels it; the prompt stays here");
    } else {
        send_prompt(ui, escaped ? sv_skip(text, 1) : text);
    }
}

static void interrupt(struct ui *ui)
{
    int64_t now = clock_mono_us();
    if (!editor_is_empty(ui->editor)) {
        editor_clear(ui->editor, true);
        ui->quit_until_us = 0;
    } else if (is_busy(ui) && !ui->cancelling) {
        cancel(ui);
    } else if (now < ui->quit_until_us) {
        ui__leave(ui, ERR_OK);
    } else {
        ui->quit_until_us = now + QUIT_PATIENCE;
        hint(ui, "press Ctrl-C again to leave");
    }
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
    transcript_follow(ui->transcript);
}

/* Leaving cuts an answer that runs, so that takes a second press. */
static void leave(struct ui *ui)
{
    int64_t now = clock_mono_us();
    if (is_busy(ui) && now >= ui->quit_until_us) {
        ui->quit_until_us = now + QUIT_PATIENCE;
        hint(ui, "an answer is running; press Ctrl-D again to leave");
    } else {
        ui__leave(ui, ERR_OK);
    }
}

enum when { ALWAYS, WHEN_EMPTY };

static const struct {
    enum input_key key;
    uint32_t cp;
    unsigned modifiers;
    enum when when; /* of the editor */
    void (*act)(struct ui *ui);
} bindings[] = {
    {INPUT_ESCAPE, 0, 0, ALWAYS, cancel},
    {INPUT_CHAR, 'c', INPUT_CTRL, ALWAYS, interrupt},
    {INPUT_CHAR, 'd', INPUT_CTRL, WHEN_EMPTY, leave},
    {INPUT_CHAR, 'l', INPUT_CTRL, ALWAYS, ui__repaint},
    {INPUT_CHAR, 'z', INPUT_CTRL, ALWAYS, ui__suspend},
    {INPUT_PAGE_UP, 0, 0, ALWAYS, page_up},
    {INPUT_PAGE_DOWN, 0, 0, ALWAYS, page_down},
    {INPUT_UP, 0, INPUT_SHIFT, ALWAYS, row_up},
    {INPUT_DOWN, 0, INPUT_SHIFT, ALWAYS, row_down},
    {INPUT_END, 0, INPUT_CTRL, ALWAYS, follow},
    {INPUT_END, 0, 0, WHEN_EMPTY, follow},
};

static bool run_binding(struct ui *ui, const struct input_event *event)
{
    for (size_t i = 0; i < COUNT_OF(bindings); i++) {
        bool same = bindings[i].key == event->key && bindings[i].modifiers == event->modifiers &&
                    (event->key != INPUT_CHAR || bindings[i].cp == event->cp);
        if (same && (bindings[i].when == ALWAYS || editor_is_empty(ui->editor))) {
            bindings[i].act(ui);
            return true;
        }
    }
    return false;
}

static void edit(struct ui *ui, const struct input_event *event)
{
    switch (editor_key(ui->editor, event)) {
    case EDITOR_SEND:
        submit(ui);
        break;
    case EDITOR_FULL:
        hint(ui, "too long: that was not inserted");
        break;
    case EDITOR_DONE:
    case EDITOR_IGNORED:
        break;
    }
    if (event->key == INPUT_PASTE && event->cut) {
        hint(ui, "the paste was too long and was cut");
    }
}

static void on_key(struct ui *ui, const struct input_event *event)
{
    bool focus = event->key == INPUT_FOCUS_IN || event->key == INPUT_FOCUS_OUT;
    if (focus || ui->leave) {
        return;
    }
    bool leaves = event->key == INPUT_CHAR && (event->cp == 'c' || event->cp == 'd');
    ui->quit_until_us = leaves ? ui->quit_until_us : 0;
    ui->dirty = true;
    if (ui->line_kind == LINE_INFO) {
        view__line(ui, LINE_NONE, NULL);
    }
    bool closes_help = ui->help && (event->key == INPUT_ESCAPE || event->key == INPUT_ENTER ||
                                    event->key == INPUT_TEXT);
    ui->help = false;
    if (!closes_help && !run_binding(ui, event)) {
        edit(ui, event);
    }
}

/* Arrow keys were held back until it was clear how many came together. */
static void release_arrows(struct ui *ui)
{
    int count = ui->arrow_count;
    ui->arrow_count = 0;
    if (count >= WHEEL_ARROWS) {
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
