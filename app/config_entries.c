/* Where the value of a key goes: the tables that have names, made when they are named first. */
#include "app/config_internal.h"
#include "app/money.h"
#include "base/alloc.h"

struct config_provider *config__provider(struct loader *loader, struct sv name, unsigned line)
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

void *config__home(struct loader *loader, const struct config_key *key,
                   const struct toml_item *item)
{
    char *base = (char *)loader->config;
    if (key->home == KEY_OF_PROVIDER) {
        base = (char *)config__provider(loader, item->path[1], item->line);
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
