/* What may stand in a place of the command line. */
#include "app/completing.h"

#include <string.h>

#include "app/command_internal.h"
#include "app/opening.h"
#include "app/output.h"
#include "base/safe.h"
#include "store/label.h"

/* Of the most recent ones. */
#define SESSIONS_OFFERED 1000

/* Words that help writes as prose. */
struct choice {
    const char *of; /* an option, or a command */
    const char *words;
};

static const struct choice values[] = {
    {"output-format", "text json stream-json"},
    {"format", "md html json jsonl txt"},
    {"from", "chat run import"},
    {"by", "day model session label"},
    {"role", "user assistant"},
    {"verdict", "good bad"},
    {"color", "auto always never"},
    {"state", "running completed failed cancelled interrupted"},
    {"status", "active idle ended"},
    {"reasoning-effort", "none minimal low medium high xhigh max"},
    {.of = NULL},
};

static const struct choice verbs[] = {
    {"session", "list show new rename set label unlabel archive unarchive fork branches switch "
                "delete restore purge undo"},
    {"completions", "bash zsh fish"},
    {"config", "init show path check"},
    {.of = NULL},
};

struct asked {
    struct global_options global;
    const struct command *command;      /* NULL: none was named yet */
    const struct option_spec *value_of; /* the last word is the value of this option, or NULL */
    size_t operands;                    /* before the last word */
    struct sv word;
    struct buf *out;
};

static void offer(struct asked *asked, const char *word, const char *about)
{
    if (sv_equal(sv_take(sv_from(word), asked->word.n), asked->word) && *word) {
        (void)safe_append(asked->out, sv_from(word), SAFE_ONE_LINE);
        buf_append_str(asked->out, about && *about ? "\t" : "");
        (void)safe_append(asked->out, sv_from(about ? about : ""), SAFE_ONE_LINE);
        buf_append_byte(asked->out, '\n');
    }
}

static void offer_choices(struct asked *asked, const struct choice *choice, const char *of)
{
    while (choice->of && strcmp(choice->of, of) != 0) {
        choice++;
    }
    struct sv rest = sv_from(choice->words);
    while (rest.n > 0) {
        size_t blank = sv_find(rest, ' ');
        struct buf word = BUF_INIT(64);
        buf_append_sv(&word, sv_take(rest, blank));
        offer(asked, buf_cstr(&word), NULL);
        buf_release(&word);
        rest = sv_skip(rest, blank + 1);
    }
}

/* ---- what the database and the config name ---- */

static bool open_quietly(const struct asked *asked, struct reading *ret_reading)
{
    return reading_open(&asked->global, ret_reading, NULL) == ERR_OK;
}

static void offer_sessions(struct asked *asked)
{
    struct reading reading;
    struct session_list list = {NULL, 0, false};
    const struct session_window newest = {.limit = SESSIONS_OFFERED};
    if (!open_quietly(asked, &reading)) {
        return;
    }
    if (session_list(reading.store, NULL, &newest, &list, NULL) == ERR_OK) {
        for (size_t i = 0; i < list.count; i++) {
            offer(asked, list.sessions[i].handle, list.sessions[i].title);
            offer(asked, list.sessions[i].name ? list.sessions[i].name : "",
                  list.sessions[i].title);
        }
        session_list_release(&list);
    }
    reading_close(&reading);
}

static bool is_before(const struct session_list *list, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (list->sessions[i].model &&
            strcmp(list->sessions[i].model, list->sessions[at].model) == 0) {
            return true;
        }
    }
    return false;
}

/* Aliases, the default, those of the config, and those that answered lately. */
static void offer_models(struct asked *asked)
{
    struct reading reading;
    struct session_list list = {NULL, 0, false};
    const struct session_window newest = {.limit = 100};
    if (!open_quietly(asked, &reading)) {
        return;
    }
    const struct config *config = reading.config;
    for (size_t i = 0; i < config->alias_count; i++) {
        offer(asked, config->aliases[i].name, config->aliases[i].model);
    }
    offer(asked, config->model ? config->model : "", "the default");
    for (size_t i = 0; i < config->model_count; i++) {
        offer(asked, config->models[i].name, NULL);
    }
    offer(asked, "demo", "answers offline");
    if (session_list(reading.store, NULL, &newest, &list, NULL) == ERR_OK) {
        for (size_t i = 0; i < list.count; i++) {
            const char *model = list.sessions[i].model;
            if (model && !is_before(&list, i) &&
                !(config->model && strcmp(model, config->model) == 0)) {
                offer(asked, model, NULL);
            }
        }
        session_list_release(&list);
    }
    reading_close(&reading);
}

static void offer_labels(struct asked *asked)
{
    struct reading reading;
    struct label_list list = {NULL, 0};
    if (!open_quietly(asked, &reading)) {
        return;
    }
    if (label_list(reading.store, NULL, &list, NULL) == ERR_OK) {
        for (size_t i = 0; i < list.count; i++) {
            offer(asked, list.labels[i].name, NULL);
        }
        label_list_release(&list);
    }
    reading_close(&reading);
}

static void offer_roles(struct asked *asked)
{
    struct config *config = NULL;
    if (open_config_tolerantly(&asked->global, &config, NULL)) {
        return;
    }
    for (size_t i = 0; i < config->roles.count; i++) {
        offer(asked, config->roles.items[i].name, config->roles.items[i].model);
    }
    config_free(config);
}

/* ---- which of them ---- */

/* By the name that help gives to an argument; it may say more than one. */
static void offer_argument(struct asked *asked, const char *name)
{
    static const struct {
        const char *word;
        void (*offer)(struct asked *asked);
    } kinds[] = {{"SESSION", offer_sessions}, {"MODEL", offer_models}, {"LABEL", offer_labels}};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (strstr(name, kinds[i].word)) {
            kinds[i].offer(asked);
        }
    }
    if (strstr(name, "FILE")) {
        buf_append_str(asked->out, ":\n");
    }
}

static void offer_option_value(struct asked *asked)
{
    const char *name = asked->value_of->value ? asked->value_of->value : "";
    if (asked->command == &command_run && strcmp(asked->value_of->name, "role") == 0) {
        offer_roles(asked);
        return;
    }
    offer_choices(asked, values, asked->value_of->name);
    offer_argument(asked, name);
}

static void offer_options_of(struct asked *asked, const struct option_spec *specs)
{
    for (; specs && specs->name; specs++) {
        struct buf word = BUF_INIT(128);
        buf_appendf(&word, "--%s", specs->name);
        offer(asked, buf_cstr(&word), specs->help);
        buf_release(&word);
    }
}

static void offer_commands(struct asked *asked)
{
    for (const struct command *const *command = commands(); *command; command++) {
        offer(asked, (*command)->name, (*command)->summary);
    }
    offer(asked, "help", "what a command does");
}

static void offer_operands(struct asked *asked)
{
    if (asked->operands == 0) {
        offer_choices(asked, verbs, asked->command->name);
    }
    /* Behind a verb, where the command has verbs. */
    bool has_verbs = strstr(asked->command->operands ? asked->command->operands : "", "VERB");
    if (asked->command->operands && (!has_verbs || asked->operands > 0)) {
        offer_argument(asked, asked->command->operands);
    }
}

/* "--name" or "-x" as the last option of a cluster; NULL: unknown. */
static const struct option_spec *spec_in(const struct option_spec *specs, struct sv word)
{
    for (; specs && specs->name; specs++) {
        bool is_long = sv_starts_with(word, SV("--"));
        if (is_long ? sv_equal_str(sv_skip(word, 2), specs->name)
                    : specs->letter && word.p[word.n - 1] == specs->letter) {
            return specs;
        }
    }
    return NULL;
}

static const struct option_spec *spec_of(const struct asked *asked, struct sv word)
{
    const struct option_spec *spec = asked->command ? spec_in(asked->command->options, word) : NULL;
    return spec ? spec : spec_in(global_option_specs(), word);
}

static const struct command *command_named(const char *name)
{
    const struct command *const *command = commands();
    while (*command && strcmp((*command)->name, name) != 0) {
        command++;
    }
    return *command;
}

static bool takes_value(const struct option_spec *spec)
{
    return spec && spec->kind != OPTION_FLAG;
}

static void note_global(struct asked *asked, const struct option_spec *spec, const char *value)
{
    if (strcmp(spec->name, "config") == 0) {
        asked->global.config_path = value;
    } else if (strcmp(spec->name, "db") == 0) {
        asked->global.db_path = value;
    }
}

/* Goes over the words before the last one. */
static void look_back(struct asked *asked, char **words, size_t count)
{
    for (size_t i = 0; i + 1 < count; i++) {
        struct sv word = sv_from(words[i]);
        const struct option_spec *spec = NULL;
        bool is_option = word.n > 1 && word.p[0] == '-';
        if (is_option && sv_find(word, '=') == word.n) {
            spec = spec_of(asked, word);
        }
        if (sv_equal_str(word, "-p")) {
            asked->command = &command_run;
        } else if (takes_value(spec) && i + 2 == count) {
            asked->value_of = spec;
        } else if (takes_value(spec)) {
            note_global(asked, spec, words[++i]);
        } else if (!is_option && !asked->command && !sv_equal_str(word, "help")) {
            asked->command = command_named(words[i]);
        } else if (!is_option) {
            asked->operands++;
        }
    }
}

/* --name=VALUE: the answers are whole words. */
static bool offer_joined_value(struct asked *asked)
{
    size_t at = sv_find(asked->word, '=');
    if (!sv_starts_with(asked->word, SV("--")) || at == asked->word.n) {
        return false;
    }
    struct sv option = sv_take(asked->word, at);
    asked->value_of = spec_of(asked, option);
    struct buf found = BUF_INIT(BUF_MAX_INTERNAL);
    struct buf *out = asked->out;
    if (takes_value(asked->value_of)) {
        asked->out = &found;
        asked->word = sv_skip(asked->word, at + 1);
        offer_option_value(asked);
    }
    struct sv rest = buf_sv(&found);
    struct sv line;
    while (sv_next_line(&rest, &line)) {
        bool is_file = sv_equal_str(line, ":");
        buf_append_sv(out, is_file ? (struct sv){"", 0} : option);
        buf_append_str(out, is_file ? "" : "=");
        buf_append_sv(out, line);
        buf_append_byte(out, '\n');
    }
    buf_release(&found);
    return true;
}

/* Appends the answers for a command line without its first word; `count` is at least 1. */
static void append_answers(char **words, size_t count, struct buf *out)
{
    struct asked asked = {.word = sv_from(words[count - 1]), .out = out};
    look_back(&asked, words, count);
    if (asked.value_of) {
        offer_option_value(&asked);
    } else if (offer_joined_value(&asked)) {
        return;
    } else if (asked.word.n > 0 && asked.word.p[0] == '-') {
        offer_options_of(&asked, asked.command ? asked.command->options : NULL);
        offer_options_of(&asked, global_option_specs());
    } else if (!asked.command) {
        offer_commands(&asked);
    } else {
        offer_operands(&asked);
    }
}

static int print_names(void)
{
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    for (const struct command *const *command = commands(); *command; command++) {
        buf_appendf(&out, "%s\n", (*command)->name);
    }
    int exit_code = output_result(buf_sv(&out));
    buf_release(&out);
    return exit_code;
}

static int print_manual(const char *name)
{
    const struct command *command = command_named(name);
    if (!command) {
        struct err err = {0};
        err_set(&err, ERR_USAGE, "'%.40s' is no command", name);
        return command_fail(&err);
    }
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    manual_append(command, &out);
    int exit_code = output_result(buf_sv(&out));
    buf_release(&out);
    return exit_code;
}

bool completing_main(int argc, char **argv, int *ret_exit_code)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "__man") == 0) {
        *ret_exit_code = argc > 2 ? print_manual(argv[2]) : print_names();
        return true;
    }
    if (strcmp(what, "__complete") != 0) {
        return false;
    }
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    if (argc > 2) {
        append_answers(argv + 2, (size_t)argc - 2, &out);
    }
    *ret_exit_code = output_result(buf_sv(&out));
    buf_release(&out);
    return true;
}
