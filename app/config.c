/*
 * Configuration: walks the document, looks every key up in the table of config_keys.c, and puts its
 * value where the table says. What concerns several keys of a provider (two sources for one key, a
 * URL and the leave to use it) is checked at the end, with the lines that were noted on the way.
 */
#include "app/config.h"

#include <stdlib.h>
#include <string.h>

#include "app/config_chords.h"
#include "app/config_internal.h"
#include "app/config_keys.h"
#include "app/http.h"
#include "app/money.h"
#include "app/nearest.h"
#include "app/provider.h"
#include "app/toml.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/store.h"
#include "ui/keymap.h"

#define CONFIG_MAX_BYTES ((size_t)1 << 20)

static struct config_provider *provider_entry(struct loader *loader, struct sv name, unsigned line)
{
    struct config *config = loader->config;
    for (size_t i = 0; i < config->provider_count; i++) {
        if (sv_equal_str(name, config->providers[i].name)) {
            return &config->providers[i];
        }
    }
    size_t count = config->provider_count + 1;
    config->providers = xrealloc(config->providers, count * sizeof *config->providers);
    loader->lines = xrealloc(loader->lines, count * sizeof *loader->lines);
    struct config_provider *entry = &config->providers[count - 1];
    *entry = (struct config_provider){.name = xstrndup(name.p, name.n)};
    loader->lines[count - 1] = (struct provider_lines){.table = line, .url = line};
    config->provider_count = count;
    return entry;
}

static struct config_alias *alias_entry(struct config *config, struct sv name)
{
    for (size_t i = 0; i < config->alias_count; i++) {
        if (sv_equal_str(name, config->aliases[i].name)) {
            return &config->aliases[i];
        }
    }
    size_t count = config->alias_count + 1;
    config->aliases = xrealloc(config->aliases, count * sizeof *config->aliases);
    struct config_alias *entry = &config->aliases[count - 1];
    *entry = (struct config_alias){.name = xstrndup(name.p, name.n)};
    config->alias_count = count;
    return entry;
}

static struct config_model *model_entry(struct config *config, struct sv name)
{
    for (size_t i = 0; i < config->model_count; i++) {
        if (sv_equal_str(name, config->models[i].name)) {
            return &config->models[i];
        }
    }
    size_t count = config->model_count + 1;
    config->models = xrealloc(config->models, count * sizeof *config->models);
    struct config_model *entry = &config->models[count - 1];
    *entry = (struct config_model){.name = xstrndup(name.p, name.n),
                                   .context = MONEY_UNKNOWN,
                                   .input_price = MONEY_UNKNOWN,
                                   .output_price = MONEY_UNKNOWN,
                                   .cache_read_price = MONEY_UNKNOWN,
                                   .cache_write_price = MONEY_UNKNOWN,
                                   .daily = MONEY_UNKNOWN,
                                   .monthly = MONEY_UNKNOWN};
    config->model_count = count;
    return entry;
}

static void *home_of(struct loader *loader, const struct config_key *key,
                     const struct toml_item *item)
{
    char *base = (char *)loader->config;
    if (key->home == KEY_OF_PROVIDER) {
        base = (char *)provider_entry(loader, item->path[1], item->line);
    } else if (key->home == KEY_OF_ALIAS) {
        base = (char *)alias_entry(loader->config, item->path[1]);
    } else if (key->home == KEY_OF_ROLE) {
        base = (char *)config_role_entry(&loader->config->roles, item->path[1]);
    } else if (key->home == KEY_OF_MODEL) {
        bool of_budget = sv_equal_str(item->path[0], "budget");
        base = (char *)model_entry(loader->config, item->path[of_budget ? 2 : 1]);
    }
    return base + key->offset;
}

/* "store.path", as it stands in the document. */
static void append_path(struct buf *out, const struct toml_item *item)
{
    for (size_t i = 0; i < item->depth; i++) {
        buf_append_str(out, i ? "." : "");
        buf_append_sv(out, item->path[i]);
    }
}

static const char *type_text(enum toml_type type)
{
    static const char *const texts[] = {
        [TOML_TEXT] = "a text",    [TOML_INTEGER] = "a whole number",
        [TOML_FLOAT] = "a number", [TOML_BOOLEAN] = "true or false",
        [TOML_DATE] = "a date",    [TOML_TEXTS] = "an array of texts",
        [TOML_ARRAY] = "an array", [TOML_TABLE] = "a table",
    };
    return texts[type];
}

/* "NAME:LINE: 'path' WHAT" */
static enum err_code complain(const struct loader *loader, const struct toml_item *item,
                              const char *what, struct err *err)
{
    struct buf path = BUF_INIT(BUF_MAX_INTERNAL);
    append_path(&path, item);
    err_set(err, ERR_CONFIG, "%s:%u: '%s' %s", loader->name, item->line, buf_cstr(&path), what);
    buf_release(&path);
    return ERR_CONFIG;
}

static enum err_code complain_type(const struct loader *loader, const struct toml_item *item,
                                   const char *expected, struct err *err)
{
    char *what = xasprintf("must be %s, not %s", expected, type_text(item->type));
    enum err_code code = complain(loader, item, what, err);
    free(what);
    return code;
}

static enum err_code complain_value(const struct loader *loader, const struct toml_item *item,
                                    const char *expected, struct err *err)
{
    char *what = item->type == TOML_TEXT
                     ? xasprintf("is \"%.*s\", expected %s", SV_ARG(item->text), expected)
                     : xasprintf("is %.15g, expected %s", item->number, expected);
    enum err_code code = complain(loader, item, what, err);
    free(what);
    return code;
}

static enum err_code complain_unknown(const struct loader *loader, const struct toml_item *item,
                                      struct err *err)
{
    struct buf path = BUF_INIT(BUF_MAX_INTERNAL);
    append_path(&path, item);
    char *near = config_key_suggest(item->path, item->depth);
    err_set(err, ERR_CONFIG, "%s:%u: unknown key '%s'%s%s%s", loader->name, item->line,
            buf_cstr(&path), near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    free(near);
    buf_release(&path);
    return ERR_CONFIG;
}

static bool is_printable(struct sv text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char byte = (unsigned char)text.p[i];
        if (byte < 0x20 || byte == 0x7F) {
            return false;
        }
    }
    return true;
}

/* A path that begins with ~/ gets the home folder; NULL: it is not absolute, or there is no home.
 */
static char *expanded_path(struct sv path)
{
    if (sv_starts_with(path, SV("/"))) {
        return xstrndup(path.p, path.n);
    }
    const char *home = getenv("HOME");
    if (!(sv_equal_str(path, "~") || sv_starts_with(path, SV("~/"))) || !home || home[0] != '/') {
        return NULL;
    }
    return xasprintf("%s%.*s", home, SV_ARG(sv_skip(path, 1)));
}

/* PROVIDER/MODEL, both of them there. */
static bool is_model(struct sv text)
{
    size_t slash = sv_find(text, '/');
    return slash > 0 && slash + 1 < text.n && is_printable(text);
}

/* Models are looked at only when one is chosen; an error then names the line. */
static void note_line(struct config *config, char **home, unsigned line)
{
    if (home == &config->model) {
        config->model_line = line;
    }
    for (size_t i = 0; i < config->alias_count; i++) {
        if (home == &config->aliases[i].model) {
            config->aliases[i].line = line;
        }
    }
}

static enum err_code put_text(struct loader *loader, const struct config_key *key,
                              const struct toml_item *item, struct err *err)
{
    if (item->type != TOML_TEXT) {
        return complain_type(loader, item, key->expected, err);
    }
    struct sv text = item->text;
    bool may_be_long = sv_ends_with(sv_from(key->path), SV("system"));
    bool may_be_empty = strcmp(key->path, "provider.*.proxy") == 0;
    bool good = may_be_long ? memchr(text.p, 0, text.n) == NULL
                            : (text.n || may_be_empty) && is_printable(text);
    char *value = NULL;
    if (good && key->kind == KEY_PATH) {
        value = expanded_path(text);
    } else if (good && !(key->kind == KEY_MODEL && !is_model(text))) {
        value = xstrndup(text.p, text.n);
    }
    if (!value) {
        return complain_value(loader, item, key->expected, err);
    }
    if (key->kind == KEY_URL) {
        for (size_t n = strlen(value); n > 1 && value[n - 1] == '/'; n--) {
            value[n - 1] = '\0';
        }
        const struct config_provider *entry = provider_entry(loader, item->path[1], item->line);
        loader->lines[entry - loader->config->providers].url = item->line;
    }
    char **home = home_of(loader, key, item);
    free(*home);
    *home = value;
    note_line(loader->config, home, item->line);
    return ERR_OK;
}

static enum err_code put_type(struct loader *loader, const struct config_key *key,
                              const struct toml_item *item, struct err *err)
{
    if (item->type != TOML_TEXT) {
        return complain_type(loader, item, key->expected, err);
    }
    struct nearest nearest = nearest_start(item->text);
    struct buf names = BUF_INIT(BUF_MAX_INTERNAL);
    buf_append_str(&names, "one of ");
    for (const struct provider_type *type = provider_types(); type->name; type++) {
        if (sv_equal_str(item->text, type->name)) {
            *(const struct provider_type **)home_of(loader, key, item) = type;
            buf_release(&names);
            return ERR_OK;
        }
        buf_appendf(&names, "%s'%s'", type == provider_types() ? "" : ", ", type->name);
        nearest_offer(&nearest, type->name);
    }
    if (nearest.best) {
        buf_appendf(&names, " (did you mean '%s'?)", nearest.best);
    }
    enum err_code code = complain_value(loader, item, buf_cstr(&names), err);
    buf_release(&names);
    return code;
}

static enum err_code put_number(struct loader *loader, const struct config_key *key,
                                const struct toml_item *item, struct err *err)
{
    bool whole = key->kind == KEY_MS;
    if (item->type != TOML_INTEGER && (whole || item->type != TOML_FLOAT)) {
        return complain_type(loader, item, key->expected, err);
    }
    /* Written so that NaN is refused too. */
    if (!(item->number >= key->min && item->number <= key->max)) {
        return complain_value(loader, item, key->expected, err);
    }
    double scale = whole ? 1e3 : 1e6;
    *(int64_t *)home_of(loader, key, item) = (int64_t)(item->number * scale + 0.5);
    return ERR_OK;
}

static enum err_code put_count(struct loader *loader, const struct config_key *key,
                               const struct toml_item *item, struct err *err)
{
    if (item->type != TOML_INTEGER) {
        return complain_type(loader, item, key->expected, err);
    }
    if (!(item->number >= key->min && item->number <= key->max)) {
        return complain_value(loader, item, key->expected, err);
    }
    *(int64_t *)home_of(loader, key, item) = item->integer;
    return ERR_OK;
}

static enum err_code put_money(struct loader *loader, const struct config_key *key,
                               const struct toml_item *item, struct err *err)
{
    int64_t amount = 0;
    if (item->type != TOML_TEXT) {
        return complain_type(loader, item, key->expected, err);
    }
    if (!money_parse(item->text, MONEY_PLACES, &amount)) {
        return complain_value(loader, item, key->expected, err);
    }
    *(int64_t *)home_of(loader, key, item) = amount;
    return ERR_OK;
}

static enum err_code put_flag(struct loader *loader, const struct config_key *key,
                              const struct toml_item *item, struct err *err)
{
    if (item->type != TOML_BOOLEAN) {
        return complain_type(loader, item, key->expected, err);
    }
    *(bool *)home_of(loader, key, item) = item->boolean;
    return ERR_OK;
}

static enum err_code put_choice(struct loader *loader, const struct config_key *key,
                                const struct toml_item *item, struct err *err)
{
    if (item->type != TOML_TEXT) {
        return complain_type(loader, item, key->expected, err);
    }
    if (!sv_equal_str(item->text, "refuse") && !sv_equal_str(item->text, "allow")) {
        return complain_value(loader, item, key->expected, err);
    }
    *(bool *)home_of(loader, key, item) = sv_equal_str(item->text, "allow");
    return ERR_OK;
}

static enum err_code put_argv(struct loader *loader, const struct config_key *key,
                              const struct toml_item *item, struct err *err)
{
    if (item->type != TOML_TEXTS) {
        return complain_type(loader, item, key->expected, err);
    }
    bool good = item->text_count > 0 && item->texts[0].n > 0;
    for (size_t i = 0; i < item->text_count; i++) {
        good = good && !memchr(item->texts[i].p, 0, item->texts[i].n);
    }
    if (!good) {
        return complain(loader, item, "is empty: expected a command and its arguments", err);
    }
    char **argv = xcalloc(item->text_count + 1, sizeof *argv);
    for (size_t i = 0; i < item->text_count; i++) {
        argv[i] = xstrndup(item->texts[i].p, item->texts[i].n);
    }
    *(char ***)home_of(loader, key, item) = argv;
    return ERR_OK;
}

static enum err_code put_json(struct loader *loader, const struct config_key *key,
                              const struct toml_item *item, struct err *err)
{
    if (item->type != TOML_TABLE) {
        return complain_type(loader, item, key->expected, err);
    }
    struct buf json = BUF_INIT(CONFIG_MAX_BYTES * 8);
    if (!toml_append_json(item, &json)) {
        buf_release(&json);
        return complain(loader, item, "holds a date or a number that JSON has not", err);
    }
    *(char **)home_of(loader, key, item) = buf_detach(&json);
    return ERR_OK;
}

/* What is in a table that was taken as a whole. */
static bool is_inside_json(const struct toml_item *item)
{
    for (size_t depth = 1; depth < item->depth; depth++) {
        const struct config_key *key = config_key_find(item->path, depth);
        if (key && key->kind == KEY_JSON) {
            return true;
        }
    }
    return false;
}

/* RFC 9110: a header's name is a token. */
static bool is_token(struct sv name)
{
    for (size_t i = 0; i < name.n; i++) {
        unsigned char byte = (unsigned char)name.p[i];
        if (byte <= 0x20 || byte >= 0x7F || strchr("()<>@,;:\\\"/[]?={}", byte)) {
            return false;
        }
    }
    return name.n > 0;
}

static bool has_header(char *const *headers, struct sv name)
{
    for (; headers && *headers; headers++) {
        struct sv header = sv_from(*headers);
        if (sv_equal_nocase(sv_take(header, sv_find(header, ':')), name)) {
            return true;
        }
    }
    return false;
}

static enum err_code put_header(struct loader *loader, const struct config_key *key,
                                const struct toml_item *item, struct err *err)
{
    struct sv name = item->path[item->depth - 1];
    if (item->type != TOML_TEXT) {
        return complain_type(loader, item, key->expected, err);
    }
    if (!is_token(name)) {
        return complain(loader, item, "is no name of an HTTP header", err);
    }
    if (!is_printable(item->text)) {
        /* Without the value: it may be a secret. */
        return complain(loader, item, "must be a text on one line", err);
    }
    char ***home = home_of(loader, key, item);
    if (has_header(*home, name)) {
        return complain(loader, item, "is there twice: case does not tell headers apart", err);
    }
    size_t count = 0;
    while (*home && (*home)[count]) {
        count++;
    }
    *home = xrealloc(*home, (count + 2) * sizeof **home);
    (*home)[count] = xasprintf("%.*s: %.*s", SV_ARG(name), SV_ARG(item->text));
    (*home)[count + 1] = NULL;
    return ERR_OK;
}

static enum err_code put_chords(const struct loader *loader, const struct toml_item *item,
                                struct err *err)
{
    struct err why;
    if (config_bind(loader->config, item, &why)) {
        return complain(loader, item, why.text, err);
    }
    return ERR_OK;
}

static enum err_code put(struct loader *loader, const struct config_key *key,
                         const struct toml_item *item, struct err *err)
{
    switch (key->kind) {
    case KEY_TYPE:
        return put_type(loader, key, item, err);
    case KEY_MS:
    case KEY_SECONDS:
    case KEY_NUMBER:
        return put_number(loader, key, item, err);
    case KEY_COUNT:
        return put_count(loader, key, item, err);
    case KEY_MONEY:
        return put_money(loader, key, item, err);
    case KEY_CHOICE:
        return put_choice(loader, key, item, err);
    case KEY_FLAG:
        return put_flag(loader, key, item, err);
    case KEY_ARGV:
        return put_argv(loader, key, item, err);
    case KEY_JSON:
        return put_json(loader, key, item, err);
    case KEY_CHORDS:
        return put_chords(loader, item, err);
    case KEY_HEADER:
        return put_header(loader, key, item, err);
    case KEY_TEXT:
    case KEY_PATH:
    case KEY_URL:
    case KEY_MODEL:
        break;
    }
    return put_text(loader, key, item, err);
}

static enum err_code check_names(const struct loader *loader, const struct toml_item *item,
                                 struct err *err)
{
    if (item->depth >= 2 && sv_equal_str(item->path[0], "models") && !is_model(item->path[1])) {
        return complain(loader, item, "is not for a model: expected [models.\"PROVIDER/MODEL\"]",
                        err);
    }
    if (item->depth >= 3 && sv_equal_str(item->path[0], "budget") && !is_model(item->path[2])) {
        return complain(loader, item,
                        "is not for a model: expected [budget.model.\"PROVIDER/MODEL\"]", err);
    }
    if (item->depth < 2 ||
        !(sv_equal_str(item->path[0], "provider") || sv_equal_str(item->path[0], "alias"))) {
        return ERR_OK;
    }
    struct sv name = item->path[1];
    if (name.n == 0 || memchr(name.p, '/', name.n) || !is_printable(name)) {
        return complain(loader, item, "has a name that is empty or holds a slash", err);
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
            return complain(loader, item,
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
        return complain(loader, item,
                        "is not read, as keys do not belong into this file: name the "
                        "variable that holds it (api_key_env), a command that prints "
                        "it (api_key_cmd) or a private file (api_key_file)",
                        err);
    }
    enum err_code code = check_names(loader, item, err);
    if (code) {
        return code;
    }
    if (is_inside_json(item)) {
        return ERR_OK;
    }
    const struct config_key *key = config_key_find(item->path, item->depth);
    if (key) {
        code = put(loader, key, item, err);
        return code ? code : check_key_sources(loader, item, err);
    }
    if (!config_key_is_table(item->path, item->depth)) {
        return complain_unknown(loader, item, err);
    }
    if (item->type != TOML_TABLE) {
        return complain_type(loader, item, "a table", err);
    }
    if (item->depth == 2 && sv_equal_str(item->path[0], "provider")) {
        (void)provider_entry(loader, item->path[1], item->line);
    }
    return ERR_OK;
}

enum err_code config__visit(void *ctx, const struct toml_item *item, struct err *err)
{
    struct loader *loader = ctx;
    enum err_code code = take_item(loader, item, err);
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
    if (!code && config_check_chords(loader->config, err)) {
        code = err_prefix(err, "%s: [keys]", loader->name);
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
    free(config->path);
    free(config->model);
    free(config->system);
    free(config->store_path);
    free(config);
}
