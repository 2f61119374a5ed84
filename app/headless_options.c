/* The options of a headless run, one after the other, then what excludes what. */
#include "app/headless_options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/json.h"
#include "app/money.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "store/attachment.h"

#define SECONDS_MOST 1e9
#define TOKENS_MOST 1e9
#define TEMPERATURE_MOST 2.0
#define MILLIONTHS 1e6

const struct option_spec headless_option_specs[] = {
    {"model", 'm', OPTION_TEXT, "MODEL", "PROVIDER/MODEL, an alias, or 'demo'"},
    {"continue", 'c', OPTION_FLAG, NULL, "go on in the last session, or begin one"},
    {"session", 's', OPTION_TEXT, "SESSION", "go on in this session (id, handle or name)"},
    {"resume", 'r', OPTION_TEXT, "SESSION", "the same"},
    {"session-id", 0, OPTION_TEXT, "ID", "the session you call ID; made if it is not there"},
    {"fork", 0, OPTION_FLAG, NULL, "go on in a copy of that session"},
    {"system", 0, OPTION_TEXT, "TEXT|@FILE", "instructions for the model"},
    {"role", 0, OPTION_TEXT, "NAME", "take [role.NAME] of the config"},
    {"attach", 'a', OPTION_LIST, "FILE|DIR|-", "text, image or folder; several times if need be"},
    {"json-schema", 0, OPTION_TEXT, "FILE", "the answer has to follow this schema (else exit 6)"},
    {"extract", 'x', OPTION_FLAG, NULL, "only the first code block (exit 6: there is none)"},
    {"output-format", 0, OPTION_TEXT, "FORMAT", "text, json or stream-json (text)"},
    {"json", 0, OPTION_FLAG, NULL, "the same as --output-format json"},
    {"output", 'o', OPTION_TEXT, "FILE", "write the answer to FILE, whole or not at all"},
    {"usage", 'u', OPTION_FLAG, NULL, "tokens and cost to stderr"},
    {"request-id", 0, OPTION_TEXT, "KEY", "ask once: the same KEY again prints the stored answer"},
    {"wait", 0, OPTION_FLAG, NULL, "with --request-id: follow an answer that runs elsewhere"},
    {"no-stream", 0, OPTION_FLAG, NULL, "print text when it is whole"},
    {"record", 0, OPTION_TEXT, "FILE", "record the answer's events, for 'weir replay'"},
    {"no-save", 'n', OPTION_FLAG, NULL, "keep nothing of this run"},
    {"no-answer", 0, OPTION_FLAG, NULL, "store the prompt, ask nobody"},
    {"timeout", 0, OPTION_NUMBER, "S", "give up after S seconds (exit 124)"},
    {"max-cost", 0, OPTION_TEXT, "MONEY", "US dollars that the answer may cost (exit 5)"},
    {"max-tokens", 0, OPTION_NUMBER, "N", "of the answer, reasoning included (cut: exit 3)"},
    {"temperature", 0, OPTION_NUMBER, "X", "0 to 2"},
    {"reasoning-effort", 0, OPTION_TEXT, "E", "none, minimal, low, medium, high, xhigh or max"},
    {"show-reasoning", 0, OPTION_FLAG, NULL, "reasoning to stderr"},
    {"no-stdin", 0, OPTION_FLAG, NULL, "do not look at stdin"},
    {"raw", 0, OPTION_FLAG, NULL, "text as it comes, also to a terminal"},
    {"prompt", 'p', OPTION_FLAG, NULL, "as in 'weir -p PROMPT': run, without the screen"},
    {.name = NULL},
};

static enum err_code read_format(struct headless_options *options, struct err *err)
{
    const char *name = argument_text(options->arguments, "output-format");
    if (name && !headless_format_parse(name, &options->format)) {
        return err_set(err, ERR_USAGE,
                       "--output-format is '%.40s', expected one of 'text', 'json', 'stream-json'",
                       name);
    }
    if (argument_flag(options->arguments, "json")) {
        if (name && options->format != HEADLESS_JSON) {
            return err_set(err, ERR_USAGE, "--json and --output-format %s exclude each other",
                           name);
        }
        options->format = HEADLESS_JSON;
    }
    const char *path = argument_text(options->arguments, "output");
    options->output_path = path && strcmp(path, "-") != 0 ? path : NULL;
    if (options->output_path && options->format == HEADLESS_STREAM_JSON) {
        return err_set(err, ERR_USAGE, "--output cannot take stream-json: redirect stdout");
    }
    return ERR_OK;
}

static enum err_code read_limits(struct headless_options *options, struct err *err)
{
    const char *seconds = argument_text(options->arguments, "timeout");
    const char *money = argument_text(options->arguments, "max-cost");
    options->deadline_us = CLOCK_NEVER;
    if (seconds) {
        double limit = strtod(seconds, NULL);
        if (limit <= 0) {
            return err_set(err, ERR_USAGE, "--timeout takes a number of seconds above 0");
        }
        limit = limit < SECONDS_MOST ? limit : SECONDS_MOST;
        options->deadline_us = clock_mono_us() + (int64_t)(limit * MILLIONTHS);
    }
    options->has_max_cost = money != NULL;
    if (money && !money_parse(sv_from(money), MONEY_PLACES, &options->max_cost_micros)) {
        return err_set(err, ERR_USAGE, "--max-cost is '%.40s', expected US dollars such as '0.25'",
                       money);
    }
    return ERR_OK;
}

static bool is_effort(const char *text)
{
    static const char *const efforts[] = {"none", "minimal", "low", "medium",
                                          "high", "xhigh",   "max"};
    for (size_t i = 0; i < COUNT_OF(efforts); i++) {
        if (strcmp(text, efforts[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum err_code read_chat(struct headless_options *options, struct err *err)
{
    struct chat_options *chat = &options->chat;
    const char *tokens = argument_text(options->arguments, "max-tokens");
    const char *temperature = argument_text(options->arguments, "temperature");
    const char *effort = argument_text(options->arguments, "reasoning-effort");
    if (tokens) {
        double count = strtod(tokens, NULL);
        if (!(count >= 1 && count <= TOKENS_MOST) || floor(count) < count) {
            return err_set(err, ERR_USAGE, "--max-tokens takes a whole number of at least 1");
        }
        chat->has_max_tokens = true;
        chat->max_tokens = (int64_t)count;
    }
    if (temperature) {
        chat->has_temperature = true;
        chat->temperature = strtod(temperature, NULL);
        if (!(chat->temperature >= 0 && chat->temperature <= TEMPERATURE_MOST)) {
            return err_set(err, ERR_USAGE, "--temperature takes a number from 0 to 2");
        }
    }
    if (effort && !is_effort(effort)) {
        return err_set(err, ERR_USAGE,
                       "--reasoning-effort is '%.40s', expected one of 'none', "
                       "'minimal', 'low', 'medium', 'high', 'xhigh', 'max'",
                       effort);
    }
    chat->effort = sv_from(effort);
    chat->show_reasoning = options->show_reasoning;
    return ERR_OK;
}

static enum err_code read_session(struct headless_options *options, struct err *err)
{
    const struct arguments *arguments = options->arguments;
    const char *session = argument_text(arguments, "session");
    const char *resume = argument_text(arguments, "resume");
    options->session = session ? session : resume;
    options->session_key = argument_text(arguments, "session-id");
    options->continues = argument_flag(arguments, "continue");
    options->forks = argument_flag(arguments, "fork");
    options->saves_nothing = argument_flag(arguments, "no-save");
    int named =
        (session != NULL) + (resume != NULL) + (options->session_key != NULL) + options->continues;
    if (named > 0 && options->saves_nothing) {
        return err_set(err, ERR_USAGE, "--no-save cannot go on in a session");
    }
    if (named > 1) {
        return err_set(err, ERR_USAGE,
                       "--continue, --session, --resume and --session-id exclude each other");
    }
    if (options->session_key && !*options->session_key) {
        return err_set(err, ERR_USAGE, "--session-id is empty");
    }
    if (options->forks && !options->session && !options->continues) {
        return err_set(err, ERR_USAGE, "--fork needs --session or --continue: what to copy");
    }
    return ERR_OK;
}

static enum err_code read_key(struct headless_options *options, struct err *err)
{
    options->request_key = argument_text(options->arguments, "request-id");
    options->waits = argument_flag(options->arguments, "wait");
    if (options->request_key && !*options->request_key) {
        return err_set(err, ERR_USAGE, "--request-id is empty");
    }
    if (options->request_key && options->saves_nothing) {
        return err_set(err, ERR_USAGE,
                       "--request-id needs the stored answer, --no-save stores none");
    }
    if (options->waits && !options->request_key) {
        return err_set(err, ERR_USAGE, "--wait follows the answer of a --request-id: give one");
    }
    if (options->unanswered && options->saves_nothing) {
        return err_set(err, ERR_USAGE, "--no-answer stores the prompt, --no-save stores nothing");
    }
    return ERR_OK;
}

enum err_code headless_options_read(const struct arguments *arguments,
                                    struct headless_options *ret_options, struct err *err)
{
    *ret_options = (struct headless_options){
        .arguments = arguments,
        .model = argument_text(arguments, "model"),
        .unanswered = argument_flag(arguments, "no-answer"),
        .only_code = argument_flag(arguments, "extract"),
        .no_stream = argument_flag(arguments, "no-stream"),
        .no_stdin = argument_flag(arguments, "no-stdin"),
        .raw = argument_flag(arguments, "raw"),
        .show_usage = argument_flag(arguments, "usage"),
        .show_reasoning = argument_flag(arguments, "show-reasoning"),
    };
    /* The format first: a failure is printed in it. */
    enum err_code code = read_format(ret_options, err);
    code = code ? code : read_limits(ret_options, err);
    code = code ? code : read_chat(ret_options, err);
    code = code ? code : read_session(ret_options, err);
    return code ? code : read_key(ret_options, err);
}

/* ---- with the config ---- */

static enum err_code take_role(struct headless_options *options, const struct config *config,
                               struct err *err)
{
    const char *name = argument_text(options->arguments, "role");
    const struct config_role *role = name ? config_role_find(&config->roles, name) : NULL;
    if (name && !role) {
        return err_set(err, ERR_CONFIG, "there is no role '%.80s': expected [role.%.80s] in '%s'",
                       name, name, config->path);
    }
    if (!role) {
        return ERR_OK;
    }
    struct chat_options *chat = &options->chat;
    options->model = options->model ? options->model : role->model;
    if (!options->has_system && role->system) {
        options->has_system = true;
        options->system = xstrdup(role->system);
    }
    if (!chat->has_temperature && role->temperature != ROLE_UNSET) {
        chat->has_temperature = true;
        chat->temperature = (double)role->temperature / MILLIONTHS;
    }
    if (!chat->has_max_tokens && role->max_tokens != ROLE_UNSET) {
        chat->has_max_tokens = true;
        chat->max_tokens = role->max_tokens;
    }
    chat->effort = chat->effort.n > 0 ? chat->effort : sv_from(role->effort);
    return ERR_OK;
}

static enum err_code read_schema(struct headless_options *options, struct err *err)
{
    const char *path = argument_text(options->arguments, "json-schema");
    if (!path) {
        return ERR_OK;
    }
    char *name = xasprintf("@%s", path);
    enum err_code code = headless_text_option(name, &options->schema, err);
    free(name);
    if (code) {
        return code;
    }
    cJSON *tree = json_parse(sv_from(options->schema));
    if (!cJSON_IsObject(tree)) {
        code = err_set(err, ERR_INVALID, "'%s' is no JSON Schema: expected a JSON object", path);
    }
    cJSON_Delete(tree);
    options->chat.schema = sv_from(options->schema);
    return code;
}

enum err_code headless_options_complete(struct headless_options *options,
                                        const struct config *config, struct err *err)
{
    const char *system = argument_text(options->arguments, "system");
    enum err_code code = system ? headless_text_option(system, &options->system, err) : ERR_OK;
    options->has_system = !code && system;
    code = code ? code : take_role(options, config, err);
    return code ? code : read_schema(options, err);
}

void headless_options_release(struct headless_options *options)
{
    free(options->system);
    free(options->schema);
    options->system = options->schema = NULL;
    options->chat.schema = (struct sv){NULL, 0};
}

/* ---- the fingerprint ---- */

/* Name, length, bytes: no two lists of fields give the same text. */
static void add_field(struct buf *out, const char *name, struct sv value)
{
    buf_appendf(out, "%s %zu ", name, value.n);
    buf_append_sv(out, value);
    buf_append_byte(out, '\n');
}

static void add_hash(struct buf *out, const char *name, struct sv value)
{
    char hash[ATTACHMENT_ID_LENGTH + 1];
    attachment_id(value, hash);
    add_field(out, name, sv_from(hash));
}

void headless_fingerprint(const struct headless_options *options, struct sv prompt,
                          const struct chat_attachment *attachments, size_t attachment_count,
                          struct buf *out)
{
    static const char *const texts[] = {"model", "role", "max-tokens", "temperature",
                                        "reasoning-effort"};
    static const char *const flags[] = {"continue", "fork", "no-answer"};
    char hash[ATTACHMENT_ID_LENGTH + 1];
    struct buf fields = BUF_INIT(BUF_MAX_INTERNAL);
    add_hash(&fields, "prompt", prompt);
    for (size_t i = 0; i < attachment_count; i++) {
        add_field(&fields, "attachment", attachments[i].id);
    }
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const char *given = argument_text(options->arguments, texts[i]);
        if (given) {
            add_field(&fields, texts[i], sv_from(given));
        }
    }
    for (size_t i = 0; i < COUNT_OF(flags); i++) {
        if (argument_flag(options->arguments, flags[i])) {
            add_field(&fields, flags[i], SV(""));
        }
    }
    if (argument_flag(options->arguments, "system")) {
        add_hash(&fields, "system", sv_from(options->system));
    }
    if (options->schema) {
        add_hash(&fields, "json-schema", sv_from(options->schema));
    }
    attachment_id(buf_sv(&fields), hash);
    buf_append_str(out, hash);
    buf_release(&fields);
}
