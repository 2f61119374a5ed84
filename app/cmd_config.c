/* weir config: where the config is, what it says, whether it is sound. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/opening.h"
#include "app/output.h"
#include "app/provider.h"
#include "base/file.h"

static const struct option_spec options[] = {
    {.name = NULL},
};

static void line(struct buf *out, const char *name, const char *value)
{
    buf_appendf(out, "%s = ", name);
    if (value) {
        buf_appendf(out, "\"%s\"\n", value);
    } else {
        buf_append_str(out, "(not set)\n");
    }
}

/* Where a key comes from, never what it is. */
static void append_key_source(struct buf *out, const struct config_provider *provider)
{
    if (provider->api_key_env) {
        line(out, "  api_key_env", provider->api_key_env);
    } else if (provider->api_key_cmd) {
        buf_appendf(out, "  api_key_cmd = [\"%s\", ...]\n", provider->api_key_cmd[0]);
    } else if (provider->api_key_file) {
        line(out, "  api_key_file", provider->api_key_file);
    }
}

static void append_provider(struct buf *out, const struct config_provider *provider)
{
    const char *url = provider->base_url ? provider->base_url : provider->type->base_url;
    buf_appendf(out, "[provider.%s]\n", provider->name);
    line(out, "  type", provider->type->name);
    line(out, "  base_url", url);
    append_key_source(out, provider);
    if (provider->api_version) {
        line(out, "  api_version", provider->api_version);
    }
    for (char **header = provider->headers; header && *header; header++) {
        /* A header's value may be a secret. */
        buf_appendf(out, "  headers.%.*s = (hidden)\n",
                    SV_ARG(sv_take(sv_from(*header), sv_find(sv_from(*header), ':'))));
    }
    buf_append_str(out, provider->body ? "  body = (set)\n" : "");
    if (provider->proxy) {
        /* So may be what stands before the @ of a proxy. */
        buf_append_str(out, "  proxy = (set)\n");
    }
    if (provider->ca_file) {
        line(out, "  ca_file", provider->ca_file);
    }
    if (provider->allow_plain_http) {
        buf_append_str(out, "  allow_plain_http = true\n");
    }
}

/* Why a model is in force that the file does not name, or NULL. */
static const char *origin(const struct config *config, const struct model_choice *choice)
{
    const char *variable = getenv("WEIR_MODEL");
    if (variable && *variable) {
        return "WEIR_MODEL";
    }
    return config->model ? NULL : choice->provider.api_key_env;
}

static void append_model(struct buf *out, const struct config *config)
{
    struct model_choice choice;
    struct err err = {0};
    if (model_choose(config, NULL, &choice, &err)) {
        line(out, "model", config->model);
        return;
    }
    const char *why = origin(config, &choice);
    buf_appendf(out, "model = \"%s\"", choice.label);
    if (why) {
        buf_appendf(out, "  # because of %s", why);
    } else if (config->model && strcmp(config->model, choice.label) != 0) {
        buf_appendf(out, "  # from \"%s\"", config->model);
    }
    buf_append_byte(out, '\n');
    model_choice_release(&choice);
}

/* A provider that a key in the environment is enough for, when it is in use. */
static void append_provider_in_use(struct buf *out, const struct config *config)
{
    struct model_choice choice;
    if (model_choose(config, NULL, &choice, NULL) == ERR_OK) {
        if (choice.provider.found) {
            append_provider(out, &choice.provider);
        }
        model_choice_release(&choice);
    }
}

static void append_config(struct buf *out, const struct config *config, const char *database)
{
    buf_appendf(out, "# %s%s\n", config->path,
                file_exists(config->path) ? "" : " (does not exist)");
    append_model(out, config);
    line(out, "system", config->system);
    line(out, "scope", config->scope_is_folder ? "folder" : "user");
    if (config->title_model) {
        buf_append_str(out, "[title]\n");
        line(out, "  model", config->title_model);
    }
    buf_append_str(out, "[store]\n");
    line(out, "  path", database);
    buf_appendf(out, "  debounce_ms = %lld\n", (long long)(config->debounce_us / 1000));
    buf_append_str(out, "[network]\n");
    buf_appendf(out, "  connect_timeout_s = %g\n", (double)config->connect_us / 1e6);
    buf_appendf(out, "  first_byte_timeout_s = %g\n", (double)config->first_byte_us / 1e6);
    buf_appendf(out, "  idle_timeout_s = %g\n", (double)config->idle_us / 1e6);
    buf_appendf(out, "  note_after_s = %g\n", (double)config->note_us / 1e6);
    buf_appendf(out, "  attempts = %lld\n", (long long)config->attempts);
    buf_appendf(out, "  max_wait_s = %g\n", (double)config->max_wait_us / 1e6);
    for (size_t i = 0; i < config->provider_count; i++) {
        append_provider(out, &config->providers[i]);
    }
    append_provider_in_use(out, config);
    buf_append_str(out, config->alias_count ? "[alias]\n" : "");
    for (size_t i = 0; i < config->alias_count; i++) {
        buf_appendf(out, "  %s = \"%s\"\n", config->aliases[i].name, config->aliases[i].model);
    }
}

static int show(const struct global_options *global, const struct config *config)
{
    struct err err = {0};
    char *database = NULL;
    if (database_path(global, config, &database, &err)) {
        return command_fail(&err);
    }
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    append_config(&out, config, database);
    int exit_code = output_result(buf_sv(&out));
    buf_release(&out);
    free(database);
    return exit_code;
}

static int show_path(const struct global_options *global)
{
    struct err err = {0};
    char *path = NULL;
    if (config_path(global, &path, &err)) {
        return command_fail(&err);
    }
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    buf_appendf(&out, "%s\n", path);
    int exit_code = output_result(buf_sv(&out));
    buf_release(&out);
    free(path);
    return exit_code;
}

static enum err_code check_patterns(const struct config *config, struct err *err)
{
    struct redactor *redactor = NULL;
    enum err_code code = open_redactor(config, &redactor, err);
    redactor_free(redactor);
    return code;
}

/* Sound, and a model can be chosen; every alias leads somewhere. */
static int check(const struct config *config)
{
    struct err err = {0};
    struct model_choice choice;
    if (config_check_screen(config, &err) || check_patterns(config, &err)) {
        return command_fail(&err);
    }
    for (size_t i = 0; i < config->alias_count; i++) {
        if (model_choose(config, config->aliases[i].name, &choice, &err)) {
            return command_fail(&err);
        }
        model_choice_release(&choice);
    }
    if (config->title_model) {
        if (model_choose(config, config->title_model, &choice, &err)) {
            return command_fail(&err);
        }
        model_choice_release(&choice);
    }
    if (model_choose(config, NULL, &choice, &err)) {
        return command_fail(&err);
    }
    struct buf out = BUF_INIT(BUF_MAX_INTERNAL);
    bool exists = file_exists(config->path);
    const char *why = origin(config, &choice);
    buf_appendf(&out, "%s %s; the model is %s%s%s%s\n", config->path,
                exists ? "is sound" : "does not exist, which is fine", choice.label,
                why ? " (because of " : "", why ? why : "", why ? ")" : "");
    int exit_code = output_result(buf_sv(&out));
    buf_release(&out);
    model_choice_release(&choice);
    return exit_code;
}

#define EXAMPLE_INC "app/example.inc"
static const char example[] =
#include EXAMPLE_INC
    ;

/* Made anew or not at all: nothing that is there is touched. */
static enum err_code write_example(const char *path, struct err *err)
{
    int fd = -1;
    if (file_exists(path)) {
        return err_set(err, ERR_EXISTS, "'%s' exists already and is left as it is", path);
    }
    enum err_code code = file_make_parent(path, err);
    code = code ? code : file_open(path, O_WRONLY | O_CREAT | O_EXCL, &fd, err);
    if (code) {
        return code;
    }
    int failure = file_write_all(fd, example, sizeof example - 1);
    failure = close(fd) != 0 && failure == 0 ? errno : failure;
    if (failure) {
        (void)unlink(path);
        return err_set_errno(err, failure, "cannot write '%s'", path);
    }
    return ERR_OK;
}

static int init(const struct global_options *global)
{
    struct err err = {0};
    char *path = NULL;
    enum err_code code = config_path(global, &path, &err);
    code = code ? code : write_example(path, &err);
    int exit_code = code ? command_fail(&err) : show_path(global);
    free(path);
    return exit_code;
}

static int run(const struct global_options *global, const struct arguments *arguments)
{
    const char *verb = arguments->rest_count == 1 ? arguments->rest[0] : "";
    struct config *config = NULL;
    struct err err = {0};
    bool is_path = strcmp(verb, "path") == 0;
    bool is_check = strcmp(verb, "check") == 0;
    if (strcmp(verb, "init") == 0) {
        return init(global);
    }
    if (!is_path && !is_check && strcmp(verb, "show") != 0) {
        err_set(&err, ERR_USAGE, "expected 'weir config init', 'path', 'show' or 'check'");
        return command_fail(&err);
    }
    if (is_path) {
        return show_path(global);
    }
    if (open_config(global, &config, &err)) {
        return command_fail(&err);
    }
    int exit_code = is_check ? check(config) : show(global, config);
    config_free(config);
    return exit_code;
}

const struct command command_config = {
    .name = "config",
    .operands = "init | path | show | check",
    .summary = "where the config is, what it says, whether it is sound",
    .details =
        "'init' writes a config that describes every key, and replaces none. 'show' never shows a\n"
        "key or a header.\n",
    .options = options,
    .run = run,
};
