/*
 * The screen's pickers: commands, keys, models. Each is one const entry with its
 * functions.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ui/ui_internal.h"

void pickers__open(struct ui *ui, const struct picker_kind *kind)
{
    pickers__open_with(ui, kind, SV(""));
}

void pickers__open_with(struct ui *ui, const struct picker_kind *kind, struct sv filter)
{
    complete_close(ui->complete);
    picker_free(ui->picker);
    sessions__forget(ui);
    ui->picker = picker_new(kind, ui, filter);
    ui->dirty = true;
    if (ui->plain) {
        plain__list(ui);
    }
}

void pickers__open_next(struct ui *ui, const struct picker_kind *kind, struct sv text)
{
    ui->next_picker = kind;
    free(ui->next_text);
    ui->next_text = xstrndup(text.p ? text.p : "", text.n);
}

static void open_next(struct ui *ui)
{
    const struct picker_kind *kind = ui->next_picker;
    ui->next_picker = NULL;
    if (kind) {
        pickers__open_with(ui, kind, sv_from(ui->next_text));
    }
}

void pickers__reload(struct ui *ui)
{
    sessions__forget(ui);
    find__forget(ui);
    pickers__show_again(ui);
}

void pickers__show_again(struct ui *ui)
{
    if (ui->picker) {
        picker_reload(ui->picker);
        ui->dirty = true;
    }
    if (ui->picker && ui->plain) {
        plain__list(ui);
    }
}

void pickers__close(struct ui *ui)
{
    picker_free(ui->picker);
    ui->picker = NULL;
    sessions__forget(ui);
    find__forget(ui);
}

/* The session that the list was about is selected, where it is still there. */
static void select_about(struct ui *ui)
{
    for (size_t i = 0; i < picker_count(ui->picker); i++) {
        const char *value = picker_entry(ui->picker, i)->value;
        if (sv_starts_with(sv_from(value), sv_from(ui->about.text))) {
            picker_select(ui->picker, i);
            return;
        }
    }
}

/* Nothing was chosen. */
static void give_up(struct ui *ui)
{
    const struct picker_kind *back = picker_kind(ui->picker)->back;
    pickers__close(ui);
    if (back) {
        pickers__open(ui, back);
        select_about(ui);
    }
}

/* What is chosen may open another picker: this one is gone by then. */
void pickers__choose(struct ui *ui)
{
    const struct picker_kind *kind = picker_kind(ui->picker);
    struct choice choice = choice_copy(picker_chosen(ui->picker));
    struct choice ends[2];
    size_t first;
    size_t last;
    bool ranges = picker_range(ui->picker, &first, &last);
    if (ranges) {
        ends[0] = choice_copy(picker_entry(ui->picker, first));
        ends[1] = choice_copy(picker_entry(ui->picker, last));
    }
    pickers__close(ui);
    if (ranges) {
        kind->choose_range(ui, &ends[0], &ends[1]);
        choice_release(&ends[0]);
        choice_release(&ends[1]);
    } else {
        kind->choose(ui, &choice);
    }
    choice_release(&choice);
}

void pickers__key(struct ui *ui, const struct input_event *event, enum action action,
                  const struct chord *chord)
{
    bool text = event->key == INPUT_TEXT || event->key == INPUT_PASTE;
    enum picker_result result = text && action == ACTION_NONE
                                    ? picker_insert(ui->picker, event->text)
                                    : picker_act(ui->picker, action, chord);
    if (result == PICKER_CHOSEN) {
        pickers__choose(ui);
    } else if (result == PICKER_CLOSED) {
        give_up(ui);
    }
    open_next(ui);
    if (action == ACTION_REPAINT) {
        ui__repaint(ui);
    } else if (action == ACTION_SUSPEND) {
        ui__suspend(ui);
    }
}

/* Commands. */

static void load_commands(void *ctx, struct sv filter, struct choices *choices)
{
    const struct ui *ui = ctx;
    (void)filter;
    for (const struct ui_command *command = commands__all(); command->name; command++) {
        if (command->works && !command->works(ui)) {
            continue;
        }
        struct buf text = BUF_INIT(BUF_MAX_INTERNAL);
        struct buf note = BUF_INIT(BUF_MAX_INTERNAL);
        buf_appendf(&text, "/%s", command->name);
        buf_append_str(&note, command->help);
        if (command->action != ACTION_NONE) {
            buf_append_str(&note, "  ");
            keymap_keys_text(ui->keymap, command->action, &note);
        }
        choices_add(choices, buf_sv(&text), buf_cstr(&note), buf_cstr(&text));
        buf_release(&text);
        buf_release(&note);
    }
}

static void choose_command(void *ctx, const struct choice *choice)
{
    struct ui *ui = ctx;
    for (const struct ui_command *command = commands__all(); command->name; command++) {
        if (strcmp(command->name, choice->value + 1) == 0) {
            commands__start(ui, command, SV(""));
            return;
        }
    }
}

const struct picker_kind picker_of_commands = {
    .title = "Commands",
    .empty = "no command fits",
    .verb = "runs",
    .load = load_commands,
    .choose = choose_command,
};

/* Keys: the help page. */

static void add_keys(const struct ui *ui, bool of_replay, struct choices *choices)
{
    for (const struct key_action *action = key_actions(); action->name; action++) {
        struct buf keys = BUF_INIT(BUF_MAX_INTERNAL);
        keymap_keys_text(ui->keymap, action->action, &keys);
        if (keys.n && replay__has(ui, action->action) &&
            keymap_is_of_replay(action->action) == of_replay) {
            choices_add(choices, buf_sv(&keys), action->help, action->name);
        }
        buf_release(&keys);
    }
}

static void add_commands(const struct ui *ui, struct choices *choices)
{
    for (const struct ui_command *command = commands__all(); command->name; command++) {
        if (!command->works || command->works(ui)) {
            char *text = xasprintf("/%s%s%s", command->name, command->operand ? " " : "",
                                   command->operand ? command->operand : "");
            choices_add(choices, sv_from(text), command->help, NULL);
            free(text);
        }
    }
    choices_add(choices, SV("//..."), "sends a prompt that begins with /", NULL);
}

/* Where a recording is played, its own keys come first, and nothing can be written. */
static void load_keys(void *ctx, struct sv filter, struct choices *choices)
{
    const struct ui *ui = ctx;
    (void)filter;
    if (!ui->plain) {
        add_keys(ui, true, choices);
        add_keys(ui, false, choices);
    }
    if (!replay__is_on(ui)) {
        add_commands(ui, choices);
    }
}

static void preview_key(void *ctx, const struct choice *choice, struct buf *out)
{
    (void)ctx;
    if (choice->value) {
        buf_appendf(out, "C- is Ctrl, M- is Alt, S- is Shift. In the config: [keys] %s = …",
                    choice->value);
    }
}

const struct picker_kind picker_of_keys = {
    .title = "Keys and commands",
    .empty = "no key does that",
    .load = load_keys,
    .preview = preview_key,
};

/* Models. */

static void add_model(void *ctx, const char *model, const char *note)
{
    choices_add(ctx, sv_from(model), note, model);
}

void pickers__models(const struct ui *ui, struct choices *choices)
{
    const struct ui_host *host = &ui->options->host;
    if (host->list_models) {
        host->list_models(host->ctx, add_model, choices);
    }
}

static void load_models(void *ctx, struct sv filter, struct choices *choices)
{
    (void)filter;
    pickers__models(ctx, choices);
}

static void choose_model(void *ctx, const struct choice *choice)
{
    struct ui *ui = ctx;
    const struct ui_host *host = &ui->options->host;
    struct err err = {0};
    if (host->choose_model && host->choose_model(host->ctx, choice->value, &err)) {
        view__line(ui, LINE_PROBLEM, err.text);
    }
}

const struct picker_kind picker_of_models = {
    .title = "Models",
    .empty = "no model is known; '/model PROVIDER/MODEL' takes any",
    .verb = "asks it from now on",
    .load = load_models,
    .choose = choose_model,
};
