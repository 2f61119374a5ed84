/*
 * The commands, as a table: what can be typed behind a slash and chosen from the palette. A further
 * one is a line here and its function.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/nearest.h"
#include "ui/ui_internal.h"

#define TYPING_PATIENCE CLOCK_S(10)

static void hint(struct ui *ui, const char *text)
{
    view__line(ui, LINE_INFO, text);
}

void commands__new_session(struct ui *ui)
{
    if (ui->sending) {
        hint(ui, "a prompt is being stored; try again in a moment");
        return;
    }
    saved__draft(ui, true);
    events__show_session(ui, &(struct ulid){""});
    saved__load(ui);
}

static void run_new(struct ui *ui, struct sv operand)
{
    (void)operand;
    commands__new_session(ui);
}

static void run_sessions(struct ui *ui, struct sv operand)
{
    (void)operand;
    pickers__open(ui, &picker_of_sessions);
}

static void run_find(struct ui *ui, struct sv operand)
{
    pickers__open_with(ui, &picker_of_here, operand);
}

static void run_search(struct ui *ui, struct sv operand)
{
    pickers__open_with(ui, &picker_of_everywhere, operand);
}

static void run_help(struct ui *ui, struct sv operand)
{
    pickers__open_with(ui, &picker_of_keys, operand);
}

static void run_quit(struct ui *ui, struct sv operand)
{
    (void)operand;
    int64_t now = clock_mono_us();
    if (now < ui->quit_typed_until_us) {
        ui->quit_until_us = ui->quit_typed_until_us;
    }
    ui->quit_typed_until_us = now + TYPING_PATIENCE;
    leave__offer(ui, "/quit");
}

static bool has_models(const struct ui *ui)
{
    return ui->options->host.choose_model != NULL;
}

static void run_model(struct ui *ui, struct sv operand)
{
    struct err err = {0};
    if (operand.n == 0) {
        pickers__open(ui, &picker_of_models);
        return;
    }
    char *model = xstrndup(operand.p, operand.n);
    if (ui->options->host.choose_model(ui->options->host.ctx, model, &err)) {
        view__line(ui, LINE_PROBLEM, err.text);
    }
    free(model);
}

static bool has_export(const struct ui *ui)
{
    return ui->options->host.export_session != NULL;
}

static void run_export(struct ui *ui, struct sv operand)
{
    struct err err = {0};
    char *path = NULL;
    char *format = operand.n ? xstrndup(operand.p, operand.n) : NULL;
    const struct ui_host *host = &ui->options->host;
    if (!ulid_is_set(&ui->session)) {
        hint(ui, "there is nothing to write yet");
    } else if (host->export_session(host->ctx, &ui->session, format, &path, &err)) {
        view__line(ui, LINE_PROBLEM, err.text);
    } else {
        char *text = xasprintf("written to '%s'", path);
        hint(ui, text);
        free(text);
    }
    free(path);
    free(format);
}

/* The name of a file is put into the prompt; alone it is an @ that is completed. */
static void run_attach(struct ui *ui, struct sv operand)
{
    bool blank = sv_find(operand, ' ') < operand.n;
    bool marked = sv_starts_with(operand, SV("@"));
    char *word = operand.n == 0     ? xstrdup("@")
                 : blank && !marked ? xasprintf("@\"%.*s\" ", SV_ARG(operand))
                                    : xasprintf("@%.*s ", SV_ARG(sv_skip(operand, marked ? 1 : 0)));
    (void)editor_insert(ui->editor, sv_from(word));
    if (operand.n == 0) {
        complete_update(ui->complete, editor_text(ui->editor), editor_cursor(ui->editor), true);
    }
    free(word);
}

static void run_editor(struct ui *ui, struct sv operand)
{
    (void)operand;
    outside__edit(ui);
}

/* The last message of that role, said where there is none. */
static bool find_last(struct ui *ui, enum role role, struct transcript_message *ret)
{
    bool found = transcript_last(ui->transcript, role, ret);
    if (!found) {
        hint(ui, "there is no message yet");
    }
    return found;
}

static bool has_ways(const struct ui *ui)
{
    return ui->options->host.send_way != NULL;
}

static void run_select(struct ui *ui, struct sv operand)
{
    (void)operand;
    select__enter(ui);
}

static void run_edit(struct ui *ui, struct sv operand)
{
    struct transcript_message at;
    (void)operand;
    if (find_last(ui, ROLE_USER, &at)) {
        select__edit(ui, &at);
    }
}

static void run_again(struct ui *ui, struct sv operand)
{
    struct transcript_message at;
    (void)operand;
    if (find_last(ui, ROLE_USER, &at)) {
        select__again(ui, &at);
    }
}

static void run_continue(struct ui *ui, struct sv operand)
{
    struct transcript_message at;
    (void)operand;
    if (find_last(ui, ROLE_ASSISTANT, &at)) {
        select__continue(ui, &at);
    }
}

static void run_fork(struct ui *ui, struct sv operand)
{
    struct transcript_message at;
    if (find_last(ui, ROLE_ASSISTANT, &at)) {
        branches__fork(ui, &at.id, operand);
    }
}

static void run_branches(struct ui *ui, struct sv operand)
{
    (void)operand;
    pickers__open(ui, &picker_of_branches);
}

static void run_rename(struct ui *ui, struct sv operand)
{
    if (operand.n == 0) {
        hint(ui, "'/rename TITLE' gives this session another title");
        return;
    }
    sessions__set_title(ui, &ui->session, operand);
}

static void run_label(struct ui *ui, struct sv operand)
{
    if (operand.n == 0) {
        hint(ui, "'/label WORD' adds a label, '/label -WORD' takes it away");
        return;
    }
    sessions__label(ui, &ui->session, operand);
}

static void run_archive(struct ui *ui, struct sv operand)
{
    (void)operand;
    sessions__archive(ui, &ui->session);
}

static void run_delete(struct ui *ui, struct sv operand)
{
    (void)operand;
    sessions__delete(ui, &ui->session);
}

static void run_undo(struct ui *ui, struct sv operand)
{
    (void)operand;
    select__undo(ui, &ui->session);
}

static void run_review(struct ui *ui, struct sv operand)
{
    (void)operand;
    if (ui->plain) {
        plain__review(ui);
    } else {
        review__open(ui, false, SV(""));
    }
}

static const struct ui_command commands[] = {
    {"new", NULL, "begin a new session", ACTION_NEW_SESSION, run_new, NULL},
    {"sessions", NULL, "choose a session and go on with it", ACTION_SESSIONS, run_sessions, NULL},
    {"find", "[WORDS]", "search in this session", ACTION_FIND, run_find, NULL},
    {"search", "[WORDS]", "search in all sessions", ACTION_SEARCH_ALL, run_search, NULL},
    {"model", "[MODEL]", "choose who answers", ACTION_MODELS, run_model, has_models},
    {"copy", "[code [N]]", "copy the last answer, or a code block of it", ACTION_COPY_ANSWER,
     take__copy, NULL},
    {"save", "[N] FILE", "write a code block of the answer to a file", ACTION_NONE, take__save,
     NULL},
    {"open", "[N]", "open a link of the last answer", ACTION_NONE, take__open, NULL},
    {"edit", NULL, "write your last prompt anew, on a branch", ACTION_NONE, run_edit, has_ways},
    {"again", NULL, "another answer to your last prompt", ACTION_NONE, run_again, has_ways},
    {"continue", NULL, "more of the last answer", ACTION_NONE, run_continue, has_ways},
    {"fork", "[NAME]", "a branch that goes on from here", ACTION_NONE, run_fork, NULL},
    {"branches", NULL, "the branches of this session", ACTION_BRANCHES, run_branches, NULL},
    {"select", NULL, "choose a message and do something with it", ACTION_SELECT, run_select, NULL},
    {"rename", "TITLE", "another title for this session", ACTION_NONE, run_rename, NULL},
    {"label", "WORD", "label this session; -WORD takes one away", ACTION_NONE, run_label, NULL},
    {"archive", NULL, "take this session off the list", ACTION_NONE, run_archive, NULL},
    {"delete", NULL, "move this session to the trash", ACTION_NONE, run_delete, NULL},
    {"review", NULL, "judge what was said: note, rating, verdict", ACTION_NONE, run_review, NULL},
    {"undo", NULL, "take the last change of this session back", ACTION_NONE, run_undo, NULL},
    {"attach", "[FILE]", "name a file that goes with the prompt", ACTION_NONE, run_attach, NULL},
    {"editor", NULL, "write the prompt in $EDITOR", ACTION_EDIT_OUTSIDE, run_editor, NULL},
    {"export", "[FORMAT|FILE]", "write this session to a file", ACTION_NONE, run_export,
     has_export},
    {"help", "[WORDS]", "keys and what they do", ACTION_HELP, run_help, NULL},
    {"quit", NULL, "leave", ACTION_LEAVE, run_quit, NULL},
    {.name = NULL},
};

const struct ui_command *commands__all(void)
{
    return commands;
}

static bool works_now(const struct ui *ui, const struct ui_command *command)
{
    return !command->works || command->works(ui);
}

static void hint_unknown(struct ui *ui, struct sv name)
{
    struct nearest nearest = nearest_start(name);
    for (const struct ui_command *command = commands; command->name; command++) {
        if (works_now(ui, command)) {
            nearest_offer(&nearest, command->name);
        }
    }
    char *text = nearest.best
                     ? xasprintf("unknown command; did you mean /%s? // at the beginning sends a "
                                 "slash",
                                 nearest.best)
                     : xstrdup("unknown command; /help lists them, // at the beginning sends a "
                               "slash");
    hint(ui, text);
    free(text);
}

/* "TITLE" and "[N] FILE" have to be given, "[WORDS]" need not. */
static bool needs_operand(const struct ui_command *command)
{
    return command->operand && !sv_ends_with(sv_from(command->operand), SV("]"));
}

void commands__start(struct ui *ui, const struct ui_command *command, struct sv operand)
{
    command->run(ui, operand);
    if (operand.n == 0 && needs_operand(command) && !ui->plain && editor_is_empty(ui->editor)) {
        char *begun = xasprintf("/%s ", command->name);
        (void)editor_insert(ui->editor, sv_from(begun));
        free(begun);
    }
}

/* "/name operand". NULL: there is none of that name. */
static const struct ui_command *command_of(const struct ui *ui, struct sv text)
{
    struct sv name = sv_skip(text, 1);
    name = sv_take(name, sv_find(name, ' '));
    for (const struct ui_command *command = commands; command->name; command++) {
        if (works_now(ui, command) && sv_equal_str(name, command->name)) {
            return command;
        }
    }
    return NULL;
}

bool commands__knows(const struct ui *ui, struct sv text)
{
    return command_of(ui, text) != NULL;
}

bool commands__run(struct ui *ui, struct sv text)
{
    struct sv name = sv_skip(text, 1);
    name = sv_take(name, sv_find(name, ' '));
    struct sv operand = sv_trim(sv_skip(text, 1 + name.n));
    const struct ui_command *command = command_of(ui, text);
    if (!command) {
        hint_unknown(ui, name);
        return false;
    }
    char *own = xstrndup(operand.p ? operand.p : "", operand.n);
    editor_clear(ui->editor, true);
    commands__start(ui, command, sv_from(own));
    free(own);
    return true;
}

void commands__complete(void *ctx, enum complete_kind kind, struct choices *choices)
{
    const struct ui *ui = ctx;
    if (kind == COMPLETE_MODEL) {
        pickers__models(ui, choices);
        return;
    }
    for (const struct ui_command *command = commands; command->name; command++) {
        if (!command->works || command->works(ui)) {
            char *text = xasprintf("/%s", command->name);
            choices_add(choices, sv_from(text), command->help, command->operand);
            free(text);
        }
    }
}
