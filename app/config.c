/*
 * Configuration: walks the document, looks every key up in the table of config_keys.c, and has its
 * value put where the table says. What concerns several keys of a provider (two sources for one
 * key, a URL and the leave to use it) is checked at the end, with the lines that were noted on the
 * way.
 */
#include "app/config.h"

#include <stdlib.h>
#include <string.h>

#include "app/config_chords.h"
#include "app/config_internal.h"
#include "app/http.h"
#include "app/money.h"
#include "app/provider.h"
#include "app/toml.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/store.h"
#include "ui/keymap.h"

static enum err_code check_names(const struct loader *loader, const struct toml_item *item,
                                 struct err *err)
{
    if (item->depth >= 2 && sv_equal_str(item->path[0], "models") &&
        !config__is_model(item->path[1])) {
        return config__complain(loader, item,
                                "is not for a model: expected [models.\"PROVIDER/MODEL\"]", err);
    }
    if (item->depth >= 3 && sv_equal_str(item->path[0], "budget") &&
        !config__is_model(item->path[2])) {
        return config__complain(
            loader, item, "is not for a model: expected [budget.model.\"PROVIDER/MODEL\"]", err);
    }
    if (item->depth < 2 ||
        !(sv_equal_str(item->path[0], "provider") || sv_equal_str(item->path[0], "alias"))) {
        return ERR_OK;
    }
    struct sv name = item->path[1];
    if (name.n == 0 || memchr(name.p, '/', name.n) || !config__is_printable(name)) {
        return config__complain(loader, item, "has a name that is empty or holds a slash", err);
    }
    return ERR_OK;
}

/* A key in the file would end up in backups, screenshots and repositories of dotfiles. */
static bool is_literal_key(const struct toml_item *item)
{
    return item->depth == 3 && sv_equal_str(item->path[0], "provider") &&
           sv_equal_str(item->path[2], "api_key");
}

static enum err_code check_key_sources(const struct loader *loader, const struct toml_item *item,
                                       struct err *err)
{
    const struct config *config = loader->config;
    if (config->provider_count == 0 || item->depth != 3 ||
        !sv_starts_with(item->path[2], SV("api_key_"))) {
        return ERR_OK;
    }
    for (size_t i = 0; i < config->provider_count; i++) {
        const struct config_provider *p = &config->providers[i];
        int sources =
            (p->api_key_env != NULL) + (p->api_key_cmd != NULL) + (p->api_key_file != NULL);
        if (sources > 1) {
            return config__complain(loader, item,
                                    "is a second source of the provider's key: keep one of "
                                    "api_key_env, api_key_cmd, api_key_file",
                                    err);
        }
    }
    return ERR_OK;
}

static enum err_code take_item(struct loader *loader, const struct toml_item *item, struct err *err)
{
    if (is_literal_key(item)) {
        return config__complain(loader, item,
                                "is not read, as keys do not belong into this file: name the "
                                "variable that holds it (api_key_env), a command that prints "
                                "it (api_key_cmd) or a private file (api_key_file)",
                                err);
    }
    enum err_code code = check_names(loader, item, err);
    if (code) {
        return code;
    }
    if (config__is_inside_json(item)) {
        return ERR_OK;
    }
    const struct config_key *key = config_key_find(item->path, item->depth);
    if (key) {
        code = config__put(loader, key, item, err);
        if (strcmp(key->path, "ui.theme") == 0) {
            loader->config->ui.theme_line = item->line;
        }
        return code ? code : check_key_sources(loader, item, err);
    }
    if (!config_key_is_table(item->path, item->depth)) {
        return config__complain_unknown(loader, item, err);
    }
    if (item->type != TOML_TABLE) {
        return config__complain_type(loader, item, "a table", err);
    }
    if (item->depth == 2 && sv_equal_str(item->path[0], "provider")) {
        (void)config__provider(loader, item->path[1], item->line);
    }
    return ERR_OK;
}

static bool is_of_screen(const struct toml_item *item)
{
    return sv_equal_str(item->path[0], "ui") || sv_equal_str(item->path[0], "theme") ||
           sv_equal_str(item->path[0], "keys");
}

void config__note_screen(struct config *config, const struct err *mistake)
{
    config->screen_mistake = config->screen_mistake.code ? config->screen_mistake : *mistake;
}

enum err_code config_check_screen(const struct config *config, struct err *err)
{
    const struct err *mistake = &config->screen_mistake;
    return mistake->code ? err_set(err, mistake->code, "%s", mistake->text) : ERR_OK;
}

/* What several keys of it say together. */
static void check_screen(struct loader *loader)
{
    unsigned line = 0;
    struct err err = {0};
    if (config_check_chords(loader->config, &err)) {
        (void)err_prefix(&err, "%s: [keys]", loader->name);
    } else if (config_check_themes(&loader->config->ui, &line, &err)) {
        (void)err_prefix(&err, "%s:%u", loader->name, line);
    }
    if (err.code) {
        config__note_screen(loader->config, &err);
    }
}

enum err_code config__visit(void *ctx, const struct toml_item *item, struct err *err)
{
    struct loader *loader = ctx;
    enum err_code code = take_item(loader, item, err);
    if (code && is_of_screen(item)) {
        config__note_screen(loader->config, err);
        return ERR_OK;
    }
    if (code && loader->tolerant) {
        loader->mistake = loader->mistake.code ? loader->mistake : *err;
        return ERR_OK;
    }
    return code;
}

static enum err_code check_dialect(const struct loader *loader, size_t index, struct err *err)
{
    const struct config_provider *provider = &loader->config->providers[index];
    struct buf names = BUF_INIT(BUF_MAX_INTERNAL);
    const char *name = NULL;
    for (size_t i = 0; provider->dialect && (name = codec_openai_dialect(i)); i++) {
        if (strcmp(name, provider->dialect) == 0) {
            break;
        }
        buf_appendf(&names, "%s'%s'", i ? ", " : "", name);
    }
    enum err_code code =
        name || !provider->dialect
            ? ERR_OK
            : err_set(err, ERR_CONFIG,
                      "%s:%u: provider '%s' has no known dialect: expected one of %s", loader->name,
                      loader->lines[index].table, provider->name, buf_cstr(&names));
    buf_release(&names);
    return code;
}

static enum err_code check_provider(const struct loader *loader, size_t index, struct err *err)
{
    const struct config_provider *provider = &loader->config->providers[index];
    const struct provider_lines *lines = &loader->lines[index];
    if (!provider->type) {
        return err_set(err, ERR_CONFIG, "%s:%u: provider '%s' has no type (type = \"openai\")",
                       loader->name, lines->table, provider->name);
    }
    bool is_demo = provider->type->codec == NULL;
    if (!is_demo && strcmp(provider->name, "demo") == 0) {
        return err_set(err, ERR_CONFIG,
                       "%s:%u: the provider name 'demo' is taken by the offline demo", loader->name,
                       lines->table);
    }
    if (is_demo) {
        return ERR_OK;
    }
    if (!provider->base_url) {
        return provider->type->base_url
                   ? ERR_OK
                   : err_set(err, ERR_CONFIG, "%s:%u: provider '%s' has no base_url", loader->name,
                             lines->table, provider->name);
    }
    char *host = NULL;
    enum err_code code = http_check_url(provider->base_url, provider->allow_plain_http, &host, err);
    free(host);
    if (!code && strchr(provider->base_url, '?')) {
        code = err_set(err, ERR_CONFIG,
                       "its base_url has a query (?), behind which the path would go; an Azure "
                       "version is written as api_version");
    }
    return code ? err_prefix(err, "%s:%u: provider '%s'", loader->name, lines->url, provider->name)
                : ERR_OK;
}

static struct config *config_new(const char *path)
{
    struct config *config = xcalloc(1, sizeof *config);
    *config = (struct config){.path = xstrdup(path),
                              .daily = MONEY_UNKNOWN,
                              .monthly = MONEY_UNKNOWN,
                              .debounce_us = STORE_DEBOUNCE_DEFAULT_US,
                              .connect_us = CLOCK_S(10),
                              .first_byte_us = CLOCK_S(300),
                              .idle_us = CLOCK_S(120),
                              .attempts = 4,
                              .note_us = CLOCK_S(15),
                              .ui = {.wheel = true, .title = true},
                              .max_wait_us = CLOCK_S(60)};
    return config;
}

static void free_list(char **list)
{
    for (char **at = list; at && *at; at++) {
        free(*at);
    }
    free(list);
}

static void drop_providers(struct config *config)
{
    for (size_t i = 0; i < config->provider_count; i++) {
        struct config_provider *provider = &config->providers[i];
        free(provider->name);
        free(provider->base_url);
        free(provider->api_key_env);
        free_list(provider->api_key_cmd);
        free(provider->api_key_file);
        free_list(provider->headers);
        free(provider->body);
        free(provider->proxy);
        free(provider->ca_file);
        free(provider->api_version);
        free(provider->dialect);
    }
    for (size_t i = 0; i < config->alias_count; i++) {
        free(config->aliases[i].name);
        free(config->aliases[i].model);
    }
    for (size_t i = 0; i < config->model_count; i++) {
        free(config->models[i].name);
        free(config->models[i].body);
    }
    config_roles_release(&config->roles);
    free_list(config->redact);
    config->redact = NULL;
    free(config->providers);
    free(config->aliases);
    free(config->models);
    config->providers = NULL;
    config->aliases = NULL;
    config->models = NULL;
    config->provider_count = config->alias_count = config->model_count = 0;
}

static enum err_code load_text(struct loader *loader, struct sv text, struct err *err)
{
    if (text.n > CONFIG_MAX_BYTES) {
        return err_set(err, ERR_CONFIG, "%s: the file is larger than 1 MiB", loader->name);
    }
    enum err_code code = toml_walk(loader->name, text, config__visit, loader, err);
    if (!code && loader->mistake.code) {
        code = err_set(err, loader->mistake.code, "%s", loader->mistake.text);
    }
    for (size_t i = 0; !code && i < loader->config->provider_count; i++) {
        code = check_provider(loader, i, err);
        code = code ? code : check_dialect(loader, i, err);
    }
    if (!code) {
        check_screen(loader);
    }
    return code;
}

static enum err_code parse(const char *name, struct sv text, bool tolerant,
                           struct config **ret_config, struct err *err)
{
    struct err why = {0};
    struct loader loader = {.name = name, .config = config_new(name), .tolerant = tolerant};
    enum err_code code = load_text(&loader, text, &why);
    free(loader.lines);
    if (code) {
        err_set(err, code, "%s", why.text);
        drop_providers(loader.config);
    }
    if (code && !tolerant) {
        config_free(loader.config);
        return code;
    }
    *ret_config = loader.config;
    return code;
}

enum err_code config_parse(const char *name, const char *text, size_t length,
                           struct config **ret_config, struct err *err)
{
    return parse(name, sv_of(text, length), false, ret_config, err);
}

static enum err_code read_file(const char *path, bool may_be_missing, bool tolerant,
                               struct config **ret_config, struct err *err)
{
    struct buf text = BUF_INIT(CONFIG_MAX_BYTES);
    struct err why = {0};
    enum err_code code = file_read(path, &text, &why);
    if (code == ERR_NOT_FOUND && may_be_missing) {
        code = ERR_OK;
    } else if (code) {
        bool is_io = code == ERR_IO || code == ERR_READ_ONLY;
        code = err_set(err, is_io ? ERR_IO : ERR_CONFIG, "%s", why.text);
    }
    if (!code) {
        code = parse(path, buf_sv(&text), tolerant, ret_config, err);
    }
    buf_release(&text);
    return code;
}

static enum err_code load(const char *path, bool tolerant, struct config **ret_config,
                          struct err *err)
{
    if (path) {
        return read_file(path, false, tolerant, ret_config, err);
    }
    char *found = NULL;
    if (file_xdg_path(XDG_CONFIG, "config.toml", &found, NULL)) {
        /* No home folder: nothing can have been configured. */
        *ret_config = config_new("");
        return ERR_OK;
    }
    enum err_code code = read_file(found, true, tolerant, ret_config, err);
    free(found);
    return code;
}

enum err_code config_load(const char *path, struct config **ret_config, struct err *err)
{
    return load(path, false, ret_config, err);
}

enum err_code config_load_tolerant(const char *path, struct config **ret_config, struct err *err)
{
    return load(path, true, ret_config, err);
}

void config_free(struct config *config)
{
    if (!config) {
        return;
    }
    drop_providers(config);
    keymap_free(config->keymap);
    config_ui_release(&config->ui);
    free(config->path);
    free(config->model);
    free(config->system);
    free(config->title_model);
    free(config->store_path);
    free(config->record_folder);
    free(config);
}
