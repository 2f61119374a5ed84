/* Provider types, presets, and the choice of a model. */
#include "app/provider.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/nearest.h"

#define OPENAI_BASE_URL "https://api.openai.com/v1"
#define OPENROUTER_BASE_URL "https://openrouter.ai/api/v1"
#define ANTHROPIC_BASE_URL "https://api.anthropic.com"
#define GEMINI_BASE_URL "https://generativelanguage.googleapis.com/v1beta"
#define OLLAMA_BASE_URL "http://127.0.0.1:11434"
#define DEMO_NAME "demo"
#define DEMO_MODEL "tour"
#define REPLAY_NAME "replay"

static const struct provider_type types[] = {
    {"openai", &codec_openai_chat, OPENAI_BASE_URL},
    {"openai-responses", &codec_openai_responses, OPENAI_BASE_URL},
    {"anthropic", &codec_anthropic, ANTHROPIC_BASE_URL},
    {"gemini", &codec_gemini, GEMINI_BASE_URL},
    {"ollama", &codec_ollama, OLLAMA_BASE_URL},
    {DEMO_NAME, NULL, NULL},
    {REPLAY_NAME, NULL, NULL},
    {.name = NULL},
};

/* Default models as of November 2026: one that is quick and cheap, since nobody asked for it. */
static const struct provider_preset presets[] = {
    {"openai", "OPENAI_API_KEY", "openai", OPENAI_BASE_URL, "gpt-5-mini"},
    {"openrouter", "OPENROUTER_API_KEY", "openai", OPENROUTER_BASE_URL, "openrouter/auto"},
    {"anthropic", "ANTHROPIC_API_KEY", "anthropic", ANTHROPIC_BASE_URL, "claude-haiku-4-5"},
    {"gemini", "GEMINI_API_KEY", "gemini", GEMINI_BASE_URL, "gemini-3.8-flash"},
    {.name = NULL},
};

const struct provider_type *provider_types(void)
{
    return types;
}

const struct provider_type *provider_type_find(const char *name)
{
    for (const struct provider_type *type = types; type->name; type++) {
        if (name && strcmp(type->name, name) == 0) {
            return type;
        }
    }
    return NULL;
}

const struct provider_preset *provider_presets(void)
{
    return presets;
}

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value && *value;
}

static const struct config_provider *find_configured(const struct config *config, struct sv name)
{
    for (size_t i = 0; config && i < config->provider_count; i++) {
        if (sv_equal_str(name, config->providers[i].name)) {
            return &config->providers[i];
        }
    }
    return NULL;
}

static const struct provider_preset *find_preset(struct sv name)
{
    for (const struct provider_preset *preset = presets; preset->name; preset++) {
        if (sv_equal_str(name, preset->name)) {
            return preset;
        }
    }
    return NULL;
}

/* The texts are constants or the config's, and nobody writes to them through a choice. */
static struct config_provider of_preset(const struct provider_preset *preset)
{
    return (struct config_provider){.name = (char *)preset->name,
                                    .type = provider_type_find(preset->type),
                                    .base_url = (char *)preset->base_url,
                                    .api_key_env = (char *)preset->key_env,
                                    .found = true};
}

/* The hosted service that a configured provider talks to, when it is one of ours. */
static const struct provider_preset *preset_behind(const struct config_provider *provider)
{
    const char *url = provider->base_url ? provider->base_url : provider->type->base_url;
    for (const struct provider_preset *preset = presets; preset->name; preset++) {
        if (url && preset->base_url && strcmp(url, preset->base_url) == 0) {
            return preset;
        }
    }
    return NULL;
}

static struct config_provider of_configured(const struct config_provider *configured)
{
    struct config_provider provider = *configured;
    const struct provider_preset *preset = preset_behind(configured);
    bool has_source = provider.api_key_env || provider.api_key_cmd || provider.api_key_file;
    /* A key in the environment goes to its own provider's host, and there only. */
    if (preset && !has_source && is_set(preset->key_env)) {
        provider.api_key_env = (char *)preset->key_env;
    }
    return provider;
}

char *provider_without_key(const struct config_provider *provider)
{
    const struct provider_preset *preset = preset_behind(provider);
    if (provider->api_key_env || provider->api_key_cmd || provider->api_key_file ||
        (provider->headers && provider->headers[0])) {
        return NULL;
    }
    return xasprintf("%s%ssay in [provider.%s] where it is (api_key_env, api_key_file or "
                     "api_key_cmd)",
                     preset ? preset->key_env : "", preset ? " can hold it, or " : "",
                     provider->name);
}

static void give(const struct config_provider *provider, struct sv model,
                 struct model_choice *ret_choice)
{
    log_write(LOG_INFO, "model %s/%.*s", provider->name, SV_ARG(model));
    *ret_choice = (struct model_choice){
        .provider = *provider,
        .model = xstrndup(model.p ? model.p : "", model.n),
        .label = xasprintf("%s/%.*s", provider->name, SV_ARG(model)),
        .demo = strcmp(provider->type->name, DEMO_NAME) == 0,
    };
}

bool provider_type_replays(const struct provider_type *type)
{
    return strcmp(type->name, REPLAY_NAME) == 0;
}

void model_choose_demo(struct model_choice *ret_choice)
{
    const struct config_provider demo = {.name = (char *)DEMO_NAME,
                                         .type = provider_type_find(DEMO_NAME)};
    give(&demo, SV(DEMO_MODEL), ret_choice);
}

void model_choice_release(struct model_choice *choice)
{
    if (choice) {
        free(choice->model);
        free(choice->label);
        *choice = (struct model_choice){0};
    }
}

static enum err_code choose_preset(const struct provider_preset *preset, struct sv model,
                                   struct model_choice *ret_choice, struct err *err)
{
    if (!is_set(preset->key_env)) {
        return err_set(err, ERR_AUTH,
                       "provider '%s' needs a key: set %s, or write [provider.%s] into the config",
                       preset->name, preset->key_env, preset->name);
    }
    struct config_provider provider = of_preset(preset);
    give(&provider, model.n ? model : sv_from(preset->default_model), ret_choice);
    return ERR_OK;
}

static enum err_code choose_configured(const struct config_provider *configured, struct sv model,
                                       struct model_choice *ret_choice, struct err *err)
{
    struct config_provider provider = of_configured(configured);
    const struct provider_preset *preset = preset_behind(configured);
    if (!model.n && strcmp(provider.type->name, DEMO_NAME) == 0) {
        model = SV(DEMO_MODEL);
    } else if (!model.n && preset) {
        model = sv_from(preset->default_model);
    }
    if (!model.n) {
        return err_set(err, ERR_CONFIG, "no model named for provider '%s': write %s/MODEL",
                       provider.name, provider.name);
    }
    give(&provider, model, ret_choice);
    return ERR_OK;
}

static enum err_code unknown_provider(const struct config *config, struct sv name, bool has_model,
                                      struct err *err)
{
    struct nearest nearest = nearest_start(name);
    nearest_offer(&nearest, DEMO_NAME);
    for (const struct provider_preset *preset = presets; preset->name; preset++) {
        nearest_offer(&nearest, preset->name);
    }
    for (size_t i = 0; config && i < config->provider_count; i++) {
        nearest_offer(&nearest, config->providers[i].name);
    }
    for (size_t i = 0; config && i < config->alias_count; i++) {
        nearest_offer(&nearest, config->aliases[i].name);
    }
    const char *best = nearest.best;
    return err_set(err, ERR_CONFIG, "no provider%s is called '%.*s'%s%s%s%s",
                   has_model ? "" : " or alias", SV_ARG(sv_take(name, 80)),
                   best ? " (did you mean '" : "", best ? best : "", best ? "'?)" : "",
                   has_model ? "" : "; a model is named as PROVIDER/MODEL");
}

static const struct config_alias *find_alias(const struct config *config, const char *name)
{
    for (size_t i = 0; config && i < config->alias_count; i++) {
        if (strcmp(name, config->aliases[i].name) == 0) {
            return &config->aliases[i];
        }
    }
    return NULL;
}

/* PROVIDER/MODEL, or a provider alone. */
static enum err_code choose_label(const struct config *config, struct sv label,
                                  struct model_choice *ret_choice, struct err *err)
{
    size_t slash = sv_find(label, '/');
    struct sv name = sv_take(label, slash);
    struct sv model = sv_skip(label, slash + 1);
    if (slash < label.n && !model.n) {
        return err_set(err, ERR_CONFIG, "'%.*s' names no model: expected PROVIDER/MODEL",
                       SV_ARG(sv_take(label, 80)));
    }
    const struct config_provider *configured = find_configured(config, name);
    if (configured) {
        return choose_configured(configured, model, ret_choice, err);
    }
    if (sv_equal_str(name, DEMO_NAME)) {
        model_choose_demo(ret_choice);
        return ERR_OK;
    }
    if (sv_equal_str(name, REPLAY_NAME)) {
        const struct config_provider replay = {.name = (char *)REPLAY_NAME,
                                               .type = provider_type_find(REPLAY_NAME)};
        return choose_configured(&replay, model, ret_choice, err);
    }
    const struct provider_preset *preset = find_preset(name);
    if (preset) {
        return choose_preset(preset, model, ret_choice, err);
    }
    return unknown_provider(config, name, slash < label.n, err);
}

/* An alias, or what it could stand for. */
static enum err_code choose_named(const struct config *config, const char *wanted,
                                  struct model_choice *ret_choice, struct err *err)
{
    const struct config_alias *alias = find_alias(config, wanted);
    enum err_code code =
        choose_label(config, sv_from(alias ? alias->model : wanted), ret_choice, err);
    return code && alias
               ? err_prefix(err, "%s:%u: alias '%s'", config->path, alias->line, alias->name)
               : code;
}

/* What the file says is wrong by its line, unless that is an alias, which has its own. */
static enum err_code choose_default(const struct config *config, struct model_choice *ret_choice,
                                    struct err *err)
{
    enum err_code code = choose_named(config, config->model, ret_choice, err);
    return code == ERR_CONFIG && !find_alias(config, config->model)
               ? err_prefix(err, "%s:%u: model", config->path, config->model_line)
               : code;
}

/* Says what is missing and how to supply it. */
static enum err_code nothing_configured(const struct config *config, struct err *err)
{
    struct buf text = BUF_INIT(ERR_TEXT_SIZE);
    buf_append_str(&text,
                   "no model is configured: set OPENAI_API_KEY, OPENROUTER_API_KEY, "
                   "ANTHROPIC_API_KEY or GEMINI_API_KEY, or name a provider and a model in ");
    const char *path = config && config->path && config->path[0] ? config->path : "config.toml";
    buf_append_str(&text, strlen(path) < 160 ? path : "config.toml");
    buf_append_str(&text, " ('weir config init' begins one), or try the offline demo: -m demo");
    if (config && config->provider_count) {
        buf_appendf(&text, "; the config has provider '%.40s' but no model = \"%.40s/MODEL\"",
                    config->providers[0].name, config->providers[0].name);
    }
    err_set(err, ERR_NOT_CONFIGURED, "%s", buf_cstr(&text));
    buf_release(&text);
    return ERR_NOT_CONFIGURED;
}

enum err_code model_choose(const struct config *config, const char *wanted,
                           struct model_choice *ret_choice, struct err *err)
{
    if (wanted && !*wanted) {
        return err_set(err, ERR_USAGE, "the model's name is empty: expected PROVIDER/MODEL");
    }
    wanted = wanted ? wanted : getenv("WEIR_MODEL");
    if (wanted && *wanted) {
        return choose_named(config, wanted, ret_choice, err);
    }
    if (config && config->model) {
        return choose_default(config, ret_choice, err);
    }
    for (const struct provider_preset *preset = presets; preset->name; preset++) {
        if (is_set(preset->key_env)) {
            return choose_preset(preset, SV(""), ret_choice, err);
        }
    }
    return nothing_configured(config, err);
}
