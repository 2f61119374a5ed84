/*
 * Parsing the command line: long options with = or a value of their own, short ones in clusters, --
 * ends them. Options may stand anywhere; those that every command takes may also stand before its
 * name.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/command_internal.h"
#include "base/alloc.h"
#include "base/nearest.h"

enum global_option { GLOBAL_CONFIG, GLOBAL_DB, GLOBAL_COLOR, GLOBAL_VERBOSE, GLOBAL_QUIET };

static const struct option_spec global_specs[] = {
    [GLOBAL_CONFIG] = {"config", 0, OPTION_TEXT, "FILE", "read this config file"},
    [GLOBAL_DB] = {"db", 0, OPTION_TEXT, "FILE", "use this database"},
    [GLOBAL_COLOR] = {"color", 0, OPTION_TEXT, "WHEN", "auto, always or never"},
    [GLOBAL_VERBOSE] = {"verbose", 'v', OPTION_FLAG, NULL,
                        "log what happens to stderr (chat: to a file)"},
    [GLOBAL_QUIET] = {"quiet", 'q', OPTION_FLAG, NULL, "no remarks on stderr"},
    {"help", 'h', OPTION_FLAG, NULL, "show this help"},
    {"version", 0, OPTION_FLAG, NULL, "show the version"},
    {.name = NULL},
};
#define GLOBAL_HELP (GLOBAL_QUIET + 1)
#define GLOBAL_VERSION (GLOBAL_QUIET + 2)

struct parser {
    int argc, at;
    char **argv;
    struct command_line *line;
    const char *global[COUNT_OF(global_specs)];
    size_t rest_count, mention_count;
};

/* Where an option's value goes. */
struct slot {
    const struct option_spec *spec;
    const char **value;
};

const struct option_spec *global_option_specs(void)
{
    return global_specs;
}

static bool is_named(const struct option_spec *spec, struct sv name, char letter)
{
    return letter ? spec->letter == letter : sv_equal_str(name, spec->name);
}

/* By name, or by letter where that is not 0. The command's own options go first. */
static struct slot find_option(struct parser *parser, struct sv name, char letter)
{
    struct arguments *arguments = &parser->line->arguments;
    for (size_t i = 0; arguments->specs && arguments->specs[i].name; i++) {
        if (is_named(&arguments->specs[i], name, letter)) {
            return (struct slot){&arguments->specs[i], &arguments->values[i]};
        }
    }
    for (size_t i = 0; global_specs[i].name; i++) {
        if (is_named(&global_specs[i], name, letter)) {
            return (struct slot){&global_specs[i], &parser->global[i]};
        }
    }
    return (struct slot){NULL, NULL};
}

static enum err_code unknown_option(struct parser *parser, struct sv name, struct err *err)
{
    struct nearest nearest = nearest_start(name);
    const struct option_spec *own = parser->line->arguments.specs;
    for (; own && own->name; own++) {
        nearest_offer(&nearest, own->name);
    }
    for (size_t i = 0; global_specs[i].name; i++) {
        nearest_offer(&nearest, global_specs[i].name);
    }
    const char *best = nearest.best;
    return err_set(err, ERR_USAGE, "unknown option '--%.*s'%s%s%s", SV_ARG(sv_take(name, 80)),
                   best ? " (did you mean '--" : "", best ? best : "", best ? "'?)" : "");
}

static bool is_number(const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);
    return *text >= '0' && *text <= '9' && *end == '\0' && isfinite(value);
}

static enum err_code set_value(struct parser *parser, struct slot slot, const char *value,
                               struct err *err)
{
    if (slot.spec->kind == OPTION_NUMBER && !is_number(value)) {
        return err_set(err, ERR_USAGE, "option '--%s' takes a number, not '%.80s'", slot.spec->name,
                       value);
    }
    if (slot.spec->kind == OPTION_LIST) {
        parser->line->mentions[parser->mention_count++] = (struct option_mention){slot.spec, value};
    }
    *slot.value = value;
    return ERR_OK;
}

/* Takes the next word as the option's value. */
static enum err_code set_from_next(struct parser *parser, struct slot slot, struct err *err)
{
    if (parser->at >= parser->argc) {
        return err_set(err, ERR_USAGE, "option '--%s' needs a value: %s", slot.spec->name,
                       slot.spec->value);
    }
    return set_value(parser, slot, parser->argv[parser->at++], err);
}

static enum err_code take_long(struct parser *parser, const char *word, struct err *err)
{
    struct sv text = sv_from(word + 2);
    size_t equals = sv_find(text, '=');
    struct sv name = sv_take(text, equals);
    struct slot slot = find_option(parser, name, 0);
    if (!slot.spec) {
        return unknown_option(parser, name, err);
    }
    bool has_value = equals < text.n;
    if (slot.spec->kind == OPTION_FLAG) {
        return has_value ? err_set(err, ERR_USAGE, "option '--%s' takes no value", slot.spec->name)
                         : set_value(parser, slot, "", err);
    }
    return has_value ? set_value(parser, slot, text.p + equals + 1, err)
                     : set_from_next(parser, slot, err);
}

static enum err_code take_cluster(struct parser *parser, const char *word, struct err *err)
{
    for (const char *letter = word + 1; *letter; letter++) {
        struct slot slot = find_option(parser, SV(""), *letter);
        if (!slot.spec) {
            bool plain = *letter > ' ' && *letter <= '~';
            return err_set(err, ERR_USAGE, "unknown option '-%c'", plain ? *letter : '?');
        }
        enum err_code code = ERR_OK;
        if (slot.spec->kind == OPTION_FLAG) {
            code = set_value(parser, slot, "", err);
        } else if (letter[1]) {
            return set_value(parser, slot, letter + 1, err);
        } else {
            code = set_from_next(parser, slot, err);
        }
        if (code) {
            return code;
        }
    }
    return ERR_OK;
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

/* One word that is an option, with its value if that stands apart. */
static enum err_code take_option(struct parser *parser, struct err *err)
{
    const char *word = parser->argv[parser->at++];
    return word[1] == '-' ? take_long(parser, word, err) : take_cluster(parser, word, err);
}

/* The options that every command takes, before the command's name. */
static enum err_code take_leading(struct parser *parser, struct err *err)
{
    while (parser->at < parser->argc && is_option(parser->argv[parser->at])) {
        const char *word = parser->argv[parser->at];
        struct sv name = sv_from(word + 2);
        bool is_long = word[1] == '-';
        if (strcmp(word, "--") == 0 ||
            !find_option(parser, is_long ? sv_take(name, sv_find(name, '=')) : SV(""),
                         is_long ? '\0' : word[1])
                 .spec) {
            return ERR_OK;
        }
        enum err_code code = take_option(parser, err);
        if (code) {
            return code;
        }
    }
    return ERR_OK;
}

static const struct command *find_command(const char *name)
{
    for (const struct command *const *command = commands(); *command; command++) {
        if (strcmp((*command)->name, name) == 0) {
            return *command;
        }
    }
    return NULL;
}

/* -p somewhere among the options makes it a headless run. */
static bool asks_for_run(const struct parser *parser)
{
    for (int i = parser->at; i < parser->argc && strcmp(parser->argv[i], "--") != 0; i++) {
        if (strcmp(parser->argv[i], "-p") == 0 || strcmp(parser->argv[i], "--prompt") == 0) {
            return true;
        }
    }
    return false;
}

static enum err_code unknown_command(const char *word, struct err *err)
{
    struct nearest nearest = nearest_start(sv_from(word));
    for (const struct command *const *command = commands(); *command; command++) {
        nearest_offer(&nearest, (*command)->name);
    }
    if (nearest.best) {
        return err_set(
            err, ERR_USAGE,
            "unknown command '%.80s' (did you mean '%s'?); a prompt goes with 'weir run'", word,
            nearest.best);
    }
    return err_set(err, ERR_USAGE, "unknown command '%.80s': to send it as a prompt, 'weir run …'",
                   word);
}

/* Names the command, by word or by what stands there instead. */
static enum err_code take_command(struct parser *parser, struct err *err)
{
    struct command_line *line = parser->line;
    bool at_end = parser->at >= parser->argc;
    if (at_end || is_option(parser->argv[parser->at])) {
        bool is_bare = at_end && (parser->global[GLOBAL_HELP] || parser->global[GLOBAL_VERSION]);
        line->command = is_bare ? NULL : asks_for_run(parser) ? &command_run : &command_chat;
        line->is_implied = line->command == &command_chat;
        return ERR_OK;
    }
    const char *word = parser->argv[parser->at];
    if (strcmp(word, "help") == 0) {
        parser->global[GLOBAL_HELP] = "";
        parser->at++;
        word = parser->at < parser->argc ? parser->argv[parser->at] : NULL;
    }
    line->command = word ? find_command(word) : NULL;
    if (word && !line->command) {
        return unknown_command(word, err);
    }
    parser->at += word != NULL;
    return ERR_OK;
}

/* 'weir -m demo run hello': options of a command before its name. */
static bool names_command(const struct parser *parser, const char *word)
{
    return parser->line->is_implied && parser->rest_count == 0 && find_command(word) != NULL;
}

static enum err_code take_rest(struct parser *parser, struct err *err)
{
    bool only_operands = false;
    while (parser->at < parser->argc) {
        const char *word = parser->argv[parser->at];
        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = true;
            parser->at++;
        } else if (!only_operands && is_option(word)) {
            enum err_code code = take_option(parser, err);
            if (code) {
                return code;
            }
        } else if (!only_operands && names_command(parser, word)) {
            return err_set(err, ERR_USAGE,
                           "'%s' comes first, its options follow: weir %s [OPTIONS]", word, word);
        } else {
            parser->line->rest[parser->rest_count++] = word;
            parser->at++;
        }
    }
    return ERR_OK;
}

static enum err_code finish(struct parser *parser, struct err *err)
{
    struct command_line *line = parser->line;
    line->help = parser->global[GLOBAL_HELP] != NULL;
    line->version = parser->global[GLOBAL_VERSION] != NULL;
    line->global = (struct global_options){.config_path = parser->global[GLOBAL_CONFIG],
                                           .db_path = parser->global[GLOBAL_DB],
                                           .color = parser->global[GLOBAL_COLOR],
                                           .verbose = parser->global[GLOBAL_VERBOSE] != NULL,
                                           .quiet = parser->global[GLOBAL_QUIET] != NULL};
    line->arguments.rest = line->rest;
    line->arguments.rest_count = parser->rest_count;
    line->arguments.mentions = line->mentions;
    line->arguments.mention_count = parser->mention_count;
    const char *color = line->global.color ? line->global.color : "auto";
    if (strcmp(color, "auto") != 0 && strcmp(color, "always") != 0 && strcmp(color, "never") != 0) {
        return err_set(err, ERR_USAGE,
                       "--color is '%.40s', expected one of 'auto', 'always', 'never'", color);
    }
    line->global.color = color;
    return ERR_OK;
}

enum err_code command__parse(int argc, char **argv, struct command_line *ret, struct err *err)
{
    *ret = (struct command_line){.command = NULL};
    ret->rest = xcalloc((size_t)argc + 1, sizeof *ret->rest);
    ret->mentions = xcalloc((size_t)argc + 1, sizeof *ret->mentions);
    struct parser parser = {.argc = argc, .at = argc > 0 ? 1 : 0, .argv = argv, .line = ret};
    enum err_code code = take_leading(&parser, err);
    code = code ? code : take_command(&parser, err);
    if (!code && ret->command) {
        ret->arguments.specs = ret->command->options;
        code = take_rest(&parser, err);
    }
    return code ? code : finish(&parser, err);
}

void command_line_release(struct command_line *line)
{
    free(line->rest);
    free(line->mentions);
    *line = (struct command_line){.command = NULL};
}
